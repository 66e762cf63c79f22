"""What a solver needs to continue training: its state, rates and random numbers."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from .._descent import Descent
from ..network import Network
from ..solvers import Solver
from ..solvers.base import SolverState


@dataclass
class SolverProgress:
    """All that training needs to continue exactly where it stopped. It pickles.

    Attributes
    ----------
    solver : Solver
    places : list of slice
        The runs of theta that `states` belong to.
    frozen : list of bool
        Whether each layer is frozen, so that it has no state.
    states : list of SolverState
    first_rate : float
        The learning rate at the start of the schedule.
    base_rate : float
        The rate that the factor of the schedule applies to; plateaus lower it.
    rng : numpy.random.Generator
        The stream of masks and mixup.
    epochs : int
        Number of epochs since the schedule started.
    """

    solver: Solver
    places: list[slice]
    frozen: list[bool]
    states: list[SolverState]
    first_rate: float
    base_rate: float
    rng: np.random.Generator
    epochs: int = 0

    @classmethod
    def start(
        cls, solver: Solver, network: Network, rate: float, rng: np.random.Generator
    ) -> SolverProgress:
        """Return the progress of a solver before its first step."""
        states = Descent.start(solver, network)
        return cls(solver, *cls.layout(network), states, rate, rate, rng)

    @staticmethod
    def layout(network: Network) -> tuple[list[slice], list[bool]]:
        """Return which parts of a network the states belong to: `places`, `frozen`."""
        return [at for at, _ in network.segments], [r == 0 for r in network.rates]

    def resume(self, solver: Solver, network: Network, rate: float) -> SolverProgress:
        """Return a copy to continue with, or a fresh start if parameters have changed.

        Another solver, other constants of the same solver, or other frozen layers start
        with a fresh state. Another first rate restarts the schedule.
        """
        progress = copy.deepcopy(self)
        if solver != self.solver or self.layout(network) != (self.places, self.frozen):
            return self.start(solver, network, rate, progress.rng)
        if rate != self.first_rate:
            progress.first_rate = progress.base_rate = rate
            progress.epochs = 0
        return progress
