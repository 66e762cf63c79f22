"""Initializers: how the parameters of a layer are drawn before training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, final

import numpy as np

from ._spec import Spec, check_bool, check_range, spec
from ._typing import Array, Shape


class Initializer(Spec, ABC):
    """A distribution of initial weights; it may use ``fan_in`` and ``fan_out``.

    Call an initializer to draw weights, and its method `bias` to get the biases of the
    same layer.

    Examples
    --------
    An initializer of your own is a frozen dataclass that draws from `rng`:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.initializers import Initializer
    >>> @dataclass(frozen=True)
    ... class Triangular(Initializer):
    ...     def __call__(self, shape, fan_in, fan_out, rng):
    ...         bound = (6 / fan_in) ** 0.5
    ...         return rng.triangular(-bound, 0, bound, shape)
    ...
    >>> W = Triangular()((400, 50), 400, 50, np.random.RandomState(0))
    >>> print(f"standard deviation {W.std():.3f}, 1 / sqrt(fan_in) = {400**-0.5:.3f}")
    standard deviation 0.050, 1 / sqrt(fan_in) = 0.050

    Pass it to an estimator: ``MLPClassifier(initializer=Triangular())``.
    """

    draws_biases: ClassVar[bool] = False
    """Whether biases are drawn like weights; otherwise they are 0."""

    @abstractmethod
    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        """Draw the weights of a layer.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        fan_in, fan_out : int
            Number of inputs and outputs of a unit.
        rng : numpy.random.RandomState
            Source of random numbers.

        Returns
        -------
        ndarray
            The weights, float64, of this shape.
        """

    @final
    def bias(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        """Return the biases of a layer: drawn if `draws_biases`, otherwise zeros.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        fan_in, fan_out : int
            Number of inputs and outputs of a unit.
        rng : numpy.random.RandomState
            Source of random numbers.

        Returns
        -------
        ndarray
            The biases, float64, of this shape.
        """
        if self.draws_biases:
            return self(shape, fan_in, fan_out, rng)
        return np.zeros(shape)


@spec
class Zeros(Initializer):
    """Set all values to zero; no random numbers are drawn.

    This is useful for the last layer of a residual block, which then starts as the
    identity. Hidden units that all start at zero would remain identical.

    Examples
    --------
    A residual block whose last weights are 0 starts as the identity:

    >>> import numpy as np
    >>> from sknn.initializers import Zeros
    >>> from sknn.layers import Activation, Dense, Residual
    >>> from sknn.network import Network
    >>> block = Residual((Dense(8), Activation("relu"), Dense(2, Zeros())))
    >>> network = Network([block], in_shape=(2,), dtype=np.dtype(float))
    >>> network.initialize(np.random.RandomState(0))
    >>> network.scores(np.array([[0.5, -1.0]]))
    array([[ 0.5, -1. ]])
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return np.zeros(shape)


@spec
class Constant(Initializer):
    """Set all values to the same number; no random numbers are drawn.

    Parameters
    ----------
    value : float, default=0.01
        Any finite number.

    Examples
    --------
    Hidden units that start equal get equal gradients, and stay equal:

    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.initializers import Constant
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((3,), initializer=Constant(0.5), learning_rate="linear")
    >>> clf = clf.set_params(max_iter=100, random_state=0).fit(X, y)
    >>> print(clf.coefs_[0].round(2))
    [[0.46 0.46 0.46]
     [0.45 0.45 0.45]
     [0.55 0.55 0.55]
     [0.55 0.55 0.55]]

    By name: ``MLPClassifier(initializer="constant", init_scale=0.5)``.
    """

    value: float = 0.01

    def __post_init__(self) -> None:
        check_range(self, "value", -np.inf, np.inf, closed="neither")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return np.full(shape, float(self.value))


@spec
class Normal(Initializer):
    """Draw from a normal distribution that does not depend on the size of the layer.

    Its mean is 0, its standard deviation is `std`.

    Parameters
    ----------
    std : float, default=0.01
        Standard deviation, not negative.
    biases : bool, default=False
        Whether biases are drawn, too; otherwise they are 0.

    Examples
    --------
    The standard deviation of the sums ``x W`` grows with the number of inputs:

    >>> import numpy as np
    >>> from sknn.initializers import Normal
    >>> rng = np.random.RandomState(0)
    >>> for fan_in in (25, 2500):
    ...     W = Normal(std=0.1)((fan_in, 100), fan_in, 100, rng)
    ...     z = rng.normal(size=(200, fan_in)) @ W
    ...     print(f"{fan_in} inputs: weights {W.std():.1f}, sums {z.std():.1f}")
    25 inputs: weights 0.1, sums 0.5
    2500 inputs: weights 0.1, sums 5.0

    By name: ``MLPClassifier(initializer="normal", init_scale=0.1)``.
    """

    std: float = 0.01
    biases: bool = False

    @property
    def draws_biases(self) -> bool:  # type: ignore[override]
        """Whether biases are drawn like weights."""
        return self.biases

    def __post_init__(self) -> None:
        check_range(self, "std", 0, np.inf, closed="left")
        check_bool(self, "biases")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return rng.normal(0, self.std, shape)


def _uniform(variance: float, shape: Shape, rng: np.random.RandomState) -> Array:
    """Draw from the uniform distribution on ``±sqrt(3 variance)``."""
    bound = math.sqrt(3 * variance)
    return rng.uniform(-bound, bound, shape)


def _normal(variance: float, shape: Shape, rng: np.random.RandomState) -> Array:
    """Draw from the normal distribution with mean 0 and the given variance."""
    return rng.normal(0, math.sqrt(variance), shape)


@spec
class GlorotUniform(Initializer):
    """Draw from Glorot's uniform distribution, also called Xavier uniform.

    It is uniform on ``±sqrt(factor / (fan_in + fan_out))``. With ``factor=6`` the
    variance is ``2 / (fan_in + fan_out)``, which preserves the scale of activations and
    gradients through layers that are linear around 0 [1]_. Like scikit-learn, sknn uses
    ``factor=2`` for layers that are followed by the logistic function, and draws biases
    from the same distribution as weights.

    Parameters
    ----------
    factor : float, default=6.0
        Sets the scale of the weights, which is proportional to ``sqrt(factor)``; not
        negative.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.initializers import GlorotUniform
    >>> W = GlorotUniform()((2, 4), 2, 4, np.random.RandomState(0))
    >>> print(W.round(2))
    [[ 0.1   0.43  0.21  0.09]
     [-0.15  0.29 -0.12  0.78]]

    By name: ``MLPClassifier(initializer="glorot_uniform")``.
    """

    factor: float = 6.0

    draws_biases = True

    def __post_init__(self) -> None:
        check_range(self, "factor", 0, np.inf, closed="left")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        bound = np.sqrt(self.factor / (fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)


@spec
class GlorotNormal(Initializer):
    """Draw from Glorot's normal distribution, also called Xavier normal.

    Its mean is 0, its variance is ``2 / (fan_in + fan_out)``. This variance was derived
    in [1]_.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    The standard deviation of the weights, and the square root of
    ``2 / (fan_in + fan_out)``:

    >>> import numpy as np
    >>> from sknn.initializers import GlorotNormal
    >>> W = GlorotNormal()((500, 300), 500, 300, np.random.RandomState(0))
    >>> print(f"{W.std():.3f} {(2 / (500 + 300)) ** 0.5:.3f}")
    0.050 0.050

    By name: ``MLPClassifier(initializer="glorot_normal")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(2 / (fan_in + fan_out), shape, rng)


@spec
class HeUniform(Initializer):
    """Draw from He's uniform distribution, also called Kaiming uniform.

    It is uniform on ``±sqrt(6 / fan_in)``, so that its variance is ``2 / fan_in``. This
    variance was derived in [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    The largest weight and ``sqrt(6 / fan_in)``, then the standard deviation and
    ``sqrt(2 / fan_in)``:

    >>> import numpy as np
    >>> from sknn.initializers import HeUniform
    >>> W = HeUniform()((600, 200), 600, 200, np.random.RandomState(0))
    >>> print(f"{W.max():.3f} {(6 / 600) ** 0.5:.3f}")
    0.100 0.100
    >>> print(f"{W.std():.3f} {(2 / 600) ** 0.5:.3f}")
    0.058 0.058

    By name: ``MLPClassifier(initializer="he_uniform")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _uniform(2 / fan_in, shape, rng)


@spec
class HeNormal(Initializer):
    """Draw from He's normal distribution, also called Kaiming normal.

    Its mean is 0, its variance is ``2 / fan_in``. It preserves the scale of activations
    through layers of rectified linear units, which set half of their inputs to 0.

    This variance was derived in [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.initializers import HeNormal
    >>> W = HeNormal()((200, 100), 200, 100, np.random.RandomState(0))
    >>> float(W.std().round(2))
    0.1

    By name: ``MLPClassifier(initializer="he_normal")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(2 / fan_in, shape, rng)


@spec
class LeCunUniform(Initializer):
    """Draw from LeCun's uniform distribution.

    It is uniform on ``±sqrt(3 / fan_in)``, so that its variance is ``1 / fan_in``. This
    variance is recommended in [1]_.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in
       Neural Networks: Tricks of the Trade, Springer 1998.

    Examples
    --------
    Sums of inputs of variance 1 have variance 1, whatever their number:

    >>> import numpy as np
    >>> from sknn.initializers import LeCunUniform
    >>> rng = np.random.RandomState(0)
    >>> for fan_in in (30, 3000):
    ...     W = LeCunUniform()((fan_in, 100), fan_in, 100, rng)
    ...     z = rng.normal(size=(200, fan_in)) @ W
    ...     print(f"weights within ±{W.max():.3f}, variance of sums {z.var():.1f}")
    weights within ±0.316, variance of sums 1.0
    weights within ±0.032, variance of sums 1.0

    By name: ``MLPClassifier(initializer="lecun_uniform")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _uniform(1 / fan_in, shape, rng)


@spec
class LeCunNormal(Initializer):
    """Draw from LeCun's normal distribution, which the activation SELU requires.

    Its mean is 0, its variance is ``1 / fan_in``. This variance is recommended in [1]_.
    See also `sknn.activations.SELU`.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in
       Neural Networks: Tricks of the Trade, Springer 1998.

    Examples
    --------
    The fan_in of a convolution is the number of elements of a kernel, here 4 · 5 · 5:

    >>> import numpy as np
    >>> from sknn.initializers import LeCunNormal
    >>> from sknn.layers import Conv2D
    >>> layer = Conv2D(64, kernel_size=5, initializer=LeCunNormal())
    >>> W = layer.build(in_shape=(4, 32, 32)).params["W"]
    >>> print(f"{W.draw(np.random.RandomState(0)).std():.2f} {100**-0.5:.2f}")
    0.10 0.10

    By name: ``MLPClassifier(initializer="lecun_normal")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _normal(1 / fan_in, shape, rng)


@spec
class FanInUniform(Initializer):
    """Draw weights and biases from a uniform distribution, as PyTorch does.

    It is uniform on ``±1 / sqrt(fan_in)``.

    Examples
    --------
    The biases of a layer with 25 inputs, which are at most 0.2:

    >>> import numpy as np
    >>> from sknn.initializers import FanInUniform
    >>> b = FanInUniform().bias((4,), 25, 4, np.random.RandomState(0))
    >>> print(b.round(3))
    [0.02  0.086 0.041 0.018]

    It has no name: ``MLPClassifier(initializer=FanInUniform())``.
    """

    draws_biases = True

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return _uniform(1 / (3 * fan_in), shape, rng)


@spec
class RandomSigns(Initializer):
    """Draw each element as 1 or -1, with the same probability.

    These are initial scales by which the members of an ensemble differ [1]_: see
    `sknn.layers.BatchEnsembleDense`.

    References
    ----------
    .. [1] Y. Wen, D. Tran, J. Ba, "BatchEnsemble: an alternative approach to efficient
       ensemble and lifelong learning", ICLR 2020.

    Examples
    --------
    The scales of two members for six inputs:

    >>> import numpy as np
    >>> from sknn.initializers import RandomSigns
    >>> RandomSigns()((2, 6), 6, 6, np.random.RandomState(0))
    array([[-1.,  1.,  1., -1.,  1.,  1.],
           [ 1.,  1.,  1.,  1.,  1., -1.]])

    By name: ``BatchEnsembleDense(64, input_scales="random_signs")``.
    """

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        return rng.choice((-1.0, 1.0), shape)


@spec
class Orthogonal(Initializer):
    """Draw a matrix with orthonormal rows or columns, times `gain`.

    [1]_ recommends it for deep networks. The rows are orthonormal if there are fewer
    rows than columns, otherwise the columns are.

    The matrix is drawn uniformly from all such matrices (Haar measure) [2]_. All axes
    of the shape except the last are combined into the rows.

    Parameters
    ----------
    gain : float, default=1.0
        All singular values of the matrix are equal to it. Not negative.

    References
    ----------
    .. [1] A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear
       dynamics of learning in deep linear neural networks", ICLR 2014.
    .. [2] F. Mezzadri, "How to generate random matrices from the classical compact
       groups", Notices of the AMS 54, 2007.

    Examples
    --------
    Through a hundred layers, a vector keeps its length:

    >>> import numpy as np
    >>> from sknn.initializers import Orthogonal
    >>> rng, x = np.random.RandomState(0), np.ones((1, 64))
    >>> for _ in range(100):
    ...     x = x @ Orthogonal()((64, 64), 64, 64, rng)
    ...
    >>> print(f"{np.linalg.norm(x):.6f}")
    8.000000

    By name: ``MLPClassifier(initializer="orthogonal")``.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "gain", 0, np.inf, closed="left")

    def __call__(
        self, shape: Shape, fan_in: int, fan_out: int, rng: np.random.RandomState
    ) -> Array:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        Q, R = np.linalg.qr(rng.normal(size=tall))
        Q *= np.sign(R.diagonal())  # which LAPACK chooses, and not at random
        Q *= self.gain
        return (Q if rows >= columns else Q.T).reshape(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "constant": Constant,
    "normal": Normal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LeCunUniform,
    "lecun_normal": LeCunNormal,
    "orthogonal": Orthogonal,
}
"""The initializers by name."""


AUTO: dict[str, Initializer] = {
    "identity": GlorotUniform(),
    "logistic": GlorotUniform(),
    "tanh": GlorotUniform(),
    "relu": HeNormal(),
    "leaky_relu": HeNormal(),
    "prelu": HeNormal(),
    "elu": HeNormal(),
    "selu": LeCunNormal(),
    "gelu": HeNormal(),
    "silu": HeNormal(),
    "mish": HeNormal(),
    "softplus": HeNormal(),
}
"""The initializer for a layer that is followed by the named activation."""


def suitable(activation_name: str | None) -> Initializer:
    """Return the initializer for a layer that is followed by an activation.

    It is looked up in `AUTO`, and is Glorot's for None and for unlisted activations.
    """
    return AUTO.get(activation_name or "identity", GlorotUniform())


def make_initializer(choice: str | Initializer | None) -> Initializer:
    """Return the initializer of that name, or `choice` itself; Glorot's for None."""
    if choice is None:
        return GlorotUniform()
    if isinstance(choice, Initializer):
        return choice
    if choice not in INITIALIZERS:
        raise ValueError(
            f"initializer must be one of {sorted(INITIALIZERS)}, an Initializer or "
            f"None, got {choice!r}."
        )
    return INITIALIZERS[choice]()
