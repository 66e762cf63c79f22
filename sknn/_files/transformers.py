"""The transformers that a pipeline in a file may hold, with their fitted attributes.

They are made by their constructors, and get the attributes that are listed here, no
others. One that scikit-learn adds in a later release is refused until it is listed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sklearn
from sklearn import compose, decomposition, feature_selection, impute, model_selection
from sklearn import pipeline as pipelines
from sklearn import preprocessing as scalers

from .. import preprocessing
from .._sklearn import BaseEstimator
from .._spec import parameters_of
from ..preprocessing import TableEncoder
from .parts import SEEN, Part, make_estimator, take_estimator

ENCODER = (
    "categories_ _infrequent_enabled _infrequent_indices "
    "_default_to_infrequent_mappings"
)

COMPONENTS = (
    "components_ explained_variance_ explained_variance_ratio_ singular_values_"
)

TRANSFORMERS: dict[Any, dict[str, str]] = {
    preprocessing: {"SmoothClipScaler": "center_ factor_"},
    scalers: {
        "StandardScaler": "mean_ var_ scale_ n_samples_seen_",
        "MinMaxScaler": (
            "min_ scale_ data_min_ data_max_ data_range_ n_samples_seen_"
        ),
        "MaxAbsScaler": "scale_ max_abs_ n_samples_seen_",
        "RobustScaler": "center_ scale_",
        "Normalizer": "",
        "PowerTransformer": "lambdas_ _scaler",
        "QuantileTransformer": "n_quantiles_ quantiles_ references_",
        "OneHotEncoder": (
            f"{ENCODER} drop_idx_ _drop_idx_after_grouping _n_features_outs"
        ),
        "OrdinalEncoder": f"{ENCODER} _missing_indices",
    },
    impute: {
        "SimpleImputer": "statistics_ indicator_ _fit_dtype _fill_dtype",
        "MissingIndicator": "features_ _n_features _precomputed",
    },
    decomposition: {
        "PCA": (
            f"{COMPONENTS} mean_ n_components_ n_samples_ noise_variance_ "
            "_fit_svd_solver"
        ),
        "TruncatedSVD": COMPONENTS,
    },
    feature_selection: {"VarianceThreshold": "variances_"},
    compose: {
        "ColumnTransformer": (
            "transformers_ _columns _transformer_to_input_indices _remainder "
            "_n_features sparse_output_ output_indices_ _name_to_fitted_passthrough"
        ),
        "make_column_selector": "",
    },
    pipelines: {"Pipeline": "", "FeatureUnion": ""},
    model_selection: {
        "KFold": "",
        "StratifiedKFold": "",
        "GroupKFold": "",
        "ShuffleSplit": "",
        "StratifiedShuffleSplit": "",
        "TimeSeriesSplit": "",
        "PredefinedSplit": "",
    },
}
"""The names of fitted attributes, by module and class.

Beside transformers, these are what chooses columns, and the splitters that
`validation_fraction` can be. The attributes in `SEEN` are allowed everywhere.
"""

ENCODER_OF_TABLES = {
    "n_numeric_": int,
    "n_categories_": tuple[int, ...],
}


def transformer_parts() -> list[Part]:
    """Return all transformers as parts, ``StandardScaler``."""
    parts = []
    for module, classes in TRANSFORMERS.items():
        for name, attributes in classes.items():
            cls: Any = getattr(module, name)
            hints = {**dict.fromkeys(attributes.split(), Any), **SEEN}
            if hasattr(cls, "get_params"):
                make = partial(make_estimator, cls, hints)
                parts.append(Part(name, cls, take_estimator, make))
            else:
                parts.append(Part(name, cls, take_parameters, cls))
    return parts


def take_parameters(value: Any) -> dict[str, Any]:
    """Return the parameters of an object that stores them under their names."""
    return {name: getattr(value, name) for name in parameters_of(type(value))}
