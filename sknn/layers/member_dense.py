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
    """``y[:, i] = α x[:, i] W[i] + b[i]``: a dense layer of its own for each member i.

    x (n, k, fan_in), W (k, fan_in, units), b (k, units), y (n, k, units), for k
    members; see `ToMembers`. Each is what `Dense` with the same parameters is for a
    single network, with initial values drawn independently. Training them together
    takes less time than one after the other: their products are shared out among the
    threads, and the steps of all are one.

    Parameters
    ----------
    units : int
        Number of outputs of each member.
    initializer : str or Initializer, default=None
        Initializer of the weights. With None the estimator chooses it; in the neural
        tangent parametrisation, weights and biases are then drawn from N(0, 1).
    parametrization : {'standard', 'ntp'}, default='standard'
        'ntp' is the neural tangent parametrisation, with ``α = 1 / √fan_in``.
    data_driven : bool, default=False
        Whether initial weights and biases are adapted to training rows, see `Dense`.
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
        ws.do_each(matmul, [(*xWy, alpha) for xWy in zip(ws.x, W, ws.y, strict=True)])
        if ws.f is None:
            ws.do_each(add_bias, zip(ws.y, b, strict=True))
            return y
        a = aligned_like(y)
        ws.a = by_member(a)
        each = zip(ws.y, b, ws.a, strict=True)
        ws.do_each(bias_activation, [(ws.f, *arrays) for arrays in each])
        return a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        x, W, d, g = ws.x, ws.p["W"], by_member(dy), ws.g
        alpha = self._alpha(W.shape[1])
        bind_activation_backward(ws, d)
        if g:
            each = zip(x, d, g["W"], strict=True)
            ws.do_each(matmul, [(v.T, dv, dW, alpha) for v, dv, dW in each])
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        each = zip(d, W, by_member(dx), strict=True)
        ws.do_each(matmul, [(dv, V.T, dv_in, alpha) for dv, V, dv_in in each])
        return dx


def shape_of_members(layer: Dense | Any, in_shape: Shape) -> Shape:
    """Return `in_shape`, the number of members and of inputs; raise if it is not."""
    if len(in_shape) != 2:
        raise ValueError(
            f"{layer!r} needs members, (members, units), got the shape {in_shape}. "
            "Put ToMembers(n_members) before it."
        )
    return in_shape


def bind_activation_backward(ws: Workspace, dy: list[Array]) -> None:
    """Record the way back through the fused activation, and the gradient of `b`.

    `dy`, and ``ws.y`` and ``ws.a``, are those of each member.
    """
    if ws.f is not None and ws.g:
        with_db = zip(ws.y, ws.a, dy, ws.g["b"], strict=True)
        ws.do_each(activation_backward_bias, [(ws.f, *arrays) for arrays in with_db])
    elif ws.f is not None:
        each = zip(ws.y, ws.a, dy, strict=True)
        ws.do_each(activation_backward, [(ws.f, *arrays) for arrays in each])
    elif ws.g:
        ws.do_each(column_sums, zip(dy, ws.g["b"], strict=True))
