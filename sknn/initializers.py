"""Initializers: how the parameters of a layer are drawn before training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from ._spec import Spec
from ._typing import Array, Shape


@dataclass(frozen=True)
class Initializer(Spec, ABC):
    """A distribution of initial parameters that depends on fan_in and fan_out."""

    @abstractmethod
    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        """Draw an array of `shape` in float64 from `rng`."""


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform on ``±sqrt(factor / (fan_in + fan_out))``, also called Xavier uniform.

    With ``factor=6`` the variance is ``2 / (fan_in + fan_out)``, which keeps the scale
    of activations and of gradients through layers that are linear around 0 [1]_.
    scikit-learn uses ``factor=2`` in front of the logistic function; so does sknn.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    """

    factor: float = 6.0

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        bound = np.sqrt(self.factor / (fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)
