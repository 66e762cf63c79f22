"""Fits on a cluster: results as in one process, lost workers, traffic, other tools.

Skipped where Dask (the extra ``distributed``), dask-ml or Ray is not installed.
"""

import os
import pickle
import runpy
import signal
import subprocess
import sys
import warnings
from itertools import chain
from pathlib import Path
from uuid import uuid4

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from threadpoolctl import threadpool_limits

from sknn import MLPClassifier, TabularClassifier
from sknn.model_selection import CoarseToFineSearchCV

distributed = pytest.importorskip(
    "distributed", reason='needs Dask: pip install "sknn[distributed]"'
)

# Sockets and loops of a cluster that is closed while others still answer.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

EXAMPLE = runpy.run_path(
    Path(__file__).resolve().parents[1] / "examples" / "scale_out.py"
)
DIGITS = load_digits().data / 16, load_digits().target
FOLDS = EXAMPLE["make_folds"](*DIGITS)
NET = MLPClassifier((16,), learning_rate="cosine", max_iter=5, random_state=0)
GRID = {"alpha": [1e-4, 1e-2, 1.0, 10.0]}


@pytest.fixture(scope="module")
def client():
    """The client of a cluster of two processes with one thread each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        )
        with cluster, distributed.Client(cluster) as client:
            yield client


@pytest.fixture
def workers(client):
    """Both workers, after those that were killed have been replaced."""
    client.wait_for_workers(2, timeout=60)
    return client


def scores_of(search):
    """The scores of all candidates, one row for each fold."""
    return np.array(
        [search.cv_results_[f"split{i}_test_score"] for i in range(search.n_splits_)]
    )


def test_the_example_finds_the_same_results(workers, capsys):
    """A grid search, a search in rounds and an ensemble for tables."""
    EXAMPLE["compare"](workers, *(part[:300] for part in DIGITS))
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[-1] for line in lines] == ["equal"] * 3


# -- a worker is lost ------------------------------------------------------------------


def kills_a_worker(folder, n_before):
    """Return a scorer that kills its process, once, after `n_before` fits."""
    here = os.getpid()

    def scorer(estimator, X, y):
        (folder / str(uuid4())).touch()
        if len(list(folder.iterdir())) > n_before and os.getpid() != here:
            try:
                folder.with_suffix(".killed").touch(exist_ok=False)
            except FileExistsError:  # by another worker
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return estimator.score(X, y)

    return scorer


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("n_before", [1, 5])
def test_a_search_survives_a_killed_worker(workers, tmp_path, n_before):
    before = set(workers.run(os.getpid).values())
    # Other rows each time: equal arrays would have the same names in the cluster.
    X, y = (part[n_before:] for part in DIGITS)
    folds = EXAMPLE["make_folds"](X, y)
    killed = GridSearchCV(
        NET, GRID, cv=folds, refit=False, scoring=kills_a_worker(tmp_path, n_before)
    )
    with EXAMPLE["on_cluster"](workers, X, y, *chain(*folds)):
        killed.fit(X, y)
    workers.wait_for_workers(2, timeout=60)
    assert len(before - set(workers.run(os.getpid).values())) == 1
    assert len(list(tmp_path.iterdir())) > 4 * len(folds)  # fits were repeated
    with threadpool_limits(1):
        alone = GridSearchCV(NET, GRID, cv=folds, refit=False).fit(X, y)
    assert_array_equal(scores_of(killed), scores_of(alone))


# -- what is sent ----------------------------------------------------------------------


def count_bytes(dask_worker=None):
    """Count the bytes that this process sends."""
    from distributed.comm.tcp import TCP

    if hasattr(TCP, "n_sent"):
        return
    TCP.n_sent, write = 0, TCP.write

    async def counted(self, *args, **options):
        n = await write(self, *args, **options)
        TCP.n_sent += n
        return n

    TCP.write = counted


def bytes_sent(dask_worker=None):
    """Return what this process has sent since the last call."""
    from distributed.comm.tcp import TCP

    n, TCP.n_sent = TCP.n_sent, 0
    return n


def traffic(client):
    """Bytes sent by all processes since the last call, in MB."""
    return (bytes_sent() + sum(client.run(bytes_sent).values())) / 2**20


def test_a_training_set_is_sent_to_each_worker_once(workers):
    """50 MB: to the scheduler, from there to a worker, from there to the other one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(65_536, 100))
    y = (X[:, 0] > 0).astype(int)
    size = X.nbytes / 2**20
    assert size == 50
    net = MLPClassifier((2,), learning_rate="cosine", max_iter=2, batch_size=8192)
    folds = [(np.arange(0, 65_536, 8), np.arange(4, 65_536, 64))] * 2
    params = {"n_candidates": 3, "coarse_max_iter": 1, "cv": folds, "random_state": 0}
    search = CoarseToFineSearchCV(
        net, {"alpha": loguniform(1e-4, 1)}, n_rounds=2, refit=False, **params
    )
    count_bytes()
    workers.run(count_bytes)
    traffic(workers)
    with EXAMPLE["on_cluster"](workers, X, y, *chain(*folds)):
        search.fit(X, y)
    sent = traffic(workers)
    with joblib.parallel_config("dask"):
        clone(search).fit(X, y)
    sent_by_default = traffic(workers)
    n_fits = 2 * sum(search.n_candidates_)
    assert n_fits >= 6
    # Of y, which is sent too, 0.5 MB; of anything else, less than 3 MB.
    assert 3 * size < sent < 3 * size + 5
    # Without `scatter` each round sends it, to one worker at least.
    assert sent_by_default > 4 * size
    assert sent < n_fits * size / 2


# -- partial_fit on the workers --------------------------------------------------------


def train_on(model, X, y):
    """One call of partial_fit on a copy, as a task of a cluster."""
    return pickle.loads(pickle.dumps(model)).partial_fit(X, y, classes=np.arange(10))


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier((16,), dropout=0.2, random_state=0),
        TabularClassifier(
            hidden_layer_sizes=(8,), n_members=2, early_stopping=False, random_state=0
        ),
    ],
    ids=["MLP", "Tabular"],
)
def test_candidates_trained_by_futures_are_those_trained_here(workers, model):
    """A minimal search by partial_fit: the better half of the candidates goes on."""
    X, y = DIGITS
    chunks = [slice(0, 400), slice(400, 800), slice(800, 1200)]
    pairs = [(X[rows], y[rows]) for rows in chunks]
    sent = workers.scatter(pairs, broadcast=True, hash=False)
    rates = [1e-4, 1e-3, 1e-2, 1e-1]
    here = {rate: clone(model).set_params(learning_rate_init=rate) for rate in rates}
    there = dict(here)
    for rows, chunk in zip(chunks, sent, strict=True):
        parts = [workers.submit(lambda pair, i: pair[i], chunk, i) for i in range(2)]
        there = {
            rate: workers.submit(train_on, estimator, *parts, pure=False)
            for rate, estimator in there.items()
        }
        scores = {}
        for rate in there:
            with threadpool_limits(1):  # as on the workers, for equal rounding
                here[rate] = train_on(here[rate], X[rows], y[rows])
            scores[rate] = there[rate].result().score(X[1200:], y[1200:])
            assert scores[rate] == here[rate].score(X[1200:], y[1200:])
            assert_array_equal(
                there[rate].result().network_.theta, here[rate].network_.theta
            )
        best = sorted(there, key=scores.get)[len(there) // 2 :]
        there = {rate: there[rate] for rate in best}
    assert len(there) == 1


def test_successive_halving_on_the_cluster(workers):
    space = {"alpha": loguniform(1e-5, 1), "activation": ["relu", "tanh"]}
    params = {
        "resource": "max_iter",
        "min_resources": 3,
        "max_resources": 9,
        "cv": FOLDS,
        "refit": False,
    }
    searches = [
        HalvingRandomSearchCV(NET, space, random_state=0, **params) for _ in range(2)
    ]
    with EXAMPLE["on_cluster"](workers, *DIGITS, *chain(*FOLDS)):
        searches[0].fit(*DIGITS)
    with threadpool_limits(1):
        searches[1].fit(*DIGITS)
    assert_array_equal(*map(scores_of, searches))
    assert searches[0].best_params_ == searches[1].best_params_


@pytest.mark.parametrize("name", ["IncrementalSearchCV", "HyperbandSearchCV"])
def test_searches_of_dask_ml_by_partial_fit(workers, name):
    searches = pytest.importorskip("dask_ml.model_selection", exc_type=ImportError)
    search = getattr(searches, name)(
        MLPClassifier((16,), learning_rate_init=0.01, random_state=0),
        {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "activation": ["relu", "tanh"]},
        max_iter=9,
        random_state=0,
        **({"n_initial_parameters": 6} if name == "IncrementalSearchCV" else {}),
    )
    try:
        search.fit(*DIGITS, classes=np.arange(10))
    except RuntimeError as error:
        if "asynchronous Client in a synchronous context" in str(error):
            pytest.skip(f"this release of dask-ml fails with this one of Dask: {error}")
        raise
    best = search.best_estimator_
    n_calls = len(best.history_["epoch"])
    calls = {row["partial_fit_calls"] for row in search.history_}
    assert n_calls == max(calls)  # the state was kept from call to call
    assert best.score(*DIGITS) > 0.9


def test_copies_between_calls_are_cheap():
    """What a search by partial_fit sends from task to task: weights and their state."""
    net = MLPClassifier((100, 100), random_state=0)
    for _ in range(30):
        net.partial_fit(*DIGITS, classes=np.arange(10))
    n_bytes = 3 * net.network_.theta.nbytes  # Adam has two more vectors
    assert len(pickle.dumps(net)) < n_bytes + 30 * 100 + 10_000
    assert len(pickle.dumps(clone(net))) < 10_000


# -- Ray -------------------------------------------------------------------------------

BY_RAY = """
import numpy as np
import ray
from joblib import parallel_config
from ray.util.joblib import register_ray
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sknn import MLPClassifier

net = MLPClassifier((16,), learning_rate="cosine", max_iter=5, random_state=0)
X, y = load_digits(return_X_y=True)
searches = [GridSearchCV(net, {"alpha": [1e-4, 1.0]}, cv=3) for _ in range(2)]
ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
register_ray()
with parallel_config("ray"):
    searches[0].fit(X / 16, y)
ray.shutdown()
searches[1].fit(X / 16, y)
for i in range(3):
    there, here = (s.cv_results_[f"split{i}_test_score"] for s in searches)
    np.testing.assert_array_equal(there, here)
print("equal")
"""


def test_ray_finds_the_same_results(tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed")
    # Ray writes to the home folder.
    environment = {**os.environ, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BY_RAY],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.stdout.endswith("equal\n"), done.stderr
