"""Descent: penalty and solver take a step on theta, in blocks that stay in cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._typing import Array
from .network import Network
from .objective import Objective
from .solvers import Solver
from .solvers.base import SolverState

BLOCK = 65_536
"""Number of elements per block. Smaller blocks cost more calls, larger ones more memory
traffic; measured with the largest network of examples/benchmarks/_works.py."""


def blocks(network: Network) -> Iterator[tuple[slice, float]]:
    """Yield slices that cover the trained part of theta, each with its rate factor."""
    for run, rate in network.segments:
        for start in range(run.start, run.stop, BLOCK):
            yield slice(start, min(start + BLOCK, run.stop)), rate


class Block(NamedTuple):
    """Views of one block: parameters, gradient, the penalised part of each, and state.

    `rate` is the factor of the learning rate; `state` is the solver's.
    """

    rate: float
    theta: Array
    grad: Array
    W: Array
    dW: Array
    state: SolverState


@dataclass(frozen=True)
class Clipping:
    """Limits of the gradient, penalty included; None means no limit.

    First each element is clipped to ``±max_value``; then the gradient is scaled down to
    the Euclidean norm `max_norm` if its norm is larger [1]_.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent
       neural networks", ICML 2013.
    """

    max_norm: float | None = None
    max_value: float | None = None

    @property
    def clips(self) -> bool:
        """Whether there is any limit."""
        return self.max_norm is not None or self.max_value is not None

    def __call__(self, grad: Array) -> None:
        """Clip `grad` in place."""
        if self.max_value is not None:
            np.clip(grad, -self.max_value, self.max_value, out=grad)
        if self.max_norm is not None:
            length = norm(grad)
            if length > self.max_norm:
                grad *= self.max_norm / length


NO_CLIPPING = Clipping()


def norm(grad: Array) -> float:
    """Return the Euclidean norm, even if the squares of the elements overflow."""
    with np.errstate(over="ignore"):
        squares = float(grad @ grad)
    if math.isfinite(squares) or not np.isfinite(grad).all():
        return math.sqrt(squares)
    largest = float(np.abs(grad).max())
    scaled = grad / largest
    return largest * math.sqrt(float(scaled @ scaled))


class Descent:
    """Takes steps along the gradient in `objective.grad`.

    A solver's step is elementwise, so it can be taken block by block: all passes over a
    block happen while it is in the processor's cache.

    Parameters
    ----------
    objective : Objective
    solver : Solver
    states : list of SolverState
        The solver's state for each block, as `start` returns them. Updated in place.
    clipping : Clipping, default=NO_CLIPPING
        Limits of the gradient.

    Attributes
    ----------
    gradient_norm : float
        Norm of the gradient, penalty included but before clipping, at the last step
        that measured it; NaN before.
    """

    def __init__(
        self,
        objective: Objective,
        solver: Solver,
        states: list[SolverState],
        clipping: Clipping = NO_CLIPPING,
    ) -> None:
        self.objective = objective
        self.solver = solver
        self.clipping = clipping
        self.gradient_norm = math.nan
        theta, grad = objective.network.theta, objective.grad
        n_decay = objective.network.n_decay
        self._blocks = []
        parts = zip(blocks(objective.network), states, strict=True)
        for (at, rate), state in parts:
            decays = slice(at.start, max(at.start, min(at.stop, n_decay)))
            views = theta[at], grad[at], theta[decays], grad[decays]
            self._blocks.append(Block(rate, *views, state))

    @staticmethod
    def start(solver: Solver, network: Network) -> list[SolverState]:
        """Return the solver's state for each block before the first step."""
        return [solver.start(network.theta[at]) for at, _ in blocks(network)]

    def step(self, total: float, learning_rate: float, measure: bool = False) -> float:
        """Add the penalty to the gradient and update theta; return the penalty before.

        `total` is the total weight of the batch. With `measure`, the norm of the
        gradient is stored in `gradient_norm`.
        """
        penalty = 0.0
        whole = measure or self.clipping.clips  # the whole gradient is needed first
        if whole:
            for _, _, _, W, dW, _ in self._blocks:
                penalty += self.objective.add_penalty(W, dW, total)
            if measure:
                self.gradient_norm = norm(self.objective.grad)
            self.clipping(self.objective.grad)
        for factor, theta, grad, W, dW, state in self._blocks:
            rate = learning_rate * factor
            if not whole:
                penalty += self.objective.add_penalty(W, dW, total)
            if self.solver.weight_decay:
                W *= 1 - rate * self.solver.weight_decay
            self.solver.step(theta, grad, state, rate)
        return penalty
