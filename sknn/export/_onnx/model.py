"""From a plan to a model file of ONNX."""

from __future__ import annotations

from typing import Any

from ..._typing import DType
from ..._version import __version__
from .._plan import ClassHead, NumberHead, Plan
from .graph import Graph
from .head import write_head
from .layers import write_steps
from .rows import inputs_of, write_rows
from .value import Value

OUTPUTS = {True: ("label", "probabilities"), False: ("variable", "std")}
"""The names of outputs, as in skl2onnx, of classifiers and of regressors."""


def model_of_plan(plan: Plan, name: str) -> Any:
    """Return the model of a plan."""
    inputs = inputs_of(Graph(plan.dtype), plan)
    names = output_names(plan, [value.name for value in inputs])
    return write_model(plan, name, inputs, names)


def write_model(
    plan: Plan,
    name: str,
    inputs: list[Value],
    outputs: list[str],
    *,
    floats: DType | None = None,
    raw_scores: bool = False,
) -> Any:
    """Return the model of a plan, with inputs and names of outputs as given.

    There may be fewer names than the plan has outputs. Numbers are converted to the
    dtype `floats`. With `raw_scores`, a classifier has them in place of probabilities.
    """
    g = Graph(plan.dtype, [*(value.name for value in inputs), *outputs])
    rows = write_rows(g, plan, inputs)
    values = write_head(g, plan.head, write_steps(g, plan.steps, rows), raw_scores)
    declared = []
    for value, output in zip(values, outputs, strict=False):
        if floats is not None and isinstance(plan.head, NumberHead):
            converted = g.cast(value.name, floats)
            value = Value(converted, g.element_type(floats), value.shape)
        g.give_name(value.name, output)
        declared.append(value.info(g.onnx, output))
    return make_model(g, name, inputs, declared)


def make_model(g: Graph, name: str, inputs: list[Value], outputs: list[Any]) -> Any:
    """Return the model of a graph."""
    helper = g.onnx.helper
    graph = helper.make_graph(
        g.nodes,
        name,
        [value.info(g.onnx) for value in inputs],
        outputs,
        g.initializers,
    )
    opsets = [helper.make_opsetid(*opset) for opset in g.opsets.items()]
    return helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="sknn",
        producer_version=__version__,
    )


def output_names(plan: Plan, taken: list[str]) -> list[str]:
    """Return names of outputs that no input has."""
    names = OUTPUTS[isinstance(plan.head, ClassHead)]
    return [unique_name(name, taken) for name in names]


def unique_name(name: str, taken: list[str]) -> str:
    """Return a name that is not taken, with a number if need be."""
    unique, number = name, 1
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique
