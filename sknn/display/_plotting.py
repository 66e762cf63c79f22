"""Helpers of the displays: fitted estimators, axes, scales, labels, image grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from .._network_finder import find_innermost
from .._typing import Array


def fitted_estimator(estimator: Any, attribute: str, display: type) -> Any:
    """Return the final estimator; raise if it is not fitted or lacks `attribute`."""
    final = find_innermost(estimator).estimator
    check_is_fitted(final)
    if not hasattr(final, attribute):
        raise TypeError(
            f"{display.__name__} draws {attribute}, which the given estimator, "
            f"{type(final).__name__}, does not have. Pass an estimator of sknn, a "
            "pipeline that ends with one, or a fitted search over one."
        )
    return final


def new_axes(
    rows: int = 1,
    columns: int = 1,
    figsize: tuple[float, float] | None = None,
    **kwargs: Any,
) -> Array:
    """Return the axes (rows, columns) of a new figure."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(
        rows, columns, figsize=figsize, layout="constrained", squeeze=False, **kwargs
    )
    return axes


def single_axes(ax: Any, figsize: tuple[float, float] | None = None) -> Any:
    """Return `ax` if it is one axes, or the axes of a new figure if it is None."""
    return as_axes(new_axes(figsize=figsize) if ax is None else ax, 1)[0]


def as_axes(ax: Any, *allowed: int, what: str = "") -> Array:
    """Return one or several axes as an array; raise if their number is not allowed."""
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) not in allowed:
        numbers = " or ".join(map(str, allowed))
        purpose = f", {what}" if what else ""
        raise ValueError(f"ax must hold {numbers} axes{purpose}, got {len(axes)}.")
    return axes


def spans_decades(values: Any, ratio: float = 10) -> bool:
    """Return whether `values` should be drawn on a logarithmic axis.

    All must be positive, and the largest at least `ratio` times the smallest.
    """
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or numbers.min() <= 0:
        return False
    return bool(numbers.max() >= ratio * numbers.min())


def label_decades(axis: Any) -> None:
    """Label a logarithmic axis at powers of ten; with fewer than 3, in between too."""
    from matplotlib import ticker

    low, high = axis.get_view_interval()
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    powers = [float(f"1e{n}") for n in exponents]  # exact, as 10.0**n need not be
    locator: Any = ticker.MaxNLocator(3, steps=[1, 2, 5, 10])
    plain = True
    for digits in ([1], [1, 3], [1, 2, 5]):
        ticks = np.outer(powers, digits)
        shown = ticks[(low <= ticks) & (ticks <= high)]
        if len(shown) >= 3:
            locator = ticker.LogLocator(subs=digits)
            # Very small and very large numbers are easier to read as powers.
            plain = len(digits) > 1 or (shown.min() >= 1e-4 and shown.max() < 1e6)
            break
    axis.set_major_locator(locator)
    axis.set_minor_formatter(ticker.NullFormatter())
    if plain:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))


def drawn_values(ax: Any) -> Array:
    """Return the y values of all points of the lines in `ax`."""
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    return np.concatenate([np.empty(0), *lines])


def score_name(estimator: Any, scoring: Any) -> str:
    """Return the name of the score; `scoring=None` stands for ``estimator.score``."""
    if isinstance(scoring, str):
        return scoring
    if scoring is not None:
        return getattr(scoring, "__name__", "score")
    if is_classifier(estimator):
        return "accuracy"
    # With several quantiles, `score` returns D².
    r2 = is_regressor(estimator) and getattr(estimator, "loss", None) != "quantile"
    return "R²" if r2 else "score"


def label_of(name: str | None, what: str) -> str:
    """Return the label of a curve, with the name of its estimator if it has one."""
    return what if name is None else f"{name}, {what}"


def use_integer_ticks(axis: Any) -> None:
    """Put the ticks of `axis` at integers."""
    axis.get_major_locator().set_params(integer=True)


def mosaic(rows: Sequence[Sequence[Array]], fill: float) -> Array:
    """Join rows of images (H, W) or (H, W, C) into one image, with gaps of `fill`.

    All images have the same shape. A shorter row is padded with `fill`.
    """
    H, W, *C = rows[0][0].shape
    gap = max(1, min(H, W) // 8)
    height = len(rows) * (H + gap) - gap
    width = max(map(len, rows)) * (W + gap) - gap
    whole = np.full((height, width, *C), fill)
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            top, left = i * (H + gap), j * (W + gap)
            whole[top : top + H, left : left + W] = tile
    return whole


def fitting_size(image: Array) -> tuple[float, float]:
    """Return a figure size in inches, of the default width, that `image` fills."""
    height, width = image.shape[:2]
    return 6.4, float(np.clip(0.3 + 5.5 * height / width, 1.5, 6))
