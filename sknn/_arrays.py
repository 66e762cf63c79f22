"""Arrays that begin on a cache line, where elementwise loops run fastest."""

from __future__ import annotations

import math

import numpy as np

from ._typing import Array, DType, Shape

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
