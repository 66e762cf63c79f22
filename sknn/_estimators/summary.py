"""The summary of a network: a table with one row per layer, in text or HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html import escape
from typing import TypeAlias

from .._typing import Shape
from ..layers import Layer, LayerSpec
from ..network import Network
from .assembly import member_networks

TITLES = ("layer", "kind", "output shape", "parameters")

LEFT_OUT = ("name", "initializer", "parametrization", "data_driven")
"""Hyper-parameters of initial weights, and of their scale; the name has a column."""

WIDTH, KIND_WIDTH = 80, 24
"""Maximum number of columns of the text, and to how few its kinds can be wrapped."""

TABLE = """\
<div class="estimator-table"><details{opened}><summary>Architecture: {caption}</summary>
<table class="parameters-table"><tbody>
{rows}
</tbody></table></details></div>"""


Row: TypeAlias = tuple[str, str, Shape, int]
"""Name, kind, output shape, number of parameters."""


def shape_like_X(shape: Shape) -> Shape:
    """Return a shape with channels last, as in `X`; layers have them first."""
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def rows_of(name: str, layer: Layer, spec: LayerSpec) -> list[Row]:
    """Return the row of a layer, then those of the layers inside it."""
    n = sum(math.prod(param.shape) for param in spec.params.values())
    shape = shape_like_X(spec.out_shape)
    if not spec.parts:
        kind = layer.describe(without=LEFT_OUT)
        return [(name, kind, shape, n)]
    rows = [(name, type(layer).__name__, shape, n)]
    for i, (part, part_spec) in enumerate(layer.parts(spec)):
        rows += rows_of(f"  {name}.{i}", part, part_spec)
    return rows


def wrapped(kind: str, width: int) -> list[str]:
    """Return a kind in lines of at most `width` characters, if its parts fit."""
    lines = [""]
    for part in re.split(r"(?<=[( ])", kind):
        if lines[-1].strip() and len(lines[-1] + part.rstrip()) > width:
            lines.append("  ")
        lines[-1] += part
    return [line.rstrip() for line in lines]


class Summary:
    """The layers of a network; prints as a table.

    Attributes
    ----------
    rows : list of tuple
        For each layer its name, its kind, the shape of its output for one row (for
        images height, width and channels, as in `X`) and its number of parameters. The
        layers inside a residual block follow it, indented. Of an ensemble, they are
        the layers of a member.
    n_members : int
        Number of members; 1 for a single network.
    n_parameters : int
        Number of parameters, of all members together.
    n_frozen : int
        Number of parameters that are frozen: training does not change them.
    """

    def __init__(self, network: Network) -> None:
        self.n_parameters = network.theta.size
        self.n_frozen = network.theta.size - network.n_trained
        members = member_networks(network)
        self.n_members, network = len(members), members[0]
        self.rows: list[Row] = []
        self._frozen: list[bool] = []
        layers = zip(network.names, network.layers, network.specs, strict=True)
        for (name, layer, spec), rate in zip(layers, network.rates, strict=True):
            self.rows += rows_of(name, layer, spec)
            self._frozen += [rate == 0] * (len(self.rows) - len(self._frozen))

    @property
    def caption(self) -> str:
        """The number of parameters, and of members, and how many are frozen."""
        members = f" in {self.n_members} such members" if self.n_members > 1 else ""
        frozen = f", {self.n_frozen:,} of them frozen" if self.n_frozen else ""
        return f"{self.n_parameters:,} parameters{members}{frozen}"

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
        cells = self._wrapped_cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join(
            [lines[0], "-" * max(map(len, lines)), *lines[1:], self.caption]
        )

    def _wrapped_cells(self) -> list[tuple[str, ...]]:
        """Return the titles and the cells, with more rows where kinds are too wide."""
        cells = [TITLES, *self._cells()]
        names, _, *others = zip(*cells, strict=True)
        used = sum(2 + max(map(len, column)) for column in (names, *others))
        rows: list[tuple[str, ...]] = []
        for name, kind, *rest in cells:
            first, *more = wrapped(kind, max(WIDTH - used, KIND_WIDTH))
            rows.append((name, first, *rest))
            rows += [("", line, "", "") for line in more]
        return rows

    def _repr_html_(self) -> str:
        return self.as_html(opened=True)

    def as_html(self, opened: bool = False) -> str:
        """Return the table in HTML; unless `opened`, it unfolds on a click."""
        rows = [[f"<th>{title}</th>" for title in TITLES]]
        rows += [[f"<td>{escape(cell)}</td>" for cell in row] for row in self._cells()]
        lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
        return TABLE.format(opened=" open" * opened, caption=self.caption, rows=lines)


class HTMLTables:
    """Tables in the notebook's diagram of an estimator, stacked vertically."""

    def __init__(self, *parts: Callable[[], str]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts)

    def _repr_html_inner(self) -> str:
        return "".join(part() for part in self.parts)
