"""ActivationDisplay: the distribution of the output of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import check_matplotlib_support
from .._typing import Array, MatrixLike
from ..inspection import ActivationStatistics, activation_statistics
from ._plotting import single_axes

COVERED = 0.99
"""Fraction of the elements of each layer that the axis covers, without the tails."""


class ActivationDisplay:
    """Histograms of the outputs of the layers, one below the other, the input on top.

    Create one with :meth:`from_estimator` or :meth:`from_statistics`. All layers share
    one axis, which shows whether the signal fades or explodes from layer to layer.

    Next to each histogram is the spread of the layer, a measure of how much the rows
    differ: the standard deviation of a unit over the rows, as root mean square over the
    units. A wide histogram can have a spread near zero, if each unit has its own value,
    but the same one for all rows; then the signal has faded. If there are any, the
    percentage of dead units is shown too, or, for activation functions that are flat on
    both sides, that of saturated elements.

    Heights are relative to each layer. A single bar that is much higher than the rest,
    such as the zeros of 'relu', is cut off.

    Parameters
    ----------
    layers : sequence of str of length n_layers
        Names of the layers.
    counts : sequence of n_layers arrays of shape (n_bins,)
        The histograms.
    edges : sequence of n_layers arrays of shape (n_bins + 1,)
        The edges of the bins.
    spread : array-like of shape (n_layers,)
        The spread of each layer.
    dead, saturated : array-like of shape (n_layers,), default=None
        Fractions of dead units and of saturated elements; NaN if undefined.
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
    >>> display = ActivationDisplay.from_estimator(clf, X / 16, y)
    >>> for layer, spread in zip(display.layers, display.spread):
    ...     print(f"{layer}: spread {spread:.0e}")
    input: spread 3e-01
    activation1: spread 1e-02
    activation2: spread 5e-04
    activation3: spread 2e-05
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
        """Draw the outputs of the layers of an estimator for given rows.

        The network is the trained one if the estimator is fitted, else that of a clone
        with initial weights.

        Parameters
        ----------
        estimator : estimator
            An estimator of sknn, or a pipeline or fitted search that contains one.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to pass through the network.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The targets. Required if the estimator is not fitted.
        layers : sequence of str, default=None
            Names of the layers to draw, as in
            :func:`~sknn.inspection.activation_statistics`. None draws the input and
            the activations.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Title of the axes.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            The display, already drawn.

        Raises
        ------
        TypeError
            If `estimator` contains no estimator of sknn.
        ValueError
            If the network has no layer of a given name.
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
        """Draw the result of :func:`~sknn.inspection.activation_statistics`.

        Parameters
        ----------
        statistics : ActivationStatistics
            The result of :func:`~sknn.inspection.activation_statistics`.
        layers : sequence of str, default=None
            Names of the layers to draw; None draws the input and the activations.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Title of the axes.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If the network has no layer of a given name.
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
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Title of the axes. None uses the name of the display.
        **kwargs : dict
            Passed to matplotlib's ``stairs``.

        Returns
        -------
        display : ActivationDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n = len(self.layers)
        self.ax_ = single_axes(ax, figsize=(6.4, 1 + 0.6 * n))
        self.figure_ = self.ax_.figure
        floors = np.arange(n)[::-1].astype(float)
        style = {"fill": True, "color": "C0", **kwargs}
        self.histograms_ = []
        for floor, counts, edges in zip(floors, self.counts, self.edges, strict=True):
            tops, at = floor + heights(counts), np.asarray(edges, dtype=float)
            bars = self.ax_.stairs(tops, at, baseline=floor, **style)
            self.histograms_.append(bars)
            # A line keeps a layer visible whose bars all lie within a pixel.
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
        """Return a transform whose x goes from 0 to 1 across the axes."""
        return self.ax_.get_yaxis_transform()

    def _limits(self) -> tuple[float, float]:
        """Return the limits of the axis, which covers most of each layer."""
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
        """Return the text next to each layer."""
        nothing = np.full(len(self.layers), np.nan)
        dead = nothing if self.dead is None else np.asarray(self.dead)
        saturated = nothing if self.saturated is None else np.asarray(self.saturated)
        remarks = []
        for spread, d, s in zip(np.asarray(self.spread), dead, saturated, strict=True):
            share, what = (s, "saturated") if np.isfinite(s) else (d, "dead")
            remark = f"spread {spread:.2g}"
            # At most half a percent would be shown as 0%.
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
    """Return the heights of bars, at most 0.9; a single very high one is cut off."""
    bars = np.asarray(counts, dtype=float)
    highest, second = np.sort(bars)[[-1, -2]]
    scale = min(highest, 1.25 * second) or highest or 1.0
    return 0.9 * np.minimum(bars / scale, 1)


def quantiles(counts: ArrayLike, edges: ArrayLike, shares: list[float]) -> Array:
    """Return quantiles of a histogram."""
    total = np.cumsum(np.asarray(counts, dtype=float))
    below = np.concatenate([[0.0], total / total[-1]])
    return np.interp(shares, below, np.asarray(edges, dtype=float))
