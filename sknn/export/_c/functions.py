"""The C functions that files are made of: their types and their names.

A file has those that it calls. They are written in float, take pointers and lengths,
and write to `y`, which can be `x` itself where the comment says so.
"""

from __future__ import annotations

import re

from . import embeddings, heads, images, inputs, rows

FUNCTIONS = {
    **inputs.FUNCTIONS,
    **rows.FUNCTIONS,
    **embeddings.FUNCTIONS,
    **images.FUNCTIONS,
    **heads.FUNCTIONS,
}
"""The text of each function by name, in the order in which a file has them."""


def in_dtype(text: str, real: str) -> str:
    """Return the text of functions in float, or of the same functions in double."""
    if real == "float":
        return text
    text = re.sub(r"\bfloat\b", "double", text)
    text = re.sub(r"\b(sqrt|exp|cos|log1p|expm1|fabs|tanh|erfc)f\b", r"\1", text)
    return re.sub(r"(\d(?:\.\d+)?(?:e[+-]?\d+)?)f\b", r"\1", text)


def with_prefix(text: str, name: str, prefix: str) -> str:
    """Return the text of a function under a name with a prefix, which is the model's.

    Lines that continue its parameters stay aligned.
    """
    longer = " " * (len(prefix) + 1)
    head, brace, body = text.partition("\n{")
    comment, start, parameters = head.rpartition("\nstatic ")
    parameters = parameters.replace(f"{name}(", f"{prefix}_{name}(", 1)
    parameters = parameters.replace("\n", "\n" + longer)
    return comment + start + parameters + brace + body
