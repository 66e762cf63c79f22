"""What all estimators share: prediction, the network, the size of a pickle."""

import pickle

import pytest
from sklearn.datasets import (
    load_digits,
)
from small_fits import ESTIMATORS, IRIS, fit

from sknn import MLPClassifier
from sknn._training import History

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


# -- best_epoch_ -----------------------------------------------------------------------


def epoch_of_the_best_score(est):
    scores = est.validation_scores_[-est.n_iter_ :]
    return 1 + scores.index(max(scores))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("refit_on_all", [False, True])
def test_best_epoch(solver, refit_on_all):
    params = {"solver": solver, "max_iter": 30, "scoring": "loss", "tol": 0.0}
    params |= {"learning_rate_init": 0.1, "alpha": 0.0, "n_iter_no_change": 3}
    net = fit(early_stopping=True, refit_on_all=refit_on_all, **params)
    scores = net.validation_scores_
    assert net.best_epoch_ == 1 + scores.index(max(scores))
    assert scores[net.best_epoch_ - 1] == net.best_validation_score_
    if refit_on_all:
        assert net.n_iter_ == net.best_epoch_


def test_best_epoch_of_a_set_that_is_only_recorded(iris):
    X, y = iris
    net = MLPClassifier(max_iter=5, random_state=0)
    net.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert net.best_epoch_ == epoch_of_the_best_score(net)


def test_no_best_epoch_without_validation():
    assert fit().best_epoch_ is None
    assert fit().partial_fit(*IRIS).best_epoch_ is None
    assert (
        fit(early_stopping=True).set_params(early_stopping=False).fit(*IRIS).best_epoch_
        is None
    )


def test_best_epoch_counts_the_epochs_of_the_last_call():
    net = fit(early_stopping=True, warm_start=True, scoring="loss", max_iter=3)
    assert net.best_epoch_ == 3
    first = net.best_validation_score_
    net.fit(*IRIS)
    assert len(net.validation_scores_) == 6
    assert net.best_epoch_ == epoch_of_the_best_score(net) <= 3
    assert net.best_validation_score_ > first


def test_no_best_epoch_if_no_score_is_better_than_before():
    net = fit(early_stopping=True, warm_start=True, scoring="loss", max_iter=3)
    net.set_params(learning_rate_init=1e3).fit(*IRIS)
    assert max(net.validation_scores_[3:]) < net.best_validation_score_
    assert net.best_epoch_ is None


def test_a_failed_fit_is_undone_although_an_interrupt_cuts_it_short(iris, monkeypatch):
    """A second Ctrl-C arrives while the attributes are restored."""
    clf = MLPClassifier(random_state=0, max_iter=2, warm_start=True).fit(*iris)
    before, roll_back, calls = pickle.dumps(clf), History.roll_back, []

    def interrupted(self, mark):
        calls.append(mark)
        if len(calls) == 1:
            raise KeyboardInterrupt
        roll_back(self, mark)

    monkeypatch.setattr(History, "roll_back", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(iris[0], iris[1] + 1)  # other classes
    assert len(calls) == 2
    assert pickle.dumps(clf) == before
