"""The categories of a column, and the numbers that stand for each of them."""

from __future__ import annotations

from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np

from .._typing import Array
from ._columns import Column

UNKNOWN, MISSING, FIRST = 0, 1, 2
"""The codes of values that are unknown or rare, of missing ones, and of the first
category; the other categories follow."""


class Categories:
    """The categories that a column has in training.

    Parameters
    ----------
    values : list
        The categories, sorted.
    has_missing : bool
        Whether values are missing in training.

    Attributes
    ----------
    n_codes : int
        Number of codes: those of the categories, of unknown and of missing values.
    """

    def __init__(self, values: list[Any], has_missing: bool) -> None:
        self.values, self.has_missing = values, has_missing
        self.n_codes = FIRST + len(values)
        self._code = {value: i for i, value in enumerate(values, FIRST)}

    def __getstate__(self) -> dict[str, Any]:
        # Without the dict of codes: skops turns its keys True and False both into True.
        return {"values": self.values, "has_missing": self.has_missing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(Categories(**state)))

    @classmethod
    def learn(cls, column: Column, min_rows: float) -> Categories:
        """Learn from the column in training; values in fewer rows are no categories."""
        codes, values = column.distinct
        counts = np.bincount(codes + 1, minlength=len(values) + 1)
        frequent = counts[1:] >= max(1, min_rows)
        values = in_order([values[i] for i in np.flatnonzero(frequent)])
        return cls(values, bool(counts[0]))

    def codes(self, column: Column) -> Array:
        """Return the codes (n,) of the values of a column."""
        codes, values = column.distinct
        new = [MISSING, *(self._code.get(value, UNKNOWN) for value in values)]
        return np.array(new, np.intp)[codes + 1]

    @cached_property
    def one_hot(self) -> Array:
        """The one-hot encoding of each code, of shape (n_codes, number of columns)."""
        return one_hot_of_codes(len(self.values))

    @property
    def n_one_hot(self) -> int:
        """Number of columns of the one-hot encoding."""
        n = len(self.values)
        return n if n > 2 else 1

    def one_hot_names(self, name: str) -> list[str]:
        """Return the names of the columns of the one-hot encoding."""
        shown = self.values[: self.n_one_hot]
        return [f"{name}_{value}" for value in shown] or [name]


def one_hot_of_codes(n: int) -> Array:
    """Return the one-hot encoding of each code of `n` categories.

    Codes of unknown and missing values give 0. Two categories share one column, +1 for
    the first and −1 for the second. There is always at least one column.
    """
    one_hot = np.zeros((FIRST + n, max(n, 1)))
    one_hot[FIRST:, :n] = np.eye(n)
    return one_hot[:, :1] - one_hot[:, 1:] if n == 2 else one_hot


def in_order(values: list[Any]) -> list[Any]:
    """Return values sorted: numbers, then text, then values of other types.

    Those that cannot be compared are sorted by type and representation.
    """
    try:
        return sorted(values, key=lambda v: (_rank(v), v))
    except TypeError:
        return sorted(values, key=lambda v: (_rank(v), type(v).__name__, repr(v)))


def _rank(value: Any) -> int:
    return 0 if isinstance(value, Number) else 1 if isinstance(value, str) else 2
