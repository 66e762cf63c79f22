"""Every page of the user guide has the same elements."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"

if not DOCS.exists():
    pytest.skip("there is no checkout", allow_module_level=True)

PAGES = sorted(path for path in (DOCS / "guide").glob("*.rst") if path.stem != "index")

ELEMENTS = {
    "a formula": r"^\.\. math::|:math:`",
    "a picture": r"^\.\. figure::",
    "an example": r"^>>> ",
    "a link to the gallery": r":ref:`[^`]*sphx_glr_auto_examples_\w+\.py",
    "a link to the API": r":(class|func|meth|mod):`[~.]*sknn\.",
}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_has(page, element):
    text = page.read_text("utf-8")
    assert re.search(ELEMENTS[element], text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_picture_has_a_description(page):
    for directive in re.split(r"^\.\. figure:: ", page.read_text("utf-8"), flags=re.M)[
        1:
    ]:
        assert re.match(r".*\n   :alt: \w", directive), directive.splitlines()[0]


def test_the_pictures_of_the_guide_are_drawn_and_shown():
    shown = {
        name
        for page in PAGES
        for name in re.findall(
            r"^\.\. figure:: pictures/(\w+)\.svg$", page.read_text("utf-8"), re.M
        )
    }
    code = (DOCS / "sphinxext" / "guide_pictures.py").read_text("utf-8")
    assert set(re.findall(r'^    "(\w+)": draw_\w+,$', code, re.M)) == shown
