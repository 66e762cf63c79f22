"""What comes before the network: bytes, scalers of a pipeline, columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from ..._typing import Array
from ...exceptions import ExportError
from ...preprocessing import SmoothClipScaler, TableEncoder
from .._plan import Plan
from .program import At, Memory, Program

FUNCTIONS = {
    "pixels": """
/* Bytes as fractions of 255. */
static void pixels(const unsigned char *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = (float)x[i] * (1.0f / 255.0f);
    }
}
""",
    "standardize": """
/* y = (x - center) factor, elementwise; y can be x. */
static void standardize(const float *x, const float *center, const float *factor,
                        float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = (x[i] - center[i]) * factor[i];
    }
}
""",
    "clip": """
/* y = x, each limited to its low and high; y can be x. */
static void clip(const float *x, const float *low, const float *high, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[i] < low[i] ? low[i] : x[i] > high[i] ? high[i] : x[i];
    }
}
""",
    "smooth_clip": """
/* u / sqrt(1 + u u) limit, u = (x - center) factor; 0 for NaN. y can be x. */
static void smooth_clip(const float *x, const float *center, const float *factor,
                        float limit, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float u = x[i] - center[i];
        if (u != u || factor[i] == 0.0f) {
            y[i] = 0.0f;
            continue;
        }
        u *= factor[i];
        u = u < -1e9f ? -1e9f : u > 1e9f ? 1e9f : u;
        y[i] = u / sqrtf(1.0f + u * u) * limit;
    }
}
""",
    "missing": """
/* y = 1 where the numbers in these columns are NaN, otherwise 0. */
static void missing(const float *x, const int *columns, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[columns[i]] != x[columns[i]] ? 1.0f : 0.0f;
    }
}
""",
}
"""The functions in C."""


def add_input(program: Program, plan: Plan, scalers: Sequence[Any]) -> Memory:
    """Append what turns a row of the user into one of the network, and return it."""
    x = Memory(plan.n_features, "x", pins=1)  # nothing overwrites it
    for scaler in scalers:
        x = add_scaler(program, scaler, x)
    if plan.reads_bytes:
        y = program.memory(x.size)
        program.do("pixels", x, y, x.size)
        return y
    return x if plan.encoder is None else add_encoder(program, plan.encoder, x)


def add_scaler(program: Program, scaler: Any, x: Memory) -> Memory:
    """Append a transformer of a pipeline; raise if it is not one of the table."""
    if scaler is None or scaler == "passthrough":
        return x
    if isinstance(scaler, Pipeline):
        for _, step in scaler.steps:
            x = add_scaler(program, step, x)
        return x
    if type(scaler) not in SCALERS:
        names = ", ".join(cls.__name__ for cls in SCALERS)
        raise ExportError(
            f"The pipeline has the step {scaler!r}, which to_c does not support. It "
            f"supports {names}."
        )
    check_is_fitted(scaler)
    return SCALERS[type(scaler)](program, scaler, x)


def standardize(program: Program, x: Memory, center: Any, factor: Any) -> Memory:
    """Append ``(x - center) * factor``; None is 0, or 1."""
    center = np.zeros(x.size) if center is None else center
    factor = np.ones(x.size) if factor is None else factor
    kind, y = program.number("scaler"), program.over(x)
    names = [
        program.constants(f"{kind}_center", center),
        program.constants(f"{kind}_factor", factor),
    ]
    program.do("standardize", x, *names, y, x.size)
    return y


def inverse(scale: Array | None) -> Array | None:
    """Return what to multiply by, to divide by `scale`."""
    return None if scale is None else 1 / scale


def min_max(program: Program, scaler: Any, x: Memory) -> Memory:
    """Append a `MinMaxScaler`."""
    y = standardize(program, x, -scaler.min_ / scaler.scale_, scaler.scale_)
    if scaler.clip:
        kind = program.number("clip")
        names = [
            program.constants(f"{kind}_{name}", np.full(y.size, float(value)))
            for name, value in zip(("low", "high"), scaler.feature_range, strict=True)
        ]
        program.do("clip", y, *names, y, y.size)
    return y


def smooth_clip(program: Program, scaler: SmoothClipScaler, x: Memory) -> Memory:
    """Append a `SmoothClipScaler`; what is missing becomes 0."""
    kind, y = program.number("smooth_clip"), program.over(x)
    names = [
        program.constants(f"{kind}_center", scaler.center_),
        program.constants(f"{kind}_factor", scaler.factor_ / scaler.limit),
    ]
    program.do("smooth_clip", x, *names, float(scaler.limit), y, x.size)
    return y


SCALERS: dict[type, Callable[[Program, Any, Memory], Memory]] = {
    StandardScaler: lambda program, scaler, x: standardize(
        program, x, scaler.mean_ if scaler.with_mean else None, inverse(scaler.scale_)
    ),
    MinMaxScaler: min_max,
    MaxAbsScaler: lambda program, scaler, x: standardize(
        program, x, None, inverse(scaler.scale_)
    ),
    RobustScaler: lambda program, scaler, x: standardize(
        program, x, scaler.center_, inverse(scaler.scale_)
    ),
    SmoothClipScaler: smooth_clip,
}
"""What appends the calls of each transformer that a pipeline can have."""


def add_encoder(program: Program, encoder: TableEncoder, x: Memory) -> Memory:
    """Append the encoder of a table whose columns are all numbers."""
    check_numbers(encoder)
    indicated = encoder._indicated
    if not len(indicated):
        return smooth_clip(program, encoder.scaler_, x)
    row = program.memory(len(encoder.input_index_))
    columns = program.constants("missing_columns", indicated)
    program.do("copy", x, row, x.size)
    program.do("missing", x, columns, At(row, x.size), len(indicated))
    return smooth_clip(program, encoder.scaler_, row)


def check_numbers(encoder: TableEncoder) -> None:
    """Raise unless all columns of a table are numbers."""
    names = getattr(encoder, "feature_names_in_", np.arange(encoder.n_features_in_))
    found: dict[str, list[Any]] = {}
    columns = names[encoder.is_categorical_].tolist()
    for name, values in zip(columns, encoder.categories_, strict=True):
        are_bools = {type(value) for value in values} in ({bool}, {np.bool_})
        found.setdefault("booleans" if are_bools else "categories", []).append(name)
    if not found:
        return
    kinds = " and ".join(f"the columns {found[kind]} are {kind}" for kind in found)
    hint = " Convert booleans to 0.0 and 1.0 before fitting." * ("booleans" in found)
    raise ExportError(f"to_c takes tables of numbers, but {kinds}.{hint}")
