"""From the outputs of the last layer to labels, probabilities and numbers."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..._typing import Array
from ...exceptions import ExportError
from .._plan import ClassHead, Head, NumberHead
from .activations import sigmoid, softplus
from .graph import Graph
from .value import Value


def write_head(
    g: Graph, head: ClassHead | NumberHead, z: str, raw_scores: bool = False
) -> list[Value]:
    """Add what is predicted from the outputs of the last layer.

    With `raw_scores`, a classifier has raw scores in place of probabilities.
    """
    if isinstance(head, NumberHead):
        return numbers(g, head, z)
    label, p = classes(g, head, z)
    return [label, scores(g, head, z, p) if raw_scores else p]


def scores(g: Graph, head: ClassHead, z: str, p: Value) -> Value:
    """Add raw scores, in the place of probabilities `p`; of two classes, -z and z."""
    if head.n_members > 1 and head.link == "softmax":
        z = g.add("Add", g.add("Log", p.name), math.log(head.n_members))
    elif head.n_members > 1:
        yes, no = (
            mean_over_members(g, head, partial(sigmoid, g), score)
            for score in (z, g.add("Neg", z))
        )
        z = g.add("Sub", g.add("Log", yes), g.add("Log", no))
    if head.kind == "binary":
        z = g.add("Concat", g.add("Neg", z), z, axis=1)
    return Value(z, p.element_type, p.shape)


def classes(g: Graph, head: ClassHead, z: str) -> tuple[Value, Value]:
    """Add the labels and the probabilities of a classifier."""
    n, kind, floats = head.n_scores, head.kind, g.element_type(g.dtype)
    softmax = head.link == "softmax"
    link = partial(g.add, "Softmax") if softmax else partial(sigmoid, g)
    p = mean_over_members(g, head, link, z)
    if kind == "one class":
        p = g.add("Add", g.add("Mul", p, 0.0), 1.0)
    likely, threshold = (z, 0.0) if head.n_members == 1 else (p, 0.5)
    if kind == "multiclass":
        codes = g.add("ArgMax", likely, axis=1, keepdims=0)
    elif kind == "one class":
        codes = g.cast(g.add("Reshape", g.add("Sub", p, p), [-1]), np.int64)
    else:
        codes = g.cast(g.add("Greater", likely, threshold), np.int64)
    if n == 1 and kind != "one class":
        p = g.add("Concat", g.add("Sub", 1.0, p), p, axis=1)
    n = 2 if kind == "binary" else n
    if kind == "multilabel":
        integers = g.element_type(np.int64)
        return Value(codes, integers, (n,)), Value(p, floats, (n,))
    labels = labels_of(head.classes)
    label = g.add("Gather", labels, g.add("Reshape", codes, [-1]), axis=0)
    return Value(label, g.element_type(labels.dtype), ()), Value(p, floats, (n,))


def labels_of(classes: Array) -> Array:
    """Return class labels as ONNX has them: int64 or text."""
    kind = classes.dtype.kind
    if kind in "biuf" and (classes == classes.astype(np.int64)).all():
        return classes.astype(np.int64)
    if kind in "OUT" and all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(object)
    raise ExportError(
        "The classes must be whole numbers or text, as ONNX has no other labels, "
        f"got {classes!r}."
    )


def numbers(g: Graph, head: NumberHead, z: str) -> list[Value]:
    """Add the predictions of a regressor and, if the loss has them, the deviations."""
    std = None
    if head.link == "gaussian":
        y, std = mixture(g, head, z)
    else:
        y = mean_over_members(g, head, partial(link_of_numbers, g, head), z)
    if head.low is not None and head.high is not None:
        low, high = head.low.astype(g.dtype), head.high.astype(g.dtype)
        y = g.add("Min", g.add("Max", y, low), high)
    dtype = g.dtype
    if head.scale is not None and head.center is not None:
        dtype = np.dtype(np.float64)
        y = g.add("Add", g.add("Mul", g.cast(y, dtype), head.scale), head.center)
        std = std and g.add("Mul", g.cast(std, dtype), head.scale)
    n = head.n_scores // (2 if std else 1)
    floats = g.element_type(dtype)
    return [Value(y, floats, (n,)), *([Value(std, floats, (n,))] if std else [])]


def link_of_numbers(g: Graph, head: NumberHead, z: str) -> str:
    """Add the link of the raw scores of numbers, along the last axis."""
    if head.link == "exp":
        return g.add("Exp", z)
    if head.link == "identity" or head.n_levels == 1:
        return z
    k = head.n_levels  # quantiles
    first = g.add("Slice", z, [0], [1], [-1])
    steps = softplus(g, g.add("Slice", z, [1], [k], [-1]))
    sums = np.triu(np.ones((k, k), g.dtype))
    return g.add("MatMul", g.add("Concat", first, steps, axis=-1), sums)


def mean_over_members(g: Graph, head: Head, f: Any, z: str) -> str:
    """Add the mean of ``f(z)`` over the members."""
    if head.n_members == 1:
        return str(f(z))
    z = g.add("Reshape", z, [-1, head.n_members, head.n_scores])
    return g.add("ReduceMean", f(z), [1], keepdims=0)


def mixture(g: Graph, head: NumberHead, z: str) -> tuple[str, str]:
    """Add means and standard deviations: of members, those of their mixture."""
    k, n = head.n_members, head.n_scores // 2
    pairs = g.add("Reshape", z, [-1, k, n, 2])
    means, stds = (
        g.add("Squeeze", g.add("Slice", pairs, [i], [i + 1], [3]), [3]) for i in (0, 1)
    )
    stds = g.add("Add", softplus(g, stds), head.min_std)
    mean = g.add("ReduceMean", means, [1], keepdims=1)
    d = g.add("Sub", means, mean)
    squares = g.add("Add", g.add("Mul", stds, stds), g.add("Mul", d, d))
    std = g.add("Sqrt", g.add("ReduceMean", squares, [1], keepdims=0))
    return g.add("Squeeze", mean, [1]), std
