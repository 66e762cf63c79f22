"""AdaGrad: steps are divided by the size of all past gradients of a parameter."""

from __future__ import annotations

from math import inf

import numpy as np

from .._arrays import aligned_zeros
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def adagrad(
    theta: Array, grad: Array, h: Array, n_decay: int, c: Array, sums: Array
) -> None:
    """``h ← h + g²``, ``θ ← θ - η g / (sqrt(h) + ε)``."""
    penalize(theta, grad, n_decay, c, sums)
    rate, epsilon = c[N_COMMON:].tolist()
    scratch = grad * grad
    h += scratch
    np.sqrt(h, out=scratch)
    scratch += epsilon
    grad /= scratch
    grad *= rate
    theta -= grad


@spec
class AdaGrad(Solver):
    """Divide steps by the size of all past gradients of each parameter.

    In each step ``h ← h + g²``, then ``θ ← θ - η g / (sqrt(h) + ε)``. Here θ are the
    parameters, g is the gradient, η the learning rate, and h the sum of all squares,
    initially 0.

    Parameters of rare features, whose gradients are mostly zero, keep large steps. The
    sum only grows, so that steps shrink like ``1 / sqrt(t)`` even without a schedule. A
    typical learning rate is 0.01.

    It was proposed in [1]_.

    Parameters
    ----------
    epsilon : float, default=1e-8
        ε > 0, which prevents division by zero.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online
       learning and stochastic optimization", JMLR 12, 2011.

    Examples
    --------
    The size of the first step is the learning rate, whatever the size of the gradient:

    >>> import numpy as np
    >>> from sknn.solvers import AdaGrad
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = AdaGrad()
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta.round(6)
    array([ 0.9, -1.9])

    By name: ``MLPClassifier(solver="adagrad")``.
    """

    epsilon: float = 1e-8

    update = staticmethod(adagrad)
    arrays = ("h",)

    def __post_init__(self) -> None:
        check_range(self, "epsilon", 0, inf, closed="neither")

    def start(self, theta: Array) -> SolverState:
        return {"h": aligned_zeros(theta.shape, theta.dtype)}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        return learning_rate, self.epsilon
