"""Rules about the features and the targets."""

from __future__ import annotations

import numpy as np

from .._comparison import clearly_worse_than_forest
from .._examination import Examination
from .._signal import skills
from ..checks import LARGE_TARGET, nothing_to_learn, target_sizes
from ..report import Finding
from ._common import Found, any_of, number, three_digits

LARGE_COLUMN = 10.0
"""Root mean square above which a column drowns the others: initial weights are drawn
for columns of about 1."""

SHORT_ROW = 0.3
"""Root mean square of the norm of the rows below which the first layer receives almost
nothing: standardized rows have a norm of √n_features, one-hot and tf-idf rows of 1."""

MOSTLY_ZERO = 0.5
"""Share of columns that are all 0. A smaller share does no harm: such columns change no
weights, and images, counts and one-hot columns have them."""

MODERATE_TARGET = 3.0
"""The same where the network learns too little or diverges: the scale of the target is
then a likely cause, and scaling it comes before any other advice."""

FAR_FROM_ZERO = 3.0
"""Mean of a target in standard deviations from which predicting 0, the start of
training, is ten times as bad as predicting the mean. Counts only where the network
learns too little."""

SMALL_TARGET = 0.01
"""Standard deviation of a target below which it is no larger than `tol` and noise."""

IMBALANCE = 10.0
"""Number of rows of the largest class divided by that of the smallest."""

LOW_RECALL = 0.5
"""Share of the rows of the smallest class that are recognized; above it the imbalance
does no great harm."""

MIN_RARE_ROWS = 10
"""Number of validation rows of the smallest class below which training rows are taken:
the standard error of the share is 0.16 for 10 rows."""

MANY_CLASSES = 20
"""Number of classes from which numbers may be no classes at all."""

FEW_ROWS = 2
"""Number of rows of most classes, at most, if the target is a continuous number."""


def constant_target(exam: Examination) -> Finding | None:
    """Find that all targets are the same."""
    evidence = nothing_to_learn(exam.before)
    if not evidence:
        return None
    advice = "There is nothing to learn. Check how y was made and which rows it holds."
    return Finding("constant-target", "serious", evidence, advice)


def unscaled_features(exam: Examination, found: Found) -> Finding | None:
    """Find columns or rows of a size for which the initial weights are not drawn."""
    sizes = np.sqrt((exam.numbers**2).mean(axis=0))
    length = float(np.linalg.norm(sizes))
    large = int((sizes > LARGE_COLUMN).sum())
    if large:
        evidence = (
            f"{large} of {len(sizes)} columns are larger than {LARGE_COLUMN:g} (root "
            f"mean square); the largest is {number(sizes.max())}."
        )
    elif 0 < length < SHORT_ROW:
        evidence = (
            f"The features are very small: the rows of X have a norm of only "
            f"{number(length)}, the columns a root mean square of "
            f"{number(sizes.mean())}."
        )
    else:
        return None
    advice = (
        "Scale X: make_pipeline(StandardScaler(), estimator). Scale images to [0, 1]."
    )
    return Finding("unscaled-features", "serious", evidence, advice)


def constant_features(exam: Examination, found: Found) -> Finding | None:
    """Find columns that carry no information, unless they are few and all 0."""
    constant = np.ptp(exam.numbers, axis=0) == 0
    zero = constant & (exam.numbers[0] == 0)
    some, zeros = int((constant & ~zero).sum()), int(zero.sum())
    if not some and zeros <= MOSTLY_ZERO * len(constant):
        return None
    verb = "is" if some + zeros == 1 else "are"
    evidence = f"{some + zeros} of {len(constant)} columns {verb} constant"
    evidence += f"; {zeros} of them contain only 0." if zeros else "."
    advice = "Drop them from X: make_pipeline(VarianceThreshold(), estimator)."
    return Finding("constant-features", "mild", evidence, advice)


def unscaled_target(exam: Examination, found: Found) -> Finding | None:
    """Find a target far from the initial predictions, which are of the order of 1."""
    sizes = target_sizes(exam.before)
    if sizes is None:
        return None
    means, stds = sizes
    size = max(means.max(), stds.max())
    if not (
        size > LARGE_TARGET
        or stds.max() < SMALL_TARGET
        or (_fails_on_target(exam) and _is_moderate(means, stds))
    ):
        return None
    evidence = (
        f"The target has a mean of {number(means.max())} (absolute) and a standard "
        f"deviation of {number(stds.max())}. Initial predictions are close to 0."
    )
    advice = (
        "Scale y: TransformedTargetRegressor(estimator, transformer=StandardScaler())."
    )
    return Finding("unscaled-target", "serious", evidence, advice)


def _is_moderate(means: np.ndarray, stds: np.ndarray) -> bool:
    """Return whether a target is large enough to be a likely cause of bad training."""
    far = (means > 1) & (means > FAR_FROM_ZERO * stds)
    return bool(far.any() or max(means.max(), stds.max()) > MODERATE_TARGET)


def _fails_on_target(exam: Examination) -> bool:
    return bool(exam.diverged) or clearly_worse_than_forest(exam)


def continuous_target(exam: Examination, found: Found) -> Finding | None:
    """Find numbers with so many values that they are hardly classes."""
    labels = exam.before.classes if exam.is_classifier else np.empty(0)
    if len(labels) < MANY_CLASSES or not np.issubdtype(labels.dtype, np.number):
        return None
    y = exam.before.data.y
    if y.ndim == 2 and y.shape[1] > 1:
        return None
    counts = np.bincount(y.ravel().astype(int), minlength=len(labels))
    few = int((counts <= FEW_ROWS).sum())
    if few <= len(labels) / 2:
        return None
    name = type(exam.estimator).__name__
    return Finding(
        "continuous-target",
        "serious",
        f"y has {len(labels)} classes in {len(y)} rows, and {few} of them have at most "
        f"{FEW_ROWS} rows. They are numbers, so this looks like regression.",
        f"Predict numbers: {name.replace('Classifier', 'Regressor')}. If they are "
        "classes, collect more rows of each, or merge rare ones.",
    )


def unpredictable_target(exam: Examination, found: Found) -> Finding | None:
    """Find that neither the network nor a forest says anything about the target."""
    if any_of(found, "continuous-target", "class-imbalance"):
        return None
    pair = skills(exam)
    if pair is None or any(skill.score > skill.bound for skill in pair):
        return None
    network, forest = (three_digits(skill.score) for skill in pair)
    what = "the mean recall of the classes" if exam.is_classifier else "R²"
    return Finding(
        "unpredictable-target",
        "serious",
        "Neither the network nor a forest predicts better than a constant: on rows "
        f"that they were not trained on, {what} is {network} for the network, {forest} "
        f"for the forest (out-of-bag) and {three_digits(pair[0].constant)} for a "
        "constant.",
        "The features may say nothing about the target, or rows of X and y may not "
        "belong together: check how X and y were made. Longer training does not help.",
    )


def class_imbalance(exam: Examination, found: Found) -> Finding | None:
    """Find a rare class that is not recognized."""
    after = exam.after
    if after is None or not exam.is_classifier:
        return None
    y = after.data.y
    several_labels = y.ndim == 2 and y.shape[1] > 1
    if several_labels or exam.estimator.get_params()["class_weight"] is not None:
        return None
    codes = y.ravel().astype(int)
    counts = np.bincount(codes)
    present = np.flatnonzero(counts)
    rarest = present[counts[present].argmin()]
    ratio = counts.max() / counts[rarest]
    if ratio < IMBALANCE or any_of(found, "continuous-target"):
        return None
    recall, which = _recall(exam, rarest)
    if recall >= LOW_RECALL:
        return None
    name = after.classes[rarest]
    evidence = (
        f"The largest class has {number(ratio)} times as many rows as class {name!s}. "
        f"Only {recall:.0%} of the {which} rows of class {name!s} are recognized."
    )
    advice = "Set class_weight='balanced', and score by 'balanced_accuracy' or 'f1'."
    return Finding("class-imbalance", "mild", evidence, advice)


def _recall(exam: Examination, code: int) -> tuple[float, str]:
    """Return the share of the rows of a class that are recognized, and of which rows.

    Of validation rows, if there are enough.
    """
    assert exam.after is not None
    data, which = exam.validation_data, "validation"
    if data is None or (data.y.ravel() == code).sum() < MIN_RARE_ROWS:
        data, which = exam.after.data, "training"
    rows = np.flatnonzero(data.y.ravel() == code)
    z = exam.after.network.scores(data.X, rows)
    return float((exam.after.predicted_codes(z).ravel() == code).mean()), which
