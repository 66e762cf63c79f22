"""Estimators of sknn within pipelines, converted by skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .. import cnn, mlp, sequential, tabular
from .._network_finder import find_innermost
from ..exceptions import ExportError
from ..preprocessing import SmoothClipScaler, TableEncoder
from ..preprocessing._columns import as_table, columns_of
from ._onnx.columns import Columns
from ._onnx.graph import ML_OPSET, OPSET, Graph
from ._onnx.head import labels_of
from ._onnx.model import make_model, write_model
from ._onnx.rows import plain_rows
from ._onnx.table import encode_table, smooth_clip
from ._onnx.value import Value
from ._plan import ClassHead, checked_dtype, plan_of

CLASSIFIERS: list[type] = [
    mlp.MLPClassifier,
    cnn.CNNClassifier,
    sequential.SequentialClassifier,
    tabular.TabularClassifier,
]
REGRESSORS: list[type] = [
    mlp.MLPRegressor,
    cnn.CNNRegressor,
    sequential.SequentialRegressor,
    tabular.TabularRegressor,
]


def register_converters() -> None:
    """Register sknn in skl2onnx, so that `skl2onnx.to_onnx` converts its estimators.

    This is needed once in a process, and more often does no harm. Afterwards
    `skl2onnx.to_onnx` and `skl2onnx.convert_sklearn` take the estimators of sknn, and
    `TableEncoder` and `SmoothClipScaler`, alone and within pipelines, searches and
    ensembles of scikit-learn.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install "sknn[onnx]"``.

    See Also
    --------
    to_onnx : Convert an estimator or a pipeline; registers by itself.

    Notes
    -----
    As usual in skl2onnx, the network computes in float64 if its input is declared as
    such, and in float32 otherwise. With the option ``raw_scores`` a classifier has
    the scores of `decision_function` in place of probabilities, those of two classes
    as two columns, -z and z. Of a regressor with ``loss='gaussian'`` only the
    means are converted.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn import MLPClassifier
    >>> from sknn.export import register_converters
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(max_iter=1000, random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> register_converters()
    >>> model = skl2onnx.to_onnx(pipe, X[:1], options={"zipmap": False})
    >>> [value.name for value in model.graph.output]
    ['label', 'probabilities']
    """
    skl2onnx = import_skl2onnx()
    of_classifiers = {
        "zipmap": [True, False, "columns"],
        "output_class_labels": [False, True],
        "nocl": [True, False],
        "raw_scores": [True, False],
    }
    for kinds, shapes, convert, options in (
        (CLASSIFIERS, set_classes, convert_estimator, of_classifiers),
        (REGRESSORS, set_numbers, convert_estimator, None),
        ([TableEncoder], set_encoded, convert_encoder, None),
        ([SmoothClipScaler], set_scaled, convert_scaler, None),
    ):
        for cls in kinds:
            skl2onnx.update_registered_converter(
                cls, f"Sknn{cls.__name__}", shapes, convert, options=options
            )


def import_skl2onnx() -> Any:
    """Return the package skl2onnx; raise if it is not installed."""
    try:
        import skl2onnx
    except ImportError as error:
        raise ImportError(
            'Pipelines are converted by the package skl2onnx: pip install "sknn[onnx]".'
        ) from error
    return skl2onnx


def convert_pipeline(estimator: Any, X: Any, dtype: Any) -> Any:
    """Return the model of an estimator that has one of sknn inside."""
    skl2onnx = import_skl2onnx()
    register_converters()
    check_is_fitted(estimator)
    options = {"zipmap": False} if is_classifier(estimator) else None
    return skl2onnx.to_onnx(
        estimator,
        initial_types=initial_types(estimator, X, dtype),
        options=options,
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        name=type(estimator).__name__,
    )


def initial_types(estimator: Any, X: Any, dtype: Any) -> list[tuple[str, Any]]:
    """Return the inputs of a pipeline with their types."""
    if X is not None:
        return types_of_table(X, dtype)
    if hasattr(estimator, "feature_names_in_"):
        raise ExportError(
            f"This {type(estimator).__name__} was fitted on a data frame: pass some of "
            "its rows as X, which tell the types of the columns."
        )
    n = getattr(estimator, "n_features_in_", None)
    floats = checked_dtype(dtype, dtype_of_network(estimator))
    return [("X", tensor_type(floats, [None, n]))]


def dtype_of_network(estimator: Any) -> np.dtype[Any]:
    """Return the dtype of the network in a pipeline or search; float64 without one."""
    network = getattr(find_innermost(estimator).estimator, "network_", None)
    return np.dtype(np.float64 if network is None else network.dtype)


def types_of_table(X: Any, dtype: Any) -> list[tuple[str, Any]]:
    """Return the types of the columns of a data frame, or of a matrix."""
    table = as_table(X, "to_onnx")
    if not hasattr(table, "columns"):
        floats = table.dtype if table.dtype.kind in "iufb" else np.dtype(object)
        if floats.kind == "f":
            floats = checked_dtype(dtype, floats)
        return [("X", tensor_type(floats, [None, table.shape[1]]))]
    types = []
    for column in columns_of(table):
        kind = column.values.dtype
        if kind.kind not in "iufb" or hasattr(column.values, "categories"):
            kind = np.dtype(object)
        elif kind.kind == "f":
            kind = checked_dtype(dtype, np.dtype(f"f{max(4, kind.itemsize)}"))
        types.append((str(column.name), tensor_type(kind, [None, 1])))
    return types


def tensor_type(dtype: Any, shape: list[int | None]) -> Any:
    """Return the type of skl2onnx for values of a dtype; text for objects."""
    from skl2onnx.common import data_types

    names = {"f4": "Float", "f8": "Double", "u1": "UInt8", "b1": "Boolean"}
    kind = np.dtype(dtype).kind
    name = names.get(np.dtype(dtype).str[1:], "Int64" if kind in "iu" else "String")
    return getattr(data_types, f"{name}TensorType")(shape)


# -- converters -----------------------------------------------------------------------


def dtype_of_inputs(operator: Any) -> np.dtype[Any]:
    """Return float64 if the first input is, else float32, as skl2onnx has it."""
    from skl2onnx.common.data_types import DoubleTensorType

    first = operator.inputs[0].type
    return np.dtype(np.float64 if isinstance(first, DoubleTensorType) else np.float32)


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
