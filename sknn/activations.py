"""ActivationFunction functions: elementwise ``a = f(z)`` and their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, ndtr

from ._spec import Spec, check_range
from ._typing import Array


class ActivationFunction(Spec, ABC):
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
class Identity(ActivationFunction):
    """``f(z) = z``, for a linear bottleneck."""

    def forward(self, z: Array, out: Array) -> None:
        np.copyto(out, z)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        pass


@dataclass(frozen=True)
class Logistic(ActivationFunction):
    """The sigmoid ``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``."""

    def forward(self, z: Array, out: Array) -> None:
        expit(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        dy *= a
        dy *= 1 - a


@dataclass(frozen=True)
class Tanh(ActivationFunction):
    """``f(z) = tanh(z)``, with ``f' = 1 - a²``."""

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = a * a
        np.subtract(1, slope, out=slope)
        dy *= slope


@dataclass(frozen=True)
class ReLU(ActivationFunction):
    """The rectified linear unit ``f(z) = max(z, 0)``, with ``f'(0) = 0``."""

    def forward(self, z: Array, out: Array) -> None:
        # NumPy vectorises the maximum of two arrays, but not of an array and a number.
        out.fill(0)
        np.maximum(z, out, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        np.multiply(dy, a > 0, out=dy)


@dataclass(frozen=True)
class LeakyReLU(ActivationFunction):
    """``f(z) = z`` for ``z > 0``, else ``slope * z``, with ``f'(0) = slope`` [1]_.

    A unit that is never above 0 still learns, as it would not with `ReLU`.

    Parameters
    ----------
    slope : float, default=0.01
        Slope below 0, in [0, 1].

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural
       network acoustic models", ICML 2013.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        check_range(self, "slope", 0, 1)

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, self.slope, out=out)
        np.maximum(z, out, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        # A maximum, since to select by a mask of both signs takes five times as long.
        dy *= np.maximum(z > 0, self.slope, dtype=z.dtype)


@dataclass(frozen=True)
class ELU(ActivationFunction):
    """The exponential linear unit [1]_: ``z`` for ``z > 0``, else ``alpha (eᶻ - 1)``.

    ``f' = 1`` for ``z > 0``, else ``a + alpha``. It falls to ``-alpha``, so that the
    mean of activations can be near 0.

    Parameters
    ----------
    alpha : float, default=1.0
        Depth, positive; with 1 the derivative has no jump at 0.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network
       learning by exponential linear units (ELUs)", ICLR 2016.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "alpha", 0, np.inf, closed="left")

    def forward(self, z: Array, out: Array) -> None:
        # One of the two summands is 0; a choice by mask would take longer.
        np.minimum(z, 0, out=out)
        np.expm1(out, out=out)
        out *= self.alpha
        out += np.maximum(z, 0)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = np.minimum(a, 0)
        slope += self.alpha
        slope += np.multiply(z > 0, 1 - self.alpha, dtype=z.dtype)
        dy *= slope


@dataclass(frozen=True)
class SELU(ActivationFunction):
    """The self-normalising unit [1]_: ``scale`` times `ELU` of depth ``alpha``.

    ``alpha = 1.6733`` and ``scale = 1.0507`` are such that standard normal arguments
    give activations of mean 0 and variance 1, and that layers whose weights have the
    variance ``1 / fan_in`` (``LeCunNormal``) draw activations towards these.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing
       neural networks", NeurIPS 2017.
    """

    alpha: ClassVar[float] = 1.6732632423543772848170429916717
    scale: ClassVar[float] = 1.0507009873554804934193352946

    def forward(self, z: Array, out: Array) -> None:
        ELU(self.alpha).forward(z, out)
        out *= self.scale

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        ELU(self.alpha).backward(z, a / self.scale, dy)
        dy *= self.scale


def _gate(z: Array, a: Array) -> Array:
    """Return g of ``a = z g(z)`` with ``g(0) = ½``; quicker than to compute g again."""
    g = np.full_like(z, 0.5)
    return np.divide(a, z, out=g, where=z != 0)


@dataclass(frozen=True)
class GELU(ActivationFunction):
    """``f(z) = z Φ(z)``, with Φ the distribution function of the normal law [1]_.

    ``f' = Φ(z) + z φ(z)``, with φ the density. Exact, not the approximation by tanh.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)",
       arXiv:1606.08415, 2016.
    """

    def forward(self, z: Array, out: Array) -> None:
        ndtr(z, out=out)
        out *= z

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = z * z
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= (2 * np.pi) ** -0.5
        slope *= z
        slope += _gate(z, a)
        dy *= slope


@dataclass(frozen=True)
class SiLU(ActivationFunction):
    """``f(z) = z σ(z)``, with ``σ(z) = 1 / (1 + exp(-z))``; also called swish.

    ``f' = σ + a (1 - σ)`` [1]_ [2]_.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural
       network function approximation in reinforcement learning", Neural Networks 107,
       2018.
    .. [2] P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions",
       arXiv:1710.05941, 2017.
    """

    def forward(self, z: Array, out: Array) -> None:
        expit(z, out=out)
        out *= z

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        sigma = _gate(z, a)
        slope = np.subtract(1, sigma)
        slope *= a
        slope += sigma
        dy *= slope


@dataclass(frozen=True)
class Mish(ActivationFunction):
    """``f(z) = z tanh(log(1 + eᶻ))`` [1]_.

    With ``m = (1 + eᶻ)²`` the factor of z is ``(m - 1) / (m + 1)``, and
    ``f' = (m - 1) / (m + 1) + 4 z eᶻ (1 + eᶻ) / (m + 1)²``: one exponential each.

    References
    ----------
    .. [1] D. Misra, "Mish: a self regularized non-monotonic activation function",
       BMVC 2020.
    """

    linear_from: ClassVar[float] = 20.0
    """Where the factor of z is 1 to the last bit; eᶻ is not computed beyond."""

    def forward(self, z: Array, out: Array) -> None:
        np.minimum(z, self.linear_from, out=out)
        np.exp(out, out=out)
        out *= out + 2  # m - 1, with no digits lost where eᶻ is small
        out /= out + 2
        out *= z

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        e = np.minimum(z, self.linear_from)
        slope = 4 * e
        np.exp(e, out=e)
        slope *= e
        slope *= e + 1
        e *= e + 2
        m_minus_1, m_plus_1 = e, e + 2
        slope /= m_plus_1
        slope += m_minus_1
        slope /= m_plus_1
        dy *= slope


@dataclass(frozen=True)
class Softplus(ActivationFunction):
    """``f(z) = log(1 + eᶻ)``, with ``f' = 1 / (1 + exp(-z)) = 1 - exp(-a)`` [1]_.

    A smooth `ReLU`; positive everywhere.

    References
    ----------
    .. [1] C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating
       second-order functional knowledge for better option pricing", NIPS 2000.
    """

    def forward(self, z: Array, out: Array) -> None:
        # max(z, 0) + log(1 + exp(-|z|)) never overflows; logaddexp takes ten times as
        # long.
        np.abs(z, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out += np.maximum(z, 0)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = np.negative(a)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
        dy *= slope


ACTIVATIONS: dict[str, ActivationFunction] = {
    "identity": Identity(),
    "logistic": Logistic(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "elu": ELU(),
    "selu": SELU(),
    "gelu": GELU(),
    "silu": SiLU(),
    "mish": Mish(),
    "softplus": Softplus(),
}
"""The activations that have a name."""
