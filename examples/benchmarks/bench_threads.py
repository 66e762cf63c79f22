"""At which size does a matrix product benefit from a second BLAS thread?

This script times the product ``x W`` with x (n, n) and W (n, n) on one thread and on
all threads, first on an idle machine, then while another process keeps one core busy. A
thread that needs a busy core waits some milliseconds for the scheduler, so a small
product can take a hundred times as long as on one thread. sknn uses all threads from a
size on (`sknn._threads`) at which they are at least 1.5 times as fast on an idle
machine, and uses one thread for smaller networks, which would lose most.

Run it on an otherwise idle machine::

    python examples/benchmarks/bench_threads.py
"""

import time

import numpy as np
from _timing import busy
from threadpoolctl import ThreadpoolController

SIZES = (64, 96, 128, 160, 192, 256, 320, 384, 512)


def time_product(x, W, y):
    """Return microseconds per product: the mean over half a second, with waiting."""
    n_calls, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < 0.5:
        np.matmul(x, W, out=y)
        n_calls += 1
    return 1e6 * seconds / n_calls


def measure(dtype):
    """Return microseconds on one thread and on all threads, by size."""
    controller = ThreadpoolController()
    rows = []
    for n in SIZES:
        x, W, y = (
            np.ones((n, n), dtype),
            np.ones((n, n), dtype),
            np.empty((n, n), dtype),
        )
        with controller.limit(limits=1):
            one = time_product(x, W, y)
        rows.append((n, one, time_product(x, W, y)))
    return rows


def main():
    for n_busy in (0, 1):
        for dtype in ("float32", "float64"):
            print(f"\n{dtype}, {'one core busy' if n_busy else 'idle'}")
            print("  multiply-adds   one thread   all threads   gain")
            with busy(n_busy):
                rows = measure(dtype)
            for n, one, all_threads in rows:
                print(
                    f"  {n**3 / 2**20:8.1f} Mi {one:11.0f} µs {all_threads:10.0f} µs"
                    f" {one / all_threads:7.2f}"
                )


if __name__ == "__main__":
    main()
