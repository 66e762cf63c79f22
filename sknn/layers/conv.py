"""The convolution layer: small kernels that slide over the whole image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._arrays import aligned_empty, aligned_zeros, batch_empty, rows_last
from .._spec import check_positive
from .._typing import Array, Shape
from ..initializers import Initializer, make_initializer
from ._windows import (
    Padding,
    Pair,
    check_images,
    check_padding,
    check_window,
    n_windows,
    pad_widths,
    padding_by_axis,
    pair,
    shifted,
)
from .base import Layer, LayerSpec, ParamSpec, Workspace


@dataclass(frozen=True)
class Conv2D(Layer):
    """``y[o, h, w] = b[o] + Σ W[o, c, i, j] x[c, s h + i, s w + j]`` over c, i, j.

    This is the cross-correlation that all frameworks call convolution; s is the stride.
    x is (n, C, H, W), W (channels, C, kernel height, kernel width), b (channels,). The
    layer is one matrix product: each column of a matrix `X` holds the pixels of one
    window, so that ``y = W X``, and backward ``dW = dy Xᵀ``, ``dX = Wᵀ dy`` [1]_.

    Parameters
    ----------
    channels : int
        Number of kernels, and of channels of the output.
    kernel_size : int or (int, int), default=3
        Height and width of a kernel.
    stride : int or (int, int), default=1
        Distance between adjacent windows.
    padding : {'same', 'valid'}, int or (int, int), default='same'
        Zeros added around the image. 'same' adds as many as are needed for one window
        at each pixel, or at each stride; 'valid' adds none. An integer is the number of
        zeros on each side; of two, the first is for top and bottom and the second for
        left and right.
    initializer : str or Initializer, default=None
        Initializer of the weights; with None the estimator chooses it. fan_in is the
        number of elements of a kernel, ``C * height * width``.

    References
    ----------
    .. [1] K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural
       networks for document processing", IWFHR 2006.
    """

    channels: int
    kernel_size: Pair = 3
    stride: Pair = 1
    padding: Padding = "same"
    initializer: str | Initializer | None = None

    def __post_init__(self) -> None:
        check_positive(self, "channels")
        check_window("kernel_size", self.kernel_size)
        check_window("stride", self.stride)
        check_padding(self.padding)

    def build(self, in_shape: Shape) -> LayerSpec:
        check_images(self, in_shape)
        C, *size = in_shape
        k, s = pair(self.kernel_size), pair(self.stride)
        padding = padding_by_axis(self.padding)
        n = [n_windows(size[a], k[a], s[a], padding[a]) for a in (0, 1)]
        if min(n) < 1:
            raise ValueError(
                f"kernel_size={self.kernel_size} is larger than the image, "
                f"{size[0]} x {size[1]} pixels, with padding={self.padding!r}. Choose "
                "a smaller kernel or padding='same'."
            )
        area, init = k[0] * k[1], make_initializer(self.initializer)
        fans = C * area, self.channels * area
        W = ParamSpec((self.channels, C, *k), init, *fans, decay=True)
        b = ParamSpec((self.channels,), init, *fans, decay=False, is_bias=True)
        return LayerSpec(in_shape, (self.channels, *n), {"W": W, "b": b})

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y = rows_last(x), batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.windows = _Windows(self, ws)
        ws.do(ws.windows.forward, ws.x, ws.p["W"], ws.p["b"], rows_last(y))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        d, g = rows_last(dy), ws.g
        if g:
            ws.do(ws.windows.weight_gradient, d, g["W"], g["b"])
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(ws.windows.input_gradient, d, ws.p["W"], rows_last(dx))
        return dx


class _Windows:
    """The matrix X of all windows, and the three products with it."""

    def __init__(self, layer: Conv2D, ws: Workspace) -> None:
        C, H, W = ws.spec.in_shape
        self.k, self.s = k, s = pair(layer.kernel_size), pair(layer.stride)
        padding = padding_by_axis(layer.padding)
        self.windows = ws.spec.out_shape[1:]
        top, bottom = pad_widths(H, k[0], s[0], padding[0])
        left, right = pad_widths(W, k[1], s[1], padding[1])
        self.inner = slice(top, top + H), slice(left, left + W)
        size = C, top + H + bottom, left + W + right, ws.n
        self.padded = None
        if top + bottom + left + right:
            self.padded = aligned_zeros(size, ws.dtype)
        self.dx = None if ws.training is None else aligned_empty(size, ws.dtype)
        self.X = aligned_empty((C, *k, *self.windows, ws.n), ws.dtype)
        self.ones = np.ones(math.prod(self.windows) * ws.n, ws.dtype)

    def forward(self, x: Array, W: Array, b: Array, y: Array) -> None:
        """``y = W X + b``."""
        if self.padded is not None:
            self.padded[:, *self.inner] = x
            x = self.padded
        for i, j, pixels in shifted(x, self.k, self.s, self.windows):
            self.X[:, i, j] = pixels
        W = _flat(W)
        np.matmul(W, _columns(self.X, W.shape[1]), out=_columns(y, len(W)))
        y += b[:, np.newaxis, np.newaxis, np.newaxis]

    def weight_gradient(self, dy: Array, dW: Array, db: Array) -> None:
        """``dW = dy Xᵀ``, ``db = Σ dy``."""
        d, dW = np.ascontiguousarray(dy).reshape(len(dW), -1), _flat(dW)
        np.matmul(d, _columns(self.X, dW.shape[1]).T, out=dW)
        np.matmul(d, self.ones, out=db)

    def input_gradient(self, dy: Array, W: Array, dx: Array) -> None:
        """``dX = Wᵀ dy``, summed into `dx`; overwrites X."""
        assert self.dx is not None
        W = _flat(W)
        d, X = np.ascontiguousarray(dy).reshape(len(W), -1), self.X
        np.matmul(W.T, d, out=_columns(X, W.shape[1]))
        self.dx.fill(0)
        for i, j, pixels in shifted(self.dx, self.k, self.s, self.windows):
            pixels += X[:, i, j]
        np.copyto(dx, self.dx[:, *self.inner])


def _flat(W: Array) -> Array:
    """View kernels (channels, C, kh, kw) as a matrix with one row per kernel."""
    return W.reshape(len(W), -1)


def _columns(X: Array, n_rows: int) -> Array:
    """View an array as a matrix with `n_rows` rows."""
    return X.reshape(n_rows, -1)
