"""The base class of stochastic solvers: hyper-parameters, state, in-place step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from .._spec import Spec
from .._typing import Array

SolverState: TypeAlias = dict[str, Any]
"""What a solver keeps between steps: arrays like theta, and counters. It pickles."""

N_COMMON = 4
"""Number of constants of an update that all solvers share: see `Solver.update`."""


class Solver(Spec, ABC):
    """An update rule for theta, the vector of all trained parameters.

    A step is elementwise, so that it can be applied to theta block by block. A solver
    has the method `start` and either the method `step`, or instead of it `update`,
    `arrays` and `constants`, which a compiled kernel can take.

    In the formulas of the solvers, θ are the parameters, g is the gradient of the
    objective with respect to θ, η the learning rate, and t the number of the step,
    counted from 1. All operations are elementwise, and all arrays of the state are
    initially 0 if nothing else is said.

    Examples
    --------
    A solver of your own is a frozen dataclass with the methods `start` and `step`:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.solvers import Solver
    >>> @dataclass(frozen=True)
    ... class SignSGD(Solver):
    ...     def start(self, theta):
    ...         return {}
    ...     def step(self, theta, grad, state, learning_rate):
    ...         theta -= learning_rate * np.sign(grad)
    ...
    >>> theta, grad = np.array([1.0, -2.0]), np.array([0.5, -4.0])
    >>> SignSGD().step(theta, grad, {}, learning_rate=0.25)
    >>> theta
    array([ 0.75, -1.75])

    Pass it to an estimator: ``MLPClassifier(solver=SignSGD())``.
    """

    weight_decay: ClassVar[float] = 0.0
    """Decoupled weight decay λ: before a step with the learning rate η, weights are
    multiplied by 1 - η λ.

    `step` does not apply it, because a solver does not know which parameters decay.
    """

    update: ClassVar[Callable[..., None] | None] = None
    """The step as a function ``update(theta, grad, *arrays, n_decay, c, sums)``.

    It adds the gradient of the penalty, applies the weight decay and takes the step, in
    one pass over memory if it has a kernel. `theta`, `grad` and `arrays`, the arrays of
    the state, are changed in place. The weights W are the first `n_decay` elements of
    `theta`: penalty and weight decay apply only to them. ``Σ W²`` and ``Σ |W|`` are
    written to ``sums[0]`` and ``sums[1]`` if there is an L2 and an L1 penalty.

    `c` is an array of constants: first the factors of the L2 and of the L1 penalty, the
    factor of the weights (weight decay) and the factor of the gradient, then the
    `constants` of the solver.
    """

    arrays: ClassVar[tuple[str, ...]] = ()
    """The names of the arrays in the state, as `update` takes them."""

    @abstractmethod
    def start(self, theta: Array) -> SolverState:
        """Return the state before the first step.

        Parameters
        ----------
        theta : ndarray of shape (n_trained,)
            The initial parameters, float32 or float64.

        Returns
        -------
        dict
            What the solver keeps between steps by name: arrays of the shape and dtype
            of `theta`, and numbers.
        """

    def constants(self, state: SolverState, learning_rate: float) -> tuple[float, ...]:
        """Return the numbers that `update` needs for the next step.

        Parameters
        ----------
        state : dict
            The state. A solver that counts its steps does so here.
        learning_rate : float
            The learning rate of the step.

        Returns
        -------
        tuple of float
            The last elements of the argument `c` of `update`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must have the method step, or an update and the "
            "method constants."
        )

    def step(
        self, theta: Array, grad: Array, state: SolverState, learning_rate: float
    ) -> None:
        """Take a step, without weight decay.

        Parameters
        ----------
        theta : ndarray of shape (n_trained,)
            The parameters, changed in place.
        grad : ndarray of shape (n_trained,)
            The gradient, with that of the penalty; may be overwritten.
        state : dict
            The state, changed in place.
        learning_rate : float
            The learning rate of the step.
        """
        c = np.array([0.0, 0.0, 1.0, 1.0, *self.constants(state, learning_rate)])
        arrays = (state.get(name) for name in self.arrays)
        assert self.update is not None
        type(self).update(theta, grad, *arrays, 0, c, np.zeros(2))  # type: ignore[misc]


def penalize(theta: Array, grad: Array, n_decay: int, c: Array, sums: Array) -> None:
    """Scale the gradient, add that of the penalty, and let the weights decay.

    ``g ← scale g + l2 W + l1 sign(W)`` and ``W ← shrink W``, with ``c = (l2, l1,
    shrink, scale, ...)`` and W the first `n_decay` elements of `theta`; ``Σ W²`` and
    ``Σ |W|`` go to `sums`.
    """
    l2, l1, shrink, scale = c[:N_COMMON].tolist()
    W, dW = theta[:n_decay], grad[:n_decay]
    if scale != 1:
        grad *= scale
    if l2:
        dW += W * l2
        sums[0] = W @ W
    if l1:
        dW += np.sign(W) * W.dtype.type(l1)
        sums[1] = np.abs(W).sum()
    if shrink != 1:
        W *= shrink
