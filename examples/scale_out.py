"""
Running searches and ensembles on a cluster
===========================================

scikit-learn runs the fits of a search or of a cross-validation through joblib, and
joblib can run them on a Dask cluster. This script starts a cluster on this machine, or
connects to one, and runs there:

- a grid search,
- a search from coarse to fine, in three rounds,
- the cross-validation of an ensemble for tables.

It runs all of them in this process, too. Then it prints the time of each, and whether
the results are equal to the last bit. Without Dask, it runs them in this process only.

The training set is sent to the workers once, before the first fit. So are the rows of
the folds: joblib alone would send them to a single worker, and a search fails if this
worker is lost. With copies on all workers, the others repeat its fits.

Download the script and run it with Dask, which ``pip install "sknn[distributed]"``
installs:

.. code-block:: bash

   python scale_out.py

It takes less than a minute on two cores. ``--scheduler tcp://HOST:8786`` uses a cluster
that is running already. Its workers need the same versions of Python and packages.

The script prints (the times depend on the machine):

.. code-block:: text

                             here   cluster
   grid search              2.3 s     2.1 s   equal
   coarse to fine           1.8 s     2.7 s   equal
   ensemble for tables      9.2 s     7.8 s   equal

Here the cluster is hardly faster, because the fits are short: sending them to its two
workers takes much of the time that is saved. Longer fits, and more workers, gain more.

See `Large data and many fits <https://sknn.github.io/sknn/stable/guide/scaling.html>`_
in the user guide for more.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/scale_out.svg"

import argparse
from contextlib import contextmanager
from itertools import chain
from time import perf_counter

import joblib
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from threadpoolctl import threadpool_limits

from sknn import MLPClassifier, TabularClassifier
from sknn.model_selection import CoarseToFineSearchCV

GRID = {"alpha": [1e-4, 1e-1], "activation": ["relu", "tanh"]}
DISTRIBUTIONS = {
    "learning_rate_init": loguniform(1e-3, 1e-1),
    "hidden_layer_sizes": [(16,), (32,)],
}


@contextmanager
def on_cluster(client, *data):
    """Run the parallel parts of scikit-learn on the cluster, which gets `data` once."""
    drops_copies = client.amm.running()
    # The active memory manager would leave each array on one worker only: with that
    # worker the array would be lost.
    client.amm.stop()
    try:
        with joblib.parallel_config("dask", client=client, scatter=list(data)):
            yield
    finally:
        if drops_copies:
            client.amm.start()


def make_folds(X, y, n_splits=3):
    """Return the rows of each fold as a list, so that they can be sent beforehand."""
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    return list(folds.split(X, y))


def tasks(folds):
    """Return functions of X and y by name; each returns an array of scores."""
    net = MLPClassifier((32,), learning_rate="cosine", max_iter=20, random_state=0)
    ensemble = TabularClassifier(
        hidden_layer_sizes=(32,), n_members=3, max_iter=8, random_state=0
    )

    def search(Search, space, X, y, **params):
        # Not a clone: it would have copies of the folds, which would be sent again.
        done = Search(net, space, cv=folds, **params).fit(X, y)
        scores = [done.cv_results_[f"split{i}_test_score"] for i in range(len(folds))]
        return np.append(scores, done.predict_proba(X))

    def grid(X, y):
        return search(GridSearchCV, GRID, X, y)

    def rounds(X, y):
        params = {"n_candidates": 9, "random_state": 0}
        return search(CoarseToFineSearchCV, DISTRIBUTIONS, X, y, **params)

    def validate(X, y):
        found = cross_validate(ensemble, X, y, cv=folds, return_estimator=True)
        predictions = [fitted.predict_proba(X) for fitted in found["estimator"]]
        return np.append(found["test_score"], predictions)

    return {
        "grid search": grid,
        "coarse to fine": rounds,
        "ensemble for tables": validate,
    }


def run_all(folds, X, y):
    """Return the scores and the seconds of each task, by name."""
    found = {}
    # A worker has one thread for each fit. Use one here, too: sums have the same order.
    with threadpool_limits(1):
        for name, task in tasks(folds).items():
            start = perf_counter()
            found[name] = task(X, y), perf_counter() - start
    return found


def run_here(X, y):
    """Do all tasks in this process only, and print their times."""
    for name, (_, seconds) in run_all(make_folds(X, y), X, y).items():
        print(f"{name:20}{seconds:8.1f} s")


def compare(client, X, y):
    """Do all tasks here and on the cluster; print whether the results are equal."""
    folds = make_folds(X, y)
    here = run_all(folds, X, y)
    with on_cluster(client, X, y, *chain(*folds)):
        there = run_all(folds, X, y)
    print(f"{'':20}{'here':>10}{'cluster':>10}")
    for name, (scores, seconds) in here.items():
        others, others_seconds = there[name]
        equal = "equal" if np.array_equal(scores, others) else "different"
        print(f"{name:20}{seconds:8.1f} s{others_seconds:8.1f} s   {equal}")


def main():
    parser = argparse.ArgumentParser(description="Searches on a cluster.")
    parser.add_argument("--scheduler", help="address of a cluster that is running")
    parser.add_argument("--workers", type=int, default=2, help="processes to start")
    arguments = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X = X / 16
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        run_here(X, y)
        print('To run this on a cluster, install Dask: pip install "sknn[distributed]"')
        return
    if arguments.scheduler:
        with Client(arguments.scheduler) as client:
            compare(client, X, y)
        return
    one_each = {"n_workers": arguments.workers, "threads_per_worker": 1}
    with (
        LocalCluster(host="127.0.0.1", dashboard_address=None, **one_each) as cluster,
        Client(cluster) as client,
    ):
        compare(client, X, y)


if __name__ == "__main__":
    main()
