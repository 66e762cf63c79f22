"""Embeddings of categories and of numbers: PyTorch, closed forms, edge cases."""

import numpy as np
import pytest
from helpers import network_of
from numpy.testing import assert_allclose, assert_array_equal

from sknn import SequentialRegressor
from sknn.layers import (
    Activation,
    CategoricalEmbedding,
    Dense,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Training,
)

N = 70


def draw(*shape, seed=0, dtype=np.float64):
    return np.random.RandomState(seed).normal(size=shape).astype(dtype)


def network_for(layer, x, rows=None):
    """A network of one layer, adapted to `rows` or `x`; parameters are N(0, 1)."""
    network = network_of([layer], x.shape[1], x.dtype)
    network.initialize(np.random.RandomState(0), x if rows is None else rows)
    network.theta[:] = draw(network.theta.size, dtype=x.dtype)
    return network


def passes(layer, network, x, dy=None):
    """Output, gradients of the parameters, and dx, for ``dy = 1`` by default."""
    (spec,), (p,) = network.specs, network.params
    training = Training(np.random.default_rng(0))
    ws = layer.workspace(spec, len(x), network.dtype, training)
    y = layer.forward(p, x, ws, train=True)
    (g,) = network.views(np.full_like(network.theta, np.nan))
    dy = np.ones_like(y) if dy is None else dy.copy()
    return y, g, layer.backward(p, g, dy, ws, need_dx=True)


def assert_as_in_torch(layer, network, x, compute):
    """Compare with autograd; `compute` maps tensors x and a dict p to y."""
    torch = pytest.importorskip("torch")
    tensors = {
        name: torch.tensor(v.copy(), requires_grad=name in network.specs[0].params)
        for name, v in network.params[0].items()
    }
    x_torch = torch.tensor(x, requires_grad=True)
    expected = compute(torch, x_torch, tensors)
    dy = draw(*expected.shape, seed=3, dtype=x.dtype)
    expected.backward(torch.tensor(dy))
    y, g, dx = passes(layer, network, x, dy)
    tolerance = {"rtol": 1e-10, "atol": 1e-11}
    if x.dtype == np.float32:
        tolerance = {"rtol": 1e-4, "atol": 1e-4}
    assert_allclose(y, expected.detach(), **tolerance)
    assert_allclose(dx, x_torch.grad, **tolerance)
    for name in network.specs[0].params:
        if g[name].size:
            assert_allclose(g[name], tensors[name].grad, err_msg=name, **tolerance)


both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# -- categories -----------------------------------------------------------------------


def draw_codes(n_categories, dtype=np.float64):
    rng = np.random.RandomState(1)
    return np.stack([rng.randint(k, size=N) for k in n_categories], 1).astype(dtype)


@both_dtypes
def test_categories_as_in_torch(dtype):
    layer = CategoricalEmbedding((3, 0, 4), (5, 1, 12), 6)
    x = draw(N, 6, dtype=dtype)
    x[:, [3, 0, 4]] = draw_codes((5, 1, 12), dtype)

    def compute(torch, x, p):
        tables = torch.split(p["E"], [5, 1, 12])
        embed = torch.nn.functional.embedding
        vectors = [
            embed(x[:, j].detach().long(), E)
            for j, E in zip((3, 0, 4), tables, strict=True)
        ]
        return torch.cat([x[:, [1, 2, 5]], *vectors], dim=1)

    torch = pytest.importorskip("torch")
    network = network_for(layer, x)
    assert_as_in_torch(layer, network, x, compute)
    assert compute(torch, torch.tensor(x), {"E": torch.zeros(18, 6)}).shape == (N, 21)


def test_unknown_codes_are_those_of_the_nearest_category():
    layer = CategoricalEmbedding((0,), (3,), 2)
    codes = np.array([-5, -0.5, np.nan, -np.inf, 0, 0.9, 1, 2, 2.7, 3, 1e30, np.inf])
    x = np.stack([codes, draw(len(codes))], 1)
    network = network_for(layer, x)
    y, g, dx = passes(layer, network, x)
    expected = [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]
    assert_array_equal(y[:, 0], x[:, 1])
    assert_array_equal(y[:, 1:], network.params[0]["E"][expected])
    assert_array_equal(g["E"], np.bincount(expected)[:, np.newaxis] * np.ones(2))
    assert_array_equal(dx, np.tile([0.0, 1.0], (len(x), 1)))


def test_vectors_of_categories_are_drawn_from_the_normal_distribution():
    network = network_of([CategoricalEmbedding((0,), (5000,), 8)], 1)
    E = network.params[0]["E"]
    assert abs(E.mean()) < 0.02
    assert abs(E.std() - 1) < 0.02


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: CategoricalEmbedding([0], (2,)), r"columns of Cat.* got \[0\]"),
        (lambda: CategoricalEmbedding((-1,), (2,)), r"non-negative .* got \(-1,\)"),
        (lambda: CategoricalEmbedding((0, 0), (2, 2)), r"must differ .* got \(0, 0\)"),
        (lambda: CategoricalEmbedding((0,), (0,)), r"n_categories .* got \(0,\)"),
        (lambda: CategoricalEmbedding((0,), (2, 3)), r"of the 1 columns, got \(2, 3\)"),
        (lambda: CategoricalEmbedding((0,), (2,), 0), "size of CategoricalEmbedding"),
        (lambda: PeriodicEmbedding(-1), "n_columns of PeriodicEmbedding .* got -1"),
        (lambda: PeriodicEmbedding(frequencies=0), "frequencies of PeriodicEmbedding"),
        (lambda: PeriodicEmbedding(size=1.5), "size of PeriodicEmbedding .* got 1.5"),
        (lambda: PeriodicEmbedding(sigma=-1), "sigma of PeriodicEmbedding .* got -1"),
        (lambda: PiecewiseLinearEmbedding(True), "n_columns of Piecewise.* got True"),
        (lambda: PiecewiseLinearEmbedding(n_bins=0), "n_bins of Piecewise.* got 0"),
    ],
)
def test_invalid_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "layer",
    [
        CategoricalEmbedding((1, 4), (2, 2)),
        PeriodicEmbedding(5),
        PiecewiseLinearEmbedding(5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("in_shape", [(4,), (3, 8, 8)])
def test_rows_that_do_not_have_the_columns_are_refused(layer, in_shape):
    with pytest.raises(ValueError, match=r"needs rows .* 5 .*, got rows of shape \("):
        layer.build(in_shape)


@pytest.mark.parametrize(
    "layer",
    [
        CategoricalEmbedding((), ()),
        PeriodicEmbedding(0),
        PiecewiseLinearEmbedding(0),
    ],
    ids=repr,
)
def test_without_columns_to_embed_rows_pass_through(layer):
    x = draw(N, 3)
    network = network_for(layer, x)
    assert network.theta.size == 0
    y, _, dx = passes(layer, network, x)
    assert_array_equal(y, x)
    assert_array_equal(dx, np.ones_like(x))


# -- periodic -------------------------------------------------------------------------


def periodic(torch, x, p):
    """PBLD as pytabkit defines it, in turns of the frequencies, radians of the bias."""
    m = len(p["w"])
    z = 2 * torch.pi * x[:, :m].T[:, :, None] @ p["w"][:, None] + p["b"][:, None]
    e = torch.cos(z) @ p["W"] + p["c"][:, None]
    return torch.cat([e.transpose(0, 1).reshape(len(x), -1), x], dim=1)


@both_dtypes
@pytest.mark.parametrize("n_columns", [None, 3, 0])
@pytest.mark.parametrize("frequencies, size", [(16, 3), (5, 9)])
def test_periodic_as_in_torch(n_columns, frequencies, size, dtype):
    layer, x = PeriodicEmbedding(n_columns, frequencies, size), draw(N, 5, dtype=dtype)
    assert_as_in_torch(layer, network_for(layer, x), x, periodic)


def test_periodic_initial_values():
    layer = PeriodicEmbedding(frequencies=25, sigma=0.3)
    (p,) = network_of([layer], 2000).params
    assert abs(p["w"].std() / 0.3 - 1) < 0.02
    for name, bound in ("b", np.pi), ("W", 0.2), ("c", 0.2):
        assert 0.99 * bound < np.abs(p[name]).max() <= bound
        assert abs(p[name].std() / bound - 1 / np.sqrt(3)) < 0.01
    decay = {name: param.decay for name, param in layer.build((3,)).params.items()}
    assert decay == {"w": True, "b": False, "W": True, "c": False}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_periodic_embeddings_learn_fast_oscillations():
    x = np.random.RandomState(0).uniform(-1, 1, (500, 1))
    y = np.sin(20 * x[:, 0])
    hidden = [Dense(32), Activation("relu")]
    scores = [
        SequentialRegressor(
            [*first, *hidden], learning_rate_init=0.01, max_iter=60, random_state=0
        )
        .fit(x, y)
        .score(x, y)
        for first in ([], [PeriodicEmbedding(sigma=2.0)])
    ]
    assert scores[0] < 0.5
    assert scores[1] > 0.95


# -- piecewise linear -----------------------------------------------------------------


def rows_with_ties(dtype=np.float64):
    """Columns of many, few, two and one different values, and one more."""
    x = draw(N, 5, seed=2, dtype=dtype)
    x[:, 1] = np.round(x[:, 1])
    x[:, 2] = x[:, 2] > 0
    x[:, 3] = 1.5
    return x


def piecewise(rows, n_bins, columns):
    """The formula of rtdl_num_embeddings, version B, without its padding."""

    def compute(torch, x, p):
        at = torch.linspace(0, 1, n_bins + 1, dtype=torch.float64)
        outputs = []
        for j in range(columns):
            edges = torch.quantile(torch.tensor(rows[:, j]).double(), at)
            edges = edges.to(x.dtype).unique()
            e = x[:, j, None] * p["w"][j] + p["b"][j]
            t = (x[:, j, None] - edges[:-1]) / edges.diff()
            last = t.shape[1] - 1
            low = [-np.inf if k == 0 else 0.0 for k in range(last + 1)]
            high = [np.inf if k == last else 1.0 for k in range(last + 1)]
            t = torch.minimum(torch.maximum(t, t.new_tensor(low)), t.new_tensor(high))
            outputs.append(e + t @ p["V"][j, : last + 1])
        return torch.cat([*outputs, x[:, columns:]], dim=1)

    return compute


@both_dtypes
@pytest.mark.parametrize("n_columns", [None, 4, 0])
@pytest.mark.parametrize("n_bins, size", [(48, 16), (1, 5), (7, 2)])
def test_piecewise_linear_as_in_torch(n_columns, n_bins, size, dtype):
    layer, rows = (
        PiecewiseLinearEmbedding(n_columns, n_bins, size),
        rows_with_ties(dtype),
    )
    x = 2 * draw(N, 5, seed=4, dtype=dtype)  # not at the edges, where there is a kink
    m = 5 if n_columns is None else n_columns
    network = network_for(layer, x, rows)
    assert_as_in_torch(layer, network, x, piecewise(rows, n_bins, m))


def test_piecewise_linear_at_the_edges_as_in_torch():
    layer, rows = PiecewiseLinearEmbedding(n_bins=9), rows_with_ties()
    torch, network = pytest.importorskip("torch"), network_for(layer, rows)
    tensors = {name: torch.tensor(v) for name, v in network.params[0].items()}
    expected = piecewise(rows, 9, 5)(torch, torch.tensor(rows), tensors)
    assert_allclose(passes(layer, network, rows)[0], expected, rtol=1e-11, atol=1e-12)


def test_piecewise_linear_as_in_the_package_of_its_authors():
    torch = pytest.importorskip("torch")
    rtdl = pytest.importorskip("rtdl_num_embeddings")
    rows, x = draw(N, 2, seed=2), draw(N, 2, seed=4)
    layer = PiecewiseLinearEmbedding(n_bins=20, size=4)
    network = network_for(layer, x, rows)
    bins = rtdl.compute_bins(torch.tensor(rows), 20)
    module = rtdl.PiecewiseLinearEmbeddings(bins, 4, activation=False, version="B")
    (p,) = network.params
    module.linear0.weight.data = torch.tensor(p["w"])
    module.linear0.bias.data = torch.tensor(p["b"])
    module.linear.weight.data = torch.tensor(p["V"][:, : module.linear.weight.shape[1]])
    expected = module(torch.tensor(x)).flatten(1).detach()
    # Its quantiles are those of a grid in float32.
    assert_allclose(passes(layer, network, x)[0], expected, rtol=1e-5, atol=1e-5)


def test_piecewise_linear_is_linear_at_first_and_where_there_are_no_bins():
    layer, x = PiecewiseLinearEmbedding(size=4), rows_with_ties()
    network = network_of([layer], 5)
    network.initialize(np.random.RandomState(0), x)
    (p,) = network.params
    linear = x[:, :, np.newaxis] * p["w"] + p["b"]
    assert_allclose(network.scores(x), linear.reshape(N, -1), rtol=1e-13, atol=1e-15)
    assert np.abs(p["w"]).max() <= 0.5
    p["V"][:] = 1
    changed = (network.scores(x + 0.1) - network.scores(x)).reshape(N, 5, 4)
    assert_allclose(changed[:, 3], np.tile(0.1 * p["w"][3], (N, 1)), rtol=1e-10)


def test_bins_lie_between_the_different_quantiles_of_the_training_rows():
    x = np.array([[0.0, 0.0, 5.0]] * 2 + [[1.0, 1.0, 5.0]] + [[4.0, 1.0, 5.0]])
    network = network_of([PiecewiseLinearEmbedding(n_bins=3)], 3)
    network.initialize(np.random.RandomState(0), x)
    p, inf = network.params[0], np.finfo(float).max
    assert_allclose(p["left"], [[0, 1, inf], [0, inf, inf], [5, inf, inf]])
    assert_allclose(p["scale"], [[1, 1 / 3, 0], [1, 0, 0], [0, 0, 0]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_piecewise_linear_embeddings_learn_steps():
    x = np.random.RandomState(0).uniform(-1, 1, (500, 1))
    y = np.floor(8 * x[:, 0]) % 2
    net = SequentialRegressor(
        [PiecewiseLinearEmbedding()],
        learning_rate_init=0.05,
        max_iter=100,
        random_state=0,
    )
    assert net.fit(x, y).score(x, y) > 0.6


@pytest.mark.parametrize("layer", [PeriodicEmbedding(), PiecewiseLinearEmbedding()])
def test_nan_stays_in_its_column(layer):
    x = draw(N, 3)
    network = network_for(layer, x)
    expected = passes(layer, network, x)[0].copy()
    x[4, 1] = np.nan
    y = passes(layer, network, x)[0]
    size, changed = layer.size, np.isnan(y)
    assert changed[4, size : 2 * size].all()
    passed = [3 * size + 1] if isinstance(layer, PeriodicEmbedding) else []
    assert set(np.flatnonzero(changed[4])) == {*range(size, 2 * size), *passed}
    assert_array_equal(y[~changed], expected[~changed])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bins_that_are_narrower_than_any_normal_number(dtype):
    """The inverse of their width would be infinite."""
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.arange(8, dtype=dtype)[:, np.newaxis] * tiny
    network = network_of([PiecewiseLinearEmbedding(1), Dense(1)], 1, dtype)
    network.initialize(np.random.RandomState(0), x)
    assert np.isfinite(network.state).all()
    assert np.isfinite(network.scores(x)).all()
