"""Dropout: units are randomly set to zero in training."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .._arrays import batch_empty
from .._spec import check_range
from .._typing import Array, DType, Matrix, Shape
from ._masks import draw_mask, mask_sparse
from .base import Layer, LayerSpec, Params, Training, Workspace


@dataclass(frozen=True)
class Dropout(Layer):
    """``y = m x`` in training, ``y = x`` in prediction; any shape, no parameters.

    Each element of the mask `m` is 0 with probability `rate` and ``1 / (1 - rate)``
    otherwise ("inverted" dropout), so that y and x have the same expected value and
    prediction uses all units unchanged [1]_.

    The input may be a CSR matrix. It is multiplied by the same mask as the dense array
    with the same elements, so that training on sparse and dense rows with the same
    ``random_state`` gives the same network up to rounding.

    Parameters
    ----------
    rate : float
        Probability that an element is set to zero, in [0, 1).

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.
    """

    rate: float

    random = True
    takes_sparse = True

    def __post_init__(self) -> None:
        check_range(self, "rate", 0, 1, closed="left")

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, in_shape)

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Workspace:
        ws = SimpleNamespace(training=training)
        if training is not None:
            ws.mask, ws.y = (batch_empty(n, spec.out_shape, dtype) for _ in range(2))
        return ws

    def forward(self, p: Params, x: Matrix, ws: Workspace, train: bool) -> Array:
        if not train:
            if ws.training is not None:  # within a frozen block
                ws.mask.fill(1)
            return x
        if not isinstance(x, np.ndarray):  # the input of the network: no dx is needed
            return mask_sparse(ws.training.rng, self.rate, x)
        draw_mask(ws.training.rng, self.rate, out=ws.mask)
        return np.multiply(x, ws.mask, out=ws.y)

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Workspace, need_dx: bool
    ) -> Array | None:
        dy *= ws.mask
        return dy
