"""Conversion from rows to images, and from images to rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import aligned_empty, batch_empty, rows_last
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import is_integer_from, spec
from .._typing import Array, Shape
from .base import Layer, LayerSpec, SparseRows, Workspace, bind_compact, densify


@spec
class ToImages(Layer):
    """Convert rows as users pass them to images with the channels first.

    This is the first layer of a network for images. x is (n, features), (n, height,
    width) or (n, height, width, channels), y is (n, channels, height, width). For each
    row, ``y[c, h, w] = x[h, w, c]``.

    Parameters
    ----------
    shape : (int, int, int)
        Height, width and channels of an image.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    A row of eight numbers as an image of 2 x 2 pixels with two channels:

    >>> import numpy as np
    >>> from sknn.layers import ToImages
    >>> from sknn.network import Network
    >>> network = Network([ToImages((2, 2, 2))], in_shape=(8,), dtype=np.dtype(float))
    >>> for channel in network.scores(np.arange(8.0).reshape(1, 8))[0]:
    ...     print(channel)
    [[0. 2.]
     [4. 6.]]
    [[1. 3.]
     [5. 7.]]
    """

    shape: tuple[int, int, int]

    takes_sparse = True

    def __post_init__(self) -> None:
        shape: Any = self.shape
        if (
            not isinstance(shape, tuple)
            or len(shape) != 3
            or not all(is_integer_from(1, length) for length in shape)
        ):
            raise ValueError(
                "shape of ToImages must be a tuple of three positive integers, the "
                f"height, width and channels of an image, got {shape!r}."
            )

    def build(self, in_shape: Shape) -> LayerSpec:
        if math.prod(in_shape) != math.prod(self.shape):
            raise ValueError(
                f"Images of {self.shape} (height, width, channels) have "
                f"{math.prod(self.shape)} elements, but rows have the shape {in_shape}."
            )
        H, W, C = self.shape
        return LayerSpec(in_shape, (C, H, W))

    def bind(self, ws: Workspace, x: Any) -> Array:
        if isinstance(x, SparseRows):
            sparse, x = x, np.empty(x.shape, x.dtype)
            ws.do(densify, sparse, x)
        elif x.ndim > 2 and not x.flags.c_contiguous:
            source, x = x, np.empty(x.shape, x.dtype)
            ws.do(np.copyto, x, source)
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.do(to_images, x.reshape(len(x), *self.shape), rows_last(y))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = np.empty((ws.n, *ws.spec.in_shape), ws.dtype)
        ws.do(np.copyto, dx.reshape(ws.n, *self.shape), dy.transpose(0, 2, 3, 1))
        return dx


def _kernel(x: Array, y: Array) -> Any:
    if not (x.flags.c_contiguous and y.flags.c_contiguous):
        return None
    n, H, W, C = x.shape
    return "to_images", (x.reshape(n, H * W, C), y.reshape(C, H * W, n))


@has_kernel(_kernel, by_axis({0: 0, 1: 2}, GRAIN))
def to_images(x: Array, y: Array) -> None:
    """``y[c, h, w, i] = x[i, h, w, c]``."""
    np.copyto(y, x.transpose(3, 1, 2, 0))


@spec
class Flatten(Layer):
    """Convert images to rows, channel by channel, without a copy.

    Images (n, channels, height, width) become rows of channels * height * width
    numbers. In memory, the rows are the transposed view of a C-ordered matrix, which a
    matrix product can use directly. The outputs (n, k, units) of the members of an
    ensemble become rows of k * units numbers, member by member.

    Parameters
    ----------
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    The pixels of the first of two channels come first, then those of the second:

    >>> import numpy as np
    >>> from sknn.layers import Flatten, ToImages
    >>> from sknn.network import Network
    >>> layers = [ToImages((2, 2, 2)), Flatten()]
    >>> network = Network(layers, in_shape=(8,), dtype=np.dtype(float))
    >>> network.scores(np.arange(8.0).reshape(1, 8))
    array([[0., 2., 4., 6., 1., 3., 5., 7.]])
    """

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, (math.prod(in_shape),))

    def bind(self, ws: Workspace, x: Array) -> Array:
        if x.ndim == 3 and not x.flags.c_contiguous:
            y = aligned_empty((len(x), math.prod(x.shape[1:])), ws.dtype)
            ws.do(np.copyto, y.reshape(x.shape), x)
            return y
        if x.ndim < 4:
            return x.reshape(len(x), -1)
        return rows_last(bind_compact(x, ws)).reshape(-1, len(x)).T

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        shape = ws.spec.in_shape
        if len(shape) < 3:
            return dy.reshape(len(dy), *shape)
        return np.moveaxis(dy.T.reshape(*shape, len(dy)), -1, 0)
