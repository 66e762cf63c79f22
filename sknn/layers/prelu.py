"""The parametric rectifier: a leaky rectifier whose slopes are learned."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .._arrays import aligned_like, by_member_and_unit, shape_of_units
from .._kernels import has_kernel
from .._spec import check_range, spec
from .._typing import Array, Shape
from ..initializers import Constant
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact


@spec
class PReLU(Layer):
    """A rectifier whose slope for negative inputs is learned.

    ``y = max(x, 0) + a min(x, 0)``, with a slope a for each unit or channel.
    x and y are (n, units), members (n, k, units), or images (n, channels, height,
    width).

    Backward: ``da = Σ dy min(x, 0)`` over rows, ``dx = dy`` where ``x > 0``, else
    ``a dy``. As in the paper, the penalty does not apply to the slopes.

    It was proposed in [1]_.

    Parameters
    ----------
    slope : float, default=0.25
        Initial value of the slopes.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    Two units, with the slopes 0.25 and -0.5:

    >>> import numpy as np
    >>> from sknn.layers import PReLU
    >>> from sknn.network import Network
    >>> network = Network([PReLU()], in_shape=(2,), dtype=np.dtype(float))
    >>> network.params[0]["a"][:] = [0.25, -0.5]
    >>> print(network.scores(np.array([[4.0, 4.0], [-4.0, -4.0]])))
    [[ 4.  4.]
     [-1.  2.]]
    """

    slope: float = 0.25

    def __post_init__(self) -> None:
        check_range(self, "slope", -np.inf, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        a = ParamSpec(shape_of_units(in_shape), Constant(self.slope), 1, 1, decay=False)
        return LayerSpec(in_shape, in_shape, {"a": a})

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y = by_member_and_unit(bind_compact(x, ws)), aligned_like(x)
        a = np.atleast_2d(ws.p["a"])
        ws.do_each(prelu, zip(ws.x, a, by_member_and_unit(y), strict=True))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        a = ws.p["a"]
        da = ws.g["a"] if ws.g else np.empty_like(a)
        dy = bind_compact(dy, ws)
        each = ws.x, np.atleast_2d(a), by_member_and_unit(dy), np.atleast_2d(da)
        ws.do_each(prelu_backward, zip(*each, strict=True))
        return dy


def _kernel(name: str, x: Array, a: Array, *arrays: Array) -> Any:
    """Return the kernel for units in rows, or for units in columns."""
    if x.flags.c_contiguous:
        return f"prelu_images_{name}", (x, a, *arrays)
    return f"prelu_{name}", (x.T, a, *(v.T for v in arrays))


@has_kernel(partial(_kernel, "forward"))
def prelu(x: Array, a: Array, y: Array) -> None:
    """``y = max(x, 0) + a min(x, 0)``, for the units in the rows of `x`."""
    np.multiply(x, _slopes(x, a), out=y)


@has_kernel(partial(_kernel, "backward"))
def prelu_backward(x: Array, a: Array, dy: Array, da: Array) -> None:
    """``da = Σ dy min(x, 0)``, and dx, which overwrites `dy`."""
    np.sum(np.minimum(x, 0) * dy, axis=1, out=da)
    dy *= _slopes(x, a)


def _slopes(x: Array, a: Array) -> Array:
    """Return the slope at each x: 1 for positive x, else that of its unit."""
    return np.where(x > 0, x.dtype.type(1), a[:, np.newaxis])
