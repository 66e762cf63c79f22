"""What a stochastic solver is: frozen hyper-parameters, a state, a step in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

from .._spec import Spec
from .._typing import Array

SolverState: TypeAlias = dict[str, Any]
"""What a solver remembers between steps: arrays like theta, counters. It pickles."""


class Solver(Spec, ABC):
    """A rule for one step of descent over the whole flat parameter vector.

    A step is elementwise, so that theta can be walked block by block.
    """

    weight_decay: ClassVar[float] = 0.0
    """Decoupled weight decay: parameters that decay shrink by η λ before a step.

    The step itself does not do it, since a solver does not know which they are.
    """

    @abstractmethod
    def start(self, theta: Array) -> SolverState:
        """Return the state before the first step, in the dtype of `theta`."""

    @abstractmethod
    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        """Update `theta` and `state` in place. May overwrite `grad`."""
