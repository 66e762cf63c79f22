"""The parts of the package that a file may hold: what is taken from each, and how it is
made again.

Most are made by their constructors, from the fields of a dataclass or the parameters of
a spec, so that a new activation, layer, loss, schedule or solver needs nothing here.
What constructors do not check is compared with the annotations of the class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib import import_module
from itertools import chain
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from .._descent import BLOCK
from .._estimators.base import BaseNetworkEstimator
from .._estimators.images import Images
from .._estimators.inputs import Rows
from .._estimators.members import Member
from .._estimators.tables import Table
from .._estimators.targets import ClassTargets, NumberTargets, ScaledTargets
from .._member_loss import MeanOverMembers
from .._random import NoiseStream
from .._spec import Spec
from .._training import History, SolverProgress
from .._typing import Array
from ..exceptions import FileError
from ..network import Network

from ..preprocessing._categories import Categories

MODULES_OF_SPECS = (
    *("activations", "augmentation", "initializers", "layers", "losses", "schedules"),
    "solvers",
)
"""All specs in these modules are parts, ``layers.Dense``."""

ESTIMATORS = {
    "mlp": ("MLPClassifier", "MLPRegressor"),
    "cnn": ("CNNClassifier", "CNNRegressor"),
    "sequential": ("SequentialClassifier", "SequentialRegressor"),
    "tabular": ("TabularClassifier", "TabularRegressor"),
}
"""The estimators of each module."""


@dataclass(frozen=True)
class Part:
    """How objects of one class are written and read.

    Attributes
    ----------
    tag : str
        The name in files. It stays the same if the class moves.
    cls : type
        The class; objects of subclasses are others.
    take : callable
        Returns what makes up an object, a dict by names.
    make : callable
        Makes an object from these keyword arguments; raises where they do not fit.
    """

    tag: str
    cls: type
    take: Callable[[Any], dict[str, Any]]
    make: Callable[..., Any]


@cache
def parts_by_tag() -> dict[str, Part]:
    """Return all parts by their names in files."""
    from .transformers import transformer_parts

    return {
        part.tag: part
        for part in (*spec_parts(), *own_parts(), *transformer_parts())
    }


@cache
def parts_by_type() -> dict[type, Part]:
    """Return all parts by their classes."""
    return {part.cls: part for part in parts_by_tag().values()}


def spec_parts() -> list[Part]:
    """Return the parts that are specs of the public modules."""
    parts = [Part("MeanOverMembers", MeanOverMembers, Spec.get_params, MeanOverMembers)]
    for name in MODULES_OF_SPECS:
        module = import_module(f"sknn.{name}")
        parts += [
            Part(f"{name}.{cls.__name__}", cls, Spec.get_params, cls)
            for cls in vars(module).values()
            if isinstance(cls, type)
            and issubclass(cls, Spec)
            and cls.__module__.startswith(module.__name__)
            and not inspect.isabstract(cls)
        ]
    return parts


def own_parts() -> list[Part]:
    """Return the other parts of the package."""
    dataclasses = (
        *(Table, Images, NumberTargets, ScaledTargets, ClassTargets),
        *(History, Member, SolverProgress),
    )
    estimators = [
        getattr(import_module(f"sknn.{module}"), name)
        for module, names in ESTIMATORS.items()
        for name in names
    ]
    return [
        *(Part(cls.__name__, cls, take_fields, partial(make_dataclass, cls))
          for cls in dataclasses),
        *(Part(cls.__name__, cls, take_estimator, partial(make_network_estimator, cls))
          for cls in estimators),
        Part("Rows", Rows, lambda rows: {}, Rows),
        Part("Network", Network, take_network, make_network),
        Part("Categories", Categories, take_categories, Categories),
        Part("NoiseStream", NoiseStream, take_noise, make_noise),
        Part("RandomState", np.random.RandomState, take_random, make_random),
    ]


# -- dataclasses and annotations ------------------------------------------------------


def take_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def make_dataclass(cls: type, **values: Any) -> Any:
    """Return an object of a dataclass, if all fields have the annotated types."""
    check_types(values, hints_of(cls), cls.__name__)
    return cls(**values)


@cache
def hints_of(cls: type) -> dict[str, Any]:
    """Return the annotations of a class, by the names of attributes."""
    return get_type_hints(cls)


def check_types(values: dict[str, Any], hints: dict[str, Any], owner: str) -> None:
    """Raise unless each value has the type in `hints`."""
    for name, value in values.items():
        if name not in hints:
            raise FileError(f"{owner} has {name!r:.50}, which sknn does not know.")
        if not is_of(value, hints[name]):
            raise FileError(f"{name} of {owner} is {value!r:.100}.")


def is_of(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if hint is float or hint is int:
        is_number = isinstance(value, Real if hint is float else Integral)
        return is_number and not isinstance(value, bool)
    if origin in (Union, UnionType):
        return any(is_of(value, arg) for arg in args)
    if origin is Literal:
        return value in args
    if origin is list:
        return type(value) is list and all(is_of(item, args[0]) for item in value)
    if origin is dict:
        return type(value) is dict and all(
            is_of(pair, tuple[args]) for pair in value.items()
        )
    if origin is tuple:
        several = args[1:] == (...,)
        args = args[:1] * len(value) if several and type(value) is tuple else args
        return (
            type(value) is tuple
            and len(value) == len(args)
            and all(map(is_of, value, args))
        )
    return isinstance(value, origin or hint)


# -- estimators -----------------------------------------------------------------------

FROM_HISTORY = {
    *("history_", "loss_curve_", "learning_rates_", "validation_scores_"),
    "validation_loss_curve_",
}
"""Attributes that are columns of the history, and so are made from it."""

NOT_KEPT = {"_skl_callbacks"}
"""Attributes that are not saved: callbacks are code."""

SEEN = {
    "n_features_in_": int,
    "feature_names_in_": Array,
    "_sklearn_output_config": dict[str, str | None],
}
"""Attributes that scikit-learn sets, with their types."""


def take_estimator(estimator: Any) -> dict[str, Any]:
    """Return the parameters and the other attributes of an estimator."""
    params = estimator.get_params(deep=False)
    left_out = params.keys() | NOT_KEPT
    taken = {"params": params}
    if isinstance(estimator, BaseNetworkEstimator) and hasattr(estimator, "_history"):
        left_out |= FROM_HISTORY
        taken["validated"] = estimator.validation_scores_ is not None
    others = {k: v for k, v in vars(estimator).items() if k not in left_out}
    return {**taken, "attributes": others}


def make_estimator(
    cls: type, hints: dict[str, Any], params: Any, attributes: Any
) -> Any:
    """Return an estimator with parameters, and attributes of the types in `hints`."""
    estimator = cls(**params)
    check_types(attributes, hints, cls.__name__)
    vars(estimator).update(attributes)
    return estimator


def make_network_estimator(
    cls: type, params: Any, attributes: Any, validated: bool = False
) -> Any:
    """Return an estimator of sknn, if its attributes fit together."""
    hints = {**hints_of(cls), **SEEN}
    estimator = make_estimator(cls, hints, params, attributes)
    history = attributes.get("_history")
    if history is not None:
        estimator._set_history(history, validated)
    if "network_" in attributes:
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


def is_like(value: Any, other: Any) -> bool:
    """Return whether two values are arrays of the same form, or both numbers."""
    if isinstance(other, np.ndarray):
        form = other.shape, other.dtype, other.flags.c_contiguous
        return isinstance(value, np.ndarray) and form == (
            value.shape, value.dtype, value.flags.c_contiguous
        )
    return is_of(value, float)


# -- the network ----------------------------------------------------------------------


def take_network(network: Network) -> dict[str, Any]:
    """Return the description and the arrays of a network."""
    names = ("layers", "in_shape", "rates", "array_rates", "members", "theta", "state")
    return {name: getattr(network, name) for name in names}


def make_network(
    layers: Any,
    in_shape: Any,
    rates: Any,
    array_rates: Any,
    members: Any,
    theta: Any,
    state: Any,
) -> Network:
    """Return a network; its size is compared with the arrays before it is allocated."""
    shape = in_shape
    n_theta = n_state = 0
    for layer in layers:
        spec = layer.build(shape)
        shape = spec.out_shape
        n_theta += sum(size(part.shape) for part in spec.params.values())
        n_state += sum(size(part.shape) for part in spec.state.values())
    if (
        (theta.shape, state.shape) != ((n_theta,), (n_state,))
        or theta.dtype != state.dtype
        or theta.dtype not in (np.float32, np.float64)
        or not is_of(members, MeanOverMembers | None)
    ):
        raise FileError(
            f"a network needs {n_theta} parameters, but has {theta.shape} of "
            f"{theta.dtype}."
        )
    network = Network(layers, in_shape, theta.dtype, rates, array_rates)
    network.restore((theta, state))
    if members is not None:
        network.members = members
    return network


def size(shape: Any) -> int:
    """Return the number of elements of an array; raise if a side is negative."""
    n = 1
    for side in shape:
        if side < 0:
            raise FileError(f"an array has the shape {shape}.")
        n *= int(side)
    return n


# -- tables ---------------------------------------------------------------------------


def take_categories(categories: Categories) -> dict[str, Any]:
    """Return what makes up the categories of a column."""
    return {"values": categories.values, "has_missing": categories.has_missing}


# -- random numbers -------------------------------------------------------------------


def take_random(rng: np.random.RandomState) -> dict[str, Any]:
    """Return the state of a RandomState; raise if it is not a Mersenne Twister."""
    state: Any = rng.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise FileError(
            f"{rng!r} is of the kind {state['bit_generator']}; only the usual "
            "RandomState, with MT19937, can be saved."
        )
    numbers = {"pos": int(state["state"]["pos"]), "key": state["state"]["key"]}
    return {**numbers, "has_gauss": state["has_gauss"], "gauss": state["gauss"]}


def make_random(pos: Any, key: Any, has_gauss: Any, gauss: Any) -> Any:
    """Return a RandomState, if the state is one that it can have.

    NumPy does not check it: a position outside of the key is read from elsewhere in
    memory, and with a key of zeros some methods never return.
    """
    if (
        not is_of(pos, int)
        or not 0 <= pos <= 624
        or (key.shape, key.dtype) != ((624,), np.uint32)
        or not (key[0] >> 31 or key[1:].any())
        or has_gauss not in (0, 1)
        or not is_of(gauss, float)
    ):
        raise FileError("the state of a RandomState is not valid.")
    rng = np.random.RandomState(0)
    rng.set_state(("MT19937", key, pos, int(has_gauss), float(gauss)))
    return rng


def take_noise(rng: NoiseStream) -> dict[str, Any]:
    """Return the state of a stream, and the seed of its children."""
    bits: Any = rng.bit_generator
    state, seed = bits.state, bits.seed_seq
    return {
        "state": state["state"]["state"],
        "has_uint32": int(state["has_uint32"]),
        "uinteger": int(state["uinteger"]),
        "entropy": np.asarray(seed.entropy),
        "spawn_key": seed.spawn_key,
        "n_children": seed.n_children_spawned,
    }


def make_noise(
    state: Any,
    has_uint32: Any,
    uinteger: Any,
    entropy: Any,
    spawn_key: Any,
    n_children: Any,
) -> NoiseStream:
    """Return a stream, if the state is one that it can have."""
    if (
        (state.shape, state.dtype) != ((4,), np.uint64)
        or (entropy.shape, entropy.dtype) != ((4,), np.uint32)
        or not all(is_of(n, int) and 0 <= n < 2**32 for n in (uinteger, n_children))
        or has_uint32 not in (0, 1)
        or not is_of(spawn_key, tuple[int, ...])
    ):
        raise FileError("the state of a random stream is not valid.")
    seed = np.random.SeedSequence(
        entropy, spawn_key=spawn_key, n_children_spawned=n_children
    )
    bits = np.random.SFC64(seed)
    bits.state = {
        "bit_generator": "SFC64",
        "state": {"state": state},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return NoiseStream(bits)


