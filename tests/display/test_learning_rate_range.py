"""LearningRateRangeDisplay: losses and the suggested rate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknn.display import (
    LearningRateRangeDisplay,
)
from sknn.inspection import learning_rate_range_test

from .helpers import DIGITS, draw, legend_of, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_a_range_test_and_its_suggestion():
    net = mlp(hidden_layer_sizes=(20,), batch_size=30)
    X, y = DIGITS.data[:500] / 16, DIGITS.target[:500]
    result = learning_rate_range_test(net, X, y)
    shown = LearningRateRangeDisplay.from_estimator(net, X, y, name="adam")
    losses, average, dot = shown.lines_
    assert_allclose(losses.get_data(), [result.learning_rates, result.losses])
    assert_allclose(average.get_ydata(), result.smoothed_losses)
    assert_allclose(dot.get_xdata(), [result.suggestion])
    assert shown.ax_.get_xscale() == "log"
    suggestion = f"adam, suggested rate {result.suggestion:.2g}"
    assert legend_of(shown.ax_) == ["adam", suggestion]
    bottom, top = shown.ax_.get_ylim()
    assert bottom < result.losses.min()
    assert top < result.losses.max()  # where it explodes
    again = LearningRateRangeDisplay.from_result(result, ax=shown.ax_, name="again")
    assert_allclose(again.ax_.get_ylim(), (bottom, top))
    assert len(legend_of(shown.ax_)) == 4
    draw(shown.figure_)


@pytest.mark.parametrize("losses", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 2, np.nan]])
def test_a_range_test_without_a_suggestion(losses):
    shown = LearningRateRangeDisplay(
        learning_rates=[0.1, 1, 10], losses=losses, smoothed_losses=losses
    ).plot()
    assert len(shown.lines_) == 2
    assert legend_of(shown.ax_) == ["moving average", "batch loss"]
    bottom, top = shown.ax_.get_ylim()
    assert bottom < losses[0] < top
    draw(shown.figure_)
