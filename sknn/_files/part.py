"""A part: how objects of one class are written and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """How objects of one class are written and read.

    Attributes
    ----------
    tag : str
        The name in files. It stays the same if the class moves.
    cls : type
        The class; objects of subclasses are others.
    take : callable
        Returns what makes up an object, a dict by names.
    make : callable
        Makes an object from these keyword arguments; raises where they do not fit.
    """

    tag: str
    cls: type
    take: Callable[[Any], dict[str, Any]]
    make: Callable[..., Any]
