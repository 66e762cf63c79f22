"""Errors that users may want to catch by their class."""


class FileError(ValueError):
    """An estimator cannot be saved, or a file cannot be loaded; the message says why.

    `sknn.save` raises it for an estimator with parts that a file cannot hold, and
    `sknn.load` for a file that is damaged, too new or too large. `fit` raises it if the
    file of a `sknn.callbacks.Checkpoint` is damaged or belongs to another fit. A file
    that does not exist, or that may not be read or written, is an `OSError` as usual.

    Examples
    --------
    The end of a file is missing:

    >>> import sknn, tempfile
    >>> from pathlib import Path
    >>> from sknn.exceptions import FileError
    >>> path = Path(tempfile.mkdtemp(), "model.sknn")
    >>> sknn.save(sknn.MLPClassifier(), path)
    >>> n_bytes = path.write_bytes(path.read_bytes()[:-100])
    >>> try:
    ...     sknn.load(path)
    ... except FileError as error:
    ...     print(str(error).replace(repr(str(path)), "The file"))
    The file is not a file that sknn.load can read: it is not an sknn archive, or its
    end is missing.
    """


class ExportError(ValueError):
    """A model cannot be written in another format; the message says why.

    The functions of `sknn.export` raise it for models with parts that are not from
    sknn, and for those that the format cannot express.

    Examples
    --------
    A step of the pipeline cannot be written in C:

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from sknn import MLPClassifier
    >>> from sknn.exceptions import ExportError
    >>> from sknn.export import to_c
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), learning_rate="linear", max_iter=5, random_state=0)
    >>> model = make_pipeline(PolynomialFeatures(), clf).fit(X, y)
    >>> try:
    ...     to_c(model, "irises.c")
    ... except ExportError as error:
    ...     print(error)
    The pipeline has the step PolynomialFeatures(), which to_c does not support. It
    supports StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, SmoothClipScaler.
    """
