"""The diseases that the doctor knows: the rule for each, its evidence, its remedy.

A rule looks at the examination and at what has been found so far: a symptom that an
earlier finding explains is not told again. Thresholds stand far from what was measured
on healthy networks, since a false alarm costs more trust than a late one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np

from .._spec import Spec
from .._typing import Array
from ._examination import Examination
from ._network import REGULARIZATION_OFF, nothing_to_learn, size_parameter
from .checks import CLASSIFIER_EXCESS, REGRESSOR_EXCESS

Severity = Literal["serious", "mild"]
"""Whether it keeps the network from learning, or from learning well."""


@dataclass(frozen=True)
class Finding:
    """A disease that was found.

    Attributes
    ----------
    disease : str
        Its code, such as 'learning-rate-too-low'.
    severity : {'serious', 'mild'}
        Whether it keeps the network from learning, or from learning well.
    evidence : str
        What was seen, in figures.
    advice : str
        What to do, naming the parameter to change.
    """

    disease: str
    severity: Severity
    evidence: str
    advice: str


Found: TypeAlias = dict[str, Finding]
Rule: TypeAlias = Callable[[Examination, Found], Finding | None]

LARGE_COLUMN = 10.0
"""Root mean square of a column from which it drowns the others: weights are drawn
for columns of about 1."""

SHORT_ROW = 0.3
"""Root mean square of the norm of the rows below which the first layer gets next to
nothing: standardised rows have √n_features, one-hot and tf-idf rows 1."""

MOSTLY_ZERO = 0.5
"""Share of columns that are all 0. Some are harmless: they move nothing, and images,
counts and one-hot columns have them."""

LARGE_TARGET = 10.0
"""Mean or standard deviation of a target from which the first epochs go into learning
its scale: initial predictions are of the order of 1."""

SMALL_TARGET = 0.01
"""Standard deviation of a target below which `tol` and noise are as large as it is."""

IMBALANCE = 10.0
"""Rows of the largest class, in units of those of the smallest."""

LOW_RECALL = 0.5
"""Share of the smallest class that is recognised, in the training rows; above it the
imbalance does no great harm."""

SHRINKS = 0.01
"""Spread of activations behind a layer, in units of that in front, below which initial
weights are too small; those of Glorot and He keep 0.1 to 1."""

VANISHES = 1e-3
"""The same over all hidden layers, with none of them to blame alone. Healthy networks
keep 0.05 to 3."""

EXPLODES = 100.0
"""The same, upwards."""

DEAD = 0.6
"""Share of dead units in a layer. Up to half are dead in small layers of networks that
do well."""

SATURATED = 0.5
"""Share of saturated elements in a layer; networks that do well have up to 0.2."""

RISES = 2.0
"""Loss of an epoch, in units of that before training, from which steps lead upwards."""

TOO_HIGH = 5.0
"""Learning rate, in units of the suggestion of the range test, which is good to half an
order of magnitude."""

TOO_LOW = 30.0
"""The suggestion in units of the learning rate: adam's default of 0.001 does its work
where 0.02 is suggested, if slowly."""

MAY_BE_FASTER = 3.0
"""The suggestion in units of the learning rate from which it is worth a try."""

STILL_FALLS = 0.02
"""Share of the fall of the loss that happened in the last tenth of the epochs. A steady
fall would give 0.1; networks that have converged show below 0.01."""

FALLS_FAST = 0.05
"""The same from which a low score may be due to training that ended too early: half of
a steady fall."""

HARDLY_FELL = 0.1
"""Share of the first loss that was gained in all."""

MARGIN = 0.05
"""How far a training score may stay below the out-of-bag score of a forest."""

GAP = 0.1
"""Training score less validation score."""

GAP_ALONE = 0.3
"""The same where there is no validation loss to confirm it: small validation sets give
0.2 to healthy networks."""

VALIDATION_RISES = 1.2
"""Last validation loss in units of the smallest."""

PARAMETERS_PER_ROW = 100.0
"""Parameters a training row from which the rows alone may be too few; networks do well
with tens."""


def number(value: float) -> str:
    """Write a figure of the evidence."""
    return f"{value:.2g}"


def any_of(found: Found, *prefixes: str) -> bool:
    """Return whether a disease that begins like that has been found."""
    return any(disease.startswith(prefixes) for disease in found)


def any_serious(found: Found) -> bool:
    """Return whether something was found that may well explain all that follows."""
    return any(finding.severity == "serious" for finding in found.values())


# -- data -----------------------------------------------------------------------------


def constant_target(exam: Examination) -> Finding | None:
    """Find that all targets are the same."""
    evidence = nothing_to_learn(exam.before)
    if not evidence:
        return None
    advice = "There is nothing to learn: look at how y was made, or at its rows."
    return Finding("constant-target", "serious", evidence, advice)


def unscaled_features(exam: Examination, found: Found) -> Finding | None:
    """Find columns far larger, or rows far shorter, than weights are drawn for."""
    sizes = np.sqrt((exam.features**2).mean(axis=0))
    length = float(np.linalg.norm(sizes))
    large = int((sizes > LARGE_COLUMN).sum())
    if large:
        evidence = (
            f"{large} of {len(sizes)} columns are larger than {LARGE_COLUMN:g} (root "
            f"mean square), the largest {number(sizes.max())}."
        )
    elif 0 < length < SHORT_ROW:
        evidence = (
            f"The rows have a norm of {number(length)} on average, the columns "
            f"{number(sizes.mean())}."
        )
    else:
        return None
    advice = "Scale X: make_pipeline(StandardScaler(), estimator), or images to [0, 1]."
    return Finding("unscaled-features", "serious", evidence, advice)


def constant_features(exam: Examination, found: Found) -> Finding | None:
    """Find columns that tell nothing, and are more than harmless zeros."""
    constant = np.ptp(exam.features, axis=0) == 0
    zero = constant & (exam.features[0] == 0)
    some, zeros = int((constant & ~zero).sum()), int(zero.sum())
    if not some and zeros <= MOSTLY_ZERO * len(constant):
        return None
    evidence = (
        f"{some + zeros} of {len(constant)} columns are constant, {zeros} of them 0."
    )
    advice = "Drop them from X: make_pipeline(VarianceThreshold(), estimator)."
    return Finding("constant-features", "mild", evidence, advice)


def unscaled_target(exam: Examination, found: Found) -> Finding | None:
    """Find a target that is far from the order of 1."""
    if exam.classifies or exam.before.loss.link_name != "identity":
        return None
    y = exam.before.data.y
    mean, std = np.abs(y.mean(axis=0)).max(), y.std(axis=0)
    if max(mean, std.max()) <= LARGE_TARGET and std.max() >= SMALL_TARGET:
        return None
    evidence = (
        f"The target has a mean of {number(mean)} and a standard deviation of "
        f"{number(std.max())}."
    )
    advice = (
        "Scale y: TransformedTargetRegressor(estimator, transformer=StandardScaler())."
    )
    return Finding("unscaled-target", "serious", evidence, advice)


def class_imbalance(exam: Examination, found: Found) -> Finding | None:
    """Find a rare class that is not recognised."""
    after = exam.after
    if after is None or not exam.classifies or exam.estimator.class_weight is not None:
        return None
    y = after.data.y
    if y.ndim == 2 and y.shape[1] > 1:  # several labels
        return None
    codes = y.ravel().astype(int)
    counts = np.bincount(codes)
    present = np.flatnonzero(counts)
    rarest = present[counts[present].argmin()]
    ratio = counts.max() / counts[rarest]
    rows = np.flatnonzero(codes == rarest)
    z = after.network.scores(after.data.X, rows)
    recall = float((after.predicted_codes(z).ravel() == rarest).mean())
    if ratio < IMBALANCE or recall >= LOW_RECALL:
        return None
    name = after.estimator.classes_[rarest]
    evidence = (
        f"The largest class has {number(ratio)} times the rows of class {name!s}, of "
        f"which {recall:.0%} are recognised."
    )
    advice = "Set class_weight='balanced', and score by 'balanced_accuracy' or 'f1'."
    return Finding("class-imbalance", "mild", evidence, advice)


# -- before training ------------------------------------------------------------------


def symmetric_init(exam: Examination, found: Found) -> Finding | None:
    """Find hidden units that all begin alike, and so stay alike."""
    network = exam.before.network
    alike = [
        name
        for name, p in zip(network.names[:-1], network.params, strict=False)
        if "W" in p and _units_alike(p["W"])
    ]
    if not alike:
        return None
    return Finding(
        "bad-init-symmetric",
        "serious",
        f"All units begin with the same weights in {', '.join(alike)}.",
        "Set initializer='auto', which draws them at random.",
    )


def _units_alike(W: Array) -> bool:
    """Return whether a layer of several units has the same weights for each."""
    units = 0 if W.ndim == 4 else -1  # kernels come first
    return W.shape[units] > 1 and not np.ptp(W, axis=units).any()


def _spreads(exam: Examination) -> list[float]:
    """Return the spread of the input and behind each hidden activation, in training."""
    columns = exam.initial_activations.columns
    rows = zip(columns["layer"], columns["spread"], columns["dead"], strict=True)
    # Only activations are dead or alive. Inside a residual block there may be nothing.
    return [
        spread
        for i, (name, spread, dead) in enumerate(rows)
        if i == 0 or (not math.isnan(dead) and "." not in name)
    ]


def small_init(exam: Examination, found: Found) -> Finding | None:
    """Find a layer that leaves next to nothing of the differences between rows."""
    spreads = _spreads(exam)
    ratios = [b / a for a, b in pairwise(spreads) if a > 0]
    dead = exam.initial_activations.columns["dead"]
    if (
        not ratios
        or min(ratios) >= SHRINKS
        or np.nanmax(dead) > DEAD
        or any_of(found, "bad-init", "unscaled")
    ):
        return None
    return Finding(
        "bad-init-small",
        "serious",
        f"Before training the spread of activations shrinks to {number(min(ratios))} "
        "in a single layer.",
        "Set initializer='auto', or a larger init_scale.",
    )


def vanishing(exam: Examination, found: Found) -> Finding | None:
    """Find signals, and so gradients, that fade from layer to layer."""
    spreads = _spreads(exam)
    dead = exam.initial_activations.columns["dead"]
    if any_of(found, "bad-init", "unscaled") or not spreads[0]:
        return None
    if np.nanmax([*dead, 0.0]) > DEAD:
        return None
    ratio = spreads[-1] / spreads[0]
    if ratio >= VANISHES:
        return None
    return Finding(
        "vanishing-gradients",
        "serious",
        f"Before training the spread of activations shrinks to {number(ratio)} over "
        f"{len(spreads) - 1} layers, and gradients with it.",
        "Set activation='relu' with initializer='auto', normalization='batch', or "
        f"residual=True; or use fewer layers ({size_parameter(exam.estimator)}).",
    )


def exploding(exam: Examination, found: Found) -> Finding | None:
    """Find signals, and so gradients, that grow from layer to layer."""
    if exam.diverged and exam.estimator.solver == "lbfgs":
        return Finding(
            "exploding-gradients",
            "serious",
            "The loss was no longer finite.",
            f"Scale {'X' if exam.classifies else 'X and y'}, set initializer='auto', "
            "or solver='adam' with max_grad_norm=1.",
        )
    spreads = _spreads(exam)
    growth = spreads[-1] / spreads[0] if spreads[0] else 0.0
    if not EXPLODES < growth < math.inf:
        return None
    return Finding(
        "exploding-gradients",
        "serious",
        f"Before training the spread of activations grows by "
        f"{number(growth)} over {len(spreads) - 1} layers, and gradients with it.",
        "Set initializer='auto', or normalization='batch'; max_grad_norm=1 bounds the "
        "steps.",
    )


def large_init(exam: Examination, found: Found) -> Finding | None:
    """Find a first loss far above that of knowing nothing."""
    check = exam.initial_loss
    most = (CLASSIFIER_EXCESS if exam.classifies else REGRESSOR_EXCESS) * check.expected
    if check.found <= most or any_of(found, "unscaled", "exploding", "bad-init"):
        return None
    scale = "centre X" if exam.classifies else "centre X and scale y"
    return Finding(
        "bad-init-large",
        "serious",
        f"The loss is {number(check.found)} before training; knowing nothing costs "
        f"{number(check.expected)}.",
        f"Set initializer='auto' or a smaller init_scale. If they are, {scale}, or set "
        "normalization='batch'.",
    )


# -- units ----------------------------------------------------------------------------


def dead_units(exam: Examination, found: Found) -> Finding | None:
    """Find a layer most of whose units get no gradient from any row."""
    share, layer = _worst(exam, "dead")
    if share <= DEAD or any_of(found, "bad-init-symmetric", "bad-init-small"):
        return None
    # Units that are dead since they are saturated are told as that.
    saturated, _ = _worst(exam, "saturated")
    if saturated > SATURATED:
        return None
    born, _ = _worst(exam, "dead", before=True)
    cause = "Set initializer='auto'" if born > DEAD else "Lower learning_rate_init"
    return Finding(
        "dead-units",
        "serious",
        f"{share:.0%} of the units of {layer} are dead: their slope is 0 for all rows.",
        f"{cause}; activation='leaky_relu' or 'elu' keeps units alive, and so does "
        "normalization='batch'.",
    )


def saturated_units(exam: Examination, found: Found) -> Finding | None:
    """Find a layer most of whose activations stand where the function is flat."""
    share, layer = _worst(exam, "saturated")
    if share <= SATURATED:
        return None
    return Finding(
        "saturated-units",
        "serious",
        f"{share:.0%} of the activations of {layer} are saturated.",
        "Scale X; set initializer='auto' or a smaller init_scale, a smaller "
        "learning_rate_init, normalization='batch', or activation='relu'.",
    )


def _worst(exam: Examination, what: str, before: bool = False) -> tuple[float, str]:
    """Return the largest share of dead or saturated units, and the layer."""
    statistics = exam.initial_activations if before else exam.activations
    columns = statistics.columns
    shares = zip(columns[what], columns["layer"], strict=True)
    return max(((s, name) for s, name in shares if s == s), default=(0.0, ""))


# -- learning curves ------------------------------------------------------------------


def behind(exam: Examination) -> bool:
    """Return whether the network does worse than a forest, on rows it has seen."""
    return exam.score < exam.forest_score - MARGIN


def rate_too_high(exam: Examination, found: Found) -> Finding | None:
    """Find steps so long that they lead upwards."""
    rate, test = exam.estimator.learning_rate_init, exam.range
    fits = test is None or rate <= TOO_HIGH * test.suggestion
    if exam.estimator.solver == "lbfgs" or (fits and not exam.diverged):
        return None
    suggests = f" The range test suggests {number(test.suggestion)}." if test else ""
    to = f"={number(test.suggestion)}" if test else f", now {number(rate)},"
    advice = f"Set learning_rate_init{to} or bound the gradient by max_grad_norm=1."
    regularized = only_regularized_too_high(exam)
    if regularized:
        advice = f"Lower {settings(exam)}: without, the rate is not too high."
    if exam.diverged:
        evidence = f"The loss was no longer finite.{suggests}"
        return Finding("learning-rate-too-high", "serious", evidence, advice)
    worst = max(exam.history["loss"])
    rises = worst > RISES * exam.initial_objective
    if not rises and (regularized or not behind(exam)):  # which is under-fitting
        return None
    evidence = (
        f"At learning_rate_init={rate:g} the loss went from "
        f"{number(exam.initial_objective)} to {number(worst)} in an epoch and ended at "
        f"{number(exam.history['loss'][-1])}.{suggests}"
    )
    return Finding("learning-rate-too-high", "serious", evidence, advice)


def only_regularized_too_high(exam: Examination) -> bool:
    """Return whether the rate would do without the user's regularisation."""
    test = exam.unregularized_range if regularization(exam) else None
    rate = exam.estimator.learning_rate_init
    return test is not None and rate <= TOO_HIGH * test.suggestion


def fall(losses: list[float]) -> tuple[float, float]:
    """Return the share of the first loss that was gained, and that of it at the end.

    The second is the share that came in the last tenth of the epochs.
    """
    total = losses[0] - losses[-1]
    n = max(1, len(losses) // 10)
    if total <= 0 or len(losses) <= n:
        return 0.0, 0.0
    return total / losses[0], (losses[-1 - n] - losses[-1]) / total


def ran_out_of_epochs(exam: Examination) -> bool:
    """Return whether training ended at `max_iter`, and not because it was meant to."""
    estimator = exam.estimator
    if len(exam.history["loss"]) < estimator.max_iter:
        return False
    return estimator.solver == "lbfgs" or not exam.before.schedule().ends


def rate_too_low(exam: Examination, found: Found) -> Finding | None:
    """Find steps so short that the loss has hardly moved, or is on its way."""
    if exam.diverged or any_serious(found) or exam.range is None:
        return None
    rate, losses = exam.estimator.learning_rate_init, exam.history["loss"]
    gained, at_end = fall(losses)
    on_its_way = ran_out_of_epochs(exam) and at_end > STILL_FALLS
    if not (on_its_way or gained < HARDLY_FELL) or not behind(exam):
        return None
    if rate * TOO_LOW > exam.range.suggestion:
        return None
    suggestion = number(exam.range.suggestion)
    return Finding(
        "learning-rate-too-low",
        "serious",
        f"In {len(losses)} epochs the loss fell from {number(losses[0])} to "
        f"{number(losses[-1])} at learning_rate_init={rate:g}; the range test suggests "
        f"{suggestion}.",
        f"Set learning_rate_init={suggestion}.",
    )


def not_converged(exam: Examination, found: Found) -> Finding | None:
    """Find training that ended while the loss was falling, or was slow throughout."""
    if exam.diverged or any_serious(found) or not ran_out_of_epochs(exam):
        return None
    _, at_end = fall(exam.history["loss"])
    rate, max_iter = exam.estimator.learning_rate_init, exam.estimator.max_iter
    suggestion = exam.range.suggestion if exam.range else 0.0
    slow = at_end > 0 and suggestion > TOO_LOW * rate
    if at_end <= STILL_FALLS and not slow:
        return None
    evidence = (
        f"Training ended after max_iter={max_iter} epochs; {at_end:.1%} of the fall of "
        "the loss came in the last tenth of them."
    )
    advice = "Raise max_iter."
    if slow:
        evidence += f" The range test suggests {suggestion / rate:.0f} times the rate."
    if suggestion > MAY_BE_FASTER * rate:
        advice += f" learning_rate_init={number(suggestion)} may be faster."
    return Finding("not-converged", "mild", evidence, advice)


def under_fitting(exam: Examination, found: Found) -> Finding | None:
    """Find that too little is learnt of the training rows, with no other cause."""
    if exam.diverged or any_serious(found) or not behind(exam):
        return None
    if "not-converged" in found and fall(exam.history["loss"])[1] > FALLS_FAST:
        return None
    on = settings(exam)
    weaker = f"Lower {on}; " if on else ""
    size = size_parameter(exam.estimator)
    return Finding(
        "under-fitting",
        "serious",
        f"The score on the training rows is {number(exam.score)}; a forest has "
        f"{number(exam.forest_score)} on rows that it has not seen.",
        f"{weaker}{'more' if on else 'More'} units or layers ({size}), or a smaller "
        "tol, may help too.",
    )


def regularization(exam: Examination) -> dict[str, Any]:
    """Return the parameters that regularise more than by default."""
    params = exam.estimator.get_params(deep=False)
    defaults = signature(type(exam.estimator)).parameters
    return {
        name: params[name]
        for name, off in REGULARIZATION_OFF.items()
        if name in params.keys() - {"early_stopping"}
        and not isinstance(params[name], Spec)
        and repr(params[name]) not in (repr(defaults[name].default), repr(off), "0")
    }


def settings(exam: Examination) -> str:
    """Return the same as they are written in a call."""
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, Real) else f"{name}={value!r}"
        for name, value in regularization(exam).items()
    )


def over_fitting(exam: Examination, found: Found) -> Finding | None:
    """Find that training rows are learnt by heart."""
    if behind(exam):  # none are
        return None
    gap = exam.score - exam.validation_score
    losses = [loss for loss in exam.history.get("validation_loss", []) if loss == loss]
    evidence = (
        f"The score is {number(exam.score)} on training rows and "
        f"{number(exam.validation_score)} on validation rows."
    )
    if losses:
        if not (gap > GAP and losses[-1] > VALIDATION_RISES * min(losses)):
            return None
        epoch = int(np.argmin(losses)) + 1
        evidence += (
            f" The validation loss was lowest, {number(min(losses))}, in epoch {epoch} "
            f"of {len(losses)}, and is {number(losses[-1])} in the last."
        )
    elif not gap > GAP_ALONE:
        return None
    params = exam.estimator.get_params(deep=False)
    more = [name for name in ("dropout", "label_smoothing") if name in params]
    stop = "" if exam.estimator.early_stopping else "Set early_stopping=True. "
    return Finding(
        "over-fitting",
        "mild",
        evidence,
        f"{stop}Raise {' or '.join(['alpha', *more])}; use fewer units "
        f"({size_parameter(exam.estimator)}), or more rows.",
    )


def too_little_data(exam: Examination, found: Found) -> Finding | None:
    """Find a network that is large for its rows, and does badly on others."""
    network, n = exam.before.network, exam.n_rows
    ratio = network.theta.size / n
    unseen = np.nanmin([exam.validation_score, exam.forest_score, np.inf])
    if ratio <= PARAMETERS_PER_ROW or not exam.score - unseen > GAP:
        return None
    return Finding(
        "too-little-data",
        "mild",
        f"{network.theta.size} parameters are to be learnt from {n} rows; the score is "
        f"{number(exam.score)} on these, and {number(float(unseen))} on others, of the "
        "network or a forest.",
        f"Collect more rows, use fewer units ({size_parameter(exam.estimator)}), or "
        "raise alpha.",
    )


RULES: list[Rule] = [
    unscaled_features,
    constant_features,
    unscaled_target,
    class_imbalance,
    symmetric_init,
    small_init,
    vanishing,
    exploding,
    large_init,
    saturated_units,
    dead_units,
    rate_too_high,
    rate_too_low,
    not_converged,
    under_fitting,
    over_fitting,
    too_little_data,
]
"""Causes before symptoms."""


def diagnose(exam: Examination) -> list[Finding]:
    """Return what is wrong, the serious first."""
    constant = constant_target(exam)
    if constant is not None:  # no other finding would be of use
        return [constant]
    found: Found = {}
    with np.errstate(over="ignore", invalid="ignore"):  # of features out of all scale
        for rule in RULES:
            finding = rule(exam, found)
            if finding is not None:
                found[finding.disease] = finding
    return sorted(found.values(), key=lambda finding: finding.severity != "serious")
