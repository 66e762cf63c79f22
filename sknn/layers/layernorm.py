"""Layer normalisation: each row is standardised over its units."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import aligned_empty
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, Params, ParamSpec, Training, Workspace


@dataclass(frozen=True)
class LayerNorm(Layer):
    """``y = γ x̂ + β`` with ``x̂ = (x - μ) / sqrt(σ² + ε)`` for each row [1]_.

    μ and σ² are mean and variance of the units of the row, in training and prediction
    alike; γ and β are one a unit. x, y are (n, units). Backward, with
    ``s = sqrt(σ² + ε)`` and ``d = γ dy``: ``dγ = Σ dy x̂`` and ``dβ = Σ dy`` over rows,
    ``dx = (d - mean(d) - x̂ mean(d x̂)) / s``. The penalty covers neither γ nor β.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance.

    References
    ----------
    .. [1] J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016,
       https://arxiv.org/abs/1607.06450.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_range(self, "epsilon", 0, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        params = {
            "gamma": ParamSpec(in_shape, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(in_shape, Zeros(), 1, 1, decay=False),
        }
        return LayerSpec(in_shape, in_shape, params)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        shape = (n, *spec.out_shape)
        return SimpleNamespace(
            y=aligned_empty(shape, dtype), x_hat=aligned_empty(shape, dtype)
        )

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        units = x.shape[1]
        x_hat = np.subtract(x, x.mean(axis=1, keepdims=True), out=ws.x_hat)
        var = np.einsum("ij,ij->i", x_hat, x_hat)[:, np.newaxis] / units
        ws.s = np.sqrt(var + self.epsilon)
        x_hat /= ws.s
        np.multiply(x_hat, p["gamma"], out=ws.y)
        ws.y += p["beta"]
        return ws.y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        x_hat, units = ws.x_hat, dy.shape[1]
        np.sum(dy, axis=0, out=g["beta"])
        np.einsum("ij,ij->j", dy, x_hat, out=g["gamma"])
        if not need_dx:
            return None
        dy *= p["gamma"]
        mean = dy.mean(axis=1, keepdims=True)
        x_hat *= np.einsum("ij,ij->i", dy, x_hat)[:, np.newaxis] / units
        dy -= mean
        dy -= x_hat
        dy /= ws.s
        return dy
