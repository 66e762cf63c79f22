"""TableEncoder: from a table of numbers, text and categories to a matrix of floats."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from .._estimators.input_checks import convert_to_numbers, warn_caller
from .._sklearn import (
    BaseEstimator,
    DocLinkMixin,
    Interval,
    RealNotInt,
    StrOptions,
    TransformerMixin,
    check_feature_names_in,
    fit_context,
)
from .._typing import Array, DType, MatrixLike
from ._categories import Categories
from ._columns import ADVICE, CATEGORY, Column, as_table, columns_of, numbers_of
from .smooth_clip_scaler import SmoothClipScaler


class TableEncoder(DocLinkMixin, TransformerMixin, BaseEstimator):
    """Encode a table of numbers, text and categories as the input of a network.

    The table is a data frame or an array. The columns of the result are, in this order:

    1. **Numbers.** A column for each column of numbers, in the order of the table,
       scaled and limited by :class:`SmoothClipScaler`. Missing values become 0, the
       median. Infinite values count as very large.
    2. **Indicators** of missing values: a column for each column of numbers in which
       some values, but not all, are missing in training.
    3. **One-hot columns** for each categorical column with few categories. Two
       categories share one column: +1 for the first and −1 for the second. Values that
       are missing, unknown or rare are 0 in all of them.
    4. **Codes** for each categorical column with more categories, to be looked up in a
       learned embedding: 0 for values that are unknown or rare, 1 for missing values,
       and 2, 3, ... for the categories, sorted.

    Indicators and one-hot columns are then scaled like the numbers. A column with a
    single value in training becomes 0; no column is left out.

    Columns of dates, durations, complex numbers, lists and other objects are refused.

    This follows the preprocessing of RealMLP [1]_.

    Parameters
    ----------
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories:

        - ``'from_dtype'``: columns of categories, text or booleans. Those of Python
          objects are numbers if all their values are numbers, and categories otherwise;
        - names of columns (str), indices (int) or a mask (bool);
        - None: none of them.

        A list replaces ``'from_dtype'``, and so does None: all other columns must hold
        numbers, whatever their type. Booleans count as 0 and 1, text and categories
        such as ``"12.5"`` as numbers; other text is an error.
    max_one_hot : int, default=9
        Columns with at most this many categories are one-hot encoded; columns with more
        become codes. Missing values count as a category if there are any in training.
    min_frequency : int or float, default=1
        Values in fewer rows are rare, and treated like unknown ones. A float is a
        fraction of the rows. With 1 no value is rare, so the code of unknown values
        does not occur in training.
    add_indicator : bool, default=True
        Whether to add the indicators of missing values.
    dtype : dtype, default=numpy.float32
        Of the result: float32 or float64.

    Attributes
    ----------
    is_categorical_ : ndarray of bool of shape (`n_features_in_`,)
        Which columns of the table are categories.
    categories_ : list of ndarray
        The categories of each categorical column, sorted, in the order of the table;
        without missing and rare values.
    n_numeric_ : int
        Number of columns of numbers, the first columns of the result.
    n_categories_ : tuple of int
        Number of different codes in each column of codes, the last columns of the
        result: 2 for unknown and missing values, and one for each category.
    input_index_ : ndarray of int of shape (n_features_out,)
        Index of the column of the table from which each column of the result is made.
    scaler_ : SmoothClipScaler
        The scaler of all columns but the codes.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in `fit`, if all of them are strings.

    See Also
    --------
    SmoothClipScaler : The scaling alone.
    sklearn.compose.ColumnTransformer : Encodes columns by transformers of your choice.

    Notes
    -----
    A column has one kind for good: what were numbers in `fit` must be numbers in
    `transform`; what were categories can be of any type, and values that do not equal a
    category are unknown. Categories are compared as in Python: ``1`` equals ``1.0`` and
    ``True``, but not ``"1"``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, section 3.

    Examples
    --------
    >>> from sknn.preprocessing import TableEncoder
    >>> X = [[22.0, "red"], [38.0, "blue"], [None, "red"], [26.0, "green"]]
    >>> encoder = TableEncoder().fit(X)
    >>> encoder.get_feature_names_out(["age", "color"])
    array(['age', 'missingindicator_age', 'color_blue', 'color_green',
           'color_red'], dtype=object)
    >>> encoder.transform([[30.0, "red"], [None, "black"]]).round(2)
    array([[ 0.49,  0.  ,  0.  ,  0.  ,  0.49],
           [ 0.  ,  2.4 ,  0.  ,  0.  , -0.49]], dtype=float32)
    """

    _parameter_constraints = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "add_indicator": ["boolean"],
        "dtype": "no_validation",
    }

    def __init__(
        self,
        *,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 9,
        min_frequency: int | float = 1,
        add_indicator: bool = True,
        dtype: Any = np.float32,
    ) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.add_indicator = add_indicator
        self.dtype = dtype

    @fit_context
    def fit(self, X: MatrixLike, y: Any = None) -> Self:
        """Learn the kinds, categories and scales of the columns.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            The training table.
        y : None
            Ignored.

        Returns
        -------
        TableEncoder
            The encoder itself.
        """
        self._fit_transform(X)
        return self

    @fit_context
    def fit_transform(  # type: ignore[override]
        self, X: MatrixLike, y: Any = None
    ) -> Any:
        """Learn from the training table, and encode it.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            The training table.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        return self._fit_transform(X)

    def transform(self, X: MatrixLike) -> Any:
        """Encode a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            A table with the columns of the training table.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        return self._transform(self._check(X, reset=False))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns of the result.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of the table; by default those seen in `fit`, or
            ``x0``, ``x1``, ... if it had none.

        Returns
        -------
        ndarray of str objects of shape (n_features_out,)
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        encoded = [*names[~self.is_categorical_]]
        encoded += [f"missingindicator_{name}" for name in names[self._may_miss]]
        for i, categories in self._one_hot.items():
            encoded += categories.one_hot_names(names[i])
        return np.array([*encoded, *names[list(self._codes)]], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check(self, X: MatrixLike, reset: bool) -> Any:
        """Return `X` as a table with the columns that it must have."""
        table = as_table(X, self)
        validate_data(self, table, skip_check_array=True, reset=reset)
        return table

    def _transform(self, table: Any) -> Array:
        """Encode a table from `as_table` whose columns are those of `fit`."""
        columns = columns_of(table)
        unscaled = self._unscaled(self._numbers(columns, len(table)), columns)
        return self._encoded(unscaled, columns)

    def _fit_transform(self, X: MatrixLike) -> Array:
        dtype_of(self.dtype)
        table = self._check(X, reset=True)
        columns = columns_of(table)
        check_kinds(columns)
        self.is_categorical_ = which_are_categories(columns, self.categorical_features)
        self._learn_categories(columns, len(table))
        numbers = self._numbers(columns, len(table))
        self._learn_layout(np.isnan(numbers))
        unscaled = self._unscaled(numbers, columns)
        self.scaler_ = SmoothClipScaler()._fit(unscaled)
        return self._encoded(unscaled, columns)

    def _learn_categories(self, columns: list[Column], n: int) -> None:
        """Find the categories of each column, and how to encode them."""
        share = self.min_frequency < 1
        min_rows = self.min_frequency * (n if share else 1)
        self._one_hot: dict[int, Categories] = {}
        self._codes: dict[int, Categories] = {}
        self.categories_ = []
        for i in np.flatnonzero(self.is_categorical_).tolist():
            categories = Categories.learn(columns[i], min_rows)
            self.categories_.append(as_objects(categories.values))
            size = len(categories.values) + categories.has_missing
            if size <= self.max_one_hot:
                self._one_hot[i] = categories
            else:
                self._codes[i] = categories
                warn_of_identifiers(columns[i], categories)

    def _learn_layout(self, is_nan: Array) -> None:
        """Find which columns have indicators, and set the layout of the result."""
        some_missing = is_nan.any(axis=0) & ~is_nan.all(axis=0)
        self._set_layout(np.flatnonzero(some_missing & self.add_indicator))

    def _set_layout(self, indicated: Array) -> None:
        """Set which column of the table each column of the result comes from.

        `indicated` are the columns of numbers that have indicators.
        """
        numeric = np.flatnonzero(~self.is_categorical_)
        self._indicated, self._may_miss = indicated, numeric[indicated]
        one_hot = [i for i, c in self._one_hot.items() for _ in range(c.n_one_hot)]
        self.n_numeric_ = len(numeric)
        self.n_categories_ = tuple(c.n_codes for c in self._codes.values())
        self.input_index_ = np.array(
            [*numeric, *self._may_miss, *one_hot, *self._codes], np.intp
        )

    def _numbers(self, columns: list[Column], n: int) -> Array:
        """Return the columns of numbers (n, n_numeric_), with NaN."""
        numeric = np.flatnonzero(~self.is_categorical_)
        return numbers_of([columns[i] for i in numeric], n)

    def _unscaled(self, numbers: Array, columns: list[Column]) -> Array:
        """Return numbers, indicators and one-hot columns."""
        X = np.empty((len(numbers), len(self.input_index_) - len(self._codes)))
        X[:, : self.n_numeric_] = numbers
        end = self.n_numeric_ + len(self._may_miss)
        X[:, self.n_numeric_ : end] = np.isnan(numbers[:, self._indicated])
        for i, categories in self._one_hot.items():
            start, end = end, end + categories.n_one_hot
            X[:, start:end] = categories.one_hot[categories.codes(columns[i])]
        return X

    def _encoded(self, unscaled: Array, columns: list[Column]) -> Array:
        """Return the result; overwrites its first argument."""
        n, n_scaled = unscaled.shape
        out = np.empty((n, n_scaled + len(self._codes)), dtype_of(self.dtype))
        scaled = self.scaler_._transform_in_place(unscaled)
        numbers = scaled[:, : self.n_numeric_]
        numbers[np.isnan(numbers)] = 0  # the median
        out[:, :n_scaled] = scaled
        for j, (i, categories) in enumerate(self._codes.items(), n_scaled):
            out[:, j] = categories.codes(columns[i])
        return out


def dtype_of(dtype: Any) -> DType:
    """Return the dtype of the result; raise if it is not float32 or float64."""
    try:
        if np.dtype(dtype) in (np.float32, np.float64):
            return np.dtype(dtype)
    except TypeError:
        pass
    raise ValueError(f"dtype must be float32 or float64, got {dtype!r}.")


def as_objects(values: list[Any]) -> Array:
    """Return a list as an array of objects."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


def check_kinds(columns: list[Column]) -> None:
    """Raise if some columns can be neither numbers nor categories."""
    refused = [column for column in columns if column.kind in ADVICE]
    if refused:
        kinds = {column.kind for column in refused}
        advice = " ".join(text for kind, text in ADVICE.items() if kind in kinds)
        raise ValueError(
            "The columns of a table must be numbers, text, categories or booleans, got "
            f"{', '.join(map(repr, refused))}. {advice}"
        )


def which_are_categories(columns: list[Column], given: Any) -> Array:
    """Return a mask of the columns that are categories by `categorical_features`."""
    if isinstance(given, str):  # 'from_dtype'
        return np.array([column.kind == CATEGORY for column in columns])
    mask = np.zeros(len(columns), bool)
    if given is None or len(given) == 0:
        return mask
    chosen = np.asarray(given, dtype=object)
    types = {type(value) for value in chosen.flat} if chosen.ndim == 1 else set()
    if types and all(issubclass(cls, (bool, np.bool_)) for cls in types):
        if chosen.shape != mask.shape:
            raise ValueError(
                f"categorical_features is a mask of length {len(chosen)}, but the "
                f"table has {len(mask)} columns."
            )
        return chosen.astype(bool)
    if types and all(issubclass(cls, Integral) for cls in types):
        mask[check_indices([int(i) for i in chosen], len(mask))] = True
    elif types and all(issubclass(cls, str) for cls in types):
        names = [column.name for column in columns]
        check_names([str(name) for name in chosen], names)
        mask[[i for i, name in enumerate(names) if name in set(chosen)]] = True
    else:
        raise ValueError(
            "categorical_features must be 'from_dtype', None, names or indices of "
            f"columns, or a mask with a value for each of the {len(columns)} columns, "
            f"got {given!r}."
        )
    return mask


def check_indices(chosen: list[int], n: int) -> list[int]:
    """Return `chosen`; raise if a table of `n` columns lacks one of these columns."""
    wrong = [i for i in chosen if not 0 <= i < n]
    if wrong:
        raise ValueError(
            f"categorical_features={chosen}: the table has no column {wrong[0]}. Its "
            f"columns are 0 to {n - 1}."
        )
    return chosen


def check_names(chosen: list[str], names: list[Any]) -> None:
    """Raise if a table lacks columns in `categorical_features`, with the nearest names.

    `names` are those of the columns, or their indices if the table has no names.
    """
    wrong = [name for name in chosen if name not in names]
    if not wrong:
        return
    known = {str(name).lower(): name for name in names}
    near = [known[key] for key in get_close_matches(wrong[0].lower(), known)]
    if near:
        hint = f"Did you mean {' or '.join(map(repr, near))}?"
    else:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        hint = f"The columns are {names[:SHOWN]}{more}."
    raise ValueError(
        f"categorical_features={chosen}: the table has no column {wrong[0]!r}. {hint}"
    )


SHOWN = 30
"""Number of names of columns that an error lists."""


def warn_of_identifiers(column: Column, categories: Categories) -> None:
    """Warn if most rows have a category of their own, by what the categories are."""
    n, n_present = len(categories.values), int((column.distinct[0] >= 0).sum())
    if n <= MANY or n <= n_present / 2:
        return
    found = f"Column {column.name!r} has {n} categories in {n_present} rows."
    if advice := convert_to_numbers(column.name, categories.values):
        warn_caller(f"{found} It {advice} If it is an identifier, leave it out.")
    else:
        warn_caller(
            f"{found} If it is free text or an identifier, a network memorizes the "
            "rows: leave it out, or turn text into numbers, for example with "
            "TfidfVectorizer."
        )


MANY = 30
"""Up to so many categories no column counts as an identifier."""
