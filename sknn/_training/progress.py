"""What training needs to continue: the state of the solver, rates, weights."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from .._descent import Descent
from .._typing import Array
from ..network import Network
from ..solvers import Solver
from ..solvers.base import SolverState


@dataclass(frozen=True)
class Kept:
    """The weights at the end of an epoch, and their validation score."""

    score: float
    epoch: int
    snapshot: tuple[Array, Array]


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
    latest : (ndarray, ndarray) or None
        The parameters and the state that training continues from, where the estimator
        predicts with others. They are never written to.
    kept : list of Kept or None
        The best weights of all calls of `partial_fit` under early stopping, the best
        first; None before the first call with a validation set.
    best : (ndarray, ndarray) or None
        The weights that were restored after the last call with a validation set.
    shown : int or None
        Checksum of the parameters that the estimator predicts with, if they are others
        than the latest ones: if the user changes them, training continues from them.
    """

    solver: Solver
    places: list[slice]
    frozen: list[bool]
    states: list[SolverState]
    first_rate: float
    base_rate: float
    rng: np.random.Generator
    epochs: int = 0
    latest: tuple[Array, Array] | None = None
    kept: list[Kept] | None = None
    best: tuple[Array, Array] | None = None
    shown: int | None = None

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

    def fits(self, network: Network) -> bool:
        """Return whether the states belong to the same parts of a network."""
        return self.layout(network) == (self.places, self.frozen)

    def keeps(self, n_best: int) -> bool:
        """Return whether best weights are kept already, if any are to be kept."""
        return self.kept is not None and (not n_best or len(self.kept) > 0)

    def forget_weights(self) -> None:
        """Go on from the weights of the network, as if there were no others."""
        self.latest = self.kept = self.best = self.shown = None

    def resume(self, solver: Solver, network: Network, rate: float) -> SolverProgress:
        """Return a copy to continue with, or a fresh start if parameters have changed.

        Another solver, other constants of the same solver, or other frozen layers start
        with a fresh state; with other frozen layers, theta has another order, so that
        weights are not kept. Another first rate restarts the schedule.
        """
        progress = copy.copy(self)
        progress.forget_weights()  # not to copy them
        progress = copy.deepcopy(progress)
        if solver != self.solver or not self.fits(network):
            progress = self.start(solver, network, rate, progress.rng)
        elif rate != self.first_rate:
            progress.first_rate = progress.base_rate = rate
            progress.epochs = 0
        if self.fits(network):
            progress.latest, progress.best = self.latest, self.best
            progress.kept = None if self.kept is None else [*self.kept]
        return progress
