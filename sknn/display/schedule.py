"""ScheduleDisplay: the learning rate during training."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._estimators.base import BaseNetworkEstimator
from .._estimators.parameters import make_schedule
from .._network_finder import find_innermost
from .._sklearn import check_matplotlib_support
from .._typing import Array
from ..schedules import Schedule
from ._plotting import single_axes

POINTS = 1000
"""Points of a planned curve; more than a plot usually has pixels across."""


class ScheduleDisplay:
    """The learning rate over the epochs, as planned or as used in training.

    Create one with :meth:`from_estimator` or :meth:`from_schedule`.

    Parameters
    ----------
    epochs : array-like of shape (n_points,)
        Number of completed epochs, which may be fractional.
    learning_rates : array-like of shape (n_points,)
        The learning rate at that time.
    name : str, default=None
        Name of the curve in the legend. Without a name there is no legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve that was drawn.
    ax_ : matplotlib Axes
        The axes with the curve. Another display can draw on it as well.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sknn.schedules : The schedules.
    LearningRateRangeDisplay : Helps to choose `learning_rate_init`.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.display import ScheduleDisplay
    >>> from sknn.schedules import Cosine
    >>> clf = MLPClassifier(learning_rate="one_cycle", max_iter=50)
    >>> display = ScheduleDisplay.from_estimator(clf, name="one_cycle")
    >>> rates = display.learning_rates
    >>> print(f"from {rates[0]:.0e} to {max(rates):.0e}, then to {rates[-1]:.0e}")
    from 4e-05 to 1e-03, then to 4e-09

    Another schedule in the same picture:

    >>> clf = clf.set_params(learning_rate=Cosine(warmup=5))
    >>> display = ScheduleDisplay.from_estimator(
    ...     clf, ax=display.ax_, name="cosine, warm-up"
    ... )
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['one_cycle', 'cosine, warm-up']
    """

    line_: Any
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        epochs: ArrayLike,
        learning_rates: ArrayLike,
        name: str | None = None,
    ) -> None:
        self.epochs = epochs
        self.learning_rates = learning_rates
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_samples: int | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the learning rates of an estimator.

        For a fitted estimator, these are the learning rates used in training, at the
        first step of each epoch; otherwise those planned for ``max_iter`` epochs.

        Parameters
        ----------
        estimator : estimator
            An estimator of sknn, or a pipeline or fitted search that ends with one.
        n_samples : int, default=None
            Number of training rows. Only the plan of ``learning_rate="invscaling"``
            depends on it.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            The display, already drawn.

        Raises
        ------
        TypeError
            If it is not an estimator of sknn.
        ValueError
            If the solver is 'lbfgs', which has no learning rate, or if the plan depends
            on `n_samples` and that is None.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        final = find_innermost(estimator).estimator
        if not isinstance(final, BaseNetworkEstimator):
            raise TypeError(
                "ScheduleDisplay draws the learning rate of an estimator of sknn, got "
                f"estimator={final!r}."
            )
        if final.solver == "lbfgs":
            raise ValueError(
                "solver='lbfgs' has no learning rate to draw. Choose another solver."
            )
        if not hasattr(final, "learning_rates_"):
            return cls.from_schedule(
                make_schedule(final),
                final.max_iter,
                learning_rate_init=final.learning_rate_init,
                n_samples=n_samples,
                ax=ax,
                name=name,
                **kwargs,
            )
        rates = final.learning_rates_
        display = cls(epochs=np.arange(len(rates)), learning_rates=rates, name=name)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_schedule(
        cls,
        schedule: Schedule,
        n_epochs: int,
        *,
        learning_rate_init: float = 1.0,
        n_samples: int | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a schedule.

        Parameters
        ----------
        schedule : Schedule
            The schedule.
        n_epochs : int
            Maximum number of epochs, the ``max_iter`` of an estimator.
        learning_rate_init : float, default=1.0
            The learning rate that the factors of the schedule multiply.
        n_samples : int, default=None
            Number of training rows. Only ``InvScaling`` depends on it.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If the schedule depends on `n_samples` and that is None.
        """
        check_matplotlib_support(f"{cls.__name__}.from_schedule")
        if n_samples is None:
            factors = planned_factors(schedule, n_epochs, 0)
            if not np.array_equal(factors, planned_factors(schedule, n_epochs, 1)):
                raise ValueError(
                    f"{schedule!r} depends on the number of training rows. Pass it as "
                    "n_samples."
                )
        else:
            factors = planned_factors(schedule, n_epochs, n_samples)
        display = cls(
            epochs=np.linspace(0, n_epochs, POINTS),
            learning_rates=learning_rate_init * factors,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default=None
            Name of the curve in the legend. None uses the name of the display.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = single_axes(ax)
        self.figure_ = self.ax_.figure
        name = self.name if name is None else name
        style = {"label": name, **kwargs}
        if len(np.asarray(self.epochs)) == 1:  # a line of one point is invisible
            style = {"marker": "o", **style}
        (self.line_,) = self.ax_.plot(self.epochs, self.learning_rates, **style)
        self.ax_.set(xlabel="Epochs completed", ylabel="Learning rate")
        if self.ax_.get_legend_handles_labels()[0]:
            self.ax_.legend()
        return self


def planned_factors(schedule: Schedule, n_epochs: int, n_samples: int) -> Array:
    """Return the factors of `schedule` at `POINTS` times from first to last epoch."""
    epochs = np.linspace(0, n_epochs, POINTS)
    return np.array(
        [
            schedule(epoch, n_epochs, rows=int(epoch) * n_samples)
            for epoch in epochs.tolist()
        ]
    )
