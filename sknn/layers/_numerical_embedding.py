"""What embeddings of numbers have in common: which columns they are for."""

from __future__ import annotations

from abc import abstractmethod

from .._spec import check_positive, is_integer_from, spec
from .._typing import Array, Shape
from ..initializers import GlorotUniform
from .base import Layer, ParamSpec, Workspace

GRAIN = 2**11
"""Number of embedded numbers for which a second thread pays."""


@spec
class NumericalEmbedding(Layer):
    """The base class of layers that embed each of the first columns of a row."""

    n_columns: int | None = None

    def __post_init__(self) -> None:
        if self.n_columns is not None and not is_integer_from(0, self.n_columns):
            raise ValueError(
                f"n_columns of {type(self).__name__} must be a non-negative integer or "
                f"None, got {self.n_columns!r}."
            )
        check_positive(self, "size")

    def count(self, in_shape: Shape) -> int:
        """Return the number of columns to embed."""
        if len(in_shape) != 1 or (self.n_columns or 0) > in_shape[0]:
            raise ValueError(
                f"{self!r} needs rows of at least {self.n_columns or 1} numbers, got "
                f"rows of shape {in_shape}."
            )
        return in_shape[0] if self.n_columns is None else int(self.n_columns)

    @abstractmethod
    def bind(self, ws: Workspace, x: Array) -> Array: ...


def uniform(shape: Shape, bound: float, decay: bool = False) -> ParamSpec:
    """Declare a parameter that is drawn uniformly from ``±bound``."""
    return ParamSpec(shape, GlorotUniform(bound**2), 1, 0, decay)


def embeddings(y: Array, m: int, size: int) -> Array:
    """View the first columns of rows `y` as `m` embeddings, (n, m, size)."""
    return y[:, : m * size].reshape(len(y), m, size)
