"""Data and networks of the tests of the inspection tools."""

from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
)
from sklearn.preprocessing import scale

from sknn import (
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
)
from sknn.layers import (
    Activation,
    Dense,
    DropConnect,
    Dropout,
    Residual,
)

DIGITS = load_digits().data / 16, load_digits().target
IMAGES = DIGITS[0].reshape(-1, 8, 8), DIGITS[1]
CANCER = scale(load_breast_cancer().data), load_breast_cancer().target
WINE = scale(load_wine().data), load_wine().target
DIABETES = scale(load_diabetes().data), scale(load_diabetes().target)


def classifier(**params):
    return MLPClassifier(**{"hidden_layer_sizes": 20, "random_state": 0, **params})


def regressor(**params):
    return MLPRegressor(**{"hidden_layer_sizes": 20, "random_state": 0, **params})


LAYERS = [
    Dropout(0.9),
    DropConnect(Dense(20), 0.9),
    Activation("relu"),
    Residual((Dense(20), Dropout(0.9))),
]


def sequential(layers=LAYERS, **params):
    given = {"learning_rate_init": 0.01, "random_state": 0, **params}
    return SequentialClassifier(layers, **given)
