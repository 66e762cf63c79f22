"""The base of all estimators: fit, predict and the attributes of a fitted network."""

from __future__ import annotations

import copy
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._sklearn import DocLinkMixin, fit_context
from .._training import Data, History, SolverProgress
from .._typing import Array, DType, MatrixLike
from ..layers import Layer
from ..losses import Loss
from ..network import Network
from .aliases import explain_unknown_names
from .architecture import first_difference
from .callbacks import FitCallbacks, TakesCallbacks, fit_callbacks
from .checkpoints import BeforeFit, FitKeeper, RunKeeper, checkpoint_of
from .fit import fit_network
from .input_checks import (
    check_sample_weight,
    check_some_weight,
    check_validation_pair,
    suggest_transform_input,
    warn_caller,
)
from .inputs import Rows, check_X, check_X_y, float_dtype
from .likely_mistakes import warn_if_scaled_otherwise
from .network_checks import check_combinations
from .parameters import TrainingParameters
from .rollback import all_or_nothing
from .run import FitRun, noise_stream
from .targets import Targets, as_column
from .transfer import array_rates, check_source_features, layer_rates, take_weights
from .validation_set import HeldOut
from .variation import Variation
from .versions import VersionedPickle


class BaseNetworkEstimator(
    DocLinkMixin,
    TakesCallbacks,
    TrainingParameters,
    VersionedPickle,
    ABC,
):
    """Base of all sknn estimators: all but the layers and the meaning of the targets.

    A fitted estimator has a network, the input that it was fitted on, and its targets.
    A fit that fails, for whatever reason, leaves the estimator as it was before: it
    trains a new network, and attributes are restored on any error. (A RandomState
    instance that was passed as random_state has advanced.)
    """

    network_: Network
    history_: dict[str, list[float]]
    loss_curve_: list[float]
    learning_rates_: list[float]
    loss_: float
    best_loss_: float | None
    best_epoch_: int | None
    best_validation_score_: float | None
    averaged_epochs_: list[int]
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    converged_: bool
    n_iter_: int
    t_: int
    n_outputs_: int
    n_layers_: int
    out_activation_: str

    _input: Rows
    _targets: Targets
    _history: History
    _progress: SolverProgress | None

    # -- what a subclass defines -----------------------------------------------------

    @abstractmethod
    def _make_layers(self, input: Rows, n_outputs: int) -> list[Layer]:
        """Return the layers from the input to the raw scores."""

    @abstractmethod
    def _make_targets(
        self, y: Any, known: Targets | None, *, all_classes: bool
    ) -> Targets:
        """Learn from `y` what it means, or check it against `known` targets.

        With `all_classes`, `y` must have all known classes.
        """

    def _make_input(self, X: Any) -> Rows:
        """Learn what the rows of `X` are."""
        return Rows()

    def _make_training_loss(self, targets: Targets) -> Loss:
        """Return the loss to train on, where it is not the one to validate on."""
        return targets.loss

    def _make_variation(self, input: Rows) -> Variation:
        """Return how the rows of a batch are varied in training."""
        return Variation(self.mixup)

    def _layer_learning_rates(self, input: Rows) -> Mapping[str, float]:
        """Return the factors of the learning rate, by names of layers and arrays."""
        return self.layer_learning_rates or {}

    def _row_weights(
        self, targets: Targets, y: Array, sample_weight: Array | None, dtype: DType
    ) -> Array | None:
        """Return the weights of rows with encoded targets `y`."""
        return sample_weight

    def _warn_of_likely_mistakes(self, data: Data) -> None:
        """Warn if data and parameters are valid but probably not what was meant.

        Called before a new network is trained. Tools that inspect it do not warn.
        """
        self._input.warn_of_likely_mistakes(data.X)

    def _keep_held_out(self, held_out: HeldOut | None) -> None:
        """Keep what is needed of the held-out rows after training; None forgets it."""

    def _n_features_of_input_shape(self) -> int | None:
        """Return the number of features, where the parameters determine it."""
        return None

    # -- fit ----------------------------------------------------------------------

    @explain_unknown_names
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
        """Fit; with `one_epoch`, train for one more epoch after the last call."""
        # Not undone on failure: scikit-learn cleans up itself.
        refits = self._refits(holds_out=validation[0] is None)
        n_epochs = None if refits else self.max_iter
        callbacks = (
            None if one_epoch else fit_callbacks(self, X, y, sample_weight, n_epochs)
        )
        self._fit_with_callbacks(X, y, sample_weight, validation, one_epoch, callbacks)

    @all_or_nothing
    def _fit_with_callbacks(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        one_epoch: bool,
        callbacks: FitCallbacks | None,
    ) -> None:
        resumes = self._resumes(one_epoch)
        checkpoint = None if one_epoch else checkpoint_of(self)
        before = None if checkpoint is None else BeforeFit.of(self, resumes)
        fitted = self.network_ if resumes else None
        run = self._start_run(X, y, sample_weight, one_epoch)
        validation_data = self._check_validation(validation, run.data)
        if checkpoint is not None and before is not None:
            identity = before.identity(self, run.data, validation_data)
            keeper = checkpoint.start_fit(identity, before.stream)
            run = self._keep_states(run, keeper, resumes)
        if not resumes:
            self._warn_of_likely_mistakes(run.data)
        run.callbacks = callbacks
        keeps_best = validation_data is None and run.keeps_best
        if not keeps_best:
            self._keep_held_out(None)

        def publish(network: Network) -> None:
            run.network = network
            self._set_fitted(run, run.validator is not None or keeps_best)

        run.publish = publish
        if callbacks is not None:
            callbacks.refresh = lambda: publish(run.network)
        held_out = self._train(run, validation_data)
        if held_out is not None:
            self._keep_held_out(held_out)
        if keeps_best and fitted is not None:
            self.network_ = fitted
        self._progress = run.progress
        if run.progress is not None and run.progress.latest is not None:
            run.progress.shown = checksum(self.network_)
        if callbacks is not None:
            callbacks.fit_ends()
            callbacks.refresh = None
        del run.publish  # a cycle, which would keep X until the next collection

    def _keep_states(self, run: FitRun, keeper: FitKeeper, resumes: bool) -> FitRun:
        """Return the run, or one like that of an interrupted fit, with its keeper."""
        if keeper.resumes and not isinstance(self.random_state, Integral):
            rng = check_random_state(self.random_state or np.random.RandomState())
            rng.set_state(keeper.state.start.get_state())
            run = self._run_from(run.data, rng, resumes)
        run.keeper = RunKeeper(keeper)
        return run

    def _train(self, run: FitRun, validation: Data | None) -> HeldOut | None:
        """Train the network of a run; return what it says of the rows held out."""
        return fit_network(run, validation, estimator=self)

    def _hold_out(self, run: FitRun) -> tuple[Data, Data]:
        """Return the rows that early stopping trains on, and those it holds out."""
        return run.hold_out()

    def _resumes(self, one_epoch: bool) -> bool:
        """Return whether a fit trains the fitted network further."""
        return hasattr(self, "network_") and (self.warm_start or one_epoch)

    def _start_run(
        self, X: Any, y: Any, sample_weight: Any = None, one_epoch: bool = False
    ) -> FitRun:
        """Do all of a fit that comes before training: check, encode, make the network.

        On a clone, this is how tools look at a network that has not been trained.
        """
        resumes = self._resumes(one_epoch)
        data = self._check_data(X, y, sample_weight, resumes, one_epoch)
        rng = check_random_state(self.random_state)
        return self._run_from(data, rng, resumes, one_epoch)

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any, resumes: bool, one_epoch: bool
    ) -> Data:
        """Return checked rows with encoded targets, after learning what they are."""
        X, y = self._check_training_rows(X, y, resumes)
        y = as_column(y)
        self._learn_targets(y, resumes, one_epoch)
        dtype = self._training_dtype(X)
        y = self._targets.encode(y, dtype)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype)
        data = Data(X, y, self._row_weights(self._targets, y, sample_weight, dtype))
        if data.sample_weight is not None:
            check_some_weight(data.sample_weight)
        return data

    def _run_from(
        self,
        data: Data,
        rng: np.random.RandomState,
        resumes: bool,
        one_epoch: bool = False,
    ) -> FitRun:
        """Return a run on checked data, with a network whose weights `rng` draws."""
        before = getattr(self, "_progress", None) if one_epoch else None
        self._progress = before
        # `partial_fit` continues the stream of the previous call.
        noise = noise_stream(rng) if before is None else before.rng
        edited = before is not None and before.shown not in (
            None,
            checksum(self.network_),
        )
        network = self._start_network(data, rng, resumes, one_epoch)
        self._set_network(network)
        run = self._run_of(data, rng, noise)
        run.edited = edited
        run.one_epoch = one_epoch
        check_combinations(self, network, run.variation)
        if resumes:
            run.history, run.is_new = self._history, False
        return run

    def _run_of(
        self,
        data: Data,
        rng: np.random.RandomState | None = None,
        noise: np.random.Generator | None = None,
    ) -> FitRun:
        """Return what trains the network, as it is now, on `data`."""
        return FitRun(
            params=self,
            data=data,
            targets=self._targets,
            loss=self._make_training_loss(self._targets),
            network=self.network_,
            variation=self._make_variation(self._input),
            rng=np.random.RandomState(0) if rng is None else rng,
            noise=np.random.default_rng(0) if noise is None else noise,
            progress=getattr(self, "_progress", None),
        )

    def _check_training_rows(self, X: Any, y: Any, resumes: bool) -> tuple[Any, Any]:
        """Return rows and targets, after learning what they are unless it `resumes`."""
        if resumes:
            return check_X_y(self, X, y, self._input, self.network_.dtype)
        self._input = self._make_input(X)
        check_source_features(self.init_from, X)
        return check_X_y(self, X, y, self._input)

    def _learn_targets(self, y: Any, resumes: bool, one_epoch: bool) -> None:
        """Learn what `y` means, or check it against what it meant before."""
        known = getattr(self, "_targets", None) if resumes or one_epoch else None
        self._targets = self._make_targets(y, known, all_classes=self.warm_start)

    def _training_dtype(self, X: Any) -> DType:
        """Return the dtype of targets and weights, that of the training."""
        # L-BFGS needs the accuracy of float64 for its line search.
        return float_dtype(np.float64 if self.solver == "lbfgs" else X.dtype)

    def _check_validation(
        self, validation: tuple[Any, Any, Any], data: Data
    ) -> Data | None:
        """Return the user's validation set, checked and encoded; None without one."""
        X_val, y_val, sample_weight_val = validation
        if not check_validation_pair(*validation):
            return None
        try:
            val = self._check_rows_like_those_of_fit(X_val, y_val, sample_weight_val)
            if val.y.shape[1:] != data.y.shape[1:]:
                raise ValueError(
                    f"y has {data.y.shape[1]} outputs, y_val {val.y.shape[1]}."
                )
        except ValueError as error:
            raise ValueError(
                f"Invalid validation set (X_val, y_val): {str(error).rstrip()}"
                f"{suggest_transform_input(error)}"
            ) from None
        warn_if_scaled_otherwise(data.X, val.X)
        return val

    def _check_rows_like_those_of_fit(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> Data:
        """Return rows with encoded targets; raise if they do not suit the network."""
        X, y = check_X_y(self, X, y, self._input, self.network_.dtype)
        y, dtype = as_column(y), self._training_dtype(X)
        targets = self._make_targets(y, self._targets, all_classes=False)
        y = targets.encode(y, dtype)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype)
        return Data(X, y, self._row_weights(targets, y, sample_weight, dtype))

    def _start_network(
        self, data: Data, rng: np.random.RandomState, resumes: bool, one_epoch: bool
    ) -> Network:
        """Return a new network, or a copy of the fitted one to train further."""
        if resumes:
            self._check_link()
            return self._network_to_resume(self.network_, data)
        return self._new_network(data, rng)

    def _network_to_resume(self, fitted: Network, data: Data) -> Network:
        """Return a network with the weights of a fitted one, to train further."""
        network = self._network_for(data)
        copy_weights(fitted, network)
        return network

    def _new_network(
        self, data: Data, rng: np.random.RandomState, member: int = 0
    ) -> Network:
        """Return a network for such data, with initial weights.

        In an ensemble it is that of the given member.
        """
        network = self._network_for(data)
        network.initialize(rng, data.X)
        self._targets.initialize_output(network.params[-1])
        if self.init_from is not None:
            source = self._input, self._targets, self.init_from
            take_weights(network, *source, member)
        return network

    def _network_for(self, data: Data) -> Network:
        """Return a network for such data, without initial weights."""
        n_outputs, dtype = self._targets.n_scores(data.y), float_dtype(data.X.dtype)
        return self._make_network(self._input, data.X.shape[1], n_outputs, dtype)

    def _make_network(
        self, input: Rows, n_features: int, n_outputs: int, dtype: DType
    ) -> Network:
        """Return a network without initial weights."""
        layers = self._make_layers(input, n_outputs)
        network = Network(layers, (n_features,), dtype)
        factors = self._layer_learning_rates(input)
        rates = layer_rates(network, self), array_rates(network, factors)
        if rates == (list(network.rates), list(network.array_rates)):
            return network
        return Network(layers, (n_features,), dtype, *rates)

    def _check_link(self) -> None:
        """Warn where the raw scores of the fitted network now mean something else."""
        link = self._targets.loss.link_name
        if link != self.out_activation_:
            warn_caller(
                "The weights were trained for another loss: predictions were the "
                f"{self.out_activation_!r} of the raw scores, and are now their "
                f"{link!r}. Refit with warm_start=False to train new weights."
            )

    def _set_network(self, network: Network) -> None:
        """Set the network to train, and the attributes that a scorer may look at."""
        self.network_ = network
        self.n_outputs_ = network.n_scores
        self.n_layers_ = network.n_layers
        self.out_activation_ = self._targets.loss.link_name

    def _set_fitted(self, run: FitRun, validated: bool) -> None:
        """Set the attributes that describe the training so far."""
        history = run.history
        self.network_ = run.network
        self.n_iter_ = history.n_iter
        self.t_ = history.t
        self.loss_ = history.loss
        self.best_loss_ = None if self.early_stopping else history.best_loss
        self.best_epoch_ = (history.best_epoch or None) if validated else None
        self.best_validation_score_ = (
            history.best_validation_score if validated else None
        )
        self.averaged_epochs_ = history.averaged
        self.converged_ = run.converged
        self._set_history(history, validated)

    def _set_history(self, history: History, validated: bool) -> None:
        """Set the attributes that are columns of the history."""
        columns = history.columns
        self._history = history
        self.history_ = dict(columns)
        self.loss_curve_ = columns["loss"]
        self.learning_rates_ = columns["learning_rate"]
        self.validation_scores_ = columns["validation_score"] if validated else None
        self.validation_loss_curve_ = columns["validation_loss"] if validated else None

    # -- predict ------------------------------------------------------------------

    def _fitted_input(self) -> Rows:
        """Return what the network was fitted on; raise if it is not fitted."""
        check_is_fitted(self)
        return self._input

    def _raw_scores(self, X: Any) -> Array:
        """Return the raw scores (n, n_outputs_) of rows `X`, after checking them."""
        X = check_X(self, X, self._fitted_input())
        z = self.network_.scores(X)
        if not np.isfinite(z).all():
            raise ValueError(
                "The network overflows for some rows of X: their values are too large "
                f"for a network that computes in {self.network_.dtype}. Scale the "
                "features as those that the network was fitted on."
            )
        return z

    def predict(self, X: Any) -> Array:
        """Predict the targets of rows of features.

        Parameters
        ----------
        %(rows)s

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            {class_weight} The predicted classes, or 0 and 1 for each label.
            {quantile} The predicted values.
        """
        z = self._raw_scores(X)
        return self._targets.predict(z)

    # -- for scikit-learn --------------------------------------------------------------

    def __copy__(self) -> Self:
        # A shallow copy shares nothing that one of its methods writes to.
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        if hasattr(self, "network_"):
            other.network_ = copy.deepcopy(self.network_)
            validated = self.validation_scores_ is not None
            other._set_history(self._history.copy(), validated)
        return other

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def checksum(network: Network) -> int:
    """Return a number by which one sees whether the parameters are still the same."""
    return zlib.crc32(network.theta.view(np.uint8).data)


def copy_weights(fitted: Network, network: Network) -> None:
    """Give a new network the weights of the fitted one, from which training resumes."""
    if fitted.arrays != network.arrays:
        raise ValueError(
            f"The parameters now describe other layers, {network!r}, than those of the "
            f"fitted network, {fitted!r}. Refit with warm_start=False, or leave the "
            "parameters of the layers and the number of outputs as they are."
        )
    difference = None
    if network.layers != fitted.layers or network.in_shape != fitted.in_shape:
        difference = first_difference(network, fitted, len(network.layers))
    if difference is not None:
        name, now, before = difference
        warn_caller(
            "The weights were trained for another architecture: layer "
            f"{name} was {before} and is now {now}. Refit with warm_start=False to "
            "train new weights."
        )
    network.weights = fitted.weights
