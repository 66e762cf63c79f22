"""Tables as input: columns of any kind, encoded as one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_X_y
from sklearn.utils.validation import validate_data

from .._sklearn import BaseEstimator
from ..preprocessing import TableEncoder
from .inputs import Rows


@dataclass(frozen=True, eq=False)
class Table(Rows):
    """A data frame, or an array, with an encoder that has learned what it holds.

    Attributes
    ----------
    encoder : TableEncoder
        Fitted to the training table.
    """

    encoder: TableEncoder

    is_matrix = False

    def validate(self, estimator: BaseEstimator, X: Any, *y: Any, **checks: Any) -> Any:
        """Return the encoded table, and `y` if it is passed."""
        reset = checks.pop("reset")
        encoded = self.encoder.transform(X)
        # Names and number of the columns of the table itself.
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not y:
            return encoded
        # Infinite values do not occur in it, and the dtype is right already.
        del checks["dtype"], checks["order"]
        return check_X_y(encoded, *y, dtype=None, estimator=estimator, **checks)

    def dtypes(self, floats: Any) -> list[Any]:
        return [np.float32]

    @property
    def n_numeric(self) -> int:
        """Number of columns of numbers, which come first."""
        return self.encoder.n_numeric_

    @property
    def code_columns(self) -> tuple[int, ...]:
        """Encoded columns that hold codes of categories, which come last."""
        width = len(self.encoder.input_index_)
        return tuple(range(width - len(self.n_categories), width))

    @property
    def n_categories(self) -> tuple[int, ...]:
        """Number of codes in each of these columns."""
        return self.encoder.n_categories_
