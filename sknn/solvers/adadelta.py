"""AdaDelta: RMSProp whose step size adapts to the size of past steps."""

from __future__ import annotations

from math import inf

import numpy as np

from .._arrays import aligned_empty
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def adadelta(
    theta: Array, grad: Array, u: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """``v ← ρ v + g² + ε``, ``d = sqrt(u / v) g``, ``u ← ρ u + d² + ε``.

    Then ``θ ← θ - η d``.
    """
    penalize(theta, grad, n_decay, c, sums)
    rate, rho, epsilon = c[N_COMMON:].tolist()
    scratch = grad * grad
    _add_square(v, scratch, rho, epsilon)
    np.divide(u, v, out=scratch)
    np.sqrt(scratch, out=scratch)
    grad *= scratch
    np.multiply(grad, grad, out=scratch)
    _add_square(u, scratch, rho, epsilon)
    grad *= rate
    theta -= grad


def _add_square(mean: Array, square: Array, rho: float, epsilon: float) -> None:
    """Decay a running mean of the state, then add a new square to it."""
    mean *= rho
    square += epsilon
    mean += square


@spec
class AdaDelta(Solver):
    """Adapt the size of steps to the sizes of recent steps and gradients.

    In each step

    - ``v ← ρ v + (1 - ρ) g²``,
    - ``δ = sqrt(u + ε) / sqrt(v + ε) · g``,
    - ``u ← ρ u + (1 - ρ) δ²``,
    - ``θ ← θ - η δ``.

    Here θ are the parameters, g is the gradient, η the learning rate, and δ the step.
    v and u are running means of the squares of gradients and of steps, initially 0.
    Steps thus have the same units as the parameters.

    The usual setting is ``learning_rate_init=1.0`` and ``epsilon=1e-6``: the method
    finds its own step size, starting with steps of about ``sqrt(ε)``.

    The state stores ``(u + ε) / (1 - ρ)`` and ``(v + ε) / (1 - ρ)``, because δ depends
    only on their ratio.

    It was proposed in [1]_.

    Parameters
    ----------
    rho : float, default=0.9
        ρ, in [0, 1): decay rate of the running means of squares.
    epsilon : float, default=1e-6
        ε > 0. Larger values make the first steps larger.

    References
    ----------
    .. [1] M. Zeiler, "ADADELTA: an adaptive learning rate method", 2012,
       https://arxiv.org/abs/1212.5701.

    Examples
    --------
    The first step, near ``η sqrt(ε / (1 - ρ))``, hardly depends on the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import AdaDelta
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = AdaDelta(rho=0.75)
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=1.0)
    >>> theta.round(6)
    array([ 0.998, -1.998])

    By name: ``MLPClassifier(solver="adadelta", learning_rate_init=1.0, epsilon=1e-6)``.
    """

    rho: float = 0.9
    epsilon: float = 1e-6

    update = staticmethod(adadelta)
    arrays = (
        "u",
        "v",
    )

    def __post_init__(self) -> None:
        check_range(self, "rho", 0, 1, closed="left")
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        u, v = (aligned_empty(theta.shape, theta.dtype) for _ in range(2))
        u.fill(self.epsilon / (1 - self.rho))
        v.fill(self.epsilon / (1 - self.rho))
        return {"u": u, "v": v}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        return learning_rate, self.rho, self.epsilon
