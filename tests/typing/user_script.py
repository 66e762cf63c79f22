"""A user's script, which test_typing.py type-checks with ``mypy --strict`` and runs.

``assert_type`` fails for any other type, ``Any`` included.
"""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import sknn
from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.callbacks import Checkpoint
from sknn.display import LossCurveDisplay
from sknn.inspection import doctor
from sknn.layers import Activation, Dense, Dropout, Layer
from sknn.model_selection import CoarseToFineSearchCV
from sknn.schedules import Cosine
from sknn.solvers import SGD

Array = NDArray[Any]


def train(X: Array, y: Array) -> MLPClassifier:
    return MLPClassifier((4,), learning_rate="linear", max_iter=2).fit(X, y)


def train_more(clf: MLPClassifier, X: Array, y: Array) -> MLPClassifier:
    return clf.partial_fit(X, y)


def train_images(X: Array, y: Array) -> tuple[CNNClassifier, CNNRegressor]:
    classifier = CNNClassifier(2, padding="same", learning_rate="cosine", max_iter=2)
    regressor = CNNRegressor(2, normalization="batch", learning_rate="step", max_iter=2)
    return classifier.fit(X, y), regressor.fit(X, y)


def train_layers(X: Array, y: Array) -> tuple[SequentialClassifier, Layer]:
    layers: list[Layer] = [Dense(4), Activation("relu"), Dropout(0.1)]
    net = SequentialClassifier(layers, learning_rate="linear", max_iter=2)
    same = SequentialRegressor([Dense(4)], learning_rate="linear", max_iter=2)
    layer: Layer = same.fit(X, y).layers[0]
    return net.fit(X, y), layer


def use_classifier(X: Array, y: Array) -> MLPClassifier:
    clf = train_more(train(X, y), X, y)
    assert_type(clf.predict(X), Array)
    assert_type(clf.predict_proba(X), Array)
    assert_type(clf.decision_function(X), Array)
    assert_type(clf.transform(X), Array)
    weights: list[Array] = clf.get_weights()
    assert_type(clf.score(X, y), float)

    assert_type(clf.history_, dict[str, list[float]])
    assert_type(clf.loss_curve_, list[float])
    assert_type(clf.best_epoch_, int | None)
    assert_type(clf.n_iter_, int)
    assert_type(clf.coefs_, list[Array])
    assert_type(str(clf.summary()), str)

    params: dict[str, Any] = clf.get_params()
    assert_type(MLPClassifier().set_params(**params), MLPClassifier)
    checkpoint = Checkpoint("training.sknn", every=10)
    assert_type(MLPClassifier().set_callbacks(checkpoint), MLPClassifier)
    return clf.set_weights(weights)


def use_regressor(X: Array, y: Array) -> MLPRegressor:
    reg = MLPRegressor(
        activation=["tanh"],
        hidden_layer_sizes=4,
        solver=SGD(momentum=0.5),
        learning_rate=Cosine(warmup=1),
        initializer="he_normal",
        loss="huber",
        max_iter=2,
    ).fit(X, y, X_val=X, y_val=y)
    assert_type(reg.score(X, y), float)
    assert_type(reg.predict(X), Array)
    assert_type(reg.predict_interval(X, coverage=0.5), Array)
    assert_type(reg.feature_attributions(X, n_steps=4), Array)
    assert_type(reg.validation_loss_curve_, list[float] | None)
    return reg


def use_gaussian(X: Array, y: Array) -> tuple[Array, Array]:
    reg = MLPRegressor("gaussian", learning_rate="linear", max_iter=2).fit(X, y)
    return reg.predict(X, return_std=True)


def use_tables(X: Array, y: Array) -> TabularRegressor:
    clf = TabularClassifier(
        hidden_layer_sizes=[8], categorical_features=[0], calibrate=True, max_iter=2
    ).fit(X, y, X_val=X, y_val=y)
    assert_type(clf.predict_proba(X), Array)
    assert_type(clf.transform(X), Array)
    reg = TabularRegressor("gaussian", numerical_embedding=None, clip=False, max_iter=2)
    assert_type(reg.fit(X, y), TabularRegressor)
    assert_type(reg.predict(X, return_std=True), tuple[Array, Array])
    assert_type(reg.predict_interval(X, coverage=0.5), Array)
    assert_type(reg.feature_attributions(X, baseline=X[:1], n_steps=4), Array)
    return reg


def use_tools(clf: MLPClassifier, X: Array, y: Array) -> CoarseToFineSearchCV:
    assert_type(doctor(clf, X, y), sknn.inspection.Report)
    assert_type(LossCurveDisplay.from_estimator(clf), LossCurveDisplay)
    search: CoarseToFineSearchCV = CoarseToFineSearchCV(
        train(X, y), {"alpha": [1e-4, 1e-2]}, n_candidates=2, n_rounds=1, cv=2
    ).fit(X, y)
    return search


def main() -> None:
    rng = np.random.default_rng(0)
    X: Array = rng.normal(size=(40, 16))
    y: Array = np.where(X[:, 0] > 0, 1, 0)
    clf = use_classifier(X, y)
    use_regressor(X, y)
    use_gaussian(X, y)
    use_tables(X, y)
    train_images(X, y)
    train_layers(X, y)
    use_tools(clf, X, y)
