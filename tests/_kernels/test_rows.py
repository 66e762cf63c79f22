"""Kernels of batches, masks, normalisation, sparse rows and augmentation."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from sknn import augmentation
from sknn._kernels import twins_rows as twins

ck = pytest.importorskip("ck")

SIZES = [0, 1, 2, 15, 16, 31, 33, 64, 257]
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}


@pytest.fixture(params=["base", "avx2", "avx512"], scope="module")
def level(request):
    return request.param


@pytest.fixture(params=["float32", "float64"], scope="module")
def lib(request, level):
    return ck.load(level, request.param, sanitize=ck.SANITIZE)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def unaligned(array):
    """Return a read-only copy that starts one element after a cache line."""
    memory = np.empty(array.size + 64, array.dtype)
    start = -memory.ctypes.data % 64 // array.itemsize + 1
    copy = memory[start : start + array.size].reshape(array.shape)
    copy[...] = array
    copy.flags.writeable = False
    return copy


def check(lib, name, *args, written, rtol=0.0, terms=0.0):
    """Compare what a kernel and its twin write into copies of the arguments `written`.

    Differences are relative to the largest element of the array, or to the size of the
    terms that are added up.
    """
    ours, theirs = list(args), list(args)
    for k in written:
        if args[k] is not None:
            ours[k], theirs[k] = args[k].copy(order="K"), args[k].copy(order="K")
    for k, value in enumerate(args):
        same = [j for j in written if args[j] is value and value is not None]
        if same and k not in written:  # computed in place
            ours[k], theirs[k] = ours[same[0]], theirs[same[0]]
    lib(name, *ours)
    with np.errstate(all="ignore"):
        getattr(twins, name)(*theirs)
    for k in written:
        if args[k] is not None and args[k].size:
            finite = np.abs(theirs[k][np.isfinite(theirs[k])])
            atol = rtol * float(finite.max(initial=terms))
            np.testing.assert_allclose(ours[k], theirs[k], rtol, atol, err_msg=name)


# -- batches --------------------------------------------------------------------------

SOURCES = {"": "real", "_bytes": "bytes", "_other": "other"}


def rows_of(lib, kind, shape, rng):
    real = lib.dtype
    if kind == "bytes":
        return unaligned(rng.integers(0, 256, shape).astype(np.uint8))
    X = rng.standard_normal(shape)
    X[rng.random(shape) < 0.01] = np.nan
    X[rng.random(shape) < 0.01] = np.inf
    other = np.dtype("f4" if real == np.dtype("f8") else "f8")
    return unaligned(X.astype(real if kind == "real" else other))


@pytest.mark.parametrize("suffix", SOURCES)
@pytest.mark.parametrize("m", SIZES)
def test_gather(lib, rng, suffix, m):
    X = rows_of(lib, SOURCES[suffix], (50, m), rng)
    for n in SIZES:
        x = np.empty((n, m), lib.dtype)
        check(lib, "gather" + suffix, X, rng.integers(0, 50, n), x, written=[2])
    x = np.empty((50, m), lib.dtype)
    check(lib, "gather" + suffix, X, None, x, written=[2])


@pytest.mark.parametrize("suffix", SOURCES)
@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("pixels", [1, 9, 64])
def test_gather_images(lib, rng, suffix, pixels, channels):
    X = rows_of(lib, SOURCES[suffix], (50, pixels, channels), rng)
    for n in SIZES:
        y = np.empty((channels, pixels, n), lib.dtype)
        rows = rng.integers(0, 50, n)
        check(lib, "gather_images" + suffix, X, rows, y, written=[2])
    y = np.empty((channels, pixels, 50), lib.dtype)
    check(lib, "gather_images" + suffix, X, None, y, written=[2])


def test_gather_images_into_a_block(lib, rng):
    X = rows_of(lib, "real", (50, 9, 3), rng)
    rows = rng.integers(0, 50, 37)
    whole, blocks = (np.empty((3, 9, 37), lib.dtype) for _ in range(2))
    lib("gather_images", X, rows, whole)
    for block in (slice(0, 16), slice(16, 37)):
        lib("gather_images", X, rows[block].copy(), blocks[:, :, block])
    np.testing.assert_array_equal(blocks, whole)


# -- masks ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("threshold", [0, 1, 32768, 65535])
def test_mask(lib, rng, n, threshold):
    x = rng.standard_normal(n).astype(lib.dtype)
    x[rng.random(n) < 0.1] = np.nan
    x[rng.random(n) < 0.1] = np.inf
    bits = rng.integers(0, 2**16, n).astype(np.uint16)
    bits[: n // 4] = threshold
    scale = 65536 / (65536 - threshold)
    y = np.empty_like(x)
    check(lib, "mask", unaligned(x), unaligned(bits), y, threshold, scale, written=[2])
    check(lib, "mask", x, bits, x, threshold, scale, written=[2])


# -- normalisation --------------------------------------------------------------------


def by_unit(lib, rng, units, m, layout, offset=0.0):
    """Return random (units, m) with contiguous units ("rows") or m ("images")."""
    x = (rng.standard_normal((units, m)) + offset).astype(lib.dtype)
    return unaligned(x) if layout == "images" else unaligned(x.T).T


def vector(lib, rng, n):
    return rng.uniform(0.5, 1.5, n).astype(lib.dtype)


LAYOUTS = pytest.mark.parametrize("layout", ["rows", "images"])
SHAPES = pytest.mark.parametrize(
    "units, m", [(u, m) for u in (1, 3, 31, 128, 257) for m in (1, 2, 33, 300)]
)


def tolerance(lib):
    return {"rtol": 2e-6 if lib.dtype == np.float32 else 4e-15}


@LAYOUTS
@SHAPES
def test_scale_shift(lib, rng, units, m, layout):
    x = by_unit(lib, rng, units, m, layout)
    scale, shift = (vector(lib, rng, units) for _ in range(2))
    for b in (shift, None):
        y = np.empty_like(x)
        check(lib, "scale_shift", x, scale, b, y, written=[3], **tolerance(lib))


@LAYOUTS
@SHAPES
@pytest.mark.parametrize("value", [1.0, np.nan, np.inf])
def test_batch_norm(lib, rng, units, m, layout, value):
    x = by_unit(lib, rng, units, m, layout, offset=2).copy(order="K")
    x[0, 0] *= value
    q, gamma, beta = (vector(lib, rng, size) for size in (m, units, units))
    q /= q.sum()
    mean, var, dgamma, dbeta = (np.empty(units, lib.dtype) for _ in range(4))
    args = [x, q, gamma, beta, mean, var, np.empty_like(x), 1e-5]
    with np.errstate(invalid="ignore"):
        twins.batch_norm(*args)
    largest = np.nan_to_num(1 / np.sqrt(var + 1e-5)).max()
    kwargs = tolerance(lib) | {"terms": 5 * largest}
    check(lib, "batch_norm", *args, written=[4, 5, 6], **kwargs)
    check(lib, "batch_norm", *args[:6], x, 1e-5, written=[4, 5, 6], **kwargs)
    dy = by_unit(lib, rng, units, m, layout)
    kwargs["terms"] = 3 * np.sqrt(m) * largest
    for dx in (np.empty_like(dy), dy.copy(order="K"), None):
        args = [x, dy, q, gamma, mean, var, dgamma, dbeta, dx, 1e-5]
        if dx is not None and np.array_equal(dx, dy):
            args[1] = dx
        check(lib, "batch_norm_backward", *args, written=[6, 7, 8], **kwargs)


@LAYOUTS
@SHAPES
@pytest.mark.parametrize("value", [1.0, np.nan, np.inf])
def test_layer_norm(lib, rng, units, m, layout, value):
    x = by_unit(lib, rng, units, m, layout, offset=2).copy(order="K")
    x[0, 0] *= value
    gamma, beta = (vector(lib, rng, units) for _ in range(2))
    mean, inverse = (np.empty(m, lib.dtype) for _ in range(2))
    dgamma, dbeta = (np.empty(units, lib.dtype) for _ in range(2))
    y, kwargs = np.empty_like(x), tolerance(lib)
    args = [x, gamma, beta, mean, inverse, y, 1e-3]
    check(lib, "layer_norm", *args, written=[3, 4, 5], **kwargs)
    with np.errstate(invalid="ignore"):
        twins.layer_norm(*args)
    dy = by_unit(lib, rng, units, m, layout)
    kwargs["terms"] = 3 * np.sqrt(m) * np.nan_to_num(inverse).max()
    args = [x, dy, mean, inverse, dgamma, dbeta]
    check(lib, "layer_norm_gradients", *args, written=[4, 5], **kwargs)
    for dx in (np.empty_like(dy), dy.copy(order="K")):
        args = [x, dx if (dx == dy).all() else dy, gamma, mean, inverse, dx]
        check(lib, "layer_norm_backward", *args, written=[5], **kwargs)


@LAYOUTS
@pytest.mark.parametrize("kernel", ["batch_norm", "layer_norm"])
def test_blocks_of_normalization(lib, rng, layout, kernel):
    units, m = 37, 45
    x = by_unit(lib, rng, units, m, layout)
    axis = 0 if kernel == "batch_norm" else 1
    results = []
    for cuts in ([0, x.shape[axis]], [0, 20, x.shape[axis]]):
        y, dx = np.empty_like(x), np.empty_like(x)
        for first, last in pairwise(cuts):
            block = (slice(first, last), slice(None))[:: 1 - 2 * axis]
            a, b = (np.empty(last - first, lib.dtype) for _ in range(2))
            ones, zeros = (
                np.ones(x[block].shape[0], lib.dtype),
                np.zeros(x[block].shape[0], lib.dtype),
            )
            q = np.full(m, 1 / m, lib.dtype)
            if axis == 0:
                lib(kernel, x[block], q, ones, zeros, a, b, y[block], 1e-5)
                g = [ones.copy(), zeros.copy()]
                args = [x[block], y[block], q, ones, a, b, *g, dx[block], 1e-5]
                lib("batch_norm_backward", *args)
            else:
                lib(kernel, x[block], ones, zeros, a, b, y[block], 1e-5)
                args = [x[block], y[block], ones, a, b, dx[block]]
                lib("layer_norm_backward", *args)
        results.append((y, dx))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


# -- sparse rows ----------------------------------------------------------------------


def close(lib):
    rtol = tolerance(lib)["rtol"]
    return {"rtol": rtol, "atol": 10 * rtol}


@pytest.mark.parametrize("units", [1, 16, 33, 100])
@pytest.mark.parametrize("n", [0, 1, 7, 64])
@pytest.mark.parametrize("density", [0.0, 0.02, 1.0])
def test_sparse(lib, rng, n, units, density):
    x = sparse.random(n, 50, density, "csr", lib.dtype, random_state=0)
    csr = [unaligned(x.data)]
    csr += [unaligned(a.astype(np.int32)) for a in (x.indices, x.indptr)]
    W, dy = (
        unaligned(rng.standard_normal((rows, units)).astype(lib.dtype))
        for rows in (50, n)
    )
    y, dW = (np.full(a.shape, np.nan, a.dtype) for a in (dy, W))
    kwargs = tolerance(lib) | {"terms": 10.0}
    check(lib, "csr_dot", *csr, W, y, written=[4], **kwargs)
    check(lib, "csr_t_dot", *csr, dy, dW, written=[4], **kwargs)
    block = slice(units // 3, units)
    lib("csr_dot", *csr, W[:, block], y[:, block])
    lib("csr_t_dot", *csr, dy[:, block], dW[:, block])
    np.testing.assert_allclose(y[:, block], (x @ W)[:, block], **close(lib))
    np.testing.assert_allclose(dW[:, block], (x.T @ dy)[:, block], **close(lib))


# -- augmentation ---------------------------------------------------------------------

MAPS = {
    "rotation": [augmentation.RandomRotation(180), augmentation.RandomScale(2)],
    "shift": [augmentation.RandomShift(1)],
    "crop": [augmentation.RandomCrop(5), augmentation.RandomFlip(vertical=True)],
}


@pytest.mark.parametrize("maps", MAPS)
@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (1, 1), (1, 7), (33, 1), (5, 67)])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("fill", [-0.5, "nearest"])
def test_warp(lib, rng, maps, shape, channels, fill):
    n = 7
    images = rng.random((n, *shape, channels)).astype(lib.dtype)
    matrices = np.tile(np.eye(3), (n, 1, 1))
    for geometric in MAPS[maps]:
        matrices = matrices @ geometric.draw(n, shape, rng)
    warped = np.empty_like(images)
    nearest = fill == "nearest"
    args = [matrices, warped, 0 if nearest else fill, nearest]
    check(lib, "warp", unaligned(images), *args, written=[2], **tolerance(lib))
    if maps == "crop":  # pixels are copied, so that their neighbours have no influence
        images[rng.random(images.shape) < 0.2] = np.inf
        check(lib, "warp", images, *args, written=[2])


def test_warp_survives_maps_that_are_not_finite(lib, rng):
    images = rng.random((3, 8, 8, 1)).astype(lib.dtype)
    matrices = np.full((3, 3, 3), [[[np.nan]], [[np.inf]], [[-1e300]]])
    lib("warp", images, matrices, np.empty_like(images), 0, False)
