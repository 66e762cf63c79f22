"""Initializers: range, variance, biases, orthogonality, and random draws."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn.activations import ACTIVATIONS
from sknn.initializers import (
    AUTO,
    INITIALIZERS,
    Constant,
    FanInUniform,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    Zeros,
    suitable,
)

FAN_IN, FAN_OUT = 300, 200

VARIANCES = {
    Zeros(): 0,
    Constant(): 0,
    Constant(-2.0): 0,
    Normal(): 1e-4,
    Normal(0.3): 0.09,
    Normal(0.3, biases=True): 0.09,
    GlorotUniform(): 2 / (FAN_IN + FAN_OUT),
    GlorotUniform(2.0): 2 / 3 / (FAN_IN + FAN_OUT),
    GlorotNormal(): 2 / (FAN_IN + FAN_OUT),
    HeUniform(): 2 / FAN_IN,
    HeNormal(): 2 / FAN_IN,
    LeCunUniform(): 1 / FAN_IN,
    LeCunNormal(): 1 / FAN_IN,
    FanInUniform(): 1 / FAN_IN / 3,
    Orthogonal(): 1 / FAN_IN,  # FAN_OUT columns of length 1
    Orthogonal(3.0): 9 / FAN_IN,
}
"""The initializers, each with its variance."""

BOUNDS = {
    GlorotUniform(): np.sqrt(6 / (FAN_IN + FAN_OUT)),
    GlorotUniform(2.0): np.sqrt(2 / (FAN_IN + FAN_OUT)),
    HeUniform(): np.sqrt(6 / FAN_IN),
    LeCunUniform(): np.sqrt(3 / FAN_IN),
    FanInUniform(): np.sqrt(1 / FAN_IN),
}
"""The uniform initializers, each with its bound."""

CONSTANT = {Zeros(): 0, Constant(): 0.01, Constant(-2.0): -2}
"""The initializers that draw nothing, each with its value."""

DRAWN = [initializer for initializer in VARIANCES if initializer not in CONSTANT]

all_initializers = pytest.mark.parametrize("initializer", VARIANCES, ids=repr)
drawn_initializers = pytest.mark.parametrize("initializer", DRAWN, ids=repr)


def draw(initializer, seed=0, shape=(FAN_IN, FAN_OUT)):
    return initializer(shape, FAN_IN, FAN_OUT, np.random.RandomState(seed))


def draw_bias(initializer, shape=(5,)):
    return initializer.bias(shape, FAN_IN, FAN_OUT, np.random.RandomState(0))


def test_every_initializer_is_tested_with_its_defaults():
    public = {*INITIALIZERS.values(), FanInUniform}
    assert {type(initializer) for initializer in VARIANCES} == public
    for cls in public:
        assert cls() in VARIANCES


@drawn_initializers
def test_mean_and_variance(initializer):
    W = draw(initializer)
    # Five standard errors, for 60,000 draws.
    assert abs(W.mean()) < 5 * np.sqrt(VARIANCES[initializer] / W.size)
    assert_allclose(W.var(), VARIANCES[initializer], rtol=5 / np.sqrt(W.size))


@all_initializers
@pytest.mark.parametrize("shape", [(4,), (4, 3), (3, 3, 2, 5)])
def test_shape_and_dtype(initializer, shape):
    W = draw(initializer, shape=shape)
    assert W.shape == shape
    assert W.dtype == np.float64


@pytest.mark.parametrize("initializer", BOUNDS, ids=repr)
def test_uniform_fills_its_range(initializer):
    W, bound = draw(initializer), BOUNDS[initializer]
    assert 0.999 * bound < W.max() <= bound
    assert -bound <= W.min() < -0.999 * bound


@pytest.mark.parametrize(
    "initializer", [Normal(), GlorotNormal(), HeNormal(), LeCunNormal()], ids=repr
)
def test_normal_has_the_quartiles_of_the_normal_distribution(initializer):
    quartiles = np.quantile(draw(initializer), [0.25, 0.75])
    std = np.sqrt(VARIANCES[initializer])
    assert_allclose(quartiles / std, [-0.6745, 0.6745], rtol=0.03)


def test_glorot_uniform_uses_both_fans_for_any_shape():
    b = draw(GlorotUniform(), shape=(5,))
    expected = np.random.RandomState(0).uniform(-1, 1, 5) * np.sqrt(6 / 500)
    assert_allclose(b, expected)


@pytest.mark.parametrize("initializer", CONSTANT, ids=repr)
def test_constants_draw_nothing(initializer):
    rng = np.random.RandomState(0)
    assert_array_equal(initializer((3, 4), 3, 4, rng), CONSTANT[initializer])
    assert rng.uniform() == np.random.RandomState(0).uniform()


@drawn_initializers
def test_is_reproducible_and_moves_the_stream(initializer):
    assert_array_equal(draw(initializer), draw(initializer))
    assert (draw(initializer, seed=0) != draw(initializer, seed=1)).all()
    rng = np.random.RandomState(0)
    first, second = (initializer((3,), 3, 3, rng) for _ in range(2))
    assert (first != second).all()


@all_initializers
def test_biases_are_zero_unless_they_are_drawn(initializer):
    # Those of Glorot as in scikit-learn.
    drawn = GlorotUniform(), GlorotUniform(2.0), FanInUniform(), Normal(0.3, True)
    if initializer in drawn:
        assert_array_equal(draw_bias(initializer), draw(initializer, shape=(5,)))
        return
    b = draw_bias(initializer)
    assert b.dtype == np.float64
    assert_array_equal(b, np.zeros(5))
    rng = np.random.RandomState(0)
    initializer.bias((5,), FAN_IN, FAN_OUT, rng)
    assert rng.uniform() == np.random.RandomState(0).uniform()


@pytest.mark.parametrize("gain", [1.0, 3.0])
@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (2, 3, 5), (2, 2, 9), (6,)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape, gain):
    W = draw(Orthogonal(gain), shape=shape).reshape(-1, shape[-1]) / gain
    rows, columns = W.shape
    products = W.T @ W if rows >= columns else W @ W.T
    assert_allclose(products, np.eye(min(rows, columns)), atol=1e-14)


def test_orthogonal_is_uniform():
    # The trace of a Haar matrix has mean 0 and variance 1, but not with the signs that
    # LAPACK chooses.
    rng = np.random.RandomState(0)
    traces = [np.trace(Orthogonal()((4, 4), 4, 4, rng)) for _ in range(4000)]
    assert abs(np.mean(traces)) < 0.1
    assert abs(np.var(traces) - 1) < 0.1


@pytest.mark.parametrize("name", [*ACTIVATIONS, "prelu"])
def test_every_activation_has_a_suitable_initializer(name):
    expected = {
        "identity": GlorotUniform(),
        "logistic": GlorotUniform(),
        "tanh": GlorotUniform(),
        "selu": LeCunNormal(),
    }
    assert name in AUTO
    assert suitable(name) == expected.get(name, HeNormal())


@pytest.mark.parametrize("name", [None, "softmax"])
def test_unlisted_activations_get_glorot(name):
    assert suitable(name) == GlorotUniform()


@pytest.mark.parametrize("cls", [Normal, GlorotUniform, Orthogonal])
@pytest.mark.parametrize("value", [-1.0, np.inf, np.nan])
def test_scales_are_not_negative(cls, value):
    with pytest.raises(ValueError, match=r"must be in \[0, inf\)"):
        cls(value)


@pytest.mark.parametrize("cls", [Normal, GlorotUniform, Orthogonal])
@pytest.mark.parametrize("zero", [0, 0.0])
def test_scale_zero_gives_zeros(cls, zero):
    assert_array_equal(draw(cls(zero)), np.zeros((FAN_IN, FAN_OUT)))


@pytest.mark.parametrize("value", [-np.inf, np.nan])
def test_a_constant_is_finite(value):
    with pytest.raises(ValueError, match=r"must be in \(-inf, inf\)"):
        Constant(value)


@all_initializers
def test_is_an_immutable_value(initializer):
    same = pickle.loads(pickle.dumps(initializer))
    assert initializer == same
    assert hash(initializer) == hash(same)
    with pytest.raises(FrozenInstanceError):
        initializer.std = 1
