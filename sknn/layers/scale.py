"""A learned scale of each element, which lets a network weigh its inputs."""

from __future__ import annotations

import math
from itertools import repeat

import numpy as np

from .._arrays import aligned_like, by_member_and_unit, of_one_layout, rows_last
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_range, spec
from .._typing import Array, Shape
from ..initializers import Constant
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact
from .batchnorm import scale_shift


@spec
class Scale(Layer):
    """Multiply each element of a row by a learned factor.

    ``y = s x``. x and y are (n, units), members (n, k, units) or images
    (n, channels, height, width); s has the shape of one row. Backward: ``ds = Σ dy x``
    over rows, ``dx = s dy``. The penalty does not apply to s.

    As the first layer, with a larger learning rate than the others, it selects
    features: a network of dense layers alone is invariant to rotations of its input,
    and this layer is not.

    It is a part of RealMLP [1]_.

    Parameters
    ----------
    value : float, default=1.0
        Initial value of the factors.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    A factor of 0 removes a feature:

    >>> import numpy as np
    >>> from sknn.layers import Scale
    >>> from sknn.network import Network
    >>> network = Network([Scale()], in_shape=(3,), dtype=np.dtype(float))
    >>> network.params[0]["s"][:] = [1, 0, 2]
    >>> network.scores(np.array([[5.0, 6.0, 7.0]]))
    array([[ 5.,  0., 14.]])
    """

    value: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "value", -np.inf, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        s = ParamSpec(in_shape, Constant(self.value), 1, 1, decay=False)
        return LayerSpec(in_shape, in_shape, {"s": s})

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y = by_element(bind_compact(x, ws)), aligned_like(x)
        each = ws.x, self._each(ws.p["s"]), repeat(None), by_element(y)
        ws.do_each(scale_shift, zip(*each, strict=False))
        return y

    def _each(self, s: Array) -> Array:
        """View factors as rows, one for each member, otherwise only one."""
        return s if s.ndim == 2 else s.reshape(1, -1)

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        dy = bind_compact(dy, ws)
        d = by_element(dy)
        if ws.g:
            each = zip(ws.x, d, self._each(ws.g["s"]), strict=True)
            ws.do_each(scale_gradient, each)
        if not need_dx:
            return None
        s = self._each(ws.p["s"])
        ws.do_each(scale_shift, zip(d, s, repeat(None), d, strict=False))
        return dy


def by_element(x: Array) -> list[Array]:
    """View a batch as (elements, n), a row for each element of a row of the batch.

    One such matrix for each member, otherwise only one.
    """
    if x.ndim == 4:
        return [rows_last(x).reshape(math.prod(x.shape[1:]), len(x))]
    return by_member_and_unit(x)


@has_kernel(of_one_layout("scale_gradient"), by_axis({0: 0, 1: 0, 2: 0}, GRAIN))
def scale_gradient(x: Array, dy: Array, ds: Array) -> None:
    """``ds = Σ dy x`` over rows, for `x` and `dy` of shape (elements, n)."""
    np.einsum("ij,ij->i", dy, x, out=ds)
