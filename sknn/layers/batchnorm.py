"""Batch normalization: each unit is standardized over the rows of the batch."""

from __future__ import annotations

from itertools import repeat

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
from .base import (
    Layer,
    LayerSpec,
    Params,
    ParamSpec,
    StateSpec,
    Workspace,
    bind_compact,
)


@spec
class BatchNorm(Layer):
    """Standardize each unit or channel over the rows, then scale and shift it.

    ``y = γ x̂ + β``, where

    - ``x̂ = (x - μ) / s`` and ``s = sqrt(σ² + ε)``;
    - in training, μ and σ² are the mean and variance over the rows of the batch,
      weighted by the sample weights;
    - in prediction, they are running averages of those of the batches (without Bessel's
      correction, so that the scale of the weights does not matter);
    - γ and β are parameters of each unit or channel. The penalty does not apply to
      them.

    x and y are rows (n, units), members (n, k, units), or images (n, channels, height,
    width), whose pixels count as rows.

    Backward, with the share ``q = w / Σ w`` of each row, or ``1 / n`` without sample
    weights:

    - ``dγ = Σ dy x̂`` and ``dβ = Σ dy`` over rows;
    - ``dx = γ / s (dy - q (dβ + x̂ dγ))``.

    It was proposed in [1]_.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the latest batch in the running averages, in (0, 1].
    epsilon : float, default=1e-5
        ε > 0, which is added to the variance and prevents division by zero.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015.

    Examples
    --------
    Two units on different scales, in training. A tenth of their means goes into the
    running averages:

    >>> import numpy as np
    >>> from sknn.layers import BatchNorm, Training
    >>> from sknn.network import Network
    >>> network = Network([BatchNorm()], in_shape=(2,), dtype=np.dtype(float))
    >>> network.initialize(np.random.RandomState(0))
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> batch = network.bind(x, Training(np.random.default_rng(0)))
    >>> batch.forward()
    >>> print(batch.z.round(2))
    [[-1. -1.]
     [ 1.  1.]]
    >>> print(network.params[0]["mean"].round(2))
    [0.2 2. ]
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    mixes_rows = True

    def __post_init__(self) -> None:
        check_range(self, "momentum", 0, 1, closed="right")
        check_range(self, "epsilon", 0, np.inf, closed="neither")

    def build(self, in_shape: Shape) -> LayerSpec:
        units = shape_of_units(in_shape)
        params = {
            "gamma": ParamSpec(units, Constant(1.0), 1, 1, decay=False),
            "beta": ParamSpec(units, Zeros(), 1, 1, decay=False),
        }
        state = {"mean": StateSpec(units, 0.0), "var": StateSpec(units, 1.0)}
        return LayerSpec(in_shape, in_shape, params, state)

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y, p = by_member_and_unit(bind_compact(x, ws)), aligned_like(x), ws.p
        units, y_each = p["gamma"].shape, by_member_and_unit(y)
        if not ws.train:
            ws.scale, shift = np.empty((2, *units), ws.dtype)
            ws.do(self._running_scale, p, ws.scale, shift)
            arrays = np.atleast_2d(ws.scale, shift)
            ws.do_each(scale_shift, zip(ws.x, *arrays, y_each, strict=True))
            return y
        m = ws.x[0].shape[1]
        ws.q = np.full(m, 1 / m, ws.dtype)
        ws.mean, ws.var = np.empty((2, *units), ws.dtype)
        if ws.training.sample_weight is not None:
            ws.do(_shares, ws.training.sample_weight, ws.q)
        arrays = np.atleast_2d(p["gamma"], p["beta"], ws.mean, ws.var)
        each = zip(ws.x, repeat(ws.q), *arrays, y_each, repeat(self.epsilon))
        ws.do_each(batch_norm, each)
        ws.do(self._update, p, ws.mean, ws.var, ws.q)
        return y

    def _running_scale(self, p: Params, scale: Array, shift: Array) -> None:
        """Write what the running averages amount to: ``y = scale x + shift``."""
        np.divide(p["gamma"], np.sqrt(p["var"] + self.epsilon), out=scale)
        np.subtract(p["beta"], p["mean"] * scale, out=shift)

    def _update(self, p: Params, mean: Array, var: Array, q: Array) -> None:
        """Update the running averages with those of a batch.

        The last batch may consist of a single row, which has no variance to learn from.
        """
        averages = [(p["mean"], mean)]
        if q.max() < 1:
            averages.append((p["var"], var))
        for running, new in averages:
            running *= 1 - self.momentum
            running += self.momentum * new

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        dy = bind_compact(dy, ws)
        d, g = by_member_and_unit(dy), ws.g
        if not ws.train:  # frozen: the forward pass was linear
            ws.do_each(scale_shift, zip(d, np.atleast_2d(ws.scale), repeat(None), d))
            return dy
        dx = d if need_dx else repeat(None)
        arrays = ws.p["gamma"], ws.mean, ws.var, g["gamma"], g["beta"]
        each = ws.x, d, repeat(ws.q), *np.atleast_2d(*arrays), dx
        args = zip(*each, repeat(self.epsilon), strict=False)
        ws.do_each(batch_norm_backward, args)
        return dy


def _shares(sample_weight: Array, q: Array) -> None:
    """Write the share of each row, or pixel, in the total weight into `q`."""
    w = np.tile(sample_weight, len(q) // len(sample_weight))  # rows are innermost
    np.divide(w, w.sum(), out=q)


@has_kernel(of_one_layout("scale_shift"), by_axis({0: 0, 1: 0, 2: 0, 3: 0}, GRAIN))
def scale_shift(x: Array, scale: Array, shift: Array | None, y: Array) -> None:
    """Write ``x * scale + shift`` into `y`, for each unit of `x` (units, m)."""
    np.multiply(x, scale[:, np.newaxis], out=y)
    if shift is not None:
        y += shift[:, np.newaxis]


@has_kernel(
    of_one_layout("batch_norm"), by_axis({0: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0}, GRAIN)
)
def batch_norm(
    x: Array,
    q: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    var: Array,
    y: Array,
    epsilon: float,
) -> None:
    """Standardize units of `x` (units, m) into `y`, with their mean and variance."""
    np.matmul(x, q, out=mean)
    np.subtract(x, mean[:, np.newaxis], out=y)
    np.matmul(y * y, q, out=var)
    y *= (gamma / np.sqrt(var + epsilon))[:, np.newaxis]
    y += beta[:, np.newaxis]


@has_kernel(
    of_one_layout("batch_norm_backward"),
    by_axis({0: 0, 1: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0}, GRAIN),
)
def batch_norm_backward(
    x: Array,
    dy: Array,
    q: Array,
    gamma: Array,
    mean: Array,
    var: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array | None,
    epsilon: float,
) -> None:
    """Write the gradients of `batch_norm`; dx may be dy."""
    s = np.sqrt(var + epsilon)
    x_hat = (x - mean[:, np.newaxis]) / s[:, np.newaxis]
    np.sum(dy, axis=1, out=dbeta)
    np.einsum("ij,ij->i", dy, x_hat, out=dgamma)
    if dx is not None:
        x_hat *= dgamma[:, np.newaxis]
        x_hat += dbeta[:, np.newaxis]
        x_hat *= q
        np.subtract(dy, x_hat, out=dx)
        dx *= (gamma / s)[:, np.newaxis]
