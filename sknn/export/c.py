"""Fitted estimators as C code."""

from __future__ import annotations

import os
import re
from typing import Any

from sklearn.pipeline import Pipeline

from ..exceptions import ExportError
from ._argument import check_is_instance
from ._c.source import source_of
from ._file import write_file
from ._plan import checked_dtype, plan_of, unwrapped


def to_c(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    name: str = "model",
    dtype: Any = "float32",
) -> None:
    """Write a fitted estimator as a single C file without dependencies.

    The file is C99, and C++ as well. It needs nothing but the C library, allocates no
    memory and writes to no global variable. This is for small networks, on
    microcontrollers or in programs that should not need Python. With ``name="model"``
    it has these functions, for one row or image x of ``MODEL_N_INPUTS`` numbers:

    - classifiers: ``int model_predict(const float *x)`` returns the index of the class
      in ``model_classes``, and ``void model_predict_proba(const float *x, float *p)``
      writes the probabilities. Labels are int, double or, if they are text or whole
      numbers beyond 32 bits, ``const char *`` in UTF-8;
    - classifiers of several labels: ``void model_predict(const float *x, int *labels)``
      writes 0 or 1 for each label, and ``model_predict_proba`` their probabilities;
    - regressors: ``void model_predict(const float *x, float *y)`` writes the numbers
      that `predict` returns: one for each target or quantile.

    ``MODEL_N_OUTPUTS`` is the number of probabilities or numbers. The comment at the
    top of the file lists the layers and the memory needed: ``MODEL_CONSTANT_BYTES`` of
    constants (flash) and ``MODEL_STACK_BYTES`` on the stack, where all intermediate
    results are.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted classifier or regressor of sknn. Or a pipeline that ends with one,
        after scalers: `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `RobustScaler`
        and `SmoothClipScaler`. Or a search such as `GridSearchCV` whose best estimator
        is one of these. An estimator of tables must have columns of numbers only; what
        is missing is NaN.
    path : str or path-like
        The file, such as ``model.c``.
    name : str, default='model'
        What all names in the file start with: letters, digits and underscores.
    dtype : {'float32', 'float64'} or dtype, default='float32'
        The type of all numbers: float or double. With None it is that of the network:
        float if it was trained in float32, else double.

    Raises
    ------
    ExportError
        If a layer, an activation or a step of the pipeline cannot be written in C, such
        as one of your own, or if a weight is too large for float. The message names it.
    NotFittedError
        If the estimator or a scaler before it is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_onnx : The estimator as an ONNX model, with categories and more transformers.
    to_torch : The network as a PyTorch module.

    Notes
    -----
    Images are passed as the estimator takes them, (height, width, channels), row by
    row. If it was fitted on bytes, ``x`` is of type ``const unsigned char *``.

    Predictions agree with those of the estimator to rounding in `dtype`. Numbers of
    which more than 7 digits matter, such as times in seconds, need ``'float64'``, also
    if a scaler follows. The functions do not check their input: if it has NaN or
    infinite values, the result is undefined. Only estimators of tables accept them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.export import to_c
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp(), "irises.c")
    >>> to_c(clf, path, name="irises")
    >>> for line in path.read_text().splitlines():
    ...     if line.startswith(("void ", "int ")) and line.endswith(";"):
    ...         print(line)
    void irises_predict_proba(const float *x, float *p);
    int irises_predict(const float *x);

    In the program that predicts::

        #include "irises.c"

        float x[IRISES_N_INPUTS] = {5.1f, 3.5f, 1.4f, 0.2f};
        int flower = irises_classes[irises_predict(x)];

    Compile it with the mathematical functions of the C library::

        cc -std=c99 -O2 main.c -o main -lm

    If ``irises.c`` is compiled as a file of its own, write ``#define
    IRISES_DECLARATIONS_ONLY`` before each ``#include "irises.c"``.
    """
    check_is_instance(estimator)
    check_name(name)
    scalers, last = steps_of_pipeline(estimator)
    plan = plan_of(last)
    real = "float" if checked_dtype(dtype, plan.dtype).itemsize == 4 else "double"
    kind = type(last).__name__.encode("ascii", "backslashreplace").decode()
    text = source_of(plan, scalers, name, real, kind)
    write_file(path, text.encode("ascii"))


def check_name(name: Any) -> None:
    """Raise unless names in C can start with `name`."""
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(
            "name must consist of letters, digits and underscores, and not start with "
            f"a digit, got {name!r}."
        )


def steps_of_pipeline(estimator: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a pipeline, and its last step."""
    scalers = []
    while isinstance(estimator := unwrapped(estimator), Pipeline):
        if not estimator.steps:
            raise ExportError("The pipeline has no steps.")
        *before, (_, estimator) = estimator.steps
        scalers += [step for _, step in before]
    return scalers, estimator
