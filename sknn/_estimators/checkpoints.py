"""Checkpoints: what a fit continues from, and who keeps it."""

from __future__ import annotations

import copy
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._training import Data, RunState
from .._typing import Array
from ..exceptions import FileError
from .transfer import fitted_source, is_path


@dataclass
class FitState:
    """All that a fit needs to continue, beside its arguments.

    Attributes
    ----------
    start : RandomState
        The random stream at the start of the fit.
    split : (ndarray, ndarray) or None
        The rows to train on and those to hold out that a splitter of the user returned,
        which may return others the next time.
    runs : dict of RunState
        The states of the runs that have begun: "0" is that of the first member, or of
        the only one, and "0 refit" its second run.
    """

    start: np.random.RandomState
    split: tuple[Array, Array] | None = None
    runs: dict[str, RunState] = field(default_factory=dict)


class KeepsTraining(ABC):
    """A callback that keeps the state of training. `fit` calls it itself."""

    @abstractmethod
    def start_fit(
        self, identity: dict[str, Any], stream: np.random.RandomState
    ) -> FitKeeper:
        """Return what keeps the states of a fit, or has kept those of the same fit.

        `identity` is all that must be equal in both, by name; `stream` is the random
        stream at the start.
        """


class FitKeeper:
    """Keeps the states of the runs of a fit, also of runs in several threads.

    Parameters
    ----------
    state : FitState
        The state to continue from; without runs, that of a new fit.
    every : int
        Number of epochs of a run after which its state is kept.
    write : callable
        Writes the state to where it is kept.
    """

    def __init__(
        self, state: FitState, every: int, write: Callable[[FitState], None]
    ) -> None:
        self.state, self.every, self._write = state, every, write
        self.resumes = bool(state.runs)
        self._lock = threading.Lock()

    def keep(self, name: str, state: RunState) -> None:
        """Keep the state of a run."""
        with self._lock:
            self.state.runs[name] = state
            self._write(self.state)


@dataclass(frozen=True)
class RunKeeper:
    """Keeps the state of one run of a fit."""

    fit: FitKeeper
    name: str = "0"

    def of_member(self, i: int) -> RunKeeper:
        """Return the keeper of another member of an ensemble."""
        return RunKeeper(self.fit, str(i))

    def of_refit(self) -> RunKeeper:
        """Return the keeper of the second run, on all rows."""
        return RunKeeper(self.fit, f"{self.name} refit")

    def saved(self) -> RunState | None:
        """Return the state from which the run continues; None for a new run."""
        return self.fit.state.runs.get(self.name)

    def is_due(self, n_epochs: int) -> bool:
        """Return whether to keep the state after so many epochs."""
        return n_epochs % self.fit.every == 0

    def keep(self, state: RunState) -> None:
        """Keep a state, which nothing changes any more."""
        self.fit.keep(self.name, state)


def checkpoint_of(estimator: Any) -> KeepsTraining | None:
    """Return the callback that keeps the state of training; None if there is none."""
    callbacks = getattr(estimator, "_skl_callbacks", ())
    found = [c for c in callbacks if isinstance(c, KeepsTraining)]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"set_callbacks takes one Checkpoint, got {found}.")
    if estimator.solver == "lbfgs":
        raise ValueError(
            "Checkpoint cannot save the state of solver='lbfgs', which is inside "
            "SciPy: remove it by set_callbacks(), or choose another solver, such as "
            "'adam'."
        )
    return found[0]


@dataclass(frozen=True)
class BeforeFit:
    """What a fit starts from, beside its arguments.

    Attributes
    ----------
    stream : RandomState
        A copy of the random stream.
    weights : tuple or None
        What a warm start continues from; None for a new network.
    """

    stream: np.random.RandomState
    weights: tuple[Any, ...] | None

    @classmethod
    def of(cls, estimator: Any, resumes: bool) -> BeforeFit:
        """Return what a fit starts from; it `resumes` if it is a warm start."""
        stream = copy.deepcopy(check_random_state(estimator.random_state))
        if not resumes:
            return cls(stream, None)
        history = estimator._history
        best = history.best_loss, history.best_validation_score
        counts = history.epochs, history.t, history.no_improvement_count
        return cls(stream, (*estimator.network_.snapshot(), *best, *counts))

    def identity(
        self, estimator: Any, data: Data, validation: Data | None
    ) -> dict[str, Any]:
        """Return all that makes two fits the same one, by name.

        The random stream of ``random_state=None`` is not part of it: that of the first
        fit is continued.
        """
        params = estimator.get_params(deep=False)
        params.pop("verbose", None)  # it changes nothing
        identity = {
            "class": type(estimator),
            **params,
            "init_from": weights_of(estimator.init_from),
            "fitted weights": self.weights,
            "X": data.X,
            "y": [data.y, estimator._targets],
            "sample_weight": data.sample_weight,
        }
        if validation is not None:
            identity |= {"X_val": validation.X, "y_val": validation.y}
            identity["sample_weight_val"] = validation.sample_weight
        return identity


def weights_of(init_from: Any) -> Any:
    """Return the weights of a fitted estimator, or the bytes of a file of weights."""
    if init_from is None:
        return None
    if is_path(init_from):
        return np.fromfile(os.fspath(init_from), np.uint8)
    return fitted_source(init_from).network_.snapshot()


def checked_split(split: tuple[Array, Array], n: int) -> tuple[Array, Array]:
    """Return the rows of both parts of `n` rows; raise unless they are such rows."""
    for rows in split:
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
            raise FileError("the rows to train on, or to hold out, are no numbers.")
        if rows.min() < 0 or rows.max() >= n:
            raise FileError(f"it has the rows {rows!r:.50}, but X has {n}.")
    return split
