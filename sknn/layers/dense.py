"""The dense layer: each output unit is a weighted sum of all inputs plus a bias."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array

from .._arrays import add_bias, aligned_empty, aligned_like, column_sums, matmul
from .._kernels import has_kernel, run
from .._spec import check_bool, check_positive, spec
from .._typing import Array, Shape
from ..activations import (
    activation_backward,
    activation_backward_bias,
    bias_activation,
)
from ..initializers import Initializer, Normal, make_initializer
from .base import Layer, LayerSpec, Params, ParamSpec, SparseRows, Workspace


@spec
class Dense(Layer):
    """A dense, or fully connected, layer: a linear map of the input plus biases.

    ``y = x W + b`` with x (n, fan_in), W (fan_in, units), b (units,), y (n, units).

    In the neural tangent parametrization [1]_, ``y = α x W + b``, ``α = 1 / √fan_in``:
    the weights are numbers of order 1 whatever the width, so that one learning rate
    suits networks of any width. Otherwise α is 1. Backward: ``dW = α xᵀ dy``,
    ``db = Σ dy`` over rows, ``dx = α dy Wᵀ``. The input may be a CSR matrix. The
    initializer also gives the initial biases.

    Parameters
    ----------
    units : int
        Number of outputs.
    initializer : str or Initializer, default=None
        Initializer of the weights. With None the estimator chooses it; in the neural
        tangent parametrization, weights and biases are then drawn from N(0, 1).
    parametrization : {'standard', 'ntp'}, default='standard'
        'ntp' is the neural tangent parametrization.
    data_driven : bool, default=False
        Whether initial weights and biases are adapted to training rows, as in RealMLP
        [2]_. Each column of the drawn W is divided by the standard deviation of
        ``z = α x W`` over the rows; a column with standard deviation 0 stays as it is.
        The biases are ``b_j = -Σ w_k z_kj`` with five random rows k for each j and
        random weights w, Exp(1) divided by their sum ("he+5"): z is then near 0 for
        typical rows, in another place for each unit. Scaling alone is known as
        layer-sequential unit variance [3]_.
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] A. Jacot, F. Gabriel, C. Hongler, "Neural tangent kernel: convergence and
       generalization in neural networks", NeurIPS 2018.
    .. [2] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.
    .. [3] D. Mishkin, J. Matas, "All you need is a good init", ICLR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.layers import Dense
    >>> from sknn.network import Network
    >>> network = Network([Dense(2)], in_shape=(3,), dtype=np.dtype(float))
    >>> network.params[0]["W"][:] = [[1, 0], [0, 1], [1, 1]]
    >>> network.params[0]["b"][:] = [10, 20]
    >>> network.scores(np.array([[1.0, 2.0, 3.0]]))
    array([[14., 25.]])
    """

    units: int
    initializer: str | Initializer | None = None
    parametrization: Literal["standard", "ntp"] = "standard"
    data_driven: bool = False

    takes_sparse = True
    fuses_activation = True

    def __post_init__(self) -> None:
        check_positive(self, "units")
        check_bool(self, "data_driven")
        if self.parametrization not in ("standard", "ntp"):
            raise ValueError(
                f"parametrization of {type(self).__name__} must be 'standard' or "
                f"'ntp', got {self.parametrization!r}."
            )

    @property
    def adapts(self) -> bool:  # type: ignore[override]
        """Whether initial parameters depend on the training rows."""
        return self.data_driven

    def build(self, in_shape: Shape) -> LayerSpec:
        if len(in_shape) == 2:
            raise ValueError(
                f"{self!r} needs rows of numbers, got members of {in_shape} (members, "
                "units). Use MemberDense instead, or put Flatten() before it."
            )
        if len(in_shape) != 1:
            raise ValueError(
                f"{self!r} needs rows of numbers, got images of {in_shape} "
                "(channels, height, width). Put Flatten() or GlobalAvgPool2D() before "
                "it."
            )
        (fan_in,) = in_shape
        init, fan_out = self._make_initializer(), self.units
        W = ParamSpec((fan_in, fan_out), init, fan_in, fan_out, decay=True)
        b = ParamSpec((fan_out,), init, fan_in, fan_out, decay=False, is_bias=True)
        return LayerSpec(in_shape, (fan_out,), {"W": W, "b": b})

    def _make_initializer(self) -> Initializer:
        if self.initializer is None and self.parametrization == "ntp":
            return Normal(1.0, biases=True)
        return make_initializer(self.initializer)

    def _alpha(self, fan_in: int) -> float:
        """Return the factor of the product."""
        return 1.0 if self.parametrization == "standard" else 1 / math.sqrt(fan_in)

    def adapt(self, p: Params, x: Any, rng: np.random.RandomState) -> None:
        adapt_weights_and_biases(p["W"], p["b"], x, self._alpha(x.shape[1]), rng)

    def bind(self, ws: Workspace, x: Any) -> Array:
        ws.x, ws.y = x, aligned_empty((ws.n, self.units), ws.dtype)
        W, b, alpha = ws.p["W"], ws.p["b"], self._alpha(x.shape[1])
        ws.do(sparse_dot if isinstance(x, SparseRows) else matmul, x, W, ws.y, alpha)
        if ws.f is None:
            ws.do(add_bias, ws.y, b)
            return ws.y
        ws.a = aligned_empty(ws.y.shape, ws.dtype)
        ws.do(bias_activation, ws.f, ws.y, b, ws.a)
        return ws.a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        x, W, g, alpha = ws.x, ws.p["W"], ws.g, self._alpha(ws.x.shape[1])
        if ws.f is not None and g:
            ws.do(activation_backward_bias, ws.f, ws.y, ws.a, dy, g["b"])
        elif ws.f is not None:
            ws.do(activation_backward, ws.f, ws.y, ws.a, dy)
        elif g:
            ws.do(column_sums, dy, g["b"])
        if g and isinstance(x, SparseRows):
            ws.do(sparse_t_dot, x, dy, g["W"], alpha)
        elif g:
            ws.do(matmul, x.T, dy, g["W"], alpha)
        if not need_dx:
            return None
        # Flattened images are the transpose of a C-contiguous matrix.
        dx = aligned_like(x)
        ws.do(matmul, dy, W.T, dx, alpha)
        return dx


N_ROWS_OF_BIAS = 5
"""Number of training rows that determine the initial bias of a unit."""


def adapt_weights_and_biases(
    W: Array, b: Array, x: Any, alpha: float, rng: np.random.RandomState
) -> None:
    """Scale the columns of `W`, and set `b`, so that they suit the rows `x`.

    See the parameter `data_driven` of `Dense`.
    """
    z = x @ W
    z *= z.dtype.type(alpha)
    std = z.std(axis=0, dtype=np.float64)
    std[std == 0] = 1
    W /= std.astype(W.dtype)
    z /= std.astype(W.dtype)
    shape = N_ROWS_OF_BIAS, len(b)
    rows, w = rng.randint(len(z), size=shape), rng.standard_exponential(shape)
    w /= w.sum(axis=0)
    b[...] = -np.einsum("kj,kj->j", w, z[rows, np.arange(len(b))])


def sparse_dot(x: SparseRows, W: Array, y: Array, alpha: float) -> None:
    """``y = alpha x W``."""
    run(csr_dot, x.rows.data, x.rows.indices, x.rows.indptr, W, y)
    if alpha != 1:
        y *= y.dtype.type(alpha)


def sparse_t_dot(x: SparseRows, dy: Array, dW: Array, alpha: float) -> None:
    """``dW = alpha xᵀ dy``."""
    run(csr_t_dot, x.rows.data, x.rows.indices, x.rows.indptr, dy, dW)
    if alpha != 1:
        dW *= dW.dtype.type(alpha)


@has_kernel()
def csr_dot(data: Array, indices: Array, indptr: Array, W: Array, y: Array) -> None:
    """``y = x W``, for the CSR matrix x of these arrays."""
    np.copyto(y, _csr(data, indices, indptr, len(W)) @ W)


@has_kernel()
def csr_t_dot(data: Array, indices: Array, indptr: Array, dy: Array, dW: Array) -> None:
    """``dW = xᵀ dy``, for the CSR matrix x of these arrays."""
    np.copyto(dW, _csr(data, indices, indptr, len(dW)).T @ dy)


def _csr(data: Array, indices: Array, indptr: Array, width: int) -> csr_array:
    return csr_array((data, indices, indptr), (len(indptr) - 1, width))
