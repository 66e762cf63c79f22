"""Model selection: search spaces, and a search that goes from coarse to fine."""

from ._coarse_to_fine import CoarseToFineSearchCV
from ._space import search_space

__all__ = ["CoarseToFineSearchCV", "search_space"]
