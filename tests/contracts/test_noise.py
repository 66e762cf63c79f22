"""Random noise in training: dropout, DropConnect and mixup."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_fits import (
    DATA,
    DIABETES,
    ESTIMATORS,
    IRIS,
    SMALL,
    SpyLoss,
    assert_same,
    fit,
    rows_seen,
)

from sknn import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NOISE = [{"dropout": 0.5}, {"input_dropout": 0.5}, {"dropconnect": 0.5}, {"mixup": 0.2}]


@pytest.mark.parametrize("noise", NOISE, ids=str)
def test_noise_moves_neither_initial_weights_nor_hold_out_nor_shuffles(noise):
    X, y = DIABETES[0], np.arange(120.0)  # each target is the number of its row
    seen, initial, next_draws = [], [], []
    for params in ({}, noise):
        rng = np.random.RandomState(0)
        estimator = MLPRegressor(
            loss=SpyLoss(), early_stopping=True, restore_best=False,
            **{**SMALL, "learning_rate_init": 1e-300, "random_state": rng, **params},
        )  # fmt: skip
        rows_seen.clear()
        estimator.fit(X, y)
        # With mixup a batch is seen twice: its targets, then those mixed in. Each
        # epoch ends with the validation rows.
        mixed = ["mixup" in params]
        step, pattern = 1 + mixed[0], 3 * (1 + mixed[0]) + 1
        epochs = [rows_seen[i : i + pattern] for i in range(0, 4 * pattern, pattern)]
        seen.append([[*e[:-1:step], e[-1]] for e in epochs])
        initial.append(estimator.network_.theta)
        next_draws.append(rng.uniform(size=3))
    assert [len(batch) for batch in seen[0][0]] == [40, 40, 28, 12]
    assert not np.array_equal(seen[0][0][0], seen[0][1][0])  # epochs differ
    for plain, noisy in zip(*seen, strict=True):
        assert_array_equal(np.hstack(plain), np.hstack(noisy))
    assert_array_equal(*initial)
    assert_array_equal(*next_draws)


@pytest.mark.parametrize("noise", NOISE, ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_noise_is_the_same_for_the_same_seed_and_differs_between_epochs(
    Estimator, noise
):
    one, same = (fit(Estimator, **noise) for _ in range(2))
    assert_same(one, same)
    # Weights that do not move, batches that do not change: what differs is the noise.
    still = {"learning_rate_init": 1e-300, "shuffle": False, "batch_size": 150}
    still |= {"max_iter": 5, "n_iter_no_change": 10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # batch_size is clipped
        losses = fit(Estimator, **still, **noise).loss_curve_
        assert len(set(losses)) == 5
        # partial_fit continues the draws of the last call.
        again = Estimator(**{**SMALL, **still, **noise, "max_iter": 2})
        again.fit(*DATA[Estimator])
        for _ in range(3):
            again = pickle.loads(pickle.dumps(again)).partial_fit(*DATA[Estimator])
        assert again.loss_curve_ == losses


def test_noise_is_for_training_only():
    net = fit(dropout=0.5, input_dropout=0.5, dropconnect=0.5, mixup=0.2)
    assert_array_equal(net.predict_proba(IRIS[0]), net.predict_proba(IRIS[0]))
    W1, W2 = net.coefs_
    hidden = np.maximum(IRIS[0] @ W1 + net.intercepts_[0], 0)
    z = hidden @ W2 + net.intercepts_[1]
    assert_allclose(net.decision_function(IRIS[0]), z, rtol=1e-10)
