"""What the doctor looks at: the data, the network before and after training."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from .._arrays import as_floats
from .._estimators.base import BaseNetworkEstimator
from .._sklearn import num_samples, safe_indexing
from .._typing import Array
from ._network import Unwrapped, is_fitted, unwrap, without_regularization
from ._subject import Subject, check_as_fit_does, quiet_clone, sample_of
from .checks import Check, initial_loss_of
from .range_test import LearningRateRange, range_test_of
from .statistics import ActivationStatistics, gradients_of, statistics_of

HOLD_OUT = 0.2
"""Share of the rows held out for validation where none are given."""

LEAST_HELD_OUT = 2
"""Rows held out at least, since R² needs two; as many are left to train on."""

FOREST_SIZE = 100
"""Trees of the forest that a network is compared with, scikit-learn's default."""


@dataclass
class Examination:
    """All that is known of a case; what takes time is found when it is asked for.

    Attributes
    ----------
    inner : Unwrapped
        The network estimator and the way of the data to it.
    X, y
        The training data as the network gets them.
    after : Subject or None
        The trained network; None where training diverged.
    history : dict of str to list
        The estimator's ``history_``; empty where training diverged.
    diverged : str
        What the estimator said when training diverged.
    validation : tuple or None
        Validation rows and targets as the network gets them.
    notes : list of str
        How the examination was done, and what could not be looked at.
    held_out : HeldOut or None
        The rows of `X` that a fitted network was not trained on, if any.
    """

    inner: Unwrapped
    X: Any
    y: Any
    after: Subject | None
    history: dict[str, list[float]]
    diverged: str
    validation: tuple[Any, Any] | None
    notes: list[str]
    held_out: HeldOut | None = None

    def begin(self) -> Subject:
        """Return a new subject that has not been trained."""
        return Subject.untrained(self.estimator, self.X, self.y)

    @property
    def estimator(self) -> BaseNetworkEstimator:
        """The network estimator, for its parameters."""
        return self.inner.estimator

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier."""
        return is_classifier(self.estimator)

    # -- before training --------------------------------------------------------------

    @cached_property
    def before(self) -> Subject:
        """The network before training; not to be changed."""
        return self.begin()

    @cached_property
    def features(self) -> Array:
        """Rows of features, dense, as floats."""
        rows = self.before.sample()
        x = as_floats(rows.X[rows.rows], self.before.network.dtype)
        x = x if isinstance(x, np.ndarray) else x.toarray()
        return x.astype(np.float64)

    @cached_property
    def initial_loss(self) -> Check:
        """The check of the first loss."""
        return initial_loss_of(self.inner, self.X, self.y)

    @cached_property
    def initial_activations(self) -> ActivationStatistics:
        """Activations before training."""
        return statistics_of(self.begin())

    @cached_property
    def initial_objective(self) -> float:
        """Loss and penalty before training."""
        return gradients_of(self.begin()).loss

    @cached_property
    def range(self) -> LearningRateRange | None:
        """The learning-rate range test; None for 'lbfgs', and where it is no help."""
        return self._range_of(self.begin())

    @cached_property
    def unregularized_range(self) -> LearningRateRange | None:
        """The same with all regularisation off."""
        off = without_regularization(self.estimator)
        subject = Subject.untrained(self.estimator, self.X, self.y, **off)
        return self._range_of(subject)

    def _range_of(self, subject: Subject) -> LearningRateRange | None:
        if self.estimator.solver == "lbfgs":
            return None
        try:
            result = range_test_of(subject)
        except ValueError:  # the loss is not finite from the start
            return None
        return None if math.isnan(result.suggestion) else result

    # -- after training ---------------------------------------------------------------

    @property
    def n_rows(self) -> int:
        """Number of rows trained on."""
        share = self.held_out.share if self.held_out else 0.0
        return round((1 - share) * self.before.data.n)

    @cached_property
    def activations(self) -> ActivationStatistics:
        """Activations after training; before it, where it diverged."""
        if self.after is None:
            return self.initial_activations
        return statistics_of(self.after)

    @cached_property
    def score(self) -> float:
        """Score on rows trained on, accuracy or R²; NaN where training diverged.

        If it is not known which were held out, their share in the score is removed:
        they have the score that training noted.
        """
        if self.after is None:
            return math.nan
        data, held_out = self.after.data, self.held_out
        if held_out is not None and held_out.train is not None:
            data = replace(data, rows=held_out.train)
        rows = sample_of(data)
        score = _score(self.after, rows.X[rows.rows], rows.y[rows.rows])
        noted = self.noted_score
        if held_out is None or held_out.train is not None or math.isnan(noted):
            return score
        return min(1.0, (score - held_out.share * noted) / (1 - held_out.share))

    @cached_property
    def validation_score(self) -> float:
        """Score on validation rows; NaN where there are none."""
        if self.after is None:
            return math.nan
        if self.validation is not None:
            data = Subject.fitted(self.after.estimator, *self.validation).data
            return _score(self.after, data.X, data.y)
        return self.noted_score

    @property
    def noted_score(self) -> float:
        """Validation score of the network as training noted it; NaN if it did not."""
        assert self.after is not None
        estimator = self.after.estimator
        scores = estimator.validation_scores_
        if not scores or estimator.scoring is not None:  # which may measure anything
            return math.nan
        restores = estimator.early_stopping and estimator.restore_best
        return max(scores) if restores else scores[-1]

    @cached_property
    def forest_score(self) -> float:
        """Score of a forest on rows that it has not seen; NaN where none compares.

        It says what can be learnt from the data with no tuning at all.
        """
        rows = self.before.sample()
        y = rows.y[rows.rows]
        comparable = self.before.loss.scores_per_output == 1
        if type_of_target(y).startswith("multilabel") or not comparable:
            return math.nan
        if np.abs(self.features).max() > np.finfo(np.float32).max:  # which it grows in
            return math.nan
        Forest = ExtraTreesClassifier if self.classifies else ExtraTreesRegressor
        forest = Forest(FOREST_SIZE, bootstrap=True, oob_score=True, random_state=0)
        y = y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # rows that every tree has seen
            return float(forest.fit(self.features, y).oob_score_)

    @cached_property
    def figures(self) -> dict[str, float]:
        """The figures that every report tells."""
        losses = self.history.get("loss") or [math.nan]
        return {
            "rows": self.n_rows,
            "parameters": self.before.network.theta.size,
            "epochs": len(self.history.get("loss", [])),
            "first loss": losses[0],
            "last loss": losses[-1],
            "training score": self.score,
            "validation score": self.validation_score,
            "score of a forest": self.forest_score,
        }


def _score(subject: Subject, X: Any, y: Array) -> float:
    """Return the score of a trained network on encoded data; NaN if it has none."""
    z = subject.network.scores(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)  # R² of a single row
        return subject.score(z, y)


def examine(estimator: Any, X: Any, y: Any, validation: Any) -> Examination:
    """Look at a fitted estimator as it is, or train a clone of one that is not."""
    notes = []
    trained = is_fitted(estimator)
    holds_out = not trained and validation is None
    if holds_out:
        n = num_samples(X)
        X, y, validation = _hold_out(X, y, is_classifier(estimator))
        share = num_samples(validation[0]) / n
        notes.append(
            f"A clone was trained; {share:.0%} of the rows were held out for "
            "validation."
        )
    elif not trained:
        notes.append("A clone was trained.")
    inner = unwrap(estimator, X, y, trained)
    X, y = inner.features(X), inner.targets(y)
    if validation is not None:
        validation = inner.features(validation[0]), inner.targets(validation[1])
    if holds_out:  # so that an error does not speak of a validation set
        check_as_fit_does(inner.estimator, *validation)
    fitted, diverged = inner.estimator, ""
    if not trained:
        fitted, diverged = _train(inner.estimator, X, y, validation)
    after = None if diverged else Subject.fitted(fitted, X, y)
    history: dict[str, Any] = {} if diverged else fitted.history_
    if trained and validation is None and fitted.validation_scores_ is None:
        notes.append("Without X_val and y_val nothing is said of over-fitting.")
    exam = Examination(inner, X, y, after, history, diverged, validation, notes)
    if trained:
        exam.held_out = held_out_by(exam)
    if exam.held_out is not None and exam.held_out.train is None:
        notes.append(
            "Which rows early stopping held out is not known, so that the training "
            "score is not exact; with a whole number as random_state it is."
        )
    return exam


@dataclass
class HeldOut:
    """Rows that early stopping held out of those given to `fit`.

    `share` of the rows; `train` are the others, None if it is not known which.
    """

    share: float
    train: Array | None


def held_out_by(exam: Examination) -> HeldOut | None:
    """Hold out as a fitted estimator did; None if all rows were trained on."""
    estimator = exam.estimator
    if not estimator.early_stopping or estimator.refit_on_all:
        return None
    if exam.validation and math.isclose(exam.validation_score, exam.noted_score):
        return None  # this was the validation set of `fit` too
    subject = exam.begin()
    splitter = subject.estimator.validation_fraction  # a copy
    splits = hasattr(splitter, "split")
    seed = getattr(splitter if splits else estimator, "random_state", 0)
    known = isinstance(seed, Integral)
    if splits and not known:  # all that matters is how many
        splitter.random_state = 0
    elif estimator.warm_start and not splits:  # may have been fitted before
        known = False
    try:
        data, _ = subject.hold_out()
    except ValueError:  # so `fit` had a validation set, or other rows
        return None
    return HeldOut(1 - data.n / subject.data.n, data.rows if known else None)


def _hold_out(X: Any, y: Any, classifies: bool) -> tuple[Any, Any, tuple[Any, Any]]:
    """Return training rows and targets, and those held out; by classes if possible."""
    check_consistent_length(X, y)
    n = num_samples(X)
    if n < 2 * LEAST_HELD_OUT:
        raise ValueError(
            f"To hold some rows out for validation, {2 * LEAST_HELD_OUT} or more are "
            f"needed, got n_samples={n}. Pass more rows, or X_val and y_val."
        )
    rows, labels = np.arange(n), None
    if classifies and type_of_target(y) in ("binary", "multiclass"):
        labels = np.asarray(y).ravel()
        _, counts = np.unique(labels, return_counts=True)
    can = labels is not None and counts.min() >= 2
    size = max(LEAST_HELD_OUT, math.ceil(HOLD_OUT * n))
    can = can and min(size, n - size) >= len(counts)
    rows, held_out = train_test_split(
        rows, test_size=size, random_state=0, stratify=labels if can else None
    )
    if labels is not None:  # a class of a single row cannot be held out
        known = np.isin(labels[held_out], labels[rows])
        rows, held_out = np.r_[rows, held_out[~known]], held_out[known]
        if not len(held_out):
            raise ValueError(
                "No rows can be held out for validation: y has "
                f"{len(counts)} classes in {n} rows. Pass more rows of each class, or "
                "X_val and y_val."
            )
    X, X_val = safe_indexing(X, rows), safe_indexing(X, held_out)
    return X, safe_indexing(y, rows), (X_val, safe_indexing(y, held_out))


def _train(
    estimator: BaseNetworkEstimator, X: Any, y: Any, validation: Any
) -> tuple[BaseNetworkEstimator, str]:
    """Return a fitted clone, or what it said when its loss was no longer finite."""
    clone = quiet_clone(estimator).set_params(refit_on_all=False)
    X_val, y_val = validation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says what they would
        try:
            return clone.fit(X, y, X_val=X_val, y_val=y_val), ""
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            return clone, str(error)
