"""The input: from what users pass as `X` to a matrix with one row per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import validate_data

from .._sklearn import BaseEstimator
from .._typing import Array, DType, Matrix
from .input_checks import explained_errors

FLOATS = (np.float64, np.float32)
"""The dtypes that training keeps; others are cast to the first."""


class Rows:
    """Rows of numbers, the input of every estimator except of images. Immutable.

    Attributes
    ----------
    image_shape : tuple of int or None
        Height, width and channels of the images in the rows; None if there are none.
    reads_bytes : bool
        Whether the rows are bytes (uint8), which are divided by 255.
    code_columns : tuple of int
        Columns of encoded rows that hold codes of categories.
    """

    image_shape: tuple[int, int, int] | None = None
    reads_bytes: bool = False

    @property
    def code_columns(self) -> tuple[int, ...]:
        return ()

    @property
    def is_matrix(self) -> bool:
        """Whether the network takes rows as they are."""
        return self.image_shape is None

    def rows(self, X: Any) -> Any:
        """Return `X` with one row per sample, without a copy."""
        return X

    def validate(self, estimator: BaseEstimator, X: Any, *y: Any, **checks: Any) -> Any:
        """Return what scikit-learn's `validate_data` does, for rows."""
        X = self.rows(X)
        check_no_dates(X)
        checked = validate_data(estimator, X, *y, accept_sparse="csr", **checks)
        check_places(checked[0] if y else checked)
        return checked

    def of_checked_rows(self) -> Rows:
        """Return the input that takes rows which this one has checked."""
        return self

    def dtypes(self, floats: Any) -> list[Any]:
        """Return the dtypes of a checked `X`: others are cast to the first."""
        return [np.uint8] if self.reads_bytes else list(floats)

    def warn_of_likely_mistakes(self, X: Matrix) -> None:
        """Warn if the checked training rows `X` are probably not what was meant."""


def check_no_dates(X: Any) -> None:
    """Raise if columns of a data frame are dates: NumPy takes them for nanoseconds."""
    columns, dtypes = getattr(X, "columns", ()), getattr(X, "dtypes", ())
    dates = [
        name
        for name, dtype in zip(columns, dtypes, strict=False)
        if getattr(dtype, "kind", "") in ("M", "m")
    ]
    if dates:
        raise ValueError(
            f"Columns of X with dates or times: {dates}. Replace them by numbers, such "
            "as the year, the month, or the days since a fixed date."
        )


def check_places(X: Matrix) -> None:
    """Raise if a CSR matrix has values outside: products would leave their arrays."""
    if not issparse(X) or X.nnz == 0:
        return
    first, last = X.indices.min(), X.indices.max()
    if first < 0 or last >= X.shape[1]:
        raise ValueError(
            f"X is a sparse matrix with {X.shape[1]} columns, but has values in "
            f"columns {first} to {last}."
        )


def check_X(estimator: BaseEstimator, X: Any, input: Rows) -> Matrix:
    """Return rows to predict from; raise if they do not match those of `fit`."""
    if needs_no_conversion(estimator, X, input):
        return X
    with explained_errors(estimator, X, None, input.image_shape is not None):
        return input.validate(estimator, X, dtype=input.dtypes(FLOATS), reset=False)


def needs_no_conversion(estimator: BaseEstimator, X: Any, input: Rows) -> bool:
    """Return whether `X` is what scikit-learn's checks would return unchanged.

    They take longer than a small network does for one row.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in input.dtypes(FLOATS)
        and X.dtype.isnative
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and input.is_matrix
        and not hasattr(estimator, "feature_names_in_")
        and np.isfinite(X.sum())
    )


def check_X_y(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    input: Rows,
    network_dtype: DType | None = None,
) -> tuple[Matrix, Array]:
    """Return rows and targets to train or validate on; `y` is not encoded yet.

    `network_dtype` is the dtype of a fitted network, whose features `X` must have. If
    it is None, the features are learned from `X`.
    """
    with explained_errors(estimator, X, y, input.image_shape is not None):
        X, y = input.validate(
            estimator,
            X,
            y,
            multi_output=True,
            y_numeric=is_regressor(estimator),
            dtype=input.dtypes(FLOATS if network_dtype is None else [network_dtype]),
            order="C",
            reset=network_dtype is None,
        )
    return X, y


def float_dtype(dtype: Any) -> DType:
    """Return the dtype of a network for data of `dtype`: float32 for bytes."""
    dtype = np.dtype(dtype)
    return dtype if dtype.kind == "f" else np.dtype(np.float32)
