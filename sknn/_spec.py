"""Specs: the immutable descriptions that networks and training runs are made from."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self


class Spec:
    """Hyper-parameters of one part, such as an activation, a layer or a solver.

    Subclasses are frozen dataclasses: they hold no arrays, compare by value, pickle,
    and are never changed, so that one can be shared by any number of estimators. An
    estimator that was given one reaches its fields in scikit-learn's way, as in
    ``set_params(learning_rate__warmup=5)``.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters by name, as scikit-learn's `clone` wants them."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values of some hyper-parameters."""
        params = self.get_params()
        for name in changes.keys() - params.keys():
            raise ValueError(
                f"{type(self).__name__} has no parameter {name!r}. Its parameters are "
                f"{sorted(params)}."
            )
        return type(self)(**{**params, **changes})


def check_range(
    spec: Spec, name: str, low: float, high: float, closed: str = "both"
) -> None:
    """Raise unless field `name` of `spec` is a number in the range.

    `closed` says which ends belong to it: 'both', 'left', 'right' or 'neither'.
    """
    value = getattr(spec, name)
    above = low <= value if closed in ("both", "left") else low < value
    below = value <= high if closed in ("both", "right") else value < high
    if not (above and below):
        left = "[" if closed in ("both", "left") else "("
        right = "]" if closed in ("both", "right") else ")"
        raise ValueError(
            f"{name} of {type(spec).__name__} must be in {left}{low}, {high}{right}, "
            f"got {value!r}."
        )
