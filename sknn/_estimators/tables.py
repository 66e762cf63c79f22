"""Tables as input: columns of any kind, encoded as one matrix."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_X_y
from sklearn.utils.validation import validate_data

from .._sklearn import BaseEstimator
from .._spec import is_integer_from
from .._typing import Array
from ..layers import CategoricalEmbedding
from ..network import Network
from ..preprocessing import TableEncoder
from ..preprocessing._categories import FIRST
from ..preprocessing._columns import as_table
from .assembly import member_networks
from .attributions import (
    Derivative,
    attributions_in_threads,
    derivative_of_output,
    sum_groups,
)
from .inputs import Rows, check_X
from .network_access import NetworkAccess
from .transfer import fitted_source, is_path
from .variation import Variation


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
        X = as_table(X, estimator)
        # Names and number of the columns of the table itself.
        validate_data(estimator, X, reset=checks.pop("reset"), skip_check_array=True)
        encoded = self.encoder._transform(X)
        if not y:
            return encoded
        # Infinite values do not occur in it, and the dtype is right already.
        del checks["dtype"], checks["order"]
        try:
            return check_X_y(encoded, *y, dtype=None, estimator=estimator, **checks)
        except ValueError as error:
            if str(error).startswith("could not convert"):  # there is no text in X
                raise ValueError(f"y must hold numbers, but {error}.") from None
            raise

    def of_checked_rows(self) -> Rows:
        return Rows()

    def dtypes(self, floats: Any) -> list[Any]:
        return [np.float32]

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return len(self.encoder.input_index_)

    @property
    def n_numeric(self) -> int:
        """Number of columns of numbers, which come first."""
        return self.encoder.n_numeric_

    @property
    def code_columns(self) -> tuple[int, ...]:  # the last ones
        return tuple(range(self.width - len(self.n_categories), self.width))

    @property
    def n_categories(self) -> tuple[int, ...]:
        """Number of codes in each of these columns."""
        return self.encoder.n_categories_


class TableAccess(NetworkAccess):
    """An estimator of tables: how it learns to encode them, and says what it sees."""

    @abstractmethod
    def _make_encoder(self) -> TableEncoder:
        """Return the encoder of the columns, not fitted."""

    def _make_input(self, X: Any) -> Rows:
        source = source_table(self.init_from)
        if source is not None:
            check_n_columns(X, source.encoder.n_features_in_)
            return source
        encoder = self._make_encoder()
        # Not `fit`: after an interrupt, scikit-learn's context of an inner fit restores
        # the configuration when it is deleted, to what the outer fit has set.
        encoder._fit_transform(as_table(X, self))
        return Table(encoder)

    def _make_variation(self, input: Rows) -> Variation:
        assert isinstance(input, Table)
        check_mixup(self.mixup, input)
        return super()._make_variation(input)

    def _example_input(self, unfitted: Self, n_features: int) -> tuple[Rows, int]:
        if n_features == getattr(self, "n_features_in_", None):
            input = self._input
        else:  # columns of numbers
            unfitted.set_params(categorical_features=None, init_from=None)
            input = unfitted._make_input(np.zeros((1, n_features)))
        assert isinstance(input, Table)
        return input, input.width

    def _example_targets(self, n_outputs: int, classes: Any) -> Any:
        raise ValueError(
            f"This {type(self).__name__} is not fitted, and weights do not say how the "
            "columns of a table are encoded: call fit or partial_fit before "
            "set_weights, or pass a fitted estimator as init_from."
        )

    def transform(self, X: Any) -> Array:
        """Return the output of the last hidden layer.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        features : ndarray of shape (n_samples, n_hidden)
            Activations of the last hidden layer, of all members one after the other:
            features for another model.
        """
        x = check_X(self, X, self._fitted_input())
        return np.hstack([m.body().scores(x) for m in member_networks(self.network_)])

    @property
    def _n_features_out(self) -> int:
        members = member_networks(self.network_)
        return len(members) * math.prod(members[0].specs[-1].in_shape)

    def feature_attributions(
        self,
        X: Any,
        *,
        target: int | None = None,
        baseline: Any = 0.0,
        n_steps: int = 32,
        groups: ArrayLike | None = None,
    ) -> Array:
        """Return how much each column adds to the prediction of each row.

        By integrated gradients [1]_: the gradient of the prediction, averaged along the
        straight line from the baseline to the row, times the difference of the two. The
        line is one of encoded rows: of scaled numbers, of one-hot columns, and of the
        learned vectors of categories. What is attributed to them is added up for each
        column of the table, and the attributions of a row add up to the difference
        between its prediction and that of the baseline, up to the error of the
        numerical integration. They cost `n_steps` forward and backward passes and no
        fit, and say what the network looks at in one row. For the importance of columns
        for the score, see `sklearn.inspection.permutation_importance`.

        {class_weight} Predictions are those of `decision_function`. With several
        {class_weight} members, the mean of their raw scores is attributed, while
        {class_weight} `decision_function` returns the logits of their mean
        {class_weight} probabilities.
        {quantile} Predictions are those of `predict` before they are limited by `clip`;
        {quantile} with ``loss='poisson'`` their logarithm.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            The table.
        target : int, default=None
            {class_weight} Class or label: column of the prediction. With None, that of
            {class_weight} the predicted class of each row. Needed for several labels.
            {quantile} Target or quantile: column of the prediction. Needed if there are
            {quantile} several.
        baseline : data frame or array-like of shape (1, n_features) or 0, default=0
            A row to compare with, as in `X`. 0 is a neutral row: each number is the
            median of its column, one-hot columns are 0, and the vector of a category is
            the mean of those of the column.
        n_steps : int, default=32
            Number of gradients on the line.
        groups : array-like of int of shape (n_features,), default=None
            Group of each column, from 0. The attributions of a group are added up.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_features) or (n_samples, n_groups)
            In the units of the prediction.

        References
        ----------
        .. [1] M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep
           networks", ICML 2017.

        Examples
        --------
        >>> import numpy as np
        >>> from sknn import TabularRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(200, 3))
        >>> y = X[:, 0] - 3 * X[:, 1]
        >>> reg = TabularRegressor(random_state=0, max_iter=32).fit(X, y)
        >>> attributions = reg.feature_attributions(X)
        >>> attributions.shape
        (200, 3)
        >>> int(abs(attributions).mean(axis=0).argmax())
        1
        """
        if not is_integer_from(1, n_steps):
            raise ValueError(f"n_steps must be an integer >= 1, got {n_steps!r}.")
        input = self._fitted_input()
        assert isinstance(input, Table)
        x = check_X(self, X, input)
        z = self.network_.scores(x)
        derivative = derivative_of_output(self._targets, z, target)
        start = self._baseline_row(baseline)
        members = [
            attributions_to_columns(network, input, x, start, derivative, n_steps)
            for network in member_networks(self.network_)
        ]
        found: Array = np.mean(members, axis=0)
        return found if groups is None else sum_groups(found, groups)

    def _baseline_row(self, baseline: Any) -> Array | None:
        """Return an encoded row to compare with; None for one that says little."""
        if len(getattr(baseline, "shape", ())) == 2 or np.ndim(baseline) == 2:
            rows: Any = check_X(self, baseline, self._input)
            if len(rows) == 1:
                return rows
        elif np.ndim(baseline) == 0 and baseline == 0:
            return None
        raise ValueError(
            f"baseline must be 0 or a table with one row, got {baseline!r}."
        )


def source_table(init_from: Any) -> Table | None:
    """Return the table that the weights to start from were trained on, if known."""
    if init_from is None or is_path(init_from):
        return None
    source = fitted_source(init_from)._input
    return source if isinstance(source, Table) else None


def check_n_columns(X: Any, n: int) -> None:
    """Raise unless `X` has as many columns as the table of `init_from`."""
    shape = np.shape(X)
    if shape[1:] != (n,):
        raise ValueError(
            f"init_from was fitted on a table with {n} columns, but X is of shape "
            f"{shape}."
        )


def check_mixup(mixup: float, input: Table) -> None:
    """Raise where mixup would mix codes of categories."""
    if not mixup or not input.n_categories:
        return
    names = input.encoder.get_feature_names_out()[list(input.code_columns)].tolist()
    raise ValueError(
        f"mixup={mixup} mixes rows, but there is nothing between two of the many "
        f"categories of the columns {names}: set mixup=0, or encode them as one-hot, "
        f"max_one_hot={max(input.n_categories)}."
    )


# -- attributions ---------------------------------------------------------------------


def attributions_to_columns(
    network: Network,
    input: Table,
    x: Array,
    start: Array | None,
    derivative: Derivative,
    n_steps: int,
) -> Array:
    """Return attributions (n, n_features) to the columns of a table with rows `x`.

    `start` (1, n_encoded) is the encoded row to compare with; None is a row of medians
    and of the mean vectors of categories.
    """
    columns = input.encoder.input_index_
    layer = network.layers[0]
    if isinstance(layer, CategoricalEmbedding):
        embedding, network = network.split(1)
        n = input.width - len(input.n_categories)
        columns = np.append(columns[:n], columns[n:].repeat(layer.size))
        x = embedding.scores(x)
        start = None if start is None else embedding.scores(start)
        vectors = mean_vectors(layer, embedding.weights[0])
    else:
        vectors = np.empty(0)
    if start is None:
        start = np.zeros((1, len(columns)))
        start[:, len(columns) - len(vectors) :] = vectors
    found = attributions_in_threads(network, x, derivative, start[0], n_steps)
    out = np.zeros((len(x), input.encoder.n_features_in_), found.dtype)
    out[:, : columns.max() + 1] = sum_groups(found, columns)
    return out


def mean_vectors(layer: CategoricalEmbedding, E: Array) -> Array:
    """Return the mean vector of the categories of each column, one after the other."""
    ends = np.cumsum(layer.n_categories)
    starts = [0, *ends[:-1]]
    means = [E[a + FIRST : b].mean(axis=0) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate(means)
