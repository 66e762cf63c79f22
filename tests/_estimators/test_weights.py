"""Weights that users read and write: fixed lengths, copies, memory maps."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError

from sknn import CNNClassifier, MLPClassifier, MLPRegressor, SequentialClassifier
from sknn.layers import Activation, BatchNorm, Conv2D, Dense, Flatten

SETTINGS = {"max_iter": 1, "learning_rate_init": 0.01, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def clf(iris):
    return MLPClassifier(8, **SETTINGS).fit(*iris)


# -- coefs_ and intercepts_ -----------------------------------------------------------

MUTATIONS = {
    "append": lambda views: views.append(views[0]),
    "extend": lambda views: views.extend(views),
    "insert": lambda views: views.insert(0, views[0]),
    "pop": lambda views: views.pop(),
    "remove": lambda views: views.remove(views[0]),
    "clear": lambda views: views.clear(),
    "sort": lambda views: views.sort(key=len),
    "reverse": lambda views: views.reverse(),
    "del": lambda views: views.__delitem__(0),
    "+=": lambda views: views.__iadd__(views),
    "*=": lambda views: views.__imul__(2),
}


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
def test_the_number_of_layers_is_fixed(mutate, name, clf):
    before = clf.get_weights()
    views = getattr(clf, name)
    with pytest.raises(TypeError, match=rf"of {name} are fixed.*{name}\[0\] = array"):
        mutate(views)
    assert len(views) == 2
    for old, new in zip(before, clf.get_weights(), strict=True):
        assert_array_equal(old, new)


def test_items_can_be_set(clf):
    clf.coefs_[0] *= 2
    clf.coefs_[1][...] = 3
    clf.intercepts_[:] = [np.full(8, 4), np.full(3, 5)]
    weights = clf.get_weights()
    assert [array.flat[0] for array in weights[1:]] == [4, 3, 5]
    assert_array_equal(weights[0], clf.coefs_[0])


def test_copies_of_the_list_are_plain(clf):
    views = clf.coefs_
    copies = [
        copy.copy(views),
        copy.deepcopy(views),
        pickle.loads(pickle.dumps(views)),
        views.copy(),
        views[:],
        [*views],
    ]
    for other in copies:
        assert type(other) is list
        other.append(None)
    assert len(clf.coefs_) == 2


# -- shallow copies -------------------------------------------------------------------

WRITES = {
    "set_weights": lambda net, X, y: net.set_weights(
        [w * 0 for w in net.get_weights()]
    ),
    "coefs_[0]": lambda net, X, y: net.coefs_.__setitem__(0, net.coefs_[0] * 0),
    "coefs_[0][...]": lambda net, X, y: net.coefs_[0].fill(0),
    "coefs_": lambda net, X, y: setattr(net, "coefs_", [w * 0 for w in net.coefs_]),
    "partial_fit": lambda net, X, y: net.partial_fit(X, y),
    "warm start": lambda net, X, y: net.set_params(warm_start=True).fit(X, y),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_shallow_copy_shares_nothing_that_is_written_to(write, clf, iris):
    clf.partial_fit(*iris)
    before, history = clf.get_weights(), copy.deepcopy(clf.history_)
    other = copy.copy(clf)
    write(other, *iris)
    assert not np.array_equal(other.get_weights()[0], before[0])
    for one, another in ((clf, before), (copy.copy(clf), before)):
        for new, old in zip(one.get_weights(), another, strict=True):
            assert_array_equal(new, old)
    assert clf.history_["loss"] == history["loss"]
    # The other way round.
    after = other.get_weights()
    write(clf, *iris)
    assert_array_equal(other.get_weights()[0], after[0])


def test_a_shallow_copy_of_an_unfitted_estimator():
    other = copy.copy(MLPClassifier(3))
    assert other.get_params() == MLPClassifier(3).get_params()


# -- memory maps ----------------------------------------------------------------------


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_memory_maps_are_copied_on_write(write, clf, iris, tmp_path):
    clf.partial_fit(*iris)
    joblib.dump(clf, tmp_path / "clf.joblib")
    content = (tmp_path / "clf.joblib").read_bytes()
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert not mapped.network_.theta.flags.writeable
    mapped.predict(iris[0])
    assert not mapped.network_.theta.flags.writeable  # still shared
    write(mapped, *iris)
    write(clf, *iris)
    for one, other in zip(mapped.get_weights(), clf.get_weights(), strict=True):
        assert_array_equal(one, other)
    assert (tmp_path / "clf.joblib").read_bytes() == content


def test_memory_maps_pickle(clf, iris, tmp_path):
    joblib.dump(clf, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    for other in (pickle.loads(pickle.dumps(mapped)), copy.copy(mapped)):
        other.coefs_[0] = clf.coefs_[0] * 2
        assert_array_equal(mapped.get_weights()[0], clf.coefs_[0])


def test_state_of_batch_normalization_is_copied_too(tmp_path):
    digits = load_digits()
    cnn = CNNClassifier(2, hidden_layer_sizes=4, normalization="batch", **SETTINGS)
    cnn.fit(digits.images, digits.target)
    joblib.dump(cnn, tmp_path / "cnn.joblib")
    mapped = joblib.load(tmp_path / "cnn.joblib", mmap_mode="r")
    mapped.set_weights([w * 2 for w in cnn.get_weights()])
    mapped.partial_fit(digits.images, digits.target)


# -- weights of an estimator that is not fitted ---------------------------------------


def assert_set(fitted, X, y, **kwargs):
    """Give the weights to a clone that is not fitted; it must do all that one can."""
    other = clone(fitted).set_weights(fitted.get_weights(), **kwargs)
    assert_array_equal(other.predict(X), fitted.predict(X))
    assert_array_equal(other.transform(X), fitted.transform(X))
    assert other.score(X, y) == fitted.score(X, y)
    if hasattr(fitted, "predict_proba"):
        assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        assert_array_equal(other.classes_, fitted.classes_)
    assert repr(other.summary()) == repr(fitted.summary())
    assert other.n_features_in_ == fitted.n_features_in_
    assert other.get_feature_names_out().tolist() == (
        fitted.get_feature_names_out().tolist()
    )
    assert (other.n_iter_, other.loss_curve_) == (0, [])
    assert {w.dtype for w in other.get_weights()} == {fitted.network_.dtype}
    assert vars(other).keys() == vars(fitted).keys()
    again = pickle.loads(pickle.dumps(other))
    assert_array_equal(again.predict(X), fitted.predict(X))
    # It trains as the fitted one does, whose solver starts again, too.
    resumed = fitted.set_weights(fitted.get_weights()).partial_fit(X, y)
    assert again.partial_fit(X, y).n_iter_ == 1
    for one, two in zip(again.get_weights(), resumed.get_weights(), strict=True):
        assert_allclose(one, two, rtol=1e-5, atol=1e-7)
    other.set_params(warm_start=True).fit(X, y)
    with pytest.raises(NotFittedError):
        clone(other).predict(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_classifiers(n_classes, dtype, iris):
    X, y = iris
    X, y = X[y < n_classes].astype(dtype), np.array(["a", "b", "c"])[y[y < n_classes]]
    clf = MLPClassifier((5, 4), **SETTINGS, shuffle=False).fit(X, y)
    assert_set(clf, X, y, classes=["a", "b", "c"][:n_classes])


@pytest.mark.parametrize("n_labels", [2, 3])
def test_several_labels(n_labels, iris):
    X, y = iris
    Y = np.column_stack([y > 0, y > 1, y == 0])[:, :n_labels].astype(int)
    clf = MLPClassifier(5, **SETTINGS, shuffle=False).fit(X, Y)
    assert_set(clf, X, Y, classes=np.eye(n_labels, dtype=int))


@pytest.mark.parametrize(
    "params, n_targets",
    [
        ({}, 1),
        ({"hidden_layer_sizes": ()}, 1),
        ({"input_dropout": 0.0, "normalization": "batch"}, 1),
        ({"residual": True, "hidden_layer_sizes": (4, 5, 6)}, 3),
        ({"loss": "poisson"}, 2),
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, 1),
        ({"loss": "gaussian"}, 2),
    ],
)
def test_regressors(params, n_targets, iris):
    X, y = iris
    Y = y.astype(float) if n_targets == 1 else np.eye(3)[y][:, :n_targets]
    reg = MLPRegressor(**{"hidden_layer_sizes": 4, **SETTINGS, **params}, shuffle=False)
    assert_set(reg.fit(X, Y), X, Y)


def test_images():
    data = load_digits()
    X, y = data.images / 16, data.target
    settings = {**SETTINGS, "hidden_layer_sizes": 6, "shuffle": False}
    for params, kwargs in (
        ({"input_shape": (8, 8)}, {}),
        ({"input_shape": (8, 8, 1), "normalization": "batch"}, {"n_features": 64}),
    ):
        cnn = CNNClassifier(4, **settings, **params).fit(X, y)
        assert_set(cnn, X, y, classes=range(10), **kwargs)
    cnn = CNNClassifier(4, **settings).fit(X.reshape(-1, 64), y)  # guesses the shape
    assert_set(cnn, X.reshape(-1, 64), y, classes=range(10), n_features=64)
    body = [Conv2D(3), Activation("relu"), Flatten()]
    net = SequentialClassifier(body, input_shape=(8, 8), **SETTINGS, shuffle=False)
    assert_set(net.fit(X, y), X, y, classes=range(10))
    rows = X.reshape(-1, 64)
    for layers in ([Dense(4), Activation("tanh")], [BatchNorm(), Dense(4)]):
        net = SequentialClassifier(layers, **SETTINGS, shuffle=False).fit(rows, y)
        assert_set(net, rows, y, classes=range(10))


def test_images_are_numbers_where_only_weights_are_known():
    X = load_digits().images
    cnn = CNNClassifier(2, hidden_layer_sizes=4, input_shape=(8, 8), **SETTINGS)
    weights = clone(cnn).fit(X, X[:, 0, 0] > 0).get_weights()
    cnn.set_weights(weights, classes=[False, True]).predict(X)
    with pytest.raises(ValueError, match="bytes"):
        cnn.predict(X.astype(np.uint8))


W = [np.zeros((4, 8)), np.zeros(8), np.zeros((8, 3)), np.zeros(3)]


@pytest.mark.parametrize(
    "net, weights, kwargs, message",
    [
        (MLPClassifier(8), W, {}, "pass classes, the .* has 3 for 3 classes or labels"),
        (
            MLPClassifier(8),
            W,
            {"classes": "ab"},
            "0 classes need .*0 outputs, .* has 3",
        ),
        (MLPClassifier(8), W, {"classes": [0, 1]}, "2 classes .* 1 outputs, .* has 3"),
        (MLPClassifier(8), W, {"classes": range(4)}, "4 classes .* 4 outputs"),
        (MLPClassifier(8), W, {"classes": [2, 0, 1]}, r"increasing .*got \[2 0 1\]"),
        (
            MLPClassifier(8),
            W,
            {"classes": [0, 1, 1]},
            "increasing order, each class on",
        ),
        (
            MLPClassifier(8),
            [],
            {"classes": [0, 1]},
            r"weights must be a list .* got \[\]",
        ),
        (
            MLPClassifier(8),
            W[:2],
            {"classes": range(8)},
            "a list of 4 arrays, .* got 2",
        ),
        (MLPClassifier(9), W, {"classes": range(3)}, r"weights\[0\], .* \(4, 9\), got"),
        (
            MLPClassifier(8),
            W,
            {"classes": range(3), "n_features": 5},
            r"weights\[0\], .*of shape \(5, 8\), got \(4, 8\)",
        ),
        (MLPRegressor("huber", 8), W, {"n_features": 0}, "positive integer, got 0"),
        (
            MLPRegressor("huber", 8),
            W,
            {"classes": range(3)},
            "MLPRegressor predicts num",
        ),
        (
            MLPRegressor("huber", 8),
            [*W[:3], np.full(3, np.nan)],
            {},
            r"weights\[3\].*finite",
        ),
        (MLPRegressor("huber", 8, alpha=-1), W, {}, "'alpha' parameter"),
        (
            CNNClassifier(2),
            [np.zeros((2, 1, 3, 3)), np.zeros(3)],
            {"classes": range(3)},
            r"set input_shape=\(height, width, channels\), or pass n_features",
        ),
    ],
)
def test_weights_that_do_not_fit_leave_an_estimator_unfitted(
    net, weights, kwargs, message
):
    net = clone(net)
    with pytest.raises(ValueError, match=message):
        net.set_weights(weights, **kwargs)
    assert vars(net).keys() == vars(clone(net)).keys()


def test_a_fitted_estimator_keeps_its_classes_and_features(clf):
    weights = clf.get_weights()
    clf.set_weights(weights, classes=[0, 1, 2], n_features=4)
    with pytest.raises(ValueError, match=r"classes=\[3, 4, 5\], but the fitted"):
        clf.set_weights(weights, classes=[3, 4, 5])
    with pytest.raises(ValueError, match="n_features=5, but the estimator was fitted"):
        clf.set_weights(weights, n_features=5)


def test_weights_replace_coefs_that_were_set_before(iris):
    reg = MLPRegressor(hidden_layer_sizes=())
    reg.coefs_, reg.intercepts_ = [np.ones((4, 1))], [np.ones(1)]
    reg.set_params(learning_rate_init=1e-300)
    reg.set_weights([np.zeros((4, 1)), np.zeros(1)]).partial_fit(*iris)
    assert abs(reg.coefs_[0]).max() < 1e-9
