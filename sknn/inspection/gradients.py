"""Statistics of gradients and of the first step of the solver, by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._descent import norm
from .._typing import Array, MatrixLike
from ..layers import Flatten, Layer, LayerSpec, Residual
from ..layers.base import Params
from ..network import Network
from ..objective import Objective, total_weight
from ._network import fitted_or_untrained
from ._passes import part_names
from ._printing import Columns, PrintedTable
from ._subject import Subject

LONG_FIRST_STEP = ("adam", "adamw", "nadam")
"""Solvers whose first step has the length of the learning rate for each weight,
whatever the gradient."""


@dataclass(frozen=True, repr=False)
class GradientStatistics(PrintedTable):
    """Statistics of the gradient and of the first step, by layer with parameters.

    Attributes
    ----------
    columns : dict of str to list
        ``pandas.DataFrame(statistics.columns)`` is a table of

        - layer: the name; the name of a layer in a residual block starts with that of
          the block;
        - parameters: their number;
        - gradient_norm, gradient_std: of the gradient of the objective;
        - weight_norm: norm of all parameters of the layer;
        - update_norm: norm of the step that the solver takes; NaN for 'lbfgs';
        - update_ratio: update_norm / weight_norm; NaN where the parameters are all 0.
    loss : float
        The objective on the batch, with the penalty.
    trained : bool
        Whether the network was fitted.
    n_rows : int
        Number of rows of the batch.
    solver : str
        The solver that takes the step.

    See Also
    --------
    gradient_statistics : The function that returns this.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import gradient_statistics
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((50, 20), solver="sgd", random_state=0)
    >>> statistics = gradient_statistics(clf, X / 16, y)
    >>> print(f"{statistics.n_rows} rows, loss {statistics.loss:.2f}")
    200 rows, loss 2.41
    >>> for title in ("layer", "parameters"):
    ...     print(statistics.columns[title])
    ...
    ['dense1', 'dense2', 'output']
    [3250, 1020, 210]
    >>> print(*(f"{norm:.2f}" for norm in statistics.columns["gradient_norm"]))
    0.49 0.43 0.26
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
            remark += (
                f". The first step of {self.solver} moves each weight by the learning "
                "rate"
            )
        return f"{remark}."


def gradient_statistics(
    estimator: Any, X: MatrixLike, y: MatrixLike
) -> GradientStatistics:
    """Compute the gradient of each layer, and how far a step moves its weights.

    The gradient is that of the whole objective, with penalty, dropout and the like, on
    one random batch. The update is the first step of the estimator's own solver, at
    `learning_rate_init`, with its clipping and decoupled weight decay, on a copy of the
    network. The solver has no memory of earlier steps.

    A step of about a thousandth of the weights is usual [1]_; first steps may be 30
    times as long. The first step of 'adam' and related solvers moves each parameter by
    the whole learning rate, whatever the gradient. With momentum, the first step of
    'sgd' is smaller than later ones.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one. If it is fitted, the trained
        network is used, else one with initial weights.
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
    activation_statistics : Statistics of the forward pass.

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
    >>> ratios = statistics.columns["update_ratio"]
    >>> for layer, ratio in zip(statistics.columns["layer"], ratios):
    ...     print(f"{layer} {ratio:.5f}")
    dense1 0.00011
    dense2 0.00011
    output 0.00014
    """
    return gradients_of(fitted_or_untrained(estimator, X, y))


def gradients_of(subject: Subject) -> GradientStatistics:
    """Return the statistics of a subject's network, and let it take a step."""
    network, objective = subject.network, subject.objective()
    x, y, w = next(subject.batches())
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
    """Take one step along the gradient of `objective`, which includes the penalty."""
    estimator = subject.estimator
    if estimator.solver == "lbfgs":
        return
    objective.alpha = 0.0  # not twice
    subject.descent(objective).step(total, float(estimator.learning_rate_init))


def _flat(arrays: Params, keys: list[str]) -> Array:
    """Return the arrays of those names, flat; no elements for a frozen layer."""
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

    Layers in residual blocks come one by one; the names of their arrays start with the
    number of the part.
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
