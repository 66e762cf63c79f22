"""The loss of an ensemble: the mean over members, weights, averaged predictions."""

import numpy as np
import pytest
from helpers import LOSSES, assert_gradient, draw_targets, draw_weights, n_scores
from numpy.testing import assert_allclose

from sknn._member_loss import MeanOverMembers
from sknn.losses import BinaryCrossEntropy, HalfSquaredError

N, K, N_OUTPUTS = 6, 3, 4

all_losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def draw(loss, dtype=np.float64, n_outputs=N_OUTPUTS):
    rng = np.random.RandomState(0)
    y = draw_targets(loss, N, n_outputs, rng, dtype)
    return rng.normal(size=(N, K * n_scores(loss, n_outputs))).astype(dtype), y


def by_member(z):
    """The raw scores of each member, as the members would return them."""
    return np.split(z, K, axis=1)


WEIGHTS = {
    "none": lambda rng: None,
    "of rows": lambda rng: draw_weights(N, rng),
    "of rows and members": lambda rng: (
        rng.uniform(0, 2, (N, K)) * rng.randint(2, size=(N, K))
    ),
}


@all_losses
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_is_the_mean_of_the_losses_of_the_members(loss, weights):
    z, y = draw(loss)
    w, found = weights(np.random.RandomState(1)), np.empty_like(z)
    value = MeanOverMembers(loss, K).loss_gradient(z, y, w, out=found)
    values, gradients = [], []
    for i, z_i in enumerate(by_member(z)):
        w_i = w[:, i] if w is not None and w.ndim == 2 else w
        z_i = np.ascontiguousarray(z_i)
        values.append(loss.loss_gradient(z_i, y, w_i, out=z_i))
        gradients.append(z_i / K)
    assert_allclose(value, np.mean(values), rtol=1e-12)
    assert_allclose(found, np.hstack(gradients), rtol=1e-12, atol=1e-15)


@all_losses
def test_the_gradient_of_independent_members_is_that_of_the_sum(loss):
    z, y = draw(loss)
    mean, total = np.empty_like(z), np.empty_like(z)
    value = MeanOverMembers(loss, K).loss_gradient(z, y, None, out=mean)
    independent = MeanOverMembers(loss, K, independent=True)
    assert independent.loss_gradient(z, y, None, out=total) == value
    assert_allclose(total, K * mean, rtol=1e-13)


@all_losses
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_gradient(loss, weights):
    if isinstance(loss, HalfSquaredError):
        pytest.skip("reports the mean over outputs")
    z, y = draw(loss)
    w, mean, dz = weights(np.random.RandomState(1)), MeanOverMembers(loss, K), z.copy()
    mean.loss_gradient(z, y, w, out=dz)
    value = lambda z: mean.loss_gradient(z, y, w, out=np.empty_like(z))  # noqa: E731
    assert_gradient(value, z, dz)


@all_losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_writes_in_place_and_to_any_layout(loss, dtype):
    z, y = draw(loss, dtype)
    mean, expected = MeanOverMembers(loss, K), np.empty_like(z)
    value = mean.loss_gradient(z, y, None, out=expected)
    for out in z.copy(), np.asfortranarray(z), z.repeat(2, axis=1)[:, ::2]:
        assert_allclose(mean.loss_gradient(out, y, None, out=out), value, rtol=1e-6)
        assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
        assert out.dtype == dtype


@all_losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predicts_the_average_of_the_predictions(loss, dtype):
    z, _ = draw(loss, dtype)
    expected = []
    for z_i in by_member(z):
        expected.append(np.empty_like(z_i))
        loss.link(z_i, out=expected[-1])
    mean = MeanOverMembers(loss, K)
    found = np.empty_like(expected[0])
    mean.link(z, out=found)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    average = np.mean(expected, axis=0)
    if loss.predicts_std:  # of a mixture: E[y²] = E[μ² + σ²]
        means, stds = (np.array(expected)[..., i::2] for i in (0, 1))
        square = np.mean(means**2 + stds**2, axis=0)
        average[:, 1::2] = np.sqrt(square - average[:, ::2] ** 2)
    assert_allclose(found, average, rtol=rtol, atol=rtol)
    joint = mean.joint_scores(z)
    assert joint.shape == found.shape
    assert joint.dtype == dtype
    loss.link(joint, out=joint)
    assert_allclose(joint, found, rtol=rtol, atol=rtol)


@all_losses
def test_one_member_keeps_its_scores(loss):
    z, _ = draw(loss)
    mean = MeanOverMembers(loss, 1)
    joint, prediction, expected = mean.joint_scores(z), np.empty_like(z), z.copy()
    if loss.link_name == "softmax":  # a constant does not matter
        expected -= expected.mean(axis=1, keepdims=True)
        joint -= joint.mean(axis=1, keepdims=True)
    assert_allclose(joint, expected, rtol=1e-9)
    mean.link(z, out=prediction)
    loss.link(z, out=z)
    assert_allclose(prediction, z, rtol=1e-13)


def test_joint_scores_keep_the_digits_of_extreme_probabilities():
    mean = MeanOverMembers(BinaryCrossEntropy(), 2)
    z = np.array([[-800.0, -800.0], [800.0, 790.0], [-50.0, -60.0]])
    expected = [-800, 790 + np.log(2), -50 - np.log(2) + np.exp(-10)]
    assert_allclose(mean.joint_scores(z).ravel(), expected, rtol=1e-6)


def test_takes_its_name_from_the_loss():
    mean = MeanOverMembers(BinaryCrossEntropy(0.1), 3)
    assert mean.link_name == "logistic"
    assert mean.scores_per_output == 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: MeanOverMembers(BinaryCrossEntropy(), 0), "n_members .* got 0"),
        (lambda: MeanOverMembers("log_loss", 2), "must be a Loss, .* got 'log_loss'"),
    ],
)
def test_invalid_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
