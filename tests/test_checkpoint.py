"""Training that is killed and continues equals training that was not, to the last bit.

``python tests/test_checkpoint.py 20`` kills so many fits at random moments, and as many
in the middle of a write, with SIGKILL, lets them continue, and prints the numbers. The
suite does the same with a few.
"""

import copy
import errno
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import fbeta_score, make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_fits import DIABETES, IRIS
from versions import requires_sklearn

import sknn
from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn._files import archive
from sknn._files.codec import Reader, Writer
from sknn._files.fingerprint import fingerprint
from sknn._sklearn import HAS_CALLBACKS
from sknn._training import monitor, stochastic
from sknn.augmentation import Cutout, Mixup, RandomFlip, RandomShift
from sknn.callbacks import Checkpoint
from sknn.exceptions import FileError
from sknn.layers import BatchNorm, Dense, DropConnect, Dropout, PReLU
from sknn.losses import HalfSquaredError
from sknn.solvers import SOLVERS, Solver

IGNORED = [
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Early stopping ended training at epoch:UserWarning",
    "ignore:X has rows:UserWarning",
    "ignore:solver='adadelta' determines:UserWarning",
    "ignore:The learning rate is 0:UserWarning",
]
pytestmark = pytest.mark.filterwarnings(*IGNORED)

RNG = np.random.RandomState(0)
IMAGES = RNG.randint(256, size=(60, 8, 8)).astype(np.uint8), RNG.randint(3, size=60)
COLORS = RNG.choice(["red", "green", "blue", "black"], 150)
TABLE = pd.DataFrame(IRIS[0]).add_prefix("x").assign(color=COLORS)
W = np.linspace(0, 2, 150)

SMALL = {"batch_size": 40, "max_iter": 8, "random_state": 0}
EARLY = {"early_stopping": True, "restore_best": 10, "refit_on_all": True}
PLATEAUS = {
    "solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1
}  # fmt: skip
ALL_EPOCHS = {"n_iter_no_change": np.inf}


def mlp(Estimator=MLPClassifier, **params):
    return Estimator(**{"hidden_layer_sizes": (6, 6), **SMALL, **params})


def cnn(Estimator=CNNClassifier, **params):
    return Estimator((3,), **{"hidden_layer_sizes": (5,), **SMALL, **params})


def tabular(Estimator=TabularClassifier, **params):
    params = {"hidden_layer_sizes": (8,), "max_one_hot": 2, **SMALL, **params}
    return Estimator(**params)


class OwnSolver(Solver):
    """A solver that no file can hold."""

    def start(self, theta):
        return {"sum": np.zeros_like(theta), "n": 0}

    def step(self, theta, grad, state, learning_rate):
        state["sum"] += grad
        state["n"] += 1
        theta -= learning_rate * state["sum"] / state["n"]


class OwnLoss(HalfSquaredError):
    """A loss that no file can hold."""


def scoring(estimator, X, y):
    return estimator.score(X, y)


EVERYTHING = {"dropout": 0.2, "learning_rate": "cosine", **EARLY, **ALL_EPOCHS}

CASES = {
    **{solver: (mlp(solver=solver), IRIS) for solver in SOLVERS if solver != "lbfgs"},
    "plateaus": (mlp(**PLATEAUS), IRIS),
    "plateaus, refit": (mlp(**PLATEAUS, **EARLY), IRIS),
    "invscaling": (mlp(solver="sgd", learning_rate="invscaling"), IRIS),
    "everything": (mlp(**EVERYTHING), IRIS),
    "best epoch": (mlp(early_stopping=True, refit_on_all=True, scoring="loss"), IRIS),
    "latest": (mlp(early_stopping=True, restore_best="latest"), IRIS),
    "last weights": (mlp(early_stopping=True, restore_best=False), IRIS),
    "weights": (mlp(**EVERYTHING), (*IRIS, W)),
    "batch norm": (mlp(normalization="batch", residual=True, dropconnect=0.1), IRIS),
    "mixup": (mlp(mixup=0.5, dropout=0.2, max_grad_norm=1.0), IRIS),
    "sparse": (mlp(dropout=0.2, **EARLY), (sparse.csr_array(IRIS[0]), IRIS[1])),
    "float32": (mlp(**EVERYTHING), (IRIS[0].astype(np.float32), IRIS[1])),
    "drop last": (mlp(drop_last=True, shuffle=False, nesterovs_momentum=False), IRIS),
    "regressor": (mlp(MLPRegressor, **EVERYTHING), DIABETES),
    "scorer": (mlp(early_stopping=True, scoring=scoring, refit_on_all=True), IRIS),
    "quantiles": (
        mlp(MLPRegressor, loss="quantile", quantile=[0.1, 0.9], early_stopping=True),
        DIABETES,
    ),
    "factors": (
        mlp(dropout=0.5, dropout_schedule="linear", weight_decay_schedule="cosine"),
        IRIS,
    ),
    "unseeded": (mlp(**{**EVERYTHING, "random_state": None}), IRIS),
    "unseeded splitter": (mlp(**EVERYTHING, validation_fraction=ShuffleSplit(1)), IRIS),
    "frozen": (mlp(freeze=0, head_learning_rate=0.01), IRIS),
    "own parts": (
        SequentialRegressor(
            [Dense(5), PReLU(), DropConnect(Dense(4), 0.3), BatchNorm(), Dropout(0.3)],
            **SMALL, loss=OwnLoss(), solver=OwnSolver(),
        ),
        DIABETES,
    ),
    "images": (
        cnn(**EVERYTHING, augmentation=[RandomFlip(), RandomShift(), Cutout()]),
        IMAGES,
    ),
    "images, mixup": (
        cnn(CNNRegressor, augmentation=[RandomShift(), Mixup(0.3)], dropout=0.1),
        IMAGES,
    ),
    "images, batch norm": (cnn(normalization="batch", early_stopping=True), IMAGES),
    "table": (tabular(), (TABLE, IRIS[1])),
    "table, refit": (tabular(refit_on_all=True, dropout=0.1), (TABLE, IRIS[1])),
    "table, regressor": (tabular(TabularRegressor), (TABLE, IRIS[0][:, 0])),
    "ensemble": (tabular(n_members=3), (TABLE, IRIS[1])),
    "ensemble, refit": (
        tabular(n_members=3, bagging=True, refit_on_all=True, random_state=None),
        (TABLE, IRIS[1]),
    ),
    "ensemble, all rows": (
        tabular(TabularRegressor, n_members=3, early_stopping=False, dropout=0.1),
        (TABLE, IRIS[0][:, 0]),
    ),
    "ensemble, unseeded splitter": (
        tabular(n_members=2, validation_fraction=ShuffleSplit(1)), (TABLE, IRIS[1]),
    ),
}  # fmt: skip


# -- interrupted and continued --------------------------------------------------------


class Crash(BaseException):
    """What ends a process, and nothing catches."""


@contextmanager
def crashing(n_epochs, error=Crash):
    """Raise an error after so many epochs, counted over all runs."""
    train_epoch, lock, counts = stochastic.train_epoch, threading.Lock(), [0]

    def count(*args):
        with lock:
            counts[0] += 1
            if counts[0] > n_epochs:
                raise error
        return train_epoch(*args)

    with mock.patch.object(stochastic, "train_epoch", count):
        yield counts


def fit(estimator, data, seed=0):
    """Return a fitted clone; parameters without a seed draw from NumPy's stream."""
    np.random.seed(seed)  # noqa: NPY002
    return clone(estimator).fit(*data)


def checkpointed(estimator, path, every=1):
    return clone(estimator).set_callbacks(Checkpoint(path, every))


def fit_with_crashes(estimator, data, path, n_epochs=5, every=1):
    """Fit, crash after so many epochs, and continue, until the fit is complete."""
    for n_crashes in range(100):
        with crashing(n_epochs):
            try:
                return fit(
                    checkpointed(estimator, path, every), data, n_crashes
                ), n_crashes
            except Crash:
                continue
    raise AssertionError("it does not advance")


def global_stream():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def without_times(history):
    return {name: column for name, column in history.items() if name != "seconds"}


def assert_equal_fits(a, b, X):
    """Check that two estimators are the same but for the seconds that they took."""
    assert vars(a).keys() - {"_skl_callbacks"} == vars(b).keys() - {"_skl_callbacks"}
    assert_array_equal(a.network_.theta, b.network_.theta)
    assert_array_equal(a.network_.state, b.network_.state)
    assert_array_equal(a.predict(X), b.predict(X))
    assert repr(without_times(a.history_)) == repr(without_times(b.history_))
    for name in ("n_iter_", "t_", "loss_", "best_loss_", "best_epoch_"):
        assert getattr(a, name) == getattr(b, name)
    for name in ("averaged_epochs_", "best_validation_score_"):
        assert getattr(a, name) == getattr(b, name)
    assert getattr(a, "temperature_", 1) == getattr(b, "temperature_", 1)
    for name in ("_held_out_errors", "_held_out_weight"):
        assert_array_equal(getattr(a, name, None), getattr(b, name, None))
    others = [getattr(fitted, "_others", []) for fitted in (a, b)]
    for members in zip(*others, strict=True):
        columns, of_b = (repr(without_times(m.history.columns)) for m in members)
        assert columns == of_b


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.sknn"


@pytest.fixture(autouse=True)
def no_sync(monkeypatch):
    """Do not wait for the disk: tests are several times faster."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.parametrize("name", CASES)
def test_a_fit_that_crashed_continues_to_the_same_result(name, path):
    estimator, data = CASES[name]
    whole = fit(estimator, data)
    resumed, n_crashes = fit_with_crashes(estimator, data, path)
    assert n_crashes >= 1
    assert_equal_fits(whole, resumed, data[0])
    if hasattr(whole, "partial_fit"):  # the solver and the streams are there, too
        for estimator in (whole, resumed):
            estimator.partial_fit(*data)
        assert_array_equal(whole.network_.theta, resumed.network_.theta)


def test_every_estimator_and_solver_is_tested():
    tested = {type(estimator).__name__ for estimator, _ in CASES.values()}
    assert {name[:5] for name in tested} == {
        name[:5] for name in sknn.__all__ if name[0].isupper()
    }
    assert SOLVERS.keys() - CASES.keys() <= {"lbfgs"}


def test_own_rows_to_validate_on(path):
    X, y = IRIS
    net = mlp(**{**EVERYTHING, "refit_on_all": False})
    val = {"X_val": X[100:], "y_val": y[100:], "sample_weight_val": W[100:]}
    whole = clone(net).fit(X[:100], y[:100], **val)
    resumed = checkpointed(net, path)
    with crashing(4), pytest.raises(Crash):
        resumed.fit(X[:100], y[:100], **val)
    for name, change in {"X_val": X[50:100], "y_val": y[::-1][:50]}.items():
        with pytest.raises(FileError, match=f"other values of {name}"):
            clone(resumed).fit(X[:100], y[:100], **{**val, name: change})
    with crashing(4):
        resumed.fit(X[:100], y[:100], **val)
    assert_equal_fits(whole, resumed, X)


@pytest.mark.parametrize("n_epochs", [0, 1, 5, 8])
def test_ctrl_c_and_fit_again(n_epochs, path):
    net = mlp(early_stopping=True, refit_on_all=True, **ALL_EPOCHS)
    resumed = checkpointed(net, path)
    warned = pytest.warns(match="by user|was stopped")
    with crashing(n_epochs, KeyboardInterrupt), warned:
        resumed.fit(*IRIS)
    assert path.exists() == (n_epochs > 0)
    with crashing(100) as counts:
        resumed.fit(*IRIS)
    whole = clone(net).fit(*IRIS)
    assert_equal_fits(whole, resumed, IRIS[0])
    assert counts[0] == 8 + whole.best_epoch_ - n_epochs


def test_ctrl_c_in_an_ensemble(path):
    """The members are in threads, and the interrupt is in the main one."""
    net = tabular(n_members=3, max_iter=12, validation_fraction=0.3, scoring=scoring)
    resumed, main = checkpointed(net, path), threading.main_thread().ident

    def interrupt(*args):
        if len(os.listdir(path.parent)) and not done:
            done.append(True)
            signal.pthread_kill(main, signal.SIGINT)

    done = []
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("needs signals for threads")
    interrupting = mock.patch.object(monitor.Monitor, "_print_epoch", interrupt)
    with interrupting, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resumed.fit(TABLE, IRIS[1])
    assert done
    resumed.fit(TABLE, IRIS[1])
    assert_equal_fits(fit(net, (TABLE, IRIS[1])), resumed, TABLE)


def test_every_says_after_how_many_epochs(path):
    net = checkpointed(mlp(max_iter=10), path, every=3)
    for n_epochs, n_again in ((2, 10), (5, 7), (9, 1)):
        with crashing(n_epochs), pytest.raises(Crash):
            net.fit(*IRIS)
        before = path.read_bytes() if path.exists() else None
        with crashing(100) as counts:
            clone(net).fit(*IRIS)
        assert counts[0] == n_again
        path.unlink() if before is None else path.write_bytes(before)
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["everything", "ensemble, refit", "latest"])
def test_a_complete_fit_is_returned_at_once(name, path):
    estimator, data = CASES[name]
    first = fit(checkpointed(estimator, path), data)
    with crashing(0):
        again = fit(checkpointed(estimator, path), data, seed=1)
    assert_equal_fits(first, again, data[0])


def test_the_file_of_a_complete_fit_is_small(path):
    net = checkpointed(mlp(**{**EVERYTHING, "hidden_layer_sizes": (50, 50)}), path)
    sizes = []
    for n_epochs in (7, 8):  # the last epochs of the first run
        with crashing(n_epochs), pytest.raises(Crash):
            clone(net).fit(*IRIS)
        sizes.append(path.stat().st_size)
        path.unlink()
    n_bytes = net.fit(*IRIS).network_.theta.nbytes
    # Weights, two vectors of Adam, eight snapshots; then only the weights.
    assert sizes[0] - sizes[1] == pytest.approx(10 * n_bytes, rel=0.1)


def test_a_fit_that_a_callback_stops_continues(path):
    """Stopping is the callback's decision, which it takes again."""
    pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")

    class Stop:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and estimator.n_iter_ == self.at

        def teardown(self, estimator, context):
            pass

    stop, net = Stop(), mlp()
    for stop.at in (4, 4, 6, 100):
        resumed = clone(net).set_callbacks(Checkpoint(path), stop).fit(*IRIS)
        assert resumed.n_iter_ == min(stop.at, 8)
    assert_equal_fits(clone(net).fit(*IRIS), resumed, IRIS[0])


def test_the_seconds_before_a_crash_count(path):
    """Each look at the clock is a second: two an epoch, or a few more."""

    def look():
        seconds[0] += 1
        return seconds[0]

    def seconds_of(n_crash):
        with mock.patch.object(monitor.time, "perf_counter", look):
            return fit_with_crashes(net, IRIS, path, n_epochs=n_crash)

    seconds = [0.0]
    net = mlp(max_iter=100, max_time=50)
    whole, _ = seconds_of(1000)
    path.unlink()
    resumed, n_crashes = seconds_of(4)
    assert 8 < whole.n_iter_ < 25
    assert n_crashes >= 2
    assert abs(resumed.n_iter_ - whole.n_iter_) <= n_crashes + 1


@pytest.mark.parametrize("random_state", [None, 3, "stream"])
@pytest.mark.parametrize("name", ["everything", "ensemble, refit"])
def test_random_streams_end_where_they_would_have(name, random_state, path):
    estimator, data = CASES[name]

    def with_stream(estimator):
        seed = np.random.RandomState(5) if random_state == "stream" else random_state
        return estimator.set_params(random_state=seed)

    np.random.seed(0)  # noqa: NPY002
    whole = with_stream(clone(estimator)).fit(*data)
    resumed = with_stream(checkpointed(estimator, path))
    np.random.seed(0)  # noqa: NPY002
    with crashing(10), pytest.raises(Crash):
        resumed.fit(*data)
    np.random.seed(1)  # noqa: NPY002
    before = global_stream()
    with_stream(resumed).fit(*data)  # as in a program that is run again
    assert_equal_fits(whole, resumed, data[0])
    if random_state == "stream":
        ours, other = whole.random_state, resumed.random_state
        assert_array_equal(ours.get_state()[1], other.get_state()[1])
    if random_state is not None:
        assert_array_equal(global_stream(), before)


def test_fits_with_other_streams_are_other_fits(tmp_path):
    """Of one stream, or of two that start from other seeds."""
    stream = np.random.RandomState(0)
    nets = [
        checkpointed(mlp(), tmp_path).set_params(random_state=random_state).fit(*IRIS)
        for random_state in (stream, stream, np.random.RandomState(1))
    ]
    assert len({net.coefs_[0].tobytes() for net in nets}) == 3
    again = checkpointed(mlp(random_state=np.random.RandomState(0)), tmp_path)
    assert_array_equal(again.fit(*IRIS).coefs_[0], nets[0].coefs_[0])
    assert len([*tmp_path.iterdir()]) == 3


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a folder that does not exist"):
        Checkpoint(f"{tmp_path}/no/")


def test_a_warm_start_is_another_fit(tmp_path):
    """It starts from other weights: in a folder, it has a file of its own."""
    net = mlp(warm_start=True, dropout=0.2)
    whole = clone(net).fit(*IRIS).fit(*IRIS)
    resumed = checkpointed(net, tmp_path).fit(*IRIS)
    fitted = pickle.dumps(resumed)
    with crashing(3), pytest.raises(Crash):
        resumed.fit(*IRIS)
    assert len(os.listdir(tmp_path)) == 2
    with crashing(5):
        resumed = pickle.loads(fitted).fit(*IRIS)
    assert_equal_fits(whole, resumed, IRIS[0])
    first = checkpointed(net, tmp_path / "file").fit(*IRIS)
    with pytest.raises(FileError, match="other values of fitted weights"):
        first.fit(*IRIS)


# -- what is refused ------------------------------------------------------------------

X, y = IRIS
OTHER = X.copy()
OTHER[7, 2] = np.nextafter(OTHER[7, 2], 9)
FITTED = mlp(learning_rate="linear").fit(*IRIS)
OTHERS = {
    "alpha": (mlp(alpha=1e-3), IRIS),
    "hidden_layer_sizes": (mlp(hidden_layer_sizes=(6, 7)), IRIS),
    "max_iter": (mlp(max_iter=9), IRIS),
    "random_state": (mlp(random_state=1), IRIS),
    "solver": (mlp(solver="sgd"), IRIS),
    "early_stopping, scoring": (
        mlp(early_stopping=True, scoring=make_scorer(mean_absolute_error)),
        IRIS,
    ),
    "validation_fraction": (mlp(validation_fraction=KFold(3)), IRIS),
    "init_from": (mlp(init_from=FrozenEstimator(FITTED)), IRIS),
    "class, .*": (mlp(MLPRegressor), IRIS),
    "X": (mlp(), (OTHER, y)),
    "X, y": (mlp(), (OTHER[:140], y[:140])),
    "y": (mlp(), (X, np.where(y == 2, 3, y))),
    "sample_weight": (mlp(), (X, y, W)),
}


@pytest.mark.parametrize("names", OTHERS)
def test_a_file_of_another_fit_is_refused_and_left_as_it_is(names, path):
    with crashing(3), pytest.raises(Crash):
        checkpointed(mlp(), path).fit(*IRIS)
    content = path.read_bytes()
    estimator, data = OTHERS[names]
    other = checkpointed(estimator, path)
    with pytest.raises(FileError, match=f"with other values of {names}. The file is"):
        other.fit(*data)
    assert path.read_bytes() == content
    assert not hasattr(other, "network_")
    same = checkpointed(mlp(verbose=False), path)
    with crashing(5):
        same.fit(pd.DataFrame(X).to_numpy(copy=True), y.tolist())


F2 = partial(make_scorer, fbeta_score, beta=2)
SAME = [
    (X, np.asfortranarray(X)),
    (sparse.csr_array(X), sparse.csr_matrix(X)),
    (F2(), F2()),
    (ShuffleSplit(3), ShuffleSplit(3)),
    (np.random.RandomState(0), np.random.RandomState(0)),
    (OwnLoss(), OwnLoss()),
    (pd.Series([1, 2]), pd.Series([1, 2])),
]
DIFFERENT = [
    *(None, 0, 1, 1.0, True, "1", (1,), [1], {"a": 1}, np.float32(1), print, scoring),
    *(X, X.T, X[:-1], X.astype(np.float32), np.zeros((0, 3)), np.zeros((3, 0)), OTHER),
    *(sparse.csr_array(X), sparse.csr_array(OTHER), np.array(["a"]), np.array(["b"])),
    *(partial(scoring, y=1), partial(scoring, y=2), F2()),
    *(make_scorer(fbeta_score, beta=1), KFold(3), KFold(4), ShuffleSplit(3)),
    *(StratifiedGroupKFold(3), StratifiedGroupKFold(4), OwnLoss(), OwnSolver, OwnLoss),
    *(np.random.RandomState(0), np.random.RandomState(1), b"1", b"2", {1}, {2}),
    *(pd.Series([1, 2]), pd.Series([1, 3]), range(3), range(4), Decimal(1), Decimal(2)),
]


def test_fingerprints():
    for first, second in SAME:
        assert fingerprint(first) == fingerprint(second)
    assert len({fingerprint(value) for value in DIFFERENT}) == len(DIFFERENT)
    endless = Crash()
    endless.self = endless
    assert fingerprint(endless) == fingerprint(endless)


def test_a_file_of_another_version_is_refused(path):
    older = mock.patch("sknn._files.header.__version__", "0.0.1")
    with older, crashing(3), pytest.raises(Crash):
        checkpointed(mlp(), path).fit(*IRIS)
    with pytest.raises(FileError, match=r"was written by sknn 0\.0\.1, and this is"):
        checkpointed(mlp(), path).fit(*IRIS)


def test_a_damaged_file_is_refused(path):
    net = checkpointed(mlp(), path).fit(*IRIS)
    content = path.read_bytes()
    rng = random.Random(0)
    for i in range(60):
        damaged = bytearray(content)
        if i % 3:
            damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        else:
            del damaged[rng.randrange(len(content)) :]
        path.write_bytes(damaged)
        try:
            with crashing(0):
                again = clone(net).fit(*IRIS)  # a bit of a time stamp, for example
            assert_array_equal(again.network_.theta, net.network_.theta)
        except FileError:
            assert path.read_bytes() == damaged


def forge(path, change):
    """Change the state in a file, as one who knows how it is written."""
    with open(path, "rb") as file:
        document, arrays = archive.read_archive(file, 2**30)
    state = Reader(arrays).whole(document["training"])
    change(state, state.runs["0"])
    writer = Writer()
    document["training"] = writer.tree(state, "")
    archive.write_archive(str(path), document, writer.arrays)


FORGERIES = {
    "rows": lambda fit, run: run.order.__setitem__(0, 10**9),
    "rows twice": lambda fit, run: run.order.__setitem__(0, run.order[1]),
    "fewer rows": lambda fit, run: vars(run).update(order=run.order[1:]),
    "weights": lambda fit, run: vars(run).update(theta=run.theta[1:]),
    "dtype": lambda fit, run: vars(run).update(theta=run.theta.astype(np.float32)),
    "solver": lambda fit, run: run.solver[0].update(m=run.theta[1:]),
    "no solver": lambda fit, run: run.solver.clear(),
    "more of a solver": lambda fit, run: run.solver[0].update(more=1),
    "step": lambda fit, run: run.solver[0].update(t="1"),
    "kept": lambda fit, run: run.kept.append((0.5, 1, run.theta[1:], run.state)),
    "stream": lambda fit, run: vars(run).update(noise=np.random.RandomState(0)),
    "columns": lambda fit, run: run.columns.clear(),
    "split": lambda fit, run: vars(fit).update(split=(run.order, run.order + 100)),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_file_is_refused(change, path):
    net = checkpointed(mlp(early_stopping=True, validation_fraction=KFold(5)), path)
    with crashing(3), pytest.raises(Crash):
        net.fit(*IRIS)
    content = path.read_bytes()
    forge(path, lambda fit, run: None)
    assert path.read_bytes() == content
    forge(path, change)
    with pytest.raises(FileError):
        net.fit(*IRIS)


def test_files_of_training_and_of_estimators_are_not_mixed_up(path):
    net = checkpointed(mlp(), path).fit(*IRIS)
    with pytest.raises(FileError, match="the state of training"):
        sknn.load(path)
    sknn.save(net, path)
    with pytest.raises(FileError, match="holds an estimator"):
        net.fit(*IRIS)
    assert sknn.load(path).n_iter_ == net.n_iter_


def test_wrong_paths_are_an_error_at_the_start(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere"):
        checkpointed(mlp(), tmp_path / "nowhere" / "training.sknn").fit(*IRIS)
    if os.path.exists("/dev/full"):
        with pytest.raises(
            FileError, match="must be a file or a folder, got '/dev/full'"
        ):
            checkpointed(mlp(), "/dev/full").fit(*IRIS)


def test_what_cannot_be_kept(path):
    with pytest.raises(ValueError, match="cannot save the state of solver='lbfgs'"):
        checkpointed(mlp(solver="lbfgs"), path).fit(*IRIS)
    two = mlp().set_callbacks(Checkpoint(path), Checkpoint(path))
    with pytest.raises(ValueError, match="one Checkpoint"):
        two.fit(*IRIS)
    for every in (0, 1.5, True, None):
        with pytest.raises(ValueError, match="every must be an integer >= 1"):
            Checkpoint(path, every)
    net = checkpointed(mlp(), path).partial_fit(*IRIS, classes=[0, 1, 2])
    assert net.n_iter_ == 1
    assert not path.exists()


# -- what cannot be written -----------------------------------------------------------


def fails_with(code, name):
    """Return a context in which a function of the system fails."""
    error = OSError(code, os.strerror(code))
    target = "builtins.open" if name == "open" else f"os.{name}"
    function = open if name == "open" else getattr(os, name)

    def fail(*args, **kwargs):
        if name == "open" and "x" not in args[1:][0]:
            return function(*args, **kwargs)
        raise error

    return mock.patch(target, fail)


class FullDisk:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, left):
        self.file, self.left = file, left

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.left -= len(content)
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(content)


def full_disk(n_bytes):
    def opened(path, mode, *args):
        file = open(path, mode, *args)  # noqa: SIM115
        return FullDisk(file, n_bytes) if "x" in mode else file

    return mock.patch.object(archive, "open", opened, create=True)


FAILURES = {
    "read-only": lambda: fails_with(errno.EROFS, "open"),
    "not permitted": lambda: fails_with(errno.EACCES, "replace"),
    "input/output": lambda: fails_with(errno.EIO, "fsync"),
    "full": lambda: full_disk(0),
    "full after a part": lambda: full_disk(1500),
    "full in the end": lambda: full_disk(5000),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_what_cannot_be_written_warns_once_and_training_goes_on(failure, path):
    net = checkpointed(mlp(dropout=0.2), path)
    whole = mlp(dropout=0.2).fit(*IRIS)
    with failure(), pytest.warns(UserWarning, match="could not write") as caught:
        failed = clone(net).fit(*IRIS)
    assert len(caught) == 2  # and that it has not converged
    assert str(path) in str(caught[0].message)
    assert_equal_fits(whole, failed, X)
    assert os.listdir(path.parent) == []
    with crashing(3), pytest.raises(Crash):
        clone(net).fit(*IRIS)
    content = path.read_bytes()
    with failure(), pytest.warns(UserWarning, match="could not write"):
        clone(net).fit(*IRIS)
    assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == content
    with crashing(5):
        assert_equal_fits(whole, clone(net).fit(*IRIS), X)


def test_a_disk_that_is_full_for_a_while(path):
    train_epoch = stochastic.train_epoch
    disk = [full_disk(1000)]

    def free(*args):
        if disk and path.parent.exists() and len(seen) == 4:
            disk.pop().stop()
        seen.append(True)
        return train_epoch(*args)

    seen = []
    disk[0].start()
    freeing = mock.patch.object(stochastic, "train_epoch", free)
    warned = pytest.warns(UserWarning, match="No space left")
    with freeing, warned, crashing(6), pytest.raises(Crash):
        checkpointed(mlp(), path).fit(*IRIS)
    with crashing(2):
        checkpointed(mlp(), path).fit(*IRIS)


def in_epoch(n, action):
    """Return a context with an action before epoch n."""
    train_epoch, counts = stochastic.train_epoch, [0]

    def act(*args):
        counts[0] += 1
        if counts[0] == n:
            action()
        return train_epoch(*args)

    return mock.patch.object(stochastic, "train_epoch", act)


def remove(path):
    for other in path.parent.iterdir():
        other.unlink()
    path.parent.rmdir()


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


EVENTS = {
    "the folder disappears": remove,
    "the path becomes a folder": replace_by_folder,
    "another fit writes": lambda path: path.write_bytes(b"another"),
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_what_happens_to_the_file_does_not_stop_training(event, tmp_path):
    path = tmp_path / "folder" / "training.sknn"
    path.parent.mkdir()
    warned = pytest.warns(UserWarning, match="could not write")
    with in_epoch(4, lambda: event(path)), warned as caught:
        net = checkpointed(mlp(), path).fit(*IRIS)
    assert len(caught) == 2
    assert_equal_fits(mlp().fit(*IRIS), net, X)
    assert not path.is_file() or path.read_bytes() == b"another"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.warns(UserWarning, match="Permission denied"):
        checkpointed(mlp(), tmp_path / "training.sknn").fit(*IRIS)


def test_two_fits_at_once_do_not_write_to_one_file(path):
    """They are the same fit: the second continues from what the first has written."""
    net = mlp(dropout=0.2)
    inner, outer = checkpointed(net, path), checkpointed(net, path)
    warned = pytest.warns(UserWarning, match="another fit has written to this file")
    with in_epoch(4, lambda: inner.fit(*IRIS)), warned:
        outer.fit(*IRIS)
    for fitted in (inner, outer):
        assert_equal_fits(clone(net).fit(*IRIS), fitted, X)
    assert os.listdir(path.parent) == [path.name]
    with crashing(0):
        assert_equal_fits(inner, clone(inner).fit(*IRIS), X)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_limit_of_the_system_on_the_size_of_files(path):
    """As for a full disk, of which a test cannot have one."""
    resource = pytest.importorskip("resource")

    expected = mlp().fit(*IRIS).network_.theta

    def train(limit):
        process = os.fork()
        if process == 0:
            status = 1
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                warnings.simplefilter("ignore")
                net = checkpointed(mlp(), path).fit(*IRIS)
                status = 0 if np.array_equal(net.network_.theta, expected) else 2
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    assert train(2000) == 0
    assert os.listdir(path.parent) == []
    with crashing(3), pytest.raises(Crash):
        checkpointed(mlp(), path).fit(*IRIS)
    content = path.read_bytes()
    assert train(2000) == 0
    assert path.read_bytes() == content
    assert train(10**7) == 0
    assert path.read_bytes() != content


# -- in scikit-learn's tools ----------------------------------------------------------


def test_in_a_pipeline(path):
    def pipeline(net):
        return make_pipeline(StandardScaler(), net)

    with crashing(3), pytest.raises(Crash):
        pipeline(checkpointed(mlp(), path)).fit(*IRIS)
    with crashing(5):
        resumed = pipeline(checkpointed(mlp(), path)).fit(*IRIS)
    assert_equal_fits(pipeline(mlp()).fit(*IRIS)[-1], resumed[-1], X)


@requires_sklearn("1.9", "callbacks")
def test_of_a_pipeline_itself_is_an_error(path):
    pipeline = make_pipeline(StandardScaler(), mlp()).set_callbacks(Checkpoint(path))
    with pytest.raises(TypeError, match="estimators of sknn, got Pipeline"):
        pipeline.fit(*IRIS)


def search(net, n_jobs=1):
    grid = {"mlpclassifier__alpha": [1e-4, 1.0]}
    pipeline = make_pipeline(StandardScaler(), net)
    return GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_a_search_each_fit_has_a_file_in_the_folder(n_jobs, tmp_path):
    whole = search(mlp()).fit(*IRIS)
    with crashing(20), pytest.raises(Crash):
        search(checkpointed(mlp(), tmp_path)).fit(*IRIS)
    assert len(os.listdir(tmp_path)) == 3
    with joblib.parallel_backend("threading"):
        first = search(checkpointed(mlp(), tmp_path), n_jobs).fit(*IRIS)
    assert len(os.listdir(tmp_path)) == 5
    with crashing(0):
        again = search(checkpointed(mlp(), tmp_path)).fit(*IRIS)
    for found in (first, again):
        scores = "mean_test_score"
        assert_array_equal(found.cv_results_[scores], whole.cv_results_[scores])
        assert_equal_fits(whole.best_estimator_[-1], found.best_estimator_[-1], X)


def test_in_a_search_one_file_for_all_fits_is_an_error(path):
    with pytest.raises(FileError, match="other values of X, y"):
        search(checkpointed(mlp(), path)).fit(*IRIS)


def test_copies_keep_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = mlp().set_callbacks(Checkpoint("training.sknn", every=2))
    monkeypatch.chdir("/")
    for other in (clone(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.fit(*IRIS)
        assert (tmp_path / "training.sknn").exists()
        (tmp_path / "training.sknn").unlink()
        assert repr(other._skl_callbacks[0]) == (
            f"Checkpoint({str(tmp_path / 'training.sknn')!r}, every=2)"
        )
    assert not os.path.exists("training.sknn")
    sknn.save(net.fit(*IRIS), tmp_path / "model.sknn")
    assert "_skl_callbacks" not in vars(sknn.load(tmp_path / "model.sknn"))
    assert "_skl_callbacks" not in vars(net.set_callbacks())


def test_before_scikit_learn_1_9_only_a_checkpoint_can_be_set():
    if HAS_CALLBACKS:
        pytest.skip("this scikit-learn has callbacks")
    with pytest.raises(TypeError, match=r"takes a sknn\.callbacks\.Checkpoint only"):
        mlp().set_callbacks(print)


# -- processes that are killed --------------------------------------------------------

KILLED = {
    "MLP": (mlp(**{**EVERYTHING, "max_iter": 40}), IRIS),
    "CNN": (
        cnn(
            **{**EVERYTHING, "max_iter": 25},
            augmentation=[RandomFlip(), RandomShift(), Cutout()],
        ),
        IMAGES,
    ),
    "Tabular": (
        tabular(n_members=3, bagging=True, refit_on_all=True, max_iter=10),
        (TABLE, IRIS[1]),
    ),
}

MOMENTS = [
    ("fsync", "before"),
    ("replace", "before"),
    ("replace", "after"),
]
"""Where in a write a process is killed."""


def start(name, path, kill_at=None):
    """Fit in another process, which writes the weights to `path`.npy in the end.

    With `kill_at`, it kills itself at a call of a function of the system, in the
    middle of a write.
    """
    process = os.fork()
    if process:
        return process
    status = 1
    os.fsync = lambda descriptor: None  # it is a process that is killed, not a machine
    try:
        estimator, data = KILLED[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kill_at is not None:
                kill_itself(*kill_at)
            net = checkpointed(estimator, path).fit(*data)
        np.save(f"{path}.npy", net.network_.theta)
        status = 0
    finally:
        os._exit(status)


def kill_itself(name, moment, n):
    """Let the n-th call of a function of `os` kill the process."""
    function, counts = getattr(os, name), [0]

    def call(*args, **kwargs):
        counts[0] += 1
        if counts[0] == n and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if counts[0] == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(os, name, call)


def kill_until_complete(name, path, n_kills, rng, longest):
    """Kill a fit at random moments, so many times; return how often it was killed."""
    killed = 0
    while True:
        process = start(name, path)
        if killed < n_kills:
            time.sleep(rng.uniform(0, longest))
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status):
            killed += 1
            continue
        assert status == 0, f"{name}: the fit has failed"
        return killed


def kill_in_writes(name, path, rng):
    """Kill a fit at each of the moments of a write; return how often."""
    killed = 0
    for function, moment in MOMENTS:
        process = start(name, path, (function, moment, rng.randint(1, 9)))
        _, status = os.waitpid(process, 0)
        killed += os.WIFSIGNALED(status)
    return killed


def main(n_kills):
    """Kill fits, let them continue, and print how many ended as the undisturbed one."""
    rng, report = random.Random(0), {}
    with TemporaryDirectory() as folder:
        for i, name in enumerate(KILLED):
            path = Path(folder) / f"{name}.sknn"
            began = time.perf_counter()
            assert kill_until_complete(name, path, 0, rng, 0) == 0
            longest = 0.7 * (time.perf_counter() - began)
            whole = np.load(f"{path}.npy")
            share = n_kills // len(KILLED) + (i < n_kills % len(KILLED))
            n, n_fits = {"at random": 0, "in a write": 0}, 0
            while n["at random"] < share or n["in a write"] < share:
                path.unlink()
                Path(f"{path}.npy").unlink()
                missing = share - n["at random"]
                n["in a write"] += kill_in_writes(name, path, rng)
                n["at random"] += kill_until_complete(name, path, missing, rng, longest)
                n_fits += 1
                assert np.array_equal(np.load(f"{path}.npy"), whole), name
            report[name] = {**n, "fits": n_fits, "other results": 0}
            left = [other for other in os.listdir(folder) if other.endswith(".tmp")]
            assert left == []
    print(json.dumps(report))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_processes_continue():
    command = [sys.executable, __file__, "3"]
    env = {**os.environ, "OMP_NUM_THREADS": "2"}
    run = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert run.returncode == 0, run.stderr
    for name, found in json.loads(run.stdout).items():
        assert found["at random"] >= 1, name
        assert found["in a write"] >= 1, name


if __name__ == "__main__":
    main(int(sys.argv[1]))
