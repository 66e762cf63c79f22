"""The members of an ensemble as one network, and that network taken apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._member_loss import MeanOverMembers
from ..layers import Ensemble, Flatten
from ..layers.base import Params
from ..losses import Loss
from ..network import Network


def assemble(networks: Sequence[Network], loss: Loss) -> Network:
    """Return one network that predicts what networks of the same layers do on average.

    Parameters
    ----------
    networks : sequence of Network
        The members.
    loss : Loss
        What their raw scores mean.
    """
    first, k = networks[0], len(networks)
    ensemble = Ensemble(first.layers, k)
    network = Network([ensemble, Flatten()], first.in_shape, first.dtype)
    network.members = MeanOverMembers(loss, k)
    for views, member in zip(
        ensemble.members(network.params[0]), networks, strict=True
    ):
        for view, params in zip(views, member.params, strict=True):
            for name, array in params.items():
                np.copyto(view[name], array)
    return network


def _assembled(network: Network) -> Ensemble | None:
    """Return the layer that `assemble` made; None for any other network.

    The layers of a user can begin with an ensemble, too.
    """
    first = network.layers[0]
    if network.members is not None and isinstance(first, Ensemble):
        return first
    return None


def member_networks(network: Network) -> list[Network]:
    """Return a network for each member, or the network itself if it has none."""
    first = _assembled(network)
    if first is None:
        return [network]
    members = []
    for arrays in first.members(network.params[0]):
        member = Network(first.layers, network.in_shape, network.dtype)
        for views, of_layer in zip(member.params, arrays, strict=True):
            for name, view in views.items():
                np.copyto(view, of_layer[name])
        members.append(member)
    return members


def output_arrays(network: Network) -> list[Params]:
    """Return the arrays of the output layer, of each member of an ensemble."""
    first = _assembled(network)
    if first is not None:
        return [arrays[-1] for arrays in first.members(network.params[0])]
    return [network.params[-1]]
