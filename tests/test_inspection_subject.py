"""Subject: the one place where the inspection tools look inside an estimator."""

import ast
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from sknn import MLPClassifier, MLPRegressor, inspection
from sknn.inspection._subject import Subject, check_as_fit_does, quiet_clone

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

FOLDER = Path(inspection.__file__).parent
X, y = scale(load_wine().data), load_wine().target


def private_attributes(path):
    """The private attributes that a file takes from anything but self and cls."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in ("self", "cls") and not node.attr.startswith("__"):
                yield node.attr


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda p: p.name)
def test_no_other_file_looks_inside_an_estimator(path):
    found = set(private_attributes(path))
    assert bool(found) == (path.name == "_subject.py")


def test_a_subject_is_a_copy():
    clf = MLPClassifier(10, max_iter=2, random_state=0).fit(X, y)
    theta = clf.network_.theta.copy()
    for subject in (Subject.fitted(clf, X, y), Subject.untrained(clf, X, y)):
        subject.network.theta[...] = 0
        subject.estimator.alpha = 5.0
    assert_array_equal(clf.network_.theta, theta)
    assert clf.alpha == 0.0001


def test_a_subject_scores_and_predicts_like_its_estimator():
    clf = MLPClassifier(10, max_iter=5, random_state=0).fit(X, y)
    subject = Subject.fitted(clf, X, y)
    z = subject.network.scores(subject.data.X)
    assert subject.score(z, subject.data.y) == clf.score(X, y)
    assert_array_equal(subject.predicted_codes(z).ravel(), clf.predict(X))
    assert subject.is_classifier
    reg = MLPRegressor(hidden_layer_sizes=10, max_iter=5, random_state=0).fit(X, y)
    subject = Subject.fitted(reg, X, y)
    z = subject.network.scores(subject.data.X)
    assert subject.score(z, subject.data.y) == pytest.approx(reg.score(X, y))
    assert not subject.is_classifier


def test_an_untrained_subject_has_the_initial_weights_of_fit():
    clf = MLPClassifier(10, learning_rate_init=1e-300, max_iter=1, random_state=0)
    subject = Subject.untrained(clf, X, y)
    assert not subject.trained
    assert_array_equal(subject.network.theta, clf.fit(X, y).network_.theta)
    params = {"alpha": 3.0, "unknown": 1}
    assert Subject.untrained(clf, X, y, **params).estimator.alpha == 3.0


def test_hold_out_is_that_of_early_stopping():
    clf = MLPClassifier(10, early_stopping=True, max_iter=3, random_state=0)
    train, held_out = Subject.untrained(clf, X, y).hold_out()
    assert sorted([*train.rows, *held_out.rows]) == list(range(len(X)))
    clf.set_params(restore_best=False).fit(X, y)
    expected = clf.score(X[held_out.rows], y[held_out.rows])
    assert clf.validation_scores_[-1] == expected


def test_data_is_checked_as_by_fit_and_predict():
    clf = MLPClassifier(10, max_iter=2, random_state=0).fit(X, y)
    for targets in (None, y):
        with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is"):
            Subject.fitted(clf, X[:, :3], targets)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Subject.untrained(clf, np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        check_as_fit_does(clf, np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        check_as_fit_does(MLPClassifier(alpha=-1), X, y)


def test_a_quiet_clone_prints_nothing(capsys):
    quiet_clone(MLPClassifier(5, verbose=True, max_iter=2)).fit(X, y)
    assert capsys.readouterr().out == ""
