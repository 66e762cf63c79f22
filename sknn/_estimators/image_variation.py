"""The parameters of image estimators: valid values, and how training varies images."""

from __future__ import annotations

from typing import Any

from .._sklearn import ListOf
from ..augmentation import Augmentation, Mixup
from .images import Images
from .inputs import Rows
from .variation import Variation

IMAGE_CONSTRAINTS: dict[str, Any] = {
    "input_shape": [tuple, list, None],
    "augmentation": [Augmentation, Mixup, ListOf("these"), None],
}
"""The valid values of the parameters of image estimators."""


def image_variation(
    augmentation: Any, mixup: float, input: Rows, n_features: int
) -> Variation:
    """Return how the images of a batch are varied, from the parameters."""
    steps = augmentation if isinstance(augmentation, list | tuple) else [augmentation]
    steps = [] if augmentation is None else list(steps)
    for step in steps:
        if not isinstance(step, Augmentation | Mixup):
            raise ValueError(
                "augmentation must be a list of objects from sknn.augmentation, such "
                f"as [RandomFlip(), RandomShift()], got {step!r} in it."
            )
    augmentations = [step for step in steps if isinstance(step, Augmentation)]
    shape = input.image_shape
    is_strip = isinstance(input, Images) and input.is_strip
    if augmentations and (shape is None or is_strip):
        raise ValueError(
            "augmentation needs images, (n, H, W) or (n, H, W, C), but X has rows of "
            f"{n_features} features, which are not known to be images. Pass "
            "input_shape if they are, or augmentation=None."
        )
    alphas = [step.alpha for step in steps if isinstance(step, Mixup)]
    alphas += [mixup] if mixup else []
    if len(alphas) > 1:
        raise ValueError(
            f"mixup is specified {len(alphas)} times: pass either mixup or one Mixup() "
            "in augmentation."
        )
    return Variation(alphas[0] if alphas else 0.0, tuple(augmentations), shape)
