"""Initializers: range, variance, and the draws they make."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn.initializers import GlorotUniform

FAN_IN, FAN_OUT = 300, 200

VARIANCES = {
    GlorotUniform(): 2 / (FAN_IN + FAN_OUT),
    GlorotUniform(2.0): 2 / 3 / (FAN_IN + FAN_OUT),
}
"""The initializers, and the variance each should have."""

all_initializers = pytest.mark.parametrize("initializer", VARIANCES, ids=repr)


def draw(initializer, seed=0, shape=(FAN_IN, FAN_OUT)):
    return initializer(shape, FAN_IN, FAN_OUT, np.random.RandomState(seed))


@all_initializers
def test_mean_and_variance(initializer):
    W = draw(initializer)
    assert W.shape == (FAN_IN, FAN_OUT)
    assert W.dtype == np.float64
    # Five standard errors, for 60,000 draws.
    assert abs(W.mean()) < 5 * np.sqrt(VARIANCES[initializer] / W.size)
    assert_allclose(W.var(), VARIANCES[initializer], rtol=5 / np.sqrt(W.size))


@pytest.mark.parametrize("factor", [2.0, 6.0])
def test_glorot_uniform_fills_its_range(factor):
    W = draw(GlorotUniform(factor))
    bound = np.sqrt(factor / (FAN_IN + FAN_OUT))
    assert 0.999 * bound < W.max() <= bound
    assert -bound <= W.min() < -0.999 * bound


def test_glorot_uniform_counts_both_fans_whatever_the_shape():
    b = draw(GlorotUniform(), shape=(5,))
    expected = np.random.RandomState(0).uniform(-1, 1, 5) * np.sqrt(6 / 500)
    assert_allclose(b, expected)


@all_initializers
def test_is_reproducible_and_moves_the_stream(initializer):
    assert_array_equal(draw(initializer), draw(initializer))
    assert (draw(initializer, seed=0) != draw(initializer, seed=1)).all()
    rng = np.random.RandomState(0)
    first, second = (initializer((3,), 3, 3, rng) for _ in range(2))
    assert (first != second).all()


@all_initializers
def test_is_an_immutable_value(initializer):
    same = pickle.loads(pickle.dumps(initializer))
    assert initializer == same
    assert hash(initializer) == hash(same)
