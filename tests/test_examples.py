"""The examples: what they print where an optional package is missing."""

import runpy
import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_tune_digits_prints_one_line_without_rich(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    show_progress = runpy.run_path(EXAMPLES / "tune_digits.py")["show_progress"]
    grid = {"strategy": ["prior", "stratified"]}
    show_progress(GridSearchCV(DummyClassifier(), grid)).fit(*load_iris(return_X_y=True))
    assert capsys.readouterr().out.splitlines() == [
        "Fitting 5 folds for each of 2 candidates, totalling 10 fits"
    ]
