"""Callbacks: those of scikit-learn 1.9 or newer, and what older versions have."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

from .._sklearn import HAS_CALLBACKS, BaseEstimator, CallbackSupportMixin
from .checkpoints import KeepsTraining


class TakesCallbacks(CallbackSupportMixin, BaseEstimator):
    """An estimator with callbacks.

    Before scikit-learn 1.9, it takes only those that `fit` calls itself.
    """

    if not HAS_CALLBACKS:

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Set callbacks; before scikit-learn 1.9 only a `Checkpoint`.

            Parameters
            ----------
            *callbacks : callback instances
                Without any, those that are set are removed.

            Returns
            -------
            self : estimator
                The estimator itself.
            """
            for callback in callbacks:
                if not isinstance(callback, KeepsTraining):
                    raise TypeError(
                        "Before scikit-learn 1.9, set_callbacks takes a "
                        f"sknn.callbacks.Checkpoint only, got {callback!r}."
                    )
            if callbacks:
                vars(self)["_skl_callbacks"] = list(callbacks)
            else:
                vars(self).pop("_skl_callbacks", None)
            return self

        def __sklearn_clone__(self) -> Self:
            # From scikit-learn 1.9, clones keep their callbacks.
            copied = super().__sklearn_clone__()
            return copied.set_callbacks(*getattr(self, "_skl_callbacks", ()))


class FitCallbacks:
    """Calls the callbacks of an estimator at the start and end of fit and of epochs.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted. ``set_callbacks`` was called on it, or on a
        meta-estimator that contains it.
    X, y, sample_weight
        As the user passed them to `fit`.
    max_epochs : int or None
        Maximum number of epochs, the length of a progress bar; None if unknown.

    Attributes
    ----------
    refresh : callable or None
        Called before the callbacks: sets the fitted attributes reached so far.
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
        """Call the callbacks at the start of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._seen)

    def epoch_ends(self) -> bool:
        """Call the callbacks at the end of an epoch; return whether to stop."""
        if self.refresh is not None:
            self.refresh()
        return self._epoch.call_on_fit_task_end(
            **self._seen, reconstruction_attributes=self._network_now
        )

    def fit_ends(self) -> None:
        """Call the callbacks at the end of the fit."""
        self._fit.call_on_fit_task_end(**self._seen, reconstruction_attributes={})

    def _network_now(self) -> dict[str, Any]:
        """Return the attributes with which a copy predicts as after this epoch."""
        return {"network_": copy.deepcopy(self._seen["estimator"].network_)}


def fit_callbacks(
    estimator: Any, X: Any, y: Any, sample_weight: Any, max_epochs: int | None
) -> FitCallbacks | None:
    """Return the callbacks of an estimator; None if it has none."""
    if not (HAS_CALLBACKS and getattr(estimator, "_skl_callbacks", None)):
        return None
    return FitCallbacks(estimator, X, y, sample_weight, max_epochs)
