"""Periodic embeddings of numbers: learned frequencies, and a linear map of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import aligned_empty
from .._kernels import by_axis, has_kernel
from .._spec import check_positive, check_range, spec
from .._typing import Array, Shape
from ..initializers import Normal
from ._numerical_embedding import GRAIN, NumericalEmbedding, embeddings, uniform
from .base import LayerSpec, ParamSpec, Workspace


@spec
class PeriodicEmbedding(NumericalEmbedding):
    """Add vectors of learned periodic functions of the first columns to the rows.

    Embeddings of this kind were proposed in [1]_.

    The embedding of a column x is the vector ``e = cos(2π x w + b) W + c``. Each
    embedded column has parameters of its own: frequencies w and phases b of shape
    (frequencies,), W (frequencies, size) and c (size,). For rows x (n, d) whose first m
    columns are embedded, y consists of the embeddings, column by column, and then of
    all columns of x: ``y = [e₁, ..., eₘ, x]``, of shape (n, m * size + d). This is the
    embedding PBLD of RealMLP [2]_, which lets a network learn functions that change
    fast with a single input.

    Initially w is ``N(0, sigma²)``, b is uniform on ±π, W and c on
    ``±1 / sqrt(frequencies)``. The penalty applies to w and W. x must be on a scale of
    about 1, and must not contain NaN.

    Backward, with de the part of dy that belongs to a column, ``z = 2π x w + b`` and
    ``dz = -sin(z) (W de)``:

    - ``dc = Σ de``, ``dW = Σ cos(z) de``, ``db = Σ dz`` and ``dw = 2π Σ x dz`` over
      rows;
    - dx is the last part of dy, and for embedded columns also ``2π Σ w dz`` over
      frequencies.

    Parameters
    ----------
    n_columns : int or None, default=None
        The number of columns to embed, which are the first ones; None means all.
    frequencies : int, default=16
        Number of frequencies of a column.
    size : int, default=3
        Length of an embedding.
    sigma : float, default=0.1
        Standard deviation of the initial frequencies, in periods per unit of x; not
        negative.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features
       in tabular deep learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556.
    .. [2] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    A single frequency of 1, without the linear map: ``cos(2π x)``, followed by x.

    >>> import numpy as np
    >>> from sknn.layers import PeriodicEmbedding
    >>> from sknn.network import Network
    >>> layer = PeriodicEmbedding(frequencies=1, size=1)
    >>> network = Network([layer], in_shape=(1,), dtype=np.dtype(float))
    >>> for name, value in {"w": 1, "b": 0, "W": 1, "c": 0}.items():
    ...     network.params[0][name][:] = value
    ...
    >>> print(network.scores(np.array([[0.0], [0.125], [0.5]])).round(2))
    [[ 1.    0.  ]
     [ 0.71  0.12]
     [-1.    0.5 ]]
    """

    frequencies: int = 16
    size: int = 3
    sigma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "frequencies")
        check_range(self, "sigma", 0, np.inf, closed="left")

    def build(self, in_shape: Shape) -> LayerSpec:
        m, k, size = self.count(in_shape), self.frequencies, self.size
        bound = 1 / math.sqrt(k)
        params = {
            "w": ParamSpec((m, k), Normal(self.sigma), 1, k, decay=True),
            "b": uniform((m, k), math.pi),
            "W": uniform((m, k, size), bound, decay=True),
            "c": uniform((m, size), bound),
        }
        return LayerSpec(in_shape, (m * size + in_shape[0],), params)

    def bind(self, ws: Workspace, x: Array) -> Array:
        m, p = len(ws.p["w"]), ws.p
        y = aligned_empty((ws.n, *ws.spec.out_shape), ws.dtype)
        ws.x, e = x[:, :m], embeddings(y, m, self.size)
        ws.do(periodic_embedding, ws.x, p["w"], p["b"], p["W"], p["c"], e)
        ws.do(np.copyto, y[:, m * self.size :], x)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        m, p = len(ws.p["w"]), ws.p
        de, dx, dx_m = embeddings(dy, m, self.size), None, None
        if need_dx:
            dx = aligned_empty((ws.n, *ws.spec.in_shape), ws.dtype)
            dx_m = dx[:, :m]
            ws.do(np.copyto, dx, dy[:, m * self.size :])
        g: Any = ws.g or {name: np.empty_like(v) for name, v in p.items()}
        gradients = g["w"], g["b"], g["W"], g["c"], dx_m
        ws.do(periodic_embedding_backward, ws.x, p["w"], p["b"], p["W"], de, *gradients)
        return dx


@has_kernel(split=by_axis({0: 1, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1}, GRAIN))
def periodic_embedding(
    x: Array, w: Array, b: Array, W: Array, c: Array, e: Array
) -> None:
    """``e = cos(2π x w + b) W + c``.

    x (n, m), w, b (m, frequencies), W (m, frequencies, size), c (m, size),
    e (n, m, size).
    """
    h = _angles(x, w, b)
    np.cos(h, out=h)
    np.add(h @ W, c[:, np.newaxis], out=e.transpose(1, 0, 2))


@has_kernel(
    split=by_axis({0: 1, 1: 0, 2: 0, 3: 0, 4: 1, 5: 0, 6: 0, 7: 0, 8: 0, 9: 1}, GRAIN)
)
def periodic_embedding_backward(
    x: Array,
    w: Array,
    b: Array,
    W: Array,
    de: Array,
    dw: Array,
    db: Array,
    dW: Array,
    dc: Array,
    dx: Array | None,
) -> None:
    """Write the gradients of `periodic_embedding`; that of x is added to `dx`."""
    z, d = _angles(x, w, b), np.ascontiguousarray(de.transpose(1, 0, 2))
    ones = np.ones(len(x), x.dtype)  # a product with it is faster than a sum
    np.matmul(ones, d, out=dc)
    np.matmul(np.cos(z).transpose(0, 2, 1), d, out=dW)
    dz = d @ W.transpose(0, 2, 1)
    dz *= np.sin(z, out=z)
    np.negative(dz, out=dz)
    np.matmul(ones, dz, out=db)
    dz *= 2 * np.pi
    np.copyto(dw, (x.T[:, np.newaxis] @ dz)[:, 0])
    if dx is not None:
        dx += (dz @ w[:, :, np.newaxis])[:, :, 0].T


def _angles(x: Array, w: Array, b: Array) -> Array:
    """Return ``2π x w + b`` as (m, n, k)."""
    z = x.T[:, :, np.newaxis] * (2 * np.pi * w)[:, np.newaxis]
    z += b[:, np.newaxis]
    return z
