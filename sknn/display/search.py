"""SearchDisplay: the score of each candidate of a search against its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._sklearn import BaseSearchCV, check_matplotlib_support
from .._typing import Array
from ._plotting import as_axes, label_decades, new_axes
from ._search_results import (
    MISSING,
    ROUNDS,
    candidates_in,
    is_log,
    is_number,
    listed,
    parameter_values,
    score_column,
)

MAX_COLUMNS = 3
"""Maximum number of panels per row; more would be too narrow for their labels."""

MAX_LABEL = 32
"""Maximum number of characters of a label on one line; longer ones are broken."""


class SearchDisplay:
    """The scores of the candidates of a search against each of their parameters.

    Create one with :meth:`from_estimator`. There is one panel per parameter and one
    point per candidate. Numbers have a numeric axis, which is logarithmic if they span
    a decade or were drawn from a log-uniform distribution. Other values are categories,
    in the order in which the search lists them. If some of them are numbers, these come
    last, in increasing order. A ring marks the best candidate. If several rounds are
    drawn, it is the best of the last round, and a candidate of an earlier round may
    have a higher score. At the lower edge, crosses mark failed fits, and triangles mark
    scores too low for the axis. The color shows the round of a
    :class:`~sknn.model_selection.CoarseToFineSearchCV`, or the iteration of a halving
    search.

    Parameters
    ----------
    scores : array-like of shape (n_candidates,)
        Mean test score of each candidate; NaN where a fit failed.
    parameters : dict of str to sequence of length n_candidates
        The values of each parameter to draw.
    log_parameters : collection of str, default=()
        The parameters with a logarithmic axis.
    categories : dict of str to sequence, default=None
        The order of the values of parameters that are drawn as categories. Values that
        are not listed follow in order of appearance.
    rounds : array-like of shape (n_candidates,), default=None
        The round of each candidate.
    best_index : int, default=None
        Index of the best candidate.
    score_name : str, default="score"
        Name of the score.
    round_name : str, default="round"
        What a round is called.

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
    >>> display = SearchDisplay.from_estimator(search)
    >>> [(panel.get_xlabel(), panel.get_xscale()) for panel in display.axes_]
    [('activation', 'linear'), ('alpha', 'log')]
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
            A search of scikit-learn or of `sknn.model_selection`.
        parameters : sequence of str, default=None
            The parameters to draw, in this order. None draws all that have more than
            one value within a round.
        metric : str, default=None
            The score to draw, if there are several. None draws that of ``refit``.
        rounds : int or sequence of int, default=None
            The rounds to draw, from 0, of a
            :class:`~sknn.model_selection.CoarseToFineSearchCV`, or iterations of a
            halving search. None draws all. The best candidate is the best of the last
            of these.
        ax : array of matplotlib Axes, default=None
            One axes per parameter. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : SearchDisplay
            The display, already drawn.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If it is not a search.
        ValueError
            If a parameter, metric or round does not exist, or no parameter varies.
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
            One axes per parameter. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : SearchDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n = len(self.parameters)
        axes = panels(n) if ax is None else as_axes(ax, n, what="one per parameter")
        self.axes_, self.figure_ = axes, axes[0].figure
        for panel, (name, values) in zip(axes, self.parameters.items(), strict=True):
            self._draw(panel, name, values, kwargs)
        handles, labels = axes[0].get_legend_handles_labels()
        if ax is None:
            columns = min(len(labels), 6 if n >= MAX_COLUMNS else 3)
            self.figure_.legend(
                handles, labels, loc="outside upper center", ncols=columns
            )
            for panel in axes[::MAX_COLUMNS]:
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
        fits = len(name) <= MAX_LABEL
        ax.set_xlabel(name if fits else name.replace("__", "__\n"))
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
        """Return the legend label of the best candidate."""
        rounds = np.unique([] if self.rounds is None else self.rounds)
        if len(rounds) > 1 and np.asarray(self.rounds)[self.best_index] == rounds[-1]:
            return f"best of the last {self.round_name}"
        return "best"

    def _groups(self, n: int) -> list[tuple[Array, dict[str, Any]]]:
        """Return a mask of the candidates of each color, and their style."""
        style = {"alpha": 0.7, "label": "candidate"}
        if self.rounds is None:
            return [(np.ones(n, dtype=bool), style)]
        from matplotlib import colormaps

        rounds = np.asarray(self.rounds)
        names = np.unique(rounds)
        # The yellow end is left out: it is hard to see on white.
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(names)))
        return [
            (rounds == i, {**style, "color": color, "label": f"{self.round_name} {i}"})
            for i, color in zip(names, colors, strict=True)
        ]


def panels(n: int) -> Array:
    """Return `n` panels of a new figure, which share the axis of the scores."""
    if n == 0:
        raise ValueError(
            "There is nothing to draw: no parameter has more than one value."
        )
    columns = min(n, MAX_COLUMNS)
    rows = -(-n // columns)
    size = (max(6.4, 3.2 * columns), 0.6 + 3.2 * rows)
    axes = new_axes(rows, columns, figsize=size, sharey=True).ravel()
    for empty in axes[n:]:
        empty.remove()
    return axes[:n]


def set_categories(ax: Any, categories: list[str]) -> None:
    """Label the axis with categories, slanted if they would overlap."""
    slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    crowded = len(categories) > 1 and sum(map(len, categories)) > 24
    ax.set_xticks(range(len(categories)), categories, **(slanted if crowded else {}))
    ax.set_xlim(-0.5, len(categories) - 0.5)


def far_below(scores: Array) -> Array:
    """Return which scores are over 3 interquartile ranges below the quartile."""
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return np.zeros(len(scores), dtype=bool)
    first, third = np.quantile(finite, [0.25, 0.75])
    return scores < first - 3 * (third - first) if third > first else scores < -np.inf


def positions(
    values: Sequence[Any], order: Sequence[Any] = ()
) -> tuple[Array, list[str]]:
    """Return the positions of `values` on the axis, and labels if they are categories.

    Categories come in the given order, then in order of appearance, followed by sorted
    numbers. The position of a missing value is NaN.
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
