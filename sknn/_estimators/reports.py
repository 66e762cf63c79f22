"""Warnings and errors at the end of a run."""

from __future__ import annotations

import math

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._training import (
    Ending,
)
from .._typing import Array
from ..losses import HalfSquaredError
from ..objective import mean_loss
from ..solvers import SGD
from .input_checks import warn_caller
from .parameters import make_schedule
from .run import FitRun
from .targets import NumberTargets

RISEN = 10.0
"""Ratio of the loss of an epoch to that of the first, from which training has failed.
It is about 1 where the loss does not fall, and larger where the steps are too long."""

FAR = 10.0
"""Ratio to 1, or of 1 to it, from which the size of targets counts as unusual."""

WORSE = 1.1
"""Ratio of the loss to that of a constant from which a network is worse than that. A
large penalty makes it as good as a constant, whatever the targets are."""

NEARLY_ENDED = 0.02
"""Factor of the learning rate below which a schedule counts as ended."""


def report(run: FitRun, ending: Ending) -> None:
    """Warn or raise, depending on how the run has ended."""
    network = run.network
    finite = all(np.isfinite(part).all() for part in (network.theta, network.state))
    targets = ""
    if finite and ending in ("converged", "max_iter"):
        targets = advice_on_targets(run)
    if finite and ending in ("converged", "max_iter", "max_time"):
        report_rising_loss(run)
    if ending == "diverged" or not finite:
        report_divergence(run, finite)
    elif ending == "interrupted":
        warn_caller("Training interrupted by user.")
    elif ending == "max_iter" and not make_schedule(run.params).ends:
        warn_caller(
            f"Stochastic Optimizer: Maximum iterations ({run.params.max_iter}) reached "
            f"and the optimization hasn't converged yet.{targets and ' ' + targets}",
            ConvergenceWarning,
        )
    elif targets and not has_risen(run):
        warn_caller(targets, ConvergenceWarning)
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


def report_rising_loss(run: FitRun) -> None:
    """Warn if the network is of an epoch with a higher loss than the first one."""
    if not has_risen(run):
        return
    losses, epoch = losses_of(run), shown_epoch(run)
    best = keeps_best(run)
    which = "which has the best validation score" if best else "the last one"
    warn_caller(
        f"The training loss rose from {losses[0]:.3g} in the first epoch to "
        f"{losses[epoch - 1]:.3g} in epoch {epoch}, {which}. {advice(run)}. "
        "sknn.inspection.doctor examines the training.",
        ConvergenceWarning,
    )


def has_risen(run: FitRun) -> bool:
    """Return whether the loss of the network is far above that of the first epoch."""
    losses, epoch = losses_of(run), shown_epoch(run)
    return not run.one_epoch and epoch > 1 and losses[epoch - 1] > RISEN * losses[0]


def losses_of(run: FitRun) -> list[float]:
    """Return the training losses of the epochs of this run."""
    return run.history.columns["loss"][-run.history.n_iter :]


def shown_epoch(run: FitRun) -> int:
    """Return the epoch, from 1, whose weights the estimator predicts with."""
    return run.history.best_epoch if keeps_best(run) else run.history.n_iter


def keeps_best(run: FitRun) -> bool:
    """Return whether the run ends with the weights of its best epoch."""
    params = run.params
    return bool(params.early_stopping and params.restore_best) and not run.one_epoch


def advice(run: FitRun) -> str:
    """Return what to try where the steps of the solver were too long."""
    text = (
        "Scale the features, for example with sklearn.preprocessing.StandardScaler, "
        "and the target of a regressor"
    )
    params = run.params
    if params.solver == "lbfgs":
        return text
    lower = f"lower learning_rate_init={params.learning_rate_init}"
    # The steps of other solvers hardly depend on the size of the gradient.
    is_sgd = params.solver == "sgd" or isinstance(params.solver, SGD)
    if is_sgd and (params.max_grad_norm or math.inf) > 1:
        return f"{text}, {lower}, or bound the gradient, for example by max_grad_norm=1"
    return f"{text}, or {lower}"


def advice_on_targets(run: FitRun) -> str:
    """Return advice to scale the targets where they are the likely cause of a bad fit.

    That is where they are far from 1, and the squared error of the network is larger
    than that of a constant. Otherwise the text is empty.
    """
    params, data, targets = run.params, run.data, run.targets
    is_squared = type(targets.loss) is type(run.loss) is HalfSquaredError
    if not is_squared or type(targets) is not NumberTargets:
        return ""
    if run.one_epoch or params.early_stopping:
        return ""
    y, w = data.y[data.selected], data.sample_weight
    w = None if w is None else w[data.selected]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(y.astype(np.float64), axis=0, weights=w)
        variance = np.average((y - mean) ** 2, axis=0, weights=w)
        if not is_far_from_1(mean, variance) or not is_worse_than_mean(run, variance):
            return ""
    i = int(variance.argmax())
    which = "The targets have" if len(mean) == 1 else f"Column {i} of y has"
    # Without the loss: Python shows the same warning of several fits once.
    return (
        "The training loss is above that of predicting the mean of the targets. "
        f"{which} a mean of {mean[i]:.3g} and a standard deviation of "
        f"{math.sqrt(variance[i]):.3g}: scale them, for example with "
        f"TransformedTargetRegressor({type(params).__name__}(...), "
        "transformer=StandardScaler())."
    )


def is_far_from_1(mean: Array, variance: Array) -> bool:
    """Return whether targets vary, and are far larger or smaller than 1."""
    size = math.sqrt((mean**2 + variance).mean())
    varies = bool(variance.max() > (1e-8 * size) ** 2)  # more than by rounding
    return varies and (size > FAR or size * FAR < 1)


def is_worse_than_mean(run: FitRun, variance: Array) -> bool:
    """Return whether the squared error on the training rows is above their variance."""
    limit, data = WORSE * 0.5 * variance.mean(), run.data
    if not run.history.loss > limit:  # no forward pass in most cases
        return False
    # That loss has the penalty, dropout and the weights of earlier steps in it.
    z, w = run.network.scores(data.X, data.rows), data.sample_weight
    y = data.y[data.selected].astype(z.dtype, copy=False)
    w = None if w is None else w[data.selected].astype(z.dtype, copy=False)
    return mean_loss(run.targets.loss, z, y, w) > limit


def report_divergence(run: FitRun, finite: bool) -> None:
    """Report the epoch and what to try; raise unless the best weights are kept."""
    history = run.history
    what = "weights" if math.isfinite(history.loss) else "loss"
    value = "non-finite" if math.isfinite(history.loss) else history.loss
    message = (
        f"The {what} became {value} in epoch {history.n_iter}, where training stopped. "
        f"{advice(run)}."
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
    if history.best_validation_score > -math.inf:
        return
    raise ValueError(
        f"The validation score was NaN in all {history.n_iter} epochs, so early "
        f"stopping cannot choose one (scoring={params.scoring!r}). The validation set "
        "may be too small or miss a class: raise validation_fraction, set it to a "
        "splitter such as StratifiedShuffleSplit(1), pass X_val and y_val, or use "
        "scoring='loss'."
    )
