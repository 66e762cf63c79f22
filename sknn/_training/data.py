"""The rows to train on, and how they are cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import gather
from .._kernels import Calls
from .._typing import Array, Matrix
from ..layers.base import SparseRows
from ..network import write_rows
from ..objective import Batch, Objective, total_weight


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


class Batches:
    """The batches of one training run, bound to the objective.

    Parameters
    ----------
    objective : Objective
    data : Data
    size : int
        Number of rows per batch; the last one of an epoch may have fewer.
    """

    def __init__(self, objective: Objective, data: Data, size: int) -> None:
        self.objective, self.data, self.size = objective, data, size
        self._bound: dict[int, _BoundBatch] = {}

    def total_weight(self, rows: Array) -> float:
        """Return the total weight of some rows."""
        w = self.data.sample_weight
        return total_weight(rows, None if w is None else w[rows])

    def loss_gradient(self, rows: Array, total: float) -> float:
        """Return the mean loss of `rows`, and write its gradient to the objective."""
        n = len(rows)
        if n not in self._bound:
            self._bound[n] = _BoundBatch(self.objective, self.data, n)
        return self._bound[n].loss_gradient(rows, total)


class _BoundBatch:
    """The rows of a batch are gathered, and the objective is computed on them."""

    def __init__(self, objective: Objective, data: Data, n: int) -> None:
        self.rows = np.zeros(n, np.int64)
        like = data.X[:n], data.y[:n]
        self.objective = objective.bind(*like, data.sample_weight is not None)
        self.calls = Calls()
        bound = self.objective
        if isinstance(bound.x, SparseRows):
            self.calls.do(_gather_sparse, data.X, self.rows, bound.x)
        else:
            self.calls.do(gather, data.X, self.rows, bound.x)
        self.calls.do(gather, data.y, self.rows, bound.y)
        if data.sample_weight is not None:
            self.calls.do(gather, data.sample_weight, self.rows, bound.sample_weight)
        self.calls.extend(bound.calls)

    def loss_gradient(self, rows: Array, total: float) -> float:
        self.rows[:] = rows
        return self.objective.loss_gradient(total, self.calls)


def _gather_sparse(X: Any, rows: Array, x: SparseRows) -> None:
    write_rows(X[rows], x)
