"""What all estimators share: prediction, the network, the size of a pickle."""

import pickle

import pytest
from sklearn.datasets import (
    load_digits,
)
from small_fits import ESTIMATORS

from sknn import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_predicting_changes_nothing(iris):
    clf = MLPClassifier(random_state=0, max_iter=2).fit(*iris)
    before = pickle.dumps(clf)
    clf.predict(iris[0])
    clf.predict_proba(iris[0])
    assert pickle.dumps(clf) == before


def test_network_describes_itself(iris):
    network = MLPClassifier((5, 4), max_iter=1).fit(*iris).network_
    assert repr(network) == "Network(4 -> 5 -> 4 -> 3, 64 parameters, float64)"


def weights_nbytes(est):
    return sum(a.nbytes for a in est.coefs_ + est.intercepts_)


@pytest.mark.parametrize(
    "params, factor",
    [
        ({"early_stopping": True}, 1.1),
        ({"solver": "lbfgs"}, 1.1),
        ({"solver": "sgd", "momentum": 0}, 1.1),
        ({"solver": "sgd"}, 2.1),  # resumable: the velocity goes along
        ({"solver": "rmsprop"}, 2.1),
        ({}, 3.1),  # and Adam's two moments
        ({"dropout": 0.5, "normalization": "batch", "mixup": 0.2}, 3.1),
        ({"early_stopping": True, "refit_on_all": True}, 1.1),
    ],
)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_pickle_size(Estimator, params, factor):
    X, y = load_digits(return_X_y=True)
    sizes = []
    for n in (500, 1700):
        est = Estimator(hidden_layer_sizes=(300, 300), max_iter=2, **params)
        est.fit(X[:n] / 16, y[:n])
        sizes.append(len(pickle.dumps(est)))
        assert sizes[-1] <= factor * weights_nbytes(est)
    assert abs(sizes[1] - sizes[0]) < 1000  # holds no training data
