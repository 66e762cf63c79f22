"""Checks before training: the initial loss, and overfitting a small sample."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from .._training import Ending, Limits
from .._typing import Array, MatrixLike
from ..objective import mean_loss
from ._network import CLIP, Unwrapped, may_clip, size_parameter, unwrap
from ._printing import PrintedText, listed, number
from ._regularization import without_regularization
from ._subject import Subject, selected

CLASSIFIER_EXCESS = 2.0
"""Maximum initial loss of a classifier divided by the expected one. Above it, the raw
scores have a standard deviation of more than 2: an untrained network is sure of its
answers."""

REGRESSOR_EXCESS = 10.0
"""The same for a regressor: above it, predictions vary by more than three standard
deviations of the target. Deep networks with He's weights start with up to 7."""

FAR_FROM_ZERO = 10.0
"""Loss of predicting 0 divided by that of the best constant, above which the first
epochs are spent on learning the mean of the target, at least three standard deviations
away."""

LARGE_TARGET = 10.0
"""Mean or standard deviation of a target above which the first epochs are spent on
learning its scale: initial predictions are of the order of 1."""

UNSCALED_LINKS = ("identity", "gaussian")
"""Links whose predictions are of the order of the raw scores."""

LEARNED_REGRESSION = 0.99
"""R² at which a regressor has learned a small sample."""

FLAT = 0.9
"""A last loss above this share of the loss before training has not fallen."""

GROWN = 2.0
"""Mean loss of an epoch divided by the loss before training, above which steps go
uphill."""

SMALL_BATCH = 50
"""Number of rows per batch of the small sample with batch_size='auto', whose 200 rows
would be neither small nor quick to train on."""


@dataclass(frozen=True, repr=False)
class Check(PrintedText):
    """The result of a check.

    Attributes
    ----------
    name : str
        What was checked.
    found : float
        What was measured: a loss or a score.
    expected : float
        The value that `found` should have, or come close to.
    ok : bool
        Whether the check passed.
    verdict : str
        The result of the check, in a sentence.
    advice : str
        What to do, with the parameters to change. Empty if there is nothing to do.
    figures : dict of str to float
        Further values, by name.

    See Also
    --------
    check_initial_loss, check_overfits_small_sample : The checks.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknn import MLPRegressor
    >>> from sknn.inspection import check_initial_loss
    >>> X, y = load_diabetes(return_X_y=True)
    >>> check = check_initial_loss(MLPRegressor(random_state=0), X, y + 1000)
    >>> print(check.verdict)
    The target is far from 0, where predictions start.
    >>> print(f"initial loss {check.found:.0f}")
    initial loss 666635
    >>> for name, loss in check.figures.items():
    ...     print(f"loss of the {name} {loss:.0f}")
    loss of the best constant 2965
    """

    name: str
    found: float
    expected: float
    ok: bool
    verdict: str
    advice: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def _title(self) -> str:
        return f"{self.name}: {'good' if self.ok else 'not good'}"

    def _paragraphs(self) -> list[str]:
        figures = {"found": self.found, "expected": self.expected, **self.figures}
        return [listed(figures), self.verdict, self.advice]


# -- initial loss ---------------------------------------------------------------------


def check_initial_loss(estimator: Any, X: MatrixLike, y: MatrixLike) -> Check:
    """Compare the loss before training with that of raw scores of 0.

    Raw scores of 0 give each of C classes the same probability, so the loss is log C,
    and log 2 per label for two classes and for several labels. For a regressor it is
    the loss of predicting 0 (of 1, for counts). An initial loss far above that means
    that the initial scores are large: the features are not scaled, or the initial
    weights are too large. For a regressor the loss of the best constant is reported as
    well: if predicting 0 is much worse, the target is far from 0 [1]_. The check also
    fails if the mean or the standard deviation of the target is above 10.

    The loss is that of a training pass over at most 2000 rows, without penalty,
    dropout, mixup, label smoothing and augmentation.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one; fitted or not. A clone of it is
        used.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.

    Returns
    -------
    check : Check
        `found` is the initial loss, `expected` that of raw scores of 0.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.

    References
    ----------
    .. [1] A. Karpathy, "A recipe for training neural networks", 2019,
       https://karpathy.github.io/2019/04/25/recipe/.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import check_initial_loss
    >>> X, y = load_digits(return_X_y=True)
    >>> check_initial_loss(MLPClassifier(random_state=0), X / 16, y)
    Initial loss: good
      found 2.44, expected 2.3
      Before training, all 10 classes or labels are about equally likely.
    """
    inner = unwrap(estimator, X, y, fitted=False)
    return initial_loss_of(inner, inner.features(X), inner.targets(y))


def initial_loss_of(inner: Unwrapped, X: Any, y: Any) -> Check:
    """Return the check; `X`, `y` as the network receives them."""
    off = without_regularization(inner.estimator)
    subject = Subject.untrained(inner.estimator, X, y, **off)
    found, expected = initial_loss(subject)
    constant = nothing_to_learn(subject)
    if constant:
        advice = "There is nothing to learn. Check how y was made."
        return Check("Initial loss", found, expected, False, constant, advice)
    if subject.is_classifier:
        return _judge_classifier(found, expected, subject.network.out_shape[0])
    check = _judge_regressor(subject, found, expected)
    return _judge_target(subject, check) if check.ok else check


def initial_loss(subject: Subject) -> tuple[float, float]:
    """Return the loss of a training pass, without penalty, and that of zero scores."""
    rows, network = subject.sample(), subject.network
    objective = subject.plain_objective()
    batches = rows.batches(rows.rows, subject.batch_size(rows.n))
    y, w = selected(rows)
    zeros = np.zeros((rows.n, *network.out_shape), network.dtype)
    with np.errstate(all="ignore"):
        found = objective.sum_over(batches, rows.total_weight)
    return found, mean_loss(subject.loss, zeros, y, w)


def nothing_to_learn(subject: Subject) -> str:
    """Return a sentence if all targets are the same, and an empty string otherwise."""
    y = subject.data.y
    if (y != y[0]).any():
        return ""
    rows = f"{len(y)} row{'s' if len(y) > 1 else ''}"
    if not subject.is_classifier:
        return f"The target is constant: it is the same in all {rows}."
    if y.ndim == 2 and y.shape[1] > 1:
        return f"The labels are constant: they are the same in all {rows}."
    return f"y has a single class, {subject.classes[0]!s}, in all {rows}."


def _judge_classifier(found: float, expected: float, n_scores: int) -> Check:
    ok = bool(found <= CLASSIFIER_EXCESS * expected)
    n = max(n_scores, 2)
    verdict = f"Before training, all {n} classes or labels are about equally likely."
    advice = ""
    if not ok:
        verdict = "Before training, the network is already sure of wrong answers."
        advice = TOO_LARGE.format(target="")
    return Check("Initial loss", found, expected, ok, verdict, advice)


TOO_LARGE = (
    "Scale the features{target}, for example with StandardScaler. If that is done "
    "already, the initial weights are too large: set initializer='auto', a smaller "
    "init_scale, or normalization='batch'."
)


SCALE_TARGET = (
    "Scale the target: TransformedTargetRegressor(regressor, "
    "transformer=StandardScaler())."
)


DIVIDE_TARGET = "Divide the target by its mean. It must not become negative."


def _judge_regressor(subject: Subject, found: float, expected: float) -> Check:
    constant = best_constant_loss(subject)
    figures = {"best constant": constant}
    near = bool(expected <= FAR_FROM_ZERO * constant)
    ok = bool(found <= REGRESSOR_EXCESS * expected)
    scales = has_scalable_target(subject)
    start = 0 if scales else 1  # the value of the other link, exp, at 0
    verdict = (
        f"Before training, the network predicts values near {start}, as it should."
    )
    advice = ""
    if not ok:
        verdict = "Before training, the predictions are far larger than the target."
        advice = TOO_LARGE.format(target=" and the target" if scales else "")
    elif not near:
        verdict = f"The target is far from {start}, where predictions start."
        advice = SCALE_TARGET if scales else DIVIDE_TARGET
    return Check("Initial loss", found, expected, ok and near, verdict, advice, figures)


def has_scalable_target(subject: Subject) -> bool:
    """Return whether the targets may be scaled to mean 0: numbers of either sign."""
    return not subject.is_classifier and subject.loss.link_name in UNSCALED_LINKS


def target_sizes(subject: Subject) -> tuple[Array, Array] | None:
    """Return absolute means and standard deviations of the targets.

    None if the size of the targets does not matter.
    """
    if not has_scalable_target(subject):
        return None
    y = subject.data.y
    return np.abs(y.mean(axis=0)), y.std(axis=0)


def _judge_target(subject: Subject, check: Check) -> Check:
    """Return the check of a good initial loss, not good if the target is large."""
    sizes = target_sizes(subject)
    if sizes is None or np.maximum(*sizes).max() <= LARGE_TARGET:
        return check
    verdict = (
        "Before training, the network predicts values near 0, but the target is not "
        f"scaled: its standard deviation is {number(sizes[1].max())}."
    )
    return replace(check, ok=False, verdict=verdict, advice=SCALE_TARGET)


def best_constant_loss(subject: Subject) -> float:
    """Return the smallest loss of scores that are the same for all rows.

    By Powell's method, since a loss need not have a derivative at its minimum.
    """
    rows, loss = subject.sample(), subject.loss
    y, w = selected(rows)
    y = np.asarray(y, np.float64)

    def constant_loss(scores: Any) -> float:
        return mean_loss(loss, np.tile(scores, (len(y), 1)), y, w)

    with np.errstate(over="ignore"):
        return float(
            minimize(
                constant_loss, np.zeros(subject.network.out_shape), method="Powell"
            ).fun
        )


# -- overfitting a small sample ------------------------------------------------------


def check_overfits_small_sample(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    n_batches: int = 5,
    *,
    max_iter: int = 500,
) -> Check:
    """Check that the network can overfit a few batches.

    A clone without regularization (penalty, decoupled weight decay, dropout and
    DropConnect, also in `layers`, mixup, label smoothing, augmentation, early stopping)
    is trained on a few random batches until it predicts all of them correctly. A
    network that cannot do this has a bug, a wrong learning rate or too little capacity,
    and will not learn more rows either [1]_.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one; fitted or not. A clone of it is
        trained.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    n_batches : int, default=5
        Number of batches of the estimator's `batch_size`, at least 1. Here 'auto' means
        50 rows, so that the sample is small.
    max_iter : int, default=500
        Maximum number of epochs, instead of the estimator's own; at least 1.

    Returns
    -------
    check : Check
        `found` is the accuracy, or R², on the sample; `expected` is 1, or 0.99 for a
        regressor. `figures` has the number of rows and epochs, and the loss on these
        rows before training and in the last epoch.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.
    ValueError
        If `n_batches` or `max_iter` is below 1.

    References
    ----------
    .. [1] A. Karpathy, "A recipe for training neural networks", 2019,
       https://karpathy.github.io/2019/04/25/recipe/.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import check_overfits_small_sample
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier(batch_size=32, learning_rate_init=0.01, random_state=0)
    >>> check_overfits_small_sample(clf, X / 16, y).found
    1.0
    >>> clf.set_params(learning_rate_init=1e-6)
    MLPClassifier(batch_size=32, learning_rate_init=1e-06, random_state=0)
    >>> print(check_overfits_small_sample(clf, X / 16, y, max_iter=50).advice)
    Raise learning_rate_init=1e-06: learning_rate_range_test suggests a value. ...
    """
    for name, value in (("n_batches", n_batches), ("max_iter", max_iter)):
        check_scalar(value, name, Integral, min_val=1)
    inner = unwrap(estimator, X, y, fitted=False)
    off = without_regularization(inner.estimator)
    X, y = inner.features(X), inner.targets(y)
    limits = {"max_iter": max_iter, "verbose": False}
    subject = Subject.untrained(inner.estimator, X, y, **off, **limits)
    goal = 1.0 if subject.is_classifier else LEARNED_REGRESSION
    before = Subject.untrained(inner.estimator, X, y, **off)
    for one in (before, subject):
        _keep_small_sample(one, n_batches)
    first, _ = initial_loss(before)
    learning = _learn(subject, goal, first)
    ok = learning.score >= goal
    verdict, advice = _judge(learning)
    figures = {
        "rows": learning.rows,
        "epochs": len(learning.losses),
        "first loss": first,
        "last loss": learning.losses[-1],
    }
    name = "Overfitting a small sample"
    return Check(name, learning.score, goal, ok, verdict, advice, figures)


@dataclass
class Learning:
    """How training on a few rows went.

    The training loop calls it after each epoch, and it ends training at the goal.
    `first` is the loss before training; `losses` are means over epochs.
    """

    subject: Subject
    rows: int
    goal: float
    first: float
    score: float = math.nan
    losses: list[float] = field(default_factory=list)
    ending: Ending = "max_iter"

    def epoch_begins(self) -> None:
        """Do nothing."""

    def epoch_ends(self) -> bool:
        """Score the network; return whether it has learned the rows."""
        self.measure()
        return self.score >= self.goal

    def measure(self) -> None:
        """Set the score on the rows."""
        data = self.subject.data
        z = self.subject.network.scores(data.X, data.rows)
        y, w = selected(data)
        # A network that has diverged predicts no numbers.
        finite = np.isfinite(z).all()
        with np.errstate(over="ignore"):  # of huge predictions
            self.score = self.subject.score(z, y, w) if finite else math.nan


def _keep_small_sample(subject: Subject, n_batches: int) -> None:
    """Leave the subject a few batches of its rows."""
    estimator, all_rows = subject.estimator, subject.data.n
    largest = SMALL_BATCH if estimator.batch_size == "auto" else all_rows
    batch_size = subject.batch_size(min(largest, all_rows))
    estimator.set_params(batch_size=batch_size)
    subject.data = subject.sample(min(n_batches * batch_size, all_rows))


def _learn(subject: Subject, goal: float, first: float) -> Learning:
    """Train the subject's network on its rows."""
    estimator = subject.estimator
    learning = Learning(subject, subject.data.n, goal, first)
    # Only the goal, or the last epoch, ends training.
    limits = Limits(
        max_iter=estimator.max_iter,
        tol=0.0,
        n_iter_no_change=math.inf,
        early_stopping=False,
        n_best=0,
        verbose=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        learning.ending, history = subject.train(limits, learning)
    learning.losses = history.columns["loss"] or [history.loss]
    learning.measure()
    return learning


def _judge(learning: Learning) -> tuple[str, str]:
    """Return a verdict on the training, and advice."""
    estimator = learning.subject.estimator
    rate = f"learning_rate_init={estimator.learning_rate_init:g}"
    first, last = learning.first, learning.losses[-1]
    if learning.score >= learning.goal:
        return "The network can learn these rows.", ""
    if estimator.solver == "lbfgs":
        return _judge_lbfgs(learning)
    diverged = learning.ending == "diverged" or not math.isfinite(last)
    if diverged or max(learning.losses) > GROWN * first:
        scale = f"scale the features{_and_target(learning)}"
        advice = f"Lower {rate}, or {scale}."
        if may_clip(estimator):
            advice = (
                f"Lower {rate}, {scale}, or limit the gradient with "
                f"max_grad_norm={CLIP:g}."
            )
        return "The loss rose: the steps are too long.", advice
    if last > FLAT * first:
        return (
            _flat_verdict(learning),
            f"Raise {rate}: learning_rate_range_test suggests a value. If that does "
            "not help, the initial weights are bad (set initializer='auto') or the "
            "targets do not depend on the features.",
        )
    return (
        "The loss falls, but the network has not learned all rows.",
        "Train longer (max_iter), with a learning_rate_init other than "
        f"{estimator.learning_rate_init:g}, or with more units "
        f"({size_parameter(estimator)}). {CONTRADICTION}",
    )


CONTRADICTION = "Equal rows with different targets cannot be learned."


def _flat_verdict(learning: Learning) -> str:
    """Return what to say of a loss that has changed little."""
    fell = learning.losses[-1] < learning.first
    return "The loss hardly falls." if fell else "The loss does not fall."


def _and_target(learning: Learning) -> str:
    """Return what a regressor should scale besides the features."""
    return " and the target" if has_scalable_target(learning.subject) else ""


def _judge_lbfgs(learning: Learning) -> tuple[str, str]:
    """Return the same for 'lbfgs', which has no learning rate."""
    estimator = learning.subject.estimator
    last, n_iter = learning.losses[-1], len(learning.losses)
    units = f"more units ({size_parameter(estimator)})"
    if learning.ending == "diverged" or not math.isfinite(last):
        return (
            "The loss is no longer finite.",
            f"Scale the features{_and_target(learning)}, or set initializer='auto'.",
        )
    if last > FLAT * learning.first:
        return (
            _flat_verdict(learning),
            "The initial weights are bad (set initializer='auto'), the features are "
            "not scaled, or the targets do not depend on them.",
        )
    verdict = "The loss falls, but the network has not learned all rows."
    # An iteration takes one evaluation of the loss, or few more.
    if n_iter >= estimator.max_iter or 2 * n_iter >= estimator.max_fun:
        advice = f"Train longer (max_iter, max_fun), or with {units}."
    else:
        advice = (
            f"Training converged after {n_iter} iterations with tol=0: set {units} or "
            "another random_state."
        )
    return verdict, f"{advice} {CONTRADICTION}"
