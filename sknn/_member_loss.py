"""The loss of an ensemble: the mean of those of its members."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from ._kernels import run
from ._spec import check_bool, check_positive, spec
from ._typing import Array
from .losses import GaussianNLL, Loss, Quantile, scaled_loss_gradient


@spec
class MeanOverMembers(Loss):
    """``1/k Σᵢ loss(zᵢ, y)`` over the k members i of an ensemble.

    The raw scores z (n, k n_scores) are those of the members side by side. All members
    have the same targets, but a row can have a weight of its own for each of them, so
    that a member can be trained without the rows that are held out for it:
    `sample_weight` is (n,) or (n, k).

    What `link` writes is the average of what the members predict: of probabilities, not
    of logits. A mean and a standard deviation are those of the mixture of the members'
    distributions [1]_. `out` is (n, n_scores), so it cannot be `z`.

    Parameters
    ----------
    loss : Loss
        The loss of each member.
    n_members : int
        k, the number of members.
    independent : bool, default=False
        Whether the gradient is that of the sum over members, not of the mean, so that
        members which share no parameters are trained as if they were alone: with the
        same steps, and the same strength of the penalty.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn._member_loss import MeanOverMembers
    >>> from sknn.losses import BinaryCrossEntropy
    >>> loss = MeanOverMembers(BinaryCrossEntropy(), n_members=2)
    >>> z, p = np.array([[0.0, 1000.0]]), np.empty((1, 1))
    >>> loss.link(z, out=p)
    >>> p
    array([[0.75]])
    """

    loss: Loss
    n_members: int
    independent: bool = False

    def __post_init__(self) -> None:
        check_positive(self, "n_members")
        check_bool(self, "independent")
        if not isinstance(self.loss, Loss):
            raise ValueError(
                "loss of MeanOverMembers must be a Loss, such as BinaryCrossEntropy(), "
                f"got {self.loss!r}."
            )

    @property
    def link_name(self) -> str:  # type: ignore[override]
        """Name of the output activation of each member."""
        return self.loss.link_name

    @property
    def predicts_std(self) -> bool:  # type: ignore[override]
        """Whether the members predict means and standard deviations."""
        return self.loss.predicts_std

    @property
    def scores_per_output(self) -> int:
        """Number of raw scores of a member that belong to one column of `y`."""
        return self.loss.scores_per_output

    def _by_row(self, z: Array) -> Array:
        """Return `z` with a row for each row and member, (n k, n_scores)."""
        return z.reshape(len(z) * self.n_members, -1)

    def _by_member(self, rows: Array) -> Array:
        """Return rows of members as (n, k, n_scores)."""
        return rows.reshape(-1, self.n_members, rows.shape[1])

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        k, w, value = self.n_members, sample_weight, np.zeros(1)
        if out is not z:
            np.copyto(out, z)
        rows = self._by_row(out)
        if w is not None:
            w = np.ascontiguousarray(w).ravel() if w.ndim == 2 else w.repeat(k)
        scale = np.array([1.0 if self.independent else 1 / k])
        args = y.repeat(k, axis=0), w, scale, value
        run(scaled_loss_gradient, self.loss, rows, *args)
        if not out.flags.c_contiguous:
            np.copyto(out, rows.reshape(out.shape))
        return value.item() / k

    def link(self, z: Array, out: Array) -> None:
        predictions = self._by_row(z).copy()
        self.loss.link(predictions, out=predictions)
        each = self._by_member(predictions)
        np.mean(each, axis=1, out=out)
        if self.predicts_std:  # σ² = mean of σᵢ² + variance of μᵢ
            means, stds = each[..., ::2], each[..., 1::2]
            variance = np.mean(stds * stds, axis=1) + np.var(means, axis=1)
            np.sqrt(variance, out=out[:, 1::2])

    def joint_scores(self, z: Array) -> Array:
        """Return raw scores of the ensemble, (n, n_scores), for those of its members.

        They are the scores for which the loss of a single network, `loss`, predicts
        what `link` does: ``loss.link(joint_scores(z)) = link(z)``. Computed from the
        scores, without loss of digits for probabilities near 0 or 1.
        """
        z = self._by_member(self._by_row(z))
        match self.link_name:
            case "logistic":
                log_p, log_q = -np.logaddexp(0, -z), -np.logaddexp(0, z)
                return logsumexp(log_p, axis=1) - logsumexp(log_q, axis=1)
            case "softmax":
                return logsumexp(z - logsumexp(z, axis=2, keepdims=True), axis=1)
            case "exp":
                return logsumexp(z, axis=1) - np.log(z.dtype.type(self.n_members))
        if isinstance(self.loss, Quantile):
            return self._joint_quantiles(z)
        if isinstance(self.loss, GaussianNLL):
            return self._joint_gaussians(z, self.loss.min_std)
        return z.mean(axis=1)

    def _joint_gaussians(self, z: Array, min_std: float) -> Array:
        """Undo the link of `GaussianNLL`: ``σ = log(1 + eᶻ) + min_std``."""
        joint = np.empty_like(z[:, 0])
        self.link(z.reshape(len(z), -1), out=joint)
        joint[:, 1::2] = inverse_softplus(joint[:, 1::2] - z.dtype.type(min_std))
        return joint

    def _joint_quantiles(self, z: Array) -> Array:
        """Undo the link of `Quantile`: differences of quantiles are ``log(1 + eᶻ)``."""
        n, k, n_scores = z.shape
        levels = self.scores_per_output
        z = z.reshape(n, k, n_scores // levels, levels).copy()
        np.logaddexp(0, z[..., 1:], out=z[..., 1:])
        joint = z.mean(axis=1)
        joint[..., 1:] = inverse_softplus(joint[..., 1:])
        return joint.reshape(n, n_scores)


def inverse_softplus(a: Array) -> Array:
    """Return z with ``log(1 + eᶻ) = a``: ``z = log(eᵃ - 1) = a + log(1 - e⁻ᵃ)``."""
    a = np.maximum(a, np.finfo(a.dtype).tiny)
    return a + np.log(-np.expm1(-a))
