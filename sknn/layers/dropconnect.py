"""DropConnect: weights are randomly set to zero in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import aligned_empty
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ._masks import draw_mask
from .base import Layer, LayerSpec, Params, Training, Workspace
from .dense import Dense


@dataclass(frozen=True)
class DropConnect(Layer):
    """``y = x (M W) + b`` in training, the dense layer itself in prediction.

    Each element of the mask `M`, which is drawn for each batch, is 0 with probability
    `rate` and ``1 / (1 - rate)`` otherwise [1]_. Backward: ``dW = M (xᵀ dy)``.

    Parameters
    ----------
    dense : Dense
        The layer whose weights are masked.
    rate : float
        Probability that a weight is set to zero, in [0, 1).

    References
    ----------
    .. [1] L. Wan et al., "Regularization of neural networks using DropConnect", ICML
       2013. In the paper each row has its own mask, and predictions are averages over
       masks; here one mask per batch makes the cost negligible.
    """

    dense: Dense
    rate: float

    random = True
    takes_sparse = True

    def __post_init__(self) -> None:
        if not isinstance(self.dense, Dense):
            raise ValueError(
                "dense of DropConnect must be a layer such as Dense(64), got "
                f"{self.dense!r}."
            )
        check_range(self, "rate", 0, 1, closed="left")

    def build(self, in_shape: Shape) -> LayerSpec:
        return self.dense.build(in_shape)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = self.dense.workspace(spec, n, dtype, training)
        if training is not None:
            shape = spec.params["W"].shape
            ws.training = training
            ws.mask, ws.W = aligned_empty(shape, dtype), aligned_empty(shape, dtype)
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        ws.p = p
        if not train:
            return self.dense.forward(p, x, ws, train)
        draw_mask(ws.training.rng, self.rate, out=ws.mask)
        np.multiply(p["W"], ws.mask, out=ws.W)
        ws.p = {"W": ws.W, "b": p["b"]}
        return self.dense.forward(ws.p, x, ws, train)

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Any, need_dx: bool
    ) -> Array | None:
        dx = self.dense.backward(ws.p, g, dy, ws, need_dx)
        if g:
            g["W"] *= ws.mask
        return dx
