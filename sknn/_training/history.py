"""The history of training: a row for each epoch, or iteration of L-BFGS."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MEASURED = (
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
    "seconds",
)
"""The quantities recorded in each epoch; NaN where one was not measured."""

MAX_PARTIAL_ROWS = 10_000
"""Maximum number of rows that repeated `partial_fit` keeps."""

Mark: TypeAlias = tuple[dict[str, Any], dict[str, list[float]]]
"""A state of a history to roll back to."""


@dataclass
class History:
    """The history of all fits, and what training needs to know about it.

    A `fit` keeps a row for every epoch. Calls of `partial_fit` keep at most
    `MAX_PARTIAL_ROWS` rows: when these are full, every second row is removed, and from
    then on only every second epoch keeps its row, and so on. The first and the last
    epoch always have a row, and those between are evenly spaced.

    Attributes
    ----------
    columns : dict of list
        The number of the epoch, counted over all fits, and the `MEASURED` quantities.
        Rows are added in place.
    averaged : list of int
        The epochs whose weights were averaged at the end; empty for those of one.
    epochs : int
        Number of epochs recorded so far, with or without a row.
    n_fixed : int
        Number of rows that are never removed: the first ones, up to the last `fit`.
    spacing : int
        Distance, in epochs, between the rows after these.
    """

    columns: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in ("epoch", *MEASURED)}
    )
    loss: float = math.nan
    best_loss: float = math.inf
    best_validation_score: float = -math.inf
    best_epoch: int = 0
    averaged: list[int] = field(default_factory=list)
    no_improvement_count: int = 0
    n_iter: int = 0
    t: int = 0
    base_rates: list[float] = field(default_factory=list)
    epochs: int = 0
    n_fixed: int = 0
    spacing: int = 1

    def __len__(self) -> int:
        return len(self.columns["epoch"])

    def add(self, *, thin: bool = False, **values: float) -> None:
        """Add the row of an epoch; with `thin`, as `partial_fit` does, remove others.

        Adding takes constant time, averaged over many calls. If it is interrupted, the
        history stays as it was.
        """
        mark = self.mark()
        try:
            self._add(thin, values)
        except BaseException:
            self.roll_back(mark)
            raise

    def _add(self, thin: bool, values: dict[str, float]) -> None:
        self.epochs += 1
        if thin:
            self._make_room()
        else:
            self.n_fixed, self.spacing = len(self) + 1, 1
        values["epoch"] = self.epochs
        for name, column in self.columns.items():
            column.append(values.get(name, math.nan))

    def _make_room(self) -> None:
        """Remove the last row if it is between those to keep, or half of all rows."""
        numbers = self.columns["epoch"]
        n = len(numbers) - self.n_fixed
        if n and (numbers[-1] - numbers[self.n_fixed]) % self.spacing:
            for column in self.columns.values():
                del column[-1]
        elif n >= MAX_PARTIAL_ROWS:
            self.spacing *= 2
            self.columns = {
                name: column[: self.n_fixed] + column[self.n_fixed :: 2]
                for name, column in self.columns.items()
            }

    def mark(self) -> Mark:
        """Return the current state, for `roll_back`, without a copy of the rows."""
        last = {name: column[-1:] for name, column in self.columns.items()}
        return {**vars(self), "n_rows": len(self)}, last

    def roll_back(self, mark: Mark) -> None:
        """Return to the state of `mark`: undo everything since."""
        state, last = mark
        n_rows = state["n_rows"]
        vars(self).update({k: v for k, v in state.items() if k != "n_rows"})
        for name, column in self.columns.items():
            column[max(n_rows - 1, 0) :] = last[name]

    def copy(self) -> History:
        """Return a copy that can be extended independently."""
        other = copy.copy(self)
        other.columns = {name: column.copy() for name, column in self.columns.items()}
        return other
