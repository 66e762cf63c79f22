"""Checks before training: the first loss, and whether a few rows can be learnt."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from .._training import Ending, Limits
from .._typing import MatrixLike
from ..objective import mean_loss
from ._network import (
    Unwrapped,
    initial_loss,
    nothing_to_learn,
    selected,
    size_parameter,
    unwrap,
    without_regularization,
)
from ._report import Printed, number, wrap
from ._subject import Subject

CLASSIFIER_EXCESS = 2.0
"""Largest first loss of a classifier, in units of the expected one: that of scores with
a standard deviation of more than 2, sure of answers that nobody has taught them."""

REGRESSOR_EXCESS = 10.0
"""The same for a regressor: predictions that spread by more than three standard
deviations of the target. Deep networks with He's weights begin with up to 7."""

FAR_FROM_ZERO = 10.0
"""Loss of predicting 0, in units of that of the best constant, above which the first
epochs go into learning the mean of the target: three standard deviations, or more."""

LEARNT_REGRESSION = 0.99
"""R² at which a regressor has learnt its training rows by heart."""

FLAT = 0.9
"""A last loss above this share of that before training has not fallen."""

GROWN = 2.0
"""Mean loss of an epoch, in units of that before training, from which steps lead
upwards."""

SMALL_BATCH = 50
"""Rows of a batch of the small sample with batch_size='auto': with 200 it would not be
small, and training on it no quick check."""


@dataclass(frozen=True, repr=False)
class Check(Printed):
    """What a check has found.

    Attributes
    ----------
    name : str
        What was checked.
    found : float
        The figure.
    expected : float
        What it should be, or come near.
    ok : bool
        Whether it does.
    verdict : str
        What that means, in a sentence.
    advice : str
        What to do about it, naming parameters; empty if nothing.
    figures : dict of str to float
        Further figures, by name.
    """

    name: str
    found: float
    expected: float
    ok: bool
    verdict: str
    advice: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        figures = {"found": self.found, "expected": self.expected, **self.figures}
        told = ", ".join(f"{name} {number(value)}" for name, value in figures.items())
        lines = [
            f"{self.name}: {'good' if self.ok else 'not good'}",
            wrap(told, "  "),
            wrap(self.verdict, "  "),
        ]
        if self.advice:
            lines.append(wrap(self.advice, "  "))
        return "\n".join(lines)


# -- the first loss -------------------------------------------------------------------


def check_initial_loss(estimator: Any, X: MatrixLike, y: MatrixLike) -> Check:
    """Compare the loss before training with that of a network that knows nothing.

    Such a network gives raw scores of 0: each of C classes the same probability, so
    that the loss is log C; log 2 a label, for two classes and for several labels; for
    numbers the loss of predicting 0 (of 1, for counts). A loss far above it says that
    the initial scores are large: that the features are not scaled, or the initial
    weights too large. For a regressor the loss of the best constant is told as well: if
    predicting 0 is much worse, the target is far from 0 [1]_.

    The loss is that of a training pass over at most 2000 rows, without penalty,
    dropout, mixup, label smoothing and augmentation.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one; fitted or not. A clone of it is looked at.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.

    Returns
    -------
    check : Check
        `found` and `expected` are the two losses.

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
    >>> check = check_initial_loss(MLPClassifier(random_state=0), X / 16, y)
    >>> check.ok, round(check.found, 2), round(check.expected, 2)
    (True, 2.44, 2.3)
    """
    inner = unwrap(estimator, X, y, trained=False)
    return initial_loss_of(inner, inner.features(X), inner.targets(y))


def initial_loss_of(inner: Unwrapped, X: Any, y: Any) -> Check:
    """Return the check; `X`, `y` as the network gets them."""
    subject = Subject.untrained(
        inner.estimator, X, y, **without_regularization(inner.estimator)
    )
    found, expected = initial_loss(subject)
    constant = nothing_to_learn(subject)
    if constant:
        advice = "There is nothing to learn: look at y."
        return Check("Initial loss", found, expected, False, constant, advice)
    if subject.is_classifier:
        return _judge_classifier(found, expected, subject.network.out_shape[0])
    return _judge_regressor(found, expected, best_constant_loss(subject))


def _judge_classifier(found: float, expected: float, n_scores: int) -> Check:
    ok = bool(found <= CLASSIFIER_EXCESS * expected)
    verdict = f"Before training all {max(n_scores, 2)} classes or labels look alike."
    advice = ""
    if not ok:
        verdict = "Before training the network is already sure, of wrong answers."
        advice = TOO_LARGE.format(target="")
    return Check("Initial loss", found, expected, ok, verdict, advice)


TOO_LARGE = (
    "Scale the features{target}, for example with StandardScaler. If that is done, the "
    "initial weights are too large: initializer='auto', a smaller init_scale, or "
    "normalization='batch'."
)


def _judge_regressor(found: float, expected: float, constant: float) -> Check:
    figures = {"best constant": constant}
    near = bool(expected <= FAR_FROM_ZERO * constant)
    ok = bool(found <= REGRESSOR_EXCESS * expected)
    verdict = "Before training the network predicts values near 0, as it should."
    advice = ""
    if not ok:
        verdict = "Before training the predictions are far larger than the target."
        advice = TOO_LARGE.format(target=" and the target")
    elif not near:
        verdict = "The target is far from 0, where the predictions begin."
        advice = (
            "Scale the target: TransformedTargetRegressor(regressor, "
            "transformer=StandardScaler())."
        )
    return Check("Initial loss", found, expected, ok and near, verdict, advice, figures)


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


# -- a few rows by heart --------------------------------------------------------------


def check_overfits_small_sample(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    n_batches: int = 5,
    *,
    max_iter: int = 500,
) -> Check:
    """Check that the network can learn a few batches by heart.

    A clone without regularisation (penalty, decoupled decay, dropout and DropConnect,
    in `layers` too, mixup, label smoothing, augmentation, early stopping) is trained on
    a few batches, drawn at random, until all of them are right. A network that cannot
    do this has a bug, a wrong learning rate or too little capacity, and will not learn
    more rows either [1]_.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one; fitted or not. A clone of it is trained.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    n_batches : int, default=5
        Number of batches of the estimator's `batch_size`, at least 1. Here 'auto' is 50
        rows, so that the sample is small.
    max_iter : int, default=500
        Most epochs to train, in place of the estimator's own; at least 1.

    Returns
    -------
    check : Check
        `found` is the accuracy, or R², on the rows learnt; `expected` is 1, or 0.99
        for a regressor. `figures` tell rows, epochs, first loss (before training) and
        last loss.

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
    Raise learning_rate_init=1e-06: learning_rate_range_test suggests one. ...
    """
    for name, value in (("n_batches", n_batches), ("max_iter", max_iter)):
        check_scalar(value, name, Integral, min_val=1)
    inner = unwrap(estimator, X, y, trained=False)
    off = without_regularization(inner.estimator)
    X, y = inner.features(X), inner.targets(y)
    subject = Subject.untrained(
        inner.estimator, X, y, **off, max_iter=max_iter, verbose=False
    )
    goal = 1.0 if subject.is_classifier else LEARNT_REGRESSION
    first, _ = initial_loss(Subject.untrained(inner.estimator, X, y, **off))
    learning = _learn(subject, n_batches, goal, first)
    ok = learning.score >= goal
    verdict, advice = _judge(learning, subject.estimator)
    figures = {
        "rows": learning.rows,
        "epochs": len(learning.losses),
        "first loss": first,
        "last loss": learning.losses[-1],
    }
    name = "Learning a small sample by heart"
    return Check(name, learning.score, goal, ok, verdict, advice, figures)


@dataclass
class Learning:
    """What came of training on a few rows.

    It is what the training loop tells of each epoch, and stops it at the goal. `first`
    is the loss before training, `losses` are means over epochs.
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
        """Score the network; return whether it has learnt the rows."""
        self.measure()
        return self.score >= self.goal

    def measure(self) -> None:
        """Set the score on the rows."""
        data = self.subject.data
        z = self.subject.network.scores(data.X, data.rows)
        y, w = selected(data)
        # A network that has diverged predicts no numbers.
        finite = np.isfinite(z).all()
        with np.errstate(over="ignore"):  # of predictions out of all scale
            self.score = self.subject.score(z, y, w) if finite else math.nan


def _learn(subject: Subject, n_batches: int, goal: float, first: float) -> Learning:
    """Train the subject's network on some of its rows; say how it went."""
    estimator, all_rows = subject.estimator, subject.data.n
    most = SMALL_BATCH if estimator.batch_size == "auto" else all_rows
    batch_size = subject.batch_size(min(most, all_rows))
    n = min(n_batches * batch_size, all_rows)
    estimator.set_params(batch_size=batch_size)
    subject.data = subject.sample(n)
    learning = Learning(subject, n, goal, first)
    # Nothing but the goal, or the last epoch, ends it.
    limits = Limits(
        max_iter=estimator.max_iter,
        tol=0.0,
        n_iter_no_change=math.inf,
        early_stopping=False,
        restore_best=False,
        verbose=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        learning.ending, history = subject.train(limits, learning)
    learning.losses = history.columns["loss"] or [history.loss]
    learning.measure()
    return learning


def _judge(learning: Learning, estimator: Any) -> tuple[str, str]:
    """Return what came of it and what it is due to."""
    rate = f"learning_rate_init={estimator.learning_rate_init:g}"
    first, last = learning.first, learning.losses[-1]
    if learning.score >= learning.goal:
        return "The network can learn these rows by heart.", ""
    if estimator.solver == "lbfgs":
        return _judge_lbfgs(learning, estimator)
    diverged = learning.ending == "diverged" or not math.isfinite(last)
    if diverged or max(learning.losses) > GROWN * first:
        also = "" if is_classifier(estimator) else " and the target"
        return (
            "The loss grew: the steps are too long.",
            f"Lower {rate}, scale the features{also}, or bound the gradient by "
            "max_grad_norm=1.",
        )
    if last > FLAT * first:
        return (
            "The loss hardly falls.",
            f"Raise {rate}: learning_rate_range_test suggests one. If that does not "
            "help, the initial weights are bad (initializer='auto') or the targets "
            "have nothing to do with the features.",
        )
    return (
        "The loss falls, but the rows are not all learnt.",
        f"Train longer (max_iter), with another {rate}, or with more units "
        f"({size_parameter(estimator)}). Equal rows with different targets cannot be "
        "learnt.",
    )


def _judge_lbfgs(learning: Learning, estimator: Any) -> tuple[str, str]:
    """Return the same for 'lbfgs', which has no learning rate."""
    last, n_iter = learning.losses[-1], len(learning.losses)
    units = f"more units ({size_parameter(estimator)})"
    if learning.ending == "diverged" or not math.isfinite(last):
        also = "" if is_classifier(estimator) else " and the target"
        return (
            "The loss is no longer finite.",
            f"Scale the features{also}, or set initializer='auto'.",
        )
    if last > FLAT * learning.first:
        return (
            "The loss hardly falls.",
            "The initial weights are bad (initializer='auto'), the features are not "
            "scaled, or the targets have nothing to do with them.",
        )
    verdict = "The loss falls, but the rows are not all learnt."
    # An iteration takes one evaluation of the loss, or little more.
    if n_iter >= estimator.max_iter or 2 * n_iter >= estimator.max_fun:
        advice = f"Train longer (max_iter, max_fun), or with {units}."
    else:
        advice = (
            f"Training ended by itself, after {n_iter} iterations with tol=0: set "
            f"{units} or another random_state."
        )
    return verdict, f"{advice} Equal rows with different targets cannot be learnt."
