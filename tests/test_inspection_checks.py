"""Checks: the initial loss, overfitting a small sample."""

import re

import numpy as np
import pytest
from inspection_data import (
    CANCER,
    DIABETES,
    DIGITS,
    IMAGES,
    LAYERS,
    WINE,
    classifier,
    regressor,
    sequential,
)
from numpy.testing import assert_allclose
from sklearn.datasets import (
    load_breast_cancer,
    load_iris,
    make_multilabel_classification,
)
from sklearn.preprocessing import scale

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPRegressor,
)
from sknn.inspection import (
    check_initial_loss,
    check_overfits_small_sample,
    doctor,
)
from sknn.layers import (
    Dense,
)
from sknn.solvers import SGD, AdamW

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


@pytest.mark.parametrize(
    "data, n_classes", [(DIGITS, 10), (WINE, 3), (CANCER, 2)], ids=["10", "3", "2"]
)
def test_a_network_that_knows_nothing_costs_the_logarithm_of_the_classes(
    data, n_classes
):
    check = check_initial_loss(classifier(), *data)
    assert_allclose(check.expected, np.log(n_classes), rtol=1e-12)
    assert check.ok
    assert not check.advice
    zeros = check_initial_loss(classifier(initializer="zeros"), *data)
    assert_allclose(zeros.found, np.log(n_classes), rtol=1e-12)


def test_several_labels_cost_log_2_each():
    X, y = make_multilabel_classification(100, n_classes=4, random_state=0)
    assert_allclose(check_initial_loss(classifier(), X, y).expected, 4 * np.log(2))


def test_the_first_loss_is_that_of_the_initial_weights_without_regularization():
    off = {"alpha": 0.0}
    on = {
        "alpha": 10.0,
        "dropout": 0.5,
        "input_dropout": 0.5,
        "dropconnect": 0.5,
        "mixup": 0.5,
        "label_smoothing": 0.5,
    }
    plain, noisy = (
        check_initial_loss(classifier(**params), *WINE) for params in (off, on)
    )
    assert plain.found == noisy.found
    clf = classifier(**off, learning_rate_init=1e-300, max_iter=1, batch_size=178)
    assert_allclose(plain.found, clf.fit(*WINE).loss_curve_[0], rtol=1e-12)


def test_classes_may_have_weights():
    check = check_initial_loss(classifier(class_weight={0: 5.0, 1: 0.1}), *WINE)
    assert_allclose(check.expected, np.log(3))


@pytest.mark.parametrize(
    "loss, zero, constant",
    [
        ("squared_error", lambda y: (y**2).mean() / 2, lambda y: y.var() / 2),
        (
            "absolute_error",
            lambda y: np.abs(y).mean(),
            lambda y: np.abs(y - np.median(y)).mean(),
        ),
        (
            "poisson",
            lambda y: (y * np.log(np.where(y, y, 1)) - y + 1).mean(),
            lambda y: (y * np.log(np.where(y, y / y.mean(), 1))).mean(),
        ),
    ],
)
def test_a_regressor_is_compared_with_predicting_0_and_the_best_constant(
    loss, zero, constant
):
    y = np.random.RandomState(0).poisson(3.0, 178)
    check = check_initial_loss(regressor(loss=loss), WINE[0], y)
    assert_allclose(check.expected, zero(y), rtol=1e-12)
    assert_allclose(check.figures["best constant"], constant(y), rtol=1e-3)


def test_advice_depends_on_what_is_wrong_before_training():
    X, y = load_breast_cancer(return_X_y=True)
    advice = check_initial_loss(classifier(), X, y).advice
    assert "StandardScaler" in advice
    assert "target" not in advice
    assert "the target" in check_initial_loss(regressor(), 1000 * X, y).advice
    large = classifier(initializer="normal", init_scale=2.0)
    assert "init_scale" in check_initial_loss(large, *CANCER).advice
    far = check_initial_loss(regressor(), DIABETES[0], DIABETES[1] + 100)
    assert not far.ok
    assert "Scale the target" in far.advice
    assert check_initial_loss(regressor(), *DIABETES).ok


@pytest.mark.parametrize("factor", [20.0, 1e6])
def test_a_target_that_is_not_scaled_is_not_called_good(factor):
    check = check_initial_loss(regressor(), DIABETES[0], factor * DIABETES[1])
    assert not check.ok
    assert "not scaled" in check.verdict
    assert "TransformedTargetRegressor" in check.advice


def test_counts_are_not_to_be_scaled_to_negative_values():
    network, X = regressor(loss="poisson"), DIABETES[0]
    counts = np.random.RandomState(0).poisson(30.0, 442)
    far = check_initial_loss(network, X, counts)
    assert far.verdict == "The target is far from 1, where predictions start."
    assert far.advice == "Divide the target by its mean. It must not become negative."
    divided = check_initial_loss(network, X, counts / counts.mean())
    assert divided.found < far.found / 100
    large = check_initial_loss(network, 1000 * X, counts)
    assert "Scale the features, for" in large.advice
    for n_features in (X, 1000 * X):
        report = doctor(network.set_params(max_iter=2), n_features, counts)
        assert not any("scale y" in finding.advice for finding in report.findings)


def test_real_counts():
    counts = np.random.RandomState(0).poisson(1.0, 442)
    check = check_initial_loss(regressor(loss="poisson"), DIABETES[0], counts)
    assert check.verdict.startswith("Before training, the network predicts values near")


@pytest.mark.parametrize(
    "estimator, data",
    [
        (classifier(learning_rate_init=0.01, batch_size=20), DIGITS),
        (classifier(solver="lbfgs"), WINE),
        (classifier(hidden_layer_sizes=(50, 50), early_stopping=True), CANCER),
        (
            CNNClassifier(4, hidden_layer_sizes=20, batch_size=20, random_state=0),
            IMAGES,
        ),
        (
            MLPRegressor(learning_rate_init=0.01, batch_size=10, random_state=0),
            DIABETES,
        ),
        (
            CNNRegressor(
                4,
                hidden_layer_sizes=50,
                learning_rate_init=0.01,
                batch_size=10,
                random_state=0,
            ),
            (IMAGES[0], scale(IMAGES[1].astype(float))),
        ),
    ],
    ids=["digits", "lbfgs", "cancer", "cnn", "regressor", "cnn regressor"],
)
def test_healthy_networks_learn_a_small_sample(estimator, data):
    check = check_overfits_small_sample(estimator, *data)
    assert check.ok
    assert check.found >= check.expected
    assert not check.advice


def test_the_sample_has_the_size_that_was_asked_for_and_training_stops_at_the_goal():
    clf = classifier(batch_size=8, learning_rate_init=0.01, max_iter=1)
    check = check_overfits_small_sample(clf, *WINE, n_batches=2)
    assert check.figures["rows"] == 16
    assert 1 < check.figures["epochs"] < 500
    assert check_overfits_small_sample(clf, *WINE, n_batches=99).figures["rows"] == 178


@pytest.mark.parametrize(
    "regularization",
    [
        {"alpha": 1000.0},
        {"dropout": 0.95},
        {"input_dropout": 0.95},
        {"dropconnect": 0.95},
        {"mixup": 10.0},
        {"label_smoothing": 0.9},
        {"solver": AdamW(weight_decay=50.0)},
        {"solver": "adamw", "weight_decay": 50.0},
    ],
    ids=str,
)
def test_regularization_is_off_while_over_fitting(regularization):
    params = {"learning_rate_init": 0.01, "batch_size": 20, **regularization}
    check = check_overfits_small_sample(classifier(**params), *WINE, n_batches=2)
    params["solver"] = "adam"
    plain = classifier(learning_rate_init=0.01, batch_size=20)
    assert repr(check) == repr(check_overfits_small_sample(plain, *WINE, n_batches=2))
    assert check.ok


@pytest.mark.parametrize(
    "params, cause",
    [
        ({"learning_rate_init": 1e-7}, "Raise learning_rate_init"),
        ({"initializer": "zeros"}, "initializer='auto'"),
        ({"learning_rate_init": 1e4, "solver": "sgd"}, "Lower learning_rate_init"),
        ({"hidden_layer_sizes": (1,)}, r"more units (hidden_layer_sizes)"),
        ({"hidden_layer_sizes": (1,)}, "with a learning_rate_init other than 0.01"),
        ({"learning_rate_init": 10.0, "solver": "sgd"}, "Lower learning_rate_init"),
        ({"learning_rate_init": 3.0, "batch_size": 32}, "Lower learning_rate_init"),
    ],
    ids=str,
)
def test_the_cause_of_failing_is_named(params, cause):
    clf = classifier(**{"learning_rate_init": 0.01, **params})
    check = check_overfits_small_sample(clf, *DIGITS, n_batches=1, max_iter=50)
    assert not check.ok
    assert cause in check.advice


def test_the_first_loss_is_that_of_the_rows_in_the_sample():
    clf = classifier(learning_rate_init=1e-12, batch_size=16)
    figures = check_overfits_small_sample(clf, *DIGITS, max_iter=2).figures
    assert figures["rows"] == 80
    assert_allclose(figures["first loss"], figures["last loss"], rtol=1e-6)


class Uphill(SGD):
    def constants(self, state, learning_rate):
        return super().constants(state, -learning_rate)


@pytest.mark.parametrize(
    "solver, verdict",
    [(SGD(), "The loss hardly falls."), (Uphill(), "The loss does not fall.")],
    ids=["falls", "rises"],
)
def test_a_loss_that_rises_is_not_said_to_fall(solver, verdict):
    clf = classifier(solver=solver, learning_rate_init=1e-5, batch_size=16)
    check = check_overfits_small_sample(clf, *DIGITS, max_iter=3)
    falls = check.figures["last loss"] < check.figures["first loss"]
    assert falls == (solver == SGD())
    assert check.verdict == verdict


@pytest.mark.parametrize(
    "params, max_iter, cause",
    [
        ({}, 500, r"after \d+ iterations with tol=0: set more units \(hidden"),
        ({}, 5, r"Train longer \(max_iter, max_fun\), or with more units"),
        ({"max_fun": 10}, 500, r"Train longer \(max_iter, max_fun\)"),
        ({"initializer": "zeros"}, 500, "initializer='auto'"),
    ],
    ids=str,
)
def test_advice_for_lbfgs_names_no_learning_rate(params, max_iter, cause):
    X, y = load_iris(return_X_y=True)
    clf = classifier(hidden_layer_sizes=8, solver="lbfgs", **params)
    check = check_overfits_small_sample(clf, scale(X), y, max_iter=max_iter)
    assert not check.ok
    assert re.search(cause, check.advice)
    assert "rate" not in check.advice


def test_advice_for_lbfgs_on_huge_features_is_to_scale_them():
    X = np.where(DIABETES[0] > 0, 1e300, -1e300)
    check = check_overfits_small_sample(regressor(solver="lbfgs"), X, DIABETES[1])
    assert (
        check.advice == "Scale the features and the target, or set initializer='auto'."
    )


@pytest.mark.parametrize(
    "estimator, y, verdict",
    [
        (classifier(), np.ones(178), "y has a single class, 1.0, in all 178 rows."),
        (
            regressor(),
            np.full(178, 50.0),
            "The target is constant: it is the same",
        ),
    ],
    ids=["classifier", "regressor"],
)
def test_initial_loss_of_a_constant_target(estimator, y, verdict):
    check = check_initial_loss(estimator, WINE[0], y)
    assert not check.ok
    assert check.verdict.startswith(verdict)
    assert "nothing to learn" in check.advice


def test_the_first_loss_of_the_small_sample_is_that_before_training():
    clf = classifier(learning_rate_init=10.0, solver="sgd")
    check = check_overfits_small_sample(clf, *DIGITS, n_batches=99, max_iter=2)
    assert check.figures["rows"] == len(DIGITS[0])
    before = check_initial_loss(clf, *DIGITS).found
    assert_allclose(check.figures["first loss"], before, rtol=1e-6)


def test_batches_of_the_small_sample_are_small_unless_they_are_asked_for():
    for batch_size, rows in (("auto", 250), (100, 500)):
        clf = classifier(batch_size=batch_size, learning_rate_init=0.02)
        check = check_overfits_small_sample(clf, *DIGITS)
        assert check.figures["rows"] == rows
        assert check.ok


def test_dropout_in_layers_is_off_while_over_fitting():
    estimator = sequential()
    check = check_overfits_small_sample(estimator, *WINE)
    assert check.ok
    assert estimator.layers is LAYERS
    assert LAYERS[0].rate == LAYERS[3].layers[1].rate == 0.9


def test_advice_names_parameters_that_there_are():
    check = check_overfits_small_sample(sequential([Dense(1)]), *DIGITS, max_iter=30)
    assert "more units (layers)" in check.advice


@pytest.mark.parametrize("name", ["n_batches", "max_iter"])
def test_parameters_of_the_small_sample_are_checked(name):
    with pytest.raises(ValueError, match=f"{name} == 0, must be >= 1"):
        check_overfits_small_sample(classifier(), *WINE, **{name: 0})
