"""TabularClassifier and TabularRegressor: any table, straight in, and all that a sknn
estimator has. How columns are encoded is tested in `test_preprocessing.py`."""

import copy
import io
import os
import pickle
import subprocess
import sys
import textwrap
from contextlib import redirect_stdout

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import uniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_friedman1
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    PredefinedSplit,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits

from sknn import TabularClassifier, TabularRegressor
from sknn.display import ActivationDisplay, LossCurveDisplay, ScheduleDisplay
from sknn.inspection import (
    activation_statistics,
    check_gradients,
    check_initial_loss,
    check_overfits_small_sample,
    doctor,
    gradient_statistics,
    learning_rate_range_test,
)
from sknn.preprocessing import TableEncoder

N = 240


def mixed_table():
    """A table with columns of all kinds, most of them with missing values."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": rng.normal(size=N),
            "text": rng.choice(["a", "b", "c"], N),
            "city": rng.choice([f"city {i}" for i in range(15)], N),
            "category": pd.Categorical(rng.choice(["u", "v"], N)),
            "flag": rng.random(N) > 0.5,
            "Int": pd.array(rng.integers(0, 9, N), dtype="Int64"),
            "Float": pd.array(rng.normal(size=N), dtype="Float64"),
            "Flag": pd.array(rng.random(N) > 0.5, dtype="boolean"),
            "string": pd.array(rng.choice(["s", "t"], N), dtype="string"),
            "constant": 1.0,
            "empty": np.nan,
        }
    )
    for i, name in enumerate(table.columns.drop(["flag", "constant", "empty"])):
        table.loc[table.index[i::9], name] = None
    table["object"] = table["text"].astype(object)
    return table


X = mixed_table()
SIGNAL = X["number"].fillna(0) + 2 * (X["text"] == "a") - X["flag"]
CLASSES = np.where(SIGNAL > 0, "yes", "no")
NUMBERS = 100 * SIGNAL.to_numpy() + 500
NUMERIC = X[["number", "Int", "Float"]].astype(float)

QUICK = {"hidden_layer_sizes": (32,), "max_iter": 16, "n_members": 1, "random_state": 0}
LONGER = {**QUICK, "max_iter": 64}
TO_RESUME = {**QUICK, "early_stopping": False}

DATA = {TabularClassifier: (X, CLASSES), TabularRegressor: (X, NUMBERS)}
BOTH = pytest.mark.parametrize("Estimator", DATA)


def classifier(**params):
    return TabularClassifier(**{**QUICK, **params})


def regressor(**params):
    return TabularRegressor(**{**QUICK, **params})


def fit(Estimator, **params):
    return Estimator(**{**QUICK, **params}).fit(*DATA[Estimator])


def outputs(estimator, X):
    """Probabilities or predictions, the finest that an estimator has."""
    return getattr(estimator, "predict_proba", estimator.predict)(X)


# -- tables ----------------------------------------------------------------------------


@BOTH
def test_a_mixed_table_needs_no_preparation(Estimator):
    X, y = DATA[Estimator]
    estimator = fit(Estimator, max_iter=64)
    assert estimator.score(X, y) > 0.8
    assert estimator.n_features_in_ == X.shape[1]
    assert_array_equal(estimator.feature_names_in_, X.columns)
    for column in X.columns:  # alone, and missing in all rows to predict
        alone = Estimator(**QUICK).fit(X[[column]], y)
        assert np.isfinite(outputs(alone, X[[column]].iloc[:1])).all()
        missing = X.iloc[:3].assign(**{column: [None] * 3})
        assert np.isfinite(outputs(estimator, missing)).all()


@BOTH
def test_arrays_and_lists_of_objects_are_tables_too(Estimator):
    X, y = DATA[Estimator]
    X = X.drop(
        columns="empty"
    )  # without a dtype, a column without values is a category
    cells = X.astype(object).where(X.notna(), None)
    by_array = Estimator(**QUICK).fit(cells.to_numpy(), y)
    by_list = Estimator(**QUICK).fit(cells.to_numpy().tolist(), y)
    assert_array_equal(
        outputs(by_array, cells.to_numpy()), outputs(by_list, cells.to_numpy())
    )
    assert_allclose(
        outputs(by_array, cells.to_numpy()),
        outputs(Estimator(**QUICK).fit(X, y), X),
        rtol=1e-5,
    )


@BOTH
def test_polars_and_pandas_give_the_same(Estimator):
    X, y = DATA[Estimator]
    X = X[["number", "text", "city", "flag"]]
    frame = pl.DataFrame({
        name: [None if pd.isna(v) else v for v in X[name].tolist()] for name in X
    })  # fmt: skip
    ours, theirs = (Estimator(**QUICK).fit(table, y) for table in (X, frame))
    assert_array_equal(theirs.feature_names_in_, X.columns)
    assert_array_equal(outputs(ours, X), outputs(theirs, frame))
    assert_array_equal(outputs(ours, frame), outputs(theirs, X))
    assert_array_equal(
        ours.predict(X), Estimator(**QUICK).fit(X, pl.Series(y)).predict(X)
    )
    with pytest.raises(ValueError, match=r"X is a LazyFrame: pass X.collect\(\)"):
        ours.predict(frame.lazy())


def test_arrow_columns_are_those_of_pandas():
    pytest.importorskip("pyarrow")
    kinds = {"number": "float64", "city": "string", "flag": "bool", "Int": "int64"}
    arrow = X[list(kinds)].astype({k: f"{v}[pyarrow]" for k, v in kinds.items()})
    ours, theirs = (classifier().fit(table, CLASSES) for table in (X[[*kinds]], arrow))
    assert_allclose(ours.predict_proba(X[[*kinds]]), theirs.predict_proba(arrow))


@pytest.mark.parametrize("dtype", [float, np.float32, int, np.uint8, bool, str])
def test_arrays_of_any_dtype(dtype):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (60, 3)).astype(dtype)
    y = rows[:, 0] == rows[0, 0]
    clf = classifier(max_iter=64).fit(rows, y)
    assert clf.score(rows, y) == 1
    assert clf.predict_proba(rows[:1]).shape == (1, 2)


def test_values_that_were_not_seen_are_those_of_the_unknown_code():
    reg = fit(TabularRegressor)
    new, other = (
        X.assign(text=v, city=v, category=v, string=v, object=v) for v in ("new", "?")
    )
    assert_array_equal(reg.predict(new), reg.predict(other))
    assert not np.array_equal(reg.predict(new), reg.predict(X))


@pytest.mark.parametrize("named_first", [True, False])
def test_missing_names_of_columns_are_warned_of_once(named_first):
    array = np.column_stack([NUMBERS, NUMBERS])
    frame = pd.DataFrame(array, columns=["a", "b"])
    first, then = (frame, array) if named_first else (array, frame)
    reg = regressor(max_iter=1).fit(first, NUMBERS)
    expected = reg.predict(first)
    with pytest.warns(UserWarning, match="feature names") as caught:
        predicted = reg.predict(then)
    (message,) = (str(warning.message) for warning in caught)
    assert "TabularRegressor was fitted with" in message
    assert_allclose(predicted, expected)


@BOTH
def test_columns_must_be_those_of_the_training_table(Estimator):
    estimator, X = fit(Estimator), DATA[Estimator][0]
    name = Estimator.__name__
    with pytest.raises(ValueError, match="must be in the same order"):
        estimator.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="yet now missing:\n- text"):
        estimator.predict(X.drop(columns="text"))
    with pytest.raises(ValueError, match="unseen at fit time:\n- more"):
        estimator.predict(X.assign(more=1))
    alone = Estimator(**QUICK).fit(NUMERIC.to_numpy(), DATA[Estimator][1])
    with pytest.raises(ValueError, match=f"2 features, but {name} is expecting 3"):
        alone.predict(NUMERIC.to_numpy()[:, :2])


@BOTH
def test_what_is_no_table_is_refused(Estimator):
    X, y = DATA[Estimator]
    estimator = Estimator(**QUICK)
    dates = pd.date_range("2020-01-01", periods=N)
    for column, advice in [
        (dates, "got 'when' .datetime64.*the day of the week"),
        (dates - dates[0], "got 'when' .timedelta64.*such as days"),
        ([[1, 2]] * N, "got 'when' .list.*a column of each number"),
    ]:
        with pytest.raises(ValueError, match=advice):
            estimator.fit(X.assign(when=column), y)
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense"):
        estimator.fit(sparse.csr_matrix(np.eye(N)), y)
    with pytest.raises(ValueError, match=f"0 sample.* by {Estimator.__name__}"):
        estimator.fit(X.iloc[:0], y[:0])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D"):
        estimator.fit(X["Float"].to_numpy(float, na_value=np.nan), y)
    with pytest.raises(ValueError, match="Column 'number' must hold numbers, but"):
        fit(Estimator).predict(X.assign(number="many"))
    assert not hasattr(estimator, "n_features_in_")


def test_an_identifier_is_warned_of():
    table = X.assign(id=[f"row {i}" for i in range(N)])
    with pytest.warns(UserWarning, match="'id' has 240 categories in 240 rows"):
        classifier().fit(table, CLASSES)


CODES = np.random.default_rng(1).integers(0, 3, (N, 2))


@pytest.mark.parametrize("chosen", [["a"], [0], [True, False], np.array([0]), ("a",)])
def test_categorical_features_are_names_indices_or_a_mask(chosen):
    table = pd.DataFrame(CODES, columns=["a", "b"])
    found, expected = (
        classifier(categorical_features=chosen).fit(table, CLASSES),
        classifier().fit(table.astype({"a": "category"}), CLASSES),
    )
    assert_array_equal(
        found.predict_proba(table),
        expected.predict_proba(table.astype({"a": "category"})),
    )
    numbers = classifier(categorical_features=None).fit(table, CLASSES)
    assert_array_equal(
        numbers.predict_proba(table),
        classifier().fit(table, CLASSES).predict_proba(table),
    )


@pytest.mark.parametrize(
    "chosen, error",
    [
        (["c"], r"the table has no column 'c'\. The columns are \['a', 'b'\]\.$"),
        ([2], r"the table has no column 2\. Its columns are 0 to 1\.$"),
        ([-1], "the table has no column -1"),
        ([True], "a mask of length 1, but the table has 2 columns"),
        ([0.5], r"got \[0.5\]"),
        ("a", r"^Pass a list, categorical_features=\['a'\]\. The 'categorical_features"
         "' parameter of TabularClassifier must be"),
        ("dtype", r"^Did you mean 'from_dtype'\? The 'categorical_features'"),
    ],
)  # fmt: skip
def test_categorical_features_must_be_columns(chosen, error):
    table = pd.DataFrame(CODES, columns=["a", "b"])
    with pytest.raises(ValueError, match=error):
        classifier(categorical_features=chosen).fit(table, CLASSES)


def test_text_that_is_not_to_be_a_category_is_an_error():
    with pytest.raises(ValueError, match="Column 'text' must hold numbers, but could"):
        classifier(categorical_features=None).fit(X, CLASSES)


def test_the_tags_say_what_is_accepted():
    for estimator in (TabularClassifier(), TabularRegressor()):
        tags = get_tags(estimator)
        given = tags.input_tags
        assert given.allow_nan
        assert given.categorical
        assert given.string
        assert not given.sparse
        assert tags.transformer_tags.preserves_dtype == ["float32"]


# -- targets ---------------------------------------------------------------------------


@pytest.mark.parametrize("scale, shift", [(1e9, 0), (1e-9, 0), (1, 1e9), (1e150, 0)])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "gaussian", "quantile"])
def test_predictions_scale_with_the_target(loss, scale, shift):
    reg, scaled = (
        regressor(loss=loss).fit(X, y) for y in (NUMBERS, scale * NUMBERS + shift)
    )
    size, y = scale * np.std(NUMBERS), reg.predict(X)
    assert_allclose(
        (scaled.predict(X) - shift) / size, scale * y / size, rtol=1e-3, atol=1e-3
    )
    if loss == "gaussian":
        stds = (net.predict(X, return_std=True)[1] for net in (reg, scaled))
        assert_allclose(scale * next(stds), next(stds), rtol=1e-3)
    widths = [np.ptp(net.predict_interval(X), axis=1) for net in (reg, scaled)]
    assert_allclose(widths[0] * scale / size, widths[1] / size, rtol=1e-2)


@pytest.mark.parametrize("value", [0.0, 0.1, -5e8])
def test_a_constant_target_is_predicted(value):
    reg = regressor().fit(X, np.full(N, value))
    assert_array_equal(reg.predict(X), np.full(N, value))


def test_predictions_stay_within_the_range_of_the_target_unless_clip_is_off():
    far = NUMERIC * 1e3
    limited, free = (
        regressor(clip=clip, numerical_embedding=None)
        .fit(NUMERIC, NUMBERS)
        .predict(far)
        for clip in (True, False)
    )
    low, high = NUMBERS.min(), NUMBERS.max()
    assert free.max() > high or free.min() < low
    assert_allclose(limited, np.clip(free, low, high), rtol=1e-6)


def test_the_range_grows_with_the_targets_of_partial_fit():
    reg = TabularRegressor(**{**TO_RESUME, "max_iter": 64}).partial_fit(X, NUMBERS / 9)
    for _ in range(63):
        reg.partial_fit(X, NUMBERS)
    assert reg.predict(X).max() > 1.5 * NUMBERS.max() / 9


LOSSES = {
    "squared_error": {},
    "absolute_error": {},
    "huber": {"delta": 0.5},
    "poisson": {},
    "quantile": {"quantile": 0.4},
    "gaussian": {},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_all_losses_of_regression_learn(loss):
    reg = TabularRegressor(loss, **LONGER, **LOSSES[loss])
    y = NUMBERS - NUMBERS.min()
    assert reg.fit(X, y).score(X, y) > 0.7
    assert reg.predict(X).min() >= 0


def test_several_quantiles_are_in_order():
    reg = TabularRegressor("quantile", quantile=(0.1, 0.5, 0.9), **LONGER)
    y = reg.fit(X, NUMBERS).predict(X)
    assert y.shape == (N, 3)
    assert (np.diff(y) >= 0).all()
    assert 0.6 < np.mean((y[:, 0] <= NUMBERS) & (y[:, 2] >= NUMBERS)) < 1


def test_gaussian_deviations_are_in_the_units_of_the_target():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (1500, 1))
    noise = np.where(rows[:, 0] > 0, 300.0, 30.0)
    y = 1e4 + rng.normal(size=len(rows)) * noise
    reg = TabularRegressor("gaussian", **LONGER).fit(rows, y)
    mean, std = reg.predict(rows, return_std=True)
    assert abs(mean.mean() - 1e4) < 50
    for noisy in (True, False):
        expected = 300 if noisy else 30
        found = np.median(std[(rows[:, 0] > 0) == noisy])
        assert expected / 1.5 < found < expected * 1.5
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian'"):
        fit(TabularRegressor).predict(X, return_std=True)


def test_the_best_epoch_is_one_whose_quantiles_are_right():
    rows, y = make_friedman1(2000, noise=3, random_state=0)
    reg = TabularRegressor("quantile", quantile=0.9, **LONGER).fit(
        rows[:1000], y[:1000]
    )
    assert 0.82 < np.mean(y[1000:] <= reg.predict(rows[1000:])) < 0.98
    for loss in ("quantile", "gaussian"):
        chosen = fit(TabularRegressor, loss=loss)
        assert_allclose(
            chosen.best_validation_score_, -min(chosen.validation_loss_curve_)
        )


@pytest.mark.parametrize("loss", ["squared_error", "gaussian", "quantile"])
def test_intervals_cover_new_targets(loss):
    rows, y = make_friedman1(3000, noise=1, random_state=0)
    y = 1e3 * y
    quantile = (0.1, 0.5, 0.9) if loss == "quantile" else 0.5
    reg = TabularRegressor(loss, **LONGER, quantile=quantile)
    reg.fit(rows[:1500], y[:1500])
    low, high = reg.predict_interval(rows[1500:], coverage=0.8).T
    covered = np.mean((low <= y[1500:]) & (y[1500:] <= high))
    # Of 300 held-out rows the share below the 80% quantile of all varies by this much.
    deviation = np.sqrt(0.8 * 0.2 * (1 / 300 + 1 / 1500))
    assert abs(covered - 0.8) < 3 * deviation


def test_several_targets_of_any_size():
    Y = np.column_stack([NUMBERS, 1e-6 * NUMBERS + 3])
    reg = TabularRegressor(**LONGER).fit(X, pd.DataFrame(Y))
    assert reg.score(X, Y) > 0.8
    assert_allclose(reg.predict(X)[:, 1], 1e-6 * reg.predict(X)[:, 0] + 3, rtol=1e-3)
    assert reg.predict_interval(X).shape == (N, 2, 2)


@pytest.mark.parametrize(
    "y, error",
    [
        (CLASSES, "y must hold numbers, as this is a regressor, but it is of type"),
        (CLASSES.astype(object), "y must hold numbers, but could not convert string"),
        (np.full(N, np.nan), "Input y contains NaN"),
        (np.full(N, "2020", "M8[D]"), "but it is of type datetime64"),
        (NUMBERS[:9], "inconsistent numbers of samples"),
    ],
)
def test_targets_of_a_regressor_must_be_numbers(y, error):
    with pytest.raises(ValueError, match=error):
        regressor().fit(X, y)


def test_a_count_must_not_be_negative():
    with pytest.raises(ValueError, match="it needs y >= 0"):
        regressor(loss="poisson").fit(X, NUMBERS - 1e4)


def test_classes_labels_and_weights_of_a_classifier():
    several = X["text"].fillna("none").to_numpy(str)
    clf = TabularClassifier(**LONGER).fit(X, several)
    assert list(clf.classes_) == ["a", "b", "c", "none"]
    assert clf.score(X, several) > 0.9
    assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    labels = np.column_stack([CLASSES == "yes", several == "a"]).astype(int)
    assert TabularClassifier(**LONGER).fit(X, labels).score(X, labels) > 0.7
    rare = np.where(np.arange(N) % 12, "often", "rare")
    plain, balanced = (
        classifier(class_weight=weight).fit(X, rare) for weight in (None, "balanced")
    )
    p = [clf.predict_proba(X)[:, 1].mean() for clf in (plain, balanced)]
    assert p[1] > p[0] + 0.1


# -- weights of rows -------------------------------------------------------------------


@BOTH
def test_equal_weights_change_nothing(Estimator):
    X, y = DATA[Estimator]
    plain, weighted = (
        Estimator(**QUICK).fit(X, y, sample_weight=w) for w in (None, np.full(N, 2.0))
    )
    assert_allclose(outputs(plain, X), outputs(weighted, X), rtol=1e-4)


@BOTH
def test_weights_are_repetition_where_encoder_and_initial_weights_are_the_same(
    Estimator,
):
    """Quantiles and initial weights are learned from rows, whatever their weight."""
    X, y = DATA[Estimator]
    w = np.arange(N) % 3  # as many rows, in one batch
    params = {**TO_RESUME, "max_iter": 1, "batch_size": N, "dropout": 0}
    first = Estimator(**params, warm_start=True)
    first.fit(X, y).set_params(max_iter=8, learning_rate_init=0.01)
    weighted = copy.deepcopy(first).fit(X, y, w)
    repeated = copy.deepcopy(first).fit(X.loc[X.index.repeat(w)], y.repeat(w))
    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-3, atol=1e-4)
    assert not np.allclose(outputs(weighted, X), outputs(first, X), rtol=1e-2)


@BOTH
def test_rows_without_weight_are_not_trained_on(Estimator):
    X, y = DATA[Estimator]
    w = np.arange(N) % 2.0
    wrong = y.copy()
    wrong[w == 0] = y[w == 1][: N // 2]
    one, two = (
        Estimator(**TO_RESUME).fit(X, target, w) for target in (wrong, wrong[::-1])
    )
    assert not np.allclose(outputs(one, X), outputs(two, X))
    if Estimator is TabularClassifier:  # the scale of numbers knows no weights
        same = Estimator(**TO_RESUME).fit(X, y, w)
        assert_allclose(outputs(one, X), outputs(same, X), rtol=1e-4, atol=1e-6)


# -- validation ------------------------------------------------------------------------


@BOTH
def test_a_validation_table_is_encoded_like_the_training_table(Estimator):
    X, y = DATA[Estimator]
    held_out = np.arange(N) % 4 == 0
    fold = PredefinedSplit(np.where(held_out, 0, -1))
    alone = Estimator(**QUICK, scoring=None, restore_best=True).fit(
        X[~held_out], y[~held_out], X_val=X[held_out], y_val=y[held_out]
    )
    assert len(alone.validation_scores_) == QUICK["max_iter"]
    best = max(alone.validation_scores_)
    assert_allclose(alone.score(X[held_out], y[held_out]), best, rtol=1e-5)
    assert alone.validation_scores_[alone.best_epoch_ - 1] == best
    split = Estimator(**QUICK, validation_fraction=fold).fit(X, y)
    assert len(split.validation_scores_) == QUICK["max_iter"]
    with pytest.raises(ValueError, match=r"(?s)\(X_val, y_val\): .*unseen at fit time"):
        Estimator(**QUICK).fit(X, y, X_val=X.assign(more=1), y_val=y)


def accuracy_by_predict(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y))


def r2_by_predict(estimator, X, y):
    return r2_score(y, estimator.predict(X))


@pytest.mark.parametrize(
    "Estimator, scoring",
    [
        (TabularClassifier, "accuracy"),
        (TabularClassifier, accuracy_by_predict),
        (TabularRegressor, "r2"),
        (TabularRegressor, r2_by_predict),
    ],
)
@pytest.mark.parametrize("n_members", [1, 2])
def test_scorers_are_given_rows_that_the_network_can_predict(
    Estimator, scoring, n_members
):
    """They are encoded already, and not encoded once more."""
    expected = fit(Estimator, scoring=None, n_members=n_members)
    found = fit(Estimator, scoring=scoring, n_members=n_members)
    assert_allclose(found.validation_scores_, expected.validation_scores_, rtol=1e-4)
    X, y = DATA[Estimator]
    rows = Estimator(**QUICK, scoring=scoring, restore_best=True)
    score = rows.fit(X, y, X_val=X, y_val=y).score(X, y)
    assert_allclose(rows.best_validation_score_, score, rtol=1e-4)


def test_scorers_of_probabilities():
    clf = classifier(scoring="roc_auc", restore_best=True)
    clf.fit(X, CLASSES, X_val=X, y_val=CLASSES)
    expected = roc_auc_score(CLASSES == "yes", clf.predict_proba(X)[:, 1])
    assert_allclose(clf.best_validation_score_, expected)
    loss = classifier(scoring="loss").fit(X, CLASSES)
    assert_allclose(loss.best_validation_score_, -min(loss.validation_loss_curve_))


def test_the_calibrated_loss_is_that_of_the_calibrated_classifier():
    clf = classifier(restore_best=True)
    assert clf.scoring == "neg_calibrated_loss"
    clf.fit(X, CLASSES, X_val=X, y_val=CLASSES)
    expected = -log_loss(CLASSES, clf.predict_proba(X))
    assert_allclose(clf.best_validation_score_, expected, rtol=1e-4)
    assert clf.best_validation_score_ > -min(clf.validation_loss_curve_)


@pytest.mark.parametrize("n_members", [1, 2])
def test_callbacks_see_the_table_itself(n_members):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = classifier(n_members=n_members).set_callbacks(monitor).fit(X, CLASSES)
    assert clf.score(X, CLASSES) > 0.5


@BOTH
def test_verbose_prints_and_history_is_kept(Estimator):
    with redirect_stdout(io.StringIO()) as printed:
        estimator = fit(Estimator, verbose=True)
    assert printed.getvalue().count("Validation score") == QUICK["max_iter"]
    history = estimator.history_
    assert len(history["loss"]) == len(history["validation_score"]) == 16
    assert history["loss"] == estimator.loss_curve_
    assert history["loss"][-1] < history["loss"][0]


@BOTH
def test_refit_on_all_trains_on_all_rows(Estimator):
    X, _ = DATA[Estimator]
    refit = fit(Estimator, refit_on_all=True)
    first = fit(Estimator, refit_on_all=False)
    assert refit.n_iter_ == max(refit.averaged_epochs_)
    assert refit.history_["loss"] == first.history_["loss"]
    assert not np.allclose(outputs(refit, X), outputs(first, X))


@BOTH
@pytest.mark.parametrize("params", [{}, {"n_members": 2, "bagging": True}])
def test_by_default_all_rows_are_trained_on_if_some_are_held_out(Estimator, params):
    X, y = DATA[Estimator]

    def predictions(validation=(None, None), **others):
        net = Estimator(**{**QUICK, **params, **others})
        return outputs(net.fit(X, y, X_val=validation[0], y_val=validation[1]), X)

    assert_array_equal(predictions(), predictions(refit_on_all=True))
    options = [
        {"warm_start": True},
        {"early_stopping": False},
        {"restore_best": False},
        {"validation": (X, y)},
    ]
    for others in options:
        first = predictions(**others, refit_on_all=False)
        assert_array_equal(predictions(**others), first)


def test_a_refit_has_batches_of_the_size_of_the_first_run():
    """1,500 rows would have larger ones than the 1,200 that are not held out."""
    rows, y = make_friedman1(1500, random_state=0)
    reg = TabularRegressor(**QUICK, restore_best="latest").fit(rows, y)
    n_epochs = reg.best_epoch_
    assert reg.t_ == 128 * (16 * (1200 // 128) + n_epochs * (1500 // 128))


# -- the network -----------------------------------------------------------------------


@BOTH
def test_features_of_the_last_hidden_layer(Estimator):
    X, _ = DATA[Estimator]
    estimator = fit(Estimator)
    names = [f"{Estimator.__name__.lower()}{i}" for i in range(32)]
    assert list(estimator.get_feature_names_out()) == names
    features = estimator.transform(X)
    assert features.dtype == np.float32
    assert features.shape == (N, 32)
    frame = estimator.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names
    assert_array_equal(frame.to_numpy(), features)
    several = fit(Estimator, n_members=2, bagging=False)
    assert several.transform(X).shape == (N, 64)
    assert_array_equal(several.transform(X)[:, :32], features)
    assert len(several.get_feature_names_out()) == 64


@BOTH
def test_the_summary_shows_embeddings_before_and_after_fit(Estimator):
    estimator = fit(Estimator)
    names = [row[0] for row in estimator.summary().rows]
    assert names[:3] == ["categoricalembedding1", "embedding", "scale"]
    assert names[-1] == "output"
    assert "3 " in str(estimator.summary(n_outputs=3)).splitlines()[-2]
    assert "categoricalembedding1" in estimator.summary()._repr_html_()
    unfitted = Estimator(**QUICK, categorical_features=["text"])
    assert "n_columns=4" in str(unfitted.summary(n_features_in=4))
    with pytest.raises(sklearn.exceptions.NotFittedError, match="not fitted yet"):
        unfitted.summary()


@BOTH
def test_weights_can_be_read_and_set(Estimator):
    X, _ = DATA[Estimator]
    one, two = fit(Estimator), fit(Estimator, random_state=1)
    two.set_weights(one.get_weights())
    assert_array_equal(outputs(one, X), outputs(two, X))
    with pytest.raises(ValueError, match="call fit or partial_fit before set_weights"):
        Estimator(**QUICK).set_weights(one.get_weights())


@BOTH
@pytest.mark.parametrize("wrap", [lambda fitted: fitted, FrozenEstimator])
def test_init_from_takes_weights_and_encoder(Estimator, wrap):
    """On a part of the rows, another encoder would give the weights another meaning."""
    X, y = DATA[Estimator]
    params = {"calibrate": False} if Estimator is TabularClassifier else {}
    source = fit(Estimator, max_iter=64, **params)
    tuned = Estimator(
        init_from=wrap(source), freeze=["dense1"], **QUICK,
        learning_rate_init=1e-9, **params,
    ).fit(X[:40], y[:40])  # fmt: skip
    if Estimator is TabularClassifier:
        assert_allclose(outputs(tuned, X), outputs(source, X), atol=1e-3)
    assert_allclose(tuned.transform(X), source.transform(X), atol=1e-3)
    at = source.network_.names.index("dense1")
    assert_array_equal(*(net.network_.params[at]["W"] for net in (tuned, source)))
    with pytest.raises(ValueError, match="with 12 columns, but X is of shape"):
        Estimator(init_from=source, **QUICK).fit(X.drop(columns="text"), y)


@BOTH
def test_init_from_a_file(Estimator, tmp_path):
    X, y = DATA[Estimator]
    source, path = fit(Estimator, refit_on_all=False), tmp_path / "weights.npz"
    np.savez(path, *source.get_weights())
    params = {**QUICK, "refit_on_all": False, "learning_rate_init": 1e-9}
    tuned = Estimator(init_from=path, **params).fit(X, y)
    assert_allclose(outputs(tuned, X), outputs(source, X), rtol=1e-3, atol=1e-3)


@BOTH
def test_all_members_start_from_init_from(Estimator):
    X, y = DATA[Estimator]
    source = fit(Estimator, refit_on_all=False)
    params = {**QUICK, "n_members": 2, "bagging": False, "learning_rate_init": 1e-9}
    params["refit_on_all"] = False
    tuned = Estimator(init_from=source, **params)
    assert_allclose(
        outputs(tuned.fit(X, y), X), outputs(source, X), rtol=1e-3, atol=1e-3
    )


@BOTH
def test_layers_have_rates_of_their_own(Estimator):
    X, _ = DATA[Estimator]
    plain = fit(Estimator)
    for params in (
        {"head_learning_rate": 1e-3},
        {"layer_learning_rates": {"dense1": 0.1}},
        {"layer_learning_rates": {"scale": 2.0}},
    ):
        assert not np.allclose(outputs(fit(Estimator, **params), X), outputs(plain, X))
    with pytest.raises(ValueError, match=r"^Did you mean 'dense1'\? layer_lea"):
        fit(Estimator, layer_learning_rates={"dense9": 0.1})
    with pytest.raises(ValueError, match=r"^Did you mean 'dense1'.* got \['dense9'\]"):
        fit(Estimator, freeze=["dense9"])


@BOTH
def test_mixup_is_for_tables_without_codes(Estimator):
    X, y = DATA[Estimator]
    with pytest.raises(ValueError, match=r"\['city'\]: set mixup=0.* max_one_hot=17"):
        fit(Estimator, mixup=0.2)
    assert fit(Estimator, mixup=0.2, max_one_hot=17, max_iter=64).score(X, y) > 0.6


# -- attributions ----------------------------------------------------------------------


@pytest.mark.parametrize("embedding", ["periodic", "piecewise_linear", None])
@BOTH
def test_attributions_add_up_to_the_difference_of_predictions(Estimator, embedding):
    X, _ = DATA[Estimator]
    params = {} if Estimator is TabularClassifier else {"clip": False}
    net = fit(Estimator, numerical_embedding=embedding, activation="tanh", **params)
    atol = 0.1 if embedding == "piecewise_linear" else 2e-3  # it has kinks
    predict = getattr(net, "decision_function", net.predict)
    row = X.iloc[[3]]
    found = net.feature_attributions(X, baseline=row, n_steps=128)
    assert found.shape == X.shape
    expected = predict(X) - predict(row)
    size = np.abs(expected).max()
    assert_allclose(found.sum(axis=1) / size, expected / size, atol=atol)
    assert_array_equal(found[:, X.columns.get_loc("constant")], 0)
    assert_array_equal(found[3], 0)
    groups = [0, *[1] * 11]
    parts = net.feature_attributions(X, baseline=row, n_steps=128, groups=groups)
    assert_allclose(parts[:, 0], found[:, 0])
    assert_allclose(parts.sum(axis=1), found.sum(axis=1), atol=1e-4 * size)


def test_attributions_show_the_columns_that_matter():
    """Also a column of codes, which has no derivative itself."""
    rng = np.random.default_rng(0)
    city = rng.choice([f"city {i}" for i in range(12)], 600)
    table = pd.DataFrame({"noise": rng.normal(size=600), "city": city,
                          "text": rng.choice(list("abc"), 600)})  # fmt: skip
    y = pd.Series(city).str[5:].astype(float).to_numpy()
    reg = TabularRegressor(**{**LONGER, "clip": False}).fit(table, y)
    found = np.abs(reg.feature_attributions(table)).mean(axis=0)
    assert found.argmax() == 1
    assert found[1] > 4 * found[0]
    assert found[1] > 4 * found[2]


def test_attributions_of_members_are_averaged():
    reg = fit(TabularRegressor, n_members=2, clip=False, activation="tanh")
    row = X.iloc[[3]]
    found = reg.feature_attributions(X, baseline=row, n_steps=128).sum(axis=1)
    expected = reg.predict(X) - reg.predict(row)
    size = np.abs(expected).max()
    assert_allclose(found / size, expected / size, atol=2e-3)


@pytest.mark.parametrize("baseline", [1, [0] * 12, X.iloc[:2], "mean"])
def test_a_baseline_is_a_table_with_one_row(baseline):
    with pytest.raises(ValueError, match="must be 0 or a table with one row"):
        fit(TabularClassifier).feature_attributions(X, baseline=baseline)


# -- inspection and displays -----------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "examine",
    [
        activation_statistics,
        gradient_statistics,
        check_gradients,
        check_initial_loss,
        check_overfits_small_sample,
        learning_rate_range_test,
    ],
)
def test_all_tools_of_inspection_take_tables(Estimator, examine):
    X, y = DATA[Estimator]
    before = str(examine(Estimator(**QUICK), X, y))
    assert before
    assert str(examine(fit(Estimator), X, y))


@BOTH
def test_the_doctor_does_not_take_codes_for_large_features(Estimator):
    X, y = DATA[Estimator]
    for estimator in (Estimator(**LONGER), fit(Estimator, max_iter=64)):
        findings = {finding.problem for finding in doctor(estimator, X, y).findings}
        assert not findings & {"unscaled-features", "constant-features"}
        assert not findings & {"unscaled-target"}


@BOTH
def test_displays_take_tables(Estimator):
    pytest.importorskip("matplotlib")
    X, y = DATA[Estimator]
    estimator = fit(Estimator)
    assert LossCurveDisplay.from_estimator(estimator).lines_
    assert ScheduleDisplay.from_estimator(estimator)
    assert ActivationDisplay.from_estimator(estimator, X, y)


# -- copies and resumed training -------------------------------------------------------


def by_joblib(net, tmp_path, **options):
    joblib.dump(net, tmp_path / "net.joblib")
    return joblib.load(tmp_path / "net.joblib", **options)


COPIES = {
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
    "copy": lambda net, path: copy.copy(net),
    "deepcopy": lambda net, path: copy.deepcopy(net),
    "joblib": by_joblib,
    "memory map": lambda net, path: by_joblib(net, path, mmap_mode="r"),
}


@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", COPIES)
def test_copies_predict_the_same_and_resume_bit_for_bit(Estimator, kind, tmp_path):
    X, y = DATA[Estimator]
    net = Estimator(**{**TO_RESUME, "shuffle": False, "learning_rate": "constant"}).fit(
        X, y
    )
    before = outputs(net, X)
    other = COPIES[kind](net, tmp_path)
    assert_array_equal(outputs(other, X), before)
    for _ in range(3):
        other.partial_fit(X, y)
    assert_array_equal(outputs(net, X), before)
    for _ in range(3):
        net.partial_fit(X, y)
    assert_array_equal(outputs(other, X), outputs(net, X))


@BOTH
def test_a_clone_is_not_fitted_and_fits_the_same(Estimator):
    X, y = DATA[Estimator]
    net = fit(Estimator)
    copied = clone(net)
    assert not hasattr(copied, "network_")
    assert_array_equal(outputs(copied.fit(X, y), X), outputs(net, X))


@BOTH
def test_partial_fit_keeps_the_encoder_of_the_first_batch(Estimator):
    X, y = DATA[Estimator]
    first = {"classes": np.unique(y)} if Estimator is TabularClassifier else {}
    net = Estimator(**TO_RESUME).partial_fit(X[:80], y[:80], **first)
    encoder = net._input.encoder
    for _ in range(15):
        net.partial_fit(X[80:], y[80:])
    assert net._input.encoder is encoder
    assert net.score(X, y) > 0.1
    by_hand = TableEncoder().fit(X[:80]).transform(X)
    assert_array_equal(encoder.transform(X), by_hand)
    with pytest.raises(ValueError, match="feature names should match"):
        net.partial_fit(X.drop(columns="text"), y)
    with pytest.raises(AttributeError, match="does not support early_stopping=True"):
        Estimator(**QUICK).partial_fit  # noqa: B018


@BOTH
def test_warm_start_goes_on_with_encoder_and_scale(Estimator):
    X, y = DATA[Estimator]
    net = fit(Estimator, warm_start=True)
    encoder, score = net._input.encoder, net.score(X, y)
    net.fit(X, y).fit(X, y)
    assert net._input.encoder is encoder
    assert net.score(X, y) > score
    other = X.drop(columns="text")
    with pytest.raises(ValueError, match="feature names should match"):
        net.fit(other, y)
    net.set_params(warm_start=False).fit(other, y)
    assert net.n_features_in_ == 11


def test_another_link_needs_another_scale():
    reg = fit(TabularRegressor, warm_start=True)
    with pytest.warns(UserWarning, match="trained for another loss"):
        reg.set_params(loss="poisson").fit(X, NUMBERS - NUMBERS.min())
    assert reg.predict(X).min() >= 0


@BOTH
def test_a_fit_that_fails_changes_nothing(Estimator):
    X, y = DATA[Estimator]
    net = fit(Estimator)
    before, expected = dict(vars(net)), outputs(net, X)
    with pytest.raises(ValueError, match="Dates and times"):
        net.fit(X.assign(when=pd.Timestamp("2020-01-01")), y)
    assert vars(net) == before
    assert_array_equal(outputs(net, X), expected)


# -- determinism -----------------------------------------------------------------------


@BOTH
def test_a_seed_determines_the_fit(Estimator):
    X, _ = DATA[Estimator]
    assert_array_equal(outputs(fit(Estimator), X), outputs(fit(Estimator), X))
    other = outputs(fit(Estimator, random_state=1), X)
    assert not np.allclose(outputs(fit(Estimator), X), other)


@BOTH
def test_threads_change_rounding_only(Estimator):
    X, _ = DATA[Estimator]
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append(outputs(fit(Estimator), X))
    assert_allclose(*found, rtol=1e-3, atol=1e-4)


@BOTH
def test_kernels_change_rounding_only(Estimator, tmp_path):
    code = """
        import sys, pickle
        estimator, X, y = pickle.load(open(sys.argv[1], "rb"))
        estimator.fit(X, y)
        predict = getattr(estimator, "predict_proba", estimator.predict)
        pickle.dump(predict(X), open(sys.argv[1], "wb"))
    """
    path, found = tmp_path / "exchange", []
    for kernels in ("0", "1"):
        path.write_bytes(pickle.dumps((Estimator(**QUICK), *DATA[Estimator])))
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        subprocess.run(command, check=True, env={**os.environ, "SKNN_KERNELS": kernels})
        found.append(pickle.loads(path.read_bytes()))
    assert_allclose(*found, rtol=1e-3, atol=1e-3)


# -- scikit-learn's tools --------------------------------------------------------------

NETWORKS = {"classifier": classifier(), "regressor": regressor()}
KINDS = pytest.mark.parametrize("kind", NETWORKS)
TARGETS = {"classifier": CLASSES, "regressor": NUMBERS}
GRID = {"max_one_hot": [2, 9], "numerical_embedding": ["periodic", None]}
HALVING = {"resource": "max_iter", "min_resources": 2, "max_resources": 4,
           "factor": 2, "random_state": 0}  # fmt: skip

SEARCHES = {
    "GridSearchCV": lambda net, **kw: GridSearchCV(net, GRID, **kw),
    "RandomizedSearchCV": lambda net, **kw: RandomizedSearchCV(
        net, {"dropout": uniform(0, 0.3)}, n_iter=2, random_state=0, **kw
    ),
    "HalvingGridSearchCV": lambda net, **kw: HalvingGridSearchCV(
        net, GRID, **HALVING, **kw
    ),
    "HalvingRandomSearchCV": lambda net, **kw: HalvingRandomSearchCV(
        net, GRID, n_candidates=2, **HALVING, **kw
    ),
}


@KINDS
@pytest.mark.parametrize("name", SEARCHES)
def test_searches(kind, name):
    y = TARGETS[kind]
    scoring = "neg_log_loss" if kind == "classifier" else "r2"
    options = {"cv": 2, "error_score": "raise", "scoring": scoring}
    one, two = (
        SEARCHES[name](NETWORKS[kind], **options, n_jobs=n).fit(X, y) for n in (1, 2)
    )
    scores = one.cv_results_["mean_test_score"]
    assert len(np.unique(scores)) > 1
    assert_allclose(scores, two.cv_results_["mean_test_score"], rtol=1e-3, atol=1e-3)
    assert np.isfinite(one.score(X, y))


@KINDS
def test_cross_validation_and_curves(kind):
    net, y = NETWORKS[kind], TARGETS[kind]
    scores = cross_val_score(net, X, y, cv=3, error_score="raise")
    expected = cross_validate(net, X, y, cv=3, n_jobs=2)["test_score"]
    assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)
    method = "predict_proba" if kind == "classifier" else "predict"
    assert len(cross_val_predict(net, X, y, cv=3, method=method)) == N
    sizes = {"train_sizes": [0.5, 1.0], "cv": 2}
    for found in (
        learning_curve(net, X, y, **sizes)[2],
        learning_curve(
            clone(net).set_params(early_stopping=False),
            *(X, y), exploit_incremental_learning=True, **sizes
        )[2],
        validation_curve(net, X, y, param_name="max_iter", param_range=[2, 8], cv=2)[1],
    ):  # fmt: skip
        assert np.isfinite(found).all()


ENSEMBLES = {
    "classifier": [
        lambda net: VotingClassifier([("a", net), ("b", clone(net))], voting="soft"),
        lambda net: BaggingClassifier(net, n_estimators=2, random_state=0),
        lambda net: StackingClassifier([("a", net)], cv=2),
        lambda net: AdaBoostClassifier(net, n_estimators=2, random_state=0),
        lambda net: OneVsRestClassifier(net),
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: FrozenEstimator(net.fit(X, CLASSES)),
    ],
    "regressor": [
        lambda net: VotingRegressor([("a", net), ("b", clone(net))]),
        lambda net: BaggingRegressor(net, n_estimators=2, random_state=0),
        lambda net: StackingRegressor([("a", net)], cv=2),
        lambda net: AdaBoostRegressor(net, n_estimators=2, random_state=0),
        lambda net: TransformedTargetRegressor(net, transformer=StandardScaler()),
    ],
}


@pytest.mark.parametrize(
    "kind, i",
    [(kind, i) for kind, tools in ENSEMBLES.items() for i in range(len(tools))],
)
def test_meta_estimators(kind, i):
    """Those that pass tables on get the mixed one, the others one of numbers."""
    tool, y = ENSEMBLES[kind][i](NETWORKS[kind]), TARGETS[kind]
    table = X
    if type(tool).__name__.startswith(("Bagging", "AdaBoost", "OneVsRest")):
        table = NUMERIC.fillna(0)
    least = 0.5 if kind == "classifier" else -0.1
    assert tool.fit(table, y).score(table, y) > least


def test_several_outputs():
    Y = np.column_stack([CLASSES, CLASSES[::-1]])
    assert MultiOutputClassifier(classifier()).fit(X, Y).predict(X).shape == (N, 2)
    Y = np.column_stack([NUMBERS, -NUMBERS])
    assert MultiOutputRegressor(regressor()).fit(X, Y).predict(X).shape == (N, 2)


@KINDS
@pytest.mark.parametrize(
    "step", [StandardScaler(), MinMaxScaler(), PCA(2, whiten=True)], ids=str
)
def test_scalers_in_front(kind, step):
    numbers, y = NUMERIC.fillna(0), TARGETS[kind]
    pipe = make_pipeline(step, NETWORKS[kind]).fit(numbers, y)
    by_hand = clone(NETWORKS[kind]).fit(step.fit_transform(numbers), y)
    rows = step.transform(numbers)
    assert_array_equal(outputs(pipe, numbers), outputs(by_hand, rows))


@KINDS
def test_column_transformer_in_front_and_names_of_parameters(kind):
    y = TARGETS[kind]
    columns = ColumnTransformer(
        [("scaled", StandardScaler(), ["number", "Float"])],
        remainder="passthrough", verbose_feature_names_out=False,
    ).set_output(transform="pandas")  # fmt: skip
    pipe = Pipeline([("columns", columns), ("net", NETWORKS[kind])])
    search = GridSearchCV(pipe, {"net__embedding_size": [2, 4]}, cv=2).fit(X, y)
    net = search.best_estimator_[-1]
    assert "number" in net.feature_names_in_
    assert net.network_.layers[0].size == search.best_params_["net__embedding_size"]
    assert net._input.encoder.is_categorical_.sum() == 7


def test_features_for_another_model_and_set_output():
    pipe = make_pipeline(classifier(), StandardScaler()).set_output(transform="polars")
    frame = pipe.fit_transform(X, CLASSES)
    assert frame.columns[0] == "tabularclassifier0"


@KINDS
def test_permutation_importance_finds_the_columns_that_matter(kind):
    net = clone(NETWORKS[kind]).set_params(max_iter=64).fit(X, TARGETS[kind])
    found = permutation_importance(net, X, TARGETS[kind], random_state=0)
    means = dict(zip(X.columns, found.importances_mean, strict=True))
    assert means["number"] > means["Float"]
    assert means["constant"] == means["empty"] == 0


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@KINDS
def test_weights_and_validation_tables_are_routed(kind):
    y, w = TARGETS[kind], np.linspace(0.1, 2, N)
    net = (
        clone(NETWORKS[kind])
        .set_fit_request(sample_weight=True, X_val=True, y_val=True)
        .set_score_request(sample_weight=False)
    )
    pipe = Pipeline([("net", net)]).fit(X, y, sample_weight=w, X_val=X, y_val=y)
    by_hand = clone(NETWORKS[kind]).fit(X, y, sample_weight=w, X_val=X, y_val=y)
    assert_array_equal(outputs(pipe, X), outputs(by_hand, X))
    scores = cross_validate(net, X, y, params={"sample_weight": w}, cv=2)["test_score"]
    assert not np.allclose(scores, cross_val_score(net, X, y, cv=2))
