"""Give a model of skl2onnx an input for each column, under the name of the column."""

from __future__ import annotations

from typing import Any

from .graph import import_onnx
from .model import unique_name
from .pipeline_inputs import Inputs
from .value import Value


def with_named_columns(model: Any, inputs: Inputs) -> Any:
    """Return the model with named columns in place of X, or of x0, x1, ...

    A name of a column can be any text: those inside the model get another prefix.
    """
    onnx = import_onnx()
    from onnx import compose

    names = inputs.names or []
    prefix = "_"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    model = compose.add_prefix(model, prefix, rename_functions=False)
    graph, make_node = model.graph, onnx.helper.make_node
    old = [value.name for value in graph.input]
    if inputs.is_matrix:
        first = [make_node("Concat", names, old, axis=1)]
    else:
        first = [
            make_node("Identity", [name], [f"{prefix}x{i}"])
            for i, name in enumerate(names)
            if f"{prefix}x{i}" in old
        ]
    nodes = [*first, *graph.node]
    for output in graph.output:
        own = output.name
        output.name = unique_name(own.removeprefix(prefix), names)
        nodes.append(make_node("Identity", [own], [output.name]))
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    number = onnx.helper.np_dtype_to_tensor_dtype
    for i, name in enumerate(names):
        kind = number(inputs.dtype(i))
        graph.input.append(Value(name, kind, (1,)).info(onnx))
    return model
