"""Training: epochs, batches, when to stop, and the history of it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from scipy.optimize import OptimizeResult

from ._typing import Array, Matrix
from .descent import NO_CLIPPING, Clipping, Descent, norm
from .network import Network
from .objective import Batch, Objective, total_weight
from .schedules import Schedule
from .solvers import Solver, SolverState, minimize_lbfgs

Validate = Callable[[], tuple[float, float]]
"""Returns loss and score (higher is better, may be NaN) on the validation set, now."""

Ending = Literal[
    "converged", "max_iter", "interrupted", "diverged", "stopped", "one epoch"
]
"""Why a training run ended; "stopped" by a callback."""


class Callbacks(Protocol):
    """What is told of each epoch, or iteration of L-BFGS."""

    def epoch_begins(self) -> None:
        """Take note that an epoch begins."""

    def epoch_ends(self) -> bool:
        """Take note that an epoch has ended; return whether to stop training."""


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


COLUMNS = (
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
    "seconds",
)
"""What the history tells of each epoch; NaN where there is nothing to tell."""


@dataclass
class History:
    """What happened in each epoch, or iteration of L-BFGS, over all fits."""

    columns: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in COLUMNS}
    )
    loss: float = math.nan
    best_loss: float = math.inf
    best_validation_score: float = -math.inf
    best_epoch: int = 0
    no_improvement_count: int = 0
    n_iter: int = 0
    t: int = 0
    base_rates: list[float] = field(default_factory=list)

    def add(self, **values: float) -> None:
        """Add the row of an epoch."""
        for name, column in self.columns.items():
            column.append(values.get(name, math.nan))

    def copy(self) -> History:
        """Return a copy that can be extended on its own."""
        other = copy.copy(self)
        other.columns = {name: column.copy() for name, column in self.columns.items()}
        return other


@dataclass
class SolverProgress:
    """All that training needs to go on exactly where it stopped. It pickles.

    `states` are those of the runs of theta in `places`; `frozen` are the layers that
    have none; `epochs` counts those since the schedule began, at `first_rate`;
    `base_rate` is the rate that the schedule's factor applies to, lowered by plateaus;
    `rng` is the stream of masks and mixup.
    """

    solver: Solver
    places: list[slice]
    frozen: list[bool]
    states: list[SolverState]
    first_rate: float
    base_rate: float
    rng: np.random.Generator
    epochs: int = 0

    @classmethod
    def start(
        cls, solver: Solver, network: Network, rate: float, rng: np.random.Generator
    ) -> SolverProgress:
        """Return what a solver has before its first step."""
        states = Descent.start(solver, network)
        return cls(solver, *cls.layout(network), states, rate, rate, rng)

    @staticmethod
    def layout(network: Network) -> tuple[list[slice], list[bool]]:
        """Return to what of a network the states belong: `places` and `frozen`."""
        return [at for at, _ in network.segments], [r == 0 for r in network.rates]

    def resume(self, solver: Solver, network: Network, rate: float) -> SolverProgress:
        """Return a copy to go on with; where the parameters have changed, start anew.

        Another solver, the same with other constants, or other frozen layers start with
        a fresh state; another first rate starts the schedule from there.
        """
        progress = copy.deepcopy(self)
        if solver != self.solver or self.layout(network) != (self.places, self.frozen):
            return self.start(solver, network, rate, progress.rng)
        if rate != self.first_rate:
            progress.first_rate = progress.base_rate = rate
            progress.epochs = 0
        return progress


@dataclass(frozen=True)
class Limits:
    """When to stop, as the parameters of those names say; what to print."""

    max_iter: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    restore_best: bool
    verbose: int


class Monitor:
    """Keeps the history of a run, the best weights, and the count of stalled epochs."""

    def __init__(
        self,
        network: Network,
        history: History,
        limits: Limits,
        validate: Validate | None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self.network = network
        self.history = history
        self.limits = limits
        self.validate = validate
        self.callbacks = callbacks
        self._best: tuple[Array, Array] | None = None
        if limits.early_stopping and limits.restore_best:
            self._best = network.snapshot()
        history.n_iter = history.best_epoch = 0
        history.base_rates = []
        self._start = time.perf_counter()

    def epoch_begins(self) -> None:
        """Take note that an epoch begins."""
        self._start = time.perf_counter()
        if self.callbacks is not None:
            self.callbacks.epoch_begins()

    def epoch_ends(self, loss: float, **measured: float) -> bool:
        """Record an epoch: its training loss, then the validation loss and score.

        Returns whether a callback wants training to stop.
        """
        history = self.history
        history.n_iter += 1
        history.loss = loss
        validation_loss = score = math.nan
        if self.validate is not None and math.isfinite(loss):
            validation_loss, score = self.validate()
        history.add(
            loss=loss,
            validation_loss=validation_loss,
            validation_score=score,
            seconds=time.perf_counter() - self._start,
            **measured,
        )
        self._print_epoch()
        self._count_stalled(loss, score)
        history.best_loss = min(history.best_loss, loss)
        if score > history.best_validation_score:
            history.best_validation_score = score
            history.best_epoch = history.n_iter
            if self._best is not None:
                self._best = self.network.snapshot()
        return self.callbacks is not None and self.callbacks.epoch_ends()

    def _print_epoch(self) -> None:
        """Print the lines of scikit-learn, or with verbose=2 a row of a table."""
        last = {name: column[-1] for name, column in self.history.columns.items()}
        epoch, verbose = self.history.n_iter, self.limits.verbose
        if verbose == 2:
            if epoch == 1:
                print(" epoch", *(f"{TITLES[name]:>11}" for name in COLUMNS))
            print(f"{epoch:6d}", *(f"{last[name]:11.5g}" for name in COLUMNS))
        elif verbose:
            print(f"Iteration {epoch}, loss = {last['loss']:.8f}")
            if self.validate is not None:
                print(f"Validation score: {last['validation_score']:f}")

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
        if self._best is not None:
            self.network.restore(self._best)


TITLES = {
    "loss": "loss",
    "validation_loss": "val. loss",
    "validation_score": "val. score",
    "learning_rate": "rate",
    "gradient_norm": "grad. norm",
    "seconds": "seconds",
}
"""Titles of the columns of the table that ``verbose=2`` prints."""


def train_epoch(
    objective: Objective,
    descent: Descent,
    batches: Iterable[tuple[Batch, float]],
    n_batches: int,
) -> float:
    """Take one step a batch; return the mean of the objective over the rows.

    Each batch comes with its learning rate. Stops at the first loss that is not finite
    and returns it. A batch in which every weight is zero says nothing about the
    parameters and is passed over.
    """
    loss_sum, n = 0.0, 0
    descent.gradient_norm = math.nan  # the last batch may not get as far as a step
    for i, ((x, y, w), learning_rate) in enumerate(batches, start=1):
        weight = total_weight(y, w)
        if weight == 0:
            continue
        loss = objective.data_loss_gradient(x, y, w, weight)
        if not math.isfinite(loss):
            return loss
        # The norm of one gradient an epoch costs nothing that can be measured.
        loss += descent.step(weight, learning_rate, measure=i == n_batches)
        loss_sum += loss * len(y)
        n += len(y)
    return loss_sum / n


@dataclass(frozen=True)
class Rates:
    """The learning rate of each step of an epoch."""

    schedule: Schedule
    progress: SolverProgress
    n_epochs: int
    n_batches: int
    t: int

    def __iter__(self) -> Iterator[float]:
        """Yield the rates, one a batch."""
        for i in range(self.n_batches):
            yield self.at(self.progress.epochs + i / self.n_batches)

    def at(self, epoch: float) -> float:
        """Return the rate after `epoch` epochs."""
        rows = self.t if self.progress.epochs else 0
        factor = self.schedule(epoch, self.n_epochs, rows)
        return float(self.progress.base_rate * factor)


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
    clipping: Clipping = NO_CLIPPING,
    n_epochs: int | None = None,
    base_rates: Sequence[float] = (),
    one_epoch: bool = False,
) -> Ending:
    """Train `objective.network` in place, epoch by epoch.

    The schedule is planned for `n_epochs`, by default ``max_iter``. `base_rates` are
    those of the epochs of an earlier run, with what its plateaus did. With `one_epoch`,
    the building block of ``partial_fit``, stop after the first.
    """
    history, limits = monitor.history, monitor.limits
    n_epochs = n_epochs or limits.max_iter
    n_batches = math.ceil(data.n / batch_size)
    shuffled = np.arange(data.n) if data.rows is None else data.rows.copy()
    descent = Descent(objective, progress.solver, progress.states, clipping)
    try:
        while history.n_iter < limits.max_iter:
            monitor.epoch_begins()
            if base_rates:
                progress.base_rate = base_rates[history.n_iter]
            history.base_rates.append(progress.base_rate)
            if shuffle:
                rng.shuffle(shuffled)
            batches = data.batches(shuffled if shuffle else data.rows, batch_size)
            rates = Rates(schedule, progress, n_epochs, n_batches, history.t)
            first_rate = rates.at(progress.epochs)
            steps = zip(batches, rates, strict=True)
            loss = train_epoch(objective, descent, steps, n_batches)
            history.t += data.n
            progress.epochs += 1
            stopped = monitor.epoch_ends(
                loss, learning_rate=first_rate, gradient_norm=descent.gradient_norm
            )
            if not math.isfinite(loss):
                return "diverged"
            if monitor.stalled and not _lower_rate(schedule, progress, monitor):
                return "converged"
            if stopped:
                return "stopped"
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
    network, history = objective.network, monitor.history
    theta = network.theta[: network.n_trained]
    last_theta = theta.copy()
    rows_per_pass, total = network.rows_per_pass(data.n), data.total_weight
    begun = stopped = False

    def loss_gradient(theta_tried: Array) -> tuple[float, Array]:
        nonlocal begun
        if not begun:
            monitor.epoch_begins()
            begun = True
        np.copyto(theta, theta_tried)
        loss = objective.sum_over(data.batches(data.rows, rows_per_pass), total)
        return loss, objective.grad.copy()

    def on_iteration(result: OptimizeResult) -> None:
        nonlocal begun, stopped
        begun = False
        np.copyto(theta, result.x)
        np.copyto(last_theta, result.x)
        stopped = monitor.epoch_ends(
            float(result.fun), gradient_norm=norm(objective.grad)
        )
        if stopped or (monitor.limits.early_stopping and monitor.stalled):
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
    return ("stopped", None) if stopped else ("converged", result)
