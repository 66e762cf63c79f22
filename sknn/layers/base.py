"""What a layer is: hyper-parameters, shapes, a forward and a backward pass.

A layer never holds arrays. Its parameters `p` and their gradients `g` are views into
flat vectors owned by the network, and so is what it keeps of the batches it has seen,
its state; its buffers live in a workspace owned by the call.
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
"""The buffers of one layer for one batch size, as attributes. Disposable: never shared
between calls or threads, never pickled."""


@dataclass
class Training:
    """What the layers of one training run share, besides the network.

    Attributes
    ----------
    rng : numpy.random.Generator
        Stream of random numbers for masks, apart from that of initial weights and
        shuffles, so that switching dropout on does not move the rest.
    sample_weight : ndarray of shape (n,) or None
        Weights of the rows of the batch at hand; None means all one.
    """

    rng: np.random.Generator
    sample_weight: Array | None = None


@dataclass(frozen=True)
class ParamSpec:
    """Shape and beginning of one parameter array, and whether the penalty covers it."""

    shape: Shape
    init: Initializer
    fan_in: int
    fan_out: int
    decay: bool
    is_bias: bool = False

    def draw(self, rng: np.random.RandomState) -> Array:
        """Return initial values, in float64."""
        draw = self.init.bias if self.is_bias else self.init
        return draw(self.shape, self.fan_in, self.fan_out, rng)


@dataclass(frozen=True)
class StateSpec:
    """Shape and initial value of an array that training passes update."""

    shape: Shape
    value: float


@dataclass(frozen=True)
class LayerSpec:
    """What a layer has worked out from the shape of its input (without the rows).

    The order of `params` is the order in which their initial values are drawn. `parts`
    are the specs of the layers that a composite is made of.
    """

    in_shape: Shape
    out_shape: Shape
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    state: Mapping[str, StateSpec] = field(default_factory=dict)
    parts: tuple[LayerSpec, ...] = ()

    @property
    def width(self) -> int:
        """Elements a row of all outputs, those of the parts included."""
        return math.prod(self.out_shape) + sum(part.width for part in self.parts)


@dataclass(frozen=True)
class Layer(Spec, ABC):
    """One step of a network, ``y = f(x; p)``: hyper-parameters only, immutable.

    Parameters
    ----------
    name : str, default=None
        What summaries, errors and the parameter `freeze` call the layer; by default
        its kind and a number, such as ``conv1``.
    """

    name: str | None = field(default=None, kw_only=True)

    random: ClassVar[bool] = False
    """Whether a training pass draws random numbers."""

    mixes_rows: ClassVar[bool] = False
    """Whether, in a training pass, the output of a row depends on the other rows."""

    takes_sparse: ClassVar[bool] = False
    """Whether the input may be a CSR matrix; others are given a dense batch."""

    @abstractmethod
    def build(self, in_shape: Shape) -> LayerSpec:
        """Return output shape and parameters for an input of `in_shape`."""

    def parts(self, spec: LayerSpec) -> list[tuple[Layer, LayerSpec]]:
        """Return the layers that a composite is made of, each with its spec."""
        return []

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        """Return the buffers for `n` rows; those of the backward pass if training."""
        return SimpleNamespace()

    @abstractmethod
    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        """Return y for input `x`, in a buffer of `ws`. Never writes `x`.

        `p` holds parameters, which are read only, and state, which a training pass
        updates.
        """

    @abstractmethod
    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        """Overwrite `g` with the gradients of the parameters; return dx if `need_dx`.

        A `g` that is false says that the layer is frozen: the forward pass was one of
        prediction, and only dx is wanted. May overwrite `dy`; never writes `p` or the
        input of the forward pass.
        """


RESERVED = ("conv", "output")
"""Names that mean something else: what `freeze` calls all convolutions, and the last
layer."""


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return the name of each layer: its own, or its kind and a number from 1 up."""
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
    """Raise unless a layer can be called that, and no other is."""
    if (
        not isinstance(name, str)
        or not name
        or name.isdigit()
        or "__" in name
        or name in RESERVED
    ):
        raise ValueError(
            "name of a layer must be a text other than 'conv' and 'output', not only "
            f"digits, and without '__', got {name!r}."
        )
    if all_names.count(name) > 1:
        raise ValueError(f"{all_names.count(name)} layers have the name {name!r}.")


class Unwanted(dict):
    """Gradients of a frozen layer, which nobody reads. It is false, as if empty.

    A layer that does not look has arrays to write to all the same.
    """

    def __bool__(self) -> bool:
        return False


def forward_all(
    layers: Sequence[Layer], params: list[Params], x: Matrix, ws: list[Any], train: bool
) -> Array:
    """Pass rows `x` through the layers one after the other."""
    for layer, p, layer_ws in zip(layers, params, ws, strict=True):
        x = layer.forward(p, densify_if_needed(layer, x), layer_ws, train)
    return x


def densify_if_needed(layer: Layer, x: Matrix) -> Matrix:
    """Return `x` dense, unless it is, or the layer takes a CSR matrix."""
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
