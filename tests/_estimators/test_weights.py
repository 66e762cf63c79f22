"""Weights that users read and write: fixed lengths, copies, memory maps."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits, load_iris

from sknn import CNNClassifier, MLPClassifier

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


def test_state_of_batch_normalisation_is_copied_too(tmp_path):
    digits = load_digits()
    cnn = CNNClassifier(2, hidden_layer_sizes=4, normalization="batch", **SETTINGS)
    cnn.fit(digits.images, digits.target)
    joblib.dump(cnn, tmp_path / "cnn.joblib")
    mapped = joblib.load(tmp_path / "cnn.joblib", mmap_mode="r")
    mapped.set_weights([w * 2 for w in cnn.get_weights()])
    mapped.partial_fit(digits.images, digits.target)
