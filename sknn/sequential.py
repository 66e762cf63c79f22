"""Networks of the user's own layers: SequentialClassifier and SequentialRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ._architecture import (
    ACTIVATION_NAMES,
    Choice,
    activation_name,
    choose_initializer,
)
from ._docs import shared_docs
from ._images import ImageInputMixin
from ._sklearn import Interval, StrOptions
from ._targets import NetworkClassifierMixin, NetworkRegressorMixin
from .initializers import INITIALIZERS, Initializer, Zeros
from .layers import (
    Conv2D,
    Dense,
    DropConnect,
    GlobalAvgPool2D,
    Layer,
    Residual,
    ToImages,
)
from .layers.pool import Pool2D


def works_on_images(layer: Layer) -> bool:
    """Return whether the layer, or one inside it, can do nothing but images."""
    if isinstance(layer, Residual):
        return any(map(works_on_images, layer.layers))
    return isinstance(layer, Conv2D | Pool2D | GlobalAvgPool2D)


def with_initializers(
    layers: Sequence[Layer],
    choose: Callable[[Any, Layer | None], Initializer],
    behind: Layer | None = None,
    last: Initializer | None = None,
) -> list[Layer]:
    """Return the layers, each with an initializer: the one for the activation behind.

    `choose` is given a layer's own choice, a name or None, and the activation behind;
    `behind` is the one behind the last layer. The last weights are drawn by `last`, if
    given: a residual block begins as the identity.
    """
    made: list[Layer] = []
    for layer in reversed(layers):
        if activation_name(layer):
            behind = layer
        if isinstance(layer, Residual):
            inner = with_initializers(layer.layers, choose, behind, Zeros())
            projection = choose(layer.projection, behind)
            layer = layer.replace(layers=tuple(inner), projection=projection)
        elif isinstance(layer, DropConnect):
            (dense,) = with_initializers([layer.dense], choose, behind, last)
            layer = layer.replace(dense=dense)
        elif "initializer" in (params := layer.get_params()):
            own = params["initializer"] or last
            layer = layer.replace(initializer=choose(own, behind))
        if isinstance(layer, Conv2D | Dense | DropConnect | Residual):
            behind = last = None
        made.append(layer)
    return made[::-1]


class BaseSequential(ImageInputMixin):
    """A list of layers, with what belongs in front of it and behind it."""

    _parameter_constraints: dict[str, Any] = {
        **ImageInputMixin._parameter_constraints,
        **ImageInputMixin.image_constraints,
        "layers": [list, tuple],
        "initializer": [StrOptions({"auto", *INITIALIZERS}), Initializer],
        "init_scale": [Interval(Real, 0, None, closed="neither")],
    }

    def _reads_images(self, is_image: bool) -> bool:
        given = is_image or self.input_shape is not None
        return given or any(works_on_images(layer) for layer in self.layers)

    def _make_layers(self, n_outputs: int) -> list[Layer]:
        for i, layer in enumerate(self.layers):
            check_layer(i, layer)
        layers = list(self.layers)
        if self.input_shape_ is not None:
            layers.insert(0, ToImages(self.input_shape_))
        layers.append(Dense(n_outputs))
        return with_initializers(layers, self._choose_initializer)

    def _choose_initializer(self, own: Any, behind: Layer | None) -> Initializer:
        choice = self.initializer if own is None else own
        return choose_initializer(choice, behind, self.init_scale)


def check_layer(i: int, layer: Any) -> None:
    """Raise unless `layer`, number `i` of the list, can stand there."""
    hint = ""
    if isinstance(layer, type) and issubclass(layer, Layer):
        hint = f" Pass an object of the class: {layer.__name__}(...)."
    elif isinstance(layer, str) and layer in ACTIVATION_NAMES:
        name = "PReLU()" if layer == "prelu" else f"Activation({layer!r})"
        hint = f" Did you mean {name}?"
    if not isinstance(layer, Layer):
        raise ValueError(
            "layers must be a list of objects of sknn.layers, such as Dense(64) and "
            f"Activation('relu'), but layers[{i}] is {layer!r}.{hint}"
        )
    if isinstance(layer, ToImages):
        raise ValueError(
            f"layers[{i}] is {layer!r}, which is put in front of the list where the "
            f"input is images. Pass input_shape={layer.shape} instead."
        )


@shared_docs
class SequentialClassifier(NetworkClassifierMixin, BaseSequential):
    """Network classifier of your own layers: the output layer is added from y.

    Parameters
    ----------
    layers : list of Layer, default=()
        Layers of `sknn.layers` from the input to the last hidden one.
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
    SequentialRegressor : The same for numbers as targets.
    MLPClassifier : Dense layers from a few parameters.
    CNNClassifier : Blocks of convolution and pooling from a few parameters.

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
        **BaseSequential._parameter_constraints,
        **NetworkClassifierMixin.target_constraints,
    }

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
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
        initializer: Choice = "auto",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
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
class SequentialRegressor(NetworkRegressorMixin, BaseSequential):
    """Network regressor of your own layers: the output layer is added from y.

    Parameters
    ----------
    layers : list of Layer, default=()
        Layers of `sknn.layers` from the input to the last hidden one.
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
    SequentialClassifier : The same for classes as targets.
    MLPRegressor : Dense layers from a few parameters.

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
    >>> bool(reg.fit(X, y / 100).score(X, y / 100) > 0.99)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseSequential._parameter_constraints,
        **NetworkRegressorMixin.target_constraints,
    }

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
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
        initializer: Choice = "auto",
        init_scale: float = 0.01,
        rho: float = 0.9,
        weight_decay: float = 0.01,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: bool = True,
        refit_on_all: bool = False,
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        loss: Choice = "squared_error",
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self._store_parameters(locals())
