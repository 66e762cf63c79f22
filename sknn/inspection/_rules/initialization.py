"""Rules about the network before training: initial weights and the size of signals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ..._typing import Array
from .._examination import Examination
from .._network import CLIP, may_clip, size_parameter
from ..checks import CLASSIFIER_EXCESS, REGRESSOR_EXCESS, has_scalable_target
from ..report import Finding
from ._common import Found, any_of, number
from .units import DEAD

SHRINKS = 0.01
"""Spread of activations after a layer divided by that before it, below which initial
weights are too small; with those of Glorot and He it is 0.1 to 1."""

VANISHES = 1e-3
"""The same ratio over all hidden layers, where no single layer is to blame. Networks
that train well have 0.05 to 3."""

EXPLODES = 100.0
"""The same ratio, from which signals explode."""


def symmetric_init(exam: Examination, found: Found) -> Finding | None:
    """Find hidden units that start with equal weights, and so stay equal."""
    network = exam.before.network
    equal = [
        name
        for name, p in zip(network.names[:-1], network.params, strict=False)
        if "W" in p and _units_are_equal(p["W"])
    ]
    if not equal:
        return None
    return Finding(
        "bad-init-symmetric",
        "serious",
        f"All units of {', '.join(equal)} have the same initial weights, so they get "
        "the same gradients and stay equal.",
        "Set initializer='auto', which draws the weights at random.",
    )


def _units_are_equal(W: Array) -> bool:
    """Return whether a layer of several units has the same weights for each."""
    units = 0 if W.ndim == 4 else -1  # the first axis of kernels
    return W.shape[units] > 1 and not np.ptp(W, axis=units).any()


def _spreads(exam: Examination) -> list[float]:
    """Return the spread of the input and after each hidden activation, in training."""
    columns = exam.initial_activations.columns
    rows = zip(columns["layer"], columns["spread"], columns["dead"], strict=True)
    # Only activations have a share of dead units. Those inside a residual block may
    # have no spread.
    return [
        spread
        for i, (name, spread, dead) in enumerate(rows)
        if i == 0 or (not math.isnan(dead) and "." not in name)
    ]


def _mostly_dead(exam: Examination) -> bool:
    return bool(np.nanmax([*exam.initial_activations.columns["dead"], 0.0]) > DEAD)


def small_init(exam: Examination, found: Found) -> Finding | None:
    """Find a layer after which the rows hardly differ."""
    ratios = [b / a for a, b in pairwise(_spreads(exam)) if a > 0]
    if not ratios or min(ratios) >= SHRINKS or _mostly_dead(exam):
        return None
    if any_of(found, "bad-init", "unscaled"):
        return None
    return Finding(
        "bad-init-small",
        "serious",
        f"Before training, a single layer shrinks the spread of the activations to "
        f"{number(min(ratios))} of its input's.",
        "Set initializer='auto', or a larger init_scale.",
    )


def vanishing(exam: Examination, found: Found) -> Finding | None:
    """Find signals, and so gradients, that shrink from layer to layer."""
    spreads = _spreads(exam)
    if any_of(found, "bad-init", "unscaled") or not spreads[0] or _mostly_dead(exam):
        return None
    ratio = spreads[-1] / spreads[0]
    if ratio >= VANISHES:
        return None
    return Finding(
        "vanishing-gradients",
        "serious",
        f"Before training, the spread of the activations shrinks to {number(ratio)} of "
        f"the input's over {len(spreads) - 1} layers. Gradients shrink with it.",
        "Set activation='relu' with initializer='auto', normalization='batch', or "
        f"residual=True; or use fewer layers ({size_parameter(exam.estimator)}).",
    )


def exploding(exam: Examination, found: Found) -> Finding | None:
    """Find signals, and so gradients, that grow from layer to layer."""
    if exam.diverged and exam.estimator.solver == "lbfgs":
        return Finding(
            "exploding-gradients",
            "serious",
            "Training stopped because the loss was no longer finite.",
            f"Scale {'X and y' if has_scalable_target(exam.before) else 'X'}, set "
            "initializer='auto', or solver='adam'.",
        )
    spreads = _spreads(exam)
    growth = spreads[-1] / spreads[0] if spreads[0] else 0.0
    if not EXPLODES < growth < math.inf:
        return None
    limit = f"; max_grad_norm={CLIP:g} limits the length of the steps"
    return Finding(
        "exploding-gradients",
        "serious",
        f"Before training, the spread of the activations grows to {number(growth)} "
        f"times the input's over {len(spreads) - 1} layers. Gradients grow with it.",
        "Set initializer='auto', or normalization='batch'"
        f"{limit if may_clip(exam.estimator) else ''}.",
    )


def large_init(exam: Examination, found: Found) -> Finding | None:
    """Find a first loss far above that of an uninformed network."""
    check = exam.initial_loss
    excess = CLASSIFIER_EXCESS if exam.is_classifier else REGRESSOR_EXCESS
    if check.found <= excess * check.expected:
        return None
    if any_of(found, "unscaled", "exploding", "bad-init"):
        return None
    scale = f"center X{' and scale y' if has_scalable_target(exam.before) else ''}"
    return Finding(
        "bad-init-large",
        "serious",
        f"The loss before training is {number(check.found)}; a network that always "
        f"outputs 0 has {number(check.expected)}.",
        "Set initializer='auto' or a smaller init_scale. If that is done already, "
        f"{scale}, or set normalization='batch'.",
    )
