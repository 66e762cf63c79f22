"""Activation functions as nodes, of operators that exist for float32 and float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from .graph import Graph


def write_activation(g: Graph, f: ActivationFunction, x: str) -> str:
    """Add ``f(x)``; raise if `f` is not from sknn."""
    return entry(ACTIVATIONS, f, "to_onnx")(g, f, x)


def leaky_relu(g: Graph, f: LeakyReLU, x: str) -> str:
    """``max(x, slope x)``; slopes are not above 1."""
    return g.add("Max", x, g.add("Mul", x, float(f.slope)))


def elu(g: Graph, alpha: float, x: str) -> str:
    """``max(x, 0) + alpha (exp(min(x, 0)) - 1)``."""
    below = g.add("Sub", g.add("Exp", g.add("Min", x, 0.0)), 1.0)
    return g.add("Add", g.add("Relu", x), g.add("Mul", below, float(alpha)))


def silu(g: Graph, x: str) -> str:
    """``x / (1 + exp(-x))``."""
    return g.add("Div", x, one_plus_exp(g, x))


def sigmoid(g: Graph, x: str) -> str:
    """``1 / (1 + exp(-x))``, exact to some digits also where it is near 0."""
    return g.add("Div", 1.0, one_plus_exp(g, x))


def one_plus_exp(g: Graph, x: str) -> str:
    """``1 + exp(-x)``. The operator Sigmoid of ONNX Runtime is at least 1.5e-8."""
    return g.add("Add", g.add("Exp", g.add("Neg", x)), 1.0)


def mish(g: Graph, f: Mish, x: str) -> str:
    """``x m / (m + 2)`` with ``m = eˣ (eˣ + 2)``."""
    e = g.add("Exp", g.add("Min", x, f.linear_from))
    m = g.add("Mul", e, g.add("Add", e, 2.0))
    return g.add("Mul", x, g.add("Div", m, g.add("Add", m, 2.0)))


def softplus(g: Graph, x: str) -> str:
    """``max(x, 0) + log(1 + exp(-|x|))``, which does not overflow."""
    e = g.add("Exp", g.add("Neg", g.add("Abs", x)))
    return g.add("Add", g.add("Relu", x), g.add("Log", g.add("Add", e, 1.0)))


def gelu(g: Graph, x: str) -> str:
    """``x Φ(x) = ½ x (1 + erf(x / √2))``."""
    u = g.add("Mul", x, math.sqrt(0.5))
    erf = erf_of_doubles(g, u) if g.is_double else g.add("Erf", u)
    return g.add("Mul", g.add("Mul", x, 0.5), g.add("Add", erf, 1.0))


ERF_INSIDE = (
    (
        *(9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226),
        *(7003.32514112805075473, 55592.3013010394962768),
    ),
    (
        *(1.0, 33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987),
        *(22629.0000613890934246, 49267.3942608635921086),
    ),
)
"""Numerator and denominator of ``erf(x) / x``, polynomials of ``x²``, for |x| < 1."""

ERF_OUTSIDE = (
    (
        *(2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687),
        *(48.6371970985681366614, 196.520832956077098242, 526.445194995477358631),
        *(934.52852717195760754, 1027.55188689515710272, 557.535335369399327526),
    ),
    (
        *(1.0, 13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062),
        *(975.708501743205489753, 1823.90916687909736289, 2246.33760818710981792),
        *(1656.66309194161350182, 557.535340817727675546),
    ),
)
"""Those of ``(1 - erf(x)) exp(x²)``, polynomials of x, for 1 <= x < 8."""


def erf_of_doubles(g: Graph, x: str) -> str:
    """Add the error function, which ONNX Runtime does not have in float64.

    The rational approximations are those of the Cephes library [1]_.

    References
    ----------
    .. [1] S. L. Moshier, "Methods and programs for mathematical functions", 1989,
       https://www.netlib.org/cephes.
    """
    size = g.add("Min", g.add("Abs", x), 8.0)
    square = g.add("Mul", size, size)
    inside = g.add("Mul", size, ratio(g, ERF_INSIDE, g.add("Min", square, 1.0)))
    tail = g.add("Exp", g.add("Neg", square))
    tail = g.add("Mul", tail, ratio(g, ERF_OUTSIDE, size))
    is_inside = g.add("Less", size, 1.0)
    erf = g.add("Where", is_inside, inside, g.add("Sub", 1.0, tail))
    return g.add("Mul", erf, g.add("Sign", x))


def ratio(g: Graph, coefficients: Sequence[Sequence[float]], x: str) -> str:
    """Add the ratio of two polynomials, with the highest coefficients first."""
    values = []
    for highest, *others in coefficients:
        value: Any = highest
        for coefficient in others:
            value = g.add("Add", g.add("Mul", x, value), coefficient)
        values.append(value)
    return g.add("Div", *values)


ACTIVATIONS: dict[type[ActivationFunction], Callable[[Graph, Any, str], str]] = {
    Identity: lambda g, f, x: x,
    Logistic: lambda g, f, x: g.add("Sigmoid", x),
    Tanh: lambda g, f, x: g.add("Tanh", x),
    ReLU: lambda g, f, x: g.add("Relu", x),
    LeakyReLU: leaky_relu,
    ELU: lambda g, f, x: elu(g, f.alpha, x),
    SELU: lambda g, f, x: g.add("Mul", elu(g, f.alpha, x), f.scale),
    GELU: lambda g, f, x: gelu(g, x),
    SiLU: lambda g, f, x: silu(g, x),
    Mish: mish,
    Softplus: lambda g, f, x: softplus(g, x),
}
"""What writes each function."""
