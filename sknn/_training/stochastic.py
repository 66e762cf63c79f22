"""Training with a stochastic solver: epoch by epoch, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .._descent import NO_CLIPPING, Clipping, Descent
from .._typing import Array
from ..objective import Objective, mean_loss, total_weight
from ..schedules import Schedule
from .data import Batches, Data
from .history import History
from .monitor import Ending, Monitor
from .progress import SolverProgress
from .run_state import COMPLETE, RunParts, StateKeeper

ROWS_CHECKED = 32
"""Number of rows on which the loss is computed after a call of `partial_fit`; few, as
this takes the time of a forward pass in each call."""


def train_epoch(
    batches: Batches,
    descent: Descent,
    order: Array,
    rates: Iterable[tuple[float, float, float]],
) -> float:
    """Take one step per batch; return the mean of the objective over the rows.

    Stops at the first non-finite loss and returns it. A batch in which every weight is
    zero says nothing about the parameters and is skipped. `rates` are the learning rate
    and the factors of dropout and weight decay of each step.
    """
    loss_sum, n = 0.0, 0
    descent.gradient_norm = math.nan  # there may be no step on the last batch
    size, last = batches.size, len(order) - batches.size
    starts = range(0, len(order), size)
    for start, (rate, dropout, decay) in zip(starts, rates, strict=True):
        rows = order[start : start + size]
        weight = batches.total_weight(rows)
        if weight == 0:
            continue
        batches.objective.dropout_factor = dropout
        loss = batches.loss_gradient(rows, weight)
        if not math.isfinite(loss):
            return loss
        # Measuring one gradient per epoch takes no noticeable time.
        loss += descent.step(weight, rate, start >= last, decay)
        loss_sum += loss * len(rows)
        n += len(rows)
    return loss_sum / n


@dataclass(frozen=True)
class Rates:
    """The learning rate of each step of an epoch, and the other scheduled factors."""

    schedule: Schedule
    factors: Sequence[Schedule | None]
    progress: SolverProgress
    n_epochs: int
    n_batches: int
    t: int

    def __iter__(self) -> Iterator[tuple[float, float, float]]:
        """Yield the rate and the factors of dropout and weight decay, per batch."""
        for i in range(self.n_batches):
            epoch = self.progress.epochs + i / self.n_batches
            dropout, decay = (
                1.0 if factor is None else factor(epoch, self.n_epochs)
                for factor in self.factors
            )
            yield self.at(epoch), dropout, decay

    def at(self, epoch: float) -> float:
        """Return the rate after `epoch` epochs."""
        rows = self.t if self.progress.epochs else 0
        factor = self.schedule(epoch, self.n_epochs, rows)
        return float(self.progress.base_rate * factor)


def _lower_rate(schedule: Schedule, progress: SolverProgress, monitor: Monitor) -> bool:
    """On a plateau, let the schedule lower the rate; False if it says to stop."""
    base_rate = schedule.on_plateau(progress.base_rate)
    if base_rate is None:
        monitor.print_stalled(schedule.stop_message)
        return False
    progress.base_rate = base_rate
    monitor.history.no_improvement_count = 0
    monitor.print_stalled(f"Setting learning rate to {base_rate:f}")
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
    factors: Sequence[Schedule | None] = (None, None),
    drop_last: bool = False,
    rng: np.random.RandomState,
    clipping: Clipping = NO_CLIPPING,
    n_epochs: int | None = None,
    base_rates: Sequence[float] = (),
    one_epoch: bool = False,
    keeper: StateKeeper | None = None,
) -> Ending:
    """Train `objective.network` in place, epoch by epoch.

    The schedule is planned for `n_epochs`, by default ``max_iter``. `base_rates` are
    the base rates of each epoch of an earlier run, to follow its plateaus. `factors`
    are the schedules of dropout and weight decay, None for a constant one. With
    `one_epoch`, as for ``partial_fit``, training stops after the first epoch, and the
    best weights are not restored. A `keeper` has the state to continue from, and keeps
    later ones.
    """
    history, limits = monitor.history, monitor.limits
    n_epochs = n_epochs or limits.max_iter
    n_used = data.n - data.n % batch_size if drop_last else data.n
    n_batches = math.ceil(n_used / batch_size)
    shuffled = np.arange(data.n) if data.rows is None else data.rows.copy()
    parts = RunParts(objective, monitor, progress, rng, shuffled)
    saved = None if keeper is None else keeper.saved()
    saved_ending = None if saved is None else parts.restore(saved)
    descent = Descent(objective, progress.solver, progress.states, clipping)
    batches = Batches(objective, data, batch_size)

    def train_epochs() -> Ending:
        while history.n_iter < limits.max_iter:
            monitor.epoch_begins()
            if base_rates:
                progress.base_rate = base_rates[history.n_iter]
            history.base_rates.append(progress.base_rate)
            if shuffle:
                rng.shuffle(shuffled)
            rates = Rates(schedule, factors, progress, n_epochs, n_batches, history.t)
            first_rate = rates.at(progress.epochs)
            loss = train_epoch(batches, descent, shuffled[:n_used], rates)
            history.t += n_used
            progress.epochs += 1
            stopped = monitor.epoch_ends(
                loss,
                thin=one_epoch,
                learning_rate=first_rate,
                gradient_norm=descent.gradient_norm,
            )
            if not math.isfinite(loss):
                return "diverged"
            if monitor.stalled and not _lower_rate(schedule, progress, monitor):
                return "converged"
            if stopped or one_epoch:
                return "stopped" if stopped else "one epoch"
            if monitor.out_of_time:
                return "max_time"
            # After all decisions on this epoch, and only if training goes on.
            goes_on = history.n_iter < limits.max_iter
            if keeper is not None and goes_on and keeper.is_due(history.n_iter):
                keeper.keep(parts.take())
        return "max_iter"

    try:
        ending = saved_ending or train_epochs()
    except KeyboardInterrupt:
        ending = "interrupted"
    if not one_epoch and not monitor.restore_best():
        ending = "interrupted"
    try:
        if keeper is not None and ending in COMPLETE and saved_ending is None:
            keeper.keep(parts.take(ending))
    except KeyboardInterrupt:
        ending = "interrupted"
    if data.sample_weight is not None:
        shuffled = shuffled[data.sample_weight[shuffled] > 0]
    rows = shuffled[: ROWS_CHECKED if one_epoch else batch_size]
    try:
        return "diverged" if has_diverged(objective, data, rows, history) else ending
    except KeyboardInterrupt:
        return "interrupted"


def has_diverged(
    objective: Objective, data: Data, rows: Array, history: History
) -> bool:
    """Return whether the last step made the network useless; record the loss if so.

    The loss of a batch is computed before the step, so the loop cannot detect it.
    """
    loss = final_loss(objective, data, rows)
    if math.isfinite(loss):
        return False
    if np.isfinite(objective.network.theta).all():  # else report the weights
        history.loss = loss
    return True


def final_loss(objective: Objective, data: Data, rows: Array) -> float:
    """Return the loss of the network on some rows; 0 if their weights are 0."""
    y = data.y[rows]
    w = None if data.sample_weight is None else data.sample_weight[rows]
    if total_weight(y, w) == 0:
        return 0.0
    z = objective.network.last_outputs(data.X, rows)
    return mean_loss(objective.loss, z, y, w)
