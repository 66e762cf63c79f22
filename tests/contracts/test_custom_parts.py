"""Custom parts: an activation, a loss, a solver, a schedule and an initializer."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import erf
from sklearn.base import clone
from small_fits import DATA, DIABETES, IRIS, SMALL, TWO_LAYERS, assert_same

from sknn import MLPClassifier, MLPRegressor
from sknn.activations import ActivationFunction
from sknn.initializers import Initializer
from sknn.losses import (
    BinaryCrossEntropy,
    Loss,
)
from sknn.schedules import (
    Schedule,
)
from sknn.solvers import SGD, Solver

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@dataclass(frozen=True)
class Sine(ActivationFunction):
    frequency: float = 1.0

    def forward(self, z, out):
        np.sin(self.frequency * z, out=out)

    def backward(self, z, a, dy):
        dy *= self.frequency * np.cos(self.frequency * z)


@dataclass(frozen=True)
class LogCosh(Loss):
    link_name = "identity"

    def loss_gradient(self, z, y, sample_weight, out):
        residual = z - y
        losses = np.log(np.cosh(residual)).sum(axis=1)
        w = np.ones(len(z)) if sample_weight is None else sample_weight
        out[...] = np.tanh(residual) * w[:, np.newaxis]
        return float(losses @ w)

    def link(self, z, out):
        out[...] = z


@dataclass(frozen=True)
class Probit(BinaryCrossEntropy):
    """Two classes by the normal distribution function instead of the logistic one."""

    link_name = "probit"

    def loss_gradient(self, z, y, sample_weight, out):
        sign = 2 * y - 1
        p = (1 + erf(sign * z / np.sqrt(2))) / 2
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        out[...] = -sign * density / p
        w = np.ones(len(z)) if sample_weight is None else sample_weight
        out *= w[:, np.newaxis]
        return float(-np.log(p).sum(axis=1) @ w)

    def link(self, z, out):
        out[...] = (1 + erf(z / np.sqrt(2))) / 2


@dataclass(frozen=True)
class SignSGD(Solver):
    def start(self, theta):
        return {"steps": 0}

    def step(self, theta, grad, state, learning_rate):
        state["steps"] += 1
        theta -= learning_rate * np.sign(grad)


@dataclass(frozen=True)
class Sawtooth(Schedule):
    period: int = 2

    def __call__(self, epoch, n_epochs, rows=0):
        return 1 - (epoch % self.period) / self.period


@dataclass(frozen=True)
class Alternating(Initializer):
    size: float = 0.3

    def __call__(self, shape, fan_in, fan_out, rng):
        return self.size * (-1.0) ** np.arange(np.prod(shape)).reshape(shape)


TWO_CLASSES = IRIS[0], (IRIS[1] > 1).astype(int)

OWN = [
    (MLPClassifier, IRIS, {"activation": Sine(2.0)}),
    (MLPClassifier, IRIS, {"activation": (Sine(2.0), "relu"), **TWO_LAYERS}),
    (MLPClassifier, IRIS, {"solver": SignSGD()}),
    (MLPClassifier, IRIS, {"learning_rate": Sawtooth(3)}),
    (MLPClassifier, IRIS, {"initializer": Alternating()}),
    (MLPClassifier, TWO_CLASSES, {"loss": Probit(), "learning_rate_init": 0.05}),
    (MLPRegressor, DIABETES, {"loss": LogCosh(), "learning_rate_init": 0.05}),
    (MLPRegressor, DIABETES, {"loss": LogCosh(), "solver": "lbfgs", "alpha": 1}),
]


@pytest.mark.parametrize(
    "Estimator, data, params", OWN, ids=[str(params) for _, _, params in OWN]
)
def test_custom_parts_train_clone_and_pickle(Estimator, data, params):
    net = Estimator(**{**SMALL, "max_iter": 30, **params}).fit(*data)
    assert net.score(*data) > (0.9 if Estimator is MLPClassifier else 0.4)
    again = pickle.loads(pickle.dumps(clone(net))).fit(*data)
    assert_same(net, again)
    if hasattr(net, "partial_fit"):
        net.partial_fit(*data)
    X, y = data
    weighted = Estimator(**{**SMALL, **params}).fit(X, y, np.ones(len(y)))
    loss = Estimator(**{**SMALL, **params}).fit(X, y).loss_
    assert weighted.loss_ == pytest.approx(loss)


def test_predictions_come_from_the_link_of_a_custom_loss():
    X, y = TWO_CLASSES
    net = MLPClassifier(**SMALL, loss=Probit()).fit(X, y)
    z = net.decision_function(X)
    assert_allclose(net.predict_proba(X)[:, 1], (1 + erf(z / np.sqrt(2))) / 2)
    assert_array_equal(net.predict(X), (z > 0).astype(int))
    assert net.out_activation_ == "probit"


def test_parts_need_not_be_dataclasses():
    class Plain(Solver):
        def __init__(self, factor=1.0):
            self.factor = factor

        def start(self, theta):
            return {}

        def step(self, theta, grad, state, learning_rate):
            theta -= self.factor * learning_rate * grad

    assert Plain(0.1) == Plain(0.1) != Plain(0.9)
    assert hash(Plain(0.1)) == hash(Plain(0.1)) != hash(Plain(0.9))
    assert repr(Plain(0.1)) == "Plain(factor=0.1)"
    X, y = DATA[MLPClassifier]
    net = MLPClassifier(solver=Plain(0.1), max_iter=2).fit(X, y)
    net.set_params(solver__factor=0.9).partial_fit(X, y)
    assert net._progress.solver.factor == 0.9
    assert clone(net).solver == Plain(0.9)


def test_a_required_weight_decay_is_a_parameter_as_any():
    @dataclass(frozen=True)
    class Decaying(SGD):
        weight_decay: float = 0.5

    assert Decaying(weight_decay=0.1).weight_decay == 0.1
