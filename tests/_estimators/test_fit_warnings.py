"""What a fit warns of: interrupts, unused rows, schedules cut short, rising losses."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris, make_regression
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from sknn import MLPClassifier, MLPRegressor, SequentialRegressor, TabularRegressor
from sknn.layers import CategoricalEmbedding, Dense
from sknn.losses import HalfSquaredError, spec
from sknn.objective import BoundObjective
from sknn.schedules import Constant, Cosine

SETTINGS = {"hidden_layer_sizes": 8, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def fit_and_catch(net, *args, **kwargs):
    """Fit; return the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(*args, **kwargs)
    return [str(warning.message) for warning in caught]


# -- interrupts -----------------------------------------------------------------------


def interrupt_at(epoch, monkeypatch):
    """Let Ctrl-C come in the middle of an epoch, counted from 1."""
    loss_gradient, numbers = BoundObjective.loss_gradient, itertools.count(1)

    def interrupted(*args):
        if next(numbers) > 2 * epoch - 1:
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(BoundObjective, "loss_gradient", interrupted)


MODES = {
    "plain": {},
    "early stopping": {"early_stopping": True},
    "early stopping by loss": {"early_stopping": True, "scoring": "loss"},
    "refit": {"early_stopping": True, "refit_on_all": True},
    "last weights": {"early_stopping": True, "restore_best": False},
    "a schedule that ends": {"early_stopping": True, "learning_rate": "cosine"},
}


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("with_set", [False, True], ids=["", "X_val"])
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_interrupt_warns_of_nothing_else(
    solver, mode, with_set, epoch, iris, monkeypatch
):
    X, y = iris
    if with_set and mode.get("refit_on_all"):
        pytest.skip("refit_on_all needs rows that are held out")
    interrupt_at(epoch, monkeypatch)
    net = MLPClassifier(**SETTINGS, solver=solver, batch_size=75, **mode)
    validation = {"X_val": X, "y_val": y} if with_set else {}
    messages = fit_and_catch(net, X, y, **validation)
    assert messages == ["Training interrupted by user."]
    assert net.n_iter_ == len(net.loss_curve_) <= 2 * epoch
    if epoch == 1:
        assert net.n_iter_ <= 1
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.mark.parametrize("n_scores", [1, 3])
@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_interrupt_in_the_scorer(solver, refit, n_scores, iris):
    scores = []

    def scoring(estimator, X, y):
        scores.append(estimator.score(X, y))
        if len(scores) == n_scores:
            raise KeyboardInterrupt
        return scores[-1]

    net = MLPClassifier(
        **SETTINGS,
        solver=solver,
        early_stopping=True,
        refit_on_all=refit,
        scoring=scoring,
    )
    assert fit_and_catch(net, *iris) == ["Training interrupted by user."]
    assert np.isfinite(net.predict_proba(iris[0])).all()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_epochs", [1, 3])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_interrupt_in_a_callback(solver, n_epochs, early_stopping, iris):
    pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")
    net = MLPClassifier(**SETTINGS, solver=solver, early_stopping=early_stopping)

    class Interrupting:
        n_ends = 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
            pass

        def on_fit_task_end(self, estimator, context, **kwargs):
            Interrupting.n_ends += 1
            if Interrupting.n_ends == n_epochs:
                raise KeyboardInterrupt
            return False

    net.set_callbacks(Interrupting())
    assert fit_and_catch(net, *iris) == ["Training interrupted by user."]
    assert net.n_iter_ == n_epochs


def test_scores_of_nan_without_an_interrupt_are_an_error(iris):
    net = MLPClassifier(
        **SETTINGS, early_stopping=True, max_iter=3, scoring=lambda *_: np.nan
    ).set_params(learning_rate="linear")
    with pytest.raises(ValueError, match="The validation score was NaN in all 3 epo"):
        net.fit(*iris)


def test_a_fit_that_needs_no_epoch_keeps_the_initial_weights(iris):
    """The gradient of the initial weights is below `tol`."""
    net = MLPClassifier(solver="lbfgs", tol=1e3, random_state=0)
    fits = [clone(net).set_params(early_stopping=on).fit(*iris) for on in (False, True)]
    assert [fit.n_iter_ for fit in fits] == [0, 0]
    assert fits[1].validation_scores_ == []
    assert_array_equal(fits[0].network_.theta, fits[1].network_.theta)


# -- rows that are in neither part ----------------------------------------------------


@pytest.mark.parametrize(
    "splitter, n_used",
    [
        (TimeSeriesSplit(5), 50),
        (TimeSeriesSplit(4, gap=2), 58),
        (ShuffleSplit(1, train_size=0.5, test_size=0.1, random_state=0), 90),
    ],
)
def test_unused_rows_are_counted(splitter, n_used, iris):
    net = MLPClassifier(**SETTINGS, early_stopping=True, max_iter=2)
    net.set_params(validation_fraction=splitter)
    unused = [m for m in fit_and_catch(net, *iris) if "validation_fraction" in m]
    assert len(unused) == 1
    assert f"uses {n_used} of 150 rows: the other {150 - n_used} are" in unused[0]


def test_splitters_that_use_all_rows(iris):
    net = MLPClassifier(**SETTINGS, early_stopping=True, learning_rate="cosine")
    fold = np.where(np.arange(150) % 5 == 0, 0, -1)
    for splitter in (KFold(5, shuffle=True), PredefinedSplit(fold), 0.1):
        net.set_params(validation_fraction=splitter, max_iter=2)
        assert fit_and_catch(net, *iris) == []


# -- schedules that could not end -----------------------------------------------------


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("learning_rate", ["cosine", "linear", "one_cycle", Cosine()])
def test_early_stopping_before_the_rate_has_fallen(learning_rate, refit, iris):
    net = MLPClassifier(
        **SETTINGS,
        early_stopping=True,
        refit_on_all=refit,
        learning_rate=learning_rate,
        max_iter=50,
        n_iter_no_change=2,
        tol=0.5,
    )
    messages = fit_and_catch(net, *iris)
    n_epochs = len(net.loss_curve_)
    assert n_epochs < 50
    assert messages == [
        f"Early stopping ended training at epoch {n_epochs} of 50, before "
        f"learning_rate={learning_rate!r} had ended: increase n_iter_no_change (now 2; "
        "numpy.inf trains for all epochs), or use learning_rate='constant' or "
        "'adaptive'."
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate": "cosine", "n_iter_no_change": np.inf},
        {"learning_rate": "constant"},
        {"learning_rate": "adaptive", "solver": "sgd"},
        {"learning_rate": Constant(warmup=2)},
        {"learning_rate": "cosine", "solver": "lbfgs"},
        {"learning_rate": "cosine", "early_stopping": False},
    ],
)
def test_no_schedule_was_cut_short(params, iris):
    net = MLPClassifier(**SETTINGS, early_stopping=True, max_iter=50, tol=0.5)
    messages = fit_and_catch(net.set_params(**params), *iris)
    assert not any("Early stopping" in message for message in messages)


# -- sparse targets -------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array]
)
@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:A column-vector y:UserWarning")
def test_sparse_targets_of_a_regressor(n_targets, make):
    X, Y = make_regression(60, 5, n_targets=n_targets, random_state=0)
    Y = np.where(abs(Y) < 50, 0, Y).reshape(60, n_targets) / 100
    net = MLPRegressor(**SETTINGS, max_iter=3)
    expected = net.fit(X, Y, X_val=X, y_val=Y).get_weights()
    score, curve = net.score(X, Y), net.validation_scores_
    net.fit(X, make(Y), X_val=X, y_val=make(Y))
    for one, other in zip(net.get_weights(), expected, strict=True):
        assert_array_equal(one, other)
    assert net.validation_scores_ == curve
    assert net.score(X, make(Y)) == score
    again = MLPRegressor(**SETTINGS).partial_fit(X, make(Y))
    assert_array_equal(
        again.predict(X), MLPRegressor(**SETTINGS).partial_fit(X, Y).predict(X)
    )
    net.set_params(loss="poisson")
    with pytest.raises(ValueError, match="needs y >= 0"):
        net.fit(X, make(Y))
    net.set_params(early_stopping=True, loss="squared_error").fit(X, make(Y))


# -- networks that became useless ------------------------------------------------------


@pytest.mark.parametrize("solver, learning_rate_init", [("sgd", 0.001), ("sgd", 1)])
def test_a_loss_that_has_risen(solver, learning_rate_init):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    net = MLPRegressor(
        solver=solver, learning_rate_init=learning_rate_init, random_state=0
    )
    (message,) = fit_and_catch(net, X, y)
    first, last = net.loss_curve_[0], net.loss_curve_[-1]
    assert f"rose from {first:.3g} in the first epoch to {last:.3g} in epoch" in message
    assert f"lower learning_rate_init={learning_rate_init}, " in message
    assert net.score(X, y) < 0


@pytest.mark.parametrize("restore_best", [True, False])
def test_a_loss_that_has_risen_with_early_stopping(restore_best):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    net = MLPRegressor(
        solver="sgd", learning_rate_init=0.1, early_stopping=True, random_state=0
    )
    (message,) = fit_and_catch(net.set_params(restore_best=restore_best), X, y)
    epoch = net.best_epoch_ if restore_best else net.n_iter_
    assert f" to {net.loss_curve_[epoch - 1]:.3g} in epoch {epoch}, " in message
    assert ("best validation score" in message) == restore_best


def test_a_loss_that_stays_low_when_training_goes_on(iris):
    net = MLPClassifier((8,), random_state=0, warm_start=True, max_iter=300)
    net.set_params(learning_rate_init=0.01)
    for _ in range(3):
        assert not any("rose" in message for message in fit_and_catch(net, *iris))


def test_an_explosion_is_noticed_where_the_first_rows_have_no_weight():
    X, y = load_diabetes(return_X_y=True)
    weight = np.r_[np.zeros(221), np.ones(221)]
    net = MLPRegressor(
        solver="sgd", learning_rate_init=1e200, max_iter=1, batch_size=221,
        shuffle=False, random_state=0,
    )  # fmt: skip
    with pytest.raises(ValueError, match="non-finite"):
        net.fit(X, y, sample_weight=weight)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_rows_for_which_the_network_overflows_are_refused(iris):
    X, y = iris
    net = MLPClassifier(**SETTINGS, learning_rate="linear", max_iter=2)
    net.fit(X.astype(np.float32), y)
    large = np.full((2, X.shape[1]), 3e38)
    for method in (net.predict, net.predict_proba):
        with pytest.raises(ValueError, match=r"The network overflows .* in float32"):
            method(large)


def test_an_interrupted_validation_leaves_a_consistent_history(iris):
    calls = iter(range(10))

    def scorer(estimator, X, y):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return 0.5

    net = MLPClassifier(**SETTINGS, early_stopping=True, scoring=scorer, max_iter=9)
    assert fit_and_catch(net, *iris) == ["Training interrupted by user."]
    assert net.n_iter_ == len(net.loss_curve_) == 2
    assert net.loss_ == net.loss_curve_[-1]


# -- targets far from 1 ----------------------------------------------------------------

MAX_ITER = "Stochastic Optimizer: Maximum iterations (20) reached and the optimization "
MAX_ITER += "hasn't converged yet. "
MORE_EPOCHS = "Increase max_iter, or use learning_rate='cosine', which lowers the "
MORE_EPOCHS += "learning rate to 0 by the last epoch."

TWENTY = {"hidden_layer_sizes": 8, "max_iter": 20, "random_state": 0}


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("unit", [1, 1e6, np.float32(1e6)])
def test_targets_that_need_scaling(unit, diabetes):
    X, y = diabetes[0], (diabetes[1] * unit)
    X = X.astype(y.dtype)
    net = MLPRegressor(**TWENTY)
    (message,) = fit_and_catch(net, X, y)
    advice = message.removeprefix(MAX_ITER)
    assert net.score(X, y) < 0
    assert advice == (
        "The training loss is above that of predicting the mean of the targets. The "
        f"targets have a mean of {y.mean():.3g} and a standard deviation of "
        f"{y.std():.3g}: scale them, for example with "
        "TransformedTargetRegressor(MLPRegressor(...), transformer=StandardScaler())."
    )
    # The advice is right.
    scaled = TransformedTargetRegressor(
        net.set_params(learning_rate_init=0.01), transformer=StandardScaler()
    )
    assert fit_and_catch(scaled, X, y) == [MAX_ITER + MORE_EPOCHS]
    assert scaled.score(X, y) > 0.4


@pytest.mark.parametrize("unit", [1.0, 1e4])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_features_are_the_first_thing_to_scale(kind, unit, diabetes):
    """Scaling the targets alone would not help."""
    X, y = diabetes[0] * 1e3, ((diabetes[1] - 152) / 77 + 3) * unit
    net = MLPRegressor(**TWENTY)
    (message,) = fit_and_catch(net, kind(X), y)
    assert net.score(X, y) < 0
    scaler = StandardScaler() if kind is np.asarray else MaxAbsScaler()
    assert message.removeprefix(MAX_ITER) == (
        "The training loss is above that of predicting the mean of the targets. The "
        "features have columns of size 1e+03 (root mean square): scale them, for "
        f"example with make_pipeline({scaler}, MLPRegressor(...))."
    )
    if unit == 1:  # the advice is right
        net.set_params(learning_rate_init=0.03)
        pipeline = make_pipeline(scaler, net)
        assert fit_and_catch(pipeline, kind(X), y) == [MAX_ITER + MORE_EPOCHS]
        assert pipeline.score(X, y) > 0


def test_codes_of_categories_are_not_scaled():
    X = np.arange(2000.0).reshape(-1, 1) % 300
    y = np.random.RandomState(0).randn(2000) + 50
    layers = [CategoricalEmbedding((0,), (300,)), Dense(20)]
    net = SequentialRegressor(layers, max_iter=3, random_state=0)
    (message,) = fit_and_catch(net, X, y)
    assert "scale them, for example with TransformedTargetRegressor(Seq" in message


def test_one_of_several_targets_needs_scaling(diabetes):
    X, y = diabetes
    Y = np.column_stack([X[:, 0], 1e3 * y])
    (message,) = fit_and_catch(MLPRegressor(**TWENTY), X, Y)
    assert "Column 1 of y has a mean of 1.52e+05 and a standard" in message


@pytest.mark.parametrize(
    "params",
    [{"tol": 1e6}, {"learning_rate": "linear"}, {"solver": "adamw", "tol": 1e6}],
)
def test_targets_that_need_scaling_where_nothing_else_is_said(params, diabetes):
    (message,) = fit_and_catch(MLPRegressor(**TWENTY, **params), *diabetes)
    assert message.startswith("The training loss is above that of predicting the mean")


@pytest.mark.parametrize(
    "params", [{}, {"scoring": "loss"}, {"learning_rate": "cosine"}], ids=str
)
def test_targets_far_from_1_with_early_stopping(params, diabetes):
    X, y = diabetes
    net = MLPRegressor(early_stopping=True, max_iter=50, random_state=0, **params)
    *_, message = fit_and_catch(net, X, y * 1e6)
    assert "a standard deviation of 7.7" in message
    assert "TransformedTargetRegressor(MLPRegressor(...)" in message


def test_small_targets_that_stop_training_at_once(diabetes):
    X, y = diabetes
    y = 1e-4 * (y - y.mean()) / y.std()
    (message,) = fit_and_catch(MLPRegressor(**{**TWENTY, "max_iter": 2000}), X, y)
    assert "a standard deviation of 0.0001: scale them" in message


@spec
class Custom(HalfSquaredError):
    """A loss of the user."""


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "absolute_error"},
        {"loss": "gaussian"},
        {"loss": Custom()},
        {"solver": "lbfgs", "max_iter": 1000},
    ],
    ids=str,
)
def test_fits_without_advice_on_targets(params, diabetes):
    messages = fit_and_catch(MLPRegressor(**{**TWENTY, **params}), *diabetes)
    assert not any("scale them" in message for message in messages)


def test_targets_without_advice(diabetes):
    X, y = diabetes
    ones = (y - y.mean()) / y.std()
    weight = np.r_[np.zeros(40), np.ones(len(y) - 40)]
    net = MLPRegressor(**{**TWENTY, "max_iter": 2}, learning_rate="linear")
    assert fit_and_catch(net, X, ones) == []  # worse than the mean, after two epochs
    assert net.score(X, ones) < 0
    assert fit_and_catch(net, X, np.full(len(y), 152.3)) == []
    assert fit_and_catch(net, X, np.where(weight == 0, 1e9, ones), weight) == []
    assert fit_and_catch(net, X, np.full(len(y), 152.3), weight) == []
    tabular = TabularRegressor(n_members=1, hidden_layer_sizes=8, max_iter=1)
    tabular.set_params(early_stopping=False)  # it scales the targets itself
    assert fit_and_catch(tabular, X, 1e6 * y) == []


def test_a_penalty_is_no_reason_to_scale_targets(diabetes):
    X, y = diabetes
    y = 20 * (y - y.mean()) / y.std()
    net = MLPRegressor(**{**TWENTY, "max_iter": 300}, solver="lbfgs", alpha=1e5)
    messages = fit_and_catch(net, X, y)
    assert net.score(X, y) == pytest.approx(0, abs=0.01)  # the mean
    assert not any("scale them" in message for message in messages)
    # With the penalty, the loss of the last epoch is above that of the mean.
    net = MLPRegressor(**TWENTY, alpha=1e4, learning_rate="linear")
    assert fit_and_catch(net, X, y) == []
    assert net.loss_ > 1.2 * 0.5 * y.var()


@pytest.mark.parametrize("size", [1e-160, 1e150])
def test_extreme_targets_give_no_other_warning(size, diabetes):
    X, y = diabetes
    net = MLPRegressor(**{**TWENTY, "max_iter": 2}, learning_rate="linear")
    (message,) = fit_and_catch(net, X, size * y)
    assert f"a standard deviation of {(size * y).std():.3g}: scale them" in message


def test_partial_fit_says_nothing_of_targets(diabetes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPRegressor(**TWENTY).partial_fit(*diabetes)
