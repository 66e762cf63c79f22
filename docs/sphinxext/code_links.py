"""The role of text in single backticks: code, with a link if it names something.

A full name, such as `sklearn.pipeline.Pipeline` or `sknn.solvers`, links to its page
if it has one. Other text is shown as code.
"""

import re

from docutils import nodes
from sphinx.roles import XRefRole

FULL_NAME = re.compile(r"(sknn|matplotlib|numpy|pandas|scipy|sklearn)(\.\w+)+")

link = XRefRole()


def code_link(name, rawtext, text, lineno, inliner, options=None, content=()):
    if FULL_NAME.fullmatch(text):
        return link("py:obj", rawtext, text, lineno, inliner, options, content)
    return [nodes.literal(rawtext, text)], []


def setup(app):
    app.add_role("code-link", code_link)
    return {"parallel_read_safe": True}
