"""The threads of a training run: those of BLAS, and those of the compiled kernels.

With kernels, BLAS computes on one thread while a network trains or predicts, and large
products are cut into blocks that the kernels' threads share. Without kernels, BLAS has
one thread for small products, and all for large ones.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar

import numpy as np
import threadpoolctl

from ._kernels import in_use, set_threads, threads

P = ParamSpec("P")
R = TypeVar("R")

MULTITHREADED_FROM = 2**22
"""Multiply-adds of a product of BLAS above which a second thread gains at least half
when cores are free (examples/benchmarks/bench_threads.py)."""

ONE_THREAD_UP_TO = 2**18
"""Multiply-adds of a product that BLAS computes on one thread by itself."""

_limited: dict[str, Any] = {}
"""While the limit is set: the number of "threads" before, and the "limiter" of it."""

_callers: set[object] = set()
"""The calls that need the limit now."""

_lock = threading.Lock()

_thread = threading.local()
"""Whether this thread "is_one_of_several" that compute side by side."""


def call_with_blas_threads(
    multiply_adds: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function whose largest matrix product takes this many multiply-adds.

    The number of BLAS threads belongs to the process. When calls in several Python
    threads overlap, the first one limits the number, and the last one restores it.

    This is not a context manager because an interrupt (Ctrl-C) can arrive on entry to
    its ``__exit__``, which then does nothing. A ``finally`` clause has no such gap.
    """
    if not in_use() and multiply_adds >= MULTITHREADED_FROM:
        return function(*args, **kwargs)
    call, before = object(), 1
    try:
        with _lock:
            _callers.add(call)
            if "limiter" not in _limited:
                _limit()
        alone = getattr(_thread, "is_one_of_several", False)
        before = set_threads(1 if alone else _limited.get("threads", 1))
        return function(*args, **kwargs)
    finally:
        try:
            _restore(call, before)
        finally:
            _restore(call, before)  # an interrupt may have cut the first one short


def call_in_threads(
    calls: Sequence[Callable[[float], R]], stop: Callable[[], None]
) -> list[R]:
    """Make several calls in threads, as many at a time as BLAS has; return the results.

    Each computes on one thread, and is passed the part of the whole time that it has
    its thread for: 1/2 where each thread makes two calls, one after the other. NumPy
    reports what the caller lets it. After an error, or an interrupt, `stop` is called,
    which asks those that have begun to end, and the others do not begin; the error is
    raised when all have ended.
    """
    return call_with_blas_threads(0, _call_in_threads, calls, stop)


def _call_in_threads(
    calls: Sequence[Callable[[float], R]], stop: Callable[[], None]
) -> list[R]:
    reports, n_threads = np.geterr(), _limited.get("threads", 1)
    share = 1 / math.ceil(len(calls) / n_threads)
    running = RunningCalls()

    def call_alone(call: Callable[[float], R]) -> R:
        _thread.is_one_of_several = True
        with running.one(), np.errstate(**reports):
            return call(share)

    with ThreadPoolExecutor(n_threads) as pool:
        begun: list[Future[R]] = []
        try:
            begun.extend(pool.submit(call_alone, call) for call in calls)
            for future in begun:
                # An interrupt just before a wait does not end it: wait for short times.
                while not wait([future], timeout=0.2).done:
                    pass
            return [future.result() for future in begun]
        except BaseException:
            stop()
            running.end()
            raise


class RunningCalls:
    """The calls that run in threads, and the only way to know when they have ended.

    A pool does not wait for a thread whose start was interrupted, but the thread runs.
    """

    def __init__(self) -> None:
        self._lock, self._n, self._is_over = threading.Lock(), 0, False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a call, in its thread; raise if no more calls may begin."""
        with self._lock:
            if self._is_over:
                raise CancelledError
            self._n += 1
        try:
            yield
        finally:
            with self._lock:
                self._n -= 1

    def end(self) -> None:
        """Let no more calls begin, and wait for those that run."""
        with self._lock:
            self._is_over = True
        while self._n:
            time.sleep(0.001)


def side_by_side(function: Callable[[int, int], None], n: int, least: int) -> None:
    """Call ``function(start, stop)`` for parts of `n` rows, one in each thread.

    If there would be fewer than `least` rows in each, one call is made for all. In the
    threads, kernels use one thread each, and NumPy reports what the caller lets it.
    """
    n_threads = threads() if n >= least * threads() else 1
    if n_threads == 1:
        return function(0, n)
    reports = np.geterr()

    def call(start: int, stop: int) -> None:
        with np.errstate(**reports):
            function(start, stop)

    cuts = [n * i // n_threads for i in range(n_threads + 1)]
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            calls = [pool.submit(call, *cut) for cut in pairwise(cuts)]
        except RuntimeError:  # the interpreter is ending, and starts no threads
            return function(0, n)
        for done in calls:
            done.result()
    return None


@cache
def _blas() -> Any:
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


def _limit() -> None:
    """Record the number of threads, then set it to 1."""
    numbers = [library.num_threads for library in _blas().lib_controllers]
    _limited["threads"] = max(numbers, default=1)
    _take_control()
    _limited["limiter"] = limiter = _blas().limit(limits=None)
    limiter.__enter__()
    _blas().limit(limits=1)


def _restore(call: object, before: int) -> None:
    """Restore the numbers of threads; that of BLAS after the last of the calls."""
    set_threads(before)
    with _lock:
        _callers.discard(call)
        if not _callers:
            if "limiter" in _limited:
                _take_control()
                _limited["limiter"].__exit__(None, None, None)
            _limited.clear()


def _take_control() -> None:
    """Let this thread set the number; threadpoolctl lets only one thread at a time."""
    openblas = threadpoolctl.OpenBLASController
    if hasattr(openblas, "clear_controlling_thread"):  # from threadpoolctl 3.8
        openblas.clear_controlling_thread(force=True)


def _forget_callers() -> None:
    """In a forked process, forget the calls of threads that it does not have."""
    global _lock
    _lock = threading.Lock()
    _callers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_callers)
