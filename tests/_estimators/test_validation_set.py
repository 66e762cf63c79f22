"""The validation set: passed or held out, its loss and its score."""

import re

import numpy as np
import pytest
from sklearn.datasets import (
    load_diabetes,
    load_digits,
)
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    StratifiedKFold,
)
from sklearn.preprocessing import scale
from small_fits import DATA, ESTIMATORS, IRIS, SMALL

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["adam", "sgd", "lbfgs"]


# -- rows passed to fit ----------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_own_validation_set(Estimator, solver, cancer):
    X, y = cancer
    est = Estimator(
        solver=solver, early_stopping=True, random_state=0, learning_rate_init=0.01,
        max_iter=1000,
    )  # fmt: skip
    est.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert len(est.validation_scores_) == len(est.validation_loss_curve_)
    assert len(est.validation_scores_) == est.n_iter_ < 1000
    assert est.best_validation_score_ == max(est.validation_scores_)
    # The best weights are restored, and the recorded curves are what they say.
    assert est.score(X[400:], y[400:]) == pytest.approx(est.best_validation_score_)
    loss = est.validation_loss_curve_[np.argmax(est.validation_scores_)]
    if Estimator is MLPClassifier:
        assert loss == pytest.approx(log_loss(y[400:], est.predict_proba(X[400:])))
    else:
        assert loss == pytest.approx(np.mean((y[400:] - est.predict(X[400:])) ** 2) / 2)


@pytest.mark.parametrize("solver", SOLVERS)
def test_validation_set_without_early_stopping_is_only_watched(solver, cancer):
    X, y = cancer
    params = {"solver": solver, "random_state": 0, "max_iter": 20}
    watched = MLPClassifier(**params).fit(X, y, X_val=X[:50], y_val=y[:50])
    alone = MLPClassifier(**params).fit(X, y)
    np.testing.assert_array_equal(watched.network_.theta, alone.network_.theta)
    assert len(watched.validation_loss_curve_) == watched.n_iter_
    assert alone.validation_loss_curve_ is alone.validation_scores_ is None
    assert len(alone.loss_curve_) == alone.n_iter_


def test_sample_weight_val_weighs_loss_and_score(cancer):
    X, y = cancer
    w = np.where(y == 1, 1.0, 0.0)
    params = {"random_state": 0, "max_iter": 3, "early_stopping": True}
    weighted = MLPClassifier(**params).fit(X, y, X_val=X, y_val=y, sample_weight_val=w)
    selected = MLPClassifier(**params).fit(X, y, X_val=X[y == 1], y_val=y[y == 1])
    np.testing.assert_allclose(
        weighted.validation_loss_curve_, selected.validation_loss_curve_
    )
    np.testing.assert_allclose(weighted.validation_scores_, selected.validation_scores_)


def test_bad_validation_labels(iris):
    with pytest.raises(ValueError, match=r"Invalid validation set.*classes not in"):
        MLPClassifier().fit(*iris, X_val=iris[0][:2], y_val=[0, 7])
    with pytest.raises(ValueError, match="y has 2 outputs, y_val 3"):
        MLPRegressor().fit(iris[0], iris[0][:, :2], X_val=iris[0], y_val=iris[0][:, :3])


# -- rows held out ---------------------------------------------------------------------


def test_lbfgs_stops_early_on_its_hold_out(cancer):
    X, y = cancer
    params = {"solver": "lbfgs", "random_state": 0, "alpha": 0}
    full = MLPClassifier(**params).fit(X, y)
    early = MLPClassifier(early_stopping=True, n_iter_no_change=2, **params).fit(X, y)
    assert early.n_iter_ < full.n_iter_
    assert early.best_validation_score_ == max(early.validation_scores_)
    assert early.best_loss_ is None


def test_a_splitter_may_stratify():
    X, y = IRIS
    names = np.array(["a", "b", "c"])[y]
    counts = []

    def scorer(fitted, X, y):
        counts.append(np.unique(y, return_counts=True))
        return fitted.score(X, y)

    net = MLPClassifier(
        **SMALL, early_stopping=True, validation_fraction=StratifiedKFold(5),
        scoring=scorer,
    )  # fmt: skip
    net.fit(X, names)
    for labels, n in counts:
        assert list(labels) == ["a", "b", "c"]
        assert list(n) == [10, 10, 10]


class BadSplitter:
    """A splitter that yields the given parts."""

    def __init__(self, *parts):
        self.parts = parts

    def get_n_splits(self):
        return 1

    def split(self, X, y=None, groups=None):
        yield self.parts


@pytest.mark.parametrize(
    "splitter, message",
    [
        (BadSplitter([0, 1, 2], [2, 3]), "holds out rows that it trains on"),
        (BadSplitter([0, 1], [10_000]), "must yield indices of rows from 0 to"),
        (BadSplitter([True, False], [False, True]), "must yield indices of rows"),
        (GroupKFold(2), "cannot split .* rows: The 'groups' parameter"),
    ],
)
def test_splitters_that_do_not_split(splitter, message):
    net = MLPClassifier(early_stopping=True, validation_fraction=splitter)
    with pytest.raises(ValueError, match=f"validation_fraction=.*{message}"):
        net.fit(*DATA[MLPClassifier])


# -- scores ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_scoring(solver, cancer):
    X, y = cancer
    names = np.array(["no", "yes"], dtype=object)[y]
    train = (X[:400], names[:400])
    val = {"X_val": X[400:], "y_val": names[400:]}
    params = {"solver": solver, "early_stopping": True, "random_state": 0}

    by_loss = MLPClassifier(scoring="loss", **params).fit(*train, **val)
    np.testing.assert_array_equal(
        by_loss.validation_scores_, np.negative(by_loss.validation_loss_curve_)
    )
    by_log_loss = MLPClassifier(scoring="neg_log_loss", **params).fit(*train, **val)
    np.testing.assert_allclose(
        by_log_loss.validation_scores_, by_loss.validation_scores_, rtol=1e-9
    )

    by_auc = MLPClassifier(scoring="roc_auc", **params).fit(*train, **val)
    scores = by_auc.predict_proba(X[400:])[:, 1]
    auc = roc_auc_score(names[400:], scores)
    assert by_auc.best_validation_score_ == pytest.approx(auc)

    def half_accuracy(estimator, X, y):
        return estimator.score(X, y) / 2

    by_call = MLPClassifier(scoring=half_accuracy, **params).fit(*train, **val)
    by_default = MLPClassifier(**params).fit(*train, **val)
    half = by_default.validation_scores_[0] / 2
    assert by_call.validation_scores_[0] == pytest.approx(half, rel=1e-12)


def test_scoring_on_a_hold_out_of_a_data_frame(cancer):
    pd = pytest.importorskip("pandas")
    X, y = cancer
    clf = MLPClassifier(early_stopping=True, scoring="f1", max_iter=3, random_state=0)
    clf.fit(pd.DataFrame(X).add_prefix("x"), y)
    assert len(clf.validation_scores_) == 3


def test_a_scorer_gets_weights_only_if_it_takes_them(cancer):
    X, y = cancer
    w = np.where(y == 1, 1.0, 0.001)

    def plain(estimator, X, y):
        return estimator.score(X, y)

    def weighted(estimator, X, y, sample_weight):
        return estimator.score(X, y, sample_weight)

    first = {}
    for scoring in (plain, weighted, None, "accuracy", "matthews_corrcoef"):
        clf = MLPClassifier(scoring=scoring, random_state=0, max_iter=1)
        clf.fit(X, y, w, X_val=X, y_val=y, sample_weight_val=w)
        first[scoring] = clf.validation_scores_[0]
    # Each sums the weights in an order of its own.
    for scoring in (weighted, "accuracy"):
        assert first[scoring] == pytest.approx(first[None], rel=1e-12)
    assert abs(first[plain] - first[weighted]) > 1e-4


@pytest.mark.parametrize("scoring", [None, "loss", "r2", "neg_mean_squared_error"])
def test_scoring_of_a_regressor(scoring):
    X, y = load_diabetes(return_X_y=True)
    reg = MLPRegressor(
        early_stopping=True, scoring=scoring, random_state=0, learning_rate_init=0.01
    )
    reg.fit(scale(X), scale(y))
    assert reg.score(scale(X), scale(y)) > 0.3


def test_a_scorer_may_look_at_the_network(iris):
    def scorer(estimator, X, y):
        assert (estimator.n_outputs_, estimator.n_layers_) == (3, 3)
        assert estimator.out_activation_ == "softmax"
        return 0.0

    MLPClassifier(scoring=scorer, early_stopping=True, max_iter=2).fit(*iris)


def test_a_scorer_that_cannot_score_is_named():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(early_stopping=True, scoring="neg_log_loss", random_state=0)
    message = r"scoring='neg_log_loss' cannot score the validation set of 10 rows: .*"
    with pytest.raises(ValueError, match=message + "use scoring='loss'"):
        clf.fit(X[:100], y[:100])
    clf.set_params(scoring="loss", max_iter=2).fit(X[:100], y[:100])


def test_a_score_of_regressors_in_a_classifier(iris):
    X, y = iris
    clf = MLPClassifier(early_stopping=True, scoring="r2", max_iter=2, random_state=0)
    message = r"scoring='r2' cannot .*\('r2' is a score of regressors.*'accuracy', "
    with pytest.raises(ValueError, match=message) as caught:
        clf.fit(X, np.array(["a", "b", "c"])[y])
    assert "misses a class" not in str(caught.value)
    clf.set_params(learning_rate="linear").fit(X, y)  # it can score classes as numbers
    for name in re.findall("'([a-z_0-9]+)'", str(caught.value).partition("example")[2]):
        clf.set_params(scoring=name).fit(X, np.array(["a", "b", "c"])[y])


def test_a_class_of_one_row_cannot_be_held_out(iris):
    """As in scikit-learn, the draw is stratified for two classes only."""
    y = np.array(["fraud", "ok"])[(np.arange(150) != 7).astype(int)]
    message = r"least populated class.* each class: pass X_val and y_val, remove"
    with pytest.raises(ValueError, match=message):
        MLPClassifier(early_stopping=True).fit(iris[0], y)


def test_a_score_of_two_classes_for_three(iris):
    clf = MLPClassifier(early_stopping=True, scoring="f1", max_iter=2)
    with pytest.raises(ValueError, match=r"\('f1' is a score of two classes.*f1_macro"):
        clf.fit(*iris)


def test_a_score_of_classifiers_in_a_regressor():
    X, y = DATA[MLPRegressor]
    reg = MLPRegressor(early_stopping=True, scoring="accuracy", max_iter=2)
    reg.set_params(learning_rate="linear")
    message = (
        r"scoring='accuracy' cannot .*\('accuracy' is a score of classifiers.*'r2'"
    )
    with pytest.raises(ValueError, match=message) as caught:
        reg.fit(X, y)
    for name in re.findall("'([a-z_0-9]+)'", str(caught.value).partition("example")[2]):
        reg.set_params(scoring=name).fit(X, y)
    reg.set_params(scoring=lambda e, X, y: next(iter(())))
    with pytest.raises(
        ValueError, match=r"scoring='loss' uses the validation loss\.\)$"
    ):
        reg.fit(X, y)


def test_bad_scorers(iris):
    for scorer, message in [
        (lambda e, X, y: None, "must return a number, got None"),
        (lambda e, X: 1.0, "cannot score .* positional argument"),
        (lambda e, X, y: next(iter(())), "cannot score the validation set of 15 rows"),
    ]:
        for solver in ("adam", "lbfgs"):
            clf = MLPClassifier(scoring=scorer, solver=solver, early_stopping=True)
            with pytest.raises(ValueError, match=f"scoring=.*{message}"):
                clf.fit(*iris)


def test_an_early_stopping_score_that_is_no_number_is_an_error():
    X, y = DATA[MLPRegressor]
    net = MLPRegressor(early_stopping=True, max_iter=3, random_state=0)
    with (
        pytest.raises(ValueError, match=r"NaN in all 3 epochs.*scoring=None"),
        # R² of a single row is not defined.
        pytest.warns(UserWarning, match="not well-defined"),
    ):
        net.fit(X, y, X_val=X[:1], y_val=y[:1])
    assert not hasattr(net, "network_")
