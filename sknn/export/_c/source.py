"""A whole C file, from a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._version import __version__
from ...layers import Activation
from ...layers.activation import make_function
from .._plan import ClassHead, Plan, Step
from .activations import name_of
from .functions import in_dtype
from .heads import Public, n_outputs, public_functions
from .inputs import add_input
from .layers import add_steps
from .program import Program
from .text import (
    DTYPES,
    MATH,
    activation_texts,
    array_text,
    call_text,
    comment,
    function_texts,
    labels_texts,
)

C_PLUS_PLUS = (
    '#ifdef __cplusplus\nextern "C" {\n#endif\n',
    "#ifdef __cplusplus\n}\n#endif\n",
)
"""What lets C++ call the functions: before and after them."""

SHORT_INT = 2**15
"""An int of 16 bits holds smaller numbers than this."""

LONG_INT = """\
#include <limits.h>
#if INT_MAX < 2147483647
#error "This network is too large for an int of 16 bits."
#endif
"""


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
    program = Program()
    n_buffer = add_network(program, plan, scalers)
    publics = public_functions(program, plan.head)
    bodies = "".join(public_text(public) for public in publics)
    used = {call.function for call in program.calls}
    used.update(re.findall(r"NAME_(\w+)\(", bodies))
    functions = "".join(function_texts(used, name))
    small = "".join(activation_texts(program, bodies))
    n_bytes = bytes_of(program, publics, n_buffer, real)
    read = "unsigned char" if plan.reads_bytes else "float"

    def ready(text: str) -> str:
        """Return text of templates under the names and in the types of this file."""
        text = in_dtype(text.replace("INPUT", read), real)
        return text.replace("NAME_", f"{name}_")

    declared_labels, defined_labels = labels_of(plan, name)
    is_large = max(n_buffer, *(a.size for a in program.arrays.values()), 0) >= SHORT_INT
    parts = [
        header(plan, scalers, name, real, kind, n_bytes),
        "#include <math.h>\n" if MATH.search(small + functions) else "",
        LONG_INT if is_large else "",
        macros(plan, name, n_bytes),
        C_PLUS_PLUS[0],
        declared_labels,
        *(ready(f"/* {p.comment} */\n{p.declaration};\n") for p in publics),
        defined_labels,
        *(
            array_text(f"{name}_{key}", array, real)
            for key, array in program.arrays.items()
        ),
        ready(small),
        in_dtype(functions, real),
    ]
    if program.calls:
        calls = [call_text(c, name, program.arrays, real) for c in program.calls]
        parts.append(ready(SCORES) + scores_body(calls, n_buffer, real))
    parts += [ready(bodies), C_PLUS_PLUS[1]]
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


SCORES = """\
/* The raw scores z. */
static void NAME_scores(const INPUT *x, float *z)
"""
"""The declaration of the function that computes them."""


def scores_body(calls: Sequence[str], n_buffer: int, real: str) -> str:
    """Return the body of this function."""
    buffer = [f"    {real} buffer[{n_buffer}];"] if n_buffer else []
    body = "\n".join([*buffer, *calls])
    return f"{{\n{body}\n}}\n"


def public_text(public: Public) -> str:
    """Return a function that a user calls."""
    body = "\n".join(f"    {line}" for line in public.body)
    return f"\n{public.declaration}\n{{\n{body}\n}}\n"


def labels_of(plan: Plan, name: str) -> tuple[str, str]:
    """Return the declaration and the definition of the labels; empty texts for none."""
    head = plan.head
    if not isinstance(head, ClassHead) or head.kind == "multilabel":
        return "", ""
    declaration, definition = labels_texts(f"{name}_classes", head.classes)
    return (
        f"/* The classes, in the order of probabilities. */\n{declaration}",
        definition,
    )


def bytes_of(
    program: Program, publics: Sequence[Public], n_buffer: int, real: str
) -> tuple[int, int]:
    """Return the bytes of constants, and of arrays on the stack."""
    size = np.dtype(DTYPES[real]).itemsize
    constants = sum(
        array.size * (4 if array.dtype.kind == "i" else size)
        for array in program.arrays.values()
    )
    return constants, size * (n_buffer + max(public.n_local for public in publics))


def macros(plan: Plan, name: str, n_bytes: tuple[int, int]) -> str:
    """Return the numbers that callers need."""
    values = {
        "N_INPUTS": plan.n_features,
        "N_OUTPUTS": n_outputs(plan.head),
        "CONSTANT_BYTES": n_bytes[0],
        "STACK_BYTES": n_bytes[1],
    }
    lines = [f"#define {name.upper()}_{key} {n}" for key, n in values.items()]
    return "\n".join(lines)


def header(
    plan: Plan,
    scalers: Sequence[Any],
    name: str,
    real: str,
    kind: str,
    n_bytes: tuple[int, int],
) -> str:
    """Return the comment at the top of the file."""
    inputs = f"{plan.n_features} {'bytes' if plan.reads_bytes else 'numbers'}"
    if plan.image_shape is not None:
        shape = " x ".join(map(str, plan.image_shape))
        inputs += f", an image of {shape} (height, width, channels)"
    outputs = "probabilities" if isinstance(plan.head, ClassHead) else "numbers"
    before = [type(s).__name__ for s in scalers if hasattr(s, "transform")]
    if plan.encoder is not None:
        before.append(type(plan.encoder).__name__)
    return comment(
        [
            f"{name}: a fitted {kind}, written by sknn {__version__}.",
            "",
            "C99, and C++ as well, that needs the C library only. It allocates no",
            "memory and writes to no global variable: several threads can call it.",
            "",
            f"Input:   {inputs}",
            f"Output:  {n_outputs(plan.head)} {outputs}",
            f"Numbers: {real}",
            f"Memory:  {n_bytes[0]} bytes of constants (flash),",
            f"         {n_bytes[1]} bytes of arrays on the stack",
            "",
            "Layers, each with the shape of its output:",
            *(f"    {scaler}" for scaler in before),
            *(
                f"    {kind_of(step)} {' x '.join(map(str, step.out_shape))}"
                for step in plan.steps
            ),
        ]
    )


def kind_of(step: Step) -> str:
    """Return what a layer is called in the comment."""
    if isinstance(step.layer, Activation):
        return f"Activation {name_of(make_function(step.layer.function))}"
    return type(step.layer).__name__
