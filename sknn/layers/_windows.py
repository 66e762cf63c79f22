"""Windows that slide over an image: their number, their padding, their views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from .._spec import is_integer_from
from .._typing import Array, Shape

Pair: TypeAlias = int | tuple[int, int]
"""One number for both axes, or one for the height and one for the width."""

AxisPadding: TypeAlias = str | int
"""'same', 'valid', or the number of zeros on each side of an axis."""

Padding: TypeAlias = str | Pair
"""The padding of both axes: 'same', 'valid', or a number of zeros for each."""


def pair(value: Pair) -> tuple[int, int]:
    """Return one number for the height and one for the width."""
    return value if isinstance(value, tuple) else (value, value)


def padding_by_axis(padding: Padding) -> tuple[AxisPadding, AxisPadding]:
    """Return the padding along the height and along the width."""
    return padding if isinstance(padding, tuple) else (padding, padding)


def check_window(name: str, value: Any) -> None:
    """Raise unless `value` is a positive integer or a tuple of two of them."""
    if not _is_pair_from(1, value):
        raise ValueError(
            f"{name} must be a positive integer, or a tuple of two positive integers "
            f"for height and width, got {value!r}."
        )


def check_padding(value: Any) -> None:
    """Raise unless `value` is 'same', 'valid', or one or two numbers of zeros."""
    named = isinstance(value, str) and value in ("same", "valid")
    if not named and not _is_pair_from(0, value):
        raise ValueError(
            "padding must be 'same', 'valid', a non-negative integer, or a tuple of "
            f"two non-negative integers for height and width, got {value!r}."
        )


def _is_pair_from(low: int, value: Any) -> bool:
    """Return whether `value` is an integer, or a tuple of two, not less than `low`."""
    values = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    return all(is_integer_from(low, v) for v in values)


def check_images(layer: object, in_shape: Shape) -> None:
    """Raise unless the input of `layer` consists of images."""
    if len(in_shape) != 3:
        raise ValueError(
            f"{layer!r} needs images, (channels, height, width), got {in_shape}."
        )


def n_windows(length: int, size: int, stride: int, padding: AxisPadding) -> int:
    """Return how many windows fit along an axis; with "same" one at each stride."""
    if padding == "same":
        return -(-length // stride)
    before, after = pad_widths(length, size, stride, padding)
    return (before + length + after - size) // stride + 1


def pad_widths(
    length: int, size: int, stride: int, padding: AxisPadding
) -> tuple[int, int]:
    """Return how many zeros to add before and after an axis."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        n = n_windows(length, size, stride, padding)
        total = max((n - 1) * stride + size - length, 0)
        return total // 2, total - total // 2
    return int(padding), int(padding)


def shifted(
    x: Array, size: tuple[int, int], stride: tuple[int, int], n: Shape
) -> Iterator[tuple[int, int, Array]]:
    """Yield ``i, j, x[:, i::stride, j::stride]``: pixel (i, j) of each window.

    `x` is (C, H, W, rows), `n` the number of windows along both axes.
    """
    for i in range(size[0]):
        for j in range(size[1]):
            rows = slice(i, i + stride[0] * (n[0] - 1) + 1, stride[0])
            columns = slice(j, j + stride[1] * (n[1] - 1) + 1, stride[1])
            yield i, j, x[:, rows, columns]
