"""Training: epochs, batches, when to stop, and the history of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.optimize import OptimizeResult

from ._typing import Array, Matrix
from .descent import Descent
from .network import Network
from .objective import Batch, Objective, total_weight
from .schedules import Schedule
from .solvers import Solver, SolverState, minimize_lbfgs

Validate = Callable[[], tuple[float, float]]
"""Returns loss and score (higher is better, may be NaN) on the validation set, now."""

Ending = Literal["converged", "max_iter", "interrupted", "diverged", "one epoch"]
"""Why a training run ended."""


@dataclass
class Data:
    """Rows to train on: features, encoded targets, weights; `rows` selects some."""

    X: Matrix
    y: Array
    sample_weight: Array | None = None
    rows: Array | None = None

    @property
    def n(self) -> int:
        """Number of rows to train on."""
        return self.X.shape[0] if self.rows is None else len(self.rows)

    @property
    def selected(self) -> Any:
        """Index of the rows to train on."""
        return slice(None) if self.rows is None else self.rows

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the rows to train on."""
        if self.sample_weight is None:
            return float(self.n)
        return float(self.sample_weight[self.selected].sum())

    def batches(self, order: Array | None, batch_size: int) -> Iterator[Batch]:
        """Yield (x, y, sample_weight) in the order of rows given, or as stored.

        A batch of a dense `X` lives in a buffer that the next batch overwrites.
        """
        dense = isinstance(self.X, np.ndarray)
        if dense and order is not None:
            buffer = np.empty((batch_size, *self.X.shape[1:]), self.X.dtype)
        for start in range(0, self.n, batch_size):
            rows: Any = slice(start, min(start + batch_size, self.n))
            if order is None:
                x = self.X[rows]
            else:
                rows = order[rows]
                if dense:
                    # mode="clip" lets NumPy write to the buffer without a copy.
                    x = buffer[: len(rows)]
                    np.take(self.X, rows, axis=0, out=x, mode="clip")
                else:
                    x = self.X[rows]
            w = None if self.sample_weight is None else self.sample_weight[rows]
            yield x, self.y[rows], w


@dataclass
class History:
    """What happened in each epoch, or iteration of L-BFGS, over all fits."""

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    loss: float = math.nan
    best_loss: float = math.inf
    best_validation_score: float = -math.inf
    no_improvement_count: int = 0
    n_iter: int = 0
    t: int = 0

    def copy(self) -> History:
        """Return a copy whose lists can be extended on their own."""
        return History(*(copy.copy(value) for value in vars(self).values()))


@dataclass
class SolverProgress:
    """All a stochastic solver needs to go on exactly where it stopped. It pickles."""

    solver: Solver
    states: list[SolverState]
    first_rate: float
    base_rate: float
    learning_rate: float

    @classmethod
    def start(cls, solver: Solver, theta: Array, rate: float) -> SolverProgress:
        """Return what a solver has before its first step."""
        return cls(solver, Descent.start(solver, theta), rate, rate, rate)

    def resume(self, solver: Solver, theta: Array, rate: float) -> SolverProgress:
        """Return a copy to go on with; where the parameters have changed, start anew.

        Another solver, or the same with other constants, starts with a fresh state;
        another first rate starts the schedule from there.
        """
        if solver != self.solver:
            return self.start(solver, theta, rate)
        progress = copy.deepcopy(self)
        if rate != self.first_rate:
            progress.first_rate = progress.base_rate = progress.learning_rate = rate
        return progress


@dataclass(frozen=True)
class Limits:
    """When to stop, as the parameters of those names say; what to print."""

    max_iter: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    verbose: bool


class Monitor:
    """Keeps the history of a run, the best weights, and the count of stalled epochs."""

    def __init__(
        self,
        network: Network,
        history: History,
        limits: Limits,
        validate: Validate | None,
    ) -> None:
        self.network = network
        self.history = history
        self.limits = limits
        self.validate = validate
        self._best_theta: Array | None = None
        if limits.early_stopping:
            self._best_theta = network.theta.copy()

    def epoch_ends(self, loss: float) -> None:
        """Record an epoch: its training loss, then the validation loss and score."""
        history = self.history
        history.n_iter += 1
        history.loss = loss
        history.loss_curve.append(loss)
        if self.limits.verbose:
            print(f"Iteration {history.n_iter}, loss = {loss:.8f}")
        score = math.nan
        if self.validate is not None:
            validation_loss = math.nan
            if math.isfinite(loss):
                validation_loss, score = self.validate()
            history.validation_loss_curve.append(validation_loss)
            history.validation_scores.append(score)
            if self.limits.verbose:
                print(f"Validation score: {score:f}")
        self._count_stalled(loss, score)
        history.best_loss = min(history.best_loss, loss)
        if score > history.best_validation_score:
            history.best_validation_score = score
            if self._best_theta is not None:
                np.copyto(self._best_theta, self.network.theta)

    def _count_stalled(self, loss: float, score: float) -> None:
        """Count epochs in a row without an improvement of at least tol.

        The comparisons are scikit-learn's, so that ties and NaN count the same.
        """
        history, tol = self.history, self.limits.tol
        if self.limits.early_stopping:
            stalled = score < history.best_validation_score + tol
        else:
            stalled = loss > history.best_loss - tol
        history.no_improvement_count = (
            history.no_improvement_count + 1 if stalled else 0
        )

    @property
    def stalled(self) -> bool:
        """Whether nothing has improved for more than ``n_iter_no_change`` epochs."""
        return self.history.no_improvement_count > self.limits.n_iter_no_change

    def say_stalled(self, consequence: str) -> None:
        """If verbose, print what has not improved, in scikit-learn's words."""
        if self.limits.verbose:
            what = "Validation score" if self.limits.early_stopping else "Training loss"
            print(
                f"{what} did not improve more than tol={self.limits.tol:f} for "
                f"{self.limits.n_iter_no_change} consecutive epochs. {consequence}"
            )

    def restore_best(self) -> None:
        """With early stopping, put the weights with the best score back."""
        if self._best_theta is not None:
            np.copyto(self.network.theta, self._best_theta)


def train_epoch(
    objective: Objective,
    descent: Descent,
    learning_rate: float,
    batches: Iterable[Batch],
) -> float:
    """Take one step a batch; return the mean of the objective over the rows.

    Stops at the first loss that is not finite and returns it. A batch in which every
    weight is zero says nothing about the parameters and is passed over.
    """
    loss_sum, n = 0.0, 0
    for x, y, w in batches:
        weight = total_weight(y, w)
        if weight == 0:
            continue
        loss = objective.data_loss_gradient(x, y, w, weight)
        if not math.isfinite(loss):
            return loss
        loss += descent.step(weight, learning_rate)
        loss_sum += loss * len(y)
        n += len(y)
    return loss_sum / n


def _lower_rate(schedule: Schedule, progress: SolverProgress, monitor: Monitor) -> bool:
    """On a plateau, go on at the rate the schedule says; False if it says to stop."""
    base_rate = schedule.on_plateau(progress.base_rate)
    if base_rate is None:
        monitor.say_stalled(schedule.stop_message)
        return False
    progress.base_rate = base_rate
    monitor.history.no_improvement_count = 0
    monitor.say_stalled(f"Setting learning rate to {base_rate:f}")
    return True


def train_stochastic(
    objective: Objective,
    data: Data,
    monitor: Monitor,
    schedule: Schedule,
    progress: SolverProgress,
    *,
    batch_size: int,
    shuffle: bool,
    rng: np.random.RandomState,
    one_epoch: bool = False,
) -> Ending:
    """Train `objective.network` in place, epoch by epoch.

    With `one_epoch`, the building block of ``partial_fit``, stop after the first.
    """
    history, limits = monitor.history, monitor.limits
    history.n_iter = 0
    shuffled = np.arange(data.n) if data.rows is None else data.rows.copy()
    descent = Descent(objective, progress.solver, progress.states)
    try:
        while history.n_iter < limits.max_iter:
            if shuffle:
                rng.shuffle(shuffled)
            batches = data.batches(shuffled if shuffle else data.rows, batch_size)
            loss = train_epoch(objective, descent, progress.learning_rate, batches)
            history.t += data.n
            monitor.epoch_ends(loss)
            if not math.isfinite(loss):
                return "diverged"
            stop = monitor.stalled and not _lower_rate(schedule, progress, monitor)
            progress.learning_rate = progress.base_rate * schedule(history.t)
            if stop:
                return "converged"
            if one_epoch:
                return "one epoch"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        monitor.restore_best()
    return "max_iter"


def train_lbfgs(
    objective: Objective, data: Data, monitor: Monitor, *, max_fun: int
) -> tuple[Ending, OptimizeResult | None]:
    """Train `objective.network`, which is in float64, in place on all rows at once.

    Returns SciPy's result too, unless training was ended from outside.
    """
    theta, history = objective.network.theta, monitor.history
    history.n_iter = 0
    last_theta = theta.copy()
    rows_per_pass, total = objective.network.rows_per_pass(data.n), data.total_weight

    def loss_gradient(theta_tried: Array) -> tuple[float, Array]:
        np.copyto(theta, theta_tried)
        loss = objective.sum_over(data.batches(data.rows, rows_per_pass), total)
        return loss, objective.grad.copy()

    def on_iteration(result: OptimizeResult) -> None:
        np.copyto(theta, result.x)
        np.copyto(last_theta, result.x)
        monitor.epoch_ends(float(result.fun))
        if monitor.limits.early_stopping and monitor.stalled:
            raise StopIteration

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
        np.copyto(theta, last_theta)
        monitor.restore_best()
        return "interrupted", None
    np.copyto(theta, result.x)
    history.loss = float(result.fun)  # there may have been no iteration
    history.best_loss = min(history.best_loss, history.loss)
    monitor.restore_best()
    if not math.isfinite(result.fun):
        return "diverged", None
    if monitor.limits.early_stopping and monitor.stalled:
        monitor.say_stalled("Stopping.")
        return "converged", None
    return "converged", result
