"""The displays: what they draw, where, and how they say that they cannot."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform, uniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    display,
)
from sknn.augmentation import Brightness, RandomFlip, RandomShift
from sknn.display import (
    ActivationDisplay,
    AugmentationDisplay,
    FilterDisplay,
    LearningRateRangeDisplay,
    LossCurveDisplay,
    ScheduleDisplay,
    SearchDisplay,
)
from sknn.inspection import activation_statistics, learning_rate_range_test
from sknn.layers import Activation, Conv2D, Dense, Flatten, MaxPool2D, Residual
from sknn.model_selection import CoarseToFineSearchCV
from sknn.schedules import Cosine, InvScaling

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

IRIS = load_iris(return_X_y=True)
DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images[:200] / 16, DIGITS.target[:200]


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def mlp(**params):
    params = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **params}
    return MLPClassifier(**params)


@pytest.fixture(scope="module")
def stopped():
    """A network with all there is to draw."""
    return mlp(early_stopping=True, learning_rate_init=0.01, max_iter=12).fit(*IRIS)


@pytest.fixture(scope="module")
def cnn():
    params = {"hidden_layer_sizes": (6,), "max_iter": 1, "random_state": 0}
    return CNNClassifier(5, kernel_size=[(3, 2)], **params).fit(IMAGES, LABELS)


def legend_of(ax):
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def tick_labels(axis):
    """Return the labels within the limits, of large and of small ticks."""
    low, high = axis.get_view_interval()
    axis.axes.figure.canvas.draw()
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    shown = [tick for tick in ticks if low <= tick.get_loc() <= high]
    return [tick.label1.get_text() for tick in shown if tick.label1.get_text()]


def draw(figure):
    """Render, where much of what is wrong in a picture would raise or warn."""
    figure.canvas.draw()


# -- all of them ----------------------------------------------------------------------


def test_every_display_is_named():
    named = {name for name in vars(display) if name.endswith("Display")}
    assert named == set(display.__all__)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = """
import sys
import sknn.display
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None
shown = sknn.display.LossCurveDisplay(loss=[1, 2])
try:
    shown.plot()
except ImportError as error:
    print(error)
"""
    run = [sys.executable, "-c", code]
    result = subprocess.run(run, capture_output=True, text=True)
    assert "LossCurveDisplay.plot requires matplotlib" in result.stdout, result.stderr


@pytest.mark.parametrize("Display", [LossCurveDisplay, FilterDisplay])
def test_what_is_not_fitted_or_not_a_network_is_refused(Display):
    X, y = IRIS
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted"):
        Display.from_estimator(mlp())
    with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted"):
        Display.from_estimator(GridSearchCV(mlp(), {}))
    with pytest.raises(TypeError, match="LogisticRegression, does not have"):
        Display.from_estimator(LogisticRegression(max_iter=500).fit(X, y))
    search = GridSearchCV(mlp(), {"alpha": [0.1]}, cv=2, refit=False).fit(X, y)
    with pytest.raises(TypeError, match="GridSearchCV with refit=False"):
        Display.from_estimator(search)


@pytest.mark.parametrize("shown", ["loss", "schedule", "filters"])
def test_plot_draws_again_and_numbers_of_axes_are_checked(shown, stopped, cnn):
    first = {
        "loss": lambda: LossCurveDisplay.from_estimator(stopped),
        "schedule": lambda: ScheduleDisplay.from_estimator(stopped),
        "filters": lambda: FilterDisplay.from_estimator(cnn),
    }[shown]()
    figure = first.figure_
    assert first.plot() is first
    assert first.figure_ is not figure
    draw(first.figure_)
    with pytest.raises(ValueError, match=r"ax must hold 1.* axes.*got 3"):
        first.plot(ax=plt.subplots(1, 3)[1])


# -- loss curves ----------------------------------------------------------------------


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


# -- schedules ------------------------------------------------------------------------


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


# -- learning-rate range tests --------------------------------------------------------


def test_a_range_test_and_its_suggestion():
    net = mlp(hidden_layer_sizes=(20,), batch_size=30)
    X, y = DIGITS.data[:500] / 16, DIGITS.target[:500]
    result = learning_rate_range_test(net, X, y)
    shown = LearningRateRangeDisplay.from_estimator(net, X, y, name="adam")
    losses, average, dot = shown.lines_
    assert_array_equal(losses.get_data(), [result.learning_rates, result.losses])
    assert_array_equal(average.get_ydata(), result.smoothed_losses)
    assert dot.get_xdata() == [result.suggestion]
    assert shown.ax_.get_xscale() == "log"
    suggestion = f"adam, suggestion {result.suggestion:.2g}"
    assert legend_of(shown.ax_) == ["adam", suggestion]
    bottom, top = shown.ax_.get_ylim()
    assert bottom < result.losses.min()
    assert top < result.losses.max()  # where it explodes
    again = LearningRateRangeDisplay.from_result(result, ax=shown.ax_, name="again")
    assert again.ax_.get_ylim() == (bottom, top)
    assert len(legend_of(shown.ax_)) == 4
    draw(shown.figure_)


@pytest.mark.parametrize("losses", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 2, np.nan]])
def test_a_range_test_without_a_suggestion(losses):
    shown = LearningRateRangeDisplay(
        learning_rates=[0.1, 1, 10], losses=losses, smoothed_losses=losses
    ).plot()
    assert len(shown.lines_) == 2
    assert legend_of(shown.ax_) == ["moving average", "loss of a batch"]
    bottom, top = shown.ax_.get_ylim()
    assert bottom < losses[0] < top
    draw(shown.figure_)


# -- activations ----------------------------------------------------------------------


def test_histograms_of_activations():
    net = mlp(hidden_layer_sizes=(20, 10), activation=["relu", "tanh"])
    X, y = DIGITS.data[:200] / 16, LABELS
    statistics = activation_statistics(net, X, y)
    shown = ActivationDisplay.from_estimator(net, X, y, name="before training")
    names = [tick.get_text() for tick in shown.ax_.get_yticklabels()]
    assert names == ["input", "activation1", "activation2"]
    assert shown.ax_.get_title() == "before training"
    for i, row in enumerate([0, 2, 4]):
        drawn = shown.histograms_[i].get_data()
        assert_array_equal(drawn.edges, statistics.edges[row])
        bars, counts = drawn.values - drawn.baseline, statistics.counts[row]
        uncut = counts < counts.max()
        assert_allclose(
            bars[uncut] * counts[uncut].max(), bars[uncut].max() * counts[uncut]
        )
        assert bars.max() <= 0.9 + 1e-9
    assert_array_equal(
        shown.spread, [statistics.columns["spread"][i] for i in (0, 2, 4)]
    )
    draw(shown.figure_)


def test_what_is_written_next_to_a_layer():
    shown = ActivationDisplay(
        layers=list("abcdef"), counts=[[1, 2]] * 6, edges=[[0, 1, 2]] * 6,
        spread=[0.25, 2.34e-6, 1, 1, 1, 1],
        dead=[np.nan, 0.126, 0, 0.5, 1, 0.004],
        saturated=[np.nan, np.nan, np.nan, 0.75, 0, np.nan],
    ).plot()  # fmt: skip
    assert [text.get_text() for text in shown.ax_.texts] == [
        "spread 0.25", "spread 2.3e-06\n13% dead", "spread 1",
        "spread 1\n75% saturated", "spread 1", "spread 1",
    ]  # fmt: skip


def test_chosen_layers():
    net = mlp(hidden_layer_sizes=()).fit(*IRIS)
    shown = ActivationDisplay.from_estimator(net, IRIS[0])
    assert shown.layers == ["input", "output"]
    shown = ActivationDisplay.from_estimator(net, IRIS[0], layers=["output"])
    assert shown.layers == ["output"]
    with pytest.raises(ValueError, match=r"layers must be among .*got \['hidden'\]"):
        ActivationDisplay.from_estimator(net, IRIS[0], layers=["hidden"])


def test_layers_without_a_single_number():
    edges = np.linspace(0, 1, 4)
    shown = ActivationDisplay(
        layers=["a", "b"],
        counts=[[0, 0, 0]] * 2,
        edges=[edges] * 2,
        spread=[np.nan] * 2,
    ).plot()
    draw(shown.figure_)


# -- augmentation ---------------------------------------------------------------------


def test_images_and_their_draws():
    flip = RandomFlip(p=1.0)
    shown = AugmentationDisplay.from_augmentation(flip, IMAGES[:3], n_draws=2)
    picture = shown.image_.get_array()
    assert picture.shape == (3 * 9 - 1, 3 * 9 - 1)
    for i in range(3):
        rows = slice(9 * i, 9 * i + 8)
        assert_allclose(picture[rows, :8], IMAGES[i])
        for left in (9, 18):
            assert_allclose(picture[rows, left : left + 8], IMAGES[i][:, ::-1])
    assert np.ma.getmaskarray(picture)[8].all()
    columns = [tick.get_text() for tick in shown.ax_.get_xticklabels()]
    assert columns == ["original", "random draws"]
    draw(shown.figure_)


def test_colours_bytes_and_the_scale_of_the_originals():
    bytes_ = np.random.RandomState(0).randint(256, size=(2, 6, 6, 3)).astype(np.uint8)
    shown = AugmentationDisplay.from_augmentation([Brightness(0.0)], bytes_, n_draws=1)
    picture = shown.image_.get_array()
    assert picture.shape == (13, 13, 3)
    assert_allclose(picture[:6, 7:], bytes_[0] / 255)
    large = 16 * IMAGES[:1]
    shown = AugmentationDisplay.from_augmentation([RandomShift(0.1)], large)
    assert_allclose(shown.image_.get_array()[:, :8], large[0] / large.max())


def test_random_state_decides_the_draws():
    augmentations = [RandomShift(0.2), Brightness(0.2)]
    draws = [
        AugmentationDisplay.from_augmentation(
            augmentations, IMAGES[:2], random_state=seed
        ).draws
        for seed in (0, 0, 1)
    ]
    assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_the_augmentation_of_an_estimator():
    flip = [RandomFlip(p=1.0)]
    net = CNNClassifier(2, augmentation=flip, max_iter=1, random_state=0)
    by_hand = AugmentationDisplay.from_augmentation(flip, IMAGES[:4])
    rows = IMAGES.reshape(200, 64)
    for estimator, X in (
        (net, IMAGES),
        (net, rows),
        (CNNClassifier(2, augmentation=flip, input_shape=(8, 8)), rows),
        (make_pipeline(StandardScaler(), net), rows),
    ):
        shown = AugmentationDisplay.from_estimator(estimator, X)
        assert_array_equal(shown.draws, by_hand.draws)
    with pytest.raises(ValueError, match="MLPClassifier has none"):
        AugmentationDisplay.from_estimator(mlp(), IMAGES)


@pytest.mark.parametrize("Sequential", [SequentialClassifier, SequentialRegressor])
def test_the_augmentation_of_own_layers(Sequential):
    flip = [RandomFlip(p=1.0)]
    by_hand = AugmentationDisplay.from_augmentation(flip, IMAGES[:4])
    layers = [Conv2D(2, 3), Activation("relu"), Flatten()]
    net = Sequential(layers, augmentation=flip, max_iter=1, random_state=0)
    rows = IMAGES.reshape(200, 64)
    for X in (IMAGES, rows):
        shown = AugmentationDisplay.from_estimator(net, X)
        assert_array_equal(shown.draws, by_hand.draws)
    net.fit(IMAGES, LABELS)
    shown = AugmentationDisplay.from_estimator(net, rows)
    assert_array_equal(shown.draws, by_hand.draws)


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8, 2), (0, 8, 8)])
def test_images_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="images must be of shape"):
        AugmentationDisplay.from_augmentation([RandomFlip()], np.ones(shape))


# -- filters --------------------------------------------------------------------------


def test_kernels_of_a_convolution(cnn):
    shown = FilterDisplay.from_estimator(cnn, n_columns=3)
    W = cnn.network_.params[1]["W"]
    picture = shown.image_.get_array()
    assert picture.shape == (3 + 1 + 3, 2 + 1 + 2 + 1 + 2)
    assert_allclose(picture[:3, :2], W[0, 0])
    assert_allclose(picture[4:, :2], W[3, 0])
    assert np.ma.getmaskarray(picture)[4:, 6:].all()  # the sixth, which is none
    assert shown.image_.get_clim() == pytest.approx((-abs(W).max(), abs(W).max()))
    assert shown.colorbar_.ax.get_ylabel() == "Weight"
    few = FilterDisplay.from_estimator(cnn, n_filters=2)
    assert np.shape(few.filters) == (2, 3, 2, 1)
    draw(shown.figure_)


def test_a_display_keeps_its_own_weights(cnn):
    shown = FilterDisplay.from_estimator(cnn)
    assert not np.shares_memory(shown.filters, cnn.network_.theta)


def test_rows_of_a_dense_layer():
    X = IMAGES.reshape(200, 64)
    net = mlp(hidden_layer_sizes=(4,), max_iter=1).fit(X, LABELS)
    shown = FilterDisplay.from_estimator(make_pipeline(net))
    assert_array_equal(shown.filters, net.coefs_[0].T.reshape(4, 8, 8, 1))
    shown = FilterDisplay.from_estimator(net, input_shape=(4, 16))
    assert np.shape(shown.filters) == (4, 4, 16, 1)
    message = "input_shape must be .* images with 64 numbers, got"
    for wrong in ((8, 9), (64,)):
        with pytest.raises(ValueError, match=message):
            FilterDisplay.from_estimator(net, input_shape=wrong)
    with pytest.raises(ValueError, match="n_filters must be 1 or more, got 0"):
        FilterDisplay.from_estimator(net, n_filters=0)
    narrow = mlp().fit(IRIS[0][:, :3], IRIS[1])
    with pytest.raises(ValueError, match="sees 3 numbers, which are no square image"):
        FilterDisplay.from_estimator(narrow)


@pytest.mark.parametrize("channels, shape", [(3, (5, 11, 3)), (2, (17, 11))])
def test_filters_of_several_channels(channels, shape):
    X = np.random.RandomState(0).rand(20, 7, 7, channels)
    net = CNNClassifier(
        3 if channels == 2 else 2, kernel_size=5, hidden_layer_sizes=(), max_iter=1
    )
    shown = FilterDisplay.from_estimator(net.fit(X, np.arange(20) % 2))
    picture = shown.image_.get_array()
    assert picture.shape == shape
    assert (shown.colorbar_ is None) == (channels == 3)
    if channels == 3:
        assert picture.min() >= 0
        assert picture.max() <= 1
    draw(shown.figure_)


def test_filters_within_a_residual_block():
    params = {"hidden_layer_sizes": (), "max_iter": 1, "residual": True}
    net = CNNClassifier(3, kernel_size=5, **params).fit(IMAGES, LABELS)
    assert any(isinstance(layer, Residual) for layer in net.network_.layers)
    shown = FilterDisplay.from_estimator(net)
    assert np.shape(shown.filters) == (3, 5, 5, 1)


@pytest.mark.parametrize("Sequential", [SequentialClassifier, SequentialRegressor])
def test_filters_of_own_layers(Sequential):
    net = Sequential([Conv2D(3, 5), Flatten()], max_iter=1, random_state=0)
    shown = FilterDisplay.from_estimator(net.fit(IMAGES, LABELS))
    W = net.network_.params[1]["W"]
    assert_array_equal(shown.filters, W.transpose(0, 2, 3, 1))
    draw(shown.figure_)


@pytest.mark.parametrize("pool, sides", [([], (6, 4)), ([MaxPool2D(2)], (3, 2))])
def test_units_behind_flattened_images(pool, sides):
    X = np.random.RandomState(0).rand(20, 6, 4, 3)
    layers = [*pool, Flatten(), Dense(2), Activation("relu")]
    net = SequentialClassifier(layers, max_iter=1, random_state=0)
    shown = FilterDisplay.from_estimator(net.fit(X, np.arange(20) % 2))
    (W,) = (p["W"] for p in net.network_.params[:-1] if p)
    # The network has the channels in front, the picture behind.
    for filter, weights in zip(shown.filters, W.T, strict=True):
        assert_array_equal(filter, weights.reshape(3, *sides).transpose(1, 2, 0))
    again = FilterDisplay.from_estimator(net, input_shape=(*sides, 3))
    assert_array_equal(again.filters, shown.filters)


# -- searches -------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match="ax must hold 3 axes, one a parameter, got 2"):
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
    panels = {ax.get_xlabel().split("\n")[-1]: ax for ax in shown.axes_}
    assert sorted(panels) == ["alpha", "momentum", "solver"]
    assert panels["alpha"].get_xscale() == "log"
    assert panels["momentum"].get_xscale() == "linear"
    alphas = panels["alpha"].collections[0].get_offsets()[:, 0]
    assert_array_equal(alphas[np.isfinite(alphas)], [0.001, 0.1])
    draw(shown.figure_)


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


def test_rounds_have_colours():
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
    with pytest.raises(ValueError, match="no rounds to choose from, got rounds=1"):
        SearchDisplay.from_estimator(search, rounds=1)
    with pytest.raises(ValueError, match="no parameter has more than one value"):
        SearchDisplay.from_estimator(search)
