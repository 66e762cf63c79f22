"""The convolution layer: small kernels that slide over the whole image."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from .._arrays import (
    PRODUCT_GRAIN,
    aligned_empty,
    aligned_zeros,
    batch_empty,
    rows_last,
)
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_positive, spec
from .._typing import Array, DType, Shape
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
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact

Args: TypeAlias = tuple[Any, ...]


@spec
class Conv2D(Layer):
    """Convolve images with learned kernels, one for each channel of the output.

    For each row, ``y[o, h, w] = b[o] + Σ W[o, c, i, j] x[c, s h + i, s w + j]``, a sum
    over the channels c of the input and over the places i, j in the kernel; s is the
    stride. This is the cross-correlation that all frameworks call convolution.

    The images x have the shape (n, input channels, height, width). The weights W have
    the shape (channels, input channels, kernel height, kernel width), the biases b
    (channels,).

    The layer is one matrix product [1]_: each column of a matrix X holds the pixels of
    one window, so that ``y = W X + b``. Backward: ``dW = dy Xᵀ``, ``dX = Wᵀ dy``, and
    db is the sum of dy over rows and pixels.

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
        number of elements of a kernel: its height times its width times the number of
        channels of the input.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural
       networks for document processing", IWFHR 2006.

    Examples
    --------
    A kernel for vertical edges, on an image that is dark on the left and light on the
    right:

    >>> import numpy as np
    >>> from sknn.layers import Conv2D
    >>> from sknn.network import Network
    >>> layer = Conv2D(1, kernel_size=(1, 2), padding="valid")
    >>> network = Network([layer], in_shape=(1, 2, 5), dtype=np.dtype(float))
    >>> network.params[0]["W"][:] = [-1, 1]
    >>> images = np.tile([1.0, 1, 1, 5, 5], (1, 1, 2, 1))
    >>> print(network.scores(images)[0, 0])
    [[0. 0. 4. 0.]
     [0. 0. 4. 0.]]
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
        ws.x = rows_last(bind_compact(x, ws))
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.windows = Windows(self, ws.spec, ws.n, ws.dtype)
        ws.do(conv_forward, ws.windows, ws.x, ws.p["W"], ws.p["b"], rows_last(y))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        d, g = rows_last(bind_compact(dy, ws)), ws.g
        if g:
            ws.do(conv_weight_gradient, ws.windows, ws.x, d, g["W"], g["b"])
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(conv_input_gradient, ws.windows, d, ws.p["W"], rows_last(dx))
        return dx


class Windows:
    """Where the windows of a convolution lie, and the matrix X of their pixels.

    X exists only where a product with it is computed, which kernels do not.

    Attributes
    ----------
    k, s : (int, int)
        Height and width of the kernel, and the strides.
    before : (int, int)
        Number of zeros above and to the left of an image.
    padded : (int, int)
        Height and width of an image with all zeros.
    shape : tuple of int
        The shape of X: (C, *k, *windows, n).
    """

    def __init__(self, layer: Conv2D, spec: LayerSpec, n: int, dtype: DType) -> None:
        C, *size = spec.in_shape
        self.k, self.s = k, s = pair(layer.kernel_size), pair(layer.stride)
        padding = padding_by_axis(layer.padding)
        (top, bottom), (left, right) = (
            pad_widths(size[a], k[a], s[a], padding[a]) for a in (0, 1)
        )
        self.before = top, left
        self.padded = top + size[0] + bottom, left + size[1] + right
        self.inner = slice(top, top + size[0]), slice(left, left + size[1])
        self.shape = C, *k, *spec.out_shape[1:], n
        self.dtype = dtype

    @cached_property
    def X(self) -> Array:
        """The matrix of windows."""
        return aligned_empty(self.shape, self.dtype)

    @cached_property
    def images(self) -> Array:
        """Images with zeros around them."""
        return aligned_zeros((self.shape[0], *self.padded, self.shape[-1]), self.dtype)

    @cached_property
    def dx(self) -> Array:
        """The derivatives of the pixels of `images`."""
        return np.empty_like(self.images)

    def shifted(self, images: Array) -> Iterator[tuple[int, int, Array]]:
        """Yield ``i, j`` and the pixels (i, j) of all windows of padded images."""
        return shifted(images, self.k, self.s, self.shape[3:5])

    @property
    def numbers(self) -> tuple[int, ...]:
        """What kernels know of the windows: strides and zeros."""
        return *self.s, *self.before


BLOCK = 8
"""Number of output channels that the kernels compute at once."""


def _ranges(length: int, parts: int, step: int = 1) -> list[tuple[int, int]]:
    """Cut `length` into at most `parts` ranges whose ends are multiples of `step`."""
    steps = -(-length // step)
    parts = max(1, min(parts, steps))
    ends = [min(i * steps // parts * step, length) for i in range(parts + 1)]
    return list(pairwise(ends))


def _split_by_pixels(args: Args, parts: int, image: int, cut_W: Any) -> list[Args]:
    """Cut the image at position `image` of the arguments by rows or by channels."""
    out, first, last = args[image], *args[-2:]
    parts = min(parts, out.size * args[1].size // args[1].shape[0] // PRODUCT_GRAIN)
    if parts < 2:
        return [args]
    if len(out) % (BLOCK * parts):  # blocks of channels would be of different sizes
        return [
            (*args[:-2], first + i, first + j) for i, j in _ranges(last - first, parts)
        ]
    return [cut_W(args, slice(i, j)) for i, j in _ranges(len(out), parts, BLOCK)]


def _split_forward(args: Args, parts: int) -> list[Args]:
    return _split_by_pixels(
        args, parts, 3, lambda a, at: (a[0], a[1][at], a[2][at], a[3][at], *a[4:])
    )


def _split_input_gradient(args: Args, parts: int) -> list[Args]:
    return _split_by_pixels(
        args, parts, 2, lambda a, at: (a[0], a[1][:, at], a[2][at], *a[3:])
    )


@has_kernel(
    lambda windows, x, W, b, y: (
        "conv_forward",
        (x, W, b, y, *windows.numbers, 0, y.shape[1]),
    ),
    _split_forward,
)
def conv_forward(windows: Windows, x: Array, W: Array, b: Array, y: Array) -> None:
    """``y = W X + b``."""
    if windows.images.shape != x.shape:
        windows.images[:, *windows.inner] = x
        x = windows.images
    for i, j, pixels in windows.shifted(x):
        windows.X[:, i, j] = pixels
    W = _flat(W)
    np.matmul(W, _columns(windows.X, W.shape[1]), out=_columns(y, len(W)))
    y += b[:, np.newaxis, np.newaxis, np.newaxis]


@has_kernel(
    lambda windows, x, dy, dW, db: (
        "conv_weight_gradient",
        (x, dy, dW, db, *windows.numbers),
    ),
    by_axis({1: 0, 2: 0, 3: 0}, GRAIN),
)
def conv_weight_gradient(
    windows: Windows, x: Array, dy: Array, dW: Array, db: Array
) -> None:
    """``dW = dy Xᵀ``, ``db = Σ dy``, with the X of the forward pass."""
    d, dW = _columns(dy, len(dW)), _flat(dW)
    np.matmul(d, _columns(windows.X, dW.shape[1]).T, out=dW)
    np.matmul(d, np.ones(d.shape[1], d.dtype), out=db)


@has_kernel(
    lambda windows, dy, W, dx: (
        "conv_input_gradient",
        (dy, W, dx, *windows.numbers, 0, dx.shape[1]),
    ),
    _split_input_gradient,
)
def conv_input_gradient(windows: Windows, dy: Array, W: Array, dx: Array) -> None:
    """``dX = Wᵀ dy``, summed into `dx`; overwrites X."""
    W, X, padded = _flat(W), windows.X, windows.dx
    np.matmul(W.T, _columns(dy, len(W)), out=_columns(X, W.shape[1]))
    padded.fill(0)
    for i, j, pixels in windows.shifted(padded):
        pixels += X[:, i, j]
    np.copyto(dx, padded[:, *windows.inner])


def _flat(W: Array) -> Array:
    """View kernels (channels, C, kh, kw) as a matrix with one row per kernel."""
    return W.reshape(len(W), -1)


def _columns(X: Array, n_rows: int) -> Array:
    """View an array as a matrix with `n_rows` rows."""
    return X.reshape(n_rows, -1)
