"""Helpers of the tests of the engine: losses with targets, networks, derivatives."""

import gc
from functools import partial

import numpy as np

from sknn.activations import ACTIVATIONS
from sknn.inspection import gradient_check
from sknn.layers import (
    Activation,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    LayerNorm,
    PReLU,
    Residual,
    Training,
)
from sknn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GaussianNLL,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Quantile,
)
from sknn.network import Network, rows_like, write_rows

LOSSES = [
    HalfSquaredError(),
    AbsoluteError(),
    Huber(0.7),
    HalfPoissonDeviance(),
    Quantile(0.3),
    Quantile((0.1, 0.5, 0.9)),
    GaussianNLL(),
    GaussianNLL(0.3),
    BinaryCrossEntropy(),
    BinaryCrossEntropy(0.1),
    CategoricalCrossEntropy(),
    CategoricalCrossEntropy(0.2),
]
"""Every loss, with the settings to test."""


def name_of(thing):
    """Name of a case, for pytest's ids."""
    return thing if isinstance(thing, str) else repr(thing)


def n_scores(loss, n_outputs):
    """Number of raw scores per row, for targets of `n_outputs` columns or classes."""
    return n_outputs * loss.scores_per_output


def draw_targets(loss, n, n_outputs, rng, dtype=np.float64):
    """Draw targets from the range that belongs to the link of the loss."""
    if loss.link_name == "softmax":
        return rng.randint(n_outputs, size=n)
    draw = {
        "identity": lambda: rng.normal(size=(n, n_outputs)),
        "gaussian": lambda: rng.normal(size=(n, n_outputs)),
        "exp": lambda: rng.poisson(1.5, (n, n_outputs)),
        "logistic": lambda: rng.randint(2, size=(n, n_outputs)),
    }[loss.link_name]
    return draw().astype(dtype)


def draw_weights(n, rng, dtype=np.float64):
    """Draw weights of rows; that of the first row is 0."""
    weights = rng.uniform(0.5, 2, n).astype(dtype)
    weights[0] = 0
    return weights


def outputs_averaged(loss, n_outputs):
    """Outputs by which the reported loss, but not its derivative, is divided."""
    return n_outputs if isinstance(loss, HalfSquaredError) else 1


ARCHITECTURES = {
    "linear": lambda f: [],
    "two hidden": lambda f: [Dense(6), f, Dense(4), f],
    "three hidden": lambda f: [Dense(5), f, Dense(4), f, Dense(6), f],
    "batch norm": lambda f: [Dense(6), BatchNorm(), f, Dense(4), BatchNorm(), f],
    "layer norm": lambda f: [Dense(6), LayerNorm(), f, Dense(4), LayerNorm(), f],
    "prelu": lambda f: [Dense(6), PReLU(), Dense(4), f],
    "dropout": lambda f: [Dropout(0.2), Dense(6), f, Dropout(0.5), Dense(4), f],
    "dropconnect": lambda f: [DropConnect(Dense(6), 0.5), f, Dense(4), f],
    "residual": lambda f: [
        Dense(6),
        Residual((BatchNorm(), f, Dropout(0.2), Dense(6))),
        Residual((LayerNorm(), f, Dense(4))),
        f,
    ],
}
"""Makers of hidden layers of every kind of network, given an activation layer."""

DETERMINISTIC = [
    name
    for name, make in ARCHITECTURES.items()
    if not any(layer.random for layer in make(Activation(ACTIVATIONS["tanh"])))
]
"""The architectures that draw no random numbers."""


def network_of(layers, n_in, dtype=np.float64, seed=0, rates=None):
    """Return a network with drawn parameters."""
    network = Network(layers, (n_in,), np.dtype(dtype), rates)
    network.initialize(np.random.RandomState(seed))
    return network


def make_network(
    n_in, hidden, n_out, activation="tanh", dtype=np.float64, seed=0, rates=None
):
    """Return a network with hidden layers of these widths, or of an architecture."""
    f = Activation(ACTIVATIONS[activation])
    if isinstance(hidden, str):
        layers = ARCHITECTURES[hidden](f)
    else:
        layers = [layer for units in hidden for layer in (Dense(units), f)]
    return network_of([*layers, Dense(n_out)], n_in, dtype, seed, rates)


def training_pass(network, x, sample_weight=None, seed=0):
    """Pass rows forward as training does; return the bound pass and raw scores."""
    training = Training(np.random.default_rng(seed), sample_weight)
    bound = network.bind(rows_like(x, network.dtype), training)
    write_rows(x, bound.x)
    bound.forward()
    return bound, bound.z


def directional_derivative(f, x, direction, h):
    """Derivative of ``f(x + t * direction)`` at ``t = 0``, by differences of `h`."""
    scale = h / gradient_check.STEP
    moved = scale * direction
    return gradient_check.directional_derivative(lambda t: f(x + t * moved)) / scale


def assert_gradient(f, x, gradient, rtol=1e-6, h=1e-5):
    """Compare a gradient of the number ``f(x)`` with `f`, in random directions.

    A smaller `h` meets fewer kinks of f, but more rounding error.
    """
    rng = np.random.RandomState(0)
    size = np.linalg.norm(gradient)
    assert size > 0
    for _ in range(5):
        direction = rng.normal(size=x.shape)
        expected = directional_derivative(f, x, direction, h)
        assert abs(np.vdot(gradient, direction) - expected) <= rtol * size


def float_dtypes(*things):
    """Dtypes of all floating-point arrays in objects, containers and what they hold.

    These include the arrays of bound calls. Arrays of one number do not count: numbers
    such as the loss of a batch are in float64 everywhere.
    """
    found, seen, todo = set(), set(), list(things)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            if thing.dtype.kind == "f" and thing.size != 1:
                found.add(thing.dtype)
        elif isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, list | tuple):
            todo += thing
        elif isinstance(thing, partial):
            todo.append(thing.args)
        elif type(thing).__name__ in ("Call", "Program"):
            todo += gc.get_referents(thing)
        elif hasattr(thing, "__dict__"):
            todo += vars(thing).values()
    return found
