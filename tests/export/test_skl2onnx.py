"""Pipelines and ensembles of scikit-learn with estimators of sknn inside, as ONNX."""

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.exceptions import ExportError
from sknn.export import register_converters, to_onnx
from sknn.layers import Dense
from sknn.preprocessing import SmoothClipScaler, TableEncoder

from .data import (
    IMAGES,
    LABELS,
    NUMBERS,
    ONE,
    QUICK,
    TABLE,
    TWO,
    X,
    feeds_of_table,
    other_rows,
)
from .sessions import assert_predicts, run

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X has (rows|pixels):UserWarning",
    "ignore:Early stopping ended training at epoch:UserWarning",
)

classifier = MLPClassifier(**QUICK)
regressor = MLPRegressor(**QUICK)


def values_of(pipeline, X):
    """What a pipeline predicts, as one array for each output."""
    if hasattr(pipeline, "predict_proba"):
        return pipeline.predict(X), pipeline.predict_proba(X)
    return (pipeline.predict(X).reshape(len(X), -1),)


def assert_same(pipeline, X, feeds, model, atol):
    outputs = [*run(model, feeds).values()]
    expected = values_of(pipeline, X)
    assert len(outputs) == len(expected)
    for output, values in zip(outputs, expected, strict=True):
        if values.dtype.kind == "f":
            assert_allclose(output, values, rtol=0, atol=atol)
        else:
            assert_array_equal(output, values)


PIPELINES = [
    (make_pipeline(StandardScaler(), classifier), LABELS),
    (make_pipeline(MinMaxScaler(), PCA(4), classifier), NUMBERS > 1),
    (make_pipeline(StandardScaler(), classifier), X[:, :3] > 0),
    (make_pipeline(SmoothClipScaler(), classifier), np.arange(60) % 4),
    (make_pipeline(StandardScaler(), regressor), NUMBERS),
    (make_pipeline(SmoothClipScaler(2.0), regressor), X[:, :2]),
    (make_pipeline(PCA(5), SequentialRegressor([Dense(3)], max_iter=3)), NUMBERS),
    (make_pipeline(StandardScaler(), TabularClassifier(**ONE)), LABELS),
    (make_pipeline(StandardScaler(), TabularRegressor(**ONE)), NUMBERS),
    (make_pipeline(TableEncoder(), classifier), LABELS),
    (make_pipeline(make_pipeline(StandardScaler()), regressor), NUMBERS),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pipeline, y", PIPELINES, ids=lambda p: repr(p)[:40])
def test_pipelines(pipeline, y, dtype):
    rows = X.astype(dtype)
    y = y.astype(int) if y.ndim == 2 and y.dtype == bool else y
    pipeline = clone(pipeline).fit(rows, y)
    encodes = any(name in repr(pipeline) for name in ("Tabular", "TableEncoder"))
    atol = 1e-4 if dtype == "float32" or encodes else 1e-9  # encoded in float32
    register_converters()
    options = {"zipmap": False} if hasattr(pipeline, "predict_proba") else None
    for model in (
        to_onnx(pipeline, dtype=dtype),
        to_onnx(pipeline, X=rows[:1]),
        skl2onnx.to_onnx(pipeline, rows[:1], options=options),
    ):
        assert_same(pipeline, rows, {"X": rows}, model, atol)


def test_dtype_is_that_of_the_network():
    for dtype in (np.float32, np.float64):
        pipeline = make_pipeline(StandardScaler(), classifier).fit(
            X.astype(dtype), LABELS
        )
        outputs = run(to_onnx(pipeline), {"X": X.astype(dtype)})
        assert outputs["probabilities"].dtype == dtype


@pytest.mark.parametrize(
    "estimator, y",
    [
        (VotingClassifier([("a", classifier), ("b", LogisticRegression())],
                          voting="soft", flatten_transform=False), LABELS),
        (StackingClassifier([("a", classifier)], LogisticRegression(), cv=2), LABELS),
        (CalibratedClassifierCV(classifier, cv=2), LABELS),
        (CalibratedClassifierCV(TabularClassifier(**TWO), cv=2), NUMBERS > 1),
        (GridSearchCV(classifier, {"alpha": [0, 1]}, cv=2), LABELS),
        (GridSearchCV(regressor, {"alpha": [0, 1]}, cv=2), NUMBERS),
        (VotingRegressor([("a", regressor), ("b", Ridge()), ("c", clone(regressor)),
                          ("d", TabularRegressor(**ONE))]), NUMBERS),
        (StackingRegressor([("a", regressor)], Ridge(), cv=2), NUMBERS),
        (OneVsRestClassifier(classifier), LABELS),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_ensembles_and_searches(estimator, y):
    rows = X.astype(np.float32)
    estimator.fit(rows, y)
    model = to_onnx(estimator, X=rows)
    assert_same(estimator, rows, {"X": rows}, model, 1e-4)


def test_estimators_alone():
    register_converters()
    for estimator, rows, y in (
        (classifier, X, LABELS),
        (regressor, X, NUMBERS),
        (CNNClassifier(max_iter=1), IMAGES.reshape(60, -1), LABELS),
    ):
        estimator.fit(rows, y)
        model = skl2onnx.to_onnx(
            estimator, rows[:1], options={"zipmap": False} if y is LABELS else None
        )
        assert_same(estimator, rows, {"X": rows}, model, 1e-6)


def test_rows_of_integers():
    rows = np.random.RandomState(0).randint(5, size=(60, 4))
    pipeline = make_pipeline(StandardScaler(), regressor).fit(rows, NUMBERS)
    for dtype, atol in (("float32", 1e-4), ("float64", 1e-9)):
        model = to_onnx(pipeline, X=rows, dtype=dtype)
        assert_same(pipeline, rows, {"X": rows.astype(dtype)}, model, atol)
    default = to_onnx(pipeline, X=rows)
    assert_same(pipeline, rows, {"X": rows.astype(float)}, default, 1e-9)
    with pytest.raises(ValueError, match="'float32' or 'float64', got 'float16'"):
        to_onnx(pipeline, X=rows, dtype="float16")


def test_categories_in_a_matrix_of_numbers():
    rows = np.column_stack([X[:, :2], np.arange(60) % 12, np.arange(60) % 3])
    rows[3, 2:] = np.nan
    params = {**ONE, "categorical_features": [2, 3]}
    fitted = TabularClassifier(**params).fit(rows, LABELS)
    register_converters()
    model = skl2onnx.to_onnx(fitted, rows[:1], options={"zipmap": False})
    assert_same(fitted, rows, {"X": rows}, model, 1e-4)


def test_zipmap():
    register_converters()
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, LABELS)
    onnxruntime = pytest.importorskip("onnxruntime")
    model = skl2onnx.to_onnx(pipeline, X[:1].astype(np.float32))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, p = session.run(None, {"X": X.astype(np.float32)})
    assert_array_equal(label, pipeline.predict(X))
    expected = dict(zip(pipeline.classes_, pipeline.predict_proba(X)[3], strict=True))
    assert p[3] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("y", [LABELS, NUMBERS > 1, (X[:, :3] > 0).astype(int)])
@pytest.mark.parametrize("n_members", [1, 2])
def test_raw_scores(y, n_members):
    fitted = TabularClassifier(**{**ONE, "n_members": n_members}).fit(X, y)
    register_converters()
    model = skl2onnx.to_onnx(
        fitted, X[:1], options={id(fitted): {"raw_scores": True, "zipmap": False}}
    )
    outputs, z = run(model, {"X": X}), fitted.decision_function(X)
    z = np.column_stack([-z, z]) if z.ndim == 1 else z
    assert_allclose(outputs["probabilities"], z, rtol=1e-4, atol=1e-5)
    assert_array_equal(outputs["label"], fitted.predict(X))


# -- tables ---------------------------------------------------------------------------


def frame():
    """A table of types that skl2onnx knows: numbers, text and booleans."""
    return pd.DataFrame(
        {
            "size": X[:, 0].astype(np.float32),
            "rooms": np.arange(60) % 3,
            "town": np.array([f"town {i % 12}" for i in range(60)], object),
            "old": np.arange(60) % 2 == 0,
            "area": X[:, 1],
        }
    )


def feeds_of_frame(table):
    return {name: table[[name]].to_numpy() for name in table}


def feeds(table, dtype="float64"):
    """All numbers and booleans in one type, text as strings, of which "" is missing."""
    arrays = {}
    for name in table:
        values = table[name].astype(object)
        is_text = any(isinstance(value, str) for value in values)
        values = values.where(values.notna(), "" if is_text else np.nan)
        arrays[name] = values.to_numpy(object if is_text else dtype)[:, np.newaxis]
    return arrays


@pytest.mark.parametrize("Estimator", [TabularClassifier, TabularRegressor])
def test_tables(Estimator):
    """An input per column, in the type of the column."""
    table = frame()
    y = LABELS if Estimator is TabularClassifier else NUMBERS
    estimator = Estimator(**ONE).fit(table, y)
    register_converters()
    options = {"zipmap": False} if y is LABELS else None
    model = skl2onnx.to_onnx(estimator, table[:1], options=options)
    assert [value.name for value in model.graph.input] == list(table)
    assert_same(estimator, table, feeds_of_frame(table), model, 1e-4)


def test_a_table_encoder_in_a_pipeline():
    table = frame()
    pipeline = make_pipeline(TableEncoder(), regressor).fit(table, NUMBERS)
    model = to_onnx(pipeline, X=table)
    assert_same(pipeline, table, feeds(table), model, 1e-4)


def test_a_column_transformer():
    table = frame()
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()),
             ["size", "area"]),
            ("text", OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ]
    )  # fmt: skip
    pipeline = make_pipeline(columns, classifier).fit(table, LABELS)
    with pytest.raises(ExportError, match="was fitted on a data frame: pass some of"):
        to_onnx(pipeline)
    model = to_onnx(pipeline, X=table, dtype="float32")
    assert [value.name for value in model.graph.input] == list(table)
    assert_same(pipeline, table, feeds(table, "float32"), model, 1e-4)
    # skl2onnx writes a SimpleImputer that ONNX Runtime does not have in float64.
    with pytest.raises(ExportError, match=r"in float64: .* Pass dtype='float32' if"):
        to_onnx(pipeline, X=table)


def test_numbers_of_all_types_are_one_type():
    """Integers before floats, and digits that float32 does not have."""
    table = pd.DataFrame(
        {
            "age": np.arange(60) % 9,
            "income": X[:, 0],
            "time": 1.7e9 + 100 * X[:, 1],
            "old": X[:, 2] > 0,
            "rooms": pd.array(np.arange(60) % 3, "Int64"),
        }
    )
    for scaler in (StandardScaler(), MinMaxScaler()):
        pipeline = make_pipeline(scaler, classifier).fit(table, LABELS)
        assert_same(pipeline, table, feeds(table), to_onnx(pipeline, X=table), 1e-9)
    columns = make_column_transformer(
        (StandardScaler(), ["income", "age", "time", "old"]),
        (OneHotEncoder(), ["rooms"]),
    )
    pipeline = make_pipeline(columns, classifier).fit(table, LABELS)
    model = to_onnx(pipeline, X=table[:1])
    assert_same(pipeline, table, feeds(table), model, 1e-9)


def test_the_smallest_common_type_of_the_columns():
    small = pd.DataFrame({"a": X[:, 0].astype("f4"), "b": np.arange(60, dtype="i2")})
    for table, dtype in ((small, "float32"), (small.astype({"b": "i4"}), "float64")):
        pipeline = make_pipeline(StandardScaler(), classifier).fit(table, LABELS)
        model = to_onnx(pipeline, X=table)
        assert_same(pipeline, table, feeds(table, dtype), model, 1e-5)


def test_names_of_columns_stay():
    """Names that skl2onnx would change, and those of outputs and inside the model."""
    names = ["two words", "two_words", "label", "_x", "variable", "1"]
    table = pd.DataFrame(X[:, :6], columns=names)
    table["c-d"] = np.where(X[:, 6] > 0, "yes", "no")
    columns = make_column_transformer(
        (OneHotEncoder(), ["c-d"]),
        (StandardScaler(), ["variable", "two_words", "two words"]),
        ("passthrough", ["label", "1"]),
    )
    pipeline = make_pipeline(columns, classifier).fit(table, LABELS)
    model = to_onnx(pipeline, X=table.iloc[:, ::-1])
    assert [value.name for value in model.graph.input] == list(table)
    assert [value.name for value in model.graph.output] == ["label_1", "probabilities"]
    assert_same(pipeline, table, feeds(table), model, 1e-9)


@pytest.mark.parametrize(
    "columns", [[False, False, True, True], [-1, -2], slice(1, 3), slice("b", "c")]
)
def test_columns_by_masks_and_slices(columns):
    table = pd.DataFrame(X[:, :4], columns=list("abcd"))
    transformer = ColumnTransformer([("x", StandardScaler(), columns)])
    pipeline = make_pipeline(transformer, classifier).fit(table, LABELS)
    assert_same(pipeline, table, feeds(table), to_onnx(pipeline, X=table), 1e-9)


def test_categories_of_all_kinds():
    """Also those that are numbers, and missing values, around a TableEncoder."""
    pipeline = make_pipeline(TableEncoder(), classifier).fit(TABLE, LABELS)
    for X_ in (TABLE, TABLE[3:4]):
        arrays = feeds(TABLE)
        arrays["empty"] = np.full((60, 1), "", object)
        assert_same(pipeline, TABLE, arrays, to_onnx(pipeline, X=X_), 1e-5)


def test_categories_must_be_exact_in_the_type_of_the_input():
    table = pd.DataFrame({"code": pd.Categorical(2**25 + np.arange(60) % 3)})
    pipeline = make_pipeline(TableEncoder(), classifier).fit(table, LABELS)
    assert_same(pipeline, table, feeds(table), to_onnx(pipeline, X=table), 1e-5)
    with pytest.raises(ExportError, match="not numbers in float32"):
        to_onnx(pipeline, X=table, dtype="float32")


def test_arrays_of_objects():
    rows = np.column_stack([TABLE["town"], TABLE["size"]]).astype(object)
    pipeline = make_pipeline(TableEncoder(), classifier).fit(rows, LABELS)
    arrays = feeds(pd.DataFrame(rows, columns=["x0", "x1"]))
    assert_same(pipeline, rows, arrays, to_onnx(pipeline, X=rows), 1e-5)


@pytest.mark.parametrize("names", [["town", "size"], ["size", "town"]])
def test_searches_are_exact(names):
    """Large targets need float64, whatever the first column is."""
    table, y = TABLE[names], 1.7e9 + 100 * NUMBERS
    search = RandomizedSearchCV(
        TabularRegressor(**ONE), {"alpha": [0, 1]}, n_iter=2, cv=2, random_state=0
    ).fit(table, y)
    assert_same(search, table, feeds(table), to_onnx(search, X=table), 1e-2)
    pipeline = make_pipeline(StandardScaler(), clone(search)).fit(table[["size"]], y)
    model = to_onnx(pipeline, X=table[["size"]])
    assert_same(pipeline, table[["size"]], feeds(table[["size"]]), model, 1e-2)


def test_a_search_over_networks_for_bytes():
    search = GridSearchCV(CNNClassifier(4, max_iter=1), {"alpha": [0]}, cv=2)
    search.fit(IMAGES, LABELS)
    model = to_onnx(search, X=IMAGES)
    assert_predicts(search, IMAGES, model=model)


def test_the_encoder_alone_encodes_missing_and_unknown_values():
    """In float64 and as in `to_onnx` of an estimator for tables."""
    encoder = TableEncoder(max_one_hot=5).fit(TABLE)
    register_converters()
    types = [
        (name, skl2onnx.common.data_types.StringTensorType([None, 1])
         if name in ("color", "town")
         else skl2onnx.common.data_types.DoubleTensorType([None, 1]))
        for name in TABLE
    ]  # fmt: skip
    model = skl2onnx.to_onnx(encoder, initial_types=types)
    for table in (TABLE, other_rows()):
        outputs = run(model, feeds_of_table(table))
        encoded = encoder.transform(table)
        assert_allclose(outputs["variable"], encoded, rtol=1e-6, atol=1e-6)


def test_a_scaler_keeps_missing_values():
    rows = np.where(np.abs(X) > 2, np.nan, X)
    rows[0, :2] = np.inf, -np.inf
    scaler = SmoothClipScaler().fit(rows)
    register_converters()
    model = skl2onnx.to_onnx(scaler, rows[:1])
    outputs = run(model, {"X": rows})
    assert_allclose(outputs["variable"], scaler.transform(rows), rtol=1e-12, atol=0)


def test_inputs_of_another_type_than_the_columns():
    table = frame()[["town", "size"]]
    estimator = TabularClassifier(**ONE).fit(table, LABELS)
    register_converters()
    types = skl2onnx.common.data_types
    text, number = types.StringTensorType([None, 1]), types.FloatTensorType([None, 1])
    for kinds, message in (
        ([number, number], "Column 0 has the categories .* declared as numbers"),
        ([text, text], "Column 1 holds numbers, but .* declared as text"),
        ([text, number, number], "or one matrix, got 3 inputs"),
    ):
        names = ["town", "size", "more"][: len(kinds)]
        with pytest.raises(ExportError, match=message):
            skl2onnx.to_onnx(estimator, initial_types=[*zip(names, kinds, strict=True)])


def test_steps_that_pass_rows_on():
    table = TABLE[["town", "size"]]
    pipeline = make_pipeline("passthrough", TabularClassifier(**ONE)).fit(table, LABELS)
    assert_same(pipeline, table, feeds(table), to_onnx(pipeline, X=table), 1e-4)


# -- what is refused ------------------------------------------------------------------


def test_old_operators_are_refused():
    register_converters()
    fitted = MLPClassifier(**QUICK).fit(X, LABELS)
    with pytest.raises(ExportError, match="target_opset must be at least 18"):
        skl2onnx.to_onnx(fitted, X[:1], target_opset=15)


def test_other_steps_are_up_to_skl2onnx():
    pipeline = make_pipeline(FunctionTransformer(np.log1p), classifier)
    pipeline.fit(np.abs(X), LABELS)
    with pytest.raises(ExportError, match="FunctionTransformer is not supported"):
        to_onnx(pipeline)
    own = TransformedTargetRegressor(regressor, func=np.log1p, inverse_func=np.expm1)
    with pytest.raises(ExportError, match=r"TransformedTargetRegressor .* regressor_"):
        to_onnx(own.fit(X, NUMBERS))
    with pytest.raises(ExportError, match=r"calculator for type .*TransformedTarget"):
        to_onnx(make_pipeline(StandardScaler(), own).fit(X, NUMBERS))


def test_models_that_predict_something_else_are_refused(monkeypatch):
    """skl2onnx takes probabilities of a pipeline for scores; float32 has 7 digits."""
    inner = make_pipeline(StandardScaler(), MLPClassifier(**{**QUICK, "max_iter": 30}))
    calibrated = CalibratedClassifierCV(inner, cv=2).fit(X, X[:, 0] > 0)
    with pytest.raises(ExportError, match=r"predicts something else .* of the rows"):
        to_onnx(calibrated, X=X)
    times = 1.7e9 + X
    pipeline = make_pipeline(StandardScaler(), regressor).fit(times, 10 * NUMBERS)
    for n in (9, 10):
        to_onnx(pipeline, X=times[:n], dtype="float64")
    with pytest.raises(ExportError, match=r"in float32 predicts something else"):
        to_onnx(pipeline, X=times[:10], dtype="float32")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    to_onnx(pipeline, X=times, dtype="float32")


def test_columns_that_are_missing_or_of_no_use():
    table = TABLE[["size", "big"]]
    pipeline = make_pipeline(TableEncoder(), classifier).fit(table, LABELS)
    with pytest.raises(ValueError, match=r"lacks \['big'\]"):
        to_onnx(pipeline, X=table[["size"]])
    with pytest.raises(ValueError, match=r"must have the 2 columns .* got 3"):
        to_onnx(pipeline, X=X[:, :3])
    dates = table.assign(big=pd.Timestamp(0))
    with pytest.raises(ExportError, match=r"Column 'big' .* take numbers from them"):
        to_onnx(pipeline, X=dates)


@pytest.mark.parametrize(
    "encoder, column, message",
    [
        (OrdinalEncoder(), 2**25 + np.arange(60) % 3, "no numbers in float32"),
        (OneHotEncoder(), 2**25 + np.arange(60) % 3, None),
        (OneHotEncoder(), np.where(X[:, 0] > 0, "a", None), "has missing values"),
        (OneHotEncoder(), 0.5 + np.arange(60) % 3, "is not an int64"),
    ],
)
def test_categories_that_skl2onnx_mistakes(encoder, column, message):
    table = pd.DataFrame({"a": column})
    pipeline = make_pipeline(encoder, classifier).fit(table, LABELS)
    if message is None:
        assert_same(pipeline, table, feeds(table), to_onnx(pipeline, X=table), 1e-6)
        message, dtype = "no numbers in float32", "float32"
    else:
        dtype = None
    with pytest.raises(ExportError, match=message):
        to_onnx(pipeline, X=table, dtype=dtype)


def test_a_pipeline_must_be_fitted():
    with pytest.raises(NotFittedError):
        to_onnx(make_pipeline(StandardScaler(), clone(classifier)))


def test_without_skl2onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, LABELS)
    with pytest.raises(ImportError, match=r'pip install "sknn\[onnx\]"'):
        to_onnx(pipeline)
    assert_predicts(pipeline[-1], X)
