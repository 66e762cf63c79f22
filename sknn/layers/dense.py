"""The dense layer: each output unit is a weighted sum of all inputs plus a bias."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import aligned_empty
from .._spec import check_positive
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Initializer, make_initializer
from .base import Layer, LayerSpec, Params, ParamSpec, Training, Workspace


@dataclass(frozen=True)
class Dense(Layer):
    """``y = x W + b`` with x (n, fan_in), W (fan_in, units), b (units,), y (n, units).

    Backward: ``dW = xᵀ dy``, ``db = Σ dy`` over rows, ``dx = dy Wᵀ``. The input may be
    a CSR matrix. The initializer also gives the initial biases.

    Parameters
    ----------
    units : int
        Number of outputs.
    initializer : str or Initializer, default=None
        Initializer of the weights; with None the estimator chooses it.
    """

    units: int
    initializer: str | Initializer | None = None

    takes_sparse = True

    def __post_init__(self) -> None:
        check_positive(self, "units")

    def build(self, in_shape: Shape) -> LayerSpec:
        if len(in_shape) != 1:
            raise ValueError(
                f"{self!r} needs rows of numbers, got images of {in_shape} "
                "(channels, height, width). Put Flatten() or GlobalAvgPool2D() before "
                "it."
            )
        (fan_in,) = in_shape
        init, fan_out = make_initializer(self.initializer), self.units
        W = ParamSpec((fan_in, fan_out), init, fan_in, fan_out, decay=True)
        b = ParamSpec((fan_out,), init, fan_in, fan_out, decay=False, is_bias=True)
        return LayerSpec(in_shape, (fan_out,), {"W": W, "b": b})

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=aligned_empty((n, self.units), dtype))
        if training is not None:
            ws.ones = np.ones(n, dtype)
            ws.dx = None
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.x = x
        if isinstance(x, np.ndarray):
            np.matmul(x, p["W"], out=ws.y)
        else:
            np.copyto(ws.y, x @ p["W"])
        ws.y += p["b"]
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if g:
            if isinstance(ws.x, np.ndarray):
                np.matmul(ws.x.T, dy, out=g["W"])
            else:
                np.copyto(g["W"], ws.x.T @ dy)
            np.matmul(ws.ones, dy, out=g["b"])  # faster than a sum over rows
        if not need_dx:
            return None
        if ws.dx is None:  # never needed in the first layer, usually the widest
            ws.dx = aligned_empty((len(dy), len(p["W"])), dy.dtype)
            if not ws.x.flags.c_contiguous:  # flattened images: use their layout
                ws.dx = aligned_empty(ws.dx.shape[::-1], dy.dtype).T
        if ws.dx.flags.c_contiguous:
            np.matmul(dy, p["W"].T, out=ws.dx)
        else:
            np.matmul(p["W"], dy.T, out=ws.dx.T)
        return ws.dx
