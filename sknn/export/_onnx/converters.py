"""Converters of skl2onnx: types of outputs, and graphs within those of other parts.

An operator of skl2onnx has an estimator, inputs with types, and outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...exceptions import ExportError
from .._plan import ClassHead, plan_of
from .columns import Columns
from .graph import OPSET, Graph
from .head import labels_of
from .model import make_model, write_model
from .rows import plain_rows
from .table import encode_table, smooth_clip
from .value import Value


def tensor_type(dtype: Any, shape: list[int | None]) -> Any:
    """Return the type of skl2onnx for values of a dtype; text for objects."""
    from skl2onnx.common import data_types

    names = {"f4": "Float", "f8": "Double", "u1": "UInt8", "b1": "Boolean"}
    kind = np.dtype(dtype).kind
    name = names.get(np.dtype(dtype).str[1:], "Int64" if kind in "iu" else "String")
    return getattr(data_types, f"{name}TensorType")(shape)


def dtype_of_inputs(operator: Any) -> np.dtype[Any]:
    """Return float64 if an input is of it, else float32, as skl2onnx has it."""
    from skl2onnx.common.data_types import DoubleTensorType

    is_double = any(isinstance(v.type, DoubleTensorType) for v in operator.inputs)
    return np.dtype(np.float64 if is_double else np.float32)


def values_of(operator: Any) -> list[Value]:
    """Return the inputs of an operator."""
    from skl2onnx.common.data_types import guess_proto_type

    return [
        Value(f"in{i}", guess_proto_type(variable.type), width_of(variable))
        for i, variable in enumerate(operator.inputs)
    ]


def width_of(variable: Any) -> tuple[int | None, ...]:
    """Return the shape of one row."""
    shape = variable.type.shape or [None, None]
    return tuple(n if isinstance(n, int) else None for n in shape[1:])


def set_classes(operator: Any) -> None:
    """Set the types of the outputs of a classifier."""
    head = plan_of(operator.raw_operator).head
    assert isinstance(head, ClassHead)
    label, p = operator.outputs
    n = [2] if head.kind == "binary" else [head.n_scores]
    p.type = tensor_type(dtype_of_inputs(operator), [None, *n])
    if head.kind == "multilabel":
        label.type = tensor_type(np.int64, [None, *n])
    else:
        label.type = tensor_type(labels_of(head.classes).dtype, [None])


def set_numbers(operator: Any) -> None:
    """Set the type of the output of a regressor."""
    head = plan_of(operator.raw_operator).head
    n = head.n_scores // 2 if head.link == "gaussian" else head.n_scores
    operator.outputs[0].type = tensor_type(dtype_of_inputs(operator), [None, n])


def set_encoded(operator: Any) -> None:
    """Set the type of the output of a TableEncoder."""
    encoder = operator.raw_operator
    n = len(encoder.input_index_)
    operator.outputs[0].type = tensor_type(np.dtype(encoder.dtype), [None, n])


def set_scaled(operator: Any) -> None:
    """Set the type of the output of a SmoothClipScaler."""
    n = operator.raw_operator.n_features_in_
    operator.outputs[0].type = tensor_type(dtype_of_inputs(operator), [None, n])


def convert_estimator(scope: Any, operator: Any, container: Any) -> None:
    """Add an estimator of sknn to a model of skl2onnx."""
    dtype, names = dtype_of_inputs(operator), ["out0", "out1"]
    plan = plan_of(operator.raw_operator, dtype)
    names = names[: len(operator.outputs)]
    chosen = container.get_options(operator.raw_operator, {}, fail=False)
    model = write_model(
        *(plan, "sknn", values_of(operator), names),
        floats=dtype,
        raw_scores=bool(chosen.get("raw_scores")),
    )
    add_model(scope, operator, container, model)


def convert_encoder(scope: Any, operator: Any, container: Any) -> None:
    """Add a TableEncoder to a model of skl2onnx."""
    encoder, inputs = operator.raw_operator, values_of(operator)
    g = Graph(np.dtype(encoder.dtype), [value.name for value in inputs])
    columns = Columns(g, inputs, encoder.n_features_in_)
    encoded = encode_table(g, encoder, columns)
    add_graph(scope, operator, container, g, inputs, encoded)


def convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """Add a SmoothClipScaler to a model of skl2onnx."""
    inputs, dtype = values_of(operator), dtype_of_inputs(operator)
    g = Graph(dtype, [value.name for value in inputs])
    x = plain_rows(g, inputs)
    scaled = smooth_clip(g, operator.raw_operator, x, dtype)
    scaled = g.add("Where", g.add("IsNaN", x), x, scaled)
    add_graph(scope, operator, container, g, inputs, scaled)


def add_graph(
    scope: Any, operator: Any, container: Any, g: Graph, inputs: list[Value], y: str
) -> None:
    """Add a graph with one output to a model of skl2onnx."""
    g.give_name(y, "out0")
    output = Value("out0", g.element_type(g.dtype), (None,)).info(g.onnx)
    model = make_model(g, "sknn", inputs, [output])
    add_model(scope, operator, container, model)


def add_model(scope: Any, operator: Any, container: Any, model: Any) -> None:
    """Add a model to one of skl2onnx."""
    from skl2onnx.helpers import add_onnx_graph

    opset = container.target_opset_any_domain("")
    if opset < OPSET:
        raise ExportError(
            f"target_opset must be at least {OPSET} for estimators of sknn, got "
            f"{opset}."
        )
    add_onnx_graph(scope, operator, container, model)
