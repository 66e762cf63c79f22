"""Every schedule, by its name and as an object, in training."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from small_fits import DATA, ESTIMATORS, fit

from sknn.schedules import (
    SCHEDULES,
    Adaptive,
    Cosine,
    OneCycle,
    Step,
)
from sknn.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # With the rate that the tables have for all solvers.
    "ignore:solver='adadelta':UserWarning",
)

OBJECTS = [Cosine(warmup=2, final=0.1), OneCycle(0.5), Step(at=(0.25,))]


@pytest.mark.parametrize("schedule", [*SCHEDULES, *OBJECTS], ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_learning_rates_are_those_of_the_schedule(Estimator, schedule):
    net = fit(Estimator, solver="rmsprop", learning_rate=schedule, max_iter=6, tol=0)
    function = SCHEDULES[schedule]() if isinstance(schedule, str) else schedule
    n = len(DATA[Estimator][1])
    expected = [0.01 * function(e, 6, rows=e * n) for e in range(6)]
    assert_allclose(net.learning_rates_, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "schedule",
    ["step", "exponential", "linear", "cosine", "inverse_sqrt", "one_cycle",
     Cosine(warmup=0.25, final=0.1)],
    ids=str,
)  # fmt: skip
def test_schedules_scale_to_the_budget(schedule):
    short, long = (
        fit(learning_rate=schedule, max_iter=n, tol=0).learning_rates_ for n in (4, 8)
    )
    assert_allclose(long[::2], short, rtol=1e-12)


PLATEAU = {"tol": 10.0, "n_iter_no_change": 1, "max_iter": 8}


def test_an_adaptive_rate_falls_on_plateaus_with_any_solver():
    for solver in SOLVERS:
        net = fit(solver=solver, learning_rate=Adaptive(), **PLATEAU)
        assert net.n_iter_ == 8
        assert_allclose(net.learning_rates_[1::2], 0.01 / 5 ** np.arange(4.0))


ANNEALING = {name for name, cls in SCHEDULES.items() if cls.ends} | {*OBJECTS[:2]}


@pytest.mark.parametrize("schedule", [*SCHEDULES, *OBJECTS], ids=str)
def test_only_a_schedule_that_anneals_is_done_when_the_epochs_are(schedule):
    plans_the_end = schedule in ANNEALING
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(solver="sgd", learning_rate=schedule, tol=0)
    assert [w.category for w in caught] == [ConvergenceWarning] * (not plans_the_end)
