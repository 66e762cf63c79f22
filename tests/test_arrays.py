"""Arrays: alignment, and casts to the floats of a network."""

import numpy as np
import pytest
from scipy import sparse

from sknn import MLPClassifier
from sknn._arrays import CACHE_LINE, SHORT, aligned_empty, aligned_zeros, as_floats


@pytest.mark.parametrize("make", [aligned_empty, aligned_zeros])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(SHORT,), (7, SHORT), (1000, 3)])
def test_starts_on_a_cache_line(make, dtype, shape):
    keep = []  # all at once, so that none gets the memory of the one before
    for _ in range(20):
        array = make(shape, np.dtype(dtype))
        keep.append(array)
        assert array.ctypes.data % CACHE_LINE == 0
        assert array.shape == shape
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5)])
def test_short_arrays(shape):
    array = aligned_empty(shape, np.dtype(np.float32))
    assert array.shape == shape
    assert array.dtype == np.float32


def test_zeros_are_zero():
    dirty = np.full(1000, 7.0)
    del dirty
    assert not aligned_zeros((1000,), np.dtype(np.float64)).any()


def test_arrays_share_no_memory():
    a, b = (aligned_zeros((100,), np.dtype(np.float32)) for _ in range(2))
    a += 1
    assert not b.any()


def test_may_be_empty():
    assert aligned_zeros((0, 3), np.dtype(np.float32)).shape == (0, 3)


FLOAT32 = np.dtype(np.float32)


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_a_cast_that_overflows_is_an_error(make, n):
    x = np.ones((n, 3))
    x[-1, -1] = -1e39
    with pytest.raises(ValueError, match=r"computes in float32.*beyond 3\.4e"):
        as_floats(make(x), FLOAT32)
    assert as_floats(make(x), np.dtype(np.float64)).dtype == np.float64


def test_infinity_and_nan_are_cast():
    x = np.array([np.inf, -np.inf, np.nan, 3.4e38])
    np.testing.assert_array_equal(as_floats(x, FLOAT32), x.astype(np.float32))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "transform", "score",
               "partial_fit", "X_val"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's own cast
def test_a_float32_network_refuses_values_it_cannot_hold(method, container):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    net = MLPClassifier((5,), learning_rate="linear", max_iter=2).fit(X, y)
    too_large = X.astype(np.float64)
    too_large[3, 1] = 1e39
    too_large = container(too_large)
    calls = {
        "X_val": lambda: net.fit(X, y, X_val=too_large, y_val=y),
        "score": lambda: net.score(too_large, y),
        "partial_fit": lambda: net.partial_fit(too_large, y),
    }
    call = calls.get(method) or (lambda: getattr(net, method)(too_large))
    with pytest.raises(ValueError, match="float32"):
        call()
