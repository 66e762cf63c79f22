"""Searches over the vocabulary of training: grids, distributions, halving."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn import MLPClassifier, MLPRegressor
from sknn.schedules import Cosine, OneCycle

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GRID = {
    "mlpclassifier__activation": ["relu", ("prelu",)],
    "mlpclassifier__solver": ["adam", "rmsprop"],
    "mlpclassifier__learning_rate": ["constant", "one_cycle", Cosine(warmup=1)],
    "mlpclassifier__dropout": [0.0, 0.2],
    "mlpclassifier__initializer": ["auto", "orthogonal"],
}

DISTRIBUTIONS = {
    "learning_rate_init": loguniform(1e-3, 3e-2),
    "learning_rate__warmup": uniform(0, 0.5),
    "batch_size": randint(16, 65),
    "dropout": uniform(0, 0.5),
    "alpha": loguniform(1e-6, 1e-1),
    "normalization": [None, "batch", "layer"],
    "residual": [False, True],
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:400] / 16).astype(np.float32), y[:400]


def test_grid_search(digits):
    net = MLPClassifier((32,), max_iter=12, learning_rate_init=0.01, random_state=0)
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(), net), GRID, cv=2, error_score="raise"
    )
    search.fit(*digits)
    assert len(search.cv_results_["params"]) == 48
    assert search.best_score_ > 0.8
    # The parameters of the candidates have an effect.
    assert len(np.unique(search.cv_results_["mean_test_score"])) > 10


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_randomized_search(Estimator, digits):
    X, y = digits
    net = Estimator(
        hidden_layer_sizes=(32, 32), max_iter=20, learning_rate=Cosine(), random_state=0
    )
    search = RandomizedSearchCV(
        net, DISTRIBUTIONS, n_iter=8, cv=2, error_score="raise", random_state=0
    )
    search.fit(X, y)
    assert search.best_score_ > 0.5
    best = search.best_params_
    assert search.best_estimator_.learning_rate == Cosine(
        warmup=best["learning_rate__warmup"]
    )
    assert net.learning_rate == Cosine()  # the given object is not changed


@pytest.mark.parametrize("schedule", ["linear", "cosine", "step", OneCycle(peak=0.2)])
def test_halving_over_epochs_anneals_within_each_budget(schedule, digits):
    net = MLPClassifier((32,), learning_rate=schedule, random_state=0)
    rates = {}

    def scorer(fitted, X, y):
        rates[fitted.max_iter] = fitted.learning_rates_
        return fitted.score(X, y)

    search = HalvingRandomSearchCV(
        net, {"learning_rate_init": [0.003, 0.01, 0.03, 0.1]}, resource="max_iter",
        min_resources=4, max_resources=16, factor=2, cv=2, scoring=scorer,
        error_score="raise", random_state=0,
    )  # fmt: skip
    search.fit(*digits)
    assert list(rates) == [4, 8, 16]
    for budget, used in rates.items():
        assert len(used) == budget
        assert used[-1] < 0.5 * max(used)
    # The same curve, drawn with more points.
    shapes = [np.array(used) / max(used) for used in rates.values()]
    if schedule in ("linear", "cosine"):
        assert_allclose(shapes[2][::4], shapes[0], rtol=1e-12)
