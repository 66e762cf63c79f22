"""Summaries: one row per layer, in text and in the notebook's diagram."""

import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sknn import CNNClassifier, MLPRegressor, SequentialClassifier
from sknn.layers import Activation, Conv2D, Dense, Flatten, Residual

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LENET = """\
layer        kind                                                             \
output shape  parameters
----------------------------------------------------------------------------------------\
-----------
toimages1    ToImages(shape=(8, 8, 1))                                        \
1 × 8 × 8     0
conv1        Conv2D(channels=6, kernel_size=5)        \
6 × 8 × 8     156 (frozen)
activation1  Activation(function='relu')                                      \
6 × 8 × 8     0
maxpool1     MaxPool2D()                                                      \
6 × 4 × 4     0
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
    assert summary.rows[1][2:] == ((6, 8, 8), 6 * 25 + 6)
    assert summary.n_parameters == sum(n for *_, n in summary.rows) == 9154
    assert summary.n_frozen == 156


def test_blocks_show_what_is_inside(digits):
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
    assert rows[1][1:] == ("Residual", (3, 8, 8), inner)
    assert "kernel_size=1" in rows[5][1]  # the projection


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
