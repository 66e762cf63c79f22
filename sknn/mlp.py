"""Multi-layer perceptrons: MLPClassifier and MLPRegressor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Self, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ._docs import shared_docs
from ._estimator import AvailablePartialFit, BaseNetworkEstimator
from ._targets import NetworkClassifierMixin, NetworkRegressorMixin
from ._typing import Array, Matrix, MatrixLike
from ._validation import check_hidden_layer_sizes
from .activations import ACTIVATIONS
from .initializers import GlorotUniform
from .layers import ActivationLayer, Dense, Layer
from .losses import REGRESSION_LOSSES, Loss
from .network import Network
from .schedules import SCHEDULES
from .solvers import SOLVERS


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


class BaseMLP(BaseNetworkEstimator):
    """The layers of a multi-layer perceptron, and the parameters of its training."""

    _parameter_constraints: dict[str, Any] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", *SOLVERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
    }

    @abstractmethod
    def __init__(
        self,
        *,
        hidden_layer_sizes: int | ArrayLike,
        activation: str,
        solver: str,
        alpha: float,
        batch_size: int | str,
        learning_rate: str,
        learning_rate_init: float,
        power_t: float,
        max_iter: int,
        shuffle: bool,
        random_state: int | np.random.RandomState | None,
        tol: float,
        verbose: bool | int,
        warm_start: bool,
        momentum: float,
        nesterovs_momentum: bool,
        early_stopping: bool,
        validation_fraction: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        n_iter_no_change: float,
        max_fun: int,
        scoring: str | Callable[..., float] | None,
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

    def _make_layers(self, n_outputs: int) -> list[Layer]:
        # scikit-learn draws from a narrower range in front of the logistic function.
        initializer = GlorotUniform(2.0 if self.activation == "logistic" else 6.0)
        layers: list[Layer] = []
        for units in check_hidden_layer_sizes(self.hidden_layer_sizes):
            layers.append(Dense(units, initializer))
            layers.append(ActivationLayer(ACTIVATIONS[self.activation]))
        return [*layers, Dense(n_outputs, initializer)]

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
    return [p[name] for p in network.params if name in p]


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
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weight of each class, ``{class: weight}``; 'balanced' gives all classes the same
        total weight, ``n_samples / (n_classes * count)`` a row, rows counted by their
        `sample_weight`. For several labels a row, a dict a label. Multiplies
        `sample_weight`, in training and in the validation loss and score.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    %(training_attributes)s

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

    loss = "log_loss"  # an attribute, not a parameter, as in scikit-learn

    _parameter_constraints: dict[str, Any] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
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
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            scoring=scoring,
        )
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=True)
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
        self : MLPClassifier
            The fitted classifier.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @AvailablePartialFit
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch more, going on from the last call of this or of `fit`.

        Weights, the solver's state and the learning rate go on, also after a pickle
        round trip. Not available with ``solver='lbfgs'`` and with `early_stopping`.

        Parameters
        ----------
        %(fit_parameters)s
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Needed on the first call only.

        Returns
        -------
        self : MLPClassifier
            The trained classifier.
        """
        with self._all_or_nothing():
            self._learn_classes_once(y, classes)
            self._fit(X, y, sample_weight, one_epoch=True)
        return self


@shared_docs
class MLPRegressor(NetworkRegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor: minimises the squared error or another loss.

    A drop-in for `sklearn.neural_network.MLPRegressor`: the same parameters in the same
    order, the same results for the same `random_state`, faster. One
    target a row or several.

    Parameters
    ----------
    loss : {'squared_error', 'poisson'}, default='squared_error'
        The loss to minimise: half the squared error, or half the Poisson deviance for
        counts and rates ``y >= 0``, for which the network predicts the logarithm.
    %(mlp_parameters)s
    %(training_parameters)s

    Attributes
    ----------
    %(training_attributes)s

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
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | ArrayLike = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
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
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            scoring=scoring,
        )
        self.loss = loss

    def _make_loss(self) -> Loss:
        return REGRESSION_LOSSES[self.loss]

    @_fit_context(prefer_skip_nested_validation=True)
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
        self : MLPRegressor
            The fitted regressor.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @AvailablePartialFit
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch more, going on from the last call of this or of `fit`.

        Weights, the solver's state and the learning rate go on, also after a pickle
        round trip. Not available with ``solver='lbfgs'`` and with `early_stopping`.

        Parameters
        ----------
        %(fit_parameters)s

        Returns
        -------
        self : MLPRegressor
            The trained regressor.
        """
        self._fit(X, y, sample_weight, one_epoch=True)
        return self
