"""The monitor of a training run: it records, prints, validates and counts epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .._typing import Array
from ..network import Network
from .history import MEASURED, History
from .progress import Kept

Validate = Callable[[], tuple[float, float]]
"""Returns the loss and the score (higher is better, may be NaN) of the network on the
validation set."""

Ending = Literal[
    "converged",
    "max_iter",
    "max_time",
    "interrupted",
    "diverged",
    "stopped",
    "one epoch",
]
"""Why a training run ended; "stopped" by a callback."""

TITLES = {
    "loss": "loss",
    "validation_loss": "val. loss",
    "validation_score": "val. score",
    "learning_rate": "rate",
    "gradient_norm": "grad. norm",
    "seconds": "seconds",
}
"""Titles of the columns of the table that ``verbose=2`` prints."""


class Callbacks(Protocol):
    """Methods called in each epoch, or iteration of L-BFGS."""

    def epoch_begins(self) -> None:
        """React to the start of an epoch."""

    def epoch_ends(self) -> bool:
        """React to the end of an epoch; return whether to stop training."""


@dataclass(frozen=True)
class Limits:
    """When to stop and what to print: the estimator's parameters of these names."""

    max_iter: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    n_best: int
    verbose: int
    prefer_latest: bool = False
    max_time: float | None = None
    scoring: Any = None
    one_epoch: bool = False


class Monitor:
    """Keeps the history of a run and the best weights, and counts stalled epochs.

    The best weights are those of one epoch, or a mean of those of ``limits.n_best``.
    `average_of` chooses the epochs to average, whatever their scores. `kept` are the
    best weights of earlier calls of ``partial_fit``, to which this call adds its own.

    Attributes
    ----------
    kept : list of Kept
        The weights that are restored in the end, or averaged.
    """

    def __init__(
        self,
        network: Network,
        history: History,
        limits: Limits,
        validate: Validate | None,
        callbacks: Callbacks | None = None,
        average_of: Collection[int] = (),
        kept: list[Kept] | None = None,
    ) -> None:
        self.network = network
        self.history = history
        self.limits = limits
        self.validate = validate
        self.callbacks = callbacks
        self.average_of = average_of
        self.kept: list[Kept] = [] if kept is None else kept
        history.n_iter, history.base_rates = 0, []
        if kept is None:
            history.averaged = []
        if not limits.one_epoch:  # otherwise it is the best one of all calls
            history.best_epoch = 0
        if kept is not None:
            pass
        elif limits.early_stopping and limits.n_best:
            self._keep(history.best_validation_score)
        elif 0 in average_of:
            self.kept.append(Kept(math.nan, 0, network.snapshot()))
        self._begin = self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.perf_counter() - self._begin

    def resume(self, kept: list[Kept], seconds: float) -> None:
        """Continue a run that has kept these weights and taken so many seconds."""
        self.kept = kept
        self._begin = time.perf_counter() - seconds

    def epoch_begins(self) -> None:
        """Start the clock of an epoch and call the callbacks."""
        self._start = time.perf_counter()
        if self.callbacks is not None:
            self.callbacks.epoch_begins()

    def epoch_ends(self, loss: float, *, thin: bool = False, **measured: float) -> bool:
        """Record an epoch: its training loss, then the validation loss and score.

        With `thin`, the history is kept short. Returns whether a callback asks to stop.
        """
        history = self.history
        validation_loss = score = math.nan
        if self.validate is not None and math.isfinite(loss):
            validation_loss, score = self.validate()  # which the user may interrupt
        history.n_iter += 1
        history.loss = loss
        history.add(
            thin=thin,
            loss=loss,
            validation_loss=validation_loss,
            validation_score=score,
            seconds=time.perf_counter() - self._start,
            **measured,
        )
        self._print_epoch(measured)
        self._count_stalled(loss, score)
        history.best_loss = min(history.best_loss, loss)
        best = history.best_validation_score
        if score > best or (score == best and self.limits.prefer_latest):
            history.best_validation_score = score
            history.best_epoch = self._epoch
        if self.kept and not math.isnan(score):
            self._keep(score)
        elif history.n_iter in self.average_of:
            self.kept.append(Kept(math.nan, history.n_iter, self.network.snapshot()))
        return self.callbacks is not None and self.callbacks.epoch_ends()

    def _print_epoch(self, measured: Collection[str]) -> None:
        """Print scikit-learn's lines, or with verbose=2 a row of a table.

        `measured` are the quantities that the solver has recorded.
        """
        epoch, verbose = self.history.n_iter, self.limits.verbose
        if not verbose:
            return
        last = {name: column[-1] for name, column in self.history.columns.items()}
        if verbose == 2:
            validated = [self._monitored, "validation_loss"] if self.validate else []
            shown = {"loss", "seconds", *measured, *validated}
            names = [name for name in MEASURED if name in shown]
            if epoch == 1:
                print(" epoch", *(f"{TITLES[name]:>11}" for name in names))
            print(f"{epoch:6d}", *(f"{last[name]:11.5g}" for name in names))
        else:
            print(f"Iteration {epoch}, loss = {last['loss']:.8f}")
            if self.validate is not None:
                print(f"{self._title}: {last[self._monitored]:f}")

    @property
    def _monitored(self) -> str:
        """The column to print: with scoring='loss' the score is only its negative."""
        by_loss = self.limits.scoring == "loss"
        return "validation_loss" if by_loss else "validation_score"

    @property
    def _title(self) -> str:
        """The name of that column in scikit-learn's lines: Validation score."""
        return self._monitored.replace("_", " ").capitalize()

    @property
    def _epoch(self) -> int:
        """The number of the epoch: in this run, or over all calls of partial_fit."""
        history = self.history
        return history.epochs if self.limits.one_epoch else history.n_iter

    def _count_stalled(self, loss: float, score: float) -> None:
        """Count consecutive epochs without an improvement of at least tol.

        The comparisons are scikit-learn's, so that ties and NaN count the same. With
        early stopping, an epoch that was not validated does not count.
        """
        history, tol = self.history, self.limits.tol
        if self.limits.early_stopping and self.validate is None:
            return
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

    @property
    def out_of_time(self) -> bool:
        """Whether an epoch that takes as long as the last one would end too late."""
        limits = self.limits
        if limits.max_time is None or self.history.n_iter == limits.max_iter:
            return False
        now = time.perf_counter()
        return now - self._begin + now - self._start > limits.max_time

    def print_stalled(self, consequence: str) -> None:
        """If verbose, print what has stopped improving, in scikit-learn's words."""
        if self.limits.verbose:
            what = self._title if self.limits.early_stopping else "Training loss"
            print(
                f"{what} did not improve more than tol={self.limits.tol:f} for "
                f"{self.limits.n_iter_no_change} consecutive epochs. {consequence}"
            )

    def _keep(self, score: float) -> None:
        """Keep the weights if their score is among the best, in the order of these."""
        kept, limits = self.kept, self.limits
        rank = sum(
            k.score > score or (k.score == score and not limits.prefer_latest)
            for k in kept
        )
        if rank < limits.n_best:
            kept.insert(rank, Kept(score, self._epoch, self.network.snapshot()))
            del kept[limits.n_best :]

    def restore_best(self) -> bool:
        """With early stopping, restore the best weights.

        Of several, that is their mean, as in the "uniform soup" of M. Wortsman et al.,
        "Model soups: averaging weights of multiple fine-tuned models improves accuracy
        without increasing inference time", ICML 2022. They may come from different
        minima, so that the mean is none: if it scores worse than they do on average,
        half as many are averaged, and so on.

        Returns False if the user interrupts: then they are those of one epoch.
        """
        kept = [k for k in self.kept if k.score != -math.inf] or self.kept
        try:
            while len(kept) > 1 and not self.average_of:
                self._restore(kept)
                average = sum(k.score for k in kept) / len(kept)
                if self.validate is None or self.validate()[1] >= average:
                    break
                kept = kept[: len(kept) // 2]
        except KeyboardInterrupt:
            self._restore(kept[:1])
            return False
        self._restore(kept)
        if kept:
            epochs = sorted(k.epoch for k in kept)
            self.history.averaged = epochs if len(epochs) > 1 else []
        return True

    def _restore(self, kept: Sequence[Kept]) -> None:
        """Set the mean of the weights of several epochs, or of one."""
        if kept:
            in_order = sorted(kept, key=lambda k: k.epoch)  # the same sum in a refit
            self.network.restore(mean([k.snapshot for k in in_order]))


def mean(snapshots: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the mean parameters and states; what is the same in all stays the same."""
    first = snapshots[0]
    theta, state = first[0].copy(), first[1].copy()
    for other in snapshots[1:]:
        theta += (other[0] - first[0]) / len(snapshots)
        state += (other[1] - first[1]) / len(snapshots)
    return theta, state
