"""The file of one fit: the state to continue from."""

from __future__ import annotations

import errno
import os
from typing import IO, Any, TypeAlias

from .._estimators.checkpoints import FitState
from .._version import __version__
from ..exceptions import FileError
from .archive import MAX_FILE, read_archive, remove_temporaries, write_archive
from .codec import Reader, Writer
from .header import check_version, header

Stamp: TypeAlias = tuple[int, int, int]
"""By which to see whether a file has been replaced: its number, time and size."""


class TrainingFile:
    """The file that holds the state of one fit, and of no other.

    Parameters
    ----------
    path : str
        The absolute path.
    identity : dict of str
        The fingerprints of all that makes two fits the same one, by name.
    """

    def __init__(self, path: str, identity: dict[str, str]) -> None:
        self.path, self.identity = os.path.realpath(path), identity
        self._stamp: Stamp | None = None

    def read(self) -> FitState | None:
        """Return the state in the file, or None if there is no file.

        Raises
        ------
        FileError
            If the file is that of another fit, or damaged.
        OSError
            If there is no such folder, or the file cannot be read.
        """
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "There is no such folder", folder)
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise FileError(
                f"path of Checkpoint must be a file or a folder, got {self.path!r}."
            )
        state = self._checked_state() if os.path.exists(self.path) else None
        remove_temporaries(self.path)  # of processes that were killed
        return state

    def _checked_state(self) -> FitState:
        """Return the state in the file; raise if it cannot be used."""
        with open(self.path, "rb") as opened:
            self._stamp = stamp(os.fstat(opened.fileno()))
            try:
                return self._state_in(opened)
            except Exception as error:  # damaged bytes raise almost anything
                known = isinstance(error, FileError)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                raise FileError(
                    f"The fit cannot continue from {self.path!r}: {reason} The file is "
                    "left as it is: remove it, or choose another path. In a folder, "
                    "each fit has a file of its own."
                ) from error

    def _state_in(self, opened: IO[bytes]) -> FitState:
        """Return the state in an open file; raise if it is not that of this fit."""
        document, arrays = read_archive(opened, MAX_FILE)
        check_version(document, "training")
        version = document["written_by"]["sknn"]
        if version != __version__:
            raise FileError(
                f"it was written by sknn {version!s:.20}, and this is {__version__}."
            )
        before, now = document["identity"], self.identity
        names = {**now, **before}
        others = [name for name in names if before.get(name) != now.get(name)]
        if others:
            raise FileError(
                "it has the state of another fit, with other values of "
                f"{', '.join(others)!s:.500}."
            )
        state: Any = Reader(arrays).whole(document["training"])
        if not isinstance(state, FitState):
            raise FileError("it has something else in the place of the state.")
        return state

    def write(self, state: FitState) -> None:
        """Write the state.

        Raises
        ------
        FileError
            If someone else has written to the file, or the state is too large for one.
        OSError
            If the file cannot be written.
        """
        if os.path.isfile(self.path) and stamp(os.stat(self.path)) != self._stamp:
            raise FileError("another fit has written to this file in the meantime")
        writer = Writer()
        tree = writer.tree(state, "training")
        document = {**header(), "identity": self.identity, "training": tree}
        write_archive(self.path, document, writer.arrays)
        self._stamp = stamp(os.stat(self.path))


def stamp(status: os.stat_result) -> Stamp:
    """Return by which to see whether a file has been replaced."""
    return status.st_ino, status.st_mtime_ns, status.st_size
