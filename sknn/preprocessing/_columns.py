"""The columns of any table: their values as numbers, or as codes of distinct values.

No library of data frames is imported: pandas is known by its methods, polars by its
conversion to NumPy, and the others by their conversion to pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property
from numbers import Complex, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from .._estimators.input_checks import convert_to_numbers
from .._typing import Array

NUMBER, CATEGORY = "number", "category"

ADVICE = {
    "date": (
        "Dates and times: take numbers from them that matter for the target, such as "
        "the year, the month, the day of the week or the days since a fixed date."
    ),
    "duration": "Durations: turn them into numbers, such as days or seconds.",
    "complex": "Complex data not supported: use real and imaginary parts.",
    "other": "Lists and other objects: make a column of each number in them.",
}
"""What to do with columns of other kinds than numbers and categories."""

KIND_OF_DTYPE = {
    **dict.fromkeys("iuf", NUMBER),
    **dict.fromkeys("bUST", CATEGORY),
    **{"c": "complex", "M": "date", "m": "duration", "V": "other"},
}
"""The kind of a column by ``dtype.kind``. Objects, "O", are looked at one by one."""

KIND_OF_TYPE: dict[str, tuple[type, ...]] = {
    "date": (date, time, np.datetime64),
    "duration": (timedelta, np.timedelta64),
    "other": (list, tuple, dict, set, frozenset, np.ndarray),
}
"""Types of objects that cannot be categories."""

FEW = 64
"""Up to so many rows, Python finds the distinct values faster than pandas."""


class Column:
    """A column of a table.

    Parameters
    ----------
    values : ndarray of shape (n,) or pandas.api.extensions.ExtensionArray
        The latter where pandas has its own type of values, or is faster.
    name : object
        Name, or index if the table has no names.
    """

    def __init__(self, values: Any, name: Any) -> None:
        self.values = values
        self.name = name

    @cached_property
    def kind(self) -> str:
        """`NUMBER`, `CATEGORY`, or a key of `ADVICE` if the column is of no use.

        Objects are numbers if all of them are, not counting missing values.
        """
        if hasattr(self.values, "categories"):
            return CATEGORY
        if self.values.ndim != 1:  # arrays and structs of polars
            return "other"
        kind = KIND_OF_DTYPE.get(self.values.dtype.kind)
        if kind is not None:
            return kind
        try:
            _, values = self.distinct
        except ValueError:
            return "other"
        kinds = {kind_of_type(cls) for cls in set(map(type, values))}
        return next((k for k in ADVICE if k in kinds), None) or (
            NUMBER if kinds == {NUMBER} else CATEGORY
        )

    @cached_property
    def distinct(self) -> tuple[Array, list[Any]]:
        """Codes (n,) and the distinct values that they stand for; −1 is missing.

        A few values can have no rows.
        """
        try:
            codes, values = factorize(self.values)
        except (TypeError, NotImplementedError) as error:  # not hashable
            raise ValueError(
                f"Column {self.name!r} must hold categories, but {error}."
            ) from error
        missing = np.array([is_missing(value) for value in values], bool)
        if missing.any():
            new = np.where(missing, -1, np.cumsum(~missing) - 1)
            codes = np.append(new, -1)[codes]
            values = [
                v for v, is_out in zip(values, missing, strict=True) if not is_out
            ]
        return codes, values

    def numbers(self) -> Array:
        """Return the values as float64 (n,), NaN where they are missing."""
        values = self.values
        kind = values.dtype.kind
        if isinstance(values, np.ndarray) and kind in "biuf":
            return values.astype(np.float64, copy=False)
        try:
            if kind in "biuf":
                return values.to_numpy(np.float64, na_value=np.nan)
            if KIND_OF_DTYPE.get(kind) in ADVICE:
                raise TypeError(f"{values.dtype} are no numbers")
            return np.array(
                [np.nan if is_missing(v) else float(v) for v in values.tolist()],
                np.float64,
            )
        except (TypeError, ValueError) as error:
            advice = convert_to_numbers(self.name, values.tolist())
            raise ValueError(
                f"Column {self.name!r} must hold numbers, but {error}. "
                f"{f'It {advice} ' if advice else ''}If it is a category, name it in "
                "categorical_features."
            ) from error

    def __repr__(self) -> str:
        return f"{self.name!r} ({self.type_name})"

    @property
    def type_name(self) -> str:
        """Name of the dtype, or of the type of the first value that is of no use."""
        if self.values.ndim != 1:
            return "array"
        if self.values.dtype.kind != "O":
            return str(self.values.dtype)
        types = map(type, self.values.tolist())
        return next(
            (cls.__name__ for cls in types if kind_of_type(cls) in ADVICE),
            str(self.values.dtype),
        )


def kind_of_type(cls: type) -> str:
    """Return `NUMBER`, `CATEGORY` or a key of `ADVICE` for a type of objects."""
    if issubclass(cls, (str, bool)):
        return CATEGORY
    if issubclass(cls, (Real, Decimal)):
        return NUMBER
    if issubclass(cls, Complex):
        return "complex"
    for kind, types in KIND_OF_TYPE.items():
        if issubclass(cls, types):
            return kind
    return "date" if cls.__name__ == "Period" else CATEGORY  # Period: of pandas


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA is neither equal to itself nor unequal
        return True


def factorize(values: Any) -> tuple[Array, list[Any]]:
    """Return codes (n,) and distinct values; −1, or the code of a missing value."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        distinct, codes = np.unique(values, return_inverse=True)
        return codes.reshape(-1), distinct.tolist()
    few = len(values) <= FEW
    if hasattr(values, "categories"):
        codes, categories = values.codes.astype(np.intp), values.categories
        if not few:
            return codes, categories.tolist()
        cells = [None if code < 0 else categories[code] for code in codes]
    elif few or isinstance(values, np.ndarray):
        cells = values.tolist()
    else:
        codes, distinct = values.factorize()
        return codes, distinct.tolist()
    index = {value: i for i, value in enumerate(dict.fromkeys(cells))}
    return np.fromiter(map(index.__getitem__, cells), np.intp, len(cells)), list(index)


# -- tables ---------------------------------------------------------------------------


def as_table(X: Any, estimator: Any) -> Any:
    """Return `X` as a data frame of pandas or polars, or as an array (n, m)."""
    if not (is_pandas(X) or is_polars(X)) and hasattr(X, "to_pandas"):
        X = X.to_pandas()
    if hasattr(X, "collect") and hasattr(X, "lazy"):
        raise ValueError(f"X is a {type(X).__name__}: pass X.collect().")
    if is_pandas(X) or is_polars(X):
        for size, what in zip(X.shape, ("sample", "feature"), strict=True):
            if size == 0:
                raise ValueError(
                    f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum "
                    f"of 1 is required by {type(estimator).__name__}."
                )
        if is_pandas(X) and not X.columns.is_unique:
            names = sorted(set(X.columns[X.columns.duplicated()]), key=str)
            raise ValueError(
                f"The names of the columns must be different, got several of {names}."
            )
        return X
    array = check_array(
        X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name="X"
    )
    if array.dtype.kind in "US" and not hasattr(X, "dtype"):
        return np.asarray(X, dtype=object)  # NumPy made text of the numbers
    return array


def is_pandas(X: Any) -> bool:
    """Return whether `X` is a data frame with the methods of pandas'."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def is_polars(X: Any) -> bool:
    """Return whether `X` is a data frame with the methods of polars'."""
    return hasattr(X, "get_columns") and hasattr(X, "columns")


def columns_of(table: Any) -> list[Column]:
    """Return the columns of a table that `as_table` returned."""
    if is_polars(table):
        return [Column(c.to_numpy(), c.name) for c in table.get_columns()]
    if not is_pandas(table):
        return [Column(values, i) for i, values in enumerate(table.T)]
    return [Column(_array_of(series), name) for name, series in table.items()]


def _array_of(series: Any) -> Any:
    """Return the values of a pandas Series, as NumPy's where pandas' are not faster."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind != "O":
        return series.to_numpy()
    return series.array


def numbers_of(columns: Sequence[Column], n: int) -> Array:
    """Return columns of numbers as float64 of shape (n, number of columns)."""
    out = np.empty((n, len(columns)))
    for j, column in enumerate(columns):
        out[:, j] = column.numbers()
    return out
