"""Parameters that are not used because of other parameters.

As in scikit-learn, such a parameter raises no error, so that a grid search can combine
all values. The table says when each of them is used; the guide has the same table for
readers, on the page about combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from .._estimators.base import BaseNetworkEstimator
from .._estimators.dense_blocks import activation_name
from .._spec import Spec, parameters_of

Settings: TypeAlias = Mapping[str, Any]
"""The parameters of an estimator by name, and ``X_val``: whether `fit` gets one."""


@dataclass(frozen=True)
class Use:
    """When some parameters are used.

    Attributes
    ----------
    names : tuple of str
        The parameters. An estimator need not have all of them.
    is_used : callable
        Whether they are used with these settings.
    words : str
        The same in words, which continue "it is used".
    part : str
        The parameter whose named choices read them. An object there has constants of
        its own. Empty if there is none.
    """

    names: tuple[str, ...]
    is_used: Callable[[Settings], bool]
    words: str
    part: str = ""

    def reason(self, settings: Settings) -> str:
        """Return why they are not used with these settings."""
        choice = settings.get(self.part)
        if isinstance(choice, Spec):
            return f"{self.part}={choice!r} has its own constants"
        return f"it is used {self.words}"


def read_by(part: str, choices: Iterable[str], *names: str) -> Use:
    """Return the use of parameters that some named choices of `part` read."""
    known = tuple(choices)
    words = f"by {part}={' and '.join(map(repr, known))} only"
    return Use(names, lambda settings: settings[part] in known, words, part)


def _has_steps(settings: Settings) -> bool:
    return bool(settings["solver"] != "lbfgs")


def _follows_the_name(settings: Settings) -> bool:
    """Return whether the solver follows schedules that scikit-learn has as well."""
    return settings["solver"] not in ("adam", "lbfgs")


def _is_schedule_used(settings: Settings) -> bool:
    named = settings["learning_rate"] in ("invscaling", "adaptive")
    return _follows_the_name(settings) or not named


def _reads_power_t(settings: Settings) -> bool:
    return settings["learning_rate"] == "invscaling" and _follows_the_name(settings)


def _reads_init_scale(settings: Settings) -> bool:
    if "layers" in settings:  # each of which may have an initializer of its own
        return True
    choice = settings["initializer"]
    choices = choice if isinstance(choice, list | tuple) else [choice]
    return any(choice in ("normal", "constant") for choice in choices)


def _decays(settings: Settings) -> bool:
    solver = settings["solver"]
    by_name = settings["weight_decay"] if solver == "adamw" else 0.0
    return bool(getattr(solver, "weight_decay", by_name) > 0)


def _drops(settings: Settings) -> bool:
    if "layers" in settings:  # which may drop units
        return True
    names = ("dropout", "input_dropout", "dropconnect")
    return any(np.any(settings.get(name, 0)) for name in names)


def _has_layers(settings: Settings, at_least: int = 1) -> bool:
    """Return whether there are hidden layers, convolutions included."""
    if "conv_channels" in settings:
        return True
    return np.size(settings["hidden_layer_sizes"]) >= at_least


def _has_layers_for_dropout(settings: Settings) -> bool:
    # In a CNN, a single rate applies to the dense layers only.
    per_layer = not isinstance(settings["dropout"], Real)
    has_dense = np.size(settings["hidden_layer_sizes"]) > 0
    return has_dense or ("conv_channels" in settings and per_layer)


def _reads_activation(settings: Settings) -> bool:
    # As in scikit-learn, output weights depend on whether it is 'logistic'.
    return (
        _has_layers(settings) or activation_name(settings["activation"]) == "logistic"
    )


USES = (
    read_by("solver", ["sgd"], "momentum", "nesterovs_momentum"),
    read_by("solver", ["rmsprop", "adadelta"], "rho"),
    read_by("solver", ["adam", "adamw", "nadam"], "beta_1", "beta_2"),
    read_by(
        "solver",
        ["adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam"],
        "epsilon",
    ),
    read_by("solver", ["adamw"], "weight_decay"),
    read_by("solver", ["lbfgs"], "max_fun"),
    Use(
        (
            *("learning_rate", "learning_rate_init", "batch_size", "shuffle"),
            *("max_grad_norm", "max_grad_value", "head_learning_rate"),
            *("layer_learning_rates", "dropout_schedule", "drop_last"),
        ),
        _has_steps,
        "by all solvers but 'lbfgs'",
    ),
    Use(
        ("learning_rate",),
        _is_schedule_used,
        "by other solvers; 'adam' needs an object from sknn.schedules",
    ),
    Use(
        ("power_t",),
        _reads_power_t,
        "by learning_rate='invscaling' only, and not with solver='adam' or 'lbfgs'",
        "learning_rate",
    ),
    Use(("weight_decay_schedule",), _decays, "with weight decay only: solver='adamw'"),
    Use(
        ("dropout_schedule",),
        _drops,
        "with dropout, input_dropout or dropconnect > 0 only",
    ),
    Use(("l1_ratio",), lambda settings: settings["alpha"] > 0, "with alpha > 0 only"),
    Use(
        ("init_scale",),
        _reads_init_scale,
        "by initializer='normal' and 'constant' only",
        "initializer",
    ),
    read_by("loss", ["huber"], "delta"),
    read_by("loss", ["quantile"], "quantile"),
    Use(
        ("validation_fraction", "restore_best", "refit_on_all"),
        lambda settings: settings["early_stopping"],
        "with early_stopping=True only",
    ),
    Use(
        ("scoring",),
        lambda settings: settings["early_stopping"] or settings["X_val"],
        "with early_stopping=True, or if fit gets X_val and y_val, only",
    ),
    Use(
        ("n_iter_no_change",),
        lambda settings: _has_steps(settings) or settings["early_stopping"],
        "by 'lbfgs' with early_stopping=True only",
    ),
    Use(("normalization",), _has_layers, "by hidden layers only"),
    Use(("dropout",), _has_layers_for_dropout, "by hidden layers only"),
    Use(("activation",), _reads_activation, "by hidden layers only"),
    Use(
        ("residual",),
        lambda settings: _has_layers(settings, at_least=2),
        "with two or more hidden layers only",
    ),
)
"""When parameters are used that do not always are. Where two entries name a parameter,
both must hold."""


def idle_parameters(
    estimator: BaseNetworkEstimator, has_validation_set: bool
) -> dict[str, str]:
    """Return the parameters that were set but are not used, with the reasons.

    Zero is left out: it switches something off, which is not used anyway.
    """
    params = estimator.get_params(deep=False)
    defaults = parameters_of(type(estimator))
    settings = {**params, "X_val": has_validation_set}
    reasons: dict[str, str] = {}
    for use in USES:
        for name in use.names:
            if name in reasons or not _is_set(params, defaults, name):
                continue
            if not use.is_used(settings):
                reasons[name] = use.reason(settings)
    return reasons


def _is_set(params: Settings, defaults: Mapping[str, Parameter], name: str) -> bool:
    """Return whether there is a parameter `name`, neither at its default nor 0."""
    if name not in params or np.array_equal(params[name], defaults[name].default):
        return False
    value = params[name]
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return not (is_number and value == 0)
