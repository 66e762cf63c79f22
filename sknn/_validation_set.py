"""The validation set: passed by the user or held out, and how the network does on it.

Only rows of the data given to `fit` are ever held out, so that in cross-validation the
test fold stays unseen.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from ._objective import mean_loss
from ._training import Data, Validate
from ._typing import Array, DType, Matrix
from ._validation import (
    check_sample_weight,
    check_some_weight,
    check_validation_pair,
    hold_out_size,
    takes_sample_weight,
)


class ValidationSetMixin(BaseEstimator):
    """The part of an estimator that makes and uses the validation set."""

    def _check_validation(
        self, validation: tuple[Any, Any, Any], data: Data, dtype: DType
    ) -> Data | None:
        """Return the user's validation set, checked and encoded; None if none came."""
        X_val, y_val, sample_weight_val = validation
        if not check_validation_pair(*validation):
            return None
        try:
            X_val, y_val = validate_data(
                self,
                self._as_rows(X_val, first=False),
                y_val,
                accept_sparse="csr",
                multi_output=True,
                y_numeric=isinstance(self, RegressorMixin),
                dtype=self._kept_dtypes(first=False),
                order="C",
                reset=False,
            )
            y_val = self._encode_targets(y_val, dtype, "be some")
            if y_val.shape[1:] != data.y.shape[1:]:
                raise ValueError(
                    f"y has {data.y.shape[1]} outputs, y_val {y_val.shape[1]}."
                )
            if sample_weight_val is not None:
                sample_weight_val = check_sample_weight(sample_weight_val, X_val, dtype)
        except ValueError as error:
            raise ValueError(
                f"Invalid validation set (X_val, y_val): {error}"
            ) from None
        return Data(X_val, y_val, self._weigh(sample_weight_val, y_val, dtype))

    def _hold_out(self, data: Data, rng: np.random.RandomState) -> tuple[Data, Data]:
        """Split the rows in two, without copying any of them."""
        if hasattr(self.validation_fraction, "split"):
            train, held_out = self._split_by_user(data)
        else:
            train, held_out = self._split_at_random(data, rng)
        parts = [copy.copy(data), copy.copy(data)]
        parts[0].rows, parts[1].rows = train, held_out
        if data.sample_weight is not None:
            for rows, name in ((train, "left to train on"), (held_out, "held out")):
                check_some_weight(data.sample_weight[rows], f" in the rows {name}")
        return parts[0], parts[1]

    def _split_by_user(self, data: Data) -> tuple[Array, Array]:
        """Return the rows of the first split that the user's splitter makes."""
        splitter = self.validation_fraction
        if isinstance(splitter, type):
            raise ValueError(
                f"validation_fraction must be a splitter, not the class "
                f"{splitter.__name__}: write {splitter.__name__}(...)."
            )
        n_split = len(getattr(splitter, "test_fold", data.y))
        if n_split != data.n:
            raise ValueError(
                f"validation_fraction={splitter!r} splits {n_split} rows, but fit was "
                f"given {data.n}."
            )
        y = data.y.ravel() if data.y.shape[1:] == (1,) else data.y
        try:
            splits = splitter.split(np.empty((data.n, 0)), y)
            train, held_out = map(np.asarray, next(iter(splits), ((), ())))
        except Exception as error:  # whatever a splitter raises
            raise ValueError(
                f"validation_fraction={splitter!r} cannot split {data.n} rows: {error}"
            ) from error
        if not (len(train) and len(held_out)):
            raise ValueError(
                f"validation_fraction={splitter!r} must split the rows in two, got "
                f"{len(train)} to train on and {len(held_out)} held out."
            )
        for rows in (train, held_out):
            if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= data.n:
                raise ValueError(
                    f"validation_fraction={splitter!r} must give numbers of rows from "
                    f"0 to {data.n - 1}, got {rows!r}."
                )
        if np.intersect1d(train, held_out).size:
            raise ValueError(
                f"validation_fraction={splitter!r} holds out rows that it trains on."
            )
        return train, held_out

    def _split_at_random(
        self, data: Data, rng: np.random.RandomState
    ) -> tuple[Array, Array]:
        """Split as scikit-learn's network does."""
        stratify = None
        # scikit-learn stratifies two classes, but not more and not several labels.
        if isinstance(self, ClassifierMixin) and data.y.shape[1:] == (1,):
            stratify = data.y.astype(bool)
            if stratify.all() or not stratify.any():
                stratify = None
        size = hold_out_size(
            data.n, self.validation_fraction, 1 if stratify is None else 2
        )
        train, held_out = train_test_split(
            np.arange(data.n), random_state=rng, test_size=size, stratify=stratify
        )
        return train, held_out

    def _make_validate(self, data: Data | None) -> Validate | None:
        """Return a function that measures the network on the validation set."""
        if data is None:
            return None
        rows = data.selected
        y = data.y[rows]
        w = None if data.sample_weight is None else data.sample_weight[rows]
        score_fitted = self._make_scorer(data.X, rows, y, w)

        def validate() -> tuple[float, float]:
            z = self.network_.scores(data.X, data.rows)
            if not np.isfinite(z).all():
                return math.nan, math.nan
            loss = mean_loss(self._loss, z, y, w)
            if self.scoring == "loss":
                return loss, -loss
            if score_fitted is None:
                return loss, float(self._score_from_scores(z, y, w))
            return loss, score_fitted()

        return validate

    def _make_scorer(
        self, X: Matrix, rows: Any, y: Array, sample_weight: Array | None
    ) -> Callable[[], float] | None:
        """Return a function that calls the user's scorer on the validation set."""
        if self.scoring is None or self.scoring == "loss":
            return None
        scorer = get_scorer(self.scoring)
        X_val, y_val = X[rows], self._decode_targets(y)
        weights = {}
        if sample_weight is not None and takes_sample_weight(scorer):
            weights["sample_weight"] = sample_weight

        def score_fitted() -> float:
            fitted = copy.copy(self)
            # The validated X has lost its column names; do not ask for them.
            fitted.__dict__.pop("feature_names_in_", None)
            try:
                score = scorer(fitted, X_val, y_val, **weights)
            except Exception as error:  # whatever a user's function raises
                raise ValueError(
                    f"scoring={self.scoring!r} cannot score the validation set of "
                    f"{len(y_val)} rows: {error} (If it misses a class, pass X_val and "
                    "y_val, raise validation_fraction, or use scoring='loss'.)"
                ) from error
            if not isinstance(score, Real):
                raise ValueError(
                    f"scoring={self.scoring!r} must return a number, got {score!r}."
                )
            return float(score)

        return score_fitted
