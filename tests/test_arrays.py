"""Aligned arrays: where they begin, what they hold."""

import numpy as np
import pytest

from sknn._arrays import CACHE_LINE, aligned_empty, aligned_zeros


@pytest.mark.parametrize("make", [aligned_empty, aligned_zeros])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (1000, 3)])
def test_begins_on_a_cache_line(make, dtype, shape):
    keep = []  # all at once, so that none gets the memory of the one before
    for _ in range(20):
        array = make(shape, np.dtype(dtype))
        keep.append(array)
        assert array.ctypes.data % CACHE_LINE == 0
        assert array.shape == shape
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_zeros_are_zero():
    dirty = np.full(1000, 7.0)
    del dirty
    assert not aligned_zeros((1000,), np.dtype(np.float64)).any()


def test_arrays_share_no_memory():
    a, b = (aligned_zeros((100,), np.dtype(np.float32)) for _ in range(2))
    a += 1
    assert not b.any()


def test_may_be_empty():
    assert aligned_zeros((0, 3), np.dtype(np.float32)).shape == (0, 3)
