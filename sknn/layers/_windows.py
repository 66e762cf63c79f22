"""Windows that slide over an image: their number, their padding, their views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._spec import is_positive
from .._typing import Array, Shape

Pair = int | tuple[int, int]
"""One number for both axes, or one for the height and one for the width."""


def pair(value: Pair) -> tuple[int, int]:
    """Return a number for each of both axes."""
    return value if isinstance(value, tuple) else (value, value)


def check_window(name: str, value: Any) -> None:
    """Raise unless `value` is a whole number from 1 up, or a tuple of two."""
    values = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    if not all(map(is_positive, values)):
        raise ValueError(
            f"{name} must be a whole number from 1 up, or a tuple of two of them for "
            f"height and width, got {value!r}."
        )


def check_images(layer: object, in_shape: Shape) -> None:
    """Raise unless the input of `layer` is images."""
    if len(in_shape) != 3:
        raise ValueError(
            f"{layer!r} needs images, (channels, height, width), got {in_shape}."
        )


def n_windows(length: int, size: int, stride: int, padding: str) -> int:
    """Return how many windows fit along an axis; with "same" one at each stride."""
    if padding == "same":
        return -(-length // stride)
    return (length - size) // stride + 1


def pad_widths(length: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """Return how many zeros to put in front of an axis, and behind it."""
    if padding == "valid":
        return 0, 0
    n = n_windows(length, size, stride, padding)
    total = max((n - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def shifted(
    x: Array, size: tuple[int, int], stride: tuple[int, int], n: Shape
) -> Iterator[tuple[int, int, Array]]:
    """Yield ``i, j, x[:, i::stride, j::stride]``: one pixel of each of the n windows.

    `x` is (C, H, W, rows), `n` the number of windows along both axes.
    """
    for i in range(size[0]):
        for j in range(size[1]):
            rows = slice(i, i + stride[0] * (n[0] - 1) + 1, stride[0])
            columns = slice(j, j + stride[1] * (n[1] - 1) + 1, stride[1])
            yield i, j, x[:, rows, columns]
