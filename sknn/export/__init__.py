"""Models that leave: fitted estimators in the formats of other libraries.

The libraries are optional, and are imported only by the functions that need them.
"""

from .c import to_c
from .onnx import to_onnx
from .skl2onnx import register_converters
from .torch import to_torch

__all__ = ["register_converters", "to_c", "to_onnx", "to_torch"]
