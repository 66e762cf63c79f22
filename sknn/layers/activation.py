"""The activation layer: an activation function applied to each element."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from .._arrays import batch_empty
from .._typing import Array, DType, Matrix, Shape
from ..activations import Activation
from .base import Layer, LayerSpec, Params, Training, Workspace


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """``y = f(x)`` elementwise, and ``dx = f'(x) dy``; any shape, no parameters."""

    activation: Activation

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, in_shape)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        return SimpleNamespace(y=batch_empty(n, spec.out_shape, dtype))

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.x = x
        self.activation.forward(x, ws.y)
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        self.activation.backward(ws.x, ws.y, dy)
        return dy
