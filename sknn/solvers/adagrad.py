"""AdaGrad: each parameter's step is divided by the size of all its gradients so far."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from .._arrays import aligned_zeros
from .._spec import check_range
from .._typing import Array
from .base import Solver, SolverState


@dataclass(frozen=True)
class AdaGrad(Solver):
    """AdaGrad [1]_: ``h ← h + g²``, ``θ ← θ - η g / (sqrt(h) + ε)``.

    Rare features, whose gradients are mostly zero, keep large steps. The sum only
    grows, so that the steps shrink like ``1 / sqrt(t)`` without a schedule. A learning
    rate of 0.01 is usual.

    Parameters
    ----------
    epsilon : float, default=1e-8
        ε > 0, which keeps the division finite.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online
       learning and stochastic optimization", JMLR 12, 2011.

    Examples
    --------
    The first step is the learning rate, however large or small the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import AdaGrad
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = AdaGrad()
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta.round(6)
    array([ 0.9, -1.9])
    """

    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        return {"h": aligned_zeros(theta.shape, theta.dtype)}

    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        h = state["h"]
        scratch = grad * grad
        h += scratch
        np.sqrt(h, out=scratch)
        scratch += self.epsilon
        grad /= scratch
        grad *= learning_rate
        theta -= grad
