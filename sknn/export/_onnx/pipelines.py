"""Pipelines and other estimators around a network, converted by skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from ..._network_finder import find_innermost
from ...exceptions import ExportError
from ...preprocessing._columns import as_table, columns_of
from .._plan import checked_dtype
from ..skl2onnx import import_skl2onnx, register_converters
from .converters import tensor_type
from .graph import ML_OPSET, OPSET


def convert_pipeline(estimator: Any, X: Any, dtype: Any) -> Any:
    """Return the model of an estimator that has one of sknn inside."""
    skl2onnx = import_skl2onnx()
    register_converters()
    check_is_fitted(estimator)
    options = {"zipmap": False} if is_classifier(estimator) else None
    return skl2onnx.to_onnx(
        estimator,
        initial_types=initial_types(estimator, X, dtype),
        options=options,
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        name=type(estimator).__name__,
    )


def initial_types(estimator: Any, X: Any, dtype: Any) -> list[tuple[str, Any]]:
    """Return the inputs of a pipeline with their types."""
    if X is not None:
        return types_of_table(X, dtype)
    if hasattr(estimator, "feature_names_in_"):
        raise ExportError(
            f"This {type(estimator).__name__} was fitted on a data frame: pass some of "
            "its rows as X, which tell the types of the columns."
        )
    n = getattr(estimator, "n_features_in_", None)
    floats = checked_dtype(dtype, dtype_of_network(estimator))
    return [("X", tensor_type(floats, [None, n]))]


def dtype_of_network(estimator: Any) -> np.dtype[Any]:
    """Return the dtype of the network in a pipeline or search; float64 without one."""
    network = getattr(find_innermost(estimator).estimator, "network_", None)
    return np.dtype(np.float64 if network is None else network.dtype)


def types_of_table(X: Any, dtype: Any) -> list[tuple[str, Any]]:
    """Return the types of the columns of a data frame, or of a matrix."""
    table = as_table(X, "to_onnx")
    if not hasattr(table, "columns"):
        floats = table.dtype if table.dtype.kind in "iufb" else np.dtype(object)
        if floats.kind == "f":
            floats = checked_dtype(dtype, floats)
        return [("X", tensor_type(floats, [None, table.shape[1]]))]
    types = []
    for column in columns_of(table):
        kind = column.values.dtype
        if kind.kind not in "iufb" or hasattr(column.values, "categories"):
            kind = np.dtype(object)
        elif kind.kind == "f":
            kind = checked_dtype(dtype, np.dtype(f"f{max(4, kind.itemsize)}"))
        types.append((str(column.name), tensor_type(kind, [None, 1])))
    return types
