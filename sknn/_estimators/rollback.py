"""A method that fails leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .._training import History
from .._training.history import Mark

P = ParamSpec("P")
R = TypeVar("R")


def all_or_nothing(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method that, if it fails, must leave the estimator as it was.

    It is not a context manager because an interrupt (Ctrl-C) can arrive on entry to its
    ``__exit__``; a generator would then restore the attributes when it is deleted,
    which may be much later.
    """

    @wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        estimator: Any = args[0]
        before = dict(vars(estimator))
        history: History | None = before.get("_history")
        mark = None if history is None else history.mark()
        try:
            return method(*args, **kwargs)
        except BaseException:
            try:
                restore(estimator, before, mark)
            finally:
                restore(estimator, before, mark)  # if an interrupt cut it short
            raise

    return wrapper


def restore(estimator: Any, before: dict[str, Any], mark: Mark | None) -> None:
    """Set all attributes of an estimator, and roll its history back to `mark`."""
    estimator.__dict__ = dict(before)
    if mark is not None:
        before["_history"].roll_back(mark)
