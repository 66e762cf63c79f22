"""Rules about units that no longer learn."""

from __future__ import annotations

from .._examination import Examination
from ..report import Finding
from ._common import Found, any_of

DEAD = 0.6
"""Share of dead units in a layer. Small layers of networks that do well have up to half
of their units dead."""

SATURATED = 0.5
"""Share of saturated activations in a layer; networks that do well have up to 0.2."""


def dead_units(exam: Examination, found: Found) -> Finding | None:
    """Find a layer most of whose units get no gradient from any row."""
    share, layer = _worst(exam, "dead")
    if share <= DEAD or any_of(found, "bad-init-symmetric", "bad-init-small"):
        return None
    # Units that are dead because they are saturated are reported as saturated.
    saturated, _ = _worst(exam, "saturated")
    if saturated > SATURATED:
        return None
    dead_at_start, _ = _worst(exam, "dead", before=True)
    first = (
        "Set initializer='auto'" if dead_at_start > DEAD else "Lower learning_rate_init"
    )
    return Finding(
        "dead-units",
        "serious",
        f"{share:.0%} of the units of {layer} are dead: their slope is 0 for all rows, "
        "so they do not learn.",
        f"{first}. activation='leaky_relu' or 'elu' keeps units alive, and so does "
        "normalization='batch'.",
    )


def saturated_units(exam: Examination, found: Found) -> Finding | None:
    """Find a layer most of whose activations lie where the function is flat."""
    share, layer = _worst(exam, "saturated")
    if share <= SATURATED:
        return None
    return Finding(
        "saturated-units",
        "serious",
        f"{share:.0%} of the activations of {layer} are saturated: their slope is "
        "almost 0.",
        "Scale X; set initializer='auto' or a smaller init_scale, a smaller "
        "learning_rate_init, normalization='batch', or activation='relu'.",
    )


def _worst(exam: Examination, what: str, before: bool = False) -> tuple[float, str]:
    """Return the largest share of dead or saturated units, and the layer."""
    statistics = exam.initial_activations if before else exam.activations
    columns = statistics.columns
    shares = zip(columns[what], columns["layer"], strict=True)
    return max(((s, name) for s, name in shares if s == s), default=(0.0, ""))
