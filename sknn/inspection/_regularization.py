"""Switch regularization off, so that a tool can see what a network could learn."""

from __future__ import annotations

from inspect import signature
from typing import Any

from .._estimators.base import BaseNetworkEstimator
from .._spec import Spec
from ..layers import DropConnect, Dropout, Residual

REGULARIZATION_OFF = {
    "alpha": 0.0,
    "augmentation": None,
    "dropconnect": 0.0,
    "dropout": 0.0,
    "early_stopping": False,
    "input_dropout": 0.0,
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "weight_decay": 0.0,
}
"""Parameters that regularize, with the value that switches each off."""


def without_regularization(estimator: BaseNetworkEstimator) -> dict[str, Any]:
    """Return the parameters that switch regularization off, inside objects too."""
    off: dict[str, Any] = dict(REGULARIZATION_OFF)
    for name in ("solver", "loss"):
        value = getattr(estimator, name, None)
        if isinstance(value, Spec):
            fields = value.get_params().keys() & REGULARIZATION_OFF.keys()
            off[name] = value.replace(**dict.fromkeys(fields, 0.0))
    layers = getattr(estimator, "layers", None)
    if isinstance(layers, list | tuple):
        off["layers"] = [_without_dropout(layer) for layer in layers]
    return off


def _without_dropout(layer: Any) -> Any:
    """Return the layer with a dropout rate of 0, also in the layers inside it."""
    if isinstance(layer, Dropout | DropConnect):
        return layer.replace(rate=0.0)
    if isinstance(layer, Residual):
        return layer.replace(layers=tuple(map(_without_dropout, layer.layers)))
    return layer


def stronger_than_default(estimator: BaseNetworkEstimator) -> dict[str, Any]:
    """Return the parameters that regularize and are neither off nor at the default."""
    params = estimator.get_params(deep=False)
    defaults = signature(type(estimator)).parameters
    return {
        name: params[name]
        for name, off in REGULARIZATION_OFF.items()
        if name in params.keys() - {"early_stopping"}
        and not isinstance(params[name], Spec)
        and repr(params[name]) not in (repr(defaults[name].default), repr(off), "0")
    }
