"""scikit-learn's common estimator checks, on the defaults and on many other settings.

What cannot hold in principle is named with its reason in `EXCEPTIONS` (strictly: an
exception that holds after all is a failure) and has a deterministic twin below.
"""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # An array as a data frame's column, in the checks themselves.
    "ignore::DeprecationWarning",
)

# Fewer epochs than the default 200 save time; the higher rate makes up for them.
QUICK = {"max_iter": 60, "learning_rate_init": 0.01}

SETTINGS = {
    "defaults": {"max_iter": 100},
    "early_stopping": {**QUICK, "early_stopping": True},
    "early_stopping on loss": {**QUICK, "early_stopping": True, "scoring": "loss"},
    "sgd": {**QUICK, "solver": "sgd"},
    "sgd, adaptive": {"max_iter": 100, "solver": "sgd", "learning_rate": "adaptive"},
    "sgd, invscaling": {**QUICK, "solver": "sgd", "learning_rate": "invscaling",
                        "learning_rate_init": 0.05, "power_t": 0.1},
    "lbfgs": {"solver": "lbfgs", "max_iter": 60},
    "lbfgs, early_stopping": {"solver": "lbfgs", "early_stopping": True},
    "several layers": {**QUICK, "hidden_layer_sizes": (50, 20), "activation": "tanh"},
    "no hidden layer": {"hidden_layer_sizes": (), "learning_rate_init": 0.1},
    "logistic": {**QUICK, "activation": "logistic", "learning_rate_init": 0.05},
    "batch_size=1": {"batch_size": 1, "max_iter": 10, "learning_rate_init": 0.003},
    "batch_size=7, no shuffle": {**QUICK, "batch_size": 7, "shuffle": False},
    "warm_start": {**QUICK, "warm_start": True},
}  # fmt: skip

ESTIMATORS = [
    *(MLPClassifier(**params) for params in SETTINGS.values()),
    MLPClassifier(**QUICK, class_weight="balanced"),
    *(MLPRegressor(**params) for params in SETTINGS.values()),
    MLPRegressor(**QUICK, loss="poisson"),
]

REPETITION = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)


def exceptions(estimator):
    """Checks that cannot hold in principle for the estimator's setting: reason."""
    found = {}
    classifies = hasattr(estimator, "class_weight")
    if estimator.early_stopping:
        reason = "a random hold-out takes other rows when rows are repeated"
        found |= dict.fromkeys(REPETITION, reason)
    if isinstance(estimator.batch_size, int):
        reason = "repeated rows make other mini-batches"
        found |= dict.fromkeys(REPETITION, reason)
    if estimator.learning_rate == "invscaling":
        reason = "as in scikit-learn this rate falls with the number of rows"
        found |= dict.fromkeys(REPETITION, reason)
    if estimator.batch_size == 1 and classifies:
        found["check_class_weight_classifiers"] = (
            "as in scikit-learn the loss of a batch is divided by its weight, so that "
            "the weight of a single row cancels"
        )
    stops_on_score = estimator.early_stopping and estimator.scoring is None
    # 'lbfgs' is fast enough to get there in time.
    if stops_on_score and estimator.solver != "lbfgs" and classifies:
        found["check_class_weight_classifiers"] = (
            "the heavy class may be missing among the five rows held out at random, "
            "and then other weights score best"
        )
    if estimator.warm_start:
        reason = "the check fits twice and expects the second fit to start afresh"
        found["check_supervised_y_2d"] = reason
        if classifies:
            found["check_classifiers_multilabel_representation_invariance"] = reason
    return found


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=exceptions)
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_checks_not_yielded(check, estimator):
    check(type(estimator).__name__, estimator)


# -- deterministic twins of the exceptions -------------------------------------------


def weighted_and_repeated():
    """Rows with integer weights, some 0, and the same rows repeated so often."""
    rng = np.random.RandomState(42)
    X, y = rng.rand(15, 30), rng.randint(0, 3, size=15)
    w = rng.randint(0, 5, size=15)
    assert set(y[w > 0]) == {0, 1, 2}
    assert not w.all()
    return (X, y, w), (X.repeat(w, axis=0), y.repeat(w), None)


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_with_a_fixed_validation_set(Estimator, solver, scoring):
    weighted, repeated = weighted_and_repeated()
    fitted = []
    for (X, y, w), (X_val, y_val, w_val) in [
        (weighted, weighted),
        (repeated, repeated),
    ]:
        estimator = Estimator(
            solver=solver, early_stopping=True, scoring=scoring, random_state=0, **QUICK
        )
        estimator.fit(
            X, y, w, X_val=X_val[::-1], y_val=y_val[::-1],
            sample_weight_val=None if w_val is None else w_val[::-1],
        )  # fmt: skip
        fitted.append(estimator)
    X = weighted[0]
    rtol = 1e-4 if solver == "lbfgs" else 1e-7  # its line search magnifies rounding
    assert len(fitted[0].validation_scores_) == len(fitted[1].validation_scores_) > 1
    np.testing.assert_allclose(fitted[0].predict(X), fitted[1].predict(X), rtol)
    np.testing.assert_allclose(
        fitted[0].validation_loss_curve_, fitted[1].validation_loss_curve_, rtol
    )


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_in_batches_of_copies(Estimator):
    """A batch of one row of weight k is a batch of k copies of the row."""
    k = 4
    X, y = make_blobs(40, random_state=0)
    params = {"shuffle": False, "random_state": 0, "max_iter": 10, "alpha": 0}
    one = Estimator(batch_size=1, **params).fit(X, y, np.full(len(y), k))
    copies = Estimator(batch_size=k, **params).fit(X.repeat(k, axis=0), y.repeat(k))
    np.testing.assert_allclose(one.predict(X), copies.predict(X), rtol=1e-7)


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_under_invscaling_without_decay(Estimator):
    (X, y, w), repeated = weighted_and_repeated()
    params = {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0}
    weighted = Estimator(**params, random_state=0, max_iter=20).fit(X, y, w)
    repeated = Estimator(**params, random_state=0, max_iter=20).fit(*repeated)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7)


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_class_weight_with_early_stopping_on_a_fixed_validation_set(scoring):
    """The heavy class is predicted nearly always, whatever the others cost."""
    X, y = make_blobs(centers=3, random_state=0, cluster_std=20)
    clf = MLPClassifier(
        class_weight={0: 1000, 1: 0.0001, 2: 0.0001}, early_stopping=True,
        scoring=scoring, random_state=0, **QUICK,
    )  # fmt: skip
    clf.set_params(max_iter=1000, n_iter_no_change=20)  # as the check does
    clf.fit(X[:50], y[:50], X_val=X[50:], y_val=y[50:])
    assert np.mean(clf.predict(X[50:]) == 0) > 0.87


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_one_column_is_one_dimension_from_a_fresh_start(Estimator):
    X, y = make_blobs(40, random_state=0)
    fits = [Estimator(warm_start=True, random_state=0, **QUICK) for _ in range(2)]
    with pytest.warns(Warning, match="column-vector y was passed"):
        fits[1].fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(fits[0].fit(X, y).predict(X), fits[1].predict(X))


def test_multilabel_representation_does_not_matter_from_a_fresh_start():
    X, y = make_blobs(40, random_state=0)
    y = np.eye(3, dtype=int)[y]
    params = {"warm_start": True, "random_state": 0, **QUICK}
    predictions = [
        MLPClassifier(**params).fit(X, y_).predict(X) for y_ in (y, y.tolist())
    ]
    np.testing.assert_array_equal(*predictions)
