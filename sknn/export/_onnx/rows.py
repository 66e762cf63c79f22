"""The inputs of a model, and the rows that the first layer gets."""

from __future__ import annotations

import numpy as np

from .._plan import Plan
from .columns import Columns
from .graph import Graph
from .table import encode_table, table_inputs
from .value import Value


def inputs_of(g: Graph, plan: Plan) -> list[Value]:
    """Return the inputs of a model: one matrix, images, or the columns of a table."""
    if plan.encoder is not None:
        return table_inputs(g, plan.encoder, plan.feature_names)
    dtype = np.uint8 if plan.reads_bytes else plan.dtype
    shape = (plan.n_features,) if plan.image_shape is None else plan.image_shape
    return [Value("X", g.element_type(dtype), shape)]


def write_rows(g: Graph, plan: Plan, inputs: list[Value]) -> str:
    """Add what turns the inputs into rows of the network."""
    if plan.encoder is not None:
        x = encode_table(g, plan.encoder, Columns(g, inputs, plan.n_features))
        dtype = np.dtype(plan.encoder.dtype)
        return x if dtype == plan.dtype else g.cast(x, plan.dtype)
    return plain_rows(g, inputs, plan.reads_bytes)


def plain_rows(g: Graph, inputs: list[Value], reads_bytes: bool = False) -> str:
    """Join inputs to one matrix of numbers; bytes become fractions of 255."""
    own = g.element_type(g.dtype)
    parts = [
        value.name if value.element_type == own else g.cast(value.name, g.dtype)
        for value in inputs
    ]
    x = parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)
    return g.add("Div", x, float(255)) if reads_bytes else x
