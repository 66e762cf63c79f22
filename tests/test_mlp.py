"""MLPClassifier and MLPRegressor: the interface of scikit-learn's MLP."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from versions import requires_sklearn

import sknn
from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["adam", "sgd", "lbfgs"]


# -- the interface is scikit-learn's ---------------------------------------------------


@requires_sklearn("1.7", "sample_weight and the loss of the regressor")
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_signature_starts_with_scikit_learns(name):
    theirs = getattr(sklearn.neural_network, name)
    ours = getattr(sknn, name)
    for method in ("__init__", "fit", "partial_fit", "predict", "score"):
        expected = inspect.signature(getattr(theirs, method)).parameters.values()
        found = list(inspect.signature(getattr(ours, method)).parameters.values())
        found = found[: len(expected)]
        assert [(p.name, p.kind, p.default) for p in found] == [
            (p.name, p.kind, p.default) for p in expected
        ]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_public_attributes_contain_scikit_learns(name, solver, early_stopping, iris):
    params = {"solver": solver, "early_stopping": early_stopping, "max_iter": 5}
    theirs = getattr(sklearn.neural_network, name)(**params).fit(*iris)
    ours = getattr(sknn, name)(**params).fit(*iris)
    public = {a for a in dir(theirs) if not a.startswith("_") and hasattr(theirs, a)}
    missing = {a for a in public if not hasattr(ours, a)}
    # Theirs is there, but raises when it is called: see below.
    assert missing <= (
        {"partial_fit"} if early_stopping or solver == "lbfgs" else set()
    )
    for attribute in public:
        value = getattr(theirs, attribute)
        if attribute.endswith("_") and value is not None:
            expected = float if isinstance(value, float) else type(value)
            assert isinstance(getattr(ours, attribute), expected), attribute


def test_verbose_prints_scikit_learns_lines(capsys, iris):
    printed = []
    for module in (sklearn.neural_network, sknn):
        for params in (
            {"max_iter": 3},
            {"max_iter": 100, "early_stopping": True, "learning_rate_init": 0.1},
            {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "verbose": 10},
        ):
            params = {"random_state": 0, "verbose": True, **params}
            module.MLPClassifier(**params).fit(*iris)
        printed.append(capsys.readouterr().out)
    assert "Validation score: " in printed[0]
    assert "Setting learning rate to 0.000200" in printed[0]
    assert "Learning rate too small. Stopping." in printed[0]
    assert printed[1] == printed[0]


def test_silent_by_default(capsys, iris):
    MLPClassifier(max_iter=2).fit(*iris)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    "params",
    [{"max_iter": 2}, {"batch_size": 1000}, {"solver": "lbfgs", "max_iter": 2}],
)
def test_warnings_are_scikit_learns(name, params, iris):
    """The same ones; ours can say more at the end."""
    messages = []
    for module in (sklearn.neural_network, sknn):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(module, name)(random_state=0, **params).fit(*iris)
        messages.append([(w.category, str(w.message)) for w in caught])
    assert messages[0]
    for (category, text), (ours, our_text) in zip(*messages, strict=True):
        assert ours is category
        assert our_text.startswith(text)


# -- coefs_ and intercepts_ ------------------------------------------------------------


def test_coefs_write_through(iris):
    clf = MLPClassifier(random_state=0, max_iter=5).fit(*iris)
    before = clf.predict_proba(iris[0])
    clf.coefs_[0][:] = 0
    clf.intercepts_[0] = np.zeros(100)
    assert not clf.network_.theta[:400].any()
    assert np.ptp(clf.predict_proba(iris[0]), axis=0).max() < 1e-12
    assert np.abs(clf.predict_proba(iris[0]) - before).max() > 0.1
    with pytest.raises(ValueError, match=r"\(3,\) for a layer that needs \(100,\)"):
        clf.intercepts_[0] = np.zeros(3)


def test_coefs_are_where_partial_fit_starts(iris):
    fitted = MLPClassifier(random_state=0, max_iter=5).fit(*iris)
    other = MLPClassifier(solver="sgd", learning_rate_init=1e-300)
    with pytest.raises(AttributeError, match="no attribute 'coefs_'"):
        other.coefs_  # noqa: B018  (the look-up is what is tested)
    other.coefs_, other.intercepts_ = fitted.coefs_, fitted.intercepts_
    other.partial_fit(*iris, classes=[0, 1, 2])
    np.testing.assert_array_equal(other.network_.theta, fitted.network_.theta)


def test_coefs_must_fit(iris):
    clf = MLPClassifier(5, max_iter=2).fit(*iris)
    with pytest.raises(ValueError, match="Got 3 arrays of parameters for 2 layers"):
        clf.coefs_ = [*clf.coefs_, 0]
    other = MLPClassifier(5, warm_start=True)
    other.coefs_ = clf.coefs_
    with pytest.raises(ValueError, match="coefs_ and intercepts_ were not both set"):
        other.fit(*iris)


# -- linear models ---------------------------------------------------------------------


def test_no_hidden_layer_is_a_linear_model(cancer):
    X, y = cancer
    linear = MLPClassifier(
        (), solver="lbfgs", alpha=1, tol=1e-8, max_iter=1000, random_state=0
    )
    logistic = LogisticRegression(C=1, tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(
        linear.fit(X, y).coefs_[0].ravel(), logistic.coef_.ravel(), rtol=0.01, atol=1e-3
    )
    rng = np.random.RandomState(0)
    counts = rng.poisson(np.exp(X[:, 0] / 3))
    # SciPy ends where the loss changes by less than 2e-9, which is nearer or farther.
    poisson = MLPRegressor(
        "poisson", (), solver="lbfgs", alpha=0, tol=1e-9, random_state=0
    )
    glm = PoissonRegressor(alpha=0, tol=1e-9, max_iter=1000).fit(X[:, :3], counts)
    np.testing.assert_allclose(
        poisson.fit(X[:, :3], counts).predict(X[:, :3]),
        glm.predict(X[:, :3]),
        rtol=1e-4,
    )
