"""FilterDisplay: kernels, units of dense layers, channels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sknn import (
    CNNClassifier,
    SequentialClassifier,
    SequentialRegressor,
)
from sknn.display import (
    FilterDisplay,
)
from sknn.layers import Activation, Conv2D, Dense, Flatten, MaxPool2D, Residual

from .helpers import IMAGES, IRIS, LABELS, draw, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_kernels_of_a_convolution(cnn):
    shown = FilterDisplay.from_estimator(cnn, n_columns=3)
    W = cnn.network_.params[1]["W"]
    picture = shown.image_.get_array()
    assert picture.shape == (3 + 1 + 3, 2 + 1 + 2 + 1 + 2)
    assert_allclose(picture[:3, :2], W[0, 0])
    assert_allclose(picture[4:, :2], W[3, 0])
    assert np.ma.getmaskarray(picture)[4:, 6:].all()  # there is no sixth filter
    assert shown.image_.get_clim() == pytest.approx((-abs(W).max(), abs(W).max()))
    assert shown.colorbar_.ax.get_ylabel() == "Weight"
    few = FilterDisplay.from_estimator(cnn, n_filters=2)
    assert np.shape(few.filters) == (2, 3, 2, 1)
    draw(shown.figure_)


def test_a_display_keeps_its_own_weights(cnn):
    shown = FilterDisplay.from_estimator(cnn)
    assert not np.shares_memory(shown.filters, cnn.network_.theta)


def test_rows_of_a_dense_layer():
    X = IMAGES.reshape(200, 64)
    net = mlp(hidden_layer_sizes=(4,), max_iter=1).fit(X, LABELS)
    shown = FilterDisplay.from_estimator(make_pipeline(net))
    assert_array_equal(shown.filters, net.coefs_[0].T.reshape(4, 8, 8, 1))
    shown = FilterDisplay.from_estimator(net, input_shape=(4, 16))
    assert np.shape(shown.filters) == (4, 4, 16, 1)
    message = "input_shape must be .* images with 64 values, got"
    for wrong in ((8, 9), (64,)):
        with pytest.raises(ValueError, match=message):
            FilterDisplay.from_estimator(net, input_shape=wrong)
    with pytest.raises(ValueError, match="n_filters must be 1 or more, got 0"):
        FilterDisplay.from_estimator(net, n_filters=0)
    narrow = mlp().fit(IRIS[0][:, :3], IRIS[1])
    with pytest.raises(ValueError, match="has 3 inputs, which are not a square image"):
        FilterDisplay.from_estimator(narrow)


@pytest.mark.parametrize("channels, shape", [(3, (5, 11, 3)), (2, (17, 11))])
def test_filters_of_several_channels(channels, shape):
    X = np.random.RandomState(0).rand(20, 7, 7, channels)
    net = CNNClassifier(
        3 if channels == 2 else 2, kernel_size=5, hidden_layer_sizes=(), max_iter=1
    )
    shown = FilterDisplay.from_estimator(net.fit(X, np.arange(20) % 2))
    picture = shown.image_.get_array()
    assert picture.shape == shape
    assert (shown.colorbar_ is None) == (channels == 3)
    if channels == 3:
        assert picture.min() >= 0
        assert picture.max() <= 1
    draw(shown.figure_)


def test_filters_within_a_residual_block():
    params = {"hidden_layer_sizes": (), "max_iter": 1, "residual": True}
    net = CNNClassifier(3, kernel_size=5, **params).fit(IMAGES, LABELS)
    assert any(isinstance(layer, Residual) for layer in net.network_.layers)
    shown = FilterDisplay.from_estimator(net)
    assert np.shape(shown.filters) == (3, 5, 5, 1)


@pytest.mark.parametrize("Sequential", [SequentialClassifier, SequentialRegressor])
def test_filters_of_own_layers(Sequential):
    net = Sequential([Conv2D(3, 5), Flatten()], max_iter=1, random_state=0)
    shown = FilterDisplay.from_estimator(net.fit(IMAGES, LABELS))
    W = net.network_.params[1]["W"]
    assert_array_equal(shown.filters, W.transpose(0, 2, 3, 1))
    draw(shown.figure_)


@pytest.mark.parametrize("pool, sides", [([], (6, 4)), ([MaxPool2D(2)], (3, 2))])
def test_units_after_flattened_images(pool, sides):
    X = np.random.RandomState(0).rand(20, 6, 4, 3)
    layers = [*pool, Flatten(), Dense(2), Activation("relu")]
    net = SequentialClassifier(layers, max_iter=1, random_state=0)
    shown = FilterDisplay.from_estimator(net.fit(X, np.arange(20) % 2))
    (W,) = (p["W"] for p in net.network_.params[:-1] if p)
    # The network has the channels first, the display last.
    for filter, weights in zip(shown.filters, W.T, strict=True):
        assert_array_equal(filter, weights.reshape(3, *sides).transpose(1, 2, 0))
    again = FilterDisplay.from_estimator(net, input_shape=(*sides, 3))
    assert_array_equal(again.filters, shown.filters)
