"""The columns of a table that is the input of a graph: a matrix, or an input each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...exceptions import ExportError
from .graph import Graph
from .value import Value


class Columns:
    """The columns of a table.

    Parameters
    ----------
    g : Graph
        The graph.
    inputs : list of Value
        One matrix (n, n_columns), or one value (n, 1) for each column.
    n_columns : int
        Number of columns.
    """

    def __init__(self, g: Graph, inputs: Sequence[Value], n_columns: int) -> None:
        if len(inputs) not in (1, n_columns):
            raise ExportError(
                f"A table of {n_columns} columns needs one input for each of them, or "
                f"one matrix, got {len(inputs)} inputs."
            )
        self.g, self.inputs = g, inputs
        self.is_matrix = len(inputs) == 1 and n_columns > 1

    def is_text(self, i: int) -> bool:
        """Return whether column `i` is of text."""
        value = self.inputs[0 if self.is_matrix else i]
        return value.element_type == self.g.element_type(object)

    def is_float32(self, i: int) -> bool:
        """Return whether column `i` is of float32."""
        value = self.inputs[0 if self.is_matrix else i]
        return value.element_type == self.g.element_type(np.float32)

    def column(self, i: int) -> str:
        """Return column `i`, (n, 1)."""
        if not self.is_matrix:
            return self.inputs[i].name
        return self.g.add("Gather", self.inputs[0].name, np.array([i]), axis=1)

    def numbers(self, chosen: Sequence[int]) -> str:
        """Return columns of numbers as one matrix of float64."""
        for i in chosen:
            if self.is_text(i):
                raise ExportError(
                    f"Column {i} holds numbers, but the input of the ONNX model is "
                    "declared as text."
                )
        if self.is_matrix:
            x = self.inputs[0].name
            part = self.g.add("Gather", x, np.array(chosen, np.int64), axis=1)
            return self.g.cast(part, np.float64)
        parts = [self.g.cast(self.inputs[i].name, np.float64) for i in chosen]
        return parts[0] if len(parts) == 1 else self.g.add("Concat", *parts, axis=1)
