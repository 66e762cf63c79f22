"""Solvers: against the textbook written plainly, against torch, and their contract."""

import pickle

import numpy as np
import pytest
from helpers import float_dtypes
from numpy.testing import assert_allclose, assert_array_equal

from sknn.solvers import SGD, Adam, minimize_lbfgs

SOLVERS = [
    SGD(0.0),
    SGD(0.9, nesterovs_momentum=False),
    SGD(0.9),
    Adam(),
    Adam(0.5, 0.9, 1e-2),
]

all_solvers = pytest.mark.parametrize("solver", SOLVERS, ids=repr)

SIZE = 12


def quadratic():
    """Start, minimum and gradient of ``½ (θ - c)ᵀ A (θ - c)``."""
    rng = np.random.RandomState(0)
    factor = rng.normal(size=(SIZE, SIZE))
    A = factor @ factor.T / SIZE + 0.1 * np.eye(SIZE)
    c = rng.normal(size=SIZE)
    return rng.normal(size=SIZE), c, lambda theta: A.astype(theta.dtype) @ (theta - c)


def run(solver, theta, gradient, rates, state=None):
    """Take a step of `solver` at each of the rates; return parameters and state."""
    theta, state = theta.copy(), state or solver.start(theta)
    for rate in rates:
        solver.step(theta, gradient(theta), state, rate)
    return theta, state


def plain_sgd(solver, theta, gradient, rates):
    """Sutskever et al. (2013), equations 1 to 4: Nesterov's gradient is taken ahead.

    `SGD` keeps the point ahead as its θ.
    """
    v = 0
    for rate in rates:
        ahead = theta + solver.momentum * v if solver.nesterovs_momentum else theta
        v = solver.momentum * v - rate * gradient(ahead)
        theta = theta + v
    return theta + solver.momentum * v if solver.nesterovs_momentum else theta


def plain_adam(solver, theta, gradient, rates):
    """Kingma and Ba (2015), algorithm 1 in the more efficient order of section 2."""
    m = v = 0
    b1, b2 = solver.beta_1, solver.beta_2
    for t, rate in enumerate(rates, start=1):
        g = gradient(theta)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        rate_t = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        theta = theta - rate_t * m / (np.sqrt(v) + solver.epsilon)
    return theta


PLAIN_TWINS = {SGD: plain_sgd, Adam: plain_adam}


@all_solvers
def test_steps_are_those_of_the_textbook(solver):
    theta, _, gradient = quadratic()
    rates = 0.05 / np.sqrt(np.arange(1.0, 51.0))
    result, _ = run(solver, theta, gradient, rates)
    expected = PLAIN_TWINS[type(solver)](solver, theta, gradient, rates)
    assert_allclose(result, expected, rtol=1e-10)
    assert np.linalg.norm(result - theta) > 0.1


TORCH_TWINS = {
    SGD(0.0): ("SGD", {}),
    SGD(0.9, nesterovs_momentum=False): ("SGD", {"momentum": 0.9}),
    SGD(0.9): ("SGD", {"momentum": 0.9, "nesterov": True}),
    # torch adds ε after the correction of the bias: equal if ε is negligible.
    Adam(epsilon=1e-30): ("Adam", {"eps": 1e-30}),
}


@pytest.mark.parametrize("solver", TORCH_TWINS, ids=repr)
def test_steps_are_those_of_torch(solver):
    torch = pytest.importorskip("torch")
    theta, _, gradient = quadratic()
    name, options = TORCH_TWINS[solver]
    torch_theta = torch.tensor(theta, requires_grad=True)
    optimizer = getattr(torch.optim, name)([torch_theta], lr=0.05, **options)
    for _ in range(50):
        torch_theta.grad = torch.tensor(gradient(torch_theta.detach().numpy()))
        optimizer.step()
    result, _ = run(solver, theta, gradient, [0.05] * 50)
    assert_allclose(result, torch_theta.detach().numpy(), rtol=1e-10)


@all_solvers
def test_finds_the_minimum(solver):
    theta, minimum, gradient = quadratic()
    result, _ = run(solver, theta, gradient, np.geomspace(0.2, 1e-4, 5000))
    assert_allclose(result, minimum, atol=1e-3)


@all_solvers
def test_stays_where_the_gradient_is_zero(solver):
    theta = np.array([1.0, -2.0])
    result, _ = run(solver, theta, np.zeros_like, [0.1] * 3)
    assert_array_equal(result, theta)


@all_solvers
def test_float32_stays_and_agrees_with_float64(solver):
    theta, _, gradient = quadratic()
    result, state = run(solver, theta.astype(np.float32), gradient, [0.01] * 50)
    assert float_dtypes(result, state) <= {np.dtype(np.float32)}
    assert result.dtype == np.float32
    expected, state_64 = run(solver, theta, gradient, [0.01] * 50)
    assert float_dtypes(state_64) <= {np.dtype(np.float64)}
    assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@all_solvers
def test_goes_on_after_a_pickle_round_trip(solver):
    theta, _, gradient = quadratic()
    straight, _ = run(solver, theta, gradient, [0.01] * 20)
    half, state = run(solver, theta, gradient, [0.01] * 10)
    solver, state = pickle.loads(pickle.dumps((solver, state)))
    whole, _ = run(solver, half, gradient, [0.01] * 10, state)
    assert_array_equal(whole, straight)


@all_solvers
def test_states_are_independent(solver):
    theta, _, gradient = quadratic()
    first, _ = run(solver, theta, gradient, [0.01] * 5)
    again, _ = run(solver, theta, gradient, [0.01] * 5)
    assert_array_equal(again, first)
    assert hash(solver) == hash(pickle.loads(pickle.dumps(solver)))


class TestLBFGS:
    """`minimize_lbfgs` on the quadratic."""

    def minimize(self, on_iteration=lambda result: None, **limits):
        theta, minimum, gradient = quadratic()
        self.calls = 0

        def loss_gradient(theta):
            self.calls += 1
            return (theta - minimum) @ gradient(theta) / 2, gradient(theta)

        limits = {"max_iter": 100, "max_fun": 1000, "tol": 1e-8, **limits}
        result = minimize_lbfgs(
            loss_gradient, theta, on_iteration=on_iteration, **limits
        )
        return result, minimum

    def test_finds_the_minimum(self):
        result, minimum = self.minimize()
        assert result.success
        assert_allclose(result.x, minimum, atol=1e-4)

    def test_reports_each_iteration(self):
        losses = []
        result, _ = self.minimize(lambda result: losses.append(result.fun))
        assert len(losses) == result.nit > 3
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] == result.fun

    def test_limits(self):
        assert self.minimize(max_iter=3)[0].nit == 3
        calls = self.calls
        self.minimize(max_fun=2)
        # SciPy looks at the limit between line searches.
        assert 2 <= self.calls < calls
        assert self.minimize(tol=1e-1)[0].nit < self.minimize(tol=1e-8)[0].nit

    def test_may_be_stopped(self):
        seen = []

        def stop_at_third(result):
            seen.append(result.x)
            if len(seen) == 3:
                raise StopIteration

        result, _ = self.minimize(stop_at_third)
        assert len(seen) == 3
        assert_array_equal(result.x, seen[-1])
