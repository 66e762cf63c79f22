"""Rows as input: containers, dtypes and the checks of later calls."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits

from sknn import MLPClassifier, SequentialClassifier
from sknn._estimators.inputs import FLOATS, Rows, float_dtype
from sknn.layers import Activation, Dense

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has feature names"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]

CONTAINERS = {
    "list": lambda X: X.tolist(),
    "object": lambda X: X.astype(object),
    "pandas": lambda X: pytest.importorskip("pandas").DataFrame(X),
    "pandas, nullable": lambda X: pytest.importorskip("pandas").DataFrame(
        X, dtype="UInt8"
    ),
    "polars": lambda X: pytest.importorskip("polars").DataFrame(X),
    "torch": lambda X: pytest.importorskip("torch").tensor(X),
}

NETWORKS = [
    MLPClassifier(8, max_iter=2, random_state=0),
    SequentialClassifier([Dense(8), Activation("relu")], max_iter=2, random_state=0),
]


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.data[:200].astype(np.uint8), data.target[:200]


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("net", NETWORKS, ids=lambda net: type(net).__name__)
def test_rows_of_uint8_are_numbers_in_every_container(net, name, digits):
    X, y = digits
    expected = net.fit(X.astype(float), y).predict_proba(X.astype(float))
    contained = CONTAINERS[name](X)
    assert_array_equal(net.predict_proba(contained), expected)
    assert_array_equal(net.fit(contained, y).predict_proba(X), expected)


def test_rows_are_returned_without_a_copy(digits):
    X = digits[0]
    assert Rows().rows(X) is X
    assert Rows().image_shape is None


def test_dtypes_of_checked_rows():
    class Bytes(Rows):
        reads_bytes = True

    assert Rows().dtypes(FLOATS) == [np.float64, np.float32]
    assert Bytes().dtypes(FLOATS) == [np.uint8]
    assert float_dtype(np.uint8) == np.float32
    for dtype in FLOATS:
        assert float_dtype(dtype) == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_validation_rows_are_cast_to_the_dtype_of_the_network(dtype, digits):
    X, y = digits
    net = MLPClassifier(4, max_iter=2, random_state=0)
    curves = [
        net.fit(X.astype(dtype), y, X_val=X_val, y_val=y).validation_loss_curve_
        for X_val in (X, X.astype(dtype), X.tolist())
    ]
    assert curves[0] == curves[1] == curves[2]
    assert net.network_.dtype == dtype


def test_sparse_rows_of_any_layout(digits):
    X, y = digits
    net = MLPClassifier(4, max_iter=2, random_state=0).fit(X, y)
    expected = net.predict_proba(sparse.csr_array(X.astype(float)))
    for layout in ("csc", "coo", "bsr", "lil", "dok"):
        X_sparse = sparse.coo_array(X).asformat(layout)
        assert_array_equal(net.predict_proba(X_sparse), expected)


@pytest.mark.parametrize("column", [-1, 3, 10**6])
def test_values_outside_a_sparse_matrix_are_refused(column):
    X = sparse.csr_matrix(np.eye(3))
    clf = MLPClassifier((2,), max_iter=1).fit(X, [0, 1, 1])
    X.indices[1] = column
    for call in (clf.predict, lambda X: clf.fit(X, [0, 1, 1])):
        with pytest.raises(ValueError, match=r"3 columns, but has values in columns"):
            call(X)
