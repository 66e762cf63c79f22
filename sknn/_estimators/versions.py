"""Pickles carry the version of sknn that wrote them."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from .._sklearn import BaseEstimator
from .._version import __version__


class InconsistentSknnVersionWarning(InconsistentVersionWarning):
    """An estimator was pickled with another version of sknn."""

    def __init__(self, estimator_name: str, current: str, original: str) -> None:
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=current,
            original_sklearn_version=original,
        )

    def __reduce__(self) -> Any:
        return type(self), (
            self.estimator_name,
            self.current_sklearn_version,
            self.original_sklearn_version,
        )

    def __str__(self) -> str:
        return (
            f"Trying to unpickle estimator {self.estimator_name} from sknn version "
            f"{self.original_sklearn_version} when using version "
            f"{self.current_sklearn_version}. This might lead to breaking code or "
            "invalid results. Use at your own risk."
        )


class VersionedPickle(BaseEstimator):
    """An estimator that warns when it is unpickled with another version of sknn."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_sknn_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_sknn_version", "unknown")
        if version != __version__:
            name = type(self).__name__
            warnings.warn(
                InconsistentSknnVersionWarning(name, __version__, version), stacklevel=2
            )
        super().__setstate__(state)
