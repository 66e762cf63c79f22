"""Rules about generalization: too little learned, too much, or from too few rows."""

from __future__ import annotations

import math

import numpy as np

from .._comparison import (
    GAP,
    as_good_as_forest,
    clearly_worse_than_forest,
    slightly_worse_than_forest,
    standard_error,
    training_score_is_low,
)
from .._examination import Examination
from .._network import size_parameter
from .._signal import CLEAR
from ..report import Finding, Severity
from ._common import (
    Found,
    any_of,
    any_serious,
    fall_of_loss,
    number,
    regularization_as_written,
    three_digits,
)

LIKELY = 1.6
"""Number of standard errors from which a better forest is worth a note: chance exceeds
them one time in twenty."""

PENALTY_DOMINATES = 3.0
"""Penalty divided by the loss, before training, above which a low score is due to the
penalty. Networks that do well have up to 1."""

TENTH = 0.1
"""The same ratio for the value of `alpha` that is advised."""

FALLS_FAST = 0.05
"""Share of the fall of the loss in the last tenth of the epochs above which a low score
may be due to training that ended too early: half of a steady fall."""

GAP_ALONE = 0.3
"""The same as `GAP` where no rise of the validation loss confirms it: networks that do
well have 0.2 on small validation sets."""

VALIDATION_RISES = 0.2
"""Rise of the validation loss from the smallest to the last, as a share of the
smallest."""

PARAMETERS_PER_ROW = 100.0
"""Number of parameters per training row above which the rows may be too few; networks
do well with tens."""


def over_regularized(exam: Examination, found: Found) -> Finding | None:
    """Find a penalty so large that the weights hardly depend on the data."""
    if exam.diverged or any_serious(found) or not clearly_worse_than_forest(exam):
        return None
    loss = exam.initial_loss.found
    ratio = exam.before.penalty() / loss if loss > 0 else 0.0
    if ratio <= PENALTY_DOMINATES:
        return None
    alpha = exam.estimator.alpha * TENTH / ratio
    return Finding(
        "over-regularized",
        "serious",
        f"Before training, the penalty is {number(ratio)} times the loss of the data, "
        f"so training mainly shrinks the weights. {_scores_beside_the_forest(exam)}",
        f"Lower {regularization_as_written(exam)}. With alpha={alpha:.1g} the penalty "
        "would be a tenth of the loss.",
    )


def under_fitting(exam: Examination, found: Found) -> Finding | None:
    """Find that a network learns less than a forest does, with no other cause."""
    if exam.diverged or any_serious(found):
        return None
    severity: Severity = "serious"
    if not clearly_worse_than_forest(exam):
        severity = "mild"
        if not slightly_worse_than_forest(exam):
            return None
    if "not-converged" in found:
        fast = fall_of_loss(exam.history["loss"])[1] > FALLS_FAST
        if fast or severity == "mild":
            return None
    params = regularization_as_written(exam)
    size = size_parameter(exam.estimator)
    more = f"{'more' if params else 'More'} units or layers ({size})"
    return Finding(
        "underfitting",
        severity,
        _scores_beside_the_forest(exam),
        f"{f'Lower {params}; ' if params else ''}{more}, or a smaller tol, may help "
        "too.",
    )


def _scores_beside_the_forest(exam: Examination) -> str:
    """Return the scores of network and forest, and on which rows they are."""
    scores = f"{three_digits(exam.score)} ({exam.metric}) on the training rows"
    if not math.isnan(exam.validation_score):
        scores += f" and {three_digits(exam.validation_score)} on the validation rows"
    if math.isnan(exam.forest_score):
        return f"The network scores {scores}."
    return (
        f"The network scores {scores}; a forest scores "
        f"{three_digits(exam.forest_score)} on rows that it was not trained on "
        "(out-of-bag)."
    )


def over_fitting(exam: Examination, found: Found) -> Finding | None:
    """Find a network that does much better on training rows than on others."""
    gap = exam.score - exam.validation_score
    if training_score_is_low(exam) or not gap > GAP:
        return None
    if any_of(found, "unpredictable-target"):
        return None
    evidence = (
        f"The network scores {number(exam.score)} ({exam.metric}) on the training "
        f"rows, but only {number(exam.validation_score)} on the validation rows."
    )
    rise = _rise_of_validation_loss(exam)
    if rise:
        evidence += f" {rise}"
    elif gap <= GAP_ALONE or as_good_as_forest(exam):
        return None
    elif not math.isnan(exam.forest_score):
        evidence += (
            f" A forest scores {number(exam.forest_score)} on rows that it was not "
            "trained on (out-of-bag)."
        )
    return Finding("overfitting", "mild", evidence, _less_overfitting(exam))


def note_of_doubt(exam: Examination) -> str:
    """Return that overfitting is possible, where it is not certain; else empty."""
    gap = exam.score - exam.validation_score
    difference, error = exam.forest_score - exam.validation_score, standard_error(exam)
    if not (gap > GAP and error > 0 and difference > LIKELY * error):
        return ""
    errors = difference / error
    chance = ", which may be chance" if errors < CLEAR else ""
    return (
        f"The forest is better by {number(difference)}, {errors:.1f} standard "
        f"errors{chance}. The network scores {number(gap)} more on the training rows "
        "than on the validation rows: overfitting is possible. "
        f"{_less_overfitting(exam)}"
    )


def _rise_of_validation_loss(exam: Examination) -> str:
    """Return how the validation loss rose; empty if it did not, or does not matter.

    It does not matter where the weights of the best epoch are restored.
    """
    losses = [loss for loss in exam.history.get("validation_loss", []) if loss == loss]
    if exam.restores_best or not losses:
        return ""
    lowest = min(losses)
    if losses[-1] - lowest <= VALIDATION_RISES * abs(lowest):
        return ""
    epoch = int(np.argmin(losses)) + 1
    return (
        f"The validation loss was lowest, {number(lowest)}, in epoch {epoch} of "
        f"{len(losses)}; in the last epoch it is {number(losses[-1])}."
    )


def _less_overfitting(exam: Examination) -> str:
    """Return the advice: to choose an epoch, if none is chosen, and to regularize."""
    estimator = exam.estimator
    params = estimator.get_params(deep=False)
    names = [name for name in ("dropout", "label_smoothing") if name in params]
    stop, loss = "", ""
    if not estimator.early_stopping:
        stop = "Set early_stopping=True. "
    elif not estimator.restore_best:
        stop = "Set restore_best=True. "
    elif estimator.scoring is None:
        loss = "choose the epoch by scoring='loss'; "
    return (
        f"{stop}Raise {' or '.join(['alpha', *names])}; {loss}use fewer units "
        f"({size_parameter(estimator)}), or collect more rows."
    )


def too_little_data(exam: Examination, found: Found) -> Finding | None:
    """Find a network that is large for its rows, and does badly on others."""
    network, n = exam.before.network, exam.n_rows
    ratio = network.theta.size / n
    unseen = exam.validation_score
    if math.isnan(unseen):
        unseen = exam.forest_score
    if ratio <= PARAMETERS_PER_ROW or not exam.score - unseen > GAP:
        return None
    return Finding(
        "too-little-data",
        "mild",
        f"{network.theta.size} parameters are learned from only {n} rows. "
        f"{_scores_beside_the_forest(exam)}",
        f"Collect more rows, use fewer units ({size_parameter(exam.estimator)}), or "
        "raise alpha.",
    )
