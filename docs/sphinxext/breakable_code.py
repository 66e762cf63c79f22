"""Places where code in tables may be broken, so that tables fit on a phone.

The style sheet hides these places on wider screens.
"""

import re

TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
PLACE = re.compile(
    r"(?<=[(=,/])(?=&|\w{3})"
    r"|(?:(?<=[A-Za-z]{2}_)|(?<=[a-z]__)|(?<=[A-Za-z)]\.)|(?<=[a-z])(?=[A-Z]))"
    r"(?=[A-Za-z]{2})"
)
"""After a sign, and before the next word of a name such as MLPClassifier.

Not in or before short numbers, nor beside a single letter, as in ``X_val``.
"""


def break_code(html):
    """Return HTML with `<wbr>` in the code of its tables."""

    def in_code(match):
        return PLACE.sub("<wbr>", match[0])

    return TABLE.sub(lambda match: CODE.sub(in_code, match[0]), html)


def change_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = break_code(context["body"])


def setup(app):
    app.connect("html-page-context", change_page)
    return {"parallel_read_safe": True}
