"""Augmentation: random changes of images, different in every training batch.

Images are floats of shape (n, height, width, channels). Bytes have already been scaled
to [0, 1]; floats are as passed by the user, so nothing is clipped. Each image has its
own random draws, the number of which does not depend on the pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.random import Generator

from ._kernels import GRAIN, by_axis, has_kernel, run
from ._spec import Spec, check_bool, check_range, spec
from ._typing import Array, DType

Fill: TypeAlias = float | Literal["nearest"]
"""The value of points outside an image: a number, or that of the nearest pixel."""


class Augmentation(Spec, ABC):
    """A random change of images that leaves their targets as they are.

    Examples
    --------
    An augmentation of your own is a frozen dataclass that draws from `rng`. This one
    turns half of the images into negatives:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.augmentation import Augmentation
    >>> @dataclass(frozen=True)
    ... class RandomNegative(Augmentation):
    ...     def __call__(self, images, rng):
    ...         negative = rng.random((len(images), 1, 1, 1)) < 0.5
    ...         return np.where(negative, 1 - images, images)
    ...
    >>> images = np.zeros((6, 1, 1, 1))
    >>> RandomNegative()(images, np.random.default_rng(0)).ravel()
    array([0., 1., 1., 1., 0., 0.])

    Pass it to an estimator: ``CNNClassifier(augmentation=[RandomNegative()])``.
    """

    @abstractmethod
    def __call__(self, images: Array, rng: Generator) -> Array:
        """Return changed images; never modify the input.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, channels)
            float32 or float64. Images that a user has passed as bytes are scaled to
            [0, 1]; floats have the range in which the user has passed them.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        ndarray
            Changed images of the same shape and dtype. If there is nothing to do, it
            may be `images` itself.
        """


# -- geometry -------------------------------------------------------------------------


class Geometric(Augmentation):
    """A random affine map for each image, applied by bilinear resampling.

    Consecutive maps are multiplied into one, so that images are resampled only once.
    This is faster and blurs less, and what one map moves out of the image the next can
    move back in.

    Examples
    --------
    A subclass has the method `draw`. This shear turns a diagonal into a vertical line:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn.augmentation import Geometric
    >>> @dataclass(frozen=True)
    ... class Shear(Geometric):
    ...     def draw(self, n, shape, rng):
    ...         matrices = np.tile(np.eye(3), (n, 1, 1))
    ...         matrices[:, 1, 0] = 1  # column in the old image: column + row
    ...         return matrices
    ...
    >>> images = np.eye(3).reshape(1, 3, 3, 1)
    >>> print(Shear()(images, np.random.default_rng(0))[0, :, :, 0])
    [[0. 1. 0.]
     [0. 1. 0.]
     [0. 1. 0.]]
    """

    fill: Fill | None = None
    """The value of points outside the image; None if no such point is ever shown."""

    @abstractmethod
    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        """Draw a map for each image.

        Parameters
        ----------
        n : int
            Number of images.
        shape : (int, int)
            Height and width of the images.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        ndarray of shape (n, 3, 3)
            Matrices that map the position of a pixel in the new image to the position
            in the old image that it shows. A position is ``(row, column, 1)``, in
            pixels from the center.
        """

    def __call__(self, images: Array, rng: Generator) -> Array:
        return _transform([self], images, rng)


@spec
class RandomFlip(Geometric):
    """Flip each image with probability `p`, horizontally, vertically or both.

    Parameters
    ----------
    horizontal : bool, default=True
        Whether to flip images from left to right.
    vertical : bool, default=False
        Whether to flip images upside down, independently of horizontal flips.
    p : float, default=0.5
        Probability of each kind of flip, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.augmentation import RandomFlip
    >>> images = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> RandomFlip(p=1.0)(images, np.random.default_rng(0)).ravel()
    array([2., 1., 0.])
    """

    horizontal: bool = True
    vertical: bool = False
    p: float = 0.5

    def __post_init__(self) -> None:
        for name in ("horizontal", "vertical"):
            check_bool(self, name)
        check_range(self, "p", 0, 1)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        flipped = rng.random((2, n)) < self.p
        flipped &= np.array([[self.vertical], [self.horizontal]])
        matrices = _identities(n)
        matrices[:, 0, 0], matrices[:, 1, 1] = np.where(flipped, -1.0, 1.0)
        return matrices


@spec
class RandomRotation(Geometric):
    """Rotate each image about its center, by an angle uniform in ``±degrees``.

    Parameters
    ----------
    degrees : float, default=10.0
        Largest angle, in [0, 180].
    fill : float or 'nearest', default=0.0
        The value of points outside the image: a number, or that of the nearest pixel.

    Examples
    --------
    The corners of a rotated white image show points outside of the old image. With 0 as
    the value of these points the corners get darker, with that of the nearest pixel
    they stay white:

    >>> import numpy as np
    >>> from sknn.augmentation import RandomRotation
    >>> images = np.ones((1, 3, 3, 1))
    >>> for fill in (0.0, "nearest"):
    ...     rotate = RandomRotation(degrees=45, fill=fill)
    ...     print(rotate(images, np.random.default_rng(0))[0, :, :, 0].round(2))
    [[0.81 1.   0.81]
     [1.   1.   1.  ]
     [0.81 1.   0.81]]
    [[1. 1. 1.]
     [1. 1. 1.]
     [1. 1. 1.]]
    """

    degrees: float = 10.0
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        check_range(self, "degrees", 0, 180)
        _check_fill(self)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        angle = np.radians(rng.uniform(-self.degrees, self.degrees, n))
        matrices = _identities(n)
        matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angle)
        matrices[:, 0, 1] = np.sin(angle)
        matrices[:, 1, 0] = -matrices[:, 0, 1]
        return matrices


@spec
class RandomShift(Geometric):
    """Shift each image vertically and horizontally, each uniformly in ``±share``.

    Shifts by fractions of a pixel blur the image slightly;
    `sknn.augmentation.RandomCrop` shifts by whole pixels.

    Parameters
    ----------
    share : float, default=0.1
        Largest shift, in [0, 1], as a fraction of the height or width.
    fill : float or 'nearest', default=0.0
        The value of points outside the image: a number, or that of the nearest pixel.

    Examples
    --------
    A vertical line in the middle, shifted by a fraction of a pixel, in two images:

    >>> import numpy as np
    >>> from sknn.augmentation import RandomShift
    >>> images = np.zeros((2, 5, 5, 1))
    >>> images[:, :, 2] = 1
    >>> shifted = RandomShift(0.2, fill="nearest")(images, np.random.default_rng(0))
    >>> print(shifted[:, 2, :, 0].round(2))
    [[0.   0.   0.54 0.46 0.  ]
     [0.   0.   0.03 0.97 0.  ]]
    """

    share: float = 0.1
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        check_range(self, "share", 0, 1)
        _check_fill(self)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        matrices = _identities(n)
        matrices[:, :2, 2] = rng.uniform(-self.share, self.share, (n, 2)) * shape
        return matrices


@spec
class RandomScale(Geometric):
    """Enlarge or shrink each image about its center; the image size stays the same.

    The scale is ``factor ** u`` with u uniform in [-1, 1], so that enlarging and
    shrinking are equally likely.

    Parameters
    ----------
    factor : float, default=1.1
        Largest scale, at least 1; the smallest is its inverse.
    fill : float or 'nearest', default=0.0
        The value of points outside the image: a number, or that of the nearest pixel.

    Examples
    --------
    The scales of 1000 images: half of them are enlarged, up to twice the size.

    >>> import numpy as np
    >>> from sknn.augmentation import RandomScale
    >>> maps = RandomScale(factor=2.0).draw(1000, (28, 28), np.random.default_rng(0))
    >>> scales = 1 / maps[:, 0, 0]
    >>> print(np.quantile(scales, [0, 0.5, 1]).round(1))
    [0.5 1.  2. ]
    """

    factor: float = 1.1
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        check_range(self, "factor", 1, inf, closed="left")
        _check_fill(self)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        matrices = _identities(n)
        inverse = self.factor ** rng.uniform(-1, 1, n)
        matrices[:, 0, 0] = matrices[:, 1, 1] = inverse
        return matrices


@spec
class RandomCrop(Geometric):
    """Pad each image on all sides, and crop it to its old size at a random position.

    This shifts it by up to `padding` whole pixels without changing pixel values.
    Together with `sknn.augmentation.RandomFlip` it is the usual augmentation for CIFAR
    [1]_.

    Parameters
    ----------
    padding : int, default=4
        Number of pixels on each side, not negative.
    fill : float or 'nearest', default=0.0
        The value of the padding: a number, or that of the nearest pixel.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image
       recognition", CVPR 2016, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.augmentation import RandomCrop
    >>> images = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    >>> RandomCrop(padding=1)(images, np.random.default_rng(0))[0, :, :, 0]
    array([[4., 5., 6.],
           [7., 8., 9.],
           [0., 0., 0.]])
    """

    padding: int = 4
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        padding: Any = self.padding
        if not isinstance(padding, Integral) or int(padding) < 0:
            raise ValueError(
                "padding of RandomCrop must be a non-negative integer, got "
                f"{padding!r}."
            )
        _check_fill(self)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        matrices = _identities(n)
        padding = int(self.padding)
        matrices[:, :2, 2] = rng.integers(-padding, padding, (n, 2), endpoint=True)
        return matrices


def _identities(n: int) -> Array:
    return np.tile(np.eye(3), (n, 1, 1))


def _check_fill(spec: Geometric) -> None:
    """Raise unless `fill` of `spec` is a number or 'nearest'."""
    fill: Any = spec.fill
    is_number = isinstance(fill, Real) and isfinite(fill)
    if not is_number and fill != "nearest":
        raise ValueError(
            f"fill of {type(spec).__name__} must be a finite number or 'nearest', "
            f"got {fill!r}."
        )


# -- color ---------------------------------------------------------------------------


@spec
class Brightness(Augmentation):
    """Add a random number to all pixels of an image.

    ``x + b``, with b uniform in ``±delta`` for each image.

    Parameters
    ----------
    delta : float, default=0.2
        Largest b, not negative, in units of the pixel values; those of bytes are scaled
        to [0, 1].

    Examples
    --------
    Each of three gray images gets a different brightness, the same for all its pixels:

    >>> import numpy as np
    >>> from sknn.augmentation import Brightness
    >>> images = np.full((3, 1, 2, 1), 0.5)
    >>> changed = Brightness(delta=0.2)(images, np.random.default_rng(0))
    >>> print(changed[:, 0, :, 0].round(2))
    [[0.55 0.55]
     [0.41 0.41]
     [0.32 0.32]]
    """

    delta: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "delta", 0, inf, closed="left")

    def __call__(self, images: Array, rng: Generator) -> Array:
        b = rng.uniform(-self.delta, self.delta, (len(images), 1, 1, 1))
        return images + b.astype(images.dtype)


@spec
class Contrast(Augmentation):
    """Raise or lower the contrast of each image; its mean stays the same.

    ``m + c (x - m)``, with m the mean of the image and c uniform in ``1 ± delta``.

    Parameters
    ----------
    delta : float, default=0.2
        Largest change in contrast, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.augmentation import Contrast
    >>> images = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    >>> Contrast(0.5)(images, np.random.default_rng(0)).ravel().round(2)
    array([0.86, 2.  , 3.14])
    """

    delta: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "delta", 0, 1)

    def __call__(self, images: Array, rng: Generator) -> Array:
        c = rng.uniform(1 - self.delta, 1 + self.delta, (len(images), 1, 1, 1))
        mean = images.mean(axis=(1, 2, 3), keepdims=True)
        # In this order, c = 1 changes nothing, not even by rounding.
        changed = images * c.astype(images.dtype)
        changed += ((1 - c) * mean).astype(images.dtype)
        return changed


@spec
class Saturation(Augmentation):
    """Make the colors of each image stronger or weaker.

    ``g + s (x - g)``, with g the grayscale image and s uniform in ``1 ± delta``. The
    gray level of a pixel is its luma [1]_, ``0.299 R + 0.587 G + 0.114 B``. Images with
    one channel do not change.

    Parameters
    ----------
    delta : float, default=0.2
        Largest change in saturation, in [0, 1].

    References
    ----------
    .. [1] Recommendation ITU-R BT.601-7, 2011.

    Examples
    --------
    An orange pixel becomes more or less colorful; its luma stays the same:

    >>> import numpy as np
    >>> from sknn.augmentation import Saturation
    >>> images = np.array([1.0, 0.5, 0.0]).reshape(1, 1, 1, 3)
    >>> changed = Saturation(delta=0.5)(images, np.random.default_rng(0))
    >>> print(changed.ravel().round(2))
    [ 1.06  0.49 -0.08]
    >>> print(f"{images.ravel() @ Saturation.LUMA:.4f}")
    0.5925
    >>> print(f"{changed.ravel() @ Saturation.LUMA:.4f}")
    0.5925
    """

    LUMA: ClassVar[tuple[float, ...]] = (0.299, 0.587, 0.114)

    delta: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "delta", 0, 1)

    def __call__(self, images: Array, rng: Generator) -> Array:
        n, height, width, channels = images.shape
        if channels == 1:
            return images
        if channels != 3:
            raise ValueError(
                "Saturation needs images with three channels (red, green and blue) or "
                f"one, got {channels} channels."
            )
        s = rng.uniform(1 - self.delta, 1 + self.delta, (n, 1, 1))
        gray = np.outer(self.LUMA, np.ones(3))
        # A linear map of colors, and therefore one matrix product per image.
        maps = (s * np.eye(3) + (1 - s) * gray).astype(images.dtype)
        changed: Array = images.reshape(n, height * width, 3) @ maps
        return changed.reshape(images.shape)


# -- cutout and mixup -----------------------------------------------------------------


@spec
class Cutout(Augmentation):
    """Cover a random square of each image.

    Its center is uniform over the pixels, so that part of the square may lie outside.

    It was proposed in [1]_.

    Parameters
    ----------
    size : float, default=0.5
        Side of the square, in [0, 1], as a fraction of the shorter side of the image.
    fill : float, default=0.0
        The value of the covered pixels; the mean of all pixels is a good choice.

    References
    ----------
    .. [1] T. DeVries, G. W. Taylor, "Improved regularization of convolutional neural
       networks with Cutout", 2017, https://arxiv.org/abs/1708.04552.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.augmentation import Cutout
    >>> images = np.ones((1, 4, 4, 1))
    >>> Cutout(0.5)(images, np.random.default_rng(0))[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [1., 0., 0., 1.],
           [1., 0., 0., 1.]])
    """

    size: float = 0.5
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_range(self, "size", 0, 1)
        check_range(self, "fill", -inf, inf, closed="neither")

    def __call__(self, images: Array, rng: Generator) -> Array:
        n, height, width, channels = images.shape
        side = round(self.size * min(height, width))
        rows, columns = (self._covered(images, axis, side, rng) for axis in (1, 2))
        # The channels of a pixel as columns: masks with long rows are faster.
        columns = np.repeat(columns, channels, axis=1)
        changed = images.reshape(n, height, width * channels).copy()
        np.copyto(changed, self.fill, where=rows[:, :, None] & columns[:, None, :])
        return changed.reshape(images.shape)

    @staticmethod
    def _covered(images: Array, axis: int, side: int, rng: Generator) -> Array:
        """Draw which rows or columns of each image the square covers."""
        length = images.shape[axis]
        first = rng.integers(length, size=(len(images), 1)) - side // 2
        place = np.arange(length)
        return (first <= place) & (place < first + side)


@spec
class Mixup(Spec):
    """Mix pairs of rows: ``λ x + (1 - λ) x'``, with λ from Beta(alpha, alpha).

    Targets are mixed in the same way. That is why mixup is not an
    `sknn.augmentation.Augmentation`, which sees only images: it is part of the training
    objective. Rows need not be images.

    It was proposed in [1]_.

    Parameters
    ----------
    alpha : float, default=0.2
        Not negative. With 0 nothing is mixed, with 1 λ is uniform in [0, 1]; values in
        between keep most rows close to one of the two.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018.

    Examples
    --------
    A network that was trained on mixed images is less sure of its predictions:

    >>> from sklearn.datasets import load_digits
    >>> from sknn import CNNClassifier
    >>> from sknn.augmentation import Mixup
    >>> images, y = load_digits().images / 16, load_digits().target
    >>> for augmentation in (None, [Mixup(alpha=1.0)]):
    ...     clf = CNNClassifier(
    ...         8,
    ...         augmentation=augmentation,
    ...         learning_rate="cosine",
    ...         learning_rate_init=0.01,
    ...         max_iter=10,
    ...         random_state=0,
    ...     ).fit(images[:1000], y[:1000])
    ...     p = clf.predict_proba(images[1000:]).max(axis=1)
    ...     print(f"accuracy {clf.score(images[1000:], y[1000:]):.1f}, "
    ...           f"mean of the largest probability {p.mean():.1f}")
    accuracy 0.9, mean of the largest probability 0.9
    accuracy 0.9, mean of the largest probability 0.8
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "alpha", 0, inf, closed="left")


# -- application ----------------------------------------------------------------------


def augment(
    augmentations: Sequence[Augmentation], images: Array, rng: Generator
) -> Array:
    """Apply augmentations in order; consecutive geometric ones are combined.

    Geometric augmentations are combined into one map if they have the same fill.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        They are applied in this order.
    images : ndarray of shape (n, height, width, channels)
        float32 or float64; never modified.
    rng : numpy.random.Generator
        The augmentations draw from it in order.

    Returns
    -------
    ndarray
        Changed images of the same shape and dtype; `images` itself if nothing changes.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.augmentation import RandomFlip, RandomRotation, augment
    >>> images = np.ones((64, 28, 28, 1), dtype=np.float32)
    >>> rng = np.random.default_rng(0)
    >>> augment([RandomFlip(), RandomRotation(20)], images, rng).shape
    (64, 28, 28, 1)
    """
    if images.ndim != 4 or images.dtype.kind != "f":
        raise ValueError(
            "images must be floats of shape (n, height, width, channels), got "
            f"{images.dtype} of shape {images.shape}."
        )
    waiting: list[Geometric] = []
    for augmentation in augmentations:
        if isinstance(augmentation, Geometric):
            if len(_fills([*waiting, augmentation])) > 1:
                images, waiting = _transform(waiting, images, rng), []
            waiting.append(augmentation)
        else:
            images, waiting = _transform(waiting, images, rng), []
            changed = augmentation(images, rng)
            if changed.shape != images.shape:
                raise ValueError(
                    f"{augmentation!r} must keep the shape of images, {images.shape}, "
                    f"but returned images of shape {changed.shape}."
                )
            images = changed
    return _transform(waiting, images, rng)


def _fills(augmentations: Sequence[Geometric]) -> list[Fill]:
    """Return the distinct fills of the augmentations that have one."""
    return list(dict.fromkeys(a.fill for a in augmentations if a.fill is not None))


def _transform(
    augmentations: Sequence[Geometric], images: Array, rng: Generator
) -> Array:
    """Apply geometric augmentations with the same fill as one map."""
    n, height, width, _ = images.shape
    matrices = _identities(n)
    for augmentation in augmentations:
        # Maps lead from the new image to the old one, so the last one acts first.
        matrices = matrices @ augmentation.draw(n, (height, width), rng)
    return warp(images, matrices, *_fills(augmentations))


def warp(images: Array, matrices: Array, fill: Fill = 0.0) -> Array:
    """Return images whose pixel p shows what is at ``matrix @ p`` in the input.

    Between pixels, values are interpolated bilinearly; positions that coincide with a
    pixel are copied.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        float32 or float64.
    matrices : ndarray of shape (n, 3, 3)
        Affine maps of ``(row, column, 1)``, in pixels from the center of the image.
    fill : float or 'nearest', default=0.0
        The value of points outside the image: a number, which is interpolated with the
        outermost pixels, or that of the nearest pixel.

    Returns
    -------
    ndarray
        Images of the same shape and dtype; `images` itself if all maps are the
        identity.

    Examples
    --------
    Each pixel shows what is half a pixel to the right of it:

    >>> import numpy as np
    >>> from sknn.augmentation import warp
    >>> images = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    >>> matrices = np.array([[[1.0, 0, 0], [0, 1, 0.5], [0, 0, 1]]])
    >>> print(warp(images, matrices)[0, :, :, 0])
    [[1.5 2.5 1.5]
     [4.5 5.5 3. ]
     [7.5 8.5 4.5]]
    >>> print(warp(images, matrices, fill="nearest")[0, :, :, 0])
    [[1.5 2.5 3. ]
     [4.5 5.5 6. ]
     [7.5 8.5 9. ]]
    """
    if (matrices == np.eye(3)).all():
        return images
    warped = np.empty_like(images, order="C")
    run(warp_images, images, matrices, warped, fill)
    return warped


def _kernel(images: Array, matrices: Array, warped: Array, fill: Fill) -> Any:
    nearest = fill == "nearest"
    arrays = (np.ascontiguousarray(a) for a in (images, matrices))
    return "warp", (*arrays, warped, 0.0 if nearest else fill, nearest)


@has_kernel(_kernel, by_axis({0: 0, 1: 0, 2: 0}, GRAIN))
def warp_images(images: Array, matrices: Array, warped: Array, fill: Fill) -> None:
    """Write images whose pixel p shows what is at ``matrix @ p`` into `warped`."""
    n, height, width, _ = images.shape
    block = max(1, BLOCK // (height * width))
    for start in range(0, n, block):
        rows = slice(start, start + block)
        _warp(images[rows], matrices[rows], fill, out=warped[rows])


BLOCK = 2**14
"""Number of pixels that are warped at a time, so that temporary arrays fit in the cache
and their memory is reused."""


def _warp(images: Array, matrices: Array, fill: Fill, out: Array) -> None:
    """Warp a block of images into `out`."""
    n, height, width, _ = images.shape
    nearest = fill == "nearest"
    planes = _framed_planes(images, 0.0 if nearest else float(fill))
    y, x = (
        _places(matrices, axis, (height, width), images.dtype, nearest)
        for axis in (0, 1)
    )
    top, left = np.floor(y), np.floor(x)
    y -= top
    x -= left
    between = y.any() or x.any()
    first_row = (height + 3) * np.arange(n)[:, None, None]
    step = width + 3
    index = (top.astype(np.intp) + first_row) * step + left.astype(np.intp)
    for channel, plane in enumerate(planes):
        if between:
            upper = _between(plane, plane[1:], index, x)
            lower = _between(plane[step:], plane[step + 1 :], index, x)
            lower -= upper
            lower *= y
            np.add(upper, lower, out=out[..., channel])
        else:
            out[..., channel] = plane.take(index)


def _framed_planes(images: Array, fill: float) -> Array:
    """Return flat channels in which a frame of `fill` surrounds each image.

    The frame is one pixel wide, because all points further out have the same value. At
    the bottom and right it is two pixels wide, because interpolation also reads the
    next pixel.
    """
    n, height, width, channels = images.shape
    planes = np.full((channels, n, height + 3, width + 3), fill, images.dtype)
    planes[:, :, 1:-2, 1:-2] = images.transpose(3, 0, 1, 2)
    return planes.reshape(channels, -1)


def _places(
    matrices: Array, axis: int, shape: tuple[int, int], dtype: DType, nearest: bool
) -> Array:
    """Return the row (`axis` 0) or column (1) of the framed image that pixels show.

    The shape is (n, height, width), with 1 instead of the length of the other axis if
    the result does not depend on it. With `nearest`, no position lies in the frame.
    """
    center = [(length - 1) / 2 for length in shape]
    i = np.arange(shape[0])[:, None] - center[0]
    j = np.arange(shape[1]) - center[1]
    a, b, c = matrices[:, axis, :, None, None].swapaxes(0, 1)
    along, across = (a * i, b * j) if axis == 0 else (b * j, a * i)
    places = (along + (c + center[axis] + 1)).astype(dtype)
    if across.any():
        places = places + across.astype(dtype)
    low, high = (1, shape[axis]) if nearest else (0, shape[axis] + 1)
    return np.clip(places, low, high, out=places)


def _between(first: Array, second: Array, index: Array, share: Array) -> Array:
    """Interpolate linearly between two values for each index."""
    value = first.take(index)
    step = second.take(index)
    step -= value
    step *= share
    value += step
    return value


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    cls.__name__: cls
    for cls in (
        RandomFlip,
        RandomRotation,
        RandomShift,
        RandomScale,
        RandomCrop,
        Brightness,
        Contrast,
        Saturation,
        Cutout,
    )
}
"""The augmentations of images by class name."""
