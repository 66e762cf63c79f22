"""Members of an ensemble as one layer: several copies of a list of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import aligned_empty, batch_empty
from .._spec import check_positive, spec
from .._typing import Array, Shape
from .base import (
    Composite,
    Layer,
    LayerSpec,
    Params,
    Workspace,
    adapt_all,
    bind_all,
    bind_backward_all,
    join,
    split,
)


@spec
class Ensemble(Composite):
    """Copies of a list of layers, the members, that get the same rows.

    The members have the same layers, but each has parameters of its own. With x
    (n, ...) and members that return rows of shape (n, units), y is
    (n, n_members, units), and ``y[:, i]`` is the output of member i.

    The members can have layers of all kinds, such as embeddings. Of the layers after
    `sknn.layers.ToMembers`, only some have weights for each member, such as
    `sknn.layers.MemberDense`. `sknn.layers.Flatten` puts the outputs of all members
    side by side, in rows of shape (n, n_members * units).

    Parameters
    ----------
    layers : tuple of Layer
        The layers of a member, in order.
    n_members : int
        Number of members.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    See Also
    --------
    MemberDense : A dense layer with weights for each member.

    Examples
    --------
    Three dense layers side by side, the weights of which are all 1, all 2 and all 3:

    >>> import numpy as np
    >>> from sknn.layers import Dense, Ensemble
    >>> from sknn.network import Network
    >>> layer = Ensemble((Dense(1),), n_members=3)
    >>> network = Network([layer], in_shape=(2,), dtype=np.dtype(float))
    >>> for i in range(3):
    ...     network.params[0][f"{i}.W"][:] = i + 1
    ...
    >>> network.scores(np.array([[5.0, 2.0]]))
    array([[[ 7.],
            [14.],
            [21.]]])
    """

    layers: tuple[Layer, ...]
    n_members: int

    def __post_init__(self) -> None:
        inner: Any = self.layers
        if not isinstance(inner, tuple) or not all(isinstance(f, Layer) for f in inner):
            raise ValueError(
                "layers of Ensemble must be a tuple of layers, such as (Dense(64), "
                f"Activation('relu'), Dense(1)), got {inner!r}."
            )
        check_positive(self, "n_members")

    def build(self, in_shape: Shape) -> LayerSpec:
        parts, shape = [], in_shape
        for layer in self.layers:
            parts.append(layer.build(shape))
            shape = parts[-1].out_shape
        if len(shape) != 1:
            raise ValueError(
                "The members of an ensemble must put out rows of numbers, but "
                f"{self!r} puts out {shape}."
            )
        parts *= self.n_members
        params = join([part.params for part in parts])
        state = join([part.state for part in parts])
        return LayerSpec(
            in_shape, (self.n_members, *shape), params, state, tuple(parts)
        )

    def parts(self, spec: LayerSpec) -> list[tuple[Layer, LayerSpec]]:
        return list(zip(self.layers * self.n_members, spec.parts, strict=True))

    def members(self, joined: dict[str, Any]) -> list[list[dict[str, Any]]]:
        """Return the arrays of each member, a dict for each of its layers."""
        n = len(self.layers)
        parts = split(joined, n * self.n_members)
        return [parts[n * i : n * (i + 1)] for i in range(self.n_members)]

    def adapt(self, p: Params, x: Array, rng: np.random.RandomState) -> None:
        specs = self.build(x.shape[1:]).parts[: len(self.layers)]
        for member in self.members(p):
            adapt_all(self.layers, specs, member, x, rng)

    def bind(self, ws: Workspace, x: Any) -> Array:
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.inner = []
        for i, params in enumerate(self.members(ws.p)):
            inner = [
                Workspace(**{**vars(ws), "spec": spec, "p": p})
                for spec, p in zip(ws.spec.parts, params, strict=False)
            ]
            ws.inner.append(inner)
            ws.do(np.copyto, y[:, i], bind_all(self.layers, inner, x, ws.calls))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        dx: Array | None = None
        for i, gradients in enumerate(self.members(ws.g)):
            inner, d = ws.inner[i], aligned_empty((ws.n, dy.shape[2]), ws.dtype)
            for part, g in zip(inner, gradients, strict=True):
                part.g = g
            # Without dx, nothing before the first layer with parameters is needed.
            with_params = (j for j, part in enumerate(inner) if part.p)
            first = 0 if need_dx else next(with_params, len(inner))
            ws.do(np.copyto, d, dy[:, i])
            dx_i = bind_backward_all(self.layers, inner, d, first, need_dx, ws.calls)
            if dx is not None:
                ws.do(_add, dx, dx_i)
            elif need_dx:
                dx = dx_i
        return dx


def _add(total: Array, x: Array) -> None:
    total += x
