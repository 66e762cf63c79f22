"""The objective: its gradient for whole networks, penalty, weights, slices."""

import numpy as np
import pytest
from helpers import (
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
from sknn.losses import BinaryCrossEntropy, HalfSquaredError
from sknn.objective import Objective, mean_loss

N, N_IN, N_OUT, ALPHA = 11, 5, 3, 0.7

all_losses = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
all_activations = pytest.mark.parametrize("activation", ACTIVATIONS)
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])


def draw_batch(loss, weighted, dtype=np.float64, n=N):
    """Rows, targets and weights."""
    rng = np.random.RandomState(1)
    x = rng.normal(size=(n, N_IN)).astype(dtype)
    y = draw_targets(loss, n, N_OUT, rng, dtype)
    return x, y, draw_weights(n, rng, dtype) if weighted else None


def make_objective(loss, activation="tanh", hidden=(6, 4), dtype=np.float64):
    n_out = n_scores(loss, N_OUT)
    network = make_network(N_IN, hidden, n_out, activation, dtype)
    return Objective(network, loss, ALPHA)


@all_losses
@all_activations
@weighted_or_not
@pytest.mark.parametrize("hidden", [(6, 4), (5, 4, 6), ()])
def test_gradient_is_that_of_the_value(loss, activation, weighted, hidden):
    x, y, w = draw_batch(loss, weighted)
    objective = make_objective(loss, activation, hidden)
    network, total = objective.network, N if w is None else w.sum()
    n_averaged = outputs_averaged(loss, N_OUT)

    def value(theta):
        network.theta[:] = theta
        W = theta[: network.n_decay]
        penalty = ALPHA / 2 * (W @ W) / total
        return n_averaged * (objective.loss_gradient(x, y, w) - penalty) + penalty

    theta = network.theta.copy()
    objective.loss_gradient(x, y, w)
    assert_gradient(value, theta, objective.grad.copy())


@all_losses
@weighted_or_not
def test_value_is_mean_loss_and_penalty(loss, weighted):
    x, y, w = draw_batch(loss, weighted)
    objective = make_objective(loss)
    network, total = objective.network, N if w is None else w.sum()
    z = network.scores(x)
    weights = sum((p["W"] ** 2).sum() for p in network.params if p)
    expected = mean_loss(loss, z, y, w) + ALPHA / 2 * weights / total
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


@all_losses
def test_integer_weights_are_repetitions(loss):
    x, y, _ = draw_batch(loss, weighted=False)
    counts = np.arange(N) % 3
    objective = make_objective(loss)
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
def test_float32_stays_and_agrees_with_float64(loss, activation, weighted):
    values, grads = [], []
    for dtype in (np.float32, np.float64):
        objective = make_objective(loss, activation, dtype=dtype)
        batch = draw_batch(loss, weighted, dtype)
        values.append(objective.loss_gradient(*batch))
        grads.append(objective.grad.copy())
        objective.sum_over(cut(*batch), N)
        assert isinstance(values[-1], float)
        # The objective holds all workspaces.
        assert float_dtypes(objective) == {np.dtype(dtype)}
    assert_allclose(values[0], values[1], rtol=1e-5)
    assert_allclose(grads[0], grads[1], rtol=1e-3, atol=1e-5)


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
