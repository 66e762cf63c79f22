"""Hypothesis strategies: estimators with any parameters, and data of any kind.

A value that is drawn is a small description, such as the name of a container and a
seed; arrays are made from it. Examples are thus cheap to draw, and one that fails can
be read.
"""

import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st
from scipy import sparse

import sknn
from sknn.augmentation import RandomShift
from sknn.layers import (
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    MaxPool2D,
    Residual,
)

try:
    import torch
except ImportError:
    torch = None

try:
    import pyarrow
except ImportError:
    pyarrow = None

# -- values of rows -------------------------------------------------------------------


def some(values, share):
    """Return a maker of normal numbers with a share of other values among them."""

    def make(rng, shape):
        x = rng.normal(size=shape)
        x[rng.uniform(size=shape) < share] = values
        return x

    return make


def duplicate_columns(rng, shape):
    return np.repeat(rng.normal(size=(*shape[:-1], 1)), shape[-1], axis=-1)


def all_scales(rng, shape):
    with np.errstate(under="ignore"):
        return rng.normal(size=shape) * 10.0 ** rng.uniform(-320, 307, shape)


VALUES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "mostly zeros": some(0.0, 0.8),
    "small integers": lambda rng, shape: rng.randint(-3, 4, shape).astype(float),
    "pixels": lambda rng, shape: rng.randint(256, size=shape).astype(float),
    "zeros": lambda rng, shape: np.zeros(shape),
    "one value": lambda rng, shape: np.full(shape, 7.3),
    "duplicate columns": duplicate_columns,
    "subnormal": lambda rng, shape: 5e-324 * rng.randint(1, 9, shape),
    "large": lambda rng, shape: 1e30 * rng.normal(size=shape),
    "huge": lambda rng, shape: 1e300 * rng.normal(size=shape),
    "largest": lambda rng, shape: np.finfo(float).max * rng.choice([-1, 1], shape),
    "an outlier": some(1e200, 0.05),
    "all scales": all_scales,
    "around 2**53": lambda rng, shape: 2.0**53 + rng.randint(9, size=shape),
    "NaN": some(np.nan, 0.2),
    "infinity": some(np.inf, 0.2),
    "minus infinity": some(-np.inf, 0.05),
}
"""Makers of float64 arrays of a shape."""

TAME = ["normal", "mostly zeros", "small integers"]
"""Values that any container holds without rounding them to infinity."""

# -- containers -----------------------------------------------------------------------


def on_disk(x):
    """Return a read-only memory map of a file that is gone when the array is."""
    with tempfile.TemporaryFile() as file:
        file.write(x.tobytes())
        file.flush()
        return np.memmap(file, dtype=x.dtype, mode="r", shape=x.shape)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def strided(x):
    big = np.full(tuple(2 * side for side in x.shape), np.nan, x.dtype)
    view = big[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = memory[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def cast(dtype):
    def make(x):
        with np.errstate(all="ignore"):
            return x.astype(dtype)

    return make


def as_matrix(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asmatrix(x)


def masked(x):
    return np.ma.masked_array(x, mask=np.zeros(x.shape, bool))


def partly_masked(x):
    mask = np.zeros(x.shape, bool)
    mask.flat[:: max(2, x.size // 3)] = True
    return np.ma.masked_array(x, mask=mask)


def frame(x, **dtype):
    return pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])], **dtype)


def whole(x):
    """Round to integers of moderate size, NaN to 0."""
    return np.clip(np.rint(np.nan_to_num(x)), -1000, 1000).astype(np.int64)


def unsorted_csr(x):
    """Return a CSR matrix with each value in two halves, the columns in any order."""
    rows, columns = (np.tile(index, 2) for index in np.nonzero(x != 0))
    half = x[x != 0] / 2
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(x)))])
    data = np.concatenate([half, half])[order]
    return sparse.csr_matrix((data, columns[order], starts), shape=x.shape)


def explicit_zeros(x):
    """Return a CSR matrix that stores all values, also those that are 0."""
    n, m = x.shape
    indices, starts = np.tile(np.arange(m), n), m * np.arange(n + 1)
    return sparse.csr_array((x.ravel(), indices, starts), shape=x.shape)


def long_indices(x):
    matrix = sparse.csr_array(x)
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


DENSE = {
    "float64": lambda x: x,
    "float32": cast(np.float32),
    "float16": cast(np.float16),
    "longdouble": cast(np.longdouble),
    "big-endian": cast(">f8"),
    "Fortran order": np.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "strided": strided,
    "unaligned": unaligned,
    "read-only": read_only,
    "memory map": on_disk,
    "memory map of float32": lambda x: on_disk(cast(np.float32)(x)),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "int64": whole,
    "int8": lambda x: whole(x).astype(np.int8),
    "uint64": lambda x: np.abs(whole(x)).astype(np.uint64),
    "bool": lambda x: x > 0,
    "complex": lambda x: x + 0j,
    "objects": lambda x: x.astype(object),
    "text": lambda x: x.astype(str),
    "masked": masked,
    "partly masked": partly_masked,
    "matrix": as_matrix,
    "list": lambda x: x.tolist(),
    "tuple of arrays": tuple,
    "pandas": frame,
    "pandas, numbers as names": pd.DataFrame,
    "pandas Float64": lambda x: frame(x, dtype="Float64"),
    "pandas Float32": lambda x: frame(cast(np.float32)(x), dtype="Float32"),
    "pandas Int64 with NA": lambda x: frame(whole(x), dtype="Int64").mask(x > 1.5),
    "pandas sparse": lambda x: frame(x).astype(pd.SparseDtype(float, 0.0)),
    "polars": lambda x: pl.DataFrame(dict(zip("abcdefgh", x.T, strict=False))),
}
"""Makers of dense containers from float64 arrays of shape (n, m)."""

if torch is not None:
    DENSE["torch"] = lambda x: torch.from_numpy(x.copy())
    DENSE["torch, float32"] = lambda x: torch.from_numpy(cast(np.float32)(x))
if pyarrow is not None:
    DENSE["pandas Arrow"] = lambda x: frame(x, dtype="float64[pyarrow]")

SPARSE = {
    **{
        f"{name}_{kind}": getattr(sparse, f"{name}_{kind}")
        for name in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("array", "matrix")
    },
    "csr of float32": lambda x: sparse.csr_array(cast(np.float32)(x)),
    "csr of int64": lambda x: sparse.csr_array(whole(x)),
    "csr, unsorted, with duplicates": unsorted_csr,
    "csr, explicit zeros": explicit_zeros,
    "csr, long indices": long_indices,
    "csr, read-only": lambda x: without_writing(sparse.csr_array(x)),
}
"""Makers of sparse containers."""


def without_writing(matrix):
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


SAME_NUMBERS = [
    *(name for name in DENSE if name in {
        "Fortran order", "reversed", "strided", "unaligned", "read-only", "memory map",
        "big-endian", "objects", "masked", "list", "tuple of arrays", "pandas",
        "pandas, numbers as names", "pandas Float64", "polars", "torch",
        "pandas Arrow", "pandas sparse", "longdouble",
    }),
    *(name for name in SPARSE if not name.startswith("csr of")),
]  # fmt: skip
"""Containers that must give the model that the plain array gives."""

# -- tables ---------------------------------------------------------------------------

WORDS = np.array(["red", "green", "blue", "", "ä", "0", "nan", "None"], object)

COLUMNS = {
    "text": lambda x: WORDS[whole(x) % len(WORDS)],
    "text with None": lambda x: np.where(x > 1, None, WORDS[whole(x) % len(WORDS)]),
    "category": lambda x: pd.Categorical(WORDS[whole(x) % 3]),
    "category without values": lambda x: pd.Categorical([None] * len(x), ["a", "b"]),
    "bool": lambda x: x > 0,
    "nullable boolean": lambda x: pd.array(x > 0, dtype="boolean"),
    "nullable integers": lambda x: pd.array(whole(x), dtype="Int64"),
    "string": lambda x: pd.array(WORDS[whole(x) % len(WORDS)], dtype="string"),
    "missing": lambda x: np.full(len(x), np.nan),
    "objects": lambda x: np.array([v if v > 0 else str(v)[:3] for v in x], object),
    "numbers as objects": lambda x: x.astype(object),
    "identifiers": lambda x: np.array([f"id{i}" for i in range(len(x))], object),
    "many codes": lambda x: np.array([f"{i % 12}" for i in range(len(x))], object),
    "infinite": lambda x: np.where(x > 0, np.inf, x),
    "dates": lambda x: pd.to_datetime(whole(x), unit="D"),
    "lists": lambda x: as_objects([[v] for v in x]),
}
"""Makers of columns of a table from the values of normal numbers."""

GOOD_COLUMNS = [name for name in COLUMNS if name not in {"dates", "lists"}]


def as_objects(values):
    out = np.empty(len(values), object)
    out[:] = values
    return out


def table(x, kinds, container):
    """Return a table with the columns of x, and one of each of the kinds."""
    columns = {f"c{i}": column for i, column in enumerate(x.T)}
    for i, kind in enumerate(kinds):
        columns[f"k{i}"] = COLUMNS[kind](x[:, i % x.shape[1]])
    df = pd.DataFrame(columns)
    if container == "array":
        return df.to_numpy(object)
    if container == "polars":
        objects = df.astype(object).where(df.notna(), None)
        return pl.DataFrame(
            {name: pl.Series(objects[name].tolist(), strict=False) for name in objects}
        )
    return df


# -- targets --------------------------------------------------------------------------

CLASSES = {
    "two": lambda rng, n: rng.randint(2, size=n),
    "three": lambda rng, n: rng.randint(3, size=n),
    "text": lambda rng, n: rng.choice(["no", "yes", "äöü"], n),
    "objects": lambda rng, n: rng.choice(np.array(["a", "b"], object), n),
    "bool": lambda rng, n: rng.uniform(size=n) < 0.5,
    "float": lambda rng, n: rng.randint(-1, 2, n).astype(float),
    "list": lambda rng, n: rng.randint(2, size=n).tolist(),
    "column": lambda rng, n: rng.randint(2, size=(n, 1)),
    "far apart": lambda rng, n: rng.choice([-(2**62), 0, 2**62], n),
    "uint8": lambda rng, n: rng.randint(3, size=n).astype(np.uint8),
    "pandas": lambda rng, n: pd.Series(rng.choice(["a", "b", "c"], n)),
    "category": lambda rng, n: pd.Series(pd.Categorical(rng.choice(["a", "b"], n))),
    "nullable": lambda rng, n: pd.Series(rng.randint(2, size=n), dtype="Int64"),
    "polars": lambda rng, n: pl.Series("y", rng.randint(2, size=n)),
    "one class": lambda rng, n: np.full(n, 3),
    "a rare class": lambda rng, n: np.arange(n) == 0,
    "a class for each row": lambda rng, n: np.arange(n),
    "labels": lambda rng, n: rng.randint(2, size=(n, 3)),
    "labels, sparse": lambda rng, n: sparse.csr_matrix(rng.randint(2, size=(n, 3))),
    "labels, all 0": lambda rng, n: np.zeros((n, 3), int),
}
"""Makers of classes for n rows."""

NUMBERS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "float32": lambda rng, n: rng.normal(size=n).astype(np.float32),
    "int": lambda rng, n: rng.randint(-9, 9, n),
    "counts": lambda rng, n: rng.poisson(3.0, n),
    "bool": lambda rng, n: rng.uniform(size=n) < 0.5,
    "two outputs": lambda rng, n: rng.normal(size=(n, 2)),
    "column": lambda rng, n: rng.normal(size=(n, 1)),
    "list": lambda rng, n: rng.normal(size=n).tolist(),
    "pandas": lambda rng, n: pd.Series(rng.normal(size=n), index=np.arange(n)[::-1]),
    "nullable": lambda rng, n: pd.Series(rng.normal(size=n), dtype="Float64"),
    "polars": lambda rng, n: pl.Series("y", rng.normal(size=n)),
    "objects": lambda rng, n: rng.normal(size=n).astype(object),
    "read-only": lambda rng, n: read_only(rng.normal(size=n)),
    "sparse": lambda rng, n: sparse.csr_matrix(rng.normal(size=(n, 1))),
    "one value": lambda rng, n: np.full(n, -2.5),
    "zeros": lambda rng, n: np.zeros(n),
    "subnormal": lambda rng, n: 5e-324 * rng.randint(9, size=n),
    "large": lambda rng, n: 1e30 * rng.normal(size=n),
    "huge": lambda rng, n: 1e300 * rng.normal(size=n),
    "largest": lambda rng, n: np.finfo(float).max * rng.choice([-1, 1], n),
    "all scales": lambda rng, n: all_scales(rng, (n,)),
    "masked": lambda rng, n: masked(rng.normal(size=n)),
}
"""Makers of numbers to predict for n rows."""

WRONG = {
    "NaN": lambda rng, n: np.where(np.arange(n) % 3, 1.0, np.nan),
    "infinity": lambda rng, n: np.where(np.arange(n) % 3, 1.0, np.inf),
    "None": lambda rng, n: np.where(np.arange(n) % 3, "a", None),
    "pandas NA": lambda rng, n: pd.Series([pd.NA, *[1] * (n - 1)], dtype="Int64"),
    "numbers and text": lambda rng, n: as_objects([1, "a"] * n)[:n],
    "dates": lambda rng, n: np.array(["2000-01-01"] * n, "M8[D]"),
    "complex": lambda rng, n: np.arange(n) * 1j,
    "too long": lambda rng, n: np.arange(n + 1) % 2,
    "empty": lambda rng, n: np.array([]),
    "a number": lambda rng, n: 1.0,
    "missing": lambda rng, n: None,
    "three axes": lambda rng, n: np.zeros((n, 2, 2)),
    "several columns of classes": lambda rng, n: rng.randint(5, size=(n, 2)),
    "ragged": lambda rng, n: [[0] * (1 + i % 2) for i in range(n)],
    "partly masked": lambda rng, n: np.ma.masked_array(np.ones(n), np.arange(n) == 0),
}
"""Makers of targets most of which no estimator takes."""

WEIGHTS = {
    "none": lambda rng, n: None,
    "uniform": lambda rng, n: rng.uniform(0.1, 2, n),
    "some 0": lambda rng, n: rng.randint(2, size=n).astype(float),
    "integers": lambda rng, n: rng.randint(1, 4, n),
    "list": lambda rng, n: [1] * n,
    "a number": lambda rng, n: 2.0,
    "pandas": lambda rng, n: pd.Series(rng.uniform(0.1, 2, n)),
    "one row": lambda rng, n: (np.arange(n) == 0) * 1.0,
    "subnormal": lambda rng, n: np.full(n, 5e-324),
    "huge": lambda rng, n: np.full(n, 1e300),
    "all scales": lambda rng, n: np.abs(all_scales(rng, (n,))),
    "all 0": lambda rng, n: np.zeros(n),
    "negative": lambda rng, n: -np.ones(n),
    "NaN": lambda rng, n: np.full(n, np.nan),
    "too short": lambda rng, n: np.ones(n - 1),
    "text": lambda rng, n: ["a"] * n,
}
"""Makers of sample weights."""

# -- data sets ------------------------------------------------------------------------


@dataclass
class Dataset:
    """What a user passes to `fit`, and how it was made."""

    X: Any
    y: Any
    sample_weight: Any
    made_of: str

    def _repr_pretty_(self, printer, cycle):
        printer.text(f"<{self.made_of}>")


def mostly(usual, others):
    """Draw from the usual values in 15 of 16 cases."""
    return _mostly(tuple(usual), tuple(others))


@cache
def _mostly(usual, others):
    return st.integers(0, 15).flatmap(
        lambda i: st.sampled_from(others if i == 9 else usual)
    )


SIZES = [1, 2, 3, 4, 7, 12, 20, 33]
COLUMN_COUNTS = [1, 2, 4, 6]


@st.composite
def targets(draw, is_classifier, kind, n, rng):
    """Draw targets, usually of a kind."""
    table = CLASSES if is_classifier else NUMBERS
    name = draw(mostly([kind], [*table, *WRONG]))
    return name, {**table, **WRONG}[name](rng, n)


@st.composite
def rows(draw, Estimator, n, m, rng):
    """Draw rows for an estimator, and say how they were made."""
    values = draw(mostly(["normal", *TAME], VALUES))
    x = VALUES[values](rng, (n, m))
    name = Estimator.__name__
    if name.startswith("Tabular"):
        kinds = draw(st.lists(mostly(GOOD_COLUMNS, COLUMNS), max_size=3))
        if kinds:
            container = draw(st.sampled_from(["pandas", "array", "polars"]))
            try:
                return table(x, kinds, container), f"{values}, {kinds} in {container}"
            except (TypeError, ValueError, pl.exceptions.PolarsError):
                kinds = kinds[:0]  # polars takes no such columns
    container = draw(mostly(DENSE, SPARSE))
    if name.startswith(("CNN", "Sequential")) and draw(st.integers(0, 3)) == 0:
        shape = draw(mostly([(n, 1, m), (n, 1, m, 1)], [(n, m, 1)]))
        dtype = draw(st.sampled_from([np.float64, np.float32, np.uint8]))
        with np.errstate(all="ignore"):
            return x.reshape(shape).astype(dtype), f"{values}, images {shape} {dtype}"
    try:
        return {**DENSE, **SPARSE}[container](x), f"{values} in {container}"
    except (TypeError, ValueError, NotImplementedError):
        return x, values  # this container cannot hold them


@st.composite
def datasets(draw, Estimator, kind, m):
    """Draw rows, usually with m columns, their targets and weights."""
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    n = draw(mostly(SIZES[4:], SIZES))
    m = draw(mostly([m], COLUMN_COUNTS))
    X, made_of = draw(rows(Estimator, n, m, rng))
    target, y = draw(targets("Classifier" in Estimator.__name__, kind, n, rng))
    weight = draw(mostly(["none"], WEIGHTS))
    made_of = f"{n} x {m} {made_of}; y {target}; weights {weight}"
    return Dataset(X, y, WEIGHTS[weight](rng, n), made_of)


# -- estimators -----------------------------------------------------------------------

PARAMS = {
    "solver": ["adam", "sgd", "lbfgs", "adamw", "nadam", "rmsprop", "adagrad"],
    "activation": ["relu", "tanh", "logistic", "selu", "identity", "mish"],
    "alpha": [0.0, 1e-4, 1.0, 1e30],
    "batch_size": ["auto", 1, 3, 100],
    "learning_rate": ["constant", "adaptive", "cosine", "one_cycle", "invscaling"],
    "learning_rate_init": [1e-3, 0.1, 10.0, 1e10, 5e-324],
    "max_iter": [1, 2, 4],
    "shuffle": [True, False],
    "tol": [0.0, 1e-4, 1e10],
    "warm_start": [True, False],
    "momentum": [0.0, 0.9, 1.0],
    "early_stopping": [True, False],
    "validation_fraction": [0.1, 0.5, 0.9],
    "n_iter_no_change": [1, 3, np.inf],
    "scoring": [None, "loss", "neg_mean_absolute_error", "accuracy", "roc_auc"],
    "weight_decay": [0.0, 0.1, 1e10],
    "l1_ratio": [0.0, 0.5, 1.0],
    "max_grad_norm": [None, 1.0, 1e-300],
    "max_grad_value": [None, 0.1],
    "mixup": [0.0, 0.3],
    "restore_best": [True, False, "latest", 3],
    "refit_on_all": [True, False],
    "drop_last": [True, False],
    "max_time": [None, 1e-9, 10.0],
    "dropout": [0.0, 0.5],
    "normalization": [None, "batch", "layer"],
    "residual": [True, False],
    "input_dropout": [0.0, 0.3],
    "dropconnect": [0.0, 0.3],
    "initializer": ["auto", "he_normal", "orthogonal", "zeros"],
    "class_weight": [None, "balanced", {0: 2.0, 1: 1.0}],
    "label_smoothing": [0.0, 0.2],
    "loss": ["squared_error", "absolute_error", "huber", "poisson", "quantile"],
    "freeze": [None, 1],
    "hidden_layer_sizes": [(), (3,), (4, 3)],
    "n_members": [1, 2, 3],
    "bagging": [True, False],
    "calibrate": [True, False],
    "numerical_embedding": [None, "periodic", "piecewise_linear"],
    "max_one_hot": [0, 3, 9],
    "clip": [True, False],
    "conv_channels": [(), (2,), (2, 3)],
    "pooling": [None, "max", "avg"],
    "augmentation": [None, [RandomShift()]],
    "random_state": [0, 1],
}
"""Values to draw for each parameter that an estimator has."""

LAYERS = [
    [],
    [Dense(4), Activation("relu")],
    [Dense(4), BatchNorm(), Activation("tanh"), Dropout(0.3)],
    [Dense(3), Residual((LayerNorm(), Activation("relu"), Dense(3)))],
    [Conv2D(2, (1, 3)), Activation("relu"), Flatten()],
    [Conv2D(2, 1), MaxPool2D((1, 2)), Flatten(), Dense(3), Activation("relu")],
]

INVALID = {
    "solver": ["Adam!", 3],
    "alpha": [-1.0, np.nan, "a"],
    "batch_size": [0, 2.5],
    "learning_rate_init": [0.0, -1.0, np.inf, np.nan, None],
    "max_iter": [0, -1, 1.5],
    "hidden_layer_sizes": [(0,), (-3,), "a", (2.5,), (None,)],
    "activation": ["Relu", 3],
    "validation_fraction": [0.0, 1.0, np.nan],
    "random_state": ["a", -1],
    "momentum": [1.5, np.nan],
    "dropout": [1.0, (0.1,) * 7],
    "class_weight": [{7: 1.0}, {0: np.nan}, "x"],
    "freeze": ["nothing", 99],
    "layer_learning_rates": [{"nothing": 1.0}, {"dense1": -1.0}],
    "restore_best": [0, "x"],
    "tol": [-1.0, np.nan],
    "n_members": [0],
    "layers": [3, ["a"], [None]],
}
"""Values that the constructor stores and `fit` refuses."""

ESTIMATORS = [
    sknn.MLPClassifier,
    sknn.MLPRegressor,
    sknn.CNNClassifier,
    sknn.CNNRegressor,
    sknn.SequentialClassifier,
    sknn.SequentialRegressor,
    sknn.TabularClassifier,
    sknn.TabularRegressor,
]
"""Every estimator that is public."""

SMALL = {
    "hidden_layer_sizes": (3,),
    "conv_channels": (2,),
    "max_iter": 2,
    "random_state": 0,
    "n_members": 2,
    "restore_best": True,
    "pooling": None,
}
"""What keeps a fit short, where an estimator has the parameter."""


def has(Estimator, names):
    """Return which of the names are parameters of an estimator."""
    return [name for name in names if name in Estimator._parameter_constraints]


@cache
def some_params(Estimator, max_size=4):
    """Draw values of a few parameters."""
    values = {name: PARAMS[name] for name in has(Estimator, PARAMS)}
    if "Classifier" in Estimator.__name__:
        values.pop("loss")
    if has(Estimator, ["layers"]):
        values["layers"] = LAYERS
    return st.lists(
        st.sampled_from(list(values)), max_size=max_size, unique=True
    ).flatmap(
        lambda names: st.fixed_dictionaries(
            {name: st.sampled_from(values[name]) for name in names}
        )
    )


@cache
def invalid_params(Estimator):
    """Draw one value that is not valid."""
    return st.sampled_from(has(Estimator, INVALID)).flatmap(
        lambda name: st.sampled_from(INVALID[name]).map(lambda value: {name: value})
    )


@st.composite
def estimators(draw, classes=tuple(ESTIMATORS)):
    """Draw an estimator that is not fitted, with a small network."""
    Estimator = draw(st.sampled_from(classes))
    small = {name: SMALL[name] for name in has(Estimator, SMALL)}
    if Estimator.__name__.startswith("Sequential"):
        small["layers"] = draw(st.sampled_from(LAYERS))
    return Estimator(**{**small, **draw(some_params(Estimator))})
