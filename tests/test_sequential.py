"""SequentialClassifier and SequentialRegressor: your own list of layers."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    SequentialClassifier,
)
from sknn.activations import ELU
from sknn.initializers import (
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    Orthogonal,
    Zeros,
)
from sknn.layers import (
    Activation,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    LayerNorm,
    MaxPool2D,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # An array as a data frame's column, in the checks themselves.
    "ignore::DeprecationWarning",
)

RELU = Activation("relu")

ROWS = [Dense(16), RELU]

IMAGES = [Conv2D(4), RELU, Flatten(), Dense(16), RELU]


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images / 16, data.target


def test_auto_initializes_for_the_next_activation():
    layers = [
        *(Dense(8), BatchNorm(), RELU),
        *(Dense(8, Orthogonal()), RELU),
        Dense(8),
        *(Dense(8, initializer="he_uniform"), Activation("tanh")),
        Residual((Dense(6), Activation("selu"), Dense(4))),
        *(Activation(ELU()), Dense(3)),
    ]
    X, y = np.ones((10, 5)), np.arange(10) % 2
    fitted = SequentialClassifier(layers, max_iter=1).fit(X, y)
    made = [layer for layer in fitted.network_.layers if isinstance(layer, Dense)]
    assert [layer.initializer for layer in made] == [
        HeNormal(),
        Orthogonal(),
        GlorotUniform(),  # no activation between this layer and the next
        HeUniform(),
        GlorotUniform(),
        GlorotUniform(),
    ]
    (block,) = (la for la in fitted.network_.layers if isinstance(la, Residual))
    assert block.layers[0].initializer == LeCunNormal()
    assert block.layers[2].initializer == Zeros()
    assert block.projection == HeNormal()
    assert layers[0].initializer is None  # the list is unchanged


def test_one_initializer_for_all():
    X, y = np.ones((10, 5)), np.arange(10) % 2
    settings = {"initializer": "constant", "init_scale": 0.25, "max_iter": 1}
    fitted = SequentialClassifier([Dense(3)], **settings, learning_rate_init=1e-9)
    fitted.fit(X, y)
    for W in fitted.get_weights()[::2]:
        assert pytest.approx(0.25, abs=1e-6) == W


def test_kind_of_input(digits):
    X, y = digits[0][:200], digits[1][:200]
    rows = X.reshape(len(X), -1)
    seen = {
        name: SequentialClassifier(layers, max_iter=1, input_shape=shape)
        .fit(given, y)
        .input_shape_
        for name, layers, given, shape in [
            ("rows", ROWS, rows, None),
            ("sparse rows", ROWS, sparse.csr_matrix(rows), None),
            ("guessed", IMAGES, rows, None),
            ("sparse images", IMAGES, sparse.csr_matrix(rows), None),
            ("given", IMAGES, rows, (4, 8, 2)),
            ("a shape and nothing else", [Flatten()], rows, (4, 16)),
            ("images", [Flatten(), *ROWS], X, None),
            ("within a block", [Residual((Conv2D(1),)), Flatten()], rows, None),
        ]
    }
    assert seen == {
        "rows": None,
        "sparse rows": None,
        "guessed": (8, 8, 1),
        "sparse images": (8, 8, 1),
        "given": (4, 8, 2),
        "a shape and nothing else": (4, 16, 1),
        "images": (8, 8, 1),
        "within a block": (8, 8, 1),
    }


def test_refitting_may_change_the_kind_of_input(digits):
    X, y = digits[0][:200], digits[1][:200]
    clf = SequentialClassifier(IMAGES, max_iter=1).fit(X, y)
    clf.set_params(layers=ROWS).fit(X.reshape(200, 64), y)
    assert clf.input_shape_ is None
    assert clf.predict(X.reshape(200, 64)).shape == (200,)


def test_in_searches_and_pipelines(digits):
    X, y = digits[0].reshape(-1, 64)[:500], digits[1][:500]
    clf = SequentialClassifier(
        [Dense(8, name="first"), RELU, Dropout(0.1)],
        max_iter=30,
        learning_rate_init=0.01,
        random_state=0,
    )
    grid = {
        "sequentialclassifier__layers__first__units": [2, 64],
        "sequentialclassifier__layers__2__rate": [0.0, 0.2],
        "sequentialclassifier__layers__1": [RELU, Activation("tanh")],
    }
    pipe = make_pipeline(StandardScaler(), clf)
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    best = search.best_estimator_[-1]
    assert best.layers[0] == Dense(64, name="first")
    assert clf.layers[0] == Dense(8, name="first")
    assert cross_val_score(search.best_estimator_, X, y, cv=2).mean() > 0.8


def test_clone_pickle_and_repr(digits):
    X, y = digits[0][:200], digits[1][:200]
    clf = SequentialClassifier([Conv2D(4, (3, 5)), LayerNorm(), RELU, Flatten()])
    assert repr(clf) == (
        "SequentialClassifier(layers=[Conv2D(channels=4, kernel_size=(3, 5)),\n"
        "                             LayerNorm(), Activation(function='relu'),\n"
        "                             Flatten()])"
    )
    copy = clone(clf)
    assert copy.layers == clf.layers
    assert copy.layers is not clf.layers
    clf.set_params(max_iter=2).fit(X, y)
    loaded = pickle.loads(pickle.dumps(clf))
    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_invalid_paths_into_lists():
    clf = SequentialClassifier([Dense(8, name="first"), RELU])
    for path, message in {
        "layers__7__units": r"layers has no item '7': it needs an index below 2 or",
        "layers__second__units": r"one of the names \['first', 'activation1'\]",
        "layers__0__unit": r"Dense has no parameter 'unit'",
        "layers__0__units__more": r"layers has no parameter 'more' in 8",
    }.items():
        with pytest.raises(ValueError, match=message):
            clf.set_params(**{path: 1})
    assert clf.layers == [Dense(8, name="first"), RELU]


BAD = [
    ([Dense], r"layers\[0\] is <class .*Pass an object of the class: Dense\(...\)"),
    ([RELU, "relu"], r"layers\[1\] is 'relu'. Did you mean Activation\('relu'\)\?"),
    (["prelu"], r"Did you mean PReLU\(\)\?"),
    ([3], r"layers must be a list of objects from sknn.layers.*layers\[0\] is 3"),
    ([Conv2D(3), Dense(4)], r"dense1 .*got images of \(3, 8, 8\).*Put Flatten\(\)"),
    ([Conv2D(3)], r"Layer output .*needs rows of numbers, got images"),
    ([Flatten(), MaxPool2D()], r"Layer maxpool1 does not fit: .*needs images.*\(64,\)"),
    ([Conv2D(3, 9, padding="valid")], r"conv1 .*kernel_size=9 is larger .*8 x 8"),
    ([MaxPool2D(4), MaxPool2D(4)], r"Layer maxpool2 .*less than one pixel .*2 x 2"),
    ([Residual((Conv2D(3, 3, 2),))], r"residual1 .*must keep height and width"),
    ([ToImages((8, 8, 1))], r"Pass input_shape=\(8, 8, 1\) instead"),
]


@pytest.mark.parametrize("layers, message", BAD, ids=[str(case[0]) for case in BAD])
def test_lists_that_do_not_fit_together(layers, message, digits):
    with pytest.raises(ValueError, match=message):
        SequentialClassifier(layers).fit(*digits)


@pytest.mark.parametrize("name", ["prelu", "rleu", None, 3])
def test_invalid_activation_names(name):
    with pytest.raises(ValueError, match=r"prelu|must be one of"):
        Activation(name)


# -- names -----------------------------------------------------------------------------


def test_default_names():
    layers = [Conv2D(2), RELU, Conv2D(2, name="edges"), Flatten(), Dense(3), Dense(3)]
    X, y = np.zeros((6, 4, 4)), [0, 1] * 3
    network = SequentialClassifier(layers, max_iter=1).fit(X, y).network_
    assert network.names == [
        "toimages1",
        "conv1",
        "activation1",
        "edges",
        "flatten1",
        "dense1",
        "dense2",
        "output",
    ]


def test_default_names_avoid_given_ones():
    layers = [Dense(3, name="dense1"), Dense(4), RELU]
    X, y = np.zeros((6, 4)), [0, 1] * 3
    clf = SequentialClassifier(layers, max_iter=1).fit(X, y)
    assert clf.network_.names == ["dense1", "dense2", "activation1", "output"]
    clf.set_params(layers__dense2__units=5)
    assert clf.layers[1] == Dense(5)


@pytest.mark.parametrize("name", ["conv", "output", "7", "a__b", "", 3])
def test_reserved_names(name):
    clf = SequentialClassifier([Dense(3, name=name)])
    with pytest.raises(ValueError, match=r"name of a layer must be .* got"):
        clf.fit(np.zeros((6, 4)), [0, 1] * 3)


def test_names_must_be_unique():
    clf = SequentialClassifier([Dense(3, name="a"), Dense(3, name="a")])
    with pytest.raises(ValueError, match="2 layers have the name 'a'"):
        clf.fit(np.zeros((6, 4)), [0, 1] * 3)


# -- sparse rows -----------------------------------------------------------------------

FIRST = [
    *(RELU, PReLU(), BatchNorm(), LayerNorm(), Flatten(), Dropout(0.5), Dense(5)),
    *(DropConnect(Dense(5), 0.5), Residual((Dense(7), RELU, Dense(20)))),
    Residual((Dense(7), RELU, Dense(3))),
    *(Scale(), PeriodicEmbedding(), PiecewiseLinearEmbedding()),
    CategoricalEmbedding((0,), (2,)),
]


@pytest.mark.parametrize("layer", FIRST, ids=repr)
def test_any_layer_may_be_the_first_for_sparse_rows(layer):
    X = sparse.random(60, 20, 0.3, "csr", random_state=0)
    y = np.arange(60) % 3
    of_sparse, of_dense = (
        SequentialClassifier([layer], max_iter=3, random_state=0).fit(rows, y)
        for rows in (X, X.toarray())
    )
    # Masks of sparse rows are drawn for what is stored only.
    if not isinstance(layer, Dropout):
        assert_allclose(of_sparse.loss_curve_, of_dense.loss_curve_, rtol=1e-10)
    assert_allclose(of_dense.transform(X), of_dense.transform(X.toarray()))
