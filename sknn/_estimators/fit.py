"""One run of a fit: hold rows out, train, report, and train again on all rows."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._descent import Clipping
from .._random import NoiseStream
from .._sklearn import check_optimize_result, restore_filters
from .._threads import call_with_blas_threads
from .._training import (
    Callbacks,
    Data,
    Ending,
    History,
    Kept,
    Limits,
    Monitor,
    SolverProgress,
    keep_first_weights,
    show_best_weights,
    train_lbfgs,
    train_stochastic,
)
from .._typing import Array, DType
from ..losses import Loss
from ..network import Network
from ..objective import Objective
from ..schedules import Constant, Schedule
from .checkpoints import RunKeeper, checked_split
from .input_checks import warn_caller
from .parameters import TrainingParameters, make_schedule, make_solver
from .targets import Targets
from .validation_set import HeldOut, Validator, divide, hold_out
from .variation import Variation

DIVERGED = (
    "The {what} became {value} in epoch {epoch}, where training stopped. Scale the "
    "features, for example with sklearn.preprocessing.StandardScaler, and the target "
    "of a regressor"
)


NEARLY_ENDED = 0.02
"""Factor of the learning rate below which a schedule counts as ended."""


def noise_stream(rng: np.random.RandomState) -> np.random.Generator:
    """Return a stream for masks and mixup that depends on `rng` but does not move it.

    Initial weights, hold-out and shuffles are then the same with and without them.
    """
    seed = copy.deepcopy(rng).randint(2**32, size=4, dtype=np.uint32)
    return NoiseStream(np.random.SFC64(seed))


@dataclass
class FitRun:
    """All that one call of `fit` trains with, and what becomes of it.

    Attributes
    ----------
    params : TrainingParameters
        The parameters of the estimator.
    data : Data
        The rows passed to `fit`, targets encoded.
    targets : Targets
        What the encoded targets mean; has the loss of the validation set.
    loss : Loss
        The loss to train on.
    network : Network
        The network to train; L-BFGS trains a copy of it in float64.
    variation : Variation
        Mixup and augmentation.
    rng : RandomState
        Stream of initial weights, hold-out and shuffles, the same as scikit-learn's.
    noise : Generator
        Stream of masks, mixup and augmentation.
    history : History
        Losses, scores and learning rates of the epochs.
    progress : SolverProgress or None
        The state of the solver, from which `partial_fit` continues.
    one_epoch : bool
        Whether to stop after one epoch, as `partial_fit` does.
    is_new : bool
        Whether the weights of the network are initial ones.
    edited : bool
        Whether the user has changed weights since the last call of `partial_fit`.
    waits : bool
        Whether a member of an ensemble, whose score has stopped improving, is not
        trained in this call of `partial_fit`, since others still improve.
    converged : bool
        Whether training ended because nothing improved; set by the run.
    base_rates : sequence of float
        Base rates of the epochs of an earlier run, which a refit repeats.
    average_of : sequence of int
        Epochs whose weights are averaged, those of an earlier run, in a refit.
    time_share : float
        The part of `max_time` that the run may take.
    silent : bool
        Whether nothing is printed, whatever `verbose` is.
    split : (Data, Data) or None
        The rows to train on and those to hold out, if they are chosen already.
    validator : Validator or None
        Scores the network after each epoch.
    callbacks : Callbacks or None
        scikit-learn's callbacks, called before and after each epoch.
    keeper : RunKeeper or None
        Keeps the state of the run after epochs, and has that to continue from.
    publish : callable
        Sets the fitted attributes that callbacks and scorers read.
    """

    params: TrainingParameters
    data: Data
    targets: Targets
    loss: Loss
    network: Network
    variation: Variation
    rng: np.random.RandomState
    noise: np.random.Generator
    history: History = field(default_factory=History)
    progress: SolverProgress | None = None
    one_epoch: bool = False
    is_new: bool = True
    edited: bool = False
    waits: bool = False
    converged: bool = False
    base_rates: Sequence[float] = ()
    average_of: Sequence[int] = ()
    time_share: float = 1.0
    silent: bool = False
    split: tuple[Data, Data] | None = None
    validator: Validator | None = None
    callbacks: Callbacks | None = None
    keeper: RunKeeper | None = None
    publish: Callable[[Network], None] = lambda network: None

    def objective(self, rng: np.random.Generator | None = None) -> Objective:
        """Return the objective to minimise; its masks are drawn from `rng`."""
        rng = self.noise if rng is None else rng
        params, variation = self.params, self.variation
        return Objective(
            self.network,
            self.loss,
            params.alpha,
            params.l1_ratio,
            variation.mixup,
            rng,
            variation.augment(rng),
        )

    @property
    def limits(self) -> Limits:
        """The conditions under which training stops."""
        params, choice = self.params, self.params.restore_best
        return Limits(
            max_iter=params.max_iter,
            tol=params.tol,
            n_iter_no_change=params.n_iter_no_change,
            early_stopping=params.early_stopping,
            n_best=1 if choice == "latest" else int(choice),
            prefer_latest=choice not in (True, False),
            max_time=params.max_time and params.max_time * self.time_share,
            verbose=0 if self.silent else int(params.verbose),
            scoring=params.scoring,
            one_epoch=self.one_epoch,
        )

    @property
    def keeps_best(self) -> bool:
        """Whether the estimator goes on to predict with the best weights so far.

        As in a call of `partial_fit` without a validation set, after others with one.
        """
        progress = self.progress if self.one_epoch and not self.edited else None
        begun = progress is not None and progress.kept is not None
        return begun and self.params.early_stopping and self.validator is None

    @property
    def has_ended(self) -> bool:
        """Whether earlier calls of `partial_fit` have ended by early stopping."""
        progress = self.progress if self.one_epoch and not self.edited else None
        if progress is None or progress.best is None or not self.limits.early_stopping:
            return False
        stalled = self.history.no_improvement_count > self.limits.n_iter_no_change
        return stalled and progress.fits(self.network)

    def hold_out(self) -> tuple[Data, Data]:
        """Return the training set and the validation set of early stopping."""
        return self.draw_split(self.rng) if self.split is None else self.split

    def draw_split(self, rng: np.random.RandomState) -> tuple[Data, Data]:
        """Return rows to train on, and rows to hold out that are drawn from `rng`."""
        data, fraction = self.data, self.params.validation_fraction
        fit = None if self.keeper is None else self.keeper.fit.state
        if fit is not None and fit.split is not None:
            return divide(data, *checked_split(fit.split, data.n))
        train, held_out = hold_out(data, fraction, rng, self.targets.strata(data.y))
        if fit is not None and hasattr(fraction, "split"):
            fit.split = np.asarray(train.rows), np.asarray(held_out.rows)
        return train, held_out

    def monitor(self, limits: Limits, kept: list[Kept] | None = None) -> Monitor:
        """Return the object that records epochs and keeps the best weights."""
        validate = None
        if self.validator is not None:
            validate = partial(self.validator, self.network)
        return Monitor(
            self.network,
            self.history,
            limits,
            validate,
            self.callbacks,
            self.average_of,
            kept,
        )


def fit_network(
    run: FitRun, validation: Data | None, estimator: object
) -> HeldOut | None:
    """Train, with early stopping on a validation set, and refit on all rows if asked.

    `validation` is the user's validation set; scorers are called with `estimator`.
    Returns what the network said of the validation set before the refit.
    """
    params, train_data = run.params, run.data
    refits = params.early_stopping and params.refit_on_all
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
        refit(run, initial)
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
    schedule, batch_size = make_schedule(params), clipped_batch_size(params, data.n)
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


def clipped_batch_size(params: TrainingParameters, n: int) -> int:
    """Return the number of rows per batch, at most `n`."""
    if params.batch_size == "auto":
        return min(params.auto_batch_size(n), n)
    if params.batch_size > n:
        warn_caller(
            "Got `batch_size` less than 1 or larger than sample size. It is going "
            "to be clipped"
        )
    return min(params.batch_size, n)


def refit(run: FitRun, initial: tuple[Array, Array]) -> None:
    """Train on all rows, up to the epoch that had the best validation score.

    If the first run averaged the weights of several epochs, so does this one.
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
        keeper=None if run.keeper is None else run.keeper.of_refit(),
    )
    limits = replace(
        run.limits,
        max_iter=max(first.averaged, default=best),
        n_iter_no_change=math.inf,
        early_stopping=False,
        max_time=None,
    )
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


# -- reports ------------------------------------------------------------------


def report(run: FitRun, ending: Ending) -> None:
    """Warn or raise, depending on how the run has ended."""
    network = run.network
    finite = all(np.isfinite(part).all() for part in (network.theta, network.state))
    if ending == "diverged" or not finite:
        report_divergence(run, finite)
    elif ending == "interrupted":
        warn_caller("Training interrupted by user.")
    elif ending == "converged":
        report_unfinished_schedule(run)
    elif ending == "max_iter" and not make_schedule(run.params).ends:
        warn_caller(
            f"Stochastic Optimizer: Maximum iterations ({run.params.max_iter}) reached "
            "and the optimization hasn't converged yet.",
            ConvergenceWarning,
        )
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
    params, history = run.params, run.history
    what = "weights" if math.isfinite(history.loss) else "loss"
    value = "non-finite" if math.isfinite(history.loss) else history.loss
    advice = DIVERGED.format(what=what, value=value, epoch=history.n_iter)
    if params.solver != "lbfgs":
        advice += (
            f", lower learning_rate_init={params.learning_rate_init}, or bound the "
            "gradient, for example by max_grad_norm=1"
        )
    keeps_best = params.early_stopping and params.restore_best and not run.one_epoch
    if finite and keeps_best and history.best_validation_score > -math.inf:
        warn_caller(
            f"{advice}. The weights with the best validation score are kept.",
            ConvergenceWarning,
        )
        return
    raise ValueError(
        "Solver produced non-finite parameter weights. The input data may contain "
        f"large values and need to be preprocessed. {advice}."
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
