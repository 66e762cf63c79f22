"""Where in an estimator, such as a pipeline, the network is."""

from __future__ import annotations

from typing import Any

from .._estimators.base import BaseNetworkEstimator


def networks_in(estimator: Any) -> dict[str, BaseNetworkEstimator]:
    """Return the networks of this package in an estimator by the prefix of each."""
    if isinstance(estimator, BaseNetworkEstimator):
        return {"": estimator}
    return {
        f"{name}__": value
        for name, value in estimator.get_params().items()
        if isinstance(value, BaseNetworkEstimator)
    }


def the_network(estimator: Any, prefix: str) -> tuple[str, BaseNetworkEstimator]:
    """Return the network that is meant, and the prefix of its parameters."""
    networks = networks_in(estimator)
    if "" in networks:
        return prefix, networks[""]
    if prefix in networks:
        return prefix, networks[prefix]
    if len(networks) == 1 and not prefix:
        return next(iter(networks.items()))
    raise ValueError(
        "estimator must be a network of sknn, or hold one under the prefix given, got "
        f"prefix={prefix!r} and {estimator!r}, in which networks have the prefixes "
        f"{sorted(networks)}."
    )
