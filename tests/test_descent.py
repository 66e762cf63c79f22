"""Descent: block by block is the same as all at once; clipping; decay of weights."""

import numpy as np
import pytest
from helpers import ARCHITECTURES, make_network, network_of
from numpy.testing import assert_allclose, assert_array_equal

import sknn._descent
from sknn._descent import NO_CLIPPING, Clipping, Descent, blocks, norm
from sknn._kernels import in_use
from sknn.layers import Activation, Dense, LayerNorm, PReLU
from sknn.losses import HalfSquaredError
from sknn.objective import Objective
from sknn.solvers import SGD, SOLVERS, Adam, AdamW, Solver

CLIPPINGS = [
    NO_CLIPPING,
    Clipping(max_value=0.5),
    Clipping(max_norm=2.0),
    Clipping(max_norm=2.0, max_value=0.5),
]

solvers = pytest.mark.parametrize(
    "solver", [*(cls() for cls in SOLVERS.values()), SGD(0.0), AdamW(weight_decay=0.5)]
)
clippings = pytest.mark.parametrize("clipping", CLIPPINGS, ids=repr)


@pytest.fixture(params=[4, 7, 10**6])
def block_size(request, monkeypatch):
    monkeypatch.setattr(sknn._descent, "BLOCK", request.param)
    return request.param


RATES = [
    None,
    (1, 1, 0.1, 1, 1, 1, 2),
    (0, 0, 0, 0, 0, 0, 1),
    (1, 0, 0, 0.5, 1, 1, 0),
]
"""Factors of the learning rate for the layers of `deep_network`; 0 freezes."""

DEEP = [Dense(4), Activation("tanh"), PReLU(), Dense(5), LayerNorm(), Dense(3)]


def deep_network(rates):
    return network_of([*DEEP, Dense(2)], 5, rates=rates)


def rate_of_each(network):
    """The factor of the learning rate of each parameter in theta."""
    rates = np.full(network.theta.size, np.nan)
    for views, rate in zip(network.views(rates), network.rates, strict=True):
        for view in views.values():
            view[...] = rate
    return rates


def make_descent(
    solver, clipping=NO_CLIPPING, architecture=(4,), network=None, **settings
):
    network = network or make_network(5, architecture, 2)
    objective = Objective(network, HalfSquaredError(), **{"alpha": 0.5, **settings})
    return Descent(objective, solver, Descent.start(solver, network), clipping)


def draw_gradient(size, seed=0):
    return np.random.RandomState(seed).normal(size=size)


def clip(grad, clipping):
    """The clipped gradient, by the formulas."""
    if clipping.max_value is not None:
        grad = np.clip(grad, -clipping.max_value, clipping.max_value)
    if clipping.max_norm is not None:
        grad = grad * min(1, clipping.max_norm / np.linalg.norm(grad))
    return grad


@pytest.mark.parametrize("rates", RATES, ids=repr)
def test_blocks_cover_what_is_trained_once(block_size, rates):
    network = deep_network(rates)
    of_each = rate_of_each(network)
    covered = []
    for block, rate in blocks(network):
        covered += range(of_each.size)[block]
        assert (of_each[block] == rate).all()
    assert covered == list(range(network.n_trained))
    assert (of_each[network.n_trained :] == 0).all()


def test_blocks_of_nothing(block_size):
    assert list(blocks(network_of([Activation("tanh")], 5))) == []


@solvers
@clippings
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3])
@pytest.mark.parametrize("rates", RATES, ids=repr)
def test_step_is_the_plain_one_over_the_whole_vector(
    solver, clipping, l1_ratio, rates, block_size
):
    network = deep_network(rates)
    descent = make_descent(solver, clipping, l1_ratio=l1_ratio, network=network)
    objective, before = descent.objective, network.theta.copy()
    of_each = rate_of_each(network)[: network.n_trained]
    theta = network.theta[: network.n_trained].copy()
    states = {factor: solver.start(theta) for factor in set(of_each)}
    decays = np.arange(theta.size) < network.n_decay
    for seed, (total, rate) in enumerate([(3.0, 0.1), (5.0, 0.1), (2.0, 0.05)]):
        objective.grad[:] = draw_gradient(theta.size, seed)
        W = np.where(decays, theta, 0)
        elastic = l1_ratio * np.sign(W) + (1 - l1_ratio) * W
        grad = clip(objective.grad + 0.5 * elastic / total, clipping)
        penalty = l1_ratio * abs(W).sum() + (1 - l1_ratio) / 2 * (W**2).sum()
        stepped = np.empty_like(theta)
        for factor, state in states.items():
            tried = theta.copy()
            tried[decays] *= 1 - rate * factor * solver.weight_decay
            solver.step(tried, grad.copy(), state, rate * factor)
            stepped[of_each == factor] = tried[of_each == factor]
        theta = stepped
        assert descent.step(total, rate) == pytest.approx(0.5 * penalty / total)
        assert_allclose(network.theta[: network.n_trained], theta, rtol=1e-12)
        assert_array_equal(
            network.theta[network.n_trained :], before[network.n_trained :]
        )


def test_no_penalty_without_alpha(block_size):
    descent = make_descent(SGD(0.0), alpha=0)
    before = descent.objective.network.theta.copy()
    assert descent.step(1.0, 0.1) == 0
    assert_array_equal(descent.objective.network.theta, before)


def test_states_must_fit():
    objective = Objective(make_network(5, [4], 2), HalfSquaredError(), alpha=0)
    with pytest.raises(ValueError, match="zip"):
        Descent(objective, SGD(), [])


# -- the gradient ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e15, 1e30])
def test_norm_is_finite_for_huge_gradients(dtype, scale):
    grad = (draw_gradient(1000) * scale).astype(dtype)
    expected = np.linalg.norm(grad.astype(np.float64))
    assert_allclose(norm(grad), expected, rtol=10 * np.finfo(dtype).eps)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_norm_of_what_is_not_finite(value):
    assert not np.isfinite(norm(np.array([1.0, value])))


@clippings
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_clips_as_torch_does(clipping, dtype, scale):
    torch = pytest.importorskip("torch")
    grad = (draw_gradient(1000) * scale).astype(dtype)
    parameter = torch.zeros(1000, dtype=getattr(torch, np.dtype(dtype).name))
    parameter.grad = torch.tensor(grad)
    if clipping.max_value is not None:
        torch.nn.utils.clip_grad_value_(parameter, clipping.max_value)
    if clipping.max_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameter, clipping.max_norm)
    clipping(grad)
    assert grad.dtype == dtype
    # PyTorch adds 1e-6 to the norm by which it divides.
    assert_allclose(grad, parameter.grad, rtol=1e-6)


@clippings
def test_bounds_hold(clipping):
    grad = draw_gradient(1000) * 1e3
    clipping(grad)
    if clipping.max_value is not None:
        assert abs(grad).max() <= clipping.max_value
    if clipping.max_norm is not None:
        assert np.linalg.norm(grad) == pytest.approx(clipping.max_norm, rel=1e-14)


def test_huge_gradients_are_clipped():
    grad = (draw_gradient(1000) * 1e30).astype(np.float32)
    Clipping(max_norm=1.0)(grad)
    assert np.linalg.norm(grad) == pytest.approx(1, rel=1e-6)


@solvers
def test_bounds_that_are_not_reached_change_no_bit(solver, block_size):
    free, measured = make_descent(solver), make_descent(solver)
    bounded = make_descent(solver, Clipping(1e6, 1e6))
    for seed in range(3):
        penalties = []
        for descent in (free, measured, bounded):
            theta, grad = descent.objective.network.theta, descent.objective.grad
            grad[:] = draw_gradient(theta.size, seed)
            penalties.append(descent.step(3.0, 0.1, measure=descent is measured))
            assert_array_equal(theta, free.objective.network.theta)
        # Only the sums of squares in the penalty may be in another order.
        rtol = 1e-14 if in_use() else 0
        assert_allclose(penalties, penalties[0], rtol=rtol)


@clippings
def test_gradient_norm_is_that_before_clipping_with_the_penalty(clipping, block_size):
    descent = make_descent(SGD(0.0), clipping)
    objective = descent.objective
    assert np.isnan(descent.gradient_norm)
    for measure in (True, False):  # the first is kept
        objective.grad[:] = 10.0
        if measure:
            expected = objective.grad.copy()
            n_decay, theta = objective.network.n_decay, objective.network.theta
            expected[:n_decay] += 0.5 * theta[:n_decay] / 3
        descent.step(3.0, 0.1, measure)
        assert descent.gradient_norm == pytest.approx(np.linalg.norm(expected))


# -- decoupled weight decay -----------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weight_decay_shrinks_weights_only(architecture, block_size):
    descent = make_descent(AdamW(weight_decay=0.5), architecture=architecture, alpha=0)
    network = descent.objective.network
    network.theta[:] = before = draw_gradient(network.theta.size)
    descent.step(1.0, 0.1)  # the gradient is 0, so that Adam stays where it is
    for p, p_before, spec in zip(
        network.params, network.views(before), network.specs, strict=True
    ):
        for name in spec.params:
            factor = 1 - 0.1 * 0.5 if name.endswith("W") else 1
            assert_array_equal(p[name], p_before[name] * factor)


def test_adamw_without_decay_is_adam():
    adam, adamw = make_descent(Adam()), make_descent(AdamW(weight_decay=0.0))
    for descent in (adam, adamw):
        descent.objective.grad[:] = draw_gradient(descent.objective.grad.size)
        descent.step(3.0, 0.1)
    theta = adam.objective.network.theta
    assert_array_equal(adamw.objective.network.theta, theta)


# -- solvers of users ------------------------------------------------------------------


def of_a_user(solver):
    """The same solver as a class with `step`, which no kernel knows."""

    class OfUser(Solver):
        weight_decay = solver.weight_decay

        def start(self, theta):
            return solver.start(theta)

        def step(self, theta, grad, state, learning_rate):
            solver.step(theta, grad, state, learning_rate)

    return OfUser()


@solvers
@clippings
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3])
def test_a_solver_of_a_user_takes_the_same_steps(
    solver, clipping, l1_ratio, block_size
):
    built_in, own = (
        make_descent(s, clipping, l1_ratio=l1_ratio)
        for s in (solver, of_a_user(solver))
    )
    for seed in range(3):
        penalties = []
        for descent in (built_in, own):
            objective = descent.objective
            objective.grad[:] = draw_gradient(objective.grad.size, seed)
            penalties.append(descent.step(3.0, 0.1, measure=seed == 1))
        assert_allclose(*penalties, rtol=1e-13)
        assert_allclose(
            own.objective.network.theta, built_in.objective.network.theta, rtol=1e-12
        )
    assert own.gradient_norm == pytest.approx(built_in.gradient_norm, rel=1e-12)


def test_a_subclass_with_its_own_step_takes_it():
    class Still(Adam):
        def step(self, theta, grad, state, learning_rate):
            super().step(theta, grad, state, 0 * learning_rate)

    descent = make_descent(Still(), alpha=0)
    theta = descent.objective.network.theta
    before = theta.copy()
    descent.objective.grad[:] = 1
    descent.step(1.0, 0.1)
    assert_array_equal(theta, before)


def test_a_solver_without_a_step_is_refused():
    class Without(Solver):
        def start(self, theta):
            return {}

    with pytest.raises(NotImplementedError, match="Without must have the method step"):
        make_descent(Without()).step(1.0, 0.1)


def test_nothing_is_trained():
    network = network_of([Activation("tanh")], 5)
    assert make_descent(Adam(), network=network).step(1.0, 0.1) == 0


def test_numbers_below_the_smallest_normal_one_do_not_slow_steps_down():
    """The averages of a solver get there where gradients are 0, as in dead units."""
    network = network_of([Dense(300)], 300)
    objective = Objective(network, HalfSquaredError(), alpha=0.0)
    states = Descent.start(Adam(), network)
    descent = Descent(objective, Adam(), states)
    for state in states:
        state["m"][:] = state["v"][:] = 4 * np.finfo(network.dtype).tiny
    for _ in range(300):
        objective.grad[:] = 0
        descent.step(1.0, 0.001)
    if in_use():
        assert all((state["m"] == 0).all() for state in states)
    assert np.isfinite(network.theta).all()
