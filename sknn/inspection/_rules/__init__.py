"""The rules of the doctor, by what they look at: one function for each problem.

A rule looks at the examination and at the findings of the rules before it, and returns
a finding or None. It stays silent where an earlier finding explains what it sees. The
thresholds of a rule stand in its file, far from what networks that train well show: a
false alarm costs more trust than a missed problem.
"""

from __future__ import annotations

from typing import get_args

import numpy as np

from .._examination import Examination
from ..report import Finding, Severity
from . import data, fitting, initialization, parameters, training, units
from ._common import Found, Rule
from .fitting import note_of_doubt

RULES: list[Rule] = [
    data.unscaled_features,
    data.constant_features,
    data.unscaled_target,
    data.continuous_target,
    data.class_imbalance,
    data.unpredictable_target,
    initialization.symmetric_init,
    initialization.small_init,
    initialization.vanishing,
    initialization.exploding,
    initialization.large_init,
    units.saturated_units,
    units.dead_units,
    training.rate_too_high,
    fitting.over_regularized,
    training.rate_too_low,
    training.not_converged,
    fitting.under_fitting,
    fitting.over_fitting,
    fitting.too_little_data,
    parameters.without_effect,
]
"""Causes before symptoms."""


def apply_rules(exam: Examination) -> list[Finding]:
    """Return the findings of all rules, the serious ones first."""
    constant = data.constant_target(exam)
    if constant is not None:  # no other finding would help
        return [constant]
    found: Found = {}
    with np.errstate(over="ignore", invalid="ignore"):  # of huge features
        for rule in RULES:
            finding = rule(exam, found)
            if finding is not None:
                found[finding.problem] = finding
    return sorted(found.values(), key=_rank)


def _rank(finding: Finding) -> tuple[bool, int]:
    """Return where a finding belongs: what makes the others pointless comes first."""
    first = finding.problem in ("continuous-target", "unpredictable-target")
    return not first, get_args(Severity).index(finding.severity)


__all__ = ["RULES", "apply_rules", "note_of_doubt"]
