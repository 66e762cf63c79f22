"""FilterDisplay: the weights of the first layer as images."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._estimators.images import guess_image_shape
from .._sklearn import check_matplotlib_support
from .._typing import Array
from ..layers import Flatten
from ._plotting import fitted_estimator, fitting_size, mosaic, single_axes


class FilterDisplay:
    """The weights of the first layer as images: what its units respond to.

    Create one with :meth:`from_estimator`. A convolution has a small image per kernel,
    a dense layer an image of the size of the input per unit. White is a weight of 0.
    With three input channels the images are in color, and gray is 0. With any other
    number of several channels, each row of images is one filter, one channel per image.

    Parameters
    ----------
    filters : array-like of shape (n_filters, height, width, n_channels)
        The weights.
    n_columns : int, default=8
        Number of images per row.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        All images, joined into one.
    colorbar_ : matplotlib Colorbar or None
        The scale of the weights; None in color.
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import CNNClassifier
    >>> from sknn.display import FilterDisplay
    >>> digits = load_digits()
    >>> clf = CNNClassifier(8, learning_rate="cosine", max_iter=2, random_state=0)
    >>> clf = clf.fit(digits.images / 16, digits.target)
    >>> display = FilterDisplay.from_estimator(clf)
    >>> display.filters.shape
    (8, 3, 3, 1)
    """

    image_: Any
    colorbar_: Any
    ax_: Any
    figure_: Any

    def __init__(self, *, filters: ArrayLike, n_columns: int = 8) -> None:
        self.filters = filters
        self.n_columns = n_columns

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_filters: int = 32,
        input_shape: tuple[int, ...] | None = None,
        n_columns: int = 8,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the first layer of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of sknn, or a pipeline or fitted search that ends with
            one.
        n_filters : int, default=32
            Maximum number of filters to draw. The first ones are used.
        input_shape : tuple of int, default=None
            Height, width and channels (1 if left out) of the images that a dense layer
            takes as flat rows. None uses the shape that the network knows, or guesses a
            square image, gray or in color.
        n_columns : int, default=8
            Number of images per row.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : FilterDisplay
            The display, already drawn.

        Raises
        ------
        NotFittedError
            If the estimator, or the search, is not fitted.
        TypeError
            If it has no network, or the search was run with ``refit=False``.
        ValueError
            If the input of a dense layer does not have the size of `input_shape`, or,
            without `input_shape`, that of a square image.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        final = fitted_estimator(estimator, "network_", cls)
        if n_filters < 1:
            raise ValueError(f"n_filters must be 1 or more, got {n_filters}.")
        W, shape = first_weights(final.network_)
        if W.ndim == 4:  # a convolution: (filters, channels, height, width)
            filters = W.transpose(0, 2, 3, 1)
        else:
            shape = shape or getattr(final, "input_shape_", None)
            filters = W.T.reshape(-1, *image_shape(shape, len(W), input_shape))
        display = cls(filters=filters[:n_filters].copy(), n_columns=n_columns)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : FilterDisplay
            The display itself.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        filters = np.asarray(self.filters, dtype=float)
        largest = np.abs(filters[np.isfinite(filters)]).max(initial=0) or 1.0
        in_color = filters.shape[-1] == 3
        if in_color:
            filters = np.nan_to_num(0.5 + 0.5 * filters / largest)
        whole = mosaic(self._rows(filters, in_color), fill=1.0 if in_color else np.nan)
        self.ax_ = single_axes(ax, figsize=fitting_size(whole))
        self.figure_ = self.ax_.figure
        style = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest, **kwargs}
        self.image_ = self.ax_.imshow(whole, **style)
        self.ax_.set_axis_off()
        self.colorbar_ = None
        if not in_color:
            self.colorbar_ = self.figure_.colorbar(
                self.image_, ax=self.ax_, label="Weight"
            )
        return self

    def _rows(self, filters: Array, in_color: bool) -> list[list[Array]]:
        """Return the images row by row."""
        if filters.shape[-1] > 1 and not in_color:
            return [list(channels) for channels in filters.transpose(0, 3, 1, 2)]
        images = list(filters if in_color else filters[..., 0])
        n = self.n_columns
        return [images[i : i + n] for i in range(0, len(images), n)]


def first_weights(network: Any) -> tuple[Array, tuple[int, ...] | None]:
    """Return the weights of the first layer that has any, and the shape of its images.

    The shape is that of the images that were flattened before a dense layer, or None.
    The rows of the weights are in its order: height, width, channels.
    """
    shape = None
    layers = zip(network.layers, network.params, network.specs, strict=True)
    for layer, params, spec in layers:
        if isinstance(layer, Flatten) and len(spec.in_shape) == 3:
            C, *sides = spec.in_shape
            shape = (*sides, C)
        for name, param in spec.params.items():
            if not param.decay or params[name].ndim not in (2, 4):
                continue
            W = params[name]
            if shape is not None:
                W = np.moveaxis(W.reshape(C, *sides, -1), 0, 2).reshape(W.shape)
            return W, shape
    raise ValueError(f"FilterDisplay found no layer with weights in {network!r}.")


def image_shape(
    known: tuple[int, ...] | None,
    n_features: int,
    input_shape: tuple[int, ...] | None,
) -> tuple[int, ...]:
    """Return height, width and channels of the images that a dense layer takes."""
    if input_shape is not None:
        shape = (*input_shape, 1)[:3]
        if len(input_shape) not in (2, 3) or math.prod(shape) != n_features:
            raise ValueError(
                "input_shape must be (height, width) or (height, width, channels) of "
                f"images with {n_features} values, got {input_shape!r}."
            )
        return shape
    shape = known or guess_image_shape(n_features)
    if math.prod(shape) != n_features or shape[0] == 1:
        raise ValueError(
            f"The first layer has {n_features} inputs, which are not a square image. "
            "Pass input_shape=(height, width) or (height, width, channels)."
        )
    return shape
