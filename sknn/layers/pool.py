"""Pooling layers: each window of an image becomes one pixel."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from .._arrays import aligned_empty, aligned_like, batch_empty, rows_last
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import spec
from .._typing import Array, Shape
from ._windows import Pair, check_images, check_window, n_windows, pair, shifted
from .base import Layer, LayerSpec, Workspace, bind_compact


@spec
class Pool2D(Layer):
    """The base class of pooling layers: windows of `size` at each `stride`.

    Pixels at the right and bottom border that do not fill a window are ignored.
    """

    size: Pair = 2
    stride: Pair | None = None

    def __post_init__(self) -> None:
        check_window("size", self.size)
        if self.stride is not None:
            check_window("stride", self.stride)

    def build(self, in_shape: Shape) -> LayerSpec:
        check_images(self, in_shape)
        C, *sides = in_shape
        k, s = pair(self.size), pair(self.stride or self.size)
        n = [n_windows(sides[a], k[a], s[a], "valid") for a in (0, 1)]
        if min(n) < 1:
            raise ValueError(
                f"{self!r} would leave less than one pixel of images of "
                f"{sides[0]} x {sides[1]} pixels. Use smaller windows or fewer pooling "
                "layers."
            )
        return LayerSpec(in_shape, (C, *n))

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Height and width of a window, and the two strides."""
        return (*pair(self.size), *pair(self.stride or self.size))

    @abstractmethod
    def bind(self, ws: Workspace, x: Array) -> Array: ...


@spec
class MaxPool2D(Pool2D):
    """Replace each window of an image by its maximum, channel by channel.

    x is (n, channels, H, W). Backward: each element of dy goes to the first of the
    largest pixels of its window. Pixels at the right and bottom border that do not fill
    a window are ignored.

    Parameters
    ----------
    size : int or (int, int), default=2
        Height and width of a window.
    stride : int, (int, int) or None, default=None
        Distance between adjacent windows; None means `size`, so that windows do not
        overlap.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.layers import MaxPool2D
    >>> from sknn.network import Network
    >>> network = Network([MaxPool2D()], in_shape=(1, 4, 4), dtype=np.dtype(float))
    >>> print(network.scores(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0])
    [[ 5.  7.]
     [13. 15.]]
    """

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, ws.y = x, batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.do(max_pool, rows_last(x), rows_last(ws.y), *self.window)
        return ws.y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = aligned_like(ws.x)
        dy = bind_compact(dy, ws)
        arrays = (rows_last(a) for a in (ws.x, ws.y, dy, dx))
        ws.do(max_pool_backward, *arrays, *self.window)
        return dx


@has_kernel(split=by_axis({0: 0, 1: 0}, GRAIN))
def max_pool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """``y = max x`` over windows of (kh, kw) pixels at strides (sh, sw)."""
    windows = shifted(x, (kh, kw), (sh, sw), y.shape[1:3])
    np.copyto(y, next(windows)[2])
    for _, _, pixels in windows:
        np.maximum(y, pixels, out=y)


@has_kernel(split=by_axis({0: 0, 1: 0, 2: 0, 3: 0}, GRAIN))
def max_pool_backward(
    x: Array, y: Array, dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int
) -> None:
    """Add each element of `dy` to the first of the largest pixels of its window."""
    window = (kh, kw), (sh, sw), y.shape[1:3]
    dx.fill(0)
    left = np.ones(y.shape, bool)  # each element of dy goes to one pixel only
    for (_, _, pixels), (_, _, d) in zip(
        shifted(x, *window), shifted(dx, *window), strict=True
    ):
        here = left & (pixels == y)
        np.add(d, dy, out=d, where=here)
        left ^= here


@spec
class AvgPool2D(Pool2D):
    """Replace each window of an image by its mean, channel by channel.

    x is (n, channels, H, W). Backward: each element of dy is divided equally among the
    pixels of its window. Pixels at the right and bottom border that do not fill a
    window are ignored.

    Parameters
    ----------
    size : int or (int, int), default=2
        Height and width of a window.
    stride : int, (int, int) or None, default=None
        Distance between adjacent windows; None means `size`, so that windows do not
        overlap.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    Windows of 3 x 3 pixels that overlap:

    >>> import numpy as np
    >>> from sknn.layers import AvgPool2D
    >>> from sknn.network import Network
    >>> layer = AvgPool2D(size=3, stride=1)
    >>> network = Network([layer], in_shape=(1, 4, 4), dtype=np.dtype(float))
    >>> print(network.scores(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0].round(6))
    [[ 5.  6.]
     [ 9. 10.]]
    """

    def bind(self, ws: Workspace, x: Array) -> Array:
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.do(avg_pool, rows_last(x), rows_last(y), *self.window)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        dy = bind_compact(dy, ws)
        ws.do(avg_pool_backward, rows_last(dy), rows_last(dx), *self.window)
        return dx


@has_kernel(split=by_axis({0: 0, 1: 0}, GRAIN))
def avg_pool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """``y = mean x`` over windows of (kh, kw) pixels at strides (sh, sw)."""
    y.fill(0)
    for _, _, pixels in shifted(x, (kh, kw), (sh, sw), y.shape[1:3]):
        y += pixels
    y *= 1 / (kh * kw)


@has_kernel(split=by_axis({1: 0, 0: 0}, GRAIN))
def avg_pool_backward(dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int) -> None:
    """Divide each element of `dy` equally among the pixels of its window."""
    share = dy * dy.dtype.type(1 / (kh * kw))
    dx.fill(0)
    for _, _, d in shifted(dx, (kh, kw), (sh, sw), dy.shape[1:3]):
        d += share


@spec
class GlobalAvgPool2D(Layer):
    """Replace each channel of an image by the mean of its pixels.

    x is (n, channels, H, W), y is (n, channels).

    It was proposed in [1]_.

    Parameters
    ----------
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.

    Examples
    --------
    Two channels become two numbers:

    >>> import numpy as np
    >>> from sknn.layers import GlobalAvgPool2D
    >>> from sknn.network import Network
    >>> layer = GlobalAvgPool2D()
    >>> network = Network([layer], in_shape=(2, 2, 2), dtype=np.dtype(float))
    >>> network.scores(np.array([[[[1.0, 2], [3, 4]], [[5, 5], [5, 9]]]]))
    array([[2.5, 6. ]])
    """

    def build(self, in_shape: Shape) -> LayerSpec:
        check_images(self, in_shape)
        return LayerSpec(in_shape, in_shape[:1])

    def bind(self, ws: Workspace, x: Array) -> Array:
        y = aligned_empty((ws.n, *ws.spec.out_shape), ws.dtype)
        ws.do(global_avg_pool, rows_last(x), y)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(global_avg_pool_backward, dy, rows_last(dx))
        return dx


@has_kernel(split=by_axis({0: 0, 1: 1}, GRAIN))
def global_avg_pool(x: Array, y: Array) -> None:
    """``y[i, c] = mean x[c, h, w, i]`` over h, w."""
    np.mean(x, axis=(1, 2), out=y.T)


@has_kernel(split=by_axis({1: 0, 0: 1}, GRAIN))
def global_avg_pool_backward(dy: Array, dx: Array) -> None:
    """``dx[c, h, w, i] = dy[i, c] / (H W)``."""
    pixels = dx.shape[1] * dx.shape[2]
    np.copyto(dx, (dy.T * dy.dtype.type(1 / pixels))[:, np.newaxis, np.newaxis])
