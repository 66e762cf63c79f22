"""Networks of the user's own layers: SequentialClassifier and SequentialRegressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np

from ._estimators.base import BaseNetworkEstimator
from ._estimators.classifier import NetworkClassifier
from ._estimators.dense_blocks import (
    ACTIVATION_NAMES,
    InitializerChoice,
    activation_name,
    choose_initializer,
)
from ._estimators.docs import shared_docs
from ._estimators.image_variation import IMAGE_CONSTRAINTS, image_variation
from ._estimators.images import (
    Images,
    check_image_array,
    check_input_shape,
    n_pixels,
    shape_of_images,
)
from ._estimators.inputs import Rows
from ._estimators.likely_mistakes import warn_if_ends_in_output_layer
from ._estimators.parameters import BestChoice, ScheduleChoice, SolverChoice
from ._estimators.regressor import NetworkRegressor, RegressionLossChoice
from ._estimators.targets import ClassWeight
from ._estimators.variation import Variation
from ._sklearn import Interval, StrOptions
from ._training import Data
from .initializers import INITIALIZERS, Initializer, Zeros
from .layers import (
    BatchEnsembleDense,
    Conv2D,
    Dense,
    DropConnect,
    GlobalAvgPool2D,
    Layer,
    Pad,
    Residual,
    ToImages,
)
from .layers.pool import Pool2D
from .losses import Loss

WEIGHTED = BatchEnsembleDense, Conv2D, Dense, DropConnect, Residual
"""The layers whose weights are drawn in the scale that the next activation needs."""


def works_on_images(layer: Layer) -> bool:
    """Return whether the layer, or one inside it, accepts only images."""
    if isinstance(layer, Residual):
        return any(map(works_on_images, layer.layers))
    return isinstance(layer, Conv2D | Pool2D | GlobalAvgPool2D | Pad)


def with_initializers(
    layers: Sequence[Layer],
    choose: Callable[[Any, Layer | None], Initializer],
    activation: Layer | None = None,
    last: Initializer | None = None,
) -> list[Layer]:
    """Return the layers with an initializer each, chosen by the next activation.

    `choose` is called with the layer's own choice (a name or None) and the activation
    that follows the layer; `activation` is the one after the last layer. If `last` is
    given, it initializes the last weights: a residual block starts as the identity.
    """
    made: list[Layer] = []
    for layer in reversed(layers):
        if activation_name(layer):
            activation = layer
        if isinstance(layer, Residual):
            inner = with_initializers(layer.layers, choose, activation, Zeros())
            projection = choose(layer.projection, activation)
            layer = layer.replace(layers=tuple(inner), projection=projection)
        elif isinstance(layer, DropConnect):
            (dense,) = with_initializers([layer.dense], choose, activation, last)
            layer = layer.replace(dense=dense)
        elif "initializer" in (params := layer.get_params()):
            own = params["initializer"] or last
            # The neural tangent parametrization has an initializer of its own.
            if own is not None or params.get("parametrization") != "ntp":
                layer = layer.replace(initializer=choose(own, activation))
        if isinstance(layer, WEIGHTED):
            activation = last = None
        made.append(layer)
    return made[::-1]


SEQUENTIAL_CONSTRAINTS: dict[str, Any] = {
    **IMAGE_CONSTRAINTS,
    "layers": [list, tuple],
    "initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
    "init_scale": [Interval(Real, 0, None, closed="left")],
}
"""The valid values of the parameters of a list of layers."""


class BaseSequential(BaseNetworkEstimator):
    """A list of layers, with the input before it and the output layer after it."""

    layers: Sequence[Layer]
    input_shape: tuple[int, ...] | None
    augmentation: Any
    initializer: InitializerChoice
    init_scale: float

    input_shape_: tuple[int, int, int] | None

    def _make_input(self, X: Any) -> Rows:
        if self._reads_images(X):
            images: Rows = Images.learn(X, self.input_shape)
        else:
            images = Rows()
        self.input_shape_ = images.image_shape
        return images

    def _reads_images(self, X: Any) -> bool:
        """Return whether `X` is images: by its shape, `input_shape` or the layers."""
        given = self.input_shape is not None
        if given or any(works_on_images(layer) for layer in self.layers):
            return True
        return shape_of_images(check_image_array(X)) is not None

    def _n_features_of_input_shape(self) -> int | None:
        return n_pixels(self.input_shape)

    def _make_variation(self, input: Rows) -> Variation:
        return image_variation(
            self.augmentation, self.mixup, input, self.n_features_in_
        )

    def _warn_of_likely_mistakes(self, data: Data) -> None:
        super()._warn_of_likely_mistakes(data)
        n_classes = len(getattr(self, "classes_", ()))
        warn_if_ends_in_output_layer(self.layers, self.n_outputs_, n_classes)

    def _make_layers(self, input: Rows, n_outputs: int) -> list[Layer]:
        check_input_shape(self.input_shape, input)
        for i, layer in enumerate(self.layers):
            check_layer(i, layer)
        layers = list(self.layers)
        if input.image_shape is not None:
            layers.insert(0, ToImages(input.image_shape))
        layers.append(Dense(n_outputs))
        return with_initializers(layers, self._choose_initializer)

    def _choose_initializer(self, own: Any, activation: Layer | None) -> Initializer:
        choice = self.initializer if own is None else own
        return choose_initializer(choice, activation, self.init_scale)


def check_layer(i: int, layer: Any) -> None:
    """Raise unless `layer`, number `i` of the list, is a layer that may be in it."""
    hint = ""
    if isinstance(layer, type) and issubclass(layer, Layer):
        hint = f" Pass an object of the class: {layer.__name__}(...)."
    elif isinstance(layer, str) and layer in ACTIVATION_NAMES:
        name = "PReLU()" if layer == "prelu" else f"Activation({layer!r})"
        hint = f" Did you mean {name}?"
    if not isinstance(layer, Layer):
        raise ValueError(
            "layers must be a list of objects from sknn.layers, such as Dense(64) and "
            f"Activation('relu'), but layers[{i}] is {layer!r}.{hint}"
        )
    if isinstance(layer, ToImages):
        raise ValueError(
            f"layers[{i}] is {layer!r}, which is added before the list if the input is "
            f"images. Pass input_shape={layer.shape} instead."
        )


@shared_docs
class SequentialClassifier(BaseSequential, NetworkClassifier):
    """Network classifier from a list of layers; the output layer is added.

    Parameters
    ----------
    layers : sequence of Layer, default=()
        Layers from `sknn.layers`, from the first to the last hidden layer. A warning is
        given if the last one looks like an output layer.
    %(image_parameters)s
    %(training_parameters)s
    %(sequential_initialization)s
    %(solver_parameters)s
    %(descent_parameters)s
    %(classifier_parameters)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    %(image_attributes)s
    %(training_attributes)s

    See Also
    --------
    SequentialRegressor : Network regressor from a list of layers.
    MLPClassifier : Dense layers, described by parameters.
    CNNClassifier : Blocks of convolution and pooling, described by parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import SequentialClassifier
    >>> from sknn.layers import Activation, BatchNorm, Conv2D, Dense, Flatten, MaxPool2D
    >>> digits = load_digits()
    >>> clf = SequentialClassifier(
    ...     [Conv2D(8, 3), BatchNorm(), Activation("relu"), MaxPool2D(2), Flatten(),
    ...      Dense(32), Activation("relu")],
    ...     batch_size=32, learning_rate_init=0.01, learning_rate="cosine", max_iter=5,
    ...     random_state=0)
    >>> clf.fit(digits.images / 16, digits.target).predict(digits.images[:5] / 16)
    array([0, 1, 2, 3, 4])
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkClassifier._parameter_constraints,
        **SEQUENTIAL_CONSTRAINTS,
    }

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
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
        initializer: InitializerChoice = "auto",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
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
        self.layers = layers
        self.input_shape = input_shape
        self.augmentation = augmentation
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
class SequentialRegressor(BaseSequential, NetworkRegressor):
    """Network regressor from a list of layers; the output layer is added.

    Parameters
    ----------
    layers : sequence of Layer, default=()
        Layers from `sknn.layers`, from the first to the last hidden layer. A warning is
        given if the last one looks like an output layer.
    %(image_parameters)s
    %(training_parameters)s
    %(sequential_initialization)s
    %(solver_parameters)s
    %(descent_parameters)s
    %(loss_parameter)s
    %(regressor_parameters)s

    Attributes
    ----------
    %(image_attributes)s
    %(training_attributes)s

    See Also
    --------
    SequentialClassifier : Network classifier from a list of layers.
    MLPRegressor : Dense layers, described by parameters.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sknn import SequentialRegressor
    >>> from sknn.layers import Activation, Dense, Residual
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=0)
    >>> block = Residual((Dense(32), Activation("relu"), Dense(32)))
    >>> reg = SequentialRegressor(
    ...     [Dense(32), block, Activation("relu")], learning_rate_init=0.01,
    ...     max_iter=500, random_state=0)
    >>> print(f"{reg.fit(X, y / 100).score(X, y / 100):.2f}")
    1.00
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkRegressor._parameter_constraints,
        **SEQUENTIAL_CONSTRAINTS,
    }

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
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
        initializer: InitializerChoice = "auto",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
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
        loss: RegressionLossChoice = "squared_error",
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self.layers = layers
        self.input_shape = input_shape
        self.augmentation = augmentation
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
        self.loss = loss
        self.delta = delta
        self.quantile = quantile
