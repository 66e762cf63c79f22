"""The parameters of an estimator under headings, each with a link to the user guide.

In the docstring, as in scikit-learn, they are in the order of the constructor.
"""

from docutils import nodes
from sphinx import addnodes

from sknn._estimators.docs import PARAMETER_GROUPS


def parameter_list(contentnode):
    """Return the list of the parameters in a description made by numpydoc, or None."""
    for field in contentnode.findall(nodes.field):
        if field[0].astext() == "Parameters":
            return next(field[1].findall(nodes.definition_list), None)
    return None


def names(item):
    """Return the names of the parameters in an item: "beta_1, beta_2 : float"."""
    return item[0][0].astext().split(", ")


def heading(title, page, docname):
    link = addnodes.pending_xref(
        "",
        nodes.inline("", page),  # Sphinx replaces it by the title of the page
        refdomain="std",
        reftype="doc",
        reftarget=f"/{page}",
        refexplicit=False,
        refdoc=docname,
    )
    # One child: the theme puts the children of a rubric below each other.
    start, end = nodes.Text(f"{title} (User Guide: "), nodes.Text(")")
    line = nodes.inline("", "", start, link, end)
    return nodes.rubric("", "", line)


def group_parameters(app, domain, objtype, contentnode):
    whole = parameter_list(contentnode)
    if objtype != "class" or whole is None:
        return
    items = {name: item for item in whole for name in names(item)}
    if "learning_rate_init" not in items:  # no estimator
        return
    if left_out := items.keys() - " ".join(m for *_, m in PARAMETER_GROUPS).split():
        raise ValueError(f"PARAMETER_GROUPS of sknn has no group for {left_out}.")
    grouped = []
    for title, page, members in PARAMETER_GROUPS:
        # dict: an item for two parameters comes once.
        chosen = dict.fromkeys(items[name] for name in members.split() if name in items)
        if chosen:
            grouped.append(heading(title, page, app.env.docname))
            grouped.append(nodes.definition_list("", *chosen))
    whole.replace_self(grouped)


def setup(app):
    app.connect("object-description-transform", group_parameters)
    return {"parallel_read_safe": True}
