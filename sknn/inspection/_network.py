"""How the tools get at a network and its data: on copies, and through pipelines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseNetworkEstimator
from .._sklearn import BaseSearchCV
from .._spec import Spec
from .._training import Data
from .._typing import Array, MatrixLike
from ..layers import DropConnect, Dropout, Residual
from ..objective import mean_loss
from ._subject import Subject, seeded_clone

MAX_ELEMENTS = 2**24
"""Activations kept at a time, 128 MB in float64: wide networks get fewer rows."""

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
"""Parameters that keep a network from learning its training rows by heart."""


@dataclass
class Unwrapped:
    """The network estimator within others, and the way of the data to it."""

    estimator: BaseNetworkEstimator
    transformers: list[Any] = field(default_factory=list)
    target_transformer: Any = None

    def features(self, X: MatrixLike) -> Any:
        """Return `X` as the network gets it."""
        for transformer in self.transformers:
            X = transformer.transform(X)
        return X

    def targets(self, y: MatrixLike) -> Any:
        """Return `y` as the network gets it."""
        if self.target_transformer is None or y is None:
            return y
        y = np.asarray(y)
        columns = y.reshape(len(y), -1)
        return self.target_transformer.transform(columns).reshape(y.shape)


def is_fitted(estimator: Any) -> bool:
    """Return whether the estimator, whatever it is made of, is fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def unwrap(estimator: Any, X: Any, y: Any, trained: bool) -> Unwrapped:
    """Find the network estimator within; unless `trained`, fit what comes before it."""
    if isinstance(estimator, BaseSearchCV):
        return unwrap(_best_of(estimator), X, y, trained)
    if isinstance(estimator, Pipeline):
        transformers = []
        if len(estimator) > 1:
            before = estimator[:-1] if trained else seeded_clone(estimator[:-1])
            X = before.transform(X) if trained else before.fit_transform(X, y)
            transformers = [before]
        inner = unwrap(estimator[-1], X, y, trained)
        return replace(inner, transformers=transformers + inner.transformers)
    if isinstance(estimator, TransformedTargetRegressor):
        target = estimator.transformer_ if trained else _fit_target(estimator, y)
        outer = Unwrapped(None, [], target)  # type: ignore[arg-type]
        network = estimator.regressor_ if trained else estimator.regressor
        inner = unwrap(network, X, outer.targets(y), trained)
        return replace(inner, target_transformer=target)
    if not isinstance(estimator, BaseNetworkEstimator):
        raise TypeError(
            "estimator must be one of sknn, such as MLPClassifier(), or a Pipeline, "
            "TransformedTargetRegressor or fitted search around one, got "
            f"{estimator!r}."
        )
    return Unwrapped(estimator)


def _best_of(search: Any) -> Any:
    """Return the best estimator of a search."""
    if not hasattr(search, "best_estimator_"):
        raise TypeError(
            f"estimator is a search that has no best_estimator_, {search!r}. Fit it "
            "with refit=True first, or pass the estimator that it searches with."
        )
    return search.best_estimator_


def _fit_target(estimator: TransformedTargetRegressor, y: Any) -> Any:
    """Return what transforms the targets, fitted as the estimator would fit it."""
    if y is None:
        return None
    transformer = estimator.transformer
    if transformer is None:
        transformer = FunctionTransformer(estimator.func, estimator.inverse_func)
    y = np.asarray(y)
    return seeded_clone(transformer).fit(y.reshape(len(y), -1))


def untrained(estimator: Any, X: Any, y: Any, **params: Any) -> Subject:
    """Return the subject of a network as it is before training.

    `params` replace parameters of the network estimator, where it has them.
    """
    inner = unwrap(estimator, X, y, trained=False)
    X, y = inner.features(X), inner.targets(y)
    return Subject.untrained(inner.estimator, X, y, **params)


def fitted(estimator: Any, X: Any, y: Any) -> Subject:
    """Return the subject of a fitted network, in a copy, with the data encoded."""
    inner = unwrap(estimator, X, y, trained=True)
    return Subject.fitted(inner.estimator, inner.features(X), inner.targets(y))


def either(estimator: Any, X: Any, y: Any) -> Subject:
    """Return the subject of a network as it is: trained if it is fitted."""
    return (fitted if is_fitted(estimator) else untrained)(estimator, X, y)


def without_regularization(estimator: BaseNetworkEstimator) -> dict[str, Any]:
    """Return the parameters that switch regularisation off, in objects too."""
    off: dict[str, Any] = dict(REGULARIZATION_OFF)
    for name in ("solver", "loss"):
        held = getattr(estimator, name, None)
        if isinstance(held, Spec):
            fields = held.get_params().keys() & REGULARIZATION_OFF.keys()
            off[name] = held.replace(**dict.fromkeys(fields, 0.0))
    layers = getattr(estimator, "layers", None)
    if isinstance(layers, list | tuple):
        off["layers"] = [_without_dropout(layer) for layer in layers]
    return off


def _without_dropout(layer: Any) -> Any:
    """Return the layer with nothing left out at random, in it or inside it."""
    if isinstance(layer, Dropout | DropConnect):
        return layer.replace(rate=0.0)
    if isinstance(layer, Residual):
        return layer.replace(layers=tuple(map(_without_dropout, layer.layers)))
    return layer


def size_parameter(estimator: BaseNetworkEstimator) -> str:
    """Return the name of the parameter that sets units and layers."""
    name = "hidden_layer_sizes"
    return name if name in estimator.get_params(deep=False) else "layers"


def initial_loss(subject: Subject) -> tuple[float, float]:
    """Return the loss of a training pass, without penalty, and that of zero scores."""
    rows, network = subject.sample(), subject.network
    objective = subject.plain_objective()
    batches = rows.batches(rows.rows, subject.batch_size(rows.n))
    y, w = selected(rows)
    zeros = np.zeros((rows.n, *network.out_shape), network.dtype)
    with np.errstate(all="ignore"):
        found = objective.sum_over(batches, rows.total_weight)
    return found, mean_loss(subject.loss, zeros, y, w)


def nothing_to_learn(subject: Subject) -> str:
    """Return what is the same in all targets, in words; empty if they differ."""
    y = subject.data.y
    if (y != y[0]).any():
        return ""
    rows = f"{len(y)} row{'s' if len(y) > 1 else ''}"
    if not subject.is_classifier:
        return f"The target is constant: the same in {rows}."
    if y.ndim == 2 and y.shape[1] > 1:
        return f"The labels are constant: the same in {rows}."
    return f"y has a single class, {subject.estimator.classes_[0]!s}, in {rows}."


def selected(data: Data) -> tuple[Array, Array | None]:
    """Return targets and weights of the selected rows."""
    w = data.sample_weight
    return data.y[data.selected], None if w is None else w[data.selected]
