"""Arrays that start on a cache line, where elementwise loops run fastest; casts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._kernels import GRAIN, by_axis, has_kernel
from ._typing import Array, DType, Matrix, Shape

CACHE_LINE = 64
"""In bytes. A vector instruction that crosses from one line to the next takes twice as
long, and NumPy's own arrays start at any multiple of 16."""


SHORT = 2048
"""Number of bytes up to which aligning an array takes longer than it gains."""


def aligned_empty(shape: Shape, dtype: DType) -> Array:
    """Return a new uninitialized array that starts on a cache line if it is long."""
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes < SHORT:
        return np.empty(shape, dtype)
    memory = np.empty(n_bytes + CACHE_LINE, np.uint8)
    return _aligned(memory, n_bytes).view(dtype).reshape(shape)


def aligned_zeros(shape: Shape, dtype: DType) -> Array:
    """Return a new array of zeros that starts on a cache line."""
    n_bytes = math.prod(shape) * dtype.itemsize
    memory = np.zeros(n_bytes + CACHE_LINE, np.uint8)  # memory not touched yet
    return _aligned(memory, n_bytes).view(dtype).reshape(shape)


def _aligned(memory: Array, n_bytes: int) -> Array:
    """Return the first `n_bytes` that start on a cache line."""
    start = -memory.__array_interface__["data"][0] % CACHE_LINE
    return memory[start : start + n_bytes]


def batch_empty(n: int, shape: Shape, dtype: DType) -> Array:
    """Return a new array of `n` rows of `shape`, in the fastest memory layout.

    For images, (channels, height, width), the rows are innermost in memory, so that a
    kernel or a pooling window reads neighboring pixels in a few long runs. For
    members, (k, d), the rows of each member are one C-contiguous matrix. The shape is
    (n, *shape) all the same; only the strides differ.
    """
    if len(shape) == 2:
        return aligned_empty((shape[0], n, shape[1]), dtype).transpose(1, 0, 2)
    if len(shape) < 2:
        return aligned_empty((n, *shape), dtype)
    return np.moveaxis(aligned_empty((*shape, n), dtype), -1, 0)


def aligned_like(x: Array) -> Array:
    """Return a new array of the shape, dtype and memory layout of a batch `x`."""
    if x.ndim == 2 and not x.flags.c_contiguous:
        return aligned_empty(x.shape[::-1], x.dtype).T
    return batch_empty(len(x), x.shape[1:], x.dtype)


def rows_last(x: Array) -> Array:
    """View rows of images (n, C, H, W) as (C, H, W, n), as they lie in memory."""
    return x.transpose(1, 2, 3, 0)


def by_unit(x: Array) -> Array:
    """Return a batch as (units, m): a row for each unit, or for each channel of images.

    This is a view if the memory layout of images is that of `batch_empty`, and a copy
    for members, whose units are counted member by member.
    """
    if x.ndim == 3:
        return x.transpose(1, 2, 0).reshape(-1, len(x))
    return x.T if x.ndim == 2 else rows_last(x).reshape(x.shape[1], -1)


def by_member(x: Array) -> list[Array]:
    """View a batch of members (n, k, d) as their k matrices (n, d)."""
    return [x[:, i] for i in range(x.shape[1])]


def by_member_and_unit(x: Array) -> list[Array]:
    """View a batch as matrices (units, m): one for each member, else only `by_unit`."""
    return [v.T for v in by_member(x)] if x.ndim == 3 else [by_unit(x)]


def joined_members(x: Array) -> Array:
    """View members (n, k, d) as (k n, d), as they lie in memory."""
    n, k, d = x.shape
    return x.transpose(1, 0, 2).reshape(k * n, d)


def shape_of_units(in_shape: Shape) -> Shape:
    """Return the shape of an array with a number for each unit of each member.

    The units of images are their channels.
    """
    return in_shape if len(in_shape) == 2 else in_shape[:1]


def as_floats(x: Matrix, dtype: DType, out: Array | None = None) -> Matrix:
    """Return rows as floats: bytes as fractions of 255, numbers as they are.

    Dense rows are written to `out` if it is given.

    Raises
    ------
    ValueError
        If a finite number is too large for `dtype`.
    """
    if x.dtype == np.uint8 and not isinstance(x, np.ndarray):
        return x.astype(dtype) * dtype.type(1 / 255)
    if x.dtype == np.uint8:
        return np.multiply(x, dtype.type(1 / 255), out=out, dtype=dtype)
    try:
        with np.errstate(over="raise"):
            if out is None:
                return x.astype(dtype, copy=False)
            np.copyto(out, x, casting="unsafe")
            return out
    except FloatingPointError:
        raise ValueError(
            f"The network computes in {dtype}, but the rows contain values beyond "
            f"{np.finfo(dtype).max:.3g}, the largest that {dtype} can hold. Scale the "
            "features, for example with sklearn.preprocessing.StandardScaler, or fit "
            "on float64 rows."
        ) from None


def in_memory_order(*arrays: Array) -> tuple[Array, ...] | None:
    """View arrays of one shape as C-contiguous ones with their elements in one order.

    None if their memory layouts differ or have gaps.
    """
    if all(a.flags.c_contiguous for a in arrays):
        return arrays
    ndim = arrays[0].ndim
    axes = {3: (1, 0, 2), 4: (1, 2, 3, 0)}.get(ndim, tuple(range(ndim)[::-1]))
    views = tuple(a.transpose(axes) for a in arrays)
    return views if all(v.flags.c_contiguous for v in views) else None


PRODUCT_GRAIN = 2**19
"""Multiply-adds of a product for which a second thread pays."""


def of_one_layout(name: str) -> Callable[..., tuple[str, tuple[Any, ...]] | None]:
    """Return a translation for a kernel whose matrices must have one memory layout."""

    def translate(*args: Any) -> tuple[str, tuple[Any, ...]] | None:
        matrices = [a for a in args if isinstance(a, np.ndarray) and a.ndim == 2]
        first = matrices[0]
        same = all(a.strides == first.strides for a in matrices)
        return (name, args) if same else None

    return translate


# -- operations with kernels ----------------------------------------------------------


def along_rows(y: Array) -> bool:
    """Return whether a product `y` is cut into blocks of rows, not of columns."""
    return y.shape[0] >= y.shape[1]


def _split_product(args: tuple[Any, ...], parts: int) -> list[tuple[Any, ...]]:
    """Cut a product along the longer side of y."""
    a, _, y = args[:3]
    parts = min(parts, y.size * a.shape[1] // PRODUCT_GRAIN)
    axes = {2: 0, 0: 0} if along_rows(y) else {2: 1, 1: 1}
    return by_axis(axes, 1)(args, parts)


def _matmul_kernel(a: Array, b: Array, y: Array, alpha: float = 1.0) -> Any:
    return "matmul", (a, b, y, alpha)


@has_kernel(_matmul_kernel, _split_product)
def matmul(a: Array, b: Array, y: Array, alpha: float = 1.0) -> None:
    """``y = alpha a b``."""
    if y.flags.c_contiguous:
        np.matmul(a, b, out=y)
    else:  # NumPy would compute in a buffer, and copy it
        np.matmul(b.T, a.T, out=y.T)
    if alpha != 1:
        y *= y.dtype.type(alpha)


@has_kernel(split=by_axis({0: 0}, GRAIN))
def add_bias(y: Array, b: Array) -> None:
    """``y += b``, for rows `y` and a bias of each unit."""
    y += b


@has_kernel(split=by_axis({0: 1, 1: 0}, GRAIN))
def column_sums(dy: Array, db: Array) -> None:
    """``db = Σ dy`` over rows."""
    np.matmul(np.ones(len(dy), dy.dtype), dy, out=db)  # faster than a sum


def _gather_kernel(X: Any, rows: Array, x: Array) -> tuple[str, Any] | None:
    if not (isinstance(X, np.ndarray) and X.flags.c_contiguous):
        return None
    if not x.flags.c_contiguous:
        return None
    m = math.prod(x.shape[1:])
    flat = X.reshape(len(X), m), rows, x.reshape(len(x), m)
    if X.dtype == np.int64 == x.dtype:
        return "gather", (flat[0].view(np.float64), rows, flat[2].view(np.float64))
    if X.dtype == np.uint8:
        return "gather_bytes", flat
    if X.dtype == np.float32 and x.dtype == np.float64:
        return "gather_other", flat
    return "gather", flat


@has_kernel(_gather_kernel)
def gather(X: Array, rows: Array, x: Array) -> None:
    """``x = X[rows]``, as floats of the dtype of `x` if these are floats."""
    if X.dtype == x.dtype:
        X.take(rows, 0, out=x, mode="clip")  # lets NumPy write to x without a copy
    elif x.dtype.kind == "f":
        as_floats(X[rows], x.dtype, out=x)
    else:
        np.copyto(x, X[rows], casting="unsafe")
