"""Multi-layer perceptrons: MLPClassifier and MLPRegressor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NoReturn, Self, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from ._estimators.classifier import NetworkClassifier
from ._estimators.dense_blocks import (
    DENSE_BLOCK_CONSTRAINTS,
    ActivationChoice,
    DenseBlockParameters,
    InitializerChoice,
    NormalizationChoice,
    dense_blocks,
    make_dense,
    make_dropout,
    make_initializers,
)
from ._estimators.docs import shared_docs
from ._estimators.input_checks import check_sizes, per_layer
from ._estimators.inputs import Rows
from ._estimators.network_access import NetworkAccess
from ._estimators.parameters import BestChoice, ScheduleChoice, SolverChoice
from ._estimators.regressor import NetworkRegressor, RegressionLossChoice
from ._estimators.targets import ClassWeight
from ._training import Data
from ._typing import Array
from .layers import Layer
from .losses import Loss
from .network import Network


class ParameterViews(list[Array]):
    """Views into a network's parameters; assigning to an item writes through it.

    The length is fixed. A copy, or what a pickle restores, is a plain list.
    """

    def __init__(self, views: Iterable[Array], name: str) -> None:
        super().__init__(views)
        self.name = name

    def __setitem__(self, i: SupportsIndex | slice, value: Any) -> None:
        views: Any = self[i]
        values = value
        if not isinstance(i, slice):
            views, values = [views], [value]
        if len(views) != len(values):
            raise ValueError(
                f"Got {len(values)} arrays of parameters for {len(views)} layers."
            )
        for view, new in zip(views, values, strict=True):
            new = np.asarray(new)
            if new.shape != view.shape:
                raise ValueError(
                    f"Got parameters of shape {new.shape} for a layer that needs "
                    f"{view.shape}."
                )
            view[...] = new

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return list, (list(self),)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"The length and the order of {self.name} are fixed by the layers of the "
            f"network: only its items can be set, {self.name}[0] = array. To change "
            "the layers, set hidden_layer_sizes and fit again; for a list of your own "
            f"use list({self.name})."
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse


class BaseMLP(DenseBlockParameters, NetworkAccess):
    """The layers of a multi-layer perceptron, and `coefs_` and `intercepts_`."""

    _given_parameters: dict[str, Any]

    def _make_layers(self, input: Rows, n_outputs: int) -> list[Layer]:
        sizes = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        n = len(sizes)
        activations = per_layer("activation", self.activation, n)
        choices = per_layer("initializer", self.initializer, n + 1, "weight matrix")
        initializers = make_initializers(self, choices, activations)
        rates = per_layer("dropout", self.dropout, n)
        return [
            *make_dropout(self.input_dropout),
            *dense_blocks(self, sizes, activations, rates, initializers),
            make_dense(self, n_outputs, initializers[n]),
        ]

    def _start_network(
        self, data: Data, rng: np.random.RandomState, resumes: bool, one_epoch: bool
    ) -> Network:
        network = super()._start_network(data, rng, resumes, one_epoch)
        given = self.__dict__.pop("_given_parameters", {})
        if len(given) == 1:
            raise ValueError(
                "coefs_ and intercepts_ were not both set: set the other one too."
            )
        if given and (self.warm_start or one_epoch):
            for name, arrays in given.items():
                _views(network, name)[:] = arrays
        return network

    def _build_network(
        self, weights: Sequence[ArrayLike], y: Any, n_features: int | None
    ) -> None:
        super()._build_network(weights, y, n_features)
        self.__dict__.pop("_given_parameters", None)

    def _get_parameters(self, name: str, attribute: str) -> list[Array]:
        if hasattr(self, "network_"):
            return _views(self._writable_network(), name)
        given = getattr(self, "_given_parameters", {})
        if name not in given:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}"
            )
        return given[name]

    def _set_parameters(self, name: str, arrays: Sequence[Any]) -> None:
        if hasattr(self, "network_"):
            _views(self._writable_network(), name)[:] = arrays
        else:
            given = getattr(self, "_given_parameters", {})
            self._given_parameters = {**given, name: arrays}

    def __copy__(self) -> Self:
        other = super().__copy__()
        if "_given_parameters" in vars(self):
            other._given_parameters = copy.deepcopy(self._given_parameters)
        return other

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices (fan_in, fan_out), one per layer; views into the network.

        If they are set, together with ``intercepts_``, on an estimator that is not
        fitted, ``partial_fit``, or ``fit`` with ``warm_start=True``, starts from them.
        """
        return self._get_parameters("W", "coefs_")

    @coefs_.setter
    def coefs_(self, arrays: Sequence[Any]) -> None:
        self._set_parameters("W", arrays)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors (fan_out,), one per layer; views into the network."""
        return self._get_parameters("b", "intercepts_")

    @intercepts_.setter
    def intercepts_(self, arrays: Sequence[Any]) -> None:
        self._set_parameters("b", arrays)


def _views(network: Network, name: str) -> ParameterViews:
    """Return the arrays of that name, including those in residual blocks."""
    views = (
        array
        for p in network.params
        for key, array in p.items()
        if key.rpartition(".")[2] == name
    )
    return ParameterViews(views, {"W": "coefs_", "b": "intercepts_"}[name])


@shared_docs
class MLPClassifier(BaseMLP, NetworkClassifier):
    """Multi-layer perceptron classifier: minimizes the cross-entropy.

    A drop-in replacement for `sklearn.neural_network.MLPClassifier`: the same
    parameters in the same order, the same results for the same `random_state`, faster.
    For two or more classes, or several labels per row.

    Parameters
    ----------
    %(mlp_parameters)s
    %(training_parameters)s
    %(mlp_initialization)s
    %(solver_parameters)s
    %(layer_parameters)s
    %(descent_parameters)s
    %(classifier_parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    %(training_attributes)s
    %(mlp_attributes)s

    See Also
    --------
    MLPRegressor : Multi-layer perceptron for regression.
    sklearn.neural_network.MLPClassifier : The original, with the same results.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sknn import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = MLPClassifier(random_state=0, max_iter=300).fit(X_train, y_train)
    >>> clf.predict(X_test[:5])
    array([2, 8, 2, 6, 6])
    >>> print(f"{clf.score(X_test, y_test):.2f}")
    0.97
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkClassifier._parameter_constraints,
        **DENSE_BLOCK_CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: ActivationChoice | Sequence[ActivationChoice] = "relu",
        *,
        solver: SolverChoice = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: ScheduleChoice = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        initializer: InitializerChoice | Sequence[InitializerChoice] = "glorot_uniform",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        dropconnect: float = 0.0,
        normalization: NormalizationChoice = None,
        residual: bool = False,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: BestChoice = True,
        refit_on_all: bool = False,
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        layer_learning_rates: Mapping[str, float] | None = None,
        dropout_schedule: ScheduleChoice = "constant",
        weight_decay_schedule: ScheduleChoice = "constant",
        drop_last: bool = False,
        max_time: float | None = None,
        class_weight: ClassWeight = None,
        loss: Literal["log_loss"] | Loss = "log_loss",
        label_smoothing: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.scoring = scoring
        self.initializer = initializer
        self.init_scale = init_scale
        self.rho = rho
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.dropconnect = dropconnect
        self.normalization = normalization
        self.residual = residual
        self.l1_ratio = l1_ratio
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.mixup = mixup
        self.restore_best = restore_best
        self.refit_on_all = refit_on_all
        self.init_from = init_from
        self.freeze = freeze
        self.head_learning_rate = head_learning_rate
        self.layer_learning_rates = layer_learning_rates
        self.dropout_schedule = dropout_schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.drop_last = drop_last
        self.max_time = max_time
        self.class_weight = class_weight
        self.loss = loss
        self.label_smoothing = label_smoothing


@shared_docs
class MLPRegressor(BaseMLP, NetworkRegressor):
    """Multi-layer perceptron regressor: minimizes the squared error or another loss.

    A drop-in replacement for `sklearn.neural_network.MLPRegressor`: the same parameters
    in the same order, the same results for the same `random_state`, faster. For one or
    several targets per row.

    Parameters
    ----------
    %(loss_parameter)s
    %(mlp_parameters)s
    %(training_parameters)s
    %(mlp_initialization)s
    %(solver_parameters)s
    %(layer_parameters)s
    %(descent_parameters)s
    %(regressor_parameters)s

    Attributes
    ----------
    %(training_attributes)s
    %(mlp_attributes)s

    See Also
    --------
    MLPClassifier : Multi-layer perceptron for classes.
    sklearn.neural_network.MLPRegressor : The original, with the same results.

    Notes
    -----
    The network learns best when the target is of the order of 1. Otherwise wrap it in
    `sklearn.compose.TransformedTargetRegressor` with a `StandardScaler`.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.model_selection import train_test_split
    >>> from sknn import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
    >>> reg = MLPRegressor(random_state=1, max_iter=2000, tol=0.1)
    >>> reg.fit(X_train, y_train)
    MLPRegressor(max_iter=2000, random_state=1, tol=0.1)
    >>> print(f"{reg.score(X_test, y_test):.2f}")
    0.98
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkRegressor._parameter_constraints,
        **DENSE_BLOCK_CONSTRAINTS,
    }

    def __init__(
        self,
        loss: RegressionLossChoice = "squared_error",
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: ActivationChoice | Sequence[ActivationChoice] = "relu",
        *,
        solver: SolverChoice = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: ScheduleChoice = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        initializer: InitializerChoice | Sequence[InitializerChoice] = "glorot_uniform",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        dropconnect: float = 0.0,
        normalization: NormalizationChoice = None,
        residual: bool = False,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: BestChoice = True,
        refit_on_all: bool = False,
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        layer_learning_rates: Mapping[str, float] | None = None,
        dropout_schedule: ScheduleChoice = "constant",
        weight_decay_schedule: ScheduleChoice = "constant",
        drop_last: bool = False,
        max_time: float | None = None,
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.scoring = scoring
        self.initializer = initializer
        self.init_scale = init_scale
        self.rho = rho
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.dropconnect = dropconnect
        self.normalization = normalization
        self.residual = residual
        self.l1_ratio = l1_ratio
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.mixup = mixup
        self.restore_best = restore_best
        self.refit_on_all = refit_on_all
        self.init_from = init_from
        self.freeze = freeze
        self.head_learning_rate = head_learning_rate
        self.layer_learning_rates = layer_learning_rates
        self.dropout_schedule = dropout_schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.drop_last = drop_last
        self.max_time = max_time
        self.delta = delta
        self.quantile = quantile
