"""NumPy twins of the kernels of batches, masks, normalisation and augmentation."""

from __future__ import annotations

import numpy as np

from .._arrays import as_floats
from .._typing import Array

# -- batches --------------------------------------------------------------------------


def gather(X: Array, rows: Array | None, x: Array) -> None:
    """Write rows `rows` of `X`, or all rows, as floats into `x`."""
    np.copyto(x, as_floats(X if rows is None else X[rows], x.dtype))


def gather_images(X: Array, rows: Array | None, y: Array) -> None:
    """Write images `rows` of `X` (N, pixels, channels) into `y` (channels, pixels, n)."""
    np.copyto(y.transpose(2, 1, 0), as_floats(X if rows is None else X[rows], y.dtype))


gather_bytes = gather_other = gather
gather_images_bytes = gather_images_other = gather_images

# -- masks ----------------------------------------------------------------------------


def mask(x: Array, bits: Array, y: Array, threshold: int, scale: float) -> None:
    """Write ``x * m`` into `y`, with m = `scale` where `bits` >= `threshold`, else 0."""
    np.multiply(x, (bits >= threshold) * y.dtype.type(scale), out=y)


def sfc64(state: Array, words: Array) -> None:
    """Fill `words` with the next words of the generator in `state`, and advance it."""
    bits = np.random.SFC64()
    new = bits.state
    new["state"]["state"] = state.view(np.uint64)
    bits.state = new
    words[:] = bits.random_raw(len(words)).view(words.dtype)
    state[:] = bits.state["state"]["state"].view(state.dtype)
