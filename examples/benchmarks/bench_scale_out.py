"""
How a grid search scales with the workers of a Dask cluster.

For 1, 2, ... workers with one thread each on this machine, the script measures the
seconds of a search of 24 fits of equal length, whose training set of 50 MB is sent to
the workers once. It also measures the numbers of a simple model, and prints what this
model says for these and for more workers:

    T(w) = send + max(ceil(n / w) * t, n * o) + refit

There are n fits of t seconds each, and for each of them o seconds of the scheduler and
the client, one after the other. Sending the training set and the refit of the best
candidate, in the client, take the same time for any number of workers. So the model
assumes that each worker has a core and enough memory bandwidth of its own, and that the
network between machines is as fast as the one inside of this machine.

Run it on an idle machine::

    python examples/benchmarks/bench_scale_out.py --workers 1 2
"""

import argparse
import sys
from itertools import chain
from math import ceil
from pathlib import Path
from time import perf_counter

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


def make_data():
    """Return 50 MB of rows, with two classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


def seconds_of_search(client, estimator, grid, X, y, folds):
    """Return the seconds to send the data, of all, of one fit, and of the refit."""
    search = GridSearchCV(estimator, grid, cv=folds)
    start = perf_counter()
    with on_cluster(client, X, y, *chain(*folds)), threadpool_limits(1):
        sent = perf_counter() - start
        search.fit(X, y)
    total = perf_counter() - start
    results = search.cv_results_
    fit = np.mean(results["mean_fit_time"] + results["mean_score_time"])
    return sent, total, fit, search.refit_time_


def measure(n_workers, repeats, X, y, folds):
    """Return the best of several measurements, and the overhead of a task."""
    net = MLPClassifier(
        (100, 100), learning_rate="cosine", max_iter=2, batch_size=256, random_state=0
    )
    one_each = {"n_workers": n_workers, "threads_per_worker": 1}
    with (
        LocalCluster(host="127.0.0.1", dashboard_address=None, **one_each) as cluster,
        Client(cluster) as client,
    ):
        few = X[:100], y[:100], [(np.arange(50), np.arange(50, 100))] * N_FOLDS
        overheads = []
        for _ in range(repeats + 1):
            sent, total, *_ = seconds_of_search(
                client, DummyClassifier(), TRIVIAL_GRID, *few
            )
            overheads.append((total - sent) / N_FITS)
        runs = [
            seconds_of_search(client, net, GRID, X, y, folds) for _ in range(repeats)
        ]
    return min(runs, key=lambda run: run[1]), min(overheads)


def main():
    parser = argparse.ArgumentParser(description="Scaling with the workers.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    X, y = make_data()
    folds = make_folds(X, y, N_FOLDS)
    measured = {}
    for n_workers in arguments.workers:
        run, overhead = measure(n_workers, arguments.repeats, X, y, folds)
        sent, measured[n_workers], fit, refit = run
        print(
            f"{n_workers} workers: {measured[n_workers]:.2f} s, sending {sent:.2f} s, "
            f"a fit {fit:.3f} s, overhead {1e3 * overhead:.1f} ms, refit {refit:.2f} s"
        )
        if n_workers == arguments.workers[0]:
            known = sent, fit, overhead, refit
    sent, fit, overhead, refit = known
    print(f"{'workers':>8}{'measured':>10}{'model':>8}{'speed':>8}")
    for n_workers in (1, 2, 4, 8, 16, 24):
        model = sent + max(ceil(N_FITS / n_workers) * fit, N_FITS * overhead) + refit
        speed = (sent + N_FITS * max(fit, overhead) + refit) / model
        seconds = measured.get(n_workers)
        shown = "" if seconds is None else f"{seconds:.2f}"
        print(f"{n_workers:8}{shown:>10}{model:8.2f}{speed:8.1f}")


if __name__ == "__main__":
    main()
