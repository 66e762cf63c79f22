"""The network: order of parameters, views, pickling, passes over many rows."""

import copy
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import (
    ARCHITECTURES,
    assert_gradient,
    float_dtypes,
    make_network,
    network_of,
    training_pass,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sknn.network
from sknn.activations import ACTIVATIONS
from sknn.layers import Activation, BatchNorm, Dense, Dropout
from sknn.network import Network

FLOAT64 = np.dtype(np.float64)

all_architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


def draw_rows(n, n_features=5, dtype=np.float64):
    return np.random.RandomState(1).normal(size=(n, n_features)).astype(dtype)


def plain_scores(network, X):
    """Raw scores of a multi-layer perceptron with tanh, from its parameters."""
    *hidden, last = [p for p in network.params if p]
    for p in hidden:
        X = np.tanh(X @ p["W"] + p["b"])
    return X @ last["W"] + last["b"]


def test_parameters_that_decay_come_first():
    network = make_network(3, [2], 1)
    assert network.theta.shape == (3 * 2 + 2 * 1 + 2 + 1,)
    assert network.n_decay == 3 * 2 + 2 * 1
    network.theta[:] = np.arange(11)
    first, activation, second = network.params
    assert_array_equal(first["W"], [[0, 1], [2, 3], [4, 5]])
    assert_array_equal(second["W"], [[6], [7]])
    assert_array_equal(first["b"], [8, 9])
    assert_array_equal(second["b"], [10])
    assert activation == {}


@all_architectures
def test_weights_and_nothing_else_decays(architecture):
    network = make_network(5, architecture, 2)
    network.theta[:] = np.arange(network.theta.size) < network.n_decay
    for i, name, shape in network.shapes:
        is_weight = name.split(".")[-1] == "W"
        assert_array_equal(network.params[i][name], np.full(shape, is_weight))


def test_initialize_draws_layer_by_layer_in_float64():
    network = make_network(3, [2], 1, dtype=np.float32, seed=5)
    rng = np.random.RandomState(5)
    for p, fans in zip(network.params[::2], [3 + 2, 2 + 1], strict=True):
        bound = np.sqrt(6 / fans)
        for name in ("W", "b"):
            drawn = rng.uniform(-bound, bound, p[name].shape)
            assert_array_equal(p[name], drawn.astype(np.float32))


def test_shapes_are_readable_without_running():
    network = make_network(3, [4, 2], 1)
    assert (network.in_shape, network.out_shape) == ((3,), (1,))
    shapes = [spec.out_shape for spec in network.specs]
    assert shapes == [(4,), (4,), (2,), (2,), (1,)]
    assert network.n_layers == 4
    assert network.largest_product == 12
    assert Network([], (3,), FLOAT64).largest_product == 0


def trained_network(architecture, dtype=np.float64):
    """A network whose state is no longer the first."""
    network = make_network(5, architecture, 2, dtype=dtype)
    training_pass(network, draw_rows(9, dtype=dtype))
    return network


def round_trip(network):
    return pickle.loads(pickle.dumps(network))


@all_architectures
@pytest.mark.parametrize("copied", [round_trip, copy.deepcopy])
def test_copies_have_views_into_parameters_and_state_of_their_own(copied, architecture):
    network, X = trained_network(architecture), draw_rows(7)
    z = network.scores(X)
    other = copied(network)
    assert_array_equal(other.theta, network.theta)
    assert_array_equal(other.state, network.state)
    assert_array_equal(other.scores(X), z)
    other.theta[:] = other.state[:] = 0
    assert not any(array.any() for p in other.params for array in p.values())
    assert_array_equal(other.scores(X), np.zeros((7, 2)))
    assert_array_equal(network.scores(X), z)


@all_architectures
def test_astype(architecture):
    network = trained_network(architecture)
    single = network.astype(np.float32)
    assert single.dtype == np.float32
    for array, double in ((single.theta, network.theta), (single.state, network.state)):
        assert_array_equal(array, double.astype(np.float32))
    single.theta[:] = single.state[:] = 0
    assert not any(array.any() for p in single.params for array in p.values())
    assert network.dtype == np.float64
    assert network.theta.any()
    assert network.astype(network.dtype) is network


def test_state_has_its_initial_value_and_follows_the_batches():
    network, x = network_of([BatchNorm(), Dense(2)], 5), draw_rows(9)
    assert_array_equal(network.state, [0] * 5 + [1] * 5)
    training_pass(network, x)
    assert_allclose(network.params[0]["mean"], 0.1 * x.mean(axis=0), rtol=1e-13)
    assert np.shares_memory(network.params[0]["mean"], network.state)
    network.scores(x)
    assert_allclose(network.state[:5], 0.1 * x.mean(axis=0), rtol=1e-13)


@all_architectures
def test_restore_brings_a_snapshot_back_in_place(architecture):
    network, X = trained_network(architecture), draw_rows(7)
    theta, state, z = network.theta, network.state, network.scores(X)
    snapshot = network.snapshot()
    training_pass(network, X)
    theta += 1
    network.restore(snapshot)
    assert_array_equal(network.scores(X), z)
    assert network.theta is theta
    assert network.state is state
    theta[:] = state[:] = np.nan
    assert all(np.isfinite(array).all() for array in snapshot)


@all_architectures
def test_threads_that_predict_agree(architecture):
    network, X = trained_network(architecture), draw_rows(2000)
    expected = network.scores(X)
    with ThreadPoolExecutor(2) as pool:
        for scores in pool.map(network.scores, [X] * 20):
            assert_array_equal(scores, expected)


def test_pickles_to_its_parameters():
    network = make_network(100, [100], 10)
    network.scores(draw_rows(1000, 100))
    assert len(pickle.dumps(network)) < 1.02 * network.theta.nbytes


def test_scores_are_those_of_the_formula():
    network, X = make_network(5, [4, 3], 2), draw_rows(7)
    assert_allclose(network.scores(X), plain_scores(network, X), rtol=1e-12)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_slice_by_slice(monkeypatch, make, dtype):
    network = make_network(5, [4, 3], 2, dtype=dtype)
    X = make(draw_rows(23))
    rows = np.array([20, 3, 3, 11, 0, 7])
    whole = network.scores(X)
    assert whole.dtype == dtype
    row_size = 5 + 4 + 4 + 3 + 3 + 2
    monkeypatch.setattr(sknn.network, "CACHED", 0)
    monkeypatch.setattr(sknn.network, "ROWS_BUFFER", 5 * row_size)
    assert network.rows_per_pass(23) == 5
    parts = [part for part, _ in network.passes(X)]
    assert [X[part].shape[0] for part in parts] == [5, 5, 5, 5, 3]
    rtol = 100 * np.finfo(dtype).eps
    assert_allclose(network.scores(X), whole, rtol=rtol)
    assert_allclose(network.scores(X, rows), whole[rows], rtol=rtol)
    monkeypatch.setattr(sknn.network, "ROWS_BUFFER", 1)
    assert_allclose(network.scores(X), whole, rtol=rtol)


def test_scores_of_no_rows():
    network = make_network(5, [4], 2)
    assert network.scores(draw_rows(0)).shape == (0, 2)
    assert network.scores(draw_rows(3), np.array([], int)).shape == (0, 2)


def test_memory_of_scores_is_bounded(monkeypatch):
    monkeypatch.setattr(sknn.network, "CACHED", 0)
    monkeypatch.setattr(sknn.network, "ROWS_BUFFER", 2**14)
    network, X = make_network(50, [20], 1, dtype=np.float32), draw_rows(40_000, 50)
    for rows in (None, np.arange(len(X))):
        tracemalloc.start()
        network.scores(X, rows)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert X.nbytes == 16_000_000
        assert peak < 1_000_000


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_layers_see_the_dtype_of_the_network(make):
    seen = []

    class Spy(Dense):
        def bind(self, ws, x):
            seen.append(x.dtype)
            return super().bind(ws, x)

    class SpyAtOnce(Dense):
        def forward(self, p, x, ws, train):
            seen.append(x.dtype)
            return super().forward(p, x, ws, train)

    for layers in ([Spy(4), SpyAtOnce(2)], [SpyAtOnce(4), Spy(2)]):
        network_of(layers, 5, dtype=np.float32).scores(make(draw_rows(6)))
    assert seen == [np.float32] * 4


def test_bytes_are_fractions_of_255():
    network, X = make_network(5, [4], 2), np.arange(30, dtype=np.uint8).reshape(6, 5)
    assert_allclose(network.scores(X), network.scores(X / 255), rtol=1e-12)


def test_calls_do_not_share_buffers():
    network, X = make_network(5, [4], 2), draw_rows(6)
    _, z = next(network.passes(X))
    before = z.copy()
    _, other = next(network.passes(-X))
    assert (other != before).all()
    assert_array_equal(z, before)


def test_memory_mapped_parameters_and_rows_can_be_used():
    network, X = make_network(5, [4], 2), draw_rows(6)
    expected = network.scores(X)
    network.theta.flags.writeable = X.flags.writeable = False
    network._bind(network.theta, network.state)
    assert_array_equal(network.scores(X), expected)


@all_architectures
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays_in_every_buffer(architecture, activation, dtype):
    network = make_network(5, architecture, 2, activation, dtype)
    w = np.ones(7, dtype)
    bound, z = training_pass(network, draw_rows(7, dtype=dtype), w)
    grad = np.full_like(network.theta, np.nan)
    bound.bind_backward(np.ones_like(z), network.views(grad))
    bound.backward()
    assert np.isfinite(grad).all()
    assert float_dtypes(network, bound, z, grad) == {np.dtype(dtype)}


@pytest.mark.parametrize("method", ["backward", "bind_backward"])
def test_nothing_in_front_of_the_first_trained_layer_is_asked_for_a_gradient(method):
    asked = []

    def spy(self, *args):
        asked.append(args[-1])
        return getattr(Dense, method)(self, *args)

    def nobody_needs_this(self, *args):
        pytest.fail("nobody needs this gradient")

    Spy = type("Spy", (Dense,), {method: spy})
    InputDropout = type("InputDropout", (Dropout,), {method: nobody_needs_this})
    tanh = Activation(ACTIVATIONS["tanh"])
    for first in ([], [InputDropout(0.2)]):
        network = network_of([*first, Spy(4), tanh, Spy(2)], 5)
        bound, z = training_pass(network, draw_rows(7))
        bound.bind_backward(z, network.views(np.empty_like(network.theta)))
        bound.backward()
        assert asked == [True, False]
        asked.clear()


# -- gradients of the input ------------------------------------------------------------


@all_architectures
@pytest.mark.parametrize("frozen", [False, True])
def test_input_gradients_are_those_of_the_prediction(architecture, frozen):
    rates = None
    if frozen:
        rates = [0.0] * len(make_network(5, architecture, 2).layers)
    network = make_network(5, architecture, 2, rates=rates)
    X, v = draw_rows(7), np.random.RandomState(1).normal(size=(7, 2))

    def derivative(z, rows, dz):
        dz[:] = v[rows] * np.cos(z)

    dx = network.input_gradients(X, derivative)
    assert dx.shape == X.shape
    assert_gradient(lambda X: np.vdot(v, np.sin(network.scores(X))), X, dx)


def test_input_gradients_change_nothing_and_are_computed_in_slices(monkeypatch):
    network, X = trained_network("residual"), draw_rows(23)
    theta, state = network.snapshot()
    seen = []

    def first(z, rows, dz):
        seen.append(rows)
        dz[:] = [1, 0]

    whole = network.input_gradients(X, first)
    monkeypatch.setattr(Network, "rows_per_pass", lambda self, n: 10)
    assert_allclose(network.input_gradients(X, first), whole, rtol=1e-12)
    assert seen == [slice(0, 23), slice(0, 10), slice(10, 20), slice(20, 23)]
    assert_array_equal(network.theta, theta)
    assert_array_equal(network.state, state)
    assert network.rates == (1.0,) * len(network.layers)
    assert network.input_gradients(X[:0], first).shape == (0, 5)


@all_architectures
def test_a_network_can_be_split(architecture):
    network, X = trained_network(architecture), draw_rows(7)
    for at in range(len(network.layers)):
        head, tail = network.split(at)
        z = tail.scores(head.scores(X))
        assert_allclose(z, network.scores(X), rtol=1e-13, atol=1e-14)
        assert not np.shares_memory(tail.theta, network.theta)
