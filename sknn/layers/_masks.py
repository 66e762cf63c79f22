"""The random masks of dropout and DropConnect."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import Array

STEPS = 2**16
"""Number of values of sixteen random bits."""

PER_WORD = 4
"""Number of elements for which a random word of 64 bits suffices."""

BLOCK = 2**18
"""Elements that `mask_sparse` draws at a time, which bounds its memory to 512 kB or
four rows."""


def draw_mask(rng: np.random.Generator, rate: float, out: Array) -> None:
    """Fill `out` with 0 at the given rate and with ``1 / (1 - rate)`` elsewhere.

    The expected value of each element is 1. Sixteen random bits per element are enough,
    and drawing them is several times faster than drawing a float. The rate is therefore
    rounded to a multiple of 1 / 65536, but never to 1.
    """
    threshold, scale = _threshold_and_scale(rate, out)
    kept = _random_bits(rng, out.size) >= threshold
    in_memory = out.ravel(order="K")  # a view, since masks are contiguous
    np.multiply(kept, scale, out=in_memory)


def multiply(x: Array, mask: Array, y: Array) -> None:
    """``y = mask x``."""
    np.multiply(x, mask, out=y)


def mask_sparse(rng: np.random.Generator, rate: float, rows: Any) -> Any:
    """Return a copy of the CSR matrix `rows`, multiplied by a random mask.

    The mask is the one that `draw_mask` draws for a dense array of the same shape. Of
    its elements only the stored ones are looked up, block of rows by block of rows.
    """
    n_rows, width = rows.shape
    threshold, scale = _threshold_and_scale(rate, rows.data)
    mask = np.zeros_like(rows.data)  # it may be longer than what is stored
    # A block must end with a word, so that the next one continues the same stream.
    step = PER_WORD * max(1, BLOCK // (PER_WORD * width))
    for first in range(0, n_rows, step):
        indptr = rows.indptr[first : first + step + 1]
        bits = _random_bits(rng, (len(indptr) - 1) * width)
        stored = slice(indptr[0], indptr[-1])
        position = np.repeat(np.arange(len(indptr) - 1) * width, np.diff(indptr))
        position += rows.indices[stored]
        np.multiply(bits[position] >= threshold, scale, out=mask[stored])
    masked = rows.copy()
    masked.data *= mask
    return masked


def _random_bits(rng: np.random.Generator, size: int) -> Array:
    """Return sixteen random bits for each of `size` elements."""
    words = rng.bit_generator.random_raw(-(-size // PER_WORD))
    return words.view(np.uint16)[:size]


def _threshold_and_scale(rate: float, mask: Array) -> tuple[int, Any]:
    """Return the smallest number whose element is kept, and the value it is given."""
    threshold = min(round(rate * STEPS), STEPS - 1)
    return threshold, mask.dtype.type(STEPS / (STEPS - threshold))
