"""What the displays share: the network inside an estimator, axes, scales, mosaics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._sklearn import BaseSearchCV
from .._typing import Array


def final_estimator(estimator: Any) -> Any:
    """Return the estimator at the end of pipelines and in fitted searches."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, TransformedTargetRegressor):
            check_is_fitted(estimator)
            estimator = estimator.regressor_
        elif isinstance(estimator, BaseSearchCV):
            check_is_fitted(estimator)
            if not hasattr(estimator, "best_estimator_"):
                raise TypeError(
                    f"estimator is a {type(estimator).__name__} with refit=False, "
                    "which keeps no fitted estimator. Search with refit=True, or pass "
                    "an estimator that you have fitted yourself."
                )
            estimator = estimator.best_estimator_
        else:
            return estimator


def fitted_estimator(estimator: Any, attribute: str, display: type) -> Any:
    """Return the final estimator; raise where it is not fitted or lacks `attribute`."""
    final = final_estimator(estimator)
    check_is_fitted(final)
    if not hasattr(final, attribute):
        raise TypeError(
            f"{display.__name__} draws {attribute}, which the given estimator, "
            f"{type(final).__name__}, does not have. Pass one of sknn, alone, as the "
            "last step of a pipeline, or in a fitted search."
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


def as_axes(ax: Any, *allowed: int, what: str = "picture") -> Array:
    """Return one axes or several as an array; raise unless as many as allowed."""
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) not in allowed:
        numbers = " or ".join(map(str, allowed))
        raise ValueError(f"ax must hold {numbers} axes, {what}, got {len(axes)}.")
    return axes


def spans_decades(values: Any, ratio: float = 10) -> bool:
    """Return whether `values` belong on a logarithmic axis.

    All must be positive, and the largest at least `ratio` times the smallest.
    """
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or numbers.min() <= 0:
        return False
    return bool(numbers.max() >= ratio * numbers.min())


def label_decades(axis: Any) -> None:
    """Label a logarithmic axis sparsely: powers of ten, or a few numbers if few fit."""
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
            # Others are better read as powers.
            plain = len(digits) > 1 or (shown.min() >= 1e-4 and shown.max() < 1e6)
            break
    axis.set_major_locator(locator)
    axis.set_minor_formatter(ticker.NullFormatter())
    if plain:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))


def drawn_values(ax: Any) -> Array:
    """Return the heights of all points of the lines in `ax`."""
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    return np.concatenate([np.empty(0), *lines])


def score_name(estimator: Any, scoring: Any) -> str:
    """Return what the scores by `scoring` are, None being ``estimator.score``."""
    if isinstance(scoring, str):
        return scoring
    if scoring is not None:
        return getattr(scoring, "__name__", "score")
    if is_classifier(estimator):
        return "accuracy"
    # With several quantiles it is D².
    r2 = is_regressor(estimator) and getattr(estimator, "loss", None) != "quantile"
    return "R²" if r2 else "score"


def label_of(name: str | None, what: str) -> str:
    """Return the label of one of the curves of an estimator."""
    return what if name is None else f"{name}, {what}"


def whole_numbers(axis: Any) -> None:
    """Put the ticks of `axis`, which counts, on whole numbers."""
    axis.get_major_locator().set_params(integer=True)


def mosaic(rows: Sequence[Sequence[Array]], fill: float) -> Array:
    """Return one image of rows of images (H, W) or (H, W, C), with gaps of `fill`.

    All images have one shape. The places at the end of a shorter row stay empty.
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
    """Return the size in inches of a figure as wide as usual that `image` fills."""
    height, width = image.shape[:2]
    return 6.4, float(np.clip(0.3 + 5.5 * height / width, 1.5, 6))
