"""Layers of rows and members as nodes, and the table of what writes each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._typing import Array
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
    Layer,
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
from ...layers.activation import make_function
from .._plan import Step, entry
from .activations import write_activation
from .embeddings import categorical_embedding, periodic_embedding, piecewise_linear
from .graph import Graph
from .images import (
    avg_pool,
    conv,
    flatten,
    global_avg_pool,
    max_pool,
    pad,
    to_images,
)


def write_steps(g: Graph, steps: Sequence[Step], x: str) -> str:
    """Add layers; raise if one of them is not from sknn."""
    for step in steps:
        x = entry(LAYERS, step.layer, "to_onnx")(g, step, x)
    return x


def by_unit(step: Step, array: Array) -> Array:
    """Return an array with a number for each unit or channel, shaped as a row."""
    return array.reshape(-1, 1, 1) if len(step.in_shape) == 3 else array


def dense(g: Graph, step: Step, x: str) -> str:
    """``x W + b``."""
    return g.add("Gemm", x, step.arrays["W"], step.arrays["b"])


def member_dense(g: Graph, step: Step, x: str) -> str:
    """``x[:, i] W[i] + b[i]``."""
    z = g.products_of_members(x, step.arrays["W"])
    return g.add("Add", z, step.arrays["b"])


def batch_ensemble_dense(g: Graph, step: Step, x: str) -> str:
    """``((x ∘ r) W) ∘ s + b``."""
    p = step.arrays
    x = g.add("MatMul", g.add("Mul", x, p["r"]), p["W"])
    return g.add("Add", g.add("Mul", x, p["s"]), p["b"])


def activation(g: Graph, step: Step, x: str) -> str:
    """``f(x)``."""
    assert isinstance(step.layer, Activation)
    return write_activation(g, make_function(step.layer.function), x)


def parametric_activation(g: Graph, step: Step, x: str) -> str:
    """``x + α (f(x) - x)``."""
    assert isinstance(step.layer, ParametricActivation)
    a = write_activation(g, make_function(step.layer.function), x)
    alpha = by_unit(step, step.arrays["alpha"])
    return g.add("Add", x, g.add("Mul", g.add("Sub", a, x), alpha))


def prelu(g: Graph, step: Step, x: str) -> str:
    """``max(x, 0) + a min(x, 0)``."""
    below = g.add("Mul", g.add("Min", x, 0.0), by_unit(step, step.arrays["a"]))
    return g.add("Add", g.add("Relu", x), below)


def batch_norm(g: Graph, step: Step, x: str) -> str:
    """``γ (x - μ) / sqrt(σ² + ε) + β``, with the running averages.

    The operator BatchNormalization has its ε in float32, also for float64.
    """
    p, epsilon = step.arrays, step.layer.get_params()["epsilon"]
    scale = p["gamma"] / np.sqrt(p["var"] + p["var"].dtype.type(epsilon))
    shift = p["beta"] - p["mean"] * scale
    x = g.add("Mul", x, by_unit(step, scale))
    return g.add("Add", x, by_unit(step, shift))


def layer_norm(g: Graph, step: Step, x: str) -> str:
    """``γ (x - μ) / sqrt(σ² + ε) + β``, with the mean and variance of the units.

    The operator LayerNormalization may compute in float32, also for float64.
    """
    axis = [1] if len(step.in_shape) == 3 else [-1]
    d = g.add("Sub", x, g.add("ReduceMean", x, axis, keepdims=1))
    variance = g.add("ReduceMean", g.add("Mul", d, d), axis, keepdims=1)
    epsilon = float(step.layer.get_params()["epsilon"])
    x_hat = g.add("Div", d, g.add("Sqrt", g.add("Add", variance, epsilon)))
    gamma, beta = (by_unit(step, step.arrays[name]) for name in ("gamma", "beta"))
    return g.add("Add", g.add("Mul", x_hat, gamma), beta)


def residual(g: Graph, step: Step, x: str) -> str:
    """``F(x) + x`` or ``F(x) + P(x)``."""
    inner, projection = step.branches
    return g.add("Add", write_steps(g, inner, x), write_steps(g, projection, x))


def to_members(g: Graph, step: Step, x: str) -> str:
    """``y[:, i] = x``."""
    members = [1, step.out_shape[0], 1]
    return g.add("Expand", g.add("Unsqueeze", x, [1]), members)


def ensemble(g: Graph, step: Step, x: str) -> str:
    """Add the outputs of all members, side by side."""
    outputs = [write_steps(g, member, x) for member in step.branches]
    return g.add("Concat", *(g.add("Unsqueeze", y, [1]) for y in outputs), axis=1)


LAYERS: dict[type[Layer], Callable[[Graph, Any, str], str]] = {
    Activation: activation,
    AvgPool2D: avg_pool,
    BatchEnsembleDense: batch_ensemble_dense,
    BatchNorm: batch_norm,
    CategoricalEmbedding: categorical_embedding,
    Conv2D: conv,
    Dense: dense,
    Ensemble: ensemble,
    Flatten: flatten,
    GlobalAvgPool2D: global_avg_pool,
    LayerNorm: layer_norm,
    MaxPool2D: max_pool,
    MemberDense: member_dense,
    PReLU: prelu,
    Pad: pad,
    ParametricActivation: parametric_activation,
    PeriodicEmbedding: periodic_embedding,
    PiecewiseLinearEmbedding: piecewise_linear,
    Residual: residual,
    Scale: lambda g, step, x: g.add("Mul", x, step.arrays["s"]),
    ToImages: to_images,
    ToMembers: to_members,
}
"""What writes each layer that acts in prediction."""
