"""Activations: values, derivatives, dtypes; each one named keeps the contract."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn.activations import ACTIVATIONS, ReLU

CLOSED_FORMS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: 1 - 2 / (np.exp(2 * z) + 1),
    "relu": lambda z: np.where(z > 0, z, 0),
}

TORCH_NAMES = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}

all_activations = pytest.mark.parametrize(
    "activation", ACTIVATIONS.values(), ids=ACTIVATIONS
)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def forward(activation, z):
    a = np.full_like(z, np.nan)
    activation.forward(z, a)
    return a


def draw_z(dtype=np.float64):
    """Arguments between -9 and 9, none near the kinks at 0."""
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


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_value_is_the_closed_form(name):
    z = draw_z()
    a = forward(ACTIVATIONS[name], z)
    assert_allclose(a, CLOSED_FORMS[name](z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", TORCH_NAMES)
def test_agrees_with_torch(name):
    torch = pytest.importorskip("torch")
    z, dy = draw_z(), np.ones((30, 7))
    z_torch = torch.tensor(z, requires_grad=True)
    a_torch = getattr(torch, TORCH_NAMES[name])(z_torch)
    a_torch.sum().backward()
    a = forward(ACTIVATIONS[name], z)
    assert_allclose(a, a_torch.detach().numpy(), rtol=1e-12)
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
def test_large_arguments_stay_finite(activation, dtype):
    z = np.array([[-1e3, 1e3]], dtype)
    a, dy = forward(activation, z), np.ones_like(z)
    activation.backward(z, a, dy)
    assert np.isfinite(a).all()
    assert np.isfinite(dy).all()


@all_activations
def test_nan_is_not_hidden(activation):
    assert_array_equal(forward(activation, np.full((2, 3), np.nan)), np.nan)


def test_relu_is_flat_at_zero():
    z, dy = np.array([[-1.0, 0.0, 2.0]]), np.ones((1, 3))
    a = forward(ReLU(), z)
    ReLU().backward(z, a, dy)
    assert_array_equal(a, [[0, 0, 2]])
    assert_array_equal(dy, [[0, 0, 1]])


@all_activations
def test_is_an_immutable_value(activation):
    same = pickle.loads(pickle.dumps(activation))
    assert activation == same
    assert hash(activation) == hash(same)
    with pytest.raises(FrozenInstanceError):
        activation.slope = 1
