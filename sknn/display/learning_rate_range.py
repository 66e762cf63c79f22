"""LearningRateRangeDisplay: the loss against increasing learning rates."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import check_matplotlib_support
from .._typing import MatrixLike
from ..inspection import LearningRateRange, learning_rate_range_test
from ._plotting import label_of, single_axes


class LearningRateRangeDisplay:
    """The result of a learning-rate range test: the loss at increasing learning rates.

    Create one with :meth:`from_estimator` or :meth:`from_result`. The losses of the
    batches are drawn in a pale color, their moving average in full color. A dot marks
    the suggested rate. Where the loss explodes, it is cut off.

    Parameters
    ----------
    learning_rates : array-like of shape (n_steps,)
        The learning rates, in increasing order.
    losses : array-like of shape (n_steps,)
        The loss of each batch.
    smoothed_losses : array-like of shape (n_steps,)
        Their moving average.
    suggestion : float, default=nan
        The suggested rate; NaN if there is none.
    name : str, default=None
        Name of the curve in the legend, to tell several apart.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The losses, their moving average, and the dot, if any.
    ax_ : matplotlib Axes
        The axes with the curves. Another display can draw on it as well.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sknn.inspection.learning_rate_range_test : The test, and how to read it.
    ScheduleDisplay : The learning rate during training.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.display import LearningRateRangeDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = LearningRateRangeDisplay.from_estimator(
    ...     MLPClassifier(random_state=0), X / 16, y
    ... )
    >>> print(f"{display.suggestion:.2f}")
    0.02
    """

    lines_: list[Any]
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        learning_rates: ArrayLike,
        losses: ArrayLike,
        smoothed_losses: ArrayLike,
        suggestion: float = np.nan,
        name: str | None = None,
    ) -> None:
        self.learning_rates = learning_rates
        self.losses = losses
        self.smoothed_losses = smoothed_losses
        self.suggestion = suggestion
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: MatrixLike,
        *,
        min_rate: float = 1e-6,
        max_rate: float = 10.0,
        n_iter: int = 100,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Run a range test on a clone of an estimator, and draw the result.

        Parameters
        ----------
        estimator : estimator
            An estimator of sknn, or a pipeline or fitted search that contains one.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        min_rate : float, default=1e-6
            The first learning rate.
        max_rate : float, default=10.0
            The last learning rate.
        n_iter : int, default=100
            Number of learning rates, one per step.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the moving average.

        Returns
        -------
        display : LearningRateRangeDisplay
            The display, already drawn.

        Raises
        ------
        TypeError
            If `estimator` contains no estimator of sknn.
        ValueError
            If the range is empty, or the solver is 'lbfgs', which has no learning rate.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        result = learning_rate_range_test(
            estimator, X, y, min_rate=min_rate, max_rate=max_rate, n_iter=n_iter
        )
        return cls.from_result(result, ax=ax, name=name, **kwargs)

    @classmethod
    def from_result(
        cls,
        result: LearningRateRange,
        *,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the result of a range test.

        Parameters
        ----------
        result : LearningRateRange
            The result of :func:`~sknn.inspection.learning_rate_range_test`.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the moving average.

        Returns
        -------
        display : LearningRateRangeDisplay
            The display, already drawn.
        """
        display = cls(
            learning_rates=result.learning_rates,
            losses=result.losses,
            smoothed_losses=result.smoothed_losses,
            suggestion=result.suggestion,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend. None uses the name of the display.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the moving average.

        Returns
        -------
        display : LearningRateRangeDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = single_axes(ax)
        self.figure_ = self.ax_.figure
        name = self.name if name is None else name
        bottom, top = self._limits()
        if self.ax_.lines:  # another display has already drawn on these axes
            bottom = min(bottom, self.ax_.get_ylim()[0])
            top = max(top, self.ax_.get_ylim()[1])
        rates = np.asarray(self.learning_rates)
        style = {"label": name or "moving average", **kwargs}
        (average,) = self.ax_.plot(rates, self.smoothed_losses, **style)
        pale = {"color": average.get_color(), "alpha": 0.3, "zorder": 1}
        label = None if name else "batch loss"
        (batches,) = self.ax_.plot(rates, self.losses, label=label, **pale)
        self.lines_ = [batches, average]
        if np.isfinite(self.suggestion):
            self.lines_.append(self._draw_suggestion(name, average.get_color()))
        self.ax_.set(xlabel="Learning rate", ylabel="Loss", xscale="log")
        self.ax_.set_ylim(bottom, top)
        self.ax_.legend()
        return self

    def _draw_suggestion(self, name: str | None, color: Any) -> Any:
        """Draw the dot at the suggested rate."""
        rates = np.asarray(self.learning_rates, dtype=float)
        smoothed = np.asarray(self.smoothed_losses, dtype=float)
        height = np.interp(np.log(self.suggestion), np.log(rates), smoothed)
        label = label_of(name, f"suggested rate {self.suggestion:.2g}")
        (dot,) = self.ax_.plot(self.suggestion, height, "o", color=color, label=label)
        return dot

    def _limits(self) -> tuple[float, float]:
        """Return the limits of the y axis, which leave out exploding losses."""
        losses = np.asarray(self.losses, dtype=float)
        smoothed = np.asarray(self.smoothed_losses, dtype=float)
        lowest = min(np.nanmin(losses), np.nanmin(smoothed))
        fall = smoothed[0] - lowest
        margin = 0.25 * fall if fall > 0 else 0.5 * abs(lowest) or 1.0
        return float(lowest - 0.2 * margin), float(smoothed[0] + margin)
