"""The tables of `bench_tables.py`: how they are read and split.

A folder of tables has a `load.py` with `NAMES`, `load(name)`, which returns X (a data
frame: float and category columns), y and ``"class"`` or ``"number"``, and `split(name,
seed)`, which returns X_train, X_test, y_train, y_test and that kind.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, NamedTuple

from sklearn.model_selection import train_test_split

VALIDATION = {"test_size": 0.2, "random_state": 1000}
"""How the training rows are split again, so that no choice depends on test rows."""


class Split(NamedTuple):
    """One table, split for one seed; `n_rows` counts those of all parts."""

    X: Any
    X_test: Any
    y: Any
    y_test: Any
    kind: str
    n_rows: int


@cache
def reader(folder):
    """Import the `load.py` of a folder."""
    spec = spec_from_file_location("load", f"{folder}/load.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=2)
def read(folder, table, seed, validation=False, max_rows=None):
    """Return a `Split`; for validation, its test rows are training rows left out.

    `max_rows` limits the number of training rows.
    """
    limit = {} if max_rows is None else {"n_train": max_rows}
    X, X_test, y, y_test, kind = reader(folder).split(table, seed, **limit)
    n_rows = len(X) + len(X_test)
    if validation:
        stratify = y if kind == "class" else None
        X, X_test, y, y_test = train_test_split(X, y, stratify=stratify, **VALIDATION)
    return Split(X, X_test, y, y_test, kind, n_rows)


def chosen_tables(folder, names):
    """Return the names of tables; "class" and "number" stand for all of that kind."""
    read = reader(folder)
    if not names:
        return list(read.NAMES)
    kinds = {}
    if {"class", "number"} & {*names}:
        kinds = {name: read.load(name)[2] for name in read.NAMES}
    chosen = [x for x in read.NAMES if x in names or kinds.get(x) in names]
    if unknown := {*names} - {*read.NAMES, "class", "number"}:
        raise SystemExit(f"Unknown tables: {sorted(unknown)}. There are {read.NAMES}.")
    return chosen
