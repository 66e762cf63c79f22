"""Files of estimators: what comes back, what is refused, and that nothing is damaged.

``python tests/test_files.py 5000`` loads so many damaged and forged files, with 200 MB
of memory more than it starts with, and prints how many were refused. The suite does the
same with a few hundred.
"""

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import typing
import warnings
import zipfile
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
import pandas as pd
import pytest
from contracts.test_common_checks import ESTIMATORS
from helpers import LOSSES
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from test_layers import CASES as LAYERS
from test_spec import CASES as EVERY_SPEC

import sknn
from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularClassifier,
    TabularRegressor,
)
from sknn._files.annotations import is_of
from sknn._files.codec import Reader, Writer
from sknn._files.registry import parts_by_type
from sknn._files.transformers import TRANSFORMERS
from sknn.activations import ActivationFunction, ReLU
from sknn.augmentation import RandomFlip
from sknn.exceptions import FileError
from sknn.initializers import Constant
from sknn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerSpec,
    ParamSpec,
    PReLU,
    Residual,
)
from sknn.losses import HalfSquaredError
from sknn.preprocessing import SmoothClipScaler, TableEncoder
from sknn.schedules import Cosine, OneCycle
from sknn.solvers import Adam

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X has (rows|pixels):UserWarning",
    "ignore:Early stopping ended training at epoch:UserWarning",
    "ignore:y has one column per class:UserWarning",
    "ignore:Got `batch_size`:UserWarning",
    "ignore:The learning rate is 0:UserWarning",
)

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 16))
LABELS = np.array(["a", "bb", "ccc"])[RNG.randint(3, size=60)]
NUMBERS = RNG.normal(size=60) ** 2

TABLE = pd.DataFrame(
    {
        "size": np.where(RNG.uniform(size=60) < 0.1, np.nan, X[:, 0]),
        "color": pd.Categorical(RNG.choice(["rot", "grün", "青"], 60)),
        "town": RNG.choice([f"town {i}" for i in range(12)], 60),
        "old": RNG.choice([True, False], 60),
        "rooms": pd.array(RNG.choice([1, 2, 3], 60), "Int64"),
        "code": pd.Categorical(RNG.choice([10, 20, 30], 60)),
    }
)
TABLE.loc[3, ["color", "town"]] = None

QUICK = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}


def targets(estimator):
    return LABELS if is_classifier(estimator) else NUMBERS


def round_trip(value, path):
    """Save, load, and check that the loaded object gives the same file."""
    sknn.save(value, path)
    loaded = sknn.load(path)
    content = path.read_bytes()
    sknn.save(loaded, path)
    assert path.read_bytes() == content
    return loaded


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.sknn"


# -- what comes back ------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: repr(e)[:60])
def test_an_estimator_predicts_and_continues_as_before(estimator, path):
    estimator = clone(estimator).set_params(max_iter=3, random_state=0)
    y = targets(estimator)
    unfitted = round_trip(estimator, path)
    assert repr(unfitted) == repr(estimator)
    assert_array_equal(unfitted.fit(X, y).predict(X), estimator.fit(X, y).predict(X))
    loaded = round_trip(estimator, path)
    assert vars(loaded).keys() == vars(estimator).keys()
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(estimator, method):
            before, after = (getattr(e, method)(X) for e in (estimator, loaded))
            assert_array_equal(before, after)
            assert before.dtype == after.dtype
    assert str(loaded.summary()) == str(estimator.summary())
    assert repr(loaded.history_) == repr(estimator.history_)
    assert loaded.loss_curve_ is loaded.history_["loss"]
    if hasattr(estimator, "partial_fit"):
        for e in (estimator, loaded):
            e.partial_fit(X, y).partial_fit(X, y)
        assert_array_equal(loaded.network_.theta, estimator.network_.theta)
        assert_array_equal(loaded.network_.state, estimator.network_.state)


SPECS = [*EVERY_SPEC, *LOSSES, *(layer for layer, _ in LAYERS)]


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_spec_comes_back_equal(spec):
    assert through_json(spec) == spec


def through_json(value):
    """Return what becomes of a value in a file."""
    writer = Writer()
    tree = json.loads(json.dumps(writer.tree(value, "value"), allow_nan=False))
    return Reader(writer.arrays).whole(tree)


def test_every_estimator_is_saved_here():
    estimators = {getattr(sknn, name) for name in sknn.__all__}
    assert {type(e) for e in ESTIMATORS} == {
        e for e in estimators if isinstance(e, type)
    }


VALUES = [
    *(None, True, False, 0, -1, 2**63, -(10**400), "", "grün \ud800 \0 青", 1e-323),
    *(float("inf"), -float("inf"), 0.1, -0.0),
    *([], (), {}, [1, [2, (3,)]], ((1, [2]), "a"), {"a": 1, 2: (3, None), None: []}),
    {None: 1.5, 1.5: [True], np.int8(3): 0, np.float32(0.1): 1, np.str_("a"): 2},
    *(np.float32(0.1), np.int64(7), np.uint8(255), np.bool_(True), np.str_("grün")),
    *(np.str_(""), np.bytes_(b"ab"), np.longdouble(1) / 3, np.complex64(1 - 2j)),
    *(np.datetime64("2020-01-01"), np.float16(0.1), np.float64("inf")),
    *(np.dtype("f4"), np.dtype(">i8"), np.dtype("U7"), np.float32, int, object, str),
    *(slice(1, None, 2), slice(None), Path("a") / "b"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: f"{type(v).__name__} {v!r:.30}")
def test_values_come_back_with_their_types(value):
    loaded = through_json(value)
    assert type(loaded) is type(value)
    assert loaded == value
    assert repr(loaded) == repr(value)  # items have their types, and 0 its sign


def test_integers_have_any_size():
    n = 10**5000
    assert through_json(n) == n
    assert through_json([-n]) == [-n]
    with pytest.raises(FileError, match="hexadecimal digits"):
        through_json(10**50_000)


def test_nan_comes_back():
    assert np.isnan(through_json(float("nan")))
    assert np.isnan(through_json(np.float32("nan")))


ARRAYS = [
    np.zeros((0, 3)),
    np.array(3.5),
    np.asfortranarray(X),
    X[::2, ::-3],
    X.astype(">f4"),
    np.array([np.nan, np.inf, -0.0]),
    np.array([1, 2], np.uint8),
    np.array([True, False]),
    np.array(["", "grün", "青"]),
    np.array([b"a", b"bc"]),
    np.array(["2020-01-01", "NaT"], "M8[ns]"),
    np.array(["a", None, 1, 2.5, np.float32(1)], object),
    np.array([["a", "b"], ["c", ""]], object),
    np.array([], object),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_come_back(array, path):
    net = MLPRegressor(**QUICK, init_from=None)
    net.layer_learning_rates = {"any": array, "again": [array, array]}
    loaded = round_trip(net, path).layer_learning_rates
    assert_array_equal(loaded["any"], array)
    assert (loaded["any"].dtype, loaded["any"].shape) == (array.dtype, array.shape)
    assert loaded["any"].flags.writeable
    assert_array_equal(loaded["again"], [array, array])
    assert [*map(type, loaded["any"].flat)] == [*map(type, array.flat)]


LABELED = [
    np.where(X[:, 0] > 0, "yes", "no"),
    np.where(X[:, 0] > 0, "yes", "no").astype(object),
    (X[:, 0] > 0),
    RNG.randint(-3, 3, 60).astype(np.int8),
    (X[:, :3] > 0).astype(int),
    np.zeros(60, int),
]


@pytest.mark.parametrize("y", LABELED, ids=lambda y: f"{y.dtype}{y.shape}")
def test_labels_keep_their_types(y, path):
    net = MLPClassifier(**QUICK, class_weight=None).fit(X, y)
    loaded = round_trip(net, path)
    assert_array_equal(loaded.predict(X), net.predict(X))
    assert loaded.predict(X).dtype == net.predict(X).dtype
    assert loaded.classes_.dtype == net.classes_.dtype


PARAMETERS = [
    {"class_weight": {"a": 1.0, "bb": np.float32(2), "ccc": 3}},
    {"learning_rate": Cosine(warmup=2), "solver": Adam(beta_1=0.5)},
    {"learning_rate": OneCycle(), "activation": [ReLU()]},
    {"early_stopping": True, "validation_fraction": KFold(3, shuffle=True)},
    {"early_stopping": True,
     "validation_fraction": PredefinedSplit(np.arange(60) % 5 - 1)},
    {"early_stopping": True, "scoring": "neg_log_loss", "restore_best": 3},
    {"hidden_layer_sizes": np.array([4, 3]), "max_iter": np.int64(3)},
    {"hidden_layer_sizes": [4, 3], "freeze": ["dense1"]},
    {"n_iter_no_change": np.inf, "verbose": False},
]  # fmt: skip


@pytest.mark.parametrize("params", PARAMETERS, ids=str)
def test_parameters_of_all_kinds(params, path):
    net = MLPClassifier(**{**QUICK, **params})
    assert repr(round_trip(net, path)) == repr(net)
    net.fit(X, LABELS)
    assert_array_equal(round_trip(net, path).predict_proba(X), net.predict_proba(X))


def test_a_random_state_continues(path):
    rng = np.random.RandomState(7)
    rng.normal(size=3)  # it keeps one of a pair of numbers
    net = MLPClassifier(**{**QUICK, "random_state": rng}).fit(X, LABELS)
    loaded = round_trip(net, path)
    assert_array_equal(loaded.random_state.normal(size=1000), rng.normal(size=1000))
    state = np.random.RandomState(np.random.PCG64(0))
    with pytest.raises(FileError, match="only the usual RandomState"):
        sknn.save(MLPClassifier(random_state=state), path)


def test_a_network_to_start_from_comes_too(path):
    source = MLPRegressor(**QUICK).fit(X, NUMBERS)
    net = MLPRegressor(**QUICK, init_from=source)
    loaded = round_trip(net, path)
    assert_array_equal(
        loaded.fit(X, NUMBERS).predict(X), net.fit(X, NUMBERS).predict(X)
    )


def test_weights_that_were_set_come_back(path):
    source = MLPRegressor(**QUICK).fit(X, NUMBERS)
    net = MLPRegressor(**QUICK).set_weights(source.get_weights())
    assert_array_equal(round_trip(net, path).predict(X), source.predict(X))
    net = MLPRegressor(**QUICK, warm_start=True)
    net.coefs_, net.intercepts_ = source.coefs_, source.intercepts_
    loaded = round_trip(net, path)
    for ours, theirs in zip(loaded.coefs_, source.coefs_, strict=True):
        assert_array_equal(ours, theirs)


def test_images_and_augmentation_come_back(path):
    images = X.reshape(-1, 4, 4)
    net = CNNClassifier(3, augmentation=[RandomFlip()], dropout=0.2, **QUICK)
    net.fit(images, LABELS)
    loaded = round_trip(net, path)
    for e in (net, loaded):
        e.partial_fit(images, LABELS).partial_fit(images, LABELS)
    assert_array_equal(loaded.predict_proba(images), net.predict_proba(images))


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("Estimator", [TabularClassifier, TabularRegressor])
def test_tables_come_back(Estimator, n_members, path):
    net = Estimator(**QUICK, n_members=n_members, max_one_hot=4)
    net.fit(TABLE, targets(net))
    loaded = round_trip(net, path)
    encoder = loaded._input.encoder
    assert_array_equal(loaded.predict(TABLE), net.predict(TABLE))
    assert [c.tolist() for c in encoder.categories_] == [
        c.tolist() for c in net._input.encoder.categories_
    ]
    assert_array_equal(
        encoder.get_feature_names_out(), net._input.encoder.get_feature_names_out()
    )
    if Estimator is TabularRegressor:
        assert_array_equal(
            loaded.predict_interval(TABLE, 0.5), net.predict_interval(TABLE, 0.5)
        )


def test_training_of_members_continues(path):
    net = TabularRegressor(**QUICK, n_members=3, early_stopping=False)
    net.fit(TABLE, NUMBERS)
    loaded = round_trip(net, path)
    for e in (net, loaded):
        e.partial_fit(TABLE, NUMBERS).partial_fit(TABLE, NUMBERS)
    assert_array_equal(loaded.network_.theta, net.network_.theta)


def test_callbacks_are_not_kept(path):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    net = MLPRegressor(**QUICK).set_callbacks(callback.ProgressBar())
    net.fit(X, NUMBERS)
    sknn.save(net, path)
    loaded = sknn.load(path)
    assert vars(net).keys() - vars(loaded).keys() == {"_skl_callbacks"}
    assert_array_equal(loaded.predict(X), net.predict(X))


# -- pipelines ------------------------------------------------------------------------

HOLES = np.where(RNG.uniform(size=X.shape) < 0.1, np.nan, X)
FEW = RNG.choice(["a", "b", "c", "rare"], (60, 3), p=[0.4, 0.3, 0.29, 0.01])
FEW = FEW.astype(object)

OF_CATEGORIES = make_column_selector(dtype_include="category")

PIPELINES = [
    (StandardScaler(), X),
    (StandardScaler(with_mean=False), HOLES),
    (MinMaxScaler((-1, 1), clip=True), X),
    (MaxAbsScaler(), X),
    (RobustScaler(quantile_range=(10, 90)), X),
    (Normalizer("l1"), X),
    (PowerTransformer(), X),
    (QuantileTransformer(n_quantiles=10, output_distribution="normal"), X),
    (SimpleImputer(strategy="median", add_indicator=True), HOLES),
    (SimpleImputer(strategy="most_frequent"), FEW),
    (PCA(3, whiten=True, random_state=0), X),
    (PCA(0.5), X),
    (TruncatedSVD(3, random_state=0), X),
    (VarianceThreshold(0.9), X),
    (OneHotEncoder(), FEW),
    (OneHotEncoder(drop="first", sparse_output=False, dtype=np.float32), FEW),
    (OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist"), FEW),
    (OneHotEncoder(categories=[["a", "b"]] * 3, handle_unknown="ignore"), FEW),
    (OneHotEncoder(handle_unknown="ignore"), TABLE[["town", "old"]]),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), FEW),
    (OrdinalEncoder(max_categories=2), FEW),
    (SmoothClipScaler(), X),
    (TableEncoder(), TABLE),
    (TableEncoder(max_one_hot=2, dtype=np.float64, min_frequency=2), TABLE),
    (FeatureUnion([("a", PCA(2)), ("b", StandardScaler())]), X),
    (make_pipeline(SimpleImputer(), "passthrough", StandardScaler()), HOLES),
    (
        ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["size"]),
                (
                    "text",
                    OneHotEncoder(),
                    make_column_selector(dtype_include="category"),
                ),
                ("out", "drop", ["town"]),
            ],
            remainder="passthrough",
        ),
        TABLE,
    ),
    (
        ColumnTransformer([("a", "passthrough", [0, 2])], remainder=MinMaxScaler()),
        X,
    ),
    (ColumnTransformer([("a", StandardScaler(), slice(0, 3))]), X),
]


@pytest.mark.parametrize("transformer, rows", PIPELINES, ids=lambda v: repr(v)[:50])
def test_a_pipeline_predicts_as_before(transformer, rows, path):
    steps = [transformer]
    if np.asarray(transformer.fit_transform(rows) != 0).dtype != bool:
        steps.append(MaxAbsScaler())
    if rows is FEW and isinstance(transformer, SimpleImputer):
        steps.append(OneHotEncoder())
    if rows is HOLES and isinstance(transformer, StandardScaler):
        steps.append(SimpleImputer())
    pipeline = make_pipeline(*map(clone, steps), MLPClassifier(**QUICK))
    unfitted = round_trip(pipeline, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pipeline.fit(rows, LABELS)
        loaded = round_trip(pipeline, path)
        # Arrays are contiguous then, and products are rounded in another way.
        pickled = pickle.loads(pickle.dumps(pipeline))
        assert_array_equal(loaded.predict_proba(rows), pickled.predict_proba(rows))
        before = pipeline[:-1].get_feature_names_out()
        assert_array_equal(loaded[:-1].get_feature_names_out(), before)
        unfitted.fit(rows, LABELS)
        assert_array_equal(unfitted.predict_proba(rows), pipeline.predict_proba(rows))


def test_columns_can_be_an_index_of_pandas(path):
    columns = TABLE[["size", "old"]].columns
    transformer = ColumnTransformer([("a", SimpleImputer(), columns)])
    pipeline = make_pipeline(transformer, MLPClassifier(**QUICK)).fit(TABLE, LABELS)
    loaded = round_trip(pipeline, path)
    assert_array_equal(loaded.predict_proba(TABLE), pipeline.predict_proba(TABLE))


def test_transformers_of_another_sklearn_warn(path):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).fit(X, LABELS)
    sknn.save(pipeline, path)
    document = document_of(path.read_bytes())
    document["written_by"]["scikit-learn"] = "1.0"
    path.write_bytes(packed(members_of(path.read_bytes()), document))
    with pytest.warns(InconsistentVersionWarning, match=r"Pipeline from version 1\.0"):
        loaded = sknn.load(path)
    assert_array_equal(loaded.predict(X), pipeline.predict(X))


def test_an_imputer_of_an_older_sklearn_works(path):
    pipeline = make_pipeline(SimpleImputer(), MLPClassifier(**QUICK))
    expected = pipeline.fit(HOLES, LABELS).predict_proba(HOLES)
    vars(pipeline[0]).pop("_fill_dtype", None)
    sknn.save(pipeline, path)
    assert_array_equal(sknn.load(path).predict_proba(HOLES), expected)


def test_the_cache_of_a_pipeline_is_not_kept(path, tmp_path):
    steps = [StandardScaler(), MLPClassifier(**QUICK)]
    pipeline = make_pipeline(*steps, memory=str(tmp_path / "cache"))
    sknn.save(pipeline.fit(X, LABELS), path)
    loaded = sknn.load(path)
    assert loaded.memory is None
    assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    document = document_of(path.read_bytes())
    document["estimator"]["Pipeline"]["memory"] = "/tmp"
    path.write_bytes(packed(members_of(path.read_bytes()), document))
    with pytest.raises(FileError, match="memory"):
        sknn.load(path)


def test_the_output_of_transformers_comes_back(path):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    pipeline.set_output(transform="pandas").fit(X, LABELS)
    loaded = round_trip(pipeline, path)
    assert isinstance(loaded[:-1].transform(X), pd.DataFrame)


@pytest.mark.parametrize("before", [[], [PCA(3)]])
def test_a_regressor_of_scaled_targets(before, path):
    reg = of_scaled_targets()
    reg = make_pipeline(*before, reg) if before else reg
    assert repr(round_trip(reg, path)) == repr(reg)  # before fit
    reg.fit(X, X[:, 0] * 1e6)
    assert_array_equal(round_trip(reg, path).predict(X), reg.predict(X))


@pytest.mark.parametrize(
    "reg, message",
    [
        (
            TransformedTargetRegressor(Ridge()),
            "that ends with Ridge",
        ),
        (TransformedTargetRegressor(), "that ends with NoneType"),
        (TransformedTargetRegressor(MLPRegressor(), func=np.log1p), "no functions"),
    ],
)
def test_other_regressors_of_transformed_targets(reg, message, path):
    with pytest.raises(FileError, match=message):
        sknn.save(reg, path)


def test_a_folder_that_does_not_exist(tmp_path):
    path = tmp_path / "missing" / "model.sknn"
    with pytest.raises(FileNotFoundError) as caught:
        sknn.save(MLPClassifier(), path)
    assert caught.value.filename == str(path)


def test_the_guide_lists_all_transformers():
    guide = Path(__file__).parents[1] / "docs" / "guide" / "saving.rst"
    text = guide.read_text("utf-8")
    for classes in TRANSFORMERS.values():
        for name in classes:
            assert name in text


# -- other processes ------------------------------------------------------------------

PREDICT = """
import sys, numpy as np, sknn
path, X, out = sys.argv[1:]
np.save(out, sknn.load(path).predict_proba(np.load(X)))
"""


@pytest.mark.parametrize("kernels", ["1", "0"])
def test_a_file_loads_in_another_process(kernels, path, tmp_path):
    net = SequentialClassifier([Dense(9), Activation("gelu")], max_iter=3)
    net.fit(X, LABELS)
    sknn.save(net, path)
    np.save(tmp_path / "X.npy", X)
    files = [path, tmp_path / "X.npy", tmp_path / "out.npy"]
    environment = {**os.environ, "SKNN_KERNELS": kernels}
    run = [sys.executable, "-c", PREDICT, *map(str, files)]
    subprocess.run(run, env=environment, check=True)
    here, there = net.predict_proba(X), np.load(files[-1])
    same = os.environ.get("SKNN_KERNELS", "1") == kernels
    np.testing.assert_allclose(there, here, rtol=0 if same else 1e-12)


def test_the_same_estimator_gives_the_same_bytes(path):
    net = MLPClassifier(**QUICK).fit(X, LABELS)
    sknn.save(net, path)
    before = path.read_bytes()
    sknn.save(pickle.loads(pickle.dumps(net)), path)
    assert path.read_bytes() == before


def test_a_memory_map_can_be_saved(path, tmp_path):
    net = MLPClassifier(**QUICK).fit(X, LABELS)
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    sknn.save(mapped, path)
    loaded = sknn.load(path)
    assert loaded.network_.theta.flags.writeable
    assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))


def test_anyone_can_look_into_a_file(path):
    net = MLPClassifier(**QUICK).fit(X, LABELS)
    sknn.save(net, path)
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "model.json"}
        document = json.loads(file["model.json"])
    assert document["format"] == "sknn"
    assert document["written_by"]["sknn"] == sknn.__version__
    assert any(np.array_equal(a, net.network_.theta) for a in arrays.values())


# -- parts of the user's own ----------------------------------------------------------


class OwnReLU(ReLU):
    """A subclass of an activation of sknn."""


@dataclass(frozen=True)
class Bump(ActivationFunction):
    """An activation with a parameter."""

    width: float = 1.0

    def forward(self, z, out):
        np.exp(-(z**2) / (2 * self.width**2), out=out)

    def backward(self, z, a, dy):
        dy *= -z * a / self.width**2


@dataclass(frozen=True)
class Gain(Layer):
    """A layer with learned parameters."""

    def build(self, in_shape):
        s = ParamSpec(in_shape, Constant(1.0), fan_in=1, fan_out=1, decay=False)
        return LayerSpec(in_shape, in_shape, {"s": s})

    def forward(self, p, x, ws, train):
        ws.x = x
        return p["s"] * x

    def backward(self, p, g, dy, ws, need_dx):
        np.sum(dy * ws.x, axis=0, out=g["s"])
        dy *= p["s"]
        return dy


class OwnError(HalfSquaredError):
    """A loss of the user's own."""


OWN = [OwnReLU, Bump, Gain, OwnError]


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier(**QUICK, activation=Bump(0.7)),
        MLPRegressor(**QUICK, activation=[OwnReLU()], loss=OwnError()),
        make_pipeline(
            StandardScaler(),
            SequentialClassifier([Gain(), Activation(Bump())], random_state=0),
        ),
    ],
    ids=repr,
)
def test_own_parts_come_back(estimator, path):
    y = targets(estimator)
    sknn.save(estimator.fit(X, y), path, custom_parts=OWN)
    loaded = sknn.load(path, custom_parts=OWN)
    assert repr(loaded) == repr(estimator)
    assert_array_equal(loaded.predict(X), estimator.predict(X))
    again = clone(estimator).fit(X, y)
    assert_array_equal(clone(loaded).fit(X, y).predict(X), again.predict(X))


def test_own_parts_are_not_imported(path):
    sknn.save(MLPClassifier(activation=Bump()), path, custom_parts=[Bump])
    assert b"test_files" not in path.read_bytes()
    with pytest.raises(FileError, match=r"holds 'Bump', .* its class in custom_parts"):
        sknn.load(path)
    with pytest.raises(FileError, match="holds 'Bump'"):
        sknn.load(path, custom_parts=[OwnReLU, Gain])


def test_another_class_of_the_same_name_is_refused(path):
    sknn.save(MLPClassifier(activation=Bump(2.0)), path, custom_parts=[Bump])
    other = type("Bump", (ReLU,), {})
    with pytest.raises(FileError, match=r"custom\.Bump does not fit"):
        sknn.load(path, custom_parts=[other])
    with pytest.raises(ValueError, match="two classes named 'Bump'"):
        sknn.load(path, custom_parts=[Bump, other])
    assert sknn.load(path, custom_parts=[Bump, Bump]).activation == Bump(2.0)


@pytest.mark.parametrize(
    "parts", [Bump, Bump(), [Bump()], "Bump", [dict], [MLPClassifier], None, 3], ids=str
)
def test_own_parts_must_be_classes_of_parts(parts, path):
    sknn.save(MLPClassifier(), path)
    message = "custom_parts must be a list of classes that inherit"
    with pytest.raises(ValueError, match=message):
        sknn.save(MLPClassifier(), path, custom_parts=parts)
    with pytest.raises(ValueError, match=message):
        sknn.load(path, custom_parts=parts)


# -- skops ----------------------------------------------------------------------------


def test_skops_keeps_estimators(path):
    io = pytest.importorskip("skops.io")
    for estimator, rows in saved_models():
        content = io.dumps(estimator)
        types = io.get_untrusted_types(data=content)
        assert {name.split(".")[0] for name in types} <= {"sknn", Bump.__module__}
        with pytest.raises(io.exceptions.UntrustedTypesFoundException):
            io.loads(content)
        loaded = io.loads(content, trusted=types)
        if rows is None:
            continue
        assert repr(loaded) == repr(estimator)
        assert_array_equal(loaded.predict(rows), estimator.predict(rows))
        if hasattr(estimator, "partial_fit"):
            for e in (loaded, estimator):
                e.partial_fit(rows, targets(e))
            assert_array_equal(loaded.predict(rows), estimator.predict(rows))


# -- what is refused at save ----------------------------------------------------------


class OwnMLP(MLPClassifier):
    """An estimator of the user's own."""


REFUSED = [
    (MLPClassifier(activation=OwnReLU()), r"MLPClassifier\.activation is .*OwnReLU"),
    (
        SequentialClassifier([Dense(3), Activation(OwnReLU())]),
        r"layers\[1\]\.function is .*no classes from elsewhere: pass custom_parts="
        r"\[OwnReLU\] to sknn\.save and to sknn\.load",
    ),
    (MLPClassifier(scoring=print), "classes from elsewhere: use joblib"),
    (MLPClassifier(scoring=lambda e, X, y: 0), r"\.scoring is .*function"),
    (OwnMLP(), "of the type test_files.OwnMLP"),
    (make_pipeline(FunctionTransformer(np.log1p), MLPClassifier()), "ufunc"),
    (make_pipeline(SelectKBest(), MLPClassifier()), "SelectKBest"),
    (make_pipeline(StandardScaler(), LogisticRegression()), "ends with Logistic"),
    (StandardScaler(), "this is a StandardScaler"),
    (GridSearchCV(MLPClassifier(), {}), "this is a GridSearchCV"),
    ("text", "this is a str"),
    (MLPClassifier(class_weight={Decimal(1): 1}), "Decimal"),
    (MLPClassifier(freeze=np.ma.array([1, 2])), "MaskedArray"),
    (MLPClassifier(freeze=np.zeros(2, "i4,f4")), "freeze"),
]  # fmt: skip


@pytest.mark.parametrize("value, message", REFUSED, ids=lambda v: str(v)[:40])
def test_what_needs_code_is_refused(value, message, path):
    path.write_bytes(b"before")
    with pytest.raises(FileError, match=message):
        sknn.save(value, path)
    assert path.read_bytes() == b"before"
    assert os.listdir(path.parent) == [path.name]


def test_what_contains_itself_is_refused(path):
    layers = [Dense(3)]
    layers.append(layers)
    with pytest.raises(FileError, match="contains itself"):
        sknn.save(SequentialClassifier(layers), path)


def test_an_unknown_attribute_is_refused(path):
    net = MLPClassifier(**QUICK)
    net.note = "mine"
    with pytest.raises(FileError, match="'note'"):
        sknn.save(net, path)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12: type aliases")
def test_annotations_can_be_type_aliases():
    values = typing.TypeAliasType("values", np.ndarray)
    assert is_of(X, values)
    assert is_of([X], list[values])
    assert not is_of([1], values)


# -- interrupted saves ----------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(function, error, path, monkeypatch):
    def fail(*args):
        raise error

    old = MLPClassifier(**QUICK).fit(X, LABELS)
    sknn.save(old, path)
    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(error)):
        sknn.save(MLPRegressor(), path)
    monkeypatch.undo()
    assert os.listdir(path.parent) == [path.name]
    assert_array_equal(sknn.load(path).predict(X), old.predict(X))


KILLED = """
import os, signal, sys, sknn
from sknn._files import archive

def kill(*args):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(os, sys.argv[2], kill)
sknn.save(sknn.MLPRegressor(), sys.argv[1])
"""


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_save_that_is_killed_leaves_the_old_file(function, path):
    sknn.save(MLPClassifier(), path)
    before = path.read_bytes()
    run = [sys.executable, "-c", KILLED, str(path), function]
    assert subprocess.run(run, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_synced_is_no_error(path, monkeypatch):
    def fail(*args):
        raise OSError("not on this system")

    monkeypatch.setattr(os, "open", fail)
    sknn.save(MLPClassifier(), path)
    monkeypatch.undo()
    assert isinstance(sknn.load(path), MLPClassifier)


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_modes_and_links_stay(tmp_path):
    path, link = tmp_path / "model.sknn", tmp_path / "link.sknn"
    mask = os.umask(0o022)
    try:
        sknn.save(MLPClassifier(), path)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    link.symlink_to(path)
    sknn.save(MLPRegressor(), link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert isinstance(sknn.load(path), MLPRegressor)


def test_files_that_do_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        sknn.load(tmp_path / "nothing.sknn")
    with pytest.raises(FileNotFoundError):
        sknn.save(MLPClassifier(), tmp_path / "no folder" / "model.sknn")
    with pytest.raises(IsADirectoryError):
        sknn.load(tmp_path)


# -- what is refused at load ----------------------------------------------------------


def members_of(content):
    """Return the members of a file, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def document_of(content):
    return json.loads(members_of(content)["model.json"])


def packed(members, document=None, compression=zipfile.ZIP_STORED, names=None):
    """Return the bytes of a file with these members, with the right checksums.

    Without a document, the checksums stay as they are.
    """
    members = dict(members)
    if document is not None:
        arrays = [name for name in members if name != "model.json"]
        document["arrays"] = [sha256(members[name]).hexdigest() for name in arrays]
        members["model.json"] = json.dumps(document).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
        file.comment = sha256(members["model.json"]).hexdigest().encode()
    return buffer.getvalue()


@pytest.fixture
def content(path):
    sknn.save(MLPClassifier(**QUICK).fit(X, LABELS), path)
    return path.read_bytes()


def test_packing_alone_changes_nothing(content, path):
    members = members_of(content)
    path.write_bytes(packed(members, document_of(content)))
    assert isinstance(sknn.load(path), MLPClassifier)


@pytest.mark.parametrize("max_size", [0, -1, "1 GB", 1e9, True, None])
def test_a_limit_must_be_a_positive_integer(max_size, path):
    with pytest.raises(ValueError, match="max_size must be a positive integer, got"):
        sknn.load(path, max_size=max_size)


def test_a_newer_version_is_refused(content, path):
    document = {**document_of(content), "version": 2}
    document["written_by"]["sknn"] = "9.0"
    path.write_bytes(packed(members_of(content), document))
    with pytest.raises(FileError, match=r"version 2 .* sknn 9.0; .* a newer sknn"):
        sknn.load(path)


def test_a_file_that_is_too_large_is_refused(content, path):
    with pytest.raises(FileError, match="max_size allows 1000"):
        sknn.load(path, max_size=1000)
    assert isinstance(sknn.load(path, max_size=len(content)), MLPClassifier)


def with_estimator(**changes):
    """Return a change of a document: of parameters or attributes of the estimator."""

    def change(document):
        fields = document["estimator"]["MLPClassifier"]
        for name, new in changes.items():
            fields[name] = new(fields[name])

    return change


def network_with(**changes):
    """Return a change of a network."""
    return with_estimator(
        network_=lambda tree: {"Network": {**tree["Network"], **changes}}
    )


def with_parameter(name, value):
    return with_estimator(**{name: lambda tree: value})


def rng_with(**changes):
    key = {"objects": [[624], [5] * 624]}
    state = {"pos": 3, "key": key, "has_gauss": 0, "gauss": 0.0}
    return with_parameter("random_state", {"RandomState": {**state, **changes}})


BIG = {"layers.Dense": {"units": 10**12}}

FORGED = {
    "no estimator": lambda d: d.update(estimator=[1, 2]),
    "a transformer": lambda d: d.update(estimator={"Normalizer": {}}),
    "no class": lambda d: d.update(estimator={"os.system": {"command": "ls"}}),
    "two tags": lambda d: d.update(estimator={"tuple": [], "dict": []}),
    "no version": lambda d: d.pop("version"),
    "a list": lambda d: d.update(version=[1]),
    "other format": lambda d: d.update(format="other"),
    "a parameter": with_parameter("alpha", {"eval": "1"}),
    "a type": with_parameter("alpha", {"type": "subprocess.Popen"}),
    "objects": with_parameter("alpha", {"scalar": ["O", "00" * 8]}),
    "a record": with_parameter("alpha", {"dtype": "i4,O"}),
    "an index": with_parameter("alpha", {"array": 10**9}),
    "a negative index": with_parameter("alpha", {"array": -10}),
    "many objects": with_parameter("alpha", {"objects": [[10**12], [1]]}),
    "a huge dtype": with_parameter("alpha", {"scalar": ["U1000000000", "00"]}),
    "keys of one hash": with_parameter(
        "alpha", {"dict": [[(2**61 - 1) * i, 0] for i in range(200_000)]}
    ),
    "a long dtype": with_parameter("alpha", {"dtype": "i4," * 10**6}),
    "unhashable": with_parameter("alpha", {"dict": [[[1], 2]]}),
    "deep": with_parameter("alpha", json.loads("[" * 500 + "]" * 500)),
    "unknown attribute": with_estimator(t_=lambda tree: {"unknown": 1}),
    "wrong type": with_estimator(n_iter_=lambda tree: "1"),
    "wrong network": with_estimator(network_=lambda tree: 5),
    "wrong history": with_estimator(_history=lambda tree: {"Rows": {}}),
    "wrong targets": with_estimator(
        _targets=lambda tree: {"ClassTargets": {**tree["ClassTargets"], "kind": 5}}
    ),
    "huge layer": network_with(layers={"tuple": [BIG, BIG]}),
    "huge rows": network_with(in_shape={"tuple": [10**12]}),
    "negative rows": network_with(in_shape={"tuple": [-3]}),
    "one array twice": network_with(state={"array": 0}),
    "many sides": network_with(in_shape={"tuple": [10**4000] * 4000}),
    "rates": network_with(rates={"tuple": ["1", "1", "1"]}),
    "no layers": network_with(layers={"tuple": []}),
    "members": network_with(members=7),
    "position outside": rng_with(pos=10**9),
    "objects for a key": rng_with(),
    "text for a size": network_with(in_shape="abc"),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_document_is_refused(change, content, path):
    document = document_of(content)
    before = json.dumps(document)
    change(document)
    assert json.dumps(document) != before
    path.write_bytes(packed(members_of(content), document))
    with pytest.raises(FileError, match=r"is not a file that sknn\.load can read"):
        sknn.load(path)


@pytest.mark.parametrize(
    "state",
    [
        {"pos": 625},
        {"pos": -1},
        {"key": np.zeros(624, np.uint32)},
        {"key": np.ones(623, np.uint32)},
        {"key": np.ones(624, np.int64)},
        {"has_gauss": 2},
        {"gauss": "0"},
    ],
    ids=str,
)
def test_a_forged_random_state_is_refused(state):
    valid = {"pos": 5, "key": np.ones(624, np.uint32), "has_gauss": 0, "gauss": 0.0}
    make = parts_by_type()[np.random.RandomState].make
    assert isinstance(make(**valid), np.random.RandomState)
    with pytest.raises(FileError):
        make(**{**valid, **state})


def test_a_forged_state_of_a_solver_is_refused(path):
    net = MLPClassifier(**QUICK).fit(X, LABELS)
    for change in (
        {"m": np.zeros(3)},
        {"m": net._progress.states[0]["m"].astype(np.float32)},
        {"m": None},
        {"t": "1"},
        {"more": 1},
    ):
        other = pickle.loads(pickle.dumps(net))
        other._progress.states[0].update(change)
        with pytest.raises(FileError, match="state of Adam"):
            sknn.save(other, path)
    other = pickle.loads(pickle.dumps(net))
    other._progress.places = [slice(0, 10**15)]
    with pytest.raises(FileError, match="parameters slice"):
        sknn.save(other, path)


def test_classes_that_do_not_fit_the_network_are_refused(path):
    net = MLPClassifier(**QUICK).fit(X, LABELS)
    object.__setattr__(net._targets, "classes", np.arange(1000))
    with pytest.raises(FileError, match="does not fit its input and targets"):
        sknn.save(net, path)


# -- damage ---------------------------------------------------------------------------

NODES = [
    *(None, True, -1, 0, 2**31, 10**18, 10**30, 1e300, "", "x" * 1000, [], [0] * 5),
    *({"tuple": []}, {"dict": []}, {"array": 0}, {"array": 1}, {"float": "nan"}),
    *({"tuple": [10**9, 10**9]}, {"slice": [0, 10**15, 1]}, {"type": "numpy.float32"}),
    *({"layers.Dense": {"units": 10**9}}, {"Rows": {}}, {"objects": [[2], ["a", 1]]}),
]
"""What a place in a forged document may get."""


def places_in(tree, found):
    """Collect all (container, key) of a tree."""
    keys = range(len(tree)) if isinstance(tree, list) else list(tree)
    for key in keys:
        found.append((tree, key))
        if isinstance(tree[key], list | dict):
            places_in(tree[key], found)
    return found


def flip_bits(content, rng):
    data = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def truncate(content, rng):
    return content[: rng.integers(len(content))]


def cut_or_repeat(content, rng):
    a, b = sorted(rng.integers(len(content), size=2).tolist())
    b = min(b, a + 1000)
    return (
        content[:a] + content[b:] if rng.random() < 0.5 else content[:b] + content[a:]
    )


def overwrite(content, rng):
    data, n = bytearray(content), int(rng.integers(1, 64))
    start = int(rng.integers(len(data) - n))
    data[start : start + n] = rng.bytes(n)
    return bytes(data)


def overwrite_the_end(content, rng):
    data = bytearray(content)
    at = len(data) - int(rng.integers(1, 400))
    data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", rng.bytes(4)])
    return bytes(data[: len(content)])


def swap_members(content, rng):
    members = members_of(content)
    a, b = rng.choice([*members], 2, replace=False)
    members[a], members[b] = members[b], members[a]
    return packed(members)


def swap_arrays(content, rng):
    """Swap two arrays, as a forger who computes checksums can."""
    members, document = members_of(content), document_of(content)
    arrays = [name for name in members if name != "model.json"]
    if len(arrays) > 1:
        a, b = rng.choice(arrays, 2, replace=False)
        members[a], members[b] = members[b], members[a]
    return packed(members, document)


def add_or_remove_members(content, rng):
    members = members_of(content)
    kind = rng.integers(3)
    if kind == 0:
        del members[str(rng.choice([name for name in members if name != "model.json"]))]
    elif kind == 1:
        members[f"{rng.integers(100)}.txt"] = rng.bytes(100)
    else:
        members |= dict.fromkeys(map(str, range(20_000)), b"")
    return packed(members)


def forge_header(content, rng):
    members, document = members_of(content), document_of(content)
    name = str(rng.choice([name for name in members if name != "model.json"]))
    shape = rng.choice(
        [
            "(1000000000000,)",
            "(-1,)",
            "(0, 99999999999)",
            "(3,)",
            "5",
            "(1000000, 1000000)",
            "()",
            f"({'9' * 60},)",
        ]
    )
    descr = rng.choice(["<f8", "|O", "<U1000000", "<f4", "|V0", "<U0", "<i8,<f8"])
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    members[name] = start + text.encode() + members[name][128:]
    return packed(members, document)


def compress(content, rng):
    members, document = members_of(content), document_of(content)
    name = str(rng.choice([*members]))
    if rng.random() < 0.7:
        members[name] = members[name] + bytes(3 * 10**7)
    return packed(
        members, document if name != "model.json" else None, zipfile.ZIP_DEFLATED
    )


def nest_deeply(content, rng):
    document, n = document_of(content), int(rng.choice([70, 1000, 100_000]))
    open_, close = [("[", "]"), ('{"tuple":[', "]}"), ('{"dict":[[1,', "]]}")][
        rng.integers(3)
    ]
    document["estimator"] = "HERE"
    members = members_of(content)
    text = json.dumps(document).replace('"HERE"', open_ * n + close * n)
    members["model.json"] = text.encode()
    return packed(members)


def count_hugely(content, rng):
    document, members = document_of(content), members_of(content)
    n = int(rng.choice([10**5, 10**6, 3 * 10**6]))
    piece = str(rng.choice(["[],", "0,", '{"tuple":[]},', '"",', "1e5,", "[[0]],"]))
    key = str(rng.choice(["estimator", "arrays", "more"]))
    document[key] = "HERE"
    text = json.dumps(document).replace('"HERE"', f"[{piece * n}0]")
    members["model.json"] = text.encode()
    return packed(members)


def change_the_tree(content, rng):
    """Change some places of the document, as a forger who computes checksums can."""
    document = document_of(content)
    for _ in range(rng.integers(1, 4)):
        places = places_in(document["estimator"], []) or [(document, "estimator")]
        container, key = places[rng.integers(len(places))]
        kind = rng.integers(4)
        if kind == 0:
            container[key] = NODES[rng.integers(len(NODES))]
        elif kind == 1:
            other, other_key = places[rng.integers(len(places))]
            container[key] = json.loads(json.dumps(other[other_key]))
        elif kind == 2:
            del container[key]
        elif isinstance(container, list):
            container.append(container[key])
        else:
            container[f"{key}_"] = container.pop(key)
        document = json.loads(json.dumps(document))
    return packed(members_of(content), document)


DAMAGE = [flip_bits, truncate, cut_or_repeat, overwrite, overwrite_the_end]
DAMAGE += [
    swap_members,
    swap_arrays,
    add_or_remove_members,
    forge_header,
    compress,
    nest_deeply,
]
DAMAGE += [count_hugely, change_the_tree, change_the_tree, change_the_tree]

FORGERIES = (forge_header, swap_arrays, change_the_tree)
"""Damage with valid checksums, which can give another estimator."""

MAX_SECONDS = 10
"""Of the processor, in which a damaged file must be refused."""


def of_scaled_targets():
    """Return a regressor whose targets are standardized."""
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**QUICK))
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def saved_models():
    """Yield estimators of all kinds, fitted, each with its rows, and one unfitted."""
    layers = [Dense(3), BatchNorm(), Residual((PReLU(), Dropout(0.1)))]
    models = [
        (MLPClassifier(**QUICK, early_stopping=True), X),
        (MLPRegressor(**QUICK, loss="gaussian"), X),
        (CNNClassifier(2, **QUICK, augmentation=RandomFlip()), X.reshape(-1, 4, 4)),
        (TabularRegressor(**QUICK, n_members=2, max_one_hot=4), TABLE),
        (make_pipeline(StandardScaler(), PCA(3), MLPClassifier(**QUICK)), X),
        (of_scaled_targets(), X),
        (MLPClassifier(random_state=np.random.RandomState(1)), None),
        (MLPClassifier(**QUICK, activation=Bump(2.0)), X),
        (SequentialClassifier(layers, max_iter=3, random_state=0), X),
        (TabularClassifier(**QUICK, n_members=2), TABLE),
    ]
    for model, rows in models:
        yield model if rows is None else model.fit(rows, targets(model)), rows


def originals(path):
    """Return files to damage, each with rows for their estimators."""
    found = []
    for model, rows in saved_models():
        sknn.save(model, path, custom_parts=OWN)
        found.append((path.read_bytes(), rows))
    return found


@contextmanager
def little_memory(n_bytes):
    """Limit what the process can allocate to `n_bytes` more than it has now."""
    import resource  # not on Windows

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def load_damaged(number, files, path, limit=nullcontext):
    """Damage a file, load it, and return the kind of damage and what happened.

    What loads has to be equal to the original, byte by byte. Only forgeries can
    give something else: then an estimator, which predicts or raises an error.
    """
    rng = np.random.default_rng(number)
    damage = DAMAGE[number % len(DAMAGE)]
    content, rows = files[rng.integers(len(files))]
    path.write_bytes(damage(content, rng))
    start = time.process_time()
    try:
        with limit():
            loaded = sknn.load(path, custom_parts=OWN)
    except FileError as error:
        cause = error
        while cause is not None:
            assert not isinstance(cause, MemoryError), f"case {number}: memory"
            cause = cause.__cause__
        outcome = "refused"
    else:
        sknn.save(loaded, path, custom_parts=OWN)
        if path.read_bytes() == content:
            outcome = "equal"
        else:
            assert damage in FORGERIES, f"case {number}: other"
            outcome = "another estimator"
            own = isinstance(loaded, Pipeline | TransformedTargetRegressor)
            assert own or type(loaded).__module__.startswith("sknn.")
            predict_or_raise(loaded, rows)
    seconds = time.process_time() - start
    assert seconds < MAX_SECONDS, f"case {number}: {seconds} s"
    return damage.__name__, outcome


def predict_or_raise(estimator, rows):
    """Predict and train with an estimator whose parts may not fit."""
    for method in ("predict", "partial_fit"):
        try:
            if method == "predict":
                estimator.predict(rows)
            elif getattr(estimator, "max_iter", 10**9) < 10:
                estimator.partial_fit(rows, targets(estimator))
        except Exception:
            pass


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_refused(path):
    files = originals(path)
    counts = Counter(load_damaged(number, files, path) for number in range(210))
    for damage in DAMAGE:
        assert counts[damage.__name__, "refused"] > 0


def main(n):
    """Load `n` damaged files with a limit of memory, and print what happened."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    limit = partial(little_memory, 200 * 10**6)
    with TemporaryDirectory() as folder:
        path = Path(folder, "damaged.sknn")
        files = originals(path)
        counts = Counter(load_damaged(i, files, path, limit) for i in range(n))
    for (damage, outcome), count in sorted(counts.items()):
        print(f"{damage:24}{outcome:20}{count:6}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
