"""TabularClassifier and TabularRegressor: any table, straight in, and all that a sknn
estimator has. How columns are encoded is tested in `test_preprocessing.py`."""

import copy
import io
import pickle
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
from sklearn.datasets import load_iris, make_friedman1
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
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
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

import sknn
from sknn import MLPRegressor, TabularClassifier, TabularRegressor
from sknn.callbacks import Callback
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
RNG = np.random.default_rng(0)


def mixed_table():
    """A table with columns of all kinds, most of them with missing values."""
    table = pd.DataFrame(
        {
            "number": RNG.normal(size=N),
            "text": RNG.choice(["a", "b", "c"], N),
            "city": RNG.choice([f"city {i}" for i in range(15)], N),
            "category": pd.Categorical(RNG.choice(["u", "v"], N)),
            "flag": RNG.random(N) > 0.5,
            "Int": pd.array(RNG.integers(0, 9, N), dtype="Int64"),
            "Float": pd.array(RNG.normal(size=N), dtype="Float64"),
            "Flag": pd.array(RNG.random(N) > 0.5, dtype="boolean"),
            "string": pd.array(RNG.choice(["s", "t"], N), dtype="string"),
            "constant": 1.0,
            "empty": np.nan,
        }
    )
    for i, name in enumerate(table.columns.drop(["flag", "constant", "empty"])):
        table.loc[table.index[i :: 9], name] = None
    table["object"] = table["text"].astype(object)
    return table


X = mixed_table()
SIGNAL = X["number"].fillna(0) + 2 * (X["text"] == "a") - X["flag"]
CLASSES = np.where(SIGNAL > 0, "yes", "no")
NUMBERS = 100 * SIGNAL.to_numpy() + 500
NUMERIC = X[["number", "Int", "Float"]].astype(float)

QUICK = {"hidden_layer_sizes": (32,), "max_iter": 16, "random_state": 0}
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
    cells = X.astype(object).where(X.notna(), None)
    by_array = Estimator(**QUICK).fit(cells.to_numpy(), y)
    by_list = Estimator(**QUICK).fit(cells.to_numpy().tolist(), y)
    assert_array_equal(
        outputs(by_array, cells.to_numpy()), outputs(by_list, cells.to_numpy())
    )
    assert_allclose(
        outputs(by_array, cells.to_numpy()), outputs(fit(Estimator), X), rtol=1e-5
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
    assert_array_equal(ours.predict(X), Estimator(**QUICK).fit(X, pl.Series(y)).predict(X))
    with pytest.raises(ValueError, match="X is a LazyFrame: pass X.collect()"):
        ours.predict(frame.lazy())


def test_arrow_columns_are_those_of_pandas():
    pytest.importorskip("pyarrow")
    kinds = {"number": "float64", "city": "string", "flag": "bool", "Int": "int64"}
    arrow = X[list(kinds)].astype({k: f"{v}[pyarrow]" for k, v in kinds.items()})
    ours, theirs = (classifier().fit(table, CLASSES) for table in (X[[*kinds]], arrow))
    assert_allclose(ours.predict_proba(X[[*kinds]]), theirs.predict_proba(arrow))


@pytest.mark.parametrize("dtype", [float, np.float32, int, np.uint8, bool, str])
def test_arrays_of_any_dtype(dtype):
    rows = RNG.integers(0, 2, (60, 3)).astype(dtype)
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
        estimator.fit(sparse.eye_array(N).tocsr(), y)
    with pytest.raises(ValueError, match=f"0 sample.* by {Estimator.__name__}"):
        estimator.fit(X.iloc[:0], y[:0])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D"):
        estimator.fit(X["Float"].to_numpy(float), y)
    with pytest.raises(ValueError, match="Column 'number' must hold numbers, but"):
        fit(Estimator).predict(X.assign(number="many"))
    assert not hasattr(estimator, "n_features_in_")


def test_an_identifier_is_warned_of():
    table = X.assign(id=[f"row {i}" for i in range(N)])
    with pytest.warns(UserWarning, match="'id' has 240 categories in 240 rows"):
        classifier().fit(table, CLASSES)


CODES = RNG.integers(0, 3, (N, 2))


@pytest.mark.parametrize("chosen", [["a"], [0], [True, False], np.array([0]), ("a",)])
def test_categorical_features_are_names_indices_or_a_mask(chosen):
    table = pd.DataFrame(CODES, columns=["a", "b"])
    found, expected = (
        classifier(categorical_features=chosen).fit(table, CLASSES),
        classifier().fit(table.astype({"a": "category"}), CLASSES),
    )
    assert_array_equal(
        found.predict_proba(table), expected.predict_proba(table.astype({"a": "category"}))
    )
    numbers = classifier(categorical_features=None).fit(table, CLASSES)
    assert_array_equal(
        numbers.predict_proba(table), classifier().fit(table, CLASSES).predict_proba(table)
    )


@pytest.mark.parametrize(
    "chosen, error",
    [
        (["c"], "got 'c'. The columns are .'a', 'b'.."),
        ([2], "got 2. The columns"),
        ([-1], "got -1. The columns"),
        ([True], r"each of the 2 columns, got \[True\]"),
        ([0.5], r"got \[0.5\]"),
        ("a", "'categorical_features' parameter of TabularClassifier must be"),
    ],
)
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
        regressor(clip=clip, numerical_embedding=None).fit(NUMERIC, NUMBERS).predict(far)
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
    rows = RNG.uniform(-1, 1, (1500, 1))
    noise = np.where(rows[:, 0] > 0, 300.0, 30.0)
    y = 1e4 + RNG.normal(size=len(rows)) * noise
    reg = TabularRegressor("gaussian", **LONGER).fit(rows, y)
    mean, std = reg.predict(rows, return_std=True)
    assert abs(mean.mean() - 1e4) < 50
    for noisy in (True, False):
        expected = 300 if noisy else 30
        found = np.median(std[(rows[:, 0] > 0) == noisy])
        assert expected / 1.5 < found < expected * 1.5
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian'"):
        fit(TabularRegressor).predict(X, return_std=True)


@pytest.mark.parametrize("loss", ["squared_error", "gaussian", "quantile"])
def test_intervals_cover_new_targets(loss):
    rows, y = make_friedman1(3000, noise=1, random_state=0)
    y = 1e3 * y
    reg = TabularRegressor(loss, **QUICK, quantile=(0.1, 0.5, 0.9) if loss == "quantile"
                           else 0.5).fit(rows[:1500], y[:1500])  # fmt: skip
    low, high = reg.predict_interval(rows[1500:], coverage=0.8).T
    assert 0.75 < np.mean((low <= y[1500:]) & (y[1500:] <= high)) < 0.86


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
def test_weights_are_repetition_where_encoder_and_initial_weights_are_the_same(Estimator):
    """Quantiles and initial weights are learned from rows, whatever their weight."""
    X, y = DATA[Estimator]
    w = RNG.integers(0, 4, N)
    first = Estimator(
        **{**TO_RESUME, "max_iter": 1}, dropout=0, drop_last=False, batch_size=9999,
        warm_start=True, shuffle=False,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Got `batch_size`"):
        first.fit(X, y)
        first.set_params(max_iter=8, learning_rate_init=0.01)
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
    alone = Estimator(**QUICK).fit(X[~held_out], y[~held_out], X_val=X[held_out],
                                   y_val=y[held_out])  # fmt: skip
    assert len(alone.validation_scores_) == QUICK["max_iter"]
    best = max(alone.validation_scores_)
    assert_allclose(alone.score(X[held_out], y[held_out]), best, rtol=1e-5)
    assert alone.validation_scores_[alone.best_epoch_ - 1] == best
    split = Estimator(**QUICK, validation_fraction=fold).fit(X, y)
    assert len(split.validation_scores_) == QUICK["max_iter"]
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): .*unseen at fit time"):
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
    expected = fit(Estimator, n_members=n_members)
    found = fit(Estimator, scoring=scoring, n_members=n_members)
    assert_allclose(found.validation_scores_, expected.validation_scores_, rtol=1e-4)
    X, y = DATA[Estimator]
    rows = Estimator(**QUICK, scoring=scoring).fit(X, y, X_val=X, y_val=y)
    score = rows.score(X, y)
    assert_allclose(rows.best_validation_score_, score, rtol=1e-4)


def test_scorers_of_probabilities():
    clf = classifier(scoring="roc_auc").fit(X, CLASSES, X_val=X, y_val=CLASSES)
    expected = roc_auc_score(CLASSES == "yes", clf.predict_proba(X)[:, 1])
    assert_allclose(clf.best_validation_score_, expected)
    loss = classifier(scoring="loss").fit(X, CLASSES)
    assert_allclose(loss.best_validation_score_, -min(loss.validation_loss_curve_))


class Recorder(Callback):
    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, state):
        self.epochs.append(state)


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
    X, y = DATA[Estimator]
    refit = fit(Estimator, refit_on_all=True)
    assert refit.n_iter_ == refit.best_epoch_
    assert refit.t_ > 0
    assert not np.allclose(outputs(refit, X), outputs(fit(Estimator), X))
