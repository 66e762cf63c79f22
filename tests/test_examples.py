"""The examples: what they print where an optional package is missing."""

import runpy
import sys
from pathlib import Path

from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_tune_digits_prints_one_line_without_rich(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    show_progress = runpy.run_path(EXAMPLES / "tune_digits.py")["show_progress"]
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, cv=2)
    show_progress(search).fit([[0], [0], [1], [1]], [0, 1, 0, 1])
    line = "Fitting 2 folds for each of 2 candidates, totalling 4 fits"
    assert capsys.readouterr().out.splitlines() == [line]
