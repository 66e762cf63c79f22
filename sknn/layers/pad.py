"""Padding: a border of constant pixels around images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import batch_empty
from .._spec import check_range, is_integer_from, spec
from .._typing import Array, Shape
from ._windows import check_images
from .base import Layer, LayerSpec, Workspace

Sides = int | tuple[int, int]
"""The number of pixels on both sides of an axis, or on each."""


@spec
class Pad(Layer):
    """Surround images with pixels of a constant value.

    x is (n, channels, height, width). Backward: dx is the part of dy that is not in the
    border. Convolutions pad with zeros by themselves (see `sknn.layers.Conv2D`);
    pooling does not.

    Parameters
    ----------
    padding : int, (int, int) or ((int, int), (int, int))
        Number of pixels on each side; or one for top and bottom, and one for left and
        right; or the pairs (top, bottom) and (left, right), as in `numpy.pad`.
    value : float, default=0.0
        Value of the pixels in the border.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    One row of pixels at the top, and two columns on the right:

    >>> import numpy as np
    >>> from sknn.layers import Pad
    >>> from sknn.network import Network
    >>> layer = Pad(((1, 0), (0, 2)), value=-1.0)
    >>> network = Network([layer], in_shape=(1, 2, 2), dtype=np.dtype(float))
    >>> print(network.scores(np.ones((1, 1, 2, 2)))[0, 0])
    [[-1. -1. -1. -1.]
     [ 1.  1. -1. -1.]
     [ 1.  1. -1. -1.]]
    """

    padding: int | tuple[Sides, Sides]
    value: float = 0.0

    def __post_init__(self) -> None:
        padding: Any = self.padding
        axes = padding if isinstance(padding, tuple) else (padding, padding)
        if len(axes) != 2 or not all(map(_is_padding, axes)):
            raise ValueError(
                "padding of Pad must be a non-negative integer, a tuple of two of "
                "them (vertical, horizontal), or ((top, bottom), (left, right)), got "
                f"{padding!r}."
            )
        check_range(self, "value", -np.inf, np.inf, closed="neither")

    @property
    def sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The pixels at (top, bottom) and at (left, right)."""
        axes = self.padding if isinstance(self.padding, tuple) else (self.padding,) * 2
        vertical, horizontal = (a if isinstance(a, tuple) else (a, a) for a in axes)
        return vertical, horizontal

    def build(self, in_shape: Shape) -> LayerSpec:
        check_images(self, in_shape)
        C, H, W = in_shape
        vertical, horizontal = self.sides
        return LayerSpec(in_shape, (C, H + sum(vertical), W + sum(horizontal)))

    def bind(self, ws: Workspace, x: Array) -> Array:
        y = batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
        y.fill(self.value)  # the border stays
        ws.do(np.copyto, self._inside(ws, y), x)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(np.copyto, dx, self._inside(ws, dy))
        return dx

    def _inside(self, ws: Workspace, y: Array) -> Array:
        """View the pixels that are not in the border."""
        _, H, W = ws.spec.in_shape
        (top, _), (left, _) = self.sides
        return y[:, :, top : top + H, left : left + W]


def _is_padding(axis: Any) -> bool:
    """Return whether `axis` is a number of pixels, or a pair of them."""
    sides = axis if isinstance(axis, tuple) and len(axis) == 2 else (axis,)
    return all(is_integer_from(0, pixels) for pixels in sides)
