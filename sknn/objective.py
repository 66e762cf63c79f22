"""The objective: mean loss plus penalty, and its gradient, as functions of theta."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from ._blocks import BLOCK, blocks
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
        self.grad = np.empty_like(network.theta)
        self._g = network.views(self.grad)
        self._decay = np.empty(min(BLOCK, network.n_decay), network.dtype)
        self._workspaces: dict[int, list[Workspace]] = {}

    def _workspace(self, n: int) -> list[Workspace]:
        if n not in self._workspaces:
            self._workspaces[n] = self.network.workspace(n, train=True)
        return self._workspaces[n]

    def loss_gradient(self, x: Matrix, y: Array, sample_weight: Array | None) -> float:
        """Return the objective on one batch and write its gradient to `grad`.

        The weights must not all be zero.
        """
        total = len(y) if sample_weight is None else float(sample_weight.sum())
        return self._data_loss_gradient(x, y, sample_weight, total) + self._penalty(
            total
        )

    def _data_loss_gradient(
        self, x: Matrix, y: Array, sample_weight: Array | None, total: float
    ) -> float:
        """Sum of losses and its gradient, both over `total`, without the penalty."""
        ws = self._workspace(len(y))
        z = self.network.forward(x, ws, train=True)
        loss = self.loss.loss_gradient(z, y, sample_weight, out=z)
        z *= 1 / total
        self.network.backward(z, self._g, ws)
        return loss / total

    def _penalty(self, total: float) -> float:
        """Add the gradient of the penalty to `grad` and return the penalty."""
        if self.alpha == 0:
            return 0.0
        square = 0.0
        for block in blocks(self.network.n_decay):
            W = self.network.theta[block]
            square += float(W @ W)
            self.grad[block] += np.multiply(
                W, self.alpha / total, out=self._decay[: W.size]
            )
        return 0.5 * self.alpha * square / total

    def sum_over(self, batches: Iterable[Batch], total: float) -> float:
        """Like `loss_gradient` for all rows of `batches`, of weight `total`, together.

        The batches are cast to the dtype of the network one by one, so that any number
        of rows passes in bounded memory.
        """
        loss, grad = 0.0, np.zeros_like(self.grad)
        for x, y, w in batches:
            x = x.astype(self.network.dtype, copy=False)
            loss += self._data_loss_gradient(x, y, w, total)
            grad += self.grad
        np.copyto(self.grad, grad)
        return loss + self._penalty(total)


def mean_loss(loss: Loss, z: Array, y: Array, sample_weight: Array | None) -> float:
    """Weighted mean of the loss of raw scores `z`, without penalty."""
    total = len(y) if sample_weight is None else float(sample_weight.sum())
    if total == 0:
        return math.nan
    return loss.loss_gradient(z, y, sample_weight, out=np.empty_like(z)) / total
