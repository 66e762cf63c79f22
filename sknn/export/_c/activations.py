"""Activation functions in C: the body of a function of z, in float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...activations import (
    ELU,
    GELU,
    SELU,
    ActivationFunction,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from .._plan import entry

MISH = """\
float e = expf(z < 20.0f ? z : 20.0f); /* beyond 20, mish(z) rounds to z */
    e *= e + 2.0f;
    return z * e / (e + 2.0f);"""

BODIES: dict[type[ActivationFunction], Callable[[Any], str]] = {
    Identity: lambda f: "return z;",
    Logistic: lambda f: "return 1.0f / (1.0f + expf(-z));",
    Tanh: lambda f: "return tanhf(z);",
    ReLU: lambda f: "return z > 0.0f ? z : 0.0f;",
    LeakyReLU: lambda f: f"return z > 0.0f ? z : {number(f.slope)} * z;",
    ELU: lambda f: f"return z > 0.0f ? z : {number(f.alpha)} * expm1f(z);",
    SELU: lambda f: (
        f"return z > 0.0f ? {number(f.scale)} * z\n"
        f"                    : {number(f.scale * f.alpha)} * expm1f(z);"
    ),
    # The complement of erf keeps the digits of large negative z.
    GELU: lambda f: "return 0.5f * z * erfcf(-0.707106781186547524f * z);",
    SiLU: lambda f: "return z / (1.0f + expf(-z));",
    Mish: lambda f: MISH,
    Softplus: lambda f: "return (z > 0.0f ? z : 0.0f) + log1pf(expf(-fabsf(z)));",
}
"""The body of each activation function."""


def number(value: float) -> str:
    """Return a constant, with the digits of a double."""
    text = f"{value:.17g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def body_of(function: ActivationFunction) -> str:
    """Return the body of an activation function; raise if there is none."""
    return entry(BODIES, function, "to_c")(function)


def name_of(function: ActivationFunction) -> str:
    """Return the name of an activation function in C, without a number."""
    name = type(function).__name__
    return "leaky_relu" if name == "LeakyReLU" else name.lower()
