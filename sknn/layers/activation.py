"""The activation layer: an activation function applied to each element."""

from __future__ import annotations

from .._arrays import aligned_like
from .._spec import spec
from .._typing import Array, Shape
from ..activations import (
    ACTIVATIONS,
    ActivationFunction,
    activation_backward,
    activation_forward,
)
from .base import Layer, LayerSpec, Workspace, bind_compact


@spec
class Activation(Layer):
    """Apply an activation function to each element of an input of any shape.

    ``y = f(x)``. Backward: ``dx = f'(x) dy``.

    Parameters
    ----------
    function : str or ActivationFunction
        f: a name, such as 'relu', or an object from `sknn.activations`.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    >>> from sknn import SequentialClassifier
    >>> from sknn.activations import LeakyReLU
    >>> from sknn.layers import Activation, Dense
    >>> clf = SequentialClassifier(
    ...     [Dense(16), Activation("tanh"), Dense(8), Activation(LeakyReLU(0.1))]
    ... )
    >>> clf.summary(n_features_in=4, n_outputs=3)
    layer        kind                                       output shape  parameters
    --------------------------------------------------------------------------------
    dense1       Dense(units=16)                            16            80
    activation1  Activation(function='tanh')                16            0
    dense2       Dense(units=8)                             8             136
    activation2  Activation(function=LeakyReLU(slope=0.1))  8             0
    output       Dense(units=3)                             3             27
    243 parameters
    """

    function: str | ActivationFunction

    def __post_init__(self) -> None:
        if self.function == "prelu":
            raise ValueError(
                "'prelu' has learned slopes: use the layer PReLU() instead."
            )
        check_function(self, self.function)

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, in_shape)

    @property
    def activation_to_fuse(self) -> ActivationFunction:
        return make_function(self.function)

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, ws.y = x, aligned_like(x)
        ws.do(activation_forward, self.activation_to_fuse, x, ws.y)
        return ws.y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        dy = bind_compact(dy, ws)
        ws.do(activation_backward, self.activation_to_fuse, ws.x, ws.y, dy)
        return dy


def check_function(layer: Layer, function: str | ActivationFunction) -> None:
    """Raise unless `function` of a layer is the name of a function, or a function."""
    known = isinstance(function, str) and function in ACTIVATIONS
    if not (known or isinstance(function, ActivationFunction)):
        raise ValueError(
            f"function of {type(layer).__name__} must be one of {sorted(ACTIVATIONS)} "
            f"or an ActivationFunction object, got {function!r}."
        )


def make_function(choice: str | ActivationFunction) -> ActivationFunction:
    """Return the activation function of that name, or `choice` itself."""
    return ACTIVATIONS[choice] if isinstance(choice, str) else choice
