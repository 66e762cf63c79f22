"""Transfer learning: weights from elsewhere, frozen layers, rates of layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from typing import Any, TypeVar

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import validate_data

from .._typing import Array, Shape
from ..network import Network
from .aliases import suggest
from .architecture import first_difference
from .assembly import member_networks
from .input_checks import warn_caller
from .inputs import Rows
from .parameters import TrainingParameters
from .targets import Targets
from .weights import check_weights
from .weights_file import WeightsFile

T = TypeVar("T")


def layer_rates(network: Network, params: TrainingParameters) -> list[float]:
    """Return the factor of the learning rate of each layer; 0 where frozen."""
    rates = [1.0] * len(network.layers)
    if params.head_learning_rate is not None:
        rates[-1] = params.head_learning_rate / params.learning_rate_init
    for i in frozen_layers(network, params.freeze):
        rates[i] = 0.0
    if not any(
        rate for rate, spec in zip(rates, network.specs, strict=True) if spec.params
    ):
        raise ValueError(f"freeze={params.freeze!r} leaves no layer to train.")
    return rates


def array_rates(
    network: Network, factors: Mapping[str, float]
) -> list[dict[str, float]]:
    """Return the factors of `layer_learning_rates`, for the arrays of each layer."""
    rates: list[dict[str, float]] = [{} for _ in network.layers]
    for key, factor in factors.items():
        if not is_positive(factor):
            raise ValueError(
                "layer_learning_rates must hold positive numbers (freeze keeps a layer "
                f"as it is), got {factor!r} for {key!r}."
            )
        places = [
            (i, name)
            for i, name, _ in network.shapes
            if key in names_of_array(network.names[i], name)
        ]
        if not places:
            known = [f"{network.names[i]}.{name}" for i, name, _ in network.shapes]
            names = {network.names[i] for i, _, _ in network.shapes}
            text = (
                f"layer_learning_rates has {key!r}, but must have names of layers with "
                "parameters, or of their arrays, as in '*.b' for those of all layers: "
                f"{known}."
            )
            raise ValueError(f"{suggest(key, {*names, *known})} {text}".strip())
        for i, name in places:
            rates[i][name] = rates[i].get(name, 1.0) * float(factor)
    return rates


def names_of_array(layer: str, name: str) -> tuple[str, str, str]:
    """Return what `layer_learning_rates` may call an array of a layer."""
    return layer, f"{layer}.{name}", f"*.{name.rpartition('.')[2]}"


def is_positive(factor: Any) -> bool:
    """Return whether a value is a finite number above 0."""
    return isinstance(factor, Real) and 0 < float(factor) < np.inf


# -- init_from ----------------------------------------------------------------


def is_path(init_from: Any) -> bool:
    """Return whether `init_from` is the path of a file of weights."""
    return isinstance(init_from, str | os.PathLike)


def check_source_features(init_from: Any, X: Any) -> None:
    """Raise where `X` has other feature names than the estimator `init_from` has."""
    if init_from is None or is_path(init_from):
        return
    source = fitted_source(init_from)
    try:
        # The number of features shows in the shapes of the weights.
        validate_data(source, X, reset=False, skip_check_array=True, ensure_2d=False)
    except ValueError as error:
        raise ValueError(f"init_from was fitted on other features. {error}") from None


def take_weights(
    network: Network, input: Rows, targets: Targets, init_from: Any, member: int = 0
) -> None:
    """Overwrite initial weights with those of `init_from`, as far as they fit.

    Parameters
    ----------
    network : Network
        A new network with initial weights.
    input : Rows
        What its rows are.
    targets : Targets
        What its raw scores mean.
    init_from : estimator or path
        The parameter of the estimator.
    member : int, default=0
        Which member of an ensemble takes them, from the same member of `init_from`; if
        that has fewer, from its first again.
    """
    warnings: list[str] = []
    if is_path(init_from):
        arrays = match_file(network, init_from, member)
    else:
        source = fitted_source(init_from)
        trained = member_networks(source.network_)
        arrays, warnings = match_network(
            network,
            trained[member % len(trained)],
            targets.same_meaning(source._targets),
        )
        warnings += different_pixels(input, source._input)
    n_taken = len(arrays)
    random = [
        network.names[i]
        for i, at in arrays_of_layers(network)
        if at.start >= n_taken and not network.rates[i]
    ]
    if random:
        raise ValueError(
            f"freeze would keep the random initial weights of {', '.join(random)}: "
            "init_from has no weights that fit there."
        )
    for warning in warnings:
        warn_caller(warning)
    for view, array in zip(network.weights[:n_taken], arrays, strict=True):
        np.copyto(view, array)


def match_file(network: Network, path: Any, member: int = 0) -> list[Array]:
    """Return the arrays of a file for the layers from the first on.

    All must fit, except those of the output layer, which are left out then. Only
    arrays that fit are unpacked. The file may be that of an ensemble.
    """
    file, places = WeightsFile(path), arrays_of_layers(network)
    n = len(network.arrays)
    n_members, rest = divmod(len(file.members), n)
    if rest or not n_members:
        raise ValueError(
            f"init_from={os.fspath(path)!r} has {len(file.members)} arrays, but the "
            f"network needs {n}: {network.arrays}."
        )
    headers = file.headers()
    if n_members > 1:
        headers = of_member(headers, network, member % n_members)
    shapes = [header.shape for header in headers]
    taken = n_matching(places, network.arrays, shapes)
    if taken < len(places) - 1:
        raise ValueError(misfit(network, shapes, places, taken))
    arrays = file.read(headers[: places[taken - 1][1].stop] if taken else [])
    for (name, _), array in zip(network.arrays, arrays, strict=False):
        check_weights(f"{name} in init_from", name, array, network.dtype)
    return arrays


def of_member(arrays: list[T], network: Network, i: int) -> list[T]:
    """Return those arrays of an ensemble that are the arrays of a member, `network`.

    An ensemble has the parameters of all members, one after the other, and then their
    states; a network has those of a layer together.
    """
    is_state = [
        state
        for spec in network.specs
        for state in [False] * len(spec.params) + [True] * len(spec.state)
    ]
    n_states, n_members = sum(is_state), len(arrays) // len(is_state)
    n_params = len(is_state) - n_states
    params = iter(arrays[i * n_params :])
    states = iter(arrays[n_members * n_params + i * n_states :])
    return [next(states) if state else next(params) for state in is_state]


def match_network(
    network: Network, source: Network, same_meaning: bool
) -> tuple[list[Array], list[str]]:
    """Return the arrays of a fitted network to take, and what to warn of.

    Hidden layers are matched by position, up to the first that does not fit. The
    output layer is taken if all layers before it fit and its raw scores have the same
    meaning.
    """
    places = arrays_of_layers(network)
    n, m = len(places) - 1, len(arrays_of_layers(source)) - 1
    shapes = [shape for _, shape in source.arrays]
    taken = n_matching(places[: min(n, m)], network.arrays, shapes)
    warnings = []
    if taken == n == m:
        at = places[-1][1]
        taken += same_meaning and network.arrays[at] == source.arrays[at]
    else:
        message = misfit(network, shapes, places, taken)
        if not taken and n:
            raise ValueError(message)
        warnings.append(
            f"{message} That layer and all later ones keep their initial weights."
        )
    difference = first_difference(network, source, taken)
    if difference is not None:
        name, ours, theirs = difference
        warnings.append(
            "The weights of init_from were trained for another architecture: at layer "
            f"{name}, this network has {ours} and init_from has {theirs}."
        )
    return source.weights[: places[taken - 1][1].stop if taken else 0], warnings


def different_pixels(input: Rows, source: Rows) -> list[str]:
    """Return a warning where only one of two networks was fitted on bytes."""
    if input.reads_bytes == source.reads_bytes:
        return []
    kinds = {True: "bytes (uint8), divided by 255", False: "numbers, taken as they are"}
    return [
        f"init_from was fitted on {kinds[source.reads_bytes]}, but X holds "
        f"{kinds[input.reads_bytes]}. The weights of its first layer suit pixels of "
        "the same scale only: convert X to the dtype that init_from was fitted on."
    ]


def fitted_source(source: Any) -> Any:
    """Return the fitted estimator that `init_from` holds."""
    if isinstance(source, FrozenEstimator):
        source = source.estimator
    if not isinstance(source, TrainingParameters):
        raise TypeError(
            "init_from must be a fitted estimator of sknn, such as MLPClassifier or "
            "CNNClassifier, also in a FrozenEstimator, or the path of a file of "
            f"weights, got {source!r}. For a pipeline or a search, pass the network "
            "inside it: pipeline[-1], search.best_estimator_."
        )
    if not hasattr(source, "network_"):
        raise ValueError(
            f"init_from={source!r} is not fitted. clone, and so every search and "
            "cross-validation, makes an unfitted copy of an estimator: wrap the fitted "
            "one, init_from=sklearn.frozen.FrozenEstimator(fitted)."
        )
    return source


# -- freeze -------------------------------------------------------------------


def frozen_layers(network: Network, freeze: Any) -> list[int]:
    """Return the layers that `freeze` means: those of images, the first n, or names."""
    if freeze is None:
        return []
    trained = [i for i, spec in enumerate(network.specs) if spec.params]
    if isinstance(freeze, int | np.integer) and not isinstance(freeze, bool):
        return first_layers(network, trained, int(freeze))
    if freeze == "conv":
        images = [i for i in trained if len(network.specs[i].in_shape) == 3]
        if not images:
            raise ValueError("freeze='conv', but the network has no convolution.")
        return images
    names = [network.names[i] for i in trained]
    wanted = [freeze] if isinstance(freeze, str | bool) else list(freeze)
    for name in wanted:
        if name not in names:
            text = (
                "freeze must be None, 'conv', a number of layers or names of layers "
                f"with parameters, {names}, got {freeze!r}."
            )
            raise ValueError(f"{suggest(name, names)} {text}".strip())
    return [i for i in trained if network.names[i] in wanted]


def first_layers(network: Network, trained: list[int], n: int) -> list[int]:
    """Return the first `n` layers with a weight matrix, and what belongs to them.

    The normalization and the learned slopes after a layer are frozen with it.
    """
    starts = [
        i for i in trained if any(p.decay for p in network.specs[i].params.values())
    ]
    if n >= len(starts):
        raise ValueError(
            f"freeze={n} layers, but the network has {len(starts)}, the last of which "
            "is its output."
        )
    return [i for i in trained if i < starts[n]]


# -- arrays -------------------------------------------------------------------


def arrays_of_layers(network: Network) -> list[tuple[int, slice]]:
    """Return the index of each layer that has arrays, and their place in `arrays`."""
    places, stop = [], 0
    for i, spec in enumerate(network.specs):
        start, stop = stop, stop + len(spec.params) + len(spec.state)
        if stop > start:
            places.append((i, slice(start, stop)))
    return places


def n_matching(
    places: list[tuple[int, slice]],
    needed: list[tuple[str, Shape]],
    shapes: list[Shape],
) -> int:
    """Return for how many layers, from the first on, arrays of these shapes fit."""
    for n, (_, at) in enumerate(places):
        if [shape for _, shape in needed[at]] != shapes[at]:
            return n
    return len(places)


def misfit(
    network: Network, shapes: list[Shape], places: list[tuple[int, slice]], taken: int
) -> str:
    """Return in words at which layer arrays of these shapes do not fit."""
    names = ", ".join(network.names[i] for i, _ in places[:taken])
    i, at = places[min(taken, len(places) - 1)]
    return (
        f"The weights of init_from fit {names + ' only' if names else 'no layer'}: "
        f"layer {network.names[i]} needs {network.arrays[at]}, but init_from has "
        f"{shapes[at]} there ({len(shapes)} arrays, and the network has "
        f"{len(network.arrays)})."
    )
