"""Layers of images as nodes.

ONNX Runtime has no convolution and no average pooling in float64: there, both are made
of the pixels of all windows, as in the layers themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...layers import Conv2D, Pad
from ...layers._windows import pad_widths, padding_by_axis, pair
from ...layers.pool import Pool2D
from .._plan import Step
from .graph import Graph


def to_images(g: Graph, step: Step, x: str) -> str:
    """Convert rows, or images with channels last, to images with channels first."""
    C, H, W = step.out_shape
    return g.add("Transpose", g.add("Reshape", x, [-1, H, W, C]), perm=[0, 3, 1, 2])


def flatten(g: Graph, step: Step, x: str) -> str:
    """Convert images or members to rows."""
    return g.add("Reshape", x, [-1, *step.out_shape])


def pad(g: Graph, step: Step, x: str) -> str:
    """Add a border of a constant value."""
    assert isinstance(step.layer, Pad)
    return padded(g, x, step.layer.sides, float(step.layer.value))


def padded(
    g: Graph, x: str, sides: Sequence[tuple[int, int]], value: float = 0.0
) -> str:
    """Add a border to images, of so many pixels before and after both axes."""
    if not any(map(any, sides)):
        return x
    (top, bottom), (left, right) = sides
    return g.add("Pad", x, [0, 0, top, left, 0, 0, bottom, right], value)


def conv(g: Graph, step: Step, x: str) -> str:
    """``W * x + b``."""
    layer, p = step.layer, step.arrays
    assert isinstance(layer, Conv2D)
    size, stride = pair(layer.kernel_size), pair(layer.stride)
    padding, lengths = padding_by_axis(layer.padding), step.in_shape[1:]
    sides = [pad_widths(lengths[a], size[a], stride[a], padding[a]) for a in (0, 1)]
    if not g.is_double:
        pads = [before for before, _ in sides] + [after for _, after in sides]
        return g.add(
            *("Conv", x, p["W"], p["b"]),
            kernel_shape=size,
            strides=stride,
            pads=pads,
        )
    x = padded(g, x, sides)
    windows = g.add("Concat", *pixels(g, x, step, size, stride), axis=1)
    channels, n_pixels = len(p["W"]), math.prod(step.out_shape[1:])
    W = p["W"].transpose(0, 2, 3, 1).reshape(channels, -1)  # pixels, then channels
    windows = g.add("Reshape", windows, [-1, W.shape[1], n_pixels])
    y = g.add("Add", g.add("MatMul", W, windows), p["b"].reshape(-1, 1))
    return g.add("Reshape", y, [-1, *step.out_shape])


def pixels(
    g: Graph, x: str, step: Step, size: tuple[int, int], stride: tuple[int, int]
) -> Iterator[str]:
    """Yield each pixel (i, j) of all windows, (n, C, height, width)."""
    n = step.out_shape[1:]
    for i in range(size[0]):
        for j in range(size[1]):
            starts = [i, j]
            ends = [starts[a] + stride[a] * (n[a] - 1) + 1 for a in (0, 1)]
            yield g.add("Slice", x, starts, ends, [2, 3], [*stride])


def max_pool(g: Graph, step: Step, x: str) -> str:
    """Add the largest pixel of each window."""
    assert isinstance(step.layer, Pool2D)
    kh, kw, *strides = step.layer.window
    return g.add("MaxPool", x, kernel_shape=[kh, kw], strides=strides)


def avg_pool(g: Graph, step: Step, x: str) -> str:
    """Add the mean of each window."""
    assert isinstance(step.layer, Pool2D)
    kh, kw, sh, sw = step.layer.window
    if not g.is_double:
        return g.add("AveragePool", x, kernel_shape=[kh, kw], strides=[sh, sw])
    total, *others = pixels(g, x, step, (kh, kw), (sh, sw))
    for values in others:
        total = g.add("Add", total, values)
    return g.add("Mul", total, 1 / (kh * kw))


def global_avg_pool(g: Graph, step: Step, x: str) -> str:
    """Add the mean of each channel."""
    return g.add("ReduceMean", x, [2, 3], keepdims=0)
