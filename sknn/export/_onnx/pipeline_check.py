"""Run a model of skl2onnx, where ONNX Runtime is installed, before anyone relies on it.

Converters of skl2onnx are not all exact, and not all models that it writes can be run.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from ..._sklearn import safe_indexing
from ..._typing import Array
from ...exceptions import ExportError
from ...preprocessing._columns import Column, as_table, columns_of, is_missing
from .pipeline_inputs import Inputs, in_order

MOST_ROWS, FEWEST_ROWS = 1000, 10
"""How many rows are compared: with very few, their spread is not known."""

MOST_DIFFERENT, TOLERANCE = 0.05, 1e-3
"""The share of rows that may differ by more than the tolerance.

Rounding to float32 moves a few rows over an edge, such as that of a bin.
"""


def check_runs(model: Any, estimator: Any, inputs: Inputs, X: Any) -> None:
    """Raise if ONNX Runtime cannot run the model, or if it predicts something else."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        return
    advice = ""
    if inputs.floats == np.float64:
        advice = " Pass dtype='float32' if 7 digits of each input are enough."
    rows = feeds = None
    if X is not None and len(X) >= FEWEST_ROWS:
        rows = safe_indexing(X, np.arange(min(len(X), MOST_ROWS)))
        feeds = feeds_of(estimator, inputs, rows)
    try:
        session = runtime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        outputs = None if feeds is None else session.run(None, feeds)
    except Exception as error:  # classes of onnxruntime, derived from RuntimeError
        raise ExportError(
            f"ONNX Runtime cannot run the model that skl2onnx wrote in {inputs.floats}:"
            f" {error}.{advice}"
        ) from error
    if outputs is None:
        return
    share = share_of_different(estimator, rows, outputs)
    if share > MOST_DIFFERENT:
        raise ExportError(
            f"The model that skl2onnx wrote in {inputs.floats} predicts something else "
            f"than this {type(estimator).__name__} for {share:.0%} of the rows of X. "
            "The values may need the other dtype, or skl2onnx does not convert a step "
            "as it is."
        )


def feeds_of(estimator: Any, inputs: Inputs, X: Any) -> dict[str, Array]:
    """Return what a program passes to the model for rows `X`."""
    table = as_table(X, estimator)
    columns = columns_of(table)
    if hasattr(table, "columns"):
        columns = in_order(columns, estimator)
    arrays = [
        values_of(column, inputs, i)[:, np.newaxis] for i, column in enumerate(columns)
    ]
    if inputs.names is None:
        return {"X": np.hstack(arrays)}
    return dict(zip(inputs.names, arrays, strict=True))


def values_of(column: Column, inputs: Inputs, i: int) -> Array:
    """Return the values of a column in the type of its input."""
    if not inputs.is_text[i]:
        return column.numbers().astype(inputs.floats)
    cells = ["" if is_missing(v) else str(v) for v in column.values.tolist()]
    return np.array(cells, object)


def share_of_different(estimator: Any, X: Any, outputs: list[Array]) -> float:
    """Return the share of rows for which the outputs are not those of an estimator."""
    if hasattr(estimator, "predict_proba") and len(outputs) == 2:
        y, expected, scale = outputs[1], estimator.predict_proba(X), 1.0
    else:
        y, expected = outputs[0], np.asarray(estimator.predict(X))
        if expected.dtype.kind != "f" or y.dtype.kind != "f":
            y = y.reshape(len(expected), -1)
            return float(np.mean((y != expected.reshape(y.shape)).any(axis=1)))
        scale = max(expected.std(), np.abs(expected).max() / 100, TOLERANCE)
    expected = np.reshape(expected, (len(y), -1))
    far = np.abs(np.reshape(y, expected.shape) - expected) > TOLERANCE * scale
    return float(np.mean(far.any(axis=1)))
