"""Activation functions: elementwise ``a = f(z)``, and their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, ndtr

from ._arrays import along_rows, column_sums, in_memory_order
from ._kernels import GRAIN, by_axis, has_kernel
from ._spec import Spec, check_range, spec
from ._typing import Array


class ActivationFunction(Spec, ABC):
    """An elementwise function and its derivative, both computed in place.

    z is the input of the function f, ``a = f(z)`` the activation, and f' the derivative
    of f. In the backward pass, dy is the derivative of the loss with respect to a.
    Instances hold only hyper-parameters: they are immutable, hashable and picklable.

    Examples
    --------
    A function of your own is a frozen dataclass with these two methods:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.activations import ActivationFunction
    >>> @dataclass(frozen=True)
    ... class Sine(ActivationFunction):
    ...     def forward(self, z, out):
    ...         np.sin(z, out=out)
    ...     def backward(self, z, a, dy):
    ...         dy *= np.cos(z)
    ...
    >>> z = np.array([0.0, np.pi / 2, np.pi])
    >>> a, dy = np.empty(3), np.ones(3)
    >>> Sine().forward(z, out=a)
    >>> Sine().backward(z, a, dy)
    >>> print(a.round(2), dy.round(2))
    [0. 1. 0.] [ 1.  0. -1.]

    Pass it to an estimator: ``MLPClassifier(activation=Sine())``.
    """

    @abstractmethod
    def forward(self, z: Array, out: Array) -> None:
        """Write ``f(z)`` into `out`.

        Parameters
        ----------
        z : ndarray of any shape
            The input, float32 or float64, which must not be modified.
        out : ndarray
            The output, of the shape and dtype of `z`.
        """

    @abstractmethod
    def backward(self, z: Array, a: Array, dy: Array) -> None:
        """Multiply `dy` in place by ``f'(z)``.

        Parameters
        ----------
        z : ndarray of any shape
            The input of the forward pass, which must not be modified.
        a : ndarray
            ``f(z)``, the output of the forward pass, which must not be modified.
        dy : ndarray
            The derivative of the loss with respect to `a`. After the call, it is the
            derivative with respect to `z`.
        """


@spec
class Identity(ActivationFunction):
    """The identity ``f(z) = z``, useful for a linear bottleneck.

    Examples
    --------
    A linear network with one hidden unit. The product of its two weight matrices maps
    three features to three targets, and has rank 1:

    >>> import numpy as np
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn.preprocessing import scale
    >>> from sknn import MLPRegressor
    >>> X, Y = (scale(table) for table in load_linnerud(return_X_y=True))
    >>> reg = MLPRegressor(activation="identity", solver="lbfgs", random_state=0)
    >>> W_1, W_2 = reg.set_params(hidden_layer_sizes=(1,)).fit(X, Y).coefs_
    >>> W_1.shape, W_2.shape, int(np.linalg.matrix_rank(W_1 @ W_2))
    ((3, 1), (1, 3), 1)

    By name: ``MLPClassifier(activation="identity")``.
    """

    def forward(self, z: Array, out: Array) -> None:
        np.copyto(out, z)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        pass


@spec
class Logistic(ActivationFunction):
    """The sigmoid ``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``, ``a = f(z)``.

    Examples
    --------
    The slope is at most ¼, so gradients become smaller from layer to layer:

    >>> import numpy as np
    >>> from sknn.activations import Logistic
    >>> z, a, dy = np.array([-4.0, 0.0, 4.0]), np.empty(3), np.ones(3)
    >>> Logistic().forward(z, out=a)
    >>> Logistic().backward(z, a, dy)
    >>> print(a.round(3), dy.round(3))
    [0.018 0.5   0.982] [0.018 0.25  0.018]

    By name: ``MLPClassifier(activation="logistic")``.
    """

    def forward(self, z: Array, out: Array) -> None:
        expit(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        dy *= a
        dy *= 1 - a


@spec
class Tanh(ActivationFunction):
    """The hyperbolic tangent ``f(z) = tanh(z)``, with ``f' = 1 - a²``, ``a = f(z)``.

    Examples
    --------
    It is the logistic function on another scale, ``2 logistic(2 z) - 1``:

    >>> import numpy as np
    >>> from sknn.activations import Logistic, Tanh
    >>> z, a, p = np.array([-2.0, 0.0, 0.5]), np.empty(3), np.empty(3)
    >>> Tanh().forward(z, out=a)
    >>> Logistic().forward(2 * z, out=p)
    >>> print(a.round(3), (2 * p - 1).round(3))
    [-0.964  0.     0.462] [-0.964  0.     0.462]

    By name: ``MLPClassifier(activation="tanh")``.
    """

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = a * a
        np.subtract(1, slope, out=slope)
        dy *= slope


@spec
class ReLU(ActivationFunction):
    """The rectified linear unit ``f(z) = max(z, 0)``, with ``f'(0) = 0``.

    Examples
    --------
    A gradient of 5 passes only where z is positive:

    >>> import numpy as np
    >>> from sknn.activations import ReLU
    >>> z, a, dy = np.array([-1.0, 0.0, 2.0]), np.empty(3), np.full(3, 5.0)
    >>> ReLU().forward(z, out=a)
    >>> ReLU().backward(z, a, dy)
    >>> print(a, dy)
    [0. 0. 2.] [0. 0. 5.]

    By name: ``MLPClassifier(activation="relu")``.
    """

    def forward(self, z: Array, out: Array) -> None:
        # NumPy vectorizes the maximum of two arrays, but not of an array and a scalar.
        out.fill(0)
        np.maximum(z, out, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        np.multiply(dy, a > 0, out=dy)


@spec
class LeakyReLU(ActivationFunction):
    """The rectifier with a small slope for negative inputs.

    ``f(z) = z`` for ``z > 0``, else ``slope * z``, with ``f'(0) = slope``. Unlike with
    `sknn.activations.ReLU`, a unit whose input is never positive still learns.

    It was proposed in [1]_.

    Parameters
    ----------
    slope : float, default=0.01
        Slope for negative z, in [0, 1].

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural
       network acoustic models", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn import MLPClassifier
    >>> from sknn.activations import LeakyReLU
    >>> z, a = np.array([-2.0, 3.0]), np.empty(2)
    >>> LeakyReLU(slope=0.1).forward(z, out=a)
    >>> print(a)
    [-0.2  3. ]

    A search over the slope sets a parameter of the estimator:

    >>> clf = MLPClassifier(activation=LeakyReLU())
    >>> clf.set_params(activation__slope=0.2).activation
    LeakyReLU(slope=0.2)

    By name: ``MLPClassifier(activation="leaky_relu")``.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        check_range(self, "slope", 0, 1)

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, self.slope, out=out)
        np.maximum(z, out, out=out)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        # The maximum, because selecting with a mask takes five times as long.
        dy *= np.maximum(z > 0, self.slope, dtype=z.dtype)


@spec
class ELU(ActivationFunction):
    """The exponential linear unit: ``z`` for ``z > 0``, else ``alpha (eᶻ - 1)``.

    ``f' = 1`` for ``z > 0``, else ``a + alpha`` with ``a = f(z)``. The values approach
    ``-alpha`` for negative z, so that the mean activation can be close to 0.

    It was proposed in [1]_.

    Parameters
    ----------
    alpha : float, default=1.0
        The limit is ``-alpha`` for large negative z. Not negative; 0 gives
        `sknn.activations.ReLU`, and with 1 the derivative is continuous.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network
       learning by exponential linear units (ELUs)", ICLR 2016.

    Examples
    --------
    For standard normal inputs, the mean is closer to 0 than that of ReLU:

    >>> import numpy as np
    >>> from sknn.activations import ELU, ReLU
    >>> z = np.random.RandomState(0).normal(size=100_000)
    >>> a = np.empty_like(z)
    >>> for f in (ReLU(), ELU(), ELU(alpha=2.0)):
    ...     f.forward(z, out=a)
    ...     print(f"{f}: mean {a.mean():.2f}")
    ReLU(): mean 0.40
    ELU(): mean 0.16
    ELU(alpha=2.0): mean -0.08

    By name: ``MLPClassifier(activation="elu")``.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "alpha", 0, np.inf, closed="left")

    def forward(self, z: Array, out: Array) -> None:
        # One of the two terms is always 0; selecting with a mask would take longer.
        np.minimum(z, 0, out=out)
        np.expm1(out, out=out)
        out *= self.alpha
        out += np.maximum(z, 0)

    def backward(self, z: Array, a: Array, dy: Array) -> None:
        slope = np.minimum(a, 0)
        slope += self.alpha
        slope += np.multiply(z > 0, 1 - self.alpha, dtype=z.dtype)
        dy *= slope


@spec
class SELU(ActivationFunction):
    """The scaled exponential linear unit: ``scale`` times ``ELU(alpha)``.

    ``alpha = 1.6733`` and ``scale = 1.0507`` are chosen so that standard normal inputs
    give activations with mean 0 and variance 1, and that activations converge to this
    mean and variance through layers whose weights have variance ``1 / fan_in``
    (`sknn.initializers.LeCunNormal`).

    It was proposed in [1]_.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing
       neural networks", NeurIPS 2017.

    Examples
    --------
    The standard deviation after ten layers with LeCun's weights, for standard normal
    inputs:

    >>> import numpy as np
    >>> from sknn.activations import ReLU, SELU
    >>> from sknn.initializers import LeCunNormal
    >>> for f in (ReLU(), SELU()):
    ...     rng = np.random.RandomState(0)
    ...     a = rng.normal(size=(500, 200))
    ...     for _ in range(10):
    ...         f.forward(a @ LeCunNormal()((200, 200), 200, 200, rng), out=a)
    ...     print(f"{f}: {a.std():.2f}")
    ReLU(): 0.03
    SELU(): 1.01

    By name: ``MLPClassifier(activation="selu")``.
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
    """Return g in ``a = z g(z)``, ``g(0) = ½``; faster than computing g again."""
    g = np.full_like(z, 0.5)
    return np.divide(a, z, out=g, where=z != 0)


@spec
class GELU(ActivationFunction):
    """``f(z) = z Φ(z)``, where Φ is the standard normal distribution function.

    ``f' = Φ(z) + z φ(z)``, where φ is the density. This is the exact function, not the
    tanh approximation.

    It was proposed in [1]_.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)",
       arXiv:1606.08415, 2016.

    Examples
    --------
    It is a smooth version of ReLU, and slightly negative below 0:

    >>> import numpy as np
    >>> from sknn.activations import GELU, ReLU
    >>> z = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    >>> a = np.empty_like(z)
    >>> for f in (ReLU(), GELU()):
    ...     f.forward(z, out=a)
    ...     print(a.round(3))
    [0. 0. 0. 1. 3.]
    [-0.004 -0.159  0.     0.841  2.996]

    By name: ``MLPClassifier(activation="gelu")``.
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


@spec
class SiLU(ActivationFunction):
    """The sigmoid linear unit ``f(z) = z σ(z)``, also called swish.

    ``σ(z) = 1 / (1 + exp(-z))`` is the logistic function, and ``f' = σ + a (1 - σ)``
    with ``a = f(z)``.

    It was proposed in [1]_ and [2]_.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural
       network function approximation in reinforcement learning", Neural Networks 107,
       2018.
    .. [2] P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions",
       arXiv:1710.05941, 2017.

    Examples
    --------
    The minimum is -0.278, at -1.278, where the slope is 0:

    >>> import numpy as np
    >>> from sknn.activations import SiLU
    >>> z, dy = np.array([-5.0, -1.278, 0.0, 5.0]), np.ones(4)
    >>> a = np.empty_like(z)
    >>> SiLU().forward(z, out=a)
    >>> SiLU().backward(z, a, dy)
    >>> print(a.round(3), dy.round(3))
    [-0.033 -0.278  0.     4.967] [-0.027  0.     0.5    1.027]

    By name: ``MLPClassifier(activation="silu")``.
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


@spec
class Mish(ActivationFunction):
    """A smooth function that is close to ReLU: ``f(z) = z tanh(log(1 + eᶻ))``.

    It is computed with a single exponential, and so is its derivative: with
    ``m = (1 + eᶻ)²``, ``f = z (m - 1) / (m + 1)`` and
    ``f' = (m - 1) / (m + 1) + 4 z eᶻ (1 + eᶻ) / (m + 1)²``.

    It was proposed in [1]_.

    References
    ----------
    .. [1] D. Misra, "Mish: a self regularized non-monotonic activation function",
       BMVC 2020.

    Examples
    --------
    The values, and those of the definition:

    >>> import numpy as np
    >>> from sknn.activations import Mish
    >>> z = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
    >>> a = np.empty_like(z)
    >>> Mish().forward(z, out=a)
    >>> print(a.round(3))
    [-0.073 -0.303  0.     0.865  3.997]
    >>> print((z * np.tanh(np.log(1 + np.exp(z)))).round(3))
    [-0.073 -0.303  0.     0.865  3.997]

    By name: ``MLPClassifier(activation="mish")``.
    """

    linear_from: ClassVar[float] = 20.0
    """From here on ``f(z) = z`` to the last bit, and eᶻ is not computed."""

    def forward(self, z: Array, out: Array) -> None:
        np.minimum(z, self.linear_from, out=out)
        np.exp(out, out=out)
        out *= out + 2  # m - 1, without cancellation where eᶻ is small
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


@spec
class Softplus(ActivationFunction):
    """A smooth version of ReLU that is positive everywhere: ``f(z) = log(1 + eᶻ)``.

    ``f' = 1 / (1 + exp(-z)) = 1 - exp(-a)`` with ``a = f(z)``.

    It was proposed in [1]_.

    References
    ----------
    .. [1] C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating
       second-order functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    Values and slopes are positive everywhere, and do not overflow:

    >>> import numpy as np
    >>> from sknn.activations import Softplus
    >>> z, a, dy = np.array([-20.0, 0.0, 1000.0]), np.empty(3), np.ones(3)
    >>> Softplus().forward(z, out=a)
    >>> Softplus().backward(z, a, dy)
    >>> for row in (a, dy):
    ...     print(*(f"{value:.3g}" for value in row))
    2.06e-09 0.693 1e+03
    2.06e-09 0.5 1

    By name: ``MLPClassifier(activation="softplus")``.
    """

    def forward(self, z: Array, out: Array) -> None:
        # max(z, 0) + log(1 + exp(-|z|)) cannot overflow, and logaddexp takes ten times
        # as long.
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
"""The activation functions by name."""

# -- operations of layers -------------------------------------------------------------


_KERNELS: dict[type[ActivationFunction], tuple[str, str | None]] = {
    Identity: ("identity", None),
    Logistic: ("logistic", None),
    Tanh: ("tanh", None),
    ReLU: ("relu", None),
    LeakyReLU: ("leaky_relu", "slope"),
    ELU: ("elu", "alpha"),
    SELU: ("selu", None),
    GELU: ("gelu", None),
    SiLU: ("silu", None),
    Mish: ("mish", None),
    Softplus: ("softplus", None),
}
"""The name of each function in those of its kernels, and the field that they take."""


def kernel_of(
    name: str, f: ActivationFunction, *arrays: Array
) -> tuple[str, tuple[Any, ...]] | None:
    """Return the name of a kernel for `f`, and its arguments."""
    if type(f) not in _KERNELS:
        return None
    own_name, field = _KERNELS[type(f)]
    return name.format(own_name), (*arrays, getattr(f, field) if field else 0.0)


def _elementwise(
    name: str, f: ActivationFunction, *arrays: Array
) -> tuple[str, tuple[Any, ...]] | None:
    """Like `kernel_of`, for arrays of any shape with their elements in one order."""
    flat = in_memory_order(*arrays)
    return None if flat is None else kernel_of(name, f, *flat)


def _split_elementwise(args: tuple[Any, ...], parts: int) -> list[tuple[Any, ...]]:
    """Cut elementwise operations into blocks."""
    arrays = (a.reshape(-1) if isinstance(a, np.ndarray) else a for a in args)
    axes = {i: 0 for i, a in enumerate(args) if isinstance(a, np.ndarray)}
    return by_axis(axes, GRAIN)(tuple(arrays), parts)


def _split_as_product(args: tuple[Any, ...], parts: int) -> list[tuple[Any, ...]]:
    """Cut `z` as the product was, so that each thread has its part in the cache."""
    rows, columns = by_axis({0: 0, 2: 0}, GRAIN), by_axis({0: 1, 1: 0, 2: 1}, GRAIN)
    return (rows if along_rows(args[0]) else columns)(args, parts)


@has_kernel(partial(_elementwise, "{}_forward"), _split_elementwise)
def activation_forward(f: ActivationFunction, z: Array, a: Array) -> None:
    """Write ``a = f(z)``."""
    f.forward(z, a)


@has_kernel(partial(_elementwise, "{}_backward"), _split_elementwise)
def activation_backward(f: ActivationFunction, z: Array, a: Array, dy: Array) -> None:
    """``dy *= f'(z)``, where ``a = f(z)``."""
    f.backward(z, a, dy)


@has_kernel(partial(kernel_of, "bias_{}"), _split_as_product)
def bias_activation(f: ActivationFunction, z: Array, b: Array, a: Array) -> None:
    """``z += b``, ``a = f(z)``, for rows `z` and a bias of each unit."""
    z += b
    f.forward(z, a)


@has_kernel(
    partial(kernel_of, "{}_backward_bias"), by_axis({0: 1, 1: 1, 2: 1, 3: 0}, GRAIN)
)
def activation_backward_bias(
    f: ActivationFunction, z: Array, a: Array, dy: Array, db: Array
) -> None:
    """``dy *= f'(z)``, where ``a = f(z)``, and ``db = Σ dy`` over rows."""
    f.backward(z, a, dy)
    column_sums(dy, db)
