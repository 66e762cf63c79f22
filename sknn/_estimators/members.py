"""The members of an ensemble: networks that are trained apart and predict together."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np
from sklearn import config_context, get_config
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from .._member_loss import MeanOverMembers
from .._threads import call_in_threads
from .._training import Callbacks, Data, History, SolverProgress
from ..network import Network
from .assembly import assemble, output_arrays
from .calibration import fit_joint_temperature, fit_temperature
from .fit import FitRun, fit_network, noise_stream
from .input_checks import warn_caller, warnings_to
from .validation_set import HeldOut, divide, hold_out


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
    splits: Sequence[tuple[Data, Data] | None],
    others: list[Member],
    network_of: Callable[[np.random.RandomState, int], Network],
) -> HeldOutByMembers:
    """Train members side by side in threads; the network of `run` becomes the ensemble.

    `run` is that of the first member. The `others` go on from where they are, and
    change in place; ``network_of(rng, i)`` makes the network of member i. `splits` are
    the rows that each trains on and holds out. After an interrupt, or if a callback
    ends training, the members that were trained for long enough remain, now or before.
    """
    are_new = not any(len(member.history) for member in others)
    stop, runs = threading.Event(), [run, *other_runs(run, others, network_of)]
    ended = [member.has_ended for member in runs]
    for member, split, has_ended in zip(runs, splits, ended, strict=True):
        member.split, member.waits = split, has_ended and not all(ended)
        member.callbacks = StopTogether(stop, member.callbacks)
        member.history.n_iter = 0  # also if it never begins
    held_out: list[HeldOut | None] = [None] * len(runs)
    messages, config = list[tuple[str, type[Warning]]](), get_config()

    def train(i: int, time_share: float) -> None:
        runs[i].time_share = time_share
        with warnings_to(messages), config_context(**config):
            held_out[i] = fit_network(runs[i], validation, estimator)

    try:
        call_in_threads([partial(train, i) for i in range(len(runs))], stop.set)
    except KeyboardInterrupt:
        messages.append(("Training interrupted by user.", UserWarning))
    for message, category in dict.fromkeys(messages):
        warn_caller(message, category)
    kept = list(range(len(runs)))
    if stop.is_set() and are_new:
        kept = trained_long_enough([member.history.n_iter for member in runs])
    others[:] = [Member(runs[i].history, runs[i].progress) for i in kept[1:]]
    run.converged = all(runs[i].converged for i in kept)
    networks = [runs[i].network for i in kept]
    alone = len(kept) == 1
    run.network = networks[0] if alone else assemble(networks, run.targets.loss)
    run.publish(run.network)
    parts = [part for i in kept if (part := held_out[i]) is not None]
    return HeldOutByMembers(parts, same_rows=splits[0] is splits[-1])


def trained_long_enough(n_epochs: Sequence[int]) -> list[int]:
    """Return the members with at least half as many epochs as the longest trained one.

    Where there are more members than threads, the later ones have hardly begun when an
    interrupt or a callback ends training.
    """
    longest = max(n_epochs)
    return [i for i, n in enumerate(n_epochs) if 2 * n >= longest] if longest else [0]


def other_runs(
    run: FitRun,
    others: Sequence[Member],
    network_of: Callable[[np.random.RandomState, int], Network],
) -> list[FitRun]:
    """Return the runs of the members after the first."""
    # Not from the stream itself: on the same rows, the first member is the network that
    # is trained alone.
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
                silent=True,
                publish=lambda network: None,
            )
        )
    return runs


@dataclass
class HeldOutByMembers:
    """What each member says of the rows held out: the same for all, or its own."""

    parts: list[HeldOut]
    same_rows: bool = True

    def members_of(self, network: Network) -> MeanOverMembers | None:
        """Return what makes one of the scores, if all members speak of the same rows.

        After an interrupt, some may not have had a turn.
        """
        members = network.members
        complete = members is not None and members.n_members == len(self.parts)
        return members if complete and self.same_rows else None

    def joined(self, network: Network) -> HeldOut | None:
        """Return what is said of all rows, of the same ones by the whole `network`."""
        if len(self.parts) < 2:
            return self.parts[0] if self.parts else None
        z, y, w = zip(*((p.z, p.y, p.sample_weight) for p in self.parts), strict=True)
        if (members := self.members_of(network)) is not None:
            return HeldOut(members.joint_scores(np.hstack(z)), y[0], w[0])
        weights = None if w[0] is None else np.concatenate(w)
        return HeldOut(np.concatenate(z), np.concatenate(y), weights)


def calibrate(run: FitRun, held_out: HeldOutByMembers) -> float:
    """Divide the raw scores of the network by a temperature, and return it.

    It is the best one for the rows held out. The weights of the output layer change.
    """
    parts, loss = held_out.parts, run.targets.loss
    if (members := held_out.members_of(run.network)) is not None:
        z = np.hstack([part.z for part in parts])
        temperature = fit_joint_temperature(
            members, z, parts[0].y, parts[0].sample_weight
        )
    elif (joint := held_out.joined(run.network)) is not None:
        temperature = fit_temperature(loss, joint.z, joint.y, joint.sample_weight)
    else:
        return 1.0
    for arrays in output_arrays(run.network):
        for array in arrays.values():
            array /= temperature
    return temperature


def member_splits(
    run: FitRun, n_members: int, bagging: bool, rng: np.random.RandomState
) -> Sequence[tuple[Data, Data]]:
    """Return the rows to train on, and those held out, of each member.

    Without `bagging` they are the same for all. With it, they are other folds, of a
    second division where the first has too few.
    """
    data, fraction = run.data, run.params.validation_fraction
    strata = run.targets.strata(data.y)

    def draw() -> tuple[Data, Data]:
        return hold_out(data, fraction, rng, strata)

    if not bagging or hasattr(fraction, "split") or not fraction or data.n < 4:
        return [draw()] * n_members
    n_folds = max(2, min(round(1 / fraction), data.n // 2))  # R² needs two rows
    classes = data.y if strata is None else strata.ravel()
    if classes.ndim == 1 and np.unique(classes, return_counts=True)[1].min() < n_folds:
        return [draw() for _ in range(n_members)]  # a class is too rare for all folds
    Folds = RepeatedStratifiedKFold if classes.ndim == 1 else RepeatedKFold
    n_repeats = math.ceil(n_members / n_folds)
    folds = Folds(n_splits=n_folds, n_repeats=n_repeats, random_state=rng)
    splits = islice(folds.split(classes, classes), n_members)
    return [divide(data, *rows) for rows in splits]
