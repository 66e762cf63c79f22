"""Model selection: search spaces, and a random search from coarse to fine."""

from .coarse_to_fine import CoarseToFineSearchCV
from .space import search_space

__all__ = ["CoarseToFineSearchCV", "search_space"]
