"""The estimators in scikit-learn's pipelines, searches and ensembles: each tool gives
what the same steps done by hand give, what it gives with scikit-learn's own MLP, and
the same with ``n_jobs=2`` as with ``n_jobs=1``."""

import inspect

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from small_fits import (
    SETTINGS,
    assert_same_parameters,
    classifier,
    networks_of_images,
    regressor,
)
from versions import requires_sklearn

from sknn import (
    MLPClassifier,
    MLPRegressor,
)

# The nets train for a few epochs only.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Agreement with scikit-learn's MLP, and between processes that may run BLAS on
# different numbers of threads.
RTOL = 1e-7

DIGITS = load_digits().data[:300] / 16, load_digits().target[:300]

IRIS = load_iris(return_X_y=True)

CANCER = load_breast_cancer(return_X_y=True)

DIABETES = load_diabetes(return_X_y=True, scaled=False)

OURS = {"classifier": MLPClassifier, "regressor": MLPRegressor}

THEIRS = {
    "classifier": sklearn.neural_network.MLPClassifier,
    "regressor": sklearn.neural_network.MLPRegressor,
}


def halves(X, y):
    """The rows with an even index, then the others."""
    return X[::2], y[::2], X[1::2], y[1::2]


# -- pipelines -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(), MinMaxScaler(), PCA(n_components=5, whiten=True)],
    ids=lambda transformer: type(transformer).__name__,
)
def test_pipeline_equals_its_steps_done_by_hand(transformer):
    X, y, X_test, y_test = halves(*CANCER)
    pipe = make_pipeline(transformer, classifier()).fit(X, y)
    net = classifier().fit(transformer.fit_transform(X), y)
    assert_same_parameters(pipe[-1], net)
    p = pipe.predict_proba(X_test)
    assert_array_equal(p, net.predict_proba(transformer.transform(X_test)))
    assert pipe.score(X_test, y_test) > 0.85
    theirs = make_pipeline(transformer, THEIRS["classifier"](**SETTINGS)).fit(X, y)
    assert_allclose(p, theirs.predict_proba(X_test), rtol=RTOL)


@pytest.mark.parametrize("sparse_threshold", [0.0, 1.0], ids=["dense", "sparse"])
def test_column_transformer_hands_over_the_columns_of_a_mixed_table(sparse_threshold):
    X, y = load_iris(return_X_y=True, as_frame=True)
    width = X.pop("petal width (cm)")
    X["width"] = np.where(width < 0.8, "narrow", np.where(width < 1.7, "mid", "wide"))
    sepals, petals = list(X.columns[:2]), list(X.columns[2:3])
    columns = ColumnTransformer(
        [
            ("scaled", StandardScaler(), sepals),
            ("ranged", MinMaxScaler(), petals),
            ("encoded", OneHotEncoder(), ["width"]),
        ],
        sparse_threshold=sparse_threshold,
    )
    pipe = make_pipeline(columns, classifier(max_iter=20)).fit(X, y)
    by_hand = np.hstack(
        [
            StandardScaler().fit_transform(X[sepals]),
            MinMaxScaler().fit_transform(X[petals]),
            OneHotEncoder(sparse_output=False).fit_transform(X[["width"]]),
        ]
    )
    assert sparse.issparse(columns.fit_transform(X)) == bool(sparse_threshold)
    net = classifier(max_iter=20).fit(by_hand, y)
    assert_allclose(pipe.predict_proba(X), net.predict_proba(by_hand), rtol=RTOL)
    assert pipe.score(X, y) > 0.7


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_hands_data_frames_with_their_names_to_the_net(container):
    X, y = load_iris(return_X_y=True, as_frame=True)
    if container == "polars":
        X = pl.from_pandas(X)
    pipe = make_pipeline(StandardScaler(), classifier())
    pipe.set_output(transform=container).fit(X, y)
    assert list(pipe[-1].feature_names_in_) == list(X.columns)
    arrays = make_pipeline(StandardScaler(), classifier()).fit(*IRIS)
    assert_allclose(pipe.predict_proba(X), arrays.predict_proba(IRIS[0]), rtol=RTOL)
    swapped = pipe[0].transform(X)[list(X.columns)[::-1]]
    with pytest.raises(ValueError, match="feature names should match"):
        pipe[-1].predict(swapped)


def test_transformed_target_regressor_equals_scaling_the_target_by_hand():
    X, y, X_test, y_test = halves(*DIABETES)
    scale_x, scale_y = StandardScaler().fit(X), StandardScaler().fit(y[:, np.newaxis])
    net = make_pipeline(StandardScaler(), regressor(max_iter=30))
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y)
    by_hand = regressor(max_iter=30).fit(
        scale_x.transform(X), scale_y.transform(y[:, np.newaxis]).ravel()
    )
    z = by_hand.predict(scale_x.transform(X_test))
    expected = scale_y.inverse_transform(z[:, np.newaxis]).ravel()
    assert_allclose(model.predict(X_test), expected, rtol=RTOL)
    assert model.score(X_test, y_test) > 0.3


# -- searches and curves ---------------------------------------------------------------

GRID = {"alpha": [1e-4, 10.0], "hidden_layer_sizes": [(5,), (10, 5)]}

RANGES = {
    "alpha": loguniform(1e-4, 10.0),
    "learning_rate_init": loguniform(1e-3, 1e-1),
}

CURVE = {"shuffle": True, "random_state": 0, "train_sizes": [0.3, 0.6, 1.0]}

HALVING = {"factor": 2, "random_state": 0}

BY_ROWS = {**HALVING, "min_resources": 60, "max_resources": 120}

BY_EPOCHS = {
    **HALVING,
    "resource": "max_iter",
    "min_resources": 2,
    "max_resources": 8,
}

SEARCHES = {
    "cross_val_score": (cross_val_score, {}),
    "cross_validate": (cross_validate, {"return_train_score": True}),
    "learning_curve": (learning_curve, CURVE),
    "learning_curve by partial_fit": (
        learning_curve,
        {**CURVE, "exploit_incremental_learning": True},
    ),
    "validation_curve": (
        validation_curve,
        {"param_name": "alpha", "param_range": [1e-4, 10.0]},
    ),
    "GridSearchCV": (GridSearchCV, {"param_grid": GRID}),
    "RandomizedSearchCV": (
        RandomizedSearchCV,
        {"param_distributions": RANGES, "n_iter": 4, "random_state": 0},
    ),
    "HalvingGridSearchCV": (HalvingGridSearchCV, {"param_grid": GRID, **BY_ROWS}),
    "HalvingGridSearchCV by epochs": (
        HalvingGridSearchCV,
        {"param_grid": GRID, **BY_EPOCHS},
    ),
    "HalvingRandomSearchCV": (
        HalvingRandomSearchCV,
        {"param_distributions": RANGES, "n_candidates": 4, **BY_ROWS},
    ),
    "HalvingRandomSearchCV by epochs": (
        HalvingRandomSearchCV,
        {"param_distributions": RANGES, "n_candidates": 4, **BY_EPOCHS},
    ),
}


def all_scores(tool, net, **options):
    """Every score of every fold that the tool reports, and their means and ranks."""
    # The log loss shows differences that the accuracy would not.
    options = {"cv": 3, "scoring": "neg_log_loss", "error_score": "raise", **options}
    if inspect.isclass(tool):
        results = tool(net, **options).fit(*IRIS).cv_results_
    else:
        results = tool(net, *IRIS, **options)
    if isinstance(results, dict):
        results = [results[name] for name in sorted(results) if name.endswith("_score")]
    return np.hstack([np.ravel(values) for values in results])


@pytest.mark.parametrize("tool, options", SEARCHES.values(), ids=SEARCHES)
def test_search_gives_the_scores_of_sklearns_mlp_also_with_two_jobs(tool, options):
    ours = all_scores(tool, classifier(), **options)
    assert len(np.unique(ours)) > 2
    theirs = all_scores(tool, THEIRS["classifier"](**SETTINGS), **options)
    assert_allclose(ours, theirs, rtol=RTOL)
    two_jobs = all_scores(tool, classifier(), n_jobs=2, **options)
    assert_allclose(ours, two_jobs, rtol=RTOL)


@pytest.mark.parametrize("tool, options", SEARCHES.values(), ids=SEARCHES)
def test_search_over_networks_of_images(tool, options):
    if "param_grid" in options:
        grid = {"alpha": [1e-4, 10.0], "solver": ["adam", "nadam"]}
        options = {**options, "param_grid": grid}
    cnn, sequential = (
        # Kernels are cut to guessed images, but not in a list of layers.
        net.set_params(input_shape=(2, 2))
        for net in networks_of_images("classifier")
    )
    scores = all_scores(tool, cnn, **options)
    assert len(np.unique(scores)) > 2
    assert_array_equal(all_scores(tool, sequential, **options), scores)
    assert_allclose(all_scores(tool, cnn, n_jobs=2, **options), scores, rtol=RTOL)


@pytest.mark.parametrize("cls", [GridSearchCV, HalvingGridSearchCV])
def test_search_over_a_pipeline_gives_the_results_of_sklearns_mlp(cls):
    X, y, X_test, y_test = halves(*CANCER)
    grid = {"pca__n_components": [2, 10], "net__alpha": [1e-4, 10.0]}
    options = {"cv": 3, "error_score": "raise"}
    if cls is HalvingGridSearchCV:
        options |= {"resource": "net__max_iter", "max_resources": 9, "random_state": 0}

    def search(net):
        steps = [("scale", StandardScaler()), ("pca", PCA(whiten=True)), ("net", net)]
        return cls(Pipeline(steps), grid, **options).fit(X, y)

    ours, theirs = search(classifier()), search(THEIRS["classifier"](**SETTINGS))
    mean_test_score = ours.cv_results_["mean_test_score"]
    assert_allclose(mean_test_score, theirs.cv_results_["mean_test_score"], rtol=RTOL)
    assert ours.best_params_ == theirs.best_params_
    assert ours.score(X_test, y_test) > 0.85
    assert_allclose(ours.score(X_test, y_test), theirs.score(X_test, y_test))


def test_permutation_importance_is_zero_where_the_net_does_not_look():
    X, y = load_iris(return_X_y=True, as_frame=True)
    net = classifier(max_iter=50).fit(X, y)
    net.coefs_[0][1] = 0
    one, two = (
        permutation_importance(
            net, X, y, scoring="neg_log_loss", random_state=0, n_jobs=n_jobs
        ).importances
        for n_jobs in (1, 2)
    )
    assert_allclose(one[1], 0, atol=1e-12)
    assert one[2].min() > 0.01
    assert_allclose(one, two, rtol=RTOL, atol=1e-12)


# -- ensembles and wrappers ------------------------------------------------------------

ENSEMBLES = {
    "VotingClassifier": lambda net, **kw: VotingClassifier(
        [("net", net), ("linear", LogisticRegression())], voting="soft", **kw
    ),
    "BaggingClassifier": lambda net, **kw: BaggingClassifier(
        net, n_estimators=4, max_features=0.5, random_state=0, **kw
    ),
    "StackingClassifier": lambda net, **kw: StackingClassifier(
        [("net", net), ("linear", LogisticRegression())], cv=3, **kw
    ),
    "AdaBoostClassifier": lambda net: AdaBoostClassifier(
        net, n_estimators=3, random_state=0
    ),
    "OneVsRestClassifier": OneVsRestClassifier,
    "VotingRegressor": lambda net, **kw: VotingRegressor(
        [("net", net), ("linear", Ridge())], **kw
    ),
    "BaggingRegressor": lambda net, **kw: BaggingRegressor(
        net, n_estimators=4, random_state=0, **kw
    ),
    "StackingRegressor": lambda net, **kw: StackingRegressor(
        [("net", net), ("linear", Ridge())], cv=3, **kw
    ),
    "AdaBoostRegressor": lambda net: AdaBoostRegressor(
        net, n_estimators=3, random_state=0
    ),
}


# Bagging and AdaBoost pass weights to an estimator that takes them.
@requires_sklearn("1.7", "its networks take sample_weight")
@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensemble_predicts_as_with_sklearns_mlp_also_with_two_jobs(name):
    make = ENSEMBLES[name]
    kind = "regressor" if name.endswith("Regressor") else "classifier"
    X, y = IRIS if kind == "classifier" else DIABETES
    X, y, X_test, _ = halves(StandardScaler().fit_transform(X), y)

    def predict(net, **kw):
        model = make(net, **kw).fit(X, y)
        return getattr(model, "predict_proba", model.predict)(X_test)

    ours = predict(OURS[kind](**SETTINGS))
    assert len(np.unique(ours)) > 3
    assert_allclose(ours, predict(THEIRS[kind](**SETTINGS)), rtol=1e-6)
    if not name.startswith("AdaBoost"):  # it has no n_jobs
        assert_allclose(ours, predict(OURS[kind](**SETTINGS), n_jobs=2), rtol=RTOL)


@pytest.mark.filterwarnings("ignore:X has rows of 32 features")
@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensemble_of_networks_of_images(name):
    make = ENSEMBLES[name]
    kind = "regressor" if name.endswith("Regressor") else "classifier"
    X, y = DIGITS
    X, y, X_test, _ = halves(X / 16, y if kind == "classifier" else y / 10)

    def predict(net, **kw):
        model = make(net, **kw).fit(X, y)
        return getattr(model, "predict_proba", model.predict)(X_test)

    cnn, sequential = networks_of_images(kind)
    if name == "BaggingClassifier":
        # Half of the features are a strip, whose pooling only the CNN cuts.
        sequential = cnn
    ours = predict(cnn)
    assert len(np.unique(ours)) > 3
    assert_allclose(predict(sequential), ours, rtol=RTOL)
    if not name.startswith("AdaBoost"):
        assert_allclose(predict(cnn, n_jobs=2), ours, rtol=RTOL)


def test_ada_boost_trains_each_net_with_the_weights_of_its_round():
    X, y = IRIS
    boost = AdaBoostClassifier(classifier(), n_estimators=2, random_state=0).fit(X, y)
    first, second = boost.estimators_
    weights = np.full(len(y), 1 / len(y))
    assert_same_parameters(first, clone(first).fit(X, y, weights))
    wrong = first.predict(X) != y
    weights[wrong] *= np.exp(boost.estimator_weights_[0])
    by_hand = clone(second).fit(X, y, weights / weights.sum())
    assert_allclose(second.predict_proba(X), by_hand.predict_proba(X), rtol=RTOL)
    unweighted = clone(second).fit(X, y)
    assert not np.allclose(second.predict_proba(X), unweighted.predict_proba(X))


def test_bagging_works_where_no_row_of_a_batch_is_drawn():
    X, y = IRIS
    net = classifier(batch_size=2)
    bag = BaggingClassifier(net, n_estimators=2, random_state=0).fit(X, y)
    for fitted, drawn in zip(bag.estimators_, bag.estimators_samples_, strict=True):
        counts = np.bincount(drawn, minlength=len(y))
        assert_same_parameters(fitted, clone(fitted).fit(X, y, sample_weight=counts))
    assert bag.score(X, y) > 0.9


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_calibrated_classifier_cv_calibrates_the_decision_function(n_jobs):
    X, y, X_test, _ = halves(StandardScaler().fit_transform(CANCER[0]), CANCER[1])
    model = CalibratedClassifierCV(
        classifier(), method="isotonic", cv=3, ensemble=False, n_jobs=n_jobs
    ).fit(X, y)
    scores = cross_val_predict(classifier(), X, y, cv=3, method="decision_function")
    calibrator = IsotonicRegression(out_of_bounds="clip").fit(scores, y)
    expected = calibrator.predict(classifier().fit(X, y).decision_function(X_test))
    assert len(np.unique(expected)) > 5
    assert_allclose(model.predict_proba(X_test)[:, 1], expected, rtol=RTOL)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_multi_output_classifier_equals_a_net_for_each_output(n_jobs):
    X, y = DIGITS
    Y = np.column_stack([y, y % 2])
    model = MultiOutputClassifier(classifier(), n_jobs=n_jobs).fit(X, Y)
    for i, p in enumerate(model.predict_proba(X)):
        net = classifier().fit(X, Y[:, i])
        assert_allclose(p, net.predict_proba(X), rtol=RTOL)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_multi_output_regressor_equals_a_net_for_each_output(n_jobs):
    X, y = StandardScaler().fit_transform(DIABETES[0]), DIABETES[1] / 100
    Y = np.column_stack([y, -2 * y])
    model = MultiOutputRegressor(regressor(), n_jobs=n_jobs)
    model.partial_fit(X, Y)
    model.partial_fit(X, Y)
    nets = [regressor().partial_fit(X, y).partial_fit(X, y) for y in Y.T]
    expected = np.column_stack([net.predict(X) for net in nets])
    assert_allclose(model.predict(X), expected, rtol=RTOL)


def test_other_tools_of_the_ecosystem_take_networks_of_images():
    X, y = DIGITS
    frame = pd.DataFrame(X / 16).add_prefix("pixel")
    cnn, sequential = networks_of_images("classifier")
    in_columns = ColumnTransformer([("all", "passthrough", list(frame))])
    for net in (cnn, sequential):
        assert_array_equal(
            make_pipeline(in_columns, net).fit(frame, y).predict(frame),
            clone(net).fit(X / 16, y).predict(X / 16),
        )
        calibrated = CalibratedClassifierCV(net, cv=3).fit(X, y)
        assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
        importances = permutation_importance(net.fit(X, y), X, y, n_repeats=1)
        assert importances.importances_mean[0] == 0  # a corner without ink
        columns = net.set_output(transform="pandas").transform(X).columns
        assert list(columns) == list(net.get_feature_names_out())
    for reg in networks_of_images("regressor"):
        model = TransformedTargetRegressor(reg, transformer=StandardScaler())
        assert model.fit(X, 100 * y).predict(X).shape == y.shape


# -- metadata routing ------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


CV = StratifiedKFold(3)

WEIGHTS = np.where(IRIS[1] == 1, 5.0, np.linspace(0.1, 1, len(IRIS[1])))


def weighted_pipeline():
    """A scaler that asks for no weights, and a net that asks for them everywhere."""
    net = classifier().set_fit_request(sample_weight=True)
    return make_pipeline(MinMaxScaler(), net.set_score_request(sample_weight=True))


def weighted_scores(fit_weight, score_weight, **params):
    """Return the accuracy of each fold, with weights in training and in the score."""
    X, y = IRIS
    scores = []
    for train, test in CV.split(X, y):
        scale = MinMaxScaler().fit(X[train])
        net = classifier(**params)
        net.fit(scale.transform(X[train]), y[train], fit_weight[train])
        scores.append(net.score(scale.transform(X[test]), y[test], score_weight[test]))
    return scores


@requires_sklearn("1.8", "Pipeline.score passes on what its last step requests")
@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cross_validate_routes_sample_weight_to_fit_and_score(n_jobs):
    options = {"params": {"sample_weight": WEIGHTS}, "cv": CV, "n_jobs": n_jobs}
    scores = cross_validate(weighted_pipeline(), *IRIS, **options)["test_score"]
    assert_allclose(scores, weighted_scores(WEIGHTS, WEIGHTS))
    ones = np.ones_like(WEIGHTS)
    assert not np.allclose(scores, weighted_scores(ones, WEIGHTS))
    assert not np.allclose(scores, weighted_scores(WEIGHTS, ones))


@pytest.mark.usefixtures("routing")
def test_weights_that_nobody_asked_for_are_an_error():
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        cross_validate(classifier(), *IRIS, params={"sample_weight": WEIGHTS})


@requires_sklearn("1.8", "Pipeline.score passes on what its last step requests")
@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_routes_sample_weight_to_fit_and_score(n_jobs):
    grid = {"mlpclassifier__hidden_layer_sizes": [(5,), (20,)]}
    search = GridSearchCV(weighted_pipeline(), grid, cv=CV, n_jobs=n_jobs)
    search.fit(*IRIS, sample_weight=WEIGHTS)
    for i, size in enumerate([(5,), (20,)]):
        expected = weighted_scores(WEIGHTS, WEIGHTS, hidden_layer_sizes=size)
        found = [search.cv_results_[f"split{j}_test_score"][i] for j in range(3)]
        assert_allclose(found, expected)
        ones = np.ones_like(WEIGHTS)
        unweighted = weighted_scores(ones, WEIGHTS, hidden_layer_sizes=size)
        assert not np.allclose(found, unweighted)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_pipeline_transforms_the_validation_rows_for_the_net(early_stopping):
    X, y, X_val, y_val = halves(*CANCER)
    net = classifier(early_stopping=early_stopping)
    net.set_fit_request(X_val=True, y_val=True)
    pipe = make_pipeline(StandardScaler(), net, transform_input=["X_val"])
    pipe.fit(X, y, X_val=X_val, y_val=y_val)
    scale = StandardScaler().fit(X)
    by_hand = classifier(early_stopping=early_stopping).fit(
        scale.transform(X), y, X_val=scale.transform(X_val), y_val=y_val
    )
    assert len(by_hand.validation_loss_curve_) == SETTINGS["max_iter"]
    assert_array_equal(pipe[-1].validation_loss_curve_, by_hand.validation_loss_curve_)
    assert_array_equal(pipe[-1].validation_scores_, by_hand.validation_scores_)
    not_scaled = classifier().fit(scale.transform(X), y, X_val=X_val, y_val=y_val)
    assert not np.allclose(
        pipe[-1].validation_loss_curve_, not_scaled.validation_loss_curve_
    )


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_routes_the_validation_rows_through_a_pipeline(n_jobs):
    X, y, X_val, y_val = halves(*CANCER)
    net = classifier(early_stopping=True, scoring="loss")
    net.set_fit_request(X_val=True, y_val=True)
    pipe = make_pipeline(StandardScaler(), net, transform_input=["X_val"])
    options = {"cv": CV, "scoring": "neg_log_loss", "n_jobs": n_jobs}
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 10.0]}, **options)
    search.fit(X, y, X_val=X_val, y_val=y_val)
    for i, alpha in enumerate([1e-4, 10.0]):
        pipe.set_params(mlpclassifier__alpha=alpha)
        for j, (train, test) in enumerate(CV.split(X, y)):
            pipe.fit(X[train], y[train], X_val=X_val, y_val=y_val)
            score = -log_loss(y[test], pipe.predict_proba(X[test]))
            found = search.cv_results_[f"split{j}_test_score"][i]
            assert_allclose(found, score, rtol=RTOL)
    assert search.best_estimator_[-1].t_ == len(y) * SETTINGS["max_iter"]


@pytest.mark.usefixtures("routing")
def test_one_vs_rest_routes_sample_weight_to_partial_fit():
    X, y = IRIS
    net = classifier().set_partial_fit_request(sample_weight=True)
    model = OneVsRestClassifier(net)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2], sample_weight=WEIGHTS)
    for k, fitted in enumerate(model.estimators_):
        by_hand = classifier()
        for _ in range(3):
            by_hand.partial_fit(X, (y == k).astype(int), WEIGHTS, classes=[0, 1])
        assert_same_parameters(fitted, by_hand)
        unweighted = classifier().partial_fit(X, (y == k).astype(int), classes=[0, 1])
        assert not np.allclose(fitted.loss_curve_[0], unweighted.loss_curve_[0])
