"""The inputs and outputs of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Value:
    """An input or output of a graph.

    Attributes
    ----------
    name : str
        Its name.
    element_type : int
        The number of its dtype in ONNX.
    shape : tuple of int or None
        The shape of one row; None where a length is not known.
    """

    name: str
    element_type: int
    shape: tuple[int | None, ...]

    def info(self, onnx: Any, name: str | None = None) -> Any:
        """Return the declaration of the value, or of one with another name."""
        shape = ["n", *self.shape]
        return onnx.helper.make_tensor_value_info(
            name or self.name, self.element_type, shape
        )
