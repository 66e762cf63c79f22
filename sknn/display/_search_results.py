"""What SearchDisplay reads from a search: scores, parameters, rounds, scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._network_finder import find_innermost
from .._typing import Array
from ._plotting import score_name, spans_decades

MISSING = object()
"""Stands for the value of a parameter that a candidate does not have."""

ROUNDS = {"round": "round", "iter": "iteration"}
"""Columns of ``cv_results_`` with the round of each candidate, and their names."""


def score_column(search: Any, metric: str | None) -> tuple[str, str]:
    """Return the column of ``cv_results_`` to draw, and the name of the score."""
    prefix = "mean_test_"
    columns = [name for name in search.cv_results_ if name.startswith(prefix)]
    metrics = [column.removeprefix(prefix) for column in columns]
    if metric is None and isinstance(search.refit, str):
        metric = search.refit
    if metric is None and len(columns) == 1:
        scored = find_innermost(search.estimator).estimator
        return columns[0], score_name(scored, search.scoring)
    if metric is None or metric not in metrics:
        raise ValueError(
            f"metric must be one of the scores of the search, {metrics}, got "
            f"{metric!r}."
        )
    return prefix + metric, metric


def parameter_values(
    results: Mapping[str, Any], parameters: Sequence[str] | None
) -> dict[str, list[Any]]:
    """Return the values of the parameters to draw; MISSING if a candidate has none."""
    found = {
        column.removeprefix("param_"): [
            MISSING if missing else value
            for value, missing in zip(
                np.ma.getdata(values), np.ma.getmaskarray(values), strict=True
            )
        ]
        for column, values in results.items()
        if column.startswith("param_")
    }
    if parameters is None:
        # Within a round, its budget, such as max_iter, does not vary.
        rounds = next((results[name] for name in ROUNDS if name in results), None)
        return {name: v for name, v in found.items() if varies(v, rounds)}
    unknown = [name for name in parameters if name not in found]
    if unknown:
        raise ValueError(
            f"parameters must be among those of the search, {sorted(found)}, got "
            f"{unknown}."
        )
    return {name: found[name] for name in parameters}


def candidates_in(
    at: Array, rounds: int | Sequence[int] | None, name: str | None
) -> Array:
    """Return the indices of the candidates of the given rounds; None means all.

    `at` is the round of each candidate, and `name` what a round is called, or None.
    """
    if rounds is None:
        return np.arange(len(at))
    if name is None:
        raise ValueError(f"The search has no rounds to select, got {rounds=}.")
    unknown = np.setdiff1d(rounds, at).tolist()
    if unknown or not np.size(rounds):
        raise ValueError(
            f"rounds must be among the {name}s of the search, "
            f"{np.unique(at).tolist()}, got {rounds}."
        )
    return np.flatnonzero(np.isin(at, rounds))


def varies(values: Sequence[Any], rounds: ArrayLike | None) -> bool:
    """Return whether there are several values within at least one round."""
    rounds = np.zeros(len(values)) if rounds is None else np.asarray(rounds)
    pairs = set(zip(rounds.tolist(), map(repr, values), strict=True))
    return len(pairs) > len(np.unique(rounds))


def is_number(value: Any) -> bool:
    """Return whether `value` can be drawn on a numeric axis."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def sources(search: Any, name: str) -> list[Any]:
    """Return the lists and distributions of a parameter in a search."""
    space = getattr(search, "param_distributions", getattr(search, "param_grid", {}))
    spaces = space if isinstance(space, Sequence) else [space]
    return [part[name] for part in spaces if name in part]


def listed(search: Any, name: str) -> list[Any]:
    """Return the listed values of a parameter, in the order of the search."""
    lists = [found for found in sources(search, name) if not hasattr(found, "rvs")]
    return [value for values in lists for value in values]


def is_log(search: Any, name: str, values: Sequence[Any]) -> bool:
    """Return whether a parameter should have a logarithmic axis.

    A distribution decides; without one, values that span a decade do.
    """
    found = sources(search, name)
    kinds = [getattr(getattr(d, "dist", d), "name", None) for d in found]
    if any(kinds):
        return "loguniform" in kinds or "reciprocal" in kinds
    return spans_decades([v for v in values if is_number(v)])
