"""Warnings about data and parameters that are valid but probably not meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._typing import Array, Matrix
from ..layers import Activation, Dense, DropConnect, Layer
from ..losses import Quantile
from .input_checks import warn_caller

LARGE_PIXEL = 100
"""Pixels that are never negative and reach this value are probably bytes as floats.
Standardized pixels can be larger, but some of them are negative."""


def warn_if_one_hot(y: Array) -> None:
    """Warn if the label indicators `y` (n, n_labels) look like one-hot classes."""
    n_rows, n_labels = y.shape
    # In a few rows, exactly one label each can be chance.
    if n_rows >= n_labels > 1 and (y.sum(axis=1) == 1).all():
        warn_caller(
            "y has one column per class with exactly one 1 per row, which is taken for "
            "multilabel targets. For classes, pass y.argmax(axis=1). For labels, "
            "warnings.filterwarnings('ignore', 'y has one column per class') switches "
            "this warning off."
        )


def warn_if_quantile_is_not_used(quantile: Any, loss: Any) -> None:
    """Warn if a quantile was chosen, but the loss predicts something else."""
    if loss == "quantile" or isinstance(loss, Quantile):
        return
    if np.array_equal(quantile, 0.5):  # the default
        return
    warn_caller(
        f"quantile={quantile!r} has no effect, since loss={loss!r}: the predictions "
        "are not quantiles. Set loss='quantile' to predict them, or leave quantile at "
        "its default, 0.5."
    )


def warn_if_ends_in_output_layer(
    layers: Sequence[Layer], n_outputs: int, n_classes: int
) -> None:
    """Warn if the user's last layer looks like the output layer, which is added."""
    last = layers[-1] if layers else None
    is_probability = last == Activation("logistic") and len(layers) > 1
    if is_probability:  # as Keras ends a network for two classes
        last = layers[-2]
    dense = last.dense if isinstance(last, DropConnect) else last
    if not isinstance(dense, Dense) or dense.units not in (n_outputs, n_classes):
        return
    warn_caller(
        f"layers ends in {last!r}, which is taken for a hidden layer: the output "
        f"layer, {Dense(n_outputs)!r}, is added after it. If it was meant as the "
        "output layer, leave it out. If it is a hidden layer, end the list with "
        "Activation('identity') to switch this warning off."
    )


def warn_if_pixels_are_large(X: Matrix) -> None:
    """Warn if the pixels of the checked rows `X` need to be scaled."""
    if not isinstance(X, np.ndarray) and not X.has_canonical_format:
        X = X.copy()  # SciPy sorts and adds up what is stored, in place
    largest = X.max()
    if largest < LARGE_PIXEL or X.min() < 0:
        return
    bytes_too = ", or pass bytes, X.astype(numpy.uint8)" if largest <= 255 else ""
    warn_caller(
        f"X has pixels up to {largest:g}, which are used unchanged. Networks learn "
        f"best from pixels in [0, 1]: divide X by its largest value{bytes_too}. "
        "warnings.filterwarnings('ignore', 'X has pixels') switches this warning off."
    )


FAR_AWAY = 10.0
"""Median of the distances of the means of columns, in standard deviations, from which a
validation set is not like the training rows: standardized rows beside raw ones, say."""

N_ROWS = 1000
"""Number of rows that are compared, and 30 at least."""


def warn_if_scaled_otherwise(X: Matrix, X_val: Matrix) -> None:
    """Warn if validation rows are on another scale than the training rows."""
    if issparse(X) or issparse(X_val) or len(X) < 30:
        return
    rows = X[:: len(X) // N_ROWS + 1].astype(np.float64)
    val = X_val[:: len(X_val) // N_ROWS + 1].astype(np.float64)
    std = rows.std(axis=0)
    varies = std > 0
    far = np.abs(val.mean(axis=0) - rows.mean(axis=0))[varies] / std[varies]
    if not far.size or np.median(far) <= FAR_AWAY:
        return
    warn_caller(
        "X_val is not on the scale of X: the means of half of the columns differ by "
        f"{np.median(far):.3g} standard deviations or more. Transform X_val as X was "
        "transformed. A Pipeline does so only if it is created with "
        "transform_input=['X_val'] and metadata routing is enabled."
    )


def warn_of_guessed_shape(image_shape: tuple[int, int, int], n_features: int) -> None:
    """Warn if rows were taken for images other than square gray ones."""
    height, width, channels = image_shape
    if channels > 1:
        warn_caller(
            f"X has rows of {n_features} features, which were taken for color images "
            f"of {height} × {width} × {channels} (channels last). Pass "
            f"input_shape={image_shape} to switch this warning off, or another "
            "input_shape. For a table, use MLPClassifier or MLPRegressor."
        )
    elif height == 1:
        warn_caller(
            f"X has rows of {n_features} features, which were taken for images of "
            f"{height} × {width}. For a table, use MLPClassifier or MLPRegressor. For "
            "images of another shape, pass input_shape. To switch this warning off, "
            f"pass input_shape=({height}, {width}) and windows one pixel high: a pair "
            "such as (1, 3) for each block in kernel_size, and (1, 2) in pool_size."
        )


def warn_of_reduced_windows(
    image_shape: tuple[int, int, int], changes: Sequence[str]
) -> None:
    """Warn if kernels or pooling windows were reduced to the size of an image."""
    if not changes:
        return
    height, width, _ = image_shape
    warn_caller(
        f"X has rows that were taken for images of {height} × {width}, which are too "
        f"small for some windows: {'; '.join(changes)}. Choose smaller windows or "
        "fewer blocks; with input_shape, windows are never reduced."
    )
