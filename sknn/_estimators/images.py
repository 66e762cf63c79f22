"""Images as input: their shape, given or guessed, and their augmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..augmentation import Augmentation, Mixup
from .inputs import Rows
from .variation import Variation

ImageShape = tuple[int, int, int]
"""Height, width, channels."""

IMAGE_CONSTRAINTS: dict[str, Any] = {
    "input_shape": [tuple, list, None],
    "augmentation": [Augmentation, Mixup, list, tuple, None],
}
"""The values that the parameters of this file may have."""


def guess_image_shape(n_features: int) -> ImageShape:
    """Return height, width and channels of images that come as rows of numbers.

    A square number is a square image in grey, three times a square one in colour;
    anything else is a strip of pixels, one high.
    """
    for channels in (1, 3):
        side = math.isqrt(n_features // channels)
        if channels * side**2 == n_features:
            return side, side, channels
    return 1, n_features, 1


PIL_IMAGES = (
    "X holds PIL images. Make an array of them, all of one size: "
    "numpy.stack([numpy.asarray(image.convert('RGB')) for image in X]), or "
    "convert('L') for grey."
)

DIFFERENT_SIZES = (
    "X must be an array of images of one size, (n, H, W) or (n, H, W, C), or of rows. "
    "What came differs in shape: resize the images, and numpy.stack them."
)


def check_image_array(X: Any) -> Any:
    """Return images as an array; say how to make one of what is none."""
    is_list = isinstance(X, list | tuple)
    if is_list or (isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 1):
        if any(hasattr(image, "convert") for image in X):
            raise ValueError(PIL_IMAGES)
        if not is_list and any(np.ndim(image) > 1 for image in X):
            raise ValueError(DIFFERENT_SIZES)
    if isinstance(X, np.ndarray) or issparse(X) or hasattr(X, "columns"):
        return X
    try:
        return np.asarray(X)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(DIFFERENT_SIZES) from None
        raise


def check_channels(images: ImageShape) -> None:
    """Raise where height, width and channels look like another order or RGBA."""
    height, _, channels = images
    if channels == 4:
        raise ValueError(
            f"X holds images of {images} (height, width, channels): four channels are "
            "RGBA as a rule. Drop the transparency, X[..., :3], or pass "
            f"input_shape={images} if all four are meant."
        )
    if height in (1, 3, 4) and channels > 4:
        raise ValueError(
            f"X holds images of {images} (height, width, channels), which look like "
            "channels first. Pass X.transpose(0, 2, 3, 1), or "
            f"input_shape={images} if this is meant."
        )


def holds_bytes(X: Any) -> bool:
    """Return whether `X` holds bytes (uint8), whatever its container."""
    dtypes = getattr(X, "dtypes", None)  # of each column of a data frame
    if dtypes is not None:
        return (
            all(str(dtype).lower() == "uint8" for dtype in dtypes) and len(dtypes) > 0
        )
    return str(getattr(X, "dtype", None)).rpartition(".")[2] == "uint8"


@dataclass(frozen=True)
class Images(Rows):
    """Images, (n, H, W), (n, H, W, C), or rows of their pixels. Immutable.

    Attributes
    ----------
    image_shape : tuple of int
        Height, width and channels.
    is_guessed : bool
        Whether `image_shape` is a guess from the number of columns.
    reads_bytes : bool
        Whether the pixels are bytes (uint8), which become fractions of 255, or numbers,
        which stay as they are.
    """

    image_shape: ImageShape
    is_guessed: bool = False
    reads_bytes: bool = False

    @classmethod
    def learn(cls, X: Any, input_shape: Sequence[int] | None) -> Images:
        """Learn from the rows that an estimator is fitted on."""
        X = check_image_array(X)
        images = shape_of_images(X)
        shape, n_features = images, n_columns(X)
        if input_shape is not None:
            shape = given_image_shape(input_shape, images, n_features)
        elif images is not None:
            check_channels(images)
        # What is no matrix is refused later, in scikit-learn's words.
        guessed = guess_image_shape(n_features or 1)
        return cls(shape or guessed, shape is None, holds_bytes(X))

    def rows(self, X: Any) -> Any:
        X = check_image_array(X)
        images = shape_of_images(X)
        self._check_pixels(X)
        if images not in (None, self.image_shape):
            raise ValueError(
                f"X holds images of {images} (height, width, channels), but the "
                f"network was fitted on images of {self.image_shape}."
            )
        return X if images is None else X.reshape(len(X), math.prod(self.image_shape))

    def _check_pixels(self, X: Any) -> None:
        """Raise where pixels are not of the kind that the network was fitted on."""
        n_features = math.prod(self.image_shape)
        if X.shape == self.image_shape[:2] and X.shape[1] != n_features:
            raise ValueError(
                f"X is a single image of {X.shape}. Pass X[numpy.newaxis], an array "
                "with this image only."
            )
        if holds_bytes(X) == self.reads_bytes:
            return
        if self.reads_bytes:
            raise ValueError(
                "The network was fitted on bytes (uint8), which it divides by 255, but "
                f"X holds numbers ({dtype_name(X)}). Pass X.astype(numpy.uint8) if "
                "they are integers from 0 to 255, or "
                "numpy.rint(X * 255).astype(numpy.uint8) if they are in [0, 1]."
            )
        raise ValueError(
            "The network was fitted on numbers, which it takes as they are, but X "
            "holds bytes (uint8), which it would divide by 255. Pass X.astype(float), "
            "scaled as the training images were."
        )


def n_columns(X: Any) -> int | None:
    """Return the number of columns of a matrix; None for any other shape."""
    return X.shape[1] if len(X.shape) == 2 else None


def dtype_name(X: Any) -> str:
    """Return the dtype of an array or of the first column of a data frame."""
    dtypes = getattr(X, "dtypes", None)
    return str(X.dtype if dtypes is None else next(iter(dtypes)))


def shape_of_images(X: Any) -> ImageShape | None:
    """Return height, width and channels of an array of images; None for rows."""
    if len(X.shape) not in (3, 4):
        return None
    height, width, channels = (*X.shape[1:], 1)[:3]
    return int(height), int(width), int(channels)


def given_image_shape(
    given: Sequence[Any], images: ImageShape | None, n_features: int | None
) -> ImageShape:
    """Return the parameter `input_shape`; raise if it is not the shape of X."""
    if len(given) not in (2, 3) or not all(
        isinstance(side, Integral) and int(side) >= 1 for side in given
    ):
        raise ValueError(
            "input_shape must be (height, width) or (height, width, channels), "
            f"positive integers, got {given!r}."
        )
    height, width, channels = (int(side) for side in (*given, 1)[:3])
    shape = height, width, channels
    if images not in (None, shape):
        raise ValueError(
            f"input_shape={given} does not match X, which holds images of {images} "
            "(height, width, channels)."
        )
    if images is None and n_features not in (None, math.prod(shape)):
        raise ValueError(
            f"input_shape={given} has {math.prod(shape)} numbers, but X has "
            f"{n_features} columns."
        )
    return shape


def image_variation(
    augmentation: Any, mixup: float, input: Rows, n_features: int
) -> Variation:
    """Return how the images of a batch are varied, from the parameters."""
    steps = augmentation if isinstance(augmentation, list | tuple) else [augmentation]
    steps = [] if augmentation is None else list(steps)
    for step in steps:
        if not isinstance(step, Augmentation | Mixup):
            raise ValueError(
                "augmentation must be a list of objects of sknn.augmentation, such as "
                f"[RandomFlip(), RandomShift()], got {step!r} in it."
            )
    augmentations = [step for step in steps if isinstance(step, Augmentation)]
    shape = input.image_shape
    is_strip = (
        isinstance(input, Images) and input.is_guessed and 1 in input.image_shape[:2]
    )
    if augmentations and (shape is None or is_strip):
        raise ValueError(
            "augmentation needs images, (n, H, W) or (n, H, W, C), but X has rows of "
            f"{n_features} features that do not form images. Pass input_shape if they "
            "do, or augmentation=None."
        )
    alphas = [step.alpha for step in steps if isinstance(step, Mixup)]
    alphas += [mixup] if mixup else []
    if len(alphas) > 1:
        raise ValueError(
            f"mixup is specified {len(alphas)} times: pass either mixup or one Mixup() "
            "in augmentation."
        )
    return Variation(alphas[0] if alphas else 0.0, tuple(augmentations), shape)
