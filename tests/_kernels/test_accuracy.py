"""The mathematics of kernels, where their twins are not the better reference."""

import numpy as np
import pytest

from sknn import _kernels
from sknn._kernels import _library
from sknn.activations import activation_forward
from sknn.augmentation import warp_images
from sknn.layers.periodic_embedding import (
    periodic_embedding,
    periodic_embedding_backward,
)
from sknn.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    scaled_loss_gradient,
)

from .recipes import FUNCTIONS

LEVELS = _library.usable_levels()
pytestmark = [
    pytest.mark.skipif(not LEVELS, reason="the kernels are not compiled"),
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
]


@pytest.fixture(params=LEVELS or ["none"], autouse=True)
def level(request):
    with _library.use(request.param), np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("f", FUNCTIONS, ids=str)
def test_activation_functions(dtype, f):
    """Values have four correct roundings, also where they are tiny."""
    rng = np.random.default_rng(0)
    ranges = rng.normal(0, 3, 5000), rng.uniform(-85, 85, 5000)
    tiny = rng.choice([-1, 1], 5000) * np.exp(rng.uniform(-40, 1, 5000))
    z = np.r_[*ranges, tiny].astype(dtype)
    a, expected = np.empty_like(z), np.empty(z.shape)
    _kernels.run(activation_forward, f, z, a)
    f.forward(z.astype(float), expected)
    rtol = np.full(z.shape, 4 * np.finfo(dtype).eps)
    if type(f).__name__ == "GELU":  # the error of SciPy's ndtr
        rtol += (10 + z.astype(float) ** 2) * np.finfo(float).eps
    atol = 100 * np.finfo(dtype).tiny  # where values underflow
    assert (np.abs(a - expected) <= rtol * np.abs(expected) + atol).all()


@pytest.mark.parametrize("f", FUNCTIONS, ids=str)
def test_activation_functions_of_extreme_numbers(dtype, f):
    numbers = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40, 1e30, -1e30]
    z = np.tile(np.array([*numbers, 100, -100, 1000, -1000], dtype), 3)
    a, expected = np.empty_like(z), np.empty_like(z)
    _kernels.run(activation_forward, f, z, a)
    f.forward(z, expected)
    tiny = 100 * float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(a, expected, 10 * np.finfo(dtype).eps, tiny)


def test_exponential_over_its_whole_range(dtype):
    largest = np.log(float(np.finfo(dtype).max))
    z = np.linspace(-1.2 * largest, 1.1 * largest, 100_001).astype(dtype)[:, np.newaxis]
    expected = np.exp(z.astype(np.longdouble)).astype(dtype)
    y, one, value = np.zeros_like(z), np.ones(1), np.zeros(1)
    _kernels.run(scaled_loss_gradient, HalfPoissonDeviance(), z, y, None, one, value)
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    # Programs take numbers below the smallest normal one for 0.
    np.testing.assert_allclose(z, expected, 1.5 * eps, tiny)


@pytest.mark.parametrize(
    "loss, z, y",
    [
        (CategoricalCrossEntropy(), [[0, 1000]], [0]),
        (BinaryCrossEntropy(), [[1000]], [[0]]),
    ],
    ids=["categorical", "binary"],
)
def test_losses_are_clipped_where_probabilities_are_0(dtype, loss, z, y):
    z, y, value = np.array(z, dtype), np.array(y), np.zeros(1)
    y = y if y.ndim == 1 else y.astype(dtype)
    call = _kernels.bind(scaled_loss_gradient, loss, z, y, None, np.ones(1), value)
    call()
    assert value[0] == pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("fill", [0.0, "nearest"])
def test_warp_reads_only_images_whatever_the_map(dtype, value, fill):
    """Address sanitizers would find what it reads beyond them."""
    images = np.ones((2, 8, 8, 1), dtype)
    matrices = np.full((2, 3, 3), value)
    _kernels.run(warp_images, images, matrices, np.empty_like(images), fill)


def cosine_and_sine(turns):
    """Compute ``cos 2πt`` and ``sin 2πt`` by the kernels of an embedding."""
    m, dtype = len(turns), turns.dtype
    x, one, zero = turns[np.newaxis], np.ones((m, 1), dtype), np.zeros((m, 1), dtype)
    cosine, sine, others = np.empty((1, m, 1), dtype), zero.copy(), zero.copy()
    W, dW = one[:, :, np.newaxis], np.empty((m, 1, 1), dtype)
    forward = x, one, zero, W, zero, cosine
    gradients = others, sine, dW, others.copy(), None
    backward = x, one, zero, W, np.ones_like(cosine), *gradients
    _kernels.bind(periodic_embedding, *forward)()
    _kernels.bind(periodic_embedding_backward, *backward)()
    np.testing.assert_array_equal(dW.ravel(), cosine.ravel())
    return cosine.ravel(), -sine.ravel()


def test_cosine_and_sine(dtype):
    """They have two correct roundings, where they are near zero, too."""
    rng = np.random.default_rng(0)
    quarters = np.arange(-8, 9) / 4
    near = (quarters[:, np.newaxis] + rng.choice([-1, 1], 50) * 2.0 ** -np.arange(50)).T
    t = np.r_[rng.uniform(-1, 1, 5000), rng.uniform(-1000, 1000, 5000), near.ravel()]
    t = np.r_[t, quarters, 0.0, -0.0].astype(dtype)
    exact = t.astype(np.longdouble)
    left = exact - np.round(exact)
    away = np.abs(left)
    pi = np.longdouble("3.14159265358979323846264338")
    expected = np.sin(2 * pi * (0.25 - away))  # the difference is exact
    sine = np.sign(left) * np.sin(2 * pi * np.minimum(away, 0.5 - away))
    for found, exact in zip(cosine_and_sine(t), (expected, sine), strict=True):
        rtol = 2 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(found, exact.astype(float), rtol, 1e-300)


def test_cosine_and_sine_of_extreme_numbers(dtype):
    t = np.array([np.nan, np.inf, -np.inf, 1e5, 1e10, -1e20, 1e30, 1e-40], dtype)
    for found in cosine_and_sine(t):
        assert np.isnan(found[:3]).all()
        assert (np.abs(found[3:]) <= 1 + 2 * np.finfo(dtype).eps).all()
