"""The types that annotations promise: what constructors do not check, this does."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..exceptions import FileError


def take_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def make_dataclass(cls: type, **values: Any) -> Any:
    """Return an object of a dataclass, if all fields have the annotated types."""
    check_types(values, hints_of(cls), cls.__name__)
    return cls(**values)


@cache
def hints_of(cls: type) -> dict[str, Any]:
    """Return the annotations of a class, by the names of attributes."""
    return get_type_hints(cls)


def check_types(values: dict[str, Any], hints: dict[str, Any], owner: str) -> None:
    """Raise unless each value has the type in `hints`."""
    for name, value in values.items():
        if name not in hints:
            raise FileError(f"{owner} has {name!r:.50}, which sknn does not know.")
        if not is_of(value, hints[name]):
            raise FileError(f"{name} of {owner} is {value!r:.100}.")


def is_of(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if hasattr(origin or hint, "__value__"):  # "type X = ...", as NDArray in NumPy 2.5
        return is_of(value, (origin or hint).__value__)
    if hint is float or hint is int:
        is_number = isinstance(value, Real if hint is float else Integral)
        return is_number and not isinstance(value, bool)
    if origin in (Union, UnionType):
        return any(is_of(value, arg) for arg in args)
    if origin is Literal:
        return value in args
    if origin is list:
        return type(value) is list and all(is_of(item, args[0]) for item in value)
    if origin is dict:
        return type(value) is dict and all(
            is_of(key, args[0]) and is_of(item, args[1]) for key, item in value.items()
        )
    if origin is tuple:
        several = args[1:] == (...,)
        args = args[:1] * len(value) if several and type(value) is tuple else args
        return (
            type(value) is tuple
            and len(value) == len(args)
            and all(map(is_of, value, args))
        )
    return isinstance(value, origin or hint)


def check_key(key: Any) -> None:
    """Raise unless a value may be a key of a dict: text, a number or None.

    Many others can be chosen such that they all have the same hash, and then a dict
    takes minutes.
    """
    plain = key is None or isinstance(key, str | float | np.floating)
    if not plain and not (isinstance(key, Integral) and abs(int(key)) < 2**63):
        raise FileError(f"{key!r:.100} cannot be a key or a category in a file.")
