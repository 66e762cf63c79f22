"""Kernels around dense layers, losses and solvers agree with their NumPy twins."""

import os
from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknn import solvers
from sknn._kernels import twins_dense as twins
from sknn.activations import ACTIVATIONS, ELU, LeakyReLU
from sknn.layers.prelu import PReLU

harness = pytest.importorskip("ck")

LEVELS = ["base", "avx2", "avx512"]
SIZES = [0, 1, 2, 7, 16, 31, 33, 257]
FUNCTIONS = [*ACTIVATIONS.values(), LeakyReLU(0.25), ELU(0.5), ELU(0.0)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40, 1e30, -1e30, 100, -100]
LIBRARIES = {}


@pytest.fixture(params=LEVELS)
def level(request):
    return request.param


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def kernel(level, dtype):
    """Function that calls a kernel by name."""
    if (level, dtype) not in LIBRARIES:
        sanitize = "ASAN_OPTIONS" in os.environ
        LIBRARIES[level, dtype] = harness.load(level, dtype.name, sanitize=sanitize)
    return LIBRARIES[level, dtype]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def tolerance(dtype):
    eps = float(np.finfo(dtype).eps)
    return {"rtol": 50 * eps, "atol": 100 * eps}  # sums cancel


def unaligned(values, dtype=None):
    """Copy to an array that does not start on a cache line."""
    values = np.asarray(values, dtype)
    out = np.empty(values.size + 1, values.dtype)[1:].reshape(values.shape)
    out[...] = values
    return out


def read_only(values, dtype=None):
    out = unaligned(values, dtype)
    out.flags.writeable = False
    return out


def compare(kernel, name, args, tolerance, twin=None, written=()):
    """Call the kernel and the twin on copies of `args`, and compare what they write."""
    ours = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    theirs = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    ours = [
        (unaligned(a) if i in written else read_only(a))
        if isinstance(a, np.ndarray)
        else a
        for i, a in enumerate(ours)
    ]
    kernel(name, *ours)
    with np.errstate(all="ignore"):
        (twin or getattr(twins, name))(*theirs)
    for i in written:
        assert_allclose(
            ours[i], theirs[i], **tolerance, err_msg=f"{name}, argument {i}"
        )


# Activation functions


@pytest.mark.parametrize("f", FUNCTIONS, ids=repr)
def test_values_of_activation_functions(kernel, dtype, f, rng):
    name, c = twins.activation_kernel(f)
    z = np.r_[
        rng.normal(0, 3, 5000), rng.uniform(-85, 85, 5000), rng.uniform(-13, 5, 5000)
    ]
    tiny = rng.choice([-1, 1], 5000) * np.exp(rng.uniform(-40, 1, 5000))
    z = read_only(np.r_[z, tiny], dtype)
    a = np.empty_like(z)
    kernel(name + "_forward", z, a, c)
    expected = np.empty(z.shape)
    f.forward(z.astype(float), expected)
    rtol = np.full(z.shape, 4 * np.finfo(dtype).eps)
    if name == "gelu":  # the relative error of SciPy's ndtr
        rtol += (10 + z.astype(float) ** 2) * np.finfo(float).eps
    atol = 100 * np.finfo(dtype).tiny  # where the result underflows
    assert (np.abs(a - expected) <= rtol * np.abs(expected) + atol).all()


@pytest.mark.parametrize("f", FUNCTIONS, ids=repr)
def test_special_values_of_activation_functions(kernel, dtype, tolerance, f):
    name, c = twins.activation_kernel(f)
    z = np.tile(np.array(SPECIAL, dtype), 3)
    if isinstance(f, LeakyReLU | ELU) and c == 0:
        z = z[np.isfinite(z)]
    compare(
        kernel,
        name + "_forward",
        (z, z, c),
        tolerance,
        lambda z, a, c: twins.activation_forward(f, z, a),
        [1],
    )
    a = np.empty_like(z)
    with np.errstate(all="ignore"):
        f.forward(z, a)
    compare(
        kernel,
        name + "_backward",
        (z, a, np.ones_like(z), c),
        tolerance,
        lambda z, a, dy, c: twins.activation_backward(f, z, a, dy),
        [2],
    )


@pytest.mark.parametrize("f", FUNCTIONS, ids=repr)
@pytest.mark.parametrize("n", [0, 1, 3, 70])
def test_activation_next_to_bias(kernel, dtype, tolerance, f, n, rng):
    name, c = twins.activation_kernel(f)
    for units in SIZES:
        z, dy = rng.normal(0, 2, (2, n, units)).astype(dtype)
        b = rng.normal(size=units).astype(dtype)
        a = np.empty_like(z)
        compare(
            kernel,
            "bias_" + name,
            (z, b, a, c),
            tolerance,
            lambda z, b, a, c: twins.bias_activation(f, z, b, a),
            [0, 2],
        )
        f.forward(z, a)
        compare(
            kernel,
            name + "_backward_bias",
            (z, a, dy, b, c),
            tolerance,
            lambda z, a, dy, db, c: twins.activation_backward_bias(f, z, a, dy, db),
            [2, 3],
        )


def test_column_sums_do_not_depend_on_blocks(kernel, dtype, rng):
    z, dy = rng.normal(size=(2, 50, 77)).astype(dtype)
    whole, parts = dy.copy(), dy.copy()
    sums = np.empty((3, 77), dtype)
    kernel("relu_backward_bias", z, z, whole, sums[0], 0)
    for at in (slice(0, 13), slice(13, 70), slice(70, 77)):
        kernel("relu_backward_bias", z[:, at], z[:, at], parts[:, at], sums[1, at], 0)
    kernel("column_sums", parts, sums[2])
    assert np.array_equal(whole, parts)
    assert np.array_equal(sums[0], sums[1])
    assert np.array_equal(sums[0], sums[2])


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("n", [0, 1, 70, 600])
def test_prelu(kernel, dtype, tolerance, images, n, rng):
    for units in (0, 1, 7, 33):
        shape = (units, n) if images else (n, units)
        x, dy = rng.normal(size=(2, *shape)).astype(dtype)
        slope = rng.normal(size=units).astype(dtype)
        prefix = "prelu_images" if images else "prelu"
        compare(kernel, prefix + "_forward", (x, slope, x), tolerance, written=[2])
        compare(
            kernel,
            prefix + "_backward",
            (x, slope, dy, slope),
            tolerance,
            written=[2, 3],
        )


def test_twin_of_prelu_is_the_layer(rng):
    layer, (x, dy) = PReLU(), rng.normal(size=(2, 20, 5))
    slope, y, dslope, expected = (rng.normal(size=s) for s in (5, (20, 5), 5, 5))
    ws = layer.workspace(layer.build((5,)), 20, x.dtype, None)
    twins.prelu_forward(x, slope, y)
    assert_allclose(y, layer.forward({"a": slope}, x, ws, True))
    dx = layer.backward({"a": slope}, {"a": expected}, dy, ws, True)
    twins.prelu_backward(x, slope, dy, dslope)
    assert_allclose(dy, dx)
    assert_allclose(dslope, expected)


# Losses

LOSSES = [
    ("half_squared_error",),
    ("absolute_error",),
    ("huber", 0.7),
    ("poisson",),
    ("binary_cross_entropy", 0.0),
    ("binary_cross_entropy", 0.1),
    ("quantile", [0.3]),
    ("quantile", [0.1, 0.5, 0.9]),
    ("quantile", np.linspace(0.01, 0.99, 70)),
    ("softmax_cross_entropy", 0.0),
    ("softmax_cross_entropy", 0.1),
]


def loss_arguments(loss, n, k, weighted, dtype, rng):
    name, *constants = loss
    z = rng.normal(0, 4, (n, k)).astype(dtype)
    y = rng.poisson(1, (n, k)).astype(dtype)
    if name == "binary_cross_entropy":
        y = np.minimum(y, 1)
    elif name == "quantile":
        levels = np.array(constants[0], dtype)
        z, constants = rng.normal(0, 4, (n, k * len(levels))).astype(dtype), [levels]
    elif name == "softmax_cross_entropy":
        y = rng.integers(0, k, n)
    w = rng.uniform(0, 2, n).astype(dtype) if weighted else None
    return name, [z, y, w, np.array([0.37]), np.zeros(1), *constants]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss[0]}")
@pytest.mark.parametrize("weighted", [False, True])
def test_losses(kernel, dtype, tolerance, loss, weighted, rng):
    for n in (0, 1, 5, 16, 33, 300):
        for k in (1, 2, 3, 10, 17, 100, 101, 257):
            if n * k >= 30_301:
                continue
            name, args = loss_arguments(loss, n, k, weighted, dtype, rng)
            compare(kernel, name, args, tolerance, written=[0, 4])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss[0]}")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e4, -1e4])
@pytest.mark.parametrize("k", [2, 120])
def test_special_values_of_losses(kernel, dtype, tolerance, loss, value, k, rng):
    name, args = loss_arguments(loss, 20, k, False, dtype, rng)
    args[0][3, 0] = args[0][-1, 1] = value
    compare(kernel, name, args, tolerance, written=[0, 4])


def test_cross_entropy_is_clipped(kernel, dtype):
    z, loss, one = np.array([[0.0, 1000.0]], dtype), np.zeros(1), np.ones(1)
    kernel("softmax_cross_entropy", z, np.array([0]), None, one, loss, 0)
    assert loss[0] == pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-7)
    z = np.array([[1000.0]], dtype)
    kernel("binary_cross_entropy", z, np.zeros_like(z), None, one, loss, 0)
    assert loss[0] == pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-7)


@pytest.mark.parametrize("link", ["softmax_link", "exp_link"])
def test_links(kernel, dtype, tolerance, link, rng):
    for n in (0, 1, 16, 33):
        for k in (1, 2, 10, 100, 101, 257):
            z = rng.normal(0, 4, (n, k)).astype(dtype)
            compare(kernel, link, (z, z), tolerance, written=[1])


def test_exponential_over_its_whole_range(kernel, dtype):
    largest = np.log(float(np.finfo(dtype).max))
    z = np.linspace(-1.2 * largest, 1.1 * largest, 100_001).astype(dtype)
    z = read_only(np.r_[z, SPECIAL], dtype)
    p = np.empty_like(z)
    kernel("exp_link", z, p)
    with np.errstate(all="ignore"):
        expected = np.exp(z.astype(np.longdouble)).astype(dtype)
    eps = np.finfo(dtype).eps
    assert_allclose(p, expected, rtol=1.5 * eps, atol=float(np.finfo(dtype).tiny) * eps)


# Solvers

STATES = {"sgd": 1, "adam": 2, "nadam": 2, "rmsprop": 1, "adagrad": 1, "adadelta": 2}
CONSTANTS = {
    "sgd": [0.1, 0.9],
    "adam": [0.01, 0.9, 0.999, 1e-7],
    "nadam": [0.01, 0.02, 0.9, 0.999, 1e-7],
    "rmsprop": [0.01, 0.9, 1e-7],
    "adagrad": [0.01, 1e-8],
    "adadelta": [1.0, 0.9, 1e-6],
}


@pytest.mark.parametrize("name", STATES)
def test_solvers(kernel, dtype, tolerance, name, rng):
    variants = (
        [(False, []), (True, [0]), (True, [1])] if name == "sgd" else [(True, [])]
    )
    for size in (0, 1, 31, 33, 257, 1500):
        for n_decay in (0, size // 2, size):
            for has_state, extra in variants:
                extra = extra or [0] * (name == "sgd")
                theta, grad = rng.normal(size=(2, size)).astype(dtype)
                theta[: n_decay // 3] = 0  # where the L1 norm has no slope
                state = list(rng.uniform(0, 2, (STATES[name], size)).astype(dtype))
                if not has_state:
                    state = [None]
                c = np.array([0.1, 0.02, 0.9, 0.5, *CONSTANTS[name]])
                args = [theta, grad, *state, n_decay, c, np.ones(2), *extra]
                at = len(state)
                written = [0, *range(2, 2 + at * has_state), at + 4]
                compare(kernel, name, args, tolerance, written=written)


def test_gradient_of_the_penalty(kernel, dtype, tolerance, rng):
    for size in (0, 1, 33, 1500):
        theta, grad = rng.normal(size=(2, size)).astype(dtype)
        c = np.array([0.1, 0.02, 1.0, 0.5])
        args = (theta, grad, size // 2, c, np.ones(2))
        compare(kernel, "add_penalty", args, tolerance, written=[1, 4])


def folded(name, rate, t, state):
    """The constants of a solver's kernel for step `t` (from 1)."""
    solver = solvers.SOLVERS[name]()
    if name == "sgd":
        return [rate, solver.momentum]
    if name == "adagrad":
        return [rate, solver.epsilon]
    if name == "adadelta":
        return [rate, solver.rho, solver.epsilon]
    if name == "rmsprop":
        scale = (1 - solver.rho) ** 0.5
        return [rate / scale, solver.rho, solver.epsilon / scale]
    b1, b2 = solver.beta_1, solver.beta_2
    if name == "adam":
        scale = (1 - b2) ** 0.5
        rate *= (1 - b2**t) ** 0.5 / (1 - b1**t) * (1 - b1) / scale
        return [rate, b1, b2, solver.epsilon / scale]
    scale = ((1 - b2) / (1 - b2**t)) ** 0.5
    rates = solver._rates({**state, "t": t}, rate / scale)
    return [*rates, b1, b2, solver.epsilon / scale]


@pytest.mark.parametrize("name", STATES)
def test_twins_of_solvers_are_the_steps(name, rng):
    solver, (theta, grad) = solvers.SOLVERS[name](), rng.normal(size=(2, 30))
    expected, state, sums = theta.copy(), solver.start(theta), np.zeros(2)
    arrays = [a.copy() for a in state.values() if isinstance(a, np.ndarray)]
    for t in range(1, 4):
        c = np.array([0, 0, 1, 1, *folded(name, 0.1, t, state)])
        solver.step(expected, grad.copy(), state, 0.1)
        extra = [1] if "nesterov" in signature(getattr(twins, name)).parameters else []
        getattr(twins, name)(theta, grad, *arrays, 0, c, sums, *extra)
        assert_allclose(theta, expected, rtol=1e-13)
