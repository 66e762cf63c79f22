"""Type aliases shared by the whole package."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""A NumPy array; docstrings give its shape and dtype."""

Matrix: TypeAlias = Any
"""Rows of features: a C-ordered NumPy array or a SciPy CSR matrix."""

MatrixLike: TypeAlias = Any
"""What users pass as X or y: array-like, sparse matrix, DataFrame."""

Shape: TypeAlias = tuple[int, ...]

DType: TypeAlias = np.dtype[Any]
