"""Losses: a number for the raw scores of the last layer, and its derivative.

A loss takes raw scores ``z`` (logits, log-rates), not probabilities: softmax or
logistic function and cross-entropy are combined in one formula, which is accurate at
any magnitude. The inverse link, the method `link` of a loss, turns raw scores into what
``predict_proba`` or a regressor's ``predict`` returns.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, xlogy

from ._kernels import has_kernel
from ._spec import Spec, check_range, spec
from ._typing import Array


class Loss(Spec, ABC):
    """A loss of raw scores against targets, and how to predict from raw scores.

    Raw scores are the outputs of the last layer. The method `link` turns them into
    predictions; in statistics this function is called inverse link. Instances are
    immutable and hold no arrays.

    Examples
    --------
    A loss of your own is a frozen dataclass with these two methods:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.losses import Loss
    >>> @dataclass(frozen=True)
    ... class FourthPower(Loss):
    ...     def loss_gradient(self, z, y, sample_weight, out):
    ...         w = 1 if sample_weight is None else sample_weight[:, np.newaxis]
    ...         r = z - y
    ...         np.multiply(w, r**3, out=out)
    ...         return float((w * r**4 / 4).sum())
    ...     def link(self, z, out):
    ...         np.copyto(out, z)
    ...
    >>> z, y = np.array([[3.0], [1.0]]), np.array([[1.0], [2.0]])
    >>> FourthPower().loss_gradient(z, y, None, out=z)
    4.25
    >>> z.ravel()
    array([ 8., -1.])

    Pass it to an estimator: ``MLPRegressor(loss=FourthPower())``.
    """

    link_name: ClassVar[str] = "identity"
    """Name of the output activation, as in scikit-learn's ``out_activation_``."""

    predicts_std: ClassVar[bool] = False
    """Whether `link` returns a mean and a standard deviation for each column of `y`."""

    @property
    def scores_per_output(self) -> int:
        """Number of adjacent raw scores that belong to one column of `y`."""
        return 1

    @abstractmethod
    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        """Compute the loss of a batch and its gradient.

        Parameters
        ----------
        z : ndarray of shape (n, n_outputs * scores_per_output)
            Raw scores, float32 or float64.
        y : ndarray of shape (n, n_outputs), or (n,) for class indices
            Targets.
        sample_weight : ndarray of shape (n,) or None
            Weights of the rows; None gives every row weight 1.
        out : ndarray of the shape of `z`
            The derivatives of the weighted sum with respect to `z` are written here. It
            may be `z` itself, which is then overwritten.

        Returns
        -------
        float
            The sum of the losses of the rows, each multiplied by its weight.
        """

    @abstractmethod
    def link(self, z: Array, out: Array) -> None:
        """Turn raw scores into predictions, such as probabilities.

        Parameters
        ----------
        z : ndarray of shape (n, n_outputs * scores_per_output)
            Raw scores.
        out : ndarray of the shape of `z`
            The predictions are written here. It may be `z` itself.
        """

    def by_output(self, z: Array) -> Array:
        """View raw scores by output.

        Parameters
        ----------
        z : ndarray of shape (n, n_outputs * scores_per_output)
            Raw scores.

        Returns
        -------
        ndarray of shape (n, n_outputs, scores_per_output)
            A view of `z`.
        """
        k = self.scores_per_output
        return z.reshape(len(z), z.shape[1] // k, k)


def _weighted_sum(losses: Array, sample_weight: Array | None) -> float:
    """Return the weighted sum of the `losses` (n,) of rows."""
    if sample_weight is None:
        return float(losses.sum())
    return float(losses @ sample_weight)


def _weigh_rows(dz: Array, sample_weight: Array | None) -> None:
    """Multiply each row of `dz` in place by its weight."""
    if sample_weight is not None:
        dz *= sample_weight[:, np.newaxis]


@cache
def _largest_log_loss(dtype: np.dtype) -> float:
    """Return ``-log(eps)``: scikit-learn clips probabilities at eps before the log."""
    return -float(np.log(np.finfo(dtype).eps))


@spec
class HalfSquaredError(Loss):
    """The squared error, halved: ``½ (z - y)²``, with derivative ``z - y``.

    As in scikit-learn, the reported loss is the mean over outputs, while the derivative
    is that of the sum over outputs, so that adding an output does not slow down the
    training of the others.

    Examples
    --------
    The loss is the sum over two rows of the mean over two outputs:

    >>> import numpy as np
    >>> from sknn.losses import HalfSquaredError
    >>> z = np.array([[1.0, 2.0], [3.0, 0.0]])
    >>> y = np.array([[0.0, 2.0], [1.0, 4.0]])
    >>> HalfSquaredError().loss_gradient(z, y, None, out=z)
    5.25
    >>> z
    array([[ 1.,  0.],
           [ 2., -4.]])

    By name: ``MLPRegressor(loss="squared_error")``.
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


@spec
class HalfPoissonDeviance(Loss):
    """Half the Poisson deviance, for counts and rates.

    ``y log(y / μ) - y + μ`` with ``μ = exp(z)``, ``y >= 0`` and derivative ``μ - y``;
    summed over outputs.

    Examples
    --------
    A raw score of 0 predicts a mean of 1, which is right for the first count and too
    low for the second:

    >>> import numpy as np
    >>> from sknn.losses import HalfPoissonDeviance
    >>> z, y = np.zeros((2, 1)), np.array([[1.0], [3.0]])
    >>> print(f"{HalfPoissonDeviance().loss_gradient(z, y, None, out=z):.3f}")
    1.296
    >>> z.ravel()
    array([ 0., -2.])

    By name: ``MLPRegressor(loss="poisson")``.
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


@spec
class AbsoluteError(Loss):
    """The absolute error ``|z - y|``, which is minimized by the conditional median.

    Its derivative is ``sign(z - y)``. Summed over outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.losses import AbsoluteError
    >>> z, y = np.array([[1.0], [2.0]]), np.array([[4.0], [2.0]])
    >>> AbsoluteError().loss_gradient(z, y, None, out=z)
    3.0
    >>> z.ravel()
    array([-1.,  0.])

    By name: ``MLPRegressor(loss="absolute_error")``.
    """

    link_name = "identity"

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        residual = np.subtract(z, y, out=out)
        losses = np.abs(residual).sum(axis=1)
        dz = np.sign(residual, out=residual)
        _weigh_rows(dz, sample_weight)
        return _weighted_sum(losses, sample_weight)

    def link(self, z: Array, out: Array) -> None:
        np.copyto(out, z)


@spec
class Huber(Loss):
    """The Huber loss, a compromise between the squared and the absolute error.

    With ``r = z - y``, it is ``½ r²`` where ``|r| <= delta``, and
    ``delta (|r| - ½ delta)`` elsewhere. The derivative is r, clipped to ``±delta``, so
    that the derivative of an outlier is at most `delta` [1]_. Summed over outputs.

    Parameters
    ----------
    delta : float, default=1.0
        The residual at which the loss changes from quadratic to linear, in units of
        the target; positive.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of
       Mathematical Statistics 35, 1964.

    Examples
    --------
    The gradient of the second residual, 10, is only `delta`:

    >>> import numpy as np
    >>> from sknn.losses import Huber
    >>> z, y = np.array([[0.5], [10.0]]), np.zeros((2, 1))
    >>> Huber(delta=1.0).loss_gradient(z, y, None, out=z)
    9.625
    >>> z.ravel()
    array([0.5, 1. ])

    By name: ``MLPRegressor(loss="huber", delta=1.0)``.
    """

    delta: float = 1.0

    link_name = "identity"

    def __post_init__(self) -> None:
        check_range(self, "delta", 0, np.inf, closed="neither")

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        residual = z - y
        dz = np.clip(residual, -self.delta, self.delta, out=out)
        residual -= 0.5 * dz
        losses = np.einsum("ij,ij->i", dz, residual)  # both cases: r' (r - ½ r')
        _weigh_rows(dz, sample_weight)
        return _weighted_sum(losses, sample_weight)

    def link(self, z: Array, out: Array) -> None:
        np.copyto(out, z)


@spec
class Quantile(Loss):
    """The pinball loss, which is minimized by a quantile.

    For a predicted quantile q it is ``(q - y) (H(q - y) - quantile)``, where H is the
    step function: a prediction that is too high by r costs ``(1 - quantile) r``, one
    that is too low by r costs ``quantile r``. The derivative with respect to q is
    ``H(q - y) - quantile``, and 0 at ``q = y``.

    Several quantiles cannot cross: the first is ``q₁ = z₁``, and each of the others is
    ``qₖ = qₖ₋₁ + log(1 + exp(zₖ))``. Summed over quantiles and outputs.

    It was proposed in [1]_.

    Parameters
    ----------
    quantile : float or tuple of float, default=0.5
        Probability that y is smaller, in (0, 1). Several probabilities must be
        increasing; each output then has one raw score and one prediction for each, in
        adjacent columns.

    References
    ----------
    .. [1] R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.losses import Quantile
    >>> loss = Quantile((0.1, 0.5, 0.9))
    >>> z = np.array([[1.0, -3.0, -1000.0]])
    >>> loss.link(z, out=z)
    >>> z.round(2)
    array([[1.  , 1.05, 1.05]])

    By name: ``MLPRegressor(loss="quantile", quantile=(0.1, 0.5, 0.9))``.
    """

    quantile: float | tuple[float, ...] = 0.5

    link_name = "identity"

    def __post_init__(self) -> None:
        if isinstance(self.quantile, Iterable):
            object.__setattr__(self, "quantile", tuple(self.quantile))
        try:
            levels = np.hstack([0.0, self.quantile, 1.0]).astype(float)
        except (TypeError, ValueError):  # not numbers, or too many dimensions
            levels = np.zeros(2)
        if levels.size == 2 or not (np.diff(levels) > 0).all():
            raise ValueError(
                f"quantile of {type(self).__name__} must be a number in (0, 1), or an "
                f"increasing sequence of them, got {self.quantile!r}."
            )

    @property
    def scores_per_output(self) -> int:
        return int(np.size(self.quantile))

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        levels = np.asarray(self.quantile, z.dtype)
        growth = expit(self.by_output(z)[..., 1:])
        q = np.empty_like(z)
        self.link(z, out=q)
        residual = self.by_output(q)
        residual -= y[:, :, np.newaxis]
        dz = self.by_output(out)
        np.heaviside(residual, levels, out=dz)
        dz -= levels
        losses = np.einsum("ijk,ijk->i", residual, dz)
        for k in range(self.scores_per_output - 1, 0, -1):
            dz[..., k - 1] += dz[..., k]
        dz[..., 1:] *= growth
        _weigh_rows(out, sample_weight)
        return _weighted_sum(losses, sample_weight)

    def link(self, z: Array, out: Array) -> None:
        np.copyto(out, z)
        q = self.by_output(out)
        np.logaddexp(0, q[..., 1:], out=q[..., 1:])
        for k in range(1, self.scores_per_output):
            q[..., k] += q[..., k - 1]


@spec
class GaussianNLL(Loss):
    """The negative log-likelihood of a normal distribution, to predict uncertainty.

    Mean μ and standard deviation σ of the distribution both depend on the features
    [1]_. With ``u = (μ - y) / σ``, the loss is ``½ u² + log σ + ½ log 2π``, and its
    derivatives are ``u / σ`` with respect to μ and ``(1 - u²) / σ`` with respect to σ.
    Summed over outputs.

    Each output has two adjacent raw scores: ``μ = z₁`` and
    ``σ = log(1 + exp(z₂)) + min_std``. This function, softplus, grows linearly: with
    exp, σ could become huge in a single step [2]_.

    The loss is negative for a target that is close to μ if σ is small.

    Parameters
    ----------
    min_std : float, default=1e-3
        The smallest standard deviation, in units of the target; positive. It bounds the
        loss of targets that are predicted exactly.

    References
    ----------
    .. [1] D. Nix, A. Weigend, "Estimating the mean and variance of the target
       probability distribution", ICNN 1994.
    .. [2] B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.losses import GaussianNLL
    >>> z, y = np.array([[1.0, 0.0]]), np.array([[1.0]])
    >>> loss = GaussianNLL()
    >>> round(loss.loss_gradient(z, y, None, out=z.copy()), 4)
    0.5539
    >>> loss.link(z, out=z)
    >>> z.round(3)
    array([[1.   , 0.694]])

    By name: ``MLPRegressor(loss="gaussian")``.
    """

    min_std: float = 1e-3

    link_name = "gaussian"
    predicts_std = True

    def __post_init__(self) -> None:
        check_range(self, "min_std", 0, np.inf, closed="neither")

    @property
    def scores_per_output(self) -> int:
        return 2

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        scores, dz = self.by_output(z), self.by_output(out)
        slope = expit(scores[..., 1])
        std = np.logaddexp(0, scores[..., 1])
        std += self.min_std
        u = scores[..., 0] - y
        u /= std
        np.divide(u, std, out=dz[..., 0])
        u *= u
        losses = np.log(std)
        losses += 0.5 * u
        np.subtract(1, u, out=u)
        slope /= std
        np.multiply(u, slope, out=dz[..., 1])
        loss = _weighted_sum(losses.sum(axis=1), sample_weight)
        total = len(z) if sample_weight is None else float(sample_weight.sum())
        _weigh_rows(out, sample_weight)
        return loss + 0.5 * math.log(2 * math.pi) * total * y.shape[1]

    def link(self, z: Array, out: Array) -> None:
        np.copyto(out, z)
        std = self.by_output(out)[..., 1]
        np.logaddexp(0, std, out=std)
        std += self.min_std


@spec
class BinaryCrossEntropy(Loss):
    """The cross-entropy of two classes, or of each label of multilabel targets.

    ``log(1 + exp(z)) - y z`` with derivative ``p - y``, where
    ``p = 1 / (1 + exp(-z))`` is the predicted probability. Each output is an
    independent yes-or-no question: one for two classes, or one per label, in which case
    the loss is summed over labels.

    As in scikit-learn, the loss of an element is clipped: it is at most ``-log(eps)``,
    where eps is the machine epsilon of the dtype, so 15.9 in float32 and 36.0 in
    float64. The derivative is not clipped. With label smoothing, nothing is clipped.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        ε in [0, 1): y is replaced by ``(1 - ε) y + ε / 2`` [1]_.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the
       Inception architecture for computer vision", CVPR 2016.

    Examples
    --------
    The loss of a score that is far off is finite, and its gradient is not 0:

    >>> import numpy as np
    >>> from sknn.losses import BinaryCrossEntropy
    >>> z, y = np.array([[0.0], [1000.0]]), np.array([[1.0], [0.0]])
    >>> print(f"{BinaryCrossEntropy().loss_gradient(z, y, None, out=z):.3f}")
    36.737
    >>> z.ravel()
    array([-0.5,  1. ])
    """

    label_smoothing: float = 0.0

    link_name = "logistic"

    def __post_init__(self) -> None:
        check_range(self, "label_smoothing", 0, 1, closed="left")

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        if self.label_smoothing:
            y = (1 - self.label_smoothing) * y + self.label_smoothing / 2
        losses = np.logaddexp(0, z)
        losses -= y * z
        if not self.label_smoothing:
            np.minimum(losses, _largest_log_loss(z.dtype), out=losses)
        loss = _weighted_sum(losses.sum(axis=1), sample_weight)
        p = expit(z, out=out)
        dz = np.subtract(p, y, out=out)
        _weigh_rows(dz, sample_weight)
        return loss

    def link(self, z: Array, out: Array) -> None:
        expit(z, out=out)


@spec
class CategoricalCrossEntropy(Loss):
    """The cross-entropy of several classes, of which each row has one.

    ``log(Σ exp(z)) - z[y]`` with derivative ``softmax(z) - onehot(y)``, where y is the
    index of the class and the sum is over classes. The one-hot matrix is never built.

    As in scikit-learn, the loss of a row is clipped: it is at most ``-log(eps)``, where
    eps is the machine epsilon of the dtype, so 15.9 in float32 and 36.0 in float64. The
    derivative is not clipped. With label smoothing, nothing is clipped.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        ε in [0, 1): the target ``onehot(y)`` of K classes is replaced by
        ``(1 - ε) onehot(y) + ε / K`` [1]_, and ``z[y]`` by
        ``(1 - ε) z[y] + ε mean(z)``.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the
       Inception architecture for computer vision", CVPR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.losses import CategoricalCrossEntropy
    >>> z, y = np.zeros((1, 4)), np.array([2])
    >>> loss = CategoricalCrossEntropy(label_smoothing=0.2)
    >>> round(loss.loss_gradient(z, y, None, out=z), 4)
    1.3863
    >>> z.round(2)
    array([[ 0.2,  0.2, -0.6,  0.2]])
    """

    label_smoothing: float = 0.0

    link_name = "softmax"

    def __post_init__(self) -> None:
        check_range(self, "label_smoothing", 0, 1, closed="left")

    def loss_gradient(
        self, z: Array, y: Array, sample_weight: Array | None, out: Array
    ) -> float:
        # Classes along the first axis: NumPy's inner loops then run over the many rows
        # of the batch instead of over the few classes.
        p = z.T.copy(order="C")
        p -= p.max(axis=0)
        at_y = y * len(z) + np.arange(len(z))
        smoothing = self.label_smoothing
        z_y = p.ravel()[at_y]
        if smoothing:
            z_y = (1 - smoothing) * z_y + smoothing * p.mean(axis=0)
        np.exp(p, out=p)
        total = p.sum(axis=0)
        losses = np.log(total)
        losses -= z_y
        if not smoothing:
            np.minimum(losses, _largest_log_loss(z.dtype), out=losses)
        loss = _weighted_sum(losses, sample_weight)
        p /= total
        p.ravel()[at_y] -= 1 - smoothing
        if smoothing:
            p -= smoothing / z.shape[1]
        if sample_weight is not None:
            p *= sample_weight
        np.copyto(out, p.T)
        return loss

    def link(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)


_KERNELS: dict[type[Loss], tuple[str, tuple[str, ...]]] = {
    HalfSquaredError: ("half_squared_error", ()),
    HalfPoissonDeviance: ("poisson", ()),
    AbsoluteError: ("absolute_error", ()),
    Huber: ("huber", ("delta",)),
    Quantile: ("quantile", ("quantile",)),
    BinaryCrossEntropy: ("binary_cross_entropy", ("label_smoothing",)),
    CategoricalCrossEntropy: ("softmax_cross_entropy", ("label_smoothing",)),
}
"""The kernel of each loss, and the fields that it takes."""


def _kernel(
    loss: Loss, z: Array, *arrays: Array | None
) -> tuple[str, tuple[Any, ...]] | None:
    if type(loss) not in _KERNELS:
        return None
    name, fields = _KERNELS[type(loss)]
    constants = [getattr(loss, field) for field in fields]
    if isinstance(loss, Quantile):
        constants = [np.atleast_1d(np.asarray(loss.quantile, z.dtype))]
    return name, (z, *arrays, *constants)


@has_kernel(_kernel)
def scaled_loss_gradient(
    loss: Loss,
    z: Array,
    y: Array,
    sample_weight: Array | None,
    scale: Array,
    value: Array,
) -> None:
    """Write the sum of the losses to ``value[0]``; overwrite `z` by its gradient.

    The gradient, but not the sum, is multiplied by ``scale[0]``.
    """
    value[0] = loss.loss_gradient(z, y, sample_weight, out=z)
    z *= z.dtype.type(scale[0])


REGRESSION_LOSSES: dict[str, type[Loss]] = {
    "squared_error": HalfSquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": HalfPoissonDeviance,
    "quantile": Quantile,
    "gaussian": GaussianNLL,
}
"""The losses of a regressor by name; their fields are parameters of the regressor."""
