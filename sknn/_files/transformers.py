"""The transformers that a pipeline in a file may hold, with their fitted attributes.

They are made by their constructors, and get the attributes that are listed here, no
others. One that scikit-learn adds in a later release is refused until it is listed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn import compose, decomposition, feature_selection, impute, model_selection
from sklearn import pipeline as pipelines
from sklearn import preprocessing as scalers
from sklearn.impute import SimpleImputer

from .. import preprocessing
from .._spec import parameters_of
from .._typing import Array
from ..exceptions import FileError
from ..preprocessing import SmoothClipScaler, TableEncoder
from ..preprocessing._categories import Categories
from ..preprocessing.table_encoder import as_objects
from .estimators import SEEN, make_estimator, take_estimator
from .part import Part

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
        "MinMaxScaler": ("min_ scale_ data_min_ data_max_ data_range_ n_samples_seen_"),
        "MaxAbsScaler": "scale_ max_abs_ n_samples_seen_",
        "RobustScaler": "center_ scale_",
        "Normalizer": "",
        "FunctionTransformer": "",
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
        "TransformedTargetRegressor": "regressor_ transformer_ _training_dim",
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

Beside transformers, these are what chooses columns, what scales targets, and the
splitters that `validation_fraction` can be. The attributes in `SEEN` are allowed
everywhere.
"""

ENCODER_OF_TABLES = {
    "is_categorical_": Array,
    "scaler_": SmoothClipScaler,
    "_one_hot": dict[int, Categories],
    "_codes": dict[int, Categories],
    **SEEN,
}
"""The attributes of `TableEncoder` in a file, with their types."""

FROM_THESE = {
    *("categories_", "n_numeric_", "n_categories_", "input_index_", "_may_miss"),
}
"""The attributes that are made from these and from `_indicated`."""


def transformer_parts() -> list[Part]:
    """Return all transformers as parts, ``StandardScaler``."""
    encoder = Part("TableEncoder", TableEncoder, take_encoder, make_encoder)
    parts = [encoder]
    for module, classes in TRANSFORMERS.items():
        for name, attributes in classes.items():
            cls: Any = getattr(module, name)
            hints = {**dict.fromkeys(attributes.split(), Any), **SEEN}
            if hasattr(cls, "get_params"):
                take = take_imputer if name == "SimpleImputer" else take_estimator
                make = partial(make_estimator, cls, hints)
                parts.append(Part(name, cls, take, make))
            else:
                parts.append(Part(name, cls, take_parameters, cls))
    return parts


def take_parameters(value: Any) -> dict[str, Any]:
    """Return the parameters of an object that stores them under their names."""
    return {name: getattr(value, name) for name in parameters_of(type(value))}


def take_imputer(imputer: SimpleImputer) -> dict[str, Any]:
    """Return what makes up an imputer; one attribute is new in scikit-learn 1.7."""
    taken = take_estimator(imputer)
    if "_fit_dtype" in taken:
        taken.setdefault("_fill_dtype", taken["_fit_dtype"])
    return dict(sorted(taken.items()))


def take_encoder(encoder: TableEncoder) -> dict[str, Any]:
    """Return what makes up an encoder of tables, categories once."""
    taken = take_estimator(encoder)
    return {name: value for name, value in taken.items() if name not in FROM_THESE}


def make_encoder(_indicated: Any = None, **values: Any) -> TableEncoder:
    """Return an encoder of tables, if its attributes fit together."""
    encoder: TableEncoder = make_estimator(TableEncoder, ENCODER_OF_TABLES, **values)
    if _indicated is None:
        return encoder
    mask, found = encoder.is_categorical_, {**encoder._one_hot, **encoder._codes}
    places = np.flatnonzero(mask).tolist()
    if (
        mask.shape != (encoder.n_features_in_,)
        or mask.dtype != np.bool_
        or _indicated.ndim != 1
        or _indicated.dtype != np.intp
        or len(found) != len(encoder._one_hot) + len(encoder._codes)
        or sorted(found) != places
    ):
        raise FileError("its columns do not fit together.")
    encoder._set_layout(_indicated)
    encoder.categories_ = [as_objects(found[i].values) for i in places]
    n_scaled = len(encoder.input_index_) - len(encoder._codes)
    scaler = encoder.scaler_
    if scaler.center_.shape != (n_scaled,) or scaler.factor_.shape != (n_scaled,):
        raise FileError("its scaler does not fit its columns.")
    return encoder
