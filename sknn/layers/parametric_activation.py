"""The parametric activation: a learned mixture of the identity and a function."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .._arrays import aligned_like, by_member_and_unit, shape_of_units
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_range, spec
from .._typing import Array, Shape
from ..activations import ActivationFunction, kernel_of
from ..initializers import Constant
from .activation import check_function, make_function
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact


@spec
class ParametricActivation(Layer):
    """A learned mixture of an activation function and the identity.

    ``y = x + α (f(x) - x)``, with a learned α for each unit or channel. With α = 1 it
    is the function f, with α = 0 the identity. x and y are (n, units), members
    (n, k, units), or images (n, channels, height, width). Backward:
    ``dα = Σ dy (f(x) - x)`` over rows, ``dx = (1 + α (f'(x) - 1)) dy``. The penalty
    does not apply to α.

    It is a part of RealMLP [1]_.

    Parameters
    ----------
    function : str or ActivationFunction
        f: a name, such as 'selu', or an object from `sknn.activations`.
    initial : float, default=1.0
        Initial value of α.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    See Also
    --------
    PReLU : The rectifier with a learned slope, ``α = 1 - slope``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    The rectifier, the mean of rectifier and identity, and the identity:

    >>> import numpy as np
    >>> from sknn.layers import ParametricActivation
    >>> from sknn.network import Network
    >>> for alpha in (1.0, 0.5, 0.0):
    ...     layer = ParametricActivation("relu", initial=alpha)
    ...     network = Network([layer], in_shape=(2,), dtype=np.dtype(float))
    ...     network.initialize(np.random.RandomState(0))
    ...     print(network.scores(np.array([[-2.0, 2.0]])))
    [[0. 2.]]
    [[-1.  2.]]
    [[-2.  2.]]
    """

    function: str | ActivationFunction
    initial: float = 1.0

    def __post_init__(self) -> None:
        check_function(self, self.function)
        check_range(self, "initial", -np.inf, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        shape = shape_of_units(in_shape)
        alpha = ParamSpec(shape, Constant(self.initial), 1, 1, decay=False)
        return LayerSpec(in_shape, in_shape, {"alpha": alpha})

    def bind(self, ws: Workspace, x: Array) -> Array:
        f, x = make_function(self.function), bind_compact(x, ws)
        a, y = aligned_like(x), aligned_like(x)
        ws.x, ws.a = by_member_and_unit(x), by_member_and_unit(a)
        each = ws.x, np.atleast_2d(ws.p["alpha"]), ws.a, by_member_and_unit(y)
        ws.do_each(parametric_activation, ((f, *v) for v in zip(*each, strict=True)))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array:
        f, alpha = make_function(self.function), ws.p["alpha"]
        dalpha = ws.g["alpha"] if ws.g else np.empty_like(alpha)
        dy = bind_compact(dy, ws)
        alpha, dalpha = np.atleast_2d(alpha, dalpha)
        each = ws.x, alpha, ws.a, by_member_and_unit(dy), dalpha
        args = ((f, *v) for v in zip(*each, strict=True))
        ws.do_each(parametric_activation_backward, args)
        return dy


def _kernel(name: str, f: ActivationFunction, *arrays: Array) -> Any:
    """Return the kernel for rows of units."""
    return kernel_of(name, f, *(v.T for v in arrays))


@has_kernel(partial(_kernel, "parametric_{}"), by_axis({0: 0, 2: 0, 3: 0}, GRAIN))
def parametric_activation(
    f: ActivationFunction, x: Array, alpha: Array, a: Array, y: Array
) -> None:
    """Write ``a = f(x)``, ``y = x + alpha (a - x)``; units are rows of `x`."""
    f.forward(x, a)
    np.subtract(a, x, out=y)
    y *= alpha[:, np.newaxis]
    y += x


@has_kernel(
    partial(_kernel, "parametric_{}_backward"),
    by_axis({0: 1, 1: 0, 2: 1, 3: 1, 4: 0}, GRAIN),
)
def parametric_activation_backward(
    f: ActivationFunction, x: Array, alpha: Array, a: Array, dy: Array, dalpha: Array
) -> None:
    """``dalpha = Σ dy (a - x)``, and dx, which overwrites `dy`; ``a = f(x)``."""
    np.einsum("ij,ij->i", dy, a - x, out=dalpha)
    slope = np.ones_like(x)
    f.backward(x, a, slope)
    slope -= 1
    slope *= alpha[:, np.newaxis]
    slope += 1
    dy *= slope
