"""Helpers of the tests of `to_onnx`: models are checked and run by ONNX Runtime."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknn.export import to_onnx

TOLERANCE = {"float32": 2e-5, "float64": 1e-10}
"""Sums in another order: some hundred times the rounding of a number of order 1."""


def run(model, feeds):
    """Check a model, and return its outputs by name."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    declared = {value.name: value for value in session.get_outputs()}
    outputs = dict(zip(declared, session.run(None, feeds), strict=True))
    for name, output in outputs.items():
        assert output.ndim == len(declared[name].shape)
        for length, side in zip(declared[name].shape, output.shape, strict=True):
            assert isinstance(length, str) or length in (None, side)
    return outputs


def assert_predicts(estimator, X, feeds=None, model=None, dtype=None, atol=None):
    """Check that a model predicts what an estimator does for rows `X`."""
    model = to_onnx(estimator, dtype=dtype) if model is None else model
    outputs = run(model, {"X": X} if feeds is None else feeds)
    if hasattr(estimator, "predict_proba"):
        label, p = outputs["label"], outputs["probabilities"]
        expected, y = estimator.predict_proba(X), estimator.predict(X)
        y = y.toarray() if hasattr(y, "toarray") else y
        assert_array_equal(label, y)
        assert_allclose(p, expected, rtol=0, atol=atol or TOLERANCE[p.dtype.name])
        return
    y = outputs["variable"]
    expected = estimator.predict(X).reshape(len(X), -1)
    assert y.shape == expected.shape
    # Targets may be of any size; those of tables come from a network in float32.
    network = estimator.network_.dtype.name
    atol = atol or TOLERANCE[network] * max(1.0, np.abs(expected).max())
    assert_allclose(y, expected, rtol=0, atol=atol)
