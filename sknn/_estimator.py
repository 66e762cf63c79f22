"""What all estimators share: validate, encode the targets, build, train, predict."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import MethodType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._callbacks import CallbackSupportMixin, FitCallbacks, fit_callbacks
from ._docs import shared_docs
from ._parameters import TrainingParametersMixin
from ._random import NoiseStream
from ._sklearn import RegressorMixin, check_optimize_result, fit_context
from ._summary import SummaryMixin
from ._threads import blas_threads_for
from ._transfer import TransferMixin
from ._typing import Array, DType, Matrix, MatrixLike
from ._validation import (
    check_sample_weight,
    check_some_weight,
    warn_caller,
)
from ._validation_set import ValidationSetMixin
from .descent import Clipping
from .layers import Layer
from .losses import Loss
from .network import Network
from .objective import Objective
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


@dataclass
class Run:
    """What one call of `fit` or `partial_fit` carries along.

    `rng` is scikit-learn's stream, of initial weights, hold-out and shuffles; `noise`
    the one of masks and mixup.
    """

    rng: np.random.RandomState
    noise: np.random.Generator
    one_epoch: bool
    callbacks: FitCallbacks | None = None
    history: History = field(default_factory=History)
    validate: Validate | None = None
    base_rates: Sequence[float] = ()


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


def float_dtype(dtype: Any) -> DType:
    """Return the dtype to compute in for data of that one: bytes become float32."""
    dtype = np.dtype(dtype)
    return dtype if dtype.kind == "f" else np.dtype(np.float32)


def noise_stream(rng: np.random.RandomState) -> np.random.Generator:
    """Return a stream for masks and mixup that depends on `rng` but does not move it.

    Initial weights, hold-out and shuffles are then the same with and without them.
    """
    seed = copy.deepcopy(rng).randint(2**32, size=4, dtype=np.uint32)
    return NoiseStream(np.random.SFC64(seed))


@shared_docs
class BaseNetworkEstimator(
    TrainingParametersMixin,
    ValidationSetMixin,
    TransferMixin,
    SummaryMixin,
    CallbackSupportMixin,
    ABC,
):
    """Base of all sknn estimators: everything but the layers and their parameters.

    A fit that fails, for whatever reason, leaves the estimator as it was before: it
    trains a network of its own, and attributes are put back on any error. (A
    RandomState instance that was passed as random_state has moved on.)
    """

    network_: Network
    _progress: SolverProgress | None

    @abstractmethod
    def _make_layers(self, n_outputs: int) -> list[Layer]:
        """Return the layers from the input to the raw scores."""

    @abstractmethod
    def _make_loss(self) -> Loss:
        """Return the loss that fits parameters and targets."""

    def _make_training_loss(self) -> Loss:
        """Return the loss to train on, where it is not the one to validate on."""
        return self._loss

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

    # -- checks -------------------------------------------------------------------

    def _check_combinations(self, network: Network) -> None:
        """Raise where parameters that are valid one by one cannot go together."""
        # Frozen layers do as in prediction.
        layers = [
            layer
            for layer, rate in zip(network.layers, network.rates, strict=True)
            if rate
        ]
        random = any(layer.random for layer in layers)
        mixes = any(layer.mixes_rows for layer in layers)
        augments = self._make_augment(np.random.default_rng(0)) is not None
        if mixes and self.batch_size == 1:
            raise ValueError(
                "Batch normalisation (normalization='batch') has nothing to learn from "
                "a batch of one row, but batch_size=1. Use a larger batch, or layer "
                "normalisation ('layer')."
            )
        if self.solver != "lbfgs":
            return
        for culprit, is_on in (
            ("dropout, input_dropout, dropconnect or a random layer makes", random),
            ("augmentation makes", augments),
            ("mixup makes", self._mixup_alpha()),
            ("batch normalisation (normalization='batch') makes", mixes),
        ):
            if is_on:
                raise ValueError(
                    f"{culprit} the loss different from batch to batch, but "
                    "solver='lbfgs' needs one fixed function to minimise. Leave it "
                    "out, or choose another solver, such as 'adam'."
                )

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

    @fit_context
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        %(fit_parameters)s
        %(validation_parameters)s

        Returns
        -------
        self : estimator
            The fitted estimator itself.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
        one_epoch: bool = False,
    ) -> None:
        """Fit; with `one_epoch`, go on from where the last call stopped."""
        # Before anything that is undone on failure: scikit-learn clears up itself.
        most = None if self.early_stopping and self.refit_on_all else self.max_iter
        callbacks = (
            None if one_epoch else fit_callbacks(self, X, y, sample_weight, most)
        )
        with self._all_or_nothing():
            data, run = self._begin(X, y, sample_weight, one_epoch)
            run.callbacks = callbacks
            validation_data = self._check_validation(
                validation, data, self._float_dtype(data.X)
            )
            self._train_and_set(data, validation_data, run)
            if callbacks is not None:
                callbacks.fit_ends()

    def _begin(
        self, X: Any, y: Any, sample_weight: Any = None, one_epoch: bool = False
    ) -> tuple[Data, Run]:
        """Do all of a fit that comes before training: check, encode, set the network.

        On a clone, this is how tools look at a network that has not been trained.
        """
        goes_on = hasattr(self, "network_") and (self.warm_start or one_epoch)
        X, y = self._check_X_y(X, y, first=not goes_on)
        dtype = self._float_dtype(X)
        y = self._encode_targets(y, dtype, self._classes_may(goes_on, one_epoch))
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype)
        data = Data(X, y, self._weigh(sample_weight, y, dtype))
        if data.sample_weight is not None:
            check_some_weight(data.sample_weight)
        rng = check_random_state(self.random_state)
        run = Run(rng, noise_stream(rng), one_epoch)
        self._loss = self._make_loss()
        network = self._start_network(X, y, rng, goes_on, one_epoch)
        self._check_combinations(network)
        if goes_on:
            run.history = self._history.copy()
        self._set_network(network)
        return data, run

    def _float_dtype(self, X: Matrix) -> DType:
        """Return the dtype of targets and weights, that of the training."""
        # L-BFGS needs the accuracy of float64 for its line search.
        return float_dtype(np.float64 if self.solver == "lbfgs" else X.dtype)

    def _train_and_set(
        self, data: Data, validation_data: Data | None, run: Run
    ) -> None:
        """Hold rows out if asked to, train, and set the fitted attributes."""
        train_data, refits = data, self.early_stopping and self.refit_on_all
        if validation_data is None and self.early_stopping:
            train_data, validation_data = self._hold_out(data, run.rng)
        elif refits:
            raise ValueError(
                "refit_on_all=True trains again with the rows that were held out, but "
                "with X_val and y_val none are. Append them to X and y, and tell them "
                "apart by validation_fraction=PredefinedSplit(...)."
            )
        limits = Limits(
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            early_stopping=self.early_stopping,
            restore_best=self.restore_best,
            verbose=int(self.verbose),
        )
        validated = validation_data is not None
        # What a callback or a scorer may look at: the lists grow while it trains.
        self._set_fitted(run.history, validated)
        if run.callbacks is not None:
            run.callbacks.refresh = partial(self._set_fitted, run.history, validated)
        begin = self.network_.snapshot()
        run.validate = self._make_validate(validation_data)
        ending = self._train(train_data, run, limits)
        self._report(ending, run.history)
        if self.early_stopping and run.history.best_validation_score == -math.inf:
            raise ValueError(
                "early_stopping has nothing to go by: the score on the validation set, "
                f"scoring={self.scoring!r}, was not a number in any of "
                f"{run.history.n_iter} epochs. Perhaps the set is too small, or misses "
                "a class: raise validation_fraction, make it a splitter such as "
                "StratifiedShuffleSplit(1), pass X_val and y_val, or use "
                "scoring='loss'."
            )
        if refits and ending not in ("interrupted", "stopped"):
            self._train_best_epochs(data, run, limits, begin)
        self._set_fitted(run.history, validated)

    def _train_best_epochs(
        self, data: Data, run: Run, limits: Limits, begin: tuple[Array, Array]
    ) -> None:
        """Train on all rows for as many epochs as did best on the hold-out."""
        rates = run.history.base_rates
        again = replace(run, history=History(), validate=None, base_rates=rates)
        best = run.history.best_epoch
        if best == 0:  # no epoch had a score, or none was better than a warm start
            return
        kept = self.network_.snapshot()
        self.network_.restore(begin)
        ending = self._train(
            data,
            again,
            replace(
                limits, max_iter=best, n_iter_no_change=math.inf, early_stopping=False
            ),
        )
        if ending in ("interrupted", "stopped"):
            self.network_.restore(kept)
            warn_caller(
                "refit_on_all: the second run, on all rows, did not reach its end. The "
                "best weights of the first are kept."
            )
            return
        if ending != "max_iter":
            self._report(ending, again.history)
        run.history.n_iter, run.history.loss = again.history.n_iter, again.history.loss
        run.history.t += again.history.t

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

    def _as_rows(self, X: Any, first: bool) -> Any:
        """Return `X` with one row for each sample; images would become rows here."""
        return X

    def _kept_dtypes(self, first: bool) -> list[Any]:
        """Return the dtypes of X that are kept; others are cast to the first."""
        return [np.float64, np.float32] if first else [self.network_.dtype]

    def _check_X_y(self, X: Any, y: Any, first: bool) -> tuple[Matrix, Array]:
        return validate_data(
            self,
            self._as_rows(X, first),
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=isinstance(self, RegressorMixin),
            dtype=self._kept_dtypes(first),
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
        layers = self._make_layers(n_scores)
        network = Network(layers, X.shape[1:], float_dtype(X.dtype))
        rates = self._layer_rates(network)
        if rates != list(network.rates):
            network = Network(layers, network.in_shape, network.dtype, rates)
        if not goes_on:
            network.initialize(rng)
            if self.init_from is not None:
                self._take_weights(network)
            return network
        fitted = self.network_
        if fitted.arrays != network.arrays:
            raise ValueError(
                f"The parameters ask for other layers now, {network!r}, than those to "
                f"go on with, {fitted!r}. Refit with warm_start=False, or leave "
                "the parameters of the layers and the number of outputs as they are."
            )
        network.weights = fitted.weights
        return network

    def _set_network(self, network: Network) -> None:
        """Set the network to train, and what a scorer may want to know of it."""
        self.network_ = network
        self.n_outputs_ = network.out_shape[0]
        self.n_layers_ = network.n_layers
        self.out_activation_ = self._loss.link_name

    # -- training -----------------------------------------------------------------

    def _train(self, data: Data, run: Run, limits: Limits) -> Ending:
        """Train `network_` in place."""
        dtype = self.network_.dtype
        # What overflows is reported later, once and in words.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.solver == "lbfgs":
                self.network_ = self.network_.astype(np.dtype(np.float64))
                ending = self._train_lbfgs(data, run, limits)
            else:
                ending = self._train_stochastic(data, run, limits)
        self.network_ = self.network_.astype(dtype)
        return ending

    def _make_objective(self, rng: np.random.Generator) -> Objective:
        loss = self._make_training_loss()
        return Objective(
            self.network_,
            loss,
            self.alpha,
            self.l1_ratio,
            self._mixup_alpha(),
            rng,
            self._make_augment(rng),
        )

    def _mixup_alpha(self) -> float:
        """Return the parameter of mixup, 0 for none."""
        return self.mixup

    def _make_augment(
        self, rng: np.random.Generator
    ) -> Callable[[Matrix], Array] | None:
        """Return what makes variations of the rows of a batch, if anything does."""
        return None

    def _make_monitor(self, run: Run, limits: Limits) -> Monitor:
        return Monitor(self.network_, run.history, limits, run.validate, run.callbacks)

    def _train_stochastic(self, data: Data, run: Run, limits: Limits) -> Ending:
        solver, network = self._make_solver(), self.network_
        rate = float(self.learning_rate_init)
        before = getattr(self, "_progress", None) if run.one_epoch else None
        if before is None:
            progress = SolverProgress.start(solver, network, rate, run.noise)
        else:
            progress = before.resume(solver, network, rate)
        schedule, batch_size = self._make_schedule(), self._clip_batch_size(data.n)
        if run.one_epoch and schedule(progress.epochs, self.max_iter, data.n) == 0:
            warn_caller(
                f"The learning rate is 0: learning_rate={self.learning_rate!r} is "
                f"planned for max_iter={self.max_iter} epochs, which are over. Choose "
                "one that does not end at 0, or raise max_iter."
            )
        with blas_threads_for(batch_size * self.network_.largest_product):
            ending = train_stochastic(
                self._make_objective(progress.rng),
                data,
                self._make_monitor(run, limits),
                schedule,
                progress,
                batch_size=batch_size,
                shuffle=self.shuffle,
                rng=run.rng,
                clipping=Clipping(self.max_grad_norm, self.max_grad_value),
                n_epochs=self.max_iter,
                base_rates=run.base_rates,
                one_epoch=run.one_epoch,
            )
        # After early stopping nothing goes on from here: do not keep the state.
        self._progress = None if self.early_stopping else progress
        return ending

    def _train_lbfgs(self, data: Data, run: Run, limits: Limits) -> Ending:
        objective = self._make_objective(run.noise)
        monitor = self._make_monitor(run, limits)
        rows = self.network_.rows_per_pass(data.n)
        with blas_threads_for(rows * self.network_.largest_product):
            ending, result = train_lbfgs(objective, data, monitor, max_fun=self.max_fun)
        if result is not None and limits.max_iter == self.max_iter:
            check_optimize_result("lbfgs", result, self.max_iter)
        self._progress = None
        return ending

    def _report(self, ending: Ending, history: History) -> None:
        """Warn or raise as the run has ended, in scikit-learn's words if it has any."""
        finite = bool(np.isfinite(self.network_.theta).all())
        if ending == "diverged" or not finite:
            self._report_divergence(history, finite)
        elif ending == "interrupted":
            warn_caller("Training interrupted by user.")
        elif ending == "max_iter" and not self._make_schedule().ends:
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
            advice += (
                f", lower learning_rate_init={self.learning_rate_init}, or bound the "
                "gradient, for example by max_grad_norm=1"
            )
        goes_back = self.early_stopping and self.restore_best
        if finite and goes_back and history.best_validation_score > -math.inf:
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
        self.history_ = {
            "epoch": list(range(1, len(history.columns["loss"]) + 1)),
            **history.columns,
        }
        self.loss_curve_ = history.columns["loss"]
        self.learning_rates_ = history.columns["learning_rate"]
        self.loss_ = history.loss
        self.best_loss_ = None if self.early_stopping else history.best_loss
        scores, losses = (
            history.columns[f"validation_{what}"] for what in ("score", "loss")
        )
        self.validation_scores_ = scores if validated else None
        self.validation_loss_curve_ = losses if validated else None
        self.best_validation_score_ = (
            history.best_validation_score if validated else None
        )

    # -- predict ------------------------------------------------------------------

    def _check_X(self, X: Any) -> Matrix:
        """Return rows to predict from, after checking them."""
        check_is_fitted(self)
        return validate_data(
            self,
            self._as_rows(X, first=False),
            accept_sparse="csr",
            dtype=self._kept_dtypes(first=True),
            reset=False,
        )

    def _raw_scores(self, X: Any) -> Array:
        """Return the raw scores (n, n_outputs_) of rows `X`, after checking them."""
        X = self._check_X(X)
        return self.network_.scores(X)

    def predict(self, X: Any) -> Array:
        """Predict the targets of rows of features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.

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
