"""RMSProp: steps are divided by the typical gradient of a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from .._arrays import aligned_zeros
from .._spec import check_range
from .._typing import Array
from .base import Solver, SolverState


@dataclass(frozen=True)
class RMSProp(Solver):
    """RMSProp [1]_: ``v ← ρ v + (1 - ρ) g²``, ``θ ← θ - η g / (sqrt(v) + ε)``.

    AdaGrad with a running mean instead of a sum: squares are averaged over roughly the
    last ``1 / (1 - ρ)`` steps, so that steps do not shrink by themselves.

    The state stores ``v / (1 - ρ)``, which saves a pass over memory.

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
    """

    rho: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_range(self, "rho", 0, 1, closed="left")
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        return {"v": aligned_zeros(theta.shape, theta.dtype)}

    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        v, scale = state["v"], sqrt(1 - self.rho)
        scratch = grad * grad
        v *= self.rho
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.epsilon / scale
        grad /= scratch
        grad *= learning_rate / scale
        theta -= grad
