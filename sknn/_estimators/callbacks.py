"""Scikit-learn's callbacks, where the installed version has them (1.9 or newer)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


class FitCallbacks:
    """Tells the callbacks that are set on an estimator of a fit and of its epochs.

    Parameters
    ----------
    estimator : estimator
        The one that is fitted, with ``set_callbacks`` called on it or on a
        meta-estimator around it.
    X, y, sample_weight
        As the user passed them to `fit`.
    max_epochs : int or None
        Most epochs there can be, if known: the length of a progress bar.

    Attributes
    ----------
    refresh : callable or None
        Called before the callbacks, to set on the estimator what has been reached.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, max_epochs: int | None
    ) -> None:
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._seen = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.refresh: Callable[[], None] | None = None
        self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
        self._fit.call_on_fit_task_begin(**self._seen)

    def epoch_begins(self) -> None:
        """Tell that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._seen)

    def epoch_ends(self) -> bool:
        """Tell that an epoch has ended; return whether a callback says to stop."""
        if self.refresh is not None:
            self.refresh()
        return self._epoch.call_on_fit_task_end(
            **self._seen, reconstruction_attributes=self._network_now
        )

    def fit_ends(self) -> None:
        """Tell that the estimator is fitted."""
        self._fit.call_on_fit_task_end(**self._seen, reconstruction_attributes={})

    def _network_now(self) -> dict[str, Any]:
        """Return what makes a copy of the estimator predict as after this epoch."""
        return {"network_": copy.deepcopy(self._seen["estimator"].network_)}


def fit_callbacks(
    estimator: Any, X: Any, y: Any, sample_weight: Any, max_epochs: int | None
) -> FitCallbacks | None:
    """Return the callbacks to tell of a fit, None if there are none."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return FitCallbacks(estimator, X, y, sample_weight, max_epochs)
