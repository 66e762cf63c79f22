"""Search spaces: defaults, sizes, prefixes, and that all draws can be fitted."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import ParameterSampler
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.model_selection import CoarseToFineSearchCV, search_space

ESTIMATORS = [
    *(MLPClassifier, MLPRegressor, CNNClassifier, CNNRegressor),
    *(SequentialClassifier, SequentialRegressor),
]
SIZES = ["small", "medium", "large"]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_spaces_contain_the_defaults(Estimator):
    defaults = Estimator().get_params()
    space = search_space(Estimator(), "large")
    for name, source in space.items():
        if hasattr(source, "support"):
            low, high = source.support()
            assert low <= defaults[name] <= high
        else:
            assert defaults[name] in source


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_spaces_grow(Estimator):
    small, medium, large = (search_space(Estimator(), size) for size in SIZES)
    assert set(small) == {"learning_rate_init", "alpha", "batch_size"}
    assert set(small) < set(medium) < set(large)
    assert ("hidden_layer_sizes" in medium) == (not Estimator.__name__.startswith("S"))
    assert ("conv_channels" in medium) == Estimator.__name__.startswith("CNN")
    assert ("label_smoothing" in large) == Estimator.__name__.endswith("Classifier")
    assert search_space(Estimator()).keys() == medium.keys()


@pytest.mark.filterwarnings("ignore:X has rows that were taken for images")
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1 or larger")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:solver='adadelta' determines")
@pytest.mark.parametrize(
    "Estimator, solver",
    [
        *((Estimator, "adam") for Estimator in ESTIMATORS),
        *((MLPClassifier, solver) for solver in ("lbfgs", "sgd", "adadelta")),
    ],
)
def test_all_draws_can_be_fitted(Estimator, solver):
    X, y = load_digits(return_X_y=True)
    X, y = (X[:40] / 16).astype(np.float32), y[:40]
    estimator = Estimator(solver=solver, max_iter=1, random_state=0)
    space = search_space(estimator, "large")
    for params in ParameterSampler(space, 10, random_state=0):
        clone(estimator).set_params(**params).fit(X, y)


@pytest.mark.parametrize(
    "estimator, prefix, expected",
    [
        (MLPClassifier(), "", ""),
        (MLPClassifier(), "mlp__", "mlp__"),
        (make_pipeline(StandardScaler(), MLPClassifier()), "", "mlpclassifier__"),
        (TransformedTargetRegressor(MLPRegressor()), "", "regressor__"),
        (Pipeline([("m", MLPClassifier())]), "m__", "m__"),
        (
            VotingClassifier([("a", MLPClassifier()), ("b", MLPClassifier())]),
            "b__",
            "b__",
        ),
    ],
)
def test_prefix(estimator, prefix, expected):
    space = search_space(estimator, "small", prefix)
    assert next(iter(space)) == f"{expected}learning_rate_init"
    if expected != "mlp__":
        clone(estimator).set_params(
            **next(iter(ParameterSampler(space, 1, random_state=0)))
        )


@pytest.mark.parametrize(
    "args, message",
    [
        ((MLPClassifier(), "huge"), "size must be one of .*, got 'huge'"),
        ((Ridge(),), "must be an estimator of sknn.*Got Ridge"),
        ((Pipeline([("m", MLPClassifier())]), "small", "mlp__"), r"one of \['m__'\]"),
        (
            (VotingClassifier([("a", MLPClassifier()), ("b", MLPClassifier())]),),
            r"one of \['a__', 'b__'\]",
        ),
    ],
)
def test_errors(args, message):
    with pytest.raises(ValueError, match=message):
        search_space(*args)


def test_each_call_returns_a_new_space():
    search_space(MLPClassifier())["activation"].append("softplus")
    assert "softplus" not in search_space(MLPClassifier())["activation"]


@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1 or larger")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_search_of_a_space():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    net = MLPClassifier((8,), learning_rate="cosine", max_iter=9, random_state=0)
    space = search_space(net, "large")
    search = CoarseToFineSearchCV(
        net, space, n_candidates=9, error_score="raise", random_state=0
    )
    assert search.fit(X, y).score(X, y) > 0.5


def test_spaces_suit_the_solver_init_from_and_padding():
    space = search_space(MLPClassifier(solver="sgd"))
    assert_allclose(space["learning_rate_init"].support(), (0.001, 1))
    assert "solver" not in search_space(MLPClassifier(solver="sgd"), "large")
    space = search_space(MLPClassifier(solver="adadelta"), "large")
    assert "learning_rate_init" not in space
    space = search_space(MLPClassifier(init_from=MLPClassifier()), "large")
    assert not {"hidden_layer_sizes", "normalization", "residual"} & space.keys()
    for params in ({"padding": "valid"}, {"stride": 2}):
        assert "residual" not in search_space(CNNClassifier(**params), "large")


# -- tables ----------------------------------------------------------------------------

TABLES = [TabularClassifier, TabularRegressor]


@pytest.mark.parametrize("Estimator", TABLES)
def test_spaces_for_tables_contain_the_defaults_and_grow(Estimator):
    defaults = Estimator().get_params()
    small, medium, large = (search_space(Estimator(), size) for size in SIZES)
    assert set(small) == {"learning_rate_init", "dropout", "weight_decay"}
    assert set(small) < set(medium) < set(large)
    assert ("label_smoothing" in large) == (Estimator is TabularClassifier)
    for name, source in large.items():
        if hasattr(source, "support"):
            low, high = source.support()
            assert low <= defaults[name] <= high
        else:
            assert defaults[name] in source
    sgd = search_space(Estimator(solver="sgd"))["learning_rate_init"]
    assert sgd.support()[0] < small["learning_rate_init"].support()[0]


@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1 or larger")
@pytest.mark.parametrize("Estimator", TABLES)
def test_all_draws_for_tables_can_be_fitted(Estimator):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X["kind"] = np.tile([f"kind {i}" for i in range(15)], 10)
    for params in ParameterSampler(
        search_space(Estimator(), "large"), 6, random_state=0
    ):
        assert np.isfinite(
            Estimator(**params).set_params(max_iter=2).fit(X, y).score(X, y)
        )
