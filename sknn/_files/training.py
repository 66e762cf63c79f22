"""The file of one fit: the state to continue from."""

from __future__ import annotations

import errno
import os
from typing import Any, TypeAlias

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
        remove_temporaries(self.path)
        try:
            opened = open(self.path, "rb")  # noqa: SIM115
        except FileNotFoundError:
            return None
        with opened:
            self._stamp = stamp(os.fstat(opened.fileno()))
            try:
                document, arrays = read_archive(opened, MAX_FILE)
                check_version(document, "training")
                self._check_fit(document)
                state: Any = Reader(arrays).whole(document["training"])
                if not isinstance(state, FitState):
                    raise FileError("it holds something else.")
            except Exception as error:  # damaged bytes raise almost anything
                known = isinstance(error, FileError)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                raise FileError(
                    f"The fit cannot continue from {self.path!r}: {reason} The file is "
                    "left as it is: remove it, or choose another path. If the path is "
                    "a folder, each fit has a file of its own in it."
                ) from error
        return state

    def _check_fit(self, document: Any) -> None:
        """Raise unless the document is that of this fit, and of this version."""
        version = document["written_by"]["sknn"]
        if version != __version__:
            raise FileError(
                f"it was written by sknn {version!s:.20}, and this is {__version__}."
            )
        before, now = document["identity"], self.identity
        others = [name for name in {**now, **before} if before.get(name) != now.get(name)]
        if others:
            raise FileError(
                "it holds the state of another fit, which differs in "
                f"{', '.join(others)!s:.500}."
            )

    def write(self, state: FitState) -> None:
        """Write the state.

        Raises
        ------
        FileError
            If someone else has written to the file, or the state is too large for one.
        OSError
            If the file cannot be written.
        """
        if os.path.exists(self.path) and stamp(os.stat(self.path)) != self._stamp:
            raise FileError(
                "another fit has written to this file in the meantime, and it is left "
                "as it is."
            )
        writer = Writer()
        tree = writer.tree(state, "training")
        document = {**header(), "identity": self.identity, "training": tree}
        write_archive(self.path, document, writer.arrays)
        self._stamp = stamp(os.stat(self.path))


def stamp(status: os.stat_result) -> Stamp:
    """Return by which to see whether a file has been replaced."""
    return status.st_ino, status.st_mtime_ns, status.st_size
