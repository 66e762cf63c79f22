"""to_onnx: estimators as models of ONNX, which predict without sknn and Python."""

from __future__ import annotations

import os
from typing import Any

from .._estimators.base import BaseNetworkEstimator
from ._file import write_file
from ._onnx.graph import import_onnx
from ._onnx.model import model_of_plan
from ._onnx.pipelines import convert_pipeline
from ._plan import plan_of, unwrapped


def to_onnx(
    estimator: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    X: Any = None,
    dtype: Any = None,
) -> Any:
    """Convert a fitted estimator to an ONNX model.

    The model predicts what the estimator predicts, in any program that has a runtime
    for ONNX, without sknn, scikit-learn or Python. It takes any number of rows.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted classifier or regressor of sknn, or a fitted search whose best
        estimator is one. Or another estimator of scikit-learn that contains one, such
        as a pipeline of transformers that ends with one: skl2onnx then converts all
        parts that are not from sknn.
    path : str or path-like, default=None
        The file to write, usually with the extension ``.onnx``; another extension does
        not change the format. With None the model is only returned.
    X : array-like of shape (n_samples, n_features), default=None
        Rows as `predict` takes them. Needed for a pipeline that was fitted on a data
        frame or on objects, for the types of the columns; one row is enough. With ten
        rows or more, and with onnxruntime installed, the predictions of the model are
        compared with those of the pipeline. Not used for an estimator of sknn.
    dtype : {'float32', 'float64'}, default=None
        The type in which the network computes, which is also that of the input and of
        the probabilities. By default that of the fitted network: float64 if it was
        trained on numbers in float64. Networks for tables are trained in float32, but
        their inputs, and the numbers that a regressor predicts, are always float64.
        For a pipeline, it is the type of all numbers, including the predicted ones. Its
        default is then float32 if this type can represent all numbers of the types of
        the columns of `X`, and float64 otherwise.

    Returns
    -------
    model : onnx.ModelProto
        The model, with the operators of opset 18. Its inputs and outputs are described
        in the notes.

    Raises
    ------
    ImportError
        If onnx or, for a pipeline, skl2onnx is not installed:
        ``pip install "sknn[onnx]"``.
    ExportError
        If a part, such as a layer or an activation, is not from sknn, if a subclass has
        a method `predict`, `predict_proba` or `decision_function` of its own, or if
        ONNX cannot compare the categories or classes. For a pipeline also if `X` is
        needed but missing, or has columns that are not numbers or text, if skl2onnx
        does not know a step, or if the model cannot be run or predicts something else.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If a search was fitted with ``refit=False``.
    ValueError
        If `dtype` is not one of those above, or `X` does not have the columns that the
        pipeline was fitted on.
    OSError
        If the file cannot be written.

    See Also
    --------
    register_converters : Use `skl2onnx.to_onnx` for estimators of sknn.
    sknn.save : Save an estimator, to load it with sknn.

    Notes
    -----
    The input is ``X`` of shape (n, n_features). Images are (n, height, width,
    channels), of the type uint8 if the network was trained on bytes. An estimator for
    tables that has categories, or was fitted on a data frame, has an input of shape
    (n, 1) for each column, with the name of the column or ``x0``, ``x1``, ...: text is
    a tensor of strings in which ``""`` is a missing value, unless it is a category;
    everything else, also booleans and columns without any value, is float64, NaN where
    it is missing. A pipeline that was fitted on a data frame has such inputs, too; its
    numbers are of the type `dtype`.

    A classifier has the outputs ``label`` of shape (n,) and ``probabilities`` of shape
    (n, n_classes); for several labels per row both are (n, n_labels). Labels are
    strings or int64, which is 0 and 1 for booleans. A regressor has the output
    ``variable`` of shape (n, n_outputs) and, with ``loss='gaussian'``, ``std`` of the
    same shape; in a pipeline there are only the means. If a column has the name of an
    output, the output gets a number, as in ``label_1``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.export import to_onnx
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = MLPClassifier(max_iter=1000, random_state=0).fit(X, y)
    >>> model = to_onnx(clf)
    >>> [value.name for value in model.graph.output]
    ['label', 'probabilities']

    In a program that predicts, with the file that ``to_onnx(clf, "irises.onnx")``
    writes::

        import onnxruntime
        session = onnxruntime.InferenceSession("irises.onnx")
        label, probabilities = session.run(None, {"X": rows})
    """
    import_onnx()
    estimator = unwrapped(estimator)
    if isinstance(estimator, BaseNetworkEstimator):
        plan = plan_of(estimator, dtype)
        model = model_of_plan(plan, type(estimator).__name__)
    else:
        model = convert_pipeline(estimator, X, dtype)
    if path is not None:
        write_file(path, model.SerializeToString())
    return model
