"""NumPy twins of the kernels around dense layers, of losses and of solvers."""

from __future__ import annotations

import numpy as np

from .. import activations as act
from .._typing import Array
from ..losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Loss,
    Quantile,
)

ACTIVATION_KERNELS: dict[type[act.ActivationFunction], tuple[str, str | None]] = {
    act.Identity: ("identity", None),
    act.Logistic: ("logistic", None),
    act.Tanh: ("tanh", None),
    act.ReLU: ("relu", None),
    act.LeakyReLU: ("leaky_relu", "slope"),
    act.ELU: ("elu", "alpha"),
    act.SELU: ("selu", None),
    act.GELU: ("gelu", None),
    act.SiLU: ("silu", None),
    act.Mish: ("mish", None),
    act.Softplus: ("softplus", None),
}
"""For each activation function the prefix of its kernels, and the field that is their
constant."""


def activation_kernel(f: act.ActivationFunction) -> tuple[str, float]:
    """Return the prefix of the kernels of `f`, and their constant."""
    name, field = ACTIVATION_KERNELS[type(f)]
    return name, getattr(f, field) if field else 0.0


# Dense layers


def add_bias(y: Array, b: Array) -> None:
    """Add `b` (units,) to each row of `y` (n, units)."""
    y += b


def column_sums(dy: Array, db: Array) -> None:
    """Write the sum over rows of `dy` (n, units) into `db` (units,)."""
    np.sum(dy, axis=0, out=db)


def activation_forward(f: act.ActivationFunction, z: Array, a: Array) -> None:
    """Write ``f(z)`` into `a`."""
    f.forward(z, a)


def activation_backward(
    f: act.ActivationFunction, z: Array, a: Array, dy: Array
) -> None:
    """Multiply `dy` by ``f'(z)``, where ``a = f(z)``."""
    f.backward(z, a, dy)


def bias_activation(f: act.ActivationFunction, z: Array, b: Array, a: Array) -> None:
    """Add `b` (units,) to the rows of `z` (n, units), and write ``f(z)`` into `a`."""
    z += b
    f.forward(z, a)


def activation_backward_bias(
    f: act.ActivationFunction, z: Array, a: Array, dy: Array, db: Array
) -> None:
    """Multiply `dy` (n, units) by ``f'(z)``; write its sum over rows into `db`."""
    f.backward(z, a, dy)
    np.sum(dy, axis=0, out=db)


# PReLU


def prelu_forward(x: Array, slope: Array, y: Array) -> None:
    """Write ``max(x, 0) + slope min(x, 0)`` into `y`; (n, units), `slope` (units,)."""
    np.multiply(np.minimum(x, 0), slope, out=y)
    y += np.maximum(x, 0)


def prelu_backward(x: Array, slope: Array, dy: Array, dslope: Array) -> None:
    """Write the gradient of `slope`, and overwrite `dy` by that of `x`."""
    np.sum(np.minimum(x, 0) * dy, axis=0, out=dslope)
    dy *= np.where(x > 0, dy.dtype.type(1), slope)


def prelu_images_forward(x: Array, slope: Array, y: Array) -> None:
    """Like `prelu_forward`, for arrays of shape (units, m)."""
    prelu_forward(x.T, slope, y.T)


def prelu_images_backward(x: Array, slope: Array, dy: Array, dslope: Array) -> None:
    """Like `prelu_backward`, for arrays of shape (units, m)."""
    prelu_backward(x.T, slope, dy.T, dslope)


# Losses: overwrite the raw scores `z` by the gradient times `scale[0]`, and write the
# weighted sum of losses, not scaled, into `loss[0]`.


def _loss_gradient(
    f: Loss, z: Array, y: Array, w: Array | None, scale: Array, loss: Array
) -> None:
    loss[0] = f.loss_gradient(z, y, w, out=z)
    z *= z.dtype.type(scale[0])


def softmax_cross_entropy(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array, smoothing: float
) -> None:
    """`CategoricalCrossEntropy` of `z` (n, k) and class indices `y` (n,)."""
    _loss_gradient(CategoricalCrossEntropy(smoothing), z, y, w, scale, loss)


def binary_cross_entropy(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array, smoothing: float
) -> None:
    """`BinaryCrossEntropy`; `z` and `y` are (n, n_outputs)."""
    _loss_gradient(BinaryCrossEntropy(smoothing), z, y, w, scale, loss)


def half_squared_error(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array
) -> None:
    """`HalfSquaredError`; `z` and `y` are (n, n_outputs)."""
    _loss_gradient(HalfSquaredError(), z, y, w, scale, loss)


def absolute_error(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array
) -> None:
    """`AbsoluteError`; `z` and `y` are (n, n_outputs)."""
    _loss_gradient(AbsoluteError(), z, y, w, scale, loss)


def huber(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array, delta: float
) -> None:
    """`Huber`; `z` and `y` are (n, n_outputs)."""
    _loss_gradient(Huber(delta), z, y, w, scale, loss)


def poisson(z: Array, y: Array, w: Array | None, scale: Array, loss: Array) -> None:
    """`HalfPoissonDeviance`; `z` and `y` are (n, n_outputs)."""
    _loss_gradient(HalfPoissonDeviance(), z, y, w, scale, loss)


def quantile(
    z: Array, y: Array, w: Array | None, scale: Array, loss: Array, levels: Array
) -> None:
    """`Quantile` for one or several `levels`.

    `y` is (n, n_outputs), `z` is (n, n_outputs * len(levels)).
    """
    _loss_gradient(Quantile(tuple(levels.tolist())), z, y, w, scale, loss)


def softmax_link(z: Array, p: Array) -> None:
    """Write the probabilities of the classes into `p`."""
    CategoricalCrossEntropy().link(z, p)


def exp_link(z: Array, p: Array) -> None:
    """Write ``exp(z)`` into `p`."""
    np.exp(z, out=p)


# Solvers. The first `n_decay` elements of theta are penalised. `c` (float64) is
# [l2, l1, shrink, scale, constants of the solver ...], where the constants are those of
# its `step`, which folds into them what depends on the step.


def add_penalty(theta: Array, grad: Array, n_decay: int, c: Array, sums: Array) -> None:
    """Multiply `grad` by scale and add the gradient of the penalty.

    ``sums`` becomes the sum of squares and that of absolute values of the penalised
    weights.
    """
    l2, l1, _, scale = c[:4].astype(theta.dtype)
    W = theta[:n_decay]
    grad *= scale
    grad[:n_decay] += l2 * W + l1 * np.sign(W)
    sums[0] = np.square(W, dtype=float).sum()
    sums[1] = np.abs(W, dtype=float).sum()


def _gradient(theta: Array, grad: Array, n_decay: int, c: Array, sums: Array) -> Array:
    """Return the gradient, penalty included, then multiply the weights by shrink."""
    g = grad.copy()
    add_penalty(theta, g, n_decay, c, sums)
    theta[:n_decay] *= theta.dtype.type(c[2])
    return g


def sgd(
    theta: Array,
    grad: Array,
    velocity: Array | None,
    n_decay: int,
    c: Array,
    sums: Array,
    nesterov: float,
) -> None:
    """Take a step of `SGD`; ``c[4:]`` is rate, momentum. No velocity, no momentum."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, momentum = c[4:].astype(theta.dtype)
    g *= rate
    if velocity is None:
        theta -= g
        return
    velocity *= momentum
    velocity -= g
    if nesterov:
        theta -= g
        theta += velocity * momentum
    else:
        theta += velocity


def adam(
    theta: Array, grad: Array, m: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """Take a step of `Adam`; ``c[4:]`` is rate, beta_1, beta_2, epsilon."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, beta_1, beta_2, epsilon = c[4:].astype(theta.dtype)
    m *= beta_1
    m += g
    v *= beta_2
    v += g * g
    theta -= m / (np.sqrt(v) + epsilon) * rate


def nadam(
    theta: Array, grad: Array, m: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """Take a step of `Nadam`; ``c[4:]`` is rate_g, rate_m, beta_1, beta_2, epsilon."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate_g, rate_m, beta_1, beta_2, epsilon = c[4:].astype(theta.dtype)
    m *= beta_1
    m += g
    v *= beta_2
    v += g * g
    theta -= (g * rate_g + m * rate_m) / (np.sqrt(v) + epsilon)


def rmsprop(
    theta: Array, grad: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """Take a step of `RMSProp`; ``c[4:]`` is rate, rho, epsilon."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, rho, epsilon = c[4:].astype(theta.dtype)
    v *= rho
    v += g * g
    theta -= g / (np.sqrt(v) + epsilon) * rate


def adagrad(
    theta: Array, grad: Array, h: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """Take a step of `AdaGrad`; ``c[4:]`` is rate, epsilon."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, epsilon = c[4:].astype(theta.dtype)
    h += g * g
    theta -= g / (np.sqrt(h) + epsilon) * rate


def adadelta(
    theta: Array, grad: Array, u: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """Take a step of `AdaDelta`; ``c[4:]`` is rate, rho, epsilon."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, rho, epsilon = c[4:].astype(theta.dtype)
    v *= rho
    v += g * g + epsilon
    g *= np.sqrt(u / v)
    u *= rho
    u += g * g + epsilon
    theta -= g * rate
