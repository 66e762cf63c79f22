"""Pipelines and other estimators around a network, converted by skl2onnx."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.utils.validation import check_is_fitted

from ...exceptions import ExportError
from ..skl2onnx import import_skl2onnx, register_converters
from .graph import ML_OPSET, OPSET
from .named_columns import with_named_columns
from .pipeline_check import check_runs
from .pipeline_inputs import inputs_of_pipeline
from .pipeline_parts import check_categories, prepared


def convert_pipeline(estimator: Any, X: Any, dtype: Any) -> Any:
    """Return the model of an estimator that has one of sknn inside."""
    skl2onnx = import_skl2onnx()
    register_converters()
    check_is_fitted(estimator)
    if isinstance(estimator, TransformedTargetRegressor):
        raise ExportError(
            "A TransformedTargetRegressor cannot be converted. Convert its regressor_, "
            "and apply inverse_func, or the inverse of transformer_, to what the model "
            "predicts."
        )
    inputs = inputs_of_pipeline(estimator, X, dtype)
    check_categories(estimator, inputs.floats)
    try:
        model = skl2onnx.to_onnx(
            prepared(estimator),
            initial_types=inputs.types(),
            options={"zipmap": False} if is_classifier(estimator) else None,
            target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
            name=type(estimator).__name__,
        )
    except ExportError:
        raise
    except Exception as error:  # of any class: it depends on the converter
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise ExportError(
            f"skl2onnx cannot convert this {type(estimator).__name__}: {first} Take "
            "what it does not know out of the pipeline and do it before or after the "
            "model, or register a converter for it in skl2onnx."
        ) from error
    if inputs.names is not None:
        model = with_named_columns(model, inputs)
    check_runs(model, estimator, inputs, X)
    return model
