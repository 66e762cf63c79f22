"""Helpers of the tests of the engine: losses with targets, networks, derivatives."""

import numpy as np

from sknn.activations import ACTIVATIONS
from sknn.layers import ActivationLayer, Dense
from sknn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Quantile,
)
from sknn.network import Network

LOSSES = [
    HalfSquaredError(),
    AbsoluteError(),
    Huber(0.7),
    HalfPoissonDeviance(),
    Quantile(0.3),
    Quantile((0.1, 0.5, 0.9)),
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
    """Number of raw scores a row, for targets of `n_outputs` columns or classes."""
    return n_outputs * loss.scores_per_output


def draw_targets(loss, n, n_outputs, rng, dtype=np.float64):
    """Draw targets from the range that belongs to the link of the loss."""
    if loss.link_name == "softmax":
        return rng.randint(n_outputs, size=n)
    draw = {
        "identity": lambda: rng.normal(size=(n, n_outputs)),
        "exp": lambda: rng.poisson(1.5, (n, n_outputs)),
        "logistic": lambda: rng.randint(2, size=(n, n_outputs)),
    }[loss.link_name]
    return draw().astype(dtype)


def draw_weights(n, rng, dtype=np.float64):
    """Draw weights of rows; the first row has none."""
    weights = rng.uniform(0.5, 2, n).astype(dtype)
    weights[0] = 0
    return weights


def outputs_averaged(loss, n_outputs):
    """Outputs by which the reported loss, but not its derivative, is divided."""
    return n_outputs if isinstance(loss, HalfSquaredError) else 1


def make_network(n_in, hidden, n_out, activation="tanh", dtype=np.float64, seed=0):
    """Return a multi-layer perceptron with drawn parameters."""
    layers = []
    for units in hidden:
        layers += [Dense(units), ActivationLayer(ACTIVATIONS[activation])]
    network = Network([*layers, Dense(n_out)], (n_in,), np.dtype(dtype))
    network.initialize(np.random.RandomState(seed))
    return network


def directional_derivative(f, x, direction, h=1e-4):
    """Derivative of ``f(x + t * direction)`` at ``t = 0``, to order h⁴."""

    def difference(t):
        return f(x + t * direction) - f(x - t * direction)

    return (8 * difference(h) - difference(2 * h)) / (12 * h)


def assert_gradient(f, x, gradient, rtol=1e-6):
    """Compare a gradient of the number ``f(x)`` with `f`, in random directions."""
    rng = np.random.RandomState(0)
    size = np.linalg.norm(gradient)
    assert size > 0
    for _ in range(5):
        direction = rng.normal(size=x.shape)
        expected = directional_derivative(f, x, direction)
        assert abs(np.vdot(gradient, direction) - expected) <= rtol * size


def float_dtypes(*things):
    """Dtypes of all floating-point arrays in objects, containers and what they hold."""
    found, seen, todo = set(), set(), list(things)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            if thing.dtype.kind == "f":
                found.add(thing.dtype)
        elif isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, list | tuple):
            todo += thing
        elif hasattr(thing, "__dict__"):
            todo += vars(thing).values()
    return found
