"""What `run.py` measures: one entry for each line of the table."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from time import perf_counter

import joblib
import numpy as np
import scipy.sparse
import sklearn.neural_network
from _networks import CNN, FIXED_EPOCHS, MLP, predictors
from _timing import Faster, Plus, Sample, Within, Work, in_process
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

import sknn
from sknn.model_selection import CoarseToFineSearchCV, search_space

MODULES = {"sknn": sknn, "sklearn": sklearn.neural_network}

SMALL = MLP((64, 100, 10), batch_size=200, n_rows=10_000, epochs=10)
TINY = MLP((20, 100, 100, 100, 2), batch_size=32, n_rows=10_000, epochs=3)
MEDIUM = MLP((100, 256, 256, 10), batch_size=128, n_rows=20_000, epochs=2)
LARGE = MLP((784, 512, 512, 10), batch_size=128, n_rows=10_000, epochs=3)
DIGITS = MLP((64, 512, 256, 10), batch_size=128, n_rows=1797, epochs=15)

LENET = CNN((6, 16), 5, ("same", "valid"), (120, 84), batch_size=64, steps=64)
WIDE = CNN((32, 64), 3, ("same", "same"), (128,), batch_size=64, steps=24)


# -- predict --------------------------------------------------------------------------


@cache
def prediction(network, n):
    """Return `n` rows, and functions that predict them, by contender."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, *network.data(100)[0].shape[1:]))
    return X.astype(np.float32), predictors(network)


def predict(network, contender, scale, n=100_000):
    """Return the seconds of one call, and the mean label."""
    X, functions = prediction(network, n // scale)
    start = perf_counter()
    labels = functions[contender](X)
    return Sample(perf_counter() - start, labels.mean())


def predict_row(contender, scale):
    """Return the seconds of predicting one row."""
    X, functions = prediction(SMALL, 1)
    n_calls, function = 500 // scale, functions[contender]
    start = perf_counter()
    for _ in range(n_calls):
        label = function(X)
    return Sample((perf_counter() - start) / n_calls, label[0])


# -- searches -------------------------------------------------------------------------

GRID = {
    "hidden_layer_sizes": [(50,), (100,)],
    "alpha": [1e-5, 1e-4, 1e-3],
    "learning_rate_init": [0.001, 0.002, 0.005, 0.01],
}
"""24 candidates."""


def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def grid_search(n_jobs, backend, contender, scale):
    """Return the seconds of a search, and the mean score of its candidates."""
    net = MODULES[contender].MLPClassifier(max_iter=max(30 // scale, 1), **FIXED_EPOCHS)
    search = GridSearchCV(net, GRID, cv=5, n_jobs=n_jobs, refit=False)
    with joblib.parallel_config(backend=backend):
        joblib.Parallel(n_jobs)(joblib.delayed(int)() for _ in range(n_jobs))  # starts
        start = perf_counter()
        search.fit(*digits())
    return Sample(perf_counter() - start, search.cv_results_["mean_test_score"].mean())


def coarse_to_fine(contender, scale):
    """Return the seconds of a search with 12 x 45 epochs on each of 3 folds."""
    net = sknn.MLPClassifier(max_iter=max(45 // scale, 9), random_state=0)
    settings = {"cv": 3, "random_state": 0}
    if contender == "sknn":
        settings |= {"n_rounds": 3, "n_candidates": 36}
        search = CoarseToFineSearchCV(net, search_space(net), **settings)
    else:
        search = RandomizedSearchCV(net, search_space(net), n_iter=12, **settings)
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*digits())
    seconds = perf_counter() - start
    each = search.cv_results_.get("n_epochs", 12 * [net.max_iter])
    return Sample(seconds, sum(each))


# -- other ways to fit ----------------------------------------------------------------


def partial_fit_sparse(contender, scale):
    """Return the seconds of a call with 1,000 sparse rows, and the loss after it."""
    n_columns = 100_000 // scale
    rng = np.random.default_rng(0)
    X = scipy.sparse.random(1000, n_columns, 0.001, "csr", np.float32, rng)
    y = np.arange(1000) % 10
    net = MODULES[contender].MLPClassifier(random_state=0)
    net.partial_fit(X[:200], y[:200], classes=np.arange(10))
    start = perf_counter()
    net.partial_fit(X, y)
    return Sample(perf_counter() - start, log_loss(y, net.predict_proba(X)))


def lbfgs(dtype, contender, scale):
    """Return the seconds of 30 iterations, and the loss."""
    X, y = replace(SMALL, dtype=dtype).data(scale)
    net = MODULES[contender].MLPClassifier(
        (100,), solver="lbfgs", max_iter=30, tol=0, random_state=0
    )
    start = perf_counter()
    net.fit(X, y)
    return Sample(perf_counter() - start, net.loss_)


def import_time(contender, scale):
    """Return the seconds of a process that only imports the classifier.

    It reads compiled bytecode, as installed packages do, also where the environment
    forbids writing it.
    """
    module = MODULES[contender].__name__
    env = os.environ | {"PYTHONPATH": str(Path(sknn.__file__).parents[1])}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    start = perf_counter()
    subprocess.run(
        [sys.executable, "-c", f"from {module} import MLPClassifier"],
        check=True,
        env=env,
    )
    return Sample(perf_counter() - start)


# -- other environments ---------------------------------------------------------------


def without_kernels(network, contender, scale):
    kernels = "0" if contender == "without kernels" else None
    return in_process(network.train, "sknn", scale, SKNN_KERNELS=kernels)


def one_thread(network, contender, scale):
    threads = "1" if contender == "one thread" else None
    return in_process(network.train, "sknn", scale, OMP_NUM_THREADS=threads)


# -- the table ------------------------------------------------------------------------


def mlp_works():
    reaches = {
        #          sklearn   sklearn   torch    products
        #          float32   float64   float32  both
        "small": (SMALL, 5, 3.8, 5, 1.4),
        "tiny": (TINY, 5, 4, 5, 1.4),
        "medium": (MEDIUM, 2.5, 1.7, 1.9, 1.3),
        "large": (LARGE, 2.3, 1.6, 1.3, 1.35),
    }
    for name, (network, single, double, torch, products) in reaches.items():
        units = "-".join(map(str, network.units))
        title = f"MLP {name}, epoch: {units}, batch {network.batch_size}"
        yield Work(
            f"{title}, float32",
            network.train,
            {
                "sklearn": Faster(single),
                "torch": Faster(torch),
                "products": Within(products),
            },
        )
        yield Work(
            f"{title}, float64",
            replace(network, dtype="float64").train,
            {"sklearn": Faster(double), "products": Within(products)},
        )


def cnn_works():
    for n in (32, 64, 128):
        network = replace(LENET, batch_size=n)
        yield Work(
            f"LeNet-5, step: batch {n}", network.train, {"torch": Faster(1.8)}, 0.3
        )
    name = "CNN, step: 32-64 channels 3 x 3, 128 units, batch 64"
    yield Work(name, WIDE.train, {"torch": Faster(1.2)}, 0.3)
    varied = replace(WIDE, varied=True)
    name += ", batch norm, augmentation"
    yield Work(name, varied.train, {"torch": Faster(1.2)}, 0.3)


def predict_works():
    twice = {"sklearn": Faster(2), "torch": Faster(2)}
    yield Work("predict, MLP medium: 100,000 rows", partial(predict, MEDIUM), twice)
    twice = {"torch": Faster(2)}
    yield Work("predict, LeNet-5: 100,000 rows", partial(predict, LENET), twice)
    yield Work("predict, MLP small: one row", predict_row, {"sklearn": Faster(1.5)})


def search_works():
    for n_jobs, backend in ((1, "loky"), (2, "loky"), (2, "threading")):
        yield Work(
            f"GridSearchCV: 24 x 5 fits, 30 epochs, n_jobs={n_jobs}, {backend}",
            partial(grid_search, n_jobs, backend),
            {"sklearn": Faster(4)},
            agree=0.02,
        )
    yield Work(
        "CoarseToFineSearchCV: 108 short fits, against 12 long ones",
        coarse_to_fine,
        {"random search": Within(1.15)},
        agree=0,
    )


def other_works():
    yield Work(
        "partial_fit, sparse: 1,000 rows, 100,000 columns, 0.1% full",
        partial_fit_sparse,
        {"sklearn": Faster(3)},
    )
    for dtype in ("float64", "float32"):
        yield Work(
            f"L-BFGS: 64-100-10, 10,000 rows, 30 iterations, {dtype}",
            partial(lbfgs, dtype),
            {"sklearn": Faster(1.5)},
        )
    yield Work("import of MLPClassifier", import_time, {"sklearn": Plus(50)})


NAMED = {
    "MLP small": SMALL,
    "MLP tiny": TINY,
    "MLP medium": MEDIUM,
    "MLP large": LARGE,
    "LeNet-5, batch 64": LENET,
    "CNN, 32-64 channels": WIDE,
}


def kernel_works():
    for name, network in NAMED.items():
        yield Work(
            f"kernels: {name}",
            partial(without_kernels, network),
            {"without kernels": Faster()},
        )


def thread_works(busy=0):
    """Default number of threads against one, beside so many busy processes."""
    beside = f"beside {busy} busy" if busy else "idle"
    for name, network in (("MLP 64-512-256-10", DIGITS), ("LeNet-5", LENET)):
        yield Work(
            f"threads, {beside}: {name}, batch {network.batch_size}",
            partial(one_thread, network),
            {"one thread": Within(1.6) if busy else Faster()},
            busy=busy,
        )


WORKS = [
    *mlp_works(),
    *cnn_works(),
    *predict_works(),
    *search_works(),
    *other_works(),
    *kernel_works(),
    *thread_works(),
]

BUSY_WORKS = [*thread_works(busy=1), *thread_works(busy=2)]


# -- how cost grows -------------------------------------------------------------------


def base(rows=5000, features=64, width=128, depth=2, batch_size=128):
    """Return a network of which a curve varies one number."""
    return MLP((features, *depth * [width], 10), batch_size, rows)


CURVES = {
    "rows": [500, 1000, 2000, 5000, 10_000, 20_000],
    "features": [8, 32, 128, 512, 2048],
    "width": [16, 32, 64, 128, 256, 512],
    "depth": [1, 2, 4, 8],
    "batch_size": [16, 32, 64, 128, 256, 512, 1024],
    "threads": [2**i for i in range(os.cpu_count().bit_length())],
}


def with_threads(n, contender, scale):
    """Train a network wide enough for threads."""
    network = base(width=512)
    return in_process(network.train, contender, scale, OMP_NUM_THREADS=str(n))


def curve_work(name, value):
    """Return the work at one point of a curve."""
    if name == "threads":
        sample = partial(with_threads, value)
    else:
        sample = base(**{name: value}).train
    peers = {"sklearn": Faster(), "torch": Faster()}
    return Work(f"curve, {name}: {value}", sample, peers, agree=0.25)
