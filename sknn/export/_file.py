"""How writers write their files: completely, or not at all."""

from __future__ import annotations

import os

from .._files.archive import replaced


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, which replaces an older one at once; a symbolic link stays one."""
    with replaced(os.path.realpath(os.fsdecode(path))) as file:
        file.write(content)
