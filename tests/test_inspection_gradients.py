"""Statistics of gradients."""

import numpy as np
import pandas as pd
import pytest
from inspection_data import DIABETES, WINE, classifier
from numpy.testing import assert_allclose

from sknn import (
    MLPRegressor,
)
from sknn.inspection import (
    gradient_statistics,
)
from sknn.solvers import SGD, AdamW

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def linear_step(**params):
    """Gradients of a linear network at 0, and the update ratio of its output layer."""
    X, y = DIABETES
    reg = MLPRegressor(
        hidden_layer_sizes=(), alpha=0.0, batch_size=len(y), random_state=0, **params
    )
    return gradient_statistics(reg.fit(X, y), X, y), reg


def test_gradient_and_step_of_a_linear_network():
    X, y = DIABETES
    for solver in (SGD(momentum=0.0), "sgd", "adam"):
        statistics, reg = linear_step(
            solver=solver, max_iter=3, learning_rate_init=0.01
        )
        residual = X @ reg.coefs_[0][:, 0] + reg.intercepts_[0] - y
        g = np.append(X.T @ residual, residual.sum()) / len(y)
        theta = np.append(reg.coefs_[0], reg.intercepts_[0])
        step = {"adam": np.sign(g), "sgd": 1.9 * g}.get(solver, g)
        (row,) = pd.DataFrame(statistics.columns).to_dict("records")
        assert row["layer"] == "output"
        assert row["parameters"] == 11
        assert_allclose(row["gradient_norm"], np.linalg.norm(g))
        assert_allclose(row["gradient_std"], g.std())
        assert_allclose(row["weight_norm"], np.linalg.norm(theta))
        assert_allclose(row["update_norm"], 0.01 * np.linalg.norm(step), rtol=1e-5)
        assert_allclose(row["update_ratio"], row["update_norm"] / row["weight_norm"])
        assert_allclose(statistics.loss, (residual**2).mean() / 2)


def test_penalty_clipping_and_decay_are_in_the_step():
    plain = gradient_statistics(classifier(solver="sgd", alpha=0.0), *WINE).columns
    strong = gradient_statistics(classifier(solver="sgd", alpha=1e6), *WINE).columns
    assert min(strong["gradient_norm"]) > 100 * max(plain["gradient_norm"])
    clipped = classifier(solver=SGD(momentum=0.0), alpha=1e6, max_grad_norm=1.0)
    updates = gradient_statistics(clipped, *WINE).columns["update_norm"]
    assert_allclose(np.linalg.norm(updates), 0.001)
    decay = classifier(solver=AdamW(weight_decay=100.0), learning_rate_init=0.001)
    ratios = gradient_statistics(decay, *WINE).columns["update_ratio"]
    assert_allclose(ratios, 0.1, atol=0.05)


def test_lbfgs_takes_no_such_step():
    columns = gradient_statistics(classifier(solver="lbfgs"), *WINE).columns
    assert np.isnan(columns["update_ratio"]).all()
    assert min(columns["gradient_norm"]) > 0


def test_layers_of_residual_blocks_have_rows_of_their_own():
    clf = classifier(
        hidden_layer_sizes=(8, 6), residual=True, normalization="batch", max_iter=2
    )
    columns = gradient_statistics(clf.fit(*WINE), *WINE).columns
    names = ["dense1", "batchnorm1", "dense2", "projection"]
    assert columns["layer"] == [*(f"residual1.{name}" for name in names), "output"]
    assert columns["parameters"] == [14 * 8, 16, 9 * 6, 14 * 6, 7 * 3]
    assert sum(columns["parameters"]) == clf.network_.theta.size


@pytest.mark.parametrize(
    "params, present, absent",
    [
        ({}, ["first steps", "of adam"], []),
        ({"solver": "sgd"}, ["0.001", "first steps"], ["adam"]),
        ({"solver": "lbfgs"}, [], ["ratio of"]),
    ],
    ids=str,
)
def test_the_remark_below_gradients_suits_the_solver(params, present, absent):
    clf = classifier(**params)
    text = repr(gradient_statistics(clf, *WINE))
    assert all(words in text for words in present)
    assert not any(words in text for words in absent)
    assert "first steps" not in repr(gradient_statistics(clf.fit(*WINE), *WINE))


def test_torch_agrees_on_the_gradients_of_each_layer():
    torch = pytest.importorskip("torch")
    clf = classifier(hidden_layer_sizes=(7,), alpha=0.0, max_iter=2, batch_size=178)
    columns = gradient_statistics(clf.fit(*WINE), *WINE).columns
    arrays = [
        torch.tensor(array, requires_grad=True)
        for pair in zip(clf.coefs_, clf.intercepts_, strict=True)
        for array in pair
    ]
    W1, b1, W2, b2 = arrays
    hidden = torch.relu(torch.tensor(WINE[0]) @ W1 + b1)
    z, y = hidden @ W2 + b2, torch.tensor(WINE[1])
    torch.nn.functional.cross_entropy(z, y).backward()
    norms = [
        torch.cat([W.grad.ravel(), b.grad]).norm().item()
        for W, b in ((W1, b1), (W2, b2))
    ]
    assert_allclose(columns["gradient_norm"], norms)
