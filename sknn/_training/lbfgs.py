"""Training with L-BFGS, on all rows at once."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import OptimizeResult

from .._descent import norm
from .._typing import Array, DType
from ..network import Network
from ..objective import Objective
from ..solvers._lbfgs import minimize_lbfgs
from .data import Data
from .monitor import Ending, Monitor

FLOAT64 = np.dtype(np.float64)
"""The dtype of the line search, which needs the accuracy."""


class Iterations:
    """What SciPy calls while it minimizes: the objective, and a hook per iteration.

    Attributes
    ----------
    theta : ndarray of shape (n_trained,)
        View of the trained parameters of the network.
    last_theta : ndarray of shape (n_trained,)
        Parameters after the last iteration.
    stopped : bool
        Whether a callback has ended training.
    out_of_time : bool
        Whether `max_time` has.
    """

    def __init__(self, objective: Objective, data: Data, monitor: Monitor) -> None:
        self.objective = objective
        self.data = data
        self.monitor = monitor
        self.theta = objective.network.theta[: objective.network.n_trained]
        self.last_theta = self.theta.copy()
        self.stopped = self.out_of_time = False
        self._in_iteration = False
        self._rows_per_pass = objective.network.rows_per_pass(data.n)
        self._total = data.total_weight

    def loss_gradient(self, theta: Array) -> tuple[float, Array]:
        """Return the objective at `theta` and its gradient."""
        if not self._in_iteration:
            self.monitor.epoch_begins()
            self._in_iteration = True
        np.copyto(self.theta, theta)
        batches = self.data.batches(self.data.rows, self._rows_per_pass)
        loss = self.objective.sum_over(batches, self._total)
        return loss, self.objective.grad.copy()

    def end(self, result: OptimizeResult) -> None:
        """Record the end of an iteration; raise StopIteration to end training."""
        self._in_iteration = False
        np.copyto(self.theta, result.x)
        np.copyto(self.last_theta, result.x)
        self.stopped = self.monitor.epoch_ends(
            float(result.fun), gradient_norm=norm(self.objective.grad)
        )
        stalled = self.monitor.limits.early_stopping and self.monitor.stalled
        self.out_of_time = self.monitor.out_of_time
        if self.stopped or stalled or self.out_of_time:
            raise StopIteration


def train_lbfgs(
    objective: Objective,
    data: Data,
    monitor: Monitor,
    *,
    max_fun: int,
    dtype: DType = FLOAT64,
) -> tuple[Ending, OptimizeResult | None]:
    """Train `objective.network`, which is in float64, in place.

    Also returns SciPy's result if SciPy ended the run. `dtype` is what the trained
    network will be cast to: training has diverged if the network then overflows.
    """
    history, limits = monitor.history, monitor.limits
    iterations = Iterations(objective, data, monitor)
    result: OptimizeResult | None
    try:
        result = minimize_lbfgs(
            iterations.loss_gradient,
            iterations.theta.copy(),
            max_iter=limits.max_iter,
            max_fun=max_fun,
            tol=limits.tol,
            on_iteration=iterations.end,
        )
    except KeyboardInterrupt:
        result = None
    # SciPy may evaluate the loss of the last iteration again, and rounding depends on
    # where arrays are in memory: keep the number that is in the history.
    np.copyto(iterations.theta, iterations.last_theta)
    if result is not None and history.n_iter == 0:
        history.loss = float(result.fun)
        history.best_loss = min(history.best_loss, history.loss)
    if not monitor.restore_best():
        result = None
    cast = objective.network.astype(dtype)
    if not predictions_are_finite(cast, data):
        if np.isfinite(cast.theta).all():  # otherwise the weights are to blame
            history.loss = math.nan
        return "diverged", None
    if result is None:
        return "interrupted", None
    if not math.isfinite(result.fun):
        return "diverged", None
    if limits.early_stopping and monitor.stalled:
        monitor.print_stalled("Stopping.")
        return "converged", None
    if iterations.stopped:
        return "stopped", None
    if iterations.out_of_time:
        return "max_time", None
    return "converged", result


def predictions_are_finite(network: Network, data: Data) -> bool:
    """Return whether the raw scores of all rows to train on are finite."""
    return all(np.isfinite(z).all() for _, z in network.passes(data.X, data.rows))
