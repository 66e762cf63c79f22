"""BLAS threads: one for small matrix products, all for large ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

MULTITHREADED_FROM = 2**22
"""Multiply-adds of a product from which a second thread pays, also when its core is
busy with something else (examples/benchmarks/bench_threads.py)."""

_lock = threading.Lock()
_n_inside = 0
_limiter: Any = None


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def blas_threads_for(multiply_adds: int) -> Iterator[None]:
    """Run a block whose largest matrix product has so many multiply-adds.

    The number of BLAS threads belongs to the process, so of several Python threads the
    first one in sets it and the last one out restores it.
    """
    if multiply_adds >= MULTITHREADED_FROM:
        yield
        return
    global _n_inside, _limiter
    with _lock:
        if _n_inside == 0:
            _limiter = _controller().limit(limits=1, user_api="blas")
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _limiter.restore_original_limits()
