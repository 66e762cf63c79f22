"""CoarseToFineSearchCV: rounds, kinds of estimators, errors."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform, norm, randint, uniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
)
from sknn.model_selection import CoarseToFineSearchCV
from sknn.schedules import Cosine
from sknn.solvers import SGD

SHUFFLED = np.random.RandomState(0).permutation(150)
IRIS = scale(load_iris().data)[SHUFFLED], load_iris().target[SHUFFLED]
DIABETES = tuple(scale(part[:150]) for part in load_diabetes(return_X_y=True))
RATES = {"learning_rate_init": loguniform(1e-4, 1e-1)}
SPACE = {
    **RATES,
    "alpha": loguniform(1e-6, 1),
    "batch_size": [16, 32, 64],
    "activation": ["relu", "tanh"],
    "dropout": uniform(0, 0.3),
}


def net(Estimator=MLPClassifier, **params):
    """Return a small network that is trained for 9 epochs with a planned schedule."""
    given = {"learning_rate": "cosine", "max_iter": 9, "random_state": 0}
    return Estimator(hidden_layer_sizes=(8,), **{**given, **params})


def name_of(distribution):
    """Name of a distribution, for pytest's ids."""
    if isinstance(distribution, list):
        return str(distribution)
    return f"{distribution.dist.name} {distribution.args or distribution.kwds}"


def search_of(estimator=None, space=SPACE, **params):
    """Return a search of 9, 3 and 1 candidates of 1, 3 and 9 epochs."""
    given = {"n_candidates": 9, "cv": 2, "random_state": 0, "error_score": "raise"}
    estimator = net() if estimator is None else estimator
    return CoarseToFineSearchCV(estimator, space, **{**given, **params})


# -- rounds ----------------------------------------------------------------------------


def test_rounds_train_fewer_candidates_for_longer():
    search = search_of(n_candidates=18, coarse_max_iter=2, cv=3).fit(*IRIS)
    results = search.cv_results_
    assert search.n_epochs_ == [2, 4, 9]
    assert search.n_candidates_ == [18, 9, 4]
    assert_array_equal(results["round"], np.repeat([0, 1, 2], [18, 9, 4]))
    assert_array_equal(results["n_epochs"], np.repeat([2, 4, 9], [18, 9, 4]))
    assert_array_equal(results["param_max_iter"], results["n_epochs"])
    assert search.best_index_ >= 27
    assert search.best_params_ == results["params"][search.best_index_]
    assert search.best_score_ == results["mean_test_score"][27:].max()
    assert search.best_estimator_.n_iter_ == 9
    assert search.epochs_param_ == "max_iter"


def test_the_total_number_of_epochs_is_as_documented():
    epochs = []

    def scorer(fitted, X, y):
        epochs.append(fitted.n_iter_)
        return fitted.score(X, y)

    search = search_of(scoring=scorer, cv=3).fit(*IRIS)
    per_fold = np.dot(search.n_candidates_, search.n_epochs_)
    assert sum(epochs) == search.n_splits_ * per_fold == 3 * (9 * 1 + 3 * 3 + 1 * 9)
    search.refit = False
    assert not hasattr(clone(search).fit(*IRIS), "best_estimator_")


def test_a_single_round_is_a_random_search():
    search = search_of(n_rounds=1, coarse_max_iter=3, n_candidates=5).fit(*IRIS)
    assert (search.n_epochs_, search.n_candidates_) == ([9], [5])
    known = RandomizedSearchCV(net(), SPACE, n_iter=5, cv=2, random_state=0).fit(*IRIS)
    scores = [s.cv_results_["mean_test_score"] for s in (search, known)]
    assert_allclose(*scores, rtol=1e-12)
    assert search.best_params_ == {**known.best_params_, "max_iter": 9}


def test_the_best_candidates_of_a_round_enter_the_next():
    search = search_of(n_candidates=18, keep_fraction=0.5).fit(*IRIS)
    results, first = search.cv_results_, search.n_candidates_[0]
    order = np.argsort(-results["mean_test_score"][:first], kind="stable")
    best = [{**results["params"][i], "max_iter": 3} for i in order[:3]]
    second = results["params"][first : first + search.n_candidates_[1]]
    assert second[:3] == best
    assert all(params not in best for params in second[3:])


def test_new_candidates_come_from_the_ranges_of_the_round():
    search = search_of(n_candidates=20, coarse_max_iter=5).fit(*IRIS)
    assert search.ranges_[0].keys() == SPACE.keys()
    assert search.ranges_[0]["alpha"] is SPACE["alpha"]
    for number, (ranges, n) in enumerate(
        zip(search.ranges_, search.n_candidates_, strict=True)
    ):
        of_round = search.cv_results_["round"] == number
        params = np.array(search.cv_results_["params"])[of_round]
        new = params[(n + 1) // 2 :] if number else params
        assert len(new)
        for name in ("learning_rate_init", "alpha", "dropout"):
            low, high = ranges[name].support()
            assert all(low <= p[name] <= high for p in new)
        for name in ("batch_size", "activation"):
            assert all(p[name] in ranges[name] for p in new)


def test_finds_a_narrow_optimum_outside_the_given_range():
    """The score has no noise and is highest where rate = 1 and size = 300."""

    class Peak(MLPClassifier):
        def __init__(self, learning_rate_init=1, batch_size=1, kind="a", max_iter=64):
            self.learning_rate_init = learning_rate_init
            self.batch_size = batch_size
            self.kind = kind
            self.max_iter = max_iter

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def score(self, X, y):
            distance = abs(np.log10(self.learning_rate_init))
            return -distance - abs(self.batch_size - 300) / 100 - (self.kind != "a")

    space = {
        "learning_rate_init": loguniform(1e-6, 1e-1),
        "batch_size": randint(1, 250),
        "kind": ["a", "b", "c"],
    }
    found = search_of(
        Peak(), space, n_candidates=60, n_rounds=8, coarse_max_iter=60
    ).fit(*IRIS)
    assert 0.2 < found.best_params_["learning_rate_init"] < 5
    assert 250 <= found.best_params_["batch_size"] < 350
    assert found.ranges_[-1]["kind"] == ["a"]
    widths = [np.ptp(np.log(r["learning_rate_init"].support())) for r in found.ranges_]
    assert (np.diff(widths) <= 1e-9).all()
    assert widths[-1] < widths[0] / 4


CONSTANTS = [
    *(uniform(0, 0), uniform(0.1, 0), uniform(loc=0.1, scale=0), uniform(0.1, 1e-18)),
    *(loguniform(1, 2, scale=0), norm(0.1, 0), [0.1]),
]


@pytest.mark.parametrize("constant", CONSTANTS, ids=name_of)
def test_a_constant_distribution_is_accepted(constant):
    search = search_of(space={"alpha": constant, **RATES}).fit(*IRIS)
    (value,) = set(search.cv_results_["param_alpha"])
    assert value == (constant[0] if isinstance(constant, list) else constant.rvs())
    assert search.best_params_["alpha"] == value


def test_a_constant_integer_is_accepted():
    space = {"batch_size": randint(16, 17), **RATES}
    search = search_of(space=space).fit(*IRIS)
    assert set(search.cv_results_["param_batch_size"]) == {16}
    assert search.ranges_[-1]["batch_size"].support() == (16, 16)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.parametrize(
    "rates", [[np.nan, 0.1, 0.01, -1.0], uniform(-0.1, 0.2)], ids=["list", "uniform"]
)
def test_invalid_draws_are_never_good(rates):
    """Neither NaN nor values that the network does not allow."""
    search = search_of(space={"learning_rate_init": rates}, error_score=np.nan)
    search.fit(*IRIS)
    assert search.best_params_["learning_rate_init"] > 0
    last = search.ranges_[-1]["learning_rate_init"]
    assert all(value > 0 for value in getattr(last, "support", lambda: last)())


def test_lists_that_run_out_are_not_drawn_twice():
    space = {"activation": ["relu", "tanh"], "batch_size": [16, 32]}
    search = search_of(space=space, n_candidates=9).fit(*IRIS)
    assert search.n_candidates_[0] == 4
    for number in range(3):
        of_round = search.cv_results_["round"] == number
        params = [str(p) for p in np.array(search.cv_results_["params"])[of_round]]
        assert len(set(params)) == len(params) == search.n_candidates_[number]


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_candidates_that_fail_are_not_good():
    space = {"batch_size": [16, -1, -2], "learning_rate_init": loguniform(1e-3, 1e-1)}
    search = search_of(space=space, error_score=np.nan, keep_fraction=0.9)
    with pytest.warns(FitFailedWarning):
        search.fit(*IRIS)
    assert search.best_params_["batch_size"] == 16
    assert search.ranges_[1]["batch_size"] == [-1, 16]  # and a neighbor in the list


# -- reproducibility and warnings ------------------------------------------------------


def assert_same(one, other):
    for name in ("params", "round"):
        assert_array_equal(one.cv_results_[name], other.cv_results_[name])
    # Another process may add up in another order.
    scores = (search.cv_results_["mean_test_score"] for search in (one, other))
    assert_allclose(*scores, rtol=1e-12)
    assert one.best_params_ == other.best_params_


def test_reproducible_on_one_core_and_on_two():
    one = search_of(n_jobs=1).fit(*IRIS)
    assert_same(one, search_of(n_jobs=2).fit(*IRIS))
    other = search_of(random_state=1).fit(*IRIS)
    assert other.cv_results_["params"] != one.cv_results_["params"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_only_the_last_round_warns_that_training_has_not_converged(n_jobs):
    """The warning comes from the refit, and from the folds in the same process."""
    search = search_of(net(learning_rate="constant"), RATES, n_jobs=n_jobs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*IRIS)
    messages = {str(warning.message) for warning in caught}
    assert len(messages) == 1
    assert "Maximum iterations (9) reached" in messages.pop()


def test_workers_are_silent_in_short_rounds(capfd):
    search = search_of(net(learning_rate="constant"), RATES, n_jobs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", r".*iterations \(9\)", ConvergenceWarning)
        search.fit(*IRIS)
    shown = capfd.readouterr().err
    assert "iterations (1)" not in shown
    assert "iterations (3)" not in shown


def test_other_warnings_of_short_rounds_are_shown():
    class Worried(MLPClassifier):
        def fit(self, X, y):
            warnings.warn("something else", ConvergenceWarning, stacklevel=2)
            return super().fit(X, y)

    with pytest.warns(ConvergenceWarning, match="something else") as caught:
        search_of(net(Worried), RATES).fit(*IRIS)
    assert len(caught) == 2 * (9 + 3 + 1) + 1


def test_verbose_names_the_rounds(capsys):
    search_of(verbose=1).fit(*IRIS)
    printed = capsys.readouterr().out
    assert "Round 0 of 0 to 2: 9 candidates, 1 epochs each" in printed
    assert "Round 2 of 0 to 2: 1 candidates, 9 epochs each" in printed


# -- kinds of estimators ---------------------------------------------------------------


def test_pipeline():
    model = Pipeline([("scale", StandardScaler()), ("mlp", net())])
    space = {f"mlp__{name}": values for name, values in SPACE.items()}
    search = search_of(model, space).fit(*IRIS)
    assert search.epochs_param_ == "mlp__max_iter"
    assert search.best_params_["mlp__max_iter"] == 9
    assert search.predict(IRIS[0][:3]).shape == (3,)
    assert_same(
        search, search_of(model, space, epochs_param="mlp__max_iter").fit(*IRIS)
    )


def test_regressor_in_a_transformed_target():
    model = TransformedTargetRegressor(net(MLPRegressor), transformer=StandardScaler())
    space = {f"regressor__{name}": values for name, values in SPACE.items()}
    search = search_of(model, space).fit(*DIABETES)
    assert search.epochs_param_ == "regressor__max_iter"
    assert np.isfinite(search.best_score_)


def test_images():
    digits = load_digits()
    cnn = net(CNNClassifier, conv_channels=4, max_iter=4)
    X, y = digits.images[:100] / 16, digits.target[:100]
    search = search_of(cnn, RATES, n_rounds=2, n_candidates=4).fit(X, y)
    assert search.n_epochs_ == [1, 4]
    assert_array_equal(search.classes_, np.arange(10))


def test_fields_of_objects():
    space = {"learning_rate__warmup": uniform(0, 0.5), "solver__momentum": [0.5, 0.9]}
    model = net(learning_rate=Cosine(), solver=SGD())
    found = search_of(model, space).fit(*IRIS).best_estimator_
    assert 0 <= found.learning_rate.warmup <= 0.5


def test_estimators_of_scikit_learn():
    theirs = SklearnMLPClassifier((8,), max_iter=9, random_state=0)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=9))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert search_of(theirs, RATES).fit(*IRIS).best_estimator_.n_iter_ == 9
        space = {"logisticregression__C": loguniform(1e-2, 1e2)}
        assert search_of(logistic, space).fit(*IRIS).best_score_ > 0.8


# -- what BaseSearchCV offers ----------------------------------------------------------


def test_several_metrics():
    search = search_of(
        scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss", n_candidates=18
    ).fit(*IRIS)
    last = search.cv_results_["round"] == 2
    of_last = search.cv_results_["mean_test_neg_log_loss"][last]
    assert search.best_score_ == of_last.max()
    one = search_of(scoring="neg_log_loss", n_candidates=18).fit(*IRIS)
    assert one.cv_results_["params"] == search.cv_results_["params"]


def test_refit_by_a_function_of_the_last_round():
    seen = {}

    def last(results):
        seen.update(results)
        return len(results["params"]) - 1

    search = search_of(n_candidates=18, refit=last).fit(*IRIS)
    assert set(seen["round"]) == {2}
    assert {params["max_iter"] for params in seen["params"]} == {9}
    assert search.best_index_ == len(search.cv_results_["params"]) - 1
    assert search.best_estimator_.max_iter == 9


def test_train_scores_and_groups_and_data_frames():
    pd = pytest.importorskip("pandas")
    from sklearn.model_selection import GroupKFold

    X = pd.DataFrame(IRIS[0]).add_prefix("x")
    search = search_of(space=RATES, cv=GroupKFold(2), return_train_score=True)
    search.fit(X, IRIS[1], groups=np.arange(150) % 5)
    assert np.isfinite(search.cv_results_["mean_train_score"]).all()
    assert list(search.feature_names_in_) == list(X)


def test_sample_weight_reaches_the_fits():
    w = np.where(IRIS[1] == 2, 0.0, 1.0)
    search = search_of().fit(*IRIS, sample_weight=w)
    assert 2 not in search.predict(IRIS[0])


def test_metadata_routing():
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        estimator = net().set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = search_of(estimator, scoring=scorer)
        w = np.where(IRIS[1] == 2, 0.0, 1.0)
        search.fit(*IRIS, sample_weight=w)
        assert 2 not in search.predict(IRIS[0])


def test_callbacks():
    pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")
    tasks = []

    class Recorder:
        max_propagation_depth = None

        def setup(self, estimator, context):
            tasks.append("setup")

        def teardown(self, estimator, context):
            tasks.append("teardown")

        def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
            tasks.append(context.task_name)

        def on_fit_task_end(
            self, estimator, context, *, X, y, metadata, fitted_estimator
        ):
            return context.task_name == "epoch"

    search = search_of()
    search.set_callbacks(Recorder()).fit(*IRIS)
    assert tasks.count("search") == 1
    assert tasks.count("round") == 3
    assert tasks.count("epoch") == 2 * (9 + 3 + 1) + 1  # stopped after one each
    assert (tasks[0], tasks[-1]) == ("setup", "teardown")


def test_progress_bar(capsys):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    search_of().set_callbacks(callback.ProgressBar()).fit(*IRIS)
    assert "round" in capsys.readouterr().out


def test_clone_repr_and_pickle():
    search = search_of()
    assert repr(search).startswith("CoarseToFineSearchCV(")
    assert clone(search).get_params()["n_candidates"] == 9
    assert clone(search).set_params(estimator__alpha=0.5).estimator.alpha == 0.5
    with pytest.raises(NotFittedError):
        check_is_fitted(search)
    assert not hasattr(search, "n_features_in_")
    again = pickle.loads(pickle.dumps(search.fit(*IRIS)))
    check_is_fitted(again)
    assert again.n_features_in_ == 4
    assert_array_equal(again.classes_, [0, 1, 2])
    probabilities = (fitted.predict_proba(IRIS[0]) for fitted in (search, again))
    assert_allclose(*probabilities, rtol=1e-12)
    assert_same(again, search)


LOGISTIC_SEARCH = search_of(
    LogisticRegression(max_iter=9),
    {"C": [0.1, 1.0, 10.0]},
    n_rounds=2,
    n_candidates=3,
    error_score=np.nan,
)


@parametrize_with_checks([LOGISTIC_SEARCH])
@pytest.mark.filterwarnings("ignore")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"space": {}}, "param_distributions must hold at least one parameter"),
        ({"space": {"alpha": []}}, r"param_distributions\['alpha'\] must be .* \[\]"),
        ({"space": {"alpha": 1}}, r"param_distributions\['alpha'\] must be .* got 1"),
        ({"space": {"activation": "relu"}}, "must be .* got 'relu'"),
        ({"space": [SPACE]}, "'param_distributions' parameter .* must be .*dict"),
        ({"space": {"unknown": [1, 2]}}, "Invalid parameter 'unknown'"),
        ({"space": {"max_iter": [1, 2]}}, "must not contain 'max_iter'"),
        ({"n_rounds": 0}, "'n_rounds' parameter .* Got 0"),
        ({"n_candidates": 0}, "'n_candidates' parameter .* Got 0"),
        ({"keep_fraction": 1.5}, "'keep_fraction' parameter .* Got 1.5"),
        ({"coarse_max_iter": 0}, "'coarse_max_iter' parameter .* Got 0"),
        ({"coarse_max_iter": 10}, "coarse_max_iter=10 must not exceed max_iter=9"),
        ({"epochs_param": "epochs"}, "epochs_param must name .* got 'epochs'"),
        ({"epochs_param": "tol"}, "tol must be an integer .* got 0.0001"),
        ({"estimator": Ridge()}, "max_iter must be an integer .* got None"),
        ({"scoring": ["accuracy"], "refit": False}, "refit must be the name of the"),
    ],
)  # fmt: skip
def test_errors_name_the_parameter(params, message):
    with pytest.raises(ValueError, match=message):
        search_of(**params).fit(*IRIS)


def test_the_parameter_that_limits_the_epochs_must_be_clear():
    class Endless(ClassifierMixin, BaseEstimator):
        def __init__(self, alpha=1, n_epochs=9):
            self.alpha = alpha
            self.n_epochs = n_epochs

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.zeros(len(X), int)

    space = {"alpha": loguniform(0.1, 1)}
    with pytest.raises(
        ValueError, match=r"epochs_param must .* got None.* meant: none"
    ):
        search_of(Endless(), space).fit(*IRIS)
    search = search_of(Endless(), space, epochs_param="n_epochs").fit(*IRIS)
    assert search.best_params_["n_epochs"] == 9
    two = VotingClassifier([("a", net()), ("b", net())])
    with pytest.raises(ValueError, match=r"meant: \['a__max_iter', 'b__max_iter'\]"):
        search_of(two, {"a__alpha": loguniform(0.1, 1)}).fit(*IRIS)


def test_several_metrics_need_refit_before_anything_is_trained():
    search = CoarseToFineSearchCV(
        MLPClassifier(), {"alpha": SPACE["alpha"]}, scoring=["accuracy"], refit=False
    )
    search.estimator.max_iter = 0  # any fit would raise another error
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="refit must be the name of the one"):
        search.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_error_if_all_candidates_of_a_round_fail():
    class Fragile(MLPClassifier):
        """Fails when it trains for long."""

        def fit(self, X, y):
            if self.max_iter > 3:
                raise ValueError("too long")
            return super().fit(X, y)

    net = Fragile((2,), max_iter=9, learning_rate="cosine", random_state=0)
    search = CoarseToFineSearchCV(net, {"alpha": SPACE["alpha"]}, n_candidates=9, cv=2)
    with pytest.raises(
        ValueError, match=r"All candidates failed in round 2, .* 9 epochs"
    ):
        search.fit(*load_iris(return_X_y=True))
