"""Long use: memory over many fits, threads, processes, signals, the same results again.

``python tests/test_long_use.py 1000`` makes 1,000 fits and receives 1,000 signals, and
prints what they leave behind.
"""

import ctypes
import json
import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn._kernels import _library
from sknn.augmentation import RandomShift
from sknn.layers import Activation, BatchNorm, Dense, Dropout

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="reads /proc, sends signals"),
]

SHARED = {"max_iter": 4, "random_state": 0, "learning_rate_init": 0.01}

MODELS = {
    "MLP": lambda: MLPClassifier((20,), early_stopping=True, **SHARED),
    "MLP, lbfgs": lambda: MLPRegressor(
        hidden_layer_sizes=(20,), solver="lbfgs", **SHARED
    ),
    "MLP, float32": lambda: MLPClassifier((20, 20), dropout=0.2, mixup=0.2, **SHARED),
    "CNN": lambda: CNNClassifier(
        4, hidden_layer_sizes=(8,), dropout=0.2, augmentation=[RandomShift()], **SHARED
    ),
    "Sequential": lambda: SequentialRegressor(
        [Dense(20), BatchNorm(), Activation("tanh"), Dropout(0.1)], **SHARED
    ),
    "Tabular": lambda: TabularClassifier(hidden_layer_sizes=(20,), **SHARED),
    "Tabular regressor": lambda: TabularRegressor(
        hidden_layer_sizes=(20,), n_members=2, **SHARED
    ),
}
"""Estimators of every kind, with all that draws random numbers."""

rng = np.random.RandomState(0)
X = rng.normal(size=(120, 36))
Y = (X[:, :3].sum(axis=1) > 0).astype(int)


def rows_of(name):
    return X.astype(np.float32) if "float32" in name else X


def fitted(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[name]().fit(rows_of(name), Y)


def outputs(name, model=None):
    """Return what a model predicts, by default a new one."""
    model = fitted(name) if model is None else model
    return getattr(model, "predict_proba", model.predict)(rows_of(name))


def all_outputs():
    return {name: outputs(name) for name in MODELS}


@pytest.fixture(scope="module")
def expected():
    """What the models predict that are fitted in this process, one after the other."""
    return all_outputs()


# -- memory ---------------------------------------------------------------------------

MEMORY = """
import ctypes, gc, json, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
from test_long_use import MODELS, Y, rows_of

class Heap(ctypes.Structure):  # what mallinfo2 returns
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd",
        "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Heap

def memory():
    gc.collect()
    heap = mallinfo2()
    with open("/proc/self/status") as file:
        (resident,) = (line.split()[1] for line in file if line.startswith("VmRSS"))
    return heap.uordblks + heap.hblkhd, 1024 * int(resident)

def fit(n):
    for i in range(n):
        name = list(MODELS)[i % len(MODELS)]
        params = "conv_channels" if name == "CNN" else "hidden_layer_sizes"
        model = MODELS[name]()
        if params in model.get_params():
            model.set_params(**{params: (30,) if name == "CNN" else (300,)})
        model.fit(rows_of(name), Y).predict(rows_of(name))

fit(14)
before = memory()
fit(int(sys.argv[2]))
print(json.dumps([b - a for a, b in zip(before, memory())]))
"""

COUNTED = {
    "PYTHONMALLOC": "malloc",  # Python's objects are in the heap of the C library, too,
    "MALLOC_ARENA_MAX": "1",  # which is one for all threads,
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",  # and counts nothing that is free.
}
"""Environment of a process in which mallinfo2 counts all memory in use."""


def memory_growth(n_fits):
    """Return by how many bytes a new process grows in so many fits.

    The first number is the memory in use: what Python, NumPy and the kernels have
    allocated and not freed. The second is the resident memory of the process. It
    includes free memory between the blocks in use, and varies by tens of MB.
    """
    command = [sys.executable, "-c", MEMORY, str(Path(__file__).parent), str(n_fits)]
    environment = {**os.environ, **COUNTED}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="mallinfo2 of glibc 2.33 counts the memory",
)
def test_memory_does_not_grow_over_many_fits():
    """If every fit kept its weights, they would be 15 MB.

    Caches of the libraries grow by about 20 kB in these fits, and stop growing later.
    """
    in_use, _ = memory_growth(28)
    assert in_use < 100_000


# -- threads and processes ------------------------------------------------------------


def test_eight_threads_that_fit_and_predict_give_what_one_gives(expected):
    shared = {name: fitted(name) for name in MODELS}

    def work(i):
        names = list(MODELS)[i % len(MODELS) :] + list(MODELS)[: i % len(MODELS)]
        return [
            (name, outputs(name, model))
            for name in names
            for model in (shared[name], None)
        ]

    with ThreadPoolExecutor(8) as threads:
        for results in threads.map(work, range(8)):
            for name, found in results:
                assert_array_equal(found, expected[name], err_msg=name)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "loky"])
def test_processes_give_what_this_one_gives(method, expected, monkeypatch):
    """Forked from a process whose threads have worked, spawned, or by n_jobs."""
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    if method == "loky":
        calls = [joblib.delayed(outputs)(name) for name in MODELS]
        found = joblib.Parallel(n_jobs=2)(calls)
    else:
        with multiprocessing.get_context(method).Pool(1) as pool:
            found = pool.map(outputs, MODELS, chunksize=1)
    if method == "loky":  # whose workers have fewer threads
        assert_close(dict(zip(MODELS, found, strict=True)), expected)
        return
    for name, p in zip(MODELS, found, strict=True):
        assert_array_equal(p, expected[name], err_msg=name)


# -- the same model again -------------------------------------------------------------

ALL = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from test_long_use import all_outputs
np.savez(sys.argv[2], **all_outputs())
"""

PRECISION = {"float64": 1e-9, "float32": 1e-4}
"""How much predictions may differ where sums are taken in another order."""


def outputs_of_a_new_process(path, **environment):
    environment = {**os.environ, **environment}
    command = [sys.executable, "-c", ALL, str(Path(__file__).parent), str(path)]
    subprocess.run(command, check=True, env=environment)
    with np.load(path) as file:
        return dict(file)


def assert_close(found, expected):
    for name, p in expected.items():
        tables = name.startswith("Tabular")  # encoded in float32
        tolerance = PRECISION["float32" if tables else p.dtype.name]
        np.testing.assert_allclose(found[name], p, rtol=0, atol=tolerance, err_msg=name)


def test_a_process_without_kernels_gives_the_same_model_to_rounding(expected, tmp_path):
    assert_close(
        outputs_of_a_new_process(tmp_path / "0.npz", SKNN_KERNELS="0"), expected
    )


@pytest.mark.parametrize("level", _library.usable_levels() or ["none"])
def test_every_simd_level_gives_the_same_model_to_rounding(level, expected):
    if level == "none":
        pytest.skip("the kernels are not compiled")
    with _library.use(level):
        assert_close(all_outputs(), expected)


# -- signals --------------------------------------------------------------------------

SIGNALS = """
import json, os, random, signal, sys, threading, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import numpy as np
import sklearn
import threadpoolctl
from test_long_use import MODELS, Y, outputs, rows_of

BLAS = threadpoolctl.ThreadpoolController()

def settings():
    return {
        "BLAS": [lib.num_threads for lib in BLAS.lib_controllers],
        "warnings": [str(f) for f in warnings.filters],
        "NumPy": np.geterr(),
        "scikit-learn": {k: str(v) for k, v in sklearn.get_config().items()},
        "handlers": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)],
    }

def stop(signum, frame):
    global arrived
    arrived = True
    raise SystemExit if signum == signal.SIGTERM else KeyboardInterrupt

signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
models = {name: make() for name, make in MODELS.items()}
for name, model in models.items():
    model.fit(rows_of(name), Y)
before, raised, kept, changed = settings(), 0, 0, []
random.seed(0)
for i in range(int(sys.argv[2])):
    name = random.choice(list(models))
    model, arrived = models[name], False
    signum = random.choice([signal.SIGINT, signal.SIGTERM])

    def send(seconds=random.uniform(0, 0.05)):
        time.sleep(seconds)
        os.kill(os.getpid(), signum)

    try:
        threading.Thread(target=send).start()
        while not arrived:
            model.fit(rows_of(name), Y)
        kept += 1
    except (KeyboardInterrupt, SystemExit):
        raised += 1
    if settings() != before:
        changed.append([name, settings()])
        break
    assert np.isfinite(outputs(name, model)).all()
print(json.dumps({"raised": raised, "kept": kept, "changed": changed}))
"""


def after_signals(n_signals):
    """Return what n signals at random moments of fits have done to a process."""
    command = [
        sys.executable,
        "-c",
        SIGNALS,
        str(Path(__file__).parent),
        str(n_signals),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_signals_leave_the_settings_of_the_process_as_they_were():
    found = after_signals(40)
    assert found["raised"] + found["kept"] == 40
    assert found["raised"] > 10
    assert not found["changed"], found


if __name__ == "__main__":
    n = int(sys.argv[1])
    in_use, resident = memory_growth(n)
    print(f"{n} fits: memory in use grows by {in_use / 1000:.1f} kB")
    print(f"{n} fits: memory of the process grows by {resident / 2**20:.1f} MB")
    found = after_signals(n)
    print(f"{n} signals: {found['raised']} ended a call, {found['kept']} the training")
    print("Settings that changed:", found["changed"] or "none")
