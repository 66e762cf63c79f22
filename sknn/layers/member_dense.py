"""Independent dense layers, one for each member of an ensemble."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._arrays import (
    add_bias,
    aligned_like,
    batch_empty,
    by_member,
    column_sums,
    matmul,
)
from .._kernels import threads
from .._spec import spec
from .._typing import Array, Shape
from ..activations import (
    activation_backward,
    activation_backward_bias,
    bias_activation,
)
from .base import LayerSpec, Params, Workspace
from .dense import Dense, adapt_weights_and_biases


@spec
class MemberDense(Dense):
    """A dense layer for each member of an ensemble, with weights of its own.

    For member i of k members, ``y[:, i] = α x[:, i] W[i] + b[i]``, with
    x (n, k, fan_in), W (k, fan_in, units), b (k, units) and y (n, k, units). Before the
    first such layer, `sknn.layers.ToMembers` gives the rows to the members.

    Each member computes what `sknn.layers.Dense` with the same parameters computes in a
    single network. The initial values of the members are drawn independently. Training
    the members together takes less time than one after the other: the threads work on
    different members at the same time, and the solver updates the parameters of all
    members in one step.

    Parameters
    ----------
    units : int
        Number of outputs of each member.
    initializer : str or Initializer, default=None
        Initializer of the weights. With None the estimator chooses it; in the neural
        tangent parametrization, weights and biases are then drawn from N(0, 1).
    parametrization : {'standard', 'ntp'}, default='standard'
        'ntp' is the neural tangent parametrization, with ``α = 1 / √fan_in``.
    data_driven : bool, default=False
        Whether initial weights and biases are adapted to training rows, see
        `sknn.layers.Dense`.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    One member adds its two inputs, the other one subtracts them:

    >>> import numpy as np
    >>> from sknn.layers import MemberDense, ToMembers
    >>> from sknn.network import Network
    >>> layers = [ToMembers(2), MemberDense(1)]
    >>> network = Network(layers, in_shape=(2,), dtype=np.dtype(float))
    >>> network.params[1]["W"][:] = [[[1], [1]], [[1], [-1]]]
    >>> network.scores(np.array([[5.0, 2.0]]))
    array([[[7.],
            [3.]]])
    """

    takes_sparse = False
    fuses_activation = True

    def build(self, in_shape: Shape) -> LayerSpec:
        k, fan_in = shape_of_members(self, in_shape)
        alone = Dense.build(self, (fan_in,))
        params = {
            name: replace(param, shape=(k, *param.shape), members="independent")
            for name, param in alone.params.items()
        }
        return LayerSpec(in_shape, (k, self.units), params)

    def adapt(self, p: Params, x: Array, rng: np.random.RandomState) -> None:
        alpha = self._alpha(x.shape[2])
        for W, b, x_i in zip(p["W"], p["b"], by_member(x), strict=True):
            adapt_weights_and_biases(W, b, x_i, alpha, rng)

    def bind(self, ws: Workspace, x: Any) -> Array:
        W, b, alpha = ws.p["W"], ws.p["b"], self._alpha(x.shape[2])
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.x, ws.y = by_member(x), by_member(y)
        a = None if ws.f is None else aligned_like(y)
        ws.a = None if a is None else by_member(a)
        for some in groups(len(W)):
            ws.do_each(matmul, [(ws.x[i], W[i], ws.y[i], alpha) for i in some])
            if ws.f is None:
                ws.do_each(add_bias, [(ws.y[i], b[i]) for i in some])
            else:
                args = [(ws.f, ws.y[i], b[i], ws.a[i]) for i in some]
                ws.do_each(bias_activation, args)
        return y if a is None else a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        W, d, g = ws.p["W"], by_member(dy), ws.g
        alpha = self._alpha(W.shape[1])
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype) if need_dx else None
        for some in groups(len(W)):
            bind_activation_backward(ws, d, some)
            if g:
                args = [(ws.x[i].T, d[i], g["W"][i], alpha) for i in some]
                ws.do_each(matmul, args)
            if dx is not None:
                ws.do_each(matmul, [(d[i], W[i].T, dx[:, i], alpha) for i in some])
        return dx


def groups(n_members: int) -> list[range]:
    """Return the members in groups of one for each thread.

    A group goes through all operations of a layer while its arrays are in the cache.
    """
    step = threads()
    starts = range(0, n_members, step)
    return [range(i, min(i + step, n_members)) for i in starts]


def shape_of_members(layer: Dense | Any, in_shape: Shape) -> Shape:
    """Return `in_shape`, the number of members and of inputs; raise if it is not."""
    if len(in_shape) != 2:
        raise ValueError(
            f"{layer!r} needs members, (members, units), got the shape {in_shape}. "
            "Put ToMembers(n_members) before it."
        )
    return in_shape


def bind_activation_backward(ws: Workspace, dy: list[Array], some: range) -> None:
    """Record the way back through the fused activation, and the gradient of `b`.

    For some members; `dy`, and ``ws.y`` and ``ws.a``, are those of each member.
    """
    f, g = ws.f, ws.g
    if f is not None and g:
        args = [(f, ws.y[i], ws.a[i], dy[i], g["b"][i]) for i in some]
        ws.do_each(activation_backward_bias, args)
    elif f is not None:
        ws.do_each(activation_backward, [(f, ws.y[i], ws.a[i], dy[i]) for i in some])
    elif g:
        ws.do_each(column_sums, [(dy[i], g["b"][i]) for i in some])
