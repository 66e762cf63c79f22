"""The compiled module, if it is there; nothing else if it is not."""

from __future__ import annotations

from typing import Any


class Call:
    pass


def make_call(name: str, args: tuple[Any, ...]) -> Call | None:
    return None


def Program(items: list[Any]) -> Any:
    raise NotImplementedError


def set_threads(n: int) -> int:
    return 1


def describe() -> dict[str, Any]:
    return {"compiled": False}
