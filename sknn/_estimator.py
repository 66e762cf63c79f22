"""What all estimators share: validate, encode the targets, build, train, predict."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from numbers import Real
from types import MethodType
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import check_is_fitted, validate_data

from ._threads import blas_threads_for
from ._typing import Array, DType, Matrix
from ._validation import (
    add_suggestion,
    check_sample_weight,
    check_some_weight,
    check_validation_pair,
    hold_out_size,
    takes_sample_weight,
    warn_caller,
)
from .layers import Layer
from .losses import Loss
from .network import Network
from .objective import Objective, mean_loss
from .schedules import SCHEDULES, Schedule
from .solvers import SOLVERS, Solver
from .training import (
    Data,
    Ending,
    History,
    Limits,
    Monitor,
    SolverProgress,
    Validate,
    train_lbfgs,
    train_stochastic,
)

DIVERGED = (
    "The {what} became {value} in epoch {epoch}, where training stopped. Scale the "
    "features, for example with sklearn.preprocessing.StandardScaler, and the target "
    "of a regressor"
)


ClassesMay = Literal["be new", "be the same", "be some"]
"""How the classes in y may relate to those seen before."""


class PartialFitUnavailableError(AttributeError, ValueError):
    """partial_fit does not exist under these parameters.

    An AttributeError, so that ``hasattr`` and meta-estimators see that the method is
    missing, and the ValueError that scikit-learn raises under early stopping.
    """


class AvailablePartialFit:
    """A method that exists only where training can go on batch after batch.

    Like `sklearn.utils.metaestimators.available_if`, but it says why it is missing.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, estimator: Any, owner: type) -> Any:
        if estimator is None:
            return self.method
        if estimator.solver == "lbfgs":
            raise PartialFitUnavailableError(
                "partial_fit is only available for stochastic optimizers. "
                f"{estimator.solver} is not stochastic."
            )
        if estimator.early_stopping:
            raise PartialFitUnavailableError(
                "partial_fit does not support early_stopping=True"
            )
        if getattr(estimator, "class_weight", None) == "balanced":
            raise PartialFitUnavailableError(
                "partial_fit does not support class_weight='balanced', since it never "
                "sees all rows. Pass the weights as a dict; for a sample of the data "
                "sklearn.utils.compute_class_weight('balanced', classes=classes, y=y) "
                "finds them."
            )
        return MethodType(self.method, estimator)


class BaseNetworkEstimator(BaseEstimator, ABC):
    """Base of all sknn estimators: everything but the layers and their parameters.

    A fit that fails, for whatever reason, leaves the estimator as it was before: it
    trains a network of its own, and attributes are put back on any error. (A
    RandomState instance that was passed as random_state has moved on.)
    """

    _parameter_constraints: dict[str, Any]
    network_: Network

    @abstractmethod
    def _make_layers(self, n_outputs: int) -> list[Layer]:
        """Return the layers from the input to the raw scores."""

    @abstractmethod
    def _make_loss(self) -> Loss:
        """Return the loss that fits parameters and targets."""

    @abstractmethod
    def _encode_targets(self, y: Any, dtype: DType, classes: ClassesMay) -> Array:
        """Check `y`; return what the loss wants. `classes` matters to a classifier."""

    @abstractmethod
    def _decode_targets(self, y: Array) -> Array:
        """Undo `_encode_targets`."""

    @abstractmethod
    def _n_scores(self, y: Array) -> int:
        """Return how many raw scores the encoded targets ask for."""

    @abstractmethod
    def _predict_from_scores(self, z: Array) -> Array:
        """Turn raw scores into predictions; may overwrite `z`."""

    @abstractmethod
    def _score_from_scores(
        self, z: Array, y: Array, sample_weight: Array | None
    ) -> float:
        """Return what ``score`` would, from raw scores and encoded targets."""

    def _weigh(
        self, sample_weight: Array | None, y: Array, dtype: DType
    ) -> Array | None:
        """Return the weights of rows with encoded targets `y`."""
        return sample_weight

    # -- parameters ---------------------------------------------------------------

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise add_suggestion(
                error, self.get_params(deep=False), self._parameter_constraints
            ) from None

    def _make(self, cls: Any) -> Any:
        """Make a solver or schedule: its fields are parameters of the estimator."""
        return cls(**{f.name: getattr(self, f.name) for f in fields(cls)})

    def _make_solver(self) -> Solver:
        return self._make(SOLVERS[self.solver])

    def _make_schedule(self) -> Schedule:
        # As in scikit-learn, learning_rate is a parameter of solver="sgd" only.
        name = self.learning_rate if self.solver == "sgd" else "constant"
        return self._make(SCHEDULES[name])

    def _clip_batch_size(self, n: int) -> int:
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warn_caller(
                "Got `batch_size` less than 1 or larger than sample size. It is going "
                "to be clipped"
            )
        return min(self.batch_size, n)

    # -- fit ----------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
        one_epoch: bool = False,
    ) -> None:
        """Fit; with `one_epoch`, go on from where the last call stopped."""
        with self._all_or_nothing():
            goes_on = hasattr(self, "network_") and (self.warm_start or one_epoch)
            X, y = self._check_X_y(X, y, first=not goes_on)
            # L-BFGS needs the accuracy of float64 for its line search.
            dtype = np.dtype(np.float64) if self.solver == "lbfgs" else X.dtype
            y = self._encode_targets(y, dtype, self._classes_may(goes_on, one_epoch))
            if sample_weight is not None:
                sample_weight = check_sample_weight(sample_weight, X, dtype)
            data = Data(X, y, self._weigh(sample_weight, y, dtype))
            if data.sample_weight is not None:
                check_some_weight(data.sample_weight)
            rng = check_random_state(self.random_state)
            network = self._start_network(X, y, rng, goes_on, one_epoch)
            history = self._history.copy() if goes_on else History()
            self._set_network(network)
            validation_data = self._check_validation(validation, data, dtype)
            if validation_data is None and self.early_stopping:
                data, validation_data = self._hold_out(data, rng)
            validate = self._make_validate(validation_data)
            self._train(data, history, validate, rng, one_epoch)
            self._set_fitted(history, validate is not None)

    def _classes_may(self, goes_on: bool, one_epoch: bool) -> ClassesMay:
        if not goes_on and not (one_epoch and hasattr(self, "classes_")):
            return "be new"
        return "be the same" if self.warm_start else "be some"

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Put all attributes back if the block fails."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _check_X_y(self, X: Any, y: Any, first: bool) -> tuple[Matrix, Array]:
        return validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=isinstance(self, RegressorMixin),
            dtype=(np.float64, np.float32) if first else self.network_.dtype,
            order="C",
            reset=first,
        )

    def _start_network(
        self,
        X: Matrix,
        y: Array,
        rng: np.random.RandomState,
        goes_on: bool,
        one_epoch: bool,
    ) -> Network:
        """Return a new network, or a copy of the fitted one to go on with."""
        n_scores = self._n_scores(y)
        network = Network(self._make_layers(n_scores), X.shape[1:], X.dtype)
        if not goes_on:
            network.initialize(rng)
            return network
        fitted = self.network_
        if fitted.shapes != network.shapes:
            raise ValueError(
                f"The parameters ask for other layers now, {network!r}, than those to "
                f"go on with, {fitted!r}. Refit with warm_start=False, or leave "
                "hidden_layer_sizes and the number of outputs as they are."
            )
        np.copyto(network.theta, fitted.theta)
        return network

    def _set_network(self, network: Network) -> None:
        """Set the network to train, and what a scorer may want to know of it."""
        self.network_, self._loss = network, self._make_loss()
        self.n_outputs_ = network.out_shape[0]
        self.n_layers_ = network.n_layers
        self.out_activation_ = self._loss.link_name

    # -- validation set -----------------------------------------------------------

    def _check_validation(
        self, validation: tuple[Any, Any, Any], data: Data, dtype: DType
    ) -> Data | None:
        """Return the user's validation set, checked and encoded; None if none came."""
        X_val, y_val, sample_weight_val = validation
        if not check_validation_pair(*validation):
            return None
        try:
            X_val, y_val = validate_data(
                self,
                X_val,
                y_val,
                accept_sparse="csr",
                multi_output=True,
                y_numeric=isinstance(self, RegressorMixin),
                dtype=data.X.dtype,
                order="C",
                reset=False,
            )
            y_val = self._encode_targets(y_val, dtype, "be some")
            if y_val.shape[1:] != data.y.shape[1:]:
                raise ValueError(
                    f"y has {data.y.shape[1]} outputs, y_val {y_val.shape[1]}."
                )
            if sample_weight_val is not None:
                sample_weight_val = check_sample_weight(sample_weight_val, X_val, dtype)
        except ValueError as error:
            raise ValueError(
                f"Invalid validation set (X_val, y_val): {error}"
            ) from None
        return Data(X_val, y_val, self._weigh(sample_weight_val, y_val, dtype))

    def _hold_out(self, data: Data, rng: np.random.RandomState) -> tuple[Data, Data]:
        """Split the rows in two as scikit-learn does, without copying any of them."""
        stratify = None
        # scikit-learn stratifies two classes, but not more and not several labels.
        if isinstance(self, ClassifierMixin) and data.y.shape[1:] == (1,):
            stratify = data.y.astype(bool)
            if stratify.all() or not stratify.any():
                stratify = None
        size = hold_out_size(
            data.n, self.validation_fraction, 1 if stratify is None else 2
        )
        train, held_out = train_test_split(
            np.arange(data.n), random_state=rng, test_size=size, stratify=stratify
        )
        parts = [copy.copy(data), copy.copy(data)]
        parts[0].rows, parts[1].rows = train, held_out
        if data.sample_weight is not None:
            for rows, name in ((train, "left to train on"), (held_out, "held out")):
                check_some_weight(data.sample_weight[rows], f" in the rows {name}")
        return parts[0], parts[1]

    def _make_validate(self, data: Data | None) -> Validate | None:
        """Return a function that measures the network on the validation set."""
        if data is None:
            return None
        rows = data.selected
        y = data.y[rows]
        w = None if data.sample_weight is None else data.sample_weight[rows]
        score_fitted = self._make_scorer(data.X, rows, y, w)

        def validate() -> tuple[float, float]:
            z = self.network_.scores(data.X, data.rows)
            if not np.isfinite(z).all():
                return math.nan, math.nan
            loss = mean_loss(self._loss, z, y, w)
            if self.scoring == "loss":
                return loss, -loss
            if score_fitted is None:
                return loss, float(self._score_from_scores(z, y, w))
            return loss, score_fitted()

        return validate

    def _make_scorer(
        self, X: Matrix, rows: Any, y: Array, sample_weight: Array | None
    ) -> Callable[[], float] | None:
        """Return a function that calls the user's scorer on the validation set."""
        if self.scoring is None or self.scoring == "loss":
            return None
        scorer = get_scorer(self.scoring)
        X_val, y_val = X[rows], self._decode_targets(y)
        weights = {}
        if sample_weight is not None and takes_sample_weight(scorer):
            weights["sample_weight"] = sample_weight

        def score_fitted() -> float:
            fitted = copy.copy(self)
            # The validated X has lost its column names; do not ask for them.
            fitted.__dict__.pop("feature_names_in_", None)
            try:
                score = scorer(fitted, X_val, y_val, **weights)
            except Exception as error:  # whatever a user's function raises
                raise ValueError(
                    f"scoring={self.scoring!r} cannot score the validation set of "
                    f"{len(y_val)} rows: {error} (If it misses a class, pass X_val and "
                    "y_val, raise validation_fraction, or use scoring='loss'.)"
                ) from error
            if not isinstance(score, Real):
                raise ValueError(
                    f"scoring={self.scoring!r} must return a number, got {score!r}."
                )
            return float(score)

        return score_fitted

    # -- training -----------------------------------------------------------------

    def _train(
        self,
        data: Data,
        history: History,
        validate: Validate | None,
        rng: np.random.RandomState,
        one_epoch: bool,
    ) -> None:
        """Train `network_` in place, then warn or raise as the run has ended."""
        limits = Limits(
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            early_stopping=self.early_stopping,
            verbose=bool(self.verbose),
        )
        dtype = self.network_.dtype
        if self.solver == "lbfgs":
            self.network_ = self.network_.astype(np.dtype(np.float64))
        objective = Objective(self.network_, self._loss, self.alpha)
        monitor = Monitor(self.network_, history, limits, validate)
        # What overflows is reported below, once and in words.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.solver == "lbfgs":
                ending = self._train_lbfgs(objective, data, monitor)
            else:
                ending = self._train_stochastic(
                    objective, data, monitor, rng, one_epoch
                )
        self.network_ = self.network_.astype(dtype)
        self._report(ending, history)

    def _train_stochastic(
        self,
        objective: Objective,
        data: Data,
        monitor: Monitor,
        rng: np.random.RandomState,
        one_epoch: bool,
    ) -> Ending:
        before = getattr(self, "_progress", None) if one_epoch else None
        start = before.resume if before is not None else SolverProgress.start
        progress = start(
            self._make_solver(), self.network_.theta, float(self.learning_rate_init)
        )
        batch_size = self._clip_batch_size(data.n)
        with blas_threads_for(batch_size * self.network_.largest_product):
            ending = train_stochastic(
                objective,
                data,
                monitor,
                self._make_schedule(),
                progress,
                batch_size=batch_size,
                shuffle=self.shuffle,
                rng=rng,
                one_epoch=one_epoch,
            )
        # After early stopping nothing goes on from here: do not keep the state.
        self._progress = None if self.early_stopping else progress
        return ending

    def _train_lbfgs(
        self, objective: Objective, data: Data, monitor: Monitor
    ) -> Ending:
        rows = self.network_.rows_per_pass(data.n)
        with blas_threads_for(rows * self.network_.largest_product):
            ending, result = train_lbfgs(objective, data, monitor, max_fun=self.max_fun)
        if result is not None:
            _check_optimize_result("lbfgs", result, self.max_iter)
        self._progress = None
        return ending

    def _report(self, ending: Ending, history: History) -> None:
        """Warn or raise as the run has ended, in scikit-learn's words if it has any."""
        finite = bool(np.isfinite(self.network_.theta).all())
        if ending == "diverged" or not finite:
            self._report_divergence(history, finite)
        elif ending == "interrupted":
            warn_caller("Training interrupted by user.")
        elif ending == "max_iter":
            warn_caller(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached "
                "and the optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def _report_divergence(self, history: History, finite: bool) -> None:
        """Say when it happened and what to try; raise unless good weights are kept."""
        what = "weights" if math.isfinite(history.loss) else "loss"
        value = "non-finite" if math.isfinite(history.loss) else history.loss
        advice = DIVERGED.format(what=what, value=value, epoch=history.n_iter)
        if self.solver != "lbfgs":
            advice += f", or lower learning_rate_init={self.learning_rate_init}"
        if finite and self.early_stopping and history.best_validation_score > -math.inf:
            warn_caller(
                f"{advice}. The weights with the best validation score are kept.",
                ConvergenceWarning,
            )
            return
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain "
            f"large values and need to be preprocessed. {advice}."
        )

    def _set_fitted(self, history: History, validated: bool) -> None:
        """Set the attributes that tell how training went."""
        self._history = history
        self.n_iter_ = history.n_iter
        self.t_ = history.t
        self.loss_curve_ = history.loss_curve
        self.loss_ = history.loss
        self.best_loss_ = None if self.early_stopping else history.best_loss
        self.validation_scores_ = history.validation_scores if validated else None
        self.validation_loss_curve_ = (
            history.validation_loss_curve if validated else None
        )
        self.best_validation_score_ = (
            history.best_validation_score if validated else None
        )

    # -- predict ------------------------------------------------------------------

    def _raw_scores(self, X: Any) -> Array:
        """Return the raw scores (n, n_outputs_) of rows `X`, after checking them."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return self.network_.scores(X)

    def predict(self, X: Any) -> Array:
        """Predict the targets of rows of features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted classes, label indicators, or values.
        """
        return self._predict_from_scores(self._raw_scores(X))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
