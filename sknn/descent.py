"""Descent: one step of penalty and solver over theta, in blocks that stay in cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ._typing import Array
from .objective import Objective
from .solvers import Solver, SolverState

BLOCK = 65_536
"""Elements of a block. Shorter ones cost more in calls, longer ones in memory traffic:
measured with the largest network of examples/benchmarks/bench_mlp.py."""


def blocks(n: int) -> Iterator[slice]:
    """Yield slices that cover ``range(n)``."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


class Block(NamedTuple):
    """Views of one block: parameters, gradient, what of them decays, solver's state."""

    theta: Array
    grad: Array
    W: Array
    dW: Array
    state: SolverState


class Descent:
    """Takes steps along the gradient in `objective.grad`.

    A solver's step is elementwise, so that theta can be walked block by block: all
    passes over a block happen while it is in the processor's cache.

    Parameters
    ----------
    objective : Objective
    solver : Solver
    states : list of SolverState
        The solver's state of each block, as `start` returns them; updated in place.
    """

    def __init__(
        self, objective: Objective, solver: Solver, states: list[SolverState]
    ) -> None:
        self.objective = objective
        self.solver = solver
        theta, grad = objective.network.theta, objective.grad
        n_decay = objective.network.n_decay
        self._blocks = []
        for at, state in zip(blocks(theta.size), states, strict=True):
            decays = slice(at.start, max(at.start, min(at.stop, n_decay)))
            views = theta[at], grad[at], theta[decays], grad[decays]
            self._blocks.append(Block(*views, state))

    @staticmethod
    def start(solver: Solver, theta: Array) -> list[SolverState]:
        """Return the solver's state of each block before the first step."""
        return [solver.start(theta[at]) for at in blocks(theta.size)]

    def step(self, total: float, learning_rate: float) -> float:
        """Add the penalty to the gradient, move theta; return the penalty before.

        `total` is the weight of the batch the gradient belongs to.
        """
        penalty = 0.0
        for theta, grad, W, dW, state in self._blocks:
            penalty += self.objective.add_penalty(W, dW, total)
            self.solver.step(theta, grad, state, learning_rate)
        return penalty
