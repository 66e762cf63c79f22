"""Dropout: units are randomly set to zero in training."""

from __future__ import annotations

from typing import Any

from .._arrays import batch_empty
from .._spec import check_range, spec
from .._typing import Array, Shape
from ._masks import Mask, mask_sparse
from .base import Layer, LayerSpec, SparseRows, Training, Workspace


@spec
class Dropout(Layer):
    """Set random elements to zero in training, and change nothing in prediction.

    In training ``y = m x``, for inputs of any shape. Each element of the mask m is 0
    with probability `rate` and ``1 / (1 - rate)`` otherwise ("inverted" dropout), so
    that y and x have the same expected value and prediction uses all units unchanged
    [1]_.

    The input may be a CSR matrix. It is multiplied by the same mask as the dense array
    with the same elements, so that training on sparse and dense rows with the same
    ``random_state`` gives the same network up to rounding.

    Parameters
    ----------
    rate : float
        Probability that an element is set to zero, in [0, 1).
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.

    Examples
    --------
    In training about half of the elements are 0, and the others are doubled. In
    prediction nothing changes:

    >>> import numpy as np
    >>> from sknn.layers import Dropout, Training
    >>> from sknn.network import Network
    >>> network = Network([Dropout(0.5)], in_shape=(12,), dtype=np.dtype(float))
    >>> x = np.ones((1, 12))
    >>> batch = network.bind(x, Training(np.random.default_rng(0)))
    >>> batch.forward()
    >>> print(batch.z)
    [[2. 2. 2. 2. 2. 2. 2. 0. 2. 0. 0. 0.]]
    >>> print(network.scores(x))
    [[1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1.]]
    """

    rate: float

    random = True
    takes_sparse = True

    def __post_init__(self) -> None:
        check_range(self, "rate", 0, 1, closed="left")

    def build(self, in_shape: Shape) -> LayerSpec:
        return LayerSpec(in_shape, in_shape)

    def bind(self, ws: Workspace, x: Any) -> Any:
        if not ws.train:
            return x
        if isinstance(x, SparseRows):  # the input of the network: no dx is needed
            rows = SparseRows(x.shape, x.dtype)
            ws.do(_drop_sparse, ws.training, self.rate, x, rows)
            return rows
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.mask = Mask(ws.training, self.rate, y)
        ws.mask.bind_draw(ws.calls)
        ws.mask.bind(x, y, ws.calls)
        ws.y_strides = y.strides
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        if not ws.train:  # within a frozen block
            return dy
        dx = dy
        if dy.strides != ws.y_strides:
            dx = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        ws.mask.bind(dy, dx, ws.calls)
        return dx


def _drop_sparse(training: Training, rate: float, x: SparseRows, y: SparseRows) -> None:
    y.rows = mask_sparse(training.rng, training.dropout_factor * rate, x.rows)
