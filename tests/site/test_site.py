"""The built documentation, in a browser.

    SKNN_SITE=docs/_build/html pytest tests/site

The site is served from this machine, and every page is opened in headless Chromium.
This needs the extra ``site`` and an installed Chromium or Chrome. Without them, only
the tests that read the files run.
"""

import codeop
import os
import re
import shutil
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urlsplit

import pytest

SITE = Path(os.environ.get("SKNN_SITE", "/nonexistent")).resolve()
if not (SITE / "index.html").exists():
    pytest.skip("SKNN_SITE does not name a built site", allow_module_level=True)

# The programs that .ci/run looks for.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

PAGES = sorted(
    page
    for path in SITE.rglob("*.html")
    if not (page := path.relative_to(SITE).as_posix()).startswith("_static/")
)

# What people look for, and the page that has to be among the first hits.
SEARCHES = {
    "batch size": "guide/training",
    "categorical": "guide/tables",
    "changelog": "changes",
    "checkpoint": "guide/saving",
    "citation": "getting_started",
    "cite": "getting_started",
    "class imbalance": "guide/imbalanced",
    "class weight": "guide/imbalanced",
    "class weights": "guide/imbalanced",
    "class_weight": "guide/imbalanced",
    "conda": "getting_started",
    "contributing": "contributing",
    "online learning": "guide/scaling",
    "convergence": "faq",
    "cuda": "faq",
    "dask": "guide/scaling",
    "dates": "guide/tables",
    "dropout": "guide/regularization",
    "early stopping": "guide/stopping",
    "exploding gradient": "guide/deep_networks",
    "faq": "faq",
    "feature importance": "faq",
    "feature names": "faq",
    "generalisation": "guide/regularization",
    "GPU": "faq",
    "grid search": "guide/search",
    "huber": "guide/losses",
    "hyperparameter tuning": "guide/search",
    "imbalanced": "guide/imbalanced",
    "install": "getting_started",
    "keras": "coming_from_keras_pytorch",
    "learning rate": "guide/schedules",
    "learning rate finder": "guide/recipe",
    "license": "getting_started",
    "lr finder": "guide/recipe",
    "lstm": "faq",
    "missing values": "guide/tables",
    "multilabel": "guide/multioutput",
    "multioutput": "guide/multioutput",
    "my loss is nan": "faq",
    "n_jobs": "guide/scaling",
    "nan": "faq",
    "onnx": "guide/deployment",
    "outliers": "guide/regression_outliers",
    "over fitting": "guide/regularization",
    "over-fitting": "guide/regularization",
    "overfit": "guide/regularization",
    "overfitting": "guide/regularization",
    "predict proba": "faq",
    "prediction interval": "guide/uncertainty",
    "progress bar": "guide/stopping",
    "pypi": "getting_started",
    "pytorch lightning": "coming_from_keras_pytorch",
    "pytorch": "coming_from_keras_pytorch",
    "random_state": "guide/reproducibility",
    "release notes": "changes",
    "release": "contributing",
    "resume training": "guide/saving",
    "sample_weight": "guide/imbalanced",
    "save model": "guide/saving",
    "seed": "guide/reproducibility",
    "skops": "guide/saving",
    "skorch": "coming_from_keras_pytorch",
    "slow": "faq",
    "sparse text": "guide/text",
    "tensorboard": "coming_from_keras_pytorch",
    "tensorflow": "coming_from_keras_pytorch",
    "time series": "faq",
    "transfer learning": "guide/transfer",
    "troubleshooting": "faq",
    "unbalanced": "guide/imbalanced",
    "vanishing gradient": "guide/deep_networks",
    "warm start": "faq",
    "windows": "getting_started",
}
FIRST_HITS = 3


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """Return the address at which the site is served."""
    handler = partial(QuietHandler, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("there is no Chromium or Chrome")
    options = "--no-sandbox --disable-gpu --disable-background-networking"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=options.split()
        )
        yield browser
        browser.close()


def lines(found):
    return "\n" + "\n".join(found)


class Tab:
    """A page of the browser that records what goes wrong in it."""

    def __init__(self, browser, address):
        # Reduced motion: colors change at once, not in a transition.
        self.page = browser.new_page(reduced_motion="reduce")
        self.page.set_default_timeout(120_000)  # milliseconds, for a busy machine
        self.address = address
        self.problems = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self.record_error)
        self.page.on("request", self.record_request)

    def record_error(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def record_request(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.problems.append(f"request to another host: {request.url}")

    def open(self, path):
        self.problems.clear()
        self.set_width(1280)
        self.page.goto(self.address + path)
        self.page.evaluate("window.MathJax?.startup?.promise")

    def set_width(self, width):
        self.page.set_viewport_size({"width": width, "height": 900})


@pytest.fixture(scope="module")
def tab(browser, address):
    return Tab(browser, address)


@pytest.fixture(scope="module", params=PAGES)
def opened(request, tab):
    """Open each page once, for all tests that use it."""
    tab.open(request.param)
    return tab


def test_page_has_no_errors(opened):
    assert not opened.problems, lines(opened.problems)


# Elements wider than their column, and text that a box without a scroll bar cuts off.
# Formulas in the text have a copy for screen readers that is meant to be invisible.
FIND_CUT_OFF = """() => {
    const scrolls = e => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const hides = e => ["hidden", "clip"].includes(getComputedStyle(e).overflowX);
    const describe = e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`;
    const shows = e => e.matches("img, svg, pre, table, input")
        || [...e.childNodes].some(n => n.nodeType == Node.TEXT_NODE && n.data.trim());
    const found = [];
    const walk = (e, right) => {
        const box = e.getBoundingClientRect();
        if (!e.checkVisibility({visibilityProperty: true})) return;
        if (box.width <= 1 || box.height <= 1) return;
        if (e.matches("span.math, mjx-assistive-mml")) return;
        if (shows(e) && box.right > right + 1) return found.push(describe(e));
        if (scrolls(e)) return;
        if (hides(e) && e.scrollWidth > e.clientWidth + 1) found.push(describe(e));
        for (const child of e.children) walk(child, right);
    };
    const width = document.documentElement.clientWidth;
    const column = document.querySelector(".bd-article, main:not(:has(.bd-article))");
    walk(column, column.getBoundingClientRect().right);
    for (const e of document.querySelectorAll("header, footer")) walk(e, width);
    for (const e of document.querySelectorAll(".bd-sidebar > *"))
        walk(e, e.parentElement.getBoundingClientRect().right);
    if (document.documentElement.scrollWidth > width) found.push("the page scrolls");
    return found;
}"""

# Formulas and code that have to be scrolled; but code of more than 88 columns, the line
# length of the project, may be.
FIND_SCROLLED = """() => [...document.querySelectorAll("article :is(pre, div.math)")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
    .filter(e => !e.matches("pre") || !/.{89}/.test(e.textContent))
    .map(e => e.textContent)
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(opened, width):
    opened.set_width(width)
    found = opened.page.evaluate(FIND_CUT_OFF)
    assert not found, lines(found)


# Tables that have to be scrolled, unless an example prints them.
FIND_SCROLLED_TABLES = """() =>
    [...document.querySelectorAll("article .pst-scrollable-table-container")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && !e.querySelector(".dataframe"))
    .map(e => e.textContent)
"""


def test_tables_fit_on_a_phone(opened):
    opened.set_width(390)
    found = opened.page.evaluate(FIND_SCROLLED_TABLES)
    assert not found, lines(found)


def test_code_and_formulas_fit_into_the_column(opened):
    opened.set_width(1280)
    found = opened.page.evaluate(FIND_SCROLLED)
    assert not found, lines(found)


# What the copy button copies from each console session.
FIND_COPIED = """exclude => {
    const sessions = document.querySelectorAll("article pre:has(.gp)");
    return [...sessions].map(session => {
        const copy = session.cloneNode(true);
        copy.querySelectorAll(exclude).forEach(node => node.remove());
        return copy.textContent;
    });
}"""


def paste(text):
    """Compile the text line by line, as the prompt of Python 3.11 does."""
    lines = []
    for line in [*text.splitlines(), ""]:
        lines.append(line)
        if codeop.compile_command("\n".join(lines)) is not None:
            lines.clear()


@pytest.fixture(scope="module")
def excluded():
    """Return the selector of what the copy button leaves out."""
    script = (SITE / "_static" / "copybutton.js").read_text("utf-8")
    return re.search(r"exclude = '(.*)'", script)[1]


def test_copied_sessions_can_be_pasted(opened, excluded):
    for text in opened.page.evaluate(FIND_COPIED, excluded):
        paste(text)


# Text with too little contrast to its background: less than 4.5, the AA level of WCAG.
FIND_PALE = """() => {
    const channels = color => color.match(/[\\d.]+/g).map(Number);
    const luminance = color => {
        const [r, g, b] = channels(color).slice(0, 3).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = e => {
        for (; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if ((channels(color)[3] ?? 1) > 0.5) return color;
        }
        return getComputedStyle(document.body).backgroundColor;
    };
    const found = new Set();
    for (const e of document.querySelectorAll("header *, .bd-container *, footer *")) {
        const text = [...e.childNodes].filter(n => n.nodeType == Node.TEXT_NODE)
            .map(n => n.data.trim()).join("");
        if (!text || !e.checkVisibility({opacityProperty: true})) continue;
        if (e.closest(".sk-top-container")) continue;  // the colors are scikit-learn's
        const style = getComputedStyle(e);
        const [low, high] = [style.color, background(e)].map(luminance)
            .sort((a, b) => a - b);
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < 4.5)
            found.add(`${contrast.toFixed(1)} ${e.tagName}.${e.className}: ${text}`);
    }
    return [...found];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(opened, theme):
    opened.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    found = opened.page.evaluate(FIND_PALE)
    assert not found, lines(found)


class Links(HTMLParser):
    """The anchors, the links and the pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.pictures = {"", "top"}, set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs.get("id"), attrs.get("name")}
        if tag in ("a", "link") and attrs.get("href"):
            self.links.add(attrs["href"])
        if tag in ("img", "script") and attrs.get("src"):
            self.links.add(attrs["src"])
        if tag == "img":
            self.pictures.append(attrs)


@pytest.fixture(scope="module")
def links():
    return {page: Links((SITE / page).read_text("utf-8")) for page in PAGES}


def leads_nowhere(link, page, links):
    url, anchor = urldefrag(link)
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return False
    target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
    target = target.resolve()
    if not target.is_file():
        return True
    name = target.relative_to(SITE).as_posix()
    return name in links and unquote(anchor) not in links[name].anchors


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(links, page):
    found = [x for x in links[page].links if leads_nowhere(x, page, links)]
    assert not found, lines(found)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_have_alternative_text(links, page):
    # The thumbnail of an example stands above its title, so it needs no text.
    found = [
        img["src"]
        for img in links[page].pictures
        if not img.get("alt") and not re.search(r"_thumb\.(png|svg)$", img["src"])
    ]
    assert not found, lines(found)


# What a reader should never see: targets and citations without a text of their own, and
# the marks of defaults that a signature cannot show.
RAW = re.compile(r"sphx_glr_\w+|\[R[0-9a-f]{6,}-\d+\]|\$UNCHANGED\$|&lt;factory&gt;")


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_no_raw_labels(page):
    text = re.sub(r"<[^>]*>", "", (SITE / page).read_text("utf-8"))
    assert not RAW.findall(text)


# A reference that begins with an initial, "T. Dozat", must not become a list.
CITATION = re.compile(r'<div class="citation".*?</div>', re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_references_are_no_lists(page):
    found = CITATION.findall((SITE / page).read_text("utf-8"))
    assert not [citation for citation in found if "<ol" in citation]


DISPLAYS = [page for page in PAGES if page.startswith("generated/sknn.display.")]


@pytest.mark.parametrize("page", DISPLAYS)
def test_display_has_a_picture(links, page):
    name = page.removeprefix("generated/").removesuffix(".html").replace(".", "-")
    assert any(name in img["src"] for img in links[page].pictures)


@pytest.mark.parametrize("query", SEARCHES)
def test_search_finds_the_page(tab, query):
    tab.open(f"search.html?q={quote(query)}")
    tab.page.wait_for_selector("#search-results > p.search-summary:has-text('found')")
    hits = tab.page.eval_on_selector_all(
        "#search-results li > a", "hits => hits.map(a => a.pathname.slice(1))"
    )
    assert f"{SEARCHES[query]}.html" in list(dict.fromkeys(hits))[:FIRST_HITS]


def test_versions_can_be_chosen(tab):
    tab.open("guide/index.html")
    tab.page.click("header .version-switcher__button")
    versions = tab.page.locator("header .version-switcher__menu a")
    assert "dev" in versions.all_inner_texts()
    assert tab.page.locator("header .version-switcher__menu a.active").count() == 1
    assert tab.problems == []
