"""A check of the argument that all writers take."""

from __future__ import annotations

from typing import Any

from ..exceptions import ExportError


def check_is_instance(estimator: Any) -> None:
    """Raise if `estimator` is a class."""
    if isinstance(estimator, type):
        raise ExportError(
            f"estimator must be a fitted estimator, got the class {estimator.__name__}."
        )
