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
    words = rng.bit_generator.random_raw(-(-out.size // 4))  # of 64 bits
    bits = words.view(np.uint16)[: out.size]
    in_memory = out.ravel(order="K")  # a view: masks have no gaps
    scale = out.dtype.type(STEPS / (STEPS - threshold))
    np.multiply(bits >= threshold, scale, out=in_memory)
