"""Ensembles of networks through scikit-learn's own meta-estimators: they work with ours
as members, and the average does better than the mean member.

That each gives what the same steps by hand give is tested in
``contracts/test_ecosystem.py``.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import CNNClassifier, MLPClassifier, MLPRegressor

TRAINING = {
    "batch_size": 32,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 15,
}


def split(load, train_size, scale=None):
    X, y = load(return_X_y=True)
    X = X / scale if scale else StandardScaler().fit_transform(X)
    stratify = None if load is load_diabetes else y
    return train_test_split(
        X, y, train_size=train_size, stratify=stratify, random_state=0
    )


DIGITS = split(load_digits, 400, scale=16)
CANCER = split(load_breast_cancer, 150)
DIABETES = split(load_diabetes, 300)


def classifier(**params):
    return MLPClassifier(hidden_layer_sizes=(20,), **{**TRAINING, **params})


def regressor(**params):
    """A network that learns the standardized target."""
    net = MLPRegressor(hidden_layer_sizes=(30,), **{**TRAINING, **params})
    return TransformedTargetRegressor(net, transformer=StandardScaler())


def seeds(make, n):
    return [(f"seed {i}", make(random_state=i)) for i in range(n)]


def member_scores(ensemble, X, y):
    return [member.score(X, y) for member in ensemble.estimators_]


@pytest.mark.parametrize("data, margin", [(DIGITS, 0.005), (CANCER, 0.0)])
def test_soft_voting_beats_the_mean_member(data, margin):
    X_train, X_test, y_train, y_test = data
    vote = VotingClassifier(seeds(classifier, 8), voting="soft").fit(X_train, y_train)
    scores = member_scores(vote, X_test, np.searchsorted(vote.classes_, y_test))
    assert len(set(scores)) > 1  # other initial weights, other networks
    assert vote.score(X_test, y_test) > np.mean(scores) + margin
    probabilities = [net.predict_proba(X_test) for net in vote.estimators_]
    losses = [log_loss(y_test, p) for p in probabilities]
    assert log_loss(y_test, vote.predict_proba(X_test)) < 0.98 * np.mean(losses)
    assert_allclose(vote.predict_proba(X_test), np.mean(probabilities, axis=0))


def test_bagging_beats_the_mean_member():
    X_train, X_test, y_train, y_test = DIGITS
    bag = BaggingClassifier(classifier(), n_estimators=8, random_state=0)
    bag.fit(X_train, y_train)
    scores = member_scores(bag, X_test, y_test)
    assert bag.score(X_test, y_test) > np.mean(scores) + 0.01


def test_bagging_has_an_out_of_bag_score():
    X_train, X_test, y_train, y_test = CANCER
    params = {"n_estimators": 30, "oob_score": True, "random_state": 0}
    bag = BaggingClassifier(classifier(), **params).fit(X_train, y_train)
    assert abs(bag.oob_score_ - bag.score(X_test, y_test)) < 0.04


@pytest.mark.parametrize(
    "ensemble",
    [
        BaggingRegressor(regressor(), n_estimators=8, random_state=0),
        VotingRegressor(seeds(regressor, 8)),
    ],
    ids=["bagging", "voting"],
)
def test_averaged_regressors_beat_the_mean_member(ensemble):
    X_train, X_test, y_train, y_test = DIABETES
    ensemble.fit(X_train, y_train)
    errors = [
        mean_squared_error(y_test, member.predict(X_test))
        for member in ensemble.estimators_
    ]
    error = mean_squared_error(y_test, ensemble.predict(X_test))
    assert error < 0.98 * np.mean(errors)


def test_stacked_classifiers_of_several_kinds():
    X_train, X_test, y_train, y_test = DIGITS
    whitened = make_pipeline(PCA(20, whiten=True, random_state=0), classifier())
    members = [
        ("relu", classifier(random_state=0)),
        ("tanh", classifier(activation="tanh", random_state=1)),
        ("whitened", whitened.set_params(mlpclassifier__random_state=2)),
    ]
    stack = StackingClassifier(members, LogisticRegression(), cv=3)
    stack.fit(X_train, y_train)
    scores = member_scores(stack, X_test, y_test)
    assert stack.score(X_test, y_test) > np.mean(scores) + 0.005


def test_stacked_regressors_and_a_network_on_top():
    X_train, X_test, y_train, y_test = DIABETES
    members = [("net", regressor(random_state=0)), ("ridge", RidgeCV())]
    scaled = make_pipeline(StandardScaler(), regressor(random_state=0))
    for final in (RidgeCV(), scaled):
        stack = StackingRegressor(members, final, cv=3).fit(X_train, y_train)
        scores = member_scores(stack, X_test, y_test)
        assert stack.score(X_test, y_test) > np.mean(scores)


def test_dense_and_convolutional_networks_vote_together():
    X_train, X_test, y_train, y_test = DIGITS
    cnn = CNNClassifier(
        8, hidden_layer_sizes=(20,), input_shape=(8, 8), random_state=0, **TRAINING
    )
    dense = classifier(
        early_stopping=True, n_iter_no_change=30, max_iter=30, random_state=0
    )
    vote = VotingClassifier([("dense", dense), ("cnn", cnn)], voting="soft")
    vote.fit(X_train, y_train)
    scores = member_scores(vote, X_test, y_test)
    assert vote.score(X_test, y_test) > np.mean(scores)
