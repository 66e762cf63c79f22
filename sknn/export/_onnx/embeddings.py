"""Embeddings of categories and numbers as nodes."""

from __future__ import annotations

import numpy as np

from ..._typing import Array
from ...layers import CategoricalEmbedding
from .._plan import Step
from .graph import Graph


def categorical_embedding(g: Graph, step: Step, x: str) -> str:
    """Add the columns without codes, then the vector of each code."""
    layer, E = step.layer, step.arrays["E"]
    assert isinstance(layer, CategoricalEmbedding)
    n = step.in_shape[0]
    others = [j for j in range(n) if j not in layer.columns]
    if not layer.columns:
        return x
    counts = np.array(layer.n_categories, np.int64)
    codes = g.add("Gather", x, np.array(layer.columns), axis=1)
    codes = g.add("Where", g.add("IsNaN", codes), 0.0, codes)
    codes = g.add("Min", g.add("Max", codes, 0.0), (counts - 1).astype(E.dtype))
    rows = g.add("Add", g.cast(codes, np.int64), np.cumsum(counts) - counts)
    vectors = g.add("Gather", E, rows, axis=0)
    width = len(counts) * layer.size
    vectors = g.add("Reshape", vectors, [-1, width])
    if not others:
        return vectors
    passed = g.add("Gather", x, np.array(others), axis=1)
    return g.add("Concat", passed, vectors, axis=1)


def periodic_embedding(g: Graph, step: Step, x: str) -> str:
    """``cos(2π x w + b) W + c`` of the first columns, then all columns.

    The cosine is a sine, which older versions of ONNX Runtime have for float64 too.
    """
    p = step.arrays
    m, quarter = len(p["w"]), np.pi / 2
    if m == 0:
        return x
    first = g.add("Unsqueeze", columns(g, x, 0, m), [2])
    z = g.add("Add", g.add("Mul", first, 2 * np.pi * p["w"]), p["b"] + quarter)
    e = embedded(g, g.add("Sin", z), p["W"], p["c"])
    return g.add("Concat", e, x, axis=1)


def piecewise_linear(g: Graph, step: Step, x: str) -> str:
    """``x w + b + PLE(x) V`` of the first columns, then the other columns.

    PLE(x) is 1 in the bins before that of x, the place of x in its bin, and 0 in later
    bins.
    """
    p, d = step.arrays, step.in_shape[0]
    m = len(p["w"])
    if m == 0:
        return x
    far = np.finfo(g.dtype).max
    ends = np.full((m, 1), far, g.dtype)
    edges = np.hstack([-ends, p["left"][:, 1:], ends])
    first = g.add("Unsqueeze", columns(g, x, 0, m), [2])
    places = g.add("Mul", g.add("Sub", first, p["left"]), p["scale"])
    places = g.add("Where", g.add("Less", first, edges[:, :-1]), 0.0, places)
    places = g.add("Where", g.add("Less", first, edges[:, 1:]), places, 1.0)
    linear = g.add("Mul", first, p["w"])
    linear = g.add("Reshape", linear, [-1, p["w"].size])
    e = g.add("Add", embedded(g, places, p["V"], p["b"]), linear)
    return e if m == d else g.add("Concat", e, columns(g, x, m, d), axis=1)


def embedded(g: Graph, x: str, W: Array, c: Array) -> str:
    """``x W + c`` for each column: x (n, m, k), W (m, k, size), c (m, size) to rows."""
    m, _, size = W.shape
    y = g.add("Add", g.products_of_members(x, W), c)
    return g.add("Reshape", y, [-1, m * size])


def columns(g: Graph, x: str, start: int, stop: int) -> str:
    """Return adjacent columns of rows."""
    return g.add("Slice", x, [start], [stop], [1])
