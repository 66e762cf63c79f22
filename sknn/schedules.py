"""Learning-rate schedules: the learning rate as training goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ._spec import Spec


@dataclass(frozen=True)
class Schedule(Spec, ABC):
    """A factor on ``learning_rate_init``, asked for at the end of each epoch.

    A schedule is immutable: what changes in training, the base rate that a plateau may
    lower, is kept by the training loop.
    """

    stop_message: ClassVar[str] = "Stopping."
    """What a verbose run prints when a plateau ends it."""

    @abstractmethod
    def __call__(self, t: int) -> float:
        """Return the factor on the base rate after `t` training rows."""

    def on_plateau(self, base_rate: float) -> float | None:
        """Return the base rate to go on with when training stalls; None means stop."""
        return None


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate from the first step to the last."""

    def __call__(self, t: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InvScaling(Schedule):
    """``1 / (t + 1) ** power_t``, where `t` counts training rows."""

    power_t: float = 0.5

    def __call__(self, t: int) -> float:
        return 1.0 / (t + 1) ** self.power_t


@dataclass(frozen=True)
class Adaptive(Schedule):
    """Divide the rate by 5 on each plateau, until it is as small as `smallest`."""

    stop_message = "Learning rate too small. Stopping."

    smallest: ClassVar[float] = 1e-6

    def __call__(self, t: int) -> float:
        return 1.0

    def on_plateau(self, base_rate: float) -> float | None:
        return base_rate / 5 if base_rate > self.smallest else None


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
}
"""The schedules that have a name; their fields are parameters of the estimators."""
