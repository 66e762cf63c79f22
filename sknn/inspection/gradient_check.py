"""Numerical gradient check: of a network, a layer, an activation or a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_scalar

from .._arrays import as_floats, batch_empty
from .._descent import norm
from .._typing import Array, MatrixLike
from ..activations import ActivationFunction
from ..layers import Activation, Layer, Training
from ..layers.base import Params
from ..losses import HalfSquaredError, Loss
from ..network import Network
from ..objective import total_weight
from ._network import fitted_or_untrained
from ._printing import Columns, PrintedTable
from ._subject import Subject
from .gradients import parameter_groups

STEP = 1e-6
"""h of the differences: their error of order h⁴ is far below rounding, and few units
cross a kink within ±2h."""

N_DIRECTIONS = 5
"""Number of random directions for each row of the table. The median of their errors is
used, so that a kink near one of them does not count."""

SMALLEST = 4 * np.finfo(np.float64).eps / STEP / 1e-6
"""Gradient, in units of the function or of 1, below which rounding causes a relative
error of 1e-6; errors of smaller gradients are given relative to it."""

MOVED = 0.01
"""Standard deviation of the noise added to all parameters: where they are 0, such as
initial biases and the last layers of residual blocks, units are at their kink."""

MAX_BATCH = 20
"""Number of rows: enough to test any formula, and few kinks."""


@dataclass(frozen=True, repr=False)
class GradientCheck(PrintedTable):
    """Errors of gradients: one row per layer, or per array of a single layer.

    Attributes
    ----------
    columns : dict of str to list
        ``pandas.DataFrame(check.columns)`` is a table of

        - layer, or array: what the derivative is taken with respect to;
        - gradient_norm: norm of the gradient that the code computes;
        - error: its relative error.
    tol : float
        Maximum error that counts as rounding.

    See Also
    --------
    check_gradients : The function that returns this.

    Examples
    --------
    An activation whose derivative has the wrong sign for negative z:

    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> from sknn.activations import ActivationFunction
    >>> from sknn.inspection import check_gradients
    >>> @dataclass(frozen=True)
    ... class Abs(ActivationFunction):
    ...     def forward(self, z, out):
    ...         np.abs(z, out=out)
    ...     def backward(self, z, a, dy):
    ...         pass  # should be dy *= np.sign(z)
    ...
    >>> check_gradients(Abs(), np.array([[1.0, -2.0, 3.0]]))
    Gradient check: not good
    array  gradient norm  error
    input          0.666  0.216
    Errors above tol=1e-06: input. An error in a layer affects all layers before it,
    so start with the last one. A kink, such as that of relu at 0, can look like an
    error of up to about 1e-3; smooth functions have none.
    """

    columns: Columns
    tol: float

    @property
    def max_error(self) -> float:
        """The largest relative error."""
        return max(self.columns["error"], default=0.0)

    @property
    def ok(self) -> bool:
        """Whether all errors are within `tol`; NaN is not."""
        return bool(np.all(np.array(self.columns["error"]) <= self.tol))

    def _title(self) -> str:
        return f"Gradient check: {'good' if self.ok else 'not good'}"

    def _remark(self) -> str:
        if self.ok:
            return ""
        first = next(iter(self.columns))
        errors = zip(self.columns[first], self.columns["error"], strict=True)
        wrong = ", ".join(name for name, error in errors if not error <= self.tol)
        return (
            f"Errors above tol={self.tol:g}: {wrong}. An error in a layer affects all "
            "layers before it, so start with the last one. A kink, such as that of "
            "relu at 0, can look like an error of up to about 1e-3; smooth functions "
            "have none."
        )


def check_gradients(
    estimator_or_layer: Any,
    X: MatrixLike,
    y: MatrixLike | None = None,
    *,
    tol: float = 1e-6,
    random_state: int = 0,
) -> GradientCheck:
    """Compare gradients with numerical ones, in float64.

    The derivative in a random direction d is ``g·d``, with g the gradient that the code
    computes, and ``(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h`` by differences, with
    f(t) the function moved by t along d, and h = 1e-6 [1]_. The relative error is their
    difference divided by ‖g‖, or by the numerical derivative if that is larger; the
    median over five directions is reported. Below 1e-6 a gradient is right, above 1e-3
    it is wrong [2]_. In between there may be a kink: relu, absolute error and maximum
    pooling, for example, have points without a derivative, and rows near one of them
    cause an error.

    The gradient is checked after noise of 0.01 was added to the parameters, since with
    biases of 0 units are at their kink. Random operations, such as dropout or mixup,
    draw the same numbers each time.

    Parameters
    ----------
    estimator_or_layer : estimator, Layer, ActivationFunction or Loss
        What to check:

        - an estimator of sknn, or a Pipeline, TransformedTargetRegressor,
          FrozenEstimator or fitted search around one: the derivative of the objective,
          with its penalty, with respect to the parameters of each layer, at fitted
          parameters if it is fitted, else at initial ones;
        - a `sknn.layers.Layer`: that of a random sum of its outputs with respect to its
          input and each parameter array, in a training pass;
        - an activation function: the same with respect to its input;
        - a `sknn.losses.Loss`: that of the loss with respect to the raw scores.
    X : array-like
        Rows of features; for a layer the rows of its input, (n, ...); for a loss the
        raw scores, (n, n_outputs * scores_per_output). At most 20 rows are used.
    y : array-like, default=None
        Targets of an estimator; for a loss as it receives them, (n, n_outputs) or (n,).
        Layers and activations need none.
    tol : float, default=1e-6
        Maximum relative error that counts as rounding, positive.
    random_state : int, default=0
        Seed of the directions, the noise, and the initial parameters of a layer.

    Returns
    -------
    check : GradientCheck
        A table of errors; `ok` says whether all are at most `tol`.

    Raises
    ------
    TypeError
        If `estimator_or_layer` is none of these.
    ValueError
        If `y` is missing for an estimator or a loss.

    References
    ----------
    .. [1] B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced
       grids", Mathematics of Computation 51, 1988.
    .. [2] A. Karpathy, J. Johnson, "Neural networks part 3: learning and evaluation",
       CS231n, https://cs231n.github.io/neural-networks-3/.

    Examples
    --------
    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> from sknn.activations import ActivationFunction
    >>> from sknn.inspection import check_gradients
    >>> @dataclass(frozen=True)
    ... class Square(ActivationFunction):
    ...     def forward(self, z, out):
    ...         np.multiply(z, z, out=out)
    ...     def backward(self, z, a, dy):
    ...         dy *= z  # should be 2 z
    ...
    >>> check = check_gradients(Square(), np.random.RandomState(0).normal(size=(5, 3)))
    >>> print(f"{check.max_error:.1f}")
    0.5
    """
    check_scalar(tol, "tol", Real, min_val=0, include_boundaries="neither")
    check_scalar(random_state, "random_state", Integral, min_val=0)
    thing = estimator_or_layer
    if isinstance(thing, ActivationFunction):
        thing = Activation(thing)
    if isinstance(thing, Loss):
        rows = _check_loss(thing, X, y, random_state)
    elif isinstance(thing, Layer):
        rows = _check_layer(thing, X, random_state)
    else:
        if y is None:
            raise ValueError("y is None, but the loss of an estimator needs targets.")
        rows = _check_network(fitted_or_untrained(thing, X, y), random_state)
    table: dict[str, list[Any]] = {}
    with np.errstate(all="ignore"):
        for row in rows:
            for title, value in row.items():
                table.setdefault(title, []).append(value)
    return GradientCheck(table or {"layer": [], "error": []}, tol)


# -- differences ----------------------------------------------------------------------


def directional_derivative(f: Callable[[float], float]) -> float:
    """Return f'(0) by central differences of order h⁴."""

    def difference(t: float) -> float:
        return f(t) - f(-t)

    return (8 * difference(STEP) - difference(2 * STEP)) / (12 * STEP)


def relative_error(
    f: Callable[[], float], x: Array, gradient: Array, rng: np.random.Generator
) -> float:
    """Return the median error of the gradient of ``f()``, which depends on array `x`.

    `x` is changed in place, and restored.
    """
    start, size = x.copy(), norm(gradient.ravel())
    smallest = SMALLEST * max(1.0, abs(f()))
    errors = []
    for _ in range(N_DIRECTIONS):
        direction = rng.normal(size=x.shape)

        def moved(t: float, direction: Array = direction) -> float:
            np.copyto(x, start + t * direction)
            return f()

        numerical = directional_derivative(moved)
        difference = abs(float(np.vdot(gradient, direction)) - numerical)
        errors.append(difference / max(size, abs(numerical), smallest))
    np.copyto(x, start)
    return float(np.median(errors))


# -- what is checked ------------------------------------------------------------------


def _check_network(subject: Subject, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the error of each layer's parameters."""
    subject.to_float64()
    network = subject.network
    rng = np.random.default_rng(seed)
    network.theta += MOVED * rng.normal(size=network.theta.shape)
    objective = subject.objective()
    data = subject.sample(MAX_BATCH, seed)
    x = as_floats(data.X[data.rows], network.dtype)
    y, w = data.y[data.rows], data.sample_weight
    y = y if y.dtype.kind in "iu" else y.astype(np.float64)
    w = None if w is None else w[data.rows].astype(np.float64)
    total, averaged = total_weight(y, w), outputs_averaged(objective.loss, y)
    stream = subject.run.noise.bit_generator
    state = stream.state
    W, dW = (flat[: network.n_decay] for flat in (network.theta, objective.grad))

    def value() -> float:
        stream.state = state  # the same masks each time
        loss = objective.data_loss_gradient(x, y, w, total)
        return averaged * loss + objective.add_penalty(W, dW, total)

    value()
    gradient = objective.grad.copy()
    for i, name, keys in parameter_groups(network):
        g = network.views(gradient)[i]
        keys = [key for key in keys if key in g]  # frozen layers have no gradient
        if keys:
            error = _error_of_layer(value, network.params[i], g, keys, rng)
            size = norm(np.concatenate([g[key].ravel() for key in keys]))
            yield {"layer": name, "gradient_norm": size, "error": error}


def _error_of_layer(
    value: Callable[[], float],
    p: Params,
    g: Params,
    keys: list[str],
    rng: np.random.Generator,
) -> float:
    """Return the error in directions that change all arrays of a layer together."""
    flat = np.concatenate([p[key].ravel() for key in keys])

    def moved() -> float:
        start = 0
        for key in keys:
            stop = start + p[key].size
            p[key][...] = flat[start:stop].reshape(p[key].shape)
            start = stop
        return value()

    gradient = np.concatenate([g[key].ravel() for key in keys])
    error = relative_error(moved, flat, gradient, rng)
    moved()
    return error


def outputs_averaged(loss: Loss, y: Array) -> int:
    """Return by how many outputs the reported loss, but not its gradient, is divided.

    As in scikit-learn, `HalfSquaredError` reports the mean over outputs.
    """
    return y.shape[1] if isinstance(loss, HalfSquaredError) else 1


def _check_layer(layer: Layer, X: Any, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the errors for the input and for each parameter array of a layer."""
    x = np.array(_rows(X, "X"))
    network = Network([layer], x.shape[1:], x.dtype)
    network.initialize(np.random.RandomState(seed))
    rng = np.random.default_rng(seed)
    network.theta += MOVED * rng.normal(size=network.theta.shape)
    (p,), (spec,) = network.params, network.specs
    v = rng.normal(size=(len(x), *spec.out_shape))
    call = SimpleNamespace()

    def value() -> float:
        training = Training(np.random.default_rng(seed))  # the same masks each time
        call.ws = layer.workspace(spec, len(x), x.dtype, training)
        return float(np.vdot(layer.forward(p, x, call.ws, True), v))

    value()
    dy = batch_empty(len(x), spec.out_shape, x.dtype)
    np.copyto(dy, v)
    (g,) = network.views(np.zeros_like(network.theta))
    dx = layer.backward(p, g, dy, call.ws, need_dx=True)
    assert dx is not None
    for name, at, gradient in [("input", x, dx), *((k, p[k], g[k]) for k in g)]:
        gradient = np.array(gradient)
        error = relative_error(value, at, gradient, rng)
        yield {"array": name, "gradient_norm": norm(gradient.ravel()), "error": error}


def _check_loss(loss: Loss, X: Any, y: Any, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the error of a loss with respect to the raw scores."""
    if y is None:
        raise ValueError("y is None, but a loss needs targets.")
    z = np.array(_rows(X, "X"))
    y = np.asarray(y)[: len(z)]
    y = y if y.dtype.kind in "iu" and y.ndim == 1 else y.astype(np.float64)
    dz = np.empty_like(z)

    def value() -> float:
        return loss.loss_gradient(z, y, None, out=np.empty_like(z))

    loss.loss_gradient(z, y, None, out=dz)
    averaged = outputs_averaged(loss, y)
    rng = np.random.default_rng(seed)
    error = relative_error(lambda: averaged * value(), z, dz, rng)
    yield {"array": "raw scores", "gradient_norm": norm(dz.ravel()), "error": error}


def _rows(X: Any, name: str) -> Array:
    """Return at most `MAX_BATCH` rows in float64."""
    return check_array(X, dtype=np.float64, allow_nd=True, input_name=name)[:MAX_BATCH]
