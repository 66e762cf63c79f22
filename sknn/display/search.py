"""SearchDisplay: the score of each candidate of a search against its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._network_finder import find_innermost
from .._sklearn import BaseSearchCV, check_matplotlib_support
from .._typing import Array
from ._plotting import (
    as_axes,
    label_decades,
    new_axes,
    score_name,
    spans_decades,
)

MOST_COLUMNS = 3
"""Panels side by side; more would be too narrow for their labels."""

MISSING = object()
"""The value of a parameter that a candidate does not have."""

ROUNDS = {"round": "round", "iter": "iteration"}
"""Columns of ``cv_results_`` that say when a candidate came up, and their names."""


class SearchDisplay:
    """What a search over parameters found: a point for each candidate.

    Use :meth:`from_estimator` to make one. A panel for each parameter: numbers on an
    axis, which is logarithmic where they span decades or were drawn from a
    log-uniform distribution, anything else as categories, in the order in which the
    search lists them, numbers behind the rest and sorted. A ring marks the best
    candidate; where several rounds are drawn that is the best of the last one, and one
    of an earlier round may lie higher. At the lower edge are those whose fit failed, as
    crosses, and as triangles those whose score is so far below that the others could
    not be told apart. The colour is the round of a `CoarseToFineSearchCV`, or the
    iteration of a halving search.

    Parameters
    ----------
    scores : array-like of shape (n_candidates,)
        Mean test score of each candidate; NaN where a fit failed.
    parameters : dict of str to sequence of length n_candidates
        Values of each parameter to draw.
    log_parameters : collection of str, default=()
        Those with a logarithmic axis.
    categories : dict of str to sequence, default=None
        The order of the values of parameters that are drawn as categories; those that
        are left out follow as they appear.
    rounds : array-like of shape (n_candidates,), default=None
        The round in which each candidate came up.
    best_index : int, default=None
        The best candidate.
    score_name : str, default="score"
        What the score is.
    round_name : str, default="round"
        What the rounds are.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_parameters,)
        The panels, in the order of `parameters`.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from sknn import MLPClassifier
    >>> from sknn.display import SearchDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = RandomizedSearchCV(
    ...     MLPClassifier(learning_rate="cosine", max_iter=20, random_state=0),
    ...     {"alpha": loguniform(1e-4, 10), "activation": ["tanh", "logistic"]},
    ...     n_iter=4, cv=2, random_state=0).fit(X, y)
    >>> display = SearchDisplay.from_estimator(search)  # doctest: +SKIP
    """

    axes_: Array
    figure_: Any

    def __init__(
        self,
        *,
        scores: ArrayLike,
        parameters: Mapping[str, Sequence[Any]],
        log_parameters: Sequence[str] = (),
        categories: Mapping[str, Sequence[Any]] | None = None,
        rounds: ArrayLike | None = None,
        best_index: int | None = None,
        score_name: str = "score",
        round_name: str = "round",
    ) -> None:
        self.scores = scores
        self.parameters = parameters
        self.log_parameters = log_parameters
        self.categories = categories
        self.rounds = rounds
        self.best_index = best_index
        self.score_name = score_name
        self.round_name = round_name

    @classmethod
    def from_estimator(
        cls,
        search: Any,
        *,
        parameters: Sequence[str] | None = None,
        metric: str | None = None,
        rounds: int | Sequence[int] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the candidates of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or another fitted search
            Of scikit-learn or of `sknn.model_selection`.
        parameters : sequence of str, default=None
            The parameters to draw, in that order; None draws all that have more than
            one value in a round.
        metric : str, default=None
            Which score to draw, of a search with several; None is that of ``refit``.
        rounds : int or sequence of int, default=None
            The rounds to draw, from 0, of a `CoarseToFineSearchCV`, or iterations of a
            halving search; None draws all. The best candidate is that of the last of
            them.
        ax : array of matplotlib Axes, default=None
            One for each parameter; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : SearchDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If it is no search.
        ValueError
            If there is no such parameter, metric or round, or no parameter was varied.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(search, BaseSearchCV):
            raise TypeError(
                "SearchDisplay draws a fitted search, such as GridSearchCV, got "
                f"search={search!r}."
            )
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        column, what = score_column(search, metric)
        values = parameter_values(results, parameters)
        times = next((name for name in ROUNDS if name in results), None)
        at = np.asarray(results[times]) if times else np.zeros(len(results[column]))
        drawn = candidates_in(at, rounds, ROUNDS[times] if times else None)
        best = getattr(search, "best_index_", None)
        if metric not in (None, search.refit) or best not in drawn:
            last = drawn[at[drawn] == at[drawn].max()]
            ranks = results[column.replace("mean", "rank", 1)]
            best = last[np.argmin(ranks[last])]
        display = cls(
            scores=results[column][drawn],
            parameters={name: [v[i] for i in drawn] for name, v in values.items()},
            log_parameters=[
                name for name in values if is_log(search, name, values[name])
            ],
            categories={name: listed(search, name) for name in values},
            rounds=at[drawn] if times else None,
            best_index=int(np.flatnonzero(drawn == best)[0]),
            score_name=what,
            round_name=ROUNDS[times] if times else "round",
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each parameter; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : SearchDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n = len(self.parameters)
        axes = panels(n) if ax is None else as_axes(ax, n, what="one a parameter")
        self.axes_, self.figure_ = axes, axes[0].figure
        for panel, (name, values) in zip(axes, self.parameters.items(), strict=True):
            self._draw(panel, name, values, kwargs)
        handles, labels = axes[0].get_legend_handles_labels()
        if ax is None:
            columns = min(len(labels), 6 if n >= MOST_COLUMNS else 3)
            self.figure_.legend(
                handles, labels, loc="outside upper center", ncols=columns
            )
            for panel in axes[::MOST_COLUMNS]:
                panel.set_ylabel(f"Mean test {self.score_name}")
        else:
            axes[0].set_ylabel(f"Mean test {self.score_name}")
            axes[0].legend()
        return self

    def _draw(
        self, ax: Any, name: str, values: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        """Draw the panel of one parameter."""
        scores = np.asarray(self.scores, dtype=float)
        failed, low = ~np.isfinite(scores), far_below(scores)
        x, categories = positions(values, (self.categories or {}).get(name, ()))
        ax.set_xlabel(name.replace("__", "__\n"))
        if categories:
            set_categories(ax, categories)
        elif name in self.log_parameters:
            ax.set_xscale("log")
        for group, style in self._groups(len(scores)):
            shown = group & ~failed & ~low
            ax.scatter(x[shown], scores[shown], **{**style, **kwargs})
        for out, marker, label in (low, "v", "below the axis"), (failed, "x", "failed"):
            if out.any():
                place = {"transform": ax.get_xaxis_transform(), "color": "black"}
                ax.plot(x[out], np.full(out.sum(), 0.02), marker, label=label, **place)
        if self.best_index is not None:
            best = x[self.best_index], scores[self.best_index]
            style = {"markersize": 12, "markerfacecolor": "none", "color": "black"}
            ax.plot(*best, "o", label=self._best_label(), **style)
        if ax.get_xscale() == "log":
            label_decades(ax.xaxis)

    def _best_label(self) -> str:
        """Return what the best candidate is the best of."""
        rounds = np.unique([] if self.rounds is None else self.rounds)
        if len(rounds) > 1 and np.asarray(self.rounds)[self.best_index] == rounds[-1]:
            return f"best of the last {self.round_name}"
        return "best"

    def _groups(self, n: int) -> list[tuple[Array, dict[str, Any]]]:
        """Return the candidates to draw in one colour, and in which."""
        style = {"alpha": 0.7, "label": "candidate"}
        if self.rounds is None:
            return [(np.ones(n, dtype=bool), style)]
        from matplotlib import colormaps

        rounds = np.asarray(self.rounds)
        names = np.unique(rounds)
        # From dark to light, but not to the yellow that is lost on white.
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(names)))
        return [
            (rounds == i, {**style, "color": color, "label": f"{self.round_name} {i}"})
            for i, color in zip(names, colors, strict=True)
        ]


def panels(n: int) -> Array:
    """Return `n` panels of a new figure with one scale of scores."""
    if n == 0:
        raise ValueError(
            "There is nothing to draw: no parameter has more than one value."
        )
    columns = min(n, MOST_COLUMNS)
    rows = -(-n // columns)
    size = (max(6.4, 3.2 * columns), 0.6 + 3.2 * rows)
    axes = new_axes(rows, columns, figsize=size, sharey=True).ravel()
    for empty in axes[n:]:
        empty.remove()
    return axes[:n]


def set_categories(ax: Any, categories: list[str]) -> None:
    """Write names of categories below the axis, slanted where they need the room."""
    slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    crowded = len(categories) > 1 and sum(map(len, categories)) > 24
    ax.set_xticks(range(len(categories)), categories, **(slanted if crowded else {}))
    ax.set_xlim(-0.5, len(categories) - 0.5)


def far_below(scores: Array) -> Array:
    """Return which scores are far outliers by Tukey's rule, 3 quartile ranges below."""
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return np.zeros(len(scores), dtype=bool)
    first, third = np.quantile(finite, [0.25, 0.75])
    return scores < first - 3 * (third - first) if third > first else scores < -np.inf


def score_column(search: Any, metric: str | None) -> tuple[str, str]:
    """Return the column of ``cv_results_`` to draw, and what the score is."""
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
    """Return the values of the parameters to draw; MISSING where there is none."""
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
        # The budget of a round, such as max_iter, tells no more than the round.
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
    """Return the numbers of the candidates that came up in `rounds`, None being all.

    `at` is when each came up, and `name` what that is called, if the search has it.
    """
    if rounds is None:
        return np.arange(len(at))
    if name is None:
        raise ValueError(f"The search has no rounds to choose from, got {rounds=}.")
    unknown = np.setdiff1d(rounds, at).tolist()
    if unknown or not np.size(rounds):
        raise ValueError(
            f"rounds must be among the {name}s of the search, "
            f"{np.unique(at).tolist()}, got {rounds}."
        )
    return np.flatnonzero(np.isin(at, rounds))


def varies(values: Sequence[Any], rounds: ArrayLike | None) -> bool:
    """Return whether there are several values, in one round at least."""
    rounds = np.zeros(len(values)) if rounds is None else np.asarray(rounds)
    pairs = set(zip(rounds.tolist(), map(repr, values), strict=True))
    return len(pairs) > len(np.unique(rounds))


def is_number(value: Any) -> bool:
    """Return whether `value` has a place on an axis of numbers."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def positions(
    values: Sequence[Any], order: Sequence[Any] = ()
) -> tuple[Array, list[str]]:
    """Return where `values` lie on the axis, and its labels if they are categories.

    Categories come in `order`, then as they appear; numbers behind the rest, sorted. A
    value that is missing has no place: NaN.
    """
    present = [value for value in values if value is not MISSING]
    if all(map(is_number, present)):
        x = [float(v) if is_number(v) else np.nan for v in values]
        return np.array(x), []
    known = sorted([*order, *present], key=lambda v: v if is_number(v) else -np.inf)
    found = set(map(str, present))
    labels = [label for label in dict.fromkeys(map(str, known)) if label in found]
    numbers = {label: i for i, label in enumerate(labels)}
    return np.array([numbers.get(str(v), np.nan) for v in values]), labels


def sources(search: Any, name: str) -> list[Any]:
    """Return the lists and distributions that a parameter comes from."""
    space = getattr(search, "param_distributions", getattr(search, "param_grid", {}))
    spaces = space if isinstance(space, Sequence) else [space]
    return [part[name] for part in spaces if name in part]


def listed(search: Any, name: str) -> list[Any]:
    """Return the values of a parameter in the order in which the search lists them."""
    lists = [found for found in sources(search, name) if not hasattr(found, "rvs")]
    return [value for values in lists for value in values]


def is_log(search: Any, name: str, values: Sequence[Any]) -> bool:
    """Return whether a parameter belongs on a logarithmic axis.

    A distribution knows; without one, values that span a decade do.
    """
    found = sources(search, name)
    kinds = [getattr(getattr(d, "dist", d), "name", None) for d in found]
    if any(kinds):
        return "loguniform" in kinds or "reciprocal" in kinds
    return spans_decades([v for v in values if is_number(v)])
