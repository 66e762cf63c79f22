"""Models that leave: fitted estimators in the formats of other libraries."""

from .pytorch import to_torch

__all__ = ["to_torch"]
