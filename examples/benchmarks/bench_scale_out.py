"""
How a grid search scales with the workers of a Dask cluster.

For 1, 2, ... workers with one thread each on this machine, the script runs a search of
24 fits of equal length, whose training set of 50 MB is sent to the workers once. It
measures the seconds, and the seconds of processor time: of the worker that had most to
do, and of this process, which also has the scheduler and refits the best candidate. The
sum of the two is what the search would take if each process had a core of its own; it
can be measured on a busy machine, too.

With one worker, joblib runs all fits in this process, one after the other.

From the last measurement the script also makes a simple model, and prints what it says
for more workers:

    T(w) = here + max(ceil(n / w) * t, n * o)

n fits of t seconds each, and for each of them o seconds of this process, one after the
other; to send the data and to refit the best candidate, this process takes the same
time for any number of workers. So the model assumes that each worker has a core and
enough memory bandwidth of its own, that all fits take the same time, and that the
network is as fast as the one inside of this machine.

Run it with::

    python examples/benchmarks/bench_scale_out.py --workers 1 2
"""

import argparse
import sys
from itertools import chain
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from sknn import MLPClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scale_out import make_folds, on_cluster

N_ROWS, N_FEATURES, N_FOLDS = 65_536, 100, 3
GRID = {"alpha": np.logspace(-6, 1, 8)}
TRIVIAL_GRID = {"random_state": range(8)}
N_FITS = 8 * N_FOLDS


class Seconds(NamedTuple):
    """Seconds of a search; all but the first are of processor time."""

    wall: float
    busiest_worker: float
    all_workers: float
    here: float

    @property
    def on_own_cores(self):
        return self.busiest_worker + self.here


def make_data():
    """Return 50 MB of rows, with two classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


def measure_search(client, estimator, grid, X, y, folds):
    """Return the seconds of one search."""
    search = GridSearchCV(estimator, grid, cv=folds)
    before, start, start_here = client.run(process_time), perf_counter(), process_time()
    with on_cluster(client, X, y, *chain(*folds)), threadpool_limits(1):
        search.fit(X, y)
    wall, here = perf_counter() - start, process_time() - start_here
    after = client.run(process_time)
    workers = [after[address] - seconds for address, seconds in before.items()]
    return Seconds(wall, max(workers), sum(workers), here)


def measure(n_workers, repeats, X, y, folds):
    """Return the best of several measurements, and the overhead of a fit."""
    net = MLPClassifier(
        (100, 100), learning_rate="cosine", max_iter=2, batch_size=256, random_state=0
    )
    few = X[:100], y[:100], [(np.arange(50), np.arange(50, 100))] * N_FOLDS
    one_each = {"n_workers": n_workers, "threads_per_worker": 1}
    with (
        LocalCluster(host="127.0.0.1", dashboard_address=None, **one_each) as cluster,
        Client(cluster) as client,
    ):
        runs, overheads = [], []
        for _ in range(repeats):
            trivial = measure_search(client, DummyClassifier(), TRIVIAL_GRID, *few)
            overheads.append(trivial.here / N_FITS)
            runs.append(measure_search(client, net, GRID, X, y, folds))
    return min(runs, key=lambda run: run.on_own_cores), min(overheads)


def main():
    parser = argparse.ArgumentParser(description="Scaling with the workers.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    X, y = make_data()
    folds = make_folds(X, y, N_FOLDS)
    print(
        f"{'workers':>8}{'seconds':>9}{'busiest':>9}{'here':>7}{'sum':>7}{'speed':>7}"
    )
    first = None
    for n_workers in arguments.workers:
        run, overhead = measure(n_workers, arguments.repeats, X, y, folds)
        first = first or run.on_own_cores
        print(
            f"{n_workers:8}{run.wall:9.2f}{run.busiest_worker:9.2f}{run.here:7.2f}"
            f"{run.on_own_cores:7.2f}{first / run.on_own_cores:7.2f}"
        )
    fit = run.all_workers / N_FITS
    print(f"a fit takes {fit:.3f} s, and {1e3 * overhead:.1f} ms of this process")
    print(f"{'workers':>8}{'model':>8}{'speed':>7}")
    for n_workers in (2, 4, 8, 12, 24):
        model = run.here + max(ceil(N_FITS / n_workers) * fit, N_FITS * overhead)
        print(f"{n_workers:8}{model:8.2f}{first / model:7.2f}")


if __name__ == "__main__":
    main()
