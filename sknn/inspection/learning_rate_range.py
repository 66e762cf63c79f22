"""The learning-rate range test: which rates make the loss fall, and which explode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._threads import call_with_blas_threads
from .._typing import Array, MatrixLike
from ..objective import total_weight
from ._network import untrained
from ._printing import PrintedText, number
from ._subject import Subject

SMOOTHING = 0.9
"""Weight of the previous average in the moving average of the losses, which so covers
about ten steps, most of a decade of rates."""

EXPLODED = 4.0
"""The test ends when the smoothed loss is this many times its minimum so far."""

RISEN = 1.5
"""The same ratio at the last rate, above which the loss is reported to rise."""

BELOW_LOWEST = 10.0
"""The rate at the lowest loss, where steps are already too long, divided by a careful
rate."""

MIN_FALL = 0.02
"""Fall of the smoothed loss, as a share of its first value, below which no rate is
suggested."""


@dataclass(frozen=True, repr=False)
class LearningRateRange(PrintedText):
    """The result of a learning-rate range test.

    Attributes
    ----------
    learning_rates : ndarray of shape (n_steps,)
        The increasing rates of the steps, until the loss exploded.
    losses : ndarray of shape (n_steps,)
        The loss of each batch, without penalty, before the step at its rate.
    smoothed_losses : ndarray of shape (n_steps,)
        Their moving average.
    suggestion : float
        A value for `learning_rate_init`; NaN where the loss did not fall.
    exploded : bool
        Whether the test ended before the last step because the smoothed loss was more
        than 4 times its minimum or no longer finite. If not, larger rates may work too.

    See Also
    --------
    learning_rate_range_test : The function that returns this.
    sknn.display.LearningRateRangeDisplay : The result as a plot.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import learning_rate_range_test
    >>> X, y = load_digits(return_X_y=True)
    >>> result = learning_rate_range_test(MLPClassifier(random_state=0), X / 16, y)
    >>> print(f"lowest loss at {result.lowest:.1f}, suggestion {result.suggestion:.2f}")
    lowest loss at 0.1, suggestion 0.02
    >>> losses = result.smoothed_losses
    >>> print(f"the loss falls from {losses[0]:.1f} to {losses.min():.1f}")
    the loss falls from 2.4 to 0.7
    """

    learning_rates: Array
    losses: Array
    smoothed_losses: Array
    suggestion: float
    exploded: bool

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest."""
        return float(self.learning_rates[np.argmin(self.smoothed_losses)])

    def _ending(self) -> str:
        """Return what the loss does after its lowest point."""
        if self.exploded:
            return ", then explodes."
        last = self.smoothed_losses[-1]
        if last > RISEN * self.smoothed_losses.min():
            return f", then rises to {number(last)}."
        return "; it does not rise much after that."

    def _title(self) -> str:
        return "Learning-rate range test"

    def _paragraphs(self) -> list[str]:
        rates, losses = self.learning_rates, self.smoothed_losses
        course = (
            f"{len(rates)} steps from {number(rates[0])} to {number(rates[-1])}: "
            f"the loss starts at {number(losses[0])} and is lowest, "
            f"{number(losses.min())}, at {number(self.lowest)}{self._ending()}"
        )
        if math.isnan(self.suggestion):
            advice = "No rate makes the loss fall. Scale the features; see "
            return [course, f"{advice}check_initial_loss."]
        return [course, f"suggestion: learning_rate_init={self.suggestion:.2g}"]


def learning_rate_range_test(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    *,
    min_rate: float = 1e-6,
    max_rate: float = 10.0,
    n_iter: int = 100,
) -> LearningRateRange:
    """Take steps at increasing learning rates, to find those that make the loss fall.

    A clone takes one step per batch with the estimator's own solver, regularization and
    clipping [1]_. The rate of step i is ``min_rate (max_rate / min_rate)^(i / (n_iter -
    1))``; `learning_rate_init` and the schedule are ignored. The losses are smoothed by
    a moving average; the test ends when it has risen to 4 times its minimum.

    The suggestion is the geometric mean of two rates: a tenth of the rate at the lowest
    smoothed loss, where steps start to be too long [2]_, and the rate at which the
    smoothed loss has completed half of its fall. The first rate alone is too large if
    there are few rows and they are learned quickly; the second alone is often far too
    small. The suggestion is a good start for a search, and for training at a constant
    or decreasing rate.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one; fitted or not. A clone of it is
        trained.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    min_rate : float, default=1e-6
        The first learning rate, positive.
    max_rate : float, default=10
        The last learning rate, larger than `min_rate`.
    n_iter : int, default=100
        Number of steps, at least 10. With more steps the rate rises more slowly.

    Returns
    -------
    result : LearningRateRange
        Rates, losses and the suggestion.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.
    ValueError
        If a parameter is out of range, or if the solver is 'lbfgs', which has no
        learning rate.

    See Also
    --------
    sknn.display.LearningRateRangeDisplay : The result as a plot.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical learning rates for training neural networks", WACV
       2017, https://arxiv.org/abs/1506.01186.
    .. [2] J. Howard, S. Gugger, "fastai: a layered API for deep learning", Information
       11 (2), 2020, https://arxiv.org/abs/2002.04688.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import learning_rate_range_test
    >>> X, y = load_digits(return_X_y=True)
    >>> result = learning_rate_range_test(MLPClassifier(random_state=0), X / 16, y)
    >>> print(f"{result.suggestion:.2f}")
    0.02
    >>> clf = MLPClassifier(
    ...     learning_rate_init=result.suggestion, max_iter=10, tol=0, random_state=0
    ... )
    >>> clf = clf.set_params(learning_rate="cosine").fit(X / 16, y)
    >>> print(f"{clf.score(X / 16, y):.2f}")
    0.98
    """
    _check_range(min_rate, max_rate, n_iter)
    return range_test_of(untrained(estimator, X, y), min_rate, max_rate, n_iter)


def range_test_of(
    subject: Subject,
    min_rate: float = 1e-6,
    max_rate: float = 10.0,
    n_iter: int = 100,
) -> LearningRateRange:
    """Return the range test of a subject, and let its network take the steps."""
    if subject.estimator.solver == "lbfgs":
        raise ValueError(
            "solver='lbfgs' has no learning rate to test: it finds the length of each "
            "step by a line search. Choose a stochastic solver, such as 'adam'."
        )
    rates = np.geomspace(min_rate, max_rate, n_iter)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        n = subject.batch_size(subject.data.n)
        product = n * subject.network.largest_product
        losses, smoothed = call_with_blas_threads(product, _take_steps, subject, rates)
    rates = rates[: len(losses)]
    return LearningRateRange(
        rates, losses, smoothed, _suggest(rates, smoothed), len(losses) < n_iter
    )


def _check_range(min_rate: float, max_rate: float, n_iter: int) -> None:
    for name, rate in (("min_rate", min_rate), ("max_rate", max_rate)):
        check_scalar(rate, name, Real, min_val=0, include_boundaries="neither")
    check_scalar(n_iter, "n_iter", Integral, min_val=10)
    if not min_rate < max_rate < math.inf:
        raise ValueError(
            f"max_rate must be larger than min_rate={min_rate} and finite, got "
            f"{max_rate}."
        )


def _take_steps(subject: Subject, rates: Array) -> tuple[Array, Array]:
    """Return the losses of one step at each rate, raw and smoothed, until they explode.

    Losses that are not finite are left out.
    """
    objective = subject.objective()
    descent = subject.descent(objective)
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for rate, (x, y, w) in zip(rates, subject.batches(), strict=False):
        total = total_weight(y, w)
        loss = objective.data_loss_gradient(x, y, w, total)
        if not math.isfinite(loss):
            break
        losses.append(loss)
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed.append(average / (1 - SMOOTHING ** len(losses)))
        if smoothed[-1] > EXPLODED * min(smoothed):
            break
        descent.step(total, float(rate))
    if not losses:
        raise ValueError(
            "The loss is not finite before the first step. Scale the features, for "
            "example with sklearn.preprocessing.StandardScaler."
        )
    return np.array(losses), np.array(smoothed)


def _suggest(rates: Array, smoothed: Array) -> float:
    """Return the suggested rate; NaN if the losses do not fall."""
    first, lowest = smoothed[0], smoothed.min()
    if lowest > (1 - MIN_FALL) * first:
        return math.nan
    careful = rates[smoothed.argmin()] / BELOW_LOWEST
    half_way = rates[np.argmax(smoothed <= (first + lowest) / 2)]
    return math.sqrt(careful * half_way)
