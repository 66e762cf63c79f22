"""Warnings and errors at the end of a run."""

from __future__ import annotations

import math

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._training import Ending
from .failed_training import (
    advice_on_scale,
    advice_on_steps,
    has_risen,
    keeps_best,
    report_rising_loss,
)
from .input_checks import warn_caller
from .parameters import make_schedule
from .run import FitRun

NEARLY_ENDED = 0.02
"""Factor of the learning rate below which a schedule counts as ended."""

MORE_EPOCHS = (
    "Increase max_iter, or use learning_rate='cosine', which lowers the learning rate "
    "to 0 by the last epoch."
)
"""What to try where training ended before the loss had settled."""


def report(run: FitRun, ending: Ending) -> None:
    """Warn or raise, depending on how the run has ended."""
    network = run.network
    finite = all(np.isfinite(part).all() for part in (network.theta, network.state))
    advice = ""
    if finite and ending in ("converged", "max_iter"):
        advice = advice_on_scale(run)
    if finite and ending in ("converged", "max_iter", "max_time"):
        report_rising_loss(run)
    if ending == "diverged" or not finite:
        report_divergence(run, finite)
    elif ending == "interrupted":
        warn_caller("Training interrupted by user.")
    elif ending == "max_iter" and not make_schedule(run.params).ends:
        warn_caller(
            f"Stochastic Optimizer: Maximum iterations ({run.params.max_iter}) reached "
            f"and the optimization hasn't converged yet. {advice or MORE_EPOCHS}",
            ConvergenceWarning,
        )
    elif advice and not has_risen(run):
        warn_caller(advice, ConvergenceWarning)
    elif ending == "converged":
        report_unfinished_schedule(run)
    elif ending == "max_time":
        warn_caller(
            f"Stochastic Optimizer: max_time={run.params.max_time} seconds reached "
            f"after {run.history.n_iter} epochs, and the optimization hasn't converged "
            f"yet. Schedules are planned for max_iter={run.params.max_iter}.",
            ConvergenceWarning,
        )


def report_unfinished_schedule(run: FitRun) -> None:
    """Warn where early stopping came before the learning rate had fallen."""
    params, n_epochs = run.params, run.history.n_iter
    if params.solver == "lbfgs" or not params.early_stopping or run.one_epoch:
        return
    schedule = make_schedule(params)
    if not schedule.ends or n_epochs == params.max_iter:
        return
    if schedule(n_epochs, params.max_iter, 0) > NEARLY_ENDED:
        warn_caller(
            f"Early stopping ended training at epoch {n_epochs} of {params.max_iter}, "
            f"before learning_rate={params.learning_rate!r} had ended: increase "
            f"n_iter_no_change (now {params.n_iter_no_change}; numpy.inf trains for "
            "all epochs), or use learning_rate='constant' or 'adaptive'."
        )


def report_divergence(run: FitRun, finite: bool) -> None:
    """Report the epoch and what to try; raise unless the best weights are kept."""
    history = run.history
    what = "weights" if math.isfinite(history.loss) else "loss"
    value = "non-finite" if math.isfinite(history.loss) else history.loss
    message = (
        f"The {what} became {value} in epoch {history.n_iter}, where training stopped. "
        f"{advice_on_steps(run)}."
    )
    if finite and keeps_best(run) and history.best_validation_score > -math.inf:
        warn_caller(
            f"{message} The weights with the best validation score are kept.",
            ConvergenceWarning,
        )
        return
    raise ValueError(
        "Solver produced non-finite parameter weights. The input data may contain "
        f"large values and need to be preprocessed. {message}"
    )


def check_best_epoch(run: FitRun) -> None:
    """Raise where all validation scores were NaN, so that no epoch was the best."""
    params, history = run.params, run.history
    if run.validator is None or not params.early_stopping:
        return
    if history.best_validation_score > -math.inf or history.n_iter == 0:
        return
    raise ValueError(
        f"The validation score was NaN in all {history.n_iter} epochs, so early "
        f"stopping cannot choose one (scoring={params.scoring!r}). The validation set "
        "may be too small or miss a class: raise validation_fraction, set it to a "
        "splitter such as StratifiedShuffleSplit(1), pass X_val and y_val, or use "
        "scoring='loss'."
    )
