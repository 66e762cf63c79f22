"""What a layer is: hyper-parameters, shapes, a forward and a backward pass.

A layer never holds arrays. Its parameters `p` and their gradients `g` are views into
flat vectors owned by the network; its buffers live in a workspace owned by the call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

from .._spec import Spec
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Initializer

Params: TypeAlias = dict[str, Array]

Workspace: TypeAlias = Any
"""The buffers of one layer for one batch size, as attributes. Disposable: never shared
between calls or threads, never pickled."""


@dataclass(frozen=True)
class ParamSpec:
    """Shape and beginning of one parameter array, and whether the penalty covers it."""

    shape: Shape
    init: Initializer
    fan_in: int
    fan_out: int
    decay: bool


@dataclass(frozen=True)
class LayerSpec:
    """What a layer has worked out from the shape of its input (without the rows).

    The order of `params` is the order in which their initial values are drawn.
    """

    in_shape: Shape
    out_shape: Shape
    params: Mapping[str, ParamSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer(Spec, ABC):
    """One step of a network, ``y = f(x; p)``: hyper-parameters only, immutable."""

    @abstractmethod
    def build(self, in_shape: Shape) -> LayerSpec:
        """Return output shape and parameters for an input of `in_shape`."""

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, train: bool
    ) -> Workspace:
        """Return the buffers for `n` rows; those of the backward pass if `train`."""
        return SimpleNamespace()

    @abstractmethod
    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        """Return y for input `x`, in a buffer of `ws`. Never writes `x` or `p`."""

    @abstractmethod
    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        """Overwrite `g` with the gradients of `p`; return dx if `need_dx`.

        May overwrite `dy`; never writes `p` or the input of the forward pass.
        """
