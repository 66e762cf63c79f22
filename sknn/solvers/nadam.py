"""Nadam: Adam with Nesterov's momentum."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from .._arrays import aligned_zeros
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def nadam(
    theta: Array, grad: Array, m: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """``m ← β₁ m + g``, ``v ← β₂ v + g²``, ``θ ← θ - (a g + b m) / (sqrt(v) + ε)``."""
    penalize(theta, grad, n_decay, c, sums)
    rate_g, rate_m, beta_1, beta_2, epsilon = c[N_COMMON:].tolist()
    m *= beta_1
    m += grad
    scratch = grad * grad
    v *= beta_2
    v += scratch
    np.multiply(m, rate_m, out=scratch)
    grad *= rate_g
    grad += scratch
    np.sqrt(v, out=scratch)
    scratch += epsilon
    grad /= scratch
    theta -= grad


@spec
class Nadam(Solver):
    """Nadam: Adam whose momentum looks one step ahead and warms up.

    In step t

    - ``m ← β₁ m + (1 - β₁) g``,
    - ``v ← β₂ v + (1 - β₂) g²``,
    - ``θ ← θ - η (a g + b m) / (sqrt(v / (1 - β₂ᵗ)) + ε)``.

    Here θ are the parameters, g is the gradient, and η the learning rate. m and v are
    running means of the gradients and of their squares, initially 0. The factors a and
    b follow from the momentum μ:

    - ``μ(t) = β₁ (1 - 0.96^(t ψ) / 2)``, where ψ is `momentum_decay`,
    - ``P = μ(1) μ(2) ... μ(t)``,
    - ``a = (1 - μ(t)) / (1 - P)``,
    - ``b = μ(t+1) / (1 - P μ(t+1))``.

    Like Adam's, the state stores ``m / (1 - β₁)`` and ``v / (1 - β₂)``.

    It was proposed in [1]_.

    Parameters
    ----------
    beta_1 : float, default=0.9
        β₁, in [0, 1): decay rate of the running mean of gradients. The momentum rises
        from β₁ / 2 to β₁.
    beta_2 : float, default=0.999
        β₂, in [0, 1): decay rate of the running mean of squared gradients.
    epsilon : float, default=1e-8
        ε > 0, which prevents division by zero.
    momentum_decay : float, default=0.004
        ψ ≥ 0: how fast the momentum rises. Estimators have no such parameter; to set
        it, pass ``solver=Nadam(momentum_decay=...)``.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR Workshop 2016.

    Examples
    --------
    The first step does not depend on the size of the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import Nadam
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = Nadam()
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta.round(3)
    array([ 0.894, -1.894])

    By name: ``MLPClassifier(solver="nadam")``.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 0.004

    update = staticmethod(nadam)
    arrays = (
        "m",
        "v",
    )

    def __post_init__(self) -> None:
        check_range(self, "beta_1", 0, 1, closed="left")
        check_range(self, "beta_2", 0, 1, closed="left")
        check_range(self, "epsilon", 0, inf, closed="neither")
        check_range(self, "momentum_decay", 0, inf, closed="left")

    def start(self, theta: Array) -> SolverState:
        m, v = (aligned_zeros(theta.shape, theta.dtype) for _ in range(2))
        return {"t": 0, "mu_product": 1.0, "m": m, "v": v}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        state["t"] = t = state["t"] + 1
        scale_v = sqrt((1 - self.beta_2) / (1 - self.beta_2**t))
        rates = self._rates(state, learning_rate / scale_v)
        return *rates, self.beta_1, self.beta_2, self.epsilon / scale_v

    def _rates(self, state: SolverState, rate: float) -> tuple[float, float]:
        """Return η a and η b, the latter for the stored m, and multiply P by μ(t)."""
        t = state["t"]
        mu, mu_next = self._mu(t), self._mu(t + 1)
        state["mu_product"] = product = state["mu_product"] * mu
        rate_g = rate * (1 - mu) / (1 - product)
        rate_m = rate * mu_next * (1 - self.beta_1) / (1 - product * mu_next)
        return rate_g, rate_m

    def _mu(self, t: int) -> float:
        """Return the momentum μ(t)."""
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
