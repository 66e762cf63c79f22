"""The start of a document: its format, and what has written it."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import scipy
import sklearn

from .._version import __version__
from ..exceptions import FileError

VERSION = 1
"""Of the format. A version that older releases cannot read has a higher number."""

WRONG = {
    "estimator": "it holds the state of training (Checkpoint), and no estimator.",
    "training": "it holds an estimator (sknn.save), and no state of training.",
}
"""What is wrong with a document without this content."""


def header() -> dict[str, Any]:
    """Return the start of a document."""
    return {"format": "sknn", "version": VERSION, "written_by": versions()}


def check_version(document: Any, content: str) -> None:
    """Raise unless this version of sknn reads the document, and it holds `content`."""
    version = document.get("version")
    if not isinstance(document.get("written_by"), dict):
        raise FileError("it does not say what has written it.")
    if document.get("format") != "sknn" or type(version) is not int or version < 1:
        raise FileError("it is not in the format of sknn.")
    if version > VERSION:
        raise FileError(
            f"it is in version {version} of the format, written by sknn "
            f"{document['written_by']['sknn']!s:.20}; sknn {__version__} reads up to "
            f"version {VERSION}: install a newer sknn."
        )
    if content not in document:
        raise FileError(WRONG[content])


def versions() -> dict[str, str]:
    """Return the versions that a file is written with."""
    return {
        "sknn": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
