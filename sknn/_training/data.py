"""The rows to train on, and how they are cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array, Matrix
from ..objective import Batch


@dataclass
class Data:
    """Rows to train on: features, encoded targets, weights; `rows` selects some."""

    X: Matrix
    y: Array
    sample_weight: Array | None = None
    rows: Array | None = None

    @property
    def n(self) -> int:
        """Number of rows to train on."""
        return self.X.shape[0] if self.rows is None else len(self.rows)

    @property
    def selected(self) -> Any:
        """Index of the rows to train on."""
        return slice(None) if self.rows is None else self.rows

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the rows to train on."""
        if self.sample_weight is None:
            return float(self.n)
        return float(self.sample_weight[self.selected].sum())

    def batches(self, order: Array | None, batch_size: int) -> Iterator[Batch]:
        """Yield (x, y, sample_weight) in the given order of rows, or as stored.

        A batch of a dense `X` lives in a buffer that the next batch overwrites.
        """
        dense = isinstance(self.X, np.ndarray)
        if dense and order is not None:
            buffer = np.empty((batch_size, *self.X.shape[1:]), self.X.dtype)
        for start in range(0, self.n, batch_size):
            rows: Any = slice(start, min(start + batch_size, self.n))
            if order is None:
                x = self.X[rows]
            else:
                rows = order[rows]
                if dense:
                    # mode="clip" lets NumPy write to the buffer without a copy.
                    x = buffer[: len(rows)]
                    np.take(self.X, rows, axis=0, out=x, mode="clip")
                else:
                    x = self.X[rows]
            w = None if self.sample_weight is None else self.sample_weight[rows]
            yield x, self.y[rows], w
