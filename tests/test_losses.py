"""Losses: values, derivatives, links, extremes; each loss keeps the contract."""

import pickle

import numpy as np
import pytest
from helpers import (
    LOSSES,
    assert_gradient,
    draw_targets,
    draw_weights,
    n_scores,
    name_of,
    outputs_averaged,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknn.losses import (
    REGRESSION_LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GaussianNLL,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Quantile,
)

N = 40

all_losses = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])
one_output_or_several = pytest.mark.parametrize(
    "loss, n_outputs",
    [
        *((loss, 4) for loss in LOSSES),
        # With a single class there is nothing to learn.
        *((loss, 1) for loss in LOSSES if loss.link_name != "softmax"),
    ],
    ids=name_of,
)

LINKS = {
    "identity": lambda z: z,
    "exp": np.exp,
    "gaussian": lambda z: np.where(np.arange(8) % 2, np.log1p(np.exp(z)), z),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: special.softmax(z, axis=1),
}

CANONICAL = [
    HalfSquaredError(),
    HalfPoissonDeviance(),
    BinaryCrossEntropy(),
    CategoricalCrossEntropy(),
]
"""The losses whose derivative is prediction minus target."""

QUANTILES = (0.1, 0.5, 0.9)


def draw(loss, n_outputs=4, weighted=True, dtype=np.float64):
    """Raw scores, targets and weights."""
    rng = np.random.RandomState(0)
    z = rng.normal(scale=2, size=(N, n_scores(loss, n_outputs))).astype(dtype)
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
    # To rounding: NumPy may run another loop if the output is the input.
    value_in_place = loss.loss_gradient(in_place, y, w, out=in_place)
    assert_allclose(value_in_place, value, rtol=1e-14)
    assert_allclose(in_place, dz, rtol=1e-13, atol=1e-15)


@weighted_or_not
def test_values_are_those_of_sklearn_and_scipy(weighted):
    def mean(loss):
        z, y, w = draw(loss, weighted=weighted)
        total = N if w is None else w.sum()
        value, _ = loss_gradient(loss, z, y, w)
        return value / total, y, link(loss, z), {"sample_weight": w}

    value, y, p, w = mean(HalfSquaredError())
    assert_allclose(value, mean_squared_error(y, p, **w) / 2, rtol=1e-12)

    value, y, p, w = mean(HalfPoissonDeviance())
    deviances = [mean_poisson_deviance(y[:, k], p[:, k], **w) for k in range(4)]
    assert_allclose(value, sum(deviances) / 2, rtol=1e-12)

    value, y, p, w = mean(AbsoluteError())
    assert_allclose(value, 4 * mean_absolute_error(y, p, **w), rtol=1e-12)

    value, y, p, w = mean(Quantile(0.3))
    pinball = mean_pinball_loss(y, p, alpha=0.3, **w)
    assert_allclose(value, 4 * pinball, rtol=1e-12)

    value, y, p, w = mean(Quantile(QUANTILES))
    pinballs = [
        mean_pinball_loss(y, p[:, k::3], alpha=level, **w)
        for k, level in enumerate(QUANTILES)
    ]
    assert_allclose(value, 4 * sum(pinballs), rtol=1e-12)

    value, y, p, w = mean(GaussianNLL(0.3))
    minus_log_p = -stats.norm.logpdf(y, p[:, ::2], p[:, 1::2]).sum(axis=1)
    expected = np.average(minus_log_p, weights=w["sample_weight"])
    assert_allclose(value, expected, rtol=1e-12)

    value, y, p, w = mean(BinaryCrossEntropy())
    assert_allclose(value, sum(log_loss(y[:, k], p[:, k], **w) for k in range(4)))

    value, y, p, w = mean(CategoricalCrossEntropy())
    assert_allclose(value, log_loss(y, p, **w), rtol=1e-12)


def torch_pinball(f, z, y):
    """Pinball loss of `QUANTILES`, differentiated by PyTorch."""
    z = z.reshape(N, 4, 3)
    first, second = z[..., 0], z[..., 0] + f.softplus(z[..., 1])
    third = second + f.softplus(z[..., 2])
    too_low = [y - q for q in (first, second, third)]
    pairs = zip(QUANTILES, too_low, strict=True)
    return sum((p * f.relu(u) + (1 - p) * f.relu(-u)).sum() for p, u in pairs)


def torch_gaussian(f, z, y):
    """Gaussian negative log-likelihood with a standard deviation of 0.3 or more."""
    std = f.softplus(z[:, 1::2]) + 0.3
    return f.gaussian_nll_loss(z[:, ::2], y, std**2, full=True, reduction="sum")


TORCH_LOSSES = {
    HalfSquaredError(): lambda f, z, y: f.mse_loss(z, y, reduction="sum") / 2,
    AbsoluteError(): lambda f, z, y: f.l1_loss(z, y, reduction="sum"),
    Huber(0.7): lambda f, z, y: f.huber_loss(z, y, delta=0.7, reduction="sum"),
    Quantile(0.5): lambda f, z, y: f.l1_loss(z, y, reduction="sum") / 2,
    Quantile(QUANTILES): torch_pinball,
    GaussianNLL(0.3): torch_gaussian,
    HalfPoissonDeviance(): lambda f, z, y: f.poisson_nll_loss(z, y, reduction="sum"),
    BinaryCrossEntropy(): lambda f, z, y: f.binary_cross_entropy_with_logits(
        z, y, reduction="sum"
    ),
    BinaryCrossEntropy(0.1): lambda f, z, y: f.binary_cross_entropy_with_logits(
        z, 0.9 * y + 0.05, reduction="sum"
    ),
    CategoricalCrossEntropy(): lambda f, z, y: f.cross_entropy(z, y, reduction="sum"),
    CategoricalCrossEntropy(0.2): lambda f, z, y: f.cross_entropy(
        z, y, reduction="sum", label_smoothing=0.2
    ),
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
        expected += special.xlogy(y, y).sum() - y.sum()  # omitted by PyTorch
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(dz, z_torch.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("loss", CANONICAL, ids=name_of)
def test_derivative_is_prediction_minus_target(loss):
    z, y, _ = draw(loss)
    onehot = np.eye(4)[y] if y.ndim == 1 else y
    _, dz = loss_gradient(loss, z, y, None)
    assert_allclose(dz, link(loss, z) - onehot, atol=1e-12)


@all_losses
def test_link_is_the_closed_form(loss):
    z, _, _ = draw(loss)
    expected = LINKS[loss.link_name](z)
    if loss.predicts_std:
        expected[:, 1::2] += loss.min_std
    elif loss.scores_per_output > 1:
        by_output = z.reshape(N, 4, 3)
        steps = np.log1p(np.exp(by_output))
        steps[..., 0] = by_output[..., 0]
        expected = steps.cumsum(axis=2).reshape(z.shape)
    predictions = link(loss, z)
    assert_allclose(predictions, expected, rtol=1e-12, atol=1e-14)
    loss.link(z, out=z)
    assert_allclose(z, predictions, rtol=1e-14)


@both_dtypes
@pytest.mark.parametrize("size", [1, 30, 1e3, 1e30])
def test_quantiles_never_cross(dtype, size):
    loss = Quantile(tuple(np.linspace(0.05, 0.95, 7)))
    z = np.random.RandomState(0).normal(scale=size, size=(1000, 14)).astype(dtype)
    q = link(loss, z)
    assert q.dtype == dtype
    assert np.isfinite(q).all()
    assert (np.diff(q.reshape(1000, 2, 7)) >= 0).all()
    value, dz = loss_gradient(loss, z, np.zeros((1000, 2), dtype), None)
    assert np.isfinite(value)
    assert np.isfinite(dz).all()


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.8])
def test_pinball_loss_is_smallest_at_the_quantile(quantile):
    y = np.random.RandomState(0).normal(size=(1001, 1))

    def mean(q):
        return loss_gradient(Quantile(quantile), np.full_like(y, q), y, None)[0]

    best = np.quantile(y, quantile)
    assert mean(best) < min(mean(best - 0.05), mean(best + 0.05))


@pytest.mark.parametrize(
    "loss", [AbsoluteError(), Huber(), Quantile(0.3), Quantile(QUANTILES)], ids=name_of
)
def test_an_exact_prediction_has_derivative_zero(loss):
    z = np.array([[1.0, -1e3, -1e3][: loss.scores_per_output]])
    value, dz = loss_gradient(loss, z, np.ones((1, 1)), None)
    assert value == 0
    assert_array_equal(dz, np.zeros_like(z))


def test_huber_is_half_squared_error_near_and_absolute_error_far_away():
    y = np.zeros((1, 1))
    value, dz = loss_gradient(Huber(2.0), np.array([[-1.5]]), y, None)
    assert (value, dz.item()) == (1.125, -1.5)
    value, dz = loss_gradient(Huber(2.0), np.array([[-5.0]]), y, None)
    assert (value, dz.item()) == (8.0, -2.0)


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
    # As in scikit-learn, the loss of a wrong prediction is at most -log(eps).
    assert_allclose(value, -n_clipped * np.log(np.finfo(dtype).eps), rtol=1e-6)
    assert_array_equal(dz, [[0, 0], [1, -1]])
    assert_array_equal(link(loss, z), [[1, 0], [1, 0]])


@pytest.mark.parametrize(
    "loss", [BinaryCrossEntropy(0.1), CategoricalCrossEntropy(0.1)], ids=name_of
)
@both_dtypes
def test_the_loss_of_smoothed_labels_is_not_clipped(loss, dtype):
    # With targets 0.95 and 0.05, a large score is an error even if its sign is right.
    z = np.array([[1e3, -1e3], [1e3, -1e3]], dtype)
    y = np.array([[1, 0], [0, 1]], dtype)
    if isinstance(loss, CategoricalCrossEntropy):
        y = y.argmax(axis=1)
    value, dz = loss_gradient(loss, z, y, None)
    assert_allclose(value, 100 + 1900, rtol=1e-6)
    assert_allclose(dz, [[0.05, -0.05], [0.95, -0.95]], rtol=1e-5)


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


@both_dtypes
def test_extreme_scores_of_a_robust_regressor(dtype):
    z, y = np.array([[1e3, -1e3]], dtype), np.array([[1, 0]], dtype)
    for loss, expected, expected_dz in [
        (AbsoluteError(), 1999, [1, -1]),
        (Huber(2.0), 2 * (1999 - 2), [2, -2]),
        (Quantile(0.25), 0.75 * 999 + 0.25 * 1000, [0.75, -0.25]),
    ]:
        value, dz = loss_gradient(loss, z, y, None)
        assert_allclose(value, expected, rtol=1e-6)
        assert_array_equal(dz, [expected_dz])


@both_dtypes
def test_extreme_scores_of_a_gaussian(dtype):
    sure, doubtful = [0.0, -1e3], [0.0, 1e3]
    z, y = np.array([sure, doubtful], dtype), np.ones((2, 1), dtype)
    value, dz = loss_gradient(GaussianNLL(0.01), z, y, None)
    log_densities = stats.norm.logpdf(1, 0, [0.01, 1000.01])
    assert_allclose(value, -log_densities.sum(), rtol=1e-5)
    assert_allclose(dz, [[-1e4, 0], [-1e-6, 1e-3]], rtol=1e-4)
    assert_allclose(link(GaussianNLL(0.01), z)[:, 1], [0.01, 1000.01], rtol=1e-6)


def test_gaussian_is_smallest_at_mean_and_standard_deviation():
    y = np.random.RandomState(0).normal(3, 2, size=(1001, 1))
    loss = GaussianNLL(0.5)
    best = np.array([y.mean(), np.log(np.expm1(y.std() - 0.5))])
    _, dz = loss_gradient(loss, np.tile(best, (1001, 1)), y, None)
    assert_allclose(dz.sum(axis=0), [0, 0], atol=1e-10)


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


def test_every_loss_of_the_table_is_tested():
    assert {*REGRESSION_LOSSES.values()} <= {type(loss) for loss in LOSSES}
    for cls in REGRESSION_LOSSES.values():
        assert cls().scores_per_output == (2 if cls is GaussianNLL else 1)


@all_losses
def test_nan_scores_give_a_nan_loss(loss):
    z, y, _ = draw(loss)
    with np.errstate(invalid="ignore"):
        value, _ = loss_gradient(loss, np.full_like(z, np.nan), y, None)
    assert np.isnan(value)


@pytest.mark.parametrize(
    "wrong",
    [
        *(lambda delta=delta: Huber(delta) for delta in (0, -1.0, np.inf, np.nan)),
        *(lambda std=std: GaussianNLL(std) for std in (0, -1.0, np.inf, np.nan)),
        lambda: BinaryCrossEntropy(1.0),
        lambda: CategoricalCrossEntropy(-0.1),
    ],
)
def test_hyper_parameters_have_ranges(wrong):
    with pytest.raises(ValueError, match="must be in"):
        wrong()


@pytest.mark.parametrize(
    "quantile", [0, 1.0, np.nan, (), (0.5, 0.5), (0.9, 0.1), (0.1, 1.0), (0.1, np.nan)]
)
def test_quantiles_are_probabilities_that_increase(quantile):
    with pytest.raises(ValueError, match="quantile of Quantile must be"):
        Quantile(quantile)


@pytest.mark.parametrize("quantile", [[0.1, 0.9], np.array([0.1, 0.9])])
def test_several_quantiles_are_kept_as_a_tuple(quantile):
    loss = Quantile(quantile)
    assert loss == Quantile((0.1, 0.9))
    assert hash(loss) == hash(Quantile((0.1, 0.9)))
    assert loss.scores_per_output == 2


@all_losses
def test_is_an_immutable_value(loss):
    same = pickle.loads(pickle.dumps(loss))
    assert loss == same
    assert hash(loss) == hash(same)
