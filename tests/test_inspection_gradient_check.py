"""The numerical gradient check."""

from dataclasses import dataclass

import numpy as np
import pytest
from helpers import LOSSES, draw_targets, n_scores
from inspection_data import (
    CANCER,
    DIABETES,
    DIGITS,
    IMAGES,
    WINE,
    classifier,
    regressor,
)
from sklearn.base import clone

from sknn import (
    CNNClassifier,
)
from sknn.activations import ActivationFunction
from sknn.inspection import (
    check_gradients,
)
from sknn.layers import (
    Dense,
    Dropout,
)
from sknn.losses import HalfSquaredError

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

NOISY = {"dropout": 0.3, "input_dropout": 0.1, "dropconnect": 0.2, "mixup": 0.5}


@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize(
    "estimator, data",
    [
        (classifier(alpha=0.5, l1_ratio=0.5), WINE),
        (classifier(hidden_layer_sizes=(9, 9), residual=True, **NOISY), WINE),
        (classifier(normalization="batch", activation="prelu"), DIGITS),
        (classifier(class_weight="balanced", label_smoothing=0.2), CANCER),
        (regressor(activation="tanh", alpha=1.0), (DIABETES[0], DIABETES[0][:, :3])),
        (regressor(loss="absolute_error"), DIABETES),
        (regressor(loss="quantile", quantile=(0.2, 0.8)), DIABETES),
        (CNNClassifier(3, hidden_layer_sizes=8, random_state=0), IMAGES),
        (
            CNNClassifier(
                (3, 4), hidden_layer_sizes=8, residual=True, random_state=0,
                normalization="batch", activation="silu",
            ),
            IMAGES,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_our_gradients_are_right(estimator, data, is_fitted):
    estimator = clone(estimator).set_params(max_iter=2)
    if is_fitted:
        estimator.fit(*data)
    check = check_gradients(estimator, *data)
    assert check.ok
    assert check.max_error < 1e-6
    assert check.columns["layer"][-1] == "output"
    assert min(check.columns["gradient_norm"]) > 1e-3


def test_float32_is_checked_in_float64():
    X = DIGITS[0].astype(np.float32)
    assert check_gradients(classifier(), X, DIGITS[1]).max_error < 1e-6


@dataclass(frozen=True)
class WrongSlope(ActivationFunction):
    """The square, with a derivative that is 1% too large."""

    def forward(self, z, out):
        np.multiply(z, z, out=out)

    def backward(self, z, a, dy):
        dy *= 2.02 * z


@dataclass(frozen=True)
class ForgetsBias(Dense):
    """A dense layer that does not tell the gradient of its biases."""

    def backward(self, p, g, dy, ws, need_dx):
        dx = super().backward(p, g, dy, ws, need_dx)
        g["b"][...] = 0
        return dx


@dataclass(frozen=True)
class WrongLoss(HalfSquaredError):
    """A squared error with the sign of its derivative changed."""

    def loss_gradient(self, z, y, sample_weight, out):
        loss = super().loss_gradient(z, y, sample_weight, out)
        out *= -1
        return loss


def test_wrong_gradients_are_found_where_they_are():
    X = np.random.RandomState(0).normal(size=(9, 4))
    check = check_gradients(WrongSlope(), X)
    assert not check.ok
    assert 0.003 < check.max_error < 0.03
    check = check_gradients(ForgetsBias(3), X)
    errors = dict(zip(check.columns["array"], check.columns["error"], strict=True))
    assert errors["b"] > 0.5
    assert max(errors["W"], errors["input"]) < 1e-6
    assert "Errors above tol=1e-06: b." in repr(check)
    # In a network, the layers before it have the error, those after it do not.
    clf = classifier(hidden_layer_sizes=(9, 9), activation=("tanh", WrongSlope()))
    check = check_gradients(clf, *WINE)
    assert [error > 1e-6 for error in check.columns["error"]] == [True, True, False]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients_of_losses(loss):
    rng = np.random.RandomState(0)
    n_outputs = 1 if loss.scores_per_output > 1 else 3
    y = draw_targets(loss, 12, n_outputs, rng)
    z = rng.normal(size=(12, n_scores(loss, n_outputs)))
    assert check_gradients(loss, z, y).ok


def test_a_wrong_loss_is_found():
    rng = np.random.RandomState(0)
    z, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    assert 0.5 < check_gradients(WrongLoss(), z, y).max_error < 5
    assert not check_gradients(regressor(loss=WrongLoss()), *DIABETES).ok


def test_random_layers_draw_the_same_each_time():
    X = np.random.RandomState(0).normal(size=(9, 4, 3, 2))
    check = check_gradients(Dropout(0.5), X)
    assert check.ok
    assert 0 < check.columns["gradient_norm"][0] < 100


def test_targets_may_not_be_missing():
    with pytest.raises(ValueError, match="y is None, but the loss of an estimator"):
        check_gradients(classifier(), WINE[0])
    with pytest.raises(ValueError, match="y is None, but a loss"):
        check_gradients(HalfSquaredError(), WINE[0])
