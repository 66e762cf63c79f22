"""Places where code may be broken, so that it fits on a phone.

In tables, in links to other pages and in "On this page", each name has such places, in
the text long names. Short code in the text, and options such as ``--strict``, stay in
one line.
"""

import re
from html import unescape

TABLE = re.compile(r"(<table\b.*?</table>)", re.DOTALL)
TITLE = re.compile(r"(?<=<h1>)[^<]+")
TEXT = re.compile(r"(?:^|(?<=>))[^<]+")
CODE = re.compile(r'<code class="([^>]*>.*?</code>)', re.DOTALL)
WORD = re.compile(r'<span class="pre">([^<]+)')
TAG = re.compile(r"<[^>]*>")
PLACE = re.compile(
    r"(?<=[(=,/])(?=&|\w{3})"
    r"|(?:(?<=[A-Za-z]{2}_)|(?<=[a-z]__)|(?<=[A-Za-z)]\.)|(?<=[a-z])(?=[A-Z]))"
    r"(?=[A-Za-z]{2})"
)
"""After a sign, and before the next word of a name such as MLPClassifier.

Not in or before short numbers, nor beside a single letter, as in ``X_val``.
"""

LONG = 26
"""Code of fewer characters fits into a line of text, on a phone as well."""


def is_long(html):
    return len(unescape(TAG.sub("", html))) >= LONG


def break_text(match):
    """Return text with `<wbr>` where it may be broken."""
    return PLACE.sub("<wbr>", match[0])


def break_word(match):
    return f'<span class="pre sknn-breakable">{PLACE.sub("<wbr>", match[1])}'


def break_name(match):
    """Return a word of code with places, unless it may be an option."""
    return break_word(match) if "-" not in match[1] or is_long(match[1]) else match[0]


def break_long_word(match):
    return break_word(match) if is_long(match[1]) else match[0]


def mark_short(match):
    """Return code with a class that keeps it in one line, if it is short."""
    return match[0] if is_long(match[0]) else f'<code class="sknn-short {match[1]}'


def break_body(html):
    """Return the text of a page with places in its title and its code."""
    parts = TABLE.split(TITLE.sub(break_text, html))
    for i, part in enumerate(parts):
        if i % 2:  # a table
            parts[i] = WORD.sub(break_name, part)
        else:
            parts[i] = WORD.sub(break_long_word, CODE.sub(mark_short, part))
    return "".join(parts)


def change_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = break_body(context["body"])
    if "toc" in context:
        context["toc"] = WORD.sub(break_name, context["toc"])
    for link in filter(None, (context.get("prev"), context.get("next"))):
        link["title"] = TEXT.sub(break_text, link["title"])


def setup(app):
    app.connect("html-page-context", change_page)
    return {"parallel_read_safe": True}
