"""Solvers: textbook formulas, PyTorch's optimizers, and the contract of solvers."""

import pickle

import numpy as np
import pytest
from helpers import float_dtypes
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknn.solvers import (
    SGD,
    SOLVERS,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    Nadam,
    RMSProp,
)
from sknn.solvers._lbfgs import minimize_lbfgs

CASES = [
    *(cls() for cls in SOLVERS.values()),
    SGD(0.0),
    SGD(0.9, nesterovs_momentum=False),
    RMSProp(0.99, 1e-2),
    AdaDelta(0.95, 1e-4),
    Adam(0.5, 0.9, 1e-2),
    AdamW(weight_decay=0.5),
    Nadam(0.5, 0.9, 1e-2, 0.1),
]

all_solvers = pytest.mark.parametrize("solver", CASES, ids=repr)

SIZE = 12


def quadratic():
    """Return start, minimum and gradient of ``½ (θ - c)ᵀ A (θ - c)``."""
    rng = np.random.RandomState(0)
    factor = rng.normal(size=(SIZE, SIZE))
    A = factor @ factor.T / SIZE + 0.1 * np.eye(SIZE)
    c = rng.normal(size=SIZE)
    return rng.normal(size=SIZE), c, lambda theta: A.astype(theta.dtype) @ (theta - c)


def run(solver, theta, gradient, rates, state=None, decay=True):
    """Take a step at each of the rates, as `Descent` does; return parameters and state.

    With `decay`, the weight decay of the solver applies to all parameters.
    """
    theta, state = theta.copy(), state or solver.start(theta)
    for rate in rates:
        grad = gradient(theta)
        if decay:
            theta *= 1 - rate * solver.weight_decay
        solver.step(theta, grad, state, rate)
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


def plain_adagrad(solver, theta, gradient, rates):
    """Duchi et al. (2011), section 1.1, the diagonal form, with ε in the division."""
    h = 0
    for rate in rates:
        g = gradient(theta)
        h = h + g**2
        theta = theta - rate * g / (np.sqrt(h) + solver.epsilon)
    return theta


def plain_rmsprop(solver, theta, gradient, rates):
    """Tieleman and Hinton (2012), slide 29, with ε in the division."""
    v = 0
    for rate in rates:
        g = gradient(theta)
        v = solver.rho * v + (1 - solver.rho) * g**2
        theta = theta - rate * g / (np.sqrt(v) + solver.epsilon)
    return theta


def plain_adadelta(solver, theta, gradient, rates):
    """Zeiler (2012), algorithm 1, with a learning rate."""
    rho, epsilon = solver.rho, solver.epsilon
    mean_g2 = mean_delta2 = 0
    for rate in rates:
        g = gradient(theta)
        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        delta = -np.sqrt(mean_delta2 + epsilon) / np.sqrt(mean_g2 + epsilon) * g
        mean_delta2 = rho * mean_delta2 + (1 - rho) * delta**2
        theta = theta + rate * delta
    return theta


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


def plain_adamw(solver, theta, gradient, rates):
    """Loshchilov and Hutter (2019), algorithm 2, with λ relative to the rate."""
    m = v = 0
    b1, b2 = solver.beta_1, solver.beta_2
    for t, rate in enumerate(rates, start=1):
        g = gradient(theta)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        rate_t = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        adam_step = rate_t * m / (np.sqrt(v) + solver.epsilon)
        theta = theta - adam_step - rate * solver.weight_decay * theta
    return theta


def plain_nadam(solver, theta, gradient, rates):
    """Dozat (2016), algorithm 8, with the schedule of μ given in section 3.4."""
    m = v = 0
    b1, b2 = solver.beta_1, solver.beta_2
    t = np.arange(1, len(rates) + 2)
    mu = b1 * (1 - 0.5 * 0.96 ** (t * solver.momentum_decay))
    products = np.cumprod(mu)
    for i, rate in enumerate(rates):
        g = gradient(theta)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = mu[i + 1] * m / (1 - products[i + 1])
        m_hat = m_hat + (1 - mu[i]) * g / (1 - products[i])
        v_hat = v / (1 - b2 ** t[i])
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + solver.epsilon)
    return theta


PLAIN_TWINS = {
    SGD: plain_sgd,
    AdaGrad: plain_adagrad,
    RMSProp: plain_rmsprop,
    AdaDelta: plain_adadelta,
    Adam: plain_adam,
    AdamW: plain_adamw,
    Nadam: plain_nadam,
}

# AdaDelta's first steps are near rate · sqrt(ε), which is 0.001 · rate.
RATE = dict.fromkeys(PLAIN_TWINS, 0.05) | {AdaDelta: 5.0}


def test_table():
    assert set(SOLVERS.values()) == set(PLAIN_TWINS)
    assert all(name == cls.__name__.lower() for name, cls in SOLVERS.items())


@all_solvers
def test_steps_are_those_of_the_textbook(solver):
    theta, _, gradient = quadratic()
    rates = RATE[type(solver)] / np.sqrt(np.arange(1.0, 51.0))
    result, _ = run(solver, theta, gradient, rates)
    expected = PLAIN_TWINS[type(solver)](solver, theta, gradient, rates)
    assert_allclose(result, expected, rtol=1e-10)
    assert np.linalg.norm(result - theta) > 0.1


TORCH_TWINS = {
    SGD(0.0): ("SGD", {}),
    SGD(0.9, nesterovs_momentum=False): ("SGD", {"momentum": 0.9}),
    SGD(0.9): ("SGD", {"momentum": 0.9, "nesterov": True}),
    AdaGrad(): ("Adagrad", {"eps": 1e-8}),
    RMSProp(): ("RMSprop", {"alpha": 0.9, "eps": 1e-8}),
    AdaDelta(): ("Adadelta", {"rho": 0.9, "eps": 1e-6}),
    # PyTorch adds ε after the bias correction: equal if ε is negligible.
    Adam(epsilon=1e-30): ("Adam", {"eps": 1e-30}),
    AdamW(epsilon=1e-30): ("AdamW", {"eps": 1e-30, "weight_decay": 0.01}),
    Nadam(): ("NAdam", {"eps": 1e-8, "momentum_decay": 0.004}),
}


@pytest.fixture
def torch():
    """PyTorch with float64 as default, also for state such as NAdam's product of μ."""
    torch = pytest.importorskip("torch")
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(default)


# The first elements of θ after 50 steps of the optimizers of PyTorch 2.13, so that the
# check also runs without PyTorch.
STORED = {
    SGD(0.0): [2.8831432786, 0.14854799978, -0.81109973909],
    SGD(0.9, nesterovs_momentum=False): [2.3355703877, 0.84366731493, -0.94310014807],
    SGD(0.9): [2.3918959543, 0.91149576499, -0.89558424628],
    AdaGrad(): [1.6821735547, -0.504052994, -0.74293647923],
    RMSProp(): [2.5026199497, 0.44282878654, -0.8057428558],
    AdaDelta(): [1.8009089367, -0.35998447519, -0.72901201916],
    Adam(epsilon=1e-30): [2.5221773479, 0.36078325677, -0.71167131165],
    AdamW(epsilon=1e-30): [2.4807994391, 0.36451635374, -0.70215360601],
    Nadam(): [2.3978191174, 0.24741570189, -0.71134026809],
}


def test_all_are_compared_with_torch():
    assert {type(solver) for solver in TORCH_TWINS} == set(SOLVERS.values())
    assert TORCH_TWINS.keys() == STORED.keys()


@pytest.mark.parametrize("solver", TORCH_TWINS, ids=repr)
def test_steps_are_those_of_torch(solver, torch):
    theta, _, gradient = quadratic()
    name, options = TORCH_TWINS[solver]
    rate = RATE[type(solver)]
    torch_theta = torch.tensor(theta, requires_grad=True)
    optimizer = getattr(torch.optim, name)([torch_theta], lr=rate, **options)
    for _ in range(50):
        torch_theta.grad = torch.tensor(gradient(torch_theta.detach().numpy()))
        optimizer.step()
    result, _ = run(solver, theta, gradient, [rate] * 50)
    assert_allclose(result, torch_theta.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("solver", STORED, ids=repr)
def test_steps_are_those_stored_from_torch(solver):
    theta, _, gradient = quadratic()
    result, _ = run(solver, theta, gradient, [RATE[type(solver)]] * 50)
    assert_allclose(result[:3], STORED[solver], rtol=1e-9)


ANNEALED = dict.fromkeys(PLAIN_TWINS, np.geomspace(0.2, 1e-4, 5000)) | {
    # AdaGrad's steps shrink by themselves.
    AdaGrad: np.full(5000, 0.5),
    # AdaDelta's first steps are near rate · sqrt(ε).
    AdaDelta: np.geomspace(5.0, 0.1, 5000),
}


@all_solvers
def test_finds_the_minimum(solver):
    theta, minimum, gradient = quadratic()
    rates = ANNEALED[type(solver)]
    result, _ = run(solver, theta, gradient, rates, decay=False)
    assert_allclose(result, minimum, atol=1e-3)


@all_solvers
def test_stays_where_the_gradient_is_zero(solver):
    theta = np.array([1.0, -2.0])
    result, _ = run(solver, theta, np.zeros_like, [0.1] * 3, decay=False)
    assert_array_equal(result, theta)


@all_solvers
def test_steps_can_be_applied_block_by_block(solver):
    """`Descent` relies on this when it applies a step to theta block by block.

    The results are the same bit for bit, because each operation of a step is
    elementwise and correctly rounded.
    """
    theta, _, gradient = quadratic()
    grads = [gradient(theta), gradient(-theta), gradient(2 * theta)]
    whole, parts = theta.copy(), [theta[:5].copy(), theta[5:].copy()]
    states = [solver.start(part) for part in (whole, *parts)]
    for grad in grads:
        blocks = [grad.copy(), grad[:5].copy(), grad[5:].copy()]
        for block, state, part in zip(blocks, states, (whole, *parts), strict=True):
            solver.step(part, block, state, 0.1)
    assert_array_equal(np.concatenate(parts), whole)


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
def test_continues_after_a_pickle_round_trip(solver):
    theta, _, gradient = quadratic()
    straight, _ = run(solver, theta, gradient, [0.01] * 20)
    half, state = run(solver, theta, gradient, [0.01] * 10)
    solver, state = pickle.loads(pickle.dumps((solver, state)))
    whole, _ = run(solver, half, gradient, [0.01] * 10, state)
    # To rounding, because the gradient is computed by BLAS on other memory.
    assert_allclose(whole, straight, rtol=1e-13)


@all_solvers
def test_states_are_independent(solver):
    theta, _, gradient = quadratic()
    first, _ = run(solver, theta, gradient, [0.01] * 5)
    again, _ = run(solver, theta, gradient, [0.01] * 5)
    assert_allclose(again, first, rtol=1e-13)


@all_solvers
def test_is_an_immutable_value(solver):
    for same in (pickle.loads(pickle.dumps(solver)), clone(solver), solver.replace()):
        assert same == solver
        assert hash(same) == hash(solver)
        assert repr(same) == repr(solver)
    with pytest.raises(AttributeError):
        solver.anything = 1


def test_only_adamw_decays_weights():
    decays = {name for name, cls in SOLVERS.items() if cls().weight_decay}
    assert decays == {"adamw"}
    assert AdamW(weight_decay=0.5).weight_decay == 0.5
    assert AdamW.step is Adam.step


@pytest.mark.parametrize(
    "cls, name, good, bad",
    [
        (SGD, "momentum", [0, 0.5, 1], [-0.1, 1.1, np.nan]),
        (RMSProp, "rho", [0, 0.99], [-0.1, 1]),
        (AdaDelta, "rho", [0, 0.99], [-0.1, 1]),
        (AdamW, "weight_decay", [0, 2], [-0.1, np.inf]),
        (Nadam, "momentum_decay", [0, 2], [-0.1, np.inf]),
        *((cls, f"beta_{i}", [0, 0.9], [-1, 1]) for cls in (Adam, Nadam) for i in "12"),
        *((SOLVERS[name], "epsilon", [1e-30, 1], [0, -1]) for name in [*SOLVERS][1:]),
    ],
)
def test_ranges(cls, name, good, bad):
    for value in good:
        assert getattr(cls(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=f"{name} of {cls.__name__} must be in"):
            cls(**{name: value})


def test_nesterovs_momentum_is_a_bool():
    for value in (True, False, np.True_):
        assert SGD(nesterovs_momentum=value).nesterovs_momentum == value
    for value in ("no", 0, None):
        message = f"nesterovs_momentum of SGD must be True or False, got {value!r}"
        with pytest.raises(ValueError, match=message):
            SGD(nesterovs_momentum=value)


class TestLBFGS:
    """`minimize_lbfgs` on the quadratic function."""

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
        # SciPy checks the limit only between line searches.
        assert 2 <= self.calls < calls
        assert self.minimize(tol=1e-1)[0].nit < self.minimize(tol=1e-8)[0].nit

    def test_can_be_stopped(self):
        seen = []

        def stop_at_third(result):
            seen.append(result.x)
            if len(seen) == 3:
                raise StopIteration

        result, _ = self.minimize(stop_at_third)
        assert len(seen) == 3
        assert_array_equal(result.x, seen[-1])
