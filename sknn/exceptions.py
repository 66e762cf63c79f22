"""Errors that users may want to catch by their class."""


class FileError(ValueError):
    """An estimator cannot be saved, or a file cannot be loaded; the message says why.

    `sknn.save` raises it for an estimator with parts that a file cannot hold, and
    `sknn.load` for a file that is damaged, too new or too large. `fit` raises it if the
    file of a `sknn.callbacks.Checkpoint` is damaged or belongs to another fit. A file
    that does not exist, or that may not be read or written, is an OSError as usual.
    """


class ExportError(ValueError):
    """A model cannot be written in another format; the message says why.

    The functions of `sknn.export` raise it for models with parts that are not from
    sknn, and for those that the format cannot express.
    """
