"""LossCurveDisplay: losses, scores, best epoch, several estimators."""

import numpy as np
import pytest
import sklearn.neural_network
from numpy.testing import assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import (
    GridSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
)
from sknn.display import (
    LossCurveDisplay,
)
from sknn.layers import Activation, Dense

from .helpers import IRIS, draw, legend_of, mlp, tick_labels

plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_loss_curves_are_those_of_the_estimator(stopped):
    shown = LossCurveDisplay.from_estimator(stopped)
    losses, scores = shown.axes_
    assert shown.ax_ is losses
    assert shown.figure_ is losses.figure
    n = stopped.n_iter_
    curves = (
        stopped.loss_curve_,
        stopped.validation_loss_curve_,
        stopped.validation_scores_,
    )
    for line, values in zip(shown.lines_, curves, strict=True):
        assert_array_equal(line.get_xdata(), np.arange(1, n + 1))
        assert_array_equal(line.get_ydata(), values)
    assert [line.get_linestyle() for line in shown.lines_] == ["--", "-", "-"]
    assert len({line.get_color() for line in shown.lines_}) == 1
    assert losses.get_xlabel() == scores.get_xlabel() == "Epoch"
    assert losses.get_ylabel() == "Loss"
    assert scores.get_ylabel() == "Validation accuracy"
    assert legend_of(losses) == ["training", "validation", "best epoch"]
    best = int(np.argmax(stopped.validation_scores_))
    (dot,) = (line for line in scores.lines if line.get_label() == "best epoch")
    assert dot.get_xdata() == [best + 1]
    assert dot.get_ydata() == [stopped.best_validation_score_]
    draw(shown.figure_)


def test_only_what_there_is_is_drawn():
    X, y = IRIS
    net = mlp().fit(X, y)
    shown = LossCurveDisplay.from_estimator(net)
    assert len(shown.axes_) == len(shown.lines_) == 1
    assert legend_of(shown.ax_) == ["training"]
    net = mlp().fit(X, y, X_val=X[:20], y_val=y[:20])
    shown = LossCurveDisplay.from_estimator(net)
    assert "best epoch" not in legend_of(shown.ax_)
    assert len(shown.axes_) == 2
    net = mlp(early_stopping=True, restore_best=False).fit(X, y)
    assert "best epoch" not in legend_of(LossCurveDisplay.from_estimator(net).ax_)
    net = mlp(early_stopping=True, scoring="loss").fit(X, y)
    shown = LossCurveDisplay.from_estimator(net)
    assert len(shown.axes_) == 1
    assert "best epoch" in legend_of(shown.ax_)


@pytest.mark.parametrize(
    "net, name",
    [
        (MLPRegressor(), "R²"),
        (MLPRegressor(loss="quantile"), "score"),
        (MLPRegressor(scoring="neg_max_error"), "neg_max_error"),
        (MLPRegressor(scoring=lambda net, X, y: 0.0), "<lambda>"),
    ],
    ids=["default", "quantiles", "by name", "callable"],
)
def test_the_score_has_its_name(net, name):
    X, y = (part[:60] for part in load_diabetes(return_X_y=True))
    net.set_params(early_stopping=True, max_iter=2, random_state=0).fit(X, y)
    shown = LossCurveDisplay.from_estimator(net)
    assert shown.axes_[1].get_ylabel() == f"Validation {name}"


def test_two_estimators_on_one_picture(stopped):
    other = mlp(early_stopping=True, solver="sgd").fit(*IRIS)
    first = LossCurveDisplay.from_estimator(stopped, name="adam")
    second = LossCurveDisplay.from_estimator(other, ax=first.ax_, name="sgd")
    assert list(second.axes_) == list(first.axes_)
    assert first.lines_[0].get_color() != second.lines_[0].get_color()
    assert legend_of(first.ax_) == [
        "adam, training", "adam, validation", "best epoch",
        "sgd, training", "sgd, validation",
    ]  # fmt: skip
    scores = second.axes_[1]
    assert legend_of(scores) == ["adam, validation", "best epoch", "sgd, validation"]
    assert second.lines_[2] in scores.lines
    third = LossCurveDisplay.from_estimator(other, ax=first.axes_, name="again")
    assert third.lines_[2] in scores.lines
    draw(first.figure_)


def test_a_single_axes_of_the_user_gets_the_losses(stopped):
    _, axes = plt.subplots(1, 2, sharex=True)
    shown = LossCurveDisplay.from_estimator(stopped, ax=axes[0], color="black")
    assert list(shown.axes_) == [axes[0]]
    assert not axes[1].lines
    assert {line.get_color() for line in shown.lines_} == {"black"}
    both = LossCurveDisplay.from_estimator(stopped, ax=axes)
    assert list(both.axes_) == list(axes)


@pytest.mark.parametrize(
    "loss, scale",
    [
        ([1, 0.5, 0.2], "linear"),
        ([1, 0.05], "linear"),
        ([1, 0.03], "log"),
        ([1, 0.1, 0.01], "log"),
        ([1, 0.1, 0.0], "linear"),
        ([1, 0.1, -0.01], "linear"),
        ([2, np.nan, 0.01], "log"),
        ([1, np.inf], "linear"),
        ([np.nan], "linear"),
    ],
)
def test_losses_over_decades_have_a_logarithmic_axis(loss, scale):
    shown = LossCurveDisplay(loss=loss).plot()
    assert shown.ax_.get_yscale() == scale
    draw(shown.figure_)


def test_a_logarithmic_axis_of_losses_has_plain_labels():
    shown = LossCurveDisplay(loss=[2, 0.04]).plot()
    assert tick_labels(shown.ax_.yaxis) == ["0.1", "0.3", "1"]


def test_a_single_curve_has_the_name_alone():
    assert legend_of(LossCurveDisplay(loss=[2, 1], name="sgd").plot().ax_) == ["sgd"]


@pytest.mark.parametrize("Sequential", [SequentialClassifier, SequentialRegressor])
def test_loss_curves_of_own_layers(Sequential):
    layers = [Dense(5), Activation("relu")]
    net = Sequential(layers, early_stopping=True, max_iter=3, random_state=0)
    shown = LossCurveDisplay.from_estimator(net.fit(*IRIS))
    assert len(shown.lines_) == 3
    assert_array_equal(shown.lines_[0].get_ydata(), net.loss_curve_)
    draw(shown.figure_)


def test_one_epoch_is_seen():
    assert LossCurveDisplay(loss=[1.0]).plot().lines_[0].get_marker() == "o"


def test_networks_within_other_estimators(stopped):
    X, y = IRIS
    pipe = make_pipeline(StandardScaler(), mlp())
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.1, 1]}, cv=2)
    fitted = search.fit(X, y).best_estimator_[-1]
    for estimator in (search, search.best_estimator_, fitted):
        shown = LossCurveDisplay.from_estimator(estimator)
        assert_array_equal(shown.lines_[0].get_ydata(), fitted.loss_curve_)
    net = MLPRegressor(hidden_layer_sizes=(3,), max_iter=3)
    target = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp)
    target.fit(X[:, :3], X[:, 3])
    shown = LossCurveDisplay.from_estimator(target)
    assert_array_equal(shown.lines_[0].get_ydata(), target.regressor_.loss_curve_)


def test_the_networks_of_sklearn_have_curves_too():
    net = sklearn.neural_network.MLPClassifier(early_stopping=True, max_iter=3)
    shown = LossCurveDisplay.from_estimator(net.fit(*IRIS))
    assert len(shown.axes_) == 2
    assert shown.axes_[1].get_ylabel() == "Validation accuracy"
