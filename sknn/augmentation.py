"""Augmentation: images changed at random, anew in every batch of training.

Images are floats of shape (n, height, width, channels). Bytes have become numbers in
[0, 1] by then; floats are as the user gave them, so that nothing is clipped. Each image
has its own random draws, and their number depends on no pixel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.random import Generator

from ._spec import Spec, check_range
from ._typing import Array, DType

Fill: TypeAlias = float | Literal["nearest"]
"""What lies outside an image: a number, or the nearest pixel."""


class Augmentation(Spec, ABC):
    """A random change of images that leaves their targets as they are."""

    @abstractmethod
    def __call__(self, images: Array, rng: Generator) -> Array:
        """Return changed images of the same shape and dtype; the input stays as it is.

        It may be returned itself where there is nothing to do.
        """


# -- geometry -------------------------------------------------------------------------


class Geometric(Augmentation):
    """An affine map of the plane for each image; resampled bilinearly.

    Several in a row are multiplied into one map, and the images are resampled once:
    quicker, less blurred, and what one moves out of the image another can move back.
    """

    fill: Fill | None = None
    """What comes in from outside; None where nothing does."""

    @abstractmethod
    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        """Return `n` matrices (n, 3, 3) for images of `shape`, (height, width).

        They take the place of a pixel in the new image, ``(row, column, 1)`` in pixels
        from the centre, to the place in the old one that it shows.
        """

    def __call__(self, images: Array, rng: Generator) -> Array:
        return _transform([self], images, rng)


@dataclass(frozen=True)
class RandomFlip(Geometric):
    """Mirror images, each with probability `p`.

    Parameters
    ----------
    horizontal : bool, default=True
        Whether left and right may change places.
    vertical : bool, default=False
        Whether top and bottom may, independently.
    p : float, default=0.5
        Probability of each, in [0, 1].

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
            if not isinstance(value := getattr(self, name), bool | np.bool_):
                raise ValueError(
                    f"{name} of RandomFlip must be True or False, got {value!r}."
                )
        check_range(self, "p", 0, 1)

    def draw(self, n: int, shape: tuple[int, int], rng: Generator) -> Array:
        flipped = rng.random((2, n)) < self.p
        flipped &= np.array([[self.vertical], [self.horizontal]])
        matrices = _identities(n)
        matrices[:, 0, 0], matrices[:, 1, 1] = np.where(flipped, -1.0, 1.0)
        return matrices


@dataclass(frozen=True)
class RandomRotation(Geometric):
    """Turn each image about its centre, by an angle uniform in ``±degrees``.

    Parameters
    ----------
    degrees : float, default=10.0
        Largest angle, in [0, 180].
    fill : float or 'nearest', default=0.0
        What comes in from outside: a number, or the nearest pixel.
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


@dataclass(frozen=True)
class RandomShift(Geometric):
    """Move each image up or down and left or right, each uniformly in ``±share``.

    By fractions of a pixel too, which blurs a little; `RandomCrop` moves by whole ones.

    Parameters
    ----------
    share : float, default=0.1
        Largest shift, in [0, 1], as a share of the height and of the width.
    fill : float or 'nearest', default=0.0
        What comes in from outside: a number, or the nearest pixel.
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


@dataclass(frozen=True)
class RandomScale(Geometric):
    """Enlarge or shrink each image about its centre, the frame staying as it is.

    By ``factor ** u`` with u uniform in [-1, 1], so that to enlarge is as likely as to
    shrink.

    Parameters
    ----------
    factor : float, default=1.1
        Largest factor, from 1 up; the smallest is its inverse.
    fill : float or 'nearest', default=0.0
        What comes in from outside: a number, or the nearest pixel.
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


@dataclass(frozen=True)
class RandomCrop(Geometric):
    """Pad each image on all sides, and cut one of the old size out at random.

    A shift by whole pixels up to `padding`, which leaves the values as they are; with
    `RandomFlip` the augmentation that is usual for CIFAR [1]_.

    Parameters
    ----------
    padding : int, default=4
        Pixels on each side, from 0 up.
    fill : float or 'nearest', default=0.0
        What the padding holds: a number, or the nearest pixel.

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
                f"padding of RandomCrop must be a whole number of pixels from 0 up, "
                f"got {padding!r}."
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


# -- colour ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Brightness(Augmentation):
    """``x + b``, with b uniform in ``±delta`` for each image.

    Parameters
    ----------
    delta : float, default=0.2
        Largest b, from 0 up, in the units of the images; bytes have become [0, 1].
    """

    delta: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "delta", 0, inf, closed="left")

    def __call__(self, images: Array, rng: Generator) -> Array:
        b = rng.uniform(-self.delta, self.delta, (len(images), 1, 1, 1))
        return images + b.astype(images.dtype)


@dataclass(frozen=True)
class Contrast(Augmentation):
    """``m + c (x - m)``, with m the mean of an image, c uniform in ``1 ± delta``.

    Parameters
    ----------
    delta : float, default=0.2
        Largest change of the contrast, in [0, 1].

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
        # In this order c = 1 changes nothing, not even by rounding.
        changed = images * c.astype(images.dtype)
        changed += ((1 - c) * mean).astype(images.dtype)
        return changed


@dataclass(frozen=True)
class Saturation(Augmentation):
    """``g + s (x - g)``, with g the image in grey, s uniform in ``1 ± delta``.

    The grey of a pixel is its luma [1]_, ``0.299 R + 0.587 G + 0.114 B``, so that
    images of one channel stay as they are.

    Parameters
    ----------
    delta : float, default=0.2
        Largest change of the saturation, in [0, 1].

    References
    ----------
    .. [1] Recommendation ITU-R BT.601-7, 2011.
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
                "Saturation needs images of three channels, red, green and blue, or of "
                f"one, got {channels} channels."
            )
        s = rng.uniform(1 - self.delta, 1 + self.delta, (n, 1, 1))
        grey = np.outer(self.LUMA, np.ones(3))
        # A linear map of colours, and so one product of matrices for an image.
        maps = (s * np.eye(3) + (1 - s) * grey).astype(images.dtype)
        changed: Array = images.reshape(n, height * width, 3) @ maps
        return changed.reshape(images.shape)


# -- what is taken out, what is mixed -------------------------------------------------


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Cover a square of each image [1]_.

    Its centre is uniform over the pixels, so that a part of it may lie outside.

    Parameters
    ----------
    size : float, default=0.5
        Side of the square, in [0, 1], as a share of the shorter side of the image.
    fill : float, default=0.0
        What covers it; best the mean of all pixels.

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
        # The channels of a pixel as columns: masks of long rows are quicker.
        columns = np.repeat(columns, channels, axis=1)
        changed = images.reshape(n, height, width * channels).copy()
        np.copyto(changed, self.fill, where=rows[:, :, None] & columns[:, None, :])
        return changed.reshape(images.shape)

    @staticmethod
    def _covered(images: Array, axis: int, side: int, rng: Generator) -> Array:
        """Draw which rows of each image, or columns, the square covers."""
        length = images.shape[axis]
        first = rng.integers(length, size=(len(images), 1)) - side // 2
        place = np.arange(length)
        return (first <= place) & (place < first + side)


@dataclass(frozen=True)
class Mixup(Spec):
    """Mix rows with each other: ``λ x + (1 - λ) x'``, with λ from Beta(alpha, alpha).

    Targets are mixed as the rows are [1]_, and so it is not an `Augmentation` to be
    called on images alone: the objective of the training carries it out. Rows need not
    be images.

    Parameters
    ----------
    alpha : float, default=0.2
        From 0, no mixing, up: 1 draws all shares alike, less keeps most rows close to
        one of the two.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "alpha", 0, inf, closed="left")


# -- carrying out ---------------------------------------------------------------------


def augment(
    augmentations: Sequence[Augmentation], images: Array, rng: Generator
) -> Array:
    """Apply augmentations in order; geometric ones in a row, of one fill, as one map.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    images : ndarray of shape (n, height, width, channels)
        float32 or float64; never written to.
    rng : numpy.random.Generator
        Each augmentation draws from it in its turn.

    Returns
    -------
    ndarray
        Changed images of the same shape and dtype; `images` if nothing is to do.

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
                    f"but made {changed.shape} of it."
                )
            images = changed
    return _transform(waiting, images, rng)


def _fills(augmentations: Sequence[Geometric]) -> list[Fill]:
    """Return the different fills that there are."""
    return list(dict.fromkeys(a.fill for a in augmentations if a.fill is not None))


def _transform(
    augmentations: Sequence[Geometric], images: Array, rng: Generator
) -> Array:
    """Apply geometric augmentations of one fill as one map."""
    n, height, width, _ = images.shape
    matrices = _identities(n)
    for augmentation in augmentations:
        # The last acts on a place first: maps lead from the new image to the old one.
        matrices = matrices @ augmentation.draw(n, (height, width), rng)
    return warp(images, matrices, *_fills(augmentations))


def warp(images: Array, matrices: Array, fill: Fill = 0.0) -> Array:
    """Return images that show at each pixel p what is at the place ``matrix p`` now.

    Values between pixels are interpolated bilinearly; pixels that fall on pixels are
    copied.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        float32 or float64.
    matrices : ndarray of shape (n, 3, 3)
        Affine maps of ``(row, column, 1)``, in pixels from the centre of the image.
    fill : float or 'nearest', default=0.0
        What lies outside; a number is interpolated with the outermost pixels.

    Returns
    -------
    ndarray
        Of the shape and dtype of `images`; `images` if all maps are the identity.
    """
    if (matrices == np.eye(3)).all():
        return images
    n, height, width, _ = images.shape
    warped = np.empty_like(images, order="C")
    block = max(1, BLOCK // (height * width))
    for start in range(0, n, block):
        rows = slice(start, start + block)
        _warp(images[rows], matrices[rows], fill, out=warped[rows])
    return warped


BLOCK = 2**14
"""Pixels that are warped at a time: what is computed for them stays in the cache, and
in memory that the process need not ask for again."""


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
    """Return flat channels, each image in a frame of what lies outside.

    It is one pixel wide, since all places beyond are alike; one more behind the image
    is the neighbour that interpolation there asks for.
    """
    n, height, width, channels = images.shape
    planes = np.full((channels, n, height + 3, width + 3), fill, images.dtype)
    planes[:, :, 1:-2, 1:-2] = images.transpose(3, 0, 1, 2)
    return planes.reshape(channels, -1)


def _places(
    matrices: Array, axis: int, shape: tuple[int, int], dtype: DType, nearest: bool
) -> Array:
    """Return the row (`axis` 0) or column (1) of the framed image that pixels show.

    The shape is (n, height, width), or 1 instead of the length of the other axis where
    that has no influence. With `nearest` no place lies in the frame.
    """
    centre = [(length - 1) / 2 for length in shape]
    i = np.arange(shape[0])[:, None] - centre[0]
    j = np.arange(shape[1]) - centre[1]
    a, b, c = matrices[:, axis, :, None, None].swapaxes(0, 1)
    along, across = (a * i, b * j) if axis == 0 else (b * j, a * i)
    places = (along + (c + centre[axis] + 1)).astype(dtype)
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
"""The augmentations of images by the names of their classes."""
