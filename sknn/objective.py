"""The objective: mean loss plus penalty, and its gradient, as functions of theta."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np

from ._arrays import aligned_empty, aligned_zeros
from ._kernels import Calls
from ._typing import Array, DType, Matrix
from .layers import Training
from .layers.base import SparseRows
from .losses import Loss, scaled_loss_gradient
from .network import Network, rows_like, write_rows

Batch: TypeAlias = tuple[Matrix, Array, Array | None]
"""Features, encoded targets and weights of some rows; None gives every row weight 1."""


class Augment(Protocol):
    """A function that returns random variations of the rows of a batch."""

    rng: np.random.Generator

    def __call__(self, x: Matrix, /) -> Array:
        """Return other rows of the same shape."""


class Objective:
    """The function that training minimizes: mean loss of a batch plus penalty.

    It is ``(Σ wᵢ lossᵢ + alpha (ρ |W|₁ + ½ (1 - ρ) |W|²)) / Σ wᵢ``, where wᵢ is the
    weight of row i, 1 by default, and W are the parameters that the penalty covers. As
    in scikit-learn, the penalty is divided by the total weight of the batch.

    Parameters
    ----------
    network : Network
        The network that computes the raw scores. Its parameters are read from
        ``network.theta`` in each call.
    loss : Loss
        The loss of the raw scores against the targets.
    alpha : float
        Strength of the penalty.
    l1_ratio : float, default=0
        ρ, the share of the L1 norm in the penalty. Its derivative at 0 is taken as 0.
    mixup : float, default=0
        If positive, each row is mixed with another one, with the weights ``λ`` and
        ``1 - λ``, where λ is drawn for each batch from ``Beta(mixup, mixup)`` [1]_.
    rng : numpy.random.Generator, default=None
        Stream of random numbers for mixup and the masks of layers. None creates one
        with seed 0.
    augment : callable, default=None
        ``augment(x)`` returns variations of the rows of a batch, such as rotated
        images, in an array of the same shape.

    Attributes
    ----------
    grad : ndarray of shape (n_trained,)
        Gradient with respect to the first ``n_trained`` elements of ``network.theta``,
        those that are not frozen. Each call of `loss_gradient`, `data_loss_gradient` or
        `sum_over` overwrites it.
    dropout_factor : float
        Factor of the rates of dropout and DropConnect; it may be changed between calls.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018.

    Examples
    --------
    The mean of ``½ z²`` over two rows, with ``z = x W + b``, and its gradient with
    respect to W and b:

    >>> import numpy as np
    >>> from sknn.layers import Dense
    >>> from sknn.losses import HalfSquaredError
    >>> from sknn.network import Network
    >>> from sknn.objective import Objective
    >>> network = Network([Dense(1)], in_shape=(2,), dtype=np.dtype(float))
    >>> network.theta[:] = 1, 2, 0
    >>> objective = Objective(network, HalfSquaredError(), alpha=0.0)
    >>> objective.loss_gradient(np.eye(2), np.zeros((2, 1)), None)
    1.25
    >>> objective.grad
    array([0.5, 1. , 1.5])
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        alpha: float,
        l1_ratio: float = 0.0,
        mixup: float = 0.0,
        rng: np.random.Generator | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.mixup = mixup
        self.rng = rng or np.random.default_rng(0)
        self.augment = augment
        self.dropout_factor = 1.0
        self.grad = aligned_zeros((network.n_trained,), network.dtype)
        self._g = network.gradients(self.grad)
        self._bound: dict[tuple[Any, ...], BoundObjective] = {}

    def bind(self, x: Matrix, y: Array, weighted: bool) -> BoundObjective:
        """Prepare the computation of the loss and its gradient for one kind of batch.

        Memory is allocated and operations are recorded only once for each kind, such
        as batches of 32 rows: later calls return the same object.

        Parameters
        ----------
        x : ndarray or CSR matrix of shape (n, ...)
            A batch of features. Its kind and shape count, not its values.
        y : ndarray of shape (n, ...)
            The encoded targets. Their shape and dtype count, not their values.
        weighted : bool
            Whether the batches have sample weights.

        Returns
        -------
        BoundObjective
            Its method ``read(x, y, sample_weight)`` takes a batch, and
            ``loss_gradient(total)`` computes the loss and its gradient.
        """
        dense = isinstance(x, np.ndarray)
        key = dense, x.shape, y.shape, y.dtype, weighted
        if key not in self._bound:
            self._bound[key] = BoundObjective(self, x, y, weighted)
        return self._bound[key]

    def data_loss_gradient(
        self, x: Matrix, y: Array, sample_weight: Array | None, total: float
    ) -> float:
        """Return the loss of a batch without the penalty; write its gradient to `grad`.

        Parameters
        ----------
        x : ndarray or CSR matrix of shape (n, ...)
            Features.
        y : ndarray of shape (n,) or (n, n_outputs)
            Targets, as the loss takes them.
        sample_weight : ndarray of shape (n,) or None
            Weights of the rows; None gives every row weight 1.
        total : float
            What the weighted sum of the losses, and its gradient, are divided by.

        Returns
        -------
        float
            The weighted sum of the losses, divided by `total`.
        """
        bound = self.bind(x, y, sample_weight is not None)
        bound.read(x, y, sample_weight)
        return bound.loss_gradient(total)

    def add_penalty(self, W: Array, dW: Array, total: float) -> float:
        """Return the penalty on weights, and add its gradient to that of the loss.

        Parameters
        ----------
        W : ndarray of shape (n_decay,)
            The weights.
        dW : ndarray of shape (n_decay,)
            The gradient, changed in place.
        total : float
            Total weight of the batch, which the penalty is divided by.

        Returns
        -------
        float
            The penalty, divided by `total`.
        """
        if self.alpha == 0 or not W.size:
            return 0.0
        penalty = 0.0
        l2, l1 = self.penalty_factors(total)
        if l2:
            dW += W * l2
            penalty += 0.5 * l2 * float(W @ W)
        if l1:
            dW += np.sign(W) * W.dtype.type(l1)
            penalty += l1 * float(np.abs(W).sum())
        return penalty

    def penalty_factors(self, total: float) -> tuple[float, float]:
        """Return the factors of ``½ |W|²`` and ``|W|₁`` in the objective.

        Parameters
        ----------
        total : float
            Total weight of the batch.

        Returns
        -------
        l2, l1 : float
            ``alpha (1 - ρ) / total`` and ``alpha ρ / total``.
        """
        alpha = self.alpha
        return alpha * (1 - self.l1_ratio) / total, alpha * self.l1_ratio / total

    def loss_gradient(self, x: Matrix, y: Array, sample_weight: Array | None) -> float:
        """Return the objective on one batch, and write its gradient to `grad`.

        Parameters
        ----------
        x : ndarray or CSR matrix of shape (n, ...)
            Features.
        y : ndarray of shape (n,) or (n, n_outputs)
            Targets, as the loss takes them.
        sample_weight : ndarray of shape (n,) or None
            Weights of the rows; None gives every row weight 1.

        Returns
        -------
        float
            The objective: mean loss plus penalty.
        """
        return self.sum_over([(x, y, sample_weight)], total_weight(y, sample_weight))

    def sum_over(self, batches: Iterable[Batch], total: float) -> float:
        """Return the objective on the rows of several batches together.

        Its gradient is written to `grad`. The batches are cast to the dtype of the
        network one by one, so memory is bounded for any number of rows.

        Parameters
        ----------
        batches : iterable of (x, y, sample_weight)
            The batches, each as `loss_gradient` takes it.
        total : float
            Total weight of all rows.

        Returns
        -------
        float
            The objective: mean loss plus penalty.
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


class BoundObjective:
    """The loss of one batch and its gradient, bound to their buffers.

    Attributes
    ----------
    x : ndarray or SparseRows
        Where the rows of a batch are written, in the dtype of the network.
    y, sample_weight : ndarray
        Where the targets and the weights are written; without weights, None.
    calls : Calls
        The operations.
    """

    def __init__(
        self, objective: Objective, x: Matrix, y: Array, weighted: bool
    ) -> None:
        network = objective.network
        dtype, n = network.dtype, x.shape[0]
        self.objective = objective
        self.x = rows_like(x, dtype)
        self.y = np.empty_like(y)
        self.sample_weight = np.ones(n, dtype) if weighted else None
        self._scale, self._value = np.ones(1), np.zeros(1)
        self._training = Training(objective.rng, self.sample_weight)
        self.calls = Calls()
        rows = self._bind_variation()
        bound = network.bind(rows, self._training)
        self.calls.extend(bound.forward)
        bound.bind_backward(self._bind_loss(bound.z), objective._g)
        self.calls.extend(bound.backward)

    def _bind_variation(self) -> Any:
        """Bind augmentation and mixup; return where they write the rows."""
        objective, x = self.objective, self.x
        shape, dtype = (len(self.y), *objective.network.in_shape), objective.grad.dtype
        if objective.augment is not None:
            x, source = aligned_empty(shape, dtype), x
            self.calls.do(_augment, objective.augment, source, x)
        if objective.mixup:
            x, source = aligned_empty(shape, dtype), x
            self._mixup = Mixup(objective.mixup, objective.rng, self.y, dtype)
            self._training.sample_weight = self._mixup.w_sum
            self.calls.do(self._mixup.mix, source, self.sample_weight, self.y, x)
        return x

    def _bind_loss(self, z: Array) -> Array:
        """Bind the loss of raw scores `z`; return where its gradient is written."""
        loss, scale, value = self.objective.loss, self._scale, self._value
        if self.objective.mixup:
            self.calls.do(self._mixup.loss_gradient, loss, z, self.y, scale, value)
        else:
            args = loss, z, self.y, self.sample_weight, scale, value
            self.calls.do(scaled_loss_gradient, *args)
        return z

    def read(self, x: Matrix, y: Array, sample_weight: Array | None) -> None:
        """Write a batch to the buffers."""
        write_rows(x, self.x)
        np.copyto(self.y, y)
        if self.sample_weight is not None and sample_weight is not None:
            np.copyto(self.sample_weight, sample_weight)

    def loss_gradient(self, total: float, calls: Calls | None = None) -> float:
        """Return the sum of the losses / `total`, and write its gradient.

        By default from the buffers; `calls` can fill them first.
        """
        self._scale[0] = 1 / total
        self._training.dropout_factor = self.objective.dropout_factor
        (calls or self.calls)()
        return self._value.item() / total


class Mixup:
    """Mixes each row of a batch with another one.

    The loss of the row ``λ x + (1 - λ) x'`` is ``λ loss(y) + (1 - λ) loss(y')``.
    """

    def __init__(
        self, concentration: float, rng: np.random.Generator, y: Array, dtype: DType
    ) -> None:
        self.concentration, self.rng = concentration, rng
        self.y_other = np.empty_like(y)
        self.w, self.w_other, self.w_sum = (np.empty(len(y), dtype) for _ in range(3))

    def mix(self, x: Any, sample_weight: Array | None, y: Array, mixed: Array) -> None:
        """Draw λ and the other rows; write the mixed rows to `mixed`."""
        share = self.rng.beta(self.concentration, self.concentration)
        other = self.rng.permutation(len(mixed))
        w = np.ones_like(self.w) if sample_weight is None else sample_weight
        np.multiply(w, share, out=self.w)
        np.multiply(w[other], 1 - share, out=self.w_other)
        np.add(self.w, self.w_other, out=self.w_sum)
        np.copyto(self.y_other, y[other])
        if isinstance(x, SparseRows):
            rows = x.rows
            np.copyto(mixed, (share * rows + (1 - share) * rows[other]).toarray())
        else:
            np.multiply(x, share, out=mixed)
            mixed += (1 - share) * x[other]

    def loss_gradient(
        self, loss: Loss, z: Array, y: Array, scale: Array, value: Array
    ) -> None:
        """Like `scaled_loss_gradient`, for mixed rows."""
        dz, first = z.copy(), np.zeros(1)
        scaled_loss_gradient(loss, dz, y, self.w, scale, first)
        scaled_loss_gradient(loss, z, self.y_other, self.w_other, scale, value)
        value += first
        z += dz


def _augment(augment: Augment, x: Any, varied: Array) -> None:
    np.copyto(varied, augment(x.rows if isinstance(x, SparseRows) else x))


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
