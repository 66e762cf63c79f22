"""Specs: immutable descriptions from which networks and training runs are built."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from inspect import Parameter, get_annotations, signature
from numbers import Real
from typing import Any, Self, TypeVar, dataclass_transform

import numpy as np

_parameters: dict[Any, Mapping[str, Parameter]] = {}


def parameters_of(cls: Any) -> Mapping[str, Parameter]:
    """Return the parameters of the constructor of a class, cached."""
    if cls not in _parameters:
        _parameters[cls] = signature(cls).parameters
    return _parameters[cls]


class Spec:
    """The hyper-parameters of one part, such as an activation, a layer or a solver.

    A spec holds no arrays, compares by value, can be pickled, and never changes, so any
    number of estimators can share it. The specs in sknn are frozen dataclasses; a
    custom class of another kind must store each constructor parameter in an attribute
    of the same name. In an estimator, the fields of a spec are nested parameters, as in
    ``set_params(learning_rate__warmup=5)``.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Set on the class itself; otherwise `dataclass` would add its own.
        if "__repr__" not in vars(cls):
            cls.__repr__ = Spec.__repr__  # type: ignore[method-assign]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters by name, as scikit-learn's `clone` expects."""
        return {name: getattr(self, name) for name in parameters_of(type(self))}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.get_params() == other.get_params()

    def __hash__(self) -> int:
        return hash((type(self), *self.get_params().items()))

    def __repr__(self) -> str:
        return self.describe()

    def describe(self, without: Collection[str] = ()) -> str:
        """Return the class name and the hyper-parameters that are not at their default.

        Those named in `without` are left out.
        """
        defaults = parameters_of(type(self))
        params = (
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if name not in without
            and not (value is (default := defaults[name].default) or value == default)
        )
        return f"{type(self).__name__}({', '.join(params)})"

    def replace(self, **changes: Any) -> Self:
        """Return a copy in which some hyper-parameters have new values."""
        params = self.get_params()
        for name in changes.keys() - params.keys():
            raise ValueError(
                f"{type(self).__name__} has no parameter {name!r}. Its parameters are "
                f"{sorted(params)}."
            )
        return type(self)(**{**params, **changes})


S = TypeVar("S", bound=Spec)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def spec(cls: type[S]) -> type[S]:
    """Make a class of specs a frozen dataclass.

    `Spec` compares, hashes and prints, and a class without fields of its own shares
    the method that forbids changes: methods that `dataclass` generates for each class
    would take most of the time of ``import sknn``.
    """
    if get_annotations(cls):
        return dataclass(frozen=True, eq=False, repr=False)(cls)

    def refuse(self: S, name: str, value: Any) -> None:
        if type(self) is cls:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    cls.__setattr__ = refuse  # type: ignore[assignment]
    return cls


def is_integer_from(low: int, value: Any) -> bool:
    """Return whether `value` is an integer, but not a bool, and at least `low`."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_integer and int(value) >= low


def check_positive(spec: Spec, name: str) -> None:
    """Raise unless field `name` of `spec` is a positive integer."""
    value = getattr(spec, name)
    if not is_integer_from(1, value):
        raise ValueError(
            f"{name} of {type(spec).__name__} must be a positive integer, got "
            f"{value!r}."
        )


def check_bool(spec: Spec, name: str) -> None:
    """Raise unless field `name` of `spec` is True or False."""
    value = getattr(spec, name)
    if not isinstance(value, bool | np.bool_):
        raise ValueError(
            f"{name} of {type(spec).__name__} must be True or False, got {value!r}."
        )


def check_range(
    spec: Spec, name: str, low: float, high: float, closed: str = "both"
) -> None:
    """Raise unless field `name` of `spec` is a number in the range.

    `closed` says which ends belong to the range: 'both', 'left', 'right' or 'neither'.
    """
    value = getattr(spec, name)
    if not isinstance(value, Real):
        raise ValueError(
            f"{name} of {type(spec).__name__} must be a number, got {value!r}."
        )
    number = float(value)
    above = low <= number if closed in ("both", "left") else low < number
    below = number <= high if closed in ("both", "right") else number < high
    if not (above and below):
        left = "[" if closed in ("both", "left") else "("
        right = "]" if closed in ("both", "right") else ")"
        raise ValueError(
            f"{name} of {type(spec).__name__} must be in {left}{low}, {high}{right}, "
            f"got {value!r}."
        )


def overrides(cls: type, names: set[str], instead_of: set[str]) -> bool:
    """Return whether a class has its own `names`, nearer than those they replace."""
    for base in cls.__mro__:
        if vars(base).keys() & instead_of:
            return False
        if vars(base).keys() & names:
            return True
    return False
