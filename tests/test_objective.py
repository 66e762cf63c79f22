"""The objective: its gradient for whole networks, penalty, mixup, weights, slices."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import (
    ARCHITECTURES,
    DETERMINISTIC,
    LOSSES,
    assert_gradient,
    draw_targets,
    draw_weights,
    float_dtypes,
    make_network,
    n_scores,
    name_of,
    outputs_averaged,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknn.activations import ACTIVATIONS
from sknn.losses import BinaryCrossEntropy, HalfSquaredError, Loss
from sknn.objective import Objective, mean_loss

N, N_IN, N_OUT, ALPHA = 11, 5, 3, 0.7

all_losses = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
all_activations = pytest.mark.parametrize("activation", ACTIVATIONS)
all_architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)
deterministic = pytest.mark.parametrize("architecture", DETERMINISTIC)
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])


def draw_batch(loss, weighted, dtype=np.float64, n=N):
    """Rows, targets and weights."""
    rng = np.random.RandomState(1)
    x = rng.normal(size=(n, N_IN)).astype(dtype)
    y = draw_targets(loss, n, N_OUT, rng, dtype)
    return x, y, draw_weights(n, rng, dtype) if weighted else None


def make_objective(
    loss, activation="tanh", hidden=(6, 4), dtype=np.float64, alpha=ALPHA, **settings
):
    n_out = n_scores(loss, N_OUT)
    network = make_network(N_IN, hidden, n_out, activation, dtype)
    return Objective(network, loss, alpha, **settings)


def plain_penalty(objective, total):
    """The penalty from the weight matrices, by its formula."""
    alpha, l1_ratio = objective.alpha, objective.l1_ratio
    network, penalty = objective.network, 0.0
    for i, name, _ in network.shapes:
        if name.endswith("W"):
            W = network.params[i][name]
            penalty += l1_ratio * np.abs(W).sum() + (1 - l1_ratio) / 2 * (W**2).sum()
    return alpha * penalty / total


def assert_gradient_of_objective(objective, x, y, w):
    """Compare the gradient with the value, at the same random numbers each time."""
    network, total = objective.network, N if w is None else w.sum()
    n_averaged = outputs_averaged(objective.loss, N_OUT)
    start = objective.rng.bit_generator.state

    def value(theta):
        network.theta[:] = theta
        objective.rng.bit_generator.state = start
        penalty = plain_penalty(objective, total)
        return n_averaged * (objective.loss_gradient(x, y, w) - penalty) + penalty

    theta = network.theta.copy()
    value(theta)
    assert_gradient(value, theta, objective.grad.copy(), h=1e-6)


@all_losses
@all_activations
@weighted_or_not
@all_architectures
def test_gradient_is_that_of_the_value(loss, activation, weighted, architecture):
    objective = make_objective(loss, activation, architecture)
    assert_gradient_of_objective(objective, *draw_batch(loss, weighted))


@all_losses
@weighted_or_not
@all_architectures
@pytest.mark.parametrize("settings", [{"l1_ratio": 0.3}, {"mixup": 0.4}], ids=str)
def test_gradient_with_other_settings(loss, weighted, architecture, settings):
    objective = make_objective(loss, hidden=architecture, **settings)
    assert_gradient_of_objective(objective, *draw_batch(loss, weighted))


@all_losses
@weighted_or_not
def test_value_is_mean_loss_and_penalty(loss, weighted):
    x, y, w = draw_batch(loss, weighted)
    objective = make_objective(loss)
    total = N if w is None else w.sum()
    z = objective.network.scores(x)
    expected = mean_loss(loss, z, y, w) + plain_penalty(objective, total)
    assert_allclose(objective.loss_gradient(x, y, w), expected, rtol=1e-12)


def test_penalty_leaves_biases_alone():
    x, y, w = draw_batch(HalfSquaredError(), weighted=True)
    objective = make_objective(HalfSquaredError())
    objective.loss_gradient(x, y, w)
    with_penalty = objective.grad.copy()
    objective.alpha = 0
    objective.loss_gradient(x, y, w)
    n_decay, theta = objective.network.n_decay, objective.network.theta
    difference = with_penalty - objective.grad
    assert_allclose(difference[:n_decay], ALPHA * theta[:n_decay] / w.sum(), atol=1e-14)
    assert_array_equal(difference[n_decay:], 0)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_penalty_is_an_elastic_net(l1_ratio, dtype):
    loss, total = HalfSquaredError(), 3.0
    objective = make_objective(loss, "tanh", dtype=dtype, l1_ratio=l1_ratio)
    W = np.array([-2.0, 0.0, 0.5, 3.0], dtype)
    dW = np.ones(4, dtype)
    penalty = objective.add_penalty(W, dW, total)
    expected = l1_ratio * 5.5 + (1 - l1_ratio) * (4 + 0.25 + 9) / 2
    rtol = 4 * np.finfo(dtype).eps
    assert_allclose(penalty, ALPHA * expected / total, rtol=rtol)
    expected = l1_ratio * np.sign(W) + (1 - l1_ratio) * W
    assert_allclose(dW, 1 + ALPHA * expected / total, rtol=rtol)
    assert (isinstance(penalty, float), dW.dtype) == (True, dtype)


def test_no_penalty_without_alpha():
    objective = make_objective(HalfSquaredError(), alpha=0.0, l1_ratio=0.5)
    dW = np.full(3, 0.25)
    assert objective.add_penalty(np.ones(3), dW, 1.0) == 0
    assert_array_equal(dW, [0.25] * 3)


# -- mixup ----------------------------------------------------------------------------

SHARE, OTHER = 0.3, np.roll(np.arange(N), 3)
FIXED = SimpleNamespace(beta=lambda a, b: SHARE, permutation=lambda n: OTHER)


@all_losses
@weighted_or_not
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_mixup_is_the_mean_loss_of_mixed_rows(loss, weighted, make):
    x, y, w = draw_batch(loss, weighted)
    x[x < 0] = 0
    objective = make_objective(loss, mixup=0.2, rng=FIXED)
    weights = np.ones(N) if w is None else w
    z = objective.network.scores(SHARE * x + (1 - SHARE) * x[OTHER])
    expected = sum(
        SHARE * weights[i] * mean_loss(loss, z[[i]], y[[i]], None)
        + (1 - SHARE) * weights[j] * mean_loss(loss, z[[i]], y[[j]], None)
        for i, j in enumerate(OTHER)
    )
    total = weights.sum()
    expected = expected / total + plain_penalty(objective, total)
    assert_allclose(objective.loss_gradient(make(x), y, w), expected, rtol=1e-12)


@pytest.mark.parametrize("mixup", [0.2, 1.0])
def test_mixup_draws_one_share_a_batch_from_the_beta_law(mixup):
    loss, laws = HalfSquaredError(), []

    def beta(a, b):
        laws.append((a, b))
        return SHARE

    rng = SimpleNamespace(beta=beta, permutation=FIXED.permutation)
    objective = make_objective(loss, mixup=mixup, rng=rng)
    objective.loss_gradient(*draw_batch(loss, weighted=False))
    assert laws == [(mixup, mixup)]


@all_losses
@weighted_or_not
@deterministic
def test_a_share_of_one_leaves_rows_as_they_are(loss, weighted, architecture):
    batch = draw_batch(loss, weighted)
    plain = make_objective(loss, hidden=architecture)
    whole = SimpleNamespace(beta=lambda a, b: 1.0, permutation=FIXED.permutation)
    mixed = make_objective(loss, hidden=architecture, mixup=0.2, rng=whole)
    expected = plain.loss_gradient(*batch)
    assert_allclose(mixed.loss_gradient(*batch), expected, rtol=1e-12)
    assert_allclose(mixed.grad, plain.grad, rtol=1e-10, atol=1e-14)
    assert_allclose(mixed.network.state, plain.network.state, rtol=1e-12)


@all_losses
def test_nothing_is_drawn_without_mixup(loss):
    x, y, w = draw_batch(loss, weighted=True)
    make_objective(loss, rng=object()).loss_gradient(x, y, w)


# -- weights and slices ---------------------------------------------------------------


@all_losses
@deterministic
def test_integer_weights_are_repetitions(loss, architecture):
    x, y, _ = draw_batch(loss, weighted=False)
    counts = np.arange(N) % 3
    objective = make_objective(loss, hidden=architecture)
    expected = objective.loss_gradient(x.repeat(counts, 0), y.repeat(counts, 0), None)
    expected_grad = objective.grad.copy()
    value = objective.loss_gradient(x, y, counts.astype(np.float64))
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(objective.grad, expected_grad, rtol=1e-10, atol=1e-14)


def cut(x, y, w, stops=(4, 8, N)):
    """Batches of the rows up to each of `stops`."""
    start = 0
    for stop in stops:
        part = slice(start, stop)
        yield x[part], y[part], None if w is None else w[part]
        start = stop


@all_losses
@weighted_or_not
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_sum_over_batches_is_that_of_all_rows(loss, weighted, make):
    x, y, w = draw_batch(loss, weighted)
    if weighted:
        w[:4] = 0  # all of the first batch
    total = N if w is None else w.sum()
    objective = make_objective(loss)
    value = objective.loss_gradient(x, y, w)
    grad = objective.grad.copy()
    batches = cut(make(x), y, w)
    assert_allclose(objective.sum_over(batches, total), value, rtol=1e-12)
    assert_allclose(objective.grad, grad, rtol=1e-10, atol=1e-14)


def test_sum_over_casts_rows_to_the_dtype_of_the_network():
    x, y, _ = draw_batch(HalfSquaredError(), weighted=False)
    x = x.astype(np.float32)
    objective = make_objective(HalfSquaredError())
    value = objective.sum_over(cut(x, y, None), N)
    expected = objective.loss_gradient(x.astype(np.float64), y, None)
    assert_allclose(value, expected, rtol=1e-12)
    assert float_dtypes(objective) == {np.dtype(np.float64)}


def test_batches_of_several_sizes():
    loss = BinaryCrossEntropy()
    x, y, _ = draw_batch(loss, weighted=False)
    objective = make_objective(loss)
    for rows in (slice(None), slice(3), slice(1), slice(None)):
        value = objective.loss_gradient(x[rows], y[rows], None)
        again = make_objective(loss)
        assert value == again.loss_gradient(x[rows], y[rows], None)
        assert_array_equal(objective.grad, again.grad)


@all_losses
@all_activations
@weighted_or_not
@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 0.3, "mixup": 0.4}], ids=str)
def test_float32_stays_and_agrees_with_float64(loss, activation, weighted, settings):
    values, grads = [], []
    for dtype in (np.float32, np.float64):
        objective = make_objective(loss, activation, dtype=dtype, **settings)
        batch = draw_batch(loss, weighted, dtype)
        values.append(objective.loss_gradient(*batch))
        grads.append(objective.grad.copy())
        objective.sum_over(cut(*batch), N)
        assert isinstance(values[-1], float)
        # The objective holds all buffers.
        assert float_dtypes(objective) == {np.dtype(dtype)}
    assert_allclose(values[0], values[1], rtol=1e-5)
    assert_allclose(grads[0], grads[1], rtol=1e-3, atol=1e-5)


def of_a_user(loss):
    """The same loss as a class that no kernel knows."""

    class OfUser(Loss):
        link_name = loss.link_name
        scores_per_output = loss.scores_per_output

        def loss_gradient(self, z, y, sample_weight, out):
            return loss.loss_gradient(z, y, sample_weight, out)

        def link(self, z, out):
            loss.link(z, out)

    return OfUser()


@all_losses
@weighted_or_not
@pytest.mark.parametrize("settings", [{}, {"l1_ratio": 0.3, "mixup": 0.4}], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_of_a_user_computes_the_same(loss, weighted, settings, dtype):
    x, y, w = draw_batch(loss, weighted, dtype)
    built_in, own = (
        make_objective(f, dtype=dtype, **settings) for f in (loss, of_a_user(loss))
    )
    rtol = 100 * np.finfo(dtype).eps
    for n in (N, 4, N):
        batch = x[:n], y[:n], w[:n] if weighted else None
        expected = built_in.loss_gradient(*batch)
        assert_allclose(own.loss_gradient(*batch), expected, rtol=rtol)
        assert_allclose(own.grad, built_in.grad, rtol=10 * rtol, atol=rtol)


@all_losses
def test_mean_loss_leaves_the_scores_alone(loss):
    x, y, w = draw_batch(loss, weighted=True)
    z = make_network(N_IN, [4], n_scores(loss, N_OUT)).scores(x)
    by_row = [mean_loss(loss, z[[i]], y[[i]], None) for i in range(N)]
    z.flags.writeable = False
    assert_allclose(mean_loss(loss, z, y, None), np.mean(by_row), rtol=1e-12)
    expected = np.average(by_row, weights=w)
    assert_allclose(mean_loss(loss, z, y, w), expected, rtol=1e-12)
    assert np.isnan(mean_loss(loss, z, y, np.zeros(N)))
