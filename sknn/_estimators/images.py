"""Images as input: their shape, given or guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._typing import Matrix
from .inputs import Rows
from .likely_mistakes import warn_if_pixels_are_large, warn_of_guessed_shape

ImageShape = tuple[int, int, int]
"""Height, width, channels."""


def guess_image_shape(n_features: int) -> ImageShape:
    """Return height, width and channels of images that are passed as rows.

    A square number of features is a square gray image, three times a square number a
    square color image, and any other number a strip one pixel high.
    """
    for channels in (1, 3):
        side = math.isqrt(n_features // channels)
        if channels * side**2 == n_features:
            return side, side, channels
    return 1, n_features, 1


PIL_IMAGES = (
    "X holds PIL images. Convert them to one array of images of the same size: "
    "numpy.stack([numpy.asarray(image.convert('RGB')) for image in X]), or "
    "convert('L') for gray."
)

DIFFERENT_SIZES = (
    "X must be an array of rows, or of images of one size, (n, H, W) or (n, H, W, C), "
    "but its images have different shapes: resize the images and numpy.stack them."
)


def check_image_array(X: Any) -> Any:
    """Return images as an array, a sparse matrix or a data frame; raise if they vary.

    Tensors and lists become arrays.
    """
    if hasattr(X, "convert"):
        raise ValueError(PIL_IMAGES)
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
    """Raise if height, width and channels look like another order, or like RGBA."""
    height, _, channels = images
    if channels == 4:
        raise ValueError(
            f"X holds images of {images} (height, width, channels). Four channels are "
            "usually RGBA: drop the transparency, X[..., :3], or pass "
            f"input_shape={images} to use all four."
        )
    if height in (1, 3, 4) and channels > 4:
        raise ValueError(
            f"X holds images of {images} (height, width, channels), which look like "
            "channels first. Pass X.transpose(0, 2, 3, 1), or "
            f"input_shape={images} if the order is right."
        )


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
        Whether the pixels are bytes (uint8), which are divided by 255, or numbers,
        which are used unchanged.
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
        # Any X that is not a matrix is refused later, with scikit-learn's message.
        guessed = guess_image_shape(n_features or 1)
        return cls(shape or guessed, shape is None, dtype_names(X) == {BYTES})

    @property
    def is_strip(self) -> bool:
        """Whether the images are guessed to be one pixel high: probably a table."""
        return self.is_guessed and 1 in self.image_shape[:2]

    def rows(self, X: Any) -> Any:
        array = check_image_array(X)
        self._check_shape(array)
        self._check_pixels(array, X)
        if shape_of_images(array) is None:
            return array
        return array.reshape(array.shape[0], math.prod(self.image_shape))

    def warn_of_likely_mistakes(self, X: Matrix) -> None:
        if self.is_guessed:
            warn_of_guessed_shape(self.image_shape, X.shape[1])
        if not self.reads_bytes:
            warn_if_pixels_are_large(X)

    def _check_shape(self, X: Any) -> None:
        """Raise if the images do not have the shape of those of `fit`."""
        images, is_row = shape_of_images(X), n_columns(X) == math.prod(self.image_shape)
        if X.shape in (self.image_shape[:2], self.image_shape) and not is_row:
            raise ValueError(
                f"X is a single image of {X.shape}. Pass X[numpy.newaxis], an array "
                "with this image only."
            )
        if images not in (None, self.image_shape):
            raise ValueError(
                f"X holds images of {images} (height, width, channels), but the "
                f"network was fitted on images of {self.image_shape}."
            )

    def _check_pixels(self, array: Any, X: Any) -> None:
        """Raise unless the pixels are bytes, or numbers, as those of `fit`.

        `array` is what `check_image_array` returns for the user's `X`.
        """
        dtypes = dtype_names(array)
        if (dtypes == {BYTES}) == self.reads_bytes:
            return
        name = "X" if hasattr(X, "astype") else "numpy.asarray(X)"
        if self.reads_bytes:
            raise ValueError(
                "The network was fitted on bytes (uint8), which it divides by 255, but "
                f"X has dtype {', '.join(sorted(dtypes))}. Pass "
                f"{name}.astype(numpy.uint8) if the values are integers from 0 to 255, "
                f"or numpy.rint({name} * 255).astype(numpy.uint8) if they are in "
                "[0, 1]."
            )
        raise ValueError(
            "The network was fitted on numbers, which it uses unchanged, but X has "
            f"dtype uint8 (bytes), which would be divided by 255. Pass "
            f"{name}.astype(float), scaled as the training images were."
        )


BYTES = "uint8"
"""The dtype of pixels that are divided by 255."""


def dtype_names(X: Any) -> set[str]:
    """Return the names of the dtypes of an array, or of the columns of a data frame."""
    dtypes = X.dtypes if hasattr(X, "columns") else [X.dtype]
    return {plain_dtype(dtype) for dtype in dtypes}


def plain_dtype(dtype: Any) -> str:
    """Return NumPy's name of a dtype, also of pandas' nullable, Arrow or sparse one."""
    inner = getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype))
    return str(inner).lower()


def n_columns(X: Any) -> int | None:
    """Return the number of columns of a matrix; None for any other shape."""
    return X.shape[1] if len(X.shape) == 2 else None


def shape_of_images(X: Any) -> ImageShape | None:
    """Return height, width and channels of an array of images; None for rows."""
    if len(X.shape) not in (3, 4):
        return None
    height, width, channels = (*X.shape[1:], 1)[:3]
    return int(height), int(width), int(channels)


def n_pixels(input_shape: Sequence[Any] | None) -> int | None:
    """Return the number of features of images of the parameter `input_shape`."""
    if input_shape is None:
        return None
    return math.prod(given_image_shape(input_shape, None, None))


def given_image_shape(
    given: Sequence[Any], images: ImageShape | None, n_features: int | None
) -> ImageShape:
    """Return the parameter `input_shape`; raise if `X` has another shape."""
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
            f"input_shape={given} has {math.prod(shape)} pixel values, but X has "
            f"{n_features} columns."
        )
    return shape


def check_input_shape(input_shape: Sequence[Any] | None, input: Rows) -> None:
    """Raise if the parameter `input_shape` was changed before training resumes."""
    if input_shape is None:
        return
    if given_image_shape(input_shape, None, None) != input.image_shape:
        kind = "rows" if input.image_shape is None else f"images of {input.image_shape}"
        raise ValueError(
            f"input_shape is now {input_shape}, but the network was fitted on {kind}. "
            "Refit with warm_start=False, or leave input_shape as it was."
        )
