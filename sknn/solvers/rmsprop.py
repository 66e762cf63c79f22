"""RMSProp: steps are divided by the typical gradient of a parameter."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from .._arrays import aligned_zeros
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def rmsprop(
    theta: Array, grad: Array, v: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """``v ← ρ v + g²``, ``θ ← θ - η g / (sqrt(v) + ε)``."""
    penalize(theta, grad, n_decay, c, sums)
    rate, rho, epsilon = c[N_COMMON:].tolist()
    scratch = grad * grad
    v *= rho
    v += scratch
    np.sqrt(v, out=scratch)
    scratch += epsilon
    grad /= scratch
    grad *= rate
    theta -= grad


@spec
class RMSProp(Solver):
    """Divide steps by the size of recent gradients of each parameter.

    In each step ``v ← ρ v + (1 - ρ) g²``, then ``θ ← θ - η g / (sqrt(v) + ε)``. Here θ
    are the parameters, g is the gradient, η the learning rate, and v the running mean
    of squared gradients, initially 0.

    This is AdaGrad with a running mean instead of a sum: squares are averaged over
    roughly the last ``1 / (1 - ρ)`` steps, so that steps do not shrink by themselves.

    The state stores ``v / (1 - ρ)``, which saves a pass over memory.

    It was proposed in [1]_.

    Parameters
    ----------
    rho : float, default=0.9
        ρ, in [0, 1): decay rate of the running mean of squares.
    epsilon : float, default=1e-8
        ε > 0, which prevents division by zero.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5 - rmsprop: divide the gradient by a
       running average of its recent magnitude", Coursera: Neural Networks for Machine
       Learning, 2012.

    Examples
    --------
    The first step has the size ``η / sqrt(1 - ρ)``, whatever the size of the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import RMSProp
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = RMSProp(rho=0.75)
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta.round(6)
    array([ 0.8, -1.8])

    By name: ``MLPClassifier(solver="rmsprop")``.
    """

    rho: float = 0.9
    epsilon: float = 1e-8

    update = staticmethod(rmsprop)
    arrays = ("v",)

    def __post_init__(self) -> None:
        check_range(self, "rho", 0, 1, closed="left")
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        return {"v": aligned_zeros(theta.shape, theta.dtype)}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        scale = sqrt(1 - self.rho)
        return learning_rate / scale, self.rho, self.epsilon / scale
