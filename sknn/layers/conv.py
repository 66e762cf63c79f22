"""The convolution layer: small kernels that slide over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import aligned_empty, aligned_zeros, batch_empty, rows_last
from .._spec import check_positive
from .._typing import Array, DType, Matrix, Shape
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
from .base import Layer, LayerSpec, Params, ParamSpec, Training, Workspace


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

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        C, H, W = spec.in_shape
        k, s = pair(self.kernel_size), pair(self.stride)
        padding = padding_by_axis(self.padding)
        windows = spec.out_shape[1:]
        top, bottom = pad_widths(H, k[0], s[0], padding[0])
        left, right = pad_widths(W, k[1], s[1], padding[1])
        ws = SimpleNamespace(k=k, s=s, windows=windows)
        ws.inner = slice(top, top + H), slice(left, left + W)
        ws.padded = None
        if top + bottom + left + right:
            ws.padded = aligned_zeros((C, top + H + bottom, left + W + right, n), dtype)
        ws.X = aligned_empty((C, *k, *windows, n), dtype)
        ws.y = batch_empty(n, spec.out_shape, dtype)
        ws.dx = None
        if training is not None:
            ws.ones = np.ones(windows[0] * windows[1] * n, dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        x = rows_last(x)
        if ws.padded is not None:
            ws.padded[:, *ws.inner] = x
            x = ws.padded
        for i, j, pixels in shifted(x, ws.k, ws.s, ws.windows):
            ws.X[:, i, j] = pixels
        W, y = _flat(p["W"]), rows_last(ws.y)
        np.matmul(W, _columns(ws.X, W.shape[1]), out=_columns(y, len(W)))
        y += p["b"][:, np.newaxis, np.newaxis, np.newaxis]
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        W = _flat(p["W"])
        d = np.ascontiguousarray(rows_last(dy)).reshape(len(W), -1)
        X = _columns(ws.X, W.shape[1])
        if g:
            np.matmul(d, X.T, out=_flat(g["W"]))
            np.matmul(d, ws.ones, out=g["b"])
        if not need_dx:
            return None
        np.matmul(W.T, d, out=X)  # X is no longer needed
        if ws.dx is None:
            shape = ws.X.shape[0], *self._padded_size(ws), ws.X.shape[-1]
            ws.dx = aligned_empty(shape, ws.X.dtype)
        ws.dx.fill(0)
        for i, j, pixels in shifted(ws.dx, ws.k, ws.s, ws.windows):
            pixels += ws.X[:, i, j]
        return np.moveaxis(ws.dx[:, *ws.inner], -1, 0)

    @staticmethod
    def _padded_size(ws: Workspace) -> Shape:
        if ws.padded is not None:
            return ws.padded.shape[1:3]
        return tuple(side.stop for side in ws.inner)


def _flat(W: Array) -> Array:
    """View kernels (channels, C, kh, kw) as a matrix with one row per kernel."""
    return W.reshape(len(W), -1)


def _columns(X: Array, n_rows: int) -> Array:
    """View an array as a matrix with `n_rows` rows."""
    return X.reshape(n_rows, -1)
