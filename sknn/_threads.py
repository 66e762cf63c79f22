"""BLAS threads: one for small matrix products, all for large ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

MULTITHREADED_FROM = 2**22
"""Multiply-adds of a product from which further threads gain a good half when cores
are free (examples/benchmarks/bench_threads.py)."""

_limit_is_set = threading.Lock()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def blas_threads_for(multiply_adds: int) -> Iterator[None]:
    """Run a block whose largest matrix product has so many multiply-adds.

    The number of BLAS threads belongs to the process. Of Python threads whose blocks
    overlap only the first sets it, and puts it back when it leaves: whatever the order
    in which they leave, the number is in the end what it was.
    """
    small = multiply_adds < MULTITHREADED_FROM
    if not small or not _limit_is_set.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limit_is_set.release()
