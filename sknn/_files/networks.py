"""The network: its description, and its size before it is allocated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._member_loss import MeanOverMembers
from .._typing import Shape
from ..exceptions import FileError
from ..layers import Layer
from ..network import Network
from .annotations import is_of

MAX_SIDE = 2**40
"""The longest side of an array."""


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
    if not (
        is_of(layers, tuple[Layer, ...])
        and is_of(rates, tuple[float, ...])
        and is_of(array_rates, tuple[dict[str, float], ...])
        and is_of(members, MeanOverMembers | None)
        and len(layers) == len(rates) == len(array_rates)
    ):
        raise FileError("the description of a network has values of other types.")
    shape, n_theta, n_state = in_shape, 0, 0
    for layer in layers:
        spec = layer.build(checked_shape(shape))
        shape = spec.out_shape
        n_theta += sum(math.prod(checked_shape(p.shape)) for p in spec.params.values())
        n_state += sum(math.prod(checked_shape(s.shape)) for s in spec.state.values())
    if (
        (theta.shape, state.shape) != ((n_theta,), (n_state,))
        or theta.dtype != state.dtype
        or theta.dtype not in (np.float32, np.float64)
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


def checked_shape(shape: Any) -> Shape:
    """Return the shape of an array; raise if its sides cannot be those of one."""
    if not is_of(shape, Shape) or len(shape) > 8:
        raise FileError("a shape in a network is not one.")
    if not all(0 <= side <= MAX_SIDE for side in shape):
        raise FileError(f"an array in a network has the shape {shape!s:.100}.")
    return shape
