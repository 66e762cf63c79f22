"""Descent: penalty and solver take a step on theta, in blocks that stay in cache."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._kernels import Calls
from ._spec import overrides
from ._typing import Array
from .network import Network
from .objective import Objective
from .solvers import Solver
from .solvers.base import N_COMMON, SolverState, penalize

BLOCK = 65_536
"""Number of elements per block. Smaller blocks cost more calls, larger ones more memory
traffic; measured with the largest network of examples/benchmarks/_works.py."""


def blocks(network: Network) -> Iterator[tuple[slice, float]]:
    """Yield slices that cover the trained part of theta, each with its rate factor."""
    for run, rate in network.segments:
        for start in range(run.start, run.stop, BLOCK):
            yield slice(start, min(start + BLOCK, run.stop)), rate


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
        update = None if steps_at_once(solver) else type(solver).update
        self._constants = solver.constants if update else _rate_alone
        self._weights, self._parts, args = [], [], []
        self._sums = np.zeros((len(states), 2))
        parts = zip(blocks(objective.network), states, self._sums, strict=True)
        for (at, factor), state, sums in parts:
            self._weights.append(slice(at.start, max(at.start, min(at.stop, n_decay))))
            c = np.zeros(N_COMMON + len(self._constants(copy.copy(state), 1.0)))
            self._parts.append((factor, c, state))
            arrays = _arrays(solver, state) if update else (solver, state)
            W = theta[self._weights[-1]]
            penalized = W.size if objective.alpha or solver.weight_decay else 0
            args.append((theta[at], grad[at], *arrays, penalized, c, sums))
        self._calls = Calls()
        self._calls.do_each(update or _step_at_once, args)

    @staticmethod
    def start(solver: Solver, network: Network) -> list[SolverState]:
        """Return the solver's state for each block before the first step."""
        return [solver.start(network.theta[at]) for at, _ in blocks(network)]

    def step(
        self,
        total: float,
        learning_rate: float,
        measure: bool = False,
        decay_factor: float = 1.0,
    ) -> float:
        """Add the penalty to the gradient and update theta; return the penalty before.

        `total` is the total weight of the batch, `decay_factor` a factor of the weight
        decay. With `measure`, the norm of the gradient is stored in `gradient_norm`.
        """
        objective, penalty = self.objective, 0.0
        l2, l1 = objective.penalty_factors(total)
        if measure or self.clipping.clips:  # the whole gradient is needed first
            theta, grad = objective.network.theta, objective.grad
            for at in self._weights:
                penalty += objective.add_penalty(theta[at], grad[at], total)
            if measure:
                self.gradient_norm = norm(grad)
            self.clipping(grad)
            l2 = l1 = 0.0
        decay = decay_factor * self.solver.weight_decay
        for factor, c, state in self._parts:
            rate = learning_rate * factor
            c[:] = l2, l1, 1 - rate * decay, 1.0, *self._constants(state, rate)
        self._calls()
        if l2 or l1:
            for squares, sizes in self._sums.tolist():
                penalty += 0.5 * l2 * squares + l1 * sizes
        return penalty


def steps_at_once(solver: Solver) -> bool:
    """Return whether the class of a solver has its own `step` instead of `update`."""
    return overrides(type(solver), {"step"}, {"update", "constants"})


def _step_at_once(
    theta: Array,
    grad: Array,
    solver: Solver,
    state: SolverState,
    n_decay: int,
    c: Array,
    sums: Array,
) -> None:
    """Take the step of a solver that has no `update`."""
    penalize(theta, grad, n_decay, c, sums)
    solver.step(theta, grad, state, float(c[N_COMMON]))


def _rate_alone(state: SolverState, learning_rate: float) -> tuple[float, ...]:
    return (learning_rate,)


def _arrays(solver: Solver, state: SolverState) -> list[Any]:
    return [state.get(name) for name in solver.arrays]
