"""Layers of rows, and those of any shape, in C."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.activation import make_function
from .._plan import Step
from .program import At, Memory, Program, size_of

FUNCTIONS = {
    "copy": """
/* y = x. */
static void copy(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[i];
    }
}
""",
    "dense": """
/* y = x W + b; W has a row for each x. Without b it is 0. */
static void dense(const float *x, const float *W, const float *b, float *y, int n,
                  int units)
{
    int i, j;
    for (j = 0; j < units; j++) {
        y[j] = b ? b[j] : 0.0f;
    }
    for (i = 0; i < n; i++, W += units) {
        for (j = 0; j < units; j++) {
            y[j] += x[i] * W[j];
        }
    }
}
""",
    "map": """
/* y = f(x), elementwise; y can be x. */
static void map(float (*f)(float), const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = f(x[i]);
    }
}
""",
    "parametric": """
/* y = x + alpha (f(x) - x), an alpha for each unit of `inner` numbers; y can be x. */
static void parametric(float (*f)(float), const float *x, const float *alpha, float *y,
                       int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = *x + alpha[u] * (f(*x) - *x);
        }
    }
}
""",
    "prelu": """
/* x, or a x where it is negative, an a for each unit of `inner` numbers; y can be x. */
static void prelu(const float *x, const float *a, float *y, int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = *x > 0.0f ? *x : a[u] * *x;
        }
    }
}
""",
    "add": """
/* y = a + b; y can be a or b. */
static void add(const float *a, const float *b, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}
""",
    "multiply": """
/* y = a b, elementwise; y can be a or b. */
static void multiply(const float *a, const float *b, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = a[i] * b[i];
    }
}
""",
    "scale_shift": """
/* y = scale x + shift, with a pair for each unit of `inner` numbers; y can be x. */
static void scale_shift(const float *x, const float *scale, const float *shift,
                        float *y, int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = scale[u] * *x + shift[u];
        }
    }
}
""",
    "layer_norm": """
/* Each of `inner` pixels standardized over its units; y can be x. */
static void layer_norm(const float *x, const float *gamma, const float *beta, float *y,
                       int units, int inner, float epsilon)
{
    int u, i;
    for (i = 0; i < inner; i++) {
        float mean = 0.0f, variance = 0.0f, inverse;
        for (u = 0; u < units; u++) {
            mean += x[u * inner + i];
        }
        mean /= (float)units;
        for (u = 0; u < units; u++) {
            float d = x[u * inner + i] - mean;
            variance += d * d;
        }
        inverse = 1.0f / sqrtf(variance / (float)units + epsilon);
        for (u = 0; u < units; u++) {
            y[u * inner + i] = (x[u * inner + i] - mean) * inverse * gamma[u] + beta[u];
        }
    }
}
""",
}
"""The functions in C."""


def arrays_of(program: Program, step: Step, kind: str, *names: str) -> list[str]:
    """Return the names of arrays of a layer as constants."""
    kind = program.number(kind)
    return [program.constants(f"{kind}_{name}", step.arrays[name]) for name in names]


def units_and_inner(step: Step) -> tuple[int, int]:
    """Return the number of units with parameters, and of adjacent numbers of each."""
    shape = step.in_shape
    if len(shape) == 3:
        return shape[0], shape[1] * shape[2]
    return size_of(shape), 1


def dense(program: Program, step: Step, x: Memory) -> Memory:
    """Append a product and a sum."""
    W, b = arrays_of(program, step, "dense", "W", "b")
    y = program.memory(step.out_shape[0])
    program.do("dense", x, W, b, y, x.size, y.size)
    return y


def activation(program: Program, step: Step, x: Memory) -> Memory:
    """Append an activation function."""
    layer: Any = step.layer
    f, y = program.activation(make_function(layer.function)), program.over(x)
    program.do("map", f, x, y, x.size)
    return y


def parametric(program: Program, step: Step, x: Memory) -> Memory:
    """Append a parametric activation."""
    layer: Any = step.layer
    (alpha,) = arrays_of(program, step, "parametric", "alpha")
    f, y = program.activation(make_function(layer.function)), program.over(x)
    program.do("parametric", f, x, alpha, y, *units_and_inner(step))
    return y


def prelu(program: Program, step: Step, x: Memory) -> Memory:
    """Append a parametric rectifier."""
    (a,) = arrays_of(program, step, "prelu", "a")
    y = program.over(x)
    program.do("prelu", x, a, y, *units_and_inner(step))
    return y


def scale(program: Program, step: Step, x: Memory) -> Memory:
    """Append a factor of each element."""
    (s,) = arrays_of(program, step, "scale", "s")
    y = program.over(x)
    program.do("multiply", x, s, y, x.size)
    return y


def batch_norm(program: Program, step: Step, x: Memory) -> Memory:
    """Append a batch normalization, a scale and a shift of each unit."""
    layer: Any = step.layer
    p = step.arrays
    factor = p["gamma"] / np.sqrt(p["var"] + layer.epsilon)
    kind = program.number("batch_norm")
    names = [
        program.constants(f"{kind}_scale", factor),
        program.constants(f"{kind}_shift", p["beta"] - p["mean"] * factor),
    ]
    y = program.over(x)
    program.do("scale_shift", x, *names, y, *units_and_inner(step))
    return y


def layer_norm(program: Program, step: Step, x: Memory) -> Memory:
    """Append a layer normalization, of each member."""
    layer: Any = step.layer
    gamma, beta = arrays_of(program, step, "layer_norm", "gamma", "beta")
    y, epsilon = program.over(x), float(layer.epsilon)
    if len(step.in_shape) != 2:
        units, inner = units_and_inner(step)
        program.do("layer_norm", x, gamma, beta, y, units, inner, epsilon)
        return y
    k, units = step.in_shape
    for i in range(k):
        at = [At(part, i * units) for part in (x, gamma, beta, y)]
        program.do("layer_norm", *at, units, 1, epsilon)
    return y
