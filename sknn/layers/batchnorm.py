"""Batch normalisation: each unit is standardised over the rows of the batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import batch_empty, by_unit
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, Params, ParamSpec, StateSpec, Training, Workspace


@dataclass(frozen=True)
class BatchNorm(Layer):
    """``y = γ x̂ + β``, ``x̂ = (x - μ) / sqrt(σ² + ε)``, for each unit or channel [1]_.

    In training, μ and σ² are the mean and variance over the rows of the batch, weighted
    by the sample weights. In prediction they are running averages of these (without
    Bessel's correction, so that the scale of the weights does not matter). x, y are
    (n, units), or images (n, channels, H, W), whose pixels count as rows. Backward,
    with ``s = sqrt(σ² + ε)`` and the share ``q = w / Σ w`` of each row (``1 / n``):
    ``dγ = Σ dy x̂``, ``dβ = Σ dy``,
    ``dx = γ / s (dy - q (dβ + x̂ dγ))``. The penalty does not apply to γ and β.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the latest batch in the running averages, in (0, 1].
    epsilon : float, default=1e-5
        Added to the variance; positive.

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
        units = in_shape[:1]
        params = {
            "gamma": ParamSpec(units, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(units, Zeros(), 1, 1, decay=False),
        }
        state = {"mean": StateSpec(units, 0.0), "var": StateSpec(units, 1.0)}
        return LayerSpec(in_shape, in_shape, params, state)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(y=batch_empty(n, spec.out_shape, dtype))
        if training is not None:
            ws.training = training
            ws.x_hat = batch_empty(n, spec.out_shape, dtype)
            ws.pixels = math.prod(spec.out_shape[1:])
            ws.equal_shares = np.full(n * ws.pixels, 1 / (n * ws.pixels), dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        x, y = by_unit(x), by_unit(ws.y)
        if not train:
            scale = p["gamma"] / np.sqrt(p["var"] + self.epsilon)
            np.multiply(x, scale[:, np.newaxis], out=y)
            y += (p["beta"] - p["mean"] * scale)[:, np.newaxis]
            return ws.y
        ws.q = ws.equal_shares
        w = ws.training.sample_weight
        if w is not None:
            w = np.tile(w, ws.pixels)  # rows of images are innermost in memory
            ws.q = w / w.sum()
        mean, x_hat = x @ ws.q, by_unit(ws.x_hat)
        np.subtract(x, mean[:, np.newaxis], out=x_hat)
        np.multiply(x_hat, x_hat, out=y)
        var = y @ ws.q
        ws.s = np.sqrt(var + self.epsilon)
        x_hat /= ws.s[:, np.newaxis]
        self._update(p, mean, var, float(ws.q.max()))
        np.multiply(x_hat, p["gamma"][:, np.newaxis], out=y)
        y += p["beta"][:, np.newaxis]
        return ws.y

    def _update(self, p: Params, mean: Array, var: Array, largest_share: float) -> None:
        """Update the running averages with those of a batch.

        The last batch may consist of a single row, which has no variance to learn from.
        """
        averages = [(p["mean"], mean)]
        if largest_share < 1:
            averages.append((p["var"], var))
        for running, new in averages:
            running *= 1 - self.momentum
            running += self.momentum * new

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        x_hat, d = by_unit(ws.x_hat), by_unit(dy)
        if not g:  # frozen: the forward pass was linear, with the running averages
            scale = p["gamma"] / np.sqrt(p["var"] + self.epsilon)
            np.multiply(d, scale[:, np.newaxis], out=x_hat)
            return ws.x_hat
        np.sum(d, axis=1, out=g["beta"])
        np.einsum("ij,ij->i", d, x_hat, out=g["gamma"])
        if not need_dx:
            return None
        x_hat *= g["gamma"][:, np.newaxis]
        x_hat += g["beta"][:, np.newaxis]
        x_hat *= ws.q
        np.subtract(d, x_hat, out=x_hat)
        x_hat *= (p["gamma"] / ws.s)[:, np.newaxis]
        return ws.x_hat
