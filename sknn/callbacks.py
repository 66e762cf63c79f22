"""Callbacks of sknn: `Checkpoint`, for training that continues after a crash."""

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
    """Save the state of training to a file, so that `fit` can continue after a crash.

    ``fit`` with the same parameters, the same data and the same path continues from the
    file. On the same machine, with the same kernels and number of threads, the result
    is that of a fit which was not interrupted, to the last bit: weights, predictions,
    ``history_`` (except the seconds), and what `partial_fit` continues from.

    It is set with ``set_callbacks`` of an estimator of sknn, also of one in a pipeline
    or in a search, with every version of scikit-learn.

    Parameters
    ----------
    path : str or path-like
        The file; or an existing folder, in which each fit has a file of its own. In a
        search or in cross-validation it must be a folder. A relative path is made
        absolute at once.
    every : int, default=1
        Number of epochs after which the state is saved; in an ensemble, epochs of a
        member.

    Raises
    ------
    FileError
        At the start of `fit`, if the file belongs to a fit with other parameters or
        data, was written by another version of sknn, or is damaged. The file is never
        overwritten then.
    FileNotFoundError
        At the start of `fit`, if the folder of the file does not exist.
    ValueError
        At the start of `fit` with ``solver='lbfgs'``, whose state is inside SciPy.

    Warns
    -----
    UserWarning
        If the state cannot be saved, for example because the disk is full: once, and
        training goes on. The file then has an earlier state.

    See Also
    --------
    sknn.save : Save a fitted estimator.

    Notes
    -----
    The state is written to another file in the same folder, synced to the disk, and
    renamed: if the process is killed while it writes, the file has the state before.

    The file remains after the fit. The same fit then returns its result without
    training; remove the file to train again. This also holds for
    ``random_state=None``: the random numbers are those of the first fit.

    See :doc:`/guide/saving` for what is compared, and for the time that saving takes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> path = Path(tempfile.mkdtemp(), "training.sknn")
    >>> clf = MLPClassifier(learning_rate="cosine", random_state=0)
    >>> clf = clf.set_callbacks(Checkpoint(path, every=20))

    If this is killed, run the program again, and it continues:

    >>> clf = clf.fit(X, y)
    >>> print(f"loss {clf.loss_:.2f}")
    loss 0.42

    After its end, the same fit returns the result in the file:

    >>> print(f"loss {clf.fit(X, y).loss_:.2f}")
    loss 0.42
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if not is_integer_from(1, every):
            raise ValueError(f"every must be an integer >= 1, got {every!r}.")
        given = os.fsdecode(path)
        self.path = os.path.abspath(given)
        if given.endswith(("/", os.sep)) and not os.path.isdir(given):
            raise FileNotFoundError(
                f"path={given!r} is a folder that does not exist: make it first."
            )
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
                f"{type(estimator).__name__}. In a pipeline or a search, call "
                "set_callbacks of the network inside it."
            )

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: `fit` itself calls `start_fit`."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Do nothing: `fit` itself keeps its state."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""


class WriteOrWarn:
    """Writes to a file, and warns the first time that this fails."""

    def __init__(self, file: TrainingFile) -> None:
        self.file, self.has_warned = file, False

    def __call__(self, state: FitState) -> None:
        try:
            self.file.write(state)
        except (OSError, MemoryError, FileError) as error:
            if not self.has_warned:
                self.has_warned = True
                warn_caller(
                    f"Checkpoint could not write {self.file.path!r}: {error}. Training "
                    "goes on."
                )
