"""The run of one fit: history, restarts, early stopping, divergence, interruption."""

import warnings
from itertools import chain, repeat
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
)
from small_fits import DATA, DIABETES, ESTIMATORS, IRIS, SMALL, SpyLoss, fit, rows_seen

from sknn import MLPClassifier, MLPRegressor
from sknn.layers._masks import Mask
from sknn.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["adam", "sgd", "lbfgs"]


# -- history ---------------------------------------------------------------------------

COLUMNS = [
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
    "seconds",
]


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_history_is_a_table_with_a_row_for_each_epoch(Estimator, solver, watched):
    X, y = DATA[Estimator]
    val = {"X_val": X[:20], "y_val": y[:20]} if watched else {}
    net = Estimator(**SMALL, solver=solver).fit(X, y, **val)
    table = pd.DataFrame(net.history_)
    assert list(table) == COLUMNS
    assert list(table["epoch"]) == [1, 2, 3, 4]
    assert list(table["loss"]) == net.loss_curve_
    assert (table["seconds"] > 0).all()
    assert (table["gradient_norm"] > 0).all()
    assert table["learning_rate"].isna().all() == (solver == "lbfgs")
    assert_array_equal(table["learning_rate"], net.learning_rates_)
    if watched:
        assert list(table["validation_loss"]) == net.validation_loss_curve_
        assert list(table["validation_score"]) == net.validation_scores_
        score = net.score(X[:20], y[:20])
        assert table["validation_score"].iloc[-1] == pytest.approx(score, rel=1e-9)
    else:
        assert table[["validation_loss", "validation_score"]].isna().all(axis=None)
    if solver == "adam":
        net.partial_fit(X, y)
        assert list(pd.DataFrame(net.history_)["epoch"]) == [1, 2, 3, 4, 5]
        assert list(table["epoch"]) == [1, 2, 3, 4]


def test_history_shows_the_gradient_before_it_is_clipped():
    X, y = DIABETES
    net = MLPRegressor(
        solver="sgd", momentum=0, learning_rate_init=0.5, max_grad_norm=0.01,
        batch_size=120, alpha=0.1, random_state=0,
    )  # fmt: skip
    before = net.partial_fit(X, y).network_.theta.copy()
    net.partial_fit(X, y)
    step = np.linalg.norm(net.network_.theta - before)
    assert step == pytest.approx(0.5 * 0.01)
    free = clone(net).set_params(max_grad_norm=None)
    before = free.partial_fit(X, y).network_.theta.copy()
    free.partial_fit(X, y)
    step = np.linalg.norm(free.network_.theta - before)
    assert free.history_["gradient_norm"][1] == pytest.approx(step / 0.5)
    # Without clipping the norm is summed block by block: another order of the terms.
    first = [est.history_["gradient_norm"][0] for est in (net, free)]
    assert first[0] == pytest.approx(first[1], rel=1e-12)
    assert first[0] > 0.1


def test_verbose_2_prints_the_history(capsys):
    net = fit(verbose=2, early_stopping=True)
    lines = capsys.readouterr().out.splitlines()
    titles = "epoch loss val. loss val. score rate grad. norm seconds"
    assert " ".join(lines[0].split()) == titles
    assert len(lines) == 1 + net.n_iter_
    for line, row in zip(lines[1:], pd.DataFrame(net.history_).values, strict=True):
        assert_allclose([float(number) for number in line.split()], row, rtol=1e-4)


# -- batches ---------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_a_batch_without_weight_is_passed_over(Estimator, solver, iris):
    X, y = iris
    w = np.ones(len(y))
    w[50:100] = 0
    kept = w > 0
    params = {"solver": solver, "batch_size": 50, "shuffle": False, "random_state": 0,
              "max_iter": 5}  # fmt: skip
    weighted = Estimator(**params).fit(X, y, w)
    without = Estimator(**params).fit(X[kept], y[kept])
    np.testing.assert_allclose(weighted.network_.theta, without.network_.theta)
    np.testing.assert_allclose(weighted.loss_curve_, without.loss_curve_)


@pytest.mark.parametrize("rows", [201, 401])
def test_a_last_batch_of_one_row_does_not_spoil_batch_norm(rows):
    X, y = load_digits(return_X_y=True)
    params = {"normalization": "batch", "max_iter": 20, "random_state": 0}
    spoilt, whole = (
        MLPClassifier(**params).fit(X[:n] / 16, y[:n]) for n in (rows, rows - 1)
    )
    np.testing.assert_allclose(
        spoilt.network_.params[1]["var"].mean(),
        whole.network_.params[1]["var"].mean(),
        rtol=0.1,
    )


def test_batch_norm_refuses_batches_of_one_row():
    net = MLPClassifier(normalization="batch", batch_size=1)
    with pytest.raises(ValueError, match=r"batch_size=1\. Use a larger batch"):
        net.fit(*DATA[MLPClassifier])


def test_adadelta_says_what_rate_it_wants():
    with pytest.warns(UserWarning, match="learning_rate_init=1 is usual"):
        MLPClassifier(solver="adadelta", max_iter=2).fit(*DATA[MLPClassifier])


# -- warm start ------------------------------------------------------------------------


def test_warm_start_with_another_normalization():
    net = fit(normalization="batch", warm_start=True)
    for other in ("layer", None):
        before = dict(vars(net.set_params(normalization=other)))
        with pytest.raises(ValueError, match="now describe other layers"):
            net.fit(*IRIS)
        assert vars(net) == before


def test_warm_start_with_other_layers(iris):
    clf = MLPClassifier(10, warm_start=True, max_iter=2).fit(*iris)
    message = r"describe other layers, Network\(4 -> 20 -> 3,.* Network\(4 -> 10 -> 3"
    with pytest.raises(ValueError, match=message):
        clf.set_params(hidden_layer_sizes=20).fit(*iris)
    assert clf.network_.out_shape == (3,)
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        clf.set_params(hidden_layer_sizes=10).fit(iris[0], iris[1] + 1)


# -- early stopping: the best weights, and a refit on all rows -------------------------

HELD_OUT = np.arange(120) % 4 == 1

SPLIT = PredefinedSplit(np.where(HELD_OUT, 0, -1))


def regressor_with_best_epoch(best, n_epochs=5, **params):
    """A regressor whose scorer finds epoch `best` best; notes what the scorer sees.

    Means of epochs are as good as the best.
    """
    scores = chain(-abs(np.arange(1, n_epochs + 1) - best), repeat(0))
    seen = []

    def scorer(fitted, X, y):
        seen.append((X, y))
        return float(next(scores))

    net = MLPRegressor(
        **{**SMALL, "max_iter": n_epochs, **params}, early_stopping=True,
        validation_fraction=SPLIT, scoring=scorer,
    )  # fmt: skip
    return net.fit(*DIABETES), seen


def by_partial_fit(n_epochs, X, y, **params):
    net = MLPRegressor(**{**SMALL, "max_iter": 5, **params})
    for _ in range(n_epochs):
        net.partial_fit(X, y)
    return net


SOME = [
    {},
    {"solver": "sgd", "learning_rate": "one_cycle"},
    {"normalization": "batch", "learning_rate": Cosine(warmup=1)},
]


def test_the_rows_of_the_splitter_are_held_out():
    X, y = DIABETES
    rows_seen.clear()
    net, seen = regressor_with_best_epoch(3, loss=SpyLoss())
    for X_seen, y_seen in seen:
        assert_array_equal(X_seen, X[HELD_OUT])
        assert_array_equal(y_seen, y[HELD_OUT])
    *seen_in_epochs, _ = rows_seen  # the last are those of the check for divergence
    epochs = [seen_in_epochs[i : i + 4] for i in range(0, len(seen_in_epochs), 4)]
    for *batches, validated in epochs:
        assert_array_equal(np.sort(np.hstack(batches)), np.sort(y[~HELD_OUT]))
        assert_array_equal(validated, y[HELD_OUT])
    assert len(epochs) == net.n_iter_ == 5


@pytest.mark.parametrize("params", SOME, ids=str)
def test_restore_best_goes_back_or_keeps_the_last_weights(params):
    params = {**params, "shuffle": False}
    X, y = DIABETES[0][~HELD_OUT], DIABETES[1][~HELD_OUT]
    for restores, n_epochs in ((True, 3), (False, 5)):
        net, _ = regressor_with_best_epoch(3, restore_best=restores, **params)
        by_hand = by_partial_fit(n_epochs, X, y, **params)
        assert_array_equal(net.network_.theta, by_hand.network_.theta)
        assert_array_equal(net.network_.state, by_hand.network_.state)
        assert net.best_validation_score_ == 0
        assert net.n_iter_ == len(net.validation_scores_) == 5


@pytest.mark.parametrize("params", SOME, ids=str)
@pytest.mark.parametrize("refit_on_all", [False, True])
def test_restore_best_averages_the_best_epochs(params, refit_on_all):
    params = {**params, "shuffle": False}
    net, _ = regressor_with_best_epoch(
        3, restore_best=3, refit_on_all=refit_on_all, **params
    )
    rows = slice(None) if refit_on_all else ~HELD_OUT
    X, y = DIABETES[0][rows], DIABETES[1][rows]
    by_hand = [by_partial_fit(n, X, y, **params).network_ for n in (2, 3, 4)]
    mean = np.mean([network.theta for network in by_hand], axis=0)
    assert_allclose(net.network_.theta, mean, rtol=1e-12, atol=1e-12)
    state = np.mean([network.state for network in by_hand], axis=0)
    assert_allclose(net.network_.state, state, rtol=1e-12, atol=1e-12)
    assert net.averaged_epochs_ == [2, 3, 4]
    assert net.best_epoch_ == 3
    assert net.n_iter_ == (4 if refit_on_all else 5)


# -- max_time --------------------------------------------------------------------------


@pytest.fixture
def seconds(monkeypatch):
    """A clock for the training; each validation takes a second of it."""
    seconds = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: seconds[0])
    monkeypatch.setattr("sknn._training.monitor.time", clock)
    return seconds


def timed_regressor(seconds, best, n_epochs=10, **params):
    def scorer(fitted, X, y):
        seconds[0] += 1
        return -abs(seconds[0] - best)

    net = MLPRegressor(
        **{**SMALL, "max_iter": n_epochs, **params}, early_stopping=True,
        validation_fraction=SPLIT, scoring=scorer,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(*DIABETES)
    return net, [str(w.message) for w in caught]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_training_ends_before_the_epoch_that_would_take_too_long(solver, seconds):
    net, messages = timed_regressor(seconds, best=2, solver=solver, max_time=3.5)
    assert (net.n_iter_, net.best_epoch_) == (3, 2)
    assert len(messages) == 1
    assert "max_time=3.5 seconds reached after 3 epochs" in messages[0]
    seconds[0] = 0.0
    enough, messages = timed_regressor(seconds, best=2, solver=solver, max_time=10)
    assert enough.n_iter_ == 10
    seconds[0] = 0.0
    unlimited, expected = timed_regressor(seconds, best=2, solver=solver)
    assert messages == expected
    assert_array_equal(enough.network_.theta, unlimited.network_.theta)


def test_at_least_one_epoch_is_trained(seconds):
    net, _ = timed_regressor(seconds, best=2, max_time=0.1)
    assert net.n_iter_ == 1


def test_a_refit_has_its_share_of_the_time(seconds):
    # 90 rows in the first run, 120 in the second: 3 and 4 of 7 seconds.
    net, _ = timed_regressor(seconds, best=3, refit_on_all=True, max_time=7)
    assert len(net.loss_curve_) == net.n_iter_ == 3


@pytest.mark.parametrize("params", SOME, ids=str)
def test_refit_on_all_trains_on_all_rows_for_as_many_epochs_as_were_best(params):
    params = {**params, "shuffle": False}
    net, seen = regressor_with_best_epoch(3, refit_on_all=True, **params)
    by_hand = by_partial_fit(3, *DIABETES, **params)
    assert_array_equal(net.network_.theta, by_hand.network_.theta)
    assert_array_equal(net.network_.state, by_hand.network_.state)
    assert net.n_iter_ == 3
    assert net.loss_ == by_hand.loss_
    # The history is that of the run that found the best epoch.
    search, _ = regressor_with_best_epoch(3, **params)
    assert len(seen) == 5
    assert net.loss_curve_ == search.loss_curve_
    assert net.validation_scores_ == search.validation_scores_


def test_refit_on_all_with_lbfgs_and_with_shuffles():
    X, y = DIABETES
    net, _ = regressor_with_best_epoch(3, refit_on_all=True, solver="lbfgs")
    by_hand = MLPRegressor(**{**SMALL, "max_iter": 3}, solver="lbfgs").fit(X, y)
    assert_array_equal(net.network_.theta, by_hand.network_.theta)
    rows_seen.clear()
    regressor_with_best_epoch(2, refit_on_all=True, loss=SpyLoss())
    # Each run ends with a check for divergence, on one batch.
    refit = [rows_seen[21:][i : i + 3] for i in (0, 3)]
    assert len(rows_seen) == (5 * 4 + 1) + (2 * 3 + 1)
    for batches in refit:
        assert_array_equal(np.sort(np.hstack(batches)), np.sort(y))


def test_refit_on_all_counts_the_epochs_that_there_were():
    """L-BFGS may be done on all rows before the best epoch of the hold-out."""
    X, y = IRIS[0][:, 3:], IRIS[0][:, 2]
    scores = iter(range(1000))
    net = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0,
        early_stopping=True, refit_on_all=True, validation_fraction=KFold(5),
        scoring=lambda *_: next(scores),
    ).fit(X, y)  # fmt: skip
    alone = clone(net).set_params(early_stopping=False)
    alone.set_params(max_iter=len(net.validation_scores_)).fit(X, y)
    assert_array_equal(net.network_.theta, alone.network_.theta)
    assert net.n_iter_ == alone.n_iter_ < len(net.validation_scores_)


def test_refit_on_all_needs_rows_to_hold_out():
    X, y = IRIS
    net = MLPClassifier(early_stopping=True, refit_on_all=True)
    with pytest.raises(ValueError, match=r"refit_on_all=True .* with X_val and y_val"):
        net.fit(X, y, X_val=X[:10], y_val=y[:10])
    assert vars(net) == vars(MLPClassifier(early_stopping=True, refit_on_all=True))


# -- divergence and interruption -------------------------------------------------------


def test_weights_that_become_non_finite_are_not_called_a_loss():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(solver="sgd", learning_rate_init=1e308, max_iter=1,
                        batch_size=400)  # fmt: skip
    with pytest.raises(ValueError, match="The weights became non-finite in epoch 1"):
        clf.fit(X[:400] * 1e10, y[:400])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_says_when_and_what_to_try(solver, iris):
    X, y = iris
    reg = MLPRegressor(solver=solver, learning_rate_init=1e30, random_state=0)
    message = r"became (nan|inf) in epoch \d+, where training stopped. Scale .* lower "
    with pytest.raises(ValueError, match=message + r"learning_rate_init=1e\+30"):
        reg.fit(1e200 * X, y)
    assert vars(reg) == vars(
        MLPRegressor(solver=solver, learning_rate_init=1e30, random_state=0)
    )


def test_divergence_with_early_stopping_keeps_the_best_weights(iris):
    X, y = iris
    reg = MLPRegressor(
        hidden_layer_sizes=50, activation="identity", solver="sgd",
        learning_rate_init=1, max_iter=500, n_iter_no_change=500,
        early_stopping=True, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="in epoch .* best validation score"):
        reg.fit(X, y)
    assert reg.n_iter_ < 500
    assert np.isnan(reg.validation_scores_[-1])
    assert np.isfinite(reg.predict(X)).all()


def test_divergence_without_restoring_is_an_error():
    """There are no good weights to keep."""
    X, y = IRIS
    net = MLPRegressor(
        hidden_layer_sizes=50, activation="identity", solver="sgd",
        learning_rate_init=1, max_iter=500, n_iter_no_change=500,
        early_stopping=True, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="best validation score are kept"):
        net.fit(X, y)
    with pytest.raises(ValueError, match="non-finite"):
        net.set_params(restore_best=False).fit(X, y)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_interruption_keeps_the_weights_so_far(solver, early_stopping, iris):
    calls = []

    def interrupt(estimator, X, y):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return estimator.score(X, y)

    X, y = iris
    clf = MLPClassifier(
        solver=solver, scoring=interrupt, early_stopping=early_stopping, random_state=0
    )
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        clf.fit(X, y, X_val=X, y_val=y)
    assert clf.predict(X).shape == (150,)
    assert len(clf.validation_scores_) == 4
    if early_stopping:
        assert clf.score(X, y) == pytest.approx(max(clf.validation_scores_))


# -- scheduled dropout, dropped batches, the latest best epoch -------------------------


def recorded_rates(**params):
    """The rate of dropout in each step of a run of four epochs of three batches."""
    rates = []

    class Recorded(Mask):
        def _draw(self):
            super()._draw()
            threshold, scale = self.limits
            assert_allclose(scale, 1 / (1 - threshold / 2**16))
            rates.append(threshold / 2**16)

    X, y = np.random.RandomState(0).normal(size=(30, 4)), np.arange(30) % 2
    net = MLPClassifier(
        (8,), dropout=0.5, max_iter=4, batch_size=10, random_state=0, **params
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sknn.layers.dropout.Mask", Recorded)
        net.fit(X, y)
    return rates


def test_the_rate_of_dropout_follows_its_schedule():
    assert recorded_rates() == [0.5] * 12
    u = np.arange(12) / 12
    linear = recorded_rates(dropout_schedule="linear")
    assert_allclose(linear, 0.5 * (1 - u), atol=2**-16)
    flat = recorded_rates(dropout_schedule="flat_cosine", learning_rate="linear")
    falling = (1 + np.cos(np.pi * (2 * u - 1))) / 2
    assert_allclose(flat, 0.5 * np.where(u < 0.5, 1, falling), atol=2**-16)


def test_weight_decay_follows_its_schedule():
    X, y = np.zeros((10, 3)), np.arange(10) % 2
    net = MLPClassifier(
        (4,), solver="adamw", learning_rate_init=0.1, weight_decay=0.5, alpha=0,
        batch_size=5, max_iter=3, weight_decay_schedule="linear", random_state=0,
    )  # fmt: skip
    start = MLPClassifier((4,), freeze=1, max_iter=1, random_state=0).fit(X, y)
    # The inputs are 0, so the gradient of the first weights is, and they only decay.
    shrunk = np.prod([1 - 0.1 * 0.5 * (1 - i / 6) for i in range(6)])
    assert_allclose(net.fit(X, y).coefs_[0], shrunk * start.coefs_[0], rtol=1e-12)


@pytest.mark.parametrize("n, used", [(30, 30), (31, 30), (39, 30), (10, 10)])
def test_the_last_batch_is_dropped_if_it_is_not_full(n, used):
    X, y = np.random.RandomState(0).normal(size=(n, 3)), np.arange(n) % 2
    settings = {"batch_size": 10, "max_iter": 1, "shuffle": False, "random_state": 0}
    net = MLPClassifier((4,), drop_last=True, **settings).fit(X, y)
    assert net.t_ == used
    same = MLPClassifier((4,), **settings).fit(X[:used], y[:used])
    assert_array_equal(net.coefs_[0], same.coefs_[0])


@pytest.mark.parametrize("restore_best, epoch", [(True, 2), ("latest", 4), (False, 2)])
def test_of_epochs_with_the_best_score_the_first_or_the_latest(restore_best, epoch):
    scores = iter([0.1, 0.7, 0.6, 0.7, 0.2])
    seen = []

    def scorer(estimator, X, y):
        seen.append(estimator.network_.theta.copy())
        return next(scores)

    X, y = np.random.RandomState(0).normal(size=(30, 3)), np.arange(30) % 2
    net = MLPClassifier(
        (4,), early_stopping=True, scoring=scorer, restore_best=restore_best,
        max_iter=5, random_state=0,
    )  # fmt: skip
    net.fit(X, y)
    assert net.best_epoch_ == epoch
    kept = epoch if restore_best else 5
    assert_array_equal(net.network_.theta, seen[kept - 1])


def test_running_averages_that_overflow_are_a_divergence():
    """The variance of a feature is infinite, and its predictions would be constant."""
    X, y = np.array(IRIS[0]), IRIS[1]
    X[7, 2] = 1e200
    for method in ("fit", "partial_fit"):
        reg = MLPRegressor(normalization="batch", random_state=0, max_iter=2)
        with pytest.raises(ValueError, match="may contain large values"):
            getattr(reg, method)(X, y)
        assert not hasattr(reg, "network_")
