"""Full addresses of pages of this site, as links within the site.

The texts of the examples link to other pages by full addresses, because they are also
read in downloaded scripts and notebooks, where the roles of Sphinx mean nothing. Here
such a link leads to the page of the same build, and a page that does not exist is a
warning.
"""

from docutils import nodes
from sphinx import addnodes


def page_link(text, page, docname):
    return addnodes.pending_xref(
        "",
        nodes.inline("", text),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{page}",
        refexplicit=True,
        refdoc=docname,
        refwarn=True,
    )


def link_within_site(app, doctree):
    base = app.config.html_baseurl
    for link in list(doctree.findall(nodes.reference)):
        address = link.get("refuri", "")
        if address.startswith(base) and address.endswith(".html"):
            page = address.removeprefix(base).removesuffix(".html")
            link.replace_self(page_link(link.astext(), page, app.env.docname))


def setup(app):
    app.connect("doctree-read", link_within_site)
    return {"parallel_read_safe": True}
