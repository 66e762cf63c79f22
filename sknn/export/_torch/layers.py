"""Which module of PyTorch a layer is: a table, with a function for each layer."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import nn

from ..._typing import Array
from ...activations import (
    ELU,
    GELU,
    SELU,
    ActivationFunction,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from ...layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
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
from . import modules

FUNCTIONS: dict[type[ActivationFunction], Callable[[Any], nn.Module]] = {
    Identity: lambda f: nn.Identity(),
    Logistic: lambda f: nn.Sigmoid(),
    Tanh: lambda f: nn.Tanh(),
    ReLU: lambda f: nn.ReLU(),
    LeakyReLU: lambda f: nn.LeakyReLU(f.slope),
    ELU: lambda f: nn.ELU(f.alpha),
    SELU: lambda f: nn.SELU(),
    GELU: lambda f: nn.GELU(),
    SiLU: lambda f: nn.SiLU(),
    Mish: lambda f: nn.Mish(),
    # Above 20, the default, PyTorch returns z itself: too early for float64.
    Softplus: lambda f: nn.Softplus(threshold=40),
}
"""The module of each activation function."""


def sequential(steps: Sequence[Step]) -> nn.Sequential:
    """Return layers in order, under their names or, as a rule, kinds and numbers."""
    named: OrderedDict[str, nn.Module] = OrderedDict()
    counts = Counter[str]()
    for step in steps:
        given = step.layer.name
        name = given if usable(given) else ""
        kind = type(step.layer).__name__.lower().removesuffix("2d")
        while not name or name in named:
            counts[kind] += 1
            name = f"{kind}{counts[kind]}"
        named[name] = module_of(step)
    return nn.Sequential(named)


def usable(name: str | None) -> TypeGuard[str]:
    """Return whether PyTorch accepts the name that a layer was given, if any."""
    return name is not None and "." not in name and not hasattr(nn.Sequential, name)


def module_of(step: Step) -> nn.Module:
    """Return the module of a layer, with its arrays."""
    return entry(LAYERS, step.layer, "to_torch")(step)


def function_of(choice: Any) -> nn.Module:
    """Return the module of an activation function, or of its name."""
    function = make_function(choice)
    return entry(FUNCTIONS, function, "to_torch")(function)


def with_arrays(module: nn.Module, **arrays: Array) -> nn.Module:
    """Return a module of PyTorch with copies of arrays as parameters and buffers."""
    dtype = torch.from_numpy(next(iter(arrays.values()))).dtype
    module = module.to(dtype)
    for name, array in arrays.items():
        getattr(module, name).data.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return module


def dense(step: Step) -> nn.Module:
    """Return a linear layer, whose weights PyTorch stores transposed."""
    W, b = step.arrays["W"], step.arrays["b"]
    return with_arrays(nn.Linear(*W.shape), weight=W.T, bias=b)


def conv(step: Step) -> nn.Module:
    """Return a convolution, after zeros if the two sides have different numbers."""
    W, b = step.arrays["W"], step.arrays["b"]
    layer: Any = step.layer
    k, s, by_axis = W.shape[2:], pair(layer.stride), padding_by_axis(layer.padding)
    (top, bottom), (left, right) = (
        pad_widths(step.in_shape[1 + a], k[a], s[a], by_axis[a]) for a in (0, 1)
    )
    symmetric = top == bottom and left == right
    padding = (top, left) if symmetric else 0
    module = nn.Conv2d(W.shape[1], W.shape[0], k, s, padding)
    module = with_arrays(module, weight=W, bias=b)
    if symmetric:
        return module
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), module)


def batch_norm(step: Step) -> nn.Module:
    """Return a batch normalization with the running averages."""
    layer: Any = step.layer
    p = {name: array.reshape(-1) for name, array in step.arrays.items()}
    BatchNorms = nn.BatchNorm2d if len(step.in_shape) == 3 else nn.BatchNorm1d
    module = with_arrays(
        BatchNorms(len(p["gamma"]), layer.epsilon, layer.momentum),
        weight=p["gamma"],
        bias=p["beta"],
        running_mean=p["mean"],
        running_var=p["var"],
    )
    return over_units(step, module)


def layer_norm(step: Step) -> nn.Module:
    """Return a layer normalization of rows, of pixels, or of members."""
    layer: Any = step.layer
    gamma, beta = step.arrays["gamma"], step.arrays["beta"]
    if gamma.ndim == 2:
        return modules.MemberNorm(gamma, beta, layer.epsilon)
    Norms = modules.ChannelNorm if len(step.in_shape) == 3 else nn.LayerNorm
    return with_arrays(Norms(len(gamma), layer.epsilon), weight=gamma, bias=beta)


def prelu(step: Step) -> nn.Module:
    """Return a parametric rectifier."""
    a = step.arrays["a"].reshape(-1)
    return over_units(step, with_arrays(nn.PReLU(len(a)), weight=a))


def over_units(step: Step, module: nn.Module) -> nn.Module:
    """Return a layer of rows or images, or of the units of all members."""
    return modules.OverUnits(module) if len(step.in_shape) == 2 else module


def pad(step: Step) -> nn.Module:
    """Return a border of constant pixels."""
    layer: Any = step.layer
    (top, bottom), (left, right) = layer.sides
    return nn.ConstantPad2d((left, right, top, bottom), layer.value)


def residual(step: Step) -> nn.Module:
    """Return a residual block."""
    inner, projection = step.branches
    P = module_of(projection[0]) if projection else nn.Identity()
    return modules.Residual(sequential(inner), P)


def embedding(step: Step) -> nn.Module:
    """Return an embedding of categories."""
    layer: Any = step.layer
    places = layer.columns, layer.n_categories, step.in_shape[0]
    return modules.CategoricalEmbedding(*places, step.arrays["E"])


def pool(Pool: Callable[..., nn.Module]) -> Callable[[Step], nn.Module]:
    """Return what makes a pooling layer of a class."""

    def make(step: Step) -> nn.Module:
        layer: Any = step.layer
        kh, kw, sh, sw = layer.window
        return Pool((kh, kw), (sh, sw))

    return make


def with_names(Module: Callable[..., nn.Module]) -> Callable[[Step], nn.Module]:
    """Return what makes a module that takes the arrays of the layer by their names."""
    return lambda step: Module(**step.arrays)


LAYERS: dict[type, Callable[[Any], nn.Module]] = {
    Activation: lambda step: function_of(step.layer.function),
    AvgPool2D: pool(nn.AvgPool2d),
    BatchEnsembleDense: with_names(modules.BatchEnsembleDense),
    BatchNorm: batch_norm,
    CategoricalEmbedding: embedding,
    Conv2D: conv,
    Dense: dense,
    DropConnect: lambda step: modules.DropConnect(
        module_of(step.branches[0][0]), step.layer.rate
    ),
    Dropout: lambda step: nn.Dropout(step.layer.rate),
    Ensemble: lambda step: modules.Members([sequential(b) for b in step.branches]),
    Flatten: lambda step: nn.Flatten(),
    GlobalAvgPool2D: lambda step: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    LayerNorm: layer_norm,
    MaxPool2D: pool(nn.MaxPool2d),
    MemberDense: with_names(modules.MemberDense),
    PReLU: prelu,
    Pad: pad,
    ParametricActivation: lambda step: modules.ParametricActivation(
        function_of(step.layer.function), step.arrays["alpha"], step.out_shape
    ),
    PeriodicEmbedding: with_names(modules.PeriodicEmbedding),
    PiecewiseLinearEmbedding: with_names(modules.PiecewiseLinearEmbedding),
    Residual: residual,
    Scale: lambda step: modules.Scale(step.arrays["s"]),
    ToImages: lambda step: modules.ToImages(step.layer.shape),
    ToMembers: lambda step: modules.ToMembers(step.layer.n_members),
}
"""The module of each layer."""
