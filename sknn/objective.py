"""The objective: mean loss plus penalty, and its gradient, as functions of theta."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from ._arrays import aligned_zeros, as_floats
from ._typing import Array, Matrix
from .layers import Training
from .layers.base import Workspace
from .losses import Loss
from .network import Network

Batch: TypeAlias = tuple[Matrix, Array, Array | None]
"""Features, encoded targets and weights of some rows; None gives every row weight 1."""


class Objective:
    """``(Σ wᵢ lossᵢ + alpha (ρ |W|₁ + ½ (1 - ρ) |W|²)) / Σ wᵢ`` over a batch.

    ``W`` are the parameters that the penalty covers, the first ones in theta. As in
    scikit-learn, the penalty is divided by the total weight of the batch; ``wᵢ`` is 1
    by default.

    Parameters
    ----------
    network : Network
    loss : Loss
    alpha : float
        Strength of the penalty.
    l1_ratio : float, default=0
        ρ, the share of the L1 norm in the penalty. Its derivative at 0 is taken as 0.
    mixup : float, default=0
        If positive, each row is mixed with another one, with shares ``λ`` and
        ``1 - λ``, where ``λ ~ Beta(mixup, mixup)`` [1]_.
    rng : numpy.random.Generator, default=None
        Stream of random numbers for mixup and the masks of layers. None creates one
        with seed 0.
    augment : callable, default=None
        Returns variations of the rows of a batch, such as rotated images.

    Attributes
    ----------
    grad : ndarray of shape (n_trained,)
        Gradient computed by the last call of `loss_gradient`.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        alpha: float,
        l1_ratio: float = 0.0,
        mixup: float = 0.0,
        rng: np.random.Generator | None = None,
        augment: Callable[[Matrix], Array] | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.mixup = mixup
        self.rng = rng or np.random.default_rng(0)
        self.augment = augment
        self.grad = aligned_zeros((network.n_trained,), network.dtype)
        self._g = network.gradients(self.grad)
        self._training = Training(self.rng)
        self._workspaces: dict[int, list[Workspace]] = {}

    def _workspace(self, n: int) -> list[Workspace]:
        if n not in self._workspaces:
            self._workspaces[n] = self.network.workspace(n, self._training)
        return self._workspaces[n]

    def data_loss_gradient(
        self, x: Matrix, y: Array, sample_weight: Array | None, total: float
    ) -> float:
        """Return the sum of the losses / `total`, and write its gradient to `grad`."""
        ws = self._workspace(len(y))
        if self.augment is not None:
            x = self.augment(as_floats(x, self.network.dtype))
        if self.mixup:
            loss, z = self._mixed_loss_gradient(x, y, sample_weight, ws)
        else:
            self._training.sample_weight = sample_weight
            z = self.network.forward(x, ws, train=True)
            loss = self.loss.loss_gradient(z, y, sample_weight, out=z)
        z *= 1 / total
        self.network.backward(z, self._g, ws)
        return loss / total

    def _mixed_loss_gradient(
        self, x: Matrix, y: Array, sample_weight: Array | None, ws: list[Workspace]
    ) -> tuple[float, Array]:
        """Return the sum of the losses of mixed rows, and its derivative.

        The loss of the row ``λ x + (1 - λ) x'`` is ``λ loss(y) + (1 - λ) loss(y')``.
        """
        dtype = self.network.dtype
        share = self.rng.beta(self.mixup, self.mixup)
        other = self.rng.permutation(len(y))
        w = np.ones(len(y), dtype) if sample_weight is None else sample_weight
        w, w_other = share * w, (1 - share) * w[other]
        self._training.sample_weight = w + w_other
        x = as_floats(x, dtype)
        x = (share * x + (1 - share) * x[other]).astype(dtype, copy=False)
        z = self.network.forward(x, ws, train=True)
        dz = np.empty_like(z)
        loss = self.loss.loss_gradient(z, y, w, out=dz)
        loss += self.loss.loss_gradient(z, y[other], w_other, out=z)
        z += dz
        return loss, z

    def add_penalty(self, W: Array, dW: Array, total: float) -> float:
        """Return the penalty on the weights `W`; add its gradient to `dW`."""
        if self.alpha == 0 or not W.size:
            return 0.0
        penalty = 0.0
        l1 = self.alpha * self.l1_ratio / total
        l2 = self.alpha * (1 - self.l1_ratio) / total
        if l2:
            dW += W * l2
            penalty += 0.5 * l2 * float(W @ W)
        if l1:
            dW += np.sign(W) * W.dtype.type(l1)
            penalty += l1 * float(np.abs(W).sum())
        return penalty

    def loss_gradient(self, x: Matrix, y: Array, sample_weight: Array | None) -> float:
        """Return the objective on one batch and write its gradient to `grad`."""
        return self.sum_over([(x, y, sample_weight)], total_weight(y, sample_weight))

    def sum_over(self, batches: Iterable[Batch], total: float) -> float:
        """Like `loss_gradient`, for the rows of all `batches`, of total weight `total`.

        The batches are cast to the dtype of the network one by one, so memory is
        bounded for any number of rows.
        """
        loss, grad = 0.0, np.zeros_like(self.grad)
        for x, y, w in batches:
            loss += self.data_loss_gradient(x, y, w, total)
            grad += self.grad
        n_decay = self.network.n_decay
        W, dW = self.network.theta[:n_decay], grad[:n_decay]
        penalty = self.add_penalty(W, dW, total)
        np.copyto(self.grad, grad)
        return loss + penalty


def total_weight(y: Array, sample_weight: Array | None) -> float:
    """Return the sum of `sample_weight`; the number of rows if it is None."""
    return float(len(y) if sample_weight is None else sample_weight.sum())


def mean_loss(loss: Loss, z: Array, y: Array, sample_weight: Array | None) -> float:
    """Return the weighted mean of the loss of raw scores `z`, without penalty.

    NaN if all weights are 0.
    """
    total = total_weight(y, sample_weight)
    if total == 0:
        return math.nan
    return loss.loss_gradient(z, y, sample_weight, out=np.empty_like(z)) / total
