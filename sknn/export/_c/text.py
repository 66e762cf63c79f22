"""The text of a C file: literals, arrays, calls, functions."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ..._typing import Array
from ...exceptions import ExportError
from .activations import body_of
from .functions import FUNCTIONS, with_prefix
from .program import Argument, At, Call, Function, Memory, Program

DIGITS = {"float": 9, "double": 17}
"""Significant digits from which every number of a type can be read back exactly."""

DTYPES = {"float": np.float32, "double": np.float64}
"""NumPy's dtypes of the types of C."""

EXTRA = {
    "logistic": "return 1.0f / (1.0f + expf(-z));",
    "exp": "return expf(z);",
}
"""The bodies of functions of a number that heads use."""

MATH = re.compile(r"\b(sqrt|exp|cos|log1p|expm1|fabs|tanh|erfc)f?\(")
"""Functions of ``math.h``."""


def literal(value: Any, real: str) -> str:
    """Return a floating-point constant that is read back exactly."""
    text = f"{value:.{DIGITS[real]}g}"
    if "." not in text and "e" not in text:
        text += ".0"
    return text + "f" * (real == "float")


def array_text(name: str, array: Array, real: str) -> str:
    """Return the definition of an array of constants."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "i":
        kind, values = "int", [str(v) for v in flat.tolist()]
    else:
        with np.errstate(over="ignore"):
            flat = flat.astype(DTYPES[real])
        if not np.isfinite(flat).all():
            raise ExportError(
                f"The array {name!r} has values beyond {np.finfo(flat.dtype).max:.3g}, "
                "the largest float. Pass dtype='float64'."
            )
        kind, values = real, [literal(v, real) for v in flat.tolist()]
    return f"static const {kind} {name}[{len(flat)}] = {{\n{wrapped(values)}\n}};\n"


def call_text(call: Call, prefix: str, arrays: Iterable[str], real: str) -> str:
    """Return a call as a statement."""

    def text(argument: Argument) -> str:
        match argument:
            case Memory(name=name, start=start):
                return f"{name} + {start}" if start else name
            case At(base=Memory() as memory, offset=offset):
                return text(Memory(0, memory.name, memory.start + offset))
            case At(base=str() as name, offset=offset):
                return f"{text(name)} + {offset}" if offset else text(name)
            case Function(name=name):
                return f"{prefix}_{name}"
            case str() as name:
                return f"{prefix}_{name}" if name in arrays else name
            case float() as value:
                return literal(value, real)
        return str(argument)

    start = f"    {prefix}_{call.function}("
    arguments = ", ".join(map(text, call.arguments))
    indent = " " * min(len(start), 40)
    return textwrap.fill(
        f"{start}{arguments});",
        88,
        subsequent_indent=indent,
        break_long_words=False,
    )


def activation_texts(program: Program, bodies: str) -> Iterable[str]:
    """Yield the functions of a number: activations, and those in `bodies`, in float."""
    found = {name: body_of(f) for f, name in program.activations.items()}
    for name, body in EXTRA.items():
        if re.search(rf"NAME_{name}\b", bodies):
            found.setdefault(name, body)
    for name, body in found.items():
        yield f"static float NAME_{name}(float z)\n{{\n    {body}\n}}\n"


def function_texts(used: Collection[str], prefix: str) -> Iterable[str]:
    """Yield the functions of the table that are used, with a prefix, in float."""
    for name, text in FUNCTIONS.items():
        if name in used:
            yield with_prefix(text, name, prefix).lstrip("\n")


def labels_texts(name: str, classes: Array) -> tuple[str, str]:
    """Return the declaration of the array of class labels, and its definition."""
    values: list[Any] = classes.tolist()
    if are_ints(classes):
        kind, texts = "int", [str(int(v)) for v in values]
    elif classes.dtype.kind == "f":
        kind, texts = "double", [literal(v, "double") for v in values]
    else:
        kind, texts = "char *const", [string(str(v)) for v in values]
    array = f"const {kind} {name}[{len(values)}]"
    return f"extern {array};\n", f"{array} = {{\n{wrapped(texts)}\n}};\n"


def are_ints(classes: Array) -> bool:
    """Return whether labels are constants of type int, if it has 32 bits."""
    return classes.dtype.kind in "biu" and max(map(abs, classes.tolist())) < 2**31


def wrapped(texts: Sequence[str]) -> str:
    """Return the elements of an array, as many in a line as fit."""
    lines, width = [""], 80
    for i, text in enumerate(texts):
        part = text + "," * (i + 1 < len(texts))
        if lines[-1] and len(lines[-1]) + len(part) >= width:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
    return "\n".join(f"    {line}" for line in lines)


def string(value: str) -> str:
    """Return a string constant: UTF-8, in ASCII."""
    plain = set(range(32, 127)) - set(b'"\\?')  # ? may start a trigraph
    codes = value.encode("utf-8", "surrogatepass")
    texts = (chr(code) if code in plain else f"\\{code:03o}" for code in codes)
    return f'"{"".join(texts)}"'


def comment(lines: Sequence[str]) -> str:
    """Return a comment of several lines."""
    text = "\n".join(f" * {line}".rstrip() for line in lines)
    return f"/*{text[2:]}\n */\n"
