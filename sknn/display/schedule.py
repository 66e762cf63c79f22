"""ScheduleDisplay: the learning rate as training goes on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._estimator import BaseNetworkEstimator
from .._network_finder import find_innermost
from .._sklearn import check_matplotlib_support
from .._typing import Array
from ..schedules import Schedule
from ._plotting import as_axes, new_axes

POINTS = 1000
"""Points of a planned curve; more than a picture has pixels from left to right."""


class ScheduleDisplay:
    """The learning rate against the epochs: as planned, or as it was.

    Use :meth:`from_estimator` or :meth:`from_schedule` to make one.

    Parameters
    ----------
    epochs : array-like of shape (n_points,)
        Epochs completed, fractions included.
    learning_rates : array-like of shape (n_points,)
        The learning rate after these.
    name : str, default=None
        What the curve is called in the legend; there is none without a name.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve that was drawn.
    ax_ : matplotlib Axes
        The axes with the curve; another display can draw on it as well.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sknn.schedules : The schedules.
    LearningRateRangeDisplay : Which learning rate to begin with.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.display import ScheduleDisplay
    >>> from sknn.schedules import Cosine
    >>> clf = MLPClassifier(learning_rate="one_cycle", max_iter=50)
    >>> display = ScheduleDisplay.from_estimator(
    ...     clf, name="one_cycle"
    ... )  # doctest: +SKIP
    >>> clf.set_params(learning_rate=Cosine(warmup=5))
    MLPClassifier(learning_rate=Cosine(warmup=5), max_iter=50)
    >>> ScheduleDisplay.from_estimator(
    ...     clf, ax=display.ax_, name="cosine, warm-up"
    ... )  # doctest: +SKIP
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

        Of a fitted one, those that it was trained with, at the first step of each
        epoch; of one that is not fitted, those planned for ``max_iter`` epochs.

        Parameters
        ----------
        estimator : estimator
            One of sknn, or a pipeline or fitted search that ends with one.
        n_samples : int, default=None
            Training rows of an epoch. Only the plan of ``learning_rate="invscaling"``
            depends on it.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the curve is called in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If it is no estimator of sknn.
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
                final._make_schedule(),
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
            Epochs that training may take, the ``max_iter`` of an estimator.
        learning_rate_init : float, default=1.0
            The rate that the schedule's factor applies to.
        n_samples : int, default=None
            Training rows of an epoch. Only ``InvScaling`` depends on it.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the curve is called in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            What was drawn.

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
            Where to draw; None makes a new figure.
        name : str, default=None
            What the curve is called in the legend; None takes that of the display.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ScheduleDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = as_axes(new_axes() if ax is None else ax, 1)[0]
        self.figure_ = self.ax_.figure
        name = self.name if name is None else name
        style = {"label": name, **kwargs}
        if len(np.asarray(self.epochs)) == 1:  # a line of one point would not be seen
            style = {"marker": "o", **style}
        (self.line_,) = self.ax_.plot(self.epochs, self.learning_rates, **style)
        self.ax_.set(xlabel="Epochs completed", ylabel="Learning rate")
        if self.ax_.get_legend_handles_labels()[0]:
            self.ax_.legend()
        return self


def planned_factors(schedule: Schedule, n_epochs: int, n_samples: int) -> Array:
    """Return the factors of `schedule` from the first epoch to the last."""
    epochs = np.linspace(0, n_epochs, POINTS)
    return np.array(
        [
            schedule(epoch, n_epochs, rows=int(epoch) * n_samples)
            for epoch in epochs.tolist()
        ]
    )
