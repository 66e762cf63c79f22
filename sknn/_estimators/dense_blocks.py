"""Blocks of dense layers from parameters, which MLPs and CNNs share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

from .._sklearn import BaseEstimator, Interval, ListOf, StrOptions
from ..activations import ACTIVATIONS, ActivationFunction
from ..initializers import (
    INITIALIZERS,
    Constant,
    GlorotUniform,
    Initializer,
    Normal,
    Zeros,
    suitable,
)
from ..layers import (
    Activation,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Layer,
    LayerNorm,
    ParametricActivation,
    PReLU,
    Residual,
)
from .input_checks import check_choice, check_rate

ActivationChoice: TypeAlias = (
    Literal[
        "identity",
        "logistic",
        "tanh",
        "relu",
        "leaky_relu",
        "prelu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "softplus",
    ]
    | ActivationFunction
    | Layer
)
InitializerChoice: TypeAlias = (
    Literal[
        "auto",
        "zeros",
        "constant",
        "normal",
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "lecun_uniform",
        "lecun_normal",
        "orthogonal",
    ]
    | Initializer
)
NormalizationChoice: TypeAlias = Literal["batch", "layer"] | Layer | None
"""A name, or an object where a name does not say enough."""

NORMALIZATIONS: dict[str, type[Layer]] = {"batch": BatchNorm, "layer": LayerNorm}
"""The layers that normalize, by name."""

ACTIVATION_NAMES = {*ACTIVATIONS, "prelu"}


def make_activation(choice: Any) -> Layer:
    """Return the layer of an activation: a name, a function, or a layer already."""
    check_choice("activation", choice, ACTIVATION_NAMES, (ActivationFunction, Layer))
    if choice == "prelu":
        return PReLU()
    if isinstance(choice, Layer):
        return choice
    return Activation(choice)


def activation_name(choice: Any) -> str:
    """Return the name of an activation, also of an object of a kind that has one."""
    if isinstance(choice, Activation | ParametricActivation):
        choice = choice.function
    if isinstance(choice, str):
        return choice
    if isinstance(choice, PReLU):
        return "prelu"
    for name, activation in ACTIVATIONS.items():
        if type(choice) is type(activation):
            return name
    return ""


def make_dropout(rate: Any) -> list[Layer]:
    """Return the dropout layer of that rate, if there is any."""
    rate = check_rate("dropout", rate)
    return [Dropout(rate)] if rate else []


def make_normalization(choice: str | Layer | None) -> list[Layer]:
    """Return the layer that normalizes, if there is any."""
    if choice is None:
        return []
    return [NORMALIZATIONS[choice]() if isinstance(choice, str) else choice]


def choose_initializer(
    choice: Any, activation: Any, scale: float, before: Any = None
) -> Initializer:
    """Return the initializer of the weights before `activation`, None for none.

    scikit-learn draws in a narrower range for the logistic function, also the output
    layer, where it is `before`. `scale` is that of 'normal' and 'constant'.
    """
    check_choice("initializer", choice, {"auto", *INITIALIZERS}, (Initializer,))
    if isinstance(choice, Initializer):
        return choice
    if choice == "auto":
        return suitable(None if activation is None else activation_name(activation))
    if choice == "glorot_uniform":
        logistic = "logistic" in map(activation_name, (activation, before))
        return GlorotUniform(2.0 if logistic else 6.0)
    if choice == "normal":
        return Normal(scale)
    if choice == "constant":
        return Constant(scale)
    return INITIALIZERS[choice]()


class DenseBlockParameters(BaseEstimator):
    """The parameters of dense layers, and what goes between them."""

    hidden_layer_sizes: Any
    activation: ActivationChoice | Sequence[ActivationChoice]
    initializer: InitializerChoice | Sequence[InitializerChoice]
    init_scale: float
    dropout: float | Sequence[float]
    input_dropout: float
    dropconnect: float
    normalization: NormalizationChoice
    residual: bool


DENSE_BLOCK_CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [
        StrOptions(ACTIVATION_NAMES),
        ActivationFunction,
        Layer,
        ListOf("one activation per hidden layer"),
    ],
    "initializer": [
        StrOptions({"auto", *INITIALIZERS}),
        Initializer,
        ListOf("one initializer per weight matrix"),
    ],
    "init_scale": [Interval(Real, 0, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "dropconnect": [Interval(Real, 0, 1, closed="left")],
    "normalization": [StrOptions(set(NORMALIZATIONS)), Layer, None],
    "residual": ["boolean"],
}
"""The values that they may have."""


def dense_blocks(
    params: DenseBlockParameters,
    sizes: list[int],
    activations: list[Any],
    rates: list[Any],
    initializers: list[Initializer],
) -> list[Layer]:
    """Return hidden layers: dense, normalization, activation and dropout for each size.

    `rates` are those of dropout. With ``residual=True``, each two dense layers form a
    residual block.
    """
    n, layers = len(sizes), []
    i = 0
    while i < n:
        after = [
            [make_activation(activations[k]), *make_dropout(rates[k])]
            for k in range(i, min(i + 2, n))
        ]
        first = [
            make_dense(params, sizes[i], initializers[i]),
            *make_normalization(params.normalization),
            *after[0],
        ]
        if params.residual and i + 1 < n:
            last = make_dense(params, sizes[i + 1], Zeros())
            layers += [Residual((*first, last), initializers[i + 1]), *after[1]]
            i += 2
        else:
            layers += first
            i += 1
    return layers


def make_initializers(
    params: DenseBlockParameters, choices: list[Any], activations: list[Any]
) -> list[Initializer]:
    """Return one initializer per weight matrix, that of the output layer last.

    The output layer is drawn for the activation before it, as in scikit-learn; 'auto'
    takes into account that it has none itself.
    """
    before = [*activations, activations[-1] if activations else params.activation]
    n = len(activations)
    return [
        choose_initializer(
            choice, None if i == n else activation, params.init_scale, activation
        )
        for i, (choice, activation) in enumerate(zip(choices, before, strict=True))
    ]


def make_dense(
    params: DenseBlockParameters, units: int, initializer: Initializer
) -> Layer:
    """Return a dense layer, with DropConnect if asked for."""
    dense = Dense(units, initializer)
    return DropConnect(dense, params.dropconnect) if params.dropconnect else dense
