"""TableEncoder and SmoothClipScaler as nodes.

They compute in float64, as in sknn. ONNX has no missing text: an empty string is
missing, unless it is a category.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from ...exceptions import ExportError
from ...preprocessing import SmoothClipScaler, TableEncoder
from ...preprocessing._categories import FIRST, MISSING, UNKNOWN, Categories
from ...preprocessing.smooth_clip_scaler import FAR
from .columns import Columns
from .graph import ML_OPSET, Graph
from .value import Value

ML_DOMAIN = "ai.onnx.ml"


def table_inputs(
    g: Graph, encoder: TableEncoder, names: Sequence[str] | None
) -> list[Value]:
    """Return the inputs of a table: a column each, or a matrix of numbers alone."""
    numbers, text = g.element_type(np.float64), g.element_type(object)
    n = encoder.n_features_in_
    all_categories = categories_by_column(encoder)
    if names is None and not all_categories:
        return [Value("X", numbers, (n,))]
    names = names or [f"x{i}" for i in range(n)]
    is_text = [i in all_categories and holds_text(all_categories[i]) for i in range(n)]
    return [
        Value(name, text if is_text[i] else numbers, (1,))
        for i, name in enumerate(names)
    ]


def categories_by_column(encoder: TableEncoder) -> dict[int, Categories]:
    """Return the categories of each categorical column."""
    return {**encoder._one_hot, **encoder._codes}


def encode_table(g: Graph, encoder: TableEncoder, columns: Columns) -> str:
    """Add the encoding of a table, in the dtype of the encoder."""
    parts, numeric = [], np.flatnonzero(~encoder.is_categorical_).tolist()
    is_nan = None
    if numeric:
        numbers = columns.numbers(numeric)
        is_nan = g.add("IsNaN", numbers)
        parts.append(numbers)
        if len(encoder._indicated):
            indicated = g.add("Gather", is_nan, encoder._indicated, axis=1)
            parts.append(g.cast(indicated, np.float64))
    for i, categories in encoder._one_hot.items():
        rows = g.add("Gather", categories.one_hot, codes_of(g, columns, i, categories))
        parts.append(g.add("Reshape", rows, [-1, categories.n_one_hot]))
    encoded = []
    if parts:
        x = joined(g, parts)
        scaled = smooth_clip(g, encoder.scaler_, x, np.dtype(np.float64))
        if is_nan is not None:
            missing = is_nan
            width = len(encoder.scaler_.center_) - len(numeric)
            if width:  # the other columns are never missing
                missing = g.add("IsNaN", x)
            scaled = g.add("Where", missing, np.float64(0), scaled)
        encoded.append(g.cast(scaled, encoder.dtype))
    for i, categories in encoder._codes.items():
        codes = codes_of(g, columns, i, categories)
        encoded.append(g.cast(codes, encoder.dtype))
    return joined(g, encoded)


def joined(g: Graph, parts: Sequence[str]) -> str:
    """Return matrices side by side."""
    return parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)


def smooth_clip(
    g: Graph, scaler: SmoothClipScaler, x: str, dtype: np.dtype[Any]
) -> str:
    """Add the scaling; what comes of missing values is not defined."""
    largest, far = np.array([np.finfo(dtype).max, FAR], dtype)
    x = g.add("Sub", x, scaler.center_.astype(dtype))
    x = g.add("Clip", x, np.array(-largest), np.array(largest))
    x = g.add("Mul", x, (scaler.factor_ / scaler.limit).astype(dtype))
    x = g.add("Clip", x, np.array(-far), np.array(far))
    root = g.add("Sqrt", g.add("Add", g.add("Mul", x, x), np.ones((), dtype)))
    return g.add("Mul", g.add("Div", x, root), np.array(scaler.limit, dtype))


def holds_text(categories: Categories) -> bool:
    """Return whether the categories are text; raise if ONNX cannot compare them."""
    values = categories.values
    if values and all(isinstance(value, str) for value in values):
        return True
    if all(is_exact(value) for value in values):
        return False
    raise ExportError(
        "ONNX compares categories that are all text, or all numbers in float64, got "
        f"{values!r:.200}."
    )


def is_exact(value: Any) -> bool:
    """Return whether a value is a number that float64 has."""
    if not isinstance(value, Number):
        return False
    number: Any = value
    try:
        return bool(float(number) == number)
    except (OverflowError, TypeError):  # large integers, complex numbers
        return False


def codes_of(g: Graph, columns: Columns, i: int, categories: Categories) -> str:
    """Add the codes (n, 1) of the values of a column, int64."""
    x, values = columns.column(i), categories.values
    if holds_text(categories) != columns.is_text(i) and values:
        declared = "text" if columns.is_text(i) else "numbers"
        raise ExportError(
            f"Column {i} has the categories {values!r:.100}, but the input of the ONNX "
            f"model is declared as {declared}."
        )
    if columns.is_text(i):
        return codes_of_text(g, x, values)
    if columns.is_float32(i) and any(float(np.float32(v)) != v for v in values):
        raise ExportError(
            f"Column {i} has the categories {values!r:.100}, which are not numbers in "
            "float32: the input of the ONNX model must be float64."
        )
    return codes_of_numbers(g, g.cast(x, np.float64), values)


def codes_of_text(g: Graph, x: str, values: list[str]) -> str:
    """Add a look-up of text among the categories."""
    codes = {value: i for i, value in enumerate(values, FIRST)}
    codes.setdefault("", MISSING)
    g.opsets[ML_DOMAIN] = ML_OPSET
    return g.add(
        *("LabelEncoder", x),
        domain=ML_DOMAIN,
        keys_strings=[*codes],
        values_int64s=[*codes.values()],
        default_int64=UNKNOWN,
    )


def codes_of_numbers(g: Graph, x: str, values: list[Any]) -> str:
    """Add a comparison of numbers with the categories."""
    codes = g.add("Mul", g.cast(g.add("IsNaN", x), np.int64), MISSING)
    if not values:
        return codes
    equal = g.cast(g.add("Equal", x, np.array([values], np.float64)), np.int64)
    of_values = np.arange(FIRST, FIRST + len(values))
    found = g.add("ReduceSum", g.add("Mul", equal, of_values), [1], keepdims=1)
    return g.add("Add", codes, found)
