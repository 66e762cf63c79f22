"""Activations: values, derivatives, dtypes, and the contract of each."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from sknn.activations import ACTIVATIONS, ELU, SELU, LeakyReLU, ReLU
from sknn.initializers import LeCunNormal

CLOSED_FORMS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: 1 - 2 / (np.exp(2 * z) + 1),
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "selu": lambda z: SELU.scale * np.where(z > 0, z, SELU.alpha * (np.exp(z) - 1)),
    "gelu": lambda z: z / 2 * special.erfc(-z / np.sqrt(2)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "softplus": lambda z: np.log1p(np.exp(z)),
}

TORCH_NAMES = {name: name for name in ACTIVATIONS if name != "identity"}
TORCH_NAMES["logistic"] = "sigmoid"

OTHERS = {
    "leaky_relu(0.3)": LeakyReLU(0.3),
    "elu(0)": ELU(0),
    "elu(0.4)": ELU(0.4),
    "elu(2)": ELU(2.0),
}
"""Activations with settings other than the defaults."""

ALL = ACTIVATIONS | OTHERS

all_activations = pytest.mark.parametrize("activation", ALL.values(), ids=ALL)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def forward(activation, z):
    a = np.full_like(z, np.nan)
    activation.forward(z, a)
    return a


def draw_z(dtype=np.float64):
    """Draw inputs between -9 and 9, none of them close to the kinks at 0."""
    z = np.random.RandomState(0).uniform(-9, 9, (30, 7)).astype(dtype)
    return z + np.sign(z) * dtype(0.01)


@all_activations
def test_derivative_is_that_of_the_function(activation):
    z, h = draw_z(), 1e-4
    dy = np.random.RandomState(1).normal(size=z.shape)
    near, far = (
        forward(activation, z + step) - forward(activation, z - step)
        for step in (h, 2 * h)
    )
    expected = dy * (8 * near - far) / (12 * h)
    activation.backward(z, forward(activation, z), dy)
    assert_allclose(dy, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_is_the_closed_form(name):
    z = draw_z()
    a = forward(ACTIVATIONS[name], z)
    assert_allclose(a, CLOSED_FORMS[name](z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", TORCH_NAMES)
def test_agrees_with_torch(name):
    torch = pytest.importorskip("torch")
    z, dy = draw_z(), np.ones((30, 7))
    z_torch = torch.tensor(z, requires_grad=True)
    a_torch = getattr(torch.nn.functional, TORCH_NAMES[name])(z_torch)
    a_torch.sum().backward()
    a = forward(ACTIVATIONS[name], z)
    assert_allclose(a, a_torch.detach().numpy(), rtol=1e-12, atol=1e-15)
    ACTIVATIONS[name].backward(z, a, dy)
    assert_allclose(dy, z_torch.grad.numpy(), rtol=1e-11, atol=1e-15)


@all_activations
@both_dtypes
def test_only_out_and_dy_are_written(activation, dtype):
    z = draw_z(dtype)
    z.flags.writeable = False
    a = forward(activation, z)
    a.flags.writeable = False
    activation.backward(z, a, np.ones_like(z))
    assert np.isfinite(a).all()


@all_activations
def test_float32_agrees_with_float64(activation):
    z = draw_z(np.float32)
    dy, dy_64 = np.ones_like(z), np.ones(z.shape)
    a, a_64 = forward(activation, z), forward(activation, z.astype(np.float64))
    activation.backward(z, a, dy)
    activation.backward(z.astype(np.float64), a_64, dy_64)
    assert_allclose(a, a_64, rtol=1e-5)
    assert_allclose(dy, dy_64, rtol=1e-5, atol=1e-6)


@all_activations
@both_dtypes
@pytest.mark.parametrize("size", [30, 100, 1e3])
def test_large_arguments_stay_finite(activation, dtype, size):
    z = np.array([[-size, size]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a, dy = forward(activation, z), np.ones_like(z)
        activation.backward(z, a, dy)
    assert np.isfinite(a).all()
    assert np.isfinite(dy).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
@both_dtypes
def test_is_linear_far_from_zero(name, dtype):
    slopes = {"logistic": (0, 0), "tanh": (0, 0), "identity": (1, 1)}
    slopes |= {"leaky_relu": (0.01, 1), "selu": (0, SELU.scale)}
    z, dy = np.array([[-1e3, 1e3]], dtype), np.ones((1, 2), dtype)
    ACTIVATIONS[name].backward(z, forward(ACTIVATIONS[name], z), dy)
    # On the left, where it is a + α, it is 0 up to rounding.
    assert_allclose(dy, [slopes.get(name, (0, 1))], rtol=1e-6, atol=1e-6)


@all_activations
def test_nan_stays_nan(activation):
    assert_array_equal(forward(activation, np.full((2, 3), np.nan)), np.nan)


def test_relu_is_flat_at_zero():
    z, dy = np.array([[-1.0, 0.0, 2.0]]), np.ones((1, 3))
    a = forward(ReLU(), z)
    ReLU().backward(z, a, dy)
    assert_array_equal(a, [[0, 0, 2]])
    assert_array_equal(dy, [[0, 0, 1]])


@pytest.mark.parametrize(
    "name, value, slope",
    [
        ("leaky_relu", 0, 0.01),
        ("elu", 0, 1),
        ("elu(0.4)", 0, 0.4),
        ("elu(2)", 0, 2),
        ("selu", 0, SELU.scale * SELU.alpha),
        ("gelu", 0, 0.5),
        ("silu", 0, 0.5),
        ("mish", 0, 0.6),
        ("softplus", np.log(2), 0.5),
    ],
)
@both_dtypes
def test_the_derivative_at_zero_is_the_left_derivative(name, value, slope, dtype):
    z, dy = np.zeros((1, 1), dtype), np.ones((1, 1), dtype)
    a = forward(ALL[name], z)
    ALL[name].backward(z, a, dy)
    assert_allclose(a, value, rtol=1e-6)
    assert_allclose(dy, slope, rtol=1e-6)


def test_selu_keeps_mean_and_variance():
    a = forward(SELU(), np.random.RandomState(0).normal(size=(1000, 1000)))
    assert abs(a.mean()) < 0.005
    assert abs(a.var() - 1) < 0.01


def test_selu_converges_to_mean_zero_and_variance_one_in_a_deep_network():
    rng = np.random.RandomState(0)
    x = rng.normal(size=(500, 200)) * 1.5 + 0.3
    for _ in range(30):
        x = forward(SELU(), x @ LeCunNormal()((200, 200), 200, 200, rng))
    assert abs(x.mean()) < 0.1
    assert abs(x.var() - 1) < 0.2


@pytest.mark.parametrize(
    "wrong",
    [lambda: LeakyReLU(-0.1), lambda: LeakyReLU(1.1), lambda: ELU(-1)],
)
def test_hyper_parameters_have_ranges(wrong):
    with pytest.raises(ValueError, match=r"must be in"):
        wrong()


@all_activations
def test_is_an_immutable_value(activation):
    same = pickle.loads(pickle.dumps(activation))
    assert activation == same
    assert hash(activation) == hash(same)
    with pytest.raises(FrozenInstanceError):
        activation.slope = 1
