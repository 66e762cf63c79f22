"""Variation of the rows of a training batch: mixup and augmentation."""

from __future__ import annotations

from collections.abc import Callable
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

    def augment(self, rng: np.random.Generator) -> Callable[[Matrix], Array] | None:
        """Return a function that augments rows, with its own random stream.

        Without augmentation, None.
        """
        if not self.augmentations or self.image_shape is None:
            return None
        from ..augmentation import augment  # most networks need no augmentation

        steps, shape = list(self.augmentations), self.image_shape
        own = rng.spawn(1)[0]  # masks and mixup do not depend on augmentation

        def augment_rows(x: Matrix) -> Array:
            x = x if isinstance(x, np.ndarray) else x.toarray()
            return augment(steps, x.reshape(-1, *shape), own).reshape(x.shape)

        return augment_rows
