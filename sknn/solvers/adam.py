"""Adam: momentum, with steps divided by the typical gradient of a parameter."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from .._arrays import aligned_zeros
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def adam(
    theta: Array, grad: Array, m: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """``m ← β₁ m + g``, ``v ← β₂ v + g²``, ``θ ← θ - η m / (sqrt(v) + ε)``."""
    penalize(theta, grad, n_decay, c, sums)
    rate, beta_1, beta_2, epsilon = c[N_COMMON:].tolist()
    m *= beta_1
    m += grad
    v *= beta_2
    grad *= grad
    v += grad
    np.sqrt(v, out=grad)
    grad += epsilon
    np.divide(m, grad, out=grad)
    grad *= rate
    theta -= grad


@spec
class Adam(Solver):
    """Adam: momentum, and steps divided by the size of recent gradients.

    In step t

    - ``m ← β₁ m + (1 - β₁) g``,
    - ``v ← β₂ v + (1 - β₂) g²``,
    - ``θ ← θ - η sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (sqrt(v) + ε)``.

    Here θ are the parameters, g is the gradient, and η the learning rate. m and v are
    running means of the gradients and of their squares, initially 0, which the factor
    of η corrects for.

    The state stores ``m / (1 - β₁)`` and ``v / (1 - β₂)``, which saves two passes over
    memory; the constants are folded into the learning rate and ε.

    It was proposed in [1]_.

    Parameters
    ----------
    beta_1 : float, default=0.9
        β₁, in [0, 1): decay rate of the running mean of gradients.
    beta_2 : float, default=0.999
        β₂, in [0, 1): decay rate of the running mean of squared gradients.
    epsilon : float, default=1e-8
        ε > 0, which prevents division by zero.

    References
    ----------
    .. [1] D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       https://arxiv.org/abs/1412.6980.

    Examples
    --------
    The size of the first step is the learning rate, whatever the size of the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import Adam
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = Adam()
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta.round(6)
    array([ 0.9, -1.9])

    By name: ``MLPClassifier(solver="adam")``.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    update = staticmethod(adam)
    arrays = (
        "m",
        "v",
    )

    def __post_init__(self) -> None:
        check_range(self, "beta_1", 0, 1, closed="left")
        check_range(self, "beta_2", 0, 1, closed="left")
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        m, v = (aligned_zeros(theta.shape, theta.dtype) for _ in range(2))
        return {"t": 0, "m": m, "v": v}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        state["t"] = t = state["t"] + 1
        scale_v = sqrt(1 - self.beta_2)
        rate = learning_rate * sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        rate *= (1 - self.beta_1) / scale_v
        return rate, self.beta_1, self.beta_2, self.epsilon / scale_v
