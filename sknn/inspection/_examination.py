"""What the doctor examines: the data, and the network before and after training."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import type_of_target

from .._estimators.base import BaseNetworkEstimator
from .._estimators.input_checks import explained_target_errors
from .._network_finder import is_fitted
from .._sklearn import num_samples
from .._training import Data
from .._typing import Array
from ._hold_out import HeldOut, held_out_by_early_stopping, hold_out
from ._network import Unwrapped, unwrap
from ._progress import Progress
from ._regularization import without_regularization
from ._subject import Subject, check_as_fit_does, dense_floats, quiet_clone, sample_of
from .activations import ActivationStatistics, statistics_of
from .checks import Check, initial_loss_of
from .gradients import gradients_of
from .learning_rate_range import LearningRateRange, range_test_of

FOREST_SIZE = 100
"""Number of trees of the forest that a network is compared with, scikit-learn's
default."""


@dataclass
class Examination:
    """All that is known of an estimator; what takes time is computed when needed.

    Attributes
    ----------
    inner : Unwrapped
        The network estimator, and the transformers that its data pass through.
    X, y
        The training data as the network receives them.
    after : Subject or None
        The trained network; None where training diverged.
    history : dict of str to list
        The estimator's ``history_``; empty where training diverged.
    diverged : str
        The error message of the estimator where training diverged.
    validation : tuple or None
        Validation rows and targets as the network receives them.
    notes : list of str
        How the examination was done, and what could not be checked.
    progress : Progress
        Prints what takes time.
    held_out : HeldOut or None
        The rows of `X` that a fitted network was not trained on, if any.
    has_validation_set : bool
        Whether `fit` gets ``X_val`` and ``y_val`` from the user. Unknown, and True, for
        a network fitted with early stopping.
    """

    inner: Unwrapped
    X: Any
    y: Any
    after: Subject | None
    history: dict[str, list[float]]
    diverged: str
    validation: tuple[Any, Any] | None
    notes: list[str]
    progress: Progress = field(default_factory=lambda: Progress(False))
    held_out: HeldOut | None = None
    has_validation_set: bool = False

    def new_subject(self, **params: Any) -> Subject:
        """Return a new subject that has not been trained."""
        return Subject.untrained(self.estimator, self.X, self.y, **params)

    @property
    def estimator(self) -> BaseNetworkEstimator:
        """The network estimator, for its parameters."""
        return self.inner.estimator

    @property
    def is_classifier(self) -> bool:
        """Whether the network is a classifier."""
        return bool(is_classifier(self.estimator))

    @property
    def metric(self) -> str:
        """What all scores are, in words."""
        if self.class_weights is not None:
            return "class-weighted accuracy"
        return "accuracy" if self.is_classifier else "R²"

    @cached_property
    def class_weights(self) -> Array | None:
        """Weights of the classes, by code; None without `class_weight`.

        All scores are weighted by them, as the loss is: a network that is trained for
        rare classes has a lower accuracy on the others.
        """
        y, w = self.before.data.y, self.before.data.sample_weight
        if not self.is_classifier or w is None or (y.ndim == 2 and y.shape[1] > 1):
            return None
        weights = np.ones(len(self.before.classes))
        weights[y.ravel().astype(int)] = w
        return weights

    def weights_of(self, y: Array) -> Array | None:
        """Return the weights of rows with encoded targets `y`; None if all are 1."""
        weights = self.class_weights
        return None if weights is None else weights[y.ravel().astype(int)]

    # -- before training --------------------------------------------------------------

    @cached_property
    def before(self) -> Subject:
        """The network before training; not to be changed."""
        return self.new_subject()

    @cached_property
    def sample(self) -> Data:
        """The rows whose features are examined."""
        return self.before.dense_sample()

    @property
    def sample_targets(self) -> Array:
        """Encoded targets of the sample; of one dimension unless there are several."""
        y = self.sample.y[self.sample.rows]
        return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y

    @cached_property
    def features(self) -> Array:
        """Features of the sample, dense, in float64."""
        rows = self.sample
        x = dense_floats(rows.X[rows.rows], self.before.network.dtype)
        return x.astype(np.float64)

    @cached_property
    def numbers(self) -> Array:
        """Features of the sample that are no codes of categories."""
        codes = self.before.code_columns
        return np.delete(self.features, codes, axis=1) if codes else self.features

    @cached_property
    def initial_loss(self) -> Check:
        """The check of the initial loss."""
        return initial_loss_of(self.inner, self.X, self.y)

    @cached_property
    def initial_activations(self) -> ActivationStatistics:
        """Activations before training."""
        with self.progress.step("Activations before training"):
            return statistics_of(self.new_subject())

    @cached_property
    def initial_objective(self) -> float:
        """Loss and penalty before training."""
        return gradients_of(self.new_subject()).loss

    @cached_property
    def range(self) -> LearningRateRange | None:
        """The learning-rate range test; None for 'lbfgs' or without a suggestion."""
        with self.progress.step("Learning-rate range test"):
            return self._range_of(self.new_subject())

    @cached_property
    def unregularized_range(self) -> LearningRateRange | None:
        """The same with all regularization switched off."""
        with self.progress.step("Learning-rate range test without regularization"):
            off = without_regularization(self.estimator)
            return self._range_of(self.new_subject(**off))

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
        """Activations after training; before it, where training diverged."""
        if self.after is None:
            return self.initial_activations
        with self.progress.step("Activations after training"):
            return statistics_of(self.after)

    @cached_property
    def score(self) -> float:
        """Score on the rows trained on, accuracy or R²; NaN where training diverged.

        If it is unknown which rows were held out, their share of the score is
        subtracted: they have the validation score that was recorded in training.
        """
        if self.after is None:
            return math.nan
        data, held_out = self.after.data, self.held_out
        if held_out is not None and held_out.train is not None:
            data = replace(data, rows=held_out.train)
        rows = sample_of(data)
        score = self._score(rows.X[rows.rows], rows.y[rows.rows])
        recorded = self.recorded_score
        if held_out is None or held_out.train is not None or math.isnan(recorded):
            return score
        return min(1.0, (score - held_out.share * recorded) / (1 - held_out.share))

    @cached_property
    def validation_score(self) -> float:
        """Score on validation rows; NaN where there are none."""
        if self.after is None:
            return math.nan
        data = self.validation_data
        if data is not None:
            return self._score(data.X, data.y)
        return self.recorded_score

    @cached_property
    def validation_data(self) -> Data | None:
        """Encoded validation rows; None where there are none or training diverged."""
        if self.after is None or self.validation is None:
            return None
        return Subject.fitted(self.after.estimator, *self.validation).data

    @property
    def recorded_score(self) -> float:
        """Validation score of the network as recorded in training; else NaN."""
        assert self.after is not None
        estimator = self.after.estimator
        scores = estimator.validation_scores_
        # A scorer may measure anything, and scores are without `class_weight`.
        if (
            not scores
            or estimator.scoring is not None
            or self.class_weights is not None
        ):
            return math.nan
        return max(scores) if self.restores_best else scores[-1]

    @property
    def restores_best(self) -> bool:
        """Whether training ends with the weights of the best epoch."""
        return bool(self.estimator.early_stopping and self.estimator.restore_best)

    @property
    def n_validation_rows(self) -> float:
        """Number of rows of the validation score; NaN if it is unknown."""
        if self.validation is not None:
            return num_samples(self.validation[0])
        if self.held_out is not None:
            return self.before.data.n - self.n_rows
        return math.nan

    @cached_property
    def forest_score(self) -> float:
        """Out-of-bag score of the forest; NaN where no forest compares."""
        if self.forest is None:
            return math.nan
        y = self.sample_targets
        weights = self.weights_of(y)
        if weights is None:
            return float(self.forest.oob_score_)
        return float(np.average(self.forest_codes == y, weights=weights))

    @property
    def forest_codes(self) -> Array:
        """Classes that the forest predicts out-of-bag, chosen by `class_weight` too."""
        votes = np.nan_to_num(self.forest.oob_decision_function_)
        codes = self.forest.classes_.astype(int)
        if self.class_weights is not None:
            votes = votes * self.class_weights[codes]
        predicted: Array = codes[votes.argmax(axis=1)]
        return predicted

    @cached_property
    def forest(self) -> Any:
        """A forest fitted on the sample; None where no forest compares.

        It says what can be learned from the data without tuning.
        """
        y = self.sample_targets
        loss = self.before.loss  # several quantiles have another score
        comparable = loss.scores_per_output == 1 or loss.predicts_std
        if type_of_target(y).startswith("multilabel") or not comparable:
            return None
        if np.abs(self.features).max() > np.finfo(np.float32).max:  # its dtype
            return None
        Forest = ExtraTreesClassifier if self.is_classifier else ExtraTreesRegressor
        forest = Forest(FOREST_SIZE, bootstrap=True, oob_score=True, random_state=0)
        with self.progress.step("Forest to compare with"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # rows in every tree
            return forest.fit(self.features, y)

    def _score(self, X: Any, y: Array) -> float:
        """Return the score of the trained network on encoded data, which may be NaN."""
        assert self.after is not None
        z = self.after.network.scores(X)
        with warnings.catch_warnings():
            # R² of a single row.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return self.after.score(z, y, self.weights_of(y))

    @cached_property
    def figures(self) -> dict[str, float]:
        """The figures in every report."""
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


def examine(
    estimator: Any, X: Any, y: Any, validation: Any, progress: Progress
) -> Examination:
    """Examine a fitted estimator as it is, or train a clone of one that is not."""
    notes = []
    trained = is_fitted(estimator)
    holds_out = not trained and validation is None
    X, y = indexable(X), indexable(y)
    if holds_out:
        with explained_target_errors(y):  # which counts all rows
            assert_all_finite(y, input_name="y", allow_nan=False)
        n = num_samples(X)
        X, y, validation = hold_out(X, y, is_classifier(estimator))
        share = num_samples(validation[0]) / n
        notes.append(
            f"A clone was trained; {share:.0%} of the rows were held out for "
            "validation."
        )
    elif not trained:
        notes.append("A clone was trained.")
    with progress.step("Transforming the data"):
        inner = unwrap(estimator, X, y, trained)
        X, y = inner.features(X), inner.targets(y)
        if validation is not None:
            validation = inner.features(validation[0]), inner.targets(validation[1])
    if holds_out:  # so that an error does not mention a validation set
        check_as_fit_does(inner.estimator, *validation)
    fitted, diverged = inner.estimator, ""
    if not trained:
        with progress.step("Training a clone"):
            fitted, diverged = _train(inner.estimator, X, y, validation)
    after = None if diverged else Subject.fitted(fitted, X, y)
    history: dict[str, Any] = {} if diverged else fitted.history_
    exam = Examination(
        inner, X, y, after, history, diverged, validation, notes, progress
    )
    if trained:
        _find_held_out(exam)
        exam.has_validation_set = fitted.validation_scores_ is not None
    else:
        exam.has_validation_set = not holds_out
    return exam


def _find_held_out(exam: Examination) -> None:
    """Set which rows a fitted network was not trained on; note what is unknown."""
    exam.held_out = held_out_by(exam)
    if exam.validation is None and exam.estimator.validation_scores_ is None:
        exam.notes.append("Without X_val and y_val, overfitting cannot be detected.")
    if exam.held_out is not None and exam.held_out.train is None:
        exam.notes.append(
            "It is unknown which rows early stopping held out, so the training score "
            "is not exact. With an integer as random_state it would be."
        )


def held_out_by(exam: Examination) -> HeldOut | None:
    """Return the rows held out by a fitted estimator; None if it used all rows."""
    estimator = exam.estimator
    if not estimator.early_stopping or exam.before.refits:
        return None
    if exam.validation and math.isclose(exam.validation_score, exam.recorded_score):
        return None  # this was the validation set of `fit` too
    return held_out_by_early_stopping(exam.new_subject())


def indexable(data: Any) -> Any:
    """Return sparse data in a format whose rows can be selected."""
    return data.tocsr() if issparse(data) else data


def _train(
    estimator: BaseNetworkEstimator, X: Any, y: Any, validation: Any
) -> tuple[BaseNetworkEstimator, str]:
    """Return a fitted clone, and its error message if the loss was not finite."""
    clone = quiet_clone(estimator).set_params(refit_on_all=False)
    X_val, y_val = validation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says the same
        try:
            return clone.fit(X, y, X_val=X_val, y_val=y_val), ""
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            return clone, str(error)
