"""Layers: shapes, gradients, dtypes; each entry of the table keeps the contract."""

import pickle

import numpy as np
import pytest
from helpers import assert_gradient, float_dtypes
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sknn.layers
from sknn.activations import ACTIVATIONS
from sknn.initializers import GlorotUniform
from sknn.layers import ActivationLayer, Dense, Layer

N = 6

CASES = [
    (Dense(3), (5,)),
    (Dense(1, GlorotUniform(2.0)), (1,)),
    *((ActivationLayer(activation), (5,)) for activation in ACTIVATIONS.values()),
    (ActivationLayer(ACTIVATIONS["tanh"]), (4, 3, 2)),
]
"""Layers, each with the shape of an input row."""

WITH_PARAMETERS = [case for case in CASES if case[0].build(case[1]).params]

all_layers = pytest.mark.parametrize("layer, in_shape", CASES, ids=repr)
layers_with_parameters = pytest.mark.parametrize(
    "layer, in_shape", WITH_PARAMETERS, ids=repr
)


class Call:
    """One layer with parameters, an input, and a random direction `v` of its output."""

    def __init__(self, layer, in_shape, dtype=np.float64):
        rng = np.random.RandomState(0)
        self.layer, self.dtype = layer, np.dtype(dtype)
        self.spec = layer.build(in_shape)
        self.p = {
            name: rng.normal(size=param.shape).astype(dtype)
            for name, param in self.spec.params.items()
        }
        x = rng.normal(size=(N, *in_shape))
        self.x = (x + 0.01 * np.sign(x)).astype(dtype)  # off the kinks of activations
        self.v = rng.normal(size=(N, *self.spec.out_shape)).astype(dtype)
        # Memory maps are read-only, so a layer may write none of these.
        for array in (self.x, *self.p.values()):
            array.flags.writeable = False

    def forward(self, x=None, p=None, train=True):
        x, p = self.x if x is None else x, self.p if p is None else p
        self.ws = self.layer.workspace(self.spec, x.shape[0], self.dtype, train)
        return self.layer.forward(p, x, self.ws, train)

    def backward(self, x=None, need_dx=True):
        """Gradients of ``Σ v y`` with respect to parameters and input."""
        self.forward(x)
        g = {name: np.full_like(array, np.nan) for name, array in self.p.items()}
        return g, self.layer.backward(self.p, g, self.v.copy(), self.ws, need_dx)


def test_every_layer_has_a_case():
    layers = {getattr(sknn.layers, name) for name in sknn.layers.__all__}
    layers = {cls for cls in layers if issubclass(cls, Layer) and cls is not Layer}
    assert layers == {type(layer) for layer, _ in CASES}, "add the new layer to CASES"


@all_layers
def test_shapes_are_those_declared(layer, in_shape):
    call = Call(layer, in_shape)
    assert call.spec.in_shape == in_shape
    assert call.forward().shape == (N, *call.spec.out_shape)
    g, dx = call.backward()
    assert {name: array.shape for name, array in g.items()} == {
        name: param.shape for name, param in call.spec.params.items()
    }
    assert dx.shape == call.x.shape


@all_layers
def test_gradient_of_the_input(layer, in_shape):
    call = Call(layer, in_shape)
    _, dx = call.backward()
    assert_gradient(lambda x: np.vdot(call.forward(x), call.v), call.x, dx)


@layers_with_parameters
def test_gradients_of_the_parameters(layer, in_shape):
    call = Call(layer, in_shape)
    g, _ = call.backward()
    for name, gradient in g.items():

        def output(array, name=name):
            return np.vdot(call.forward(p={**call.p, name: array}), call.v)

        assert_gradient(output, call.p[name], gradient)


@layers_with_parameters
def test_gradients_do_not_depend_on_need_dx(layer, in_shape):
    call = Call(layer, in_shape)
    with_dx, _ = call.backward()
    without_dx, _ = call.backward(need_dx=False)
    for name in with_dx:
        assert_array_equal(without_dx[name], with_dx[name])


@all_layers
def test_rows_and_workspaces_are_independent(layer, in_shape):
    call = Call(layer, in_shape)
    y = call.forward(train=False)
    some = [4, 0]
    assert_allclose(call.forward(call.x[some], train=False), y[some], rtol=1e-14)
    assert not np.shares_memory(call.forward(train=False), y)


@all_layers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(layer, in_shape, dtype):
    call = Call(layer, in_shape, dtype)
    g, dx = call.backward()
    assert float_dtypes(call.ws, call.forward(), g, dx) == {np.dtype(dtype)}


@all_layers
def test_float32_agrees_with_float64(layer, in_shape):
    call, call_64 = Call(layer, in_shape, np.float32), Call(layer, in_shape)
    assert_allclose(call.forward(), call_64.forward(), rtol=1e-5, atol=1e-6)
    (g, dx), (g_64, dx_64) = call.backward(), call_64.backward()
    assert_allclose(dx, dx_64, rtol=1e-4, atol=1e-5)
    for name in g:
        assert_allclose(g[name], g_64[name], rtol=1e-4, atol=1e-5)


@all_layers
def test_is_an_immutable_value(layer, in_shape):
    same = pickle.loads(pickle.dumps(layer))
    assert layer == same
    assert hash(layer) == hash(same)
    assert layer.build(in_shape) == same.build(in_shape)


def test_dense_is_a_weighted_sum_and_a_bias():
    call = Call(Dense(3), (5,))
    W, b = call.p["W"], call.p["b"]
    expected = [
        [sum(call.x[i, j] * W[j, k] for j in range(5)) + b[k] for k in range(3)]
        for i in range(N)
    ]
    assert_allclose(call.forward(), expected, rtol=1e-13)


def test_dense_declares_its_parameters():
    initializer = GlorotUniform(2.0)
    params = Dense(3, initializer).build((5,)).params
    assert list(params) == ["W", "b"]
    assert params["W"].shape == (5, 3)
    assert params["b"].shape == (3,)
    assert [param.decay for param in params.values()] == [True, False]
    for param in params.values():
        assert (param.init, param.fan_in, param.fan_out) == (initializer, 5, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("csr", [sparse.csr_array, sparse.csr_matrix])
def test_dense_takes_csr(csr, dtype):
    call = Call(Dense(3), (5,), dtype)
    x = np.where(call.x > 0, call.x, 0)
    rtol = 100 * np.finfo(dtype).eps
    assert_allclose(call.forward(csr(x)), call.forward(x), rtol=rtol)
    g_sparse, _ = call.backward(csr(x), need_dx=False)
    g, _ = call.backward(x, need_dx=False)
    for name in g:
        assert_allclose(g_sparse[name], g[name], rtol=rtol)
    assert float_dtypes(call.ws, g_sparse) == {np.dtype(dtype)}
