"""The finder of the network inside pipelines, searches and other estimators."""

import numpy as np
import pytest
from inspection_data import DIABETES, WINE
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import MLPClassifier, MLPRegressor
from sknn._network_finder import (
    choose_network,
    find_innermost,
    find_network,
    networks_by_prefix,
)
from sknn.display import LossCurveDisplay, SearchDisplay
from sknn.inspection import activation_statistics, doctor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def clf(**params):
    return MLPClassifier(8, max_iter=3, random_state=0, **params)


def reg():
    return MLPRegressor(hidden_layer_sizes=8, max_iter=3, random_state=0)


def test_a_network_is_found_as_it_is():
    network = clf()
    found = find_network(network)
    assert found.estimator is network
    assert found.wrappers == ()
    assert found.prefix == ""


@pytest.mark.parametrize("is_fitted", [False, True])
def test_the_way_through_pipelines_and_targets(is_fitted):
    target = TransformedTargetRegressor(reg(), transformer=StandardScaler())
    outer = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), target))
    if is_fitted:
        outer.fit(*DIABETES)
    found = find_network(outer)
    expected = target.regressor_ if is_fitted else target.regressor
    assert found.estimator is expected
    assert found.wrappers == (outer, outer[-1], target)
    assert found.prefix == "pipeline__transformedtargetregressor__regressor__"
    outer.set_params(**{f"{found.prefix}alpha": 5.0})
    assert target.regressor.alpha == 5.0


def test_a_fitted_search_leads_to_its_best_estimator():
    search = GridSearchCV(make_pipeline(StandardScaler(), clf()), {}, cv=2).fit(*WINE)
    found = find_network(search)
    assert found.estimator is search.best_estimator_[-1]
    assert found.wrappers == (search, search.best_estimator_)
    assert found.prefix == "estimator__mlpclassifier__"


def test_frozen_estimators_are_looked_into_and_never_refitted():
    X, y = WINE
    pipeline = make_pipeline(StandardScaler(), clf()).fit(X, y)
    frozen = FrozenEstimator(pipeline)
    assert find_network(frozen).estimator is pipeline[-1]
    assert repr(activation_statistics(frozen, X)) == repr(
        activation_statistics(pipeline, X)
    )
    report = doctor(frozen, X, y)
    assert report.figures["training score"] == pipeline.score(X, y)
    # Around the frozen estimator there may be one that is not fitted.
    fitted_reg = make_pipeline(StandardScaler(), reg()).fit(100 * X, y)
    around = TransformedTargetRegressor(FrozenEstimator(fitted_reg))
    columns = activation_statistics(around, np.zeros_like(X), y).columns
    scaler = fitted_reg[0]
    expected = (-scaler.mean_ / scaler.scale_).mean()
    assert columns["mean"][0] == pytest.approx(expected)


def test_targets_pass_through_all_transformers():
    X, y = DIABETES
    inner = TransformedTargetRegressor(reg(), func=np.cbrt, inverse_func=lambda t: t**3)
    outer = TransformedTargetRegressor(inner, transformer=StandardScaler())
    outer.fit(X, 5 + 1000 * y)
    network = outer.regressor_.regressor_
    scaled = np.cbrt((y - y.mean()) / y.std())
    score = doctor(outer, X, 5 + 1000 * y).figures["training score"]
    assert score == pytest.approx(network.score(X, scaled))


def test_estimators_of_other_packages_are_innermost_but_no_network():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert find_innermost(pipeline).estimator is pipeline[-1]
    with pytest.raises(TypeError, match=r"estimator of sknn.*Got LogisticRegression\("):
        find_network(pipeline)


def test_one_error_for_each_search_without_a_best_estimator():
    search = GridSearchCV(clf(), {"alpha": [0.1]}, cv=2, refit=False)
    for find in (find_network, activation_statistics, LossCurveDisplay.from_estimator):
        args = WINE if find is activation_statistics else ()
        with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted"):
            find(GridSearchCV(clf(), {}), *args)
        with pytest.raises(TypeError, match=r"with refit=False.*no best_"):
            find(search.fit(*WINE), *args)


def test_networks_by_prefix():
    one, other = clf(), clf(alpha=2.0)
    voting = VotingClassifier([("a", one), ("b", other)])
    assert networks_by_prefix(voting) == {"a__": one, "b__": other}
    assert networks_by_prefix(one) == {"": one}
    assert choose_network(voting, "b__") == ("b__", other)
    assert choose_network(one, "later__") == ("later__", one)
    pipeline = make_pipeline(StandardScaler(), one)
    assert choose_network(pipeline, "") == ("mlpclassifier__", one)


@pytest.mark.parametrize("prefix", ["", "c__"])
def test_a_network_must_be_chosen_from_several(prefix):
    voting = VotingClassifier([("a", clf()), ("b", clf())])
    with pytest.raises(ValueError, match=r"one of \['a__', 'b__'\].*got '" + prefix):
        choose_network(voting, prefix)
    with pytest.raises(ValueError, match=r"estimator of sknn.*Got Ridge"):
        choose_network(Ridge(), prefix)


def test_a_search_over_targets_that_are_transformed_is_drawn():
    pytest.importorskip("matplotlib")
    target = TransformedTargetRegressor(reg(), transformer=StandardScaler())
    grid = {"regressor__alpha": [0.1, 1.0]}
    search = GridSearchCV(target, grid, cv=2).fit(*DIABETES)
    assert SearchDisplay.from_estimator(search).score_name == "R²"
