"""The objective: mean loss plus penalty, and its gradient, as functions of theta."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from ._arrays import aligned_zeros
from ._typing import Array, Matrix
from .layers.base import Workspace
from .losses import Loss
from .network import Network

Batch: TypeAlias = tuple[Matrix, Array, Array | None]
"""Features, encoded targets and weights (None: all one) of some rows."""


class Objective:
    """``Σ wᵢ lossᵢ / Σ wᵢ + ½ alpha |W|² / Σ wᵢ`` over the rows of a batch.

    `W` are the parameters that decay, those in front in theta. As in scikit-learn the
    penalty is divided by the weight of the batch, with ``wᵢ = 1`` by default.

    Parameters
    ----------
    network : Network
    loss : Loss
    alpha : float
        Strength of the L2 penalty.

    Attributes
    ----------
    grad : ndarray of shape (n_parameters,)
        Gradient at the last call of `loss_gradient`.
    """

    def __init__(self, network: Network, loss: Loss, alpha: float) -> None:
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.grad = aligned_zeros(network.theta.shape, network.dtype)
        self._g = network.views(self.grad)
        self._workspaces: dict[int, list[Workspace]] = {}

    def _workspace(self, n: int) -> list[Workspace]:
        if n not in self._workspaces:
            self._workspaces[n] = self.network.workspace(n, train=True)
        return self._workspaces[n]

    def data_loss_gradient(
        self, x: Matrix, y: Array, sample_weight: Array | None, total: float
    ) -> float:
        """Return the sum of losses over `total`, and write its gradient to `grad`."""
        ws = self._workspace(len(y))
        z = self.network.forward(x, ws, train=True)
        loss = self.loss.loss_gradient(z, y, sample_weight, out=z)
        z *= 1 / total
        self.network.backward(z, self._g, ws)
        return loss / total

    def add_penalty(self, W: Array, dW: Array, total: float) -> float:
        """Return the penalty on the weights `W`; add its gradient to `dW`."""
        if self.alpha == 0 or not W.size:
            return 0.0
        dW += W * (self.alpha / total)
        return 0.5 * self.alpha / total * float(W @ W)

    def loss_gradient(self, x: Matrix, y: Array, sample_weight: Array | None) -> float:
        """Return the objective on one batch and write its gradient to `grad`."""
        return self.sum_over([(x, y, sample_weight)], total_weight(y, sample_weight))

    def sum_over(self, batches: Iterable[Batch], total: float) -> float:
        """Like `loss_gradient` for all rows of `batches`, of weight `total`, together.

        The batches are cast to the dtype of the network one by one, so that any number
        of rows passes in bounded memory.
        """
        loss, grad = 0.0, np.zeros_like(self.grad)
        for x, y, w in batches:
            x = x.astype(self.network.dtype, copy=False)
            loss += self.data_loss_gradient(x, y, w, total)
            grad += self.grad
        n_decay = self.network.n_decay
        W, dW = self.network.theta[:n_decay], grad[:n_decay]
        penalty = self.add_penalty(W, dW, total)
        np.copyto(self.grad, grad)
        return loss + penalty


def total_weight(y: Array, sample_weight: Array | None) -> float:
    """Sum of the weights of rows; their number where all weigh the same."""
    return float(len(y) if sample_weight is None else sample_weight.sum())


def mean_loss(loss: Loss, z: Array, y: Array, sample_weight: Array | None) -> float:
    """Weighted mean of the loss of raw scores `z`, without penalty."""
    total = total_weight(y, sample_weight)
    if total == 0:
        return math.nan
    return loss.loss_gradient(z, y, sample_weight, out=np.empty_like(z)) / total
