"""Models that leave: fitted estimators in the formats of other libraries."""

from .c_source import to_c
from .pytorch import to_torch

__all__ = ["to_c", "to_torch"]
