"""Whether predictions say anything about the target, on rows not trained on.

Accuracy does not tell where one class is much larger than the others: its share is the
accuracy of a constant. So classifiers are judged by the mean of the recalls of all
classes, which is one divided by the number of classes for every prediction that does
not depend on the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._typing import Array
from ._examination import Examination

CLEAR = 2.0
"""Number of standard errors by which a score must be better than that of a constant."""

MIN_ROWS = 30
"""Number of rows below which nothing is clear, whatever they say."""


@dataclass(frozen=True)
class Skill:
    """A score on rows that were not trained on.

    `constant` is the score of a constant prediction, and `bound` the highest score that
    predictions reach by chance.
    """

    score: float
    constant: float
    bound: float


def skills(exam: Examination) -> tuple[Skill, Skill] | None:
    """Return the skills of the network and of the forest; None if one is unknown."""
    data, forest = exam.validation_data, exam.forest
    if exam.after is None or data is None or forest is None:
        return None
    if len(exam.features) < MIN_ROWS:
        return None
    if not exam.is_classifier:
        return _of_r2(exam.validation_score, data.n), _of_r2(
            exam.forest_score, len(exam.features)
        )
    predicted = exam.after.predicted_codes(exam.after.network.scores(data.X))
    return (
        _of_recalls(data.y.ravel(), predicted.ravel()),
        _of_recalls(exam.sample_targets, exam.forest_codes),
    )


def _of_r2(score: float, n: int) -> Skill:
    """Return the skill of predictions with this R² on `n` rows.

    R² is at most the squared correlation of predictions and target, whose standard
    error by chance is 1 / √n.
    """
    return Skill(score, 0.0, CLEAR**2 / n)


def _of_recalls(codes: Array, predicted: Array) -> Skill:
    """Return the skill of predicted classes: the mean recall."""
    classes, counts = np.unique(codes, return_counts=True)
    recalls = [(predicted[codes == c] == c).mean() for c in classes]
    shares = np.array([(predicted == c).mean() for c in classes])
    constant = 1 / len(classes)
    variance = (shares * (1 - shares) / counts).sum() / len(classes) ** 2
    bound = constant + CLEAR * math.sqrt(variance)
    return Skill(float(np.mean(recalls)), constant, bound)
