"""The docstrings of methods that are inherited from scikit-learn, in short.

They refer to scikit-learn's user guide, glossary, examples and versions. Here they are
the first paragraph, a link to the page of scikit-learn, the parameters and the result.
"""

import re

LINKS = {
    "sklearn.base": ":class:`sklearn.base.{owner}`",
    "sklearn.callback": ":class:`sklearn.callback.CallbackSupportMixin`",
    "sklearn.model_selection": ":class:`sklearn.model_selection.RandomizedSearchCV`",
    "sklearn.utils._metadata_requests": (
        "`Metadata routing <https://scikit-learn.org/stable/metadata_routing.html>`__"
    ),
    "sklearn.utils._set_output": ":class:`sklearn.base.TransformerMixin`",
}
"""What describes the methods of a module or package of scikit-learn.

`owner` is the class that defines the method.
"""

KEPT_SECTIONS = {"Parameters", "Returns"}
DIRECTIVE = re.compile(
    r"^( *)\.\. version(?:added|changed)::.*\n(?:\1 +.*\n|\n)*", re.MULTILINE
)
REFERENCE = re.compile(r":(?:ref|term):`([^`<]+?)(?: <[^`]*>)?`")
HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
CODE_OR_ATTRIBUTE = re.compile(r"`[^`]+`|(?<!\w)\w+_(?!\w)")


def link_of(module, owner):
    for package, link in LINKS.items():
        if f"{module}.".startswith(f"{package}."):
            return link.format(owner=owner)
    raise ValueError(f"LINKS of inherited_docs.py has no link for {module}.")


def mark_attribute(match):
    """Mark the name of an attribute as code, unless it is in code."""
    return match[0] if match[0].startswith("`") else f"``{match[0]}``"


def shortened(doc, link):
    """Return a docstring without what belongs to the site of scikit-learn."""
    doc = REFERENCE.sub(r"\1", DIRECTIVE.sub("", f"{doc}\n"))
    doc = CODE_OR_ATTRIBUTE.sub(mark_attribute, doc)
    text, *sections = HEADING.split(doc)
    summary = text.strip().partition("\n\n")[0]
    parts = [summary, f"Inherited from scikit-learn: see {link}."]
    for title, content in zip(sections[::2], sections[1::2], strict=True):
        if title in KEPT_SECTIONS:
            parts.append(f"{title}\n{'-' * len(title)}\n{content.strip()}")
    return "\n\n".join(parts)


def shorten(app, what, name, obj, options, lines):
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or ""
    if what in {"method", "property"} and module.startswith("sklearn."):
        link = link_of(module, function.__qualname__.split(".")[0])
        lines[:] = shortened("\n".join(lines), link).splitlines()


def setup(app):
    # Before numpydoc (priority 500), which takes the docstring apart.
    app.connect("autodoc-process-docstring", shorten, priority=400)
    return {"parallel_read_safe": True}
