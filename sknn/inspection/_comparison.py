"""Compare the scores of a network with those of a forest, which needs no tuning.

The forest's score is out-of-bag, on rows that its trees were not trained on. The
network's score that compares with it is the validation score. Without one there is only
the training score, which is too favorable to the network: it can show that the network
is worse than the forest, but not that it is as good.
"""

from __future__ import annotations

import math

import numpy as np

from ._examination import Examination

MARGIN = 0.05
"""Difference of scores that is clear whatever its standard error: networks that do well
stay within it."""

SLIGHT_MARGIN = 0.02
"""How much higher than the forest's score the training score must be for a network to
be above suspicion. Networks that do well, and regularized ones too, learn their
training rows better than that, unless their validation score is as high as the
forest's."""

GAP = 0.1
"""Training score minus validation score above which a low validation score is due to
overfitting."""


def training_score_is_low(exam: Examination) -> bool:
    """Return whether even the training score is clearly below the forest's score.

    On few rows a training score can be low by chance. So where the validation score is
    higher, the score on both together must be low too.
    """
    n, n_validation = exam.n_rows, exam.n_validation_rows
    both = (n * exam.score + n_validation * exam.validation_score) / (n + n_validation)
    return bool(np.fmax(exam.score, both) < exam.forest_score - MARGIN)


def clearly_worse_than_forest(exam: Examination) -> bool:
    """Return whether the network learns clearly less than the forest.

    Either its training score is clearly lower, or its validation score is, by more than
    two standard errors too, and that not because of overfitting.
    """
    if training_score_is_low(exam):
        return True
    margin = np.maximum(MARGIN, 2 * standard_error(exam))
    is_lower = exam.validation_score < exam.forest_score - margin
    return bool(is_lower and exam.score - exam.validation_score <= GAP)


def slightly_worse_than_forest(exam: Examination) -> bool:
    """Return whether two signs together suggest that the network learns less.

    The validation score is lower by more than a standard error, which alone would be a
    false alarm for one network in six; and the training score, on many rows and too
    favorable, is hardly higher than the forest's score.
    """
    is_lower = exam.validation_score < exam.forest_score - standard_error(exam)
    return bool(is_lower and exam.score < exam.forest_score + SLIGHT_MARGIN)


def as_good_as_forest(exam: Examination) -> bool:
    """Return whether the validation score is not lower than the forest's score.

    By no more than a standard error, that is; False if one of them is unknown.
    """
    return bool(exam.validation_score >= exam.forest_score - standard_error(exam))


def better_than_forest(exam: Examination) -> bool:
    """Return whether the validation score is higher by more than a standard error."""
    return bool(exam.validation_score > exam.forest_score + standard_error(exam))


def standard_error(exam: Examination) -> float:
    """Return the standard error of validation score minus forest score.

    NaN if one of them, or the number of validation rows, is unknown.
    """
    variance = _variance(exam, exam.validation_score, exam.n_validation_rows)
    variance += _variance(exam, exam.forest_score, len(exam.features))
    return math.sqrt(variance)


def _variance(exam: Examination, score: float, n: float) -> float:
    """Return the variance of an accuracy, or of an R² with normal errors."""
    score = float(np.clip(score, 0, 1))
    n *= _effective_share(exam)
    if exam.is_classifier:
        return score * (1 - score) / n
    return 4 * score * (1 - score) ** 2 / n


def _effective_share(exam: Examination) -> float:
    """Return the share of rows without weights that have the same standard error.

    Kish's effective sample size is ``w.sum() ** 2 / (w ** 2).sum()``.
    """
    w = exam.weights_of(exam.before.data.y)
    return 1.0 if w is None else float(w.sum() ** 2 / (w**2).sum() / len(w))


def comparison_note(exam: Examination) -> str:
    """Return which scores were compared; empty if none were."""
    if exam.diverged or math.isnan(exam.forest_score):
        return ""
    scores = "accuracies" if exam.is_classifier else "values of R²"
    if exam.class_weights is not None:
        scores += ", weighted by class_weight"
    kind = f"Scores are {scores}."
    if math.isnan(exam.validation_score):
        return (
            f"{kind} There is no validation score, so the "
            "training score was compared with the out-of-bag score of a forest. The "
            "training score is too favorable to the network: pass X_val and y_val."
        )
    error = standard_error(exam)  # 0 if both are below 0, where it is not known
    more = f"; the standard error of the difference is {error:.2g}" if error else ""
    return (
        f"{kind} The validation score was compared with the "
        f"out-of-bag score of a forest{more}."
    )
