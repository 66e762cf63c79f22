"""Rules about how training went: the learning rate and the number of epochs."""

from __future__ import annotations

from ..._spec import parameters_of
from .._comparison import better_than_forest, clearly_worse_than_forest
from .._examination import Examination
from .._network import CLIP, may_clip
from .._regularization import stronger_than_default
from ..report import Finding
from ._common import (
    Found,
    any_of,
    any_serious,
    fall_of_loss,
    number,
    regularization_as_written,
)

RISES = 2.0
"""Loss of an epoch divided by that before training, above which steps go uphill."""

TOO_HIGH = 5.0
"""Learning rate divided by the suggestion of the range test, which is accurate to half
an order of magnitude."""

TOO_LOW = 30.0
"""Suggestion of the range test divided by the learning rate: adam's default of 0.001
still trains, slowly, where 0.02 is suggested."""

MAY_BE_FASTER = 3.0
"""The same ratio from which a higher rate is worth a try."""

STILL_FALLS = 0.02
"""Share of the fall of the loss that happened in the last tenth of the epochs. A steady
fall would give 0.1; networks that have converged have less than 0.01."""

HARDLY_FELL = 0.1
"""Fall of the loss as a share of the first loss."""


def rate_too_high(exam: Examination, found: Found) -> Finding | None:
    """Find steps so long that the loss rises."""
    rate, test = exam.estimator.learning_rate_init, exam.range
    is_default = (
        rate == parameters_of(type(exam.estimator))["learning_rate_init"].default
    )
    fits = test is None or is_default or rate <= TOO_HIGH * test.suggestion
    if exam.estimator.solver == "lbfgs" or (fits and not exam.diverged):
        return None
    suggests = f" The range test suggests {number(test.suggestion)}." if test else ""
    to = f"={number(test.suggestion)}" if test else f", now {number(rate)}"
    verb = "Set" if test else "Lower"
    limit = f", or limit the gradient with max_grad_norm={CLIP:g}"
    advice = (
        f"{verb} learning_rate_init{to}{limit if may_clip(exam.estimator) else ''}."
    )
    by_penalty = _only_regularized_too_high(exam)
    if any_of(found, "unscaled"):  # the rate that suits depends on the scale
        suggests = ""
        advice = "Scale first, then call the doctor again: it suggests another rate."
    elif by_penalty:
        advice = (
            f"Lower {regularization_as_written(exam)}: without it, the learning rate "
            "is not too high."
        )
    if exam.diverged:
        evidence = f"Training stopped because the loss was no longer finite.{suggests}"
        return Finding("learning-rate-too-high", "serious", evidence, advice)
    if better_than_forest(exam):  # the loss rose, and fell again
        return None
    worst = max(exam.history["loss"])
    rises = worst > RISES * exam.initial_objective
    if not rises and (by_penalty or not clearly_worse_than_forest(exam)):
        return None
    evidence = (
        f"At learning_rate_init={rate:g} the loss was "
        f"{number(exam.initial_objective)} before training, at most {number(worst)} in "
        f"an epoch and {number(exam.history['loss'][-1])} in the last one.{suggests}"
    )
    return Finding("learning-rate-too-high", "serious", evidence, advice)


def _only_regularized_too_high(exam: Examination) -> bool:
    """Return whether the rate would work without the user's regularization."""
    if not stronger_than_default(exam.estimator):
        return False
    test = exam.unregularized_range
    rate = exam.estimator.learning_rate_init
    return test is not None and rate <= TOO_HIGH * test.suggestion


def ran_out_of_epochs(exam: Examination) -> bool:
    """Return whether training ended at `max_iter` although no schedule planned it."""
    estimator = exam.estimator
    if len(exam.history["loss"]) < estimator.max_iter:
        return False
    return estimator.solver == "lbfgs" or not exam.before.schedule().ends


def rate_too_low(exam: Examination, found: Found) -> Finding | None:
    """Find steps so short that the loss has hardly fallen, or is still falling."""
    if exam.diverged or any_serious(found) or exam.range is None:
        return None
    rate, losses = exam.estimator.learning_rate_init, exam.history["loss"]
    fell, at_end = fall_of_loss(losses)
    still_falls = ran_out_of_epochs(exam) and at_end > STILL_FALLS
    if not (still_falls or fell < HARDLY_FELL) or not clearly_worse_than_forest(exam):
        return None
    if rate * TOO_LOW > exam.range.suggestion:
        return None
    suggestion = number(exam.range.suggestion)
    # Where the loss falls at this rate, it also falls further.
    falls = still_falls and fell >= HARDLY_FELL
    longer = f", or raise max_iter={exam.estimator.max_iter}" if falls else ""
    return Finding(
        "learning-rate-too-low",
        "serious",
        f"In {len(losses)} epochs the loss fell only from {number(losses[0])} to "
        f"{number(losses[-1])} at learning_rate_init={rate:g}. The range test suggests "
        f"{suggestion}.",
        f"Set learning_rate_init={suggestion}{longer}.",
    )


def not_converged(exam: Examination, found: Found) -> Finding | None:
    """Find training that ended while the loss was falling, or was slow throughout."""
    if exam.diverged or any_serious(found) or not ran_out_of_epochs(exam):
        return None
    _, at_end = fall_of_loss(exam.history["loss"])
    rate, max_iter = exam.estimator.learning_rate_init, exam.estimator.max_iter
    suggestion = exam.range.suggestion if exam.range else 0.0
    slow = at_end > 0 and suggestion > TOO_LOW * rate
    if at_end <= STILL_FALLS and not slow:
        return None
    evidence = (
        f"Training ended after max_iter={max_iter} epochs. The loss was still falling: "
        f"{at_end:.1%} of its fall happened in the last tenth of the epochs."
    )
    advice = "Raise max_iter."
    if slow:
        evidence += (
            f" The range test suggests a learning rate {suggestion / rate:.0f} times "
            "as high."
        )
    if suggestion > MAY_BE_FASTER * rate:
        advice += f" learning_rate_init={number(suggestion)} may be faster."
    return Finding("not-converged", "mild", evidence, advice)
