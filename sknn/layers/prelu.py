"""The parametric rectifier: a leaky rectifier whose slopes are learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._arrays import aligned_like, by_unit
from .._spec import check_range
from .._typing import Array, Shape
from ..initializers import Constant
from .base import Layer, LayerSpec, ParamSpec, Workspace


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

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, ws.y, ws.below = x, aligned_like(x), aligned_like(x)
        ws.do(prelu, by_unit(x), ws.p["a"], by_unit(ws.y), by_unit(ws.below))
        return ws.y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        da = ws.g["a"] if ws.g else None
        args = by_unit(ws.x), ws.p["a"], by_unit(dy), by_unit(ws.below), da
        ws.do(prelu_backward, *args)
        return ws.below


def prelu(x: Array, a: Array, y: Array, below: Array) -> None:
    """``y = max(x, 0) + a min(x, 0)``, a row for each unit; ``below = min(x, 0)``."""
    np.minimum(x, 0, out=below)
    np.multiply(below, a[:, np.newaxis], out=y)
    y += np.maximum(x, 0)


def prelu_backward(
    x: Array, a: Array, dy: Array, below: Array, da: Array | None
) -> None:
    """``da = Σ dy min(x, 0)``, and dx, which overwrites `below`."""
    if da is not None:
        below *= dy
        np.sum(below, axis=1, out=da)
    slopes = np.where(x > 0, dy.dtype.type(1), a[:, np.newaxis])
    np.multiply(dy, slopes, out=below)
