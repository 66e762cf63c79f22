"""Batch normalisation: each unit is standardised over the rows of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import aligned_empty
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, Params, ParamSpec, StateSpec, Training, Workspace


@dataclass(frozen=True)
class BatchNorm(Layer):
    """``y = γ x̂ + β`` with ``x̂ = (x - μ) / sqrt(σ² + ε)`` for each unit [1]_.

    In training μ and σ² are mean and variance over the rows of the batch, weighted if
    the rows are; in prediction they are running averages of those, the variance with
    Bessel's correction. x, y are (n, units). Backward, with ``s = sqrt(σ² + ε)`` and
    the share ``q = w / Σ w`` of each row (``1 / n``): ``dγ = Σ dy x̂``, ``dβ = Σ dy``,
    ``dx = γ / s (dy - q (dβ + x̂ dγ))``. The penalty covers neither γ nor β.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the newest batch in the running averages.
    epsilon : float, default=1e-5
        Added to the variance.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    mixes_rows = True

    def __post_init__(self) -> None:
        check_range(self, "momentum", 0, 1, closed="right")
        check_range(self, "epsilon", 0, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        params = {
            "gamma": ParamSpec(in_shape, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(in_shape, Zeros(), 1, 1, decay=False),
        }
        state = {"mean": StateSpec(in_shape, 0.0), "var": StateSpec(in_shape, 1.0)}
        return LayerSpec(in_shape, in_shape, params, state)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=aligned_empty((n, *spec.out_shape), dtype))
        if training is not None:
            ws.training = training
            ws.x_hat = aligned_empty((n, *spec.out_shape), dtype)
            ws.equal_shares = np.full(n, 1 / n, dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        if not train:
            scale = p["gamma"] / np.sqrt(p["var"] + self.epsilon)
            np.multiply(x, scale, out=ws.y)
            ws.y += p["beta"] - p["mean"] * scale
            return ws.y
        w = ws.training.sample_weight
        ws.q = ws.equal_shares if w is None else w / w.sum()
        mean = ws.q @ x
        x_hat = np.subtract(x, mean, out=ws.x_hat)
        np.multiply(x_hat, x_hat, out=ws.y)
        var = ws.q @ ws.y
        ws.s = np.sqrt(var + self.epsilon)
        x_hat /= ws.s
        self._update(p, mean, var, float(len(x) if w is None else w.sum()))
        np.multiply(x_hat, p["gamma"], out=ws.y)
        ws.y += p["beta"]
        return ws.y

    def _update(self, p: Params, mean: Array, var: Array, total: float) -> None:
        """Move the running averages towards those of a batch of weight `total`.

        Bessel's correction holds for whole rows; below two it would be unbounded.
        """
        if total > 1:
            var = var * (total / max(total - 1, 1))
        for running, new in ((p["mean"], mean), (p["var"], var)):
            running *= 1 - self.momentum
            running += self.momentum * new

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        x_hat = ws.x_hat
        np.sum(dy, axis=0, out=g["beta"])
        np.einsum("ij,ij->j", dy, x_hat, out=g["gamma"])
        if not need_dx:
            return None
        x_hat *= g["gamma"]
        x_hat += g["beta"]
        x_hat *= ws.q[:, np.newaxis]
        dy -= x_hat
        dy *= p["gamma"] / ws.s
        return dy
