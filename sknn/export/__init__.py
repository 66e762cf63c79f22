"""Models that leave: fitted estimators in the formats of other libraries.

The libraries are optional, and are imported only by the functions that need them.
"""

from .onnx import to_onnx
from .skl2onnx import register_converters

__all__ = ["register_converters", "to_onnx"]
