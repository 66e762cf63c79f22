"""NumPy twins of the kernels of batches, masks, normalisation and augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from .._arrays import as_floats
from .._typing import Array
from ..augmentation import warp as warp_images

# -- batches --------------------------------------------------------------------------


def gather(X: Array, rows: Array | None, x: Array) -> None:
    """Write rows `rows` of `X`, or all rows, as floats into `x`."""
    np.copyto(x, as_floats(X if rows is None else X[rows], x.dtype))


def gather_images(X: Array, rows: Array | None, y: Array) -> None:
    """Write images of `X` (N, pixels, channels) into `y` (channels, pixels, n)."""
    np.copyto(y.transpose(2, 1, 0), as_floats(X if rows is None else X[rows], y.dtype))


gather_bytes = gather_other = gather
gather_images_bytes = gather_images_other = gather_images

# -- masks ----------------------------------------------------------------------------


def mask(x: Array, bits: Array, y: Array, threshold: int, scale: float) -> None:
    """Write ``x * m`` into `y`: m is `scale` if bits >= threshold, else 0."""
    np.multiply(x, (bits >= threshold) * y.dtype.type(scale), out=y)


# -- normalisation --------------------------------------------------------------------


def scale_shift(x: Array, scale: Array, shift: Array | None, y: Array) -> None:
    """Write ``x * scale + shift`` into `y`, for each unit of `x` (units, m)."""
    np.multiply(x, scale[:, np.newaxis], out=y)
    if shift is not None:
        y += shift[:, np.newaxis]


def batch_norm(
    x: Array,
    q: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    var: Array,
    y: Array,
    epsilon: float,
) -> None:
    """Standardise units of `x` (units, m) into `y`, with their mean and variance."""
    np.matmul(x, q, out=mean)
    np.subtract(x, mean[:, np.newaxis], out=y)
    np.matmul(y * y, q, out=var)
    y *= (gamma / np.sqrt(var + epsilon))[:, np.newaxis]
    y += beta[:, np.newaxis]


def batch_norm_backward(
    x: Array,
    dy: Array,
    q: Array,
    gamma: Array,
    mean: Array,
    var: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array | None,
    epsilon: float,
) -> None:
    """Write the gradients of `batch_norm`; dx may be dy."""
    s = np.sqrt(var + epsilon)
    x_hat = (x - mean[:, np.newaxis]) / s[:, np.newaxis]
    np.sum(dy, axis=1, out=dbeta)
    np.einsum("ij,ij->i", dy, x_hat, out=dgamma)
    if dx is not None:
        x_hat *= dgamma[:, np.newaxis]
        x_hat += dbeta[:, np.newaxis]
        x_hat *= q
        np.subtract(dy, x_hat, out=dx)
        dx *= (gamma / s)[:, np.newaxis]


def layer_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    inverse: Array,
    y: Array,
    epsilon: float,
) -> None:
    """Standardise columns of `x` (units, m) into `y`, with their mean and 1 / s."""
    np.mean(x, axis=0, out=mean)
    np.subtract(x, mean, out=y)
    var = np.einsum("ij,ij->j", y, y) / len(y)
    np.divide(1, np.sqrt(var + epsilon), out=inverse)
    y *= inverse
    y *= gamma[:, np.newaxis]
    y += beta[:, np.newaxis]


def layer_norm_gradients(
    x: Array, dy: Array, mean: Array, inverse: Array, dgamma: Array, dbeta: Array
) -> None:
    """Write the gradients of `layer_norm` with respect to gamma and beta."""
    np.sum(dy, axis=1, out=dbeta)
    np.einsum("ij,ij->i", dy, (x - mean) * inverse, out=dgamma)


def layer_norm_backward(
    x: Array, dy: Array, gamma: Array, mean: Array, inverse: Array, dx: Array
) -> None:
    """Write the gradient of `layer_norm` with respect to x; dx may be dy."""
    x_hat = (x - mean) * inverse
    d = dy * gamma[:, np.newaxis]
    x_hat *= np.einsum("ij,ij->j", d, x_hat) / len(d)
    x_hat += d.mean(axis=0)
    np.subtract(d, x_hat, out=dx)
    dx *= inverse


# -- sparse rows ----------------------------------------------------------------------


def csr_dot(data: Array, indices: Array, indptr: Array, W: Array, y: Array) -> None:
    """Write ``x W`` into `y`, for the CSR matrix x of these arrays."""
    np.copyto(y, _csr(data, indices, indptr, len(W)) @ W)


def csr_t_dot(data: Array, indices: Array, indptr: Array, dy: Array, dW: Array) -> None:
    """Write ``xᵀ dy`` into `dW`, for the CSR matrix x of these arrays."""
    np.copyto(dW, _csr(data, indices, indptr, len(dW)).T @ dy)


def _csr(data: Array, indices: Array, indptr: Array, width: int) -> Any:
    return csr_matrix((data, indices, indptr), (len(indptr) - 1, width))


# -- augmentation ---------------------------------------------------------------------


def warp(
    images: Array, matrices: Array, warped: Array, fill: float, nearest: bool
) -> None:
    """Write images whose pixel p shows what is at ``matrix @ p`` into `warped`."""
    np.copyto(warped, warp_images(images, matrices, "nearest" if nearest else fill))
