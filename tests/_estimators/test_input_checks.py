"""Checks of rows, targets and weights: messages, and no change after an error."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from small_fits import ESTIMATORS

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.layers import Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def nan_row(X):
    X = X.copy()
    X[3, 1] = np.nan
    return X


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "X_of, y_of, fit_params, message",
    [
        (nan_row, None, {}, "Input X contains NaN"),
        (lambda X: np.full_like(X, np.inf), None, {}, "Input X contains infinity"),
        (lambda X: X + 1j, None, {}, "Complex data not supported"),
        (lambda X: X[:0], lambda y: y[:0], {}, "0 sample"),
        (lambda X: X[:, 0], None, {}, "Expected 2D array, got 1D array instead"),
        (lambda X: X[:10], None, {}, "inconsistent numbers of samples"),
        (None, lambda y: np.full(len(y), np.nan), {}, "Input y contains NaN"),
        (None, lambda y: None, {}, "y cannot be None|requires y to be passed"),
        (None, None, {"sample_weight": np.ones(3)}, "sample_weight.shape == "),
        (None, None, {"sample_weight": np.zeros(150)}, "at least one non-zero"),
        (None, None, {"sample_weight": -np.ones(150)}, "Negative values"),
        (None, None, {"X_val": [[0.0] * 4]}, "X_val is provided, but y_val was not"),
        (None, None, {"y_val": [0]}, "y_val is provided, but X_val was not"),
        (None, None, {"sample_weight_val": [1]}, "but X_val and y_val were not"),
        (None, None, {"X_val": [[0.0] * 3], "y_val": [0]},
         r"Invalid validation set .* 3 features, but .* is expecting 4"),
        (None, None, {"X_val": [[0.0] * 4], "y_val": [0, 1]},
         "Invalid validation set .* inconsistent numbers of samples"),
        (None, None, {"X_val": [[np.nan] * 4], "y_val": [0]},
         "Invalid validation set .* contains NaN"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_bad_data(Estimator, X_of, y_of, fit_params, message, fitted, iris):
    X, y = iris
    est = Estimator(max_iter=2, random_state=0)
    if fitted:
        est.fit(X, y)
    before = dict(vars(est))
    with np.errstate(all="ignore"):
        bad_X = X_of(X) if X_of else X
    with pytest.raises(ValueError, match=message):
        est.fit(bad_X, y_of(y) if y_of else y, **fit_params)
    assert vars(est) == before  # nothing half-fitted, nothing lost


def test_integers_become_float64(iris):
    X, y = iris
    clf = MLPClassifier(max_iter=2).fit((10 * X).astype(int), y)
    assert clf.coefs_[0].dtype == np.float64


@pytest.mark.parametrize("params", [{"max_iter": 2}, {"batch_size": 1000}])
def test_warnings_point_at_the_caller(params, iris):
    clf = MLPClassifier(**params)
    with pytest.warns(Warning, match="Maximum iterations|batch_size") as from_fit:
        clf.fit(*iris)
    clf.set_params(batch_size=1000)
    with pytest.warns(UserWarning, match="batch_size") as from_partial_fit:
        clf.partial_fit(*iris)
    for warning in [*from_fit, *from_partial_fit]:
        assert warning.filename == __file__


@pytest.mark.parametrize(
    "params, rows",
    [
        ({}, r"X has 150 rows\."),
        (
            {"early_stopping": True, "refit_on_all": True},
            r"X has 150 rows, some of which are held out\.",
        ),
    ],
)
def test_a_large_batch_size_is_named_with_the_number_of_rows(params, rows, iris):
    clf = MLPClassifier(batch_size=1000, learning_rate="linear", max_iter=2, **params)
    message = rf"^Got `batch_size` less .* clipped: batch_size=1000, but {rows}$"
    with pytest.warns(UserWarning, match=message) as caught:
        clf.fit(*iris)
    assert len(caught) == 1


# -- advice ----------------------------------------------------------------------------

PEOPLE = pd.DataFrame(
    {"sex": ["male", "female"] * 10, "age": range(20), "town": ["a", "b"] * 10}
)
LABELS = [0, 1] * 10


@pytest.mark.parametrize(
    "X, columns",
    [
        (PEOPLE, ["sex", "town"]),
        (PEOPLE.astype({"sex": "category"})[["age", "sex"]], ["sex"]),
        (PEOPLE.to_numpy(), [0, 2]),
        (PEOPLE.astype(str).to_numpy(dtype=str), [0, 2]),
        (PEOPLE.to_numpy().tolist(), [0, 2]),
        (pl.DataFrame(PEOPLE.to_dict("list")), ["sex", "town"]),
        (PEOPLE.assign(age=float("nan")), ["sex", "town"]),
    ],
)
@pytest.mark.parametrize(
    "estimator, table_estimator",
    [
        (MLPClassifier(), "TabularClassifier"),
        (MLPRegressor(), "TabularRegressor"),
        (CNNClassifier(), "TabularClassifier"),
        (SequentialRegressor([Dense(3)]), "TabularRegressor"),
    ],
)
def test_text_names_its_columns_and_what_takes_them(
    estimator, table_estimator, X, columns
):
    with pytest.raises(ValueError, match=r"^could not convert string") as caught:
        estimator.fit(X, LABELS)
    message = str(caught.value)
    assert f"Columns of X with text: {columns}. Use {table_estimator}, " in message
    assert "OneHotEncoder in a ColumnTransformer. See the page 'Tables'" in message


@pytest.mark.parametrize("dtype", ["string", "category", object])
@pytest.mark.parametrize("missing_first", [False, True])
def test_text_with_missing_values_names_its_columns(dtype, missing_first):
    town = pd.Series([None, "a"] * 10 if missing_first else ["a", None] * 10)
    X = PEOPLE.assign(sex=0, town=town.astype(dtype))
    with pytest.raises(ValueError, match=r"Columns of X with text: \['town'\]\. Use"):
        MLPClassifier().fit(X, LABELS)


PRICES = [*(f"{i}.5" for i in range(19)), "n/a"]


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_numbers_as_text_are_to_be_converted(dtype):
    X = pd.DataFrame({"age": range(20), "price": pd.Series(PRICES, dtype=dtype)})
    advice = (
        r"^could not convert string to float: 'n/a'\. Column 'price' holds numbers "
        r"and text, such as 'n/a': convert it with pandas.to_numeric\(df\['price'\], "
        r"errors='coerce'\), which makes such text missing\.$"
    )
    with pytest.raises(ValueError, match=advice):
        MLPClassifier().fit(X, LABELS)
    # The advice is right.
    X["price"] = pd.to_numeric(X["price"], errors="coerce")
    assert X["price"].isna().sum() == 1
    assert X["price"][0] == 0.5


def test_numbers_as_text_and_text_are_told_apart():
    X = pd.DataFrame({"price": PRICES, "town": ["a", "b"] * 10})
    message = r"'price' holds numbers .* Columns of X with text: \['town'\]\. Use Tab"
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, LABELS)
    few_numbers = ["a lot", "a few", "many", *PRICES[3:]]
    with pytest.raises(ValueError, match=r"with text: \['price', 'town'\]\. Use Tab"):
        MLPClassifier().fit(X.assign(price=few_numbers), LABELS)
    with pytest.raises(ValueError, match=r"with pandas.to_numeric\(column, errors="):
        MLPClassifier().fit(X[["price"]].to_numpy(), LABELS)


def test_a_few_texts_among_numbers_are_named():
    X = pd.DataFrame({"price": [*range(18), "n/a", "?"]}, dtype=object)
    message = r"'price' holds numbers and text, such as 'n/a' and '\?': convert it"
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, LABELS)


def test_other_objects_are_not_said_to_be_text():
    X = PEOPLE[["age"]].astype(object).to_numpy(copy=True)
    X[0, 0] = {"years": 3}
    with pytest.raises(TypeError, match=r"^float\(\) argument must be") as caught:
        MLPClassifier().fit(X, LABELS)
    assert "text" not in str(caught.value)


NOT_FINITE = [
    (np.nan, r"^Input X contains NaN\. Use {}, which takes missing values as they are, "
     "or fill them in first, for example with SimpleImputer in a pipeline"),
    (np.inf, r"^Input X contains infinity or a value too large for dtype\('float64'\)"
     r"\. Use {}, which limits extreme values, or replace such values first"),
]  # fmt: skip


@pytest.mark.parametrize("value, message", NOT_FINITE)
@pytest.mark.parametrize(
    "Estimator, table_estimator",
    [(MLPClassifier, TabularClassifier), (MLPRegressor, TabularRegressor)],
)
def test_values_that_are_not_finite(Estimator, table_estimator, value, message):
    X = np.eye(20)
    net = Estimator(max_iter=1, learning_rate="linear").fit(X, LABELS)
    bad = np.where(X == 1, value, X)
    message = message.format(table_estimator.__name__)
    calls = [
        lambda: Estimator().fit(bad, LABELS),
        lambda: Estimator().fit(pd.DataFrame(bad), LABELS),
        lambda: net.predict(bad),
        lambda: net.predict(bad[:1]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert "HistGradientBoosting" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^Invalid validation set .*: " + message[1:]):
        Estimator().fit(X, LABELS, X_val=bad, y_val=LABELS)
    # The advice is right.
    tabular = table_estimator(max_iter=1, n_members=1, hidden_layer_sizes=4)
    tabular.fit(bad, LABELS).predict(bad)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_in_other_inputs(value):
    bad = np.where(np.eye(16) == 1, value, 0)
    with pytest.raises(ValueError, match="All pixels must be finite: leave out these"):
        CNNClassifier().fit(bad, LABELS[:16])
    # An estimator of tables takes no sparse matrix.
    with pytest.raises(ValueError, match=r"\. (Fill them|Replace such)") as caught:
        MLPClassifier().fit(sparse.csr_array(bad), LABELS[:16])
    assert "Tabular" not in str(caught.value)


MISSING = ["a", "b"] * 9 + ["a"]


@pytest.mark.parametrize(
    "y, what",
    [
        (np.array([*MISSING, np.nan], dtype=object), "NaN"),
        (np.array([*MISSING, None], dtype=object), "None|NaN"),
        (np.array([*[0, 1] * 9, 0, None], dtype=object), "None"),
        (pd.Series([*MISSING, None], dtype="category"), "NaN"),
        (np.array([*[0.0, 1.0] * 9, 0.0, np.nan]), "NaN"),
    ],
    ids=["object", "None", "None and numbers", "category", "float"],
)
@pytest.mark.parametrize("Estimator", [MLPClassifier, TabularClassifier])
def test_a_missing_class_is_said_to_be_in_y(Estimator, y, what):
    with pytest.raises(ValueError, match=rf"^Input y contains ({what})"):
        Estimator().fit(np.eye(20), y)


@pytest.mark.parametrize(
    "missing", [np.nan, None, pd.NA, np.inf], ids=["NaN", "None", "NA", "inf"]
)
@pytest.mark.parametrize(
    "net",
    [
        MLPClassifier(),
        MLPRegressor(),
        TabularClassifier(n_members=1, hidden_layer_sizes=4),
        TabularRegressor(n_members=1, hidden_layer_sizes=4),
        CNNClassifier((2,), kernel_size=1, pool_size=1, input_shape=(2, 2)),
        SequentialRegressor([Dense(3)]),
    ],
    ids=lambda net: type(net).__name__,
)
def test_rows_with_bad_targets_are_counted(net, missing, iris):
    X, y = iris
    net = clone(net).set_params(max_iter=1, learning_rate="linear")
    bad = pd.Series(y, dtype=object)
    bad[[7, 20]] = missing
    what, how = ("infinity", "infinite") if missing is np.inf else ("NaN", "missing")
    message = (
        rf"Input y contains {what}.*\. Targets are {how} in 2 of 150 rows, first in "
        r"row 7 \(counted from 0\): remove these rows from X and y, or replace"
    )
    if missing is None or missing is pd.NA:
        message = message.replace("NaN", "(NaN|None|NA)")
    else:
        bad = bad.astype(float)
    with pytest.raises(ValueError, match=f"^{message}"):
        net.fit(X, bad)
    with pytest.raises(ValueError, match=f"^Invalid validation set .*: {message}"):
        net.fit(X, y, X_val=X, y_val=bad)
    net.set_params(early_stopping=False)
    classes = {"classes": np.unique(y)} if hasattr(net, "predict_proba") else {}
    with pytest.raises(ValueError, match=f"^{message}"):
        net.partial_fit(X, bad, **classes)
    # The advice is right.
    kept = ~bad.isin([missing]) & bad.notna()
    assert kept.sum() == 148
    net.fit(X[kept], bad[kept].astype(int))


def test_rows_with_one_of_several_targets_missing_are_counted(iris):
    X, y = iris
    bad = np.column_stack([y, y]).astype(float)
    bad[4, 1] = bad[9, 0] = bad[9, 1] = np.nan
    with pytest.raises(ValueError, match=r"missing in 2 of 150 rows, first in row 4 "):
        MLPRegressor().fit(X, bad)
    with pytest.raises(ValueError, match=r"missing in 3 of 150 rows, first in row 0 "):
        MLPRegressor().fit(X, np.array(["nan"] * 3 + [1.0] * 147, dtype=object))


def test_an_error_about_other_things_than_missing_targets_is_left_alone(iris):
    class Column:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("boolean value of NA is ambiguous")

    with pytest.raises(TypeError, match=r"^boolean value of NA is ambiguous$"):
        MLPClassifier().fit(Column(), iris[1])


@pytest.mark.parametrize("columns", [["when"], ["when", "x"], ["x", "how long"]])
def test_dates_are_named(columns):
    """NumPy would take them for numbers of nanoseconds."""
    when = pd.date_range("2020-01-01", periods=20, tz="UTC").to_series(index=range(20))
    table = {"x": np.arange(20.0), "when": when, "how long": when - when[0]}
    X, y = pd.DataFrame({name: table[name] for name in columns}), np.arange(20) % 2
    (name,) = set(columns) - {"x"}
    with pytest.raises(ValueError, match=rf"dates or times: \['{name}'\]. Replace"):
        MLPClassifier().fit(X, y)


def test_text_in_predict():
    clf = MLPClassifier(max_iter=1, learning_rate="linear").fit(
        np.eye(20)[:, :3], LABELS
    )
    with pytest.raises(ValueError, match=r"Columns of X with text: \[0, 2\]"):
        clf.predict(PEOPLE.to_numpy())


def test_documents():
    with pytest.raises(ValueError, match=r"X is text: vectorize it .* TfidfVectorizer"):
        MLPClassifier().fit(["a b", "c d"] * 10, LABELS)


@pytest.mark.parametrize("X", [np.eye(20), sparse.csr_array(np.eye(20))])
def test_text_in_y_is_not_said_to_be_in_X(X):
    with pytest.raises(ValueError, match=r"^could not convert string") as caught:
        MLPRegressor().fit(X, np.array(["a", "b"] * 10, dtype=object))
    assert "of X" not in str(caught.value)


@pytest.mark.parametrize("shape", [(20, 4, 4), (20, 4, 4, 3)])
def test_images_into_an_mlp(shape):
    message = rf"dim {len(shape)}.* CNNClassifier.* X\.reshape\(len\(X\), -1\)"
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(np.ones(shape), LABELS)
    fitted = MLPClassifier(max_iter=1, learning_rate="linear")
    fitted.fit(np.ones((20, 16)), LABELS)
    with pytest.raises(ValueError, match=message):
        fitted.predict(np.ones(shape))


@pytest.mark.parametrize(
    "step, X",
    [
        (PolynomialFeatures(), np.eye(20)),
        (SimpleImputer(), np.where(np.eye(20) == 1, np.nan, 1.0)),
        (CountVectorizer(), ["some words", "other words"] * 10),
    ],
)
def test_an_untransformed_validation_set_in_a_pipeline(step, X):
    pipe = make_pipeline(step, MLPClassifier())
    passed = {"mlpclassifier__X_val": X, "mlpclassifier__y_val": LABELS}
    message = r"(?s)Invalid validation set .* Pipeline .* transform_input=\['X_val'\]"
    with pytest.raises(ValueError, match=message):
        pipe.fit(X, LABELS, **passed)


def test_a_bad_y_val_has_nothing_to_do_with_a_pipeline():
    with pytest.raises(ValueError, match="inconsistent numbers") as caught:
        MLPClassifier().fit(np.eye(20), LABELS, X_val=np.eye(20), y_val=[0])
    assert "Pipeline" not in str(caught.value)


# -- too few rows ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("Estimator", [TabularRegressor, TabularClassifier])
def test_too_few_rows_to_hold_some_out(Estimator, n):
    X, y = np.eye(4), np.arange(4) % 2
    reg = Estimator(max_iter=1, n_members=1)
    with pytest.raises(ValueError, match=rf"too small: n_samples={n}, but .* 4 rows"):
        reg.fit(X[:n], y[:n])
    # Each way out that the error names is one.
    reg.fit(X, y)
    reg.fit(X[:n], y[:n], X_val=np.resize(X[:n], (4, 4)), y_val=np.resize(y[:n], 4))
    reg.set_params(early_stopping=False).fit(X[:n], y[:n])
