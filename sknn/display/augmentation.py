"""AugmentationDisplay: images next to what random augmentation makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from .._arrays import as_floats
from .._estimator import noise_stream
from .._images import guess_image_shape
from .._network_finder import find_innermost
from .._sklearn import check_matplotlib_support
from .._typing import Array
from ..augmentation import Augmentation, augment
from ._plotting import as_axes, fitting_size, mosaic, new_axes


class AugmentationDisplay:
    """Images as they are, and as random augmentation shows them to the network.

    Use :meth:`from_estimator` or :meth:`from_augmentation` to make one. Each row is an
    image, the original on the left. What a viewer could not tell from the original is
    harmless; what no longer looks like its class is too strong.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width, n_channels)
        The originals, with 1 or 3 channels.
    draws : array-like of shape (n_draws, n_images, height, width, n_channels)
        What they were changed into.

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
    >>> from sklearn.datasets import load_digits
    >>> from sknn.augmentation import RandomRotation, RandomShift
    >>> from sknn.display import AugmentationDisplay
    >>> images = load_digits().images[:3]
    >>> display = AugmentationDisplay.from_augmentation(
    ...     [RandomRotation(20), RandomShift(0.1)], images, random_state=0
    ... )  # doctest: +SKIP
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
        """Draw what the ``augmentation`` of an estimator makes of images.

        Parameters
        ----------
        estimator : estimator
            With a parameter ``augmentation``, as those of convolutional networks have
            it; fitted or not. Also a pipeline or a fitted search that ends with one.
        X : array-like of shape (n_samples, height, width), \
(n_samples, height, width, n_channels) or (n_samples, n_features)
            Images as the network gets them; in rows of numbers they have the shape that
            the estimator knows.
        n_images : int, default=4
            How many images to draw at most: the first ones.
        n_draws : int, default=6
            How many changed images to draw of each.
        random_state : int, RandomState instance or None, default=None
            Decides the draws.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the estimator has no augmentation, or the images are neither in grey nor
            in three colours.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        final = find_innermost(estimator).estimator
        given = getattr(final, "augmentation", None)
        steps = given if isinstance(given, list | tuple) else [given]
        # Mixup is carried out on a batch with its targets: there is nothing to see.
        augmentations = [step for step in steps if isinstance(step, Augmentation)]
        if not augmentations:
            raise ValueError(
                "AugmentationDisplay draws the augmentation of estimator, but "
                f"{type(final).__name__} has none. Set augmentation=[...], of a "
                "convolutional network, with objects of sknn.augmentation."
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
        """Draw what augmentations make of images.

        Parameters
        ----------
        augmentations : Augmentation or sequence of Augmentation
            What is done to the images, in that order.
        images : array-like of shape (n_images, height, width) or \
(n_images, height, width, n_channels)
            Images in grey or in colour, of floats or bytes. A row is drawn for each.
        n_draws : int, default=6
            How many changed images to draw of each.
        random_state : int, RandomState instance or None, default=None
            Decides the draws.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the images are neither in grey nor in three colours.
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
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : AugmentationDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        images, draws = np.asarray(self.images), np.asarray(self.draws)
        # The scale is that of the originals, so that changes of brightness are seen.
        low, high = min(0.0, images.min()), max(1.0, images.max())
        columns = [(part - low) / (high - low) for part in (images, *draws)]
        rows = list(zip(*columns, strict=True))
        whole = np.clip(mosaic(rows, fill=np.nan), 0, 1)
        grey = whole.shape[-1] == 1
        whole = whole[..., 0] if grey else np.nan_to_num(whole, nan=1.0)
        axes = new_axes(figsize=fitting_size(whole)) if ax is None else ax
        self.ax_ = as_axes(axes, 1)[0]
        self.figure_ = self.ax_.figure
        style = {"cmap": "gray", "vmin": 0, "vmax": 1, **kwargs}
        self.image_ = self.ax_.imshow(whole, **style)
        self._label_columns(whole.shape[1] / len(columns), len(columns))
        return self

    def _label_columns(self, width: float, n_columns: int) -> None:
        """Write above the first column that it is the original."""
        self.ax_.xaxis.tick_top()
        places = [width / 2, width * (n_columns + 1) / 2]
        self.ax_.set_xticks(places, ["original", "random draws"])
        self.ax_.set_yticks([])
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)


def check_images(images: Any) -> Array:
    """Return images in grey or in colour as floats (n, height, width, channels)."""
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
