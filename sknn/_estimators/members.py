"""The members of an ensemble: networks that are trained apart and predict together."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn import config_context, get_config
from sklearn.model_selection import KFold, StratifiedKFold

from .._threads import call_in_threads
from .._training import Callbacks, Data, History, SolverProgress
from .._typing import Array
from ..losses import Loss
from ..network import Network
from .assembly import assemble, output_arrays
from .calibration import JointScores, fit_joint_temperature
from .fit import fit_network
from .input_checks import warn_caller, warnings_to
from .run import FitRun, noise_stream
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
    parts = [
        Part(part, None if split is None else split[1].rows)
        for part, split in ((held_out[i], splits[i]) for i in kept)
        if part is not None
    ]
    return HeldOutByMembers(run.targets.loss, parts)


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
                keeper=None if run.keeper is None else run.keeper.of_member(i),
                silent=True,
                publish=lambda network: None,
            )
        )
    return runs


class Part(NamedTuple):
    """What a member says of the rows it holds out; None are those of the user."""

    held_out: HeldOut
    rows: Array | None


@dataclass
class HeldOutByMembers:
    """What each member says of the rows that it has held out.

    Attributes
    ----------
    loss : Loss
        The loss of a single network.
    parts : list of Part
        The same rows for all members, or other ones for each. After an interrupt, some
        members may not have had a turn.
    """

    loss: Loss
    parts: list[Part]

    def groups(self) -> list[JointScores]:
        """Return the scores of the rows, by how many members have held them out."""
        parts = [part for part, _ in self.parts]
        if len(parts) < 2:
            return [JointScores(p.z[:, None], p.y, p.sample_weight) for p in parts]
        same = np.arange(len(parts[0].y))
        rows = [same if part.rows is None else part.rows for part in self.parts]
        every = np.unique(np.concatenate(rows))
        at = [np.searchsorted(every, r) for r in rows]
        shape = len(every), len(parts)
        z = np.empty((*shape, *parts[0].z.shape[1:]), parts[0].z.dtype)
        y = np.empty((len(every), *parts[0].y.shape[1:]), parts[0].y.dtype)
        w = None if parts[0].sample_weight is None else np.empty(len(every), z.dtype)
        is_held = np.zeros(shape, bool)
        for i, part in enumerate(parts):
            z[at[i], i], y[at[i]], is_held[at[i], i] = part.z, part.y, True
            if w is not None:
                w[at[i]] = part.sample_weight
        n_saying = is_held.sum(axis=1)
        members = np.argsort(~is_held, axis=1, kind="stable")  # of each row, first
        groups = []
        for k in np.unique(n_saying):
            chosen = n_saying == k
            of_rows = members[chosen, :k, np.newaxis]
            scores = np.take_along_axis(z[chosen], of_rows, axis=1)
            weights = None if w is None else w[chosen]
            groups.append(JointScores(scores, y[chosen], weights))
        return groups

    def joined(self) -> HeldOut | None:
        """Return what is said of all rows: the mean where several members say it."""
        if len(self.parts) < 2:
            return self.parts[0].held_out if self.parts else None
        groups = self.groups()
        weights = [w for group in groups if (w := group.sample_weight) is not None]
        return HeldOut(
            np.concatenate([group.scores(self.loss) for group in groups]),
            np.concatenate([group.y for group in groups]),
            np.concatenate(weights) if weights else None,
        )


def calibrate(run: FitRun, held_out: HeldOutByMembers) -> float:
    """Divide the raw scores of the network by a temperature, and return it.

    It is the best one for the rows held out. The weights of the output layer change.
    """
    if not (groups := held_out.groups()):
        return 1.0
    members = run.network.members
    n_members = 1 if members is None else members.n_members
    temperature = fit_joint_temperature(held_out.loss, groups, n_members)
    for arrays in output_arrays(run.network):
        for array in arrays.values():
            array /= temperature
    return temperature


def member_splits(
    run: FitRun, n_members: int, bagging: bool, rng: np.random.RandomState
) -> Sequence[tuple[Data, Data]]:
    """Return the rows to train on, and those held out, of each member.

    Without `bagging` they are the same for all. With it, each member holds out two
    blocks of rows, of which it shares one with the member before, and one with the
    member after it, in a ring. The rows that two members hold out show how much better
    their mean is. Where blocks of that size are not `validation_fraction`, or there are
    fewer rows of a class, or with a weight, than blocks, each member draws its rows.
    """
    data, fraction = run.data, run.params.validation_fraction
    if not bagging or hasattr(fraction, "split") or not fraction or data.n < 4:
        return [run.draw_split(rng)] * n_members
    n_blocks = min(round(2 / fraction), data.n)
    is_near = abs(2 / n_blocks - fraction) <= fraction / 10 or n_blocks == data.n
    strata = strata_of(data, run.targets.strata(data.y))
    is_stratified = strata.ndim == 1
    rarest = np.unique(strata, return_counts=True)[1].min() if is_stratified else data.n
    if n_blocks < 3 or not is_near or rarest < n_blocks:
        return [run.draw_split(rng) for _ in range(n_members)]
    Folds = StratifiedKFold if is_stratified else KFold
    folds = Folds(n_blocks, shuffle=True, random_state=rng)
    splits: list[tuple[Data, Data]] = []
    while (n_left := n_members - len(splits)) > 0:
        blocks = [block for _, block in folds.split(strata, strata)]
        size = max(3, min(n_left, n_blocks))
        for i in range(min(n_left, size)):
            held_out = np.concatenate([blocks[i], blocks[(i + 1) % size]])
            train = np.setdiff1d(np.arange(data.n), held_out)
            splits.append(divide(data, train, np.sort(held_out)))
    return splits


def strata_of(data: Data, strata: Array | None) -> Array:
    """Return what each block of rows must have its share of.

    That is classes, where `strata` or the targets have them, and rows with a weight.
    """
    labels = data.y if strata is None else strata.ravel()
    w = data.sample_weight
    if w is None or w.all():
        return labels
    if labels.ndim > 1:
        return w > 0
    return np.unique(labels, return_inverse=True)[1] * 2 + (w > 0)
