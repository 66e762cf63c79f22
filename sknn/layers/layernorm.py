"""Layer normalisation: each row is standardised over its units."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import batch_empty, by_unit
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, Params, ParamSpec, Training, Workspace


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

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        y, x_hat = (batch_empty(n, spec.out_shape, dtype) for _ in range(2))
        return SimpleNamespace(y=y, x_hat=x_hat)

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        x, y, x_hat = by_unit(x), by_unit(ws.y), by_unit(ws.x_hat)
        np.subtract(x, x.mean(axis=0), out=x_hat)
        var = np.einsum("ij,ij->j", x_hat, x_hat) / len(x)
        ws.s = np.sqrt(var + self.epsilon)
        x_hat /= ws.s
        np.multiply(x_hat, p["gamma"][:, np.newaxis], out=y)
        y += p["beta"][:, np.newaxis]
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        x_hat, d = by_unit(ws.x_hat), by_unit(dy)
        if g:
            np.sum(d, axis=1, out=g["beta"])
            np.einsum("ij,ij->i", d, x_hat, out=g["gamma"])
        if not need_dx:
            return None
        d = d * p["gamma"][:, np.newaxis]
        x_hat *= np.einsum("ij,ij->j", d, x_hat) / len(d)
        x_hat += d.mean(axis=0)
        np.subtract(d, x_hat, out=x_hat)
        x_hat /= ws.s
        return ws.x_hat
