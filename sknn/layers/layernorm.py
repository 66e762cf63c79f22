"""Layer normalization: each row is standardized over its units."""

from __future__ import annotations

import numpy as np

from .._arrays import (
    aligned_like,
    by_member_and_unit,
    of_one_layout,
    shape_of_units,
)
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_range, spec
from .._typing import Array, Shape
from ..initializers import Constant, Zeros
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact


@spec
class LayerNorm(Layer):
    """Standardize each row over its units, then scale and shift each unit.

    ``y = γ x̂ + β``, where

    - ``x̂ = (x - μ) / s`` and ``s = sqrt(σ² + ε)``;
    - μ and σ² are the mean and variance over the units of the row, in training and in
      prediction;
    - γ and β are parameters of each unit. The penalty does not apply to them.

    x and y are rows (n, units), members (n, k, units), each standardized over its
    units, or images (n, channels, height, width), where each pixel is standardized over
    its channels.

    Backward, with ``d = γ dy``:

    - ``dγ = Σ dy x̂`` and ``dβ = Σ dy`` over rows;
    - ``dx = (d - mean(d) - x̂ mean(d x̂)) / s``, with means over units.

    It was proposed in [1]_.

    Parameters
    ----------
    epsilon : float, default=1e-5
        ε > 0, which is added to the variance and prevents division by zero.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016,
       https://arxiv.org/abs/1607.06450.

    Examples
    --------
    Two rows on different scales:

    >>> import numpy as np
    >>> from sknn.layers import LayerNorm
    >>> from sknn.network import Network
    >>> network = Network([LayerNorm()], in_shape=(3,), dtype=np.dtype(float))
    >>> network.initialize(np.random.RandomState(0))
    >>> x = np.array([[1.0, 2.0, 3.0], [100.0, 200.0, 300.0]])
    >>> print(network.scores(x).round(2))
    [[-1.22  0.    1.22]
     [-1.22  0.    1.22]]
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_range(self, "epsilon", 0, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        units = shape_of_units(in_shape)
        params = {
            "gamma": ParamSpec(units, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(units, Zeros(), 1, 1, decay=False),
        }
        return LayerSpec(in_shape, in_shape, params)

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y = by_member_and_unit(bind_compact(x, ws)), aligned_like(x)
        shape = 2, len(ws.x), ws.x[0].shape[1]
        ws.mean, ws.inverse = np.empty(shape, ws.dtype)
        gamma, beta = np.atleast_2d(ws.p["gamma"], ws.p["beta"])
        each = ws.x, gamma, beta, ws.mean, ws.inverse, by_member_and_unit(y)
        epsilon = [self.epsilon] * len(ws.x)
        ws.do_each(layer_norm, zip(*each, epsilon, strict=True))
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        dy = bind_compact(dy, ws)
        d, g = by_member_and_unit(dy), ws.g
        if g:
            gradients = np.atleast_2d(g["gamma"], g["beta"])
            each = zip(ws.x, d, ws.mean, ws.inverse, *gradients, strict=True)
            ws.do_each(layer_norm_gradients, each)
        if not need_dx:
            return None
        gamma = np.atleast_2d(ws.p["gamma"])
        each = zip(ws.x, d, gamma, ws.mean, ws.inverse, d, strict=True)
        ws.do_each(layer_norm_backward, each)
        return dy


@has_kernel(of_one_layout("layer_norm"), by_axis({0: 1, 3: 0, 4: 0, 5: 1}, GRAIN))
def layer_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    inverse: Array,
    y: Array,
    epsilon: float,
) -> None:
    """Standardize columns of `x` (units, m) into `y`, with their mean and 1 / s."""
    np.mean(x, axis=0, out=mean)
    np.subtract(x, mean, out=y)
    var = np.einsum("ij,ij->j", y, y) / len(y)
    np.divide(1, np.sqrt(var + epsilon), out=inverse)
    y *= inverse
    y *= gamma[:, np.newaxis]
    y += beta[:, np.newaxis]


@has_kernel(
    of_one_layout("layer_norm_gradients"), by_axis({0: 0, 1: 0, 4: 0, 5: 0}, GRAIN)
)
def layer_norm_gradients(
    x: Array, dy: Array, mean: Array, inverse: Array, dgamma: Array, dbeta: Array
) -> None:
    """Write the gradients of `layer_norm` with respect to gamma and beta."""
    np.sum(dy, axis=1, out=dbeta)
    np.einsum("ij,ij->i", dy, (x - mean) * inverse, out=dgamma)


@has_kernel(
    of_one_layout("layer_norm_backward"), by_axis({0: 1, 1: 1, 3: 0, 4: 0, 5: 1}, GRAIN)
)
def layer_norm_backward(
    x: Array, dy: Array, gamma: Array, mean: Array, inverse: Array, dx: Array
) -> None:
    """Write the gradient of `layer_norm` with respect to x; dx may be dy."""
    x_hat = (x - mean) * inverse
    d = dy * gamma[:, np.newaxis]
    x_hat *= np.einsum("ij,ij->j", d, x_hat) / len(d)
    x_hat += d.mean(axis=0)
    np.subtract(d, x_hat, out=dx)
    dx *= inverse
