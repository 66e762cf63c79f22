"""Layers: the contract that each case of the table must keep, PyTorch, details."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import assert_gradient, float_dtypes, network_of, training_pass
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

import sknn.layers
from sknn import MLPClassifier
from sknn.activations import ACTIVATIONS, ActivationFunction
from sknn.initializers import GlorotUniform, HeNormal, Normal, Zeros
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Ensemble,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    LayerNorm,
    MaxPool2D,
    MemberDense,
    Pad,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
    ToMembers,
    Training,
)
from sknn.layers.base import LayerSpec
from sknn.losses import HalfSquaredError
from sknn.network import Network
from sknn.objective import Objective
from sknn.sequential import with_initializers

N = 6
COUNTS = np.array([2, 1, 0, 3, 1, 2])

TANH = Activation(ACTIVATIONS["tanh"])

CASES = [
    (Dense(3), (5,)),
    (Dense(1, GlorotUniform(2.0)), (1,)),
    *((Activation(activation), (5,)) for activation in ACTIVATIONS.values()),
    (TANH, (4, 3, 2)),
    (Dropout(0.0), (5,)),
    (Dropout(0.3), (4, 3, 2)),
    (DropConnect(Dense(3), 0.5), (5,)),
    (DropConnect(Dense(3), 0.0), (5,)),
    (BatchNorm(), (5,)),
    (BatchNorm(momentum=1.0, epsilon=0.1), (3,)),
    (LayerNorm(), (5,)),
    (LayerNorm(epsilon=0.1), (3,)),
    (PReLU(), (5,)),
    (PReLU(-0.5), (1,)),
    (Scale(), (5,)),
    (Scale(-0.5), (2, 3)),
    (CategoricalEmbedding((3, 1), (2, 3), 2), (5,)),
    (CategoricalEmbedding((0,), (1,)), (2,)),
    (PeriodicEmbedding(frequencies=4), (5,)),
    (PeriodicEmbedding(2, 3, 5), (4,)),
    (PiecewiseLinearEmbedding(), (5,)),
    (PiecewiseLinearEmbedding(2, 4, 3), (5,)),
    (Residual((Dense(4), TANH, Dense(5))), (5,)),
    (Residual((Dense(4), TANH), projection=GlorotUniform(2.0)), (5,)),
    (Residual((BatchNorm(), TANH, Dropout(0.3), Dense(5))), (5,)),
    (Residual((Dense(4), BatchNorm(), TANH, Dropout(0.3))), (5,)),
    (BatchNorm(), (3, 4, 2)),
    (LayerNorm(), (3, 4, 2)),
    (PReLU(), (3, 4, 2)),
    (Scale(2.0), (3, 4, 2)),
    (Pad(1), (3, 4, 2)),
    (Pad((1, (0, 2)), -1.5), (2, 3, 4)),
    (Conv2D(4), (3, 6, 5)),
    (Conv2D(2, (3, 2), stride=(2, 3), padding="valid"), (3, 7, 8)),
    (Conv2D(2, 5, stride=3), (1, 4, 7)),
    (Conv2D(2, 3), (2, 1, 1)),
    (Conv2D(2, 3, padding=2), (2, 4, 3)),
    (Conv2D(2, (2, 3), stride=(1, 2), padding=(0, 3)), (2, 4, 3)),
    (MaxPool2D(), (3, 5, 4)),
    (MaxPool2D(3, stride=(1, 2)), (2, 5, 6)),
    (AvgPool2D((2, 1)), (3, 5, 4)),
    (AvgPool2D(3, stride=2), (2, 5, 6)),
    (GlobalAvgPool2D(), (3, 5, 4)),
    (Flatten(), (3, 5, 4)),
    (Flatten(), (5,)),
    (ToImages((4, 5, 3)), (60,)),
    (Residual((Conv2D(2), TANH)), (3, 4, 5)),
    (Residual((Conv2D(3), BatchNorm(), Dropout(0.3))), (3, 4, 5)),
    (Residual((Dropout(0.3), Residual((LayerNorm(), Dense(5))), Dense(2))), (5,)),
    (Dense(3, parametrization="ntp"), (5,)),
    (DropConnect(Dense(3, parametrization="ntp", data_driven=True), 0.5), (5,)),
    (ParametricActivation("selu"), (5,)),
    (ParametricActivation("relu", initial=-0.5), (1,)),
    (ParametricActivation("mish"), (3, 4, 2)),
    (ToMembers(3), (5,)),
    (Ensemble((Dense(4), TANH, Dropout(0.3), Dense(2)), 3), (5,)),
    (Ensemble((BatchNorm(), PReLU()), 2), (5,)),
    (Ensemble((Flatten(), Dense(3, data_driven=True)), 2), (4, 3, 2)),
    (Ensemble((CategoricalEmbedding((1,), (4,), 2), Scale()), 1), (3,)),
    *((layer, (3, 5)) for layer in [
        *(TANH, Dropout(0.3), BatchNorm(), LayerNorm(), PReLU(), Flatten()),
        ParametricActivation("mish"),
        *(MemberDense(4), MemberDense(4, parametrization="ntp", data_driven=True)),
        DropConnect(MemberDense(4), 0.5),
        BatchEnsembleDense(4),
        BatchEnsembleDense(4, GlorotUniform(), "random_signs", "normal"),
        Residual((MemberDense(4), BatchNorm(), TANH, Dropout(0.3), MemberDense(5))),
        Residual((LayerNorm(), BatchEnsembleDense(4), TANH)),
    ]),
]  # fmt: skip
"""Layers, each with the shape of an input row."""


def table(cases):
    return pytest.mark.parametrize("layer, in_shape", cases, ids=repr)


all_layers = table(CASES)
layers_with_parameters = table([c for c in CASES if c[0].build(c[1]).params])
layers_that_do_not_draw = table([c for c in CASES if not c[0].random])
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])


class Call:
    """A layer with parameters, state, input rows, and a direction `v` of its output."""

    def __init__(self, layer, in_shape, dtype=np.float64, weighted=False):
        rng = np.random.RandomState(0)
        self.layer, self.dtype = layer, np.dtype(dtype)
        self.network = Network([layer], in_shape, self.dtype)
        (self.spec,), (self.p,) = self.network.specs, self.network.params
        self.theta, self.state = self.network.theta, self.network.state
        self.theta[:] = rng.normal(size=self.theta.shape)
        self.state[:] = rng.uniform(0.5, 2, self.state.shape)
        x = rng.normal(size=(N, *in_shape))
        self.x = (x + 0.01 * np.sign(x)).astype(dtype)  # away from kinks
        self.v = rng.normal(size=(N, *self.spec.out_shape)).astype(dtype)
        self.w = rng.uniform(0.5, 2, N).astype(dtype) if weighted else None
        # A layer must not modify its input (think of memory maps) or its parameters.
        self.x.flags.writeable = False
        for name in self.spec.params:
            self.p[name].flags.writeable = False

    def forward(self, x=None, train=True):
        x = self.x if x is None else x
        # The same masks each time.
        training = Training(np.random.default_rng(0), self.w) if train else None
        self.ws = self.layer.workspace(self.spec, x.shape[0], self.dtype, training)
        self.y = self.layer.forward(self.p, x, self.ws, train)
        return self.y

    def backward(self, x=None, need_dx=True):
        """Gradients of ``Σ v y`` with respect to theta and to the input."""
        self.forward(x)
        grad = np.full_like(self.theta, np.nan)
        (g,) = self.network.views(grad)
        return grad, self.layer.backward(self.p, g, self.v.copy(), self.ws, need_dx)


def test_every_layer_has_a_case():
    layers = {getattr(sknn.layers, name) for name in sknn.layers.__all__}
    layers = {cls for cls in layers if issubclass(cls, Layer) and cls is not Layer}
    assert layers == {type(layer) for layer, _ in CASES}, "add the new layer to CASES"


# -- the contract ---------------------------------------------------------------------


@all_layers
@pytest.mark.parametrize("train", [False, True])
def test_shapes_are_those_declared(layer, in_shape, train):
    call = Call(layer, in_shape)
    assert call.spec.in_shape == in_shape
    assert call.forward(train=train).shape == (N, *call.spec.out_shape)


@all_layers
@weighted_or_not
def test_gradient_of_the_input(layer, in_shape, weighted):
    call = Call(layer, in_shape, weighted=weighted)
    _, dx = call.backward()
    assert dx.shape == call.x.shape
    assert_gradient(lambda x: np.vdot(call.forward(x), call.v), call.x, dx)


@layers_with_parameters
@weighted_or_not
def test_gradient_of_the_parameters(layer, in_shape, weighted):
    call = Call(layer, in_shape, weighted=weighted)
    grad, _ = call.backward()

    def output(theta):
        call.theta[:] = theta
        return np.vdot(call.forward(), call.v)

    assert_gradient(output, call.theta.copy(), grad)


@layers_with_parameters
def test_gradient_does_not_depend_on_need_dx(layer, in_shape):
    call = Call(layer, in_shape)
    with_dx, _ = call.backward()
    without_dx, _ = call.backward(need_dx=False)
    assert_array_equal(without_dx, with_dx)


@all_layers
def test_a_frozen_layer_passes_on_the_gradient_of_a_prediction(layer, in_shape):
    call = Call(layer, in_shape)
    state = call.state.copy()
    training = Training(np.random.default_rng(0))
    ws = layer.workspace(call.spec, N, call.dtype, training)
    layer.forward(call.p, call.x, ws, train=False)
    dx = layer.backward(call.p, {}, call.v.copy(), ws, need_dx=True)
    assert_array_equal(call.state, state)
    predicted = lambda x: np.vdot(call.forward(x, train=False), call.v)  # noqa: E731
    assert_gradient(predicted, call.x, dx)


@layers_that_do_not_draw
def test_weights_of_rows_are_repetitions(layer, in_shape):
    call, repeated = Call(layer, in_shape), Call(layer, in_shape)
    call.w = COUNTS.astype(np.float64)
    expected = repeated.forward(call.x.repeat(COUNTS, 0))
    assert_allclose(call.forward().repeat(COUNTS, 0), expected, rtol=1e-12)
    assert_allclose(call.state, repeated.state, rtol=1e-12)

    v = repeated.v = call.v.repeat(COUNTS, 0)
    call.v *= COUNTS.reshape(N, *[1] * (v.ndim - 1))
    grad, dx = call.backward()
    expected, expected_dx = repeated.backward(call.x.repeat(COUNTS, 0))
    assert_allclose(grad, expected, rtol=1e-12, atol=1e-14)
    starts = np.cumsum(COUNTS)[COUNTS > 0] - COUNTS[COUNTS > 0]
    assert_allclose(
        dx[COUNTS > 0], np.add.reduceat(expected_dx, starts), rtol=1e-11, atol=1e-14
    )


@all_layers
def test_rows_of_a_prediction_are_independent(layer, in_shape):
    call = Call(layer, in_shape)
    y = call.forward(train=False).copy()
    for rows in (slice(0, 2), slice(2, N), [4, 0], *([i] for i in range(N))):
        some = call.forward(call.x[rows], train=False)
        assert_allclose(some, y[rows], rtol=1e-13, atol=1e-15)


@all_layers
def test_workspaces_are_independent(layer, in_shape):
    call = Call(layer, in_shape)
    y = call.forward()
    before = y.copy()
    call.forward(-call.x)
    assert_array_equal(y, before)


@all_layers
def test_only_training_updates_the_state(layer, in_shape):
    call = Call(layer, in_shape)
    before = call.state.copy()
    call.forward(train=False)
    assert_array_equal(call.state, before)
    call.forward()
    if not layer.adapts:  # to the training rows, and then stays
        assert (call.state != before).all()
    assert call.state.size == sum(np.prod(s.shape) for s in call.spec.state.values())


@all_layers
def test_random_and_mixes_rows_are_declared(layer, in_shape):
    call = Call(layer, in_shape)
    y = call.forward()
    rng = np.random.default_rng(1)
    ws = layer.workspace(call.spec, N, call.dtype, Training(rng))
    layer.forward(call.p, call.x, ws, train=True)
    drawn = rng.bit_generator.state != np.random.default_rng(1).bit_generator.state
    assert drawn == layer.random
    if not layer.random:
        mixed = not np.allclose(call.forward(call.x[:3]), y[:3], rtol=1e-12)
        assert mixed == layer.mixes_rows


@all_layers
@weighted_or_not
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(layer, in_shape, dtype, weighted):
    call = Call(layer, in_shape, dtype, weighted)
    grad, dx = call.backward()
    y = call.forward(train=False)
    things = (call, grad, dx, y, call.forward())
    assert float_dtypes(*things) == {np.dtype(dtype)}


@all_layers
def test_float32_agrees_with_float64(layer, in_shape):
    call, call_64 = Call(layer, in_shape, np.float32), Call(layer, in_shape)
    for train in (True, False):
        y, y_64 = call.forward(train=train), call_64.forward(train=train)
        assert_allclose(y, y_64, rtol=1e-5, atol=1e-6)
    (grad, dx), (grad_64, dx_64) = call.backward(), call_64.backward()
    assert_allclose(dx, dx_64, rtol=1e-4, atol=1e-5)
    assert_allclose(grad, grad_64, rtol=1e-4, atol=1e-5)


@all_layers
def test_is_an_immutable_value(layer, in_shape):
    same = pickle.loads(pickle.dumps(layer))
    assert layer == same
    assert hash(layer) == hash(same)
    assert layer.build(in_shape) == same.build(in_shape)
    for other, _ in CASES:
        assert (layer == other) == (repr(layer) == repr(other))


# -- PyTorch --------------------------------------------------------------------------

D = (5,)
IMAGE = (3, 7, 6)

TORCH = [
    (Dense(3), D, lambda nn: nn.Linear(5, 3)),
    (BatchNorm(), D, lambda nn: nn.BatchNorm1d(5)),
    (BatchNorm(0.3, 0.01), D, lambda nn: nn.BatchNorm1d(5, momentum=0.3, eps=0.01)),
    (BatchNorm(), IMAGE, lambda nn: nn.BatchNorm2d(3)),
    (LayerNorm(), D, lambda nn: nn.LayerNorm(5)),
    (LayerNorm(0.01), D, lambda nn: nn.LayerNorm(5, eps=0.01)),
    (PReLU(), D, lambda nn: nn.PReLU(5)),
    (PReLU(-0.5), IMAGE, lambda nn: nn.PReLU(3, init=-0.5)),
    (Conv2D(4, 3), IMAGE, lambda nn: nn.Conv2d(3, 4, 3, padding="same")),
    (Conv2D(4, (5, 3)), IMAGE, lambda nn: nn.Conv2d(3, 4, (5, 3), padding="same")),
    (Conv2D(2, (3, 2), (2, 3), "valid"), IMAGE,
     lambda nn: nn.Conv2d(3, 2, (3, 2), (2, 3))),
    (Conv2D(2, 1), IMAGE, lambda nn: nn.Conv2d(3, 2, 1)),
    (Conv2D(2, 3, 2), (1, 7, 7), lambda nn: nn.Conv2d(1, 2, 3, 2, padding=1)),
    (Conv2D(2, 3), (1, 1, 1), lambda nn: nn.Conv2d(1, 2, 3, padding=1)),
    (Conv2D(2, 3, padding=2), IMAGE, lambda nn: nn.Conv2d(3, 2, 3, padding=2)),
    (Conv2D(2, (3, 2), (2, 3), (1, 2)), IMAGE,
     lambda nn: nn.Conv2d(3, 2, (3, 2), (2, 3), padding=(1, 2))),
    (MaxPool2D(), IMAGE, lambda nn: nn.MaxPool2d(2)),
    (MaxPool2D(3, (1, 2)), IMAGE, lambda nn: nn.MaxPool2d(3, (1, 2))),
    (AvgPool2D((2, 3)), IMAGE, lambda nn: nn.AvgPool2d((2, 3))),
    (AvgPool2D(3, 2), IMAGE, lambda nn: nn.AvgPool2d(3, 2)),
    (GlobalAvgPool2D(), IMAGE,
     lambda nn: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    (Flatten(), IMAGE, lambda nn: nn.Flatten()),
    (Pad(2), IMAGE, lambda nn: nn.ZeroPad2d(2)),
    (Pad((1, (0, 3)), -0.5), IMAGE,
     lambda nn: nn.ConstantPad2d((0, 3, 1, 1), -0.5)),
]  # fmt: skip
"""Layers, the shape of a row, and a function that makes PyTorch's layer, which has its
parameters in the same order. Matrices are transposed in PyTorch."""

against_torch = pytest.mark.parametrize(
    "layer, in_shape, make", TORCH, ids=[f"{case[0]!r}, {case[1]}" for case in TORCH]
)


def in_pairs(layer, in_shape, views, module):
    """Pair the parameters of PyTorch's module with the arrays in `views`."""
    names = layer.build(in_shape).params
    return [
        (views[name].T if views[name].ndim == 2 else views[name], parameter)
        for name, parameter in zip(names, module.parameters(), strict=True)
    ]


def close(actual, desired):
    assert_allclose(actual, desired.detach(), rtol=1e-10, atol=1e-13)


@against_torch
def test_initial_parameters_are_those_of_torch(layer, in_shape, make):
    module = make(pytest.importorskip("torch").nn).double()
    network = Network([layer], in_shape, np.dtype(np.float64))
    network.initialize(np.random.RandomState(0))
    (p,) = network.params
    for ours, parameter in in_pairs(layer, in_shape, p, module):
        assert ours.shape == tuple(parameter.shape)
        if not isinstance(layer, Dense | Conv2D):  # those are random
            assert_array_equal(ours, parameter.detach())


@against_torch
def test_three_batches_and_a_prediction_as_in_torch(layer, in_shape, make):
    torch = pytest.importorskip("torch")
    call, module = Call(layer, in_shape), make(torch.nn).double()
    call.state[:] = Network([layer], in_shape, call.dtype).state
    for ours, parameter in in_pairs(layer, in_shape, call.p, module):
        parameter.data = torch.tensor(ours.copy())
    var = 1.0
    for seed in range(3):
        values = np.random.RandomState(seed).normal(2, 3, (N, *in_shape))
        x = torch.tensor(values, requires_grad=True)
        y = module(x)
        module.zero_grad()
        y.backward(torch.tensor(call.v))
        grad, dx = call.backward(values)
        close(call.y, y)
        close(dx, x.grad)
        views = call.network.views(grad)
        if "var" in call.p:  # ours is without Bessel's correction
            m, others = layer.momentum, tuple({0, 2, 3} & set(range(values.ndim)))
            var = (1 - m) * var + m * values.var(axis=others)
            module.running_var.copy_(torch.tensor(var))
        for ours, parameter in in_pairs(layer, in_shape, *views, module):
            close(ours, parameter.grad)
    running = [buffer for buffer in module.buffers() if buffer.ndim]
    for name, buffer in zip(call.spec.state, running, strict=True):
        close(call.p[name], buffer)
    close(call.forward(train=False), module.eval()(torch.tensor(call.x)))


def project(array):
    """A number that depends on every element of an array."""
    return float(np.cos(np.arange(array.size)) @ np.ravel(array))


STORED = [
    [-5.614741352, -2.213050771, -4.987235748, -2.459259928],
    [9.800437064, -0.5937907831, -3.348228566, 2.061220394],
    [9.755306433, -0.5951497229, -3.33050014, 2.061220394],
    [1.201088006, 26.83715995, 41.77630881, 9.516672174],
    [17.20809005, -7.868425612, -4.003005212, -0.03491041339],
    [17.0876298, -7.748682612, -3.982829797, -0.03491041339],
    [8.109486554, 0.3907396959, -3.018642053],
    [19.52340424, -19.33153789, 17.54222228],
    [-44.97154022, 37.7329373, -67.85183917, 4.286607855],
    [211.8052245, 16.02704553, 66.91071079, 8.857429051],
    [20.92329927, -11.68947968, -29.5771094, -3.767782284],
    [-20.62729889, 77.55850987, 26.5199529, 18.80799997],
    [-0.5589768175, -29.6770866, 28.00353431, -10.97061599],
    [-6.341229751, 4.551874443, 2.280729127, 2.289057502],
    [11.05671959, -69.62029365, -55.93293092, 16.90323257],
    [21.23578469, 30.89752165, 14.21428625, -4.27302378],
    [5.216364035, -6.338101138],
    [-5.737746969, 4.973144458],
    [-0.4772896265, 0.3829920974],
    [0.8014371032, -2.20126202],
    [-0.3812369002, -0.107378352],
    [-15.65585476, 15.02617798],
    [6.30589884, -21.28100347],
    [-17.74419318, -15.02408355],
]
"""`project` of the output, dx and parameter gradients of PyTorch, for each case of
`TORCH`."""


@pytest.mark.parametrize("case, stored", [*zip(TORCH, STORED, strict=True)])
def test_a_batch_as_stored_from_torch(case, stored):
    layer, in_shape, _ = case
    call = Call(layer, in_shape)
    grad, dx = call.backward()
    figures = [call.y, dx, *call.network.views(grad)[0].values()]
    found = [project(array) for array in figures]
    assert_allclose(found, stored, rtol=1e-6, atol=1e-12)


# -- Dense ----------------------------------------------------------------------------


def test_dense_is_a_weighted_sum_and_a_bias():
    call = Call(Dense(3), (5,))
    W, b = call.p["W"], call.p["b"]
    expected = [
        [sum(call.x[i, j] * W[j, k] for j in range(5)) + b[k] for k in range(3)]
        for i in range(N)
    ]
    assert_allclose(call.forward(), expected, rtol=1e-13)


@pytest.mark.parametrize("layer", [Dense(3), DropConnect(Dense(3), 0.5)])
def test_dense_declares_its_parameters(layer):
    params = layer.build((5,)).params
    assert list(params) == ["W", "b"]
    assert params["W"].shape == (5, 3)
    assert params["b"].shape == (3,)
    assert [param.decay for param in params.values()] == [True, False]
    assert [param.is_bias for param in params.values()] == [False, True]
    for param in params.values():
        assert (param.init, param.fan_in, param.fan_out) == (GlorotUniform(), 5, 3)


@pytest.mark.parametrize("layer", [Dense(3), DropConnect(Dense(3), 0.5)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("csr", [sparse.csr_array, sparse.csr_matrix])
def test_dense_takes_csr(layer, csr, dtype):
    call = Call(layer, (5,), dtype)
    x = np.where(call.x > 0, call.x, 0)
    rtol = 100 * np.finfo(dtype).eps
    for train in (False, True):
        expected = call.forward(x, train=train)
        assert_allclose(call.forward(csr(x), train=train), expected, rtol=rtol)
    grad_sparse, _ = call.backward(csr(x), need_dx=False)
    assert float_dtypes(call.ws, grad_sparse) == {np.dtype(dtype)}
    grad, _ = call.backward(x, need_dx=False)
    assert_allclose(grad_sparse, grad, rtol=rtol)


def test_the_neural_tangent_parametrization_divides_the_weights_by_the_root_of_fan_in():
    ntp, standard = Call(Dense(3, parametrization="ntp"), (5,)), Call(Dense(3), (5,))
    standard.theta[:15] = ntp.theta[:15] / np.sqrt(5)
    assert_allclose(ntp.forward(), standard.forward(), rtol=1e-13)
    (grad, dx), (expected, expected_dx) = ntp.backward(), standard.backward()
    assert_allclose(dx, expected_dx, rtol=1e-12)
    expected[:15] /= np.sqrt(5)
    assert_allclose(grad, expected, rtol=1e-12)


def test_the_neural_tangent_parametrization_draws_standard_normal_numbers():
    params = Dense(3, parametrization="ntp").build((5,)).params
    assert {param.init for param in params.values()} == {Normal(1.0, biases=True)}
    params = Dense(3, "zeros", parametrization="ntp").build((5,)).params
    assert {param.init for param in params.values()} == {Zeros()}


DATA_DRIVEN = [
    Dense(200, parametrization="ntp", data_driven=True),
    Dense(200, data_driven=True),
    DropConnect(Dense(200, data_driven=True), 0.5),
]


def scaled_rows(n=3000):
    scale, shift = [1.0, 10.0, 0.1, 5.0, 0.0], [0.0, 100.0, 1.0, -3.0, 2.0]
    return np.random.RandomState(0).normal(shift, scale, (n, 5))


@pytest.mark.parametrize("layer", DATA_DRIVEN, ids=repr)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_data_driven_weights_give_each_unit_the_standard_deviation_one(
    layer, container
):
    X = scaled_rows()
    network = Network([layer], (5,), np.dtype(float))
    network.initialize(np.random.RandomState(0), container(X))
    y = network.scores(X)
    assert_allclose(y.std(axis=0), 1, rtol=1e-6)
    # The sign of a unit changes within the range of the rows.
    assert ((y.min(axis=0) < 0) & (y.max(axis=0) > 0)).all()
    # The biases have the mean of z, and the variance of its weighted means: that of a
    # share w of the rows is E[Σ w²] = 2 / (5 + 1).
    assert abs(y.mean(axis=0)).mean() < 1
    assert_allclose(y.mean(axis=0).var(), 1 / 3, rtol=0.3)


def test_data_driven_layers_see_what_those_before_make_of_the_rows():
    dense = Dense(20, parametrization="ntp", data_driven=True)
    layers = [dense, TANH, Residual((dense, TANH, dense)), Dense(3, data_driven=True)]
    assert [layer.adapts for layer in layers] == [True, False, True, True]
    network, X = Network(layers, (5,), np.dtype(float)), scaled_rows()
    network.initialize(np.random.RandomState(0), X)
    assert_allclose(network.scores(X).std(axis=0), 1, rtol=1e-6)
    block = network.params[2]
    x = Network(layers[:2], (5,), network.dtype)
    for views, p in zip(x.params, network.params, strict=False):
        for name in views:
            views[name][...] = p[name]
    h = x.scores(X) @ block["0.W"] / np.sqrt(20)
    assert_allclose(h.std(axis=0), 1, rtol=1e-6)
    h = np.tanh(h + block["0.b"]) @ block["2.W"] / np.sqrt(20)
    assert_allclose(h.std(axis=0), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_data_driven_weights_of_units_that_do_not_vary_stay_finite(dtype):
    layers = [Dense(4, data_driven=True), Activation("relu"), Dense(3, "zeros")]
    layers[2] = layers[2].replace(data_driven=True)
    network = Network(layers, (5,), np.dtype(dtype))
    network.initialize(np.random.RandomState(0), np.ones((20, 5)))
    assert np.isfinite(network.theta).all()
    assert_array_equal(network.params[2]["W"], 0)


def test_data_driven_members_are_adapted_each():
    layers = [ToMembers(3), MemberDense(50, data_driven=True), TANH, Flatten()]
    network, X = Network(layers[:2], (5,), np.dtype(float)), scaled_rows()
    network.initialize(np.random.RandomState(0), X)
    y = network.scores(X)
    assert_allclose(y.std(axis=0), 1, rtol=1e-6)
    assert abs(np.corrcoef(network.params[1]["b"])[0, 1]) < 0.9


def test_plain_layers_adapt_to_nothing():
    assert not Dense(3).adapts
    assert not DropConnect(Dense(3), 0.5).adapts
    assert not Residual((Dense(3), TANH)).adapts


def test_a_list_of_layers_leaves_the_neural_tangent_parametrization_its_initializer():
    ntp = Dense(3, parametrization="ntp")
    layers = [ntp, TANH, Dense(3), DropConnect(ntp, 0.5), Residual((ntp, TANH, ntp))]
    made = with_initializers(layers, lambda own, activation: own or HeNormal())
    found = [made[0], made[2], made[3].dense, made[4].layers[0], made[4].layers[2]]
    assert [layer.initializer for layer in found] == [
        *(None, HeNormal(), None, None, Zeros())
    ]


# -- ParametricActivation -------------------------------------------------------------


@pytest.mark.parametrize("function", ACTIVATIONS)
@pytest.mark.parametrize("in_shape", [(5,), (3, 5), (3, 4, 2)])
def test_parametric_activations_are_between_the_identity_and_the_function(
    function, in_shape
):
    call, f = Call(ParametricActivation(function), in_shape), ACTIVATIONS[function]
    a, alpha = np.empty_like(call.x), call.p["alpha"]
    f.forward(call.x, a)
    if len(in_shape) == 3:
        alpha = alpha[:, np.newaxis, np.newaxis]
    assert_allclose(call.forward(), call.x + alpha * (a - call.x), rtol=1e-12)
    alpha.flags.writeable = True
    for value, expected in ((0.0, call.x), (1.0, a)):
        call.theta[:] = value
        assert_allclose(call.forward(), expected, rtol=1e-12, atol=1e-14)


def test_a_parametric_activation_of_a_user_function():
    class Square(ActivationFunction):
        def forward(self, z, out):
            np.multiply(z, z, out=out)

        def backward(self, z, a, dy):
            dy *= 2 * z

    call = Call(ParametricActivation(Square()), (5,))
    grad, dx = call.backward()
    x, v, alpha = call.x, call.v, call.p["alpha"]
    assert_allclose(call.y, x + alpha * (x * x - x), rtol=1e-13)
    assert_allclose(grad, (v * (x * x - x)).sum(axis=0), rtol=1e-12)
    assert_allclose(dx, v * (1 + alpha * (2 * x - 1)), rtol=1e-12)


def test_parametric_activations_start_at_the_function():
    network = network_of([ParametricActivation("selu")], 5)
    assert_array_equal(network.params[0]["alpha"], np.ones(5))
    network = network_of([ParametricActivation("selu", 0.5)], 5)
    assert_array_equal(network.params[0]["alpha"], np.full(5, 0.5))


# -- Dropout and DropConnect ----------------------------------------------------------

SIZE = 200

MASKED = {
    "dropout": (Dropout, np.ones),
    "dropconnect": (lambda rate: DropConnect(Dense(SIZE), rate), np.eye),
}
"""Layers, each with rows for which the output is the mask if all weights are 1."""

masked = pytest.mark.parametrize("make, rows", MASKED.values(), ids=MASKED)


def draw_mask(make, rows, rate):
    """Return the mask of a training pass, which is the output."""
    call = Call(make(rate), (SIZE,))
    call.theta[:] = np.arange(call.theta.size) < call.network.n_decay
    x = rows((SIZE, SIZE)) if rows is np.ones else rows(SIZE)
    assert_array_equal(call.forward(x, train=False), np.ones((SIZE, SIZE)))
    return call.forward(x)


@masked
@pytest.mark.parametrize("rate", [0.0, 0.1, 1 / 3, 0.5, 0.9])
def test_masks_have_the_rate_and_the_mean_one(make, rows, rate):
    mask = draw_mask(make, rows, rate)
    kept, scale = (mask != 0).mean(), mask.max()
    assert abs(1 / scale - (1 - rate)) <= 2.0**-17 + 1e-15  # rounded to sixteen bits
    assert_array_equal(np.unique(mask), [0, scale] if rate else [1])
    standard_error = np.sqrt((1 - 1 / scale) / scale / mask.size)
    assert abs(kept - 1 / scale) <= 5 * standard_error
    assert abs(mask.mean() - 1) <= 5 * standard_error * scale


@masked
def test_a_rate_is_never_rounded_to_one(make, rows):
    mask = draw_mask(make, rows, 1 - 1e-7)
    assert set(np.unique(mask)) <= {0, 2**16}


@masked
def test_each_pass_draws_another_mask(make, rows):
    call = Call(make(0.5), (SIZE,))
    training = Training(np.random.default_rng(0))
    ws = call.layer.workspace(call.spec, N, call.dtype, training)
    first = call.layer.forward(call.p, call.x, ws, True).copy()
    assert (call.layer.forward(call.p, call.x, ws, True) != first).any()


def test_dropout_predicts_the_identity():
    call = Call(Dropout(0.5), (5,))
    assert call.forward(train=False) is call.x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("csr", [sparse.csr_array, sparse.csr_matrix])
def test_dropout_takes_csr(csr, dtype):
    rng = np.random.RandomState(0)
    dense = rng.normal(size=(SIZE, SIZE)) * (rng.uniform(size=(SIZE, SIZE)) < 0.5)
    x = csr(dense.astype(dtype))
    call = Call(Dropout(0.25), (SIZE,), dtype)
    assert call.forward(x, train=False) is x
    before = x.copy()
    y = call.forward(x)
    assert (x != before).nnz == 0
    assert (type(y), y.dtype) == (csr, dtype)
    kept = y.data != 0
    assert_array_equal(y.data[kept], x.data[kept] * dtype(1 / 0.75))
    standard_error = np.sqrt(0.75 * 0.25 / kept.size)
    assert abs(kept.mean() - 0.75) <= 5 * standard_error


@pytest.mark.parametrize("n, width", [(SIZE, SIZE), (7, 5), (3, 1), (9, 2**17)])
@pytest.mark.parametrize("csr", [sparse.csr_array, sparse.csr_matrix])
def test_dropout_draws_the_same_mask_for_sparse_as_for_dense_rows(csr, n, width):
    rng = np.random.RandomState(0)
    x = np.where(rng.uniform(size=(n, width)) < 0.3, rng.normal(size=(n, width)), 0)
    call = Call(Dropout(0.25), (width,))
    streams = [Training(np.random.default_rng(0)) for _ in range(2)]
    outputs = [
        call.layer.forward(
            call.p, rows, call.layer.workspace(call.spec, n, call.dtype, stream), True
        )
        for rows, stream in zip((x, csr(x)), streams, strict=True)
    ]
    assert_array_equal(outputs[1].toarray(), outputs[0])  # the same products
    assert streams[0].rng.random() == streams[1].rng.random()


def test_dropout_masks_rows_in_any_form_of_csr():
    # With explicit zeros, duplicates, columns in any order, and memory to spare.
    rng = np.random.RandomState(0)
    data, indices = rng.randint(4, size=190).astype(float), rng.randint(20, size=190)
    x = sparse.csr_array((data, indices, np.arange(0, 181, 30)), shape=(N, 20))
    expected = Call(Dropout(0.5), (20,)).forward(x.toarray())
    found = Call(Dropout(0.5), (20,)).forward(x)
    assert_array_equal(found.toarray(), expected)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_input_dropout_means_the_same_for_sparse_and_dense_rows(solver):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(70, 30)) * (rng.uniform(size=(70, 30)) < 0.2)
    y = (X[:, :10].sum(axis=1) > 0).astype(int)
    net = MLPClassifier((8,), solver=solver, input_dropout=0.4, batch_size=32)
    net.set_params(max_iter=5, random_state=0)
    dense, on_sparse = clone(net).fit(X, y), clone(net).fit(sparse.csr_array(X), y)
    assert_allclose(on_sparse.loss_curve_, dense.loss_curve_, rtol=1e-11)
    for found, expected in zip(on_sparse.coefs_, dense.coefs_, strict=True):
        assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


# -- BatchNorm ------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [[1.0], [2.0, 0.0, 0.0]])
def test_batchnorm_ignores_the_variance_of_a_single_row(weights):
    call = Call(BatchNorm(momentum=1.0), (5,))
    call.w, x, var = np.array(weights), call.x[: len(weights)], call.p["var"].copy()
    assert_allclose(call.forward(x)[0], call.p["beta"], rtol=1e-12)
    assert_array_equal(call.p["mean"], x[0])
    assert_array_equal(call.p["var"], var)


@pytest.mark.parametrize("scale", [1e-3, 0.5, 1.0, 100.0])
def test_batchnorm_does_not_depend_on_the_scale_of_the_weights(scale):
    call = Call(BatchNorm(momentum=1.0), (5,))
    call.w = np.full(N, scale)
    call.forward()
    assert_allclose(call.p["var"], call.x.var(axis=0), rtol=1e-12)


# -- Residual -------------------------------------------------------------------------


def test_residual_is_the_sum_of_its_branches():
    layer = Residual((Dense(4), TANH, Dense(3)))
    call = Call(layer, (5,))
    p = call.p
    Fx = np.tanh(call.x @ p["0.W"] + p["0.b"]) @ p["2.W"] + p["2.b"]
    Px = call.x @ p["3.W"] + p["3.b"]
    assert_allclose(call.forward(), Fx + Px, rtol=1e-13)


def test_residual_blocks_are_initially_the_identity():
    x = np.random.RandomState(1).normal(size=(N, 8))
    block = Residual((BatchNorm(), TANH, Dense(16), TANH, Dense(8, Zeros())))
    network = network_of([block] * 50, 8)
    assert_array_equal(network.scores(x), x)
    assert_array_equal(training_pass(network, x)[1], x)


@pytest.mark.parametrize(
    "layer",
    [
        Residual((Dropout(0.3), Dense(5))),
        Residual((Dropout(0.3), Dense(4))),
        Residual((Residual((Dropout(0.3), Dense(4))), Dense(5))),
    ],
    ids=repr,
)
def test_residual_takes_csr_if_it_starts_with_dropout(layer):
    call = Call(layer, (5,))
    x = np.where(call.x > 0, call.x, 0)
    expected, _ = call.backward(x, need_dx=False)
    y = call.y.copy()
    grad, _ = call.backward(sparse.csr_array(x), need_dx=False)
    assert_allclose(call.y, y, rtol=1e-13)
    assert_allclose(grad, expected, rtol=1e-12, atol=1e-14)


# -- passes that are bound, and those that compute at once ----------------------------


def gradient_of(layers, x, rates=None, n_in=5):
    """Loss and gradient of a network on two batches, the second of which counts."""
    network = network_of(layers, n_in, rates=rates)
    objective = Objective(network, HalfSquaredError(), alpha=0.1)
    y = np.zeros((x.shape[0], *network.out_shape))
    objective.loss_gradient(2 * x, y, None)
    loss = objective.loss_gradient(x, y, None)
    return np.append(objective.grad, loss)


def draw_rows(*shape):
    return np.random.RandomState(1).normal(size=(N, *shape))


class DenseAtOnce(Dense):
    """A dense layer as a user would write it."""

    def workspace(self, spec, n, dtype, training):
        return SimpleNamespace(y=np.empty((n, self.units), dtype))

    def forward(self, p, x, ws, train):
        ws.x = x
        ws.y[:] = x @ p["W"]
        ws.y += p["b"]
        return ws.y

    def backward(self, p, g, dy, ws, need_dx):
        if g:
            g["W"][:] = ws.x.T @ dy
            g["b"][:] = dy.sum(axis=0)
        return dy @ p["W"].T if need_dx else None


class OwnBackward(Dense):
    def backward(self, p, g, dy, ws, need_dx):
        return super().backward(p, g, dy, ws, need_dx)


class OwnWorkspace(Dense):
    def workspace(self, spec, n, dtype, training):
        ws = super().workspace(spec, n, dtype, training)
        ws.mine = np.empty(n, dtype)
        return ws


class OwnBind(Dense):
    def bind(self, ws, x):
        ws.x, y = x, np.empty((ws.n, self.units), ws.dtype)
        ws.do(lambda: np.copyto(y, x @ ws.p["W"] + ws.p["b"]))
        return y


NETWORKS = {
    "alone": lambda dense: [dense(4)],
    "with activations": lambda dense: [dense(4), TANH, dense(3), TANH, Dense(2)],
    "in a residual block": lambda dense: [Residual((dense(4), TANH, dense(5))), TANH],
    "in DropConnect": lambda dense: [DropConnect(dense(4), 0.3), TANH, dense(3)],
}


@pytest.mark.parametrize("dense", [DenseAtOnce, OwnBackward, OwnWorkspace, OwnBind])
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_dense_layer_of_a_user_computes_the_same(dense, make, container):
    if dense is OwnBind and container is not np.asarray:
        pytest.skip("takes arrays only")
    x = container(np.maximum(draw_rows(5), 0))
    expected = gradient_of(make(Dense), x)
    assert_allclose(gradient_of(make(dense), x), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("rates", [(1, 1, 0, 1, 1), (0, 1, 0, 1, 1), (0, 0, 0, 0, 0)])
@pytest.mark.parametrize("dense", [DenseAtOnce, OwnBackward])
def test_a_frozen_dense_layer_of_a_user_computes_the_same(dense, rates):
    make, x = NETWORKS["with activations"], draw_rows(5)
    expected = gradient_of(make(Dense), x, rates)
    found = gradient_of(make(dense), x, rates)
    assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("function", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("rates", [None, (1, 1, 0, 1, 1)], ids=["trained", "frozen"])
@pytest.mark.parametrize("first", [Dense(4), DropConnect(Dense(4), 0.3)], ids=repr)
def test_an_activation_in_the_layer_before_computes_the_same(
    function, rates, first, monkeypatch
):
    f, x = Activation(function), draw_rows(5)
    layers = [first, f, Dense(3), f, Dense(2)]
    bound = network_of(layers, 5).bind(x)
    functions = [ws.f for ws in bound._workspaces]
    assert functions == [function, None, function, None, None]
    fused = gradient_of(layers, x, rates)
    monkeypatch.setattr(Activation, "activation_to_fuse", None)
    monkeypatch.setattr(Activation, "bind", bind_activation)
    monkeypatch.setattr(Activation, "bind_backward", bind_activation_backward)
    assert_allclose(fused, gradient_of(layers, x, rates), rtol=1e-11, atol=1e-14)


def bind_activation(self, ws, x):
    ws.x, ws.y = x, np.empty_like(x)
    ws.do(self.function.forward, x, ws.y)
    return ws.y


def bind_activation_backward(self, ws, dy, need_dx):
    ws.do(self.function.backward, ws.x, ws.y, dy)
    return dy


def test_an_activation_of_a_user_is_not_taken_over_by_the_layer_before():
    class AtOnce(Activation):
        def forward(self, p, x, ws, train):
            return np.full_like(x, 3.0)

    class Bound(Activation):
        def bind(self, ws, x):
            y = np.empty_like(x)
            ws.do(y.fill, 3.0)
            return y

    for layer in (AtOnce("tanh"), Bound("tanh")):
        z = network_of([Dense(4), layer], 5).scores(draw_rows(5))
        assert_array_equal(z, np.full((N, 4), 3.0))


@all_layers
def test_a_bound_pass_reads_each_batch(layer, in_shape):
    call = Call(layer, in_shape)
    bound = call.network.bind(np.empty_like(call.x), Training(np.random.default_rng(0)))
    grad, dz = np.empty_like(call.theta), np.empty_like(call.v)
    bound.bind_backward(dz, call.network.views(grad))
    for x in (np.ones_like(call.x), call.x):
        bound.network.state[:] = 0
        for ws in bound._workspaces:
            ws.training.rng.bit_generator.state = np.random.PCG64(0).state
        bound.x[...], dz[...] = x, call.v
        bound.forward()
        y = bound.z.copy()
        bound.backward()
    call.state[:] = 0
    expected, _ = call.backward(need_dx=False)
    assert_allclose(y, call.y, rtol=1e-13, atol=1e-15)
    assert_allclose(grad, expected, rtol=1e-12, atol=1e-14)


@table([case for case in CASES if len(case[1]) == 1])
def test_csr_rows_are_those_of_the_dense_array(layer, in_shape):
    x = np.maximum(draw_rows(*in_shape), 0)
    layers = [
        layer,
        *([] if len(layer.build(in_shape).out_shape) == 1 else [Flatten()]),
    ]
    expected = gradient_of([*layers, Dense(2)], x, n_in=in_shape[0])
    found = gradient_of([*layers, Dense(2)], sparse.csr_array(x), n_in=in_shape[0])
    assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("method", [None, "forward", "bind"])
def test_a_layer_without_passes_is_refused(method):
    class Half(Layer):
        def build(self, in_shape):
            return LayerSpec(in_shape, in_shape)

    if method == "forward":
        Half.forward = lambda self, p, x, ws, train: x
    if method == "bind":
        Half.bind = lambda self, ws, x: x
    with pytest.raises(
        NotImplementedError, match="Half must have the methods bind and"
    ):
        gradient_of([Dense(4), Half(), Dense(2)], draw_rows(5))


def test_a_residual_block_of_dropout_alone_takes_csr():
    x, block = np.maximum(draw_rows(5), 0), Residual((Dropout(0.3),))
    expected = gradient_of([block, Dense(2)], x)
    found = gradient_of([block, Dense(2)], sparse.csr_array(x))
    assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


# -- ranges ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Dropout(1.0), r"rate of Dropout must be in \[0, 1\), got 1.0"),
        (lambda: DropConnect(Dense(2), -0.1), r"rate of DropConnect .* got -0.1"),
        (lambda: BatchNorm(momentum=0.0), r"momentum of BatchNorm .* in \(0, 1\]"),
        (lambda: BatchNorm(epsilon=0.0), r"epsilon of BatchNorm .* in \(0, inf\)"),
        (lambda: LayerNorm(epsilon=np.nan), r"epsilon of LayerNorm .* got nan"),
    ],
)
def test_ranges(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- invalid parameters ----------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        *((lambda n=n: Dense(n), "units of Dense must be a positive integer")
          for n in (0, -1, 2.5, True, None, "64")),
        *((lambda p=p: Conv2D(4, padding=p), "padding must be 'same', 'valid', a non-n")
          for p in ("full", -1, 1.5, True, None, (1,), (1, -1), [1, 1], ("same", 1))),
        *((lambda p=p: Pad(p), "padding of Pad must be a non-negative integer, a tuple")
          for p in (-1, 1.5, True, None, (1,), (1, -1), [1, 1], ((1, 2, 3), 1))),
        (lambda: Pad(1, np.inf), r"value of Pad must be in \(-inf, inf\), got inf"),
        (lambda: Scale("a"), "value of Scale must be a number, got 'a'"),
        (lambda: PReLU("a"), "slope of PReLU must be a number, got 'a'"),
        (lambda: ToImages((8, 8)), r"shape of ToImages must be .* got \(8, 8\)"),
        (lambda: ToImages([8, 8, 1]), r"shape of ToImages must be .* got \[8, 8, 1\]"),
        (lambda: ToImages((8, 8, 0)), r"shape of ToImages must be .* got \(8, 8, 0\)"),
        (lambda: Conv2D((4, 4)), r"channels of Conv2D must be .* got \(4, 4\)"),
        (lambda: Conv2D(4, (3,)), r"kernel_size must be .* tuple of two .* got \(3,\)"),
        (lambda: Conv2D(4, [3, 3]), r"kernel_size must be .* tuple of two .* got \[3,"),
        (lambda: Conv2D(4, 3, (2,)), r"stride must be .* got \(2,\)"),
        (lambda: MaxPool2D((2,)), r"size must be .* got \(2,\)"),
        (lambda: DropConnect(64, 0.5), r"dense of DropConnect must be .* got 64"),
        (lambda: Residual(Dense(64)), r"Residual must be a tuple .* got Dense"),
        (lambda: Residual([Dense(64)]), r"Residual must be a tuple .* got \["),
        (lambda: Residual(("relu",)), r"Residual must be a tuple .* got \('r"),
    ],
)  # fmt: skip
def test_invalid_parameters_are_refused_by_the_constructor(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sizes_may_be_integers_of_numpy():
    layer = Conv2D(np.int64(2), np.int64(3), np.int32(1), "valid")
    assert layer.build((1, 5, 5)).out_shape == (2, 3, 3)
    assert Conv2D(2, padding=np.int64(0)).build((1, 5, 5)).out_shape == (2, 3, 3)
    assert Dense(np.int64(3)).build((2,)).out_shape == (3,)
