"""What holds for every setting: float32, sparse rows, copies, resumed training."""

import copy
import pickle

import numpy as np
import pytest
from helpers import float_dtypes
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import (
    KFold,
)
from small_fits import DATA, ESTIMATORS, SMALL, TWO_LAYERS, assert_same, fit, name_of

import sknn
from sknn import MLPClassifier, MLPRegressor
from sknn.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # With the rate that the tables have for all solvers.
    "ignore:solver='adadelta':UserWarning",
)

SETTINGS = [
    {"activation": ("prelu", "mish"), "initializer": "auto"},
    {"initializer": ("orthogonal", "lecun_normal", "normal")},
    *({"solver": name, "learning_rate": "one_cycle"} for name in SOLVERS),
    {"dropout": (0.1, 0.2), "dropconnect": 0.1},
    {"input_dropout": 0.1},
    {"normalization": "batch", "residual": True},
    {"normalization": "layer", "residual": True, "l1_ratio": 0.5},
    {"max_grad_norm": 0.5, "max_grad_value": 0.1, "mixup": 0.2},
    {"early_stopping": True, "refit_on_all": True, "validation_fraction": KFold(5)},
    {"solver": "lbfgs", "activation": "gelu", "normalization": "layer"},
]

CASES = [
    *((Estimator, params) for Estimator in ESTIMATORS for params in SETTINGS),
    (MLPClassifier, {"label_smoothing": 0.1, "class_weight": "balanced"}),
    (MLPRegressor, {"loss": "absolute_error"}),
    (MLPRegressor, {"loss": "huber", "delta": 0.5}),
    (MLPRegressor, {"loss": "quantile", "quantile": (0.1, 0.5, 0.9)}),
    (MLPRegressor, {"loss": "gaussian"}),
]

RESUMABLE = [
    (Estimator, params)
    for Estimator, params in CASES
    if hasattr(Estimator(**params), "partial_fit")
]

SOLVERS = ["adam", "sgd", "lbfgs"]


# -- floats ----------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_float32_stays_float32(Estimator, params, weighted):
    X, y = DATA[Estimator]
    X = X.astype(np.float32)
    w = np.linspace(0.5, 1, len(y)) if weighted else None
    net = Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(X, y, w)
    if hasattr(net, "partial_fit"):
        net.partial_fit(X, y, w)
    assert float_dtypes(vars(net)) == {np.dtype(np.float32)}
    predict = getattr(net, "predict_proba", net.predict)
    assert predict(X).dtype == np.float32
    # The curves are those of float64, as far as the digits go.
    double = Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(X.astype(float), y, w)
    n = double.n_iter_
    assert_allclose(net.loss_curve_[:n], double.loss_curve_[:n], rtol=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_float32_stays_float32_in_all_buffers(
    Estimator, solver, early_stopping, weighted, container, iris, monkeypatch
):
    buffers = []

    def bind(self, *args, original=sknn.network.Network.bind):
        buffers.append((self.dtype, original(self, *args)))
        return buffers[-1][1]

    monkeypatch.setattr(sknn.network.Network, "bind", bind)
    X, y = iris
    X = container(X.astype(np.float32))
    w = np.linspace(0, 1, len(y)) if weighted else None
    est = Estimator(solver=solver, early_stopping=early_stopping, max_iter=3)
    est.fit(X, y, w)
    if solver != "lbfgs" and not early_stopping:
        est.partial_fit(X, y, w)
    assert float_dtypes(vars(est)) == {np.dtype(np.float32)}
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(est, method):
            assert getattr(est, method)(X).dtype == np.float32
    if isinstance(est, MLPRegressor):
        assert est.predict(X).dtype == np.float32
    assert solver == "lbfgs" or {dtype for dtype, _ in buffers} == {np.dtype("f4")}
    for dtype, bound in buffers:  # L-BFGS trains in float64 on purpose
        assert float_dtypes(bound) == {dtype}


# -- sparse rows -----------------------------------------------------------------------


@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_sparse_rows_train_like_dense_ones(Estimator, params):
    X, y = DATA[Estimator]
    X = np.where(np.abs(X) > 1, X, 0)
    dense, by_csr = (
        Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(rows, y)
        for rows in (X, sparse.csr_array(X))
    )
    rtol = 1e-4 if params.get("solver") == "lbfgs" else 1e-9
    assert_allclose(by_csr.loss_curve_, dense.loss_curve_, rtol=rtol)
    assert_allclose(by_csr.predict(sparse.csr_array(X)), dense.predict(X), rtol=rtol)


# -- copies and resumed training -------------------------------------------------------


@pytest.mark.parametrize("Estimator, params", RESUMABLE, ids=name_of)
def test_partial_fit_continues_where_fit_stopped(Estimator, params):
    """Bit for bit, also in the middle of a schedule and after a pickle round trip."""
    params = {**SMALL, **TWO_LAYERS, "shuffle": False, **params}
    X, y = DATA[Estimator]
    first = {"classes": np.unique(y)} if Estimator is MLPClassifier else {}
    whole, pieces = Estimator(**params).fit(X, y), Estimator(**params)
    pieces.partial_fit(X, y, **first)
    for _ in range(3):
        pieces = pickle.loads(pickle.dumps(pieces)).partial_fit(X, y)
    assert_same(whole, pieces)
    assert whole.learning_rates_ == pieces.learning_rates_


@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_a_copy_is_the_same(Estimator, params):
    net = fit(Estimator, **{**TWO_LAYERS, **params})
    X = DATA[Estimator][0]
    for other in (
        pickle.loads(pickle.dumps(net)),
        copy.deepcopy(net),
        clone(net).fit(*DATA[Estimator]),
    ):
        assert_same(net, other)
        assert_array_equal(net.predict(X), other.predict(X))
        assert other.get_params().keys() == net.get_params().keys()
