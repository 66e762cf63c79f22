"""Random masks of dropout and DropConnect."""

from __future__ import annotations

import numpy as np

from .._typing import Array

STEPS = 2**16


def draw_mask(rng: np.random.Generator, rate: float, out: Array) -> None:
    """Fill `out` with 0 at the given rate and with ``1 / (1 - rate)`` elsewhere.

    The expectation of each element is 1. Sixteen random bits an element are enough,
    and several times faster than a float each: rates are rounded to 1 / 65536, and
    never to 1.
    """
    threshold = min(round(rate * STEPS), STEPS - 1)
    bits = rng.integers(0, STEPS, out.shape, dtype=np.uint16)
    np.multiply(bits >= threshold, out.dtype.type(STEPS / (STEPS - threshold)), out=out)
