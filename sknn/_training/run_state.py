"""The state of a run between two epochs, from which another process continues."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Protocol

import numpy as np

from .._typing import Array
from ..exceptions import FileError
from ..objective import Objective
from ..solvers.base import SolverState
from .history import History
from .monitor import Ending, Monitor
from .progress import Kept, SolverProgress

COMPLETE: tuple[Ending, ...] = ("converged", "max_iter", "max_time")
"""The endings after which there is nothing to continue."""


@dataclass
class RunState:
    """All that a run changes from epoch to epoch, without the parts that it has.

    Attributes
    ----------
    theta, state : ndarray
        Parameters and state of the network.
    solver : list of SolverState
        The states of the solver; none if it is not needed any more.
    base_rate : float
        The learning rate to which the factor of the schedule applies.
    epochs : int
        Number of epochs since the schedule started.
    rng : RandomState
        The stream of shuffles.
    noise : Generator
        The stream of masks and mixup.
    augmentation : Generator or None
        The stream of augmentation.
    order : ndarray of int of shape (n,)
        The rows to train on, in the order of the last epoch.
    history : History
        The history without its lists.
    columns : dict of ndarray
        The columns of the history.
    base_rates : ndarray
        The base rate of each epoch.
    kept : list of (float, int, ndarray, ndarray)
        Score, epoch, parameters and state of each of the best epochs; none if the run
        has ended, and the best weights are restored.
    seconds : float
        How long the run has taken so far.
    ending : str or None
        Why the run has ended; None if it has not.
    """

    theta: Array
    state: Array
    solver: list[SolverState]
    base_rate: float
    epochs: int
    rng: np.random.RandomState
    noise: np.random.Generator
    augmentation: np.random.Generator | None
    order: Array
    history: History
    columns: dict[str, Array]
    base_rates: Array
    kept: list[tuple[float, int, Array, Array]]
    seconds: float
    ending: Ending | None


class StateKeeper(Protocol):
    """Keeps the state of a run, for example in a file."""

    def saved(self) -> RunState | None:
        """Return the state from which the run continues; None for a new run."""

    def is_due(self, n_epochs: int) -> bool:
        """Return whether to keep the state after so many epochs."""

    def keep(self, state: RunState) -> None:
        """Keep a state, which nothing changes any more."""


@dataclass
class RunParts:
    """The parts of a run that have a state.

    Attributes
    ----------
    objective : Objective
        Has the network and the streams of masks, mixup and augmentation.
    monitor : Monitor
        Has the history and the best weights.
    progress : SolverProgress
    rng : RandomState
        The stream of shuffles.
    order : ndarray of int of shape (n,)
        The rows to train on, in the order of the last epoch.
    """

    objective: Objective
    monitor: Monitor
    progress: SolverProgress
    rng: np.random.RandomState
    order: Array

    def take(self, ending: Ending | None = None) -> RunState:
        """Return a copy of the state.

        With an `ending`, it is that of a complete run, in which the best weights are
        restored. It has nothing that only training needs.
        """
        history, augment = self.monitor.history, self.objective.augment
        theta, state = self.objective.network.snapshot()
        columns = {name: np.array(column) for name, column in history.columns.items()}
        early_stopping = self.monitor.limits.early_stopping
        solver = [] if ending and early_stopping else self.progress.states
        kept = [] if ending else self.monitor.kept
        return RunState(
            theta=theta,
            state=state,
            solver=copy.deepcopy(solver),
            base_rate=self.progress.base_rate,
            epochs=self.progress.epochs,
            rng=copy.deepcopy(self.rng),
            noise=copy.deepcopy(self.progress.rng),
            augmentation=None if augment is None else copy.deepcopy(augment.rng),
            order=self.order.copy(),
            history=replace(history, columns={}, base_rates=[]),
            columns=columns,
            base_rates=np.array(history.base_rates),
            kept=[(k.score, k.epoch, *k.snapshot) for k in kept],
            seconds=self.monitor.seconds,
            ending=ending,
        )

    def restore(self, saved: RunState) -> Ending | None:
        """Set the state in place and return the ending; raise if it does not fit."""
        network, augment = self.objective.network, self.objective.augment
        progress = self.progress
        fill(network.theta, saved.theta)
        fill(network.state, saved.state)
        check_like(self.order, saved.order)
        if not np.array_equal(np.sort(self.order), np.sort(saved.order)):
            raise FileError("the rows to train on are others.")
        np.copyto(self.order, saved.order)
        if saved.solver or not saved.ending:
            if len(saved.solver) != len(progress.states):
                raise FileError("the solver has another number of states.")
            for of_block, before in zip(progress.states, saved.solver, strict=True):
                fill_solver_state(of_block, before)
        progress.base_rate, progress.epochs = saved.base_rate, saved.epochs
        set_stream(self.rng, saved.rng)
        set_stream(progress.rng, saved.noise)
        if augment is not None:
            set_stream(augment.rng, saved.augmentation)
        vars(self.monitor.history).update(vars(history_of(saved)))
        kept = []
        for score, epoch, theta, state in saved.kept:
            check_like(network.theta, theta)
            check_like(network.state, state)
            kept.append(Kept(score, epoch, (theta, state)))
        self.monitor.resume(kept, saved.seconds)
        return saved.ending


def history_of(saved: RunState) -> History:
    """Return the history with its lists."""
    columns = {name: column.tolist() for name, column in saved.columns.items()}
    if columns.keys() != History().columns.keys():
        raise FileError(f"the history has the columns {[*columns]!s:.200}.")
    history = replace(saved.history, columns=columns)
    history.averaged = list(saved.history.averaged)
    history.base_rates = saved.base_rates.tolist()
    return history


def fill(array: Array, values: Any) -> None:
    """Copy values into an array; raise unless they have its shape and dtype."""
    check_like(array, values)
    np.copyto(array, values)


def check_like(array: Array, values: Any) -> None:
    """Raise unless values are an array of the same shape and dtype."""
    form = getattr(values, "shape", None), getattr(values, "dtype", None)
    if form != (array.shape, array.dtype):
        raise FileError(
            f"an array should be of the shape {array.shape} and {array.dtype}, but is "
            f"of {form[0]} and {form[1]}."
        )


def fill_solver_state(state: SolverState, before: Mapping[str, Any]) -> None:
    """Set the state of a solver, arrays in place."""
    if state.keys() != before.keys():
        raise FileError(f"the state of the solver has {[*before]!s:.200}.")
    for name, value in before.items():
        if isinstance(state[name], np.ndarray):
            fill(state[name], value)
        elif isinstance(state[name], Real) and not isinstance(value, Real):
            raise FileError(f"{name} in the state of the solver is {value!r:.50}.")
        else:
            state[name] = value


def set_stream(stream: Any, before: Any) -> None:
    """Set a random stream, in place, to the state of another one."""
    if type(stream) is not type(before):
        raise FileError(f"a random stream is {before!r:.50}.")
    if isinstance(stream, np.random.RandomState):
        stream.set_state(before.get_state())
    else:
        stream.bit_generator.state = before.bit_generator.state
