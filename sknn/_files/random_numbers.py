"""Random numbers: the states of generators, which NumPy does not check."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._random import NoiseStream
from ..exceptions import FileError
from .annotations import is_of


def take_random(rng: np.random.RandomState) -> dict[str, Any]:
    """Return the state of a RandomState; raise if it is not a Mersenne Twister."""
    state: Any = rng.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise FileError(
            f"{rng!r} is of the kind {state['bit_generator']}; only the usual "
            "RandomState, with MT19937, can be saved."
        )
    numbers = {"pos": int(state["state"]["pos"]), "key": state["state"]["key"]}
    return {**numbers, "has_gauss": state["has_gauss"], "gauss": state["gauss"]}


def make_random(pos: Any, key: Any, has_gauss: Any, gauss: Any) -> Any:
    """Return a RandomState, if the state is one that it can have.

    NumPy does not check it: a position outside of the key is read from elsewhere in
    memory, and with a key of zeros some methods never return.
    """
    if (
        not is_of(pos, int)
        or not 0 <= pos <= 624
        or (key.shape, key.dtype) != ((624,), np.uint32)
        or not (key[0] >> 31 or key[1:].any())
        or has_gauss not in (0, 1)
        or not is_of(gauss, float)
    ):
        raise FileError("the state of a RandomState is not valid.")
    rng = np.random.RandomState(0)
    rng.set_state(("MT19937", key, pos, int(has_gauss), float(gauss)))
    return rng


def take_noise(rng: NoiseStream) -> dict[str, Any]:
    """Return the state of a stream, and the seed of its children."""
    bits: Any = rng.bit_generator
    state, seed = bits.state, bits.seed_seq
    return {
        "state": state["state"]["state"],
        "has_uint32": int(state["has_uint32"]),
        "uinteger": int(state["uinteger"]),
        "entropy": np.asarray(seed.entropy),
        "spawn_key": seed.spawn_key,
        "n_children": seed.n_children_spawned,
    }


def make_noise(
    state: Any,
    has_uint32: Any,
    uinteger: Any,
    entropy: Any,
    spawn_key: Any,
    n_children: Any,
) -> NoiseStream:
    """Return a stream, if the state is one that it can have."""
    if (
        (state.shape, state.dtype) != ((4,), np.uint64)
        or (entropy.shape, entropy.dtype) != ((4,), np.uint32)
        or not all(is_of(n, int) and 0 <= n < 2**32 for n in (uinteger, n_children))
        or has_uint32 not in (0, 1)
        or not is_of(spawn_key, tuple[int, ...])
        or len(spawn_key) > 100
        or not all(0 <= n < 2**32 for n in spawn_key)
    ):
        raise FileError("the state of a random stream is not valid.")
    seed = np.random.SeedSequence(
        entropy, spawn_key=spawn_key, n_children_spawned=n_children
    )
    bits = np.random.SFC64(seed)
    bits.state = {
        "bit_generator": "SFC64",
        "state": {"state": state},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return NoiseStream(bits)
