"""AugmentationDisplay: images, draws and refused shapes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    CNNClassifier,
    SequentialClassifier,
    SequentialRegressor,
)
from sknn.augmentation import Brightness, RandomFlip, RandomShift
from sknn.display import (
    AugmentationDisplay,
)
from sknn.layers import Activation, Conv2D, Flatten

from .helpers import IMAGES, LABELS, draw, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_images_and_their_draws():
    flip = RandomFlip(p=1.0)
    shown = AugmentationDisplay.from_augmentation(flip, IMAGES[:3], n_draws=2)
    picture = shown.image_.get_array()
    assert picture.shape == (3 * 9 - 1, 3 * 9 - 1)
    for i in range(3):
        rows = slice(9 * i, 9 * i + 8)
        assert_allclose(picture[rows, :8], IMAGES[i])
        for left in (9, 18):
            assert_allclose(picture[rows, left : left + 8], IMAGES[i][:, ::-1])
    assert np.ma.getmaskarray(picture)[8].all()
    columns = [tick.get_text() for tick in shown.ax_.get_xticklabels()]
    assert columns == ["original", "augmented"]
    draw(shown.figure_)


def test_colors_bytes_and_the_scale_of_the_originals():
    bytes_ = np.random.RandomState(0).randint(256, size=(2, 6, 6, 3)).astype(np.uint8)
    shown = AugmentationDisplay.from_augmentation([Brightness(0.0)], bytes_, n_draws=1)
    picture = shown.image_.get_array()
    assert picture.shape == (13, 13, 3)
    assert_allclose(picture[:6, 7:], bytes_[0] / 255)
    large = 16 * IMAGES[:1]
    shown = AugmentationDisplay.from_augmentation([RandomShift(0.1)], large)
    assert_allclose(shown.image_.get_array()[:, :8], large[0] / large.max())


def test_random_state_decides_the_draws():
    augmentations = [RandomShift(0.2), Brightness(0.2)]
    draws = [
        AugmentationDisplay.from_augmentation(
            augmentations, IMAGES[:2], random_state=seed
        ).draws
        for seed in (0, 0, 1)
    ]
    assert_allclose(draws[0], draws[1])
    assert not np.allclose(draws[0], draws[2])


def test_the_augmentation_of_an_estimator():
    flip = [RandomFlip(p=1.0)]
    net = CNNClassifier(2, augmentation=flip, max_iter=1, random_state=0)
    by_hand = AugmentationDisplay.from_augmentation(flip, IMAGES[:4])
    rows = IMAGES.reshape(200, 64)
    for estimator, X in (
        (net, IMAGES),
        (net, rows),
        (CNNClassifier(2, augmentation=flip, input_shape=(8, 8)), rows),
        (make_pipeline(StandardScaler(), net), rows),
    ):
        shown = AugmentationDisplay.from_estimator(estimator, X)
        assert_array_equal(shown.draws, by_hand.draws)
    with pytest.raises(ValueError, match="MLPClassifier has none"):
        AugmentationDisplay.from_estimator(mlp(), IMAGES)


@pytest.mark.parametrize("Sequential", [SequentialClassifier, SequentialRegressor])
def test_the_augmentation_of_own_layers(Sequential):
    flip = [RandomFlip(p=1.0)]
    by_hand = AugmentationDisplay.from_augmentation(flip, IMAGES[:4])
    layers = [Conv2D(2, 3), Activation("relu"), Flatten()]
    net = Sequential(layers, augmentation=flip, max_iter=1, random_state=0)
    rows = IMAGES.reshape(200, 64)
    for X in (IMAGES, rows):
        shown = AugmentationDisplay.from_estimator(net, X)
        assert_array_equal(shown.draws, by_hand.draws)
    net.fit(IMAGES, LABELS)
    shown = AugmentationDisplay.from_estimator(net, rows)
    assert_array_equal(shown.draws, by_hand.draws)


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8, 2), (0, 8, 8)])
def test_images_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="images must be of shape"):
        AugmentationDisplay.from_augmentation([RandomFlip()], np.ones(shape))
