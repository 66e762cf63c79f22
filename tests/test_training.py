"""Training: batches, the loop over epochs, when it stops, what it keeps."""

import math
import pickle
import tracemalloc

import numpy as np
import pytest
from helpers import float_dtypes, make_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sknn.network
from sknn.descent import Descent
from sknn.losses import HalfSquaredError
from sknn.objective import Objective
from sknn.schedules import Adaptive, Constant, InvScaling
from sknn.solvers import SGD, Adam
from sknn.training import (
    Data,
    History,
    Limits,
    Monitor,
    SolverProgress,
    train_epoch,
    train_lbfgs,
    train_stochastic,
)

N, N_FEATURES, RATE, NAN = 23, 4, 0.1, math.nan


def make_data(dtype=np.float64, n=N, weighted=True):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, N_FEATURES)).astype(dtype)
    y = np.tanh(X[:, :2] + X[:, 2:])
    w = rng.uniform(0.5, 2, n).astype(dtype) if weighted else None
    return Data(X, y, w)


def make_objective(dtype=np.float64):
    network = make_network(N_FEATURES, [6], 2, dtype=dtype)
    return Objective(network, HalfSquaredError(), alpha=0.01)


def make_limits(**limits):
    defaults = {
        "max_iter": 5,
        "tol": 1e-4,
        "n_iter_no_change": 10,
        "early_stopping": False,
        "verbose": False,
    }
    return Limits(**{**defaults, **limits})


class Run:
    """A network, and what trains it."""

    def __init__(self, solver=None, data=None, validate=None, **limits):
        self.data = data or make_data()
        self.objective = make_objective(self.data.X.dtype)
        self.theta = self.objective.network.theta
        self.solver = solver or SGD(0.0)
        self.progress = SolverProgress.start(self.solver, self.theta, RATE)
        self.history = History()
        self.monitor = Monitor(
            self.objective.network, self.history, make_limits(**limits), validate
        )
        self.rng = np.random.RandomState(1)

    def train_on(self, batches):
        """Train for one epoch, and return the loss."""
        descent = Descent(self.objective, self.solver, self.progress.states)
        return train_epoch(self.objective, descent, RATE, batches)

    def train(self, schedule=None, batch_size=5, shuffle=True, one_epoch=False):
        """Train, and return the ending."""
        return train_stochastic(
            self.objective,
            self.data,
            self.monitor,
            schedule or Constant(),
            self.progress,
            batch_size=batch_size,
            shuffle=shuffle,
            rng=self.rng,
            one_epoch=one_epoch,
        )


class Script:
    """A validation that returns the scores of a script, and remembers the weights."""

    def __init__(self, *scores):
        self.scores = iter(scores)
        self.thetas = []
        self.theta = None

    def __call__(self):
        score = next(self.scores)
        if score is KeyboardInterrupt:
            raise KeyboardInterrupt
        if self.theta is not None:
            self.thetas.append(self.theta.copy())
        return -score, score


def scripted_run(*scores, **limits):
    script = Script(*scores)
    run = Run(validate=script, early_stopping=True, **limits)
    script.theta = run.theta
    return run, script


# -- batches --------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_hold_each_row_once(make, shuffled, dtype):
    data = make_data(dtype)
    order = np.random.RandomState(0).permutation(N) if shuffled else None
    data.X.flags.writeable = False  # as a memory map
    sizes, seen = [], []
    for x, y, w in Data(make(data.X), data.y, data.sample_weight).batches(order, 5):
        x = x.copy() if make is np.asarray else x.toarray()
        sizes.append((len(x), len(y), len(w)))
        seen.append((x, y, w))
    assert sizes == [(5, 5, 5)] * 4 + [(3, 3, 3)]
    order = np.arange(N) if order is None else order
    X, y, w = (np.concatenate(arrays) for arrays in zip(*seen, strict=True))
    assert X.dtype == dtype
    assert_array_equal(X, data.X[order])
    assert_array_equal(y, data.y[order])
    assert_array_equal(w, data.sample_weight[order])


def test_rows_select():
    data = make_data()
    data.rows = np.array([20, 3, 11])
    assert data.n == 3
    assert data.total_weight == data.sample_weight[data.rows].sum()
    ((x, y, w),) = data.batches(data.rows, 5)
    assert_array_equal(x, data.X[data.rows])
    assert_array_equal(y, data.y[data.rows])
    assert_array_equal(w, data.sample_weight[data.rows])
    data.sample_weight = None
    assert data.total_weight == 3
    assert [w for *_, w in data.batches(data.rows, 2)] == [None, None]


# -- the loop -------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [None, np.arange(20, 3, -2)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_training_is_the_plain_loop(rows, shuffle):
    data = make_data()
    data.rows = rows
    run = Run(data=data, max_iter=3)
    assert run.train(InvScaling(), shuffle=shuffle) == "max_iter"

    objective, rng, t, curve = make_objective(), np.random.RandomState(1), 0, []
    order, rate = np.arange(N) if rows is None else rows.copy(), RATE
    for _ in range(3):
        if shuffle:
            rng.shuffle(order)
        losses = []
        for start in range(0, len(order), 5):
            i = order[start : start + 5]
            loss = objective.loss_gradient(data.X[i], data.y[i], data.sample_weight[i])
            losses += [loss] * len(i)
            objective.network.theta -= rate * objective.grad
        t += len(order)
        rate = RATE / math.sqrt(t + 1)
        curve.append(np.mean(losses))

    assert_allclose(run.theta, objective.network.theta, rtol=1e-12)
    assert_allclose(run.history.loss_curve, curve, rtol=1e-12)
    assert (run.history.t, run.history.n_iter) == (t, 3)
    assert run.progress.learning_rate == pytest.approx(rate, rel=1e-14)
    assert run.history.best_loss == min(run.history.loss_curve)


@pytest.mark.parametrize("solver", [SGD(0.9), Adam()], ids=repr)
def test_epoch_by_epoch_with_pickling_is_training_straight(solver):
    straight = Run(solver, max_iter=6)
    straight.train(InvScaling(), shuffle=False)
    run = Run(solver, max_iter=6)
    for epochs in range(1, 7):
        run.progress, history = pickle.loads(pickle.dumps((run.progress, run.history)))
        run.history = run.monitor.history = history
        ending = run.train(InvScaling(), shuffle=False, one_epoch=True)
        assert (ending, run.history.n_iter) == ("one epoch", 1)
        assert run.history.t == epochs * N
    assert_array_equal(run.theta, straight.theta)
    assert run.history.loss_curve == straight.history.loss_curve


@pytest.mark.parametrize("solver", [SGD(0.0), SGD(0.9), Adam()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(solver, dtype):
    run = Run(solver, make_data(dtype), Script(*range(5)), early_stopping=True)
    run.train(Adaptive())
    things = (run.objective, run.progress, run.monitor, run.data.X)
    assert float_dtypes(*things) == {np.dtype(dtype)}


def test_memory_of_training_is_bounded():
    data = make_data(n=40_000, weighted=False)
    data.X = np.tile(data.X, 10)
    network = make_network(40, [5], 2)
    run = Run(data=data, max_iter=1)
    run.objective = Objective(network, HalfSquaredError(), 0.0)
    run.progress = SolverProgress.start(SGD(0.0), run.theta, RATE)
    tracemalloc.start()
    run.train(batch_size=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.X.nbytes == 12_800_000
    assert peak < 1_000_000


def test_a_batch_without_weight_is_passed_over():
    data = make_data()
    data.sample_weight[5:10] = 0
    run = Run(Adam(), data)
    run.train(shuffle=False)

    others = make_data()
    others.rows = np.r_[:5, 10:N]
    expected = Run(Adam(), others)
    expected.train(shuffle=False)
    assert_array_equal(run.theta, expected.theta)
    assert run.history.loss_curve == expected.history.loss_curve
    assert run.progress.states[0]["t"] == expected.progress.states[0]["t"] == 5 * 4


def test_a_loss_that_is_not_finite_stops_the_epoch_at_once():
    run, expected = Run(), Run()
    run.data.X[7] = np.nan
    batches = run.data.batches(None, 5)
    loss = run.train_on(batches)
    assert math.isnan(loss)
    assert len(list(batches)) == 3
    first_batch = [next(expected.data.batches(None, 5))]
    expected.train_on(first_batch)
    assert_array_equal(run.theta, expected.theta)


def test_a_loss_that_is_not_finite_ends_training():
    run, script = scripted_run(0.5, 0.6)
    run.data.X[7] = np.nan
    assert run.train() == "diverged"
    assert script.thetas == []
    assert run.history.n_iter == 1
    for curve in ("loss_curve", "validation_loss_curve", "validation_scores"):
        assert_array_equal(getattr(run.history, curve), [NAN])


# -- stopping -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "early_stopping, values, counts, best",
    [
        # With tol = 1/8. An improvement by exactly tol counts, a smaller one does not,
        # though the next is measured from it; NaN starts the count anew.
        (
            False,
            [1.0, 0.9375, 0.875, 0.75, 0.75, NAN, 0.875],
            [0, 1, 2, 0, 1, 0, 1],
            [1.0, 0.9375, 0.875, 0.75, 0.75, 0.75, 0.75],
        ),
        (
            True,
            [NAN, 0.5, 0.5625, 0.6875, 0.625, 0.75, NAN, 0.5],
            [0, 0, 1, 0, 1, 2, 0, 1],
            [-math.inf, 0.5, 0.5625, 0.6875, 0.6875, 0.75, 0.75, 0.75],
        ),
    ],
    ids=["training loss", "validation score"],
)
def test_epochs_without_improvement_are_counted(early_stopping, values, counts, best):
    network, history = make_network(2, [], 1), History()
    validate = Script(*values) if early_stopping else None
    limits = make_limits(tol=0.125, n_iter_no_change=1, early_stopping=early_stopping)
    monitor = Monitor(network, history, limits, validate)
    for value, count, best_so_far in zip(values, counts, best, strict=True):
        monitor.epoch_ends(1.0 if early_stopping else value)
        assert history.no_improvement_count == count
        assert monitor.stalled == (count > 1)
        if early_stopping:
            assert history.best_validation_score == best_so_far
        else:
            assert history.best_loss == best_so_far
    assert history.n_iter == len(values)
    recorded = history.validation_scores if early_stopping else history.loss_curve
    assert_array_equal(recorded, values)


def test_validation_without_early_stopping_only_records():
    run = Run(validate=Script(0.1, 0.2, 0.15), max_iter=3)
    expected = Run(max_iter=3)
    run.train()
    expected.train()
    assert run.history.validation_scores == [0.1, 0.2, 0.15]
    assert run.history.validation_loss_curve == [-0.1, -0.2, -0.15]
    assert run.history.best_validation_score == 0.2
    assert_array_equal(run.theta, expected.theta)
    assert run.history.no_improvement_count == expected.history.no_improvement_count


def test_early_stopping_restores_the_first_best_weights():
    run, script = scripted_run(0.5, 0.75, NAN, 0.75, 0.25, 0.25, n_iter_no_change=2)
    assert run.train() == "max_iter"
    assert run.history.n_iter == 5
    assert_array_equal(run.theta, script.thetas[1])


def test_early_stopping_stops():
    run, script = scripted_run(0.5, *[0.25] * 9, max_iter=10, n_iter_no_change=2)
    assert run.train() == "converged"
    assert run.history.n_iter == 1 + 3
    assert_array_equal(run.theta, script.thetas[0])


# From the second epoch on nothing improves by so much.
NEVER_ENOUGH = {"tol": 1e9, "n_iter_no_change": 2, "max_iter": 100}


@pytest.mark.parametrize("schedule", [Constant(), InvScaling()], ids=repr)
def test_a_plateau_of_the_loss_ends_training(schedule):
    run = Run(**NEVER_ENOUGH)
    assert run.train(schedule) == "converged"
    assert run.history.n_iter == 1 + 3


def test_a_plateau_lowers_the_adaptive_rate():
    run = Run(**NEVER_ENOUGH)
    rates = []
    batches = run.data.batches

    def spy(order, batch_size):
        rates.append(run.progress.learning_rate)
        return batches(order, batch_size)

    run.data.batches = spy
    assert run.train(Adaptive()) == "converged"
    # One epoch, then three at each rate down to 0.1 / 5⁸, the first below 1e-6.
    expected = [RATE] + [RATE / 5**k for k in range(9) for _ in range(3)]
    assert rates == pytest.approx(expected)
    assert run.history.n_iter == len(expected)


def test_verbose(capsys):
    run = Run(verbose=True, **NEVER_ENOUGH)
    run.train()
    *epochs, end = capsys.readouterr().out.splitlines()
    assert epochs == [
        f"Iteration {k}, loss = {loss:.8f}"
        for k, loss in enumerate(run.history.loss_curve, start=1)
    ]
    assert end == (
        "Training loss did not improve more than tol=1000000000.000000 for 2 "
        "consecutive epochs. Stopping."
    )


def test_an_interruption_keeps_the_best_weights():
    run, script = scripted_run(0.5, 0.75, 0.25, KeyboardInterrupt)
    assert run.train() == "interrupted"
    assert_array_equal(run.theta, script.thetas[1])


def test_an_interruption_keeps_the_last_weights():
    run, expected = Run(), Run()
    two_batches = list(expected.data.batches(None, 5))[:2]

    def interrupted(order, batch_size):
        yield from two_batches
        raise KeyboardInterrupt

    run.data.batches = interrupted
    assert run.train() == "interrupted"
    expected.train_on(two_batches)
    assert_array_equal(run.theta, expected.theta)


def test_resuming_with_other_parameters_starts_anew():
    run = Run(Adam())
    run.train()
    go_on = run.progress.resume(Adam(), run.theta, RATE)
    assert go_on.states[0]["t"] == run.progress.states[0]["t"] > 0
    assert run.progress.resume(Adam(0.5), run.theta, RATE).states[0]["t"] == 0
    assert "velocity" in run.progress.resume(SGD(), run.theta, RATE).states[0]
    slower = run.progress.resume(Adam(), run.theta, RATE / 2)
    assert slower.learning_rate == slower.base_rate == RATE / 2
    assert slower.states[0]["t"] > 0


def test_copies_are_independent():
    run = Run(SGD(0.9), max_iter=2)
    run.train()
    history, progress = (
        run.history.copy(),
        run.progress.resume(run.solver, run.theta, RATE),
    )
    assert history == run.history
    before = pickle.dumps((history, progress))
    run.train()
    assert pickle.dumps((history, progress)) == before
    assert len(run.history.loss_curve) == 4


# -- L-BFGS ---------------------------------------------------------------------------


def train_with_lbfgs(run, max_fun=1000):
    return train_lbfgs(run.objective, run.data, run.monitor, max_fun=max_fun)


def test_lbfgs_finds_a_minimum():
    run = Run(max_iter=500, tol=1e-6)
    ending, result = train_with_lbfgs(run)
    data = run.data
    assert ending == "converged"
    loss = run.objective.loss_gradient(data.X, data.y, data.sample_weight)
    assert np.abs(run.objective.grad).max() < 1e-3
    curve = run.history.loss_curve
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] == pytest.approx(loss, rel=1e-12)
    assert len(curve) == run.history.n_iter == result.nit
    assert run.history.t == 0


def test_lbfgs_in_slices_and_on_selected_rows(monkeypatch):
    data = make_data()
    rows = np.array([3, 17, 4, 8, 21, 9])
    data = Data(data.X[rows], data.y[rows], data.sample_weight[rows])
    expected = Run(data=data, max_iter=10)
    train_with_lbfgs(expected)

    data = make_data()
    data.rows = rows
    run = Run(data=data, max_iter=10)
    monkeypatch.setattr(sknn.network, "ROWS_BUFFER", 2 * (N_FEATURES + 6 + 6 + 2))
    train_with_lbfgs(run)
    assert_allclose(run.history.loss_curve, expected.history.loss_curve, rtol=1e-10)
    assert_allclose(run.theta, expected.theta, rtol=1e-7)


def test_lbfgs_limits():
    run = Run(max_iter=3)
    ending, result = train_with_lbfgs(run)
    assert (ending, result.status, run.history.n_iter) == ("converged", 1, 3)
    _, result = train_with_lbfgs(Run(), max_fun=2)
    assert result.status == 1


def test_lbfgs_stops_early_at_the_best_weights():
    run, script = scripted_run(0.5, *[0.25] * 9, max_iter=10, n_iter_no_change=2)
    assert train_with_lbfgs(run) == ("converged", None)
    assert run.history.n_iter == 1 + 3
    assert_array_equal(run.theta, script.thetas[0])


def test_interrupted_lbfgs_keeps_the_best_weights():
    run, script = scripted_run(0.5, 0.75, 0.25, KeyboardInterrupt, max_iter=10)
    assert train_with_lbfgs(run) == ("interrupted", None)
    assert_array_equal(run.theta, script.thetas[1])


def test_interrupted_lbfgs_keeps_the_last_iteration():
    script = Script(0.5, 0.75, 0.25)
    run = Run(validate=script, max_iter=10)
    script.theta = run.theta
    loss_of_all = run.objective.sum_over

    def interrupted(batches, total):
        if len(script.thetas) == 3:
            raise KeyboardInterrupt
        return loss_of_all(batches, total)

    run.objective.sum_over = interrupted
    assert train_with_lbfgs(run) == ("interrupted", None)
    assert_array_equal(run.theta, script.thetas[-1])


def test_lbfgs_reports_divergence():
    run = Run()
    run.data.X[7] = np.nan
    with np.errstate(all="ignore"):
        assert train_with_lbfgs(run) == ("diverged", None)
