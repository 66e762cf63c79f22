"""Small data sets and quick settings, for the tests of the estimators."""

from dataclasses import dataclass

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
)
from sknn.layers import Activation, Conv2D, Dense, Flatten, MaxPool2D
from sknn.losses import HalfSquaredError

ESTIMATORS = [MLPClassifier, MLPRegressor]

SHUFFLED = np.random.RandomState(0).permutation(150)
IRIS = scale(load_iris().data)[SHUFFLED], load_iris().target[SHUFFLED]
DIABETES = tuple(scale(part[:120]) for part in load_diabetes(return_X_y=True))
DATA = {MLPClassifier: IRIS, MLPRegressor: DIABETES}

SMALL = {
    "hidden_layer_sizes": (6,),
    "batch_size": 40,
    "learning_rate_init": 0.01,
    "max_iter": 4,
    "random_state": 0,
}
TWO_LAYERS = {"hidden_layer_sizes": (6, 6)}


def name_of(value):
    """Name of a case, for pytest's ids."""
    return value.__name__ if isinstance(value, type) else str(value)


def fit(Estimator=MLPClassifier, *more, **params):
    """Fit an estimator with the settings `SMALL` to its data set."""
    X, y = DATA[Estimator]
    return Estimator(**{**SMALL, **params}).fit(X, y, *more)


def assert_same(a, b):
    """Check that two models, and their loss curves, are the same to the last bit."""
    assert_array_equal(a.network_.theta, b.network_.theta)
    assert_array_equal(a.network_.state, b.network_.state)
    assert a.loss_curve_ == b.loss_curve_


rows_seen = []


@dataclass(frozen=True)
class SpyLoss(HalfSquaredError):
    """The squared error, which appends the targets of each batch to `rows_seen`."""

    def loss_gradient(self, z, y, sample_weight, out):
        rows_seen.append(y.ravel().copy())
        return super().loss_gradient(z, y, sample_weight, out)


# -- for the tools of scikit-learn ----------------------------------------------------

SETTINGS = {
    "hidden_layer_sizes": (10,),
    "batch_size": 30,
    "learning_rate_init": 0.01,
    "max_iter": 6,
    "random_state": 0,
}
RELU = Activation("relu")
LAYERS = [*(Conv2D(3), RELU, MaxPool2D((1, 2)), Flatten()), *(Dense(8), RELU)]


def classifier(**params):
    return MLPClassifier(**{**SETTINGS, **params})


def regressor(**params):
    return MLPRegressor(**{**SETTINGS, **params})


def networks_of_images(kind):
    """Return the same network made from a few parameters and from a list of layers."""
    CNN, Sequential = {
        "classifier": (CNNClassifier, SequentialClassifier),
        "regressor": (CNNRegressor, SequentialRegressor),
    }[kind]
    rest = {**SETTINGS, "hidden_layer_sizes": (8,)}
    cnn = CNN(3, pool_size=[(1, 2)], **rest)
    del rest["hidden_layer_sizes"]
    return cnn, Sequential(LAYERS, **rest)


def assert_same_parameters(a, b):
    """Check that two networks have the same parameters to the last bit."""
    for ours, others in zip(a.get_weights(), b.get_weights(), strict=True):
        assert_array_equal(ours, others)
