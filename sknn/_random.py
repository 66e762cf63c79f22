"""The random stream of masks, mixup and augmentation, of which exact copies exist."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["NoiseStream"]


class NoiseStream(np.random.Generator):
    """A generator on SFC64 whose copies and pickles spawn the same children.

    Before NumPy 2.0 a copy or a pickle of a generator loses its seed sequence: the
    children that it spawns are then seeded by the operating system.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        bits = self.bit_generator
        return _restored, (bits.state, bits.seed_seq)


def _restored(state: Any, seed_seq: Any) -> NoiseStream:
    """Return the stream in this state, with the seed sequence of its children."""
    bits = np.random.SFC64(seed_seq)
    bits.state = state
    return NoiseStream(bits)
