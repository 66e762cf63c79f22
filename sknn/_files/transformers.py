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
    "is_categorical_": Array,
    "n_numeric_": int,
    "n_categories_": tuple[int, ...],
    "input_index_": Array,
    "scaler_": SmoothClipScaler,
    "_one_hot": dict[int, Categories],
    "_codes": dict[int, Categories],
    "_indicated": Array,
    "_may_miss": Array,
    **SEEN,
}
"""The attributes of `TableEncoder`, with their types, but `categories_`."""


def transformer_parts() -> list[Part]:
    """Return all transformers as parts, ``StandardScaler``."""
    encoder = Part("TableEncoder", TableEncoder, take_encoder, make_encoder)
    parts = [encoder]
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


def take_encoder(encoder: TableEncoder) -> dict[str, Any]:
    """Return what makes up an encoder of tables, categories once."""
    taken = take_estimator(encoder)
    return {name: value for name, value in taken.items() if name != "categories_"}


def make_encoder(**values: Any) -> TableEncoder:
    """Return an encoder of tables, if its attributes fit together."""
    encoder: TableEncoder = make_estimator(TableEncoder, ENCODER_OF_TABLES, **values)
    if "scaler_" not in values:
        return encoder
    one_hot, codes = encoder._one_hot, encoder._codes
    found = {**one_hot, **codes}
    places = np.flatnonzero(encoder.is_categorical_).tolist()
    encoder.categories_ = [as_objects(found[i].values) for i in places]
    widths = [c.n_one_hot for c in one_hot.values()]
    n_scaled = encoder.n_numeric_ + len(encoder._may_miss) + sum(widths)
    if (
        len(found) != len(one_hot) + len(codes)
        or sorted(found) != places
        or encoder.is_categorical_.shape != (encoder.n_features_in_,)
        or encoder.n_categories_ != tuple(c.n_codes for c in codes.values())
        or encoder.input_index_.shape != (n_scaled + len(codes),)
        or encoder.scaler_.factor_.shape != (n_scaled,)
    ):
        raise FileError("its columns do not fit together.")
    return encoder
