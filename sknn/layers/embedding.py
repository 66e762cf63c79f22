"""Embeddings of categories: a learned vector instead of each code."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import aligned_empty, aligned_like
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_positive, is_integer_from, spec
from .._typing import Array, Shape
from ..initializers import Normal
from .base import Layer, LayerSpec, ParamSpec, Workspace
from .dense import csr_t_dot


@spec
class CategoricalEmbedding(Layer):
    """Replace codes of categories by learned vectors.

    Some columns of x (n, features) hold codes: the categories of a column have the
    codes 0, 1, 2 and so on. In y, the other columns come first, unchanged and in their
    order. They are followed by a vector of length `size` for each column of codes: the
    vector that belongs to the code.

    The vectors are the rows of one matrix E: first those of the categories of the first
    column of codes, then those of the second, and so on. The initial values of E are
    drawn from N(0, 1). The penalty applies to E.

    Codes that are too large count as the last category of their column, negative codes
    and NaN as category 0. Decimal places are ignored. Unknown categories therefore need
    a code of their own.

    Backward: a row of dE is the sum of the parts of dy where its vector was used. dx is
    dy for the other columns, and 0 for the columns of codes.

    It was proposed in [1]_.

    Parameters
    ----------
    columns : tuple of int
        The columns of codes, counted from 0.
    n_categories : tuple of int
        The number of categories of each of these columns.
    size : int, default=8
        Length of a vector.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] C. Guo, F. Berkhahn, "Entity embeddings of categorical variables", 2016,
       https://arxiv.org/abs/1604.06737.

    Examples
    --------
    The second column holds the codes of three categories:

    >>> import numpy as np
    >>> from sknn.layers import CategoricalEmbedding
    >>> from sknn.network import Network
    >>> layer = CategoricalEmbedding(columns=(1,), n_categories=(3,), size=2)
    >>> network = Network([layer], in_shape=(2,), dtype=np.dtype(float))
    >>> network.params[0]["E"][:] = [[1, 2], [3, 4], [5, 6]]
    >>> network.scores(np.array([[0.5, 2.0], [0.7, 0.0]]))
    array([[0.5, 5. , 6. ],
           [0.7, 1. , 2. ]])
    """

    columns: tuple[int, ...]
    n_categories: tuple[int, ...]
    size: int = 8

    def __post_init__(self) -> None:
        columns, counts = _integers(self, "columns", 0), _integers(self, "n_categories")
        if len(set(columns)) < len(columns):
            raise ValueError(
                "columns of CategoricalEmbedding must differ from each other, got "
                f"{columns!r}."
            )
        if len(counts) != len(columns):
            raise ValueError(
                "n_categories of CategoricalEmbedding must have a number for each of "
                f"the {len(columns)} columns, got {counts!r}."
            )
        check_positive(self, "size")

    def build(self, in_shape: Shape) -> LayerSpec:
        if len(in_shape) != 1 or any(c >= in_shape[0] for c in self.columns):
            raise ValueError(
                f"{self!r} needs rows with at least {max(self.columns, default=-1) + 1}"
                f" columns, got rows of shape {in_shape}."
            )
        width = in_shape[0] + len(self.columns) * (self.size - 1)
        shape = sum(self.n_categories), self.size
        E = ParamSpec(shape, Normal(1.0), *shape, decay=True)
        return LayerSpec(in_shape, (width,), {"E": E})

    def bind(self, ws: Workspace, x: Array) -> Array:
        ws.x, y = x, aligned_empty((ws.n, *ws.spec.out_shape), ws.dtype)
        others = [j for j in range(x.shape[1]) if j not in self.columns]
        starts = np.cumsum([0, *self.n_categories])
        ws.places = [np.array(a, np.int64) for a in (others, self.columns, starts)]
        ws.do(embedding, x, *ws.places, ws.p["E"], y)
        return y

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        others, columns, starts = ws.places
        if ws.g:
            d = dy[:, len(others) :]
            ws.do(embedding_backward, ws.x, columns, starts, d, ws.g["E"])
        if not need_dx:
            return None
        dx = aligned_like(ws.x)
        ws.do(_write_dx, dy, others, dx)
        return dx


def _integers(layer: CategoricalEmbedding, name: str, low: int = 1) -> tuple[int, ...]:
    """Return a field, which must be a tuple of integers that are at least `low`."""
    values: Any = getattr(layer, name)
    if not isinstance(values, tuple) or not all(
        is_integer_from(low, v) for v in values
    ):
        raise ValueError(
            f"{name} of CategoricalEmbedding must be a tuple of "
            f"{'positive' if low else 'non-negative'} integers, got {values!r}."
        )
    return values


def _write_dx(dy: Array, others: Array, dx: Array) -> None:
    dx.fill(0)
    dx[:, others] = dy[:, : len(others)]


@has_kernel(split=by_axis({5: 0, 0: 0}, GRAIN))
def embedding(
    x: Array, others: Array, columns: Array, starts: Array, E: Array, y: Array
) -> None:
    """Write the columns `others` of `x` and the vectors of its codes into `y`."""
    y[:, : len(others)] = x[:, others]
    vectors = y[:, len(others) :]
    vectors[...] = E[_rows_of_E(x, columns, starts)].reshape(vectors.shape)


@has_kernel()
def embedding_backward(
    x: Array, columns: Array, starts: Array, dy: Array, dE: Array
) -> None:
    """Sum the rows of `dy`, of shape (n, columns * size), for each code."""
    at = _rows_of_E(x, columns, starts).ravel().astype(np.int32)
    ones, ends = np.ones(len(at), x.dtype), np.arange(len(at) + 1, dtype=np.int32)
    csr_t_dot(ones, at, ends, dy.reshape(len(at), dE.shape[1]), dE)


def _rows_of_E(x: Array, columns: Array, starts: Array) -> Array:
    """Return the row of E for each code, (n, columns)."""
    last = np.diff(starts) - 1
    codes = np.fmin(np.fmax(x[:, columns], 0), last)  # these take NaN for 0
    return codes.astype(np.intp) + starts[:-1]
