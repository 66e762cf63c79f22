"""The network: its description, and its size before it is allocated."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._member_loss import MeanOverMembers
from ..exceptions import FileError
from ..network import Network
from .annotations import is_of


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
    shape = in_shape
    n_theta = n_state = 0
    for layer in layers:
        spec = layer.build(shape)
        shape = spec.out_shape
        n_theta += sum(size(part.shape) for part in spec.params.values())
        n_state += sum(size(part.shape) for part in spec.state.values())
    if (
        (theta.shape, state.shape) != ((n_theta,), (n_state,))
        or theta.dtype != state.dtype
        or theta.dtype not in (np.float32, np.float64)
        or not is_of(members, MeanOverMembers | None)
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


def size(shape: Any) -> int:
    """Return the number of elements of an array; raise if a side is negative."""
    n = 1
    for side in shape:
        if side < 0:
            raise FileError(f"an array has the shape {shape}.")
        n *= int(side)
    return n
