"""Statistics of activations."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from inspection_data import DIABETES, IMAGES, WINE, classifier, regressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    CNNClassifier,
)
from sknn.activations import ACTIVATIONS
from sknn.initializers import Initializer
from sknn.inspection import (
    activation_statistics,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "logistic"])
def test_activations_are_those_of_the_network(activation):
    clf = classifier(hidden_layer_sizes=(7, 5), activation=activation, max_iter=3)
    clf.fit(*WINE)
    f, slope = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "relu": (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
        "leaky_relu": (
            lambda z: np.where(z > 0, z, 0.01 * z),
            lambda z: np.where(z > 0, 1, 0.01),
        ),
        "logistic": (
            lambda z: 1 / (1 + np.exp(-z)),
            lambda z: 1 / np.cosh(z / 2) ** 2,  # times 1/4
        ),
    }[activation]
    z1 = 9 * WINE[0] @ clf.coefs_[0] + clf.intercepts_[0]
    z2 = f(z1) @ clf.coefs_[1] + clf.intercepts_[1]
    z3 = f(z2) @ clf.coefs_[2] + clf.intercepts_[2]
    statistics = activation_statistics(clf, 9 * WINE[0])
    table = pd.DataFrame(statistics.columns).set_index("layer")
    layers = ["input", "dense1", "activation1", "dense2", "activation2", "output"]
    values = [9 * WINE[0], z1, f(z1), z2, f(z2), z3]
    assert list(table.index) == layers
    assert_allclose(table["mean"], [a.mean() for a in values], atol=1e-12)
    assert_allclose(table["std"], [a.std() for a in values])
    spreads = [np.sqrt(a.var(axis=0).mean()) for a in values]
    assert_allclose(table["spread"], spreads)
    for layer, z in (("activation1", z1), ("activation2", z2)):
        flat = slope(z) < 0.05
        assert_allclose(table["dead"][layer], flat.all(axis=0).mean())
        if activation in ("tanh", "logistic"):
            assert_allclose(table["saturated"][layer], flat.mean())
        else:
            assert np.isnan(table["saturated"][layer])
    assert np.isnan(table["dead"]["dense1"])
    assert table["units"].tolist() == [13, 7, 7, 5, 5, 3]
    for a, n, edges in zip(values, statistics.counts, statistics.edges, strict=True):
        a = np.clip(a, edges[0], edges[-1])  # they may differ by rounding
        assert_array_equal(n, np.histogram(a, edges)[0])
        assert n.sum() == a.size
    assert statistics.trained
    assert statistics.n_rows == 178


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "prelu"])
def test_every_activation_has_dead_units_where_its_slope_is_0(activation):
    @dataclass(frozen=True)
    class Sink(Initializer):
        def __call__(self, shape, fan_in, fan_out, rng):
            W = np.ones(shape)
            W[..., : shape[-1] // 2] = -1000.0
            return W

    clf = classifier(activation=activation, initializer=Sink(), hidden_layer_sizes=4)
    columns = activation_statistics(clf, np.ones((6, 3)), np.arange(6) % 2).columns
    alive = activation in ("identity", "prelu")
    flat_above = activation in ("logistic", "tanh")
    saturated = activation == "tanh"  # at 3 the logistic function still has a slope
    expected = 0.0 if alive else 1.0 if saturated else 0.5
    assert columns["dead"][2] == expected
    assert math.isnan(columns["saturated"][2]) == (not flat_above)


def test_before_training_the_targets_matter_for_the_last_layer_only():
    for estimator, data in (
        (classifier(class_weight={0: 2.0, 2: 3.0}), WINE),
        (regressor(), DIABETES),
        (make_pipeline(StandardScaler(), regressor()), DIABETES),
        (CNNClassifier(4, hidden_layer_sizes=8, random_state=0), IMAGES),
    ):
        with_y = activation_statistics(estimator, *data)
        without = activation_statistics(estimator, data[0])
        last = {name: column[:-1] for name, column in with_y.columns.items()}
        assert json.dumps(without.columns) == json.dumps(last)
        assert len(without.counts) == len(with_y.counts) - 1
        assert not without.trained


def test_before_training_batch_norm_uses_the_batch_and_nothing_is_left_out():
    clf = classifier(normalization="batch", dropout=0.5)
    table = pd.DataFrame(activation_statistics(clf, *WINE).columns).set_index("layer")
    assert_allclose(table["mean"]["batchnorm1"], 0, atol=1e-12)
    assert_allclose(table["std"]["batchnorm1"], 1, atol=1e-3)
    assert table["std"]["dropout1"] == table["std"]["activation1"]


def test_layers_in_residual_blocks_have_rows_of_their_own():
    clf = classifier(hidden_layer_sizes=(13, 13), residual=True, max_iter=3).fit(*WINE)
    table = pd.DataFrame(activation_statistics(clf, *WINE).columns).set_index("layer")
    inner = ["residual1.dense1", "residual1.activation1", "residual1.dense2"]
    layers = ["input", *inner, "residual1", "activation1", "output"]
    assert list(table.index) == layers
    W, b = clf.coefs_, clf.intercepts_
    F = np.maximum(WINE[0] @ W[0] + b[0], 0) @ W[1] + b[1]
    assert_allclose(table["std"]["residual1.dense2"], F.std())
    assert_allclose(table["std"]["residual1"], (WINE[0] + F).std())


def test_units_of_images_are_channels():
    cnn = CNNClassifier((4, 6), hidden_layer_sizes=8, random_state=0)
    table = pd.DataFrame(activation_statistics(cnn, *IMAGES).columns).set_index("layer")
    assert table["units"]["conv1"] == 4
    assert table["units"]["flatten1"] == 6 * 2 * 2
    assert_allclose(table["mean"]["toimages1"], IMAGES[0].mean())


def test_sparse_and_byte_input():
    from scipy import sparse

    dense = activation_statistics(classifier(), *WINE)
    table = activation_statistics(classifier(), sparse.csr_matrix(WINE[0]), WINE[1])
    for name, column in table.columns.items():
        if name not in ("layer", "kind"):
            assert_allclose(column, dense.columns[name], atol=1e-12)
    images = (IMAGES[0] * 255).astype(np.uint8)
    cnn = CNNClassifier(4, hidden_layer_sizes=8, random_state=0)
    columns = activation_statistics(cnn, images, IMAGES[1]).columns
    assert_allclose(columns["mean"][0], images.mean() / 255, rtol=1e-5)


def test_at_most_2000_rows_are_looked_at():
    X = np.random.RandomState(0).normal(size=(2500, 3))
    assert activation_statistics(classifier(), X).n_rows == 2000
