"""Which rows a network is not trained on: chosen by the doctor, or by the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from .._sklearn import num_samples, safe_indexing
from .._typing import Array
from ._subject import Subject

SHARE = 0.2
"""Share of the rows that the doctor holds out where no validation rows are given."""

MIN_HELD_OUT = 2
"""Minimum number of rows held out, since R² needs two; as many must be left to train
on."""


def hold_out(X: Any, y: Any, is_classifier: bool) -> tuple[Any, Any, tuple[Any, Any]]:
    """Return training rows and targets, and the pair held out; stratified if possible.

    `X` and `y` must be indexable.
    """
    check_consistent_length(X, y)
    n = num_samples(X)
    if n < 2 * MIN_HELD_OUT:
        raise ValueError(
            f"At least {2 * MIN_HELD_OUT} rows are needed to hold some of them out for "
            f"validation, got n_samples={n}. Pass more rows, or X_val and y_val."
        )
    rows, labels = np.arange(n), None
    if is_classifier and type_of_target(y) in ("binary", "multiclass"):
        labels = np.asarray(y).ravel()
    size = max(MIN_HELD_OUT, math.ceil(SHARE * n))
    stratify = labels if _can_stratify(labels, n, size) else None
    rows, held_out = train_test_split(
        rows, test_size=size, random_state=0, stratify=stratify
    )
    if labels is not None:
        rows, held_out = _keep_lone_rows(labels, rows, held_out)
    X, X_val = safe_indexing(X, rows), safe_indexing(X, held_out)
    return X, safe_indexing(y, rows), (X_val, safe_indexing(y, held_out))


def _can_stratify(labels: Array | None, n: int, size: int) -> bool:
    """Return whether each class has rows for both parts."""
    if labels is None:
        return False
    _, counts = np.unique(labels, return_counts=True)
    return bool(counts.min() >= 2 and min(size, n - size) >= len(counts))


def _keep_lone_rows(labels: Array, rows: Array, held_out: Array) -> tuple[Array, Array]:
    """Return the two parts with every class in the first."""
    known = np.isin(labels[held_out], labels[rows])
    rows, held_out = np.r_[rows, held_out[~known]], held_out[known]
    if not len(held_out):
        raise ValueError(
            "No rows can be held out for validation: y has "
            f"{len(np.unique(labels))} classes in {len(labels)} rows. Pass more rows "
            "of each class, or X_val and y_val."
        )
    return rows, held_out


@dataclass
class HeldOut:
    """Rows that early stopping held out of those given to `fit`.

    `share` of the rows; `train` are the other rows, None if it is unknown which.
    """

    share: float
    train: Array | None


def held_out_by_early_stopping(subject: Subject) -> HeldOut | None:
    """Repeat the hold-out of `fit` on an untrained subject; None if it cannot be."""
    estimator = subject.estimator
    splitter = estimator.validation_fraction  # of a copy of the estimator
    splits = hasattr(splitter, "split")
    seed = getattr(splitter if splits else estimator, "random_state", 0)
    known = isinstance(seed, Integral)
    if splits and not known:  # only the number of rows matters
        splitter.random_state = 0
    elif estimator.warm_start and not splits:  # it may not have been the first fit
        known = False
    try:
        data, _ = subject.hold_out()
    except ValueError:  # so `fit` was given a validation set, or other rows
        return None
    return HeldOut(1 - data.n / subject.data.n, data.rows if known else None)
