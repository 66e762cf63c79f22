"""Estimators: their parameters and attributes, and whether these fit together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from .._descent import BLOCK
from .._estimators.tables import Table
from .._estimators.targets import ClassTargets
from .._spec import parameters_of
from .._training import SolverProgress
from .._typing import Array
from ..exceptions import FileError
from ..network import Network
from .annotations import check_types, hints_of, is_of

FROM_HISTORY = {
    *("history_", "loss_curve_", "learning_rates_", "validation_scores_"),
    "validation_loss_curve_",
}
"""Attributes that are columns of the history, and so are made from it."""

NOT_KEPT = {"_skl_callbacks", "memory", "force_int_remainder_cols"}
"""What is not saved: callbacks are code, and the cache of a pipeline may hold it. The
last one was a parameter of ColumnTransformer before scikit-learn 1.9; it changes no
results."""

OF_CLASS = {"_parameter_constraints", "_AUTO_ACTIVATION"}
"""Annotated attributes of classes, which objects do not have."""

SEEN = {
    "n_features_in_": int,
    "feature_names_in_": Array,
    "_sklearn_output_config": dict[str, str | None],
}
"""Attributes that scikit-learn sets, with their types."""


def take_estimator(estimator: Any) -> dict[str, Any]:
    """Return the parameters and the attributes of an estimator, sorted by name."""
    taken = {**estimator.get_params(deep=False), **vars(estimator)}
    left_out = set(NOT_KEPT)
    if hasattr(estimator, "_history"):
        left_out |= FROM_HISTORY
        taken["_validated"] = estimator.validation_scores_ is not None
    return {name: taken[name] for name in sorted(taken.keys() - left_out)}


def make_estimator(cls: type, hints: dict[str, Any], **values: Any) -> Any:
    """Return an estimator with parameters, and attributes of the types in `hints`."""
    names = parameters_of(cls).keys() - NOT_KEPT
    params = {name: values.pop(name) for name in [*values] if name in names}
    estimator = cls(**params)
    check_types(values, hints, cls.__name__)
    vars(estimator).update(values)
    return estimator


def make_network_estimator(cls: type, _validated: bool = False, **values: Any) -> Any:
    """Return an estimator of sknn, if its attributes fit together."""
    hints = {name: hint for name, hint in hints_of(cls).items() if name not in OF_CLASS}
    estimator = make_estimator(cls, {**hints, **SEEN}, **values)
    if "_history" in values:
        estimator._set_history(values["_history"], _validated)
    if "network_" in values:
        check_fitted(estimator)
    return estimator


def check_fitted(estimator: Any) -> None:
    """Raise unless the network fits the input and the targets.

    Kernels rely on it.
    """
    network, input, targets = estimator.network_, estimator._input, estimator._targets
    n_features = input.width if isinstance(input, Table) else estimator.n_features_in_
    fits = network.in_shape == (n_features,)
    if isinstance(targets, ClassTargets):
        n_classes = len(targets.classes)
        one = n_classes <= 2 and not targets.is_multilabel
        fits &= network.n_scores == (1 if one else n_classes)
    fits &= network.n_scores % targets.loss.scores_per_output == 0
    fits &= estimator.n_outputs_ == network.n_scores
    if not fits:
        raise FileError(f"{network!r} does not fit its input and targets.")
    others = [member.progress for member in getattr(estimator, "_others", ())]
    for progress in (getattr(estimator, "_progress", None), *others):
        if progress is not None:
            check_progress(progress, network)


def check_progress(progress: SolverProgress, network: Network) -> None:
    """Raise unless the state of a solver is like a new one for parts of a network."""
    theta = network.theta
    for at in progress.places:
        ends = at.start, at.stop
        if not is_of(ends, tuple[int, int]) or not 0 <= ends[0] < ends[1] <= theta.size:
            raise FileError(f"the solver has a state for the parameters {at}.")
    starts = chain.from_iterable(
        (theta[i : min(i + BLOCK, at.stop)] for i in range(at.start, at.stop, BLOCK))
        for at in progress.places
    )
    for block, state in zip(starts, progress.states, strict=True):
        new = progress.solver.start(block)
        if new.keys() != state.keys() or not all(
            is_like(state[name], value) for name, value in new.items()
        ):
            raise FileError(f"the state of {progress.solver!r} is of other arrays.")
    check_snapshots(progress, network)


def check_snapshots(progress: SolverProgress, network: Network) -> None:
    """Raise unless the weights between calls are like those of the network.

    In an ensemble they are those of one member.
    """
    n = 1 if network.members is None else network.members.n_members
    like = [
        np.empty(array.size // n, array.dtype)
        for array in (network.theta, network.state)
    ]
    for snapshot in snapshots_of(progress):
        if not all(map(is_like, snapshot, like)):
            raise FileError(f"{network!r} has other parameters than its latest ones.")


def snapshots_of(progress: SolverProgress) -> Iterator[tuple[Array, Array]]:
    """Yield the weights that early stopping keeps between calls of `partial_fit`."""
    yield from (kept.snapshot for kept in progress.kept or ())
    others = progress.latest, progress.best
    yield from (snapshot for snapshot in others if snapshot is not None)


def is_like(value: Any, other: Any) -> bool:
    """Return whether two values are arrays of the same form, or both numbers."""
    if isinstance(other, np.ndarray):
        form = other.shape, other.dtype, other.flags.c_contiguous
        return isinstance(value, np.ndarray) and form == (
            value.shape,
            value.dtype,
            value.flags.c_contiguous,
        )
    return is_of(value, float)
