"""The parameters of training: the allowed values, and the objects that names mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.metrics import get_scorer_names

from .._sklearn import (
    BaseEstimator,
    HasMethods,
    Interval,
    InvalidParameterError,
    ListOf,
    Options,
    StrOptions,
)
from .._spec import Spec, parameters_of
from ..layers import Layer
from ..layers.base import layer_names
from ..schedules import SCHEDULES, Schedule
from ..solvers import SOLVERS, Solver
from .aliases import explain_unknown_names, suggest_parameter
from .input_checks import add_suggestion, warn_caller

SolverChoice: TypeAlias = (
    Literal["sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam", "lbfgs"]
    | Solver
)
BestChoice: TypeAlias = bool | Literal["latest"] | int
"""What `restore_best` may be."""

RefitChoice: TypeAlias = bool | Literal["auto"]
"""What `refit_on_all` may be."""

ScheduleChoice: TypeAlias = (
    Literal[
        "constant",
        "invscaling",
        "adaptive",
        "step",
        "exponential",
        "linear",
        "cosine",
        "flat_cosine",
        "coslog",
        "inverse_sqrt",
        "one_cycle",
    ]
    | Schedule
)
"""A name, or an object with its own parameters."""


PLANNED = set(SCHEDULES) - {"adaptive", "invscaling"}
"""The schedules that depend on the epoch only, which other factors can follow too."""


class TrainingParameters(BaseEstimator):
    """The parameters that all estimators share: how to set and validate them.

    The code that fits receives the estimator as an object of this type: it reads only
    the parameters below.
    """

    solver: SolverChoice
    alpha: float
    batch_size: int | Literal["auto"]
    learning_rate: ScheduleChoice
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: Any
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    scoring: str | Callable[..., float] | None
    rho: float
    weight_decay: float
    l1_ratio: float
    max_grad_norm: float | None
    max_grad_value: float | None
    mixup: float
    restore_best: BestChoice
    refit_on_all: RefitChoice
    init_from: Any
    freeze: str | int | Sequence[str] | None
    head_learning_rate: float | None
    layer_learning_rates: Mapping[str, float] | None
    dropout_schedule: ScheduleChoice
    weight_decay_schedule: ScheduleChoice
    drop_last: bool
    max_time: float | None

    _parameter_constraints: dict[str, Any] = {
        "solver": [StrOptions({"lbfgs", *SOLVERS}), Solver],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions(set(SCHEDULES)), Schedule],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "head_learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "layer_learning_rates": [dict, None],
        "dropout_schedule": [StrOptions(PLANNED), Schedule],
        "weight_decay_schedule": [StrOptions(PLANNED), Schedule],
        "drop_last": ["boolean"],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="left"),
            HasMethods(["split", "get_n_splits"]),
        ],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
        "rho": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "max_grad_value": [Interval(Real, 0, None, closed="neither"), None],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "restore_best": [
            "boolean",
            StrOptions({"latest"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "refit_on_all": ["boolean", StrOptions({"auto"})],
        "init_from": [HasMethods(["fit", "predict"]), str, os.PathLike, None],
        "freeze": [
            str,
            Interval(Integral, 0, None, closed="left"),
            ListOf("names of layers"),
            None,
        ],
    }

    @staticmethod
    def _auto_batch_size(n: int) -> int:
        """Return the number of rows of ``batch_size='auto'`` for `n` training rows."""
        return 200

    def _refits(self, holds_out: bool) -> bool:
        """Return whether `fit` trains again on all rows, if it `holds_out` some."""
        if self.refit_on_all == "auto":
            # A second warm start would hold out rows that the first one has trained on.
            finds_best = self.early_stopping and bool(self.restore_best)
            return holds_out and finds_best and not self.warm_start
        return self.early_stopping and self.refit_on_all

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        # scikit-learn inspects the signature in each get_params, set_params and clone.
        return super()._get_param_names()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own_init: Any = vars(cls).get("__init__")
        if own_init is not None:
            explained: Any = explain_unknown_names(own_init)
            cls.__init__ = explained  # type: ignore[method-assign]

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator, and of the objects it contains.

        ``learning_rate__warmup`` is the parameter `warmup` of the object
        `learning_rate`. Objects such as schedules and layers are immutable and may be
        shared: the object is replaced by a copy with the new value.
        {layers} An item of a list is given by its index, ``layers__0__channels``, or,
        {layers} if it is a layer, by its name in `summary`,
        {layers} ``layers__conv1__channels``.
        {conv_channels} An item of a list is given by its index, as in
        {conv_channels} ``augmentation__0__share``.

        Parameters
        ----------
        **params : dict
            New values by name.

        Returns
        -------
        self : estimator
            The estimator itself.
        """
        parts: dict[str, dict[str, Any]] = {}
        known = self.get_params(deep=False)
        for key in list(params):
            name, _, path = key.partition("__")
            held = params.get(name, getattr(self, name, None))
            if path and isinstance(held, Spec | list | tuple):
                parts.setdefault(name, {})[path] = params.pop(key)
            elif path and name in known and not hasattr(held, "set_params"):
                raise ValueError(
                    f"{key} is a parameter of an object, but {name}={held!r} has no "
                    f"parameters. Set {name} to an object first."
                )
        try:
            super().set_params(**params)
        except ValueError as error:
            unknown = [key for key in params if key.partition("__")[0] not in known]
            hints = [
                suggest_parameter(key, "__init__", known, type(self)) for key in unknown
            ]
            # scikit-learn's error ends in the list of all parameters.
            what, valid, names = str(error).partition(" Valid parameters are: ")
            raise ValueError(f"{what}{''.join(hints)}{valid}{names}") from None
        for name, changes in parts.items():
            for path, value in changes.items():
                setattr(self, name, replaced(getattr(self, name), path, value, name))
        return self

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise add_suggestion(
                error, self.get_params(deep=False), self._parameter_constraints
            ) from None


def make_solver(params: TrainingParameters) -> Solver:
    """Return the solver object; warn if its steps would be far too small."""
    if params.solver == "adadelta" and params.learning_rate_init < 0.1:
        warn_caller(
            "solver='adadelta' determines the size of its steps itself, and "
            f"learning_rate_init={params.learning_rate_init} makes them smaller. "
            "learning_rate_init=1 is usual, with epsilon=1e-6."
        )
    return make_part(params.solver, SOLVERS, vars(params))


def make_schedule(params: TrainingParameters, name: str = "learning_rate") -> Schedule:
    """Return the schedule object of the parameter `name`."""
    choice = getattr(params, name)
    # As in scikit-learn, adam ignores the names of scikit-learn's own schedules.
    if params.solver == "adam" and choice in ("invscaling", "adaptive"):
        choice = "constant"
    return make_part(choice, SCHEDULES, vars(params))


def make_part(choice: Any, table: Mapping[str, Any], params: dict[str, Any]) -> Any:
    """Return `choice` if it is an object, else create the object with that name.

    Its fields are set to the parameters of the estimator, `params`, of the same name.
    """
    if not isinstance(choice, str):
        return choice
    fields = parameters_of(table[choice])
    return table[choice](**{f: params[f] for f in fields if f in params})


def replaced(held: Any, path: str, value: Any, whole: str) -> Any:
    """Return a copy of an object or list with a new value at `path`, ``0__rate``.

    `whole` is the name of the parameter in errors.
    """
    if not path:
        return value
    key, _, rest = path.partition("__")
    if isinstance(held, Spec):
        inner = held.get_params().get(key)
        return held.replace(**{key: replaced(inner, rest, value, whole)})
    if not isinstance(held, list | tuple):
        raise ValueError(f"{whole} has no parameter {path!r} in {held!r}.")
    all_layers = held and all(isinstance(item, Layer) for item in held)
    names = layer_names(held) if all_layers else []
    i = names.index(key) if key in names else int(key) if key.isdigit() else -1
    if not 0 <= i < len(held):
        raise ValueError(
            f"{whole} has no item {key!r}: it needs an index below {len(held)}"
            f"{f' or one of the names {names}' if names else ''}."
        )
    new = replaced(held[i], rest, value, whole)
    return type(held)([*held[:i], new, *held[i + 1 :]])
