"""Callbacks of sknn: training that continues after a crash."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Any

import numpy as np

from ._estimators.base import BaseNetworkEstimator
from ._estimators.checkpoints import FitKeeper, FitState, KeepsTraining
from ._estimators.input_checks import warn_caller
from ._files.fingerprint import fingerprint
from ._files.training import TrainingFile
from ._spec import is_integer_from
from .exceptions import FileError

__all__ = ["Checkpoint"]


class Checkpoint(KeepsTraining):
    """Keeps the state of training in a file, from which `fit` continues after a crash.

    Parameters
    ----------
    path : str or path-like
        The file, or an existing folder, in which each fit has a file of its own.
    every : int, default=1
        Number of epochs after which the file is written.
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if not is_integer_from(1, every):
            raise ValueError(f"every must be an integer >= 1, got {every!r}.")
        self.path = os.path.abspath(os.fsdecode(path))
        self.every = int(every)

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, every={self.every})"

    def start_fit(
        self, identity: dict[str, Any], stream: np.random.RandomState
    ) -> FitKeeper:
        """Return what keeps the states of a fit; `fit` calls it at its start."""
        cls = identity["class"].__name__
        names = {name: fingerprint(value) for name, value in identity.items()}
        path = self.path
        if os.path.isdir(path):
            of_all = sha256(repr(sorted(names.items())).encode()).hexdigest()
            path = os.path.join(path, f"{cls}-{of_all[:16]}.sknn")
        file = TrainingFile(path, names)
        state = file.read()
        write = WriteOrWarn(file)
        return FitKeeper(
            FitState(stream) if state is None else state, self.every, write
        )

    # -- the protocol of scikit-learn's callbacks --------------------------------------

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the estimator is one of sknn."""
        if not isinstance(estimator, BaseNetworkEstimator):
            raise TypeError(
                "Checkpoint is a callback of the estimators of sknn, got "
                f"{type(estimator).__name__}: call set_callbacks of the network "
                "inside of a pipeline or a search."
            )

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: `fit` itself calls `start_fit`."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Do nothing: `fit` itself keeps its state."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""


class WriteOrWarn:
    """Writes to a file; the first time that this fails, it warns."""

    def __init__(self, file: TrainingFile) -> None:
        self.file, self.has_warned = file, False

    def __call__(self, state: FitState) -> None:
        try:
            self.file.write(state)
        except (OSError, FileError) as error:
            if not self.has_warned:
                self.has_warned = True
                warn_caller(
                    f"Checkpoint could not write {self.file.path!r}: {error} Training "
                    "goes on without."
                )
