"""What the doctor returns: a report of findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Literal

from ._printing import PrintedText, html_paragraphs, html_title, listed, wrap

Severity = Literal["serious", "mild", "harmless"]
"""Whether a problem keeps the network from learning, from learning well, or neither."""


@dataclass(frozen=True, repr=False)
class Finding(PrintedText):
    """A problem that the doctor found.

    Attributes
    ----------
    problem : str
        The code of the problem, such as 'learning-rate-too-low'.
    severity : {'serious', 'mild', 'harmless'}
        Whether it keeps the network from learning, from learning well, or neither.
    evidence : str
        What was measured.
    advice : str
        What to do, with the parameter to change.

    See Also
    --------
    doctor : The function that returns a report of findings.
    Report : The report.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import doctor
    >>> X, y = load_iris(return_X_y=True)
    >>> finding, *others = doctor(MLPClassifier(random_state=0), 100 * X, y).findings
    >>> finding
    unscaled-features (serious)
      4 of 4 columns are larger than 10 (root mean square); the largest is 590.
      Scale X: make_pipeline(StandardScaler(), estimator). Scale images to [0, 1].
    """

    problem: str
    severity: Severity
    evidence: str
    advice: str

    def _title(self) -> str:
        return f"{self.problem} ({self.severity})"

    def _paragraphs(self) -> list[str]:
        return [self.evidence, self.advice]


@dataclass(frozen=True, repr=False)
class Report:
    """What the doctor found.

    Attributes
    ----------
    findings : list of Finding
        The problems, the serious ones first; each has a code (`problem`), a `severity`,
        the `evidence` and `advice`. Empty if no problem was found.
    figures : dict of str to float
        Rows, parameters, epochs, losses and scores, by name; NaN where unknown.
    notes : list of str
        How the examination was done, what was compared, and what could not be checked.

    See Also
    --------
    doctor : The function that returns this.
    Finding : One of the findings.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import doctor
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(
    ...     alpha=1000, learning_rate="cosine", max_iter=50, random_state=0
    ... )
    >>> report = doctor(clf, X, y)
    >>> report.problems
    ['over-regularized']
    >>> for name in ("training score", "score of a forest"):
    ...     print(f"{name} {report.figures[name]:.2f}")
    training score 0.33
    score of a forest 0.95
    """

    findings: list[Finding]
    figures: dict[str, float]
    notes: list[str]

    @property
    def problems(self) -> list[str]:
        """The codes of all findings."""
        return [finding.problem for finding in self.findings]

    @property
    def healthy(self) -> bool:
        """Whether nothing keeps the network from learning well."""
        return all(finding.severity == "harmless" for finding in self.findings)

    def _title(self) -> str:
        n = len(self.findings)
        if not n:
            return "The network is healthy: no problem was found."
        if self.healthy:
            return "The network is healthy, but see this finding:"
        return f"{n} finding{'s' if n > 1 else ''}:"

    def _remarks(self) -> list[str]:
        known = {k: v for k, v in self.figures.items() if not math.isnan(v)}
        return [listed(known), *self.notes]

    def __repr__(self) -> str:
        findings = [f"- {finding!r}" for finding in self.findings]
        return "\n".join([self._title(), *findings, *map(wrap, self._remarks())])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(f.problem)}</b> ({escape(f.severity)})<br>"
            f"{escape(f.evidence)}<br><i>{escape(f.advice)}</i></li>"
            for f in self.findings
        )
        below = html_paragraphs(self._remarks())
        return html_title(self._title()) + f"<ul>{items}</ul>" + below
