"""The base class of layers: hyper-parameters, shapes, forward and backward pass.

A layer never holds arrays. Its parameters `p`, their gradients `g` and its state (such
as running averages) are views into flat vectors owned by the network. Its buffers live
in a workspace owned by the call.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from .._spec import Spec
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Initializer

Params: TypeAlias = dict[str, Array]

Workspace: TypeAlias = Any
"""The buffers of one layer for one batch size, as attributes. They are never shared
between calls or threads, and never pickled."""


@dataclass
class Training:
    """What the layers share during a training run, besides the network.

    Attributes
    ----------
    rng : numpy.random.Generator
        Random numbers for masks. They are separate from those for initial weights and
        shuffling, so that switching dropout on does not change the latter.
    sample_weight : ndarray of shape (n,) or None
        Weights of the rows of the current batch; None gives every row weight 1.
    """

    rng: np.random.Generator
    sample_weight: Array | None = None


@dataclass(frozen=True)
class ParamSpec:
    """Shape and initializer of a parameter array, and whether the penalty covers it.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.
    init : Initializer
        Draws the initial values.
    fan_in, fan_out : int
        Number of inputs and outputs of a unit, which set the scale of initial values.
    decay : bool
        Whether the penalty and weight decay apply.
    is_bias : bool, default=False
        Whether initial values are those of biases.
    """

    shape: Shape
    init: Initializer
    fan_in: int
    fan_out: int
    decay: bool
    is_bias: bool = False

    def draw(self, rng: np.random.RandomState) -> Array:
        """Draw float64 initial values from `rng`."""
        draw = self.init.bias if self.is_bias else self.init
        return draw(self.shape, self.fan_in, self.fan_out, rng)


@dataclass(frozen=True)
class StateSpec:
    """Shape and initial value of a state array, which training passes update.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.
    value : float
        Initial value of all elements.
    """

    shape: Shape
    value: float


@dataclass(frozen=True)
class LayerSpec:
    """The shapes and parameters of a layer, given the shape of its input.

    Attributes
    ----------
    in_shape, out_shape : tuple of int
        Shapes of the input and output of one row.
    params : mapping of str to ParamSpec
        The parameters, in the order in which their initial values are drawn.
    state : mapping of str to StateSpec
        The arrays that training passes update.
    parts : tuple of LayerSpec
        The specs of the inner layers, for a layer made of layers.
    """

    in_shape: Shape
    out_shape: Shape
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    state: Mapping[str, StateSpec] = field(default_factory=dict)
    parts: tuple[LayerSpec, ...] = ()

    @property
    def width(self) -> int:
        """Number of output elements per row, including those of the parts."""
        return math.prod(self.out_shape) + sum(part.width for part in self.parts)


@dataclass(frozen=True)
class Layer(Spec, ABC):
    """One step of a network, ``y = f(x; p)``; immutable, holds only hyper-parameters.

    Parameters
    ----------
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.
    """

    name: str | None = field(default=None, kw_only=True)

    random: ClassVar[bool] = False
    """Whether a training pass draws random numbers."""

    mixes_rows: ClassVar[bool] = False
    """Whether, in a training pass, the output of a row depends on the other rows."""

    takes_sparse: ClassVar[bool] = False
    """Whether the input may be a CSR matrix; otherwise it is made dense first."""

    @abstractmethod
    def build(self, in_shape: Shape) -> LayerSpec:
        """Return output shape and parameters for an input of shape `in_shape`."""

    def parts(self, spec: LayerSpec) -> list[tuple[Layer, LayerSpec]]:
        """Return the inner layers, each with its spec, for a layer made of layers."""
        return []

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        """Return the buffers for `n` rows.

        In training these include the buffers of the backward pass; in prediction
        `training` is None.
        """
        return SimpleNamespace()

    @abstractmethod
    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        """Return y for input `x`, in a buffer of `ws`. Must not modify `x`.

        `p` holds the parameters, which must not be modified either, and the state,
        which a training pass updates.
        """

    @abstractmethod
    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        """Overwrite `g` with the gradients of the parameters; return dx if `need_dx`.

        If `g` is false, the layer is frozen: its forward pass was that of prediction,
        and only dx is needed. May overwrite `dy`, but neither `p` nor the input of the
        forward pass.
        """


RESERVED = ("conv", "output")
"""Names with a special meaning in `freeze`: all convolutions, and the last layer."""


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return the name of each layer: its own, or its type and a number from 1."""
    given = [layer.name for layer in layers if layer.name is not None]
    for name in given:
        check_name(name, given)
    names, counts = [], Counter[str]()
    for layer in layers:
        kind = type(layer).__name__.lower().removesuffix("2d")
        while layer.name is None:
            counts[kind] += 1
            if f"{kind}{counts[kind]}" not in given:
                break
        names.append(layer.name or f"{kind}{counts[kind]}")
    return names


def check_name(name: Any, all_names: Sequence[Any]) -> None:
    """Raise unless `name` is valid and no other layer has it."""
    if (
        not isinstance(name, str)
        or not name
        or name.isdigit()
        or "__" in name
        or name in RESERVED
    ):
        raise ValueError(
            "name of a layer must be a string other than 'conv' and 'output', must not "
            f"consist of digits only or contain '__', got {name!r}."
        )
    if all_names.count(name) > 1:
        raise ValueError(f"{all_names.count(name)} layers have the name {name!r}.")


class Discarded(dict[str, Array]):
    """The gradients of a frozen layer, which are never read. Its truth value is False.

    A layer that does not check for it can still write gradients into the arrays.
    """

    def __bool__(self) -> bool:
        return False


def forward_all(
    layers: Sequence[Layer], params: list[Params], x: Matrix, ws: list[Any], train: bool
) -> Array:
    """Pass rows `x` through the layers in order."""
    for layer, p, layer_ws in zip(layers, params, ws, strict=True):
        x = layer.forward(p, densify_if_needed(layer, x), layer_ws, train)
    return x


def densify_if_needed(layer: Layer, x: Matrix) -> Matrix:
    """Return `x`, as a dense array unless the layer takes a CSR matrix."""
    return x if isinstance(x, np.ndarray) or layer.takes_sparse else x.toarray()


def backward_all(
    layers: Sequence[Layer],
    params: list[Params],
    g: list[Params],
    dy: Array,
    ws: list[Any],
    first: int,
    need_dx: bool,
) -> Array | None:
    """Pass the gradient `dy` back to layer `first`, and through it if `need_dx`."""
    d: Any = dy
    for i in range(len(layers) - 1, first - 1, -1):
        d = layers[i].backward(params[i], g[i], d, ws[i], need_dx or i > first)
    return d
