"""Activations and gradients by layer, where training fades, explodes or stands still.

The rules for units that have stopped to learn are stated in terms of the slope f'(z) of
the activation, and so hold for any function, the user's own included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from .._arrays import as_floats, by_unit
from .._descent import norm
from .._typing import Array, MatrixLike
from ..activations import ACTIVATIONS, ActivationFunction
from ..layers import Activation, Flatten, Layer, LayerSpec, PReLU, Residual, Training
from ..layers.base import Params, layer_names
from ..layers.residual import split
from ..network import Network
from ..objective import Objective, total_weight
from ._network import (
    MAX_ELEMENTS,
    either,
    fitted,
    is_fitted,
    untrained,
    unwrap,
)
from ._report import Columns, PrintedTable, wrap
from ._subject import MAX_ROWS, Subject
from .range_test import endless_batches

FLAT_SLOPE = 0.05
"""A slope below this share of the largest one counts as none: a weight in front of it
moves twenty times more slowly. For tanh that is |a| > 0.975, for the logistic function
a < 0.013 or a > 0.987."""

FAR = 30.0
"""Arguments at which a bounded function is flat on both sides."""

LONG_FIRST_STEP = ("adam", "adamw", "nadam")
"""Solvers whose step without memory has the size of the rate, whatever the gradient."""

N_BINS = 50
"""Bins of a histogram."""


# -- activations ----------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class ActivationStatistics(PrintedTable):
    """Statistics of what each layer puts out; a row a layer, the input first.

    Attributes
    ----------
    columns : dict of str to list
        ``pandas.DataFrame(statistics.columns)`` is a table of

        - layer: the name; that of a layer in a residual block has the block in front;
        - kind: the class of the layer, or the activation function;
        - units: the number of units, or of channels of images;
        - mean, std: over all elements;
        - spread: how much the rows differ, the standard deviation of a unit over rows
          (and pixels), as root mean square over units;
        - dead: share of units whose slope f'(z) is flat for all rows, below 0.05 of the
          largest; NaN if the layer is no activation;
        - saturated: share of elements whose slope is flat, for functions such as tanh
          that are flat on both sides; else NaN.
    counts : list of ndarray of shape (n_bins,)
        Histogram of each layer's elements.
    edges : list of ndarray of shape (n_bins + 1,)
        The edges of its bins.
    trained : bool
        Whether the network was fitted.
    n_rows : int
        Number of rows looked at.
    """

    columns: Columns
    counts: list[Array]
    edges: list[Array]
    trained: bool
    n_rows: int

    def without_last(self) -> ActivationStatistics:
        """Return the statistics of all layers but the last."""
        columns = {name: column[:-1] for name, column in self.columns.items()}
        return replace(
            self, columns=columns, counts=self.counts[:-1], edges=self.edges[:-1]
        )

    def _title(self) -> str:
        when = "after" if self.trained else "before"
        return f"Activations {when} training, {self.n_rows} rows"


def activation_statistics(
    estimator: Any, X: MatrixLike, y: MatrixLike | None = None
) -> ActivationStatistics:
    """Tell mean, spread, dead and saturated units of each layer.

    Of a fitted estimator the trained network is looked at, as it predicts; of one that
    is not fitted a clone with initial weights, as it would see its first batch, with
    batch statistics in batch normalisation, but nothing left out at random. In a good
    start the spread stays of the order of 1 from layer to layer [1]_; where it shrinks
    to nothing, so will the gradients.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to pass through; at most 2000 are taken at random, fewer where layers are
        very wide.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        The targets, needed only for the number of outputs before training: without
        them the last layer is left out.

    Returns
    -------
    statistics : ActivationStatistics
        A table, and a histogram for each layer.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.

    See Also
    --------
    gradient_statistics : The way back.
    sknn.display.ActivationDisplay : The histograms as a picture.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import activation_statistics
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((50, 50), activation="tanh", random_state=0)
    >>> statistics = activation_statistics(clf, X / 16, y)
    >>> statistics.columns["layer"]
    ['input', 'dense1', 'activation1', 'dense2', 'activation2', 'output']
    >>> statistics.columns["saturated"][2] < 0.1
    True
    """
    if is_fitted(estimator):
        return statistics_of(fitted(estimator, X, y))
    if y is not None:
        return statistics_of(untrained(estimator, X, y))
    inner = unwrap(estimator, X, None, trained=False)
    X = inner.features(X)
    made_up = np.arange(X.shape[0] if hasattr(X, "shape") else len(X)) % 2
    subject = Subject.untrained(inner.estimator, X, made_up, class_weight=None)
    return statistics_of(subject).without_last()


def statistics_of(subject: Subject) -> ActivationStatistics:
    """Return the statistics of a subject's network on its data."""
    network = subject.network
    width = sum(spec.width for spec in network.specs) + 1
    rows = subject.sample(min(MAX_ROWS, max(1, MAX_ELEMENTS // width)))
    x = as_floats(rows.X[rows.selected], network.dtype)
    table: dict[str, list[Any]] = {}
    counts, edges = [], []
    with np.errstate(all="ignore"):
        for passed in passes(network, x, trains=not subject.trained):
            for title, value in passed.row().items():
                table.setdefault(title, []).append(value)
            elements = passed.y[np.isfinite(passed.y)]
            n, at = np.histogram(elements, bins=N_BINS)
            counts.append(n)
            edges.append(at)
    return ActivationStatistics(table, counts, edges, subject.trained, rows.n)


@dataclass
class Passed:
    """A layer that rows have passed through: its input `x` and output `y`."""

    name: str
    layer: Layer | None
    x: Any
    y: Array

    def row(self) -> dict[str, Any]:
        """Return a row of the table."""
        y = by_unit(self.y)
        dead, saturated = self.flat()
        return {
            "layer": self.name,
            "kind": _kind(self.layer),
            "units": len(y),
            "mean": float(y.mean()),
            "std": float(y.std()),
            "spread": float(np.sqrt(y.var(axis=1).mean())),
            "dead": dead,
            "saturated": saturated,
        }

    def flat(self) -> tuple[float, float]:
        """Return the shares of dead units and of saturated elements, NaN if neither."""
        where = self.where_flat()
        if where is None:
            return np.nan, np.nan
        flat = by_unit(where)
        bounded = isinstance(self.layer, Activation) and is_bounded(
            function(self.layer)
        )
        saturated = float(flat.mean()) if bounded else np.nan
        return float(flat.all(axis=1).mean()), saturated

    def where_flat(self) -> Array | None:
        """Return where the slope is flat; None if the layer is no activation."""
        if isinstance(self.layer, Activation):
            f = function(self.layer)
            return np.abs(slopes(f, self.x, self.y)) < FLAT_SLOPE * steepest(f)
        if isinstance(self.layer, PReLU):
            # Below 0 the slope of a unit is y / x.
            return (self.x <= 0) & (np.abs(self.y) <= FLAT_SLOPE * np.abs(self.x))
        return None


def _kind(layer: Layer | None) -> str:
    if layer is None:
        return ""
    if isinstance(layer, Activation):
        f = layer.function
        return f if isinstance(f, str) else type(f).__name__
    return type(layer).__name__


def function(layer: Activation) -> ActivationFunction:
    """Return the activation function of a layer."""
    f = layer.function
    return ACTIVATIONS[f] if isinstance(f, str) else f


def slopes(f: ActivationFunction, z: Array, a: Array) -> Array:
    """Return f'(z), where ``a = f(z)``."""
    slope = np.ones_like(a)
    f.backward(z, a, slope)
    return slope


def _slopes_at(f: ActivationFunction, z: Array) -> Array:
    a = np.empty_like(z)
    f.forward(z, a)
    return np.abs(slopes(f, z, a))


def steepest(f: ActivationFunction) -> float:
    """Return the largest slope of a function near 0."""
    return float(_slopes_at(f, np.linspace(-5, 5, 101)).max())


def is_bounded(f: ActivationFunction) -> bool:
    """Return whether a function is flat on both sides, like tanh."""
    return bool((_slopes_at(f, np.array([-FAR, FAR])) < FLAT_SLOPE * steepest(f)).all())


def passes(network: Network, x: Any, trains: bool) -> Iterator[Passed]:
    """Yield what each layer makes of rows `x`, the input first.

    With `trains`, layers that mix rows use the statistics of these rows.
    """
    dense = x if isinstance(x, np.ndarray) else x.toarray()
    yield Passed("input", None, dense, dense)
    layers = zip(
        network.names, network.layers, network.specs, network.params, strict=True
    )
    yield from _through(layers, x, trains)


Built: TypeAlias = tuple[str, Layer, LayerSpec, Params]
"""A layer with its name, its shapes and its parameters."""


def _through(layers: Iterable[Built], x: Any, trains: bool) -> Iterator[Passed]:
    """Pass rows through layers, and through those in residual blocks one by one."""
    for name, layer, spec, p in layers:
        if isinstance(layer, Residual):
            yield from _through(_inner(name, layer, spec, p), x, trains)
        training = Training(np.random.default_rng(0)) if trains else None
        ws = layer.workspace(spec, x.shape[0], x.dtype, training)
        y = layer.forward(p, x, ws, trains and layer.mixes_rows)
        yield Passed(name, layer, x, y)
        x = y


def _inner(name: str, block: Residual, spec: LayerSpec, p: Params) -> Iterator[Built]:
    """Yield the layers in a residual block, without the projection beside them."""
    names = [f"{name}.{part}" for part in part_names(block.layers)]
    return zip(names, block.layers, spec.parts, split(p, len(spec.parts)), strict=False)


def part_names(layers: Sequence[Layer]) -> list[str]:
    """Return names of layers none of which is the output."""
    return layer_names([*layers, Flatten()])[:-1]


# -- gradients ------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class GradientStatistics(PrintedTable):
    """Statistics of gradient and first step; a row for each layer with parameters.

    Attributes
    ----------
    columns : dict of str to list
        ``pandas.DataFrame(statistics.columns)`` is a table of

        - layer: the name; that of a layer in a residual block has the block in front;
        - parameters: their number;
        - gradient_norm, gradient_std: of the gradient of the objective;
        - weight_norm: norm of all parameters of the layer;
        - update_norm: norm of the step that the solver takes; NaN for 'lbfgs';
        - update_ratio: update_norm / weight_norm; NaN where the parameters are all 0.
    loss : float
        The objective on the batch, penalty included.
    trained : bool
        Whether the network was fitted.
    n_rows : int
        Rows of the batch.
    solver : str
        What takes the step.
    """

    columns: Columns
    loss: float
    trained: bool
    n_rows: int
    solver: str

    def _title(self) -> str:
        when = "after" if self.trained else "before"
        return f"Gradients {when} training, a batch of {self.n_rows} rows"

    def _remark(self) -> str:
        if self.solver == "lbfgs":
            return ""
        remark = "While a network learns, an update ratio of about 0.001 is usual"
        if not self.trained:
            remark += "; first steps may be 30 times as long"
        if self.solver in LONG_FIRST_STEP:
            remark += f". The first step of {self.solver} moves each weight by the rate"
        return wrap(f"{remark}.")


def gradient_statistics(
    estimator: Any, X: MatrixLike, y: MatrixLike
) -> GradientStatistics:
    """Tell the gradient of each layer, and how far a step moves its weights.

    The gradient is that of the whole objective, penalty, dropout and the like included,
    on one batch drawn at random. The update is the first step from there: that of the
    estimator's own solver without memory of earlier steps, at `learning_rate_init`,
    with its clipping and decoupled weight decay, on a copy of the network.

    About a thousandth of the weights a step is a healthy pace [1]_. The first step of
    'adam' and its like moves each parameter by the whole learning rate, whatever the
    gradient, so that its ratio is larger than those of the following steps, some ten
    times; with momentum, that of 'sgd' is smaller.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor or fitted search
        around one. The trained network is looked at if it is fitted, else one with
        initial weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.

    Returns
    -------
    statistics : GradientStatistics
        A table. Frozen layers are left out.

    Raises
    ------
    TypeError
        If there is no estimator of sknn in `estimator`.

    See Also
    --------
    activation_statistics : The way forward.

    References
    ----------
    .. [1] A. Karpathy, J. Johnson, "Neural networks part 3: learning and evaluation",
       CS231n, https://cs231n.github.io/neural-networks-3/.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import gradient_statistics
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((50, 50), solver="sgd", random_state=0)
    >>> statistics = gradient_statistics(clf, X / 16, y)
    >>> statistics.columns["layer"]
    ['dense1', 'dense2', 'output']
    >>> all(ratio < 0.01 for ratio in statistics.columns["update_ratio"])
    True
    """
    return gradients_of(either(estimator, X, y))


def gradients_of(subject: Subject) -> GradientStatistics:
    """Return the statistics of a subject's network, which takes a step."""
    network, objective = subject.network, subject.objective()
    x, y, w = next(endless_batches(subject))
    before = network.theta.copy()
    with np.errstate(all="ignore"):
        loss = objective.loss_gradient(x, y, w)
        gradient = objective.grad.copy()
        _step(subject, objective, total_weight(y, w))
        update = network.theta - before
    parts = [network.views(flat) for flat in (gradient, before, update)]
    lbfgs = subject.estimator.solver == "lbfgs"
    table: dict[str, list[Any]] = {}
    for i, name, keys in parameter_groups(network):
        g, W, step = (_flat(part[i], keys) for part in parts)
        if not g.size:
            continue
        row = _gradient_row(g, W, step * np.nan if lbfgs else step)
        for title, value in {"layer": name, **row}.items():
            table.setdefault(title, []).append(value)
    return GradientStatistics(
        table, float(loss), subject.trained, len(y), subject.solver_name
    )


def _step(subject: Subject, objective: Objective, total: float) -> None:
    """Take one step along the gradient of `objective`, which has the penalty in it."""
    estimator = subject.estimator
    if estimator.solver == "lbfgs":
        return
    objective.alpha = 0.0
    subject.descent(objective).step(total, float(estimator.learning_rate_init))


def _flat(arrays: Params, keys: list[str]) -> Array:
    """Return the arrays of those names in a row; none for a frozen layer."""
    return np.concatenate([[], *(arrays[k].ravel() for k in keys if k in arrays)])


def _gradient_row(g: Array, W: Array, step: Array) -> dict[str, Any]:
    weight_norm, update_norm = norm(W), norm(step)
    return {
        "parameters": g.size,
        "gradient_norm": norm(g),
        "gradient_std": float(g.std()),
        "weight_norm": weight_norm,
        "update_norm": update_norm,
        "update_ratio": update_norm / weight_norm if weight_norm else np.nan,
    }


def parameter_groups(network: Network) -> Iterator[tuple[int, str, list[str]]]:
    """Yield index, name and names of arrays of each layer with parameters.

    Layers in residual blocks come one by one; their arrays have the number of the part
    in front.
    """
    layers = zip(network.names, network.layers, network.specs, strict=True)
    for i, (name, layer, spec) in enumerate(layers):
        for group, keys in _groups(name, layer, spec, ""):
            yield i, group, keys


def _groups(
    name: str, layer: Layer, spec: LayerSpec, prefix: str
) -> Iterator[tuple[str, list[str]]]:
    if isinstance(layer, Residual):
        names = [*part_names(layer.layers), "projection"]
        inner = [*layer.layers, Flatten()]  # the projection has no parts
        for i, (part, one, its) in enumerate(
            zip(names, inner, spec.parts, strict=False)
        ):
            yield from _groups(f"{name}.{part}", one, its, f"{prefix}{i}.")
    elif spec.params:
        yield name, [f"{prefix}{key}" for key in spec.params]
