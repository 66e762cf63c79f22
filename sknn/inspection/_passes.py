"""Pass rows through a network layer by layer, and find where activations are flat.

Dead and saturated units are defined by the slope f'(z) of the activation, so that the
definitions hold for any function, a custom one included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .._arrays import by_unit
from .._typing import Array
from ..activations import ACTIVATIONS, ActivationFunction
from ..layers import Activation, Flatten, Layer, LayerSpec, PReLU, Residual, Training
from ..layers.base import Params, layer_names, split
from ..network import Network
from ._subject import dense_floats

FLAT_SLOPE = 0.05
"""A slope below this share of the largest one counts as flat: a weight before it learns
twenty times more slowly. For tanh that is |a| > 0.975, for the logistic function
a < 0.013 or a > 0.987."""

FAR = 30.0
"""Arguments ±FAR at which a bounded function is flat on both sides."""


@dataclass
class Passed:
    """A layer that rows have passed through: its input `x` and output `y`, dense."""

    name: str
    layer: Layer | None
    x: Any
    y: Array

    def row(self) -> dict[str, Any]:
        """Return the row of the table for this layer."""
        y = by_unit(self.y)
        dead, saturated = self.flat()
        return {
            "layer": self.name,
            "kind": _kind(self.layer),
            "units": len(y),
            "mean": float(y.mean()),
            "std": float(y.std()),
            "spread": float(np.sqrt(y.var(axis=1).mean())),
            "dead": dead,
            "saturated": saturated,
        }

    def flat(self) -> tuple[float, float]:
        """Return the shares of dead units and of saturated elements.

        NaN if the layer is no activation, or not a bounded one.
        """
        where = self.where_flat()
        if where is None:
            return np.nan, np.nan
        flat = by_unit(where)
        bounded = isinstance(self.layer, Activation) and is_bounded(
            function(self.layer)
        )
        saturated = float(flat.mean()) if bounded else np.nan
        return float(flat.all(axis=1).mean()), saturated

    def where_flat(self) -> Array | None:
        """Return where the slope is flat; None if the layer is no activation."""
        if isinstance(self.layer, Activation):
            f = function(self.layer)
            return np.abs(slopes(f, self.x, self.y)) < FLAT_SLOPE * steepest(f)
        if isinstance(self.layer, PReLU):
            # For x < 0, the slope of a unit is y / x.
            return (self.x <= 0) & (np.abs(self.y) <= FLAT_SLOPE * np.abs(self.x))
        return None


def _kind(layer: Layer | None) -> str:
    if layer is None:
        return ""
    if isinstance(layer, Activation):
        f = layer.function
        return f if isinstance(f, str) else type(f).__name__
    return type(layer).__name__


def function(layer: Activation) -> ActivationFunction:
    """Return the activation function of a layer."""
    f = layer.function
    return ACTIVATIONS[f] if isinstance(f, str) else f


def slopes(f: ActivationFunction, z: Array, a: Array) -> Array:
    """Return f'(z), where ``a = f(z)``."""
    slope = np.ones_like(a)
    f.backward(z, a, slope)
    return slope


def _slopes_at(f: ActivationFunction, z: Array) -> Array:
    a = np.empty_like(z)
    f.forward(z, a)
    return np.abs(slopes(f, z, a))


def steepest(f: ActivationFunction) -> float:
    """Return the largest slope of a function near 0."""
    return float(_slopes_at(f, np.linspace(-5, 5, 101)).max())


def is_bounded(f: ActivationFunction) -> bool:
    """Return whether a function is flat on both sides, like tanh."""
    return bool((_slopes_at(f, np.array([-FAR, FAR])) < FLAT_SLOPE * steepest(f)).all())


def passes(network: Network, x: Any, trains: bool) -> Iterator[Passed]:
    """Yield the input, and the output of each layer for rows `x`.

    With `trains`, layers that mix rows use the statistics of these rows.
    """
    dense = dense_floats(x, network.dtype)
    yield Passed("input", None, dense, dense)
    layers = zip(
        network.names, network.layers, network.specs, network.params, strict=True
    )
    yield from _through(layers, x, trains)


Built: TypeAlias = tuple[str, Layer, LayerSpec, Params]
"""A layer with its name, its shapes and its parameters."""


def _through(layers: Iterable[Built], x: Any, trains: bool) -> Iterator[Passed]:
    """Pass rows through layers, and through those in residual blocks one by one."""
    for name, layer, spec, p in layers:
        if isinstance(layer, Residual):
            yield from _through(_inner(name, layer, spec, p), x, trains)
        training = Training(np.random.default_rng(0)) if trains else None
        ws = layer.workspace(spec, x.shape[0], x.dtype, training)
        y = layer.forward(p, x, ws, trains and layer.mixes_rows)
        # Layers before the first weights may pass sparse rows on.
        seen = (dense_floats(rows, x.dtype) for rows in (x, y))
        yield Passed(name, layer, *seen)
        x = y


def _inner(name: str, block: Residual, spec: LayerSpec, p: Params) -> Iterator[Built]:
    """Yield the layers in a residual block, without its projection."""
    names = [f"{name}.{part}" for part in part_names(block.layers)]
    return zip(names, block.layers, spec.parts, split(p, len(spec.parts)), strict=False)


def part_names(layers: Sequence[Layer]) -> list[str]:
    """Return the names of layers in a residual block."""
    return layer_names([*layers, Flatten()])[:-1]
