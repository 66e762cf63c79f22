"""Summaries: one row per layer, in text and in the notebook's diagram."""

import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularRegressor,
)
from sknn.layers import (
    Activation,
    Conv2D,
    Dense,
    Ensemble,
    Flatten,
    ParametricActivation,
    Residual,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LENET = """\
layer        kind                                                             \
output shape  parameters
----------------------------------------------------------------------------------------\
-----------
toimages1    ToImages(shape=(8, 8, 1))                                        \
8 × 8 × 1     0
conv1        Conv2D(channels=6, kernel_size=5)        \
8 × 8 × 6     156 (frozen)
activation1  Activation(function='relu')                                      \
8 × 8 × 6     0
maxpool1     MaxPool2D()                                                      \
4 × 4 × 6     0
flatten1     Flatten()                                                        \
96            0
dense1       Dense(units=84)                          \
84            8,148
activation2  Activation(function='relu')                                      \
84            0
output       Dense(units=10)                     \
10            850
9,154 parameters, 156 of them frozen"""


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images, data.target


def squeeze(text):
    return [line.split() for line in text.splitlines() if set(line) != {"-"}]


def test_one_row_per_layer(digits):
    clf = CNNClassifier(
        6, kernel_size=5, hidden_layer_sizes=(84,), max_iter=1, freeze="conv"
    )
    summary = clf.fit(*digits).summary()
    assert squeeze(repr(summary)) == squeeze(LENET)
    assert summary.rows[1][2:] == ((8, 8, 6), 6 * 25 + 6)
    assert summary.n_parameters == sum(n for *_, n in summary.rows) == 9154
    assert summary.n_frozen == 156


def test_residual_blocks_list_their_layers(digits):
    X, y = digits
    block = Residual((Conv2D(3), Activation("relu"), Conv2D(3)), name="block")
    clf = SequentialClassifier([block, Flatten(), Dense(4)], max_iter=1).fit(X, y)
    rows = clf.summary().rows
    assert [row[0].strip() for row in rows[1:6]] == [
        "block",
        "block.0",
        "block.1",
        "block.2",
        "block.3",
    ]
    inner = sum(n for *_, n in rows[2:6])
    assert rows[1][1:] == ("Residual", (8, 8, 3), inner)
    assert "kernel_size=1" in rows[5][1]  # the projection


def test_wide_kinds_are_wrapped():
    layers = [Dense(3), ParametricActivation("selu", name="z" * 20)]
    summary = SequentialClassifier(layers).summary(n_features_in=4, n_outputs=3)
    lines = repr(summary).splitlines()
    assert max(map(len, lines)) <= 80
    first = next(i for i, line in enumerate(lines) if line.startswith("zzz"))
    assert "ParametricActivation(  " in lines[first]
    assert lines[first + 1].strip() == "function='selu')"
    assert summary.rows[1][1] == "ParametricActivation(function='selu')"


def test_the_summary_of_tables_fits_into_80_columns():
    summary = TabularRegressor().summary(n_features_in=8)
    assert max(map(len, repr(summary).splitlines())) <= 80


def test_names_wider_than_the_text_are_kept_whole():
    clf = SequentialClassifier([Dense(3, name="x" * 90)])
    lines = repr(clf.summary(n_features_in=4)).splitlines()
    assert lines[2].split()[0] == "x" * 90
    assert lines[2].split()[1] == "Dense(units=3)"


def test_layers_that_begin_with_an_ensemble_are_one_network(digits):
    layers = [Ensemble((Dense(8), Activation("relu")), n_members=3), Flatten()]
    clf = SequentialClassifier(layers, max_iter=2, random_state=0)
    summary = clf.fit(digits[0].reshape(-1, 64), digits[1]).summary()
    names = [name for name, *_ in summary.rows if not name.startswith(" ")]
    assert names == ["ensemble1", "flatten1", "output"]
    assert summary.n_members == 1
    assert summary.n_parameters == 3 * (64 * 8 + 8) + 24 * 10 + 10


@pytest.mark.parametrize(
    "wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), e)]
)
def test_the_notebook_shows_the_architecture(wrap, digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    pytest.importorskip("sklearn", minversion="1.9")
    reg = MLPRegressor(hidden_layer_sizes=(7,), max_iter=1)
    assert "Architecture" not in estimator_html_repr(wrap(reg))
    html = estimator_html_repr(wrap(reg).fit(X, y))
    assert "Architecture: 463 parameters" in html
    assert "Dense(units=7)" in html
    assert "Fitted attributes" in html


def test_text_is_escaped(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    clf = SequentialClassifier([Dense(3, name="<b>")], max_iter=1).fit(X, y)
    assert "&lt;b&gt;" in clf.summary()._repr_html_()
    assert "<b>" not in clf.summary()._repr_html_()


# -- before fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator, n_features",
    [
        (MLPClassifier((8, 4), freeze="dense1"), 64),
        (CNNClassifier((4, 6), input_shape=(8, 8), normalization="batch"), None),
        (CNNClassifier((4, 6)), 64),
        (SequentialClassifier([Flatten(), Dense(3)], input_shape=[4, 8, 2]), None),
        (SequentialClassifier([Dense(3), Activation("relu")]), 64),
    ],
    ids=repr,
)
def test_before_fit_it_is_that_of_the_fitted_network(estimator, n_features, digits):
    X, y = digits[0].reshape(-1, 64) / 16, digits[1]
    before = estimator.summary(n_features, n_outputs=10)
    assert not hasattr(estimator, "network_")
    assert not hasattr(estimator, "input_shape_")
    estimator.set_params(max_iter=1).fit(X, y)
    assert repr(before) == repr(estimator.summary())
    # Both numbers are known now, and the parameters may be changed.
    assert repr(estimator.summary(n_outputs=10)) == repr(before)
    assert repr(estimator.summary(n_features_in=64)) == repr(before)


def test_outputs_before_fit_default_to_one():
    reg = MLPRegressor(hidden_layer_sizes=(8,))
    assert reg.summary(3).rows[-1] == ("output", "Dense(units=1)", (1,), 9)


def test_the_number_of_features_must_be_known():
    for net in (MLPRegressor(), CNNClassifier(), SequentialClassifier()):
        with pytest.raises(NotFittedError, match=r"pass it, summary\(n_features_in="):
            net.summary()


@pytest.mark.parametrize(
    "params, arguments, message",
    [
        ({}, {"n_features_in": 0}, "n_features_in must be an integer >= 1, got 0"),
        ({}, {"n_features_in": (8, 8)}, r"n_features_in must be .* got \(8, 8\)"),
        ({}, {"n_features_in": 64, "n_outputs": -1}, "n_outputs must be .* got -1"),
        ({"input_shape": (8, 8)}, {"n_features_in": 60}, "64 pixel .* 60 columns"),
        ({"input_shape": (8, -8)}, {}, r"positive integers, got \(8, -8\)"),
        ({"input_shape": (8, 8), "pool_size": 9}, {}, "Block 1 of 2: .* one pixel"),
    ],
)
def test_bad_arguments_before_fit(params, arguments, message):
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**params).summary(**arguments)
