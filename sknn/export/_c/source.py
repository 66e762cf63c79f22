"""A whole C file, from a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._typing import Array
from .._plan import ClassHead, Plan
from .functions import in_dtype
from .header import header, macros, sizes_of
from .heads import Public, public_functions
from .inputs import add_input
from .layers import add_steps
from .program import Program
from .text import (
    MATH,
    activation_texts,
    are_ints,
    array_text,
    call_text,
    function_texts,
    labels_texts,
)

C_PLUS_PLUS = (
    '#ifdef __cplusplus\nextern "C" {\n#endif',
    "#ifdef __cplusplus\n}\n#endif",
)
"""What lets C++ call the functions: before and after them."""

SHORT_INT = 2**15
"""An int of 16 bits holds smaller numbers than this."""

LONG_INT = """\
#include <limits.h>
#if INT_MAX < 2147483647
#error "This network, or a label, is too large for an int of 16 bits."
#endif"""

SCORES = """\
/* The raw scores z. */
static void NAME_scores(const INPUT *x, float *z)
"""
"""The declaration of the function that computes them."""


@dataclass(frozen=True)
class Style:
    """What all names in a file start with, and its types.

    Attributes
    ----------
    name : str
        What names start with.
    real : {'float', 'double'}
        The type of numbers.
    reads_bytes : bool
        Whether the input is bytes.
    """

    name: str
    real: str
    reads_bytes: bool

    def ready(self, text: str) -> str:
        """Return the text of a template, under these names and in these types."""
        read = "unsigned char" if self.reads_bytes else "float"
        text = in_dtype(text.replace("INPUT", read), self.real)
        return text.replace("NAME_", f"{self.name}_")


def source_of(
    plan: Plan, scalers: Sequence[Any], name: str, real: str, kind: str
) -> str:
    """Return the text of the file.

    Parameters
    ----------
    plan : Plan
        What the estimator does.
    scalers : sequence of transformer
        What comes before it.
    name : str
        What all names in the file start with.
    real : {'float', 'double'}
        The type of numbers.
    kind : str
        Name of the estimator's class, for the comment.
    """
    program, style = Program(), Style(name, real, plan.reads_bytes)
    n_buffer = add_network(program, plan, scalers)
    publics = public_functions(program, plan.head)
    code = "\n".join(code_of(program, publics, n_buffer, style))
    sizes = sizes_of(program, publics, n_buffer, real)
    numbers = [sizes.constants, sizes.stack, plan.n_features, *int_labels(plan)]
    is_large = max(map(abs, numbers)) >= SHORT_INT
    declared_labels, defined_labels = labels_of(plan, name)
    parts = [
        header(plan, scalers, name, real, kind, sizes),
        "#include <math.h>" if MATH.search(code) else "",
        LONG_INT if is_large else "",
        macros(plan, name, sizes),
        C_PLUS_PLUS[0],
        declared_labels,
        *(style.ready(f"/* {p.comment} */\n{p.declaration};") for p in publics),
        f"#ifndef {name.upper()}_DECLARATIONS_ONLY",
        defined_labels,
        *(
            array_text(f"{name}_{key}", array, real)
            for key, array in program.arrays.items()
        ),
        code,
        "#endif",
        C_PLUS_PLUS[1],
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def add_network(program: Program, plan: Plan, scalers: Sequence[Any]) -> int:
    """Append everything up to the raw scores; return the size of the buffer."""
    if isinstance(plan.head, ClassHead) and plan.head.kind == "one class":
        return 0
    z = add_steps(program, plan.steps, add_input(program, plan, scalers))
    if z.pins:  # the input itself
        x, z = z, program.memory(z.size)
        program.do("copy", x, z, z.size)
    z.name = "z"
    return program.place()


def code_of(
    program: Program, publics: Sequence[Public], n_buffer: int, style: Style
) -> Iterator[str]:
    """Yield all functions of a file, each after those that it calls."""
    bodies = "\n".join(public_text(public) for public in publics)
    used = {call.function for call in program.calls}
    used.update(re.findall(r"NAME_(\w+)\(", bodies))
    for text in activation_texts(program, bodies):
        yield style.ready(text)
    for text in function_texts(used, style.name):
        yield in_dtype(text, style.real)
    if program.calls:
        yield style.ready(SCORES) + scores_body(program, n_buffer, style)
    yield style.ready(bodies)


def scores_body(program: Program, n_buffer: int, style: Style) -> str:
    """Return the body of the function that computes raw scores."""
    lines = [f"    {style.real} buffer[{n_buffer}];"] if n_buffer else []
    for call in program.calls:
        lines.append(call_text(call, style.name, program.arrays, style.real))
    return "\n".join(["{", *lines, "}", ""])


def public_text(public: Public) -> str:
    """Return a function that a user calls."""
    lines = (f"    {line}" for line in public.body)
    return "\n".join([public.declaration, "{", *lines, "}", ""])


def classes_of(plan: Plan) -> Array | None:
    """Return the labels that a file has, if any."""
    head = plan.head
    if isinstance(head, ClassHead) and head.kind != "multilabel":
        return head.classes
    return None


def int_labels(plan: Plan) -> list[int]:
    """Return the labels that are constants of type int."""
    classes = classes_of(plan)
    return [] if classes is None or not are_ints(classes) else classes.tolist()


def labels_of(plan: Plan, name: str) -> tuple[str, str]:
    """Return the declaration and the definition of labels; empty texts for none."""
    classes = classes_of(plan)
    if classes is None:
        return "", ""
    declaration, definition = labels_texts(f"{name}_classes", classes)
    comment = "/* The classes, in the order of probabilities. */"
    return f"{comment}\n{declaration}", definition
