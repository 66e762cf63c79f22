"""The members of an ensemble: networks that are trained apart and predict together."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from .._threads import call_in_threads
from .._training import Callbacks, Data, History, SolverProgress
from .._typing import Array
from ..network import Network
from .assembly import assemble, output_arrays
from .calibration import fit_joint_temperature, fit_temperature
from .fit import FitRun, fit_network, noise_stream
from .input_checks import warn_caller
from .validation_set import HeldOut, divide


class StopTogether:
    """Callbacks that end training when all members have to stop.

    Parameters
    ----------
    stop : Event
        Set when a member is asked to stop, or the user interrupts.
    inner : Callbacks or None
        Callbacks of the user.
    """

    def __init__(self, stop: threading.Event, inner: Callbacks | None) -> None:
        self.stop, self.inner = stop, inner

    def epoch_begins(self) -> None:
        if self.inner is not None:
            self.inner.epoch_begins()

    def epoch_ends(self) -> bool:
        if self.inner is not None and self.inner.epoch_ends():
            self.stop.set()
        return self.stop.is_set()


@dataclass
class Member:
    """What further training of a member continues from, beside its weights."""

    history: History = field(default_factory=History)
    progress: SolverProgress | None = None

    def to_resume(self) -> Member:
        """Return a copy to train further, so that a fit that fails changes nothing."""
        return Member(self.history.copy(), self.progress)


def fit_members(
    run: FitRun,
    validation: Data | None,
    estimator: object,
    others: list[Member],
    bagging: bool,
    network_of: Callable[[np.random.RandomState, int], Network],
) -> HeldOutByMembers:
    """Train members side by side in threads; the network of `run` becomes the ensemble.

    `run` is that of the first member. The `others` go on from where they are, and
    change in place; ``network_of(rng, i)`` makes the network of member i. With
    `bagging`, each member holds other rows out, so that together they learn from all.
    After an interrupt, the members that have been trained for an epoch remain.
    """
    stop, held_out = threading.Event(), dict[int, HeldOut]()
    keep = run.keep_held_out
    splits = member_splits(run, validation, 1 + len(others), bagging)
    runs = [run, *other_runs(run, others, network_of)]
    for i, member in enumerate(runs):
        member.split = splits[i]
        member.callbacks = StopTogether(stop, member.callbacks)
        member.keep_held_out = partial(held_out.__setitem__, i)
        member.history.n_iter = 0

    def train(member: FitRun, time_share: float) -> None:
        member.time_share = time_share
        fit_network(member, validation, estimator)

    try:
        call_in_threads([partial(train, member) for member in runs], stop.set)
    except KeyboardInterrupt:
        warn_caller("Training interrupted by user.")
    trained = [i for i, member in enumerate(runs) if member.history.n_iter] or [0]
    run.network = assemble([runs[i].network for i in trained], run.targets.loss)
    others[:] = [Member(runs[i].history, runs[i].progress) for i in trained[1:]]
    run.publish(run.network)
    parts = [held_out[i] for i in trained if i in held_out]
    found = HeldOutByMembers(parts, same_rows=splits[0] is splits[-1])
    if parts:
        keep(found.joined(run.network))
    return found


def other_runs(
    run: FitRun,
    others: Sequence[Member],
    network_of: Callable[[np.random.RandomState, int], Network],
) -> list[FitRun]:
    """Return the runs of the members after the first."""
    # Not from the stream itself, so that the first member is the single network.
    seeds = copy.deepcopy(run.rng).randint(2**31, size=len(others))
    runs = []
    for i, (seed, member) in enumerate(zip(seeds, others, strict=True), start=1):
        rng = np.random.RandomState(seed)
        before = None if run.progress is None else member.progress
        runs.append(
            replace(
                run,
                network=network_of(rng, i),
                rng=rng,
                noise=noise_stream(rng) if before is None else before.rng,
                history=member.history,
                progress=before,
                callbacks=None,
                publish=lambda network: None,
            )
        )
    return runs


@dataclass
class HeldOutByMembers:
    """What each member says of the rows held out: the same for all, or its own."""

    parts: list[HeldOut]
    same_rows: bool = True

    def joined(self, network: Network) -> HeldOut:
        """Return what is said of all rows; of the same ones, by the whole `network`."""
        z, y, w = zip(*((p.z, p.y, p.sample_weight) for p in self.parts), strict=True)
        if not self.same_rows:
            weights = None if w[0] is None else np.concatenate(w)
            return HeldOut(np.concatenate(z), np.concatenate(y), weights)
        joint = (
            z[0]
            if network.members is None
            else network.members.joint_scores(np.hstack(z))
        )
        return HeldOut(joint, y[0], w[0])


def calibrate(run: FitRun, held_out: HeldOutByMembers) -> float:
    """Divide the raw scores of the network by a temperature, and return it.

    It is the best one for the rows held out. The weights of the output layer change.
    """
    parts = held_out.parts
    if not parts:
        return 1.0
    loss, members = run.targets.loss, run.network.members
    if members is None or not held_out.same_rows:
        joint = held_out.joined(run.network)
        temperature = fit_temperature(loss, joint.z, joint.y, joint.sample_weight)
    else:
        z = np.hstack([part.z for part in parts])
        temperature = fit_joint_temperature(
            members, z, parts[0].y, parts[0].sample_weight
        )
    for arrays in output_arrays(run.network):
        for array in arrays.values():
            array /= temperature
    return temperature


def member_splits(
    run: FitRun, validation: Data | None, n_members: int, bagging: bool
) -> Sequence[tuple[Data, Data] | None]:
    """Return the rows to train on, and those held out, of each member."""
    params, data = run.params, run.data
    if validation is not None or not params.early_stopping:
        return [None] * n_members
    if not bagging or hasattr(params.validation_fraction, "split"):
        return [run.hold_out()] * n_members
    n_folds = max(n_members, 2, round(1 / params.validation_fraction))
    if n_folds > data.n:
        return [run.hold_out()] * n_members
    if data.y.ndim == 1 or run.targets.strata(data.y) is not None:
        Folds, labels = StratifiedKFold, common_labels(data.y, n_folds)
    else:
        Folds, labels = KFold, None
    folds = Folds(n_folds, shuffle=True, random_state=run.rng)
    splits = list(folds.split(data.y, labels))
    return [divide(data, *rows) for rows in splits[:n_members]]


def common_labels(y: Array, n_folds: int) -> Array:
    """Return the class of each row, that of a rare class as the most common one.

    A class that has fewer rows than there are folds cannot be in all of them.
    """
    _, labels, counts = np.unique(y.ravel(), return_inverse=True, return_counts=True)
    labels[counts[labels] < n_folds] = counts.argmax()
    return labels
