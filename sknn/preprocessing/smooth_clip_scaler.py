"""SmoothClipScaler: scaling by the quartiles, then a smooth limit for outliers."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._sklearn import (
    BaseEstimator,
    DocLinkMixin,
    Interval,
    OneToOneFeatureMixin,
    TransformerMixin,
    fit_context,
)
from .._typing import Array, DType, MatrixLike

FLOATS = (np.float64, np.float32)
"""The dtypes that the scaler keeps; others are cast to the first."""


class SmoothClipScaler(
    DocLinkMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    """Scale features by their quartiles and limit outliers smoothly.

    Each feature is centered on its median m and divided by its interquartile range.
    Then it is squashed into (-c, c), where c is `limit`::

        u = (x - m) / (q75 - q25)
        y = u / sqrt(1 + (u / c)^2)

    Values near the median change little, y ≈ u, and outliers come near ±c but keep
    their order. A network thus never sees a very large input, and no feature has to be
    normally distributed.

    If the quartiles are equal, as for a feature that is mostly 0, half the range is
    taken instead of the interquartile range, ``(max - min) / 2``. A feature that is
    constant in training becomes 0, also where it has other values later.

    Missing values, NaN, are ignored in `fit` and kept in `transform`. Infinite values
    count as very large: they become ±c, and `fit` takes them for the largest or
    smallest finite value of the feature.

    It is a part of RealMLP [1]_.

    Parameters
    ----------
    limit : float, default=3.0
        The bound c of the result, in interquartile ranges from the median. Finite and
        greater than 0.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        The median of each feature; 0 for a feature without values.
    factor_ : ndarray of shape (n_features,)
        Factor of the distance to the median: ``1 / (q75 - q25)``, or
        ``2 / (max - min)`` if the quartiles are equal; 0 for a constant feature.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, if all of them are strings.

    See Also
    --------
    TableEncoder : Encodes whole tables and scales them in this way.
    sklearn.preprocessing.RobustScaler : The same without the limit.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, section 3.

    Examples
    --------
    >>> from sknn.preprocessing import SmoothClipScaler
    >>> X = [[0.0], [1.0], [2.0], [3.0], [1000.0]]
    >>> SmoothClipScaler().fit_transform(X).round(2)
    array([[-0.95],
           [-0.49],
           [ 0.  ],
           [ 0.49],
           [ 3.  ]])
    """

    _parameter_constraints = {"limit": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    @fit_context
    def fit(self, X: MatrixLike, y: Any = None) -> Self:
        """Learn the median and the interquartile range of each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows.
        y : None
            Ignored.

        Returns
        -------
        SmoothClipScaler
            The scaler itself.
        """
        X = validate_data(self, X, dtype=FLOATS, ensure_all_finite=False)
        return self._fit(X)

    def _fit(self, X: Array) -> Self:
        """Fit to checked floats."""
        pairs = [_center_and_factor(X[:, j]) for j in range(X.shape[1])]
        self.center_, self.factor_ = np.array(pairs, X.dtype).reshape(-1, 2).T.copy()
        return self

    def transform(self, X: MatrixLike) -> Any:
        """Scale and limit features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to transform.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Values between -`limit` and `limit`; NaN where `X` is missing.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, dtype=FLOATS, ensure_all_finite=False, copy=True, reset=False
        )
        return self._transform_in_place(X)

    def _transform_in_place(self, X: Array) -> Array:
        """Transform checked floats in their own memory, and return them."""
        rows = 1 + BLOCK // (X.shape[1] + 1)
        for start in range(0, len(X), rows):
            self._transform_block(X[start : start + rows])
        return X

    def _transform_block(self, X: Array) -> None:
        """Transform a few rows in their own memory."""
        with np.errstate(over="ignore"):
            X -= self.center_.astype(X.dtype, copy=False)
            _make_finite(X)  # so that a factor of 0 gives 0
            X *= (self.factor_ / self.limit).astype(X.dtype, copy=False)
        np.clip(X, -FAR, FAR, out=X)
        squares = X * X
        squares += 1
        X /= np.sqrt(squares, out=squares)
        X *= X.dtype.type(self.limit)

    def inverse_transform(self, X: MatrixLike) -> Any:
        """Return the values that `transform` would turn into `X`.

        Outliers lose digits. Those so far out that `transform` rounds them to `limit`
        or -`limit` become infinite. A feature that is constant in training comes back
        as that constant.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Values between -`limit` and `limit`; others are taken for the nearest.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The original values, up to rounding; NaN where `X` is missing.

        Examples
        --------
        >>> from sknn.preprocessing import SmoothClipScaler
        >>> scaler = SmoothClipScaler().fit([[0.0], [1.0], [2.0], [3.0], [1000.0]])
        >>> scaled = scaler.transform([[3.0], [50.0]])
        >>> print(scaled.ravel().round(2))
        [0.49 2.98]
        >>> print(scaler.inverse_transform(scaled).ravel().round(2))
        [ 3. 50.]
        """
        check_is_fitted(self)
        X = check_array(X, dtype=FLOATS, ensure_all_finite=False, copy=True)
        X /= X.dtype.type(self.limit)
        np.clip(X, -1, 1, out=X)
        factor = (self.factor_ / self.limit).astype(X.dtype, copy=False)
        varies = factor != 0
        with np.errstate(divide="ignore", over="ignore"):
            X /= np.sqrt((1 - X) * (1 + X))
            X[:, varies] /= factor[varies]
        X[:, ~varies] = np.where(np.isnan(X[:, ~varies]), np.nan, 0)
        X += self.center_.astype(X.dtype, copy=False)
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


FAR = 1e9
"""So many limits from the median, values are rounded to the limit in both dtypes."""

BLOCK = 2**15
"""Number of values that are transformed at a time, so that they stay in the cache."""


def _make_finite(X: Array) -> None:
    """Replace infinite values by the largest finite ones; NaN stays."""
    largest = np.finfo(X.dtype).max
    np.clip(X, -largest, largest, out=X)


def _center_and_factor(x: Array) -> tuple[float, float]:
    """Return the median of the values of one feature and the factor of the scaling."""
    x = np.sort(x)  # NaN last
    if not (np.isfinite(x[0]) and np.isfinite(x[-1])):
        finite = x[np.isfinite(x)]
        if len(finite) == 0:
            return 0.0, 0.0
        x = np.clip(x[~np.isnan(x)], finite[0], finite[-1])
    low, median, high = (_quantile(x, q) for q in (0.25, 0.5, 0.75))
    with np.errstate(over="ignore"):
        width = high - low
        if _is_zero(width, low, high, x.dtype):
            width = 0.5 * (float(x[-1]) - float(x[0]))
            if _is_zero(width, x[0], x[-1], x.dtype):
                return median, 0.0
    return median, 1 / (width + 1e-30)


def _is_zero(width: float, low: float, high: float, dtype: DType) -> bool:
    """Return whether a difference is no more than the rounding of the two values."""
    return width <= np.finfo(dtype).eps * max(abs(float(low)), abs(float(high)))


def _quantile(x: Array, q: float) -> float:
    """Return a quantile of sorted values, linear between them as in NumPy."""
    place = q * (len(x) - 1)
    i = int(place)
    below, above = float(x[i]), float(x[min(i + 1, len(x) - 1)])
    return below + (place - i) * (above - below)
