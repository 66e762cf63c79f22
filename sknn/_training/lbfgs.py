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
    network, history = objective.network, monitor.history
    theta = network.theta[: network.n_trained]
    last_theta = theta.copy()
    rows_per_pass, total = network.rows_per_pass(data.n), data.total_weight
    in_iteration = stopped = False

    def loss_gradient(theta_tried: Array) -> tuple[float, Array]:
        nonlocal in_iteration
        if not in_iteration:
            monitor.epoch_begins()
            in_iteration = True
        np.copyto(theta, theta_tried)
        loss = objective.sum_over(data.batches(data.rows, rows_per_pass), total)
        return loss, objective.grad.copy()

    def on_iteration(result: OptimizeResult) -> None:
        nonlocal in_iteration, stopped
        in_iteration = False
        np.copyto(theta, result.x)
        np.copyto(last_theta, result.x)
        stopped = monitor.epoch_ends(
            float(result.fun), gradient_norm=norm(objective.grad)
        )
        if stopped or (monitor.limits.early_stopping and monitor.stalled):
            raise StopIteration

    result: OptimizeResult | None
    try:
        result = minimize_lbfgs(
            loss_gradient,
            theta.copy(),
            max_iter=monitor.limits.max_iter,
            max_fun=max_fun,
            tol=monitor.limits.tol,
            on_iteration=on_iteration,
        )
    except KeyboardInterrupt:
        result = None
    # SciPy may evaluate the loss of the last iteration again, and rounding depends on
    # where arrays lie in memory: keep the number that is in the history.
    np.copyto(theta, last_theta)
    if result is not None and history.n_iter == 0:
        history.loss = float(result.fun)
        history.best_loss = min(history.best_loss, history.loss)
    monitor.restore_best()
    cast = network.astype(dtype)
    if not predictions_are_finite(cast, data):
        if np.isfinite(cast.theta).all():  # otherwise the weights are to blame
            history.loss = math.nan
        return "diverged", None
    if result is None:
        return "interrupted", None
    if not math.isfinite(result.fun):
        return "diverged", None
    if monitor.limits.early_stopping and monitor.stalled:
        monitor.print_stalled("Stopping.")
        return "converged", None
    return ("stopped", None) if stopped else ("converged", result)


def predictions_are_finite(network: Network, data: Data) -> bool:
    """Return whether the raw scores of all rows to train on are finite."""
    return all(np.isfinite(z).all() for _, z in network.passes(data.X, data.rows))
