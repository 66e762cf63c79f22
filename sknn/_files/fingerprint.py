"""Fingerprints: short texts that differ where parameters or data do."""

from __future__ import annotations

import functools
import json
import pickle
from hashlib import sha256
from typing import Any

import numpy as np
from scipy import sparse

from .._typing import Array
from .codec import Writer

ROWS_AT_ONCE = 2**22
"""Bytes of an array that are copied at a time."""

LENGTH = 16
"""Number of hexadecimal digits."""

MAX_UNKNOWN = 8
"""Depth up to which the attributes of unknown objects are looked at."""


class Describer(Writer):
    """Turns any objects into trees, also those that no file can hold.

    Of a function or a class, the tree has only the name; of another unknown object, the
    class and the parameters or attributes, or else what a pickle of it has.
    """

    def unknown(self, value: Any, place: str, depth: int) -> Any:
        named = value if hasattr(value, "__qualname__") else type(value)
        name = f"{named.__module__}.{named.__qualname__}"
        if named is value or depth > MAX_UNKNOWN:
            return {"named": name}
        if sparse.issparse(value):
            rows = sparse.csr_array(value)
            name = "sparse rows"  # of a matrix or an array of SciPy
            parts: Any = [rows.shape, rows.data, rows.indices, rows.indptr]
        elif isinstance(value, functools.partial):
            parts = [value.func, value.args, value.keywords]
        elif hasattr(value, "get_params"):
            parts = value.get_params(deep=False)
        else:
            parts = getattr(value, "__dict__", None) or pickled(value)
        return {name: self.tree(parts, place, depth + 1)}


def pickled(value: Any) -> str | None:
    """Return a checksum of the pickle of an object; None if it cannot be pickled."""
    try:
        return sha256(pickle.dumps(value, protocol=4)).hexdigest()
    except Exception:  # whatever the object raises
        return None


def fingerprint(value: Any) -> str:
    """Return a short text that is another one for another value."""
    describer = Describer()
    tree = describer.tree(value, "value")
    checksum = sha256(json.dumps(tree).encode())
    for array in describer.arrays:
        add_array(checksum, array)
    return checksum.hexdigest()[:LENGTH]


def add_array(checksum: Any, array: Array) -> None:
    """Add dtype, shape and elements, in C order, without a copy of the whole."""
    checksum.update(f"{array.dtype.str}{array.shape}".encode())
    rows = np.atleast_1d(array)
    step = max(1, ROWS_AT_ONCE * len(rows) // max(rows.nbytes, 1))
    for start in range(0, len(rows), step):
        checksum.update(rows[start : start + step].tobytes())
