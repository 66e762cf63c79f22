"""Transformers of tables, against scikit-learn's and the formulas."""

import datetime
import decimal
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn import MLPClassifier
from sknn.preprocessing import SmoothClipScaler, TableEncoder

FLOATS = [np.float32, np.float64]


@parametrize_with_checks(
    [
        SmoothClipScaler(),
        SmoothClipScaler(limit=1),
        TableEncoder(),
        TableEncoder(max_one_hot=0, dtype=np.float64),
        TableEncoder(categorical_features=[0]),
    ]
)
def test_estimator_checks(estimator, check):
    check(estimator)


# -- SmoothClipScaler -----------------------------------------------------------------


def realmlp_scaling(X, limit=3):
    """The formulas of the paper, for a table without missing values."""
    width = np.quantile(X, 0.75, axis=0) - np.quantile(X, 0.25, axis=0)
    half_range = 0.5 * (X.max(axis=0) - X.min(axis=0))
    width[width == 0] = half_range[width == 0]
    factor = 1 / (width + 1e-30)
    factor[width == 0] = 0
    u = factor * (X - np.median(X, axis=0))
    return u / np.sqrt(1 + (u / limit) ** 2)


def skewed_table(n=201):
    """Features of many shapes; the last ones have no interquartile range."""
    rng = np.random.default_rng(0)
    return np.column_stack(
        [
            rng.normal(size=n),
            rng.lognormal(sigma=3, size=n),
            rng.standard_cauchy(size=n) * 1e6 + 1e9,
            rng.integers(0, 3, size=n),
            np.arange(n) == 5,
            np.full(n, 0.1),
        ]
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4, 200, 201])
@pytest.mark.parametrize("limit", [3, 0.5])
def test_scaler_follows_the_formulas(n, limit):
    X = skewed_table(n) if n > 6 else skewed_table()[:n]
    scaled = SmoothClipScaler(limit).fit_transform(X)
    assert_allclose(scaled, realmlp_scaling(X, limit), rtol=1e-12, atol=1e-12)


def test_with_a_high_limit_the_scaler_is_robust_scaler():
    X = skewed_table()[:, :4]
    scaled = SmoothClipScaler(limit=1e12).fit_transform(X)
    assert_allclose(scaled, RobustScaler().fit_transform(X), rtol=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_scaler_keeps_the_dtype_and_its_input(dtype):
    X = skewed_table().astype(dtype)
    before = X.copy()
    scaler = SmoothClipScaler().fit(X)
    scaled = scaler.transform(X)
    assert scaled.dtype == scaler.center_.dtype == scaler.factor_.dtype == dtype
    assert_array_equal(X, before)
    assert_allclose(scaled, realmlp_scaling(X.astype(float)), rtol=1e-3, atol=1e-3)


def test_scaler_ignores_missing_values_and_keeps_them():
    X = skewed_table()
    holes = np.random.default_rng(0).random(X.shape) < 0.2
    scaler = SmoothClipScaler().fit(np.where(holes, np.nan, X))
    for j in range(X.shape[1]):
        alone = SmoothClipScaler().fit(X[~holes[:, j], j : j + 1])
        assert_array_equal(scaler.center_[j], alone.center_[0])
        assert_array_equal(scaler.factor_[j], alone.factor_[0])
    assert_array_equal(np.isnan(scaler.transform(np.where(holes, np.nan, X))), holes)


@pytest.mark.parametrize("dtype", FLOATS)
def test_scaler_takes_infinite_values_for_very_large_ones(dtype):
    x = np.array([[-np.inf], [0], [1], [2], [3], [4], [np.inf], [np.nan]], dtype)
    largest = np.finfo(dtype).max
    scaler = SmoothClipScaler().fit(x)
    assert scaler.center_ == 2
    y = scaler.transform(np.vstack([x, [[largest], [-largest]]]).astype(dtype))
    assert_array_equal(y[[0, 6, 7, 8, 9], 0], [-3, 3, np.nan, 3, -3])
    assert (np.diff(y[:7, 0]) > 0).all()


def test_only_infinite_or_missing_values_become_zero():
    X = np.array([[np.inf, np.nan], [-np.inf, np.nan]])
    scaler = SmoothClipScaler().fit(X)
    assert_array_equal(scaler.transform(X), [[0, np.nan], [0, np.nan]])
    assert_array_equal(scaler.transform([[1.0, 1.0]]), [[0, 0]])


def test_features_that_vary_by_rounding_errors_are_constant():
    X = np.array([[0.1 + 0.2], [0.3], [0.3], [0.1 + 0.2]])
    assert_array_equal(SmoothClipScaler().fit_transform(X), 0)


@pytest.mark.parametrize("limit", [3, 0.5])
def test_inverse_transform(limit):
    X = skewed_table()[:, [0, 3, 4, 5]]
    X[3] = np.nan
    scaler = SmoothClipScaler(limit).fit(X)
    back = scaler.inverse_transform(scaler.transform(X))
    assert_allclose(back, X, rtol=1e-9, atol=1e-9)
    far = scaler.inverse_transform([[limit, -limit, limit + 1, limit]])
    assert_array_equal(far, [[np.inf, -np.inf, np.inf, 0.1]])


@pytest.mark.parametrize("limit", [0, -1, np.inf, "3"])
def test_limit_is_checked(limit):
    with pytest.raises(ValueError, match="'limit' parameter"):
        SmoothClipScaler(limit).fit([[1.0], [2.0]])


# -- TableEncoder: pieces -------------------------------------------------------------


def mixed_table(n=300, missing=0.1):
    """Numbers, and categories of 2, 4 and 20 kinds, with missing values in all."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "town": rng.choice([f"t{i:02}" for i in range(20)], n),
            "age": rng.normal(40, 10, n),
            "sex": rng.choice(["m", "f"], n),
            "income": rng.lognormal(size=n),
            "color": rng.choice(["red", "green", "blue", "black"], n),
            "children": rng.integers(0, 4, n),
        }
    )
    for name in ("town", "age", "sex", "color"):
        table.loc[rng.random(n) < missing, name] = None
    return table


def test_columns_are_numbers_then_indicators_then_one_hot_then_codes():
    table = mixed_table()
    encoder = TableEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == [
        *["age", "income", "children", "missingindicator_age", "sex_f"],
        *["color_black", "color_blue", "color_green", "color_red", "town"],
    ]
    assert encoder.n_numeric_ == 3
    assert encoder.n_categories_ == (22,)
    assert encoder.input_index_.tolist() == [1, 3, 5, 1, 2, 4, 4, 4, 4, 0]
    assert encoder.is_categorical_.tolist() == [True, False] * 2 + [True, False]
    assert [len(values) for values in encoder.categories_] == [20, 2, 4]
    assert encoder.transform(table).shape == (300, 10)


def test_numbers_are_scaled_by_smooth_clip_scaler_and_missing_ones_are_0():
    table = mixed_table()
    encoded = TableEncoder(dtype=np.float64).fit_transform(table)
    numbers = table[["age", "income", "children"]].to_numpy()
    expected = np.nan_to_num(SmoothClipScaler().fit_transform(numbers))
    assert_allclose(encoded[:, :3], expected, rtol=1e-12)
    indicator = SmoothClipScaler().fit_transform(np.isnan(numbers[:, :1]))
    assert_allclose(encoded[:, 3:4], indicator, rtol=1e-12)


def test_one_hot_columns_are_those_of_one_hot_encoder_scaled():
    table = mixed_table()
    encoder = TableEncoder(dtype=np.float64)
    encoded = encoder.fit_transform(table)
    colors = sorted(set(table["color"].dropna()))
    one_hot = OneHotEncoder(
        categories=[colors], handle_unknown="ignore", sparse_output=False
    ).fit_transform(table[["color"]])
    assert_allclose(encoded[:, 5:9], realmlp_scaling(one_hot), rtol=1e-12)
    sign = table[["sex"]].eq("f").to_numpy() * 1.0 - table[["sex"]].eq("m").to_numpy()
    assert_allclose(encoded[:, 4:5], realmlp_scaling(sign), rtol=1e-12)


def test_codes_are_those_of_ordinal_encoder_after_unknown_and_missing():
    table = mixed_table()
    encoder = TableEncoder().fit(table)
    later = mixed_table()
    later.loc[:5, "town"] = "elsewhere"
    ordinal = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-2, encoded_missing_value=-1
    )
    ordinal.fit(table[["town"]].fillna(np.nan))
    expected = ordinal.transform(later[["town"]].fillna(np.nan))[:, 0] + 2
    assert_array_equal(encoder.transform(later)[:, -1], expected)
    assert_array_equal(encoder.transform(later)[:6, -1], 0)


@pytest.mark.parametrize("max_one_hot, n_codes", [(0, 4), (3, 2), (4, 1), (5, 0)])
def test_missing_values_count_as_a_category(max_one_hot, n_codes):
    table = pd.DataFrame({"two": list("ab") * 10, "three": list("abcabcabca") * 2})
    table["four"], table["five"] = list("abcd") * 5, list("abcd") * 5
    table.loc[0, "five"] = None
    encoder = TableEncoder(max_one_hot=max_one_hot).fit(table)
    assert len(encoder.n_categories_) == n_codes


def test_unknown_and_missing_values_are_alike_as_one_hot_but_not_as_codes():
    table = pd.DataFrame({"few": ["a", "b", "c", None] * 5, "many": list("abcd") * 5})
    rows = pd.DataFrame({"few": ["z", None], "many": ["z", None]})
    unknown, missing = TableEncoder(max_one_hot=4).fit(table).transform(rows)
    assert_array_equal(unknown, missing)
    encoder = TableEncoder(max_one_hot=3).fit(table)
    assert encoder.transform(rows).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("min_frequency", [5, 0.05])
@pytest.mark.parametrize("max_one_hot", [0, 9])
def test_rare_values_are_treated_like_unknown_ones(min_frequency, max_one_hot):
    values = ["a"] * 50 + ["b"] * 41 + ["c"] * 5 + ["d"] * 4
    table = pd.DataFrame({"x": values})
    encoder = TableEncoder(min_frequency=min_frequency, max_one_hot=max_one_hot)
    encoded = encoder.fit_transform(table)
    assert encoder.categories_[0].tolist() == ["a", "b", "c"]
    unknown = encoder.transform(pd.DataFrame({"x": ["new"]}))
    assert_array_equal(encoded[-4:], np.repeat(unknown, 4, axis=0))
    assert (encoded[:-4] != unknown).any(axis=1).all()


def test_indicators_are_for_columns_with_some_values_missing():
    nan = np.nan
    X = np.array([[1, nan, nan], [2, nan, 1], [3, nan, 2], [4, nan, 3]])
    encoder = TableEncoder().fit(X)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x0", "x1", "x2", "missingindicator_x2"]
    assert_array_equal(encoder.transform(X)[:, 1], 0)
    new = encoder.transform([[nan, nan, 1.0]])
    assert new[0, 0] == 0  # the median
    without = TableEncoder(add_indicator=False).fit(X)
    assert without.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


def test_columns_without_information_become_0():
    table = pd.DataFrame({"number": [5.0] * 4, "text": ["a"] * 4, "none": [None] * 4})
    encoder = TableEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == ["number", "text_a", "none"]
    later = pd.DataFrame({"number": [7.0], "text": ["b"], "none": ["c"]})
    assert_array_equal(encoder.transform(table), 0)
    assert_array_equal(encoder.transform(later), 0)


def test_infinite_numbers_are_very_large_ones():
    X = np.array([[1.0], [2], [3], [np.inf]])
    encoder = TableEncoder().fit(X)
    assert_array_equal(encoder.transform([[np.inf], [-np.inf]]), [[3], [-3]])


@pytest.mark.parametrize("dtype", [*FLOATS, "float32"])
def test_dtype(dtype):
    encoded = TableEncoder(dtype=dtype).fit_transform(mixed_table())
    assert encoded.dtype == dtype
    assert encoded.flags.c_contiguous


# -- TableEncoder: kinds of columns ---------------------------------------------------

TEXT = np.random.default_rng(0).choice(["a", "b", "c"], 100)
NUMBERS = np.random.default_rng(1).integers(0, 5, 100)


def with_missing(column):
    return column.where(np.arange(100) % 7 > 0)


def text(dtype):
    return pd.Series(TEXT).astype(dtype)


CATEGORICAL = {
    "objects": text(object),
    "objects, None": text(object).where(np.arange(100) % 7 > 0, None),
    "objects, NA": text(object).where(np.arange(100) % 7 > 0, pd.NA),
    "string": with_missing(text("string")),
    "category": with_missing(text("category")),
    "category of numbers": with_missing(pd.Series(NUMBERS).astype("category")),
    "intervals": pd.cut(pd.Series(NUMBERS), [-1, 1, 3, 6]),
    "bool": pd.Series(NUMBERS > 2),
    "nullable bool": with_missing(pd.Series(NUMBERS > 2).astype("boolean")),
    "bool and None": pd.Series([True, False, None, True] * 25, dtype=object),
    "text and numbers": pd.Series([1, "x", 2.5, None] * 25, dtype=object),
    "bytes": pd.Series([b"a", b"b"] * 50),
    "polars text": pl.Series(TEXT),
    "polars text, null": pl.Series(["a", None, "b", "c"] * 25),
    "polars categories": pl.Series(["a", None, "b", "c"] * 25, dtype=pl.Categorical),
    "polars bool": pl.Series([True, False, None, True] * 25),
}

NUMERIC = {
    **{f"{d}": pd.Series(NUMBERS).astype(d) for d in ("int8", "uint64", "float32")},
    "float, NaN": with_missing(pd.Series(NUMBERS)),
    "Int64": with_missing(pd.Series(NUMBERS).astype("Int64")),
    "Float32": with_missing(pd.Series(NUMBERS / 3).astype("Float32")),
    "objects": pd.Series([1, None, 2.5, np.nan, pd.NA] * 20, dtype=object),
    "decimals": pd.Series([decimal.Decimal("1.5"), None, 3, 4] * 25, dtype=object),
    "sparse": pd.Series(NUMBERS * 1.0).astype(pd.SparseDtype(float, 0)),
    "polars int": pl.Series([1, None, 2, 3] * 25),
    "polars float": pl.Series(NUMBERS / 3),
}


def table_of(column):
    """Two columns in a frame of the library of the first."""
    library = pl if isinstance(column, pl.Series) else pd
    return library.DataFrame({"x": column, "row": np.arange(100.0)})


def check_rows_are_encoded_alike(encoder, table):
    """Many rows and a few take different ways through the code."""
    encoded = encoder.transform(table)
    few = [encoder.transform(table[i : i + 9]) for i in range(0, 100, 9)]
    assert_array_equal(np.concatenate(few), encoded)
    assert np.isfinite(encoded).all()
    return encoded


@pytest.mark.parametrize("max_one_hot", [0, 9])
@pytest.mark.parametrize("name", CATEGORICAL)
def test_kinds_of_categories(name, max_one_hot):
    column = CATEGORICAL[name]
    table = table_of(column)
    encoder = TableEncoder(max_one_hot=max_one_hot).fit(table)
    assert encoder.is_categorical_.tolist() == [True, False]
    encoded = check_rows_are_encoded_alike(encoder, table)
    cells = column.to_list() if isinstance(column, pl.Series) else column.tolist()
    present = [v for v in cells if not pd.isna(v)]
    assert set(encoder.categories_[0]) == set(present)
    if max_one_hot == 0:
        codes = {value: i + 2 for i, value in enumerate(encoder.categories_[0])}
        expected = [1 if pd.isna(v) else codes[v] for v in cells]
        assert_array_equal(encoded[:, -1], expected)


@pytest.mark.parametrize("name", NUMERIC)
def test_kinds_of_numbers(name):
    column = NUMERIC[name]
    table = table_of(column)
    encoder = TableEncoder(dtype=np.float64).fit(table)
    assert encoder.is_categorical_.tolist() == [False, False]
    encoded = check_rows_are_encoded_alike(encoder, table)
    numbers = [np.nan if v is None or pd.isna(v) else float(v) for v in list(column)]
    expected = SmoothClipScaler().fit_transform(np.reshape(numbers, (-1, 1)))
    assert_allclose(encoded[:, :1], np.nan_to_num(expected), rtol=1e-12)


ARROW = {
    "string": (["a", None, "b", "a"], True),
    "bool_": ([True, None, False, True], True),
    "int64": ([1, None, 2, 3], False),
    "float64": ([1.5, None, 2, 3], False),
}


@pytest.mark.parametrize("name", ARROW)
def test_arrow_columns(name):
    pa = pytest.importorskip("pyarrow")
    values, is_categorical = ARROW[name]
    column = pd.Series(values * 25, dtype=pd.ArrowDtype(getattr(pa, name)()))
    table = table_of(column)
    encoder = TableEncoder().fit(table)
    assert encoder.is_categorical_.tolist() == [is_categorical, False]
    encoded = check_rows_are_encoded_alike(encoder, table)
    plain = table_of(pd.Series(values * 25, dtype=object))
    assert_array_equal(encoder.transform(plain), encoded)
    assert_array_equal(encoder.transform(pa.Table.from_pandas(table)), encoded)


class Unhashable:
    __hash__ = None


REFUSED = {
    "dates": (pd.Series(pd.date_range("2020", periods=9)), "days since a fixed date"),
    "dates of a zone": (pd.Series(pd.date_range("2020", periods=9, tz="UTC")), "Dates"),
    "periods": (pd.Series(pd.period_range("2020", periods=9, freq="D")), "Dates"),
    "date objects": (pd.Series([datetime.date(2020, 1, 1)] * 9), r"'x' \(date\)"),
    "times": (pd.Series([datetime.time(1)] * 9), r"'x' \(time\)"),
    "durations": (pd.Series(pd.timedelta_range("1D", periods=9)), "days or seconds"),
    "complex": (pd.Series([1j] * 9), "Complex data not supported"),
    "complex objects": (pd.Series([1j] * 9, dtype=object), "Complex data not"),
    "lists": (pd.Series([[1, 2]] * 9), r"'x' \(list\)"),
    "dicts": (pd.Series([{}] * 9), r"'x' \(dict\)"),
    "tuples": (pd.Series([(1,)] * 9), r"'x' \(tuple\)"),
    "unhashable": (pd.Series([Unhashable()] * 9), "'x'"),
    "polars dates": (pl.Series([datetime.date(2020, 1, 1)] * 9), "Dates"),
    "polars lists": (pl.Series([[1, 2], [3]] * 4), "Lists"),
    "polars arrays": (pl.Series([[1, 2]] * 9, dtype=pl.Array(pl.Int64, 2)), "Lists"),
    "polars structs": (pl.Series([{"a": 1, "b": 2.0}] * 9), "Lists"),
}


@pytest.mark.parametrize("column, message", REFUSED.values(), ids=REFUSED)
def test_other_kinds_are_refused_with_advice(column, message):
    library = pl if isinstance(column, pl.Series) else pd
    with pytest.raises(ValueError, match=message):
        TableEncoder().fit(library.DataFrame({"x": column}))


def test_all_refused_columns_are_named_at_once():
    table = mixed_table(9).assign(
        when=pd.date_range("2020", periods=9), tags=[[1]] * 9, wait=pd.Timedelta("1D")
    )
    with pytest.raises(ValueError, match=r"'when' .*, 'tags' .*, 'wait' ") as error:
        TableEncoder().fit(table)
    assert "'age'" not in str(error.value)


def test_arrays_of_objects_and_lists_are_read_by_column():
    rows = [[1, "a", True], [2.5, "b", False], [None, "a", None], [4, "b", True]]
    frame = pd.DataFrame(rows, columns=["n", "t", "b"])
    expected = TableEncoder().fit_transform(frame)
    assert_array_equal(TableEncoder().fit_transform(rows), expected)
    X = np.array(rows, dtype=object)
    assert_array_equal(TableEncoder().fit_transform(X), expected)
    encoder = TableEncoder().fit(X)
    assert encoder.is_categorical_.tolist() == [False, True, True]


def test_arrays_of_text_are_categories():
    X = np.array([["a", "1"], ["b", "2"], ["c", "3"]])
    encoder = TableEncoder().fit(X)
    assert encoder.is_categorical_.all()
    assert_array_equal(encoder.transform(X), encoder.transform(X.astype(object)))


def test_categories_are_sorted_numbers_first():
    X = np.array([["b"], [10], ["a"], [9]], dtype=object)
    assert TableEncoder().fit(X).categories_[0].tolist() == [9, 10, "a", "b"]


def test_the_library_of_the_frame_does_not_matter():
    table = mixed_table()
    encoder = TableEncoder().fit(table)
    expected = encoder.transform(table)
    records = table.astype(object).where(table.notna(), None).to_dict("list")
    assert_array_equal(encoder.transform(pl.DataFrame(records)), expected)
    as_category = table.astype({"town": "category", "sex": "string"})
    assert_array_equal(encoder.transform(as_category), expected)


def test_frames_that_convert_to_pandas_are_converted():
    class Frame:
        def to_pandas(self):
            return mixed_table()

    assert TableEncoder().fit(Frame()).feature_names_in_[0] == "town"


@pytest.mark.parametrize(
    "given",
    [
        ["town", "children"],
        [0, 5],
        np.array([0, 5]),
        [True, False, False, False, False, True],
    ],
)
def test_categorical_features_by_name_index_or_mask(given):
    table = mixed_table().drop(columns=["sex", "color"]).assign(a=1.0, b=2.0)
    table = table[["town", "age", "income", "a", "b", "children"]]
    encoder = TableEncoder(categorical_features=given).fit(table)
    assert np.flatnonzero(encoder.is_categorical_).tolist() == [0, 5]
    assert encoder.categories_[1].tolist() == [0, 1, 2, 3]
    names = encoder.get_feature_names_out().tolist()
    assert names[-5:] == [*(f"children_{i}" for i in range(4)), "town"]


@pytest.mark.parametrize("given", [None, [], [False] * 3])
def test_no_categorical_features(given):
    X = np.random.default_rng(0).normal(size=(9, 3))
    encoder = TableEncoder(categorical_features=given).fit(X)
    assert not encoder.is_categorical_.any()
    assert encoder.categories_ == []
    assert encoder.n_categories_ == ()


def test_numbers_can_be_categories_in_an_array():
    X = np.column_stack([NUMBERS, np.random.default_rng(0).normal(size=100)]).astype(
        float
    )
    X[0, 0] = np.nan
    encoder = TableEncoder(categorical_features=[0], max_one_hot=0).fit(X)
    codes = np.where(np.isnan(X[:, 0]), 1, X[:, 0] + 2)
    assert_array_equal(encoder.transform(X)[:, -1], codes)


# -- TableEncoder: errors and warnings ------------------------------------------------


@pytest.mark.parametrize(
    "given, message",
    [
        (["ages"],
         r"=\['ages'\]: the table has no column 'ages'\. Did you mean 'age'\?$"),
        (["Sex"], r".* no column 'Sex'\. Did you mean 'sex'\?$"),
        (["age", "zip"],
         r".* no column 'zip'\. The columns are \['town', 'age', .*'children'\]\.$"),
        ([6], r"=\[6\]: the table has no column 6\. Its columns are 0 to 5\.$"),
        ([0, -1], r".* no column -1\. Its columns are 0 to 5\.$"),
        ([True, False], r" is a mask of length 2, but the table has 6 columns\.$"),
        (np.ones(7, bool), r" is a mask of length 7, but the table has 6 columns\.$"),
        ([0.5], r".* got \[0.5\]"),
        ([0, "age"], r".* got \[0, 'age'\]"),
        ([[0], [1]], r".* got \[\[0\], \[1\]\]"),
        ([["age"]], r".* got \[\['age'\]\]"),
        ({"age"}, r".* got {'age'}"),
    ],
)  # fmt: skip
def test_wrong_categorical_features(given, message):
    with pytest.raises(ValueError, match=f"^categorical_features{message}"):
        TableEncoder(categorical_features=given).fit(mixed_table())


def test_an_error_does_not_list_very_many_columns():
    table = pd.DataFrame(np.ones((3, 40)), columns=[f"column {i}" for i in range(40)])
    with pytest.raises(ValueError, match=r"'column 0', .*'column 29'\] and 10 more\.$"):
        TableEncoder(categorical_features=["zip"]).fit(table)


def test_names_of_an_array_are_its_indices():
    with pytest.raises(ValueError, match=r"no column 'a'\. The columns are \[0, 1\]\."):
        TableEncoder(categorical_features=["a"]).fit(np.ones((3, 2)))


def test_a_list_of_categorical_features_replaces_the_types():
    """What is not in the list is read as numbers, whatever its type."""
    others = {
        "flag": [True, False, False],
        "text": ["12.5", "3", None],
        "grade": pd.Categorical([1, 2, 1]),
    }
    table = pd.DataFrame({"zip": [1, 2, 3], **others})
    assert TableEncoder().fit(table).is_categorical_.tolist() == [False] + [True] * 3
    for given in (["zip"], [0]):
        encoder = TableEncoder(categorical_features=given).fit(table)
        assert encoder.is_categorical_.tolist() == [True] + [False] * 3
    numbers = pd.DataFrame(
        {"zip": [1, 2, 3], "flag": [1, 0, 0], "text": [12.5, 3, None],
         "grade": [1, 2, 1]}
    )  # fmt: skip
    assert_array_equal(
        TableEncoder(categorical_features=["zip"]).fit_transform(table),
        TableEncoder(categorical_features=["zip"]).fit_transform(numbers),
    )


@pytest.mark.parametrize(
    "param, value",
    [
        ("max_one_hot", -1),
        ("max_one_hot", 2.5),
        ("min_frequency", 0),
        ("min_frequency", 1.5),
        ("categorical_features", "all"),
        ("add_indicator", "yes"),
    ],
)
def test_wrong_parameters(param, value):
    with pytest.raises(ValueError, match=f"The '{param}' parameter"):
        TableEncoder(**{param: value}).fit(mixed_table())


@pytest.mark.parametrize("dtype", [np.float16, int, "float", "number", None])
def test_wrong_dtype(dtype):
    if dtype in ("float", None):  # NumPy's names of float64
        TableEncoder(dtype=dtype).fit(mixed_table())
    else:
        with pytest.raises(ValueError, match="dtype must be float32 or float64, got"):
            TableEncoder(dtype=dtype).fit(mixed_table())


def test_text_that_is_no_category_is_an_error_that_names_the_column():
    with pytest.raises(ValueError, match=r"Column 'town' must hold numbers, but .*'t"):
        TableEncoder(categorical_features=["sex", "color"]).fit(mixed_table())


@pytest.mark.parametrize(
    "values", [["old"] * 9, pd.date_range("2020", periods=9), [[1]] * 9, [1j] * 9]
)
def test_a_column_of_numbers_stays_one(values):
    encoder = TableEncoder().fit(mixed_table())
    with pytest.raises(ValueError, match="Column 'age' must hold numbers"):
        encoder.transform(mixed_table(9).assign(age=values))


def test_a_column_of_categories_can_be_anything_later():
    encoder = TableEncoder(max_one_hot=0).fit(pd.DataFrame({"x": ["a", "b", "a"]}))
    for values in ([1.5], [None], [np.nan], [["a"]]):
        later = pd.DataFrame({"x": pd.Series(values)})
        if isinstance(values[0], list):
            with pytest.raises(ValueError, match="Column 'x' must hold categories"):
                encoder.transform(later)
        else:
            assert encoder.transform(later)[0, 0] == (0 if values == [1.5] else 1)


def test_columns_must_be_those_of_fit():
    table = mixed_table()
    encoder = TableEncoder().fit(table)
    with pytest.raises(ValueError, match="same order"):
        encoder.transform(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
        encoder.transform(table.drop(columns="age"))
    with pytest.raises(ValueError, match="unseen at fit time"):
        encoder.transform(table.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="6 features"):
        TableEncoder().fit(table.to_numpy(object)).transform(np.ones((3, 5)))


@pytest.mark.parametrize("empty", [mixed_table()[:0], pl.DataFrame({"x": []})])
def test_tables_without_rows(empty):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        TableEncoder().fit(empty)


def test_tables_without_columns():
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        TableEncoder().fit(pd.DataFrame(index=range(3)))


def test_names_of_columns_must_be_unique():
    table = pd.DataFrame([[1.0, "a", 2.0]], columns=["x", "y", "x"])
    with pytest.raises(ValueError, match=r"must be different, got several of \['x'\]"):
        TableEncoder().fit(table)


def test_identifiers_are_warned_of():
    table = mixed_table().assign(ticket=[f"no {i}" for i in range(300)])
    with pytest.warns(UserWarning, match="'ticket' has 300 categories in 300") as seen:
        TableEncoder().fit(table)
    assert seen[0].filename == __file__
    TableEncoder(min_frequency=2).fit(table)  # no warning
    TableEncoder(max_one_hot=1000).fit(table)


NUMBERS_AS_TEXT = [f"{i}.5" for i in range(60)]


@pytest.mark.parametrize(
    "values, advice",
    [
        (
            NUMBERS_AS_TEXT,
            r"holds numbers as text: .* pandas.to_numeric\(df\['price'\]\)",
        ),
        (
            [*NUMBERS_AS_TEXT[:58], "n/a", "?"],
            r"holds numbers and text, such as '\?' and 'n/a': convert it "
            r"with pandas.to_numeric\(df\['price'\], errors='coerce'\), which",
        ),
        ([*NUMBERS_AS_TEXT[:50], *"abcdefghij"], "for example with TfidfVectorizer"),
    ],
)
def test_numbers_as_text_are_to_be_converted(values, advice):
    table = pd.DataFrame({"price": values})
    with pytest.warns(UserWarning, match=f"^Column 'price' has 60 .* {advice}") as seen:
        TableEncoder().fit(table)
    assert ("Tfidf" in str(seen[0].message)) == ("Tfidf" in advice)
    numbers = table.assign(price=pd.to_numeric(table["price"], errors="coerce"))
    assert not TableEncoder().fit(numbers).is_categorical_.any()  # and no warning


def test_numbers_as_text_that_are_not_categories():
    table = pd.DataFrame({"price": [*NUMBERS_AS_TEXT, "n/a"]})
    message = r"must hold numbers, but .*'n/a'\. It holds numbers and text, .* If it is"
    with pytest.raises(ValueError, match=f"^Column 'price' {message}"):
        TableEncoder(categorical_features=None).fit(table)


@pytest.mark.filterwarnings("ignore:Column 'id'")
def test_very_many_categories_need_little_memory():
    table = pd.DataFrame({"id": [f"user {i}" for i in range(20_000)]})
    encoder = TableEncoder().fit(table)
    assert encoder.n_categories_ == (20_002,)
    assert len(pickle.dumps(encoder)) < 2e6


# -- TableEncoder: in scikit-learn ----------------------------------------------------


def test_clone_and_pickle():
    table = mixed_table()
    encoder = TableEncoder(max_one_hot=3, min_frequency=0.01).fit(table)
    copied = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(copied.transform(table), encoder.transform(table))
    refitted = clone(encoder).fit(table)
    assert_array_equal(refitted.transform(table), encoder.transform(table))


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_set_output(output):
    table = mixed_table()
    encoder = TableEncoder().set_output(transform=output)
    encoded = encoder.fit_transform(table)
    assert list(encoded.columns) == encoder.get_feature_names_out().tolist()
    assert_array_equal(encoded.to_numpy(), TableEncoder().fit_transform(table))


def test_in_a_pipeline_and_a_column_transformer():
    table = mixed_table()
    y = table["age"].fillna(40) > 40
    net = MLPClassifier((16,), solver="lbfgs", max_iter=60, random_state=0)
    net = make_pipeline(TableEncoder(max_one_hot=30), net).fit(table, y)
    assert net.score(table, y) > 0.9
    columns = ColumnTransformer([("table", TableEncoder(), ["age", "sex"])])
    names = columns.fit(table).get_feature_names_out().tolist()
    assert names == ["table__age", "table__missingindicator_age", "table__sex_f"]


def test_fit_and_fit_transform_agree_and_leave_the_table_alone():
    table = mixed_table()
    before = table.copy()
    encoded = TableEncoder().fit_transform(table)
    assert_array_equal(TableEncoder().fit(table).transform(table), encoded)
    pd.testing.assert_frame_equal(table, before)
    X = np.random.default_rng(0).normal(size=(100, 3))
    kept = X.copy()
    TableEncoder().fit(X).transform(X)
    assert_array_equal(X, kept)


def test_pandas_and_polars_are_not_needed():
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "polars"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from sknn.preprocessing import TableEncoder
TableEncoder().fit_transform([[1, "a"], [None, "b"], [3, None]])
"""
    subprocess.run([sys.executable, "-c", code], check=True)
