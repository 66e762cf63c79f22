"""A graph of ONNX under construction: nodes, constants, and names for their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..._typing import Array, DType

OPSET = 18
"""The version of the operators. Newer versions compute the same."""

ML_OPSET = 3
"""The version of the operators for machine learning, in the domain ``ai.onnx.ml``."""


def import_onnx() -> Any:
    """Return the package onnx; raise if it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx: pip install "sknn[onnx]".'
        ) from error
    return onnx


class Graph:
    """Nodes and constants of an ONNX graph.

    Parameters
    ----------
    dtype : dtype
        The dtype of the network, and of constants that are Python floats.
    names : iterable of str
        Names that are taken, those of inputs and outputs.
    """

    def __init__(self, dtype: DType, names: Iterable[str] = ()) -> None:
        self.onnx, self.dtype = import_onnx(), dtype
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.opsets = {"": OPSET}
        self._taken = set(names)
        self._constants: dict[tuple[Any, ...], str] = {}

    @property
    def is_double(self) -> bool:
        """Whether the network computes in float64.

        ONNX Runtime implements fewer operators for it.
        """
        return self.dtype == np.float64

    def add(self, op: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the name of the output.

        Parameters
        ----------
        op : str
            The operator.
        *inputs : str, ndarray, float, int or list of int
            Names of values, or constants. Floats become constants of the network's
            dtype, integers of int64.
        domain : str, default=''
            The domain of the operator.
        **attributes
            The attributes of the node.
        """
        names = [v if isinstance(v, str) else self.constant(v) for v in inputs]
        output = self._new_name(op)
        node = self.onnx.helper.make_node(
            op, names, [output], name=output, domain=domain, **attributes
        )
        self.nodes.append(node)
        return output

    def give_name(self, value: str, name: str) -> None:
        """Give an output of the graph its name."""
        node = self.onnx.helper.make_node("Identity", [value], [name], name=name)
        self.nodes.append(node)

    def cast(self, x: str, dtype: Any) -> str:
        """Convert a value to another dtype."""
        return self.add("Cast", x, to=self.element_type(dtype))

    def products_of_members(self, x: str, W: Array) -> str:
        """Add ``x[:, i] W[i]``, for x (n, k, fan_in) and W (k, fan_in, units).

        Not by Transpose and MatMul: ONNX Runtime 1.18 fuses these to an operator that
        it does not have for float64.
        """
        return self.add("Einsum", x, W, equation="nki,kio->nko")

    def element_type(self, dtype: Any) -> int:
        """Return the number of a dtype in ONNX; of text for strings and objects."""
        if np.dtype(dtype).kind in "OUST":
            return int(self.onnx.TensorProto.STRING)
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def constant(self, value: Any) -> str:
        """Add a constant, and return its name. Equal constants are stored once."""
        array = value if isinstance(value, np.ndarray) else np.asarray(value)
        if type(value) is float:
            array = array.astype(self.dtype)
        key = array.dtype.str, array.shape, _content(array)
        if key not in self._constants:
            name = self._constants[key] = self._new_name("constant")
            self.initializers.append(self.tensor(array, name))
        return self._constants[key]

    def tensor(self, array: Array, name: str) -> Any:
        """Return an array as a constant of ONNX."""
        if array.dtype.kind not in "OU":
            return self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        text = [value.encode() for value in array.ravel().tolist()]
        kind = self.onnx.TensorProto.STRING
        return self.onnx.helper.make_tensor(name, kind, array.shape, text)

    def _new_name(self, stem: str) -> str:
        number = len(self.nodes) + len(self.initializers)
        while (name := f"{stem}_{number}") in self._taken:
            number += 1
        self._taken.add(name)
        return name


def _content(array: Array) -> Any:
    """Return what is equal for equal arrays."""
    return tuple(array.ravel().tolist()) if array.dtype.kind == "O" else array.tobytes()
