"""NumPy twins of the kernels for images, and how to split them among threads.

Images of a batch are (C, H, W, n): the rows are innermost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import Array
from ..layers._windows import shifted

Args = tuple[Any, ...]


def conv_forward(
    x: Array, W: Array, b: Array, y: Array,
    sh: int, sw: int, top: int, left: int, h0: int, h1: int,
) -> None:  # fmt: skip
    """Rows h0 to h1 of ``y[o, h, v] = b[o] + Σ W[o, c, i, j] x[c, h', v']``.

    The sum is over c, i and j, ``h' = sh h - top + i`` and ``v' = sw v - left + j``;
    x is zero outside of the image.
    """
    X = _windows(x, W.shape[2:], y.shape[1:3], (sh, sw), (top, left))
    X = X[:, :, :, h0:h1]
    y[:, h0:h1] = np.tensordot(W, X, 3) + b[:, np.newaxis, np.newaxis, np.newaxis]


def conv_input_gradient(
    dy: Array, W: Array, dx: Array,
    sh: int, sw: int, top: int, left: int, h0: int, h1: int,
) -> None:  # fmt: skip
    """Rows h0 to h1 of dx, the gradient of `conv_forward` for some input channels."""
    C, H, width, n = dx.shape
    kernel, windows = W.shape[2:], dy.shape[1:3]
    dX = np.tensordot(W.transpose(1, 2, 3, 0), dy, 1)
    padded = np.zeros(_padded_shape(dx.shape, kernel, windows, (sh, sw), (top, left)))
    padded = padded.astype(dx.dtype)
    for i, j, pixels in shifted(padded, kernel, (sh, sw), windows):
        pixels += dX[:, i, j]
    dx[:, h0:h1] = padded[:, top + h0 : top + h1, left : left + width]


def conv_weight_gradient(
    x: Array, dy: Array, dW: Array, db: Array, sh: int, sw: int, top: int, left: int
) -> None:
    """Gradient of `conv_forward` for the weights of some output channels."""
    X = _windows(x, dW.shape[2:], dy.shape[1:3], (sh, sw), (top, left))
    dW[...] = np.tensordot(dy, X, ((1, 2, 3), (3, 4, 5)))
    db[...] = dy.reshape(len(dy), -1).sum(axis=1)


def max_pool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """``y = max x`` over each window."""
    windows = shifted(x, (kh, kw), (sh, sw), y.shape[1:3])
    np.copyto(y, next(windows)[2])
    for _, _, pixels in windows:
        np.maximum(y, pixels, out=y)


def max_pool_backward(
    x: Array, y: Array, dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int
) -> None:
    """dy goes to the first of the largest pixels of a window."""
    dx.fill(0)
    free = np.ones(y.shape, bool)  # windows whose dy has not been placed
    pairs = zip(
        shifted(x, (kh, kw), (sh, sw), y.shape[1:3]),
        shifted(dx, (kh, kw), (sh, sw), y.shape[1:3]),
        strict=True,
    )
    for (_, _, pixels), (_, _, d) in pairs:
        largest = free & (pixels == y)
        np.add(d, dy, out=d, where=largest)
        free ^= largest


def avg_pool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """``y = mean x`` over each window."""
    y.fill(0)
    for _, _, pixels in shifted(x, (kh, kw), (sh, sw), y.shape[1:3]):
        y += pixels
    y *= 1 / (kh * kw)


def avg_pool_backward(dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """dy is divided equally among the pixels of a window."""
    dx.fill(0)
    part = dy * dy.dtype.type(1 / (kh * kw))
    for _, _, d in shifted(dx, (kh, kw), (sh, sw), dy.shape[1:3]):
        d += part


def global_avg_pool(x: Array, y: Array) -> None:
    """``y[r, c] = mean x[c, h, v, r]`` over all pixels."""
    np.mean(x, axis=(1, 2), out=y.T)


def global_avg_pool_backward(dy: Array, dx: Array) -> None:
    """``dx[c, h, v, r] = dy[r, c] / (H W)``."""
    share = dx.dtype.type(1 / (dx.shape[1] * dx.shape[2]))
    dx[...] = (dy * share).T[:, np.newaxis, np.newaxis]


def _padded_shape(shape, kernel, windows, stride, before):
    """Shape of images (C, H, W, n) with all pixels that windows and image reach."""
    sides = [
        max(b + size, (w - 1) * s + k)
        for size, k, w, s, b in zip(
            shape[1:3], kernel, windows, stride, before, strict=True
        )
    ]
    return shape[0], *sides, shape[3]


def _windows(x, kernel, windows, stride, before):
    """Return X (C, kh, kw, windows, n), the pixels of each window of padded images."""
    padded = np.zeros(_padded_shape(x.shape, kernel, windows, stride, before), x.dtype)
    top, left = before
    padded[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    X = np.empty((len(x), *kernel, *windows, x.shape[3]), x.dtype)
    for i, j, pixels in shifted(padded, kernel, stride, windows):
        X[:, i, j] = pixels
    return X
