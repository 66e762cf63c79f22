"""Residual blocks: the output of the inner layers is added to their input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import aligned_like, batch_empty
from .._spec import spec
from .._typing import Array, Shape
from ..initializers import Initializer
from .base import (
    Composite,
    Layer,
    LayerSpec,
    Params,
    SparseRows,
    Workspace,
    adapt_all,
    bind_all,
    bind_backward_all,
    join,
    split,
)
from .conv import Conv2D
from .dense import Dense
from .member_dense import MemberDense


@spec
class Residual(Composite):
    """Add the input of some layers to their output: ``y = F(x) + x``.

    It was proposed in [1]_. Where the shapes of x and F(x) differ, a learned linear map
    P is applied to the input: ``y = F(x) + P(x)``.

    F is the composition of the inner layers. If the last weights of F are initially 0,
    the block is initially the identity, so that ``Var(y) = Var(x)`` at any depth [2]_.

    Parameters
    ----------
    layers : tuple of Layer
        The inner layers, in order.
    projection : str or Initializer, default=None
        Initializer of the weights of P, which is used if F changes the width: a dense
        layer or, for images, a 1 x 1 convolution. With None the estimator chooses it.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
       recognition", CVPR 2016.
    .. [2] H. Zhang, Y. Dauphin, T. Ma, "Fixup initialization: residual learning without
       normalization", ICLR 2019.

    Examples
    --------
    The inner layer turns x into 0.5 x, so the block turns it into 1.5 x:

    >>> import numpy as np
    >>> from sknn.layers import Dense, Residual, Scale
    >>> from sknn.network import Network
    >>> block = Residual((Scale(value=0.5),))
    >>> network = Network([block], in_shape=(2,), dtype=np.dtype(float))
    >>> network.initialize(np.random.RandomState(0))
    >>> network.scores(np.array([[2.0, -4.0]]))
    array([[ 3., -6.]])

    Where the inner layers change the width, P has parameters as well:

    >>> list(Residual((Dense(8),)).build(in_shape=(4,)).params)
    ['0.W', '0.b', '1.W', '1.b']
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

    def adapt(self, p: Params, x: Any, rng: np.random.RandomState) -> None:
        layers, specs = zip(*self.parts(self.build(x.shape[1:])), strict=True)
        params, n = split(p, len(layers)), len(self.layers)
        adapt_all(layers[:n], specs[:n], params[:n], x, rng)

    def _make_projection(self, out_shape: Shape) -> Layer:
        """Return P: a dense layer or, for images, a 1 x 1 convolution."""
        if len(out_shape) == 2:
            return MemberDense(out_shape[1], self.projection)
        if len(out_shape) == 1:
            return Dense(out_shape[0], self.projection)
        return Conv2D(out_shape[0], 1, initializer=self.projection)

    def build(self, in_shape: Shape) -> LayerSpec:
        parts, shape = [], in_shape
        for layer in self.layers:
            parts.append(layer.build(shape))
            shape = parts[-1].out_shape
        if len(shape) == len(in_shape) == 2:
            if shape[0] != in_shape[0]:
                raise ValueError(
                    "The inner layers of a residual block must keep the number of "
                    f"members, but they turn {in_shape} into {shape}."
                )
        elif shape[1:] != in_shape[1:]:
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

    def bind(self, ws: Workspace, x: Any) -> Array:
        layers = self.parts(ws.spec)
        ws.inner = [
            Workspace(**{**vars(ws), "spec": spec, "p": p})
            for (_, spec), p in zip(layers, split(ws.p, len(layers)), strict=True)
        ]
        n, y = len(self.layers), batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        Fx = bind_all(self.layers, ws.inner[:n], x, ws.calls)
        for P, _ in layers[n:]:
            x = bind_all([P], ws.inner[n:], x, ws.calls)
        ws.do(add, Fx, x, y)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        n, dF = len(self.layers), aligned_like(dy)
        for inner, g in zip(ws.inner, split(ws.g, len(ws.inner)), strict=True):
            inner.g = g
        # Without dx, nothing before the first inner layer with parameters is needed.
        with_params = (i for i, inner in enumerate(ws.inner[:n]) if inner.p)
        first = 0 if need_dx else next(with_params, n)
        ws.do(np.copyto, dF, dy)
        dx = bind_backward_all(self.layers, ws.inner[:n], dF, first, need_dx, ws.calls)
        added: Array | None = dy
        for P, _ in self.parts(ws.spec)[n:]:
            added = bind_backward_all([P], ws.inner[n:], dy, 0, need_dx, ws.calls)
        if dx is None or added is None:
            return None
        ws.do(add, dx, added, dx)
        return dx


def add(a: Any, b: Any, y: Array) -> None:
    """``y = a + b``."""
    a, b = (x.rows.toarray() if isinstance(x, SparseRows) else x for x in (a, b))
    np.add(a, b, out=y)
