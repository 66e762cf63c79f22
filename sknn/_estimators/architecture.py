"""Differences between two networks that the shapes of their weights do not show."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, TypeAlias

from ..activations import ACTIVATIONS
from ..layers import (
    Activation,
    BatchNorm,
    Conv2D,
    DropConnect,
    Dropout,
    Flatten,
    Layer,
    PeriodicEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
)
from ..layers._windows import pair
from ..layers.pool import Pool2D
from ..network import Network

Step: TypeAlias = tuple[str, str, Any]
"""Name of a layer, its description, and what it computes."""

NOTHING: Step = ("", "no layer", None)
"""Stands where one network has a layer and the other has none."""

NOT_IN_PREDICTION = ("name", "initializer", "projection")
"""Fields of layers that have no effect on predictions with given weights."""


def first_difference(
    network: Network, source: Network, n_taken: int
) -> tuple[str, str, str] | None:
    """Return the first layer that computes something else with the same weights.

    Compared are the first `n_taken` layers with weights, and the layers without
    weights before, between and after them. Dropout and initializers do not matter.

    Returns
    -------
    difference : (str, str, str) or None
        The name of the layer, what it is in `network`, and what it is in `source`.
    """
    groups = zip(grouped(network), grouped(source), strict=False)
    for i, (ours, theirs) in enumerate(groups):
        if i > n_taken:
            break
        if i == n_taken:  # the order of pixels matters only to a layer that is taken
            ours, theirs = without_flatten(ours), without_flatten(theirs)
        for one, other in zip_longest(ours, theirs, fillvalue=NOTHING):
            if one[2] != other[2]:
                return one[0] or other[0], one[1], other[1]
    return None


def grouped(network: Network) -> list[list[Step]]:
    """Return the layers in groups: each layer with weights, and those that follow it.

    The first group has the layers before the first one with weights.
    """
    groups: list[list[Step]] = [[]]
    for name, layer, spec in zip(
        network.names, network.layers, network.specs, strict=True
    ):
        if spec.params or spec.state:
            groups.append([])
        if isinstance(layer, Flatten):
            sides = " × ".join(map(str, spec.in_shape))
            step: Step = name, f"Flatten of {sides}", (Flatten, spec.in_shape)
        elif isinstance(layer, Dropout | ToImages):
            continue
        else:
            step = name, layer.describe(without=NOT_IN_PREDICTION), function_of(layer)
        groups[-1].append(step)
    return groups


def without_flatten(steps: list[Step]) -> list[Step]:
    """Return the steps without those that flatten images."""
    return [step for step in steps if step[2][0] is not Flatten]


def function_of(layer: Layer) -> tuple[type, dict[str, Any]]:
    """Return the class of a layer, and the fields that predictions depend on."""
    if isinstance(layer, DropConnect):
        return function_of(layer.dense)
    params = layer.get_params()
    for name in NOT_IN_PREDICTION:
        params.pop(name, None)
    if isinstance(layer, BatchNorm):
        del params["momentum"]
    elif isinstance(layer, PReLU):
        del params["slope"]
    elif isinstance(layer, Scale):
        del params["value"]
    elif isinstance(layer, PeriodicEmbedding):
        del params["sigma"]
    elif isinstance(layer, Activation) and isinstance(layer.function, str):
        params["function"] = ACTIVATIONS[layer.function]
    elif isinstance(layer, Conv2D):
        params["kernel_size"] = pair(layer.kernel_size)
        params["stride"] = pair(layer.stride)
    elif isinstance(layer, Pool2D):
        params["size"] = pair(layer.size)
        params["stride"] = pair(layer.stride or layer.size)
    elif isinstance(layer, Residual):
        inner = [part for part in layer.layers if not isinstance(part, Dropout)]
        params["layers"] = [function_of(part) for part in inner]
    return type(layer), params
