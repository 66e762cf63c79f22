"""The inputs of a pipeline: their names and types.

All numbers have one type, since skl2onnx joins columns in the type of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from ..._network_finder import find_innermost
from ..._typing import DType
from ...exceptions import ExportError
from ...preprocessing._columns import ADVICE, NUMBER, Column, as_table, columns_of
from .._plan import checked_dtype
from .converters import tensor_type


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a pipeline.

    Attributes
    ----------
    floats : dtype
        The type of all numbers.
    is_text : list of bool
        Whether each column is text.
    names : list of str or None
        The names of the columns, each of which is an input; None for one matrix.
    """

    floats: DType
    is_text: list[bool]
    names: list[str] | None

    @property
    def is_matrix(self) -> bool:
        """Whether all columns have the same type: skl2onnx gets them as one matrix."""
        return len(set(self.is_text)) == 1

    def dtype(self, i: int) -> DType:
        """Return the type of a column; that of objects for text."""
        return np.dtype(object) if self.is_text[i] else self.floats

    def types(self) -> list[tuple[str, Any]]:
        """Return the inputs as skl2onnx takes them: X, or x0, x1, ..."""
        n = len(self.is_text)
        if self.is_matrix:
            return [("X", tensor_type(self.dtype(0), [None, n]))]
        return [(f"x{i}", tensor_type(self.dtype(i), [None, 1])) for i in range(n)]


def inputs_of_pipeline(estimator: Any, X: Any, dtype: Any) -> Inputs:
    """Return the inputs of a pipeline."""
    n = getattr(estimator, "n_features_in_", None)
    if X is not None:
        return inputs_of_table(estimator, as_table(X, estimator), dtype)
    if hasattr(estimator, "feature_names_in_"):
        raise ExportError(
            f"This {type(estimator).__name__} was fitted on a data frame: pass some of "
            "its rows as X, which tell the types of the columns."
        )
    if n is None:
        raise ExportError(
            f"This {type(estimator).__name__} does not know the number of its columns: "
            "pass some rows as X."
        )
    return Inputs(checked_dtype(dtype, dtype_of_network(estimator)), [False] * n, None)


def dtype_of_network(estimator: Any) -> np.dtype[Any]:
    """Return the dtype of the network in a pipeline or search; float64 without one."""
    network = getattr(find_innermost(estimator).estimator, "network_", None)
    return np.dtype(np.float64 if network is None else network.dtype)


def inputs_of_table(estimator: Any, table: Any, dtype: Any) -> Inputs:
    """Return the inputs for a data frame or an array."""
    columns = columns_of(table)
    names = None
    if hasattr(table, "columns"):
        columns = in_order(columns, estimator)
        names = [str(column.name) for column in columns]
        if len(set(names)) < len(names):
            raise ExportError(f"The columns need different names, got {names}.")
    n = getattr(estimator, "n_features_in_", len(columns))
    if len(columns) != n:
        raise ValueError(
            f"X must have the {n} columns that the {type(estimator).__name__} was "
            f"fitted on, got {len(columns)}."
        )
    is_text = [not holds_numbers(column) for column in columns]
    if names is None and len(set(is_text)) > 1:
        names = [f"x{i}" for i in range(n)]
    return Inputs(checked_dtype(dtype, common_floats(columns)), is_text, names)


def in_order(columns: list[Column], estimator: Any) -> list[Column]:
    """Return the columns that an estimator was fitted on, in their order."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return columns
    by_name = {column.name: column for column in columns}
    missing = [name for name in names.tolist() if name not in by_name]
    if missing:
        raise ValueError(
            f"X must have the columns that the {type(estimator).__name__} was fitted "
            f"on, but lacks {missing}."
        )
    return [by_name[name] for name in names.tolist()]


def holds_numbers(column: Column) -> bool:
    """Return whether a column holds numbers or booleans, maybe as categories."""
    if column.kind in ADVICE:
        raise ExportError(
            f"Column {column!r} cannot be converted. {ADVICE[column.kind]}"
        )
    if column.kind == NUMBER or column.values.dtype.kind == "b":
        return True
    categories = getattr(column.values, "categories", None)
    values = column.distinct[1] if categories is None else categories.tolist()
    return bool(values) and all(isinstance(v, (Number, np.bool_)) for v in values)


def common_floats(columns: Sequence[Column]) -> DType:
    """Return float32 if it has all numbers of the columns, by their types; or float64.

    It is the type in which scikit-learn joins the columns.
    """
    dtypes = [
        column.values.dtype
        if isinstance(column.values, np.ndarray)
        else np.dtype(np.float64)
        for column in columns
        if holds_numbers(column)
    ]
    dtypes = [d if d.kind in "iufb" else np.dtype(np.float64) for d in dtypes]
    is_small = np.result_type(np.float32, *dtypes) == np.float32
    return np.dtype(np.float32 if is_small else np.float64)
