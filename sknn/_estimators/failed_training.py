"""Signs that training has failed although it ended as usual, and what to try then."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from .._typing import Array
from ..layers import CategoricalEmbedding, ToImages
from ..losses import HalfSquaredError
from ..objective import mean_loss
from ..solvers import SGD
from .input_checks import warn_caller
from .run import FitRun
from .targets import NumberTargets

RISEN = 10.0
"""Ratio of the loss of an epoch to that of the first, from which training has failed.
It is about 1 where the loss does not fall, and larger where the steps are too long."""

FAR = 10.0
"""Ratio to 1, or of 1 to it, from which the size of targets counts as unusual."""

LARGE_FEATURES = 30.0
"""Size of a column of features from which it is the first thing to scale: the initial
weights are drawn for features of about 1."""

N_ROWS = 1000
"""Number of rows in which the features are looked at."""

WORSE = 1.1
"""Ratio of the loss to that of a constant from which a network is worse than that. A
large penalty makes it as good as a constant, whatever the targets are."""


def report_rising_loss(run: FitRun) -> None:
    """Warn if the network is of an epoch with a higher loss than the first one."""
    if not has_risen(run):
        return
    losses, epoch = losses_of(run), shown_epoch(run)
    best = keeps_best(run)
    which = "which has the best validation score" if best else "the last one"
    warn_caller(
        f"The training loss rose from {losses[0]:.3g} in the first epoch to "
        f"{losses[epoch - 1]:.3g} in epoch {epoch}, {which}. {advice_on_steps(run)}. "
        "sknn.inspection.doctor examines the training.",
        ConvergenceWarning,
    )


def has_risen(run: FitRun) -> bool:
    """Return whether the loss of the network is far above that of the first epoch."""
    losses, epoch = losses_of(run), shown_epoch(run)
    return not run.one_epoch and epoch > 1 and losses[epoch - 1] > RISEN * losses[0]


def losses_of(run: FitRun) -> list[float]:
    """Return the training losses of the epochs of this run."""
    return run.history.columns["loss"][-run.history.n_iter :]


def shown_epoch(run: FitRun) -> int:
    """Return the epoch, from 1, whose weights the estimator predicts with."""
    return run.history.best_epoch if keeps_best(run) else run.history.n_iter


def keeps_best(run: FitRun) -> bool:
    """Return whether the run ends with the weights of its best epoch."""
    params = run.params
    return bool(params.early_stopping and params.restore_best) and not run.one_epoch


def advice_on_steps(run: FitRun) -> str:
    """Return what to try where the steps of the solver were too long."""
    text = (
        "Scale the features, for example with sklearn.preprocessing.StandardScaler, "
        "and the target of a regressor"
    )
    params = run.params
    if params.solver == "lbfgs":
        return text
    lower = f"lower learning_rate_init={params.learning_rate_init}"
    # The steps of other solvers hardly depend on the size of the gradient.
    is_sgd = params.solver == "sgd" or isinstance(params.solver, SGD)
    if is_sgd and (params.max_grad_norm or math.inf) > 1:
        return f"{text}, {lower}, or bound the gradient, for example by max_grad_norm=1"
    return f"{text}, or {lower}"


def advice_on_scale(run: FitRun) -> str:
    """Return advice to scale features or targets, the likely cause of a bad fit.

    That is where they are far from 1, and the squared error of the network is larger
    than that of a constant. Otherwise the text is empty. Features come first: while
    they are too large, scaled targets do not help.
    """
    params, data, targets = run.params, run.data, run.targets
    is_squared = type(targets.loss) is type(run.loss) is HalfSquaredError
    if not is_squared or type(targets) is not NumberTargets:
        return ""
    if run.one_epoch:
        return ""
    y, w = data.y[data.selected], data.sample_weight
    w = None if w is None else w[data.selected]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(y.astype(np.float64), axis=0, weights=w)
        variance = np.average((y - mean) ** 2, axis=0, weights=w)
        if not varies(mean, variance) or not is_worse_than_mean(run, variance):
            return ""
    name = type(params).__name__
    failed = "The training loss is above that of predicting the mean of the targets."
    size = size_of_features(run)
    if size > LARGE_FEATURES:
        scaler = "MaxAbsScaler" if issparse(data.X) else "StandardScaler"
        return (
            f"{failed} The features have columns of size {size:.3g} (root mean "
            f"square): scale them, for example with make_pipeline({scaler}(), "
            f"{name}(...))."
        )
    if not is_far_from_1(mean, variance):
        return ""
    i = int(variance.argmax())
    which = "The targets have" if len(mean) == 1 else f"Column {i} of y has"
    # Without the loss: Python shows the same warning of several fits once.
    return (
        f"{failed} {which} a mean of {mean[i]:.3g} and a standard deviation of "
        f"{math.sqrt(variance[i]):.3g}: scale them, for example with "
        f"TransformedTargetRegressor({name}(...), "
        "transformer=StandardScaler())."
    )


def size_of_features(run: FitRun) -> float:
    """Return the largest root mean square of a column, in the first rows.

    It is 0 for images, whose pixels have a warning of their own, and for tables with
    codes of categories.
    """
    X, layers = run.data.X[:N_ROWS], run.network.layers
    if layers and isinstance(layers[0], ToImages | CategoricalEmbedding):
        return 0.0
    squares = X.multiply(X) if issparse(X) else np.square(X, dtype=np.float64)
    return math.sqrt(squares.mean(axis=0).max())


def varies(mean: Array, variance: Array) -> bool:
    """Return whether targets differ by more than rounding."""
    return bool(variance.max() > (1e-8 * size_of_targets(mean, variance)) ** 2)


def is_far_from_1(mean: Array, variance: Array) -> bool:
    """Return whether targets are far larger or smaller than 1."""
    size = size_of_targets(mean, variance)
    return size > FAR or size * FAR < 1


def size_of_targets(mean: Array, variance: Array) -> float:
    """Return the root mean square of all targets."""
    return math.sqrt((mean**2 + variance).mean())


def is_worse_than_mean(run: FitRun, variance: Array) -> bool:
    """Return whether the squared error on the training rows is above their variance."""
    limit, data = WORSE * 0.5 * variance.mean(), run.data
    if not run.history.loss > limit:  # no forward pass in most cases
        return False
    # That loss has the penalty, dropout and the weights of earlier steps in it.
    z, w = run.network.scores(data.X, data.rows), data.sample_weight
    y = data.y[data.selected].astype(z.dtype, copy=False)
    w = None if w is None else w[data.selected].astype(z.dtype, copy=False)
    return mean_loss(run.targets.loss, z, y, w) > limit
