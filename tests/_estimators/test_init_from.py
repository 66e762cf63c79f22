"""Weights from elsewhere: differences that the shapes of the weights do not show."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.frozen import FrozenEstimator

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
)
from sknn.activations import LeakyReLU, ReLU
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    PeriodicEmbedding,
    PReLU,
    Residual,
    Scale,
)

SETTINGS = {"max_iter": 1, "learning_rate": "linear", "random_state": 0}
RELU = Activation("relu")


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:300] / 16, data.target[:300]


def rows_for(layers, digits):
    """Return images where there are convolutions, rows of pixels otherwise."""
    images, y = digits
    is_conv = any(isinstance(layer, Conv2D) for layer in layers)
    return (images if is_conv else images.reshape(-1, 64)), y


def sequential(layers, init_from=None):
    frozen = None if init_from is None else FrozenEstimator(init_from)
    return SequentialClassifier(layers, **SETTINGS, init_from=frozen)


DIFFERENCES = {
    "another activation": (
        [Dense(8), RELU],
        [Dense(8), Activation("tanh")],
        r"activation1, this network has Activation\(function='tanh'\) "
        r"and init_from has Activation\(function='relu'\)",
    ),
    "another slope": (
        [Dense(8), Activation(LeakyReLU(0.1))],
        [Dense(8), Activation(LeakyReLU(0.2))],
        "activation1, this network has",
    ),
    "no activation": (
        [Dense(8), RELU, Dense(8)],
        [Dense(8), Dense(8)],
        "activation1, this network has no layer and init_from has Activation",
    ),
    "an activation before the weights": (
        [Dense(8), RELU],
        [RELU, Dense(8), RELU],
        r"activation1, this network has Act.* and init_from has no layer",
    ),
    "layer normalization with another epsilon": (
        [Dense(8), LayerNorm(), RELU],
        [Dense(8), LayerNorm(1e-2), RELU],
        "layernorm1, this",
    ),
    "another kind of pooling": (
        [Conv2D(2), RELU, MaxPool2D(), Flatten()],
        [Conv2D(2), RELU, AvgPool2D(), Flatten()],
        r"avgpool1, this network has AvgPool2D\(\) and init_from has MaxPool2D\(\)",
    ),
    "stride instead of pooling": (
        [Conv2D(2), RELU, MaxPool2D(), Flatten()],
        [Conv2D(2, stride=2), RELU, Flatten()],
        "conv1, this",
    ),
    "another padding": (
        [Conv2D(2, padding="same"), RELU, GlobalAvgPool2D()],
        [Conv2D(2, padding="valid"), RELU, GlobalAvgPool2D()],
        "conv1, this",
    ),
    "inside a block": (
        [Dense(8), Residual((Dense(8), RELU, Dense(8)))],
        [Dense(8), Residual((Dense(8), Activation("silu"), Dense(8)))],
        "residual1, this",
    ),
}


@pytest.mark.parametrize("theirs, ours, message", DIFFERENCES.values(), ids=DIFFERENCES)
def test_another_function_of_the_same_weights(theirs, ours, message, digits):
    X, y = rows_for(ours, digits)
    source = sequential(theirs).fit(X, y)
    with pytest.warns(UserWarning, match=f"architecture: at layer {message}"):
        sequential(ours, source).fit(X, y)


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ([Dense(8), RELU], [Dropout(0.5), Dense(8, name="a"), Activation(ReLU())]),
        ([Dense(8), RELU], [DropConnect(Dense(8), 0.1), RELU, Dropout(0.1)]),
        ([Dense(8), BatchNorm(), RELU], [Dense(8), BatchNorm(momentum=0.3), RELU]),
        ([Dense(8), PReLU()], [Dense(8, "zeros"), PReLU(0.5)]),
        ([Scale(), Dense(8)], [Scale(2.0), Dense(8)]),
        (
            [PeriodicEmbedding(), Dense(8)],
            [PeriodicEmbedding(sigma=0.5), Dense(8)],
        ),
        (
            [Conv2D(2), RELU, MaxPool2D(2), Flatten()],
            [Conv2D(2, (3, 3), (1, 1)), RELU, MaxPool2D((2, 2), 2), Flatten()],
        ),
        (
            [Dense(8), Residual((Dense(8), RELU, Dense(8)))],
            [Dense(8), Residual((Dense(8), RELU, Dropout(0.1), Dense(8)), "zeros")],
        ),
    ],
)
def test_the_same_function_in_other_words(theirs, ours, digits):
    X, y = rows_for(ours, digits)
    source = sequential(theirs).fit(X, y)
    sequential(ours, source).fit(X, y)  # a warning would be an error


def test_order_of_the_pixels(digits):
    X, y = digits
    layers = [Conv2D(2), RELU, Flatten(), Dense(8), RELU]
    source = sequential(layers).fit(X, y)
    with pytest.warns(
        UserWarning, match="flatten1, .*Flatten of 2 × 4 × 16 and init_f"
    ):
        sequential(layers, source).fit(X.reshape(-1, 4, 16), y)
    # Kernels suit images of any size.
    source = sequential([Conv2D(2), RELU, GlobalAvgPool2D()]).fit(X, y)
    sequential(source.layers, source).fit(X[:, :6, :7], y)
    body = sequential([Conv2D(2), RELU, Flatten()]).fit(X, y)
    sequential(body.layers, body).fit(X[:, :6, :7], y)


def test_only_what_is_taken_is_compared(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    source = MLPClassifier((8, 8), **SETTINGS).fit(X, y)
    other = MLPClassifier((8, 9), ["relu", "tanh"], **SETTINGS, init_from=source)
    with pytest.warns(UserWarning, match="dense1 only") as caught:
        other.fit(X, y)
    assert len(caught) == 1


@pytest.mark.parametrize("resume", ["warm_start", "partial_fit"])
def test_another_function_when_training_resumes(resume, digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    net = MLPClassifier(8, **SETTINGS, warm_start=resume == "warm_start").fit(X, y)
    again = net.partial_fit if resume == "partial_fit" else net.fit
    net.set_params(max_iter=3, dropout=0.1)
    again(X, y)
    net.set_params(activation="tanh")
    message = r"layer activation1 was Act.*'relu'\) and is now Act.*'tanh'\)\. Refit"
    with pytest.warns(UserWarning, match=message):
        again(X, y)
    again(X, y)  # only once: now it is a network with tanh


@pytest.mark.filterwarnings("ignore:The training loss is above")  # after two epochs
def test_another_loss_when_training_resumes(digits):
    X = digits[0].reshape(-1, 64)
    net = MLPRegressor(hidden_layer_sizes=8, **SETTINGS, warm_start=True)
    net.set_params(loss="absolute_error").fit(X, X.sum(axis=1))
    net.set_params(loss="squared_error", max_iter=2).fit(X, X.sum(axis=1))
    net.set_params(loss="poisson")
    with pytest.warns(UserWarning, match="'identity' of the raw.*now their 'exp'"):
        net.fit(X, X.sum(axis=1))


@pytest.mark.parametrize("wrap", [FrozenEstimator, lambda fitted: fitted])
def test_names_of_features_must_agree(wrap):
    X, y = load_iris(return_X_y=True, as_frame=True)
    source = MLPClassifier(8, **SETTINGS).fit(X, y)
    net = MLPClassifier(8, **SETTINGS, init_from=wrap(source))
    net.fit(X, y)
    message = "init_from was fitted on other features. The feature names should match"
    with pytest.raises(ValueError, match=message):
        net.fit(X[X.columns[::-1]], y)
    with pytest.raises(ValueError, match="names unseen at fit time:\n- sepals"):
        net.fit(X.rename(columns={"sepal length (cm)": "sepals"}), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        net.fit(X.to_numpy(), y)
    unnamed = clone(source).fit(X.to_numpy(), y)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        net.set_params(init_from=wrap(unnamed)).fit(X, y)


def test_bytes_or_numbers(digits):
    X, y = digits
    as_bytes = (X * 255).astype(np.uint8)
    settings = {"conv_channels": 2, "hidden_layer_sizes": 4, **SETTINGS}
    for one, other, message in (
        (X, as_bytes, "fitted on numbers, .*, but X holds bytes"),
        (as_bytes, X.astype(np.float32), "fitted on bytes .*, but X holds numbers"),
    ):
        source = CNNClassifier(**settings).fit(one, y)
        net = CNNClassifier(**settings, init_from=source)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net.fit(one, y)
        with pytest.warns(UserWarning, match=message):
            net.fit(other, y)
