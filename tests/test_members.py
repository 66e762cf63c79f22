"""Layers with members: PyTorch, networks alone, initial values, threads."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn._arrays import batch_empty
from sknn._kernels import set_threads
from sknn._member_loss import MeanOverMembers
from sknn.initializers import Orthogonal
from sknn.layers import (
    Activation,
    BatchEnsembleDense,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Ensemble,
    Flatten,
    LayerNorm,
    MemberDense,
    ParametricActivation,
    PReLU,
    Residual,
    ToMembers,
    Training,
)
from sknn.losses import HalfSquaredError
from sknn.network import Network
from sknn.objective import Objective
from sknn.sequential import SequentialRegressor

N, K, D = 7, 3, 5
TANH = Activation("tanh")


def network_of(layers, dtype=np.float64, seed=0):
    network = Network(layers, (D,), np.dtype(dtype))
    network.initialize(np.random.RandomState(seed))
    network.theta += 0.1 * np.random.RandomState(1).normal(size=network.theta.shape)
    return network


def rows(n=N):
    return np.random.RandomState(2).normal(size=(n, D))


def gradient(network, x, y, loss):
    objective = Objective(network, loss, alpha=0.0)
    value = objective.loss_gradient(x.astype(network.dtype), y, None)
    return value, objective.grad


# -- the layers in PyTorch ------------------------------------------------------------


def dense_in_torch(torch, x, p):
    return torch.einsum("nki,kio->nko", x, p["W"]) + p["b"]


def batch_ensemble_in_torch(torch, x, p):
    return torch.einsum("nki,io->nko", x * p["r"], p["W"]) * p["s"] + p["b"]


TORCH = [
    (MemberDense(4), dense_in_torch),
    (
        MemberDense(4, parametrization="ntp"),
        lambda torch, x, p: dense_in_torch(torch, x, {**p, "W": p["W"] / D**0.5}),
    ),
    (BatchEnsembleDense(4, None, "random_signs", "normal"), batch_ensemble_in_torch),
    (
        LayerNorm(),
        lambda torch, x, p: (
            torch.nn.functional.layer_norm(x, (D,)) * p["gamma"] + p["beta"]
        ),
    ),
    (
        PReLU(),
        lambda torch, x, p: x.clamp(min=0) + p["a"] * x.clamp(max=0),
    ),
    (
        ParametricActivation("mish"),
        lambda torch, x, p: x + p["alpha"] * (torch.nn.functional.mish(x) - x),
    ),
    (
        ParametricActivation("selu"),
        lambda torch, x, p: x + p["alpha"] * (torch.nn.functional.selu(x) - x),
    ),
]
"""Layers, each with the same function in PyTorch."""


@pytest.mark.parametrize("layer, f", TORCH, ids=[repr(case[0]) for case in TORCH])
@pytest.mark.parametrize("first", [[], [MemberDense(D), TANH]], ids=["copies", "own"])
def test_gradients_are_those_of_torch(layer, f, first):
    torch = pytest.importorskip("torch")
    network = network_of([ToMembers(K), *first, layer, TANH, Flatten()])
    specs = [
        {
            name: torch.tensor(array.copy(), requires_grad=True)
            for name, array in p.items()
        }
        for p in network.params
    ]
    x = torch.tensor(rows())[:, None].expand(N, K, D)
    for p in specs[1:-2]:
        inner = p is specs[-3]
        x = f(torch, x, p) if inner else dense_in_torch(torch, x, p) if p else x.tanh()
    z = x.tanh().reshape(N, -1)
    assert_allclose(network.scores(rows()), z.detach(), rtol=1e-11)
    y = np.random.RandomState(3).normal(size=z.shape)
    (0.5 * (z - torch.tensor(y)) ** 2).sum().backward()
    _, grad = gradient(network, rows(), y, HalfSquaredError())
    for views, p in zip(network.views(grad * N), specs, strict=True):
        for name, array in views.items():
            assert_allclose(array, p[name].grad, rtol=1e-9, atol=1e-11)


# -- members and networks alone -------------------------------------------------------

ALONE = {
    "plain": lambda dense: [dense(6), TANH, dense(4), TANH, dense(2)],
    "ntp": lambda dense: [
        *(dense(6, parametrization="ntp"), ParametricActivation("mish")),
        dense(2, parametrization="ntp"),
    ],
    "normalized": lambda dense: [dense(6), LayerNorm(), PReLU(), dense(2)],
    "batch norm": lambda dense: [dense(6), BatchNorm(), TANH, dense(2)],
    "residual": lambda dense: [dense(6), Residual((TANH, dense(6))), TANH, dense(2)],
}


def members_and_alone(make, dtype=np.float64):
    members = network_of([ToMembers(K), *make(MemberDense), Flatten()], dtype)
    alone = []
    for i in range(K):
        alone.append(network_of(make(Dense), dtype))
        for ours, p in zip(alone[-1].params, members.params[1:-1], strict=True):
            for name, array in ours.items():
                array[...] = p[name][i]
    return members, alone


@pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_member_is_trained_like_a_network_alone(make, dtype):
    """Steps of gradient descent on the loss with penalty."""
    members, alone = members_and_alone(make, dtype)
    y = np.random.RandomState(3).normal(size=(N, 2)).astype(dtype)
    x, rate = rows().astype(dtype), 0.1
    loss = MeanOverMembers(HalfSquaredError(), K, independent=True)
    objective = Objective(members, loss, alpha=0.3)
    each = [Objective(network, HalfSquaredError(), alpha=0.3) for network in alone]
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    for _ in range(5):
        objective.loss_gradient(x, y, None)
        members.theta -= rate * objective.grad
        for one, network in zip(each, alone, strict=True):
            one.loss_gradient(x, y, None)
            network.theta -= rate * one.grad
    scores = members.scores(x).reshape(N, K, 2)
    for i, network in enumerate(alone):
        assert_allclose(scores[:, i], network.scores(x), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("dense", [MemberDense, BatchEnsembleDense])
def test_threads_change_nothing(threads, dense):
    layers = [
        *(ToMembers(K), dense(40), TANH, dense(40), ParametricActivation("selu")),
        *(LayerNorm(), dense(2), Flatten()),
    ]
    x, y = rows(1500), np.zeros((1500, 2))
    loss = MeanOverMembers(HalfSquaredError(), K)
    expected = gradient(network_of(layers), x, y, loss)
    before = set_threads(threads)
    try:
        found = gradient(network_of(layers), x, y, loss)
    finally:
        set_threads(before)
    assert_allclose(found[0], expected[0], rtol=1e-12)
    assert_allclose(found[1], expected[1], rtol=1e-10, atol=1e-13)


def test_the_rows_of_a_member_are_one_matrix():
    x = batch_empty(N, (K, D), np.dtype(float))
    assert x.shape == (N, K, D)
    assert all(x[:, i].flags.c_contiguous for i in range(K))
    network = network_of([ToMembers(K), MemberDense(4), TANH, Dropout(0.5)])
    bound = network.bind(rows(), Training(np.random.default_rng(0)))
    assert all(bound.z[:, i].flags.c_contiguous for i in range(K))


def test_members_are_not_copies_of_the_rows():
    bound = network_of([ToMembers(K)]).bind(rows())
    assert np.shares_memory(bound.z, bound.x)


# -- initial values -------------------------------------------------------------------


def initial(layer, in_shape=(K, D)):
    network = Network([layer], in_shape, np.dtype(float))
    network.initialize(np.random.RandomState(0))
    return network.params[0]


def test_members_are_drawn_independently():
    W = initial(MemberDense(4, Orthogonal()))["W"]
    for i in range(K):
        assert_allclose(W[i].T @ W[i], np.eye(4), atol=1e-12)
    p = initial(MemberDense(500, parametrization="ntp"), (2, 500))
    assert abs(np.corrcoef(p["W"].reshape(2, -1))[0, 1]) < 0.01
    assert abs(np.corrcoef(p["b"])[0, 1]) < 0.2
    assert_allclose(p["W"].std(axis=(1, 2)), 1, rtol=0.01)
    assert_allclose(p["b"].std(axis=1), 1, rtol=0.1)


def test_a_batch_ensemble_starts_as_in_tabm():
    p = initial(BatchEnsembleDense(4000, input_scales="random_signs"), (K, 25))
    assert [*p] == ["W", "b", "r", "s"]
    for array in p["W"], p["b"]:
        assert abs(array).max() <= 0.2
        assert_allclose(array.std(), 0.2 / np.sqrt(3), rtol=0.05)
    assert_array_equal(p["b"], np.broadcast_to(p["b"][0], p["b"].shape))
    assert_array_equal(p["s"], np.ones((K, 4000)))
    assert_array_equal(np.unique(p["r"]), [-1, 1])
    assert (p["r"][0] != p["r"][1]).any()
    p = initial(BatchEnsembleDense(4000, output_scales="normal"))
    assert_array_equal(p["r"], np.ones((K, D)))
    assert_allclose(p["s"].std(axis=1), 1, rtol=0.05)


def test_the_penalty_applies_to_weights_only():
    for layer in MemberDense(4), BatchEnsembleDense(4):
        params = layer.build((K, D)).params
        assert {name for name, param in params.items() if param.decay} == {"W"}


# -- in an estimator ------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_list_of_layers_can_hold_members():
    X = np.random.RandomState(0).normal(size=(200, D))
    y = np.sin(X[:, 0]) + X[:, 1]
    layers = [
        ToMembers(4),
        BatchEnsembleDense(16, input_scales="random_signs"),
        Activation("relu"),
        MemberDense(16, parametrization="ntp", data_driven=True),
        ParametricActivation("selu"),
        Flatten(),
    ]
    net = SequentialRegressor(layers, max_iter=100, random_state=0).fit(X, y)
    assert net.score(X, y) > 0.8


# -- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: ToMembers(0), "n_members of ToMembers must be a .* got 0"),
        (lambda: MemberDense(-1), "units of MemberDense must be a positive .* got -1"),
        (lambda: BatchEnsembleDense(0), "units of BatchEnsembleDense .* got 0"),
        (lambda: BatchEnsembleDense(2, input_scales="sign"),
         r"input_scales of BatchEnsembleDense must .*\['normal', .* got 'sign'"),
        (lambda: BatchEnsembleDense(2, output_scales=1.0), "output_scales .* got 1.0"),
        (lambda: ToMembers(3).build((2, 3)), r"needs rows .* got the shape \(2, 3\)"),
        (lambda: MemberDense(3).build((5,)), r"needs members, .* Put ToMembers"),
        (lambda: BatchEnsembleDense(3).build((5,)), r"needs members, .* shape \(5,\)"),
        (lambda: Dense(3).build((3, 5)), "got members of .* Use MemberDense instead"),
        (lambda: Dense(3, parametrization="ntk"),
         "parametrization of Dense must be 'standard' or 'ntp', got 'ntk'"),
        (lambda: MemberDense(3, data_driven=1), "data_driven of Member.* got 1"),
        (lambda: ParametricActivation("prelu"), "function of ParametricAct"),
        (lambda: ParametricActivation("relu", np.inf), "initial of .* got inf"),
        (lambda: Residual((ToMembers(3),)).build((5,)), "must keep height and width"),
    ],
)  # fmt: skip
def test_invalid_parameters_and_shapes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- Ensemble -------------------------------------------------------------------------


def test_an_ensemble_computes_what_its_members_do():
    layers = (Dense(6), TANH, Dense(3))
    networks = [network_of(layers, seed=seed) for seed in range(K)]
    ensemble = Ensemble(layers, K)
    together = network_of([ensemble])
    for views, network in zip(
        ensemble.members(together.params[0]), networks, strict=True
    ):
        for view, p in zip(views, network.params, strict=True):
            for name, array in p.items():
                view[name][...] = array
    x = rows()
    y = together.scores(x)
    assert y.shape == (len(x), K, 3)
    for i, network in enumerate(networks):
        assert_allclose(y[:, i], network.scores(x), rtol=1e-12)


def test_the_members_of_an_ensemble_start_apart():
    together = network_of([Ensemble((Dense(4, data_driven=True),), 2)])
    first, second = Ensemble((Dense(4),), 2).members(together.params[0])
    assert not np.allclose(first[0]["W"], second[0]["W"])


@pytest.mark.parametrize(
    "params, message",
    [
        (((), 0), "n_members of Ensemble must be a positive integer, got 0"),
        (("relu", 2), "layers of Ensemble must be a tuple of layers"),
        (((Conv2D(2),), 2), "must put out rows of numbers"),
    ],
)
def test_what_an_ensemble_cannot_hold(params, message):
    with pytest.raises(ValueError, match=message):
        Ensemble(*params).build((2, 5, 5))
