"""What the rules share."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from .._examination import Examination
from .._printing import rounded
from .._regularization import stronger_than_default
from ..report import Finding

Found: TypeAlias = dict[str, Finding]
"""The findings so far, by code."""

Rule: TypeAlias = Callable[[Examination, Found], Finding | None]


def number(value: float) -> str:
    """Format a figure of the evidence."""
    return rounded(value, 2)


def three_digits(value: float) -> str:
    """Format a score to three digits: scores are compared in the third."""
    return rounded(value, 3)


def any_of(found: Found, *prefixes: str) -> bool:
    """Return whether there is a finding whose code starts with one of `prefixes`."""
    return any(code.startswith(prefixes) for code in found)


def any_serious(found: Found) -> bool:
    """Return whether there is a finding that may explain all that follows."""
    return any(finding.severity == "serious" for finding in found.values())


def regularization_as_written(exam: Examination) -> str:
    """Return the user's regularization as it is written in a call."""
    regularization = stronger_than_default(exam.estimator)
    return ", ".join(as_written(name, value) for name, value in regularization.items())


def as_written(name: str, value: Any) -> str:
    """Return a parameter as it is written in a call."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return f"{name}={getattr(value, '__name__', repr(value))}"  # of a function
    return f"{name}={value:.4g}"


def fall_of_loss(losses: list[float]) -> tuple[float, float]:
    """Return by how much the loss fell, as two shares.

    The first is the fall as a share of the first loss; the second is the share of that
    fall that happened in the last tenth of the epochs.
    """
    total = losses[0] - losses[-1]
    n = max(1, len(losses) // 10)
    if total <= 0 or len(losses) <= n:
        return 0.0, 0.0
    return total / abs(losses[0]), (losses[-1 - n] - losses[-1]) / total
