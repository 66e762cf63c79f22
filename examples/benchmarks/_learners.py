"""The methods of `bench_tables.py`, and the configurations of its ablations.

Each function of `LEARNERS` returns an estimator for a data frame of float and category
columns, with missing values. `params` are those of the estimator proper, not of the
steps around it. All have the defaults of their packages, on a given number of threads,
except where `SKNN_MLP` and the functions say otherwise; none of the boosted trees stops
early.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import sknn

SKNN_MLP = {
    "hidden_layer_sizes": (256, 256),
    "activation": "silu",
    "normalization": "layer",
    "dropout": 0.2,
    "solver": "adamw",
    "learning_rate": "cosine",
    "learning_rate_init": 0.003,
    "batch_size": 64,
    "max_iter": 60,
    "n_iter_no_change": np.inf,
    "early_stopping": True,
    "scoring": "loss",
    "validation_fraction": 0.15,
}
"""AdamW with a cosine schedule to its end, of which the best epoch is kept.

Chosen among some fifteen on the validation rows of a few tables; with label smoothing
of 0.1 for classes.
"""

categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_exclude="category")

# -- networks in a pipeline -----------------------------------------------------------


def in_pipeline(net, kind):
    """Impute, scale and one-hot encode before a network, and scale its targets."""
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [("numbers", scaled, numbers), ("categories", one_hot, categories)]
    )
    pipeline = make_pipeline(columns, FunctionTransformer(np.float32), net)
    if kind == "class":
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def sklearn_mlp(X, kind, seed, threads, **params):
    Net = MLPClassifier if kind == "class" else MLPRegressor
    net = Net(**{"early_stopping": True, "random_state": seed, **params})
    return in_pipeline(net, kind)


def sknn_mlp(X, kind, seed, threads, **params):
    given = {**SKNN_MLP, "random_state": seed}
    if kind == "class":
        return in_pipeline(
            sknn.MLPClassifier(**{**given, "label_smoothing": 0.1, **params}), kind
        )
    return in_pipeline(sknn.MLPRegressor(**{**given, **params}), kind)


def tabular(X, kind, seed, threads, **params):
    Net = getattr(sknn, f"Tabular{'Classifier' if kind == 'class' else 'Regressor'}")
    return Net(**{"random_state": seed, **params})


# -- gradient boosting ----------------------------------------------------------------


def hist_gradient_boosting(X, kind, seed, threads, **params):
    classes = kind == "class"
    Trees = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    given = {"categorical_features": "from_dtype", "random_state": seed}
    # Columns without any value are an error in scikit-learn 1.9.
    known = ColumnTransformer(
        [("known", "passthrough", X.columns[X.notna().any()])],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(known, Trees(**{**given, **params}))


def lightgbm(X, kind, seed, threads, **params):
    from lightgbm import LGBMClassifier, LGBMRegressor

    Trees = LGBMClassifier if kind == "class" else LGBMRegressor
    given = {"n_jobs": threads, "random_state": seed, "verbose": -1}
    return Trees(**{**given, **params})


class LabelCodes:
    """A classifier for the codes of the labels, because XGBoost takes no strings."""

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, y):
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.classifier.fit(X, codes)
        return self

    def predict_proba(self, X):
        return self.classifier.predict_proba(X)


def xgboost(X, kind, seed, threads, **params):
    from xgboost import XGBClassifier, XGBRegressor

    given = {"n_jobs": threads, "random_state": seed, "enable_categorical": True}
    if kind == "class":
        return LabelCodes(XGBClassifier(**{**given, **params}))
    return XGBRegressor(**{**given, **params})


def missing_as_category(X):
    """Return a copy in which categories are strings: CatBoost takes no NaN there."""
    names = categories(X)
    filled = X[names].astype(object)
    return X.assign(**filled.where(filled.notna(), "missing"))


def catboost(X, kind, seed, threads, **params):
    from catboost import CatBoostClassifier, CatBoostRegressor

    given = {
        "cat_features": categories(X),
        "thread_count": threads,
        "random_seed": seed,
        "allow_writing_files": False,
        "verbose": False,
    }
    Trees = CatBoostClassifier if kind == "class" else CatBoostRegressor
    return make_pipeline(
        FunctionTransformer(missing_as_category), Trees(**{**given, **params})
    )


# -- pytabkit -------------------------------------------------------------------------


def pytabkit(name):
    """Return a function that makes an estimator of pytabkit.

    It imputes means and adds indicators, because RealMLP takes no missing numbers.
    """

    def make(X, kind, seed, threads, **params):
        import pytabkit

        Net = getattr(
            pytabkit, f"{name}_{'Classifier' if kind == 'class' else 'Regressor'}"
        )
        given = {"n_threads": threads, "random_state": seed, "device": "cpu"}
        imputed = ColumnTransformer(
            [("numbers", SimpleImputer(add_indicator=True), numbers)],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        return make_pipeline(imputed, Net(**{**given, **params}))

    return make


# -- the tables of methods and of variants --------------------------------------------

LEARNERS: dict[str, Callable[..., Any]] = {
    "HistGradientBoosting": hist_gradient_boosting,
    "sklearn MLP": sklearn_mlp,
    "sknn MLP": sknn_mlp,
    "Tabular": tabular,
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "CatBoost": catboost,
    "RealMLP_TD": pytabkit("RealMLP_TD"),
    "RealMLP_TD_S": pytabkit("RealMLP_TD_S"),
    "TabM_D": pytabkit("TabM_D"),
}
"""The methods, by the names that the published results have."""

PACKAGES = {
    "LightGBM": "lightgbm",
    "XGBoost": "xgboost",
    "CatBoost": "catboost",
    "RealMLP_TD": "pytabkit",
    "RealMLP_TD_S": "pytabkit",
    "TabM_D": "pytabkit",
}
"""What must be installed; the others need sknn alone."""

MLP_CHANGES: dict[str, dict[str, Any]] = {
    "constant learning rate, n_iter_no_change=10": {
        "learning_rate": "constant",
        "learning_rate_init": 0.001,
        "n_iter_no_change": 10,
    },
    "weights of the last epoch": {"early_stopping": False},
    "layers of 128 and 64 units": {"hidden_layer_sizes": (128, 64)},
    "batch normalization": {"normalization": "batch"},
    "no normalization": {"normalization": None},
    "learning rate 0.001": {"learning_rate_init": 0.001},
    "weight decay 0.1": {"weight_decay": 0.1},
}

SINGLE_NETWORK_CHANGES: dict[str, dict[str, Any]] = {
    "256 epochs": {"max_iter": 256},
    "no numerical embedding": {"numerical_embedding": None},
    "periodic embedding": {"numerical_embedding": "periodic"},
    "piecewise-linear embedding": {"numerical_embedding": "piecewise_linear"},
    "no dropout": {"dropout": 0.0},
    "no weight decay": {"weight_decay": 0.0},
    "cosine schedule": {"learning_rate": "cosine"},
    "scale layer 6 times slower": {"layer_learning_rates": {"scale": 1 / 6}},
    "batches of 256": {"batch_size": 256},
    "weights of the best epoch": {"restore_best": "latest"},
    "weights of the last epoch": {"restore_best": False},
    "no second training": {"refit_on_all": False},
    "no label smoothing": {"label_smoothing": 0.0},
    "no calibration": {"calibrate": False},
}

ENSEMBLE_CHANGES: dict[str, dict[str, Any]] = {
    "same rows for all members": {"bagging": False},
    "no second training": {"refit_on_all": False},
    "8 members": {"n_members": 8},
}

SINGLE = {"n_members": 1}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"sknn MLP, {name}": ("sknn MLP", x) for name, x in MLP_CHANGES.items()},
    "Tabular, n_members=1": ("Tabular", SINGLE),
    **{
        f"Tabular, n_members=1, {name}": ("Tabular", {**SINGLE, **x})
        for name, x in SINGLE_NETWORK_CHANGES.items()
    },
    **{f"Tabular, {name}": ("Tabular", x) for name, x in ENSEMBLE_CHANGES.items()},
}
"""Ablations by name: a method, and the parameters in which it differs."""


class Method(NamedTuple):
    """A learner with parameters; results are kept under its name."""

    name: str
    learner: str
    params: dict[str, Any]

    def estimator(self, X, kind, seed, threads):
        return LEARNERS[self.learner](X, kind, seed, threads, **self.params)

    def is_installed(self):
        if self.learner == "Tabular":
            return hasattr(sknn, "TabularClassifier")
        return find_spec(PACKAGES.get(self.learner, "sknn")) is not None


def parse_method(text):
    """Return the `Method` of ``"LightGBM"``, or of ``"small: LightGBM(num_leaves=9)"``.

    A learner or a variant may be called with keyword parameters, which are literals.
    The name before the colon is optional.
    """
    base, bracket, arguments = text.partition("(")
    name, colon, base = base.rpartition(":")
    base = base.strip()
    params = {}
    if bracket:
        try:
            call = ast.parse(f"f({arguments}", mode="eval").body
            params = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
            if call.args or None in params:
                raise ValueError("not keywords")
        except (SyntaxError, ValueError):
            raise SystemExit(
                f"Cannot read {text!r}: write a method with literals as keyword "
                "parameters, such as 'LightGBM(num_leaves=9)'."
            ) from None
    learner, given = VARIANTS.get(base, (base, {}))
    if learner not in LEARNERS:
        names = ", ".join([*LEARNERS, *VARIANTS])
        raise SystemExit(f"Unknown method {base!r}: there are {names}.")
    return Method(name if colon else text, learner, {**given, **params})
