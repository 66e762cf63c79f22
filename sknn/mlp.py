"""Multi-layer perceptrons: MLPClassifier and MLPRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from ._architecture import BaseArchitecture, Choice, make_dropout
from ._docs import shared_docs
from ._sklearn import Interval
from ._targets import NetworkClassifierMixin, NetworkRegressorMixin
from ._typing import Array, Matrix
from ._validation import check_sizes, per_layer
from .layers import Layer
from .network import Network


class ParameterViews(list):
    """Views into a network's parameters; assigning to an item writes through it."""

    def __setitem__(self, i: SupportsIndex | slice, value: Any) -> None:
        views, values = self[i], value
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


class BaseMLP(BaseArchitecture):
    """The layers of a multi-layer perceptron, and what its parameters may be."""

    _parameter_constraints: dict[str, Any] = {
        **BaseArchitecture._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    def _make_layers(self, n_outputs: int) -> list[Layer]:
        sizes = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        n = len(sizes)
        activations = per_layer("activation", self.activation, n)
        choices = per_layer("initializer", self.initializer, n + 1, "weight matrix")
        initializers = self._make_initializers(choices, activations, self.activation)
        return [
            *make_dropout(self.input_dropout),
            *self._make_dense_layers(
                sizes, activations, per_layer("dropout", self.dropout, n), initializers
            ),
            self._make_dense(n_outputs, initializers[n]),
        ]

    def _start_network(
        self,
        X: Matrix,
        y: Array,
        rng: np.random.RandomState,
        goes_on: bool,
        one_epoch: bool,
    ) -> Network:
        network = super()._start_network(X, y, rng, goes_on, one_epoch)
        given = self.__dict__.pop("_given_parameters", {})
        if len(given) == 1:
            raise ValueError(
                "coefs_ and intercepts_ were not both set: set the other one too."
            )
        if given and (self.warm_start or one_epoch):
            for name, arrays in given.items():
                ParameterViews(_views(network, name))[:] = arrays
        return network

    def _get_parameters(self, name: str, attribute: str) -> list[Array]:
        if hasattr(self, "network_"):
            return ParameterViews(_views(self.network_, name))
        given = getattr(self, "_given_parameters", {})
        if name not in given:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}"
            )
        return given[name]

    def _set_parameters(self, name: str, arrays: Sequence[Any]) -> None:
        if hasattr(self, "network_"):
            ParameterViews(_views(self.network_, name))[:] = arrays
        else:
            given = getattr(self, "_given_parameters", {})
            self._given_parameters = {**given, name: arrays}

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices (fan_in, fan_out), one a layer; views into the network.

        Set on an estimator that is not fitted, together with ``intercepts_``, they are
        where ``partial_fit``, or ``fit`` with ``warm_start=True``, starts from.
        """
        return self._get_parameters("W", "coefs_")

    @coefs_.setter
    def coefs_(self, arrays: Sequence[Any]) -> None:
        self._set_parameters("W", arrays)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors (fan_out,), one a layer; views into the network."""
        return self._get_parameters("b", "intercepts_")

    @intercepts_.setter
    def intercepts_(self, arrays: Sequence[Any]) -> None:
        self._set_parameters("b", arrays)


def _views(network: Network, name: str) -> list[Array]:
    """Return the arrays of that name, those in residual blocks included."""
    return [
        array
        for p in network.params
        for key, array in p.items()
        if key.rpartition(".")[2] == name
    ]


@shared_docs
class MLPClassifier(NetworkClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier: minimises the cross-entropy.

    A drop-in for `sklearn.neural_network.MLPClassifier`: the same parameters in the
    same order, the same results for the same `random_state`, faster.
    Two classes, more than two, or several labels a row.

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
    MLPRegressor : The same for numbers as targets.
    sklearn.neural_network.MLPClassifier : The model for parameters and results.

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
    >>> bool(clf.score(X_test, y_test) > 0.95)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseMLP._parameter_constraints,
        **NetworkClassifierMixin.target_constraints,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: Choice | Sequence[Choice] = "relu",
        *,
        solver: Choice = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Choice = "constant",
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
        initializer: Choice | Sequence[Choice] = "glorot_uniform",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        dropconnect: float = 0.0,
        normalization: Choice | None = None,
        residual: bool = False,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: bool = True,
        refit_on_all: bool = False,
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
        loss: Choice = "log_loss",
        label_smoothing: float = 0.0,
    ) -> None:
        self._store_parameters(locals())


@shared_docs
class MLPRegressor(NetworkRegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor: minimises the squared error or another loss.

    A drop-in for `sklearn.neural_network.MLPRegressor`: the same parameters in the same
    order, the same results for the same `random_state`, faster. One
    target a row or several.

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
    MLPClassifier : The same for classes as targets.
    sklearn.neural_network.MLPRegressor : The model for parameters and results.

    Notes
    -----
    The network learns best when the target is of the order of 1: wrap it in
    `sklearn.compose.TransformedTargetRegressor` with a `StandardScaler` if it is not.

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
    >>> bool(reg.score(X_test, y_test) > 0.95)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseMLP._parameter_constraints,
        **NetworkRegressorMixin.target_constraints,
    }

    def __init__(
        self,
        loss: Choice = "squared_error",
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: Choice | Sequence[Choice] = "relu",
        *,
        solver: Choice = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Choice = "constant",
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
        initializer: Choice | Sequence[Choice] = "glorot_uniform",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        dropconnect: float = 0.0,
        normalization: Choice | None = None,
        residual: bool = False,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: bool = True,
        refit_on_all: bool = False,
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self._store_parameters(locals())
