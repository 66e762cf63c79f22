"""Pooling layers: each window of an image becomes one pixel."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import aligned_empty, batch_empty, rows_last
from .._typing import Array, DType, Matrix, Shape
from ._windows import Pair, check_images, check_window, n_windows, pair, shifted
from .base import Layer, LayerSpec, Params, Training, Workspace


@dataclass(frozen=True)
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

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=batch_empty(n, spec.out_shape, dtype))
        ws.k, ws.s = pair(self.size), pair(self.stride or self.size)
        ws.windows = spec.out_shape[1:]
        if training is not None:
            ws.dx = batch_empty(n, spec.in_shape, dtype)
            ws.part = aligned_empty((*spec.out_shape, n), dtype)
        return ws


@dataclass(frozen=True)
class MaxPool2D(Pool2D):
    """``y = max x`` over each window; dy goes to the first of the largest pixels.

    Parameters
    ----------
    size : int or (int, int), default=2
        Height and width of a window.
    stride : int, (int, int) or None, default=None
        Distance between adjacent windows; None means `size`, so that windows do not
        overlap.
    """

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.x, y = x, rows_last(ws.y)
        windows = shifted(rows_last(x), ws.k, ws.s, ws.windows)
        np.copyto(y, next(windows)[2])
        for _, _, pixels in windows:
            np.maximum(y, pixels, out=y)
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if not need_dx:
            return None
        y, dx, left = rows_last(ws.y), rows_last(ws.dx), rows_last(dy)
        dx.fill(0)
        pairs = zip(
            shifted(rows_last(ws.x), ws.k, ws.s, ws.windows),
            shifted(dx, ws.k, ws.s, ws.windows),
            strict=True,
        )
        for (_, _, pixels), (_, _, d) in pairs:
            largest = pixels == y
            np.multiply(left, largest, out=ws.part)
            d += ws.part
            left -= ws.part  # each element of dy goes to one pixel only
        return ws.dx


@dataclass(frozen=True)
class AvgPool2D(Pool2D):
    """``y = mean x`` over each window; dy is divided equally among the pixels.

    Parameters
    ----------
    size : int or (int, int), default=2
        Height and width of a window.
    stride : int, (int, int) or None, default=None
        Distance between adjacent windows; None means `size`, so that windows do not
        overlap.
    """

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        y = rows_last(ws.y)
        y.fill(0)
        for _, _, pixels in shifted(rows_last(x), ws.k, ws.s, ws.windows):
            y += pixels
        y *= 1 / (ws.k[0] * ws.k[1])
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if not need_dx:
            return None
        dy *= 1 / (ws.k[0] * ws.k[1])
        dx = rows_last(ws.dx)
        dx.fill(0)
        for _, _, d in shifted(dx, ws.k, ws.s, ws.windows):
            d += rows_last(dy)
        return ws.dx


@dataclass(frozen=True)
class GlobalAvgPool2D(Layer):
    """``y[c] = mean x[c, h, w]`` over all pixels: one number per channel [1]_.

    References
    ----------
    .. [1] M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.
    """

    def build(self, in_shape: Shape) -> LayerSpec:
        check_images(self, in_shape)
        return LayerSpec(in_shape, in_shape[:1])

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=aligned_empty((n, *spec.out_shape), dtype))
        if training is not None:
            ws.dx = batch_empty(n, spec.in_shape, dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        return np.mean(x, axis=(2, 3), out=ws.y)

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if not need_dx:
            return None
        dy *= 1 / (ws.dx.shape[2] * ws.dx.shape[3])
        np.copyto(ws.dx, dy[:, :, np.newaxis, np.newaxis])
        return ws.dx
