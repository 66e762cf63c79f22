"""Weights that a user sets: what their shapes show, and whether they fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._spec import is_integer_from
from .._typing import Array, DType
from ..network import Network
from .images import given_image_shape


def n_outputs(weights: Sequence[ArrayLike]) -> int:
    """Return the number of raw scores of the network that has these weights."""
    shape = np.shape(weights[-1]) if len(weights) else ()
    if not shape:
        raise ValueError(
            "weights must be a list of arrays, the last of them the biases of the "
            f"output layer, got {weights!r}."
        )
    return shape[-1]


def features_of_weights(
    weights: Sequence[ArrayLike], n_features: Any, input_shape: Any
) -> int:
    """Return the number of features of the network that has these weights."""
    if n_features is not None:
        if not is_integer_from(1, n_features):
            raise ValueError(
                f"n_features must be a positive integer, got {n_features!r}."
            )
        return int(n_features)
    if input_shape is not None:
        return math.prod(given_image_shape(input_shape, None, None))
    shape = np.shape(weights[0])
    if len(shape) in (1, 2):
        return shape[0]
    raise ValueError(
        "The estimator is not fitted, and the shapes of convolutions do not show the "
        "size of the images: set input_shape=(height, width, channels), or pass "
        "n_features."
    )


def dtype_of_weights(weights: Sequence[ArrayLike]) -> DType:
    """Return float32 where all arrays are of it, otherwise float64."""
    is_single = all(np.asarray(array).dtype == np.float32 for array in weights)
    return np.dtype(np.float32 if is_single else np.float64)


def check_same_data(estimator: Any, classes: Any, n_features: Any) -> None:
    """Raise unless a fitted estimator has these classes and this many features."""
    if n_features not in (None, estimator.n_features_in_):
        raise ValueError(
            f"n_features={n_features}, but the estimator was fitted on "
            f"{estimator.n_features_in_} features."
        )
    known: Any = getattr(estimator, "classes_", None)
    if classes is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"classes={classes!r}, but the fitted estimator has classes_={known!r}."
        )


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


def check_weights(where: str, name: str, array: Array, dtype: DType) -> None:
    """Raise unless an array holds valid weights of that name in `dtype`."""
    with np.errstate(over="ignore"):
        cast = array.astype(dtype) if array.dtype.kind in "fiu" else None
    if cast is None or not np.isfinite(cast).all():
        raise ValueError(f"{where} must hold finite numbers of {dtype}.")
    if name.rpartition(".")[2] == "var" and cast.min() < 0:
        raise ValueError(f"{where} is a variance and must not be negative.")
