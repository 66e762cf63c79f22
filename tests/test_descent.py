"""Descent: block by block is the same as all at once."""

import numpy as np
import pytest
from helpers import make_network
from numpy.testing import assert_allclose, assert_array_equal

import sknn.descent
from sknn.descent import Descent, blocks
from sknn.losses import HalfSquaredError
from sknn.objective import Objective
from sknn.solvers import SGD, Adam


@pytest.fixture(params=[4, 7, 10**6])
def block_size(request, monkeypatch):
    monkeypatch.setattr(sknn.descent, "BLOCK", request.param)
    return request.param


def test_blocks_cover_everything_once(block_size):
    for n in (0, 1, 7, 8, 29):
        covered = [i for block in blocks(n) for i in range(n)[block]]
        assert covered == list(range(n))


@pytest.mark.parametrize("solver", [SGD(0.0), SGD(0.9), Adam()])
def test_blocks_do_not_change_the_step(solver, block_size):
    network = make_network(5, [4], 2)
    objective = Objective(network, HalfSquaredError(), alpha=0.5)
    rng = np.random.RandomState(0)
    theta, state = network.theta.copy(), solver.start(network.theta)
    descent = Descent(objective, solver, Descent.start(solver, network.theta))
    for total in (3.0, 5.0, 2.0):
        data_grad = rng.normal(size=theta.size)
        # The plain twin: penalty and step over the whole vector.
        W = np.where(np.arange(theta.size) < network.n_decay, theta, 0)
        expected_penalty = 0.5 * 0.5 * (W**2).sum() / total
        solver.step(theta, data_grad + 0.5 * W / total, state, 0.1)

        objective.grad[:] = data_grad
        assert descent.step(total, 0.1) == pytest.approx(expected_penalty, rel=1e-12)
        assert_allclose(network.theta, theta, rtol=1e-12)


def test_no_penalty_without_alpha(block_size):
    network = make_network(5, [4], 2)
    objective = Objective(network, HalfSquaredError(), alpha=0)
    before = network.theta.copy()
    objective.grad[:] = 0
    states = Descent.start(SGD(0.0), before)
    assert Descent(objective, SGD(0.0), states).step(1.0, 0.1) == 0
    assert_array_equal(network.theta, before)


def test_states_must_fit():
    objective = Objective(make_network(5, [4], 2), HalfSquaredError(), alpha=0)
    with pytest.raises(ValueError, match="zip"):
        Descent(objective, SGD(), [])
