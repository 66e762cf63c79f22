"""The threads of a training run: those of BLAS, and those of the compiled kernels.

With kernels, BLAS computes on one thread while a network trains, and large products
are cut into blocks that the kernels' threads share. Without kernels, BLAS has one
thread for small products, and all for large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

from ._kernels import in_use, set_threads

P = ParamSpec("P")
R = TypeVar("R")

MULTITHREADED_FROM = 2**22
"""Multiply-adds of a product of BLAS above which a second thread gains at least half
when cores are free (examples/benchmarks/bench_threads.py)."""

_limited: dict[str, Any] = {}
"""While the limit is set: the "call" that set it, and the "limiter" that undoes it."""


def call_with_blas_threads(
    multiply_adds: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function whose largest matrix product takes this many multiply-adds.

    The number of BLAS threads belongs to the process. When calls in several Python
    threads overlap, only the first one limits the number, and restores it at its end:
    whatever the order in which they end, the number is finally what it was.

    This is not a context manager because an interrupt (Ctrl-C) can arrive on entry to
    its ``__exit__``, which then does nothing. A ``finally`` clause has no such gap.
    """
    if not in_use() and multiply_adds >= MULTITHREADED_FROM:
        return function(*args, **kwargs)
    call, threads = object(), 1
    try:
        # Unlike a flag set after acquiring a lock, the entry cannot be out of date.
        if _limited.setdefault("call", call) is call:
            _limit()
        threads = set_threads(_limited.get("threads", 1))
        return function(*args, **kwargs)
    finally:
        try:
            _restore(call, threads)
        finally:
            _restore(call, threads)  # an interrupt may have cut the first one short


@cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


def _limit() -> None:
    """Record the number of threads, then set it to 1."""
    threads = [library.num_threads for library in _blas().lib_controllers]
    _limited["threads"] = max(threads, default=1)
    _limited["limiter"] = limiter = _blas().limit(limits=None)
    limiter.__enter__()
    _blas().limit(limits=1)


def _restore(call: object, threads: int) -> None:
    """Restore the numbers of threads, that of BLAS if this call has limited it."""
    set_threads(threads)
    if _limited.get("call") is call:
        if "limiter" in _limited:
            _limited["limiter"].__exit__(None, None, None)
        _limited.clear()
