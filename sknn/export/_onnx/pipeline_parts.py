"""The parts of a pipeline, made ready for skl2onnx."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from ..._estimators.base import BaseNetworkEstimator
from ..._sklearn import columns_of_transformers
from ..._typing import DType
from ...exceptions import ExportError
from ...preprocessing._columns import is_missing
from .._plan import unwrapped


def parts_of(value: Any) -> Iterator[Any]:
    """Yield an estimator and all that it holds, but nothing inside networks."""
    items: Any = ()
    if isinstance(value, (list, tuple)):
        items = value
    elif isinstance(value, dict):
        items = value.values()
    elif isinstance(value, BaseEstimator):
        yield value
        if not isinstance(value, BaseNetworkEstimator):
            items = vars(value).values()
    for item in items:
        yield from parts_of(item)


def prepared(estimator: Any) -> Any:
    """Return a copy in which columns are chosen by position, and searches are done.

    skl2onnx changes names of columns, and takes masks of columns for positions.
    """
    networks = [p for p in parts_of(estimator) if isinstance(p, BaseNetworkEstimator)]
    copied = deepcopy(estimator, {id(network): network for network in networks})
    for part in list(parts_of(copied)):
        if isinstance(part, ColumnTransformer) and hasattr(part, "transformers_"):
            columns = columns_of_transformers(part)
            part.transformers_ = [
                (name, step, columns.get(name, []))
                for name, step, _ in part.transformers_
            ]
        elif isinstance(part, Pipeline):
            part.steps = [
                (name, unwrapped(step))
                for name, step in part.steps
                if step is not None and not isinstance(step, str)  # 'passthrough'
            ]
    return copied


def check_categories(estimator: Any, floats: DType) -> None:
    """Raise if skl2onnx would mistake categories for others.

    An OrdinalEncoder compares numbers in float32. Missing text is not a category in
    ONNX, but the text "None" or "nan" would be.
    """
    for part in parts_of(estimator):
        if not isinstance(part, (OneHotEncoder, OrdinalEncoder)):
            continue
        is_ordinal = isinstance(part, OrdinalEncoder)
        exact: Any = np.float32 if is_ordinal else floats.type
        for categories in getattr(part, "categories_", []):
            values = categories.tolist()
            if categories.dtype.kind in "iuf" and any(
                float(exact(v)) != v for v in values if not is_missing(v)
            ):
                raise ExportError(
                    f"The {type(part).__name__} has categories that are no numbers in "
                    f"{np.dtype(exact)}, in which ONNX compares them: make them text."
                )
            if categories.dtype.kind == "O" and any(map(is_missing, values)):
                raise ExportError(
                    f"The {type(part).__name__} has missing values as a category, "
                    "which ONNX does not know: replace them by a text before it."
                )
