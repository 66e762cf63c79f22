"""BLAS threads: one for small products, given back however the blocks end."""

import threading

import pytest
import threadpoolctl

from sknn._threads import MULTITHREADED_FROM, blas_threads_for

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
    with blas_threads_for(SMALL):
        assert n_threads() == {1}
    assert n_threads() == {2}


def test_large_products_are_left_alone():
    with blas_threads_for(MULTITHREADED_FROM):
        assert n_threads() == {2}
    assert n_threads() == {2}


def test_threads_come_back_after_an_error():
    with pytest.raises(KeyboardInterrupt), blas_threads_for(SMALL):
        raise KeyboardInterrupt
    assert n_threads() == {2}


def test_blocks_inside_blocks():
    with blas_threads_for(SMALL):
        with blas_threads_for(SMALL):
            assert n_threads() == {1}
        assert n_threads() == {1}
    assert n_threads() == {2}


def test_python_threads_overlap():
    """First in, first out: the second one leaves the number alone."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    def first():
        with blas_threads_for(SMALL):
            first_in.set()
            second_in.wait(timeout=10)
            seen["both are in"] = n_threads()
        first_out.set()

    worker = threading.Thread(target=first)
    worker.start()
    first_in.wait(timeout=10)
    with blas_threads_for(SMALL):
        second_in.set()
        first_out.wait(timeout=10)
    worker.join()
    seen["both are out"] = n_threads()
    assert seen == {"both are in": {1}, "both are out": {2}}


def test_many_python_threads():
    def work():
        for _ in range(50):
            with blas_threads_for(SMALL):
                pass

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert n_threads() == {2}
    with blas_threads_for(SMALL):
        assert n_threads() == {1}
