"""A box around each picture, in which it can be scrolled on a phone.

A wide picture that is shrunk to the width of a phone has text too small to read.
"""

import re

PICTURE = re.compile(r'<img\b[^>]*\bsrc="[./]*_images/(?![^"]*_thumb\.)[^>]*>')


def change_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = PICTURE.sub(
            r'<span class="sknn-picture">\g<0></span>', context["body"]
        )


def setup(app):
    app.connect("html-page-context", change_page)
    return {"parallel_read_safe": True}
