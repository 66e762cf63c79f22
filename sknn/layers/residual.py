"""Residual blocks: the output of the inner layers is added to their input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from .._arrays import batch_empty
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Initializer
from .base import (
    Layer,
    LayerSpec,
    Params,
    Training,
    Workspace,
    backward_all,
    forward_all,
)
from .conv import Conv2D
from .dense import Dense

T = TypeVar("T")


@dataclass(frozen=True)
class Residual(Layer):
    """``y = F(x) + x``, or ``y = F(x) + P(x)`` where the shapes differ [1]_.

    F is the composition of the inner layers. If the last weights of F are initially 0,
    the block is initially the identity, so that ``Var(y) = Var(x)`` at any depth [2]_.

    Parameters
    ----------
    layers : tuple of Layer
        The inner layers, in order.
    projection : str or Initializer, default=None
        Initializer of the weights of P, which is used if F changes the width: a dense
        layer or, for images, a 1 x 1 convolution. With None the estimator chooses it.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
       recognition", CVPR 2016.
    .. [2] H. Zhang, Y. Dauphin, T. Ma, "Fixup initialization: residual learning without
       normalization", ICLR 2019.
    """

    layers: tuple[Layer, ...]
    projection: str | Initializer | None = None

    def __post_init__(self) -> None:
        inner: Any = self.layers
        if not isinstance(inner, tuple) or not all(isinstance(f, Layer) for f in inner):
            raise ValueError(
                "layers of Residual must be a tuple of layers, such as (Dense(64), "
                f"Activation('relu'), Dense(64)), got {inner!r}."
            )

    @property
    def takes_sparse(self) -> bool:  # type: ignore[override]
        """Whether the first inner layer takes a CSR matrix."""
        return bool(self.layers) and self.layers[0].takes_sparse

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether any inner layer draws random numbers."""
        return any(layer.random for layer in self.layers)

    @property
    def mixes_rows(self) -> bool:  # type: ignore[override]
        """Whether any inner layer mixes rows."""
        return any(layer.mixes_rows for layer in self.layers)

    def _make_projection(self, out_shape: Shape) -> Layer:
        """Return P: a dense layer or, for images, a 1 x 1 convolution."""
        if len(out_shape) == 1:
            return Dense(out_shape[0], self.projection)
        return Conv2D(out_shape[0], 1, initializer=self.projection)

    def build(self, in_shape: Shape) -> LayerSpec:
        parts, shape = [], in_shape
        for layer in self.layers:
            parts.append(layer.build(shape))
            shape = parts[-1].out_shape
        if shape[1:] != in_shape[1:]:
            raise ValueError(
                "The inner layers of a residual block must keep height and width, but "
                f"they turn {in_shape} into {shape}."
            )
        if shape != in_shape:
            parts.append(self._make_projection(shape).build(in_shape))
        params = join([part.params for part in parts])
        state = join([part.state for part in parts])
        return LayerSpec(in_shape, shape, params, state, tuple(parts))

    def parts(self, spec: LayerSpec) -> list[tuple[Layer, LayerSpec]]:
        layers = [*self.layers]
        if len(spec.parts) > len(layers):
            layers.append(self._make_projection(spec.out_shape))
        return list(zip(layers, spec.parts, strict=True))

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        layers = self.parts(spec)
        P = layers[-1][0] if len(layers) > len(self.layers) else None
        parts = [layer.workspace(part, n, dtype, training) for layer, part in layers]
        y = batch_empty(n, spec.out_shape, dtype)
        return SimpleNamespace(P=P, parts=parts, y=y, p=None, g=None)

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        if ws.p is not p:  # once per workspace: a network keeps its dicts
            ws.p, ws.params = p, split(p, len(ws.parts))
        n = len(self.layers)
        Fx = forward_all(self.layers, ws.params[:n], x, ws.parts[:n], train)
        if ws.P is not None:
            x = ws.P.forward(ws.params[n], x, ws.parts[n], train)
        return np.add(Fx, x if isinstance(x, np.ndarray) else x.toarray(), out=ws.y)

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        if ws.g is not g:
            ws.g, ws.grads = g, split(g, len(ws.parts))
        n, dF = len(self.layers), dy.copy(order="K")
        # Without dx, nothing before the first inner layer with parameters is needed.
        with_params = (i for i, params in enumerate(ws.params[:n]) if params)
        first = 0 if need_dx else next(with_params, n)
        dx = backward_all(
            self.layers, ws.params[:n], ws.grads[:n], dF, ws.parts[:n], first, need_dx
        )
        added: Array | None = dy
        if ws.P is not None:
            added = ws.P.backward(ws.params[n], ws.grads[n], dy, ws.parts[n], need_dx)
        if dx is None or added is None:
            return None
        return np.add(dx, added, out=dx)


def join(parts: list[Mapping[str, T]]) -> dict[str, T]:
    """Join dicts into one with the number of the part in the keys, as in ``0.W``."""
    return {
        f"{i}.{name}": v for i, part in enumerate(parts) for name, v in part.items()
    }


def split(joined: dict[str, Any], n_parts: int) -> list[dict[str, Any]]:
    """Undo `join`; the parts of a `Discarded` dict are `Discarded` too."""
    parts: list[dict[str, Any]] = [type(joined)() for _ in range(n_parts)]
    for key, value in joined.items():
        i, _, name = key.partition(".")
        parts[int(i)][name] = value
    return parts
