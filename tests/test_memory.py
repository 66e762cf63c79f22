"""How much memory fit and predict take beyond the data."""

import gc
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest
import scipy
from packaging.version import Version
from sklearn.base import clone

from sknn import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularRegressor,
)
from sknn.layers import Dense

MB = 2**20

N_VECTORS = 2 * 10 if Version(scipy.__version__) >= Version("1.14") else 2 * 10 + 12
"""What L-BFGS keeps: two vectors per step; older versions of SciPy work in 12 more."""

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def memmap(tmp_path_factory):
    """A file of 100 MB, and labels for its rows."""
    path = tmp_path_factory.mktemp("data") / "X.npy"
    shape = (65_536, 400)
    X = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    rng = np.random.default_rng(0)
    for rows in np.split(np.arange(len(X)), 16):
        X[rows] = rng.normal(size=(len(rows), X.shape[1]))
    y = (X[:, :10].sum(axis=1) * 2).astype(int).clip(-4, 4)
    X.flush()
    return path, y


def peak_of(function):
    """Peak of what Python and NumPy allocate during a call, beyond what was there."""
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = function()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def n_bytes(estimator):
    return sum(a.nbytes for a in estimator.coefs_ + estimator.intercepts_)


@pytest.mark.parametrize(
    "params",
    [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True},
     {"early_stopping": True, "solver": "lbfgs"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("hidden_layer_sizes", [(20,), (300,)])
def test_fit_does_not_copy_a_memory_map(memmap, params, hidden_layer_sizes):
    path, y = memmap
    X = np.load(path, mmap_mode="r")
    clf = MLPClassifier(hidden_layer_sizes, max_iter=1, batch_size=1000, **params)
    peak, _ = peak_of(lambda: clf.fit(X, y))
    # L-BFGS keeps its last ten steps, in float64.
    history = 2 * N_VECTORS * n_bytes(clf) if clf.solver == "lbfgs" else 0
    assert peak < 50 * MB + 6 * n_bytes(clf) + history
    assert peak < X.nbytes


RSS = """
import sys, threading, warnings
import numpy as np
from sknn import MLPClassifier

def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024

warnings.simplefilter("ignore")
X, y = np.load(sys.argv[1], mmap_mode="r"), np.arange(65_536) % 9
MLPClassifier(20, max_iter=1).fit(X[:500], y[:500])  # what is only loaded once
before, peak, done = anonymous(), [0], threading.Event()

def watch():
    while not done.wait(0.002):
        peak[0] = max(peak[0], anonymous())

thread = threading.Thread(target=watch)
thread.start()
MLPClassifier(20, max_iter=2).fit(X, y)
done.set()
thread.join()
print(peak[0] - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_operating_system_agrees(memmap):
    """Memory of the process that is not the file, which tracemalloc cannot see."""
    result = subprocess.run(
        [sys.executable, "-c", RSS, memmap[0]], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 50 * MB


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_uses_the_rows_as_they_are(Estimator, dtype, monkeypatch):
    """The very array of the user reaches the training loop."""
    from sknn._training.data import Batches

    X = np.random.RandomState(0).normal(size=(300, 5)).astype(dtype)
    seen = []
    original = Batches.loss_gradient
    monkeypatch.setattr(
        Batches,
        "loss_gradient",
        lambda self, *args: seen.append(self.data.X) or original(self, *args),
    )
    Estimator(max_iter=1).fit(X, np.arange(300) % 2)
    assert np.shares_memory(seen[0], X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "net",
    [
        MLPRegressor(max_iter=1),
        MLPRegressor(max_iter=1, solver="lbfgs"),
        CNNRegressor(2, input_shape=(2, 4), pool_size=1, max_iter=1),
        SequentialRegressor([Dense(4)], max_iter=1),
        TabularRegressor(n_members=1, early_stopping=False, max_iter=1),
        TabularRegressor(n_members=2, early_stopping=False, max_iter=1),
    ],
    ids=lambda net: f"{type(net).__name__}-{net.solver}",
)
def test_rows_are_released_at_once(net, method):
    """Not by the next run of the garbage collector, which may be many calls later."""
    if not hasattr(net, method):
        pytest.skip("lbfgs has no partial_fit")
    if net.solver == "lbfgs" and Version(scipy.__version__) < Version("1.14"):
        pytest.skip("older SciPy: what minimizes a function refers to itself")
    X = np.random.RandomState(0).normal(size=(100, 8)).astype(np.float32)
    X_val = X.copy()
    released = weakref.ref(X), weakref.ref(X_val)
    gc.collect()
    gc.disable()
    try:
        validation = {"X_val": X_val, "y_val": X[:, 0].copy()}
        getattr(clone(net), method)(X, X[:, 0].copy(), **validation)
        del X, X_val, validation
        assert [reference() for reference in released] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predict_works_in_slices(method):
    """A million rows: the hidden activations alone would take 400 MB."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1_000_000, 4)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    clf = MLPClassifier(100, max_iter=2, random_state=0).fit(X[:5000], y[:5000])
    peak, result = peak_of(lambda: getattr(clf, method)(X))
    assert len(result) == len(X)
    assert peak < 4 * result.nbytes + 50 * MB
    rows = [0, 499_999, 999_999]
    np.testing.assert_allclose(result[rows], getattr(clf, method)(X[rows]), rtol=1e-5)
