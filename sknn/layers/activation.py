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
    """``y = f(x)`` elementwise, for inputs of any shape; no parameters.

    Backward: ``dx = f'(x) dy``.

    Parameters
    ----------
    function : str or ActivationFunction
        f: a name, such as 'relu', or an object from `sknn.activations`.
    """

    function: str | ActivationFunction

    def __post_init__(self) -> None:
        if self.function == "prelu":
            raise ValueError(
                "'prelu' has learned slopes: use the layer PReLU() instead."
            )
        known = isinstance(self.function, str) and self.function in ACTIVATIONS
        if not (known or isinstance(self.function, ActivationFunction)):
            raise ValueError(
                f"function of Activation must be one of {sorted(ACTIVATIONS)} or an "
                f"ActivationFunction object, got {self.function!r}."
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
