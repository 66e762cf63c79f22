"""Defaults in signatures that Python does not show in a readable way."""

import re
from dataclasses import MISSING, fields, is_dataclass

CLASS = re.compile(r"<class '([\w.]+)'>")


def made_defaults(cls):
    """Yield the parameters of a dataclass whose defaults are made, and the defaults."""
    for field in fields(cls):
        if field.default_factory is not MISSING:
            yield field.name, field.default_factory()


def show_defaults(app, what, name, obj, options, signature, return_annotation):
    if not signature:
        return None
    # scikit-learn's name of the value that leaves a request as it is.
    signature = signature.replace("'$UNCHANGED$'", "UNCHANGED")
    signature = CLASS.sub(r"\1", signature)
    if what == "class" and is_dataclass(obj):
        for parameter, value in made_defaults(obj):
            signature = signature.replace(
                f"{parameter}=<factory>", f"{parameter}={value!r}"
            )
    return signature, return_annotation


def setup(app):
    app.connect("autodoc-process-signature", show_defaults)
    return {"parallel_read_safe": True}
