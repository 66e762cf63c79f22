"""The same network from MLP*, CNN* and Sequential* is trained to the same weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_digits

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
)
from sknn.layers import (
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    MaxPool2D,
    Residual,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # An array as a data frame's column, in the checks themselves.
    "ignore::DeprecationWarning",
)

RELU = Activation("relu")


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images / 16, data.target


def same_training(a, b, X, y):
    """Train both, and check that losses and weights are the same."""
    a.fit(X, y)
    b.fit(X, y)
    assert a.loss_curve_ == b.loss_curve_
    for w, v in zip(a.get_weights(), b.get_weights(), strict=True):
        assert_array_equal(w, v)


FEW = {"max_iter": 3, "batch_size": 50, "random_state": 0}


def test_an_mlp_is_such_a_list(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    mlp = MLPClassifier(
        (20, 10),
        ("relu", "selu"),
        initializer="auto",
        normalization="batch",
        dropout=0.2,
        **FEW,
    )
    layers = [
        *(Dense(20), BatchNorm(), RELU, Dropout(0.2)),
        *(Dense(10), BatchNorm(), Activation("selu"), Dropout(0.2)),
    ]
    same_training(mlp, SequentialClassifier(layers, **FEW), X, y)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_regressor_with_residual_blocks_is_one_too(activation):
    X, y = load_diabetes(return_X_y=True)
    mlp = MLPRegressor("huber", (20, 10), activation, residual=True, **FEW)
    f = Activation(activation)
    block = Residual((Dense(20), f, Dense(10)))
    sequential = SequentialRegressor(
        [block, f], initializer="glorot_uniform", loss="huber", **FEW
    )
    same_training(mlp, sequential, X, y)


@pytest.mark.parametrize("bytes_too", [False, True])
def test_a_cnn_is_such_a_list(digits, bytes_too):
    X, y = digits
    X = (X * 255).astype(np.uint8) if bytes_too else X
    cnn = CNNClassifier((4, 6), kernel_size=(5, 3), hidden_layer_sizes=(16,), **FEW)
    layers = [
        *(Conv2D(4, 5), RELU, MaxPool2D(), Conv2D(6), RELU, MaxPool2D()),
        *(Flatten(), Dense(16), RELU),
    ]
    same_training(cnn, SequentialClassifier(layers, **FEW), X, y)
    ink = X.mean(axis=(1, 2))
    regressor = CNNRegressor(4, hidden_layer_sizes=(), **FEW)
    layers = [Conv2D(4), RELU, MaxPool2D(), Flatten()]
    same_training(regressor, SequentialRegressor(layers, **FEW), X, ink)


def test_dropconnect_is_a_layer_around_a_dense_one(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    mlp = MLPClassifier((20,), initializer="auto", dropconnect=0.3, **FEW)
    sequential = SequentialClassifier([DropConnect(Dense(20), 0.3), RELU], **FEW)
    # The output layer of the MLP drops weights too, so only the initial ones agree.
    for est in (mlp, sequential):
        est.set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)
    for w, v in zip(mlp.get_weights(), sequential.get_weights(), strict=True):
        assert_allclose(w, v, rtol=0, atol=1e-290)
