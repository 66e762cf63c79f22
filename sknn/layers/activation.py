"""The activation layer: an activation function applied to each element."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from .._arrays import batch_empty
from .._typing import Array, DType, Matrix, Shape
from ..activations import ACTIVATIONS, ActivationFunction
from .base import Layer, LayerSpec, Params, Training, Workspace


@dataclass(frozen=True)
class Activation(Layer):
    """``y = f(x)`` elementwise, and ``dx = f'(x) dy``; any shape, no parameters.

    Parameters
    ----------
    function : str or ActivationFunction
        f, by its name, such as 'relu', or an object of `sknn.activations`.
    """

    function: str | ActivationFunction

    def __post_init__(self) -> None:
        if self.function == "prelu":
            raise ValueError("'prelu' learns its slope: use the layer PReLU().")
        known = isinstance(self.function, str) and self.function in ACTIVATIONS
        if not (known or isinstance(self.function, ActivationFunction)):
            raise ValueError(
                f"function of Activation must be one of {sorted(ACTIVATIONS)} or an "
                f"object of type ActivationFunction, got {self.function!r}."
            )

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, in_shape)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        f = self.function
        f = ACTIVATIONS[f] if isinstance(f, str) else f
        return SimpleNamespace(f=f, y=batch_empty(n, spec.out_shape, dtype))

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.x = x
        ws.f.forward(x, ws.y)
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        ws.f.backward(ws.x, ws.y, dy)
        return dy
