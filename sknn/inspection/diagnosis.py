"""The doctor: one call that runs what applies, and says what is wrong in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from .._estimators.input_checks import check_validation_pair
from .._typing import MatrixLike
from ._diseases import Finding, diagnose
from ._examination import examine
from ._report import Printed, number, wrap


@dataclass(frozen=True, repr=False)
class Report(Printed):
    """What the doctor has found.

    Attributes
    ----------
    findings : list of Finding
        What is wrong, the serious first; each with the code of the `disease`, its
        `severity`, the `evidence` and an `advice`. Empty if the network is healthy.
    figures : dict of str to float
        Rows, parameters, epochs, losses and scores, by name; NaN where there is none.
    notes : list of str
        How the examination was done, and what could not be looked at.
    """

    findings: list[Finding]
    figures: dict[str, float]
    notes: list[str]

    @property
    def diseases(self) -> list[str]:
        """The codes of all findings."""
        return [finding.disease for finding in self.findings]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def _verdict(self) -> str:
        n = len(self.findings)
        if not n:
            return "The network is healthy: nothing was found."
        return f"{n} finding{'s' if n > 1 else ''}:"

    def _told(self) -> str:
        known = {k: v for k, v in self.figures.items() if not math.isnan(v)}
        return ", ".join(f"{name} {number(value)}" for name, value in known.items())

    def __repr__(self) -> str:
        lines = [self._verdict()]
        for finding in self.findings:
            lines.append(f"- {finding.disease} ({finding.severity})")
            lines += [wrap(finding.evidence, "  "), wrap(finding.advice, "  ")]
        lines += [wrap(text) for text in (self._told(), *self.notes)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(f.disease)}</b> ({escape(f.severity)})<br>"
            f"{escape(f.evidence)}<br><i>{escape(f.advice)}</i></li>"
            for f in self.findings
        )
        below = "".join(
            f"<p>{escape(text)}</p>" for text in (self._told(), *self.notes)
        )
        return f"<p><b>{escape(self._verdict())}</b></p><ul>{items}</ul>{below}"


def doctor(
    estimator: Any,
    X: MatrixLike,
    y: MatrixLike,
    X_val: MatrixLike | None = None,
    y_val: MatrixLike | None = None,
) -> Report:
    """Say what is wrong with a network, and which parameter to change.

    A fitted estimator is looked at as it is, with the learning curves in its
    ``history_``; of one that is not fitted a clone is trained first. The doctor looks
    at the data as the network gets them, at the network before and after training, and
    at the learning curves; runs `check_initial_loss` and `learning_rate_range_test`;
    and compares the score with that of a forest, which needs no tuning. At most 2000
    rows are used for what needs no training.

    It knows these diseases:

    - of the data: ``unscaled-features``, ``constant-features``, ``constant-target`` (a
      single class, too; then nothing else is told), ``unscaled-target``,
      ``class-imbalance`` (where the rarest class is not recognised),
      ``too-little-data``;
    - of the initial weights: ``bad-init-symmetric``, ``bad-init-small``,
      ``bad-init-large``;
    - of the signals: ``vanishing-gradients``, ``exploding-gradients``, ``dead-units``,
      ``saturated-units``;
    - of the training: ``learning-rate-too-high``, ``learning-rate-too-low``,
      ``not-converged``, ``under-fitting``, ``over-fitting``.

    A symptom that another finding explains is not told: cure that one, and ask again.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one; fitted or not. It is not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data; of a fitted estimator those it was fitted on. Rows that it
        held out of them are left out of the training score.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    X_val, y_val : array-like, default=None
        Validation data. Without them a fifth of the rows, at least 2, is held out
        before a clone is trained; of a fitted estimator over-fitting can then be seen
        only if it was fitted with early stopping.

    Returns
    -------
    report : Report
        Print it, or look at its `findings`.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.
    ValueError
        If only one of `X_val` and `y_val` is given, if there are fewer than 4 rows to
        hold some out of, or if data or parameters are such that `fit` raises.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import doctor
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier(learning_rate_init=1e-5, max_iter=20, random_state=0)
    >>> report = doctor(clf, X / 16, y)
    >>> report.diseases
    ['learning-rate-too-low']
    >>> print(report.findings[0].advice)
    Set learning_rate_init=0.0...
    >>> doctor(clf.set_params(learning_rate_init=0.01), X / 16, y).healthy
    True
    """
    given = check_validation_pair(X_val, y_val, None)
    exam = examine(estimator, X, y, (X_val, y_val) if given else None)
    return Report(diagnose(exam), exam.figures, exam.notes)
