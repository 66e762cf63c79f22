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
from scipy.stats import loguniform, randint, uniform

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
        """Return the range of the next round, from the values of good candidates."""


@dataclass(frozen=True)
class _NumericRange(Range):
    """From a smallest to a largest number, both of which may move up to the bounds."""

    bounds: Bounds

    def narrow(self, good: list[Any]) -> Self:
        return replace(self, source=self._between(good, *self.source.support()))

    @abstractmethod
    def _between(self, good: list[Any], low: float, high: float) -> Any:
        """Return the distribution where the good values between low and high lie."""


class _LinearRange(_NumericRange):
    """Evenly from low to high: `scipy.stats.uniform`."""

    def _between(self, good: list[Any], low: float, high: float) -> Any:
        low, high = _narrow(good, low, high, self.bounds)
        return uniform(low, high - low)


class _LogRange(_NumericRange):
    """Evenly in the logarithm: `scipy.stats.loguniform`."""

    def _between(self, good: list[Any], low: float, high: float) -> Any:
        low, high, *good = np.log([low, high, *good])
        bounds = np.log(np.maximum(self.bounds, sys.float_info.min))
        return loguniform(*np.exp(_narrow(good, low, high, bounds)))


class _IntegerRange(_NumericRange):
    """Evenly over whole numbers: `scipy.stats.randint`."""

    def _between(self, good: list[Any], low: float, high: float) -> Any:
        low, high = _narrow(good, low, high, self.bounds, least_gap=1)
        return randint(math.ceil(low), math.floor(high) + 1)


class _Numbers(Range):
    """A list of numbers: a range of integers, the positions when sorted."""

    def narrow(self, good: list[Any]) -> Self:
        values = sorted(self.source)
        positions, last = [values.index(value) for value in good], len(values) - 1
        low, high = _narrow(positions, 0, last, (0, last), least_gap=1)
        return replace(self, source=values[math.ceil(low) : math.floor(high) + 1])


class _Categories(Range):
    """A list of anything: what no good candidate has dies out."""

    def narrow(self, good: list[Any]) -> Self:
        # By identity: values may be arrays or estimators, which do not compare.
        alive = {id(value) for value in good}
        return replace(self, source=[v for v in self.source if id(v) in alive])


class _OtherDistribution(Range):
    """A distribution of which only samples are known: it stays as it is."""

    def narrow(self, good: list[Any]) -> Self:
        return self


def _narrow(
    good: Any, low: float, high: float, bounds: Any, least_gap: float = 0
) -> Bounds:
    """Return the range of the good values, with a gap at both ends, within bounds.

    The gap is what k values leave between them that are spread evenly over the old
    range, and with it the ends of k random values are those of the range in the mean.
    The new range is never wider than the old one, but may lie elsewhere.
    """
    width, gap = high - low, max((high - low) / (len(good) + 1), least_gap)
    smallest, largest = min(good), max(good)
    centre = (smallest + largest) / 2
    half = min(largest - smallest + 2 * gap, width) / 2
    return max(centre - half, bounds[0]), min(centre + half, bounds[1])


def make_ranges(distributions: Mapping[str, Any], estimator: Any) -> dict[str, Range]:
    """Return the range of each parameter at the beginning."""
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
    """Return the range of the kind that suits a distribution or a list."""
    if hasattr(given, "rvs"):
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
            f"param_distributions[{name!r}] must be a distribution with a method rvs, "
            f"or a list that is not empty, got {given!r}."
        )
    if all(isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in values):
        return _Numbers(values)
    return _Categories(values)


def _allowed(name: str, estimator: Any) -> Bounds | None:
    """Return between which values a parameter of a network may lie.

    None for other estimators: what they declare allows more than their data do, such
    as more components than columns.
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
