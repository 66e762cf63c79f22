"""NumPy twins of the kernels around dense layers, of losses and of solvers."""

from __future__ import annotations

import numpy as np

from .. import activations as act
from .._typing import Array
from ..losses import (
    CategoricalCrossEntropy,
    Loss,
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


def softmax_link(z: Array, p: Array) -> None:
    """Write the probabilities of the classes into `p`."""
    CategoricalCrossEntropy().link(z, p)


def exp_link(z: Array, p: Array) -> None:
    """Write ``exp(z)`` into `p`."""
    np.exp(z, out=p)


# Solvers. `c` is [l2, l1, shrink, scale, constants of the solver ...].


def _gradient(theta: Array, grad: Array, n_decay: int, c: Array, sums: Array) -> Array:
    """Return the gradient times scale, penalty included; shrink the penalised weights.

    ``sums`` becomes the sum of squares and of absolute values of these weights before.
    """
    l2, l1, shrink, scale = c[:4].astype(theta.dtype)
    g = grad * scale
    W = theta[:n_decay]
    g[:n_decay] += l2 * W + l1 * np.sign(W)
    sums[0] = np.square(W, dtype=float).sum()
    sums[1] = np.abs(W, dtype=float).sum()
    W *= shrink
    return g


def adam(
    theta: Array,
    grad: Array,
    m: Array,
    v: Array,
    n_decay: int,
    c: Array,
    sums: Array,
) -> None:
    """A step of `Adam`; ``c[4:]`` is rate, beta_1, beta_2, epsilon, as folded there."""
    g = _gradient(theta, grad, n_decay, c, sums)
    rate, beta_1, beta_2, epsilon = c[4:].astype(theta.dtype)
    m *= beta_1
    m += g
    v *= beta_2
    v += g * g
    theta -= m / (np.sqrt(v) + epsilon) * rate
