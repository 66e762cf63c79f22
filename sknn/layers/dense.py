"""The dense layer: each output unit is a weighted sum of all inputs plus a bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._arrays import add_bias, aligned_empty, aligned_like, column_sums, matmul
from .._kernels import has_kernel, run
from .._spec import check_positive, spec
from .._typing import Array, Shape
from ..activations import (
    activation_backward,
    activation_backward_bias,
    bias_activation,
)
from ..initializers import Initializer, make_initializer
from .base import Layer, LayerSpec, ParamSpec, SparseRows, Workspace


@spec
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
    fuses_activation = True

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

    def bind(self, ws: Workspace, x: Any) -> Array:
        ws.x, ws.y = x, aligned_empty((ws.n, self.units), ws.dtype)
        W, b = ws.p["W"], ws.p["b"]
        ws.do(sparse_dot if isinstance(x, SparseRows) else matmul, x, W, ws.y)
        if ws.f is None:
            ws.do(add_bias, ws.y, b)
            return ws.y
        ws.a = aligned_empty(ws.y.shape, ws.dtype)
        ws.do(bias_activation, ws.f, ws.y, b, ws.a)
        return ws.a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        x, W, g = ws.x, ws.p["W"], ws.g
        if ws.f is not None and g:
            ws.do(activation_backward_bias, ws.f, ws.y, ws.a, dy, g["b"])
        elif ws.f is not None:
            ws.do(activation_backward, ws.f, ws.y, ws.a, dy)
        elif g:
            ws.do(column_sums, dy, g["b"])
        if g and isinstance(x, SparseRows):
            ws.do(sparse_t_dot, x, dy, g["W"])
        elif g:
            ws.do(matmul, x.T, dy, g["W"])
        if not need_dx:
            return None
        # Flattened images are the transpose of a C-contiguous matrix.
        dx = aligned_like(x)
        ws.do(matmul, dy, W.T, dx)
        return dx


def sparse_dot(x: SparseRows, W: Array, y: Array) -> None:
    """``y = x W``."""
    run(csr_dot, x.rows.data, x.rows.indices, x.rows.indptr, W, y)


def sparse_t_dot(x: SparseRows, dy: Array, dW: Array) -> None:
    """``dW = xᵀ dy``."""
    run(csr_t_dot, x.rows.data, x.rows.indices, x.rows.indptr, dy, dW)


@has_kernel()
def csr_dot(data: Array, indices: Array, indptr: Array, W: Array, y: Array) -> None:
    """``y = x W``, for the CSR matrix x of these arrays."""
    np.copyto(y, _csr(data, indices, indptr, len(W)) @ W)


@has_kernel()
def csr_t_dot(data: Array, indices: Array, indptr: Array, dy: Array, dW: Array) -> None:
    """``dW = xᵀ dy``, for the CSR matrix x of these arrays."""
    np.copyto(dW, _csr(data, indices, indptr, len(dW)).T @ dy)


def _csr(data: Array, indices: Array, indptr: Array, width: int) -> csr_array:
    return csr_array((data, indices, indptr), (len(indptr) - 1, width))
