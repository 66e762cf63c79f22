"""ActivationDisplay: the distribution of what each layer puts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import check_matplotlib_support
from .._typing import Array, MatrixLike
from ..inspection import ActivationStatistics, activation_statistics
from ._plotting import as_axes, new_axes

COVERED = 0.99
"""Share of the elements of each layer that the axis shows; the tails are cut off."""


class ActivationDisplay:
    """Histograms of what the layers put out, one below the other, the input on top.

    Use :meth:`from_estimator` or :meth:`from_statistics` to make one. All layers have
    one axis, so that one can see the signal fade or explode from layer to layer.

    Next to each stands its spread, the standard deviation of a unit over the rows, as
    root mean square over the units: how much the rows differ. A histogram can be wide
    and the spread nothing, where each unit has a value of its own, but the same for all
    rows; then the signal has faded. Where there are any, the share of dead units is
    told, or, of functions that are flat on both sides, that of saturated elements.

    Heights are relative to the layer; a bar that stands out alone, such as the zeros of
    'relu', is cut.

    Parameters
    ----------
    layers : sequence of str of length n_layers
        Names of the layers.
    counts : sequence of n_layers arrays of shape (n_bins,)
        The histograms.
    edges : sequence of n_layers arrays of shape (n_bins + 1,)
        The edges of their bins.
    spread : array-like of shape (n_layers,)
        How much the rows differ in each layer.
    dead, saturated : array-like of shape (n_layers,), default=None
        Shares of dead units and of saturated elements, NaN where there are none.
    name : str, default=None
        Title of the axes.

    Attributes
    ----------
    histograms_ : list of matplotlib StepPatch
        The histogram of each layer.
    ax_ : matplotlib Axes
        The axes with the histograms.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sknn.inspection.activation_statistics : The numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.display import ActivationDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((50, 50, 50), initializer="normal", random_state=0)
    >>> display = ActivationDisplay.from_estimator(clf, X / 16, y)  # doctest: +SKIP
    """

    histograms_: list[Any]
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        layers: Sequence[str],
        counts: Sequence[ArrayLike],
        edges: Sequence[ArrayLike],
        spread: ArrayLike,
        dead: ArrayLike | None = None,
        saturated: ArrayLike | None = None,
        name: str | None = None,
    ) -> None:
        self.layers = layers
        self.counts = counts
        self.edges = edges
        self.spread = spread
        self.dead = dead
        self.saturated = saturated
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: MatrixLike | None = None,
        *,
        layers: Sequence[str] | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what the layers of an estimator make of rows.

        Of a fitted estimator the trained network is looked at, of one that is not
        fitted a clone with initial weights.

        Parameters
        ----------
        estimator : estimator
            One of sknn, or a pipeline or fitted search around one.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to pass through.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The targets, which an estimator that is not fitted needs.
        layers : sequence of str, default=None
            Names of the layers to draw, as in
            :func:`~sknn.inspection.activation_statistics`. None draws the input and
            the activations.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            Title of the axes.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If there is no estimator of sknn in `estimator`.
        ValueError
            If there is no such layer.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        statistics = activation_statistics(estimator, X, y)
        return cls.from_statistics(
            statistics, layers=layers, ax=ax, name=name, **kwargs
        )

    @classmethod
    def from_statistics(
        cls,
        statistics: ActivationStatistics,
        *,
        layers: Sequence[str] | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw statistics that have been computed.

        Parameters
        ----------
        statistics : ActivationStatistics
            What :func:`~sknn.inspection.activation_statistics` returned.
        layers : sequence of str, default=None
            Names of the layers to draw; None draws the input and the activations.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            Title of the axes.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        columns = statistics.columns
        rows = chosen_rows(columns["layer"], np.asarray(columns["dead"]), layers)
        parts = {
            title: [columns[title][i] for i in rows]
            for title in ("spread", "dead", "saturated")
        }
        display = cls(
            layers=[columns["layer"][i] for i in rows],
            counts=[statistics.counts[i] for i in rows],
            edges=[statistics.edges[i] for i in rows],
            name=name,
            **parts,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            Title of the axes; None takes that of the display.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n = len(self.layers)
        axes = new_axes(figsize=(6.4, 1 + 0.6 * n)) if ax is None else ax
        self.ax_ = as_axes(axes, 1)[0]
        self.figure_ = self.ax_.figure
        floors = np.arange(n)[::-1].astype(float)
        style = {"fill": True, "color": "C0", **kwargs}
        self.histograms_ = []
        for floor, counts, edges in zip(floors, self.counts, self.edges, strict=True):
            tops, at = floor + heights(counts), np.asarray(edges, dtype=float)
            bars = self.ax_.stairs(tops, at, baseline=floor, **style)
            self.histograms_.append(bars)
            # All of a layer may lie within a pixel, where bars are not seen.
            i = np.argmax(tops)
            self.ax_.vlines(
                at[i : i + 2].mean(), floor, tops[i], style["color"], lw=0.8
            )
        self.ax_.hlines(floors, 0, 1, "black", lw=0.5, transform=self._across())
        self.ax_.set(xlabel="Activation", xlim=self._limits(), ylim=(-0.05, n))
        self.ax_.set_yticks(floors + 0.3, self.layers)
        self.ax_.tick_params(axis="y", length=0)
        for floor, remark in zip(floors, self._remarks(), strict=True):
            self.ax_.text(
                1.02, floor + 0.3, remark, va="center", transform=self._across()
            )
        name = self.name if name is None else name
        if name is not None:
            self.ax_.set_title(name)
        return self

    def _across(self) -> Any:
        """Return the transform of what spans the axes from left (0) to right (1)."""
        return self.ax_.get_yaxis_transform()

    def _limits(self) -> tuple[float, float]:
        """Return the range that holds most of each layer."""
        tail = (1 - COVERED) / 2
        ends = [
            quantiles(counts, edges, [tail, 1 - tail])
            for counts, edges in zip(self.counts, self.edges, strict=True)
            if np.sum(counts) > 0
        ] or [np.array([0.0, 1.0])]
        low, high = (float(f([e[i] for e in ends])) for i, f in enumerate((min, max)))
        margin = 0.03 * (high - low) or 0.5
        return low - margin, high + margin

    def _remarks(self) -> list[str]:
        """Return what to write next to each layer."""
        nothing = np.full(len(self.layers), np.nan)
        dead = nothing if self.dead is None else np.asarray(self.dead)
        saturated = nothing if self.saturated is None else np.asarray(self.saturated)
        remarks = []
        for spread, d, s in zip(np.asarray(self.spread), dead, saturated, strict=True):
            share, what = (s, "saturated") if np.isfinite(s) else (d, "dead")
            remark = f"spread {spread:.2g}"
            # Below half a percent it would be "0%".
            remarks.append(f"{remark}\n{share:.0%} {what}" if share > 0.005 else remark)
        return remarks


def chosen_rows(
    names: Sequence[str], dead: Array, layers: Sequence[str] | None
) -> list[int]:
    """Return the numbers of the layers to draw."""
    if layers is None:
        activations = np.flatnonzero(np.isfinite(dead)).tolist()
        return [0, *(activations or [len(names) - 1])]
    unknown = [layer for layer in layers if layer not in names]
    if unknown:
        raise ValueError(
            f"layers must be among those of the network, {list(names)}, got {unknown}."
        )
    return [names.index(layer) for layer in layers]


def heights(counts: ArrayLike) -> Array:
    """Return the heights of bars, at most 0.9; one that stands out alone is cut."""
    bars = np.asarray(counts, dtype=float)
    highest, second = np.sort(bars)[[-1, -2]]
    scale = min(highest, 1.25 * second) or highest or 1.0
    return 0.9 * np.minimum(bars / scale, 1)


def quantiles(counts: ArrayLike, edges: ArrayLike, shares: list[float]) -> Array:
    """Return quantiles of a histogram."""
    total = np.cumsum(np.asarray(counts, dtype=float))
    below = np.concatenate([[0.0], total / total[-1]])
    return np.interp(shares, below, np.asarray(edges, dtype=float))
