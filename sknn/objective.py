"""The objective: mean loss plus penalty, and its gradient, as functions of theta."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import get_blas_funcs

from ._typing import Array, Matrix
from .layers.base import Workspace
from .losses import Loss
from .network import Network


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
        self._axpy = get_blas_funcs("axpy", dtype=network.dtype)
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
        return self._data_loss_gradient(x, y, sample_weight, total) + self._penalty(total)

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
        W = self.network.theta[: self.network.n_decay]
        if self.alpha == 0 or not W.size:
            return 0.0
        self._axpy(W, self.grad[: W.size], a=self.alpha / total)
        return 0.5 * self.alpha * float(W @ W) / total

    def loss_gradient_over_slices(
        self, X: Matrix, y: Array, sample_weight: Array | None
    ) -> float:
        """Like `loss_gradient` for any number of rows, in bounded memory."""
        n = len(y)
        step = self.network.rows_per_pass(n)
        total = n if sample_weight is None else float(sample_weight.sum())
        loss, grad = 0.0, np.zeros_like(self.grad)
        for start in range(0, n, step):
            part = slice(start, start + step)
            x = X[part].astype(self.network.dtype, copy=False)
            w = None if sample_weight is None else sample_weight[part]
            loss += self._data_loss_gradient(x, y[part], w, total)
            grad += self.grad
        np.copyto(self.grad, grad)
        return loss + self._penalty(total)


def mean_loss(loss: Loss, z: Array, y: Array, sample_weight: Array | None) -> float:
    """Weighted mean of the loss of raw scores `z`, without penalty."""
    total = len(y) if sample_weight is None else float(sample_weight.sum())
    if total == 0:
        return math.nan
    return loss.loss_gradient(z, y, sample_weight, out=np.empty_like(z)) / total
