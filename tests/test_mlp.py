"""MLPClassifier and MLPRegressor through their public API: what is ours beyond
scikit-learn's, and what happens to bad input."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    make_multilabel_classification,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.preprocessing import scale
from sklearn.utils.validation import check_is_fitted
from versions import requires_sklearn

import sknn
from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [MLPClassifier, MLPRegressor]
SOLVERS = ["adam", "sgd", "lbfgs"]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.random.RandomState(0).permutation(len(y))
    return scale(X)[rows], y[rows]


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


# -- the interface is scikit-learn's -------------------------------------------------


@requires_sklearn("1.7", "sample_weight and the loss of the regressor")
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_signature_begins_with_scikit_learns(name):
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
    messages = []
    for module in (sklearn.neural_network, sknn):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(module, name)(random_state=0, **params).fit(*iris)
        messages.append([(w.category, str(w.message)) for w in caught])
    assert messages[0]
    assert messages[1] == messages[0]


@pytest.mark.parametrize("params", [{"max_iter": 2}, {"batch_size": 1000}])
def test_warnings_point_at_the_caller(params, iris):
    clf = MLPClassifier(**params)
    with pytest.warns(Warning, match="Maximum iterations|batch_size") as from_fit:
        clf.fit(*iris)
    clf.set_params(batch_size=1000)
    with pytest.warns(UserWarning, match="batch_size") as from_partial_fit:
        clf.partial_fit(*iris)
    for warning in [*from_fit, *from_partial_fit]:
        assert warning.filename == __file__


# -- parameters as attributes --------------------------------------------------------


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


# -- floats --------------------------------------------------------------------------


def float_arrays(thing, path="", seen=None):
    """Yield all float arrays an object holds, with the way to them."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, type):
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind == "f":
            yield path, thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from float_arrays(value, f"{path}[{key!r}]", seen)
    elif isinstance(thing, list | tuple):
        for i, value in enumerate(thing):
            yield from float_arrays(value, f"{path}[{i}]", seen)
    elif hasattr(thing, "__dict__"):
        yield from float_arrays(vars(thing), path, seen)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_float32_stays_float32(
    Estimator, solver, early_stopping, weighted, container, iris, monkeypatch
):
    buffers = []

    def workspace(self, n, train=False, original=sknn.network.Network.workspace):
        buffers.append((self.dtype, original(self, n, train)))
        return buffers[-1][1]

    monkeypatch.setattr(sknn.network.Network, "workspace", workspace)
    X, y = iris
    X = container(X.astype(np.float32))
    w = np.linspace(0, 1, len(y)) if weighted else None
    est = Estimator(solver=solver, early_stopping=early_stopping, max_iter=3)
    est.fit(X, y, w)
    if solver != "lbfgs" and not early_stopping:
        est.partial_fit(X, y, w)
    arrays = dict(float_arrays(vars(est)))
    assert arrays
    assert {path for path, a in arrays.items() if a.dtype != np.float32} == set()
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(est, method):
            assert getattr(est, method)(X).dtype == np.float32
    if isinstance(est, MLPRegressor):
        assert est.predict(X).dtype == np.float32
    assert solver == "lbfgs" or {dtype for dtype, _ in buffers} == {np.dtype("f4")}
    for dtype, ws in buffers:  # L-BFGS trains in float64 on purpose
        assert {a.dtype for _, a in float_arrays(ws)} == {dtype}


def test_integers_become_float64(iris):
    X, y = iris
    clf = MLPClassifier(max_iter=2).fit((10 * X).astype(int), y)
    assert clf.coefs_[0].dtype == np.float64


# -- resuming ------------------------------------------------------------------------


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


def test_partial_fit_is_fit_epoch_by_epoch(iris):
    """Also without shuffling, where fit and partial_fit see the same batches."""
    params = {"random_state": 0, "shuffle": False, "batch_size": 32}
    whole = MLPClassifier(max_iter=20, **params).fit(*iris)
    pieces = MLPClassifier(max_iter=10, **params).fit(*iris)
    pieces = pickle.loads(pickle.dumps(pieces))
    for _ in range(10):
        pieces.partial_fit(*iris)
    np.testing.assert_array_equal(whole.network_.theta, pieces.network_.theta)


@pytest.mark.parametrize(
    "copier", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_train_on_their_own(copier, iris):
    clf = MLPClassifier(random_state=0, max_iter=5).fit(*iris)
    theta = clf.network_.theta.copy()
    copier(clf).partial_fit(*iris)
    np.testing.assert_array_equal(clf.network_.theta, theta)


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


def weights_nbytes(est):
    return sum(a.nbytes for a in est.coefs_ + est.intercepts_)


@pytest.mark.parametrize(
    "params, factor",
    [
        ({"early_stopping": True}, 1.1),
        ({"solver": "lbfgs"}, 1.1),
        ({"solver": "sgd", "momentum": 0}, 1.1),
        ({"solver": "sgd"}, 2.1),  # resumable: the velocity goes along
        ({"solver": "rmsprop"}, 2.1),
        ({}, 3.1),  # and Adam's two moments
        ({"dropout": 0.5, "normalization": "batch", "mixup": 0.2}, 3.1),
        ({"early_stopping": True, "refit_on_all": True}, 1.1),
    ],
)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_pickle_size(Estimator, params, factor):
    X, y = load_digits(return_X_y=True)
    sizes = []
    for n in (500, 1700):
        est = Estimator(hidden_layer_sizes=(300, 300), max_iter=2, **params)
        est.fit(X[:n] / 16, y[:n])
        sizes.append(len(pickle.dumps(est)))
        assert sizes[-1] <= factor * weights_nbytes(est)
    assert abs(sizes[1] - sizes[0]) < 1000  # holds no training data


# -- validation set ------------------------------------------------------------------


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


def test_lbfgs_stops_early_on_its_hold_out(cancer):
    X, y = cancer
    params = {"solver": "lbfgs", "random_state": 0, "alpha": 0}
    full = MLPClassifier(**params).fit(X, y)
    early = MLPClassifier(early_stopping=True, n_iter_no_change=2, **params).fit(X, y)
    assert early.n_iter_ < full.n_iter_
    assert early.best_validation_score_ == max(early.validation_scores_)
    assert early.best_loss_ is None


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
    assert by_call.validation_scores_[0] == by_default.validation_scores_[0] / 2


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
    assert first[weighted] == first[None] == first["accuracy"] != first[plain]


def test_a_scorer_that_cannot_score_is_named():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(early_stopping=True, scoring="neg_log_loss", random_state=0)
    message = r"scoring='neg_log_loss' cannot score the validation set of 10 rows: .*"
    with pytest.raises(ValueError, match=message + "use scoring='loss'"):
        clf.fit(X[:100], y[:100])
    clf.set_params(scoring="loss", max_iter=2).fit(X[:100], y[:100])


@pytest.mark.parametrize("scoring", [None, "loss", "r2", "neg_mean_squared_error"])
def test_scoring_of_a_regressor(scoring):
    X, y = load_diabetes(return_X_y=True)
    reg = MLPRegressor(
        early_stopping=True, scoring=scoring, random_state=0, learning_rate_init=0.01
    )
    reg.fit(scale(X), scale(y))
    assert reg.score(scale(X), scale(y)) > 0.3


# -- weights of classes and rows -----------------------------------------------------


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


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_a_batch_without_weight_is_passed_over(Estimator, solver, iris):
    X, y = iris
    w = np.ones(len(y))
    w[50:100] = 0
    kept = w > 0
    params = {"solver": solver, "batch_size": 50, "shuffle": False, "random_state": 0,
              "max_iter": 5}  # fmt: skip
    weighted = Estimator(**params).fit(X, y, w)
    without = Estimator(**params).fit(X[kept], y[kept])
    np.testing.assert_allclose(weighted.network_.theta, without.network_.theta)
    np.testing.assert_allclose(weighted.loss_curve_, without.loss_curve_)


# -- what is predicted ---------------------------------------------------------------


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


def test_network_describes_itself(iris):
    network = MLPClassifier((5, 4), max_iter=1).fit(*iris).network_
    assert repr(network) == "Network(4 -> 5 -> 4 -> 3, 64 parameters, float64)"


def test_predicting_changes_nothing(iris):
    clf = MLPClassifier(random_state=0, max_iter=2).fit(*iris)
    before = pickle.dumps(clf)
    clf.predict(iris[0])
    clf.predict_proba(iris[0])
    assert pickle.dumps(clf) == before


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "Estimator, params, message",
    [
        (MLPClassifier, {"solver": "adma"}, "'solver' parameter of MLPClassifier must "
         "be a str among .*'adam'.* Got 'adma' instead. Did you mean 'adam'?"),
        (MLPClassifier, {"activation": "Relu"}, "'Relu' instead. Did you mean 'relu'"),
        (MLPClassifier, {"activation": "sin"}, r"'activation'.*Got 'sin' instead\.$"),
        (MLPRegressor, {"loss": "squared_eror"}, "Did you mean 'squared_error'?"),
        (MLPRegressor, {"learning_rate": "adaptiv"}, "Did you mean 'adaptive'?"),
        (MLPClassifier, {"scoring": "acuracy"}, "'scoring'.*Did you mean 'accuracy'?"),
        (MLPClassifier, {"class_weight": "balance"}, "Did you mean 'balanced'?"),
        (MLPClassifier, {"batch_size": "Auto"}, "'batch_size'.*Did you mean 'auto'?"),
        (MLPClassifier, {"alpha": -1}, "'alpha' parameter .* Got -1 instead"),
        (MLPClassifier, {"max_iter": 1.5}, "'max_iter' parameter .* Got 1.5 instead"),
        (MLPClassifier, {"momentum": 2}, "'momentum' parameter .* Got 2 instead"),
        (MLPClassifier, {"hidden_layer_sizes": (10, 0)},
         r"hidden_layer_sizes must be > 0, got \[10, 0\]"),
        (MLPClassifier, {"hidden_layer_sizes": (10, 2.5)},
         r"hidden_layer_sizes must be .* integers, .* got \(10, 2.5\)"),
        (MLPClassifier, {"early_stopping": True, "validation_fraction": 0},
         "validation_fraction=0: choose a fraction"),
        (MLPClassifier, {"early_stopping": True, "validation_fraction": 0.999},
         "validation_fraction=0.999 holds out 150 of 150 rows"),
        (MLPClassifier, {"scoring": "acc"}, "Did you mean 'accuracy'?"),
    ],
)  # fmt: skip
def test_bad_parameters(Estimator, params, message, iris):
    est = Estimator(**params)
    with pytest.raises(ValueError, match=message):
        est.fit(*iris)
    with pytest.raises(NotFittedError):
        check_is_fitted(est)
    assert vars(est) == vars(Estimator(**params))


def nan_row(X):
    X = X.copy()
    X[3, 1] = np.nan
    return X


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "X_of, y_of, fit_params, message",
    [
        (nan_row, None, {}, "Input X contains NaN"),
        (lambda X: np.full_like(X, np.inf), None, {}, "Input X contains infinity"),
        (lambda X: X + 1j, None, {}, "Complex data not supported"),
        (lambda X: X[:0], lambda y: y[:0], {}, "0 sample"),
        (lambda X: X[:, 0], None, {}, "Expected 2D array, got 1D array instead"),
        (lambda X: X[:10], None, {}, "inconsistent numbers of samples"),
        (None, lambda y: np.full(len(y), np.nan), {}, "Input y contains NaN"),
        (None, lambda y: None, {}, "y cannot be None|requires y to be passed"),
        (None, None, {"sample_weight": np.ones(3)}, "sample_weight.shape == "),
        (None, None, {"sample_weight": np.zeros(150)}, "at least one non-zero"),
        (None, None, {"sample_weight": -np.ones(150)}, "Negative values"),
        (None, None, {"X_val": [[0.0] * 4]}, "X_val is provided, but y_val was not"),
        (None, None, {"y_val": [0]}, "y_val is provided, but X_val was not"),
        (None, None, {"sample_weight_val": [1]}, "but X_val and y_val were not"),
        (None, None, {"X_val": [[0.0] * 3], "y_val": [0]},
         r"Invalid validation set .* 3 features, but .* is expecting 4"),
        (None, None, {"X_val": [[0.0] * 4], "y_val": [0, 1]},
         "Invalid validation set .* inconsistent numbers of samples"),
        (None, None, {"X_val": [[np.nan] * 4], "y_val": [0]},
         "Invalid validation set .* contains NaN"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_bad_data(Estimator, X_of, y_of, fit_params, message, fitted, iris):
    X, y = iris
    est = Estimator(max_iter=2, random_state=0)
    if fitted:
        est.fit(X, y)
    before = dict(vars(est))
    with np.errstate(all="ignore"):
        bad_X = X_of(X) if X_of else X
    with pytest.raises(ValueError, match=message):
        est.fit(bad_X, y_of(y) if y_of else y, **fit_params)
    assert vars(est) == before  # nothing half-fitted, nothing lost


def test_bad_validation_labels(iris):
    with pytest.raises(ValueError, match=r"Invalid validation set.*classes not in"):
        MLPClassifier().fit(*iris, X_val=iris[0][:2], y_val=[0, 7])
    with pytest.raises(ValueError, match="y has 2 outputs, y_val 3"):
        MLPRegressor().fit(iris[0], iris[0][:, :2], X_val=iris[0], y_val=iris[0][:, :3])


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


def test_coefs_must_fit(iris):
    clf = MLPClassifier(5, max_iter=2).fit(*iris)
    with pytest.raises(ValueError, match="Got 3 arrays of parameters for 2 layers"):
        clf.coefs_ = [*clf.coefs_, 0]
    other = MLPClassifier(5, warm_start=True)
    other.coefs_ = clf.coefs_
    with pytest.raises(ValueError, match="coefs_ and intercepts_ were not both set"):
        other.fit(*iris)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
def test_bad_class_weight(weight, iris):
    clf = MLPClassifier(class_weight={0: weight})
    with pytest.raises(ValueError, match="class_weight must hold finite weights"):
        clf.fit(*iris)
    with pytest.raises(ValueError, match="class_weight must be a list of dicts"):
        MLPClassifier(class_weight={0: 1}).fit(iris[0], np.eye(3, dtype=int)[iris[1]])


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


def test_a_scorer_may_look_at_the_network(iris):
    def scorer(estimator, X, y):
        assert (estimator.n_outputs_, estimator.n_layers_) == (3, 3)
        assert estimator.out_activation_ == "softmax"
        return 0.0

    MLPClassifier(scoring=scorer, early_stopping=True, max_iter=2).fit(*iris)


def test_weights_that_become_non_finite_are_not_called_a_loss():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(solver="sgd", learning_rate_init=1e308, max_iter=1,
                        batch_size=400)  # fmt: skip
    with pytest.raises(ValueError, match="The weights became non-finite in epoch 1"):
        clf.fit(X[:400] * 1e10, y[:400])


def test_warm_start_with_other_layers(iris):
    clf = MLPClassifier(10, warm_start=True, max_iter=2).fit(*iris)
    message = (
        r"ask for other layers now, Network\(4 -> 20 -> 3,.* Network\(4 -> 10 -> 3"
    )
    with pytest.raises(ValueError, match=message):
        clf.set_params(hidden_layer_sizes=20).fit(*iris)
    assert clf.network_.out_shape == (3,)
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        clf.set_params(hidden_layer_sizes=10).fit(iris[0], iris[1] + 1)


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


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_says_when_and_what_to_try(solver, iris):
    X, y = iris
    reg = MLPRegressor(solver=solver, learning_rate_init=1e30, random_state=0)
    message = r"became (nan|inf) in epoch \d+, where training stopped. Scale .* lower "
    with pytest.raises(ValueError, match=message + r"learning_rate_init=1e\+30"):
        reg.fit(1e200 * X, y)
    assert vars(reg) == vars(
        MLPRegressor(solver=solver, learning_rate_init=1e30, random_state=0)
    )


def test_divergence_with_early_stopping_keeps_the_best_weights(iris):
    X, y = iris
    reg = MLPRegressor(
        hidden_layer_sizes=50, activation="identity", solver="sgd",
        learning_rate_init=1, max_iter=500, n_iter_no_change=500,
        early_stopping=True, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="in epoch .* best validation score"):
        reg.fit(X, y)
    assert reg.n_iter_ < 500
    assert np.isnan(reg.validation_scores_[-1])
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_interruption_keeps_the_weights_so_far(solver, early_stopping, iris):
    calls = []

    def interrupt(estimator, X, y):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return estimator.score(X, y)

    X, y = iris
    clf = MLPClassifier(
        solver=solver, scoring=interrupt, early_stopping=early_stopping, random_state=0
    )
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        clf.fit(X, y, X_val=X, y_val=y)
    assert clf.predict(X).shape == (150,)
    assert len(clf.validation_scores_) == 4
    if early_stopping:
        assert clf.score(X, y) == max(clf.validation_scores_)
