"""Embeddings in C."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._plan import Step
from .program import At, Memory, Program, size_of
from .rows import arrays_of

FUNCTIONS = {
    "gather": """
/* y = the numbers in these columns. */
static void gather(const float *x, const int *columns, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[columns[i]];
    }
}
""",
    "embedding": """
/* The vectors of the codes in these columns; `first` is the row of E of code 0. */
static void embedding(const float *x, const int *columns, const int *first,
                      const int *last, const float *E, float *y, int n, int size)
{
    int i, j;
    for (i = 0; i < n; i++) {
        float value = x[columns[i]];
        /* NaN is code 0, as are negative numbers. */
        int code = !(value > 0.0f) ? 0 : value < (float)last[i] ? (int)value : last[i];
        for (j = 0; j < size; j++) {
            *y++ = E[(first[i] + code) * size + j];
        }
    }
}
""",
    "periodic": """
/* cos(2 pi x w + b) W + c for each x, with w and b of k frequencies. */
static void periodic(const float *x, const float *w, const float *b, const float *W,
                     const float *c, float *y, int n, int k, int size)
{
    int i, f, j;
    for (i = 0; i < n; i++, c += size, y += size) {
        for (j = 0; j < size; j++) {
            y[j] = c[j];
        }
        for (f = 0; f < k; f++, W += size) {
            float h = cosf(6.28318530717958648f * *w++ * x[i] + *b++);
            for (j = 0; j < size; j++) {
                y[j] += h * W[j];
            }
        }
    }
}
""",
    "piecewise_linear": """
/* x w + b, plus V of all bins before that of x, plus a part of V of this bin. */
static void piecewise_linear(const float *x, const float *left, const float *scale,
                             const float *w, const float *b, const float *V, float *y,
                             int n, int bins, int size)
{
    int i, k, j;
    for (i = 0; i < n; i++, y += size, left += bins, scale += bins, V += bins * size) {
        for (j = 0; j < size; j++) {
            y[j] = x[i] * *w++ + *b++;
        }
        for (k = 0; k + 1 < bins && x[i] >= left[k + 1]; k++) {
            for (j = 0; j < size; j++) {
                y[j] += V[k * size + j];
            }
        }
        for (j = 0; j < size; j++) {
            y[j] += (x[i] - left[k]) * scale[k] * V[k * size + j];
        }
    }
}
""",
}
"""The functions in C."""


def embedding(program: Program, step: Step, x: Memory) -> Memory:
    """Append an embedding of categories, after the other columns."""
    layer: Any = step.layer
    kind = program.number("embedding")
    E = program.constants(f"{kind}_E", step.arrays["E"])
    others = [j for j in range(x.size) if j not in layer.columns]
    places = {
        "others": others,
        "columns": layer.columns,
        "first": np.cumsum([0, *layer.n_categories[:-1]]),
        "last": np.array(layer.n_categories) - 1,
    }
    at = {
        name: program.constants(f"{kind}_{name}", np.array(values, np.int64))
        for name, values in places.items()
    }
    y = program.memory(size_of(step.out_shape))
    if others:
        program.do("gather", x, at["others"], y, len(others))
    if layer.columns:
        names = at["columns"], at["first"], at["last"], E
        y_codes = At(y, len(others))
        n = len(layer.columns)
        program.do("embedding", x, *names, y_codes, n, layer.size)
    return y


def periodic(program: Program, step: Step, x: Memory) -> Memory:
    """Append periodic embeddings of numbers."""
    names = arrays_of(program, step, "periodic", "w", "b", "W", "c")
    y = program.memory(size_of(step.out_shape))
    m, k, size = step.arrays["W"].shape
    if m:
        program.do("periodic", x, *names, y, m, k, size)
    program.do("copy", x, At(y, m * size), x.size)
    return y


def piecewise_linear(program: Program, step: Step, x: Memory) -> Memory:
    """Append piecewise-linear embeddings of numbers."""
    kind = program.number("piecewise")
    # Bins that do not exist start at the largest double.
    largest = float(np.finfo(np.float32).max)
    arrays = {**step.arrays, "left": np.minimum(step.arrays["left"], largest)}
    names = [
        program.constants(f"{kind}_{name}", arrays[name])
        for name in ("left", "scale", "w", "b", "V")
    ]
    y = program.memory(size_of(step.out_shape))
    m, bins, size = step.arrays["V"].shape
    if m:
        program.do("piecewise_linear", x, *names, y, m, bins, size)
    if x.size > m:
        program.do("copy", At(x, m), At(y, m * size), x.size - m)
    return y
