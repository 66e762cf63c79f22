"""Save estimators to files that hold no code, and load them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from ._estimators.base import BaseNetworkEstimator
from ._files.archive import read_archive, write_archive
from ._files.codec import Reader, Writer
from ._files.header import check_version, header
from ._files.registry import custom_parts as parts_of
from ._spec import Spec, is_integer_from
from .exceptions import FileError

MAX_SIZE = 2**30
"""Bytes of the largest file that `load` reads by default."""


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    custom_parts: Iterable[type[Spec]] = (),
) -> None:
    """Save an estimator to a file that holds no code.

    The file is a zip archive of a JSON document and of arrays in NumPy's format, with a
    checksum of each. It is written under another name and then renamed: a save that is
    interrupted, or fails, leaves an existing file as it was.

    Parameters
    ----------
    estimator : estimator, Pipeline or TransformedTargetRegressor
        An estimator of sknn, fitted or not; a pipeline that ends with one; or a
        :class:`~sklearn.compose.TransformedTargetRegressor` of one of these. The
        pipeline can have the transformers of sknn and the most used ones of
        scikit-learn, which :doc:`/guide/saving` lists.
    path : str or path-like
        The file. The extension ``.sknn`` is usual.
    custom_parts : iterable of classes, default=()
        The classes of your own activations, layers, losses, schedules, solvers,
        initializers and augmentations that the estimator has. The file holds their
        names and parameters, but not their code: `load` must get the same classes.

    Raises
    ------
    FileError
        If a part is not from sknn or scikit-learn, such as a function: a file without
        code cannot hold it.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Load the estimator.

    Examples
    --------
    >>> import sknn, tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = sknn.MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp(), "irises.sknn")
    >>> sknn.save(clf, path)
    >>> for model in (clf, sknn.load(path)):
    ...     print(f"{model.score(X, y):.2f}")
    0.98
    0.98
    """
    check_is_ours(estimator, "sknn.save takes")
    custom = parts_of(custom_parts)
    writer = Writer(custom)
    tree = writer.tree(estimator, type(estimator).__name__)
    Reader(writer.arrays, custom).whole(tree)  # what could not be loaded is not written
    document = {**header(), "estimator": tree}
    write_archive(os.path.realpath(os.fsdecode(path)), document, writer.arrays)


def load(
    path: str | os.PathLike[str],
    *,
    max_size: int = MAX_SIZE,
    custom_parts: Iterable[type[Spec]] = (),
) -> Any:
    """Load an estimator from a file that `save` has written.

    Nothing in the file is executed, and everything is checked before it is used. The
    checksums detect damage, but no deliberate changes, because whoever changes a file
    can compute them again. A changed file cannot run code or fill the memory, but its
    network can have other weights: trust its predictions as you trust its source.

    Parameters
    ----------
    path : str or path-like
        The file.
    max_size : int, default=2**30
        Bytes of the largest file to read, at most ``2**32``. The arrays take up to
        twice as much memory as the file, and the rest no more than 200 MB.
    custom_parts : iterable of classes, default=()
        Your own classes that the file may name. Objects of them are made by their
        constructors, from the parameters in the file. No class is imported.

    Returns
    -------
    estimator : estimator, Pipeline or TransformedTargetRegressor
        As it was saved: it predicts the same, and `partial_fit` continues where it left
        off.

    Raises
    ------
    FileError
        If the file was not written by `save`, is damaged, is of a newer version, is too
        large, or has a custom part that is not in `custom_parts`.
    OSError
        If the file does not exist or cannot be read.

    See Also
    --------
    save : Save an estimator.

    Examples
    --------
    The file holds the whole pipeline:

    >>> import sknn, tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = sknn.MLPClassifier(learning_rate_init=0.01, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> path = Path(tempfile.mkdtemp(), "irises.sknn")
    >>> sknn.save(pipeline, path)
    >>> loaded = sknn.load(path)
    >>> list(loaded.named_steps)
    ['standardscaler', 'mlpclassifier']
    >>> print(pipeline.predict(X[::60]), loaded.predict(X[::60]))
    [0 1 2] [0 1 2]
    """
    if not is_integer_from(1, max_size):
        raise ValueError(f"max_size must be a positive integer, got {max_size!r}.")
    custom, path = parts_of(custom_parts), os.fsdecode(path)
    with open(path, "rb") as file:
        try:
            document, arrays = read_archive(file, max_size)
            check_version(document, "estimator")
            estimator = Reader(arrays, custom).whole(document["estimator"])
            check_is_ours(estimator, "files hold")
        except Exception as error:  # forged bytes raise almost anything
            known = isinstance(error, FileError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            raise FileError(
                f"{path!r} is not a file that sknn.load can read: {reason}"
            ) from error
    warn_of_other_sklearn(estimator, document)
    return estimator


def check_is_ours(estimator: Any, what: str) -> None:
    """Raise unless this is an estimator of sknn, or a pipeline that ends with one.

    A `TransformedTargetRegressor` stands for its regressor.
    """
    last = estimator
    while type(last) in (Pipeline, TransformedTargetRegressor):
        if isinstance(last, TransformedTargetRegressor):
            last = getattr(last, "regressor_", last.regressor)
        elif last.steps:
            last = last.steps[-1][1]
        else:
            break
    if not isinstance(last, BaseNetworkEstimator):
        kind = type(estimator).__name__
        ending = "" if last is estimator else f" that ends with {type(last).__name__}"
        instead = (
            " Save its best_estimator_." if hasattr(last, "best_estimator_") else ""
        )
        raise FileError(
            f"{what} an estimator of sknn, or a pipeline that ends with one, but this "
            f"is a {kind}{ending}.{instead}"
        )


def warn_of_other_sklearn(estimator: Any, document: Any) -> None:
    """Warn, as in unpickling, if another scikit-learn has fitted the transformers."""
    now, before = sklearn.__version__, document["written_by"].get("scikit-learn")
    is_of_sklearn = isinstance(estimator, Pipeline | TransformedTargetRegressor)
    if is_of_sklearn and before != now:
        warning = InconsistentVersionWarning(
            estimator_name=type(estimator).__name__,
            current_sklearn_version=now,
            original_sklearn_version=f"{before!s:.20}",
        )
        warnings.warn(warning, stacklevel=3)
