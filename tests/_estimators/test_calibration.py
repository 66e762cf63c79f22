"""The temperature of probabilities: the minimum of the loss on held-out rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknn import MLPClassifier, MLPRegressor
from sknn._estimators.calibration import (
    HOTTEST,
    calibrated_loss,
    effective_size,
    fit_temperature,
)
from sknn.losses import BinaryCrossEntropy, CategoricalCrossEntropy
from sknn.objective import mean_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = ["binary", "multiclass", "multilabel"]


def draw(kind, n=3000, temperature=2.5, seed=0):
    """Raw scores that are too large by the temperature, and targets."""
    rng = np.random.RandomState(seed)
    if kind == "multiclass":
        z = rng.normal(scale=2, size=(n, 4))
        y = (softmax(z, axis=1).cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
        return CategoricalCrossEntropy(), temperature * z, y
    z = rng.normal(scale=2, size=(n, 1 if kind == "binary" else 3))
    y = (rng.uniform(size=z.shape) < expit(z)).astype(float)
    return BinaryCrossEntropy(), temperature * z, y


def smoothed_loss(loss, z, y, w, temperature):
    """The loss to minimize: labels are smoothed by one row."""
    w = np.ones(len(z)) if w is None else w
    loss = loss.replace(label_smoothing=1 / (1 + w.sum() ** 2 / (w @ w)))
    return loss.loss_gradient(z / temperature, y, w, out=np.empty_like(z))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_finds_the_temperature_that_scores_were_multiplied_by(kind, temperature):
    found = fit_temperature(*draw(kind, temperature=temperature))
    assert found == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [5, 60, 3000])
@pytest.mark.parametrize("kind", KINDS)
def test_no_temperature_of_a_fine_grid_is_better(kind, n, weighted):
    loss, z, y = draw(kind, n)
    w = np.random.RandomState(1).uniform(0, 2, n) if weighted else None
    found = fit_temperature(loss, z, y, w)
    best = smoothed_loss(loss, z, y, w, found)
    for temperature in np.geomspace(1 / HOTTEST, HOTTEST, 1001):
        assert best <= smoothed_loss(loss, z, y, w, temperature) * (1 + 1e-12)


def test_a_weight_of_zero_leaves_a_row_out_and_the_scale_of_weights_is_free():
    loss, z, y = draw("multiclass", 200)
    w = np.r_[np.ones(150), np.zeros(50)]
    expected = fit_temperature(loss, z[:150], y[:150])
    assert fit_temperature(loss, z, y, w) == pytest.approx(expected)
    assert fit_temperature(loss, z, y, 7 * w) == pytest.approx(expected)
    assert fit_temperature(loss, z, y, 0 * w) == 1.0
    assert effective_size(w) == pytest.approx(150)


@pytest.mark.parametrize("kind", KINDS)
def test_the_calibrated_loss_is_the_smallest_of_all_temperatures(kind):
    loss, z, y = draw(kind)
    w = np.random.RandomState(1).uniform(0, 2, len(z))
    found = calibrated_loss(loss, z, y, w)
    for temperature in np.geomspace(1 / HOTTEST, HOTTEST, 201):
        assert found <= mean_loss(loss, z / temperature, y, w) * (1 + 1e-6)
    for factor in (0.3, 3.0):  # however sure the network is of itself
        assert calibrated_loss(loss, factor * z, y, w) == pytest.approx(found)
    cautious = calibrated_loss(loss, z.astype(np.float32), y, w.astype(np.float32))
    assert cautious == pytest.approx(found, rel=1e-5)


def test_early_stopping_by_the_calibrated_loss():
    X, y = load_digits(return_X_y=True)
    params = {"early_stopping": True, "label_smoothing": 0.2, "random_state": 0}
    X_val, y_val = X[1000:] / 16, y[1000:]
    clf = MLPClassifier((32,), scoring="neg_calibrated_loss", max_iter=30, **params)
    clf.fit(X[:1000] / 16, y[:1000], X_val=X_val, y_val=y_val)
    z = clf.decision_function(X_val)
    expected = calibrated_loss(CategoricalCrossEntropy(), z, y_val)
    assert clf.best_validation_score_ == pytest.approx(-expected, rel=1e-6)
    with pytest.raises(ValueError, match="'scoring' parameter of MLPRegressor"):
        MLPRegressor(scoring="neg_calibrated_loss").fit(X, y)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_a_few_rows_that_are_all_right_do_not_make_it_infinitely_sure(n):
    z, y = np.full((n, 1), 3.0), np.ones((n, 1))
    p = expit(z[0, 0] / fit_temperature(BinaryCrossEntropy(), z, y))
    # One more row has half of each class.
    assert p == pytest.approx((n + 0.5) / (n + 1), rel=1e-4)


def test_temperatures_are_bounded():
    z, y = np.full((50, 1), 100.0), np.r_[np.zeros(40), np.ones(10)][:, np.newaxis]
    assert fit_temperature(BinaryCrossEntropy(), z, y) == HOTTEST  # wrong
    assert fit_temperature(BinaryCrossEntropy(), z / 1e5, 1 - 0 * y) == 1 / HOTTEST
    assert 0 < fit_temperature(BinaryCrossEntropy(), 0 * z, y) <= HOTTEST


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_scores_are_no_problem(dtype):
    loss, z, y = draw("multiclass", temperature=1)
    z = (1e3 * z).astype(dtype)
    assert fit_temperature(loss, z, y) == HOTTEST


@pytest.mark.parametrize("n_classes", [2, 3])
def test_agrees_with_sklearn(n_classes):
    """Up to the smoothing by one row, of thousands."""
    X, y = make_classification(
        6000, 10, n_informative=6, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    clf = MLPClassifier((50,), max_iter=20, learning_rate_init=0.02, random_state=0)
    clf.fit(X[:1000], y[:1000])
    try:
        calibrated = CalibratedClassifierCV(FrozenEstimator(clf), method="temperature")
        calibrated.fit(X[1000:], y[1000:])
    except ValueError:
        pytest.skip("scikit-learn 1.8: temperature scaling")
    z = clf.decision_function(X[1000:]).reshape(5000, -1)
    targets = clf._targets
    found = fit_temperature(targets.loss, z, targets.encode(y[1000:], z.dtype))
    p = targets.probabilities(z / found)
    assert found > 1.1
    assert_allclose(p, calibrated.predict_proba(X[1000:]), atol=2e-3)


def test_probabilities_of_an_overfitted_network_get_better():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.7, random_state=0)
    clf = MLPClassifier((100,), learning_rate_init=0.02, max_iter=100, random_state=0)
    clf.fit(X, y)
    z, n = clf.decision_function(X_test), len(X_test) // 2
    temperature = fit_temperature(clf._targets.loss, z[:n], y_test[:n])
    before, after = (
        log_loss(y_test[n:], softmax(z[n:] / t, axis=1)) for t in (1, temperature)
    )
    assert temperature > 1
    assert after < before
