"""Attributions: they add up, follow the axioms, and agree with closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.utils import shuffle
from small_fits import DIABETES, IRIS, SMALL

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularRegressor,
)
from sknn._estimators.attributions import integrated_gradients
from sknn.layers import (
    Activation,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    LayerNorm,
    PReLU,
    Residual,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMOOTH = {**SMALL, "hidden_layer_sizes": (8, 6), "activation": "tanh", "max_iter": 30}
LABELS = np.column_stack([IRIS[1] > 0, IRIS[1] > 1]).astype(int)
TARGETS = np.column_stack([DIABETES[1], DIABETES[0][:, 0]])

CASES = {
    "two classes": (MLPClassifier(**SMOOTH), (IRIS[0], IRIS[1] > 0), [None, 0]),
    "three classes": (MLPClassifier(**SMOOTH), IRIS, [0, 2]),
    "labels": (MLPClassifier(**SMOOTH), (IRIS[0], LABELS), [0, 1]),
    "batch norm": (
        *(MLPClassifier(**SMOOTH, normalization="batch", dropout=0.2), IRIS, [1]),
    ),
    "number": (MLPRegressor(**SMOOTH), DIABETES, [None, 0]),
    "numbers": (MLPRegressor(**SMOOTH), (DIABETES[0], TARGETS), [0, 1]),
    "gaussian": (MLPRegressor("gaussian", **SMOOTH), DIABETES, [None, 0]),
    "gaussians": (
        *(MLPRegressor("gaussian", **SMOOTH), (DIABETES[0], TARGETS), [0, 1]),
    ),
    "quantile": (MLPRegressor("quantile", **SMOOTH), DIABETES, [None]),
    "quantiles": (
        MLPRegressor("quantile", quantile=(0.1, 0.5, 0.9), **SMOOTH),
        *(DIABETES, [0, 1, 2]),
    ),
}


def predictions(net, X):
    """What is attributed, one column per output."""
    predict = getattr(net, "decision_function", net.predict)
    return predict(X).reshape(len(X), -1)


@pytest.mark.parametrize("name", CASES)
def test_attributions_add_up_to_the_difference_of_the_predictions(name):
    net, (X, y), targets = CASES[name]
    f = predictions(net.fit(X, y), X)
    for baseline in (0, X.mean(axis=0) + 0.5):
        x_0 = np.zeros(X.shape[1]) + baseline
        f_0 = predictions(net, x_0[np.newaxis])
        for target in targets:
            found = net.feature_attributions(X, target=target, baseline=baseline)
            assert found.shape == X.shape
            expected = (f - f_0)[:, target or 0]
            assert_allclose(found.sum(axis=1), expected, atol=1e-6)
            assert np.abs(expected).max() > 0.1


def test_without_a_target_it_is_the_predicted_class():
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH).fit(X, y)
    found, classes = clf.feature_attributions(X), clf.predict(X)
    for k in range(3):
        of_k = clf.feature_attributions(X, target=k)
        assert_allclose(found[classes == k], of_k[classes == k])
    assert len(set(classes)) == 3


def test_relu_adds_up_but_for_its_kinks():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    clf = MLPClassifier((50, 50), max_iter=20, random_state=0).fit(X, y)
    difference = clf.decision_function(X) - clf.decision_function(0 * X[:1])
    errors = [
        np.abs(
            clf.feature_attributions(X, target=3, n_steps=n_steps).sum(axis=1)
            - difference[:, 3]
        ).mean()
        for n_steps in (8, 32, 128)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[1] < 0.005 * np.abs(difference[:, 3]).mean()


def test_those_of_a_linear_model_are_its_terms():
    X, y = DIABETES
    reg = MLPRegressor(hidden_layer_sizes=(), random_state=0, max_iter=20).fit(X, y)
    (W,) = reg.coefs_
    for n_steps in (1, 5):
        found = reg.feature_attributions(X, n_steps=n_steps, baseline=1.0)
        assert_allclose(found, (X - 1) * W.ravel(), atol=1e-12)


def test_a_feature_that_the_network_does_not_look_at_has_none():
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH).fit(X, y)
    clf.coefs_[0][1] = 0
    found = clf.feature_attributions(X, target=0)
    assert_array_equal(found[:, 1], 0)
    assert (np.abs(found[:, [0, 2, 3]]).mean(axis=0) > 0.1).all()


def test_the_baseline_itself_has_none():
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH).fit(X, y)
    assert_array_equal(clf.feature_attributions(X[:1], baseline=X[0]), np.zeros((1, 4)))


@pytest.mark.parametrize("n_steps", [1, 32])
def test_agrees_with_torch(n_steps):
    torch = pytest.importorskip("torch")
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH).fit(X, y)
    layers = []
    for W, b in zip(clf.coefs_, clf.intercepts_, strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W.T), torch.tensor(b)
        layers += [linear, torch.nn.Tanh()]
    net, expected = torch.nn.Sequential(*layers[:-1]), np.zeros(X.shape)
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    for node, weight in zip(nodes, weights, strict=True):
        x = torch.tensor((node + 1) / 2 * X, requires_grad=True)
        net(x)[:, 2].sum().backward()
        expected += weight / 2 * x.grad.numpy() * X
    found = clf.feature_attributions(X, target=2, n_steps=n_steps)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_groups_are_added_up():
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH).fit(X, y)
    each = clf.feature_attributions(X, target=1)
    found = clf.feature_attributions(X, target=1, groups=[0, 2, 0, 1])
    expected = np.column_stack([each[:, 0] + each[:, 2], each[:, 3], each[:, 1]])
    assert_allclose(found, expected)


def test_rows_do_not_depend_on_each_other(monkeypatch):
    X, y = IRIS
    clf = MLPClassifier(**SMOOTH, normalization="batch").fit(X, y)
    whole = clf.feature_attributions(X)
    by_row = [clf.feature_attributions(X[[i]])[0] for i in range(10)]
    assert_allclose(whole[:10], by_row, atol=1e-12)
    monkeypatch.setattr("sknn._estimators.attributions.ROWS_BUFFER", 32 * 4 * 7)
    assert_allclose(clf.feature_attributions(X), whole, atol=1e-12)


def test_sparse_rows():
    X, y = IRIS
    X = np.where(np.abs(X) > 0.5, X, 0)
    clf = MLPClassifier(**SMOOTH, input_dropout=0.1).fit(sparse.csr_array(X), y)
    found = clf.feature_attributions(sparse.csr_array(X))
    assert_allclose(found, clf.feature_attributions(X), atol=1e-12)


def test_float32_stays_and_agrees_with_float64():
    X, y = IRIS
    single = MLPClassifier(**SMOOTH).fit(X.astype(np.float32), y)
    double = (
        MLPClassifier(**SMOOTH)
        .fit(X, y)
        .set_weights([w.astype(float) for w in single.get_weights()])
    )
    found = single.feature_attributions(X.astype(np.float32))
    assert found.dtype == np.float32
    assert_allclose(found, double.feature_attributions(X), atol=1e-4)


def test_images_of_numbers_and_of_bytes():
    images, y = shuffle(*load_digits(return_X_y=True), random_state=0)
    images = images[:300].reshape(-1, 8, 8)
    numbers, as_bytes = images / 16, (images * 255 / 16).round().astype(np.uint8)
    for X, black in ((numbers, 0), (as_bytes, 0), (as_bytes, 100)):
        cnn = CNNClassifier(
            4, kernel_size=3, activation="tanh", hidden_layer_sizes=8, max_iter=5,
            pooling="avg", random_state=0,
        ).fit(X, y[:300])  # fmt: skip
        found = cnn.feature_attributions(X, target=5, baseline=black)
        assert found.shape == (300, 64)
        start = np.full_like(X[:1], black)
        expected = (cnn.decision_function(X) - cnn.decision_function(start))[:, 5]
        assert_allclose(found.sum(axis=1), expected, atol=1e-5)


LAYERS = [
    *(Dropout(0.3), DropConnect(Dense(8), 0.3), BatchNorm(), Activation("gelu")),
    *(Residual((LayerNorm(), Dense(8), Activation("silu"))), PReLU(1.0), Dense(5)),
]


def test_after_an_encoder_they_are_those_of_the_encoded_features():
    X, y = IRIS
    net = SequentialClassifier(LAYERS, max_iter=5, random_state=0).fit(X, y)
    for at in (0, 2, 5):
        head, tail = net.network_.split(at)
        encoded, start = head.scores(X), head.scores(0 * X[:1])

        def first(z, rows, dz):
            dz[:] = [1, 0, 0]

        found = integrated_gradients(tail, encoded, first, start[0])
        expected = net.decision_function(X) - net.decision_function(0 * X[:1])
        assert found.shape == encoded.shape
        # Layer normalization turns fast where the units of a row are nearly equal.
        assert_allclose(found.sum(axis=1), expected[:, 0], atol=2e-3)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"target": 3}, "target must be an integer from 0 to 2, .*, got 3"),
        ({"target": -1}, "target must be .* got -1"),
        ({"target": "a"}, "target must be .* got 'a'"),
        ({"n_steps": 0}, "n_steps must be an integer >= 1, got 0"),
        ({"baseline": [1, 2]}, r"baseline must be .* shape \(4,\), got \[1, 2\]"),
        ({"baseline": np.nan}, "baseline must be a finite number .* got nan"),
        ({"baseline": "mean"}, "baseline must be a finite number .* got 'mean'"),
        ({"groups": [0, 1]}, r"groups must be 4 integers .* got \[0, 1\]"),
        ({"groups": [0, 1, -1, 0]}, "groups must be 4 integers >= 0"),
        ({"groups": [0.5, 1, 1, 0]}, "groups must be 4 integers >= 0"),
    ],
)
def test_wrong_arguments(params, message):
    clf = MLPClassifier(**SMALL).fit(*IRIS)
    with pytest.raises(ValueError, match=message):
        clf.feature_attributions(IRIS[0], **params)


def test_one_of_several_targets_must_be_chosen():
    reg = MLPRegressor(**SMALL).fit(DIABETES[0], TARGETS)
    with pytest.raises(ValueError, match="target must be an integer from 0 to 1"):
        reg.feature_attributions(DIABETES[0])


@pytest.mark.parametrize("target", [0, 1, 2])
def test_those_of_quantiles_of_scaled_targets_are_in_their_units(target):
    X, y = DIABETES
    reg = TabularRegressor(
        "quantile", quantile=(0.1, 0.5, 0.9), hidden_layer_sizes=(16,), max_iter=4,
        numerical_embedding="periodic", clip=False, n_members=1, random_state=0,
    ).fit(X, 100 * y)  # fmt: skip
    found = reg.feature_attributions(X, target=target, baseline=X[:1], n_steps=64)
    difference = reg.predict(X)[:, target] - reg.predict(X[:1])[0, target]
    error = np.abs(found.sum(axis=1) - difference).max()
    assert error < 1e-3 * np.abs(difference).max()
