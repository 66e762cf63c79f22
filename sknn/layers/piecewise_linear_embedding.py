"""Piecewise-linear embeddings of numbers, with bins between quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import aligned_empty
from .._kernels import by_axis, has_kernel
from .._spec import check_positive, spec
from .._typing import Array, Shape
from ..initializers import Zeros
from ._numerical_embedding import GRAIN, NumericalEmbedding, embeddings, uniform
from .base import LayerSpec, Params, ParamSpec, StateSpec, Workspace
from .dense import csr_t_dot


@spec
class PiecewiseLinearEmbedding(NumericalEmbedding):
    """Replace the first columns by vectors of learned piecewise linear functions.

    The embedding of a column x is the vector ``e = x w + b + Σ tₖ V[k]``, a sum over
    the bins k of the column. Each embedded column has parameters of its own: w and b of
    shape (size,), and V (n_bins, size).

    - The edges ``q₀ < q₁ < q₂ ...`` of the bins are the quantiles of the training rows
      at 0, 1 / n_bins, 2 / n_bins, ..., 1. Equal quantiles count once: a column with
      few different values has fewer bins, and for a constant column, e is linear.
    - The position of x in bin k is ``tₖ = (x - qₖ) / (qₖ₊₁ - qₖ)``, clipped to [0, 1]:
      it is 0 if x is below the bin, and 1 if x is above it. For x outside of all bins,
      the position in the nearest bin is not clipped: it is negative in the first bin,
      or larger than 1 in the last one.

    x must not contain NaN. Initially V is 0, and w and b are uniform on
    ``±1 / sqrt(size)``. The penalty applies to V only.

    For rows x (n, d) whose first m columns are embedded, y (n, m * size + d - m)
    consists of the embeddings, column by column, and then of the other columns of x,
    unchanged.

    Backward, with de the part of dy that belongs to a column, and k the bin of x in
    each row:

    - ``db = Σ de`` and ``dw = Σ x de`` over rows;
    - ``dV[k]`` is the sum of ``t de`` over the rows in bin k, t being the position in
      the bin, plus the sum of de over the rows in later bins;
    - dx is the scalar product of de and ``w + V[k] / (qₖ₊₁ - qₖ)``.

    It was proposed in [1]_ and is also used in [2]_.

    Parameters
    ----------
    n_columns : int or None, default=None
        The number of columns to embed, which are the first ones; None means all.
    n_bins : int, default=48
        Largest number of bins of a column.
    size : int, default=16
        Length of an embedding.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features
       in tabular deep learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556.
    .. [2] Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025,
       https://arxiv.org/abs/2410.24210.

    Examples
    --------
    The left edges of four bins, which are narrow where there are many rows:

    >>> import numpy as np
    >>> from sknn.layers import PiecewiseLinearEmbedding
    >>> from sknn.network import Network
    >>> X = (np.arange(101.0) ** 2 / 100)[:, np.newaxis]
    >>> layer = PiecewiseLinearEmbedding(n_bins=4, size=3)
    >>> network = Network([layer], in_shape=(1,), dtype=np.dtype(float))
    >>> network.initialize(np.random.RandomState(0), X)
    >>> print(network.params[0]["left"])
    [[ 0.    6.25 25.   56.25]]
    >>> network.scores(X).shape
    (101, 3)
    """

    n_bins: int = 48
    size: int = 16

    adapts = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "n_bins")

    def build(self, in_shape: Shape) -> LayerSpec:
        m, bins, size = self.count(in_shape), self.n_bins, self.size
        bound = 1 / math.sqrt(size)
        params = {
            "w": uniform((m, size), bound),
            "b": uniform((m, size), bound),
            "V": ParamSpec((m, bins, size), Zeros(), bins, size, decay=True),
        }
        state = {"left": StateSpec((m, bins), 0.0), "scale": StateSpec((m, bins), 0.0)}
        return LayerSpec(in_shape, (m * size + in_shape[0] - m,), params, state)

    def adapt(self, p: Params, x: Array, rng: np.random.RandomState) -> None:
        """Set the left edge of each bin, and 1 / its width.

        The edges of bins that do not exist are the largest number, their scales are 0.
        """
        left, scale = p["left"], p["scale"]
        largest = np.finfo(left.dtype).max
        left.fill(largest)
        scale.fill(0)
        at = np.linspace(0, 1, self.n_bins + 1)
        for j in range(len(left)):
            edges = np.unique(np.quantile(x[:, j], at).astype(left.dtype))
            bins = max(len(edges) - 1, 1)
            left[j, :bins] = edges[:bins]
            with np.errstate(over="ignore"):  # of bins narrower than 1 / largest
                scale[j, : len(edges) - 1] = np.minimum(1 / np.diff(edges), largest)

    def bind(self, ws: Workspace, x: Array) -> Array:
        m, p = len(ws.p["w"]), ws.p
        y = aligned_empty((ws.n, *ws.spec.out_shape), ws.dtype)
        ws.x, e, sums = x[:, :m], embeddings(y, m, self.size), np.empty_like(p["V"])
        arrays = p["left"], p["scale"], p["w"], p["b"], p["V"], sums, e
        ws.do(piecewise_linear, ws.x, *arrays)
        ws.do(np.copyto, y[:, m * self.size :], x[:, m:])
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        m, p = len(ws.p["w"]), ws.p
        de, dx, dx_m = embeddings(dy, m, self.size), None, None
        if need_dx:
            dx = aligned_empty((ws.n, *ws.spec.in_shape), ws.dtype)
            dx_m = dx[:, :m]
            ws.do(np.copyto, dx[:, m:], dy[:, m * self.size :])
        g: Any = ws.g or {name: np.empty_like(p[name]) for name in ("w", "b", "V")}
        arrays = p["left"], p["scale"], p["w"], p["V"], de, np.empty_like(p["V"])
        ws.do(piecewise_linear_backward, ws.x, *arrays, g["w"], g["b"], g["V"], dx_m)
        return dx


@has_kernel(split=by_axis({0: 1, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 1}, GRAIN))
def piecewise_linear(
    x: Array,
    left: Array,
    scale: Array,
    w: Array,
    b: Array,
    V: Array,
    sums: Array,
    e: Array,
) -> None:
    """``e = x w + b + Σ V[:k] + t V[k]``, for x at the place t of bin k.

    x (n, m), left, scale (m, bins), w, b (m, size), V, sums (m, bins, size),
    e (n, m, size); `sums` is memory for the sums of V over the bins before each.
    """
    k, t = _places(x, left, scale)
    j = np.arange(len(w))
    sums[:, 0] = 0
    np.cumsum(V[:, :-1], axis=1, out=sums[:, 1:])
    np.multiply(x[:, :, np.newaxis], w, out=e)
    e += b
    e += sums[j, k]
    e += t[:, :, np.newaxis] * V[j, k]


@has_kernel(
    split=by_axis(
        {0: 1, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1, 6: 0, 7: 0, 8: 0, 9: 0, 10: 1}, GRAIN
    )
)
def piecewise_linear_backward(
    x: Array,
    left: Array,
    scale: Array,
    w: Array,
    V: Array,
    de: Array,
    sums: Array,
    dw: Array,
    db: Array,
    dV: Array,
    dx: Array | None,
) -> None:
    """Write the gradients of `piecewise_linear`; `sums` is memory."""
    k, t = _places(x, left, scale)
    (m, bins), j = left.shape, np.arange(len(w))
    at = (k + bins * j).ravel().astype(np.int32)
    ends = np.arange(len(at) + 1, dtype=np.int32)
    flat = de.reshape(len(at), w.shape[1])
    S, T = np.empty((2, m * bins, w.shape[1]), w.dtype)
    csr_t_dot(np.ones_like(t).ravel(), at, ends, flat, S)
    csr_t_dot(t.ravel(), at, ends, flat, T)
    dV[...] = T.reshape(V.shape)
    dV[:, :-1] += np.cumsum(S.reshape(V.shape)[:, :0:-1], axis=1)[:, ::-1]
    np.sum(de, axis=0, out=db)
    np.einsum("ij,ijs->js", x, de, out=dw)
    if dx is not None:
        slopes = w + V[j, k] * scale[j, k][:, :, np.newaxis]
        np.einsum("ijs,ijs->ij", de, slopes, out=dx)


def _places(x: Array, left: Array, scale: Array) -> tuple[Array, Array]:
    """Return the bin of each x, and its place in it: 0 at the left end, 1 at the right.

    Beyond the edges, the place in the first bin is negative, that in the last above 1.
    """
    k = (x[:, :, np.newaxis] >= left[:, 1:]).sum(axis=2)
    j = np.arange(len(left))
    return k, (x - left[j, k]) * scale[j, k]
