"""From an estimator that the user passes, such as a pipeline, to a `Subject`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from .._estimators.base import BaseNetworkEstimator
from .._network_finder import find_network, is_fitted
from .._typing import MatrixLike
from ..solvers import SGD
from ._subject import Subject, seeded_clone

CLIP = 1.0
"""The `max_grad_norm` that is advised."""


@dataclass(frozen=True)
class Unwrapped:
    """A network estimator, and the fitted transformers that its data pass through.

    Attributes
    ----------
    estimator : BaseNetworkEstimator
        The network estimator.
    transformers : sequence of transformers
        Those of the features, in order.
    target_transformers : sequence of transformers
        Those of the targets, in order.
    """

    estimator: BaseNetworkEstimator
    transformers: Sequence[Any] = ()
    target_transformers: Sequence[Any] = ()

    def features(self, X: MatrixLike) -> Any:
        """Return `X` as the network receives it."""
        for transformer in self.transformers:
            X = transformer.transform(X)
        return X

    def targets(self, y: MatrixLike) -> Any:
        """Return `y` as the network receives it."""
        for transformer in self.target_transformers:
            y = transform_targets(transformer, y)
        return y


def unwrap(estimator: Any, X: Any, y: Any, fitted: bool) -> Unwrapped:
    """Find the network; unless `fitted`, fit clones of the transformers before it."""
    found = find_network(estimator)
    transformers: list[Any] = []
    target_transformers: list[Any] = []
    for wrapper in found.wrappers:
        if isinstance(wrapper, FrozenEstimator):
            fitted = True
        elif isinstance(wrapper, Pipeline) and len(wrapper) > 1:
            before = wrapper[:-1] if fitted else seeded_clone(wrapper[:-1])
            X = before.transform(X) if fitted else before.fit_transform(X, y)
            transformers.append(before)
        elif isinstance(wrapper, TransformedTargetRegressor) and y is not None:
            target = wrapper.transformer_ if fitted else _fit_target(wrapper, y)
            y = transform_targets(target, y)
            target_transformers.append(target)
    return Unwrapped(found.estimator, transformers, target_transformers)


def transform_targets(transformer: Any, y: Any) -> Any:
    """Transform targets of one or two dimensions; None stays None."""
    if y is None:
        return None
    y = np.asarray(y)
    return transformer.transform(y.reshape(len(y), -1)).reshape(y.shape)


def _fit_target(estimator: TransformedTargetRegressor, y: Any) -> Any:
    """Return the transformer of the targets, fitted as the estimator would fit it."""
    transformer = estimator.transformer
    if transformer is None:
        transformer = FunctionTransformer(estimator.func, estimator.inverse_func)
    y = np.asarray(y)
    return seeded_clone(transformer).fit(y.reshape(len(y), -1))


def untrained(estimator: Any, X: Any, y: Any, **params: Any) -> Subject:
    """Return the subject of a network with initial weights.

    `params` replace those parameters that the network estimator has.
    """
    inner = unwrap(estimator, X, y, fitted=False)
    X, y = inner.features(X), inner.targets(y)
    return Subject.untrained(inner.estimator, X, y, **params)


def fitted(estimator: Any, X: Any, y: Any) -> Subject:
    """Return the subject of a fitted network."""
    inner = unwrap(estimator, X, y, fitted=True)
    return Subject.fitted(inner.estimator, inner.features(X), inner.targets(y))


def fitted_or_untrained(estimator: Any, X: Any, y: Any) -> Subject:
    """Return the subject of a network: trained if the estimator is fitted."""
    return (fitted if is_fitted(estimator) else untrained)(estimator, X, y)


def size_parameter(estimator: BaseNetworkEstimator) -> str:
    """Return the name of the parameter that sets the number of units and layers."""
    name = "hidden_layer_sizes"
    return name if name in estimator.get_params(deep=False) else "layers"


def may_clip(estimator: BaseNetworkEstimator) -> bool:
    """Return whether a bound on the norm of the gradient can shorten long steps.

    The steps of all solvers but SGD hardly depend on the size of the gradient.
    """
    is_sgd = estimator.solver == "sgd" or isinstance(estimator.solver, SGD)
    bound = estimator.max_grad_norm
    return is_sgd and (bound is None or bound > CLIP)
