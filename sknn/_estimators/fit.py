"""A fit: hold rows out, train, report, and train again on all rows."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np

from .._descent import Clipping
from .._sklearn import check_optimize_result, restore_filters
from .._threads import call_with_blas_threads
from .._training import (
    Data,
    Ending,
    History,
    Limits,
    SolverProgress,
    keep_first_weights,
    show_best_weights,
    train_lbfgs,
    train_stochastic,
)
from .._typing import Array, DType
from ..schedules import Constant, Schedule
from .input_checks import warn_caller
from .parameters import TrainingParameters, make_schedule, make_solver
from .reports import check_best_epoch, report
from .run import FitRun
from .validation_set import HeldOut, Validator


def fit_network(
    run: FitRun, validation: Data | None, estimator: object
) -> HeldOut | None:
    """Train, with early stopping on a validation set, and refit on all rows if asked.

    `validation` is the user's validation set; scorers are called with `estimator`.
    Returns what the network said of the validation set before the refit.
    """
    params, train_data = run.params, run.data
    refits = params._refits(holds_out=validation is None and not run.one_epoch)
    if validation is None and params.early_stopping and not run.one_epoch:
        train_data, validation = run.hold_out()
    elif refits:
        raise ValueError(
            "refit_on_all=True trains again with the rows that were held out, but with "
            "X_val and y_val no rows are held out. Append them to X and y, and mark "
            "them with validation_fraction=PredefinedSplit(...)."
        )
    if validation is not None:
        run.validator = Validator(validation, run.targets, params.scoring, estimator)
    run.publish(run.network)
    initial = run.network.snapshot()
    if refits:  # with as many epochs, and more rows
        run.time_share *= train_data.n / (train_data.n + run.data.n)
    ending = wait(run) if run.waits else train(run, train_data, run.limits)
    run.converged = ending == "converged"
    report(run, ending)
    if ending != "interrupted":
        check_best_epoch(run)
    held_out = None if run.validator is None else run.validator.held_out(run.network)
    if refits and ending not in ("interrupted", "stopped"):
        refit(run, initial, train_data.n)
    run.publish(run.network)
    return held_out


def wait(run: FitRun) -> Ending:
    """Restore the best weights without training."""
    assert run.progress is not None
    assert run.progress.best is not None
    run.network.restore(run.progress.best)
    return "converged"


def train(run: FitRun, data: Data, limits: Limits) -> Ending:
    """Train `run.network` on `data`."""
    dtype, filters = run.network.dtype, warnings.filters
    # Overflow is reported once, at the end.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if run.params.solver == "lbfgs":
            # The line search needs the accuracy of float64.
            run.network = run.network.astype(np.dtype(np.float64))
            ending = train_by_lbfgs(run, data, limits, dtype)
            run.network = run.network.astype(dtype)
        else:
            ending = train_by_batches(run, data, limits)
    if ending == "interrupted":
        restore_filters(filters)
    return ending


def train_by_batches(run: FitRun, data: Data, limits: Limits) -> Ending:
    """Train epoch by epoch with a stochastic solver."""
    params, network = run.params, run.network
    solver, rate = make_solver(params), float(params.learning_rate_init)
    if run.one_epoch and run.progress is not None:
        progress = run.progress.resume(solver, network, rate)
    else:
        progress = SolverProgress.start(solver, network, rate, run.noise)
    take_latest_weights(run, progress)
    schedule, batch_size = make_schedule(params), clipped_batch_size(run, data.n)
    over = progress.epochs >= params.max_iter
    if run.one_epoch and over and schedule(progress.epochs, params.max_iter) == 0:
        warn_caller(
            f"The learning rate is 0: learning_rate={params.learning_rate!r} is "
            f"planned for max_iter={params.max_iter} epochs, which are over. Choose a "
            "schedule that does not end at 0, or raise max_iter."
        )
    monitor = run.monitor(limits, progress.kept)
    ending = call_with_blas_threads(
        batch_size * network.largest_product,
        train_stochastic,
        run.objective(progress.rng),
        data,
        monitor,
        schedule,
        progress,
        factors=scheduled_factors(params),
        batch_size=batch_size,
        drop_last=params.drop_last,
        shuffle=params.shuffle,
        rng=run.rng,
        clipping=Clipping(params.max_grad_norm, params.max_grad_value),
        n_epochs=params.max_iter,
        base_rates=run.base_rates,
        one_epoch=run.one_epoch,
        keeper=run.keeper,
    )
    if run.one_epoch:
        ending = show_best_weights(progress, monitor, ending)
    # After early stopping nothing continues from here: do not keep the state.
    ended = params.early_stopping and not run.one_epoch
    run.progress = None if ended else progress
    return ending


def take_latest_weights(run: FitRun, progress: SolverProgress) -> None:
    """Go on where the last call of `partial_fit` ended, not from its best weights."""
    if run.edited:
        progress.forget_weights()
    if progress.latest is not None:
        run.network.restore(progress.latest)
    if not run.params.early_stopping:
        progress.kept = progress.best = None
    elif run.one_epoch and run.validator is not None:
        score = -math.inf  # of initial weights, as in `fit`
        n_best = run.limits.n_best
        if not (run.is_new or progress.keeps(n_best)):
            score = run.validator(run.network)[1]
        keep_first_weights(progress, run.network, run.history, n_best, score)


def scheduled_factors(params: TrainingParameters) -> list[Schedule | None]:
    """Return the schedules of dropout and weight decay; None for a constant one."""
    names = ("dropout_schedule", "weight_decay_schedule")
    schedules = [make_schedule(params, name) for name in names]
    return [None if schedule == Constant() else schedule for schedule in schedules]


def train_by_lbfgs(run: FitRun, data: Data, limits: Limits, dtype: DType) -> Ending:
    """Train on all rows at once; the network will predict in `dtype`."""
    params, network = run.params, run.network
    run.publish(run.network)
    rows = network.rows_per_pass(data.n)
    ending, result = call_with_blas_threads(
        rows * network.largest_product,
        train_lbfgs,
        run.objective(),
        data,
        run.monitor(limits),
        max_fun=params.max_fun,
        dtype=dtype,
    )
    if result is not None and limits.max_iter == params.max_iter:
        check_optimize_result("lbfgs", result, params.max_iter)
    run.progress = None
    return ending


def clipped_batch_size(run: FitRun, n: int) -> int:
    """Return the number of rows per batch, at most `n`."""
    params = run.params
    if params.batch_size == "auto":
        return min(params._auto_batch_size(run.n_before or n), n)
    if params.batch_size > n and run.n_before is None:  # not again before the refit
        held_out = ", some of which are held out" if n < run.data.n else ""
        warn_caller(
            "Got `batch_size` less than 1 or larger than sample size. It is going "
            f"to be clipped: batch_size={params.batch_size}, but X has {run.data.n} "
            f"rows{held_out}."
        )
    return min(params.batch_size, n)


def refit(run: FitRun, initial: tuple[Array, Array], n_before: int) -> None:
    """Train on all rows, up to the epoch that had the best validation score.

    If the first run averaged the weights of several epochs, so does this one. Batches
    are of the size of the first run, which had `n_before` rows.
    """
    best = run.history.best_epoch
    if best == 0:  # no epoch was better than the weights of a warm start
        return
    kept = run.network.snapshot()
    run.network.restore(initial)
    first = run.history
    second = replace(
        run,
        history=History(),
        validator=None,
        base_rates=first.base_rates,
        average_of=first.averaged,
        n_before=n_before,
        keeper=None if run.keeper is None else run.keeper.of_refit(),
    )
    limits = replace(
        run.limits,
        max_iter=max(first.averaged, default=best),
        n_iter_no_change=math.inf,
        early_stopping=False,
        max_time=None,
    )
    if limits.verbose:
        print(f"Training again, on all rows, for {limits.max_iter} epochs.")
    ending = train(second, run.data, limits)
    run.network = second.network
    if ending in ("interrupted", "stopped"):
        run.network.restore(kept)
        warn_caller(
            "refit_on_all: the second run, on all rows, was stopped before its end. "
            "The best weights of the first run are kept."
        )
        return
    if ending != "max_iter":
        report(second, ending)
    run.history.n_iter, run.history.loss = second.history.n_iter, second.history.loss
    run.history.t += second.history.t
