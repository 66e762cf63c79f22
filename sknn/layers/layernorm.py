"""Layer normalisation: each row is standardised over its units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._arrays import aligned_like, by_unit
from .._spec import check_range
from .._typing import Array, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, ParamSpec, Workspace


@dataclass(frozen=True)
class LayerNorm(Layer):
    """``y = γ x̂ + β`` with ``x̂ = (x - μ) / sqrt(σ² + ε)`` for each row [1]_.

    μ and σ² are the mean and variance over the units of the row, both in training and
    in prediction; each unit has its own γ and β. x, y are (n, units), or images
    (n, channels, H, W), where each pixel is standardised over its channels. Backward,
    with ``s = sqrt(σ² + ε)`` and ``d = γ dy``: ``dγ = Σ dy x̂`` and ``dβ = Σ dy`` over
    rows, ``dx = (d - mean(d) - x̂ mean(d x̂)) / s``. The penalty does not apply to γ
    and β.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance; positive.

    References
    ----------
    .. [1] J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016,
       https://arxiv.org/abs/1607.06450.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_range(self, "epsilon", 0, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        units = in_shape[:1]
        params = {
            "gamma": ParamSpec(units, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(units, Zeros(), 1, 1, decay=False),
        }
        return LayerSpec(in_shape, in_shape, params)

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x_hat, y, ws.s = aligned_like(x), aligned_like(x), by_unit(x)[0].copy()
        args = by_unit(x), ws.p["gamma"], ws.p["beta"], self.epsilon
        ws.do(layer_norm, *args, by_unit(ws.x_hat), by_unit(y), ws.s)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        x_hat, d = by_unit(ws.x_hat), by_unit(dy)
        if ws.g:
            ws.do(scale_gradients, d, x_hat, ws.g["gamma"], ws.g["beta"])
        if not need_dx:
            return None
        ws.do(layer_norm_backward, d, ws.p["gamma"], x_hat, ws.s)
        return ws.x_hat


def layer_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    x_hat: Array,
    y: Array,
    s: Array,
) -> None:
    """``y = γ x̂ + β``; the columns of `x` are standardised."""
    np.subtract(x, x.mean(axis=0), out=x_hat)
    var = np.einsum("ij,ij->j", x_hat, x_hat) / len(x)
    np.sqrt(var + epsilon, out=s)
    x_hat /= s
    np.multiply(x_hat, gamma[:, np.newaxis], out=y)
    y += beta[:, np.newaxis]


def scale_gradients(dy: Array, x_hat: Array, dgamma: Array, dbeta: Array) -> None:
    """``dγ = Σ dy x̂``, ``dβ = Σ dy``, over the columns."""
    np.sum(dy, axis=1, out=dbeta)
    np.einsum("ij,ij->i", dy, x_hat, out=dgamma)


def layer_norm_backward(dy: Array, gamma: Array, x_hat: Array, s: Array) -> None:
    """``dx = (d - mean(d) - x̂ mean(d x̂)) / s`` with ``d = γ dy``; overwrites `x_hat`."""
    d = dy * gamma[:, np.newaxis]
    x_hat *= np.einsum("ij,ij->j", d, x_hat) / len(d)
    x_hat += d.mean(axis=0)
    np.subtract(d, x_hat, out=x_hat)
    x_hat /= s
