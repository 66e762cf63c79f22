"""Initializers: how the parameters of a layer are drawn before training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ._spec import Spec, check_range
from ._typing import Array, Shape


class Initializer(Spec, ABC):
    """A distribution of initial weights that depends on fan_in and fan_out.

    It is called with the shape of the weights; `bias` gives the biases that go with
    them.
    """

    draws_biases: ClassVar[bool] = False
    """Whether biases are drawn like weights; else they are 0."""

    @abstractmethod
    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        """Draw an array of `shape` in float64 from `rng`."""

    @final
    def bias(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        """Return biases of `shape` in float64; drawn from `rng` if `draws_biases`."""
        if self.draws_biases:
            return self(shape, fan_in, fan_out, rng)
        return np.zeros(shape)


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0, which draws nothing.

    For the last layer of a residual branch, say; hidden units that all start like this
    would stay alike.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """All `value`, which draws nothing.

    Parameters
    ----------
    value : float, default=0.01
        Any finite number.
    """

    value: float = 0.01

    def __post_init__(self) -> None:
        check_range(self, "value", -np.inf, np.inf, closed="neither")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with mean 0 and standard deviation `std`, whatever the fans.

    Parameters
    ----------
    std : float, default=0.01
        Standard deviation, positive.
    """

    std: float = 0.01

    def __post_init__(self) -> None:
        check_range(self, "std", 0, np.inf, closed="left")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return rng.normal(0, self.std, shape)


def _uniform(variance: float, shape: Shape, rng: np.random.RandomState) -> Array:
    """Draw from the uniform law with mean 0 and a variance: ``±sqrt(3 variance)``."""
    bound = math.sqrt(3 * variance)
    return rng.uniform(-bound, bound, shape)


def _normal(variance: float, shape: Shape, rng: np.random.RandomState) -> Array:
    """Draw from the normal law with mean 0 and a variance."""
    return rng.normal(0, math.sqrt(variance), shape)


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform on ``±sqrt(factor / (fan_in + fan_out))``, also called Xavier uniform.

    With ``factor=6`` the variance is ``2 / (fan_in + fan_out)``, which keeps the scale
    of activations and of gradients through layers that are linear around 0 [1]_.
    scikit-learn uses ``factor=2`` in front of the logistic function, and draws biases
    like weights; so does sknn.

    Parameters
    ----------
    factor : float, default=6.0
        Three times the variance times ``fan_in + fan_out``, positive.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.initializers import GlorotUniform
    >>> W = GlorotUniform()((2, 4), 2, 4, np.random.RandomState(0))
    >>> bool((abs(W) <= 1).all())
    True
    """

    factor: float = 6.0

    draws_biases = True

    def __post_init__(self) -> None:
        check_range(self, "factor", 0, np.inf, closed="left")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        bound = np.sqrt(self.factor / (fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """Normal with variance ``2 / (fan_in + fan_out)``, also called Xavier normal [1]_.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(2 / (fan_in + fan_out), shape, rng)


@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform on ``±sqrt(6 / fan_in)``, with variance ``2 / fan_in`` [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification", ICCV 2015.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _uniform(2 / fan_in, shape, rng)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Normal with variance ``2 / fan_in``, also called Kaiming normal [1]_.

    Keeps the scale of activations through layers of rectified linear units, which put
    half of their arguments to 0.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.initializers import HeNormal
    >>> W = HeNormal()((200, 100), 200, 100, np.random.RandomState(0))
    >>> float(W.std().round(2))
    0.1
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(2 / fan_in, shape, rng)


@dataclass(frozen=True)
class LeCunUniform(Initializer):
    """Uniform on ``±sqrt(3 / fan_in)``, with variance ``1 / fan_in`` [1]_.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in
       Neural Networks: Tricks of the Trade, Springer 1998.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _uniform(1 / fan_in, shape, rng)


@dataclass(frozen=True)
class LeCunNormal(Initializer):
    """Normal with variance ``1 / fan_in`` [1]_, as the activation `SELU` wants it.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in
       Neural Networks: Tricks of the Trade, Springer 1998.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(1 / fan_in, shape, rng)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer [1]_.

    Uniform among these (Haar measure) [2]_. All axes of a shape but the last count as
    rows.

    Parameters
    ----------
    gain : float, default=1.0
        Singular value of the matrix, positive.

    References
    ----------
    .. [1] A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear
       dynamics of learning in deep linear neural networks", ICLR 2014.
    .. [2] F. Mezzadri, "How to generate random matrices from the classical compact
       groups", Notices of the AMS 54, 2007.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "gain", 0, np.inf, closed="left")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        Q, R = np.linalg.qr(rng.normal(size=tall))
        Q *= np.sign(R.diagonal())  # which LAPACK chooses, and not at random
        Q *= self.gain
        return (Q if rows >= columns else Q.T).reshape(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "constant": Constant,
    "normal": Normal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LeCunUniform,
    "lecun_normal": LeCunNormal,
    "orthogonal": Orthogonal,
}
"""The initializers that have a name."""


AUTO: dict[str, Initializer] = {
    "identity": GlorotUniform(),
    "logistic": GlorotUniform(),
    "tanh": GlorotUniform(),
    "relu": HeNormal(),
    "leaky_relu": HeNormal(),
    "prelu": HeNormal(),
    "elu": HeNormal(),
    "selu": LeCunNormal(),
    "gelu": HeNormal(),
    "silu": HeNormal(),
    "mish": HeNormal(),
    "softplus": HeNormal(),
}
"""The initializer that suits the layer in front of an activation."""


def suitable(activation_name: str | None) -> Initializer:
    """Return the initializer for the layer in front of an activation, if any.

    That of `AUTO`; Glorot's for None and for an activation that is not listed there.
    """
    return AUTO.get(activation_name or "identity", GlorotUniform())


def make_initializer(choice: str | Initializer | None) -> Initializer:
    """Return an initializer by its name, or as it is; Glorot's for None."""
    if choice is None:
        return GlorotUniform()
    if isinstance(choice, Initializer):
        return choice
    if choice not in INITIALIZERS:
        raise ValueError(
            f"initializer must be one of {sorted(INITIALIZERS)}, an Initializer or "
            f"None, got {choice!r}."
        )
    return INITIALIZERS[choice]()
