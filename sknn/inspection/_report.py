"""How results print: text and tables in the terminal, HTML in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from html import escape
from textwrap import fill
from typing import Any, TypeAlias

import numpy as np

Columns: TypeAlias = dict[str, list[Any]]
"""A table: lists of one length by title, as `pandas.DataFrame` takes them."""

WIDTH = 88


def wrap(text: str, indent: str = "") -> str:
    """Break `text` into lines that begin with `indent`."""
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def number(value: Any) -> str:
    """Write a value of a table: numbers to three digits, NaN as a dash."""
    if not isinstance(value, float | np.floating):
        return str(value)
    return "–" if np.isnan(value) else f"{value:.3g}"


def text_table(columns: Columns) -> str:
    """Return lines with names on the left and numbers on the right."""
    lines = [""] * (1 + max((len(column) for column in columns.values()), default=0))
    for title, column in columns.items():
        cells = [title.replace("_", " "), *map(number, column)]
        width = max(map(len, cells))
        left = any(isinstance(value, str) for value in column)
        for i, cell in enumerate(cells):
            lines[i] += (cell.ljust(width) if left else cell.rjust(width)) + "  "
    return "\n".join(line.rstrip() for line in lines)


def html_table(columns: Columns) -> str:
    """Return the same as HTML."""
    rows: Iterable[Any] = zip(*columns.values(), strict=True)
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(number(v))}</td>" for v in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Printed(ABC):
    """A result that a terminal and a notebook show as text, not as a constructor."""

    @abstractmethod
    def __repr__(self) -> str:
        """Return the text."""

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


class PrintedTable(Printed):
    """A result that is a table with a title and remarks.

    ``pandas.DataFrame(result.columns)`` makes a data frame of it.
    """

    columns: Columns

    def _title(self) -> str:
        """Return the line above the table."""
        return type(self).__name__

    def _remark(self) -> str:
        """Return what stands below the table."""
        return ""

    def __repr__(self) -> str:
        parts = [self._title(), text_table(self.columns), self._remark()]
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        remark = self._remark()
        below = f"<p>{escape(remark)}</p>" if remark else ""
        title = f"<p><b>{escape(self._title())}</b></p>"
        return title + html_table(self.columns) + below
