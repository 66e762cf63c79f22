"""The learning-rate range test: which rates make the loss fall, and which explode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._threads import call_with_blas_threads
from .._typing import Array, MatrixLike
from ..objective import Batch, total_weight
from ._network import untrained
from ._report import Printed, number, wrap
from ._subject import Subject

SMOOTHING = 0.9
"""Share of the average so far in the moving average of the losses: it looks back over
ten steps, most of a decade of rates."""

EXPLODED = 4.0
"""The test ends when the smoothed loss is this many times its smallest so far."""

RISEN = 1.5
"""The same from which the loss is said to rise, if the rates end before it explodes."""

BELOW_LOWEST = 10.0
"""How far below the rate at the lowest point, where steps are already too long, a
careful one is."""

LEAST_FALL = 0.02
"""A smoothed loss that has not fallen by this share suggests nothing."""


@dataclass(frozen=True, repr=False)
class LearningRateRange(Printed):
    """What a learning-rate range test has found.

    Attributes
    ----------
    learning_rates : ndarray of shape (n_steps,)
        The rates, rising; as many as there were steps until the loss exploded.
    losses : ndarray of shape (n_steps,)
        The loss of each batch, without penalty, before the step at its rate.
    smoothed_losses : ndarray of shape (n_steps,)
        Their moving average.
    suggestion : float
        A value for `learning_rate_init`; NaN where the loss did not fall.
    exploded : bool
        Whether the test ended before the last step, since the smoothed loss was more
        than 4 times its smallest or no longer finite. If it did not, larger rates may
        do too.
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
        """Say how the loss went on from its lowest point."""
        if self.exploded:
            return ", then explodes."
        last = self.smoothed_losses[-1]
        if last > RISEN * self.smoothed_losses.min():
            return f", then rises to {number(last)}."
        return "; it did not rise much from there."

    def __repr__(self) -> str:
        rates, losses = self.learning_rates, self.smoothed_losses
        lines = ["Learning-rate range test"]
        told = (
            f"{len(rates)} steps from {number(rates[0])} to {number(rates[-1])}: "
            f"the loss begins at {number(losses[0])} and is lowest, "
            f"{number(losses.min())}, at {number(self.lowest)}"
        )
        told += self._ending()
        lines.append(wrap(told, "  "))
        if math.isnan(self.suggestion):
            lines.append(
                "  No rate makes the loss fall. Scale the features; see "
                "check_initial_loss."
            )
        else:
            lines.append(f"  suggestion: learning_rate_init={self.suggestion:.2g}")
        return "\n".join(lines)


def learning_rate_range_test(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    *,
    min_rate: float = 1e-6,
    max_rate: float = 10.0,
    n_iter: int = 100,
) -> LearningRateRange:
    """Take steps at ever larger learning rates, and see which make the loss fall.

    A clone takes one step a batch with the estimator's own solver, regularisation and
    clipping [1]_. The rate of step i is ``min_rate (max_rate / min_rate)^(i / (n_iter -
    1))``; `learning_rate_init` and the schedule play no part. The losses are smoothed
    by a moving average; the test ends when that has risen to 4 times its lowest value.

    The suggestion lies midway, on the logarithmic scale, between two rates: a tenth of
    that at the lowest point, where steps begin to be too long [2]_, and that at which
    the smoothed loss has done half of its fall. The first alone is too large where few
    rows are soon learnt, the second alone where it could be larger by far. It is a
    place to start a search from, for training at a constant rate or one that falls.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one; fitted or not. A clone of it is trained.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    min_rate : float, default=1e-6
        The first learning rate, positive.
    max_rate : float, default=10
        The last one, larger than `min_rate`.
    n_iter : int, default=100
        Number of steps, at least 10. More steps rise more slowly.

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
    sknn.display.LearningRateRangeDisplay : The result as a picture.

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
    >>> result.suggestion
    0.0...
    >>> clf = MLPClassifier(
    ...     learning_rate_init=result.suggestion, max_iter=10, tol=0, random_state=0
    ... )
    >>> clf = clf.set_params(learning_rate="cosine").fit(X / 16, y)
    >>> clf.score(X / 16, y) > 0.95
    True
    """
    _check_range(min_rate, max_rate, n_iter)
    return range_test_of(untrained(estimator, X, y), min_rate, max_rate, n_iter)


def range_test_of(
    subject: Subject,
    min_rate: float = 1e-6,
    max_rate: float = 10.0,
    n_iter: int = 100,
) -> LearningRateRange:
    """Return the range test of a subject, whose network takes the steps."""
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
    """Return the losses of one step at each rate, raw and smoothed, until it explodes.

    What is not finite is left out.
    """
    objective = subject.objective()
    descent = subject.descent(objective)
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for rate, (x, y, w) in zip(rates, endless_batches(subject), strict=False):
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


def endless_batches(subject: Subject) -> Iterator[Batch]:
    """Yield batches of the estimator's size, in a new order after each epoch."""
    data, rng = subject.data, subject.run.rng
    n = subject.batch_size(data.n)
    while True:
        for batch in data.batches(rng.permutation(data.n), n):
            if total_weight(batch[1], batch[2]) > 0:
                yield batch


def _suggest(rates: Array, smoothed: Array) -> float:
    """Return the rate that the losses speak for, NaN if they do not fall."""
    first, lowest = smoothed[0], smoothed.min()
    if lowest > (1 - LEAST_FALL) * first:
        return math.nan
    careful = rates[smoothed.argmin()] / BELOW_LOWEST
    half_way = rates[np.argmax(smoothed <= (first + lowest) / 2)]
    return math.sqrt(careful * half_way)
