"""Learning-rate schedules: the learning rate as a function of training progress."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import field
from math import cos, inf, log2, pi, sqrt
from typing import ClassVar

from ._spec import Spec, check_positive, check_range, spec


class Schedule(Spec, ABC):
    """A factor that multiplies ``learning_rate_init``, evaluated before every step.

    A schedule is immutable. The base rate, which a plateau may lower, is kept by the
    training loop.

    Examples
    --------
    A schedule of your own is a frozen dataclass that returns the factor:

    >>> from dataclasses import dataclass
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.schedules import Schedule
    >>> @dataclass(frozen=True)
    ... class Halving(Schedule):
    ...     ends = True
    ...     def __call__(self, epoch, n_epochs, rows=0):
    ...         return 0.5 ** int(4 * epoch / n_epochs)
    ...
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(learning_rate=Halving(), max_iter=8, random_state=0)
    >>> clf.set_params(learning_rate_init=0.08).fit(X, y).learning_rates_
    [0.08, 0.08, 0.04, 0.04, 0.02, 0.02, 0.01, 0.01]
    """

    stop_message: ClassVar[str] = "Stopping."
    """What a verbose fit prints when a plateau ends training."""

    ends: ClassVar[bool] = False
    """Whether the schedule anneals the rate over ``max_iter`` epochs. Reaching the last
    epoch is then intended, and not a failure to converge."""

    @abstractmethod
    def __call__(self, epoch: float, n_epochs: int, rows: int = 0) -> float:
        """Return the factor of the base rate for the next step.

        Parameters
        ----------
        epoch : float
            Number of epochs completed, with a fraction within an epoch. It may be
            larger than `n_epochs`: schedules that anneal the rate then return their
            last factor.
        n_epochs : int
            Number of epochs of the whole training, ``max_iter``.
        rows : int, default=0
            Number of training rows seen before the current epoch, repeated rows
            included.

        Returns
        -------
        float
            The factor.
        """

    def on_plateau(self, base_rate: float) -> float | None:
        """Decide what to do on a plateau: when training has stopped improving.

        Parameters
        ----------
        base_rate : float
            The base rate: ``learning_rate_init``, or what the last plateau changed it
            to.

        Returns
        -------
        float or None
            The new base rate, or None to stop training.
        """
        return None


@spec
class Decay(Schedule):
    """A factor that decays from 1, after an optional warm-up.

    Parameters
    ----------
    warmup : float, default=0.0
        Length of the warm-up, in which the factor is multiplied by numbers that rise
        linearly from 0.01 to 1: a number of epochs, or if it is less than 1, a fraction
        of ``max_iter``. It is limited to half of ``max_iter``; the decay takes the
        remaining epochs. A warm-up makes large learning rates stable at the start [1]_.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1
       hour", 2017, https://arxiv.org/abs/1706.02677.

    Examples
    --------
    A subclass has the method `decay`, and inherits the warm-up:

    >>> from dataclasses import dataclass
    >>> from sknn.schedules import Decay
    >>> @dataclass(frozen=True)
    ... class Square(Decay):
    ...     def decay(self, epoch, n_epochs, rows):
    ...         return (1 - epoch / n_epochs) ** 2
    ...
    >>> schedule = Square(warmup=2)
    >>> [round(schedule(epoch, 10), 3) for epoch in (0, 1, 2, 6, 10)]
    [0.01, 0.505, 1.0, 0.25, 0.0]
    """

    WARMUP_START: ClassVar[float] = 0.01

    warmup: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_range(self, "warmup", 0, inf, closed="left")

    def __call__(self, epoch: float, n_epochs: int, rows: int = 0) -> float:
        epoch = min(epoch, n_epochs)
        warmup = self.warmup if self.warmup >= 1 else self.warmup * n_epochs
        warmup = min(warmup, n_epochs / 2)
        factor = self.decay(max(epoch - warmup, 0.0), n_epochs - warmup, rows)
        if epoch < warmup:
            factor *= self.WARMUP_START + (1 - self.WARMUP_START) * epoch / warmup
        return factor

    @abstractmethod
    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        """Return the factor, without that of the warm-up.

        Parameters
        ----------
        epoch : float
            Number of epochs completed since the end of the warm-up, with a fraction
            within an epoch; 0 during the warm-up.
        n_epochs : float
            Number of epochs after the warm-up.
        rows : int
            Number of training rows seen before the current epoch, repeated rows
            included.

        Returns
        -------
        float
            The factor.
        """


@spec
class Constant(Decay):
    """Keep the rate the same in every step after the warm-up.

    Parameters
    ----------
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    Examples
    --------
    >>> from sknn.schedules import Constant
    >>> schedule = Constant(warmup=2)
    >>> [round(schedule(epoch, 10), 3) for epoch in (0, 1, 2, 10)]
    [0.01, 0.505, 1.0, 1.0]

    By name: ``MLPClassifier(learning_rate="constant")``.
    """

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return 1.0


@spec
class InvScaling(Decay):
    """Decay with a power of the number of training rows seen.

    The factor is ``1 / (rows + 1) ** power_t``. Rows are counted again in each epoch;
    the factor changes once per epoch. This is scikit-learn's schedule of the same name.

    Parameters
    ----------
    power_t : float, default=0.5
        Exponent, not negative.
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    Examples
    --------
    >>> from sknn.schedules import InvScaling
    >>> InvScaling()(1, 10, rows=99)
    0.1

    By name: ``MLPClassifier(learning_rate="invscaling")``.
    """

    power_t: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "power_t", 0, inf, closed="left")

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return 1.0 / (rows + 1) ** self.power_t


@spec
class Adaptive(Decay):
    """Divide the rate by 5 on each plateau.

    A plateau at a rate of 1e-6 or less ends training.

    Parameters
    ----------
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    Examples
    --------
    >>> from sknn.schedules import Adaptive
    >>> Adaptive().on_plateau(0.1)
    0.02

    By name: ``MLPClassifier(learning_rate="adaptive")``.
    """

    stop_message = "Learning rate too small. Stopping."

    smallest: ClassVar[float] = 1e-6
    """A plateau at this rate, or at a smaller one, ends training."""

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return 1.0

    def on_plateau(self, base_rate: float) -> float | None:
        return base_rate / 5 if base_rate > self.smallest else None


@spec
class Step(Decay):
    """Multiply the rate by `gamma` at each milestone.

    After k milestones, the factor is ``gamma ** k``. It is used for residual networks
    in [1]_.

    Parameters
    ----------
    at : tuple of float, default=(0.5, 0.75)
        Milestones, as fractions of the epochs after the warm-up.
    gamma : float, default=0.1
        Factor at each milestone, in (0, 1].
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
       recognition", CVPR 2016.

    Examples
    --------
    >>> from sknn.schedules import Step
    >>> [round(Step()(epoch, 100), 3) for epoch in (49, 50, 75)]
    [1.0, 0.1, 0.01]

    By name: ``MLPClassifier(learning_rate="step")``.
    """

    at: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "gamma", 0, 1, closed="right")
        object.__setattr__(self, "at", tuple(self.at))  # lists are not hashable
        if not all(0 < fraction < 1 for fraction in self.at):
            raise ValueError(
                "at of Step must be a sequence of fractions in (0, 1), got "
                f"{self.at!r}."
            )

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        passed = sum(fraction <= epoch / n_epochs for fraction in self.at)
        return self.gamma**passed


@spec
class Exponential(Decay):
    """Multiply the rate by the same factor in each epoch, from 1 down to `final`.

    The factor of the rate is ``final ** u``, where u is the fraction of the epochs
    after the warm-up that is completed.

    Parameters
    ----------
    final : float, default=0.01
        The last factor, in (0, 1].
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    Examples
    --------
    >>> from sknn.schedules import Exponential
    >>> [round(Exponential()(epoch, 10), 3) for epoch in (0, 5, 10)]
    [1.0, 0.1, 0.01]

    By name: ``MLPClassifier(learning_rate="exponential")``.
    """

    ends = True

    final: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "final", 0, 1, closed="right")

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return self.final ** (epoch / n_epochs)


@spec
class Linear(Decay):
    """Decrease the factor from 1 to `final` along a line.

    The factor is ``1 - (1 - final) u``, where u is the fraction of the epochs after the
    warm-up that is completed.

    Parameters
    ----------
    final : float, default=0.0
        The last factor, in [0, 1].
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    Examples
    --------
    >>> from sknn.schedules import Linear
    >>> [Linear()(epoch, 10) for epoch in (0, 5, 10)]
    [1.0, 0.5, 0.0]

    By name: ``MLPClassifier(learning_rate="linear")``.
    """

    ends = True

    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "final", 0, 1)

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        u = epoch / n_epochs
        return (1 - u) + u * self.final


@spec
class Cosine(Decay):
    """Decrease the factor from 1 to `final` along a cosine.

    The factor is ``final + (1 - final) (1 + cos(π u)) / 2``, where u is the fraction of
    the epochs after the warm-up that is completed,
    ``(epoch - warmup) / (max_iter - warmup)``. This is cosine annealing [1]_ without
    restarts: the rate falls slowly at the start and at the end, and fastest in the
    middle.

    Parameters
    ----------
    final : float, default=0.0
        The last factor, in [0, 1].
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017, https://arxiv.org/abs/1608.03983.

    Examples
    --------
    >>> from sknn.schedules import Cosine
    >>> schedule = Cosine(warmup=2)
    >>> [round(schedule(epoch, 10), 3) for epoch in (0, 2, 6, 10)]
    [0.01, 1.0, 0.5, 0.0]

    By name: ``MLPClassifier(learning_rate="cosine")``.
    """

    ends = True

    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "final", 0, 1)

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return _along_cosine(1.0, self.final, epoch / n_epochs)


@spec
class FlatCosine(Decay):
    """Keep the factor 1 in a first part of training, then decrease it to 0.

    In the second part it is ``(1 + cos(π v)) / 2`` with
    ``v = (u - flat) / (1 - flat)``, where u is the fraction of the epochs after the
    warm-up that is completed. This is the schedule of dropout and weight decay of the
    networks for tables of [1]_.

    Parameters
    ----------
    flat : float, default=0.5
        Fraction of the epochs after the warm-up in which the factor is 1, in [0, 1).
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    >>> from sknn.schedules import FlatCosine
    >>> [round(FlatCosine()(epoch, 100), 3) for epoch in (0, 50, 75, 100)]
    [1.0, 1.0, 0.5, 0.0]

    By name: ``MLPClassifier(learning_rate="flat_cosine")``.
    """

    ends = True

    flat: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "flat", 0, 1, closed="left")

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        u = (epoch / n_epochs - self.flat) / (1 - self.flat)
        return _along_cosine(1.0, 0.0, max(u, 0.0))


@spec
class CosLog(Schedule):
    """Raise the factor from 0 to 1 and lower it again, in cycles of increasing length.

    Each cycle is twice as long as the one before. The factor is
    ``(1 - cos(2π log₂(1 + (2ᶜ - 1) u))) / 2``, where u is the fraction of epochs
    completed, and c the number of cycles. With 4 cycles it is the schedule "coslog4" of
    [1]_. At the end of each cycle the network is good already, and a larger rate then
    leads out of a sharp minimum.

    Parameters
    ----------
    cycles : int, default=4
        Number of cycles.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    Two cycles, the first of 4 epochs, the second of 8:

    >>> from sknn.schedules import CosLog
    >>> schedule = CosLog(cycles=2)
    >>> [round(schedule(epoch, 12), 2) for epoch in (0, 1, 2, 3, 4)]
    [0.0, 0.72, 0.93, 0.32, 0.0]
    >>> [round(schedule(epoch, 12), 2) for epoch in (4, 6, 8, 10, 12)]
    [0.0, 0.72, 0.93, 0.32, 0.0]

    By name: ``MLPClassifier(learning_rate="coslog")``.
    """

    ends = True

    cycles: int = 4

    def __post_init__(self) -> None:
        check_positive(self, "cycles")

    def __call__(self, epoch: float, n_epochs: int, rows: int = 0) -> float:
        u = min(epoch / n_epochs, 1.0)
        phase = log2(1 + (2**self.cycles - 1) * u)
        return (1 - cos(2 * pi * phase)) / 2


@spec
class InverseSqrt(Decay):
    """Decrease the factor fast at first, then slowly.

    The factor is ``1 / sqrt(1 + u / timescale)``, where u is the fraction of the epochs
    after the warm-up that is completed. This is the classical rate of stochastic
    approximation; it never reaches 0. With a warm-up it is the schedule of [1]_.

    Parameters
    ----------
    timescale : float, default=0.1
        Fraction of the epochs after the warm-up at which the factor is ``1 / sqrt(2)``;
        positive.
    warmup : float, default=0.0
        Length of the warm-up, in which the rate rises to its full value: a number of
        epochs, or if it is less than 1, a fraction of ``max_iter``.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 5.3.

    Examples
    --------
    >>> from sknn.schedules import InverseSqrt
    >>> [round(InverseSqrt()(epoch, 10), 3) for epoch in (0, 3, 8)]
    [1.0, 0.5, 0.333]

    By name: ``MLPClassifier(learning_rate="inverse_sqrt")``.
    """

    timescale: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "timescale", 0, inf, closed="neither")

    def decay(self, epoch: float, n_epochs: float, rows: int) -> float:
        return 1 / sqrt(1 + epoch / (self.timescale * n_epochs))


@spec
class OneCycle(Schedule):
    """Raise the factor to 1, then decrease it to `final`, each along a cosine.

    ``learning_rate_init`` is the largest rate of the cycle. It can be several times
    larger than a good constant rate.

    It was proposed in [1]_.

    Parameters
    ----------
    peak : float, default=0.3
        Fraction of ``max_iter`` after which the factor is 1, in [0, 1). With 0 the rate
        only falls.
    start : float, default=0.04
        The first factor, in [0, 1].
    final : float, default=4e-6
        The last factor, in [0, 1].

    References
    ----------
    .. [1] L. Smith, "A disciplined approach to neural network hyper-parameters: part
       1", 2018, https://arxiv.org/abs/1803.09820.

    Examples
    --------
    >>> from sknn.schedules import OneCycle
    >>> [round(OneCycle()(epoch, 10), 3) for epoch in (0, 1.5, 3, 6.5, 10)]
    [0.04, 0.52, 1.0, 0.5, 0.0]

    By name: ``MLPClassifier(learning_rate="one_cycle")``.
    """

    ends = True

    peak: float = 0.3
    start: float = 0.04
    final: float = 4e-6

    def __post_init__(self) -> None:
        check_range(self, "peak", 0, 1, closed="left")
        check_range(self, "start", 0, 1)
        check_range(self, "final", 0, 1)

    def __call__(self, epoch: float, n_epochs: int, rows: int = 0) -> float:
        u = min(epoch / n_epochs, 1.0)
        if u < self.peak:
            return _along_cosine(self.start, 1.0, u / self.peak)
        return _along_cosine(1.0, self.final, (u - self.peak) / (1 - self.peak))


def _along_cosine(start: float, end: float, u: float) -> float:
    """Go from `start` to `end` along half a cosine period as u goes from 0 to 1."""
    return end + (start - end) * (1 + cos(pi * u)) / 2


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "linear": Linear,
    "cosine": Cosine,
    "flat_cosine": FlatCosine,
    "coslog": CosLog,
    "inverse_sqrt": InverseSqrt,
    "one_cycle": OneCycle,
}
"""The schedules by name. An estimator sets the fields that are also parameters of the
estimator."""
