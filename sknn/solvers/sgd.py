"""Stochastic gradient descent, optionally with momentum or Nesterov's momentum."""

from __future__ import annotations

import numpy as np

from .._arrays import aligned_zeros
from .._kernels import has_kernel
from .._spec import check_bool, check_range, spec
from .._typing import Array
from .base import N_COMMON, Solver, SolverState, penalize


@has_kernel()
def sgd(
    theta: Array,
    grad: Array,
    velocity: Array | None,
    n_decay: int,
    c: Array,
    sums: Array,
) -> None:
    """``v ← μ v - η g``, ``θ ← θ + v``; with Nesterov ``θ ← θ + μ v - η g``."""
    penalize(theta, grad, n_decay, c, sums)
    rate, momentum, nesterov = c[N_COMMON:].tolist()
    grad *= rate
    if velocity is None:
        theta -= grad
        return
    velocity *= momentum
    velocity -= grad
    if nesterov:
        theta -= grad
        np.multiply(velocity, momentum, out=grad)
        theta += grad
    else:
        theta += velocity


@spec
class SGD(Solver):
    """Stochastic gradient descent, with momentum or Nesterov's momentum.

    In each step ``v ← μ v - η g``, then ``θ ← θ + v`` or, with Nesterov's momentum,
    ``θ ← θ + μ v - η g``. Here θ are the parameters, g is the gradient, η the learning
    rate, and v the velocity, which is initially 0.

    With ``momentum=0`` this is ``θ ← θ - η g``, and there is no state. Nesterov's
    momentum is in the form of [1]_, which needs no second gradient to look ahead.

    Parameters
    ----------
    momentum : float, default=0.9
        μ, in [0, 1]: the fraction of the last step that is added to the next.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum, which takes the gradient at the point that
        momentum alone would reach.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of
       initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.solvers import SGD
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> solver = SGD(momentum=0.0)
    >>> solver.step(theta, grad, solver.start(theta), learning_rate=0.1)
    >>> theta
    array([ 0.95, -1.6 ])

    By name: ``MLPClassifier(solver="sgd")``.
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True

    update = staticmethod(sgd)
    arrays = ("velocity",)

    def __post_init__(self) -> None:
        check_range(self, "momentum", 0, 1)
        check_bool(self, "nesterovs_momentum")

    def start(self, theta: Array) -> SolverState:
        if not self.momentum:
            return {}
        return {"velocity": aligned_zeros(theta.shape, theta.dtype)}

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        return learning_rate, self.momentum, float(self.nesterovs_momentum)
