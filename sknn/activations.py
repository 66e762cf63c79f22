"""Activation functions: elementwise ``a = f(z)`` and their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ._spec import Spec
from ._typing import Array


@dataclass(frozen=True)
class Activation(Spec, ABC):
    """An elementwise function and its derivative, both writing in place.

    Instances hold hyper-parameters only: they are immutable, hashable and picklable.
    """

    @abstractmethod
    def forward(self, z: Array, out: Array) -> None:
        """Write ``f(z)`` into `out`; `z` and `out` have one shape and dtype."""

    @abstractmethod
    def backward(self, z: Array, a: Array, dy: Array) -> None:
        """Multiply `dy` in place by ``f'(z)``, where ``a = f(z)``."""


@dataclass(frozen=True)
class Identity(Activation):
    """``f(z) = z``, for a linear bottleneck."""

    def forward(self, z: Array, out: Array) -> None:
        np.copyto(out, z)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        pass


@dataclass(frozen=True)
class Logistic(Activation):
    """The sigmoid ``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``."""

    def forward(self, z: Array, out: Array) -> None:
        expit(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        dy *= a
        dy *= 1 - a


@dataclass(frozen=True)
class Tanh(Activation):
    """``f(z) = tanh(z)``, with ``f' = 1 - a²``."""

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = a * a
        np.subtract(1, slope, out=slope)
        dy *= slope


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectified linear unit ``f(z) = max(z, 0)``, with ``f'(0) = 0``."""

    def forward(self, z: Array, out: Array) -> None:
        # NumPy vectorises the maximum of two arrays, but not of an array and a number.
        out.fill(0)
        np.maximum(z, out, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        np.multiply(dy, a > 0, out=dy)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "logistic": Logistic(),
    "tanh": Tanh(),
    "relu": ReLU(),
}
"""The activations that have a name."""
