"""A rule about parameters that do nothing."""

from __future__ import annotations

from .._examination import Examination
from .._idle_parameters import idle_parameters
from ..report import Finding
from ._common import Found, as_written


def without_effect(exam: Examination, found: Found) -> Finding | None:
    """Find parameters that were set, but that other parameters make idle."""
    reasons = idle_parameters(exam.estimator, exam.has_validation_set)
    if not reasons:
        return None
    params = exam.estimator.get_params(deep=False)
    sentences = (
        f"{as_written(name, params[name])} has no effect: {reason}."
        for name, reason in reasons.items()
    )
    return Finding(
        "parameter-without-effect",
        "harmless",
        " ".join(sentences),
        f"Leave out {', '.join(reasons)}, or change what it depends on.",
    )
