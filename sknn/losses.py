"""Losses: from the raw scores of the last layer to a number and its derivative.

A loss works on the raw scores ``z`` (logits, log-rates), not on probabilities: softmax
or logistic function and cross-entropy are one formula, exact at any magnitude. Its link
turns raw scores into what ``predict_proba`` or a regressor's ``predict`` returns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlogy

from ._spec import Spec
from ._typing import Array


@dataclass(frozen=True)
class Loss(Spec, ABC):
    """A loss of raw scores `z` against targets `y`, and its inverse link.

    Shapes: `z` is (n, n_outputs); `y` is (n, n_outputs), or (n,) for class indices;
    `sample_weight` is (n,) or None. Instances are immutable and hold no arrays.
    """

    link_name: ClassVar[str]
    """Name of the output activation, as in scikit-learn's ``out_activation_``."""

    @abstractmethod
    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        """Return the weighted sum of losses over rows; write its derivative to `out`.

        `out` may be `z` itself.
        """

    @abstractmethod
    def link(self, z: Array, out: Array) -> None:
        """Write the predictions that belong to raw scores `z` into `out`."""


def _weighted_sum(losses: Array, sample_weight: Array | None) -> float:
    """Sum of the per-row `losses` (n,), weighted."""
    if sample_weight is None:
        return float(losses.sum())
    return float(losses @ sample_weight)


def _weigh_rows(dz: Array, sample_weight: Array | None) -> None:
    """Multiply each row of `dz` in place by its weight."""
    if sample_weight is not None:
        dz *= sample_weight[:, np.newaxis]


@cache
def _largest_log_loss(dtype: np.dtype) -> float:
    """``-log(eps)``: scikit-learn clips probabilities at eps before the logarithm."""
    return -float(np.log(np.finfo(dtype).eps))


@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """``½ (z - y)²``, with derivative ``z - y``.

    As in scikit-learn, the reported loss is the mean over outputs while the derivative
    is that of the sum over outputs, so that adding an output does not slow the others.
    """

    link_name = "identity"

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        n_outputs = z.shape[1]
        residual = np.subtract(z, y, out=out)
        losses = np.einsum("ij,ij->i", residual, residual)
        _weigh_rows(residual, sample_weight)
        return 0.5 * _weighted_sum(losses, sample_weight) / n_outputs

    def link(self, z: Array, out: Array) -> None:
        np.copyto(out, z)


@dataclass(frozen=True)
class HalfPoissonDeviance(Loss):
    """``y log(y / mu) - y + mu`` with ``mu = exp(z)`` and derivative ``mu - y``.

    Half the Poisson deviance, for counts and rates ``y >= 0``; summed over outputs.
    """

    link_name = "exp"

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        losses = xlogy(y, y)
        losses -= y * z
        mu = np.exp(z, out=out)
        residual = np.subtract(mu, y, out=out)
        losses += residual
        loss = _weighted_sum(losses.sum(axis=1), sample_weight)
        _weigh_rows(residual, sample_weight)
        return loss

    def link(self, z: Array, out: Array) -> None:
        np.exp(z, out=out)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """``log(1 + exp(z)) - y z`` with derivative ``p - y``, ``p = 1 / (1 + exp(-z))``.

    One output an independent yes-or-no question: one for two classes, one a label for
    multilabel targets, then summed over outputs. No element counts for more than
    ``-log(eps)``, as in scikit-learn; the derivative is not clipped.
    """

    link_name = "logistic"

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        losses = np.logaddexp(0, z)
        losses -= y * z
        np.minimum(losses, _largest_log_loss(z.dtype), out=losses)
        loss = _weighted_sum(losses.sum(axis=1), sample_weight)
        p = expit(z, out=out)
        dz = np.subtract(p, y, out=out)
        _weigh_rows(dz, sample_weight)
        return loss

    def link(self, z: Array, out: Array) -> None:
        expit(z, out=out)


@dataclass(frozen=True)
class CategoricalCrossEntropy(Loss):
    """``logsumexp(z) - z_y`` with derivative ``softmax(z) - onehot(y)``.

    `y` holds the class indices (n,); the one-hot matrix is never built. No row counts
    for more than ``-log(eps)``, as in scikit-learn; the derivative is not clipped.
    """

    link_name = "softmax"

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        # Classes along the first axis: NumPy's loops then run over the rows of the
        # batch, which are many, and not over the classes, which are few.
        p = z.T.copy(order="C")
        p -= p.max(axis=0)
        at_y = y * len(z) + np.arange(len(z))
        z_y = p.ravel()[at_y]
        np.exp(p, out=p)
        total = p.sum(axis=0)
        losses = np.log(total)
        losses -= z_y
        np.minimum(losses, _largest_log_loss(z.dtype), out=losses)
        loss = _weighted_sum(losses, sample_weight)
        p /= total
        p.ravel()[at_y] -= 1
        if sample_weight is not None:
            p *= sample_weight
        np.copyto(out, p.T)
        return loss

    def link(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)


REGRESSION_LOSSES: dict[str, Loss] = {
    "squared_error": HalfSquaredError(),
    "poisson": HalfPoissonDeviance(),
}
"""The losses a regressor knows by name."""
