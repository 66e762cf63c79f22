"""Batch normalisation: each unit is standardised over the rows of the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._arrays import aligned_like, by_unit
from .._spec import check_range
from .._typing import Array, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, Params, ParamSpec, StateSpec, Workspace
from .layernorm import scale_gradients


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

    def bind(self, ws: Workspace, x: Array) -> Array:
        y, p = aligned_like(x), ws.p
        if ws.training is not None:
            ws.x_hat = aligned_like(x)
        if not ws.train:
            ws.do(self._scale, p, by_unit(x), by_unit(y), p["beta"])
            return y
        m = by_unit(x).shape[1]
        ws.q, ws.s = np.full(m, 1 / m, ws.dtype), np.empty_like(p["gamma"])
        if ws.training.sample_weight is not None:
            ws.do(_shares, ws.training.sample_weight, ws.q)
        ws.do(
            self._standardise, p, by_unit(x), ws.q, by_unit(ws.x_hat), by_unit(y), ws.s
        )
        return y

    def _scale(self, p: Params, x: Array, y: Array, shift: Array | None) -> None:
        """Normalise by the running averages, as in prediction."""
        scale = p["gamma"] / np.sqrt(p["var"] + self.epsilon)
        np.multiply(x, scale[:, np.newaxis], out=y)
        if shift is not None:
            y += (shift - p["mean"] * scale)[:, np.newaxis]

    def _standardise(
        self, p: Params, x: Array, q: Array, x_hat: Array, y: Array, s: Array
    ) -> None:
        """Normalise by the batch, and update the running averages."""
        mean = x @ q
        np.subtract(x, mean[:, np.newaxis], out=x_hat)
        np.multiply(x_hat, x_hat, out=y)
        var = y @ q
        np.sqrt(var + self.epsilon, out=s)
        x_hat /= s[:, np.newaxis]
        self._update(p, mean, var, float(q.max()))
        np.multiply(x_hat, p["gamma"][:, np.newaxis], out=y)
        y += p["beta"][:, np.newaxis]

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

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        x_hat, d, p, g = by_unit(ws.x_hat), by_unit(dy), ws.p, ws.g
        if not g:  # frozen: the forward pass was linear, with the running averages
            ws.do(self._scale, p, d, x_hat, None)
            return ws.x_hat
        ws.do(scale_gradients, d, x_hat, g["gamma"], g["beta"])
        if not need_dx:
            return None
        ws.do(
            batch_norm_backward, d, p["gamma"], g["gamma"], g["beta"], ws.q, ws.s, x_hat
        )
        return ws.x_hat


def _shares(sample_weight: Array, q: Array) -> None:
    """Write the share of each row, or pixel, in the total weight into `q`."""
    w = np.tile(sample_weight, len(q) // len(sample_weight))  # rows are innermost
    np.divide(w, w.sum(), out=q)


def batch_norm_backward(
    dy: Array,
    gamma: Array,
    dgamma: Array,
    dbeta: Array,
    q: Array,
    s: Array,
    x_hat: Array,
) -> None:
    """``dx = γ / s (dy - q (dβ + x̂ dγ))``; overwrites `x_hat`."""
    x_hat *= dgamma[:, np.newaxis]
    x_hat += dbeta[:, np.newaxis]
    x_hat *= q
    np.subtract(dy, x_hat, out=x_hat)
    x_hat *= (gamma / s)[:, np.newaxis]
