"""The way into an ensemble: every member gets the same rows."""

from __future__ import annotations

import numpy as np

from .._spec import check_positive, spec
from .._typing import Array, Shape
from .base import Layer, LayerSpec, Workspace


@spec
class ToMembers(Layer):
    """Give the same rows to each member of an ensemble.

    This is the first layer of an ensemble: of several networks, the members, that are
    trained together. ``y[:, i] = x`` for each member i, with x (n, d) and
    y (n, n_members, d); y is a view of x, not a copy. Backward: ``dx = Σ dy`` over
    members.

    Layers for numbers of any shape, such as `sknn.layers.Activation` and
    `sknn.layers.Dropout`, treat the members as more units. `sknn.layers.BatchNorm`,
    `sknn.layers.LayerNorm`, `sknn.layers.PReLU` and `sknn.layers.ParametricActivation`
    have parameters for each unit of each member. `sknn.layers.Flatten` puts the outputs
    of all members side by side, in rows of shape (n, n_members * d). In memory, the
    rows of a member are one matrix.

    Parameters
    ----------
    n_members : int
        Number of members.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    See Also
    --------
    MemberDense : A dense layer with weights for each member.
    BatchEnsembleDense : A dense layer whose weights the members share.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.layers import ToMembers
    >>> from sknn.network import Network
    >>> network = Network([ToMembers(3)], in_shape=(2,), dtype=np.dtype(float))
    >>> network.scores(np.array([[1.0, 2.0]]))
    array([[[1., 2.],
            [1., 2.],
            [1., 2.]]])
    """

    n_members: int

    def __post_init__(self) -> None:
        check_positive(self, "n_members")

    def build(self, in_shape: Shape) -> LayerSpec:
        if len(in_shape) != 1:
            raise ValueError(
                f"{self!r} needs rows of numbers, got the shape {in_shape}. Put "
                "Flatten() before it."
            )
        return LayerSpec(in_shape, (self.n_members, *in_shape))

    def bind(self, ws: Workspace, x: Array) -> Array:
        return np.broadcast_to(x[:, np.newaxis], (ws.n, *ws.spec.out_shape))

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = np.empty((ws.n, *ws.spec.in_shape), ws.dtype)
        ws.do(sum_over_members, dy, dx)
        return dx


def sum_over_members(dy: Array, dx: Array) -> None:
    """``dx = Σ dy`` over members."""
    np.sum(dy, axis=1, out=dx)
