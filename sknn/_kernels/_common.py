"""What the build and the package both need: the variables, the state of the sources.

The build runs this file by its path, before there is a package.
"""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

HERE = Path(__file__).parent


def read_variable(name: str, values: tuple[str, ...], default: str) -> str:
    """Return an environment variable; `default` if it is empty or not set."""
    value = os.environ.get(name) or default
    if value not in values:
        *others, last = map(repr, values)
        raise ValueError(
            f"the environment variable {name} must be {', '.join(others)} or {last}, "
            f"got {value!r}"
        )
    return value


def is_on(name: str, default: str) -> bool:
    """Return whether an environment variable is 1, not 0."""
    return read_variable(name, ("0", "1"), default) == "1"


def fingerprint() -> int | None:
    """Return a number that tells versions of the sources apart; None without sources.

    A checkout has them, an installed package does not.
    """
    sources = HERE / "src"
    if not sources.is_dir():
        return None
    paths = [path for path in sources.iterdir() if path.suffix in (".c", ".def", ".h")]
    checksum = 0
    for path in sorted([HERE / "_binding.pyx", *paths]):
        checksum = crc32(path.read_bytes(), checksum)
    return checksum
