"""AugmentationDisplay: images next to randomly augmented versions of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from .._arrays import as_floats
from .._estimators.images import guess_image_shape
from .._estimators.run import noise_stream
from .._network_finder import find_innermost
from .._sklearn import check_matplotlib_support
from .._typing import Array
from ..augmentation import Augmentation, augment
from ._plotting import fitting_size, mosaic, single_axes


class AugmentationDisplay:
    """Images, and randomly augmented versions of them as the network sees them.

    Create one with :meth:`from_estimator` or :meth:`from_augmentation`. Each row shows
    one image, with the original on the left. An augmentation is too strong if the
    images no longer look like their class.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width, n_channels)
        The originals, with 1 or 3 channels.
    draws : array-like of shape (n_draws, n_images, height, width, n_channels)
        The augmented images.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        All images, as one.
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sknn.augmentation import RandomRotation, RandomShift
    >>> from sknn.display import AugmentationDisplay
    >>> images = load_digits().images[:3]
    >>> display = AugmentationDisplay.from_augmentation(
    ...     [RandomRotation(20), RandomShift(0.1)], images, random_state=0
    ... )
    >>> display.images.shape, np.shape(display.draws)
    ((3, 8, 8, 1), (6, 3, 8, 8, 1))
    """

    image_: Any
    ax_: Any
    figure_: Any

    def __init__(self, *, images: ArrayLike, draws: ArrayLike) -> None:
        self.images = images
        self.draws = draws

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_images: int = 4,
        n_draws: int = 6,
        random_state: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images changed by the ``augmentation`` of an estimator.

        Parameters
        ----------
        estimator : estimator
            An estimator with a parameter ``augmentation``, such as `CNNClassifier`,
            fitted or not; or a pipeline or fitted search that ends with one.
        X : array-like of shape (n_samples, height, width), \
(n_samples, height, width, n_channels) or (n_samples, n_features)
            Images in the form that the network takes. Flat rows have the
            ``input_shape`` of the estimator, or are guessed to be square.
        n_images : int, default=4
            Maximum number of images to draw. The first ones are used.
        n_draws : int, default=6
            Number of augmented versions of each image.
        random_state : int, RandomState instance or None, default=None
            Determines the random draws.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If the estimator has no augmentation, or the images have neither 1 nor 3
            channels.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        final = find_innermost(estimator).estimator
        given = getattr(final, "augmentation", None)
        steps = given if isinstance(given, list | tuple) else [given]
        # Mixup is left out: it mixes the rows of a batch, and their targets.
        augmentations = [step for step in steps if isinstance(step, Augmentation)]
        if not augmentations:
            raise ValueError(
                "AugmentationDisplay draws the augmentation of an estimator, but "
                f"{type(final).__name__} has none. Set the augmentation parameter of a "
                "convolutional network to a list of objects of sknn.augmentation."
            )
        images = np.asarray(X[:n_images])
        if images.ndim == 2:
            shape = getattr(final, "input_shape_", None) or final.input_shape
            shape = shape or guess_image_shape(images.shape[1])
            images = images.reshape(-1, *shape)
        return cls.from_augmentation(
            augmentations,
            images,
            n_draws=n_draws,
            random_state=random_state,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_augmentation(
        cls,
        augmentations: Augmentation | Sequence[Augmentation],
        images: ArrayLike,
        *,
        n_draws: int = 6,
        random_state: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images changed by given augmentations.

        Parameters
        ----------
        augmentations : Augmentation or sequence of Augmentation
            The augmentations, applied in this order.
        images : array-like of shape (n_images, height, width) or \
(n_images, height, width, n_channels)
            Gray or color images, as floats or bytes. Each is drawn in one row.
        n_draws : int, default=6
            Number of augmented versions of each image.
        random_state : int, RandomState instance or None, default=None
            Determines the random draws.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If the images have neither 1 nor 3 channels.
        """
        check_matplotlib_support(f"{cls.__name__}.from_augmentation")
        if isinstance(augmentations, Augmentation):
            augmentations = [augmentations]
        originals = check_images(images)
        rng = noise_stream(check_random_state(random_state))
        draws = [augment(augmentations, originals, rng) for _ in range(n_draws)]
        return cls(images=originals, draws=draws).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        images, draws = np.asarray(self.images), np.asarray(self.draws)
        # On the scale of the originals, so that changes of brightness are visible.
        low, high = min(0.0, images.min()), max(1.0, images.max())
        columns = [(part - low) / (high - low) for part in (images, *draws)]
        rows = list(zip(*columns, strict=True))
        whole = np.clip(mosaic(rows, fill=np.nan), 0, 1)
        gray = whole.shape[-1] == 1
        whole = whole[..., 0] if gray else np.nan_to_num(whole, nan=1.0)
        self.ax_ = single_axes(ax, figsize=fitting_size(whole))
        self.figure_ = self.ax_.figure
        style = {"cmap": "gray", "vmin": 0, "vmax": 1, **kwargs}
        self.image_ = self.ax_.imshow(whole, **style)
        self._label_columns(whole.shape[1] / len(columns), len(columns))
        return self

    def _label_columns(self, width: float, n_columns: int) -> None:
        """Label the column of the originals, and the columns of augmented images."""
        self.ax_.xaxis.tick_top()
        places = [width / 2, width * (n_columns + 1) / 2]
        self.ax_.set_xticks(places, ["original", "augmented"])
        self.ax_.set_yticks([])
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)


def check_images(images: Any) -> Array:
    """Return gray or color images as floats (n, height, width, channels)."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if (
        images.ndim != 4
        or images.shape[-1] not in (1, 3)
        or not math.prod(images.shape)
    ):
        raise ValueError(
            "images must be of shape (n, height, width) or (n, height, width, "
            f"n_channels) with 1 or 3 channels, got shape {images.shape}."
        )
    if images.dtype in (np.float32, np.float64):
        return images
    return as_floats(images, np.dtype(np.float64))
