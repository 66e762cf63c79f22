"""Calls: operations in order, kernels joined, whatever computes them."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn._arrays import add_bias, column_sums, matmul
from sknn._kernels import TWINS, Calls, has_kernel, in_use, run, set_threads
from sknn._kernels._library import usable_levels, use

WITH = [None, *usable_levels()]
"""Without kernels, and with those of each SIMD level."""

with_and_without = pytest.mark.parametrize("level", WITH)


def draw(*shape):
    return np.random.RandomState(0).normal(size=shape)


def double(y):
    y *= 2


@with_and_without
def test_order_is_kept_where_python_stands_between_kernels(level):
    x, W, b, y, db = draw(5, 4), draw(4, 3), draw(3), np.empty((5, 3)), np.empty(3)
    with use(level):
        calls = Calls()
        calls.do(matmul, x, W, y)
        calls.do(double, y)
        calls.do(add_bias, y, b)
        calls.do(column_sums, y, db)
        calls.do(double, db)
    for seed in range(2):  # the arrays are read when the calls run
        x[:] = np.random.RandomState(seed).normal(size=x.shape)
        calls()
        assert_allclose(y, 2 * (x @ W) + b, rtol=1e-13)
        assert_allclose(db, 2 * y.sum(axis=0), rtol=1e-13)


@with_and_without
def test_neighboring_kernels_are_joined(level):
    y, b = draw(5, 3), draw(3)
    with use(level):
        calls = Calls()
        for f in (add_bias, add_bias, double, add_bias):
            calls.do(f, y, *([b] if f is add_bias else []))
    calls()
    assert len(calls._program) == (4 if level is None else 3)


@with_and_without
def test_calls_grow_after_they_have_run(level):
    y, b = np.zeros((2, 3)), np.ones(3)
    with use(level):
        calls, others = Calls(), Calls()
        calls.do(add_bias, y, b)
        calls()
        calls.do(double, y)
        calls()
        assert_array_equal(y, np.full((2, 3), 4.0))
        others.do(add_bias, y, b)
        calls.extend(others)
        calls()
    assert_array_equal(y, np.full((2, 3), 11.0))
    Calls()()  # nothing


@with_and_without
def test_blocks_of_one_operation(level):
    y, b = np.zeros((6, 3)), np.ones(3)
    with use(level):
        calls = Calls()
        calls.do_each(add_bias, [(y[:2], b), (y[2:], b)])
        calls.do_each(add_bias, [])
        # The second block is one that no kernel takes.
        calls.do_each(add_bias, [(y, b), (y.T[:, :3], b)])
    calls()
    expected = np.full((6, 3), 2.0)
    expected[:3] += 1
    assert_array_equal(y, expected)


@with_and_without
def test_many_threads_compute_the_same(level):
    """A product that is cut into blocks."""
    x, W = draw(300, 200), draw(200, 150)
    y = np.empty((300, 150))
    expected = x @ W
    threads = set_threads(4)
    try:
        with use(level):
            run(matmul, x, W, y)
    finally:
        set_threads(threads)
    assert_allclose(y, expected, rtol=1e-11, atol=1e-12)


def test_arrays_that_no_kernel_takes_are_left_to_numpy():
    y, b = np.zeros((4, 6))[:, ::2], np.ones(3)
    calls = Calls()
    calls.do(add_bias, y, b)
    assert isinstance(calls._calls[0], partial)
    calls()
    assert_array_equal(y, np.ones((4, 3)))


@pytest.mark.skipif(not in_use(), reason="needs kernels")
def test_a_twin_may_have_no_kernel_for_some_arguments():
    @has_kernel(lambda y, b: ("add_bias", (y, b)) if len(y) > 2 else None)
    def add_to_many(y, b):
        y += 10 * b

    for n, added in ((2, 10), (3, 1)):  # the kernel does not know of the factor
        y = np.zeros((n, 3))
        run(add_to_many, y, np.ones(3))
        assert_array_equal(y, np.full((n, 3), added))
    del TWINS["add_to_many"]


def test_errors_of_operations_are_raised():
    def fail():
        raise ZeroDivisionError

    calls = Calls()
    calls.do(fail)
    with pytest.raises(ZeroDivisionError):
        calls()
