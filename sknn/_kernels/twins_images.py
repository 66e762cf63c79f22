"""NumPy twins of the kernels for images, and how to split them among threads.

Images of a batch are (C, H, W, n): the rows are innermost.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from .._typing import Array, Shape
from ..layers._windows import shifted

Args: TypeAlias = tuple[Any, ...]

BLOCK = 8
"""Output channels that the kernels compute at once."""


def conv_forward(
    x: Array, W: Array, b: Array, y: Array,
    sh: int, sw: int, top: int, left: int, h0: int, h1: int,
) -> None:  # fmt: skip
    """Rows h0 to h1 of ``y[o, h, v] = b[o] + Σ W[o, c, i, j] x[c, h', v']``.

    The sum is over c, i and j, ``h' = sh h - top + i`` and ``v' = sw v - left + j``;
    x is zero outside of the image.
    """
    X = _windows(x, _kernel(W), y.shape[1:3], (sh, sw), (top, left))
    X = X[:, :, :, h0:h1]
    y[:, h0:h1] = np.tensordot(W, X, 3) + b[:, np.newaxis, np.newaxis, np.newaxis]


def conv_input_gradient(
    dy: Array, W: Array, dx: Array,
    sh: int, sw: int, top: int, left: int, h0: int, h1: int,
) -> None:  # fmt: skip
    """Rows h0 to h1 of dx, the gradient of `conv_forward` for some input channels."""
    width = dx.shape[2]
    kernel, windows = _kernel(W), dy.shape[1:3]
    dX = np.tensordot(W.transpose(1, 2, 3, 0), dy, 1)
    padded = np.zeros(
        _padded_shape(dx.shape, kernel, windows, (sh, sw), (top, left)), dx.dtype
    )
    for i, j, pixels in shifted(padded, kernel, (sh, sw), windows):
        pixels += dX[:, i, j]
    dx[:, h0:h1] = padded[:, top + h0 : top + h1, left : left + width]


def conv_weight_gradient(
    x: Array, dy: Array, dW: Array, db: Array, sh: int, sw: int, top: int, left: int
) -> None:
    """Gradient of `conv_forward` for the weights of some output channels."""
    X = _windows(x, _kernel(dW), dy.shape[1:3], (sh, sw), (top, left))
    dW[...] = np.tensordot(dy, X, ((1, 2, 3), (3, 4, 5)))
    db[...] = dy.reshape(len(dy), -1).sum(axis=1)


def windows(
    x: Array, X: Array, kh: int, kw: int, sh: int, sw: int, top: int, left: int
) -> None:
    """``X[c kh kw + i kw + j, h, v] = x[c, sh h - top + i, sw v - left + j]``.

    With it a convolution is a product: ``y = W X + b``, all as matrices.
    """
    X[...] = _windows(x, (kh, kw), X.shape[1:3], (sh, sw), (top, left)).reshape(X.shape)


def use_windows(W: Array, y: Array, sw: int) -> bool:
    """Return whether `windows` and a product are faster than `conv_forward`.

    They are for a few rows, if many channels share the windows: the rows are then too
    short for vectors, and only adjacent windows make up for that.
    """
    few = y.shape[3] * y.itemsize < 64
    return few and len(y) >= 32 and (sw > 1 or y.shape[2] * y.shape[3] <= 64)


def split_conv_forward(args: Args, parts: int) -> list[Args]:
    """Return the arguments of at most `parts` independent blocks of `conv_forward`."""
    x, W, b, y, *place, h0, h1 = args
    if _by_rows(h1 - h0, len(y), parts):
        rows = _ranges(h1 - h0, parts)
        return [(x, W, b, y, *place, h0 + i, h0 + j) for i, j in rows]
    channels = _ranges(len(y), parts, BLOCK)
    return [(x, W[i:j], b[i:j], y[i:j], *place, h0, h1) for i, j in channels]


def split_conv_input_gradient(args: Args, parts: int) -> list[Args]:
    """Return the arguments of independent blocks of `conv_input_gradient`."""
    dy, W, dx, *place, h0, h1 = args
    if _by_rows(h1 - h0, len(dx), parts):
        rows = _ranges(h1 - h0, parts)
        return [(dy, W, dx, *place, h0 + i, h0 + j) for i, j in rows]
    channels = _ranges(len(dx), parts, BLOCK)
    return [(dy, W[:, i:j], dx[i:j], *place, h0, h1) for i, j in channels]


def split_conv_weight_gradient(args: Args, parts: int) -> list[Args]:
    """Return the arguments of independent blocks of `conv_weight_gradient`."""
    x, dy, dW, db, *place = args
    channels = _ranges(len(dy), parts)
    return [(x, dy[i:j], dW[i:j], db[i:j], *place) for i, j in channels]


def max_pool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """``y = max x`` over each window."""
    windows = shifted(x, (kh, kw), (sh, sw), y.shape[1:3])
    np.copyto(y, next(windows)[2])
    for _, _, pixels in windows:
        np.maximum(y, pixels, out=y)


def max_pool_backward(
    x: Array, y: Array, dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int
) -> None:
    """Give dy to the first of the largest pixels of a window."""
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
    """Divide dy equally among the pixels of a window."""
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


def _ranges(length: int, parts: int, multiple: int = 1) -> list[tuple[int, int]]:
    """Divide ``range(length)`` into at most `parts`, almost equal, in multiples."""
    n = -(-length // multiple)
    parts = max(min(n, parts), 1)
    ends = [min(n * k // parts * multiple, length) for k in range(parts + 1)]
    return list(pairwise(ends))


def _by_rows(n_rows: int, n_channels: int, parts: int) -> bool:
    """Return whether blocks of rows are not more unequal than blocks of channels."""
    rows = max(j - i for i, j in _ranges(n_rows, parts)) / max(n_rows, 1)
    channels = max(j - i for i, j in _ranges(n_channels, parts, BLOCK)) / n_channels
    return rows <= channels


def _kernel(W: Array) -> tuple[int, int]:
    """Return height and width of a kernel."""
    return W.shape[2], W.shape[3]


def _padded_shape(
    shape: Shape, kernel: Shape, windows: Shape, stride: Shape, before: Shape
) -> Shape:
    """Shape of images (C, H, W, n) with all pixels that windows and image reach."""
    sides = [
        max(b + size, (w - 1) * s + k)
        for size, k, w, s, b in zip(
            shape[1:3], kernel, windows, stride, before, strict=True
        )
    ]
    return shape[0], *sides, shape[3]


def _windows(
    x: Array,
    kernel: tuple[int, int],
    windows: Shape,
    stride: tuple[int, int],
    before: Shape,
) -> Array:
    """Return X (C, kh, kw, windows, n), the pixels of each window of padded images."""
    padded = np.zeros(_padded_shape(x.shape, kernel, windows, stride, before), x.dtype)
    top, left = before
    padded[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    X = np.empty((len(x), *kernel, *windows, x.shape[3]), x.dtype)
    for i, j, pixels in shifted(padded, kernel, stride, windows):
        X[:, i, j] = pixels
    return X
