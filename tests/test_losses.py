"""Losses: values, derivatives, links, extremes; each loss keeps the contract."""

import pickle

import numpy as np
import pytest
from helpers import (
    LOSSES,
    assert_gradient,
    draw_targets,
    draw_weights,
    name_of,
    outputs_averaged,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error

from sknn.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    HalfSquaredError,
)

N = 40

all_losses = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])
one_output_or_several = pytest.mark.parametrize(
    "loss, n_outputs",
    [
        *((loss, 4) for loss in LOSSES),
        # Of a single class there is nothing to learn.
        *((loss, 1) for loss in LOSSES if loss.link_name != "softmax"),
    ],
    ids=name_of,
)

LINKS = {
    "identity": lambda z: z,
    "exp": np.exp,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: special.softmax(z, axis=1),
}


def draw(loss, n_outputs=4, weighted=True, dtype=np.float64):
    """Raw scores, targets and weights."""
    rng = np.random.RandomState(0)
    z = rng.normal(scale=2, size=(N, n_outputs)).astype(dtype)
    y = draw_targets(loss, N, n_outputs, rng, dtype)
    return z, y, draw_weights(N, rng, dtype) if weighted else None


def loss_gradient(loss, z, y, w):
    dz = np.full_like(z, np.nan)
    return loss.loss_gradient(z, y, w, out=dz), dz


def link(loss, z):
    predictions = np.full_like(z, np.nan)
    loss.link(z, out=predictions)
    return predictions


@one_output_or_several
@weighted_or_not
def test_derivative_is_that_of_the_loss(loss, n_outputs, weighted):
    z, y, w = draw(loss, n_outputs, weighted)
    _, dz = loss_gradient(loss, z, y, w)
    factor = outputs_averaged(loss, n_outputs)

    def value(z):
        return factor * loss_gradient(loss, z, y, w)[0]

    assert_gradient(value, z, dz, rtol=1e-9)


@one_output_or_several
@weighted_or_not
def test_value_is_the_weighted_sum_over_rows(loss, n_outputs, weighted):
    z, y, w = draw(loss, n_outputs, weighted)
    by_row = [loss_gradient(loss, z[[i]], y[[i]], None)[0] for i in range(N)]
    expected = sum(by_row) if w is None else np.dot(by_row, w)
    assert_allclose(loss_gradient(loss, z, y, w)[0], expected, rtol=1e-12)


@all_losses
@weighted_or_not
def test_out_may_be_the_scores(loss, weighted):
    z, y, w = draw(loss, weighted=weighted)
    for constant in (z, y):
        constant.flags.writeable = False
    value, dz = loss_gradient(loss, z, y, w)
    in_place = z.copy()
    assert loss.loss_gradient(in_place, y, w, out=in_place) == value
    assert_array_equal(in_place, dz)


@weighted_or_not
def test_values_are_those_of_sklearn_metrics(weighted):
    def mean(loss):
        z, y, w = draw(loss, weighted=weighted)
        total = N if w is None else w.sum()
        value, _ = loss_gradient(loss, z, y, w)
        return value / total, y, LINKS[loss.link_name](z), {"sample_weight": w}

    value, y, p, w = mean(HalfSquaredError())
    assert_allclose(value, mean_squared_error(y, p, **w) / 2, rtol=1e-12)

    value, y, p, w = mean(HalfPoissonDeviance())
    deviances = [mean_poisson_deviance(y[:, k], p[:, k], **w) for k in range(4)]
    assert_allclose(value, sum(deviances) / 2, rtol=1e-12)

    value, y, p, w = mean(BinaryCrossEntropy())
    assert_allclose(value, sum(log_loss(y[:, k], p[:, k], **w) for k in range(4)))

    value, y, p, w = mean(CategoricalCrossEntropy())
    assert_allclose(value, log_loss(y, p, **w), rtol=1e-12)


TORCH_LOSSES = {
    HalfSquaredError(): lambda f, z, y: f.mse_loss(z, y, reduction="sum") / 2,
    HalfPoissonDeviance(): lambda f, z, y: f.poisson_nll_loss(z, y, reduction="sum"),
    BinaryCrossEntropy(): lambda f, z, y: f.binary_cross_entropy_with_logits(
        z, y, reduction="sum"
    ),
    CategoricalCrossEntropy(): lambda f, z, y: f.cross_entropy(z, y, reduction="sum"),
}


@pytest.mark.parametrize("loss", TORCH_LOSSES, ids=name_of)
def test_agrees_with_torch(loss):
    torch = pytest.importorskip("torch")
    z, y, _ = draw(loss)
    value, dz = loss_gradient(loss, z, y, None)
    z_torch = torch.tensor(z, requires_grad=True)
    torch_loss = TORCH_LOSSES[loss](torch.nn.functional, z_torch, torch.tensor(y))
    torch_loss.backward()
    expected = torch_loss.item() / outputs_averaged(loss, 4)
    if loss.link_name == "exp":
        expected += special.xlogy(y, y).sum() - y.sum()  # which torch leaves out
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(dz, z_torch.grad.numpy(), rtol=1e-11, atol=1e-14)


@all_losses
def test_link_is_the_closed_form(loss):
    z, y, _ = draw(loss)
    predictions = link(loss, z)
    assert_allclose(predictions, LINKS[loss.link_name](z), rtol=1e-12)
    onehot = np.eye(4)[y] if y.ndim == 1 else y
    _, dz = loss_gradient(loss, z, y, None)
    assert_allclose(dz, predictions - onehot, atol=1e-12)
    loss.link(z, out=z)
    assert_array_equal(z, predictions)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CategoricalCrossEntropy()])
@both_dtypes
def test_extreme_scores_of_a_classifier(loss, dtype):
    z = np.array([[1e3, -1e3], [1e3, -1e3]], dtype)
    right_then_wrong = np.array([[1, 0], [0, 1]], dtype)
    y = right_then_wrong
    n_clipped = 2
    if loss == CategoricalCrossEntropy():
        y = y.argmax(axis=1)
        n_clipped = 1
    value, dz = loss_gradient(loss, z, y, None)
    # As in scikit-learn a wrong answer costs -log(eps) at most.
    assert_allclose(value, -n_clipped * np.log(np.finfo(dtype).eps), rtol=1e-6)
    assert_array_equal(dz, [[0, 0], [1, -1]])
    assert_array_equal(link(loss, z), [[1, 0], [1, 0]])


@both_dtypes
def test_extreme_scores_of_a_regressor(dtype):
    z, y = np.array([[1e3, -1e3]], dtype), np.array([[1, 0]], dtype)
    value, dz = loss_gradient(HalfSquaredError(), z, y, None)
    assert_allclose(value, (999**2 + 1000**2) / 4, rtol=1e-6)
    assert_array_equal(dz, [[999, -1000]])

    low = np.full((1, 2), -1e3, dtype)
    value, dz = loss_gradient(HalfPoissonDeviance(), low, y, None)
    assert value == 1e3 - 1
    assert_array_equal(dz, -y)
    with np.errstate(over="ignore"):
        value, _ = loss_gradient(HalfPoissonDeviance(), -low, y, None)
    assert value == np.inf


@all_losses
@weighted_or_not
def test_float32_stays_and_agrees_with_float64(loss, weighted):
    z, y, w = draw(loss, weighted=weighted, dtype=np.float32)
    value, dz = loss_gradient(loss, z, y, w)
    z_64, y_64, w_64 = draw(loss, weighted=weighted)
    value_64, dz_64 = loss_gradient(loss, z_64, y_64, w_64)
    assert isinstance(value, float)
    assert_allclose(value, value_64, rtol=1e-5)
    assert_allclose(dz, dz_64, rtol=1e-4, atol=1e-5)
    assert_allclose(link(loss, z), link(loss, z_64), rtol=1e-5)


@all_losses
def test_is_an_immutable_value(loss):
    same = pickle.loads(pickle.dumps(loss))
    assert loss == same
    assert hash(loss) == hash(same)
