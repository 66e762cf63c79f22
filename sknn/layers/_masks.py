"""The random masks of dropout and DropConnect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._arrays import in_memory_order
from .._kernels import GRAIN, Calls, by_axis, has_kernel
from .._typing import Array

if TYPE_CHECKING:
    from .base import Training

STEPS = 2**16
"""Number of values of sixteen random bits."""

PER_WORD = 4
"""Number of elements for which a random word of 64 bits suffices."""

BLOCK = 2**18
"""Elements that `mask_sparse` draws at a time, which bounds its memory to 512 kB or
four rows."""


class Mask:
    """A random mask that is drawn for each batch, as bits, and applied to arrays.

    Its elements are 0 at the given rate and ``1 / (1 - rate)`` elsewhere, so that their
    expected value is 1. Sixteen random bits per element are enough, and drawing them is
    several times faster than drawing a float. The rate is therefore rounded to a
    multiple of 1 / 65536, but never to 1.

    Parameters
    ----------
    training : Training
        Has the stream of random numbers, and the current factor of all rates.
    rate : float
    like : ndarray
        An array of the shape, dtype and memory layout of the mask.
    """

    def __init__(self, training: Training, rate: float, like: Array) -> None:
        self.training, self.rate = training, rate
        self.words = np.zeros(-(-like.size // PER_WORD), np.uint64)
        self.bits = self.words.view(np.uint16)[: like.size]
        self.limits = np.array(threshold_and_scale(rate), like.dtype)

    def bind_draw(self, calls: Calls) -> None:
        """Record that the mask is drawn."""
        calls.do(self._draw)

    def _draw(self) -> None:
        draw_words(self.training.rng, self.words)
        self.limits[:] = threshold_and_scale(self.training.dropout_factor * self.rate)

    def bind(self, x: Array, y: Array, calls: Calls) -> None:
        """Record ``y = mask x``, where `y`, which may be `x`, has the mask's layout."""
        arrays = in_memory_order(x, y)
        if arrays is None:
            calls.do(np.copyto, y, x)
            arrays = in_memory_order(y, y)
        assert arrays is not None
        x, y = (a.reshape(-1) for a in arrays)
        calls.do(mask, x, self.bits, y, self.limits)


def draw_words(rng: np.random.Generator, words: Array) -> None:
    """Fill `words` with random bits."""
    words[:] = rng.bit_generator.random_raw(len(words))


@has_kernel(split=by_axis({0: 0, 1: 0, 2: 0}, GRAIN))
def mask(x: Array, bits: Array, y: Array, limits: Array) -> None:
    """``y = m x``, where m is the scale where bits reach the threshold, else 0.

    `limits` holds threshold and scale.
    """
    threshold, scale = int(limits[0]), limits[1]
    np.multiply(x, (bits >= threshold) * scale, out=y)


def mask_sparse(rng: np.random.Generator, rate: float, rows: Any) -> Any:
    """Return a copy of the CSR matrix `rows`, multiplied by a random mask.

    The mask is the one that a `Mask` draws for a dense array of the same shape. Of
    its elements only the stored ones are looked up, block of rows by block of rows.
    """
    n_rows, width = rows.shape
    threshold, scale = threshold_and_scale(rate)
    kept = rows.data.dtype.type(scale)
    mask = np.zeros_like(rows.data)  # it may be longer than what is stored
    # A block must end with a word, so that the next one continues the same stream.
    step = PER_WORD * max(1, BLOCK // (PER_WORD * width))
    for first in range(0, n_rows, step):
        indptr = rows.indptr[first : first + step + 1]
        bits = _random_bits(rng, (len(indptr) - 1) * width)
        stored = slice(indptr[0], indptr[-1])
        position = np.repeat(np.arange(len(indptr) - 1) * width, np.diff(indptr))
        position += rows.indices[stored]
        np.multiply(bits[position] >= threshold, kept, out=mask[stored])
    masked = rows.copy()
    masked.data *= mask
    return masked


def _random_bits(rng: np.random.Generator, size: int) -> Array:
    """Return sixteen random bits for each of `size` elements."""
    words = rng.bit_generator.random_raw(-(-size // PER_WORD))
    return words.view(np.uint16)[:size]


def threshold_and_scale(rate: float) -> tuple[int, float]:
    """Return the smallest number whose element is kept, and the value it is given."""
    threshold = min(round(rate * STEPS), STEPS - 1)
    return threshold, STEPS / (STEPS - threshold)
