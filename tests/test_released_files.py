"""The files that each release has written can be loaded.

``python tests/test_released_files.py`` writes those of this version to
``tests/files/<version>/``: for each kind of estimator a ``.sknn`` file, and a ``.json``
file with its data and its predictions, before and after a further `partial_fit`. Later
versions do not change the files of a release.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from test_spec import CASES as EVERY_SPEC

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
from sknn.augmentation import RandomFlip
from sknn.layers import Dense, Dropout, LayerNorm, PReLU, Residual
from sknn.preprocessing import SmoothClipScaler, TableEncoder

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.InconsistentVersionWarning",
    "ignore:X has (rows|pixels):UserWarning",
)

FOLDER = Path(__file__).parent / "files"
FILES = sorted(FOLDER.glob("*/*.sknn"))

TOLERANCES = {
    "float32": {"rtol": 1e-3, "atol": 1e-4},
    "float64": {"rtol": 1e-6, "atol": 1e-8},
}
"""Kernels, processors and versions of NumPy differ by rounding."""


# -- writing --------------------------------------------------------------------------

RNG = np.random.RandomState(0)
ROWS = RNG.normal(size=(20, 6)).round(2)
IMAGES = RNG.normal(size=(20, 4, 4)).round(2)
TOWNS = [*"abbbcabcacbbcacbbaca"]
TABLE = [[*row, town] for row, town in zip(ROWS[:, :2].tolist(), TOWNS, strict=True)]
TABLE[3][0] = None
NO_TOWN = [*TABLE[:7], [*TABLE[7][:2], None], *TABLE[8:]]

COLUMNS = {"columns": ["size", "age", "town"], "dtype": "float32"}
DATA = {
    "numbers": {"rows": ROWS.tolist(), "dtype": "float64"},
    "numbers in float32": {"rows": ROWS.tolist(), "dtype": "float32"},
    "images": {"rows": IMAGES.tolist(), "dtype": "float64"},
    "table": {"rows": NO_TOWN, **COLUMNS},
    # Missing text is NaN in pandas 3 and None before: other values for OneHotEncoder.
    "complete text": {"rows": TABLE, **COLUMNS},
}
"""Rows as they are in the files, of which estimators of tables compute in float32."""

LABELS = ["no", "yes", "yes", "perhaps"] * 5
NUMBERS = ROWS[:, 0].tolist()


def models():
    """Return an estimator of each kind by name, with the kind of its data."""
    quick = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    members = {"n_members": 2, "early_stopping": False, "learning_rate": "constant"}
    layers = [Dense(4), LayerNorm(), PReLU(), Residual((Dense(4), Dropout(0.1)))]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["size"]),
            ("town", OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ]
    )
    noise = {"dropout": 0.2, "normalization": "batch"}
    stopping = {"early_stopping": True, "validation_fraction": 0.2}
    sgd = {**quick, "solver": "sgd", "learning_rate": "cosine", "max_iter": 10}
    return {
        "mlp_classifier": (MLPClassifier(**quick, **noise), "numbers"),
        "mlp_regressor": (MLPRegressor(**quick, loss="gaussian"), "numbers"),
        "float32": (MLPRegressor(**quick, **stopping), "numbers in float32"),
        "partial_fit": (MLPClassifier(**sgd), "numbers"),
        "cnn_classifier": (
            CNNClassifier(2, **quick, augmentation=RandomFlip()),
            "images",
        ),
        "cnn_regressor": (CNNRegressor(2, **quick), "images"),
        "sequential_classifier": (
            SequentialClassifier(layers, max_iter=3, random_state=0),
            "numbers",
        ),
        "sequential_regressor": (
            SequentialRegressor(layers, max_iter=3, random_state=0),
            "numbers",
        ),
        "tabular_classifier": (TabularClassifier(**quick, **members), "table"),
        "tabular_regressor": (TabularRegressor(**quick, **members), "table"),
        "pipeline": (make_pipeline(columns, MLPClassifier(**quick)), "complete text"),
        "pipeline_of_sknn": (
            make_pipeline(TableEncoder(), SmoothClipScaler(), MLPRegressor(**quick)),
            "table",
        ),
        # Not fitted: the list does not make a network.
        "every_part": (SequentialRegressor(EVERY_SPEC), None),
    }


def write(folder):
    """Write the files of all estimators to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (model, kind) in models().items():
        path = folder / f"{name}.sknn"
        if kind is None:
            sknn.save(model, path)
            continue
        y = LABELS if is_classifier(model) else NUMBERS
        example = {**DATA[kind], "y": y}
        rows = rows_of(example)
        if name == "partial_fit":
            for _ in range(3):
                model.partial_fit(rows, y, classes=np.unique(y))
        else:
            model.fit(rows, y)
        sknn.save(model, path)
        example["predictions"] = predictions(model, rows).tolist()
        if hasattr(model, "partial_fit"):
            model.partial_fit(rows, y)
            example["continued"] = predictions(model, rows).tolist()
        path.with_suffix(".json").write_text(json.dumps(example) + "\n", "utf-8")


# -- reading --------------------------------------------------------------------------


def rows_of(example):
    """Return the rows to predict as an array or a table."""
    if "columns" in example:
        return pd.DataFrame(example["rows"], columns=example["columns"])
    return np.array(example["rows"], example["dtype"])


def predictions(model, rows):
    return model.predict_proba(rows) if is_classifier(model) else model.predict(rows)


def check(path):
    """Load a file and compare its predictions with those that were written."""
    model = sknn.load(path)
    if path.stem == "every_part":
        return
    example = json.loads(path.with_suffix(".json").read_text("utf-8"))
    rows, tolerance = rows_of(example), TOLERANCES[example["dtype"]]
    np.testing.assert_allclose(
        predictions(model, rows), example["predictions"], **tolerance
    )
    if "continued" in example:
        model.partial_fit(rows, example["y"])
        np.testing.assert_allclose(
            predictions(model, rows), example["continued"], **tolerance
        )


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_released_file_predicts_and_continues_as_before(path):
    check(path)


def test_the_files_of_this_version(tmp_path):
    write(tmp_path)
    for path in tmp_path.glob("*.sknn"):
        check(path)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert sum(sizes) < 300_000  # they stay in the repository


def test_there_is_a_file_of_each_estimator():
    written = {type(model).__name__ for model, _ in models().values()}
    estimators = {
        name for name in sknn.__all__ if isinstance(getattr(sknn, name), type)
    }
    assert written == {*estimators, "Pipeline"}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write(FOLDER / sknn.__version__)
