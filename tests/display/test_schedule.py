"""ScheduleDisplay: planned and recorded learning rates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sknn.display import (
    ScheduleDisplay,
)
from sknn.schedules import Cosine, InvScaling

from .helpers import IRIS, draw, legend_of, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_planned_and_recorded_rates():
    net = mlp(learning_rate=Cosine(warmup=2), learning_rate_init=0.1, max_iter=20)
    plan = ScheduleDisplay.from_estimator(net, name="plan")
    net.fit(*IRIS)
    x, y = plan.line_.get_data()
    assert x[0] == 0
    assert x[-1] == 20
    assert_allclose(y[0], 0.001)
    assert_allclose(y.max(), 0.1, rtol=1e-3)
    done = ScheduleDisplay.from_estimator(net, ax=plan.ax_, name="training")
    assert_array_equal(done.line_.get_ydata(), net.learning_rates_)
    assert_allclose(np.interp(np.arange(20), x, y), net.learning_rates_, rtol=1e-3)
    assert legend_of(plan.ax_) == ["plan", "training"]
    assert plan.ax_.get_xlabel() == "Epochs completed"
    assert plan.ax_.get_ylabel() == "Learning rate"
    assert not legend_of(ScheduleDisplay.from_estimator(net).ax_)
    draw(plan.figure_)


def test_a_plan_may_depend_on_the_number_of_rows():
    net = mlp(solver="sgd", learning_rate="invscaling", learning_rate_init=1.0)
    with pytest.raises(ValueError, match="depends on the number of training rows"):
        ScheduleDisplay.from_estimator(net)
    rates = ScheduleDisplay.from_estimator(net, n_samples=99).line_.get_ydata()
    assert_allclose(rates[-1], 1 / np.sqrt(5 * 99 + 1))
    shown = ScheduleDisplay.from_schedule(InvScaling(), 5, n_samples=99)
    assert_array_equal(shown.line_.get_ydata(), rates)


def test_schedules_need_a_network_with_a_learning_rate():
    with pytest.raises(TypeError, match=r"estimator of sknn, got.*LogisticRegression"):
        ScheduleDisplay.from_estimator(LogisticRegression())
    with pytest.raises(ValueError, match="solver='lbfgs' has no learning rate"):
        ScheduleDisplay.from_estimator(mlp(solver="lbfgs"))
