"""Inspection: checks before training, range test, statistics, gradient check."""

import copy
import json
import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from helpers import LOSSES, draw_targets, n_scores
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import check_random_state

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
)
from sknn.activations import ACTIVATIONS, ActivationFunction
from sknn.initializers import Initializer
from sknn.inspection import (
    LearningRateRange,
    activation_statistics,
    check_gradients,
    check_initial_loss,
    check_overfits_small_sample,
    gradient_statistics,
    learning_rate_range_test,
)
from sknn.layers import (
    Activation,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    Residual,
)
from sknn.losses import HalfSquaredError
from sknn.solvers import SGD, AdamW

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

DIGITS = load_digits().data / 16, load_digits().target
IMAGES = DIGITS[0].reshape(-1, 8, 8), DIGITS[1]
CANCER = scale(load_breast_cancer().data), load_breast_cancer().target
WINE = scale(load_wine().data), load_wine().target
DIABETES = scale(load_diabetes().data), scale(load_diabetes().target)
TOOLS = [
    check_initial_loss,
    check_overfits_small_sample,
    learning_rate_range_test,
    activation_statistics,
    gradient_statistics,
    check_gradients,
]
all_tools = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)


def classifier(**params):
    return MLPClassifier(**{"hidden_layer_sizes": 20, "random_state": 0, **params})


def regressor(**params):
    return MLPRegressor(**{"hidden_layer_sizes": 20, "random_state": 0, **params})


# -- what all tools have in common ----------------------------------------------------


def around(network, y):
    """The ways in which people wrap a network, as functions of nothing."""
    pipeline = make_pipeline(StandardScaler(), network)
    ways = [network, pipeline]
    if isinstance(network, MLPRegressor):
        target = TransformedTargetRegressor(network, transformer=StandardScaler())
        ways += [make_pipeline(StandardScaler(), target)]
    return ways


@all_tools
@pytest.mark.parametrize("is_fitted", [False, True])
def test_nothing_is_touched(tool, is_fitted):
    network = classifier(random_state=None, normalization="batch", dropout=0.2)
    estimator = make_pipeline(StandardScaler(), network)
    X, y = WINE[0].copy(), WINE[1].copy()
    if is_fitted:
        estimator.fit(X, y)
    before = copy.deepcopy(vars(network))
    params, stream = repr(estimator), check_random_state(None).get_state()[1].copy()
    tool(estimator, X, y)
    assert repr(estimator) == params
    assert vars(network).keys() == before.keys()
    if is_fitted:
        assert_array_equal(network.network_.theta, before["network_"].theta)
        assert_array_equal(network.network_.state, before["network_"].state)
        assert network.history_ == before["history_"]
    assert_array_equal(check_random_state(None).get_state()[1], stream)
    assert_array_equal(X, WINE[0])


@all_tools
def test_a_tool_gives_one_answer(tool):
    estimator = classifier(random_state=None, dropout=0.2)
    assert repr(tool(estimator, *WINE)) == repr(tool(estimator, *WINE))


@all_tools
@pytest.mark.parametrize("way", [1, 2])
def test_a_network_in_others_is_that_on_what_they_make_of_the_data(tool, way):
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:100], y[:100]
    network = regressor(max_iter=5)
    ready = scale(X), (scale(y) if way == 2 else y)
    wrapped = around(network, y)[way]
    assert repr(tool(wrapped, X, y)) == repr(tool(network, *ready))
    if tool in (activation_statistics, gradient_statistics, check_gradients):
        network.set_params(learning_rate_init=0.01)
        wrapped = clone(wrapped).fit(X, y)
        with_wrapped = tool(wrapped, X, y)
        assert repr(with_wrapped) == repr(tool(clone(network).fit(*ready), *ready))


@all_tools
def test_of_a_search_the_best_estimator_is_looked_at(tool):
    search = GridSearchCV(classifier(max_iter=2), {"alpha": [0.1]}, cv=2)
    with pytest.raises(TypeError, match="Fit it with refit=True first"):
        tool(search, *WINE)
    search.fit(*WINE)
    assert repr(tool(search, *WINE)) == repr(tool(search.best_estimator_, *WINE))


@all_tools
def test_what_is_no_network_is_an_error(tool):
    with pytest.raises(TypeError, match=r"one of sknn.*got LogisticRegression\(\)"):
        tool(make_pipeline(StandardScaler(), LogisticRegression()), *WINE)


@all_tools
def test_bad_parameters_are_refused_as_by_fit(tool):
    with pytest.raises(ValueError, match="'alpha' parameter"):
        tool(classifier(alpha=-1), *WINE)


@all_tools
def test_results_print_in_terminal_and_notebook(tool):
    result = tool(classifier(hidden_layer_sizes=(5, 5)), *WINE)
    assert str(result) == repr(result)
    assert all(len(line) <= 100 for line in repr(result).splitlines())
    html = result._repr_html_()
    assert html.startswith("<p")
    assert "nan" not in html + repr(result)


class Odd(ActivationFunction):
    """An activation whose name would be a tag."""

    def forward(self, z, out):
        np.copyto(out, z)

    def backward(self, z, a, dy):
        pass


Odd.__name__ = "<script>"


def test_html_is_escaped():
    for tool in (activation_statistics, check_gradients):
        estimator = classifier(activation=Odd())
        html = tool(estimator, *WINE)._repr_html_()
        assert "<script>" not in html
    html = activation_statistics(estimator, *WINE)._repr_html_()
    assert "&lt;script&gt;" in html


# -- the first loss -------------------------------------------------------------------


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


def test_the_first_loss_is_that_of_the_initial_weights_without_regularisation():
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


def test_bad_beginnings_are_told_apart():
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


# -- a few rows by heart --------------------------------------------------------------


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
def test_regularisation_is_off_while_learning_by_heart(regularization):
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
def test_lbfgs_is_not_told_to_change_a_rate(params, max_iter, cause):
    X, y = load_iris(return_X_y=True)
    clf = classifier(hidden_layer_sizes=8, solver="lbfgs", **params)
    check = check_overfits_small_sample(clf, scale(X), y, max_iter=max_iter)
    assert not check.ok
    assert re.search(cause, check.advice)
    assert "rate" not in check.advice


def test_lbfgs_on_features_out_of_all_scale_is_told_to_scale_them():
    X = np.where(DIABETES[0] > 0, 1e300, -1e300)
    check = check_overfits_small_sample(regressor(solver="lbfgs"), X, DIABETES[1])
    assert (
        check.advice == "Scale the features and the target, or set initializer='auto'."
    )


@pytest.mark.parametrize(
    "estimator, y, told",
    [
        (classifier(), np.ones(178), "y has a single class, 1.0, in 178 rows."),
        (regressor(), np.full(178, 50.0), "The target is constant: the same in 178"),
    ],
    ids=["classifier", "regressor"],
)
def test_the_first_loss_where_there_is_nothing_to_learn(estimator, y, told):
    check = check_initial_loss(estimator, WINE[0], y)
    assert not check.ok
    assert check.verdict.startswith(told)
    assert "nothing to learn" in check.advice


def test_the_first_loss_of_the_small_sample_is_that_before_training():
    clf = classifier(learning_rate_init=10.0, solver="sgd")
    check = check_overfits_small_sample(clf, *DIGITS, max_iter=2)
    assert check.figures["first loss"] == check_initial_loss(clf, *DIGITS).found


def test_batches_of_the_small_sample_are_small_unless_they_are_asked_for():
    for batch_size, rows in (("auto", 250), (100, 500)):
        clf = classifier(batch_size=batch_size, learning_rate_init=0.02)
        check = check_overfits_small_sample(clf, *DIGITS)
        assert check.figures["rows"] == rows
        assert check.ok


LAYERS = [
    Dropout(0.9),
    DropConnect(Dense(20), 0.9),
    Activation("relu"),
    Residual((Dense(20), Dropout(0.9))),
]


def sequential(layers=LAYERS, **params):
    given = {"learning_rate_init": 0.01, "random_state": 0, **params}
    return SequentialClassifier(layers, **given)


def test_nothing_is_left_out_at_random_in_layers_while_learning_by_heart():
    estimator = sequential()
    check = check_overfits_small_sample(estimator, *WINE)
    assert check.ok
    assert estimator.layers is LAYERS
    assert LAYERS[0].rate == LAYERS[3].layers[1].rate == 0.9


def test_advice_names_parameters_that_there_are():
    check = check_overfits_small_sample(sequential([Dense(1)]), *DIGITS, max_iter=30)
    assert "more units (layers)" in check.advice


@pytest.mark.parametrize("is_fitted", [False, True])
@all_tools
def test_layers_of_the_users_own_and_frozen_ones(tool, is_fitted):
    X, y = IMAGES[0][:100], IMAGES[1][:100]
    frozen = CNNClassifier(
        4, hidden_layer_sizes=8, max_iter=2, freeze="conv", random_state=0
    )
    own = sequential([Conv2D(4), Flatten(), Dropout(0.5), Dense(8)], max_iter=2)
    for estimator in (frozen, own):
        if is_fitted:
            estimator.fit(X, y)
        assert repr(tool(estimator, X, y))


@pytest.mark.parametrize("name", ["n_batches", "max_iter"])
def test_parameters_of_the_small_sample_are_checked(name):
    with pytest.raises(ValueError, match=f"{name} == 0, must be >= 1"):
        check_overfits_small_sample(classifier(), *WINE, **{name: 0})


# -- range test -----------------------------------------------------------------------


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


def test_the_text_of_the_range_test_says_how_it_ended():
    for last, told in ((1.1, "did not rise"), (3.9, "then rises to 3.9.")):
        losses = np.array([2.0, 1.0, last])
        rates = np.array([0.1, 1.0, 10.0])
        result = LearningRateRange(rates, losses, losses, 0.1, exploded=False)
        assert told in " ".join(repr(result).split())


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


# -- activations ----------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "logistic"])
def test_activations_are_those_of_the_network(activation):
    clf = classifier(hidden_layer_sizes=(7, 5), activation=activation, max_iter=3)
    clf.fit(*WINE)
    f, slope = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "relu": (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
        "leaky_relu": (
            lambda z: np.where(z > 0, z, 0.01 * z),
            lambda z: np.where(z > 0, 1, 0.01),
        ),
        "logistic": (
            lambda z: 1 / (1 + np.exp(-z)),
            lambda z: 1 / np.cosh(z / 2) ** 2,  # times 1/4
        ),
    }[activation]
    z1 = 9 * WINE[0] @ clf.coefs_[0] + clf.intercepts_[0]
    z2 = f(z1) @ clf.coefs_[1] + clf.intercepts_[1]
    z3 = f(z2) @ clf.coefs_[2] + clf.intercepts_[2]
    statistics = activation_statistics(clf, 9 * WINE[0])
    table = pd.DataFrame(statistics.columns).set_index("layer")
    layers = ["input", "dense1", "activation1", "dense2", "activation2", "output"]
    values = [9 * WINE[0], z1, f(z1), z2, f(z2), z3]
    assert list(table.index) == layers
    assert_allclose(table["mean"], [a.mean() for a in values], atol=1e-12)
    assert_allclose(table["std"], [a.std() for a in values])
    spreads = [np.sqrt(a.var(axis=0).mean()) for a in values]
    assert_allclose(table["spread"], spreads)
    for layer, z in (("activation1", z1), ("activation2", z2)):
        flat = slope(z) < 0.05
        assert_allclose(table["dead"][layer], flat.all(axis=0).mean())
        if activation in ("tanh", "logistic"):
            assert_allclose(table["saturated"][layer], flat.mean())
        else:
            assert np.isnan(table["saturated"][layer])
    assert np.isnan(table["dead"]["dense1"])
    assert table["units"].tolist() == [13, 7, 7, 5, 5, 3]
    for a, n, edges in zip(values, statistics.counts, statistics.edges, strict=True):
        assert_array_equal(n, np.histogram(a, edges)[0])
        assert n.sum() == a.size
    assert statistics.trained
    assert statistics.n_rows == 178


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "prelu"])
def test_every_activation_has_dead_units_where_its_slope_is_0(activation):
    @dataclass(frozen=True)
    class Sink(Initializer):
        def __call__(self, shape, fan_in, fan_out, rng):
            W = np.ones(shape)
            W[..., : shape[-1] // 2] = -1000.0
            return W

    clf = classifier(activation=activation, initializer=Sink(), hidden_layer_sizes=4)
    columns = activation_statistics(clf, np.ones((6, 3)), np.arange(6) % 2).columns
    alive = activation in ("identity", "prelu")
    flat_above = activation in ("logistic", "tanh")
    saturated = activation == "tanh"  # at 3 the logistic function still has a slope
    expected = 0.0 if alive else 1.0 if saturated else 0.5
    assert columns["dead"][2] == expected
    assert math.isnan(columns["saturated"][2]) == (not flat_above)


def test_before_training_the_targets_matter_for_the_last_layer_only():
    for estimator, data in (
        (classifier(class_weight={0: 2.0, 2: 3.0}), WINE),
        (regressor(), DIABETES),
        (make_pipeline(StandardScaler(), regressor()), DIABETES),
        (CNNClassifier(4, hidden_layer_sizes=8, random_state=0), IMAGES),
    ):
        with_y = activation_statistics(estimator, *data)
        without = activation_statistics(estimator, data[0])
        last = {name: column[:-1] for name, column in with_y.columns.items()}
        assert json.dumps(without.columns) == json.dumps(last)
        assert len(without.counts) == len(with_y.counts) - 1
        assert not without.trained


def test_before_training_batch_norm_uses_the_batch_and_nothing_is_left_out():
    clf = classifier(normalization="batch", dropout=0.5)
    table = pd.DataFrame(activation_statistics(clf, *WINE).columns).set_index("layer")
    assert_allclose(table["mean"]["batchnorm1"], 0, atol=1e-12)
    assert_allclose(table["std"]["batchnorm1"], 1, atol=1e-3)
    assert table["std"]["dropout1"] == table["std"]["activation1"]


def test_layers_in_residual_blocks_have_rows_of_their_own():
    clf = classifier(hidden_layer_sizes=(13, 13), residual=True, max_iter=3).fit(*WINE)
    table = pd.DataFrame(activation_statistics(clf, *WINE).columns).set_index("layer")
    inner = ["residual1.dense1", "residual1.activation1", "residual1.dense2"]
    layers = ["input", *inner, "residual1", "activation1", "output"]
    assert list(table.index) == layers
    W, b = clf.coefs_, clf.intercepts_
    F = np.maximum(WINE[0] @ W[0] + b[0], 0) @ W[1] + b[1]
    assert_allclose(table["std"]["residual1.dense2"], F.std())
    assert_allclose(table["std"]["residual1"], (WINE[0] + F).std())


def test_units_of_images_are_channels():
    cnn = CNNClassifier((4, 6), hidden_layer_sizes=8, random_state=0)
    table = pd.DataFrame(activation_statistics(cnn, *IMAGES).columns).set_index("layer")
    assert table["units"]["conv1"] == 4
    assert table["units"]["flatten1"] == 6 * 2 * 2
    assert_allclose(table["mean"]["toimages1"], IMAGES[0].mean())


def test_sparse_and_byte_input():
    from scipy import sparse

    dense = activation_statistics(classifier(), *WINE)
    table = activation_statistics(classifier(), sparse.csr_matrix(WINE[0]), WINE[1])
    for name, column in table.columns.items():
        if name not in ("layer", "kind"):
            assert_allclose(column, dense.columns[name], atol=1e-12)
    images = (IMAGES[0] * 255).astype(np.uint8)
    cnn = CNNClassifier(4, hidden_layer_sizes=8, random_state=0)
    columns = activation_statistics(cnn, images, IMAGES[1]).columns
    assert_allclose(columns["mean"][0], images.mean() / 255, rtol=1e-5)


def test_at_most_2000_rows_are_looked_at():
    X = np.random.RandomState(0).normal(size=(2500, 3))
    assert activation_statistics(classifier(), X).n_rows == 2000


# -- gradients ------------------------------------------------------------------------


def linear_step(**params):
    """Gradients of a linear network at 0, and the update ratio of its output layer."""
    X, y = DIABETES
    reg = MLPRegressor(
        hidden_layer_sizes=(), alpha=0.0, batch_size=len(y), random_state=0, **params
    )
    return gradient_statistics(reg.fit(X, y), X, y), reg


def test_gradient_and_step_of_a_linear_network():
    X, y = DIABETES
    for solver in (SGD(momentum=0.0), "sgd", "adam"):
        statistics, reg = linear_step(
            solver=solver, max_iter=3, learning_rate_init=0.01
        )
        residual = X @ reg.coefs_[0][:, 0] + reg.intercepts_[0] - y
        g = np.append(X.T @ residual, residual.sum()) / len(y)
        theta = np.append(reg.coefs_[0], reg.intercepts_[0])
        step = {"adam": np.sign(g), "sgd": 1.9 * g}.get(solver, g)
        (row,) = pd.DataFrame(statistics.columns).to_dict("records")
        assert row["layer"] == "output"
        assert row["parameters"] == 11
        assert_allclose(row["gradient_norm"], np.linalg.norm(g))
        assert_allclose(row["gradient_std"], g.std())
        assert_allclose(row["weight_norm"], np.linalg.norm(theta))
        assert_allclose(row["update_norm"], 0.01 * np.linalg.norm(step), rtol=1e-5)
        assert_allclose(row["update_ratio"], row["update_norm"] / row["weight_norm"])
        assert_allclose(statistics.loss, (residual**2).mean() / 2)


def test_penalty_clipping_and_decay_are_in_the_step():
    plain = gradient_statistics(classifier(solver="sgd", alpha=0.0), *WINE).columns
    strong = gradient_statistics(classifier(solver="sgd", alpha=1e6), *WINE).columns
    assert min(strong["gradient_norm"]) > 100 * max(plain["gradient_norm"])
    clipped = classifier(solver=SGD(momentum=0.0), alpha=1e6, max_grad_norm=1.0)
    updates = gradient_statistics(clipped, *WINE).columns["update_norm"]
    assert_allclose(np.linalg.norm(updates), 0.001)
    decay = classifier(solver=AdamW(weight_decay=100.0), learning_rate_init=0.001)
    ratios = gradient_statistics(decay, *WINE).columns["update_ratio"]
    assert_allclose(ratios, 0.1, atol=0.05)


def test_lbfgs_takes_no_such_step():
    columns = gradient_statistics(classifier(solver="lbfgs"), *WINE).columns
    assert np.isnan(columns["update_ratio"]).all()
    assert min(columns["gradient_norm"]) > 0


def test_parameters_in_residual_blocks_are_told_apart():
    clf = classifier(
        hidden_layer_sizes=(8, 6), residual=True, normalization="batch", max_iter=2
    )
    columns = gradient_statistics(clf.fit(*WINE), *WINE).columns
    names = ["dense1", "batchnorm1", "dense2", "projection"]
    assert columns["layer"] == [*(f"residual1.{name}" for name in names), "output"]
    assert columns["parameters"] == [14 * 8, 16, 9 * 6, 14 * 6, 7 * 3]
    assert sum(columns["parameters"]) == clf.network_.theta.size


@pytest.mark.parametrize(
    "params, told, untold",
    [
        ({}, ["first steps", "of adam"], []),
        ({"solver": "sgd"}, ["0.001", "first steps"], ["adam"]),
        ({"solver": "lbfgs"}, [], ["ratio of"]),
    ],
    ids=str,
)
def test_the_remark_below_gradients_suits_the_solver(params, told, untold):
    clf = classifier(**params)
    text = repr(gradient_statistics(clf, *WINE))
    assert all(words in text for words in told)
    assert not any(words in text for words in untold)
    assert "first steps" not in repr(gradient_statistics(clf.fit(*WINE), *WINE))


# -- gradient check -------------------------------------------------------------------

NOISY = {"dropout": 0.3, "input_dropout": 0.1, "dropconnect": 0.2, "mixup": 0.5}


@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize(
    "estimator, data",
    [
        (classifier(alpha=0.5, l1_ratio=0.5), WINE),
        (classifier(hidden_layer_sizes=(9, 9), residual=True, **NOISY), WINE),
        (classifier(normalization="batch", activation="prelu"), DIGITS),
        (classifier(class_weight="balanced", label_smoothing=0.2), CANCER),
        (regressor(activation="tanh", alpha=1.0), (DIABETES[0], DIABETES[0][:, :3])),
        (regressor(loss="absolute_error"), DIABETES),
        (regressor(loss="quantile", quantile=(0.2, 0.8)), DIABETES),
        (CNNClassifier(3, hidden_layer_sizes=8, random_state=0), IMAGES),
        (
            CNNClassifier(
                (3, 4), hidden_layer_sizes=8, residual=True, random_state=0,
                normalization="batch", activation="silu",
            ),
            IMAGES,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_our_gradients_are_right(estimator, data, is_fitted):
    estimator = clone(estimator).set_params(max_iter=2)
    if is_fitted:
        estimator.fit(*data)
    check = check_gradients(estimator, *data)
    assert check.ok
    assert check.max_error < 1e-6
    assert check.columns["layer"][-1] == "output"
    assert min(check.columns["gradient_norm"]) > 1e-3


def test_float32_is_checked_in_float64():
    X = DIGITS[0].astype(np.float32)
    assert check_gradients(classifier(), X, DIGITS[1]).max_error < 1e-6


@dataclass(frozen=True)
class WrongSlope(ActivationFunction):
    """The square, with a derivative that is 1 % too large."""

    def forward(self, z, out):
        np.multiply(z, z, out=out)

    def backward(self, z, a, dy):
        dy *= 2.02 * z


@dataclass(frozen=True)
class ForgetsBias(Dense):
    """A dense layer that does not tell the gradient of its biases."""

    def backward(self, p, g, dy, ws, need_dx):
        dx = super().backward(p, g, dy, ws, need_dx)
        g["b"][...] = 0
        return dx


@dataclass(frozen=True)
class WrongLoss(HalfSquaredError):
    """A squared error with the sign of its derivative changed."""

    def loss_gradient(self, z, y, sample_weight, out):
        loss = super().loss_gradient(z, y, sample_weight, out)
        out *= -1
        return loss


def test_wrong_gradients_are_found_where_they_are():
    X = np.random.RandomState(0).normal(size=(9, 4))
    check = check_gradients(WrongSlope(), X)
    assert not check.ok
    assert 0.003 < check.max_error < 0.03
    check = check_gradients(ForgetsBias(3), X)
    errors = dict(zip(check.columns["array"], check.columns["error"], strict=True))
    assert errors["b"] > 0.5
    assert max(errors["W"], errors["input"]) < 1e-6
    assert "Errors above tol=1e-06: b." in repr(check)
    # In a network the error is in the layers in front of it, not behind.
    clf = classifier(hidden_layer_sizes=(9, 9), activation=("tanh", WrongSlope()))
    check = check_gradients(clf, *WINE)
    assert [error > 1e-6 for error in check.columns["error"]] == [True, True, False]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients_of_losses(loss):
    rng = np.random.RandomState(0)
    n_outputs = 1 if loss.scores_per_output > 1 else 3
    y = draw_targets(loss, 12, n_outputs, rng)
    z = rng.normal(size=(12, n_scores(loss, n_outputs)))
    assert check_gradients(loss, z, y).ok


def test_a_wrong_loss_is_found():
    rng = np.random.RandomState(0)
    z, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    assert 0.5 < check_gradients(WrongLoss(), z, y).max_error < 5
    assert not check_gradients(regressor(loss=WrongLoss()), *DIABETES).ok


def test_random_layers_draw_the_same_each_time():
    X = np.random.RandomState(0).normal(size=(9, 4, 3, 2))
    check = check_gradients(Dropout(0.5), X)
    assert check.ok
    assert 0 < check.columns["gradient_norm"][0] < 100


def test_targets_may_not_be_missing():
    with pytest.raises(ValueError, match="y is None, but the loss of an estimator"):
        check_gradients(classifier(), WINE[0])
    with pytest.raises(ValueError, match="y is None, but a loss"):
        check_gradients(HalfSquaredError(), WINE[0])


def test_torch_agrees_on_the_gradients_of_each_layer():
    torch = pytest.importorskip("torch")
    clf = classifier(hidden_layer_sizes=(7,), alpha=0.0, max_iter=2, batch_size=178)
    columns = gradient_statistics(clf.fit(*WINE), *WINE).columns
    arrays = [
        torch.tensor(array, requires_grad=True)
        for pair in zip(clf.coefs_, clf.intercepts_, strict=True)
        for array in pair
    ]
    W1, b1, W2, b2 = arrays
    hidden = torch.relu(torch.tensor(WINE[0]) @ W1 + b1)
    z, y = hidden @ W2 + b2, torch.tensor(WINE[1])
    torch.nn.functional.cross_entropy(z, y).backward()
    norms = [
        torch.cat([W.grad.ravel(), b.grad]).norm().item()
        for W, b in ((W1, b1), (W2, b2))
    ]
    assert_allclose(columns["gradient_norm"], norms)


def test_nothing_is_said_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for tool in TOOLS:
            tool(classifier(batch_size=500), *WINE)
