"""How results print: text and tables in the terminal, HTML in a notebook."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable
from html import escape
from textwrap import fill
from typing import Any, TypeAlias

import numpy as np

Columns: TypeAlias = dict[str, list[Any]]
"""A table: title to values, as `pandas.DataFrame` takes it."""

WIDEST = 88
"""Maximum length of a line, however wide the terminal is."""

NARROWEST = 40
"""Minimum length of a line, however narrow the terminal is."""

MILLION = 1e6
"""Numbers from here on may have an exponent."""


def wrap(text: str, indent: str = "") -> str:
    """Break `text` into indented lines that fit the terminal."""
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    return fill(text, width, initial_indent=indent, subsequent_indent=indent)


def number(value: Any) -> str:
    """Format a value of a table: numbers to three digits, NaN as a dash."""
    if not isinstance(value, float | np.floating):
        return str(value)
    return "–" if np.isnan(value) else rounded(float(value), 3)


def rounded(value: float, digits: int) -> str:
    """Format a number to some digits, without an exponent below a million."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < MILLION else text


def listed(figures: dict[str, float]) -> str:
    """Return names with their values, separated by commas."""
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items())


def text_table(columns: Columns) -> str:
    """Return lines with text aligned on the left and numbers on the right."""
    lines = [""] * (1 + max((len(column) for column in columns.values()), default=0))
    for title, column in columns.items():
        cells = [title.replace("_", " "), *map(number, column)]
        width = max(map(len, cells))
        left = any(isinstance(value, str) for value in column)
        for i, cell in enumerate(cells):
            lines[i] += (cell.ljust(width) if left else cell.rjust(width)) + "  "
    return "\n".join(line.rstrip() for line in lines)


def html_table(columns: Columns) -> str:
    """Return the table as HTML."""
    rows: Iterable[Any] = zip(*columns.values(), strict=True)
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(number(v))}</td>" for v in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_title(title: str) -> str:
    """Return a line in bold."""
    return f"<p><b>{escape(title)}</b></p>"


def html_paragraphs(paragraphs: Iterable[str]) -> str:
    """Return paragraphs as HTML, without those that are empty."""
    return "".join(f"<p>{escape(text)}</p>" for text in paragraphs if text)


class PrintedText(ABC):
    """A result that prints as a title with paragraphs below it."""

    @abstractmethod
    def _title(self) -> str:
        """Return the first line."""

    @abstractmethod
    def _paragraphs(self) -> list[str]:
        """Return the paragraphs; those that are empty are left out."""

    def __repr__(self) -> str:
        below = [wrap(text, "  ") for text in self._paragraphs() if text]
        return "\n".join([self._title(), *below])

    def _repr_html_(self) -> str:
        return html_title(self._title()) + html_paragraphs(self._paragraphs())


class PrintedTable:
    """A result that prints as a table with a title and a remark.

    ``pandas.DataFrame(result.columns)`` makes a data frame of it.
    """

    columns: Columns

    def _title(self) -> str:
        """Return the line above the table."""
        return type(self).__name__

    def _remark(self) -> str:
        """Return the text below the table."""
        return ""

    def __repr__(self) -> str:
        parts = [self._title(), text_table(self.columns), wrap(self._remark())]
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        table = html_title(self._title()) + html_table(self.columns)
        return table + html_paragraphs([self._remark()])
