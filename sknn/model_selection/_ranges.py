"""Ranges of parameters, and how they narrow to where the good values lie."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Self

import numpy as np
from scipy.stats import loguniform, randint, rv_continuous, rv_discrete, uniform

from .._estimators.base import BaseNetworkEstimator
from .._sklearn import Interval

Bounds = tuple[float, float]
"""Smallest and largest value that a parameter may have."""


@dataclass(frozen=True)
class Range(ABC):
    """What a parameter is drawn from in a round, and how that narrows."""

    source: Any
    """A distribution or a list, as `ParameterSampler` takes them."""

    @abstractmethod
    def narrow(self, good: list[Any]) -> Range:
        """Return the range of the next round, given the values of good candidates."""


@dataclass(frozen=True)
class _NumericRange(Range):
    """An interval of numbers whose ends may move, but not beyond the bounds."""

    bounds: Bounds

    def narrow(self, good: list[Any]) -> Self:
        # SciPy reports NaN as the support of a constant such as uniform(0, 0), or of
        # an interval that has shrunk to rounding error: neither can narrow.
        low, high = self.source.support()
        if not low < high:
            return self
        narrower = self._narrowed(good, low, high)
        return replace(self, source=narrower) if _has_support(narrower) else self

    @abstractmethod
    def _narrowed(self, good: list[Any], low: float, high: float) -> Any:
        """Return a distribution around the good values of one from low to high."""


class _LinearRange(_NumericRange):
    """Uniform from low to high: `scipy.stats.uniform`."""

    def _narrowed(self, good: list[Any], low: float, high: float) -> Any:
        low, high = _narrow(good, low, high, self.bounds)
        return uniform(low, high - low)


class _LogRange(_NumericRange):
    """Uniform in the logarithm: `scipy.stats.loguniform`."""

    def _narrowed(self, good: list[Any], low: float, high: float) -> Any:
        low, high, *good = np.log([low, high, *good])
        bounds = np.log(np.maximum(self.bounds, sys.float_info.min))
        return loguniform(*np.exp(_narrow(good, low, high, bounds)))


class _IntegerRange(_NumericRange):
    """Uniform over integers: `scipy.stats.randint`."""

    def _narrowed(self, good: list[Any], low: float, high: float) -> Any:
        low, high = _narrow(good, low, high, self.bounds, least_gap=1)
        return randint(math.ceil(low), math.floor(high) + 1)


class _Numbers(Range):
    """A list of numbers: narrows like integers, on the positions in sorted order."""

    def narrow(self, good: list[Any]) -> Self:
        values = sorted(self.source)
        positions, last = [values.index(value) for value in good], len(values) - 1
        low, high = _narrow(positions, 0, last, (0, last), least_gap=1)
        return replace(self, source=values[math.ceil(low) : math.floor(high) + 1])


class _Categories(Range):
    """A list of anything: a value that no good candidate has is dropped."""

    def narrow(self, good: list[Any]) -> Self:
        # By identity: values may be arrays or estimators, which do not compare.
        kept = {id(value) for value in good}
        return replace(self, source=[v for v in self.source if id(v) in kept])


class _OtherDistribution(Range):
    """A distribution of another kind, which stays as it is."""

    def narrow(self, good: list[Any]) -> Self:
        return self


def _has_support(distribution: Any) -> bool:
    """Return whether SciPy accepts the parameters of a frozen distribution."""
    return not np.isnan(distribution.support()).any()


def _narrow(
    good: Any, low: float, high: float, bounds: Any, least_gap: float = 0
) -> Bounds:
    """Return the range of the good values, with a gap added at both ends.

    The gap is the expected distance between neighbors of k values drawn uniformly from
    the old range; with it, the range of k random values is the old one on average. The
    new range is never wider than the old one, but may lie elsewhere within `bounds`.
    """
    width, gap = high - low, max((high - low) / (len(good) + 1), least_gap)
    smallest, largest = min(good), max(good)
    center = (smallest + largest) / 2
    half = min(largest - smallest + 2 * gap, width) / 2
    return max(center - half, bounds[0]), min(center + half, bounds[1])


def make_ranges(distributions: Mapping[str, Any], estimator: Any) -> dict[str, Range]:
    """Return the range of each parameter in the first round."""
    if not distributions:
        raise ValueError(
            "param_distributions must hold at least one parameter, such as "
            "{'learning_rate_init': scipy.stats.loguniform(1e-4, 1e-1)}, got {}."
        )
    return {
        name: make_range(name, given, estimator)
        for name, given in distributions.items()
    }


def make_range(name: str, given: Any, estimator: Any) -> Range:
    """Return the range that suits a distribution or a list."""
    if hasattr(given, "rvs"):
        _check_can_be_drawn_from(name, given)
        kind = getattr(getattr(given, "dist", None), "name", None)
        bounds = _allowed(name, estimator)
        if kind in ("loguniform", "reciprocal") and given.support()[0] > 0:
            return _LogRange(given, bounds or given.support())
        if kind == "uniform":
            return _LinearRange(given, bounds or given.support())
        if kind == "randint":
            return _IntegerRange(given, bounds or given.support())
        return _OtherDistribution(given)
    values = list(given) if isinstance(given, Iterable) else []
    if isinstance(given, str) or not values:
        raise ValueError(
            f"param_distributions[{name!r}] must be a distribution with an rvs method, "
            f"or a list that is not empty, got {given!r}."
        )
    return _Numbers(values) if all(map(_can_be_sorted, values)) else _Categories(values)


def _can_be_sorted(value: Any) -> bool:
    """Return whether a value is a number; a truth value or NaN is not."""
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, Real) and not math.isnan(value)


def _check_can_be_drawn_from(name: str, given: Any) -> None:
    """Raise if a distribution of SciPy has parameters that it does not allow.

    A custom distribution is not tried: a draw may change its state.
    """
    frozen = getattr(given, "dist", None)
    distribution = given if frozen is None else frozen
    if not isinstance(distribution, rv_continuous | rv_discrete):
        return
    try:
        given.rvs(random_state=0)
    except (TypeError, ValueError) as error:
        values = [*map(repr, getattr(given, "args", ()))]
        values += [f"{key}={v!r}" for key, v in getattr(given, "kwds", {}).items()]
        raise ValueError(
            f"param_distributions[{name!r}] must be a distribution with valid "
            f"parameters, got {distribution.name}({', '.join(values)}), from which "
            "SciPy cannot draw. For a single value, pass a list, such as [0.1]."
        ) from error


def _allowed(name: str, estimator: Any) -> Bounds | None:
    """Return the smallest and largest value that a network allows for a parameter.

    None for other estimators: they may declare a wider range than their data allow,
    such as more components than there are columns.
    """
    owner, _, name = name.rpartition("__")
    holder = estimator.get_params().get(owner) if owner else estimator
    if not isinstance(holder, BaseNetworkEstimator):
        return None
    constraints = getattr(holder, "_parameter_constraints", {}).get(name, [])
    ends = [
        _ends(interval) for interval in constraints if isinstance(interval, Interval)
    ]
    if not ends:
        return None
    lows, highs = zip(*ends, strict=True)
    return min(lows), max(highs)


def _ends(interval: Interval) -> Bounds:
    """Return the smallest and the largest number in an interval, open or closed."""
    low = -math.inf if interval.left is None else float(interval.left)
    high = math.inf if interval.right is None else float(interval.right)
    if interval.closed in ("right", "neither"):
        low = math.nextafter(low, math.inf)
    if interval.closed in ("left", "neither"):
        high = math.nextafter(high, -math.inf)
    return low, high
