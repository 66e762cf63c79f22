"""SearchDisplay: panels, categories, rounds, metrics."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform, uniform
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn.display import (
    SearchDisplay,
)
from sknn.model_selection import CoarseToFineSearchCV

from .helpers import IRIS, draw, legend_of, mlp, tick_labels

plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


@pytest.fixture(scope="module")
def search():
    space = {
        "alpha": loguniform(1e-3, 1e-2),
        "dropout": uniform(0, 0.5),
        "hidden_layer_sizes": [(3,), (5,)],
        "max_iter": [3],
    }
    return RandomizedSearchCV(mlp(), space, n_iter=8, cv=2, random_state=0).fit(*IRIS)


def test_a_panel_for_each_parameter(search):
    shown = SearchDisplay.from_estimator(search)
    names = [ax.get_xlabel() for ax in shown.axes_]
    assert names == ["alpha", "dropout", "hidden_layer_sizes"]  # max_iter is the same
    assert [ax.get_xscale() for ax in shown.axes_] == ["log", "linear", "linear"]
    results = search.cv_results_
    x = results["param_alpha"].astype(float)
    points = shown.axes_[0].collections[0].get_offsets()
    assert_array_equal(points, np.column_stack([x, results["mean_test_score"]]))
    ring = shown.axes_[0].lines[-1]
    assert ring.get_xdata() == [x[search.best_index_]]
    assert ring.get_ydata() == [search.best_score_]
    categories = [tick.get_text() for tick in shown.axes_[2].get_xticklabels()]
    assert categories == ["(3,)", "(5,)"]
    assert shown.axes_[0].get_ylabel() == "Mean test accuracy"
    draw(shown.figure_)


def test_chosen_parameters_on_the_users_axes(search):
    figure, axes = plt.subplots(1, 2)
    names = ["max_iter", "alpha"]
    shown = SearchDisplay.from_estimator(search, parameters=names, ax=axes)
    assert shown.figure_ is figure
    assert [ax.get_xlabel() for ax in axes] == names
    assert legend_of(axes[0]) == ["candidate", "best"]
    with pytest.raises(ValueError, match="3 axes, one per parameter, got 2"):
        SearchDisplay.from_estimator(search, ax=axes)
    with pytest.raises(ValueError, match=r"parameters must be among .*got \['beta'\]"):
        SearchDisplay.from_estimator(search, parameters=["beta"])


def test_grids_conditions_and_pipelines():
    pipe = make_pipeline(StandardScaler(), mlp(max_iter=2))
    grid = [
        {"mlpclassifier__alpha": [0.001, 0.1], "mlpclassifier__solver": ["adam"]},
        {"mlpclassifier__momentum": [0.1, 0.5], "mlpclassifier__solver": ["sgd"]},
    ]
    search = GridSearchCV(pipe, grid, cv=2).fit(*IRIS)
    shown = SearchDisplay.from_estimator(search)
    panels = {ax.get_xlabel().split("__")[-1]: ax for ax in shown.axes_}
    assert sorted(panels) == ["alpha", "momentum", "solver"]
    assert panels["alpha"].get_xscale() == "log"
    assert panels["momentum"].get_xscale() == "linear"
    alphas = panels["alpha"].collections[0].get_offsets()[:, 0]
    assert_array_equal(alphas[np.isfinite(alphas)], [0.001, 0.1])
    draw(shown.figure_)


def test_only_names_too_long_for_a_panel_are_broken():
    short, long = "net__hidden_layer_sizes", "mlpclassifier__layer_learning_rates"
    values = {short: [1, 2], long: [1, 2]}
    shown = SearchDisplay(scores=[0.5, 0.6], parameters=values).plot()
    labels = [ax.get_xlabel() for ax in shown.axes_]
    assert labels == [short, long.replace("__", "__\n")]


@pytest.mark.filterwarnings("ignore:Some fits failed|.*fits failed", "ignore:One or")
def test_failures_and_scores_far_below():
    values = {"a": [1, 2, 3, 4, 5, 6, 7]}
    scores = [0.5, 0.6, 0.7, np.nan, 0.55, -1e6, 0.65]
    shown = SearchDisplay(scores=scores, parameters=values, best_index=2).plot()
    (ax,) = shown.axes_
    labels = [text.get_text() for text in shown.figure_.legends[0].get_texts()]
    assert labels == ["candidate", "below the axis", "failed", "best"]
    assert_array_equal(ax.collections[0].get_offsets()[:, 0], [1, 2, 3, 5, 7])
    low, failed, _ = ax.lines
    assert_array_equal(low.get_xdata(), [6])
    assert_array_equal(failed.get_xdata(), [4])
    assert 0.4 < ax.get_ylim()[0] < 0.5
    draw(shown.figure_)


@pytest.mark.parametrize("scores", [[np.nan, np.nan], [0.5, 0.5], [0.1, np.nan]])
def test_few_scores(scores):
    shown = SearchDisplay(scores=scores, parameters={"a": [None, 3]}).plot()
    ticks = [tick.get_text() for tick in shown.axes_[0].get_xticklabels()]
    assert ticks == ["None", "3"]
    draw(shown.figure_)


def test_categories_have_the_order_of_the_search():
    sizes = [(5,), (3,), (3, 3), (9,)]
    grid = [
        {"hidden_layer_sizes": sizes[:2], "batch_size": [64, "auto", 16]},
        {"hidden_layer_sizes": sizes[2:3], "batch_size": [32]},
    ]
    search = GridSearchCV(mlp(max_iter=1), grid, cv=2).fit(*IRIS)
    names = {"batch_size": ["auto", "16", "32", "64"]}
    names["hidden_layer_sizes"] = [str(size) for size in sizes[:3]]
    shown = SearchDisplay.from_estimator(search, parameters=list(names))
    for ax, expected in zip(shown.axes_, names.values(), strict=True):
        assert [tick.get_text() for tick in ax.get_xticklabels()] == expected
    places = shown.axes_[0].collections[0].get_offsets()[:, 0]
    drawn = [names["batch_size"][int(x)] for x in places]
    assert drawn == [str(size) for size in search.cv_results_["param_batch_size"]]
    by_hand = {"scores": [1, 2, 3], "parameters": {"a": ["x", 2, 1]}}
    (ax,) = SearchDisplay(**by_hand).plot().axes_
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x", "1", "2"]


@pytest.mark.parametrize(
    "low, high, labels",
    [
        (1e-4, 1e-1, ["0.0001", "0.001", "0.01", "0.1"]),
        (0.011, 0.34, ["0.01", "0.03", "0.1", "0.3"]),
        (1e-6, 1e-5, ["1e-06", "3e-06", "1e-05"]),
        (0.015, 0.12, ["0.02", "0.05", "0.1"]),
        (0.0198, 0.041, ["0.02", "0.03", "0.04"]),
    ],
)
def test_labels_of_a_logarithmic_axis_do_not_overlap(low, high, labels):
    values = np.geomspace(low, high, 7)
    parameters = {name: values for name in "abc"}
    shown = SearchDisplay(
        scores=np.arange(7), parameters=parameters, log_parameters=["a"]
    ).plot()
    axis = shown.axes_[0].xaxis
    assert tick_labels(axis) == labels
    boxes = [tick.label1.get_window_extent() for tick in axis.get_major_ticks()]
    boxes = sorted((box.x0, box.x1) for box in boxes if box.width)
    for (_, left), (right, _) in pairwise(boxes):
        assert left < right


def test_rounds_have_colors():
    halving = HalvingRandomSearchCV(
        mlp(), {"alpha": loguniform(1e-5, 1)}, n_candidates=4, factor=2, cv=2,
        resource="max_iter", max_resources=4, random_state=0,
    ).fit(*IRIS)  # fmt: skip
    shown = SearchDisplay.from_estimator(halving)
    # max_iter varies from round to round only, and has no panel.
    (ax,) = shown.axes_
    rounds = halving.cv_results_["iter"]
    labels = [text.get_text() for text in shown.figure_.legends[0].get_texts()]
    names = [f"iteration {i}" for i in np.unique(rounds)]
    assert labels == [*names, "best of the last iteration"]
    sizes = [len(points.get_offsets()) for points in ax.collections]
    assert sizes == np.unique(rounds, return_counts=True)[1].tolist()
    colors = {tuple(points.get_facecolor()[0]) for points in ax.collections}
    assert len(colors) == len(names)
    draw(shown.figure_)


def test_a_search_from_coarse_to_fine():
    space = {"alpha": loguniform(1e-5, 1), "activation": ["relu", "tanh"]}
    search = CoarseToFineSearchCV(
        mlp(max_iter=9), space, n_candidates=6, cv=2, random_state=0
    ).fit(*IRIS)
    shown = SearchDisplay.from_estimator(search)
    assert [ax.get_xlabel() for ax in shown.axes_] == ["activation", "alpha"]
    assert_array_equal(shown.rounds, search.cv_results_["round"])
    labels = [text.get_text() for text in shown.figure_.legends[0].get_texts()]
    assert labels == ["round 0", "round 1", "round 2", "best of the last round"]
    results = search.cv_results_
    coarse = SearchDisplay.from_estimator(search, rounds=0)
    assert [ax.get_xlabel() for ax in coarse.axes_] == ["activation", "alpha"]
    assert_array_equal(coarse.scores, results["mean_test_score"][:6])
    assert_array_equal(coarse.parameters["alpha"], results["param_alpha"][:6])
    assert coarse.best_index == np.argmax(coarse.scores)
    assert coarse.axes_[0].lines[-1].get_label() == "best"  # of the only round
    fine = SearchDisplay.from_estimator(search, rounds=[1, 2])
    assert_array_equal(fine.rounds, results["round"][6:])
    assert fine.best_index == search.best_index_ - 6
    assert fine.axes_[0].lines[-1].get_label() == "best of the last round"
    assert coarse.axes_[1].get_xscale() == fine.axes_[1].get_xscale() == "log"
    for wrong in (3, [0, 3], []):
        with pytest.raises(ValueError, match=r"among the rounds .*\[0, 1, 2\], got"):
            SearchDisplay.from_estimator(search, rounds=wrong)


def test_several_metrics():
    metrics = ["accuracy", "neg_log_loss"]
    grid = {"alpha": [0.1, 1, 10]}
    search = GridSearchCV(mlp(), grid, scoring=metrics, refit=False, cv=2).fit(*IRIS)
    with pytest.raises(ValueError, match=r"metric must be one of the scores.*got None"):
        SearchDisplay.from_estimator(search)
    shown = SearchDisplay.from_estimator(search, metric="neg_log_loss")
    scores = search.cv_results_["mean_test_neg_log_loss"]
    assert_array_equal(shown.scores, scores)
    assert shown.best_index == np.argmax(scores)
    assert shown.axes_[0].get_ylabel() == "Mean test neg_log_loss"
    search.set_params(refit="accuracy").fit(*IRIS)
    shown = SearchDisplay.from_estimator(search)
    assert shown.best_index == search.best_index_
    assert shown.score_name == "accuracy"


def test_searches_that_cannot_be_drawn():
    with pytest.raises(TypeError, match="a fitted search, such as GridSearchCV, got"):
        SearchDisplay.from_estimator(mlp())
    with pytest.raises(NotFittedError):
        SearchDisplay.from_estimator(GridSearchCV(mlp(), {"alpha": [1, 2]}))
    search = GridSearchCV(mlp(), {"alpha": [1]}, cv=2).fit(*IRIS)
    with pytest.raises(ValueError, match="no rounds to select, got rounds=1"):
        SearchDisplay.from_estimator(search, rounds=1)
    with pytest.raises(ValueError, match="no parameter has more than one value"):
        SearchDisplay.from_estimator(search)
