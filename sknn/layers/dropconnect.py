"""DropConnect: weights are randomly set to zero in training."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from .._spec import check_range, spec
from .._typing import Array, Shape
from ._masks import Mask
from .base import (
    Layer,
    LayerSpec,
    Params,
    Workspace,
    bind_all,
    bind_backward_all,
    declared,
)
from .dense import Dense


@spec
class DropConnect(Layer):
    """Set random weights of a dense layer to zero in training, not in prediction.

    In training ``y = x (M W) + b``, where M W is the product element by element. Each
    element of the mask M, which is drawn for each batch, is 0 with probability
    `rate` and ``1 / (1 - rate)`` otherwise [1]_. Backward: ``dW = M (xᵀ dy)``.

    Parameters
    ----------
    dense : Dense
        The layer whose weights are masked.
    rate : float
        Probability that a weight is set to zero, in [0, 1).
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] L. Wan et al., "Regularization of neural networks using DropConnect", ICML
       2013. In the paper each row has its own mask, and predictions are averages over
       masks; here one mask per batch makes the cost negligible.

    Examples
    --------
    Weights of 1, as a batch in training sees them: the rows of the identity matrix pick
    the rows of ``M W``.

    >>> import numpy as np
    >>> from sknn.layers import Dense, DropConnect, Training
    >>> from sknn.network import Network
    >>> layer = DropConnect(Dense(6), rate=0.5)
    >>> network = Network([layer], in_shape=(3,), dtype=np.dtype(float))
    >>> network.params[0]["W"][:] = 1
    >>> batch = network.bind(np.eye(3), Training(np.random.default_rng(0)))
    >>> batch.forward()
    >>> print(batch.z)
    [[2. 2. 2. 2. 2. 2.]
     [2. 0. 2. 0. 0. 0.]
     [2. 0. 0. 0. 0. 0.]]
    """

    dense: Dense
    rate: float

    random = True
    takes_sparse = True

    @property
    def fuses_activation(self) -> bool:  # type: ignore[override]
        """Whether the dense layer does."""
        return declared(self.dense, "fuses_activation") is True

    @property
    def adapts(self) -> bool:  # type: ignore[override]
        """Whether the dense layer does."""
        return self.dense.adapts

    def adapt(self, p: Params, x: Any, rng: np.random.RandomState) -> None:
        self.dense.adapt(p, x, rng)

    def __post_init__(self) -> None:
        if not isinstance(self.dense, Dense):
            raise ValueError(
                "dense of DropConnect must be a layer such as Dense(64), got "
                f"{self.dense!r}."
            )
        check_range(self, "rate", 0, 1, closed="left")

    def build(self, in_shape: Shape) -> LayerSpec:
        return self.dense.build(in_shape)

    def bind(self, ws: Workspace, x: Any) -> Array:
        ws.dense = copy(ws)
        if ws.train:
            W = ws.p["W"]
            ws.W = np.empty_like(W)
            ws.mask = Mask(ws.training, self.rate, W)
            ws.mask.bind_draw(ws.calls)
            ws.mask.bind(W, ws.W, ws.calls)
            ws.dense.p = {"W": ws.W, "b": ws.p["b"]}
        return bind_all([self.dense], [ws.dense], x, ws.calls)

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        ws.dense.g = ws.g
        dx = bind_backward_all([self.dense], [ws.dense], dy, 0, need_dx, ws.calls)
        if ws.g:
            ws.mask.bind(ws.g["W"], ws.g["W"], ws.calls)
        return dx
