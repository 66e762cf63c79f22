"""The parametric rectifier: a leaky rectifier whose slopes are learned."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import batch_empty, by_unit
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Constant
from .base import Layer, LayerSpec, Params, ParamSpec, Training, Workspace


@dataclass(frozen=True)
class PReLU(Layer):
    """``y = max(x, 0) + a min(x, 0)``, a learned slope for each unit or channel [1]_.

    Backward: ``da = Σ dy min(x, 0)`` over rows, ``dx = dy`` where ``x > 0``, else
    ``a dy``. As in the paper, the penalty does not apply to the slopes.

    Parameters
    ----------
    slope : float, default=0.25
        Initial value of the slopes.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """

    slope: float = 0.25

    def __post_init__(self) -> None:
        check_range(self, "slope", -np.inf, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        a = ParamSpec(in_shape[:1], Constant(self.slope), 1, 1, decay=False)
        return LayerSpec(in_shape, in_shape, {"a": a})

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=batch_empty(n, spec.out_shape, dtype))
        ws.below = batch_empty(n, spec.out_shape, dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.x = x
        np.minimum(x, 0, out=ws.below)
        np.multiply(by_unit(ws.below), p["a"][:, np.newaxis], out=by_unit(ws.y))
        ws.y += np.maximum(x, 0)
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if g:
            ws.below *= dy
            np.sum(by_unit(ws.below), axis=1, out=g["a"])
        slopes = np.where(by_unit(ws.x) > 0, dy.dtype.type(1), p["a"][:, np.newaxis])
        np.multiply(by_unit(dy), slopes, out=by_unit(ws.below))
        return ws.below
