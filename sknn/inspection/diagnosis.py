"""The doctor: one call that examines a network and says in words what is wrong."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

from sklearn.utils import check_scalar

from .._estimators.input_checks import check_validation_pair
from .._typing import MatrixLike
from ._comparison import comparison_note
from ._examination import examine
from ._progress import Progress
from ._rules import apply_rules, note_of_doubt
from .report import Report


def doctor(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    X_val: MatrixLike | None = None,
    y_val: MatrixLike | None = None,
    *,
    verbose: int = 0,
) -> Report:
    """Say what is wrong with a network, and which parameter to change.

    A fitted estimator is examined as it is, with the learning curves in its
    ``history_``; if the estimator is not fitted, a clone of it is trained first. The
    doctor examines the data as the network receives them, the network before and after
    training, and the learning curves. It runs `check_initial_loss` and, unless the
    solver is 'lbfgs', `learning_rate_range_test`, but not
    `check_overfits_small_sample`. It compares the network with a random forest, which
    needs no tuning. What needs no training uses at most 2000 rows. Training the clone
    takes most of the time; the rest takes seconds.

    The validation score is compared with the out-of-bag score of the forest. Without a
    validation score, the training score is compared, which is too favorable to the
    network; the `notes` of the report say which it was.

    The doctor knows these problems:

    - of the data: ``unscaled-features``, ``constant-features``, ``constant-target``
      (also a single class; it is then the only finding), ``unscaled-target``,
      ``continuous-target`` (of a classifier), ``unpredictable-target``,
      ``class-imbalance`` (if the rarest class is not recognized),
      ``too-little-data``;
    - of the initial weights: ``bad-init-symmetric``, ``bad-init-small``,
      ``bad-init-large``;
    - of the signals: ``vanishing-gradients``, ``exploding-gradients``, ``dead-units``,
      ``saturated-units``;
    - of the training: ``learning-rate-too-high``, ``learning-rate-too-low``,
      ``over-regularized``, ``not-converged``, ``underfitting``, ``overfitting``;
    - of the parameters: ``parameter-without-effect`` (harmless: a network without other
      findings is healthy).

    If a network is healthy, but the forest is probably better and the training score
    much higher than the validation score, the last of the `notes` says so.

    A symptom that another finding explains is not reported: solve that problem first,
    and call the doctor again.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one; fitted or not. It is not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data; for a fitted estimator, the data it was fitted on. Rows that
        early stopping held out of them are left out of the training score.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    X_val, y_val : array-like, default=None
        Validation data. Without them a fifth of the rows, at least 2, is held out
        before a clone is trained; for a fitted estimator, overfitting can then be
        detected only if it was fitted with early stopping or a validation set.
    verbose : int, default=0
        If 1 or more, print one line per step, with the time that it took.

    Returns
    -------
    report : Report
        Print it, or use its `findings`.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.
    ValueError
        If only one of `X_val` and `y_val` is given, if there are fewer than 4 rows and
        some must be held out, or if `fit` raises for this data or these parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import doctor
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier(learning_rate_init=1e-5, max_iter=20, random_state=0)
    >>> report = doctor(clf, X / 16, y)
    >>> report.problems
    ['learning-rate-too-low']
    >>> print(report.findings[0].advice)
    Set learning_rate_init=0.024.
    >>> doctor(clf.set_params(learning_rate_init=0.01), X / 16, y).problems
    []
    """
    check_scalar(verbose, "verbose", Integral, min_val=0)
    given = check_validation_pair(X_val, y_val, None)
    validation = (X_val, y_val) if given else None
    with warnings.catch_warnings():
        # The report says so: continuous-target.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        exam = examine(estimator, X, y, validation, Progress(verbose > 0))
        findings = apply_rules(exam)
        report = Report(findings, exam.figures, exam.notes)
        doubt = note_of_doubt(exam) if report.healthy else ""
        exam.notes.extend(note for note in (comparison_note(exam), doubt) if note)
        return report
