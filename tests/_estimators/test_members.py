"""Ensembles in one fit: members apart, together, held-out rows, calibration."""

import signal
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from sknn import TabularClassifier, TabularRegressor
from sknn._estimators.calibration import fit_joint_temperature
from sknn._member_loss import MeanOverMembers
from sknn.layers import Ensemble
from sknn.losses import CategoricalCrossEntropy
from sknn.network import Network

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def members_of(fitted):
    """The networks of the members, taken apart."""
    (ensemble, _), together = fitted.network_.layers, fitted.network_
    assert isinstance(ensemble, Ensemble)
    networks = []
    for views in ensemble.members(together.params[0]):
        network = Network(ensemble.layers, together.in_shape, together.dtype)
        for p, q in zip(network.params, views, strict=True):
            for name, array in q.items():
                p[name][...] = array
        networks.append(network)
    return networks


@pytest.mark.parametrize("bagging", [False, True])
def test_probabilities_are_the_average_of_those_of_the_members(bagging):
    X, y = IRIS
    clf = TabularClassifier(n_members=3, bagging=bagging, **SMALL).fit(X, y)
    scores = [m.scores(clf._input.encoder.transform(X)) for m in members_of(clf)]
    expected = np.mean([softmax(z, axis=1) for z in scores], axis=0)
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    assert clf.n_outputs_ == 3
    assert len({z.tobytes() for z in scores}) == 3


def test_predicted_numbers_are_the_average_and_their_spread_is_told():
    X, y = DIABETES
    reg = TabularRegressor(n_members=3, clip=False, **SMALL).fit(X, y)
    encoded = reg._input.encoder.transform(X)
    of_members = [
        m.scores(encoded).ravel() * reg._targets.scale + reg._targets.center
        for m in members_of(reg)
    ]
    mean, std = reg.predict(X, return_std=True)
    assert_allclose(mean, np.mean(of_members, axis=0), rtol=1e-5)
    assert_allclose(std, np.std(of_members, axis=0), rtol=1e-3, atol=1e-3)
    assert_array_equal(reg.predict(X), mean)


def test_the_first_member_is_the_single_network():
    X, y = IRIS
    alone = TabularClassifier(calibrate=False, **SMALL).fit(X, y)
    several = TabularClassifier(n_members=2, calibrate=False, **SMALL).fit(X, y)
    assert alone.history_["loss"] == several.history_["loss"]
    first = members_of(several)[0]
    assert_array_equal(first.theta, alone.network_.theta)


def test_the_number_of_threads_makes_no_difference():
    X, y = DIABETES
    predictions = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            reg = TabularRegressor(n_members=3, bagging=True, **SMALL).fit(X, y)
        predictions.append(reg.predict(X))
    assert_allclose(*predictions, rtol=1e-5)


@pytest.mark.parametrize("n_members", [2, 3, 7])
def test_with_bagging_every_row_is_held_out_at_most_once(n_members, monkeypatch):
    X, y = IRIS
    seen = []
    fit = "sknn._estimators.members.fit_network"
    original = __import__("sknn._estimators.fit", fromlist=["_"]).fit_network

    def spy(run, validation, estimator):
        seen.append(run.split)
        original(run, validation, estimator)

    monkeypatch.setattr(fit, spy)
    clf = TabularClassifier(n_members=n_members, bagging=True, **SMALL).fit(X, y)
    assert len(seen) == n_members
    held_out = np.concatenate([split[1].rows for split in seen])
    assert len(set(held_out)) == len(held_out)
    for train, held in seen:
        assert_array_equal(np.sort([*train.rows, *held.rows]), np.arange(len(X)))
        counts = np.bincount(y[held.rows], minlength=3)
        assert counts.max() - counts.min() <= 1
    if n_members >= 5:
        assert len(held_out) == len(X)
    assert clf.score(X, y) > 0.5


def test_intervals_know_the_rows_held_out_by_all_members():
    X, y = DIABETES
    for bagging, n in ((False, 89), (True, 4 * 442 // 5)):
        reg = TabularRegressor(n_members=4, bagging=bagging, **SMALL).fit(X, y)
        interval = reg.predict_interval(X, coverage=0.8)
        inside = (interval[:, 0] <= y) & (y <= interval[:, 1])
        assert inside.mean() > 0.7, (bagging, n)


@pytest.mark.parametrize("params", [{"warm_start": True}, {"early_stopping": False}])
def test_members_are_not_trained_further(params):
    X, y = IRIS
    clf = TabularClassifier(n_members=2, **SMALL, **params)
    with pytest.raises(ValueError, match=r"need n_members=1.* but n_members=2"):
        clf.fit(X, y) if "warm_start" in params else clf.partial_fit(
            X, y, classes=[0, 1, 2]
        )


def test_an_error_of_a_member_reaches_the_user():
    X, y = IRIS

    def scorer(estimator, X, y):
        raise RuntimeError("no score")

    clf = TabularClassifier(n_members=2, scoring=scorer, **SMALL)
    with pytest.raises(ValueError, match="no score"):
        clf.fit(X, y)
    assert not hasattr(clf, "network_")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("n_members", [2, 5])
def test_an_interrupt_stops_all_members_and_keeps_what_they_have_learned(n_members):
    X, y = IRIS
    epochs = []

    def scorer(estimator, X, y):
        epochs.append(estimator.network_)
        if len(epochs) == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return estimator.score(X, y)

    clf = TabularClassifier(
        n_members=n_members, scoring=scorer, **{**SMALL, "max_iter": 2000}
    )
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.fit(X, y)
    assert len(epochs) < 2000
    assert clf.predict_proba(X).shape == (len(X), 3)
    assert 1 <= clf.network_.members.n_members <= n_members


# -- calibration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [{}, {"n_members": 3}, {"n_members": 3, "bagging": True}],
    ids=str,
)
def test_calibration_keeps_the_classes_and_lowers_the_loss_of_noisy_labels(params):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 4))
    y = np.where(rng.uniform(size=600) < 0.3, rng.randint(3, size=600), X[:, 0] > 0)
    X_test, y_test = X[400:], y[400:]
    plain, calibrated = (
        TabularClassifier(
            calibrate=calibrate, label_smoothing=0.0, restore_best=False,
            **{**SMALL, **params, "max_iter": 64},
        ).fit(X[:400], y[:400])
        for calibrate in (False, True)
    )  # fmt: skip
    assert plain.temperature_ == 1
    assert calibrated.temperature_ > 1
    before, after = (
        log_loss(y_test, clf.predict_proba(X_test)) for clf in (plain, calibrated)
    )
    assert after < before
    if not params:
        assert_array_equal(plain.predict(X_test), calibrated.predict(X_test))
        z, z_T = (clf.decision_function(X_test) for clf in (plain, calibrated))
        assert_allclose(z, z_T * calibrated.temperature_, rtol=1e-4, atol=1e-5)


def test_without_rows_held_out_there_is_no_temperature():
    X, y = IRIS
    clf = TabularClassifier(calibrate=True, early_stopping=False, **SMALL).fit(X, y)
    assert clf.temperature_ == 1


def test_the_joint_temperature_is_the_best_of_a_grid():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=400)
    z = 3 * rng.normal(size=(400, 2, 3))
    z[np.arange(400), :, y] += 2.0
    members = MeanOverMembers(CategoricalCrossEntropy(), 2)

    def loss(T):
        return log_loss(y, softmax(z / T, axis=2).mean(axis=1))

    found = fit_joint_temperature(members, z.reshape(400, -1), y)
    best = min(np.geomspace(0.2, 10, 2001), key=loss)
    assert found == pytest.approx(best, rel=0.02)
