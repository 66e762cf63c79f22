"""partial_fit with a validation set: scores, the best weights, when to stop."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import learning_curve
from sklearn.preprocessing import scale

import sknn
from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.exceptions import FileError
from sknn.layers import BatchNorm, Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits().data / 16, load_digits().target
DIABETES = tuple(scale(part) for part in load_diabetes(return_X_y=True))
TRAIN, HELD_OUT = slice(0, 160), slice(160, 320)

STOPPING = {
    "early_stopping": True,
    "validation_fraction": 0,
    "n_iter_no_change": 2,
    "scoring": "loss",
}
"""What lets `partial_fit` stop early."""

COMMON = {"learning_rate_init": 0.1, "max_iter": 40, "random_state": 0}
LAYERS = [Dense(12), BatchNorm(), Dense(6)]
TABLES = {
    "hidden_layer_sizes": (8,),
    "learning_rate": "constant",
    "dropout": 0,
    "numerical_embedding": None,
}

CASES = {
    "MLP": MLPClassifier((16,), **COMMON),
    "MLP, the last weights": MLPClassifier((16,), restore_best=False, **COMMON),
    "MLP, a mean of weights": MLPClassifier((16,), restore_best=4, **COMMON),
    "MLP, accuracy": MLPClassifier((16,), **COMMON).set_params(tol=1e-3),
    "MLP, adaptive": MLPClassifier(
        (16,), solver="sgd", learning_rate="adaptive", **COMMON
    ),
    "MLP, numbers": MLPRegressor(hidden_layer_sizes=(16,), **COMMON),
    "CNN": CNNClassifier(2, hidden_layer_sizes=(6,), **COMMON),
    "CNN, numbers": CNNRegressor(
        2, hidden_layer_sizes=(6,), input_shape=(1, 10), pool_size=1, **COMMON
    ),
    "Sequential, running averages": SequentialClassifier(LAYERS, **COMMON),
    "Sequential, numbers": SequentialRegressor([Dense(9)], **COMMON),
    "Tabular, one": TabularClassifier(n_members=1, **TABLES, **COMMON),
    "Tabular, ensemble": TabularClassifier(n_members=3, **TABLES, **COMMON),
    "Tabular, numbers": TabularRegressor(n_members=2, **TABLES, **COMMON),
}


def case(name):
    """An estimator that stops early, its data, and its first arguments."""
    estimator = clone(CASES[name]).set_params(**STOPPING, shuffle=False)
    if name == "MLP, accuracy":
        estimator.set_params(scoring=None)
    is_classifier = hasattr(estimator, "class_weight")
    X, y = DIGITS if is_classifier else DIABETES
    first = {"classes": np.arange(10)} if is_classifier else {}
    validation = {"X_val": X[HELD_OUT], "y_val": y[HELD_OUT]}
    return estimator, X[TRAIN], y[TRAIN], validation, first


def train(estimator, X, y, validation, n_calls=40, between=lambda estimator: estimator):
    """Call partial_fit until it has converged."""
    first = {"classes": np.arange(10)} if hasattr(estimator, "class_weight") else {}
    for _ in range(n_calls):
        estimator = between(estimator).partial_fit(X, y, **validation, **first)
        if estimator.converged_:
            break
    return estimator


@pytest.mark.parametrize("name", CASES)
def test_partial_fit_on_all_rows_is_fit(name):
    """Scores, stop, best weights and predictions are those of fit, to the last bit."""
    estimator, X, y, validation, _ = case(name)
    whole = clone(estimator).fit(X, y, **validation)
    pieces = train(estimator, X, y, validation)
    assert whole.converged_ == pieces.converged_
    for attribute in (
        *("validation_scores_", "validation_loss_curve_", "loss_curve_"),
        *("best_epoch_", "best_validation_score_", "averaged_epochs_"),
        *("learning_rates_", "t_"),
    ):
        assert getattr(pieces, attribute) == getattr(whole, attribute), attribute
    assert_array_equal(pieces.network_.theta, whole.network_.theta)
    assert_array_equal(pieces.network_.state, whole.network_.state)
    if hasattr(whole, "temperature_"):
        assert pieces.temperature_ == whole.temperature_
    if hasattr(whole, "predict_interval"):
        X_val = validation["X_val"]
        intervals = [e.predict_interval(X_val, 0.8) for e in (pieces, whole)]
        assert_array_equal(*intervals)


@pytest.mark.parametrize("name", ["MLP", "CNN", "Tabular, ensemble"])
def test_most_cases_do_stop(name):
    estimator, X, y, validation, _ = case(name)
    stopped = train(estimator, X, y, validation)
    assert stopped.converged_
    assert 1 < stopped.best_epoch_ < len(stopped.history_["epoch"]) < 40


def saved_and_loaded(path):
    def copied(estimator):
        if not hasattr(estimator, "network_"):
            return estimator
        sknn.save(estimator, path)
        return sknn.load(path)

    return copied


@pytest.mark.parametrize("name", ["MLP, a mean of weights", "Tabular, ensemble"])
@pytest.mark.parametrize("how", ["pickle", "deepcopy", "copy", "file"])
def test_copies_between_calls_change_nothing(name, how, tmp_path):
    estimator, X, y, validation, _ = case(name)
    copied = {
        "pickle": lambda e: pickle.loads(pickle.dumps(e)),
        "deepcopy": copy.deepcopy,
        "copy": copy.copy,
        "file": saved_and_loaded(tmp_path / "model.sknn"),
    }[how]
    straight = train(clone(estimator), X, y, validation, 6)
    broken = train(estimator, X, y, validation, 6, between=copied)
    assert broken.validation_scores_ == straight.validation_scores_
    assert_array_equal(broken.network_.theta, straight.network_.theta)


@pytest.mark.parametrize("name", CASES)
def test_without_early_stopping_scores_are_recorded_and_training_is_the_same(name):
    estimator, X, y, validation, first = case(name)
    estimator.set_params(early_stopping=False, validation_fraction=0.1)
    if hasattr(estimator, "calibrate"):
        estimator.set_params(calibrate=False)
    seen, alone = clone(estimator), clone(estimator)
    for _ in range(4):
        seen.partial_fit(X, y, **validation, **first)
        alone.partial_fit(X, y, **first)
    assert len(seen.validation_scores_) == 4
    assert alone.validation_scores_ is None
    assert 1 <= seen.best_epoch_ <= 4
    assert seen.best_validation_score_ == max(seen.validation_scores_)
    assert_array_equal(seen.network_.theta, alone.network_.theta)


def test_calibration_does_not_change_what_is_trained():
    estimator, X, y, validation, first = case("Tabular, ensemble")
    estimator.set_params(early_stopping=False, validation_fraction=0.1)
    seen, alone = clone(estimator), clone(estimator)
    for _ in range(3):
        seen.partial_fit(X, y, **validation, **first)
        alone.partial_fit(X, y, **first)
    assert seen.temperature_ != 1
    assert seen.loss_curve_ == alone.loss_curve_
    seen.partial_fit(X, y)
    assert seen.temperature_ == 1
    assert_array_equal(seen.network_.theta, alone.partial_fit(X, y).network_.theta)


@pytest.mark.parametrize("name", ["MLP", "MLP, a mean of weights", "Tabular, ensemble"])
def test_calls_without_a_validation_set_only_train(name):
    """Three chunks per pass over the rows, scored at the end of each pass."""
    estimator, X, y, validation, first = case(name)
    chunks = np.array_split(np.arange(len(X)), 3)
    n_passes = 0
    while not getattr(estimator, "converged_", False) and n_passes < 30:
        n_passes += 1
        for rows in chunks[:-1]:
            before = estimator.network_.theta.copy() if n_passes > 1 else None
            estimator.partial_fit(X[rows], y[rows], **first)
            if before is not None:
                assert_array_equal(estimator.network_.theta, before)
                assert not estimator.converged_
        estimator.partial_fit(X[chunks[-1]], y[chunks[-1]], **validation)
    assert n_passes > 2
    scores = np.array(estimator.validation_scores_)
    if name != "Tabular, ensemble":  # its first member may have stopped before others
        assert np.isnan(scores).sum() == 2 * n_passes
    assert estimator.best_validation_score_ == np.nanmax(scores)
    assert estimator.best_epoch_ == 1 + np.nanargmax(scores)
    if name == "MLP":
        loss = estimator.validation_loss_curve_[estimator.best_epoch_ - 1]
        X_val, y_val = validation.values()
        of_best = -np.log(estimator.predict_proba(X_val))[np.arange(len(y_val)), y_val]
        assert of_best.mean() == pytest.approx(loss)


def test_all_chunks_are_trained_on_although_the_best_weights_are_shown():
    """The history of losses is that of training without early stopping."""
    estimator, X, y, validation, first = case("MLP")
    plain = clone(estimator).set_params(early_stopping=False)
    estimator = train(estimator, X, y, validation)
    for _ in estimator.history_["epoch"]:
        plain.partial_fit(X, y, **first)
    assert estimator.loss_curve_ == plain.loss_curve_
    assert not np.array_equal(estimator.network_.theta, plain.network_.theta)
    # Switched off, training shows the latest weights, and goes on from them.
    estimator.set_params(early_stopping=False).partial_fit(X, y)
    assert_array_equal(estimator.network_.theta, plain.partial_fit(X, y).network_.theta)


def test_it_may_go_on_after_it_has_converged():
    estimator, X, y, validation, _ = case("MLP")
    stopped = train(estimator, X, y, validation)
    best, n = stopped.best_validation_score_, len(stopped.loss_curve_)
    stopped.partial_fit(X, y, **validation)
    assert len(stopped.loss_curve_) == n + 1
    assert stopped.best_validation_score_ >= best


@pytest.mark.parametrize("name", ["MLP", "Tabular, ensemble"])
def test_after_fit_its_weights_compete(name):
    estimator, X, y, validation, _ = case(name)
    estimator.set_params(restore_best=1).fit(X, y, **validation)
    theta = estimator.network_.theta.copy()
    predictions = estimator.predict_proba(X)
    # Steps that only do harm.
    estimator.set_params(solver="sgd", learning_rate_init=10.0, max_grad_norm=1.0)
    estimator.partial_fit(X, y, **validation)
    if name == "MLP":
        assert_array_equal(estimator.network_.theta, theta)
        assert estimator.best_epoch_ == len(estimator.history_["epoch"]) - 1
    np.testing.assert_allclose(estimator.predict_proba(X), predictions, atol=1e-3)


@pytest.mark.parametrize(
    "name, how",
    [
        ("MLP", "in place"),
        ("MLP", "set_weights"),
        ("MLP", "frozen layers"),
        ("Tabular, ensemble", "in place"),
        ("Tabular, ensemble", "set_weights"),
    ],
)
def test_training_continues_from_weights_that_the_user_changed(name, how):
    estimator, X, y, validation, first = case(name)
    # So small that it changes nothing in float64, and very little in float32.
    estimator.set_params(learning_rate_init=1e-12, solver="sgd")
    estimator.partial_fit(X, y, **validation, **first)
    changed = [w + 0.25 for w in estimator.get_weights()]
    if how == "frozen layers":
        changed = estimator.get_weights()
        estimator.set_params(freeze=1)
    elif how == "in place":
        estimator.network_.weights = changed
    else:
        estimator.set_weights(changed)
    estimator.partial_fit(X, y)
    for ours, set_by_user in zip(estimator.get_weights(), changed, strict=True):
        np.testing.assert_allclose(ours, set_by_user, atol=1e-6)


def test_frozen_layers_may_change_between_calls():
    estimator, X, y, validation, first = case("Tabular, ensemble")
    for freeze in (None, "scale", None):
        estimator.set_params(freeze=freeze)
        for _ in range(2):
            estimator.partial_fit(X, y, **validation, **first)
    assert np.isfinite(estimator.predict_proba(X)).all()


def test_a_validation_set_that_is_weighted_or_invalid():
    estimator, X, y, validation, first = case("MLP")
    weights = np.where(np.arange(160) < 100, 1.0, 0.0)
    half = {name: rows[:100] for name, rows in validation.items()}
    weighted = clone(estimator).partial_fit(
        X, y, **validation, sample_weight_val=weights, **first
    )
    assert weighted.validation_loss_curve_ == pytest.approx(
        clone(estimator).partial_fit(X, y, **half, **first).validation_loss_curve_
    )
    before = weighted.network_.theta.copy()
    for bad, message in (
        ({"X_val": X}, "X_val is provided, but y_val was not"),
        ({"X_val": X[:, :3], "y_val": y}, "validation set .*has 3 features"),
        ({"X_val": X, "y_val": y + 5}, "validation set .*classes not in"),
        ({"sample_weight_val": weights}, "X_val and y_val were not provided"),
    ):
        with pytest.raises(ValueError, match=message):
            weighted.partial_fit(X, y, **bad)
    assert len(weighted.loss_curve_) == 1
    assert_array_equal(weighted.network_.theta, before)


@pytest.mark.parametrize("name", ["MLP", "Tabular, one"])
def test_a_call_that_diverges_changes_nothing(name):
    estimator, X, y, validation, first = case(name)
    for _ in range(3):
        estimator.partial_fit(X, y, **validation, **first)
    before = pickle.loads(pickle.dumps(estimator))
    estimator.set_params(solver="sgd", learning_rate_init=1e308)
    with pytest.raises(ValueError, match="non-finite"):
        estimator.partial_fit(X * 1e3, y)
    estimator.set_params(**before.get_params())
    for one in (estimator, before):
        one.partial_fit(X, y, **validation)
    assert_array_equal(estimator.network_.theta, before.network_.theta)
    assert estimator.validation_scores_ == before.validation_scores_


def test_scores_that_are_all_nan():
    estimator, X, y, validation, first = case("MLP")
    estimator.set_params(scoring=lambda estimator, X, y: np.nan)
    with pytest.raises(ValueError, match="validation score was NaN"):
        estimator.partial_fit(X, y, **validation, **first)
    assert not hasattr(estimator, "network_")


def test_a_planned_schedule_gives_no_warning_when_it_stops():
    estimator, X, y, validation, _ = case("MLP")
    estimator.set_params(learning_rate="cosine", learning_rate_init=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(estimator, X, y, validation, 39).converged_


@pytest.mark.parametrize(
    "params, message",
    [
        ({"validation_fraction": 0.1}, r"holds out rows of X \(validation_fraction"),
        ({"refit_on_all": True}, "with refit_on_all=True"),
    ],
)
def test_where_it_needs_all_rows_it_does_not_exist(params, message):
    estimator, X, y, validation, first = case("MLP")
    estimator.set_params(**params)
    assert not hasattr(estimator, "partial_fit")
    with pytest.raises(ValueError, match=message):
        estimator.partial_fit(X, y, **validation, **first)
    with pytest.raises(AttributeError, match="partial_fit does not support early"):
        estimator.partial_fit(X, y, **validation, **first)


def test_converged_is_said_of_fit_too():
    X, y = DIABETES
    params = {"hidden_layer_sizes": (4,), "random_state": 0}
    assert MLPRegressor(max_iter=1000, tol=1e-2, **params).fit(X, y).converged_
    assert not MLPRegressor(max_iter=2, **params).fit(X, y).converged_
    assert MLPRegressor(solver="lbfgs", tol=0.1, **params).fit(X, y).converged_


def test_learning_curves_by_partial_fit_work_under_early_stopping():
    """Without a validation set, calls only train."""
    estimator, X, y, _, _ = case("MLP")
    sizes, _, scores = learning_curve(
        estimator, X, y, train_sizes=[40, 80], cv=2, exploit_incremental_learning=True
    )
    assert sizes.tolist() == [40, 80]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["MLP", "Tabular, ensemble"])
def test_weights_of_another_network_are_no_part_of_a_file(name, tmp_path):
    estimator, X, y, validation, first = case(name)
    estimator.partial_fit(X, y, **validation, **first)
    theta, state = estimator._progress.latest
    estimator._progress.latest = theta[:1], state
    with pytest.raises(FileError, match="other parameters than its latest"):
        sknn.save(estimator, tmp_path / "model.sknn")  # which reads what it writes
