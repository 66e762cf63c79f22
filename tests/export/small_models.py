"""Fitted estimators of every kind, each with rows to predict from."""

from functools import cache

import numpy as np
import pandas as pd
from sklearn.base import clone

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
from sknn.activations import ACTIVATIONS
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    MemberDense,
    Pad,
    ParametricActivation,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    ToMembers,
)

N = 60
RNG = np.random.RandomState(0)
ROWS = RNG.normal(size=(N, 6))
CLASSES = RNG.randint(3, size=N)
COUNTS = RNG.poisson(2.0, N)
NUMBERS = 100 + 20 * ROWS[:, 0] + RNG.normal(size=N)
IMAGES = RNG.normal(size=(N, 6, 7))
BYTES = RNG.randint(256, size=(N, 6, 5, 3), dtype=np.uint8)
LABELS = {
    "integers": CLASSES,
    "two": CLASSES > 0,
    "one": np.zeros(N, int),
    "text": np.array(["rot", "grün", 'a"b??/*\\\n'])[CLASSES],
    "several": (RNG.normal(size=(N, 4)) > 0).astype(int),
    "numbers": NUMBERS,
    "two numbers": np.column_stack([NUMBERS, -3 * ROWS[:, 1]]),
    "counts": COUNTS,
}

WITH_NAN = np.where(RNG.uniform(size=ROWS.shape) < 0.1, np.nan, 10 + 3 * ROWS)
ODD_COLUMNS = WITH_NAN.copy()
ODD_COLUMNS[:, 0], ODD_COLUMNS[:, 1] = 3.0, np.nan
TABLE = pd.DataFrame(
    {
        "size": WITH_NAN[:, 0],
        "color": np.array(["red", "green", None], object)[CLASSES],
        "town": RNG.choice([f"town {i}" for i in range(12)], N),
        "age": WITH_NAN[:, 1],
    }
)

QUICK = {"hidden_layer_sizes": (7, 5), "max_iter": 3, "random_state": 0}
LAYERS = {"max_iter": 3, "random_state": 0}
FEW_BINS = PiecewiseLinearEmbedding(n_bins=5, size=3)
TABULAR = {**QUICK, "numerical_embedding": FEW_BINS, "n_members": 1}
ENSEMBLE = {**QUICK, "numerical_embedding": FEW_BINS, "n_members": 2}
OF_IMAGES = [
    *(Pad(1, 0.5), Conv2D(4, (3, 2), 2), BatchNorm(), Activation("relu")),
    *(Residual((Conv2D(4), LayerNorm(), PReLU(), Conv2D(4))), AvgPool2D(2, 1)),
    *(ParametricActivation("mish"), GlobalAvgPool2D()),
]
OF_MEMBERS = [
    *(ToMembers(3), BatchEnsembleDense(5), Activation("silu"), LayerNorm()),
    *(Residual((BatchNorm(), MemberDense(5), PReLU())), ParametricActivation("gelu")),
    Flatten(),
]

MODELS = {
    **{
        f"MLP, {name}": (MLPClassifier(**QUICK, activation=name), ROWS, "integers")
        for name in [*ACTIVATIONS, "prelu"]
    },
    **{
        f"MLP, labels: {name}": (MLPClassifier(**QUICK), ROWS, name)
        for name in ("two", "one", "text", "several")
    },
    "MLP, dropout": (
        MLPClassifier(**QUICK, dropout=0.2, dropconnect=0.3, input_dropout=0.1),
        ROWS,
        "integers",
    ),
    "MLP, batch norm": (MLPClassifier(**QUICK, normalization="batch"), ROWS, "two"),
    "MLP, residual": (
        MLPRegressor(**QUICK, normalization="layer", residual=True),
        ROWS,
        "numbers",
    ),
    **{
        f"MLP, {loss}": (MLPRegressor(loss, **QUICK), ROWS, name)
        for loss, name in [
            ("squared_error", "two numbers"),
            ("absolute_error", "numbers"),
            ("huber", "numbers"),
            ("poisson", "counts"),
            ("quantile", "two numbers"),
            ("gaussian", "two numbers"),
        ]
    },
    "MLP, quantiles": (
        MLPRegressor("quantile", quantile=(0.1, 0.5, 0.9), **QUICK),
        ROWS,
        "numbers",
    ),
    "CNN, bytes": (
        CNNClassifier((4, 3), kernel_size=(2, 3), **QUICK),
        BYTES,
        "integers",
    ),
    "CNN, numbers": (CNNClassifier(3, padding=1, **QUICK), IMAGES, "several"),
    "CNN, regressor": (CNNRegressor(3, pooling="avg", **QUICK), IMAGES, "numbers"),
    "Sequential, images": (
        SequentialClassifier(OF_IMAGES, **LAYERS),
        IMAGES,
        "integers",
    ),
    "Sequential, max pooling": (
        SequentialRegressor(
            [Conv2D(3, 3, padding="valid"), MaxPool2D(2, (1, 2)), Flatten()], **LAYERS
        ),
        BYTES,
        "two numbers",
    ),
    "Sequential, members": (
        SequentialClassifier(OF_MEMBERS, **LAYERS),
        ROWS,
        "integers",
    ),
    "Sequential, ntp": (
        SequentialRegressor(
            [Dense(5, parametrization="ntp"), Activation("identity"), Dense(4)],
            **LAYERS,
        ),
        ROWS,
        "numbers",
    ),
    "Tabular, numbers": (TabularRegressor(**TABULAR), ROWS, "numbers"),
    "Tabular, missing": (TabularClassifier(**TABULAR), WITH_NAN, "integers"),
    "Tabular, odd columns": (TabularRegressor(**TABULAR), ODD_COLUMNS, "numbers"),
    "Tabular, periodic": (
        TabularClassifier(**{**TABULAR, "numerical_embedding": "periodic"}),
        ROWS,
        "two",
    ),
    "Tabular, members": (TabularClassifier(**ENSEMBLE), ROWS, "integers"),
    "Tabular, members, two classes": (TabularClassifier(**ENSEMBLE), ROWS, "two"),
    "Tabular, members, labels": (TabularClassifier(**ENSEMBLE), ROWS, "several"),
    "Tabular, members, numbers": (TabularRegressor(**ENSEMBLE), ROWS, "two numbers"),
    "Tabular, members, counts": (
        TabularRegressor("poisson", **ENSEMBLE),
        ROWS,
        "counts",
    ),
    "Tabular, members, gaussian": (
        TabularRegressor("gaussian", **ENSEMBLE),
        ROWS,
        "two numbers",
    ),
    "Tabular, members, quantiles": (
        TabularRegressor("quantile", quantile=(0.1, 0.9), **ENSEMBLE),
        ROWS,
        "numbers",
    ),
    "Tabular, categories": (
        TabularClassifier(**ENSEMBLE, max_one_hot=4),
        TABLE,
        "integers",
    ),
}  # fmt: skip
"""Estimators, each with rows, and the name of its targets in `LABELS`."""


@cache
def fitted(name, dtype="float64"):
    """Return a fitted estimator of the table, and rows of a dtype."""
    estimator, X, y = MODELS[name]
    if getattr(X, "dtype", None) == np.float64:
        X = X.astype(dtype)
    return clone(estimator).fit(X, LABELS[y]), X


def predictions(estimator, X):
    """Return the probabilities of classes, or the numbers."""
    return getattr(estimator, "predict_proba", estimator.predict)(X)


EXACT = {"float32": 2e-5, "float64": 1e-11}
"""Relative tolerances: rounding in networks of a few layers."""
