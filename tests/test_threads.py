"""BLAS threads: one for small products, restored however the call ends."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import threadpoolctl

import sknn._threads
from sknn._kernels import in_use, set_threads
from sknn._threads import (
    MULTITHREADED_FROM,
    call_in_threads,
    call_with_blas_threads,
    side_by_side,
)

SMALL = MULTITHREADED_FROM - 1


def n_threads():
    """Numbers of threads that the loaded BLAS libraries use."""
    info = threadpoolctl.threadpool_info()
    return {lib["num_threads"] for lib in info if lib["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    """Two BLAS threads, whatever the machine."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if n_threads() != {2}:
            pytest.skip("the number of BLAS threads cannot be set here")
        if hasattr(threadpoolctl.OpenBLASController, "clear_controlling_thread"):
            # Otherwise only this thread may set the number (threadpoolctl 3.8).
            threadpoolctl.OpenBLASController.clear_controlling_thread()
        yield


def test_small_products_run_on_one_thread():
    assert call_with_blas_threads(SMALL, n_threads) == {1}
    assert n_threads() == {2}


def test_large_products_are_left_alone_without_kernels(monkeypatch):
    monkeypatch.setattr(sknn._threads, "in_use", lambda: False)
    assert call_with_blas_threads(MULTITHREADED_FROM, n_threads) == {2}
    assert n_threads() == {2}


@pytest.mark.parametrize("multiply_adds", [SMALL, MULTITHREADED_FROM])
def test_kernels_use_the_threads_instead_of_blas(multiply_adds, monkeypatch):
    numbers = []

    def set_threads(n):
        numbers.append(n)
        return numbers[-2] if len(numbers) > 1 else 1

    monkeypatch.setattr(sknn._threads, "in_use", lambda: True)
    monkeypatch.setattr(sknn._threads, "set_threads", set_threads)
    assert call_with_blas_threads(multiply_adds, n_threads) == {1}
    assert n_threads() == {2}
    assert numbers[0] == 2
    assert set(numbers[1:]) == {1}


def test_passes_arguments():
    for multiply_adds in (SMALL, MULTITHREADED_FROM):
        assert call_with_blas_threads(multiply_adds, int, "11", base=3) == 4


def test_restored_after_an_error():
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call_with_blas_threads(SMALL, fail)
    assert n_threads() == {2}


def test_nested_calls():
    def outer():
        assert call_with_blas_threads(SMALL, n_threads) == {1}
        return n_threads()

    assert call_with_blas_threads(SMALL, outer) == {1}
    assert n_threads() == {2}


def test_python_threads_overlap():
    """The first to start is the first to end: the last to end restores the number."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    def first():
        first_in.set()
        second_in.wait(timeout=10)
        seen["both are in"] = n_threads()

    def second():
        second_in.set()
        first_out.wait(timeout=10)
        seen["the first is out"] = n_threads()

    def work():
        call_with_blas_threads(SMALL, first)
        first_out.set()

    worker = threading.Thread(target=work)
    worker.start()
    first_in.wait(timeout=10)
    call_with_blas_threads(SMALL, second)
    worker.join()
    seen["both are out"] = n_threads()
    assert seen == {
        "both are in": {1}, "the first is out": {1}, "both are out": {2},
    }  # fmt: skip


def test_many_python_threads():
    def work():
        for _ in range(50):
            call_with_blas_threads(SMALL, int)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert n_threads() == {2}
    assert call_with_blas_threads(SMALL, n_threads) == {1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_during_a_call_of_another_thread_limits_anew():
    inside, done = threading.Event(), threading.Event()

    def fit():
        inside.set()
        done.wait(timeout=10)

    worker = threading.Thread(target=call_with_blas_threads, args=(SMALL, fit))
    worker.start()
    inside.wait(timeout=10)
    if child := os.fork():
        status = os.waitpid(child, 0)[1]
        done.set()
        worker.join()
        assert status == 0
        assert n_threads() == {2}
    else:
        inside_call = call_with_blas_threads(SMALL, n_threads)
        os._exit(not (inside_call == {1} and n_threads() == {2}))


# -- rows side by side ----------------------------------------------------------------


@pytest.fixture
def three_threads():
    if not in_use():
        pytest.skip("only kernels have threads")
    before = set_threads(3)
    yield
    set_threads(before)


def test_parts_of_the_rows_are_done_side_by_side(three_threads):
    parts, barrier = [], threading.Barrier(3, timeout=10)

    def fill(start, stop):
        barrier.wait()
        parts.append((start, stop))

    side_by_side(fill, 100, least=30)
    assert sorted(parts) == [(0, 33), (33, 66), (66, 100)]
    parts, fill = [], lambda *part: parts.append(part)
    side_by_side(fill, 100, least=34)
    assert parts == [(0, 100)]


def test_the_threads_report_errors_as_the_caller_does(three_threads):
    def overflow(start, stop):
        np.exp(np.full(stop - start, 1e9))

    with np.errstate(over="ignore"):
        side_by_side(overflow, 99, least=33)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        side_by_side(overflow, 99, least=33)


def test_rows_are_done_when_the_interpreter_starts_no_threads(
    three_threads, monkeypatch
):
    def submit(*args):
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    parts = []
    monkeypatch.setattr(sknn._threads.ThreadPoolExecutor, "submit", submit)
    side_by_side(lambda *part: parts.append(part), 99, least=33)
    assert parts == [(0, 99)]


# -- interrupts -----------------------------------------------------------------------


def interrupted_at(k):
    """Interrupt a call at the k-th point at which Python handles signals.

    These are on entry to functions in Python and after functions in C. Returns whether
    the call has so many.
    """
    count = 0

    def interrupt(frame, event, arg):
        nonlocal count
        count += event in ("call", "c_return")
        if count == k:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    try:
        call_with_blas_threads(SMALL, int)
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


def test_restored_wherever_an_interrupt_strikes():
    k = 1
    while interrupted_at(k):
        assert n_threads() == {2}
        assert sknn._threads._limited == {}
        k += 1
    assert k > 30
    assert call_with_blas_threads(SMALL, n_threads) == {1}
    assert n_threads() == {2}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_restored_after_many_signals():
    def alarm(signum, frame):
        raise KeyboardInterrupt

    before, n_interrupts = signal.signal(signal.SIGALRM, alarm), 0
    try:
        for i in range(2000):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + i % 80))
                for _ in range(20):
                    call_with_blas_threads(SMALL, int)
            except KeyboardInterrupt:
                n_interrupts += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert sknn._threads._limited == {}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert n_interrupts > 500
    assert n_threads() == {2}


def test_a_thread_whose_start_is_interrupted_is_waited_for(monkeypatch):
    """The pool does not know it, but it runs, and computes with what is restored."""
    start, ended, begun = threading.Thread.start, threading.Event(), threading.Event()

    def interrupted(thread):
        start(thread)
        begun.wait(timeout=10)
        raise KeyboardInterrupt

    def work(share):
        begun.set()
        time.sleep(0.05)
        ended.set()

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_in_threads([work, work], stop=lambda: None)
    assert ended.is_set()
    assert n_threads() == {2}
