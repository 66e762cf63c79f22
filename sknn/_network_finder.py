"""Find the network inside pipelines, searches and other estimators around it.

Inspection and displays follow one path inwards, `find_innermost` or `find_network`.
Model selection sets parameters by name, and a voting ensemble, for example, holds
several networks: `networks_by_prefix` and `choose_network` look through the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._estimators.base import BaseNetworkEstimator
from ._sklearn import BaseSearchCV


@dataclass(frozen=True)
class Location:
    """An estimator inside others.

    Attributes
    ----------
    estimator : estimator
        The innermost estimator. It is fitted if those around it are.
    wrappers : tuple of estimators
        The estimators around it, outermost first: each is a `Pipeline`,
        `TransformedTargetRegressor`, `FrozenEstimator` or fitted search.
    prefix : str
        What precedes the names of its parameters, such as ``'mlpclassifier__'``.
    """

    estimator: Any
    wrappers: tuple[Any, ...] = ()
    prefix: str = ""


def find_innermost(estimator: Any) -> Location:
    """Return the innermost estimator, of sknn or not.

    Raises
    ------
    NotFittedError
        If there is a search that has not been fitted.
    TypeError
        If there is a search that was fitted with ``refit=False``.
    """
    wrappers: list[Any] = []
    prefix = ""
    while (step := _step_inwards(estimator)) is not None:
        wrappers.append(estimator)
        name, estimator = step
        prefix += f"{name}__"
    return Location(estimator, tuple(wrappers), prefix)


def find_network(estimator: Any) -> Location:
    """Return the network of sknn that `find_innermost` finds.

    Raises
    ------
    NotFittedError
        If there is a search that has not been fitted.
    TypeError
        If there is no network, or a search that was fitted with ``refit=False``.
    """
    found = find_innermost(estimator)
    if not isinstance(found.estimator, BaseNetworkEstimator):
        raise TypeError(no_network(found.estimator))
    return found


def no_network(estimator: Any) -> str:
    """Return the message for an estimator without a network of sknn in it."""
    module, name = type(estimator).__module__, type(estimator).__name__
    is_theirs = module.startswith("sklearn.neural_network")
    hint = f" from scikit-learn: import {name} from sknn." if is_theirs else "."
    return (
        "estimator must be an estimator of sknn, such as MLPClassifier(), or contain "
        "one: as the last step of a Pipeline, or in a TransformedTargetRegressor, a "
        f"FrozenEstimator or a fitted search. Got {estimator!r}{hint}"
    )


def _step_inwards(estimator: Any) -> tuple[str, Any] | None:
    """Return the next estimator and the name of its parameter; None if there is none.

    A fitted estimator leads to the fitted one inside.
    """
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1]
    if isinstance(estimator, TransformedTargetRegressor):
        return "regressor", getattr(estimator, "regressor_", estimator.regressor)
    if isinstance(estimator, FrozenEstimator):
        return "estimator", estimator.estimator
    if isinstance(estimator, BaseSearchCV):
        return "estimator", best_of(estimator)
    return None


def best_of(search: Any) -> Any:
    """Return the best estimator of a search."""
    if hasattr(search, "best_estimator_"):
        return search.best_estimator_
    name = type(search).__name__
    if is_fitted(search):
        raise TypeError(
            f"estimator is a {name} with refit=False, so it has no best_estimator_. "
            "Fit it again with refit=True, or pass an estimator that you have fitted."
        )
    raise NotFittedError(
        f"This {name} instance is not fitted yet, so it has no best_estimator_. Fit it "
        "with refit=True first, or pass the estimator that it searches with."
    )


def is_fitted(estimator: Any) -> bool:
    """Return whether the estimator is fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def networks_by_prefix(estimator: Any) -> dict[str, BaseNetworkEstimator]:
    """Return all networks of sknn in an estimator, by the prefix of their parameters.

    A network itself has the prefix ''.
    """
    if isinstance(estimator, BaseNetworkEstimator):
        return {"": estimator}
    return {
        f"{name}__": value
        for name, value in estimator.get_params().items()
        if isinstance(value, BaseNetworkEstimator)
    }


def choose_network(estimator: Any, prefix: str) -> tuple[str, BaseNetworkEstimator]:
    """Return the network at `prefix`, or the only one, and the prefix to use.

    A network itself is returned with any prefix, so that a space can be made for the
    place that it will have in another estimator.

    Raises
    ------
    ValueError
        If there is no network, none at `prefix`, or several and no `prefix`.
    """
    networks = networks_by_prefix(estimator)
    if not networks:
        raise ValueError(no_network(estimator))
    if "" in networks:
        return prefix, networks[""]
    if prefix in networks:
        return prefix, networks[prefix]
    if len(networks) == 1 and not prefix:
        return next(iter(networks.items()))
    raise ValueError(
        f"prefix must be one of {sorted(networks)}, the prefixes of the networks in "
        f"estimator, got {prefix!r}."
    )
