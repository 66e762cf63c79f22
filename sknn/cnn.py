"""Convolutional networks: CNNClassifier and CNNRegressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ._architecture import (
    BaseArchitecture,
    Choice,
    make_activation,
    make_dropout,
    make_normalization,
)
from ._docs import shared_docs
from ._images import ImageInputMixin
from ._sklearn import Interval, StrOptions
from ._targets import NetworkClassifierMixin, NetworkRegressorMixin
from ._typing import Shape
from ._validation import check_sizes, per_layer
from .initializers import Initializer, Zeros
from .layers import AvgPool2D, Conv2D, Flatten, Layer, MaxPool2D, Residual, ToImages
from .layers._windows import Pair, pair
from .layers.pool import Pool2D

POOLINGS: dict[str, type[Pool2D]] = {"max": MaxPool2D, "avg": AvgPool2D}
"""The pooling layers by name."""


class BaseCNN(ImageInputMixin, BaseArchitecture):
    """Images in, blocks of convolution and pooling, then dense layers."""

    _parameter_constraints: dict[str, Any] = {
        **BaseArchitecture._parameter_constraints,
        **ImageInputMixin.image_constraints,
        "conv_channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "stride": ["array-like", Interval(Integral, 1, None, closed="left")],
        "padding": [StrOptions({"same", "valid"}), "array-like"],
        "pooling": [StrOptions(set(POOLINGS)), tuple, list, None],
        "pool_size": ["array-like", Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    # -- layers -------------------------------------------------------------------

    def _make_layers(self, n_outputs: int) -> list[Layer]:
        channels = check_sizes("conv_channels", self.conv_channels)
        sizes = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        n_blocks, n = len(channels), len(channels) + len(sizes)
        activations = per_layer("activation", self.activation, n, "block and layer")
        initializers = self._make_initializers(
            per_layer("initializer", self.initializer, n + 1, "weight matrix"),
            activations,
            self.activation,
        )
        rates = self._dropout_rates(n_blocks, len(sizes))
        H, W, C = self.input_shape_
        layers: list[Layer] = [*make_dropout(self.input_dropout)]
        layers.append(ToImages(self.input_shape_))
        shape: Shape = (C, H, W)
        for i, block in enumerate(self._blocks(channels)):
            try:
                made = self._make_block(
                    block, shape, initializers[i], activations[i], rates[i]
                )
                for layer in made:
                    shape = layer.build(shape).out_shape
            except ValueError as error:
                raise ValueError(f"Block {i + 1} of {n_blocks}: {error}") from None
            layers += made
        return [
            *layers,
            Flatten(),
            *self._make_dense_layers(
                sizes, activations[n_blocks:], rates[n_blocks:], initializers[n_blocks:]
            ),
            self._make_dense(n_outputs, initializers[n]),
        ]

    def _dropout_rates(self, n_blocks: int, n_dense: int) -> list[Any]:
        """Return a rate for each block and dense layer; a single one is for dense."""
        if isinstance(self.dropout, Real):
            return [0.0] * n_blocks + [self.dropout] * n_dense
        return per_layer("dropout", self.dropout, n_blocks + n_dense, "block and layer")

    def _blocks(self, channels: list[int]) -> list[dict[str, Any]]:
        """Return what the parameters say of each block."""
        names = ("kernel_size", "stride", "padding", "pooling", "pool_size")
        columns = [
            per_layer(name, getattr(self, name), len(channels), "block")
            for name in names
        ]
        return [
            {"channels": C, **dict(zip(names, values, strict=True))}
            for C, *values in zip(channels, *columns, strict=True)
        ]

    def _make_block(
        self,
        block: dict[str, Any],
        shape: Shape,
        initializer: Initializer,
        activation: Any,
        rate: Any,
    ) -> list[Layer]:
        """Return convolution, normalisation, activation, pooling and dropout."""
        kernel = self._window(block["kernel_size"], shape)
        stride, padding = self._window(block["stride"], shape), block["padding"]
        conv = Conv2D(block["channels"], kernel, stride, padding, initializer)
        layers: list[Layer] = [conv, *make_normalization(self.normalization)]
        layers.append(make_activation(activation))
        if self.residual and (pair(stride) != (1, 1) or padding == "valid"):
            raise ValueError(
                "residual=True adds the input of a block to its output, which must be "
                "of the same height and width: it needs stride=1 and padding='same', "
                f"got stride={stride} and padding={padding!r}."
            )
        if self.residual:
            last = Conv2D(block["channels"], kernel, initializer=Zeros())
            layers = [Residual((*layers, last), initializer), layers[-1]]
        if block["pooling"] is not None:
            if block["pooling"] not in POOLINGS:
                raise ValueError(
                    f"pooling must be one of {sorted(POOLINGS)} or None, for all "
                    f"blocks or one for each, got {block['pooling']!r}."
                )
            after = conv.build(shape).out_shape
            size = self._window(block["pool_size"], after)
            layers.append(POOLINGS[block["pooling"]](size))
        return [*layers, *make_dropout(rate)]

    def _window(self, size: Any, shape: Shape) -> Pair:
        """Return a window, cut to the image where its shape was only guessed."""
        size = tuple(size) if isinstance(size, list | np.ndarray) else size
        if not self._shape_is_guessed:
            return size
        height, width = pair(size)
        return min(height, shape[1]), min(width, shape[2])


@shared_docs
class CNNClassifier(NetworkClassifierMixin, BaseCNN):
    """Convolutional network classifier: blocks of convolution and pooling, then dense.

    LeNet-5 is ``CNNClassifier((6, 16), kernel_size=5, padding=("same", "valid"),
    hidden_layer_sizes=(120, 84))`` [1]_. Two classes, more, or several labels a row.

    Parameters
    ----------
    %(cnn_parameters)s
    %(image_parameters)s
    %(cnn_activation)s
    %(training_parameters)s
    %(cnn_initialization)s
    %(solver_parameters)s
    %(layer_parameters)s
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
    CNNRegressor : The same for numbers as targets.
    MLPClassifier : Dense layers only.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied
       to document recognition", Proceedings of the IEEE 86 (11), 1998.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sknn import CNNClassifier
    >>> digits = load_digits()
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     digits.images / 16, digits.target, random_state=0)
    >>> clf = CNNClassifier(
    ...     (8, 16), batch_size=32, learning_rate_init=0.01, learning_rate="cosine",
    ...     max_iter=10, random_state=0)
    >>> bool(clf.fit(X_train, y_train).score(X_test, y_test) > 0.96)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseCNN._parameter_constraints,
        **NetworkClassifierMixin.target_constraints,
    }

    def __init__(
        self,
        conv_channels: int | Sequence[int] = (32, 64),
        *,
        kernel_size: Any = 3,
        stride: Any = 1,
        padding: str | Sequence[str] = "same",
        pooling: str | Sequence[str | None] | None = "max",
        pool_size: Any = 2,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
        activation: Choice | Sequence[Choice] = "relu",
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
        initializer: Choice | Sequence[Choice] = "auto",
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
class CNNRegressor(NetworkRegressorMixin, BaseCNN):
    """Convolutional network regressor: blocks of convolution and pooling, then dense.

    Parameters
    ----------
    %(cnn_parameters)s
    %(image_parameters)s
    %(cnn_activation)s
    %(training_parameters)s
    %(cnn_initialization)s
    %(solver_parameters)s
    %(layer_parameters)s
    %(descent_parameters)s
    %(loss_parameter)s
    %(regressor_parameters)s

    Attributes
    ----------
    %(image_attributes)s
    %(training_attributes)s

    See Also
    --------
    CNNClassifier : The same for classes as targets.
    MLPRegressor : Dense layers only.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import CNNRegressor
    >>> digits = load_digits()
    >>> ink = digits.data[:, 32:].sum(axis=1) / 256  # in the lower half
    >>> reg = CNNRegressor(
    ...     8, batch_size=32, learning_rate_init=0.01, learning_rate="cosine",
    ...     max_iter=10, random_state=0)
    >>> bool(reg.fit(digits.images / 16, ink).score(digits.images / 16, ink) > 0.9)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseCNN._parameter_constraints,
        **NetworkRegressorMixin.target_constraints,
    }

    def __init__(
        self,
        conv_channels: int | Sequence[int] = (32, 64),
        *,
        kernel_size: Any = 3,
        stride: Any = 1,
        padding: str | Sequence[str] = "same",
        pooling: str | Sequence[str | None] | None = "max",
        pool_size: Any = 2,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
        activation: Choice | Sequence[Choice] = "relu",
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
        initializer: Choice | Sequence[Choice] = "auto",
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
        loss: Choice = "squared_error",
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self._store_parameters(locals())
