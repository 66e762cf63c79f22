"""Training: batches, the loop over epochs, when it stops, what it keeps."""

import math
import pickle
import tracemalloc
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import ARCHITECTURES, float_dtypes, make_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import OptimizeResult

import sknn._training.lbfgs
import sknn.network
from sknn import MLPRegressor
from sknn._descent import Clipping, Descent
from sknn._training import (
    MEASURED,
    TITLES,
    Data,
    History,
    Limits,
    Monitor,
    SolverProgress,
    train_epoch,
    train_lbfgs,
    train_stochastic,
)
from sknn._training.data import Batches
from sknn._training.monitor import mean
from sknn.losses import HalfSquaredError
from sknn.objective import Objective
from sknn.schedules import Adaptive, Constant, Cosine, InvScaling, Linear, OneCycle
from sknn.solvers import SGD, Adam, AdamW

N, N_FEATURES, RATE, NAN = 23, 4, 0.1, math.nan

all_architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


def make_data(dtype=np.float64, n=N, weighted=True):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, N_FEATURES)).astype(dtype)
    y = np.tanh(X[:, :2] + X[:, 2:])
    w = rng.uniform(0.5, 2, n).astype(dtype) if weighted else None
    return Data(X, y, w)


def make_objective(network, rng=None, mixup=0.0):
    return Objective(network, HalfSquaredError(), alpha=0.01, mixup=mixup, rng=rng)


def make_limits(**limits):
    defaults = {
        "max_iter": 5,
        "tol": 1e-4,
        "n_iter_no_change": 10,
        "early_stopping": False,
        "n_best": 1,
        "verbose": 0,
    }
    return Limits(**{**defaults, **limits})


class Run:
    """A network, and what trains it."""

    def __init__(
        self,
        solver=None,
        data=None,
        validate=None,
        callbacks=None,
        hidden=(6,),
        mixup=0.0,
        **limits,
    ):
        self.data = data or make_data()
        self.solver, self.mixup = solver or SGD(0.0), mixup
        self.outside = make_limits(**limits), validate, callbacks
        network = make_network(N_FEATURES, hidden, 2, dtype=self.data.X.dtype)
        noise = np.random.default_rng(2)
        progress = SolverProgress.start(self.solver, network, RATE, noise)
        self.start(network, progress, History(), np.random.RandomState(1))

    def start(self, network, progress, history, rng):
        """Set the state of a run, and create the rest."""
        self.network, self.theta = network, network.theta
        self.progress, self.history, self.rng = progress, history, rng
        self.objective = make_objective(network, progress.rng, self.mixup)
        self.monitor = Monitor(network, history, *self.outside)

    def continue_from_a_pickle(self):
        """Continue from a pickle of the state."""
        state = (self.network, self.progress, self.history, self.rng)
        self.start(*pickle.loads(pickle.dumps(state)))

    def train_on(self, rows, rates):
        """Train for one epoch on batches of five rows, and return the loss."""
        descent = Descent(self.objective, self.solver, self.progress.states)
        batches = Batches(self.objective, self.data, 5)
        factors = ((rate, 1.0, 1.0) for rate in rates)
        return train_epoch(batches, descent, rows, factors)

    def train(self, schedule=None, batch_size=5, shuffle=True, **settings):
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
            **settings,
        )

    def __getitem__(self, column):
        """A column of the history."""
        return self.history.columns[column]


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

    objective = make_objective(make_network(N_FEATURES, [6], 2))
    rng, t, curve, rates = np.random.RandomState(1), 0, [], []
    order, rate = np.arange(N) if rows is None else rows.copy(), RATE
    for _ in range(3):
        if shuffle:
            rng.shuffle(order)
        losses = []
        rates.append(rate)
        for start in range(0, len(order), 5):
            i = order[start : start + 5]
            loss = objective.loss_gradient(data.X[i], data.y[i], data.sample_weight[i])
            losses += [loss] * len(i)
            objective.network.theta -= rate * objective.grad
        t += len(order)
        rate = RATE / math.sqrt(t + 1)
        curve.append(np.mean(losses))

    assert_allclose(run.theta, objective.network.theta, rtol=1e-12)
    assert_allclose(run["loss"], curve, rtol=1e-12)
    assert run["learning_rate"] == pytest.approx(rates, rel=1e-14)
    assert (run.history.t, run.history.n_iter, run.progress.epochs) == (t, 3, 3)
    assert run.history.best_loss == min(run["loss"])


@all_architectures
@pytest.mark.parametrize("mixup", [0.0, 0.4])
@pytest.mark.parametrize(
    "solver, schedule",
    [(SGD(0.9), InvScaling()), (Adam(), Cosine()), (AdamW(), OneCycle())],
    ids=repr,
)
def test_epoch_by_epoch_with_pickling_is_training_straight(
    architecture, mixup, solver, schedule
):
    settings = {"hidden": architecture, "mixup": mixup}
    settings |= {"max_iter": 20, "n_iter_no_change": math.inf}
    straight, run = Run(solver, **settings), Run(solver, **settings)
    straight.train(schedule, shuffle=False)
    for epochs in range(1, 21):
        ending = run.train(schedule, shuffle=False, one_epoch=True)
        assert (ending, run.history.n_iter) == ("one epoch", 1)
        assert (run.progress.epochs, run.history.t) == (epochs, epochs * N)
        run.continue_from_a_pickle()
    assert_array_equal(run.theta, straight.theta)
    assert_array_equal(run.network.state, straight.network.state)
    for name in ("loss", "learning_rate", "gradient_norm"):
        assert run[name] == straight[name]


@all_architectures
@pytest.mark.parametrize("solver", [SGD(0.0), SGD(0.9), Adam(), AdamW()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(architecture, solver, dtype):
    run = Run(
        solver,
        make_data(dtype),
        Script(*range(5)),
        hidden=architecture,
        mixup=0.4,
        early_stopping=True,
    )
    run.train(Adaptive(), clipping=Clipping(max_norm=0.1, max_value=0.1))
    things = (run.objective, run.progress, run.monitor, run.data.X)
    assert float_dtypes(*things) == {np.dtype(dtype)}


def test_clipping_bounds_the_steps():
    run = Run(max_iter=1)
    before = run.theta.copy()
    run.train(batch_size=N, clipping=Clipping(max_norm=0.01))
    assert run["gradient_norm"][0] > 0.01
    assert np.linalg.norm(run.theta - before) == pytest.approx(RATE * 0.01)


def test_memory_of_training_is_bounded():
    data = make_data(n=40_000, weighted=False)
    data.X = np.tile(data.X, 10)
    run = Run(data=data, max_iter=1)
    network, history = make_network(40, [5], 2), History()
    progress = SolverProgress.start(run.solver, network, RATE, None)
    run.start(network, progress, history, run.rng)
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
    assert run["loss"] == expected["loss"]
    assert run.progress.states[0]["t"] == expected.progress.states[0]["t"] == 5 * 4


def test_a_loss_that_is_not_finite_stops_the_epoch_at_once():
    run, expected = Run(), Run()
    run.data.X[7] = np.nan
    rates = iter([RATE] * 5)
    loss = run.train_on(np.arange(N), rates)
    assert math.isnan(loss)
    assert list(rates) == [RATE] * 3
    expected.train_on(np.arange(5), [RATE])
    assert_array_equal(run.theta, expected.theta)


def test_a_loss_that_is_not_finite_ends_training():
    run, script = scripted_run(0.5, 0.6)
    run.data.X[7] = np.nan
    assert run.train() == "diverged"
    assert script.thetas == []
    assert run.history.n_iter == 1
    for name in ("loss", "validation_loss", "validation_score", "gradient_norm"):
        assert_array_equal(run[name], [NAN])


def test_gradient_norm_is_nan_in_an_epoch_that_measured_none():
    def spoil():
        run.data.X[7] = np.nan

    callbacks = SimpleNamespace(epoch_begins=lambda: None, epoch_ends=spoil)
    run = Run(max_iter=3, callbacks=callbacks)
    assert run.train() == "diverged"
    assert_array_equal(np.isnan(run["gradient_norm"]), [False, True])


class ExplodingSGD(SGD):
    """Its third step makes the weights huge, but finite."""

    def step(self, theta, grad, state, learning_rate):
        state["steps"] = state.get("steps", 0) + 1
        theta *= 1e200 if state["steps"] == 3 else 1


@pytest.mark.parametrize("one_epoch", [False, True])
def test_an_explosion_in_the_last_step_is_noticed(one_epoch):
    run = Run(ExplodingSGD(), max_iter=1)
    with np.errstate(all="ignore"):
        assert run.train(batch_size=8, one_epoch=one_epoch) == "diverged"
    assert math.isfinite(run["loss"][0])
    assert np.isfinite(run.theta).all()
    assert not math.isfinite(run.history.loss)


def test_the_best_weights_survive_an_explosion_in_the_last_step():
    run = Run(ExplodingSGD(), validate=Script(0.5, 0.1), early_stopping=True,
              max_iter=2)  # fmt: skip
    with np.errstate(all="ignore"):
        assert run.train(batch_size=N) == "max_iter"
    assert np.abs(run.theta).max() < 100


def test_rows_without_weight_are_no_explosion():
    data = make_data()
    data.sample_weight[:5] = 0
    assert Run(data=data, max_iter=1).train(batch_size=5, shuffle=False) == "max_iter"


# -- the learning rate ----------------------------------------------------------------


@dataclass(frozen=True)
class RateSpy(SGD):
    rates: list = field(default_factory=list)

    def step(self, theta, grad, state, learning_rate):
        self.rates.append(learning_rate)
        super().step(theta, grad, state, learning_rate)


@pytest.mark.parametrize(
    "schedule, factor",
    [
        (Constant(), lambda epoch: 1),
        (Constant(warmup=1), lambda epoch: min(0.01 + 0.99 * epoch, 1)),
        (Linear(), lambda epoch: 1 - epoch / 4),
        (Cosine(), lambda epoch: (1 + math.cos(math.pi * epoch / 4)) / 2),
        (InvScaling(), lambda epoch: 1 / math.sqrt(N * math.floor(epoch) + 1)),
    ],
    ids=["constant", "warm-up", "linear", "cosine", "invscaling"],
)
def test_each_step_has_the_rate_of_the_schedule(schedule, factor):
    run = Run(RateSpy(0.0), max_iter=4)
    run.train(schedule)
    expected = [RATE * factor(step / 5) for step in range(4 * 5)]
    assert run.solver.rates == pytest.approx(expected, rel=1e-12)
    assert run["learning_rate"] == run.solver.rates[::5]


def test_a_schedule_starts_at_the_first_rate_and_counts_all_rows():
    run = Run(RateSpy(0.0), max_iter=2)
    run.train(InvScaling())
    run.progress = run.progress.resume(run.solver, run.network, 2 * RATE)
    run.monitor = Monitor(run.network, run.history, *run.outside)
    run.train(InvScaling())
    expected = [RATE, RATE / math.sqrt(N + 1)]
    expected += [2 * RATE, 2 * RATE / math.sqrt(3 * N + 1)]
    assert run["learning_rate"] == pytest.approx(expected, rel=1e-12)


def test_the_schedule_may_be_planned_for_another_number_of_epochs():
    run = Run(RateSpy(0.0), max_iter=2)
    run.train(Linear(), n_epochs=10)
    expected = [RATE * (1 - step / 50) for step in range(2 * 5)]
    assert run.solver.rates == pytest.approx(expected, rel=1e-12)


# -- stopping -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "early_stopping, values, counts, best",
    [
        # With tol = 1/8. An improvement by exactly tol counts, a smaller one does not,
        # though the next is measured from it; NaN restarts the count.
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
    name = "validation_score" if early_stopping else "loss"
    assert_array_equal(history.columns[name], values)


def test_validation_without_early_stopping_only_records():
    run = Run(validate=Script(0.1, 0.2, 0.15), max_iter=3)
    expected = Run(max_iter=3)
    run.train()
    expected.train()
    assert run["validation_score"] == [0.1, 0.2, 0.15]
    assert run["validation_loss"] == [-0.1, -0.2, -0.15]
    assert run.history.best_validation_score == 0.2
    assert_array_equal(run.theta, expected.theta)
    assert run.history.no_improvement_count == expected.history.no_improvement_count


def test_early_stopping_restores_the_first_best_weights():
    run, script = scripted_run(0.5, 0.75, NAN, 0.75, 0.25, 0.25, n_iter_no_change=2)
    assert run.train() == "max_iter"
    assert (run.history.n_iter, run.history.best_epoch) == (5, 2)
    assert_array_equal(run.theta, script.thetas[1])


def test_early_stopping_restores_the_state_too():
    run, script = scripted_run(0.5, 0.25, 0.25, hidden="batch norm", max_iter=3)
    run.train()
    expected = Run(hidden="batch norm", max_iter=1)
    expected.train()
    assert_array_equal(run.theta, script.thetas[0])
    assert_array_equal(run.network.state, expected.network.state)


def test_early_stopping_may_keep_the_last_weights():
    run, script = scripted_run(0.5, 0.75, 0.25, max_iter=3, n_best=0)
    assert run.train() == "max_iter"
    assert_array_equal(run.theta, script.thetas[-1])
    assert (script.thetas[-1] != script.thetas[1]).any()


def test_early_stopping_averages_several_epochs():
    scores = 0.5, 0.75, NAN, 0.25, 0.75, 0.6, 0.71  # the last is that of the mean
    run, script = scripted_run(*scores, n_best=3, max_iter=6, hidden="batch norm")
    run.train()
    assert run.history.averaged == [2, 5, 6]
    assert (run.history.best_epoch, run.history.best_validation_score) == (2, 0.75)
    mean = np.mean([script.thetas[i] for i in (1, 4, 5)], axis=0)
    assert_allclose(run.theta, mean, rtol=1e-6)


def test_a_mean_that_is_worse_than_its_epochs_has_fewer_of_them():
    scores = *(0.5, 0.8, 0.4, 0.6, 0.7), 0.59, 0.74  # means of four, and of two
    run, script = scripted_run(*scores, n_best=4, max_iter=5)
    run.train()
    assert run.history.averaged == []
    assert_array_equal(run.theta, script.thetas[1])
    run, script = scripted_run(*scores[:-1], 0.75, n_best=4, max_iter=5)
    run.train()
    assert run.history.averaged == [2, 5]


def test_an_interruption_averages_the_best_weights_so_far():
    run, script = scripted_run(0.5, 0.75, KeyboardInterrupt, 1.0, n_best=2)
    assert run.train() == "interrupted"
    assert_allclose(run.theta, np.mean(script.thetas[:2], axis=0), rtol=1e-6)


def test_an_interruption_of_the_last_validation_keeps_the_best_weights():
    run, script = scripted_run(0.5, 0.75, 0.6, KeyboardInterrupt, n_best=2, max_iter=3)
    assert run.train() == "interrupted"
    assert_array_equal(run.theta, script.thetas[1])


def test_a_mean_leaves_what_is_the_same_in_all_as_it_is():
    theta, state = np.float32([0.1, 0.7]), np.float32([1 / 3])
    moved = theta + np.float32([0, 1])
    found = mean([(theta, state), (moved, state), (moved, state)])
    assert found[0][0] == theta[0]
    assert_array_equal(found[1], state)
    assert_allclose(found[0][1], 0.7 + 2 / 3, rtol=1e-6)


def test_a_second_run_averages_the_epochs_of_the_first():
    run, _ = scripted_run(0.5, 0.75, 0.6, 0.8, 1.0, n_best=3, max_iter=4)
    run.train()
    assert run.history.averaged == [2, 3, 4]
    second = Run(max_iter=4)
    second.monitor = Monitor(
        second.network, second.history, make_limits(), None, average_of=[2, 3, 4]
    )
    second.train()
    assert_array_equal(second.theta, run.theta)


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
    assert run.train(Adaptive()) == "converged"
    # One epoch, then three at each rate down to 0.1 / 5⁸, the first below 1e-6.
    expected = [RATE] + [RATE / 5**k for k in range(9) for _ in range(3)]
    assert run["learning_rate"] == pytest.approx(expected)
    assert run.history.n_iter == len(expected)


def test_a_second_run_may_lower_the_rate_where_the_first_did():
    first = Run(**NEVER_ENOUGH)
    first.train(Adaptive())
    second = Run(max_iter=20, n_iter_no_change=np.inf)
    second.train(Adaptive(), base_rates=first.history.base_rates)
    assert second["learning_rate"] == first["learning_rate"][:20]
    assert len(set(second["learning_rate"])) > 5


def test_verbose(capsys):
    run = Run(verbose=1, **NEVER_ENOUGH)
    run.train()
    *epochs, end = capsys.readouterr().out.splitlines()
    assert epochs == [
        f"Iteration {k}, loss = {loss:.8f}"
        for k, loss in enumerate(run["loss"], start=1)
    ]
    assert end == (
        "Training loss did not improve more than tol=1000000000.000000 for 2 "
        "consecutive epochs. Stopping."
    )


def test_verbose_two_prints_a_table(capsys):
    run = Run(validate=Script(*range(3)), verbose=2, max_iter=3)
    run.train()
    header, *rows = capsys.readouterr().out.splitlines()
    titles = ("epoch", *(TITLES[name] for name in MEASURED))
    assert header.split() == " ".join(titles).split()
    assert {len(row) for row in rows} == {len(header)}
    for i, row in enumerate(rows):
        epoch, *values = row.split()
        assert int(epoch) == i + 1
        expected = [run[name][i] for name in MEASURED]
        assert_allclose(np.array(values, float), expected, rtol=1e-4)


@pytest.mark.parametrize(
    "validate, scoring, left_out",
    [
        (None, None, ["validation_loss", "validation_score"]),
        (Script(*range(3)), "loss", ["validation_score"]),
    ],
)
def test_the_table_has_only_columns_with_values(validate, scoring, left_out, capsys):
    run = Run(validate=validate, verbose=2, max_iter=2, scoring=scoring)
    run.train()
    header, *rows = capsys.readouterr().out.splitlines()
    shown = [TITLES[name] for name in MEASURED if name not in left_out]
    assert header.split() == " ".join(["epoch", *shown]).split()
    assert {len(row.split()) for row in rows} == {1 + len(shown)}
    assert "nan" not in "".join(rows)


def test_verbose_prints_the_validation_loss_that_is_monitored(capsys):
    net = MLPRegressor(
        early_stopping=True, scoring="loss", verbose=True, tol=1e9, random_state=0
    ).fit(np.eye(30), np.arange(30.0) / 30)
    *epochs, end = capsys.readouterr().out.splitlines()
    assert epochs[1::2] == [
        f"Validation loss: {loss:f}" for loss in net.validation_loss_curve_
    ]
    assert end.startswith("Validation loss did not improve more than tol=")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_prints_no_column_of_learning_rates(capsys):
    MLPRegressor(solver="lbfgs", max_iter=2, verbose=2).fit(np.eye(30), np.arange(30.0))
    header = capsys.readouterr().out.splitlines()[0]
    assert header.split() == ["epoch", "loss", "grad.", "norm", "seconds"]


def test_an_interruption_keeps_the_best_weights():
    run, script = scripted_run(0.5, 0.75, 0.25, KeyboardInterrupt)
    assert run.train() == "interrupted"
    assert_array_equal(run.theta, script.thetas[1])


def test_an_interruption_keeps_the_last_weights(monkeypatch):
    run, expected = Run(), Run()
    expected.train_on(np.arange(10), [RATE] * 2)
    loss_gradient, numbers = Batches.loss_gradient, iter(range(5))

    def interrupted(*args):
        if next(numbers) == 2:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Batches, "loss_gradient", interrupted)
    assert run.train(shuffle=False) == "interrupted"
    assert_array_equal(run.theta, expected.theta)


def test_resuming_with_other_parameters_starts_with_a_fresh_state():
    run = Run(Adam())
    run.train()
    resume, t = run.progress.resume, run.progress.states[0]["t"]
    same = resume(Adam(), run.network, RATE)
    assert (same.states[0]["t"], same.epochs) == (t, 5)
    other = resume(Adam(0.5), run.network, RATE)
    assert (other.states[0]["t"], other.epochs) == (0, 0)
    assert "velocity" in resume(SGD(), run.network, RATE).states[0]
    slower = resume(Adam(), run.network, RATE / 2)
    assert slower.first_rate == slower.base_rate == RATE / 2
    assert (slower.states[0]["t"], slower.epochs) == (t, 0)


@pytest.mark.parametrize("solver, rate", [(Adam(), 1), (Adam(), 2), (SGD(), 1)])
def test_resuming_continues_the_stream_of_random_numbers(solver, rate):
    run = Run(Adam(), hidden="dropout")
    run.train()
    resumed = run.progress.resume(solver, run.network, rate)
    expected = run.progress.rng.bit_generator.state
    assert resumed.rng.bit_generator.state == expected
    resumed.rng.random()
    assert run.progress.rng.bit_generator.state == expected


def test_copies_are_independent():
    run = Run(SGD(0.9), max_iter=2)
    run.train()
    history = run.history.copy()
    progress = run.progress.resume(run.solver, run.network, RATE)
    assert history == run.history
    before = pickle.dumps((history, progress))
    run.monitor = Monitor(run.network, run.history, *run.outside)
    run.train()
    assert pickle.dumps((history, progress)) == before
    assert len(run["loss"]) == 4


# -- history and callbacks ------------------------------------------------------------


def train_stochastically(run):
    return run.train(batch_size=N)


def train_with_lbfgs(run, max_fun=1000):
    return train_lbfgs(run.objective, run.data, run.monitor, max_fun=max_fun)


either_way = pytest.mark.parametrize("train", [train_stochastically, train_with_lbfgs])


@either_way
@pytest.mark.parametrize("validated", [False, True])
def test_history_has_a_row_an_epoch(train, validated):
    run = Run(validate=Script(*range(4)) if validated else None, max_iter=4)
    train(run)
    table = {name: np.array(run[name]) for name in MEASURED}
    assert {column.shape for column in table.values()} == {(4,)}
    stochastic = train is train_stochastically
    measured = {
        "loss": True,
        "validation_loss": validated,
        "validation_score": validated,
        "learning_rate": stochastic,
        "gradient_norm": True,
        "seconds": True,
    }
    for name, column in table.items():
        assert_array_equal(np.isfinite(column), [measured[name]] * 4)
    assert (table["gradient_norm"] > 0).all()
    assert (table["seconds"] >= 0).all()


@either_way
def test_gradient_norm_is_that_of_the_last_gradient(train):
    run, before = Run(max_iter=4), Run(max_iter=3)
    train(run)
    train(before)
    # That of sgd is at the weights before the step, that of L-BFGS at those after.
    last = run if train is train_with_lbfgs else before
    last.objective.loss_gradient(last.data.X, last.data.y, last.data.sample_weight)
    expected = np.linalg.norm(last.objective.grad)
    assert run["gradient_norm"][-1] == pytest.approx(expected)


class CallbackSpy:
    """Records its calls, and stops training after some epochs."""

    def __init__(self, stop_after=math.inf):
        self.stop_after, self.calls = stop_after, []

    def epoch_begins(self):
        self.calls.append("begins")

    def epoch_ends(self):
        self.calls.append("ends")
        return self.calls.count("ends") >= self.stop_after


@either_way
def test_callbacks_are_called_in_each_epoch(train):
    spy = CallbackSpy()
    run = Run(callbacks=spy, max_iter=4)
    train(run)
    assert spy.calls == ["begins", "ends"] * 4


@either_way
def test_a_callback_may_stop_training(train):
    spy = CallbackSpy(stop_after=2)
    run = Run(callbacks=spy, max_iter=4)
    ending = train(run)
    assert (ending if train is train_stochastically else ending[0]) == "stopped"
    assert spy.calls == ["begins", "ends"] * 2
    expected = Run(max_iter=2)
    train(expected)
    assert_array_equal(run.theta, expected.theta)


@either_way
def test_a_stopped_run_has_the_best_weights(train):
    script, spy = Script(0.5, 0.75, 0.25), CallbackSpy(stop_after=3)
    run = Run(validate=script, callbacks=spy, early_stopping=True, max_iter=9)
    script.theta = run.theta
    train(run)
    assert_array_equal(run.theta, script.thetas[1])


# -- L-BFGS ---------------------------------------------------------------------------


def test_lbfgs_finds_a_minimum():
    run = Run(max_iter=500, tol=1e-6)
    ending, result = train_with_lbfgs(run)
    data = run.data
    assert ending == "converged"
    loss = run.objective.loss_gradient(data.X, data.y, data.sample_weight)
    assert np.abs(run.objective.grad).max() < 1e-3
    curve = run["loss"]
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
    assert_allclose(run["loss"], expected["loss"], rtol=1e-10)
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


def test_the_loss_of_lbfgs_is_the_last_of_its_curve(monkeypatch):
    """SciPy may compute it again, with another last bit."""
    minimize = sknn._training.lbfgs.minimize_lbfgs

    def rounded_otherwise(*args, **kwargs):
        result = minimize(*args, **kwargs)
        result.fun = np.nextafter(result.fun, math.inf)
        return result

    monkeypatch.setattr(sknn._training.lbfgs, "minimize_lbfgs", rounded_otherwise)
    run = Run(max_iter=5)
    train_with_lbfgs(run)
    assert run["loss"][-1] == run.history.loss == run.history.best_loss


def test_lbfgs_reports_divergence():
    run = Run()
    run.data.X[7] = np.nan
    with np.errstate(all="ignore"):
        assert train_with_lbfgs(run) == ("diverged", None)


@pytest.mark.parametrize(
    "dtype, scale, ending, loss_is_finite",
    [
        (np.float64, 1e30, "converged", True),
        (np.float32, 1e10, "converged", True),
        (np.float32, 1e30, "diverged", False),  # the predictions overflow
        (np.float32, 1e60, "diverged", True),  # the weights overflow
    ],
)
def test_lbfgs_reports_divergence_if_the_cast_network_overflows(
    dtype, scale, ending, loss_is_finite, monkeypatch
):
    def minimize(loss_gradient, theta, *, on_iteration, **limits):
        loss_gradient(theta)
        result = OptimizeResult(x=scale * theta, fun=1.0)
        on_iteration(result)
        return result

    monkeypatch.setattr(sknn._training.lbfgs, "minimize_lbfgs", minimize)
    run, dtype = Run(hidden=()), np.dtype(dtype)
    run.data.X *= 1e20
    with np.errstate(over="ignore", invalid="ignore"):
        actual, _ = train_lbfgs(
            run.objective, run.data, run.monitor, max_fun=10, dtype=dtype
        )
    assert actual == ending
    assert np.isfinite(run.network.scores(run.data.X)).all()
    assert math.isfinite(run.history.loss) == loss_is_finite


@pytest.mark.parametrize("one_epoch", [False, True])
def test_a_regressor_that_explodes_in_its_last_step_is_not_fitted(one_epoch):
    """Its weights are finite, its predictions are not."""
    X = np.random.RandomState(0).normal(size=(100, 5))
    y = 1e100 * (1 + X[:, 0])
    hidden, rate = (50, 50, 50), {"learning_rate_init": 0.01, "learning_rate": "linear"}
    reg = MLPRegressor(hidden_layer_sizes=hidden, solver="sgd", max_iter=1, **rate)
    reg.set_params(random_state=0)
    with pytest.raises(ValueError, match="The loss became"):
        reg.partial_fit(X, y) if one_epoch else reg.fit(X, y)
    assert not hasattr(reg, "network_")
