"""References that begin with an initial: ".. [1] T. Dozat".

Sphinx would read the initial of a reference in one line as the start of a list.
"""

import re

INITIAL = re.compile(r"^( *\.\. \[\d+\] )(?=[A-Z]\. )")


def escape_initials(app, what, name, obj, options, lines):
    lines[:] = [INITIAL.sub(r"\1\\", line) for line in lines]


def setup(app):
    # Before numpydoc (priority 500), which changes the labels.
    app.connect("autodoc-process-docstring", escape_initials, priority=400)
    return {"parallel_read_safe": True}
