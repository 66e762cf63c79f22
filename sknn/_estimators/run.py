"""One run of training: all that it has, beside the loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .._random import NoiseStream
from .._training import (
    Callbacks,
    Data,
    History,
    Kept,
    Limits,
    Monitor,
    SolverProgress,
)
from ..losses import Loss
from ..network import Network
from ..objective import Objective
from .checkpoints import RunKeeper, checked_split
from .parameters import TrainingParameters
from .targets import Targets
from .validation_set import Validator, divide, hold_out
from .variation import Variation


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
    n_before : int or None
        Number of rows of an earlier run, whose batch size a refit uses too.
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
    n_before: int | None = None
    time_share: float = 1.0
    silent: bool = False
    split: tuple[Data, Data] | None = None
    validator: Validator | None = None
    callbacks: Callbacks | None = None
    keeper: RunKeeper | None = None
    publish: Callable[[Network], None] = lambda network: None

    def objective(self, rng: np.random.Generator | None = None) -> Objective:
        """Return the objective to minimize; its masks are drawn from `rng`."""
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
