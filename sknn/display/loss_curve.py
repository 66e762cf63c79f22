"""LossCurveDisplay: loss and validation score after each epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import check_matplotlib_support
from .._typing import Array
from ._plotting import (
    as_axes,
    drawn_values,
    fitted_estimator,
    label_decades,
    label_of,
    new_axes,
    score_name,
    spans_decades,
    use_integer_ticks,
)

SCORE_PANEL = "validation score"
"""Label that identifies the axes with the scores."""

LOG_FROM = 10**1.5
"""Smallest ratio of largest to smallest loss for a logarithmic axis."""


class LossCurveDisplay:
    """Learning curves: training loss, validation loss and score after each epoch.

    Create one with :meth:`from_estimator`. The training loss is dashed; validation loss
    and score are solid, and the score has its own panel. A dot marks the best epoch,
    whose weights early stopping has kept. The training loss includes the penalty on the
    weights (`alpha`), but the validation loss does not. This alone can cause a gap
    between the two. Losses that span more than one and a half decades have a
    logarithmic axis.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss of each epoch.
    validation_loss : array-like of shape (n_epochs,), default=None
        Loss on the validation set after each epoch.
    validation_score : array-like of shape (n_epochs,), default=None
        Score on the validation set after each epoch.
    score_name : str, default="score"
        Name of the score.
    best_epoch : int, default=None
        The epoch whose weights were kept, from 1. None if the last weights were kept.
    name : str, default=None
        Name of the estimator in the legend, to tell several apart.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The curves that were drawn: training loss, validation loss, score.
    ax_ : matplotlib Axes
        The panel of the losses. Passed as `ax` to another display, it stands for the
        panel of the scores as well.
    axes_ : ndarray of matplotlib Axes
        All panels, one or two.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ScheduleDisplay : The learning rate of each epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.display import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf, name="0.001")
    >>> [panel.get_ylabel() for panel in display.axes_]
    ['Loss', 'Validation accuracy']

    Another estimator in the same picture:

    >>> clf = clf.set_params(learning_rate_init=0.01).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf, ax=display.ax_, name="0.01")
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['0.001, training', '0.001, validation', 'best epoch', '0.01, training',
     '0.01, validation']
    """

    lines_: list[Any]
    axes_: Array
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        loss: ArrayLike,
        validation_loss: ArrayLike | None = None,
        validation_score: ArrayLike | None = None,
        score_name: str = "score",
        best_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.loss = loss
        self.validation_loss = validation_loss
        self.validation_score = validation_score
        self.score_name = score_name
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Draw the learning curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator with a ``loss_curve_``, a pipeline that ends with one, or
            a fitted search. With ``scoring="loss"`` the score is the negative
            validation loss, and has no panel.
        ax : matplotlib Axes or array of two, default=None
            Axes for the losses, and for the scores. None creates a new figure. On a
            single axes that is not the ``ax_`` of a display with scores, only the
            losses are drawn.
        name : str, default=None
            Name of the estimator in the legend.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for each curve.

        Returns
        -------
        display : LossCurveDisplay
            The display, already drawn.

        Raises
        ------
        NotFittedError
            If the estimator, or the search, is not fitted.
        TypeError
            If it has no ``loss_curve_``, or the search was run with ``refit=False``.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        final = fitted_estimator(estimator, "loss_curve_", cls)
        scores = getattr(final, "validation_scores_", None)
        stops = getattr(final, "early_stopping", False)
        kept = stops and getattr(final, "restore_best", True)
        best = int(np.nanargmax(scores)) + 1 if kept and scores else None
        scoring = getattr(final, "scoring", None)
        display = cls(
            loss=final.loss_curve_,
            validation_loss=getattr(final, "validation_loss_curve_", None),
            validation_score=None if scoring == "loss" else scores,
            score_name=score_name(final, scoring),
            best_epoch=best,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array of two, default=None
            Axes to draw on, as in :meth:`from_estimator`.
        name : str, default=None
            Name of the estimator in the legend. None uses the name of the display.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for each curve.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        name = self.name if name is None else name
        self.axes_ = self._panels(ax)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        alone = self.validation_loss is None and self.validation_score is None
        label = name if name and alone else label_of(name, "training")
        training = {"linestyle": "--", "label": label, **kwargs}
        self.lines_ = [draw_curve(self.ax_, self.loss, **training)]
        color = self.lines_[0].get_color()
        style = {"color": color, "label": label_of(name, "validation"), **kwargs}
        if self.validation_loss is not None:
            self._draw_validation(self.ax_, self.validation_loss, style)
        self.ax_.set(xlabel="Epoch", ylabel="Loss")
        if spans_decades(drawn_values(self.ax_), LOG_FROM):
            self.ax_.set_yscale("log")
            label_decades(self.ax_.yaxis)
        if len(self.axes_) == 2 and self.validation_score is not None:
            self._draw_validation(self.axes_[1], self.validation_score, style)
            self.axes_[1].set(xlabel="Epoch", ylabel=f"Validation {self.score_name}")
        for panel in self.axes_:
            panel.legend()
        return self

    def _panels(self, ax: Any) -> Array:
        """Return the axes for the losses and, if there are any, for the scores."""
        if ax is None and self.validation_score is None:
            return new_axes().ravel()
        if ax is None:
            axes = new_axes(1, 2, figsize=(9, 4), sharex=True).ravel()
        else:
            axes = as_axes(ax, 1, 2, what="for the losses and the scores")
        if len(axes) == 2:
            axes[1].set_label(SCORE_PANEL)
            return axes
        beside = axes[0].get_shared_x_axes().get_siblings(axes[0])
        scores = [panel for panel in beside if panel.get_label() == SCORE_PANEL]
        return np.array([axes[0], *scores], dtype=object)

    def _draw_validation(self, ax: Any, values: ArrayLike, style: Any) -> None:
        """Draw the validation loss or score, with a dot at the best epoch."""
        self.lines_.append(draw_curve(ax, values, **style))
        if self.best_epoch is None:
            return
        # One entry in the legend is enough: the dot has the color of its curve.
        new = "best epoch" not in ax.get_legend_handles_labels()[1]
        ax.plot(
            self.best_epoch,
            np.asarray(values)[self.best_epoch - 1],
            "o",
            color=self.lines_[-1].get_color(),
            label="best epoch" if new else None,
        )


def draw_curve(ax: Any, values: ArrayLike, **style: Any) -> Any:
    """Draw one value per epoch, from epoch 1; return the line."""
    values = np.asarray(values, dtype=float)
    if len(values) == 1:  # a line of one point is invisible
        style = {"marker": "o", **style}
    (line,) = ax.plot(np.arange(1, len(values) + 1), values, **style)
    use_integer_ticks(ax.xaxis)
    return line
