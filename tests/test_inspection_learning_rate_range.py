"""The learning-rate range test."""

import math

import numpy as np
import pytest
from inspection_data import (
    CANCER,
    DIABETES,
    DIGITS,
    IMAGES,
    WINE,
    classifier,
    regressor,
)
from numpy.testing import assert_allclose
from sklearn.base import clone

from sknn import (
    CNNClassifier,
    MLPRegressor,
)
from sknn.inspection import (
    LearningRateRange,
    learning_rate_range_test,
)
from sknn.solvers import SGD

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_steps_are_those_of_the_solver_at_rising_rates():
    # A parabola: the loss of a linear network with a single weight is known.
    X, y = np.ones((4, 1)), np.full(4, 2.0)
    reg = MLPRegressor(
        hidden_layer_sizes=(),
        solver=SGD(momentum=0.0),
        initializer="zeros",
        alpha=0.0,
        random_state=0,
    )
    result = learning_rate_range_test(reg, X, y, min_rate=0.01, max_rate=1, n_iter=15)
    rates = 0.01 * 100 ** (np.arange(15) / 14)
    z, losses, average, smoothed = 0.0, [], 0.0, []
    for i, rate in enumerate(rates):
        losses.append((z - 2) ** 2 / 2)
        average = 0.9 * average + 0.1 * losses[-1]
        smoothed.append(average / (1 - 0.9 ** (i + 1)))
        z -= 2 * rate * (z - 2)  # weight and bias move alike
    assert_allclose(result.learning_rates, rates)
    assert_allclose(result.losses, losses, atol=1e-12)
    assert_allclose(result.smoothed_losses, smoothed)
    assert not result.exploded


def test_the_test_ends_when_the_loss_explodes():
    result = learning_rate_range_test(regressor(solver="sgd"), *DIABETES)
    assert result.exploded
    assert len(result.losses) < 100
    assert np.isfinite(result.losses).all()
    assert result.suggestion < result.lowest < result.learning_rates[-1]


def test_the_text_says_what_the_loss_does_at_the_end():
    for last, words in ((1.1, "does not rise"), (3.9, "then rises to 3.9.")):
        losses = np.array([2.0, 1.0, last])
        rates = np.array([0.1, 1.0, 10.0])
        result = LearningRateRange(rates, losses, losses, 0.1, exploded=False)
        assert words in " ".join(repr(result).split())


def test_nothing_is_suggested_where_no_rate_helps():
    clf = classifier(initializer="zeros", hidden_layer_sizes=(5, 5))
    result = learning_rate_range_test(clf, *DIGITS, max_rate=1e-3)
    assert math.isnan(result.suggestion)
    assert "No rate makes the loss fall" in repr(result)


TINY_CNN = CNNClassifier(4, hidden_layer_sizes=32, batch_size=64, random_state=0)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(
    "estimator, data, goal",
    [
        (classifier(), DIGITS, 0.96),
        (classifier(hidden_layer_sizes=(50, 50, 50)), DIGITS, 0.96),
        (classifier(), CANCER, 0.98),
        (classifier(), WINE, 0.99),
        (classifier(hidden_layer_sizes=(50, 50)), WINE, 0.99),
        (regressor(), DIABETES, 0.55),
        (TINY_CNN, IMAGES, 0.9),
    ],
    ids=["digits", "deep digits", "cancer", "wine", "deep wine", "diabetes", "cnn"],
)
def test_the_suggestion_works(estimator, data, goal, solver):
    estimator = clone(estimator).set_params(solver=solver)
    rate = learning_rate_range_test(estimator, *data).suggestion
    epochs = 5 if estimator.__class__ is CNNClassifier else 30
    estimator.set_params(learning_rate_init=rate, max_iter=epochs).fit(*data)
    assert estimator.score(*data) > goal
    # Three orders of magnitude less is not enough, so that the goal means something.
    estimator.set_params(learning_rate_init=rate / 1000).fit(*data)
    assert estimator.score(*data) < goal


@pytest.mark.parametrize(
    "params, message",
    [
        ({"min_rate": 0}, "min_rate == 0, must be > 0"),
        ({"max_rate": 1e-7}, "max_rate must be larger than min_rate=1e-06"),
        ({"max_rate": math.inf}, "finite, got inf"),
        ({"n_iter": 9}, "n_iter == 9, must be >= 10"),
    ],
    ids=str,
)
def test_parameters_of_the_range_test_are_checked(params, message):
    with pytest.raises(ValueError, match=message):
        learning_rate_range_test(classifier(), *WINE, **params)


def test_lbfgs_has_no_learning_rate():
    with pytest.raises(ValueError, match="solver='lbfgs' has no learning rate"):
        learning_rate_range_test(classifier(solver="lbfgs"), *WINE)
