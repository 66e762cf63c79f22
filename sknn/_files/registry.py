"""The registry: the classes that a file may hold.

Most objects are made by their constructors, from the fields of a dataclass or the
parameters of a spec, so that a new activation, layer, loss, schedule or solver needs
nothing here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from .._estimators.checkpoints import FitState
from .._estimators.images import Images
from .._estimators.inputs import Rows
from .._estimators.members import Member
from .._estimators.tables import Table
from .._estimators.targets import ClassTargets, NumberTargets, ScaledTargets
from .._member_loss import MeanOverMembers
from .._random import NoiseStream
from .._spec import Spec
from .._training import History, Kept, RunState, SolverProgress
from ..exceptions import FileError
from ..network import Network
from ..preprocessing._categories import Categories
from .annotations import check_key, is_of, make_dataclass, take_fields
from .estimators import make_network_estimator, take_estimator
from .networks import make_network, take_network
from .part import Part
from .random_numbers import make_noise, make_random, take_noise, take_random
from .transformers import transformer_parts

MODULES_OF_SPECS = (
    *("activations", "augmentation", "initializers", "layers", "losses", "schedules"),
    "solvers",
)
"""All specs in these modules are parts, ``layers.Dense``."""

CUSTOM = "custom."
"""What the names of classes of the user start with in files."""

ESTIMATORS = {
    "mlp": ("MLPClassifier", "MLPRegressor"),
    "cnn": ("CNNClassifier", "CNNRegressor"),
    "sequential": ("SequentialClassifier", "SequentialRegressor"),
    "tabular": ("TabularClassifier", "TabularRegressor"),
}
"""The estimators of each module."""


@cache
def parts_by_tag() -> dict[str, Part]:
    """Return all parts by their names in files."""
    return {
        part.tag: part for part in (*spec_parts(), *own_parts(), *transformer_parts())
    }


@cache
def parts_by_type() -> dict[type, Part]:
    """Return all parts by their classes."""
    return {part.cls: part for part in parts_by_tag().values()}


def custom_parts(classes: Any) -> list[Part]:
    """Return classes of the user as parts, ``custom.Bump``.

    A file has their names alone: it cannot say from where to import them.
    """
    found: list[Any] = [*classes] if isinstance(classes, Iterable) else [None]
    if not all(isinstance(cls, type) and issubclass(cls, Spec) for cls in found):
        raise ValueError(
            "custom_parts must be a list of classes that inherit from base classes of "
            f"sknn, such as Layer, got {classes!r:.200}."
        )
    parts: dict[str, Part] = {}
    for cls in found:
        tag = f"{CUSTOM}{cls.__name__}"
        if parts.setdefault(tag, Part(tag, cls, Spec.get_params, cls)).cls is not cls:
            raise ValueError(f"custom_parts has two classes named {cls.__name__!r}.")
    return [*parts.values()]


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
        *(History, Kept, Member, SolverProgress, RunState, FitState),
    )
    estimators = [
        getattr(import_module(f"sknn.{module}"), name)
        for module, names in ESTIMATORS.items()
        for name in names
    ]
    return [
        *(
            Part(cls.__name__, cls, take_fields, partial(make_dataclass, cls))
            for cls in dataclasses
        ),
        *(
            Part(
                cls.__name__, cls, take_estimator, partial(make_network_estimator, cls)
            )
            for cls in estimators
        ),
        Part("Rows", Rows, lambda rows: {}, Rows),
        Part("Network", Network, take_network, make_network),
        Part("Categories", Categories, take_categories, make_categories),
        Part("NoiseStream", NoiseStream, take_noise, make_noise),
        Part("RandomState", np.random.RandomState, take_random, make_random),
    ]


def take_categories(categories: Categories) -> dict[str, Any]:
    """Return what makes up the categories of a column."""
    return {"values": categories.values, "has_missing": categories.has_missing}


def make_categories(values: Any, has_missing: Any) -> Categories:
    """Return the categories of a column."""
    if not (is_of(values, list[Any]) and is_of(has_missing, bool)):
        raise FileError("the values of categories are no list.")
    for value in values:
        check_key(value)
    return Categories(values, has_missing)
