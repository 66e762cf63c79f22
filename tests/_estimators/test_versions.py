"""Pickles carry the version of sknn: another version warns."""

import copy
import pickle
import warnings

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline

import sknn
from sknn import CNNClassifier, MLPClassifier, MLPRegressor
from sknn._estimators import versions


class OfAUser(MLPClassifier):
    """A class that is not in a module of sknn."""


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor, CNNClassifier, OfAUser])
def test_another_version_warns(cls, monkeypatch):
    content = pickle.dumps(make_pipeline(cls()))
    assert not hasattr(pickle.loads(content)[0], "_sknn_version")
    old = sknn.__version__
    monkeypatch.setattr(versions, "__version__", "99.0")
    message = (
        f"Trying to unpickle estimator {cls.__name__} from sknn version {old} when "
        "using version 99.0"
    )
    with pytest.warns(InconsistentVersionWarning, match=message) as caught:
        pickle.loads(content)
    assert len(caught) == 1
    warning = pickle.loads(pickle.dumps(caught[0].message))
    assert (warning.original_sklearn_version, str(warning)[:6]) == (old, "Trying")


def test_a_pickle_without_a_version_warns():
    state = vars(MLPClassifier())
    loaded = MLPClassifier.__new__(MLPClassifier)
    with pytest.warns(InconsistentVersionWarning, match="from sknn version unknown"):
        loaded.__setstate__(state)
    assert loaded.get_params() == MLPClassifier().get_params()


def test_the_same_version_does_not_warn():
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier(4, max_iter=1, learning_rate="linear").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copies = [copy.copy(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))]
        clone(clf)
    for other in copies:
        assert vars(other).keys() == vars(clf).keys()
        assert (other.predict(X) == clf.predict(X)).all()
