"""The base class of stochastic solvers: hyper-parameters, state, in-place step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

from .._spec import Spec
from .._typing import Array

SolverState: TypeAlias = dict[str, Any]
"""What a solver keeps between steps: arrays like theta, and counters. It pickles."""


class Solver(Spec, ABC):
    """An update rule for the flat parameter vector theta.

    A step is elementwise, so that it can be applied to theta block by block.
    """

    weight_decay: ClassVar[float] = 0.0
    """Decoupled weight decay λ: weights shrink by the factor 1 - η λ before a step.

    `step` does not apply it, because a solver does not know which parameters decay.
    """

    @abstractmethod
    def start(self, theta: Array) -> SolverState:
        """Return the state before the first step, in the dtype of `theta`."""

    @abstractmethod
    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        """Update `theta` and `state` in place. May overwrite `grad`."""
