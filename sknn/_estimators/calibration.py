"""Calibration: one temperature that makes the probabilities of a classifier honest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from .._member_loss import MeanOverMembers
from .._typing import Array
from ..losses import Loss
from ..objective import mean_loss

HOTTEST = 20.0
"""The largest temperature, and the inverse of the smallest."""


def fit_temperature(
    loss: Loss,
    z: Array,
    y: Array,
    sample_weight: Array | None = None,
    n_effective: float | None = None,
) -> float:
    """Return the T > 0 for which raw scores ``z / T`` have the smallest loss.

    A network that was trained for long is too sure of itself: T > 1 makes its
    probabilities ``link(z / T)`` more cautious, on rows that it was not trained on
    [1]_. The predicted classes stay the same. The loss is convex in ``1 / T``, so the
    minimum is the root of its derivative, ``Σ dz·z``.

    If `loss` can smooth labels, the labels are smoothed by ``1 / (m + 1)``, where m is
    the effective number of rows, as if one more row had all classes in equal parts. As
    Platt's targets do for two classes [2]_, this keeps a few rows that are all
    classified correctly from making the network infinitely sure. For thousands of rows
    it makes no difference.

    Parameters
    ----------
    loss : Loss
        The loss, such as the cross-entropy.
    z : ndarray of shape (n, n_scores)
        Raw scores of rows that were held out.
    y : ndarray of shape (n, n_outputs) or (n,)
        Their targets, encoded as the loss takes them.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows; None gives every row weight 1.
    n_effective : float, default=None
        m; by default that of the weights. Where a row occurs several times, with the
        scores of several members, it is less.

    Returns
    -------
    temperature : float
        Between 1/20 and 20; 1 if no row has any weight.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural
       networks", ICML 2017.
    .. [2] J. Platt, "Probabilistic outputs for support vector machines and comparisons
       to regularized likelihood methods", 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn._estimators.calibration import fit_temperature
    >>> from sknn.losses import BinaryCrossEntropy
    >>> z = np.full((1000, 1), 4.0)  # a probability of 0.98, but 0.9 are positive
    >>> y = np.arange(1000)[:, np.newaxis] % 10 > 0
    >>> round(fit_temperature(BinaryCrossEntropy(), z, y), 2)
    1.82
    """
    z = z.astype(np.float64)
    y = y if y.ndim == 1 else y.astype(np.float64)
    w = np.ones(len(z)) if sample_weight is None else sample_weight.astype(np.float64)
    if not w.any():
        return 1.0
    loss = smoothed(loss, effective_size(w) if n_effective is None else n_effective)
    dz = np.empty_like(z)

    def slope(log_beta: float) -> float:
        """Return the derivative of the loss with respect to ``beta = 1 / T``."""
        loss.loss_gradient(math.exp(log_beta) * z, y, w, out=dz)
        return float(np.vdot(dz, z))

    limit = math.log(HOTTEST)
    if slope(-limit) >= 0:
        return HOTTEST
    if slope(limit) <= 0:
        return 1 / HOTTEST
    return math.exp(-brentq(slope, -limit, limit, xtol=1e-8))


def calibrated_loss(
    loss: Loss, z: Array, y: Array, sample_weight: Array | None = None
) -> float:
    """Return the mean loss of raw scores divided by the best temperature [1]_.

    It says how well scores tell the classes apart, also where the network is too sure
    or too cautious, as after label smoothing.

    References
    ----------
    .. [1] E. Berta, D. Holzmüller, M. Jordan, F. Bach, "Rethinking early stopping:
       refine, then calibrate", https://arxiv.org/abs/2501.19195, 2025.
    """
    temperature = z.dtype.type(fit_temperature(loss, z, y, sample_weight))
    return mean_loss(loss, z / temperature, y, sample_weight)


@dataclass(frozen=True)
class JointScores:
    """What some members say of rows that none of them was trained on.

    Attributes
    ----------
    z : ndarray of shape (n, n_members, n_scores)
        Raw scores.
    y : ndarray of shape (n, n_outputs) or (n,)
        Encoded targets.
    sample_weight : ndarray of shape (n,) or None
        Weights of the rows; None gives every row weight 1.
    """

    z: Array
    y: Array
    sample_weight: Array | None

    @property
    def n_members(self) -> int:
        """Number of members."""
        return int(self.z.shape[1])

    @property
    def weight(self) -> Array:
        """Weights of the rows."""
        w = self.sample_weight
        return np.ones(len(self.z)) if w is None else w.astype(np.float64)

    def scores(self, loss: Loss, beta: float = 1.0) -> Array:
        """Return the raw scores (n, n_scores) of the mean of the predictions.

        Those of the members are multiplied by `beta` first.
        """
        z = self.z.reshape(len(self.z), -1)
        z = z if beta == 1 else beta * z.astype(np.float64)
        return MeanOverMembers(loss, self.n_members).joint_scores(z)


def fit_joint_temperature(
    loss: Loss, groups: Sequence[JointScores], n_members: int
) -> float:
    """Return the T for whose members ``z / T`` an ensemble has the smallest loss.

    The mean of probabilities is more cautious than each member, so that members of an
    ensemble may be surer than single networks. How much surer is seen on the rows that
    k > 1 members have held out. In bagging, k is less than M, the number of members.
    Then log T is extrapolated: like the variance of a mean, it is taken to be linear in
    1 / k, ``log T = log T₁ + (log Tₖ - log T₁) (1 - 1 / M) / (1 - 1 / k)``.

    Parameters
    ----------
    loss : Loss
        The loss of a single network.
    groups : sequence of JointScores
        Rows that were held out, by the members that have held them out.
    n_members : int
        M, the number of members of the ensemble.

    Returns
    -------
    temperature : float
        Between 1/20 and 20; 1 if no row has any weight.
    """
    single = fit_single_temperature(loss, groups)
    shared = [group for group in groups if group.n_members > 1]
    n = sum(group.weight.sum() for group in shared)
    if not n:
        return single
    inverse_k = sum(group.weight.sum() / group.n_members for group in shared) / n
    gain = math.log(fit_shared_temperature(loss, shared))
    gain -= math.log(fit_single_temperature(loss, shared))
    temperature = single * math.exp(gain * (1 - 1 / n_members) / (1 - inverse_k))
    return min(max(temperature, 1 / HOTTEST), HOTTEST)


def fit_single_temperature(loss: Loss, groups: Sequence[JointScores]) -> float:
    """Return the best T of single members, on average over them."""
    z = np.concatenate([group.z.reshape(-1, group.z.shape[2]) for group in groups])
    y = np.concatenate([group.y.repeat(group.n_members, axis=0) for group in groups])
    w = [(group.weight / group.n_members).repeat(group.n_members) for group in groups]
    n_effective = effective_size(np.concatenate([group.weight for group in groups]))
    return fit_temperature(loss, z, y, np.concatenate(w), n_effective)


def fit_shared_temperature(loss: Loss, groups: Sequence[JointScores]) -> float:
    """Return the best T of members whose predictions are averaged."""
    y = np.concatenate([group.y for group in groups])
    y = y if y.ndim == 1 else y.astype(np.float64)
    w = np.concatenate([group.weight for group in groups])
    loss = smoothed(loss, effective_size(w))

    def joint_loss(log_beta: float) -> float:
        z = np.concatenate([g.scores(loss, math.exp(log_beta)) for g in groups])
        return loss.loss_gradient(z, y, w, out=np.empty_like(z))

    limit = math.log(HOTTEST)
    found = minimize_scalar(joint_loss, bounds=(-limit, limit), method="bounded")
    return math.exp(-float(found.x))


def smoothed(loss: Loss, n_effective: float) -> Loss:
    """Return the loss with labels smoothed as by one more row, if it can."""
    if "label_smoothing" not in loss.get_params():
        return loss
    return loss.replace(label_smoothing=1 / (1 + n_effective))


def effective_size(sample_weight: Array) -> float:
    """Return Kish's effective number of rows, ``(Σ w)² / Σ w²``."""
    if not sample_weight.any():
        return 0.0
    w = sample_weight / sample_weight.max()
    return float(w.sum() ** 2 / (w @ w))
