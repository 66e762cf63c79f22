"""Statistics of activations by layer, where signals fade, explode or stand still."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._arrays import as_floats
from .._network_finder import is_fitted
from .._sklearn import num_samples
from .._typing import Array, MatrixLike
from ._network import fitted, untrained, unwrap
from ._passes import passes
from ._printing import Columns, PrintedTable
from ._subject import MAX_ELEMENTS, MAX_ROWS, Subject

N_BINS = 50
"""Number of bins of a histogram."""


@dataclass(frozen=True, repr=False)
class ActivationStatistics(PrintedTable):
    """Statistics of the output of each layer: one row per layer, the input first.

    Attributes
    ----------
    columns : dict of str to list
        ``pandas.DataFrame(statistics.columns)`` is a table of

        - layer: the name; the name of a layer in a residual block starts with that of
          the block;
        - kind: the class of the layer, or the activation function;
        - units: the number of units, or of channels of images;
        - mean, std: over all elements;
        - spread: how much the rows differ. The standard deviation of a unit over rows
          (and pixels), as root mean square over units;
        - dead: share of units whose slope f'(z) is flat for all rows, below 0.05 of the
          largest; NaN if the layer is no activation;
        - saturated: share of elements whose slope is flat, for functions such as tanh
          that are flat on both sides; else NaN.
    counts : list of ndarray of shape (n_bins,)
        Histogram of the elements of each layer.
    edges : list of ndarray of shape (n_bins + 1,)
        The edges of its bins.
    trained : bool
        Whether the network was fitted.
    n_rows : int
        Number of rows used.

    See Also
    --------
    activation_statistics : The function that returns this.
    sknn.display.ActivationDisplay : The histograms as a plot.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn import MLPClassifier
    >>> from sknn.inspection import activation_statistics
    >>> X, _ = load_digits(return_X_y=True)
    >>> statistics = activation_statistics(MLPClassifier(20, random_state=0), X / 16)
    >>> statistics
    Activations before training, 1797 rows
    layer        kind   units    mean    std  spread  dead  saturated
    input                  64   0.305  0.376   0.271     –          –
    dense1       Dense     20  -0.127  0.583   0.331     –          –
    activation1  relu      20   0.182  0.278   0.196     0          –

    The first of the 50 bins of the last histogram has the zeros of relu:

    >>> last = statistics.counts[-1]
    >>> len(last), int(last.argmax())
    (50, 0)
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
    """Compute mean, spread, and shares of dead and saturated units of each layer.

    For a fitted estimator, the trained network is used as in `predict`. For an
    estimator that is not fitted, it is a clone with initial weights, as in the first
    training pass, with batch statistics in batch normalization, but without dropout. In
    a good start the spread stays about the same from layer to layer [1]_. Where it
    shrinks to almost 0, so do the gradients.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknn, or a Pipeline, TransformedTargetRegressor,
        FrozenEstimator or fitted search around one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to pass through the network; at most 2000 of them are used, drawn at
        random, and fewer where layers are very wide.
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
    gradient_statistics : Statistics of the backward pass.
    sknn.display.ActivationDisplay : The histograms as a plot.

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
    >>> print(*(f"{spread:.2f}" for spread in statistics.columns["spread"]))
    0.27 0.29 0.25 0.25 0.21 0.29
    """
    if is_fitted(estimator):
        return statistics_of(fitted(estimator, X, y))
    if y is not None:
        return statistics_of(untrained(estimator, X, y))
    inner = unwrap(estimator, X, None, fitted=False)
    X = inner.features(X)
    any_targets = np.arange(num_samples(X)) % 2
    subject = Subject.untrained(inner.estimator, X, any_targets, class_weight=None)
    return statistics_of(subject).without_last()


def statistics_of(subject: Subject) -> ActivationStatistics:
    """Return the statistics of a subject's network on its data."""
    network = subject.network
    width = sum(spec.width for spec in network.specs) + int(np.prod(network.in_shape))
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
