"""Arrays that begin on a cache line, where elementwise loops run fastest."""

from __future__ import annotations

import math

import numpy as np

from ._typing import Array, DType, Matrix, Shape

CACHE_LINE = 64
"""Bytes. A vector instruction that crosses from one line to the next costs double, and
NumPy begins its own arrays at any multiple of 16."""


def aligned_empty(shape: Shape, dtype: DType) -> Array:
    """Return a new array, not initialised, that begins on a cache line."""
    n_bytes = math.prod(shape) * dtype.itemsize
    memory = np.empty(n_bytes + CACHE_LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % CACHE_LINE
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


def aligned_zeros(shape: Shape, dtype: DType) -> Array:
    """Return a new array of zeros that begins on a cache line."""
    array = aligned_empty(shape, dtype)
    array.fill(0)
    return array


def batch_empty(n: int, shape: Shape, dtype: DType) -> Array:
    """Return a new array of `n` rows of `shape`, in the layout that is quickest.

    Rows of images, (channels, height, width), lie innermost in memory: what a kernel or
    a pooling window reads of neighbouring pixels is then a few long runs. The shape is
    (n, *shape) all the same; only the strides tell.
    """
    if len(shape) < 3:
        return aligned_empty((n, *shape), dtype)
    return np.moveaxis(aligned_empty((*shape, n), dtype), -1, 0)


def rows_last(x: Array) -> Array:
    """View rows of images (n, C, H, W) as (C, H, W, n), as they lie in memory."""
    return x.transpose(1, 2, 3, 0)


def by_unit(x: Array) -> Array:
    """View a batch as (units, m): a row for each unit, or for each channel of images.

    A view if images lie in memory as `batch_empty` lays them.
    """
    return x.T if x.ndim == 2 else rows_last(x).reshape(x.shape[1], -1)


def as_floats(x: Matrix, dtype: DType) -> Matrix:
    """Return rows as floats: bytes as fractions of 255, numbers as they are."""
    if x.dtype == np.uint8 and not isinstance(x, np.ndarray):
        return x.astype(dtype) * dtype.type(1 / 255)
    if x.dtype == np.uint8:
        return np.multiply(x, dtype.type(1 / 255), dtype=dtype)
    return x.astype(dtype, copy=False)
