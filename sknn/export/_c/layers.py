"""The calls that compute each layer: a table, with a function for each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    Ensemble,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    MemberDense,
    Pad,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
    ToMembers,
)
from ...layers._windows import pad_widths, padding_by_axis, pair
from ...layers.activation import make_function
from .._plan import Step, entry
from .program import At, Memory, Program, size_of


def add_steps(program: Program, steps: Sequence[Step], x: Memory) -> Memory:
    """Append the calls of layers in order; return the output."""
    for step in steps:
        x = entry(LAYERS, step.layer, "to_c")(program, step, x)
    return x


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


# -- rows -----------------------------------------------------------------------------


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


# -- embeddings -----------------------------------------------------------------------


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


# -- images ---------------------------------------------------------------------------


def conv(program: Program, step: Step, x: Memory) -> Memory:
    """Append a convolution."""
    layer: Any = step.layer
    W, b = arrays_of(program, step, "conv", "W", "b")
    k, s = pair(layer.kernel_size), pair(layer.stride)
    padding = padding_by_axis(layer.padding)
    before = [
        pad_widths(step.in_shape[1 + a], k[a], s[a], padding[a])[0] for a in (0, 1)
    ]
    y = program.memory(size_of(step.out_shape))
    shapes = *step.in_shape, *step.out_shape
    program.do("conv", x, W, b, y, *shapes, *k, *s, *before)
    return y


def pool(function: str) -> Callable[[Program, Step, Memory], Memory]:
    """Return what appends the call of a pooling function."""

    def add(program: Program, step: Step, x: Memory) -> Memory:
        layer: Any = step.layer
        y = program.memory(size_of(step.out_shape))
        shapes = *step.in_shape, *step.out_shape[1:]
        program.do(function, x, y, *shapes, *layer.window)
        return y

    return add


def global_avg_pool(program: Program, step: Step, x: Memory) -> Memory:
    """Append a mean of pixels."""
    y = program.memory(step.out_shape[0])
    program.do("global_avg_pool", x, y, *units_and_inner(step))
    return y


def pad(program: Program, step: Step, x: Memory) -> Memory:
    """Append a border."""
    layer: Any = step.layer
    (top, _), (left, _) = layer.sides
    y = program.memory(size_of(step.out_shape))
    shapes = *step.in_shape, *step.out_shape[1:]
    program.do("pad", x, y, *shapes, top, left, float(layer.value))
    return y


def to_images(program: Program, step: Step, x: Memory) -> Memory:
    """Append the change of the order of pixels, unless there is one channel."""
    channels, height, width = step.out_shape
    if channels == 1:
        return x
    y = program.memory(x.size)
    program.do("to_images", x, y, channels, height * width)
    return y


def unchanged(program: Program, step: Step, x: Memory) -> Memory:
    """Return the input: in memory, the output is the same."""
    return x


# -- layers of layers -----------------------------------------------------------------


def residual(program: Program, step: Step, x: Memory) -> Memory:
    """Append the inner layers, and the sum with their input."""
    inner, projection = step.branches
    with program.kept(x):
        Fx = add_steps(program, inner, x)
        with program.kept(Fx):
            Px = add_steps(program, projection, x)
    y = program.over(Fx)
    program.do("add", Fx, Px, y, y.size)
    return y


def ensemble(program: Program, step: Step, x: Memory) -> Memory:
    """Append the members one after the other."""
    y = program.memory(size_of(step.out_shape))
    units = step.out_shape[1]
    with program.kept(x):
        for i, member in enumerate(step.branches):
            out = add_steps(program, member, x)
            program.do("copy", out, At(y, i * units), units)
    return y


def to_members(program: Program, step: Step, x: Memory) -> Memory:
    """Append a copy of the rows for each member."""
    y = program.memory(size_of(step.out_shape))
    for i in range(step.out_shape[0]):
        program.do("copy", x, At(y, i * x.size), x.size)
    return y


def member_dense(program: Program, step: Step, x: Memory) -> Memory:
    """Append a product for each member."""
    W, b = arrays_of(program, step, "dense", "W", "b")
    k, fan_in, units = step.arrays["W"].shape
    y = program.memory(k * units)
    for i in range(k):
        x_i, y_i, b_i = At(x, i * fan_in), At(y, i * units), At(b, i * units)
        program.do("dense", x_i, At(W, i * fan_in * units), b_i, y_i, fan_in, units)
    return y


def batch_ensemble(program: Program, step: Step, x: Memory) -> Memory:
    """Append the products of members with the same weights."""
    W, b, r, s = arrays_of(program, step, "dense", "W", "b", "r", "s")
    (k, fan_in), (_, units) = step.in_shape, step.out_shape
    xr, y = program.over(x), program.memory(k * units)
    program.do("multiply", x, r, xr, x.size)
    for i in range(k):
        y_i = At(y, i * units)
        program.do("dense", At(xr, i * fan_in), W, "0", y_i, fan_in, units)
    program.do("scale_shift", y, s, b, y, y.size, 1)
    return y


LAYERS: dict[type, Callable[[Program, Step, Memory], Memory]] = {
    Activation: activation,
    AvgPool2D: pool("avg_pool"),
    BatchEnsembleDense: batch_ensemble,
    BatchNorm: batch_norm,
    CategoricalEmbedding: embedding,
    Conv2D: conv,
    Dense: dense,
    Ensemble: ensemble,
    Flatten: unchanged,
    GlobalAvgPool2D: global_avg_pool,
    LayerNorm: layer_norm,
    MaxPool2D: pool("max_pool"),
    MemberDense: member_dense,
    PReLU: prelu,
    Pad: pad,
    ParametricActivation: parametric,
    PeriodicEmbedding: periodic,
    PiecewiseLinearEmbedding: piecewise_linear,
    Residual: residual,
    Scale: scale,
    ToImages: to_images,
    ToMembers: to_members,
}
"""What appends the calls of each layer."""
