"""partial_fit: epoch by epoch, with changed parameters, where it cannot work."""

import copy
import pickle

import numpy as np
import pytest
from sklearn import config_context
from small_fits import (
    DATA,
    ESTIMATORS,
)

from sknn import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_partial_fit_is_fit_epoch_by_epoch(iris):
    """Also without shuffling, where fit and partial_fit see the same batches."""
    params = {"random_state": 0, "shuffle": False, "batch_size": 32}
    whole = MLPClassifier(max_iter=20, **params).fit(*iris)
    pieces = MLPClassifier(max_iter=10, **params).fit(*iris)
    pieces = pickle.loads(pickle.dumps(pieces))
    for _ in range(10):
        pieces.partial_fit(*iris)
    np.testing.assert_array_equal(whole.network_.theta, pieces.network_.theta)


@pytest.mark.parametrize("random_state", [0, "instance"])
@pytest.mark.parametrize(
    "params", [{}, {"solver": "sgd", "learning_rate": "invscaling"}]
)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_pickle_between_epochs_changes_nothing(Estimator, params, random_state, iris):
    def new():
        seed = np.random.RandomState(0) if random_state == "instance" else 0
        return Estimator(random_state=seed, batch_size=32, **params)

    straight, broken = new(), new()
    first = {"classes": [0, 1, 2]} if Estimator is MLPClassifier else {}
    for _ in range(20):
        straight.partial_fit(*iris, **first)
    for _ in range(10):
        broken.partial_fit(*iris, **first)
    broken = pickle.loads(pickle.dumps(broken))
    for _ in range(10):
        broken.partial_fit(*iris)
    np.testing.assert_array_equal(straight.network_.theta, broken.network_.theta)
    assert straight.loss_curve_ == broken.loss_curve_
    assert straight.t_ == broken.t_ == 20 * 150


@pytest.mark.parametrize(
    "copier", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_train_on_their_own(copier, iris):
    clf = MLPClassifier(random_state=0, max_iter=5).fit(*iris)
    theta = clf.network_.theta.copy()
    copier(clf).partial_fit(*iris)
    np.testing.assert_array_equal(clf.network_.theta, theta)


# -- changed parameters ----------------------------------------------------------------


def test_partial_fit_follows_changed_parameters(iris):
    clf = MLPClassifier(random_state=0, max_iter=3).fit(*iris)
    for params in (
        {"solver": "sgd"},
        {"momentum": 0.5},
        {"learning_rate_init": 1e-300},
    ):
        clf.set_params(**params).partial_fit(*iris)
    theta = clf.network_.theta.copy()
    clf.set_params(momentum=0).partial_fit(*iris)
    np.testing.assert_array_equal(clf.network_.theta, theta)


@pytest.mark.parametrize("one_more", ["partial_fit", "warm start"])
def test_dropout_may_be_switched_between_calls(one_more):
    X, y = DATA[MLPClassifier]
    net = MLPClassifier((6,), dropout=0.5, max_iter=2, random_state=0).fit(X, y)
    before = net.network_.theta.copy()
    net.set_params(dropout=0.0, input_dropout=0.1)
    if one_more == "partial_fit":
        net.partial_fit(X, y)
    else:
        net.set_params(warm_start=True).fit(X, y)
    assert 0 < np.abs(net.network_.theta - before).max() < 0.1


def test_partial_fit_says_that_the_schedule_is_over():
    X, y = DATA[MLPClassifier]
    net = MLPClassifier(learning_rate="cosine", max_iter=2, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="learning rate is 0: learning_rate='cosine'"):
        net.partial_fit(X, y)


# -- errors ----------------------------------------------------------------------------


def test_bad_partial_fit(iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)
    clf = MLPClassifier()
    with pytest.raises(ValueError, match="`y` has classes not in"):
        clf.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(clf, "classes_")
    clf.partial_fit(X, y, classes=[0, 1, 2])
    before = clf.network_.theta.copy()
    with pytest.raises(ValueError, match="`y` has classes not in"):
        clf.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        clf.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is exp"):
        clf.partial_fit(X[:, :3], y)
    np.testing.assert_array_equal(clf.network_.theta, before)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"solver": "lbfgs"}, "only available for stochastic optimizers. lbfgs is not"),
        ({"early_stopping": True}, "does not support early_stopping=True"),
        ({"class_weight": "balanced"}, "does not support class_weight='balanced'"),
    ],
)
def test_partial_fit_is_missing_where_it_cannot_work(params, message, iris):
    clf = MLPClassifier(**params)
    assert not hasattr(clf, "partial_fit")
    with pytest.raises(AttributeError, match=message):
        clf.partial_fit(*iris, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(*iris, classes=[0, 1, 2])


@pytest.mark.parametrize(
    "invalid", [{"batch_size": 0}, {"restore_best": "x"}, {"solver": "Adam"}]
)
def test_an_invalid_parameter_is_named_in_later_calls_too(invalid, iris):
    """scikit-learn validates in the first call only, for speed."""
    clf = MLPClassifier(random_state=0).partial_fit(*iris, classes=[0, 1, 2])
    before = pickle.dumps(clf.network_)
    clf.set_params(**invalid)
    with pytest.raises(ValueError, match=f"The {next(iter(invalid))!r} parameter of"):
        clf.partial_fit(*iris)
    assert pickle.dumps(clf.network_) == before
    if "batch_size" in invalid:
        unchecked = config_context(skip_parameter_validation=True)
        with unchecked, pytest.raises(ZeroDivisionError):
            clf.partial_fit(*iris)
