"""Convolutional networks: CNNClassifier and CNNRegressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from ._estimators.base import BaseNetworkEstimator
from ._estimators.classifier import NetworkClassifier
from ._estimators.dense_blocks import (
    DENSE_BLOCK_CONSTRAINTS,
    ActivationChoice,
    DenseBlockParameters,
    InitializerChoice,
    NormalizationChoice,
    dense_blocks,
    make_activation,
    make_dense,
    make_dropout,
    make_initializers,
    make_normalization,
)
from ._estimators.docs import shared_docs
from ._estimators.image_variation import IMAGE_CONSTRAINTS, image_variation
from ._estimators.images import (
    Images,
    check_input_shape,
    n_pixels,
)
from ._estimators.input_checks import check_sizes, per_layer
from ._estimators.inputs import Rows
from ._estimators.likely_mistakes import warn_of_reduced_windows
from ._estimators.parameters import BestChoice, ScheduleChoice, SolverChoice
from ._estimators.regressor import NetworkRegressor, RegressionLossChoice
from ._estimators.targets import ClassWeight
from ._estimators.variation import Variation
from ._sklearn import Interval, ListOf, StrOptions
from ._training import Data
from ._typing import Shape
from .initializers import Initializer, Zeros
from .layers import AvgPool2D, Conv2D, Flatten, Layer, MaxPool2D, Residual, ToImages
from .layers._windows import Padding, Pair, padding_by_axis, pair
from .layers.pool import Pool2D
from .losses import Loss

POOLINGS: dict[str, type[Pool2D]] = {"max": MaxPool2D, "avg": AvgPool2D}
"""The pooling layers by name."""


CNN_CONSTRAINTS: dict[str, Any] = {
    **DENSE_BLOCK_CONSTRAINTS,
    **IMAGE_CONSTRAINTS,
    "activation": [
        *DENSE_BLOCK_CONSTRAINTS["activation"][:-1],
        ListOf("one activation per block and hidden layer"),
    ],
    "conv_channels": ["array-like", Interval(Integral, 1, None, closed="left")],
    "kernel_size": ["array-like", Interval(Integral, 1, None, closed="left")],
    "stride": ["array-like", Interval(Integral, 1, None, closed="left")],
    "padding": [
        StrOptions({"same", "valid"}),
        Interval(Integral, 0, None, closed="left"),
        "array-like",
    ],
    "pooling": [StrOptions(set(POOLINGS)), ListOf("one pooling per block"), None],
    "pool_size": ["array-like", Interval(Integral, 1, None, closed="left")],
}
"""The valid values of the parameters of a CNN."""


class BaseCNN(DenseBlockParameters, BaseNetworkEstimator):
    """Images as input, blocks of convolution and pooling, then dense layers."""

    conv_channels: int | Sequence[int]
    kernel_size: Pair | Sequence[Pair]
    stride: Pair | Sequence[Pair]
    padding: Padding | Sequence[Padding]
    pooling: str | Sequence[str | None] | None
    pool_size: Pair | Sequence[Pair]
    input_shape: tuple[int, ...] | None
    augmentation: Any

    input_shape_: tuple[int, int, int]

    def _make_input(self, X: Any) -> Images:
        images = Images.learn(X, self.input_shape)
        self.input_shape_ = images.image_shape
        return images

    def _n_features_of_input_shape(self) -> int | None:
        return n_pixels(self.input_shape)

    def _make_variation(self, input: Rows) -> Variation:
        return image_variation(
            self.augmentation, self.mixup, input, self.n_features_in_
        )

    def _warn_of_likely_mistakes(self, data: Data) -> None:
        super()._warn_of_likely_mistakes(data)
        if isinstance(self._input, Images) and self._input.is_guessed:
            channels = check_sizes("conv_channels", self.conv_channels)
            blocks, layers = self._blocks(channels), self.network_.layers
            image_shape = self._input.image_shape
            changes = reductions(blocks, layers, on_strip=image_shape[0] == 1)
            warn_of_reduced_windows(image_shape, changes)

    # -- layers -------------------------------------------------------------------

    def _make_layers(self, input: Rows, n_outputs: int) -> list[Layer]:
        assert isinstance(input, Images)
        check_input_shape(self.input_shape, input)
        channels = check_sizes("conv_channels", self.conv_channels)
        sizes = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        n_blocks, n = len(channels), len(channels) + len(sizes)
        activations = per_layer("activation", self.activation, n, "block and layer")
        choices = per_layer("initializer", self.initializer, n + 1, "weight matrix")
        initializers = make_initializers(self, choices, activations)
        rates = self._dropout_rates(n_blocks, len(sizes))
        layers: list[Layer] = [*make_dropout(self.input_dropout)]
        layers.append(ToImages(input.image_shape))
        height, width, n_channels = input.image_shape
        shape: Shape = (n_channels, height, width)
        for i, block in enumerate(self._blocks(channels)):
            try:
                made = self._make_block(
                    block,
                    shape,
                    initializers[i],
                    activations[i],
                    rates[i],
                    input.is_guessed,
                )
                for layer in made:
                    shape = layer.build(shape).out_shape
            except ValueError as error:
                raise ValueError(f"Block {i + 1} of {n_blocks}: {error}") from None
            layers += made
        return [
            *layers,
            Flatten(),
            *dense_blocks(
                self,
                sizes,
                activations[n_blocks:],
                rates[n_blocks:],
                initializers[n_blocks:],
            ),
            make_dense(self, n_outputs, initializers[n]),
        ]

    def _dropout_rates(self, n_blocks: int, n_dense: int) -> list[Any]:
        """Return one rate per block and dense layer; a single rate is for dense."""
        if isinstance(self.dropout, Real):
            return [0.0] * n_blocks + [self.dropout] * n_dense
        return per_layer("dropout", self.dropout, n_blocks + n_dense, "block and layer")

    def _blocks(self, channels: list[int]) -> list[dict[str, Any]]:
        """Return the parameters of each block."""
        names = ("kernel_size", "stride", "padding", "pooling", "pool_size")
        columns = [
            per_layer(name, getattr(self, name), len(channels), "block")
            for name in names
        ]
        return [
            {"channels": C, **dict(zip(names, map(as_tuple, values), strict=True))}
            for C, *values in zip(channels, *columns, strict=True)
        ]

    def _make_block(
        self,
        block: dict[str, Any],
        shape: Shape,
        initializer: Initializer,
        activation: Any,
        rate: Any,
        is_guessed: bool,
    ) -> list[Layer]:
        """Return convolution, normalization, activation, pooling and dropout."""
        conv = Conv2D(
            block["channels"],
            block["kernel_size"],
            block["stride"],
            block["padding"],
            initializer,
        )
        if is_guessed:
            kernel = reduced(conv.kernel_size, shape, conv.padding)
            conv = conv.replace(kernel_size=kernel)
        after = conv.build(shape).out_shape
        layers: list[Layer] = [conv, *make_normalization(self.normalization)]
        layers.append(make_activation(activation))
        if self.residual and after[1:] != shape[1:]:
            raise ValueError(
                "residual=True adds the input of a block to its output, which must "
                "have the same height and width: it needs stride=1 and padding='same', "
                f"got stride={conv.stride} and padding={conv.padding!r}."
            )
        if self.residual:
            last = Conv2D(conv.channels, conv.kernel_size, initializer=Zeros())
            layers = [Residual((*layers, last), initializer), layers[-1]]
        if block["pooling"] is not None:
            if block["pooling"] not in POOLINGS:
                raise ValueError(
                    f"pooling must be one of {sorted(POOLINGS)} or None, for all "
                    f"blocks or one for each, got {block['pooling']!r}."
                )
            pool = POOLINGS[block["pooling"]](block["pool_size"])
            if is_guessed:
                pool = pool.replace(size=reduced(pool.size, after))
            layers.append(pool)
        return [*layers, *make_dropout(rate)]


def as_tuple(value: Any) -> Any:
    """Return a pair that was passed as a list or an array as a tuple."""
    return tuple(value) if isinstance(value, list | np.ndarray) else value


def reduced(size: Pair, shape: Shape, padding: Padding = "valid") -> tuple[int, int]:
    """Return the size of a window, at most that of a padded image (C, H, W)."""
    height, width = pair(size)
    top, left = (0 if isinstance(p, str) else p for p in padding_by_axis(padding))
    return min(height, shape[1] + 2 * top), min(width, shape[2] + 2 * left)


def reductions(
    blocks: Sequence[dict[str, Any]], layers: Sequence[Layer], on_strip: bool
) -> list[str]:
    """Return the windows that are smaller in `layers` than their blocks ask for.

    On a strip, the height of a window is always reduced to 1, which is not reported.
    """
    outer = (layer for layer in layers if isinstance(layer, Conv2D | Residual))
    pools = (layer for layer in layers if isinstance(layer, Pool2D))
    found = []
    for i, block in enumerate(blocks, 1):
        layer = next(outer)
        conv = layer.layers[0] if isinstance(layer, Residual) else layer
        assert isinstance(conv, Conv2D)
        used = {"kernel_size": conv.kernel_size}
        if block["pooling"] is not None:
            used["pool_size"] = next(pools).size
        for name, size in used.items():
            if pair(size)[on_strip:] != pair(block[name])[on_strip:]:
                found.append(f"block {i} uses {name}={size} instead of {block[name]}")
    return found


@shared_docs
class CNNClassifier(BaseCNN, NetworkClassifier):
    """Convolutional network classifier: convolutions with pooling, then dense layers.

    LeNet-5 is ``CNNClassifier((6, 16), kernel_size=5, padding=("same", "valid"),
    hidden_layer_sizes=(120, 84))`` [1]_. The classifier supports two or more classes,
    or several labels per row.

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
    CNNRegressor : Convolutional network regressor.
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
    >>> print(f"{clf.fit(X_train, y_train).score(X_test, y_test):.2f}")
    0.97
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkClassifier._parameter_constraints,
        **CNN_CONSTRAINTS,
    }

    def __init__(
        self,
        conv_channels: int | Sequence[int] = (32, 64),
        *,
        kernel_size: Pair | Sequence[Pair] = 3,
        stride: Pair | Sequence[Pair] = 1,
        padding: Padding | Sequence[Padding] = "same",
        pooling: str | Sequence[str | None] | None = "max",
        pool_size: Pair | Sequence[Pair] = 2,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
        activation: ActivationChoice | Sequence[ActivationChoice] = "relu",
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
        initializer: InitializerChoice | Sequence[InitializerChoice] = "auto",
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
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.pooling = pooling
        self.pool_size = pool_size
        self.hidden_layer_sizes = hidden_layer_sizes
        self.input_shape = input_shape
        self.augmentation = augmentation
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
class CNNRegressor(BaseCNN, NetworkRegressor):
    """Convolutional network regressor: convolutions with pooling, then dense layers.

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
    CNNClassifier : Convolutional network classifier.
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
    >>> reg = reg.fit(digits.images / 16, ink)
    >>> print(f"{reg.score(digits.images / 16, ink):.2f}")
    0.91
    """

    _parameter_constraints: dict[str, Any] = {
        **NetworkRegressor._parameter_constraints,
        **CNN_CONSTRAINTS,
    }

    def __init__(
        self,
        conv_channels: int | Sequence[int] = (32, 64),
        *,
        kernel_size: Pair | Sequence[Pair] = 3,
        stride: Pair | Sequence[Pair] = 1,
        padding: Padding | Sequence[Padding] = "same",
        pooling: str | Sequence[str | None] | None = "max",
        pool_size: Pair | Sequence[Pair] = 2,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        input_shape: tuple[int, ...] | None = None,
        augmentation: Any = None,
        activation: ActivationChoice | Sequence[ActivationChoice] = "relu",
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
        initializer: InitializerChoice | Sequence[InitializerChoice] = "auto",
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
        loss: RegressionLossChoice = "squared_error",
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
    ) -> None:
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.pooling = pooling
        self.pool_size = pool_size
        self.hidden_layer_sizes = hidden_layer_sizes
        self.input_shape = input_shape
        self.augmentation = augmentation
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
        self.loss = loss
        self.delta = delta
        self.quantile = quantile
