"""The summary of a network: a row for each layer, as a table in text or HTML."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import TypeAlias

from .._typing import Shape
from ..layers import Layer, LayerSpec
from ..network import Network

TITLES = ("layer", "kind", "output shape", "parameters")
TABLE = """\
<div class="estimator-table"><details{opened}><summary>Architecture: {caption}</summary>
<table class="parameters-table"><tbody>
{rows}
</tbody></table></details></div>"""


Row: TypeAlias = tuple[str, str, Shape, int]
"""Name, kind, output shape, number of parameters."""


def rows_of(name: str, layer: Layer, spec: LayerSpec) -> list[Row]:
    """Return the row of a layer, then those of the layers inside it."""
    n = sum(math.prod(param.shape) for param in spec.params.values())
    if not spec.parts:
        kind = layer.describe(without=("name", "initializer"))
        return [(name, kind, spec.out_shape, n)]
    rows = [(name, type(layer).__name__, spec.out_shape, n)]
    for i, (part, part_spec) in enumerate(layer.parts(spec)):
        rows += rows_of(f"  {name}.{i}", part, part_spec)
    return rows


class Summary:
    """What a network is made of; prints as a table.

    Attributes
    ----------
    rows : list of tuple
        For each layer its name, its kind, the shape of its output for one row (of
        images: channels, height, width) and the number of its parameters; below a
        residual block also the layers inside it, indented.
    n_parameters : int
        All of them.
    n_frozen : int
        Those that training leaves as they are.
    """

    def __init__(self, network: Network) -> None:
        self.rows: list[Row] = []
        self._frozen: list[bool] = []
        layers = zip(network.names, network.layers, network.specs, strict=True)
        for (name, layer, spec), rate in zip(layers, network.rates, strict=True):
            self.rows += rows_of(name, layer, spec)
            self._frozen += [rate == 0] * (len(self.rows) - len(self._frozen))
        self.n_parameters = network.theta.size
        self.n_frozen = network.theta.size - network.n_trained

    @property
    def caption(self) -> str:
        """The parameters in words."""
        frozen = f", {self.n_frozen:,} of them frozen" if self.n_frozen else ""
        return f"{self.n_parameters:,} parameters{frozen}"

    def _cells(self) -> list[tuple[str, ...]]:
        rows = zip(self.rows, self._frozen, strict=True)
        return [
            (
                name,
                kind,
                " × ".join(map(str, shape)),
                f"{n:,}{' (frozen)' * (n > 0 and frozen)}",
            )
            for (name, kind, shape, n), frozen in rows
        ]

    def __repr__(self) -> str:
        cells = [TITLES, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join(
            [lines[0], "-" * max(map(len, lines)), *lines[1:], self.caption]
        )

    def _repr_html_(self) -> str:
        return self.as_html(opened=True)

    def as_html(self, opened: bool = False) -> str:
        """Return the table in HTML, which a click opens unless it is `opened`."""
        rows = [[f"<th>{title}</th>" for title in TITLES]]
        rows += [[f"<td>{escape(cell)}</td>" for cell in row] for row in self._cells()]
        lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
        return TABLE.format(opened=" open" * opened, caption=self.caption, rows=lines)


class HTMLTables:
    """Tables of the notebook's diagram of an estimator, one below the other."""

    def __init__(self, *parts: Callable[[], str]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts)

    def _repr_html_inner(self) -> str:
        return "".join(part() for part in self.parts)
