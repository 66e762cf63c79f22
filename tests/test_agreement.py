"""The same numbers as scikit-learn's MLP, setting by setting.

scikit-learn's estimators are the oracle of the whole training loop: with the same data,
parameters and random_state, loss curve, weights and predictions agree to rounding.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_linnerud,
    make_multilabel_classification,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from versions import SKLEARN, Version

import sknn

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # scikit-learn does not warn of targets that look one-hot.
    "ignore:y has one column per class:UserWarning",
)


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500]


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["malignant", "benign"], dtype=object)
    return scale(X)[:400], names[y[:400]]


def labels():
    X, y = make_multilabel_classification(n_samples=300, random_state=0)
    return scale(X), y


def labels_as_csr():
    X, y = labels()
    return X, sparse.csr_matrix(y)


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def linnerud():
    X, y = load_linnerud(return_X_y=True)
    rng = np.random.RandomState(0)
    X, y = np.tile(scale(X), (10, 1)), np.tile(scale(y), (10, 1))
    return X + rng.normal(scale=0.1, size=X.shape), y


def counts():
    X, _ = diabetes()
    rng = np.random.RandomState(0)
    return X, rng.poisson(np.exp(0.3 * X[:, 0] + 0.5 * X[:, 2]))


def fit(estimator, X, y, **weights):
    return estimator.fit(X, y, **weights)


def fit_twice(estimator, X, y, **weights):
    estimator.set_params(warm_start=True, max_iter=estimator.max_iter // 2)
    return estimator.fit(X, y, **weights).fit(X[::-1], y[::-1], **weights)


def partial_fit_50(estimator, X, y, **weights):
    first = {"classes": np.unique(y)} if hasattr(estimator, "predict_proba") else {}
    estimator.partial_fit(X, y, **first, **weights)
    for _ in range(49):
        estimator.partial_fit(X, y, **weights)
    return estimator


def partial_fit_chunks(estimator, X, y):
    first = {"classes": np.unique(y)} if hasattr(estimator, "predict_proba") else {}
    for _ in range(5):
        for rows in np.array_split(np.arange(len(y)), 7):
            estimator.partial_fit(X[rows], y[rows], **first)
            first = {}
    return estimator


def labels_then_classes(estimator, X, y):
    """The first fit has several labels per row, the later calls have one."""
    estimator.set_params(max_iter=20).fit(X, np.eye(10, dtype=int)[y])
    for _ in range(30):
        estimator.partial_fit(X, y)
    return estimator


def activation_changes(estimator, X, y):
    # Ours warns that the weights were trained for another activation.
    warnings.filterwarnings("ignore", "The weights were trained for another")
    estimator.set_params(warm_start=True, max_iter=20).fit(X, y)
    return estimator.set_params(activation="logistic").fit(X, y)


def fit_then_partial_fit(estimator, X, y):
    estimator.set_params(max_iter=20).fit(X, y)
    for _ in range(30):
        estimator.partial_fit(X, y)
    return estimator


@dataclass(frozen=True)
class Setting:
    """Data, parameters, a way to train."""

    data: callable
    params: dict = field(default_factory=dict)
    train: callable = fit
    weighted: bool = False
    container: callable = np.asarray

    @property
    def class_name(self):
        classifies = self.data in (digits, cancer, labels, labels_as_csr)
        return "MLPClassifier" if classifies else "MLPRegressor"

    def run(self, module, dtype):
        X, y = self.data()
        params = {"max_iter": 50, "random_state": 3, **self.params}
        estimator = getattr(module, self.class_name)(**params)
        weights = {}
        if self.weighted:
            weights["sample_weight"] = np.random.RandomState(1).uniform(0, 3, len(y))
        return self.train(estimator, self.container(X.astype(dtype)), y, **weights)


def sgd(**params):
    return {"solver": "sgd", "learning_rate_init": 0.05, **params}


STOCHASTIC = {
    "defaults": Setting(digits),
    "several layers": Setting(digits, {"hidden_layer_sizes": (30, 20, 10)}),
    "no hidden layer": Setting(digits, {"hidden_layer_sizes": ()}),
    "two classes": Setting(cancer, {"activation": "tanh"}),
    "multilabel": Setting(labels, {"hidden_layer_sizes": 20}),
    "logistic": Setting(digits, {"activation": "logistic", "alpha": 0.1}),
    "identity": Setting(digits, {"activation": "identity", "alpha": 0}),
    "batch 1": Setting(cancer, {"batch_size": 1, "max_iter": 10}),
    "batch n": Setting(digits, {"batch_size": 500}),
    "batch over n": Setting(digits, {"batch_size": 501}),
    "batch not dividing n": Setting(digits, {"batch_size": 64}),
    "no shuffle": Setting(digits, {"batch_size": 64, "shuffle": False}),
    "adam constants": Setting(
        digits, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "batch_size": 50}
    ),
    "stops by itself": Setting(cancer, {"max_iter": 500, "tol": 1e-2}),
    "sgd": Setting(digits, sgd()),
    "sgd momentum": Setting(digits, sgd(nesterovs_momentum=False)),
    "sgd plain": Setting(digits, sgd(momentum=0)),
    "sgd invscaling": Setting(digits, sgd(learning_rate="invscaling", power_t=0.3)),
    "sgd adaptive": Setting(
        cancer, sgd(learning_rate="adaptive", tol=1e-2, n_iter_no_change=2)
    ),
    "adam ignores learning_rate": Setting(digits, {"learning_rate": "adaptive"}),
    "early stopping": Setting(digits, {"early_stopping": True}),
    "early stopping, two classes": Setting(
        cancer, {"early_stopping": True, "validation_fraction": 0.25}
    ),
    "early stopping, labels": Setting(labels, {"early_stopping": True, "tol": 0}),
    "early stopping, sgd adaptive, weights": Setting(
        cancer,
        sgd(early_stopping=True, learning_rate="adaptive", n_iter_no_change=3),
        weighted=True,
    ),
    "early stopping, regressor": Setting(diabetes, {"early_stopping": True}),
    "early stopping, no shuffle": Setting(
        digits, {"early_stopping": True, "shuffle": False}
    ),
    "weights": Setting(digits, weighted=True),
    "weights, regressor": Setting(diabetes, {"batch_size": 37}, weighted=True),
    "weights, labels": Setting(labels, sgd(), weighted=True),
    "csr": Setting(digits, container=sparse.csr_array),
    "csc": Setting(digits, sgd(batch_size=60), container=sparse.csc_array),
    "csr, early stopping": Setting(
        cancer, {"early_stopping": True}, container=sparse.csr_matrix
    ),
    "fortran order": Setting(digits, container=np.asfortranarray),
    "regressor": Setting(diabetes),
    "multi-output": Setting(linnerud, {"learning_rate_init": 0.01}),
    "poisson": Setting(counts, {"loss": "poisson"}),
    "poisson, weights": Setting(counts, {"loss": "poisson"}, weighted=True),
    "warm_start": Setting(digits, train=fit_twice),
    "warm_start, sgd invscaling": Setting(
        digits, sgd(learning_rate="invscaling"), train=fit_twice
    ),
    "partial_fit": Setting(digits, train=partial_fit_50),
    "partial_fit, weights": Setting(digits, train=partial_fit_50, weighted=True),
    "partial_fit, sgd invscaling": Setting(
        cancer, sgd(learning_rate="invscaling"), train=partial_fit_50
    ),
    "partial_fit, sgd adaptive": Setting(
        cancer,
        sgd(learning_rate="adaptive", tol=1e-2, n_iter_no_change=2),
        train=partial_fit_50,
    ),
    "partial_fit, chunks": Setting(digits, train=partial_fit_chunks),
    "partial_fit, regressor": Setting(diabetes, train=partial_fit_chunks),
    "labels, then classes": Setting(
        digits, {"batch_size": 10}, train=labels_then_classes
    ),
    "warm_start, other activation": Setting(digits, train=activation_changes),
    "sparse labels": Setting(labels_as_csr, {"hidden_layer_sizes": 20}),
    "fit, then partial_fit": Setting(digits, train=fit_then_partial_fit),
    "fit, then partial_fit, sgd": Setting(cancer, sgd(), train=fit_then_partial_fit),
}

LBFGS = {
    "lbfgs": Setting(digits),
    "lbfgs, two classes": Setting(cancer, {"alpha": 1}),
    "lbfgs, labels": Setting(labels, {"hidden_layer_sizes": 20, "alpha": 1}),
    "lbfgs, no hidden layer": Setting(digits, {"hidden_layer_sizes": ()}),
    "lbfgs, regressor": Setting(diabetes, {"hidden_layer_sizes": 10, "alpha": 1}),
    # Later, rounding decides which iteration is the first to meet the tolerance.
    "lbfgs, multi-output": Setting(
        linnerud, {"hidden_layer_sizes": 5, "alpha": 1, "max_iter": 35}
    ),
    "lbfgs, poisson": Setting(
        counts, {"loss": "poisson", "hidden_layer_sizes": 10, "alpha": 1}
    ),
    "lbfgs, weights": Setting(digits, weighted=True),
    "lbfgs, csr": Setting(digits, container=sparse.csr_array),
    "lbfgs, warm_start": Setting(
        diabetes, {"hidden_layer_sizes": 10, "alpha": 1}, train=fit_twice
    ),
}


def skip_unsupported_settings(setting):
    """Skip settings in which the MLP of older versions of scikit-learn fails."""
    stops_early = setting.params.get("early_stopping")
    for version, needed, what in (
        ("1.7", setting.weighted, "sample_weight"),
        ("1.7", "loss" in setting.params, "the loss of the regressor"),
        ("1.9", stops_early and setting.data is cancer, "classes of dtype object"),
    ):
        if needed and Version(version) > SKLEARN:
            pytest.skip(f"scikit-learn {version}: {what}")


def both(setting, dtype, **params):
    """Train scikit-learn's estimator and ours."""
    skip_unsupported_settings(setting)
    oracle = getattr(sklearn.neural_network, setting.class_name)
    assert oracle.__module__.startswith("sklearn.")
    params = {**setting.params, **params}
    setting = Setting(
        setting.data, params, setting.train, setting.weighted, setting.container
    )
    with warnings.catch_warnings():
        # scikit-learn's float32 deltas overflow no more than ours; it only says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return (
            setting.run(sklearn.neural_network, dtype),
            setting.run(sknn, dtype),
            setting.container(setting.data()[0].astype(dtype)),
        )


def assert_agree(theirs, ours, X, rtol, atol):
    """Loss, counts, weights and predictions agree."""
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "loss_curve_", "validation_scores_",
                 "best_validation_score_"):  # fmt: skip
        if getattr(theirs, name, None) is not None:  # lbfgs has loss_ only
            np.testing.assert_allclose(
                getattr(ours, name), getattr(theirs, name), rtol=rtol, err_msg=name
            )
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=name)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        predictions = ours.predict(X), theirs.predict(X)
        assert type(predictions[0]) is type(predictions[1])
        np.testing.assert_array_equal(
            *(p.toarray() if sparse.issparse(p) else p for p in predictions)
        )
        np.testing.assert_allclose(
            ours.predict_proba(X), theirs.predict_proba(X), rtol=rtol, atol=atol
        )
    else:
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol, atol)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_float64(name):
    # atol: weights and probabilities may be arbitrarily close to 0.
    assert_agree(*both(STOCHASTIC[name], np.float64), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", LBFGS)
def test_lbfgs(name):
    params = {"solver": "lbfgs", "max_iter": 100, **LBFGS[name].params}
    theirs, ours, X = both(LBFGS[name], np.float64, **params)
    assert ours.n_iter_ > 10
    assert_agree(theirs, ours, X, rtol=1e-6, atol=1e-6)
    assert len(ours.loss_curve_) >= ours.n_iter_
    assert ours.loss_curve_[-1] == ours.loss_


@pytest.mark.parametrize("tol", [10, 1e3])
def test_lbfgs_without_an_iteration(tol):
    """If the initial weights count as converged, the loss is theirs."""
    X, y = digits()
    params = {"solver": "lbfgs", "tol": tol, "random_state": 0}
    theirs = sklearn.neural_network.MLPClassifier(**params).fit(X, y)
    ours = sknn.MLPClassifier(**params).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_ == 0
    assert ours.loss_ == ours.best_loss_ == pytest.approx(theirs.loss_, rel=1e-12)


def test_warm_start_with_early_stopping():
    """The curves agree; the weights need not.

    From the second fit on, scikit-learn's best weights are the arrays that it trains,
    so it returns the last weights if nothing improved. Ours are the best.
    """
    params = {"early_stopping": True, "max_iter": 100, "n_iter_no_change": 5}
    setting = Setting(cancer, params, fit_twice)
    theirs, ours, _ = both(setting, np.float64)
    for name in ("loss_curve_", "validation_scores_", "best_validation_score_"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-9, err_msg=name
        )
    first = Setting(cancer, {**params, "max_iter": 50}).run(sknn, np.float64)
    n_first = len(first.validation_scores_)
    assert max(ours.validation_scores_[n_first:]) <= first.best_validation_score_
    # Two runs of the same epochs, but BLAS rounding may depend on memory addresses.
    np.testing.assert_allclose(ours.coefs_[0], first.coefs_[0], rtol=1e-9, atol=1e-10)
    assert np.abs(first.coefs_[0] - theirs.coefs_[0]).max() > 1e-3


# In float32 scikit-learn computes part of the way in float64 (targets, Adam's scalars),
# so that it differs from its float64 self and from any float32 program alike. That
# sets the bound: ours may be ten times as far from scikit-learn's float64 result as
# scikit-learn's own float32 result is, or as near as float32 resolves.
@pytest.mark.parametrize("name", STOCHASTIC)
def test_float32(name):
    theirs, ours, _ = both(STOCHASTIC[name], np.float32)
    exact = STOCHASTIC[name].run(sklearn.neural_network, np.float64)
    n = min(len(e.loss_curve_) for e in (theirs, ours, exact))
    assert n > 4
    for curve in (ours.loss_curve_, theirs.loss_curve_):
        assert np.isfinite(curve).all()
    error = np.abs(np.subtract(ours.loss_curve_[:n], exact.loss_curve_[:n]))
    their_error = np.abs(np.subtract(theirs.loss_curve_[:n], exact.loss_curve_[:n]))
    resolution = 100 * np.finfo(np.float32).eps * np.max(exact.loss_curve_)
    assert error.max() <= max(10 * their_error.max(), resolution)


def test_the_oracle_is_stable():
    """A perturbation of 1e-15 moves scikit-learn's loss curve by less than 1e-12."""
    X, y = digits()
    curves = [
        sklearn.neural_network.MLPClassifier(max_iter=100, random_state=0)
        .fit(X_, y)
        .loss_curve_
        for X_ in (X, X * (1 + 1e-15))
    ]
    np.testing.assert_allclose(*curves, rtol=0, atol=1e-12)
