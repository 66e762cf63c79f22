"""The top of a C file: what it holds, and how much memory it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._version import __version__
from ...layers import Activation
from ...layers.activation import make_function
from .._plan import ClassHead, Plan, Step
from .activations import name_of
from .heads import Public, n_outputs
from .program import Program
from .text import DTYPES, comment


@dataclass(frozen=True)
class Sizes:
    """Bytes of constants, and of arrays on the stack."""

    constants: int
    stack: int


def sizes_of(
    program: Program, publics: Sequence[Public], n_buffer: int, real: str
) -> Sizes:
    """Return how much memory a file needs, besides its code."""
    size = np.dtype(DTYPES[real]).itemsize
    constants = sum(
        array.size * (4 if array.dtype.kind == "i" else size)
        for array in program.arrays.values()
    )
    n_local = max(public.n_local for public in publics)
    return Sizes(constants, size * (n_buffer + n_local))


def macros(plan: Plan, name: str, sizes: Sizes) -> str:
    """Return the numbers that callers need."""
    values = {
        "N_INPUTS": plan.n_features,
        "N_OUTPUTS": n_outputs(plan.head),
        "CONSTANT_BYTES": sizes.constants,
        "STACK_BYTES": sizes.stack,
    }
    return "\n".join(f"#define {name.upper()}_{key} {n}" for key, n in values.items())


def header(
    plan: Plan, scalers: Sequence[Any], name: str, real: str, kind: str, sizes: Sizes
) -> str:
    """Return the comment at the top of the file."""
    inputs = f"{plan.n_features} {'bytes' if plan.reads_bytes else 'numbers'}"
    if plan.image_shape is not None:
        inputs += f", an image of {times(plan.image_shape)} (height, width, channels)"
    outputs = "probabilities" if isinstance(plan.head, ClassHead) else "numbers"
    before = [type(s).__name__ for s in scalers if hasattr(s, "transform")]
    if plan.encoder is not None:
        before.append(type(plan.encoder).__name__)
    layers = [f"{kind_of(step)} {times(step.out_shape)}" for step in plan.steps]
    return comment(
        [
            f"{name}: a fitted {kind}, exported by sknn {__version__}.",
            "",
            "This file is valid C99 and C++, and needs only the C library. It",
            "allocates no memory and has no global variables that change, so",
            "several threads can call its functions at the same time.",
            "",
            "Include this file where you call its functions, and link with -lm. If",
            "you compile it separately instead, define the following name before you",
            "include it, to get only the declarations:",
            f"    {name.upper()}_DECLARATIONS_ONLY",
            "",
            f"Input:   {inputs}",
            f"Output:  {n_outputs(plan.head)} {outputs}",
            f"Type:    {real}",
            f"Memory:  {sizes.constants} bytes of constants (flash) and",
            f"         {sizes.stack} bytes of arrays on the stack",
            "",
            "Layers and the shapes of their outputs:",
            *(f"    {line}" for line in (*before, *layers)),
        ]
    )


def kind_of(step: Step) -> str:
    """Return what a layer is called in the comment."""
    if isinstance(step.layer, Activation):
        return f"Activation {name_of(make_function(step.layer.function))}"
    return type(step.layer).__name__


def times(shape: Sequence[int]) -> str:
    """Return a shape as text."""
    return " x ".join(map(str, shape))
