"""Warnings about data and parameters that are valid but probably not meant."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    TabularRegressor,
)
from sknn.layers import Activation, Conv2D, Dense, DropConnect, Flatten
from sknn.losses import HalfSquaredError, Quantile

QUIET = {"max_iter": 1, "learning_rate": "linear"}
"""A schedule that ends with the epochs: no warning of convergence."""


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:200] / 16, data.target[:200]


def messages(estimator, X, y):
    """Return the messages of all warnings of a fit; all are UserWarnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    assert {warning.category for warning in caught} <= {UserWarning}
    # They point at the line that called fit.
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


# -- one-hot targets -------------------------------------------------------------------


@pytest.mark.parametrize(
    "container", [np.asarray, sparse.csr_matrix, np.ndarray.tolist]
)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_one_hot_targets(container, n_classes, digits):
    X, y = digits
    Y = np.eye(n_classes, dtype=int)[y % n_classes]
    (message,) = messages(MLPClassifier(4, **QUIET), X.reshape(200, 64), container(Y))
    assert "exactly one 1 per row" in message
    assert "multilabel targets. For classes, pass y.argmax(axis=1)" in message


def test_labels_that_are_not_one_hot(digits):
    X, y = digits[0].reshape(200, 64), digits[1]
    one_hot = np.eye(10)[y]
    for Y in (
        make_multilabel_classification(200, n_labels=3, random_state=0)[1],
        np.vstack([one_hot[:-1], np.zeros(10)]),
        np.vstack([one_hot[:-1], np.ones(10)]),
    ):
        assert messages(MLPClassifier(4, **QUIET), X, Y) == []
    assert messages(MLPRegressor(hidden_layer_sizes=4, **QUIET), X, one_hot) == []
    # In a few rows it can be chance.
    assert messages(MLPClassifier(4, batch_size=2, **QUIET), X[:2], one_hot[:2]) == []


# -- a second output layer -------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator, n_classes, n_outputs",
    [
        (SequentialClassifier([Dense(10)], **QUIET), 10, 10),
        (SequentialClassifier([DropConnect(Dense(10), 0.1)], **QUIET), 10, 10),
        (SequentialClassifier([Dense(2)], **QUIET), 2, 1),
        (SequentialClassifier([Dense(1)], **QUIET), 2, 1),
        (SequentialRegressor([Dense(8), Activation("relu"), Dense(1)], **QUIET), 10, 1),
    ],
    ids=repr,
)
def test_lists_that_end_in_an_output_layer(estimator, n_classes, n_outputs, digits):
    X, y = digits[0].reshape(200, 64), digits[1] % n_classes
    (message,) = messages(estimator, X, y)
    assert f"layers ends in {estimator.layers[-1]!r}, which is taken for" in message
    assert f"the output layer, Dense(units={n_outputs}), is added after it" in message
    end = [*estimator.layers, Activation("identity")]
    assert messages(estimator.set_params(layers=end), X, y) == []


@pytest.mark.parametrize("layers", [[], [Dense(9)], [Dense(10), Activation("relu")]])
def test_lists_that_end_in_a_hidden_layer(layers, digits):
    X, y = digits[0].reshape(200, 64), digits[1]
    assert messages(SequentialClassifier(layers, **QUIET), X, y) == []


# -- pixels ----------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [np.float32, float, int, np.uint16])
def test_large_pixels(convert, digits):
    X, y = (digits[0] * 255).astype(convert), digits[1]
    for net, rows in (
        (CNNClassifier(2, **QUIET), X),
        (CNNRegressor(2, **QUIET), X),
        (CNNClassifier(2, **QUIET), sparse.csr_matrix(X.reshape(200, 64))),
        (SequentialClassifier([Conv2D(2), Flatten()], **QUIET), X),
    ):
        (message,) = messages(net, rows, y / 10 if net.__class__ is CNNRegressor else y)
        assert "pixels up to 255, which are used unchanged" in message
        assert "pass bytes" in message


def test_pixels_that_need_no_scaling(digits):
    X, y = digits
    standardized = StandardScaler().fit_transform(X.reshape(200, 64) * 255)
    standardized[0, 0] = 200
    for given in (X, X * 16, (X * 255).astype(np.uint8), standardized):
        assert messages(CNNClassifier(2, **QUIET), given, y) == []
    assert messages(MLPClassifier(2, **QUIET), X.reshape(200, 64) * 255, y) == []


# -- guessed shapes --------------------------------------------------------------------


def test_tables_that_are_taken_for_strips(digits):
    X, y = digits[0].reshape(200, 64)[:, :60], digits[1]
    for net in (
        CNNClassifier(2, **QUIET),
        SequentialClassifier([Conv2D(2), Flatten()], **QUIET),
    ):
        (message,) = messages(net, X, y)
        assert "rows of 60 features, which were taken for images of 1 × 60" in message
        assert "use MLPClassifier" in message
        assert "pass input_shape=(1, 60) and windows one pixel high" in message
    net = CNNClassifier((2, 2), kernel_size=[(1, 3), (1, 3)],
                        pool_size=[(1, 2), (1, 2)], **QUIET)  # fmt: skip
    assert len(messages(net, X, y)) == 1
    assert messages(net.set_params(input_shape=(1, 60)), X, y) == []


def test_rows_that_are_taken_for_color_images(digits):
    X, y = np.tile(digits[0].reshape(200, 64), 3), digits[1]
    net = CNNClassifier(2, **QUIET)
    (message,) = messages(net, X, y)
    assert "192 features, which were taken for color images of 8 × 8 × 3" in message
    assert messages(net.set_params(input_shape=(8, 8, 3)), X, y) == []


def test_square_rows_and_images_are_as_expected(digits):
    X, y = digits
    for rows in (X, X.reshape(200, 64), X[:, :1], X[..., np.newaxis]):
        net = CNNClassifier(2, pooling=None, **QUIET)
        assert messages(net, rows, y) == []


def test_only_a_new_network_warns(digits):
    X, y = digits[0].reshape(200, 64)[:, :60], digits[1]
    net = CNNClassifier(2, warm_start=True, **QUIET)
    assert len(messages(net, X, y)) == 1
    assert messages(net, X, y) == []


def test_a_warning_made_an_error_leaves_the_estimator_unfitted(digits):
    X, y = digits[0].reshape(200, 64)[:, :60], digits[1]
    net = CNNClassifier(2, **QUIET)
    with pytest.raises(UserWarning, match="1 × 60"):
        net.fit(X, y)
    assert not hasattr(net, "network_")


def test_looking_at_pixels_changes_no_sparse_matrix():
    """SciPy's maximum sorts the values and adds up duplicates, in place."""
    data, indices, starts = [1.0, 2.0, 3.0, 4.0], [2, 0, 1, 1], [0, 2, 4]
    X = sparse.csr_array((data, indices, starts), shape=(2, 3))
    messages(CNNClassifier(2, pooling=None, **QUIET), X, [0, 1])
    assert X.data.tolist() == data
    assert X.indices.tolist() == indices


# -- a quantile without its loss -------------------------------------------------------

NUMBERS = np.arange(40.0).reshape(20, 2) / 40


@pytest.mark.parametrize("Estimator", [MLPRegressor, TabularRegressor])
@pytest.mark.parametrize("loss", ["squared_error", "gaussian", HalfSquaredError()])
@pytest.mark.parametrize("quantile", [0.9, [0.1, 0.9], [0.5]])
def test_a_quantile_that_another_loss_ignores(quantile, loss, Estimator):
    reg = Estimator(loss=loss, quantile=quantile, hidden_layer_sizes=4, **QUIET)
    (message,) = messages(reg, NUMBERS, NUMBERS[:, 0])
    assert message.startswith(
        f"quantile={quantile!r} has no effect, since loss={loss!r}"
    )
    assert "Set loss='quantile' to predict them" in message


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"quantile": np.float64(0.5)},
        {"loss": "quantile"},
        {"loss": "quantile", "quantile": 0.9},
        {"loss": "quantile", "quantile": [0.1, 0.9]},
        {"loss": Quantile(0.9), "quantile": 0.1},
    ],
    ids=str,
)
def test_a_quantile_that_is_used_or_not_set(params):
    reg = MLPRegressor(hidden_layer_sizes=4, **params, **QUIET)
    assert messages(reg, NUMBERS, NUMBERS[:, 0]) == []


def test_an_ignored_quantile_is_warned_of_once_and_changes_nothing():
    plain = MLPRegressor(hidden_layer_sizes=4, random_state=0)
    reg = clone(plain).set_params(quantile=0.9)  # without a warning
    assert "squared_error" in repr(clone(reg).loss)
    with pytest.warns(UserWarning, match=r"^quantile=0\.9 has no effect"):
        reg.partial_fit(NUMBERS, NUMBERS[:, 0])
    reg.partial_fit(NUMBERS, NUMBERS[:, 0])
    for _ in range(2):
        plain.partial_fit(NUMBERS, NUMBERS[:, 0])
    assert (reg.predict(NUMBERS) == plain.predict(NUMBERS)).all()


def test_a_search_over_loss_and_quantile():
    grid = {"loss": ["squared_error", "quantile"], "quantile": [0.5, 0.9]}
    search = GridSearchCV(MLPRegressor(hidden_layer_sizes=4, **QUIET), grid, cv=2)
    with pytest.warns(UserWarning, match=r"^quantile=0\.9 has no effect"):
        search.fit(NUMBERS, NUMBERS[:, 0])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# -- a validation set on another scale -------------------------------------------------


@pytest.mark.parametrize("n", [100, 3000])
def test_a_validation_set_that_was_not_transformed(n):
    rng = np.random.RandomState(0)
    X, X_val = rng.randn(n, 5), rng.randn(50, 5)
    y, y_val = X[:, 0] > 0, X_val[:, 0] > 0
    net = MLPClassifier(4, max_iter=2, learning_rate="linear")

    def caught(X_val):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            net.fit(X, y, X_val=X_val, y_val=y_val)
        return [str(warning.message) for warning in found]

    assert caught(X_val) == []
    assert caught(X_val + np.array([0, 0, 0, 1e3, 1e3])) == []  # most are alike
    (message,) = caught(3 * X_val + 100)
    assert message.startswith("X_val is not on the scale of X: the means of half of ")
    assert "transform_input=['X_val']" in message
