"""The network: order of parameters, views, pickling, passes over many rows."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from helpers import float_dtypes, make_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sknn.network
from sknn.activations import ACTIVATIONS
from sknn.layers import ActivationLayer, Dense
from sknn.network import Network

FLOAT64 = np.dtype(np.float64)


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


def round_trip(network):
    return pickle.loads(pickle.dumps(network))


@pytest.mark.parametrize("copied", [round_trip, copy.deepcopy])
def test_copies_have_views_into_parameters_of_their_own(copied):
    network, X = make_network(5, [4, 3], 2), draw_rows(7)
    z = network.scores(X)
    other = copied(network)
    assert_array_equal(other.theta, network.theta)
    assert_array_equal(other.scores(X), z)
    other.theta[:] = 0
    assert not any(array.any() for p in other.params for array in p.values())
    assert_array_equal(other.scores(X), np.zeros((7, 2)))
    assert_array_equal(network.scores(X), z)


def test_astype():
    network = make_network(5, [4], 2)
    single = network.astype(np.float32)
    assert single.dtype == np.float32
    assert_array_equal(single.theta, network.theta.astype(np.float32))
    assert all(np.shares_memory(p["W"], single.theta) for p in single.params[::2])
    assert network.dtype == np.float64
    assert network.astype(network.dtype) is network


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
def test_layers_see_the_dtype_of_the_network(monkeypatch, make):
    network, seen = make_network(5, [4], 2, dtype=np.float32), []
    forward = network.forward

    def spy(x, ws):
        seen.append(x.dtype)
        return forward(x, ws)

    monkeypatch.setattr(network, "forward", spy)
    network.scores(make(draw_rows(6)))
    assert seen == [np.float32]


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
    network._bind(network.theta)
    assert_array_equal(network.scores(X), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays_in_every_buffer(activation, dtype):
    network = make_network(5, [4, 3], 2, activation, dtype)
    ws, grad = network.workspace(7, train=True), np.empty_like(network.theta)
    z = network.forward(draw_rows(7, dtype=dtype), ws, train=True)
    network.backward(np.ones_like(z), network.views(grad), ws)
    assert float_dtypes(network, ws, z, grad) == {np.dtype(dtype)}


def test_gradient_of_every_parameter_is_overwritten():
    network = make_network(5, [4, 3], 2)
    ws, grad = network.workspace(7, train=True), np.full_like(network.theta, np.nan)
    z = network.forward(draw_rows(7), ws, train=True)
    network.backward(np.ones_like(z), network.views(grad), ws)
    assert np.isfinite(grad).all()


def test_the_first_layer_is_not_asked_for_dx():
    asked = []

    class Spy(Dense):
        def backward(self, p, g, dy, ws, need_dx):
            asked.append(need_dx)
            return super().backward(p, g, dy, ws, need_dx)

    layers = [Spy(4), ActivationLayer(ACTIVATIONS["tanh"]), Spy(2)]
    network = Network(layers, (5,), FLOAT64)
    ws = network.workspace(7, train=True)
    z = network.forward(draw_rows(7), ws, train=True)
    network.backward(z, network.views(np.empty_like(network.theta)), ws)
    assert asked == [True, False]
