"""The members of an ensemble: networks that are trained apart and predict together."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from .._member_loss import MeanOverMembers
from .._threads import call_in_threads
from .._training import Callbacks, Data, History
from ..layers import Ensemble, Flatten
from ..layers.base import Params
from ..losses import Loss
from ..network import Network
from .calibration import fit_joint_temperature, fit_temperature
from .fit import FitRun, fit_network, noise_stream
from .input_checks import warn_caller
from .validation_set import HeldOut


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


def fit_members(
    run: FitRun,
    validation: Data | None,
    estimator: object,
    n_members: int,
    bagging: bool,
    new_network: Callable[[np.random.RandomState], Network],
) -> list[HeldOut]:
    """Train members side by side in threads; the network of `run` becomes the ensemble.

    The first member is the network of `run`, with its history and callbacks. With
    `bagging`, each member holds other rows out, so that together they learn from all.
    Returns what each member says of the rows held out. After an interrupt, the members
    that have been trained for an epoch remain.
    """
    stop, held_out = threading.Event(), dict[int, HeldOut]()
    keep = run.keep_held_out
    splits = member_splits(run, validation, n_members, bagging)
    runs = [run]
    # Not from the stream itself, so that the first member is the single network.
    seeds = copy.deepcopy(run.rng).randint(2**31, size=n_members - 1)
    for seed in seeds:
        rng = np.random.RandomState(seed)
        runs.append(
            replace(
                run,
                network=new_network(rng),
                rng=rng,
                noise=noise_stream(rng),
                history=History(),
                callbacks=None,
                publish=lambda network: None,
            )
        )
    for i, member in enumerate(runs):
        member.split = splits[i]
        member.callbacks = StopTogether(stop, member.callbacks)
        member.keep_held_out = partial(held_out.__setitem__, i)
    calls = [partial(fit_network, member, validation, estimator) for member in runs]
    try:
        call_in_threads(calls, stop.set)
    except KeyboardInterrupt:
        warn_caller("Training interrupted by user.")
    trained = [member.network for member in runs if member.history.n_iter]
    run.network = assemble(trained or [run.network], run.targets.loss)
    run.publish(run.network)
    parts = [held_out[i] for i in sorted(held_out)]
    if parts:
        keep(joint_held_out(parts, run, bagging))
    return parts


def calibrate(run: FitRun, parts: list[HeldOut], bagging: bool) -> float:
    """Divide the raw scores of the network by a temperature, and return it.

    It is the best one for the rows held out, by `parts`, one for each member or one for
    all. The weights of the output layer change.
    """
    if not parts:
        return 1.0
    loss, members = run.targets.loss, run.network.members
    if members is None or bagging:
        joint = joint_held_out(parts, run, True)
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


def output_arrays(network: Network) -> list[Params]:
    """Return the arrays of the output layer, of each member of an ensemble."""
    first = network.layers[0]
    if isinstance(first, Ensemble):
        return [arrays[-1] for arrays in first.members(network.params[0])]
    return [network.params[-1]]


def joint_held_out(parts: list[HeldOut], run: FitRun, bagging: bool) -> HeldOut:
    """Return what the members say of the rows that were held out.

    With `bagging`, each speaks of other rows.
    """
    z, y, w = zip(*((p.z, p.y, p.sample_weight) for p in parts), strict=True)
    if bagging:
        weights = None if w[0] is None else np.concatenate(w)
        return HeldOut(np.concatenate(z), np.concatenate(y), weights)
    assert run.network.members is not None
    return HeldOut(run.network.members.joint_scores(np.hstack(z)), y[0], w[0])


def assemble(networks: Sequence[Network], loss: Loss) -> Network:
    """Return one network that predicts what networks of the same layers do on average.

    Parameters
    ----------
    networks : sequence of Network
        The members.
    loss : Loss
        What their raw scores mean.
    """
    first, k = networks[0], len(networks)
    ensemble = Ensemble(first.layers, k)
    network = Network([ensemble, Flatten()], first.in_shape, first.dtype)
    network.members = MeanOverMembers(loss, k)
    for views, member in zip(
        ensemble.members(network.params[0]), networks, strict=True
    ):
        for view, params in zip(views, member.params, strict=True):
            for name, array in params.items():
                np.copyto(view[name], array)
    return network


def member_splits(
    run: FitRun, validation: Data | None, n_members: int, bagging: bool
) -> Sequence[tuple[Data, Data] | None]:
    """Return the rows to train on, and those held out, of each member."""
    if validation is not None or not run.params.early_stopping:
        return [None] * n_members
    if not bagging:
        return [run.hold_out()] * n_members
    data, fraction = run.data, run.params.validation_fraction
    n_folds = max(n_members, 2, round(1 / fraction))
    classes = data.y.ndim == 1 or run.targets.strata(data.y) is not None
    if classes:  # a rare one can be in a few of the folds only
        classes = np.unique(data.y, return_counts=True)[1].min() >= n_folds
    Folds = StratifiedKFold if classes else KFold
    folds = Folds(n_folds, shuffle=True, random_state=run.rng)
    splits = []
    for rows in list(folds.split(data.y, data.y.ravel() if classes else None)):
        parts = copy.copy(data), copy.copy(data)
        for part, selected in zip(parts, rows, strict=True):
            part.rows = selected
        splits.append(parts)
    return splits[:n_members]
