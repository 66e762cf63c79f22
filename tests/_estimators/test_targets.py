"""Targets: classes, labels, numbers and quantiles; their weights; what is predicted."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import norm
from sklearn.datasets import (
    load_diabetes,
    make_multilabel_classification,
)
from sklearn.metrics import (
    balanced_accuracy_score,
    d2_pinball_score,
    mean_absolute_error,
    r2_score,
)
from sklearn.model_selection import (
    cross_val_score,
)
from small_fits import DIABETES, IRIS, SMALL

from sknn import MLPClassifier, MLPRegressor
from sknn._estimators.targets import ScaledTargets
from sknn.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GaussianNLL,
    HalfSquaredError,
    Huber,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# -- classes ---------------------------------------------------------------------------


def test_decision_function(cancer, iris):
    clf = MLPClassifier(random_state=0, max_iter=20).fit(*cancer)
    z = clf.decision_function(cancer[0])
    assert z.shape == (569,)
    np.testing.assert_allclose(clf.predict_proba(cancer[0])[:, 1], 1 / (1 + np.exp(-z)))
    clf = MLPClassifier(random_state=0, max_iter=20).fit(*iris)
    z = clf.decision_function(iris[0])
    assert z.shape == (150, 3)
    np.testing.assert_array_equal(clf.predict(iris[0]), z.argmax(axis=1))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(iris[0]), p)


def test_one_class():
    clf = MLPClassifier(max_iter=2).fit(np.ones((5, 2)), ["only"] * 5)
    assert set(clf.predict(np.zeros((3, 2)))) == {"only"}
    np.testing.assert_array_equal(clf.predict_proba(np.zeros((3, 2))), np.ones((3, 1)))
    np.testing.assert_array_equal(clf.predict_log_proba(np.zeros((3, 2))), [[0]] * 3)


def test_label_smoothing_is_for_training_only():
    X, y = IRIS
    params = {**SMALL, "max_iter": 200, "label_smoothing": 0.3}
    net = MLPClassifier(**params).fit(X, y, X_val=X, y_val=y)
    plain = CategoricalCrossEntropy()
    z = net.decision_function(X)
    loss = plain.loss_gradient(z, y, None, out=z) / len(y)
    assert net.validation_loss_curve_[-1] == pytest.approx(loss)
    # Probabilities aim at 1 - 0.3 + 0.3 / 3.
    p = net.predict_proba(X)[np.arange(150), y]
    assert np.median(p) == pytest.approx(0.8, abs=0.05)


# -- weights of classes ----------------------------------------------------------------


def test_class_weight(cancer):
    X, y = cancer
    X, y = X[:, :2], y
    params = {"random_state": 0, "max_iter": 50, "learning_rate_init": 0.01}
    by_class = MLPClassifier(class_weight={0: 5}, **params).fit(X, y)
    by_row = MLPClassifier(**params).fit(X, y, sample_weight=np.where(y == 0, 5, 1))
    np.testing.assert_array_equal(by_class.network_.theta, by_row.network_.theta)
    balanced = MLPClassifier(class_weight="balanced", **params).fit(X, y)
    counts = np.bincount(y)
    by_hand = MLPClassifier(**params).fit(X, y, (len(y) / (2 * counts))[y])
    np.testing.assert_allclose(balanced.network_.theta, by_hand.network_.theta)


def test_balanced_class_weight_helps_the_rare_class():
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=2000) < 0.05).astype(int)
    X = rng.normal(size=(2000, 2)) + y[:, np.newaxis]
    plain = MLPClassifier(random_state=0, max_iter=50).fit(X, y)
    balanced = MLPClassifier(random_state=0, max_iter=50, class_weight="balanced")
    balanced.fit(X, y)
    scores = [balanced_accuracy_score(y, clf.predict(X)) for clf in (plain, balanced)]
    assert scores[1] > scores[0] + 0.15


def test_class_weight_of_labels():
    X, y = make_multilabel_classification(random_state=0)
    weights = [{0: 1, 1: 3}] * y.shape[1]
    by_class = MLPClassifier(class_weight=weights, random_state=0, max_iter=5).fit(X, y)
    by_row = MLPClassifier(random_state=0, max_iter=5).fit(X, y, 3.0 ** y.sum(axis=1))
    np.testing.assert_allclose(by_class.network_.theta, by_row.network_.theta)


def test_balanced_class_weight_of_labels_counts_rows_by_weight():
    X, y = make_multilabel_classification(n_samples=60, random_state=0)
    w = np.random.RandomState(0).randint(1, 4, size=60)
    params = {"class_weight": "balanced", "random_state": 0, "max_iter": 5}
    weighted = MLPClassifier(**params).fit(X, y, w)
    repeated = MLPClassifier(**params).fit(X.repeat(w, axis=0), y.repeat(w, axis=0))
    np.testing.assert_allclose(weighted.network_.theta, repeated.network_.theta)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
def test_bad_class_weight(weight, iris):
    clf = MLPClassifier(class_weight={0: weight})
    with pytest.raises(ValueError, match="class_weight must hold finite weights"):
        clf.fit(*iris)
    with pytest.raises(ValueError, match="class_weight must be a list of dicts"):
        MLPClassifier(class_weight={0: 1}).fit(iris[0], np.eye(3, dtype=int)[iris[1]])


# -- numbers and quantiles -------------------------------------------------------------


@pytest.fixture(scope="module")
def fan():
    """Rows whose noise grows with x: y = x + (0.1 + x) e, e standard normal."""
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 2, 1200)
    y = x + (0.1 + x) * rng.normal(size=1200)
    return x[:800, np.newaxis], y[:800], x[800:, np.newaxis], y[800:]


FAN = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.01, "max_iter": 80,
       "batch_size": 50, "learning_rate": "cosine", "random_state": 0}  # fmt: skip


def test_several_quantiles_cover_what_they_say_and_never_cross(fan):
    X, y, X_test, y_test = fan
    levels = (0.1, 0.25, 0.5, 0.9)
    net = MLPRegressor("quantile", quantile=levels, **FAN).fit(X, y)
    q = net.predict(X_test)
    assert q.shape == (400, 4)
    assert (np.diff(q, axis=1) >= 0).all()
    far = np.random.RandomState(0).uniform(-100, 100, (500, 1))
    assert (np.diff(net.predict(far), axis=1) >= 0).all()
    # Three standard deviations of a share of 400 rows.
    shares = (y_test[:, np.newaxis] <= q).mean(axis=0)
    margin = 3 * np.sqrt(np.multiply(levels, np.subtract(1, levels)) / 400)
    assert (np.abs(shares - levels) < margin).all()
    # The fan opens: 2.563 standard deviations of noise lie between 10% and 90%.
    width = (q[:, -1] - q[:, 0]) / (0.1 + X_test.ravel())
    assert np.median(width) == pytest.approx(2.563, rel=0.15)


def test_the_score_of_several_quantiles_is_the_mean_d2(fan):
    X, y, X_test, y_test = fan
    net = MLPRegressor("quantile", quantile=[0.1, 0.9], **{**FAN, "max_iter": 10})
    q, w = net.fit(X, y).predict(X_test), np.linspace(0, 1, 400)
    for weights in (None, w):
        expected = [
            d2_pinball_score(y_test, q[:, i], sample_weight=weights, alpha=alpha)
            for i, alpha in enumerate([0.1, 0.9])
        ]
        assert net.score(X_test, y_test, weights) == pytest.approx(np.mean(expected))
    scores = cross_val_score(net, X, y, cv=3, error_score="raise")
    assert len(set(scores)) == 3
    # The same score is what early stopping watches.
    net.set_params(early_stopping=True).fit(X, y, X_val=X_test, y_val=y_test)
    assert net.best_validation_score_ == pytest.approx(net.score(X_test, y_test))


def test_one_quantile_is_one_column(fan):
    X, y, X_test, _ = fan
    by_number, by_list = (
        MLPRegressor("quantile", quantile=q, **{**FAN, "max_iter": 5}).fit(X, y)
        for q in (0.9, [0.9])
    )
    assert by_number.predict(X_test).shape == (400,)
    assert_array_equal(by_number.predict(X_test), by_list.predict(X_test))


def test_several_quantiles_of_several_targets_are_an_error():
    X, y = DIABETES
    net = MLPRegressor("quantile", quantile=(0.1, 0.9), **SMALL)
    with pytest.raises(ValueError, match=r"quantile=\(0.1, 0.9\).* y has 2 columns"):
        net.fit(X, np.column_stack([y, y]))
    net.set_params(quantile=0.9).fit(X, np.column_stack([y, y]))
    assert net.predict(X).shape == (120, 2)


def test_a_gaussian_loss_learns_the_mean_and_the_standard_deviation(fan):
    X, y, X_test, y_test = fan
    net = MLPRegressor("gaussian", **FAN).fit(X, y)
    mean, std = net.predict(X_test, return_std=True)
    assert mean.shape == std.shape == (400,)
    assert_array_equal(net.predict(X_test), mean)
    assert np.median(std / (0.1 + X_test.ravel())) == pytest.approx(1, abs=0.1)
    u = (y_test - mean) / std
    assert abs(u.mean()) < 0.15
    assert u.std() == pytest.approx(1, abs=0.1)
    # The likelihood is higher than with the same deviation for all rows.
    plain = MLPRegressor(**FAN).fit(X, y)
    constant = np.std(y - plain.predict(X))
    likelihoods = [
        norm.logpdf(y_test, mean, std).mean(),
        norm.logpdf(y_test, plain.predict(X_test), constant).mean(),
    ]
    assert likelihoods[0] > likelihoods[1] + 0.15


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_score_of_a_gaussian_is_r2_of_the_mean(fan, solver):
    X, y, X_test, y_test = fan
    net = MLPRegressor("gaussian", **{**FAN, "solver": solver, "max_iter": 20})
    net.set_params(early_stopping=True).fit(X, y, X_val=X_test, y_val=y_test)
    expected = r2_score(y_test, net.predict(X_test))
    assert net.score(X_test, y_test) == expected
    assert net.best_validation_score_ == pytest.approx(expected)
    mean, std = net.predict(X_test, return_std=True)
    loss = -norm.logpdf(y_test, mean, std).mean()
    best = np.argmax(net.validation_scores_)
    assert net.validation_loss_curve_[best] == pytest.approx(loss)


def test_a_gaussian_of_several_targets(fan):
    X, y, X_test, _ = fan
    Y = np.column_stack([y, 0.1 * y, np.ones(len(y))])
    net = MLPRegressor(GaussianNLL(0.01), **{**FAN, "max_iter": 150}).fit(X, Y)
    mean, std = net.predict(X_test, return_std=True)
    assert mean.shape == std.shape == (400, 3)
    assert np.median(std[:, 0] / std[:, 1]) == pytest.approx(10, rel=0.3)
    assert std[:, 2].max() < 0.1
    assert (std > 0.01).all()
    assert net.n_outputs_ == 6
    assert net.out_activation_ == "gaussian"
    scores = [r2_score(Y[:, k], net.predict(X)[:, k]) for k in range(3)]
    assert net.score(X, Y) == pytest.approx(np.mean(scores))


def test_only_a_gaussian_loss_has_standard_deviations(fan):
    X, y, X_test, _ = fan
    for loss in ("squared_error", "poisson", Huber(2.0)):
        net = MLPRegressor(loss, **{**FAN, "max_iter": 2}).fit(X, np.abs(y))
        with pytest.raises(ValueError, match=r"return_std=True needs loss='gaussian'"):
            net.predict(X_test, return_std=True)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_robust_losses_bear_outliers(loss, solver):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 3))
    truth = X @ [1.0, -2.0, 0.5]
    y = truth + 0.1 * rng.normal(size=300)
    y[::10] += 30
    params = {"hidden_layer_sizes": (), "learning_rate_init": 0.1, "max_iter": 100,
              "solver": solver, "random_state": 0}  # fmt: skip
    errors = [
        mean_absolute_error(truth, MLPRegressor(kind, **params).fit(X, y).predict(X))
        for kind in ("squared_error", loss)
    ]
    assert errors[1] < 0.3 < 1.0 < errors[0]


# -- bad targets -----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:y has one column per class")
def test_kinds_of_targets_must_fit(iris):
    X, y = iris
    Y = np.eye(3, dtype=int)[y]
    several, one = MLPClassifier(max_iter=2), MLPClassifier(max_iter=2)
    several.fit(X, Y)
    one.fit(X, y)
    with pytest.raises(ValueError, match="not fitted with multilabel input"):
        one.partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 columns, but there were 3 labels"):
        several.partial_fit(X, Y[:, :2])
    with pytest.raises(ValueError, match=r"validation set.*not fitted with multilabel"):
        MLPClassifier().fit(X, y, X_val=X, y_val=Y)
    MLPClassifier(max_iter=2).fit(X, Y, X_val=X, y_val=y)


def test_bad_targets():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(
        ValueError, match="out of the valid range of the loss 'poisson'"
    ):
        MLPRegressor("poisson").fit(X, y - 200)
    with pytest.raises(ValueError, match="y contains a value too large for float32"):
        MLPRegressor().fit(X.astype(np.float32), y * 1e300)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        MLPClassifier().fit(X, y + 0.5)
    with pytest.raises(ValueError, match="Multioutput target data is not supported"):
        MLPClassifier().fit(X, np.column_stack([y, y]).astype(int))


@pytest.mark.parametrize(
    "loss, n_classes", [(BinaryCrossEntropy(), 3), (CategoricalCrossEntropy(), 2)]
)
def test_a_loss_must_fit_the_targets(loss, n_classes):
    X = np.random.RandomState(0).rand(12, 2)
    with pytest.raises(ValueError, match="does not fit the targets"):
        MLPClassifier(loss=loss).fit(X, np.arange(12) % n_classes)


def test_targets_whose_distance_from_the_mean_overflows_are_refused_quietly():
    largest = np.finfo(float).max
    y = np.array([largest, largest, largest, -largest] * 5)
    with np.errstate(over="raise"):
        targets = ScaledTargets.learn(y, HalfSquaredError(), clip=True)
        with pytest.raises(ValueError, match="y contains a value too large"):
            targets.encode(y, np.dtype(np.float32))


def test_later_labels_of_several_types(iris):
    clf = MLPClassifier(random_state=0).partial_fit(*iris, classes=[0, 1, 2])
    y = np.where(np.arange(150) % 3, "a", None)
    with pytest.raises(
        ValueError, match=r"^Input y contains None\. .* in 50 of 150 ro"
    ):
        clf.partial_fit(iris[0], y)
    y[y == None] = 1  # noqa: E711
    for net in (clf, MLPClassifier(warm_start=True)):
        with pytest.raises(TypeError, match=r"labels of one type, .*, got int, str\.$"):
            net.fit(iris[0], y)


@pytest.mark.parametrize("class_weight", [{0: 1, 2: 3}, {"0": 1}])
def test_class_weights_of_other_classes_name_both(class_weight):
    given = re.escape(str(list(class_weight)))
    message = rf"are not in class_weight. .* weights for {given}, y has .* \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=class_weight).fit(np.eye(4), [0, 1, 0, 1])
