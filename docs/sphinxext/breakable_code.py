"""Places where the names of code may be broken, so that they fit on a phone.

In tables, and in lists of links beside and below the text, each name has such places;
in the text, long names have. Short code in the text is kept in one line.
"""

import re

TABLE = re.compile(r"(<table\b.*?</table>)", re.DOTALL)
TITLE = re.compile(r"(?<=<h1>)[^<]+")
TEXT = re.compile(r"(?:^|(?<=>))[^<]+")
CODE = re.compile(r'<code class="[^>]*>(.*?)</code>', re.DOTALL)
WORD = re.compile(r'(?<=<span class="pre">)[^<]+')
TAG = re.compile(r"<[^>]*>")
PLACE = re.compile(
    r"(?<=[(=,/])(?=&|\w{3})"
    r"|(?:(?<=[A-Za-z]{2}_)|(?<=[a-z]__)|(?<=[A-Za-z)]\.)|(?<=[a-z])(?=[A-Z]))"
    r"(?=[A-Za-z]{2})"
)
"""After a sign, and before the next word of a name such as MLPClassifier.

Not in or before short numbers, nor beside a single letter, as in ``X_val``.
"""

LONG = 20
"""Code of fewer characters fits into a line, on a phone as well."""


def break_match(match):
    """Return text with `<wbr>` where it may be broken."""
    return PLACE.sub("<wbr>", match[0])


def break_if_long(match):
    return break_match(match) if len(match[0]) >= LONG else match[0]


def mark_if_short(match):
    """Return code with a class that keeps it in one line, if it is short."""
    if len(TAG.sub("", match[1])) >= LONG:
        return match[0]
    return match[0].replace('class="', 'class="sknn-short ', 1)


def break_words(html):
    """Return HTML with places in each word of code."""
    return WORD.sub(break_match, html)


def break_body(html):
    """Return the text of a page with places in its title and its code."""
    parts = TABLE.split(TITLE.sub(break_match, html))
    for i, part in enumerate(parts):
        if i % 2:  # a table
            parts[i] = break_words(part)
        else:
            parts[i] = CODE.sub(mark_if_short, WORD.sub(break_if_long, part))
    return "".join(parts)


def change_page(app, pagename, templatename, context, doctree):
    for part, change in (("body", break_body), ("toc", break_words)):
        if part in context:
            context[part] = change(context[part])
    for link in (context.get("prev"), context.get("next")):
        if link:
            link["title"] = TEXT.sub(break_match, link["title"])


def setup(app):
    app.connect("html-page-context", change_page)
    return {"parallel_read_safe": True}
