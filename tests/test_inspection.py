"""What all inspection tools have in common."""

import copy
import warnings

import numpy as np
import pytest
from inspection_data import (
    IMAGES,
    WINE,
    classifier,
    regressor,
    sequential,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_diabetes,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import check_random_state

from sknn import (
    CNNClassifier,
    MLPRegressor,
)
from sknn.activations import ActivationFunction
from sknn.inspection import (
    activation_statistics,
    check_gradients,
    check_initial_loss,
    check_overfits_small_sample,
    doctor,
    gradient_statistics,
    learning_rate_range_test,
)
from sknn.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

TOOLS = [
    check_initial_loss,
    check_overfits_small_sample,
    learning_rate_range_test,
    activation_statistics,
    gradient_statistics,
    check_gradients,
]
all_tools = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)


def around(network, y):
    """The ways in which people wrap a network, as functions of nothing."""
    pipeline = make_pipeline(StandardScaler(), network)
    ways = [network, pipeline]
    if isinstance(network, MLPRegressor):
        target = TransformedTargetRegressor(network, transformer=StandardScaler())
        ways += [make_pipeline(StandardScaler(), target)]
    return ways


@all_tools
@pytest.mark.parametrize("is_fitted", [False, True])
def test_nothing_is_touched(tool, is_fitted):
    network = classifier(random_state=None, normalization="batch", dropout=0.2)
    estimator = make_pipeline(StandardScaler(), network)
    X, y = WINE[0].copy(), WINE[1].copy()
    if is_fitted:
        estimator.fit(X, y)
    before = copy.deepcopy(vars(network))
    params, stream = repr(estimator), check_random_state(None).get_state()[1].copy()
    tool(estimator, X, y)
    assert repr(estimator) == params
    assert vars(network).keys() == before.keys()
    if is_fitted:
        assert_array_equal(network.network_.theta, before["network_"].theta)
        assert_array_equal(network.network_.state, before["network_"].state)
        assert network.history_ == before["history_"]
    assert_array_equal(check_random_state(None).get_state()[1], stream)
    assert_array_equal(X, WINE[0])


@all_tools
def test_a_tool_gives_one_answer(tool):
    estimator = classifier(random_state=None, dropout=0.2)
    assert repr(tool(estimator, *WINE)) == repr(tool(estimator, *WINE))


@all_tools
@pytest.mark.parametrize("way", [1, 2])
def test_a_network_in_others_is_that_on_what_they_make_of_the_data(tool, way):
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:100], y[:100]
    network = regressor(max_iter=5)
    ready = scale(X), (scale(y) if way == 2 else y)
    wrapped = around(network, y)[way]
    assert repr(tool(wrapped, X, y)) == repr(tool(network, *ready))
    if tool in (activation_statistics, gradient_statistics, check_gradients):
        network.set_params(learning_rate_init=0.01)
        wrapped = clone(wrapped).fit(X, y)
        with_wrapped = tool(wrapped, X, y)
        assert repr(with_wrapped) == repr(tool(clone(network).fit(*ready), *ready))


@all_tools
def test_of_a_search_the_best_estimator_is_looked_at(tool):
    search = GridSearchCV(classifier(max_iter=2), {"alpha": [0.1]}, cv=2)
    with pytest.raises(NotFittedError, match="Fit it with refit=True first"):
        tool(search, *WINE)
    search.fit(*WINE)
    assert repr(tool(search, *WINE)) == repr(tool(search.best_estimator_, *WINE))


@all_tools
def test_what_is_no_network_is_an_error(tool):
    with pytest.raises(TypeError, match=r"of sknn.*Got LogisticRegression\(\)"):
        tool(make_pipeline(StandardScaler(), LogisticRegression()), *WINE)


@all_tools
def test_bad_parameters_are_refused_as_by_fit(tool):
    with pytest.raises(ValueError, match="'alpha' parameter"):
        tool(classifier(alpha=-1), *WINE)


@all_tools
def test_results_print_in_terminal_and_notebook(tool):
    result = tool(classifier(hidden_layer_sizes=(5, 5)), *WINE)
    assert str(result) == repr(result)
    assert all(len(line) <= 100 for line in repr(result).splitlines())
    html = result._repr_html_()
    assert html.startswith("<p")
    assert "nan" not in html + repr(result)


class Odd(ActivationFunction):
    """An activation whose name would be a tag."""

    def forward(self, z, out):
        np.copyto(out, z)

    def backward(self, z, a, dy):
        pass


Odd.__name__ = "<script>"


def test_html_is_escaped():
    for tool in (activation_statistics, check_gradients):
        estimator = classifier(activation=Odd())
        html = tool(estimator, *WINE)._repr_html_()
        assert "<script>" not in html
    html = activation_statistics(estimator, *WINE)._repr_html_()
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("is_fitted", [False, True])
@all_tools
def test_layers_of_the_users_own_and_frozen_ones(tool, is_fitted):
    X, y = IMAGES[0][:100], IMAGES[1][:100]
    frozen = CNNClassifier(
        4, hidden_layer_sizes=8, max_iter=2, freeze="conv", random_state=0
    )
    own = sequential([Conv2D(4), Flatten(), Dropout(0.5), Dense(8)], max_iter=2)
    for estimator in (frozen, own):
        if is_fitted:
            estimator.fit(X, y)
        assert repr(tool(estimator, X, y))


def test_nothing_is_said_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for tool in TOOLS:
            tool(classifier(batch_size=500), *WINE)


SPARSE_FORMATS = [
    f"{name}_{kind}"
    for name in ("coo", "bsr", "dia", "csr", "csc", "lil", "dok")
    for kind in ("matrix", "array")
]


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("sparse_format", SPARSE_FORMATS)
def test_doctor_takes_every_sparse_format_that_fit_takes(sparse_format):
    X, y = WINE[0].copy(), WINE[1]
    X[np.abs(X) < 0.5] = 0
    expected = doctor(classifier(max_iter=5), X, y)
    report = doctor(classifier(max_iter=5), getattr(sparse, sparse_format)(X), y)
    assert report.problems == expected.problems
    assert_allclose([*report.figures.values()], [*expected.figures.values()])


@all_tools
@pytest.mark.parametrize("is_fitted", [False, True])
def test_input_dropout_on_sparse_rows(tool, is_fitted):
    X, y = sparse.csr_matrix(WINE[0]), WINE[1]
    dropped, plain = classifier(input_dropout=0.2, max_iter=2), classifier(max_iter=2)
    if is_fitted:
        dropped.fit(X, y)
    result = tool(dropped, X, y)
    if tool is activation_statistics and not is_fitted:
        columns = activation_statistics(plain, *WINE).columns
        after_dropout = [
            value for i, value in enumerate(result.columns["std"]) if i != 1
        ]
        assert_allclose(after_dropout, columns["std"])


def test_doctor_on_sparse_rows_with_input_dropout():
    X, y = sparse.csr_matrix(WINE[0]), WINE[1]
    report = doctor(classifier(input_dropout=0.1, max_iter=5), X, y)
    assert report.figures["rows"] == 142


@all_tools
def test_data_is_checked_as_by_predict(tool):
    X, y = WINE
    fitted = classifier(max_iter=2).fit(X, y)
    broken = X.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        tool(fitted, broken, y)


@pytest.mark.parametrize("columns", [50, 80])
@pytest.mark.parametrize("tool", [*TOOLS[:3], doctor], ids=lambda tool: tool.__name__)
def test_text_is_wrapped_at_the_width_of_the_terminal(tool, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = repr(tool(classifier(max_iter=3), *WINE)).splitlines()
    assert columns - 15 < max(map(len, lines)) <= columns


@all_tools
def test_every_result_has_html_of_its_own(tool):
    html = tool(classifier(), *WINE)._repr_html_()
    assert html.startswith("<p><b>")
    assert "<pre>" not in html
