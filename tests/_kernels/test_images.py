"""The kernels for images agree with their NumPy twins."""

import numpy as np
import pytest

from sknn._kernels import twins_images as twins
from sknn.layers._windows import n_windows, pad_widths

ck = pytest.importorskip("ck")  # development harness, replaced by the binding

LEVELS = ["base", "avx2", "avx512"]
DTYPES = ["float32", "float64"]
SIZES = [0, 1, 2, 7, 15, 16, 17, 31, 33, 48, 65]  # of a batch


@pytest.fixture(scope="module", params=[(a, b) for a in LEVELS for b in DTYPES])
def lib(request):
    return ck.load(*request.param)


def make(rng, dtype, *shape):
    """Return a random array that is not aligned."""
    array = np.empty(int(np.prod(shape)) + 1, dtype)[1:].reshape(shape)
    array[...] = rng.standard_normal(shape)
    return array


def read_only(*arrays):
    for array in arrays:
        array.flags.writeable = False


def check(actual, expected, scale=None):
    assert np.isfinite(actual).all()
    tolerance = 3e-6 if actual.dtype == np.float32 else 1e-13
    scale = np.abs(expected).max(initial=1) if scale is None else scale
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def convolution(seed, dtype):
    """Return x, W, b, dy and the numbers of a random convolution, or None."""
    rng = np.random.default_rng(seed)
    C, channels = rng.integers(1, 20, 2)
    size, kernel = rng.integers(1, 12, 2), rng.integers(1, 8, 2)
    stride = rng.integers(1, 4, 2) if seed % 2 else np.array([1, 1])
    n = SIZES[seed % len(SIZES)]
    padding = [["same", "valid", int(rng.integers(4))][rng.integers(3)] for _ in "hw"]
    sides = list(zip(size, kernel, stride, padding, strict=True))
    windows = [n_windows(*side) for side in sides]
    if min(windows) < 1:
        return None
    before = [pad_widths(*side)[0] for side in sides]
    shapes = (C, *size, n), (channels, C, *kernel), (channels,), (channels, *windows, n)
    arrays = [make(rng, dtype, *shape) for shape in shapes]
    read_only(*arrays)
    return *arrays, (*stride, *before)


@pytest.mark.parametrize("seed", range(66))
def test_convolution(lib, seed):
    problem = convolution(seed, lib.dtype)
    if problem is None:
        return
    x, W, b, dy, place = problem
    nan = [np.full_like(a, np.nan) for a in (x, W, b, dy)]
    dx, dW, db, y = nan
    expected = [a.copy() for a in nan]
    dx2, dW2, db2, y2 = expected

    args = x, W, b, y, *place, 0, y.shape[1]
    lib("conv_forward", *args)
    twins.conv_forward(x, W, b, y2, *args[4:])
    check(y, y2)
    args = dy, W, dx, *place, 0, dx.shape[1]
    lib("conv_input_gradient", *args)
    twins.conv_input_gradient(dy, W, dx2, *args[3:])
    check(dx, dx2)
    lib("conv_weight_gradient", x, dy, dW, db, *place)
    twins.conv_weight_gradient(x, dy, dW2, db2, *place)
    check(dW, dW2)
    check(db, db2, max(dy[0].size, 1) ** 0.5)
    X = make(np.random.default_rng(0), lib.dtype, W[0].size, *y.shape[1:])
    X2 = X.copy()
    lib("windows", x, X, *W.shape[2:], *place)
    twins.windows(x, X2, *W.shape[2:], *place)
    np.testing.assert_array_equal(X, X2)


@pytest.mark.parametrize("parts", [2, 3, 7])
@pytest.mark.parametrize("seed", range(11))
def test_blocks_change_nothing(lib, seed, parts):
    problem = convolution(seed, lib.dtype)
    if problem is None:
        return
    x, W, b, dy, place = problem
    whole = [np.full_like(a, np.nan) for a in (x, W, b, dy)]
    blocks = [a.copy() for a in whole]
    height, H = dy.shape[1], x.shape[1]

    def arguments(dx, dW, db, y):
        return {
            "conv_forward": (x, W, b, y, *place, 0, height),
            "conv_input_gradient": (dy, W, dx, *place, 0, H),
            "conv_weight_gradient": (x, dy, dW, db, *place),
        }

    for name, args in arguments(*whole).items():
        lib(name, *args)
    for name, args in arguments(*blocks).items():
        split = getattr(twins, f"split_{name}")(args, parts)
        assert len(split) <= parts
        for block in split:
            lib(name, *block)
    for a, b in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(a, b)


def special(rng, x):
    """Put ties, NaN and infinity into x."""
    np.round(x, out=x)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[rng.random(x.shape) < 0.05] = np.inf
    x[rng.random(x.shape) < 0.05] = -np.inf


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    "numbers",
    [
        (2, 2, 2, 2),
        (2, 2, 1, 1),
        (3, 2, 2, 1),
        (3, 3, 2, 2),
        (1, 1, 2, 2),
        (2, 3, 3, 3),
    ],
)
def test_pooling(lib, n, numbers):
    rng = np.random.default_rng(n)
    kh, kw, sh, sw = numbers
    for H, W in (4, 6), (5, 3), (7, 7):
        x = make(rng, lib.dtype, 3, H, W, n)
        size = 3, (H - kh) // sh + 1, (W - kw) // sw + 1, n
        dy, y = make(rng, lib.dtype, *size), make(rng, lib.dtype, *size)
        dx, y2 = np.full_like(x, np.nan), y.copy()
        dx2 = dx.copy()
        lib("avg_pool", x, y, *numbers)
        twins.avg_pool(x, y2, *numbers)
        check(y, y2)
        lib("avg_pool_backward", dy, dx, *numbers)
        twins.avg_pool_backward(dy, dx2, *numbers)
        check(dx, dx2)
        special(rng, x)
        read_only(x, dy)
        lib("max_pool", x, y, *numbers)
        twins.max_pool(x, y2, *numbers)
        np.testing.assert_array_equal(y, y2)
        lib("max_pool_backward", x, y, dy, dx, *numbers)
        twins.max_pool_backward(x, y, dy, dx2, *numbers)
        check(dx, dx2)


@pytest.mark.parametrize("n", [*SIZES, 257])
def test_global_average(lib, n):
    rng = np.random.default_rng(n)
    x, y = make(rng, lib.dtype, 3, 5, 7, n), make(rng, lib.dtype, n, 4)
    dx, y2 = np.full_like(x, np.nan), y.copy()
    dx2 = dx.copy()
    lib("global_avg_pool", x, y[:, 1:])
    twins.global_avg_pool(x, y2[:, 1:])
    check(y, y2)
    lib("global_avg_pool_backward", y[:, 1:], dx)
    twins.global_avg_pool_backward(y[:, 1:], dx2)
    check(dx, dx2)
