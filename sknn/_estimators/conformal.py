"""Conformal prediction: intervals that contain a chosen share of new targets.

A regressor that has held rows out knows how far it was off on them. In split conformal
prediction, a quantile of these errors is the half-width of the intervals: if new rows
are drawn like the held-out ones, the promised share of them is covered, whatever the
network has learned.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from .._typing import Array
from .base import BaseNetworkEstimator
from .calibration import effective_size
from .targets import NumberTargets
from .validation_set import HeldOut

ROUNDING = 1e-9
"""Relative rounding error of ``(n + 1) * coverage``, which may be an integer."""


def conformal_radius(
    residuals: Array, coverage: float, sample_weight: Array | None = None
) -> float:
    """Return the radius that covers a new residual with probability `coverage`.

    It is the ``ceil((n + 1) * coverage)``-th smallest of n absolute residuals [1]_. For
    rows that are exchangeable with a new one, it is at least as large as the new
    residual with a probability from `coverage` to ``coverage + 1 / (n + 1)``.

    With weights, it is the smallest radius within which the rows have the share
    ``coverage * (1 + 1 / m)`` of the weight, where ``m = (Σ w)² / Σ w²`` is the
    effective number of rows: the new row is given the mean weight of a row that is
    drawn in proportion to the weights [2]_.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Absolute residuals, or other scores that are larger for worse predictions.
    coverage : float
        Probability in (0, 1).
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows; None gives every row weight 1.

    Returns
    -------
    radius : float

    Raises
    ------
    ValueError
        If there are too few rows: with n rows, at most ``n / (n + 1)`` can be covered.

    References
    ----------
    .. [1] J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman,
       "Distribution-free predictive inference for regression", JASA 113, 2018.
    .. [2] R. Tibshirani, R. Foygel Barber, E. Candès, A. Ramdas, "Conformal prediction
       under covariate shift", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn._estimators.conformal import conformal_radius
    >>> conformal_radius(np.arange(1.0, 20.0), coverage=0.9)
    18.0
    """
    coverage = check_coverage(coverage)
    w = np.ones(len(residuals)) if sample_weight is None else sample_weight
    rows = w > 0
    residuals, w = residuals[rows], w[rows].astype(np.float64)
    size = effective_size(w) if len(w) else 0.0
    needed = math.ceil(coverage / (1 - coverage) * (1 - ROUNDING))
    if size < needed * (1 - ROUNDING):
        kind = "held-out rows" if sample_weight is None else "rows of equal weight"
        raise ValueError(
            f"coverage={coverage} needs at least {needed} held-out rows, but there are "
            f"only {size:.4g} {kind}. Raise validation_fraction, pass more rows as "
            "X_val and y_val, or lower coverage."
        )
    order = np.argsort(residuals)
    share = np.cumsum(w[order]) / w.sum()
    at = np.searchsorted(share, coverage * (1 + 1 / size) * (1 - ROUNDING))
    return float(residuals[order[min(int(at), len(order) - 1)]])


def check_coverage(coverage: Any) -> float:
    """Return `coverage`; raise unless it is a probability."""
    is_number = isinstance(coverage, Real) and not isinstance(coverage, bool)
    if not is_number or not 0 < float(coverage) < 1:
        raise ValueError(f"coverage must be a number in (0, 1), got {coverage!r}.")
    return float(coverage)


class PredictsIntervals(BaseNetworkEstimator):
    """A regressor that predicts intervals, after it has held rows out.

    Of the held-out rows it keeps the errors, not the targets. A subclass that turns raw
    scores into predictions in another way overrides `_interval_centers`.
    """

    _targets: NumberTargets
    _held_out_errors: Array | None = None
    _held_out_weight: Array | None = None

    def _interval_centers(self, z: Array) -> tuple[Array, Array]:
        """Return what intervals start from, and the unit in which they are widened."""
        return self._targets.centers(z)

    def _keep_held_out(self, held_out: HeldOut | None) -> None:
        self._held_out_errors = self._held_out_weight = None
        if held_out is not None:
            centers, unit = self._interval_centers(held_out.z)
            self._held_out_errors = (held_out.y[..., np.newaxis] - centers) / unit
            self._held_out_weight = held_out.sample_weight

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Predict, for each row, an interval that contains the target.

        The target of a new row is in its interval with probability `coverage` or more,
        on average over rows that are drawn like the held-out ones. The held-out rows
        are those of `early_stopping`, or `X_val` and `y_val`.

        By split conformal prediction [1]_: an interval is the prediction plus or minus
        a radius, which is a quantile of the absolute errors on the held-out rows. The
        radius is the same for all rows. With ``loss='gaussian'`` it is multiplied by
        the predicted standard deviation of the row [1]_. With several quantiles, an
        interval starts from those that are closest to ``(1 - coverage) / 2`` and
        ``(1 + coverage) / 2``, and is made wider or narrower by the same amount for all
        rows [2]_.

        Parameters
        ----------
        %(rows)s
        coverage : float, default=0.9
            Probability that the interval of a row contains its target, in (0, 1).

        Returns
        -------
        interval : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper end. Each of several targets has its own intervals, with
            this coverage for that target alone.

        Raises
        ------
        ValueError
            If no rows were held out, or fewer than ``coverage / (1 - coverage)``.

        Notes
        -----
        Early stopping has chosen the best epoch on the same rows. This makes the
        intervals a little too narrow: in tests by less than 0.01 of coverage. With
        ``refit_on_all=True``, the errors on the held-out rows are those of the first
        run, while predictions are those of the second, on all rows: the coverage is
        then no longer guaranteed, though more rows usually make the errors smaller.

        If the held-out rows have weights, the quantile of their errors is weighted.
        After `set_weights`, or after `fit` or `partial_fit` without held-out rows, this
        method raises an error until rows are held out again.

        References
        ----------
        .. [1] J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman,
           "Distribution-free predictive inference for regression", JASA 113, 2018.
        .. [2] Y. Romano, E. Patterson, E. Candès, "Conformalized quantile regression",
           NeurIPS 2019.

        Examples
        --------
        >>> import numpy as np
        >>> from sknn import MLPRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.uniform(-1, 1, (600, 1))
        >>> y = X[:, 0] + rng.normal(scale=0.5, size=600)
        >>> reg = MLPRegressor(
        ...     early_stopping=True, validation_fraction=0.2, random_state=0
        ... ).fit(X[:500], y[:500])
        >>> low, high = reg.predict_interval(X[500:], coverage=0.8).T
        >>> inside = (low <= y[500:]) & (y[500:] <= high)
        >>> print(f"{inside.mean():.1f}")
        0.8
        """
        coverage = check_coverage(coverage)
        z = self._raw_scores(X)
        errors = self._held_out_errors
        if errors is None:
            raise ValueError(
                "predict_interval needs rows that were held out from training, but "
                f"this {type(self).__name__} was fitted without: set "
                "early_stopping=True, or pass X_val and y_val to fit."
            )
        low, high = self._targets.nearest_levels(coverage)
        outside = np.maximum(-errors[..., low], errors[..., high])
        radii = [
            conformal_radius(column, coverage, self._held_out_weight)
            for column in outside.T
        ]
        centers, unit = self._interval_centers(z)
        margin = unit[..., 0] * np.asarray(radii, z.dtype)
        lower = np.maximum(centers[..., low] - margin, self._targets.smallest)
        ends = ordered(lower, centers[..., high] + margin)
        return np.stack([self._targets.decode(end) for end in ends], axis=-1)


def ordered(low: Array, high: Array) -> tuple[Array, Array]:
    """Return the ends of intervals; an empty interval becomes a point."""
    middle = (low + high) / 2
    return np.minimum(low, middle), np.maximum(high, middle)
