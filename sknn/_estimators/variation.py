"""Variation of the rows of a training batch: mixup and augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._typing import Array, Matrix

if TYPE_CHECKING:
    from ..augmentation import Augmentation


@dataclass(frozen=True)
class Variation:
    """How the rows of a batch are varied in training.

    Attributes
    ----------
    mixup : float
        Parameter of the distribution of the mixing proportions; 0 for no mixup.
    augmentations : tuple of Augmentation
        Applied to the images of a batch in this order.
    image_shape : tuple of int or None
        Height, width and channels of the images.
    """

    mixup: float = 0.0
    augmentations: tuple[Augmentation, ...] = ()
    image_shape: tuple[int, int, int] | None = None

    def augment(self, rng: np.random.Generator) -> AugmentRows | None:
        """Return a function that augments rows, with its own random stream.

        Without augmentation, None.
        """
        if not self.augmentations or self.image_shape is None:
            return None
        # Masks and mixup do not depend on augmentation.
        return AugmentRows(self.augmentations, self.image_shape, rng.spawn(1)[0])


@dataclass
class AugmentRows:
    """A function that augments the images in rows, with its own random stream."""

    steps: tuple[Augmentation, ...]
    shape: tuple[int, int, int]
    rng: np.random.Generator

    def __call__(self, x: Matrix) -> Array:
        from ..augmentation import augment  # most networks need no augmentation

        x = x if isinstance(x, np.ndarray) else x.toarray()
        images = x.reshape(-1, *self.shape)
        return augment(list(self.steps), images, self.rng).reshape(x.shape)
