"""Transfer learning: weights from elsewhere, frozen layers, rates of layers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike
from sklearn.frozen import FrozenEstimator

from .._typing import Array, DType, Shape
from ..network import Network
from .aliases import suggest
from .input_checks import warn_caller
from .parameters import TrainingParameters
from .targets import Targets


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


def take_weights(network: Network, targets: Targets, init_from: Any) -> None:
    """Overwrite initial weights with those of `init_from`, as far as they fit.

    Parameters
    ----------
    network : Network
        A new network with initial weights.
    targets : Targets
        What its raw scores mean.
    init_from : estimator or path
        The parameter of the estimator.
    """
    warning = ""
    if isinstance(init_from, str | os.PathLike):
        arrays, taken = match_file(network, init_from)
    else:
        source = fitted_source(init_from)
        arrays = source.network_.weights
        taken, warning = match_network(
            network, source.network_, targets.same_meaning(source._targets)
        )
    places = arrays_of_layers(network)
    random = [network.names[i] for i, _ in places[taken:] if not network.rates[i]]
    if random:
        raise ValueError(
            f"freeze would keep the random initial weights of {', '.join(random)}: "
            "init_from has no weights that fit there."
        )
    if warning:
        warn_caller(warning)
    for _, at in places[:taken]:
        for view, array in zip(network.weights[at], arrays[at], strict=True):
            np.copyto(view, array)


def match_file(network: Network, path: Any) -> tuple[list[Array], int]:
    """Return the arrays of a file, and for how many layers to take them.

    All must fit, except those of the output layer.
    """
    arrays, places = load_weights(path), arrays_of_layers(network)
    if len(arrays) != len(network.arrays):
        raise ValueError(
            f"init_from={os.fspath(path)!r} has {len(arrays)} arrays, but the "
            f"network needs {len(network.arrays)}: {network.arrays}."
        )
    taken = n_matching(places, network.arrays, arrays)
    if taken < len(places) - 1:
        raise ValueError(misfit(network, arrays, places, taken))
    for (name, _), array in zip(network.arrays, arrays, strict=True):
        check_weights(f"{name} in init_from", name, array, network.dtype)
    return arrays, taken


def match_network(
    network: Network, source: Network, same_meaning: bool
) -> tuple[int, str]:
    """Return for how many layers to take the weights of a fitted network.

    Hidden layers are matched by position, up to the first that does not fit; the text
    that is returned too warns of it. The output layer is taken if all layers before it
    fit and its raw scores have the same meaning.
    """
    places = arrays_of_layers(network)
    n, m = len(places) - 1, len(arrays_of_layers(source)) - 1
    taken = n_matching(places[: min(n, m)], network.arrays, source.weights)
    if taken == n == m:
        fits = network.arrays[places[-1][1]] == source.arrays[places[-1][1]]
        return taken + (fits and same_meaning), ""
    message = misfit(network, source.weights, places, taken)
    if not taken and n:
        raise ValueError(message)
    return taken, f"{message} That layer and all later ones keep their initial weights."


def checked_weights(network: Network, weights: Sequence[ArrayLike]) -> list[Array]:
    """Return weights as arrays; raise unless they fit the network."""
    arrays = [np.asarray(array) for array in weights]
    needed, dtype = network.arrays, network.dtype
    if len(arrays) != len(needed):
        raise ValueError(
            f"weights must be a list of {len(needed)} arrays, {needed}, got "
            f"{len(arrays)}."
        )
    for i, (array, (name, shape)) in enumerate(zip(arrays, needed, strict=True)):
        if array.shape != shape:
            raise ValueError(
                f"weights[{i}], which is {name}, must be of shape {shape}, got "
                f"{array.shape}."
            )
        check_weights(f"weights[{i}], which is {name},", name, array, dtype)
    return arrays


def fitted_source(source: Any) -> Any:
    """Return the fitted estimator that `init_from` holds."""
    if isinstance(source, FrozenEstimator):
        source = source.estimator
    if not isinstance(source, TrainingParameters):
        raise TypeError(
            "init_from must be a fitted estimator of sknn, such as MLPClassifier or "
            "CNNClassifier, also in a FrozenEstimator, or the path of a file of "
            f"weights, got {source!r}. Of a pipeline or a search pass the network "
            "within: pipeline[-1], search.best_estimator_."
        )
    if not hasattr(source, "network_"):
        raise ValueError(
            f"init_from={source!r} is not fitted. clone, and with it each search and "
            "cross-validation, makes an unfitted copy of an estimator: wrap the fitted "
            "one, init_from=sklearn.frozen.FrozenEstimator(fitted)."
        )
    return source


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
            raise ValueError(
                "freeze must be None, 'conv', a number of layers or names of layers "
                f"with parameters, {names}, got {freeze!r}.{suggest(name, names)}"
            )
    return [i for i in trained if network.names[i] in wanted]


def first_layers(network: Network, trained: list[int], n: int) -> list[int]:
    """Return the first `n` layers with a weight matrix, and what belongs to them.

    The normalisation and the learned slopes behind a layer are frozen with it.
    """
    begins = [
        i for i in trained if any(p.decay for p in network.specs[i].params.values())
    ]
    if n >= len(begins):
        raise ValueError(
            f"freeze={n} layers, but the network has {len(begins)}, the last of which "
            "is its output."
        )
    return [i for i in trained if i < begins[n]]


def arrays_of_layers(network: Network) -> list[tuple[int, slice]]:
    """Return the index of each layer that has arrays, and where they are in a list."""
    places, stop = [], 0
    for i, spec in enumerate(network.specs):
        start, stop = stop, stop + len(spec.params) + len(spec.state)
        if stop > start:
            places.append((i, slice(start, stop)))
    return places


def n_matching(
    places: list[tuple[int, slice]], needed: list[tuple[str, Shape]], came: list[Array]
) -> int:
    """Return for how many layers, from the first on, the arrays that came fit."""
    for n, (_, at) in enumerate(places):
        if [shape for _, shape in needed[at]] != [array.shape for array in came[at]]:
            return n
    return len(places)


def misfit(
    network: Network, came: list[Array], places: list[tuple[int, slice]], taken: int
) -> str:
    """Return in words from which layer on the arrays that came do not fit."""
    names = ", ".join(network.names[i] for i, _ in places[:taken])
    i, at = places[min(taken, len(places) - 1)]
    return (
        f"The weights of init_from fit {names + ' only' if names else 'no layer'}: "
        f"layer {network.names[i]} needs {network.arrays[at]}, what comes there is of "
        f"{[array.shape for array in came[at]]} ({len(came)} arrays came, the network "
        f"has {len(network.arrays)})."
    )


def load_weights(path: str | os.PathLike[str]) -> list[Array]:
    """Return the arrays of a file of weights, in their order. Runs no code from it."""
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = [file[name] for name in file.files]
    except FileNotFoundError:
        raise
    except (
        ValueError,
        OSError,
        EOFError,
        AttributeError,
        TypeError,
        BadZipFile,
    ) as error:
        raise ValueError(
            f"init_from={os.fspath(path)!r} is not a file of weights as "
            f"numpy.savez(path, *estimator.get_weights()) makes it: {error}"
        ) from None
    return arrays


def check_weights(where: str, name: str, array: Array, dtype: DType) -> None:
    """Raise unless an array holds what weights of that name can be in `dtype`."""
    with np.errstate(over="ignore"):
        cast = array.astype(dtype) if array.dtype.kind in "fiu" else None
    if cast is None or not np.isfinite(cast).all():
        raise ValueError(f"{where} must hold finite numbers of {dtype}.")
    if name.rpartition(".")[2] == "var" and cast.min() < 0:
        raise ValueError(f"{where} is a variance: no number may be below 0.")
