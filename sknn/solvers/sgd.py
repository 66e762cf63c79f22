"""Stochastic gradient descent, plain, with momentum, or with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._arrays import aligned_zeros
from .._typing import Array
from .base import Solver, SolverState


@dataclass(frozen=True)
class SGD(Solver):
    """``v ← μ v - η g``, ``θ ← θ + v``; with Nesterov ``θ ← θ + μ v - η g``.

    With ``momentum=0`` this is ``θ ← θ - η g`` and nothing is remembered. Nesterov's
    form is the one of [1]_, which looks ahead without a second gradient.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of
       initialization and momentum in deep learning", ICML 2013.
    """

    momentum: float = 0.9
    nesterovs_momentum: bool = True

    def start(self, theta: Array) -> SolverState:
        if not self.momentum:
            return {}
        return {"velocity": aligned_zeros(theta.shape, theta.dtype)}

    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        grad *= learning_rate
        if not self.momentum:
            theta -= grad
            return
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity -= grad
        if self.nesterovs_momentum:
            theta -= grad
            np.multiply(velocity, self.momentum, out=grad)
            theta += grad
        else:
            theta += velocity
