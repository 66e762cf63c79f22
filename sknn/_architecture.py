"""From parameters to layers: what the estimators with blocks of layers share."""

from __future__ import annotations

from numbers import Real
from typing import Any, TypeAlias

from ._estimator import BaseNetworkEstimator
from ._sklearn import Interval, StrOptions
from ._spec import Spec
from ._validation import check_choice, check_rate
from .activations import ACTIVATIONS, ActivationFunction
from .initializers import (
    INITIALIZERS,
    Constant,
    GlorotUniform,
    Initializer,
    Normal,
    Zeros,
    suitable,
)
from .layers import (
    Activation,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Layer,
    LayerNorm,
    PReLU,
    Residual,
)

Choice: TypeAlias = str | Spec
"""A name, or an object that says more than a name."""

NORMALIZATIONS: dict[str, type[Layer]] = {"batch": BatchNorm, "layer": LayerNorm}
"""The layers that normalise, by name."""

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
    if isinstance(choice, Activation):
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
    """Return the layer that normalises, if there is any."""
    if choice is None:
        return []
    return [NORMALIZATIONS[choice]() if isinstance(choice, str) else choice]


def choose_initializer(
    choice: Any, activation: Any, scale: float, before: Any = None
) -> Initializer:
    """Return the initializer of the weights in front of `activation`, None for none.

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


class BaseArchitecture(BaseNetworkEstimator):
    """Makes dense layers from parameters, and knows what the parameters may be."""

    _parameter_constraints: dict[str, Any] = {
        **BaseNetworkEstimator._parameter_constraints,
        "activation": [
            StrOptions(ACTIVATION_NAMES),
            ActivationFunction,
            Layer,
            tuple,
            list,
        ],
        "initializer": [
            StrOptions({"auto", *INITIALIZERS}),
            Initializer,
            tuple,
            list,
        ],
        "init_scale": [Interval(Real, 0, None, closed="neither")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "dropconnect": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), Layer, None],
        "residual": ["boolean"],
    }

    def _make_dense_layers(
        self,
        sizes: list[int],
        activations: list[Any],
        rates: list[Any],
        initializers: list[Initializer],
    ) -> list[Layer]:
        """Return hidden layers: dense, normalisation, activation, dropout, each."""
        n, layers = len(sizes), []
        i = 0
        while i < n:
            after = [
                [make_activation(activations[k]), *make_dropout(rates[k])]
                for k in range(i, min(i + 2, n))
            ]
            first = [
                self._make_dense(sizes[i], initializers[i]),
                *make_normalization(self.normalization),
                *after[0],
            ]
            if self.residual and i + 1 < n:
                last = self._make_dense(sizes[i + 1], Zeros())
                layers += [Residual((*first, last), initializers[i + 1]), *after[1]]
                i += 2
            else:
                layers += first
                i += 1
        return layers

    def _make_initializers(
        self, choices: list[Any], activations: list[Any], default: Any
    ) -> list[Initializer]:
        """Return one for each weight matrix, the output's last.

        The output layer is drawn for the activation in front of it, as in scikit-learn;
        'auto' knows that it has none.
        """
        before = [*activations, activations[-1] if activations else default]
        n = len(activations)
        return [
            choose_initializer(
                choice, None if i == n else activation, self.init_scale, activation
            )
            for i, (choice, activation) in enumerate(zip(choices, before, strict=True))
        ]

    def _make_dense(self, units: int, initializer: Initializer) -> Layer:
        dense = Dense(units, initializer)
        return DropConnect(dense, self.dropconnect) if self.dropconnect else dense
