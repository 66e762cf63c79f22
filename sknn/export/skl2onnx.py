"""Estimators of sknn within pipelines, converted by skl2onnx."""

from __future__ import annotations

from typing import Any

from .. import cnn, mlp, sequential, tabular
from ..preprocessing import SmoothClipScaler, TableEncoder
from ._onnx.converters import (
    convert_encoder,
    convert_estimator,
    convert_scaler,
    set_classes,
    set_encoded,
    set_numbers,
    set_scaled,
)

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

    Call it once in a process; further calls have no effect. Afterwards
    `skl2onnx.to_onnx` and `skl2onnx.convert_sklearn` take the estimators of sknn,
    `sknn.preprocessing.TableEncoder` and `sknn.preprocessing.SmoothClipScaler`, alone
    and within pipelines, searches and ensembles of scikit-learn.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install "sknn[onnx]"``.

    See Also
    --------
    to_onnx : Convert an estimator or a pipeline; calls this function itself.

    Notes
    -----
    As usual in skl2onnx, the network computes in float64 if its input is declared as
    such, and in float32 otherwise. With the option ``raw_scores`` a classifier has
    the scores of `decision_function` in place of probabilities, those of two classes
    as two columns, -z and z. Of a regressor with ``loss='gaussian'`` only the
    means are converted.

    For inputs in float64, pass ``options={"zipmap": False}``: by default, skl2onnx
    makes dictionaries of the probabilities, which ONNX has in float32 only.

    skl2onnx joins columns in the type of the first, and changes the names of columns
    that are not identifiers; `to_onnx` declares one type for all numbers and keeps the
    names.

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
        "nocl": [True, False],  # without effect, but skl2onnx passes it
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
