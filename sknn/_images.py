"""Images as input: their shape, given or guessed, as rows, and with augmentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from ._estimator import BaseNetworkEstimator
from ._typing import Array, Matrix
from .augmentation import Augmentation, Mixup, augment

ImageShape = tuple[int, int, int]
"""Height, width, channels."""


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
    if hasattr(X, "shape"):
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


class ImageInputMixin(BaseNetworkEstimator):
    """Estimators of images: (n, H, W), (n, H, W, C), or rows of numbers."""

    input_shape_: Any
    _reads_bytes: bool

    image_constraints: ClassVar[dict[str, Any]] = {
        "input_shape": [tuple, list, None],
        "augmentation": [Augmentation, Mixup, list, tuple, None],
    }

    def _reads_images(self, is_image: bool) -> bool:
        """Return whether the input is images; `is_image` tells that X has a shape."""
        return True

    def _kept_dtypes(self, first: bool) -> list[Any]:
        bytes_too = [] if self.input_shape_ is None else [np.uint8]
        return [*super()._kept_dtypes(first), *bytes_too]

    # -- shapes -------------------------------------------------------------------

    def _as_rows(self, X: Any, first: bool) -> Any:
        """Return images as rows, without a copy; on the first call learn their shape.

        The rows of a memory map are one too.
        """
        X = check_image_array(X)
        is_image = len(X.shape) in (3, 4)
        if first and not self._reads_images(is_image):
            self.input_shape_ = None
            return X
        if not first and self.input_shape_ is None:
            return X
        images = (*X.shape[1:], 1)[:3] if is_image else None
        if images is not None:
            X = X.reshape(len(X), math.prod(X.shape[1:]))
        if first:
            self.input_shape_ = self._find_input_shape(X, images)
            self._reads_bytes = getattr(X, "dtype", None) == np.uint8
            return X
        self._check_alike(X)
        if images not in (None, self.input_shape_):
            raise ValueError(
                f"X holds images of {images} (height, width, channels), but the "
                f"network was fitted on images of {self.input_shape_}."
            )
        return X

    def _check_alike(self, X: Any) -> None:
        """Raise where X is not of the kind that the network was fitted on."""
        if X.shape == self.input_shape_[:2] and X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X is a single image of {X.shape}. Pass X[numpy.newaxis], which holds "
                "one."
            )
        if self._reads_bytes and getattr(X, "dtype", np.dtype(float)).kind == "i":
            raise ValueError(
                "The network was fitted on bytes (uint8), which are divided by 255, "
                f"but X is of {X.dtype}. Pass X.astype(numpy.uint8), or floats in "
                "[0, 1]."
            )

    def _find_input_shape(self, X: Any, images: Any) -> ImageShape:
        """Return height, width and channels of the images in X."""
        self._shape_is_guessed = self.input_shape is None and images is None
        if self.input_shape is not None:
            return self._given_input_shape(X, images)
        if images is not None:
            check_channels(images)
            return images
        # What is no matrix is refused later, in scikit-learn's words.
        return guess_image_shape(X.shape[1] if len(X.shape) == 2 else 1)

    def _given_input_shape(self, X: Any, images: Any) -> ImageShape:
        """Return what `input_shape` says, if that is what X holds."""
        given = self.input_shape
        if len(given) not in (2, 3) or not all(
            isinstance(side, Integral) and int(side) >= 1 for side in given
        ):
            raise ValueError(
                "input_shape must be (height, width) or (height, width, channels), "
                f"whole numbers from 1 up, got {given!r}."
            )
        height, width, channels = (int(side) for side in (*given, 1)[:3])
        shape = height, width, channels
        if images not in (None, shape):
            raise ValueError(
                f"input_shape={self.input_shape} does not match X, which holds "
                f"images of {images} (height, width, channels)."
            )
        n_features = X.shape[1] if len(X.shape) == 2 else None
        if n_features not in (None, math.prod(shape)):
            raise ValueError(
                f"input_shape={self.input_shape} has {math.prod(shape)} numbers, "
                f"but X has {n_features} columns."
            )
        return shape

    # -- augmentation -------------------------------------------------------------

    def _augmentations(self) -> list[Any]:
        """Return the parameter `augmentation` as a list, checked."""
        given = self.augmentation
        if given is None:
            return []
        steps = list(given) if isinstance(given, list | tuple) else [given]
        for step in steps:
            if not isinstance(step, Augmentation | Mixup):
                raise ValueError(
                    "augmentation must be a list of objects of sknn.augmentation, such "
                    f"as [RandomFlip(), RandomShift()], got {step!r} in it."
                )
        shape = self.input_shape_
        varies = any(isinstance(step, Augmentation) for step in steps)
        if not varies:
            return steps
        if shape is None or (self._shape_is_guessed and 1 in shape[:2]):
            raise ValueError(
                "augmentation needs images, (n, H, W) or (n, H, W, C), but X has rows "
                f"of {self.n_features_in_} features that make none. Pass input_shape "
                "if they do, or augmentation=None."
            )
        return steps

    def _mixup_alpha(self) -> float:
        alphas = [a.alpha for a in self._augmentations() if isinstance(a, Mixup)]
        if self.mixup:
            alphas.append(self.mixup)
        if len(alphas) > 1:
            raise ValueError(
                f"mixup is asked for {len(alphas)} times: pass either mixup or one "
                "Mixup() in augmentation."
            )
        return alphas[0] if alphas else 0.0

    def _make_augment(
        self, rng: np.random.Generator
    ) -> Callable[[Matrix], Array] | None:
        steps = [a for a in self._augmentations() if isinstance(a, Augmentation)]
        if not steps:
            return None
        shape = self.input_shape_
        own = rng.spawn(1)[0]  # so that masks and mixup are the same without

        def augment_rows(x: Matrix) -> Array:
            x = x if isinstance(x, np.ndarray) else x.toarray()
            return augment(steps, x.reshape(-1, *shape), own).reshape(x.shape)

        return augment_rows
