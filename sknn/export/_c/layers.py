"""The calls that compute each layer: a table, and layers made of layers or members."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from .._plan import Step, entry
from .embeddings import embedding, periodic, piecewise_linear
from .images import conv, global_avg_pool, pad, pool, to_images
from .program import At, Memory, Program, size_of
from .rows import (
    activation,
    arrays_of,
    batch_norm,
    dense,
    layer_norm,
    parametric,
    prelu,
    scale,
)


def add_steps(program: Program, steps: Sequence[Step], x: Memory) -> Memory:
    """Append the calls of layers in order; return the output."""
    for step in steps:
        x = entry(LAYERS, step.layer, "to_c")(program, step, x)
    return x


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


def unchanged(program: Program, step: Step, x: Memory) -> Memory:
    """Return the input: in memory, the output is the same."""
    return x


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
