"""Early stopping over calls of ``partial_fit``: the latest and the best weights.

Between two calls the network has the best weights, while training goes on from the
latest ones, which `SolverProgress` keeps.
"""

from __future__ import annotations

import math

import numpy as np

from ..network import Network
from .history import History
from .monitor import Ending, Monitor
from .progress import Kept, SolverProgress


def keep_first_weights(
    progress: SolverProgress,
    network: Network,
    history: History,
    n_best: int,
    score: float,
) -> None:
    """Let the weights before the first call with a validation set compete too.

    Parameters
    ----------
    progress : SolverProgress
        That of this call; changed in place.
    network : Network
        With these weights.
    history : History
        Its best score becomes that of these weights.
    n_best : int
        Number of best epochs to keep.
    score : float
        The score of the weights; -inf or NaN if it is unknown.
    """
    if not progress.keeps(n_best):
        score = -math.inf if math.isnan(score) else score
        history.best_validation_score, history.best_epoch = score, history.epochs
        history.no_improvement_count = 0
        progress.kept = [Kept(score, history.epochs, network.snapshot())]
    assert progress.kept is not None
    del progress.kept[n_best:]


def show_best_weights(
    progress: SolverProgress, monitor: Monitor, ending: Ending
) -> Ending:
    """Keep the weights that a call ended with, and restore the best ones.

    A call without a validation set has no best weights to restore: the estimator goes
    on to predict with the network that it had. Returns how the call has ended.
    """
    network, is_validated = monitor.network, monitor.validate is not None
    progress.latest = None
    if progress.kept is None and not is_validated:
        return ending
    if not np.isfinite(network.theta).all():
        return "diverged"
    progress.latest = network.snapshot()
    if not is_validated:
        return ending
    if not monitor.restore_best():
        ending = "interrupted"
    if kept := progress.kept:  # one snapshot is not copied
        progress.best = kept[0].snapshot if len(kept) == 1 else network.snapshot()
    return ending
