"""The API reference lists every public name, with an example; estimators link to it."""

import importlib
import inspect
import re
import tomllib
from doctest import DocTestParser, DocTestRunner
from pathlib import Path

import pytest

import sknn
from sknn._sklearn import DOCUMENTATION_URL
from sknn.model_selection import CoarseToFineSearchCV
from sknn.preprocessing import SmoothClipScaler, TableEncoder

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "docs" / "api"

if not API.exists():
    pytest.skip("there is no checkout", allow_module_level=True)

LISTED = {
    f"sknn.{name}"
    for page in API.glob("*.rst")
    for name in re.findall(r"^   ([\w.]+)$", page.read_text("utf-8"), re.MULTILINE)
}
"""The names in the lists of the API reference, each of which has a page."""

ESTIMATORS = [
    member for member in map(sknn.__getattr__, sknn.__all__) if inspect.isclass(member)
]


MODULES = [sknn, *(getattr(sknn, name) for name in sorted(sknn._SUBMODULES))]


@pytest.mark.parametrize(
    "module", [m for m in MODULES if hasattr(m, "__all__")], ids=lambda m: m.__name__
)
def test_every_public_name_is_listed(module):
    assert {f"{module.__name__}.{name}" for name in module.__all__} <= LISTED


@pytest.mark.parametrize("name", sorted(LISTED))
def test_every_page_has_an_example_with_output(name):
    module, _, attribute = name.rpartition(".")
    doc = getattr(importlib.import_module(module), attribute).__doc__
    _, _, section = inspect.cleandoc(doc).partition("\nExamples\n--------\n")
    assert any(example.want for example in DocTestParser().get_examples(section))


@pytest.mark.parametrize("name", sorted(LISTED))
def test_the_first_line_cites_nothing(name):
    # The lists of the API reference show it without the references.
    module, _, attribute = name.rpartition(".")
    doc = getattr(importlib.import_module(module), attribute).__doc__
    assert "]_" not in inspect.cleandoc(doc).partition("\n\n")[0]


@pytest.mark.parametrize("name", sorted(LISTED))
def test_every_parameter_of_a_class_has_a_description(name):
    module, _, attribute = name.rpartition(".")
    cls = getattr(importlib.import_module(module), attribute)
    if not inspect.isclass(cls) or issubclass(cls, Exception):
        return
    # Functions create the objects of sknn.inspection: users only read the fields.
    title = "Attributes" if module == "sknn.inspection" else "Parameters"
    doc = inspect.cleandoc(cls.__doc__)
    _, _, section = doc.partition(f"\n{title}\n{'-' * len(title)}\n")
    section = re.split(r"\n\w[\w ]*\n-{3,}\n", section)[0]
    entries = re.findall(r"^(\w[\w, ]*?) :.*\n    \S", section, re.MULTILINE)
    described = {parameter for entry in entries for parameter in entry.split(", ")}
    assert inspect.signature(cls).parameters.keys() <= described


@pytest.mark.parametrize("Estimator", [sknn.MLPClassifier, sknn.MLPRegressor])
def test_the_example_of_partial_fit(Estimator):
    # It is a descriptor, made by available_if: doctest does not find its docstring.
    doc = Estimator.partial_fit.__doc__
    test = DocTestParser().get_doctest(doc, {}, "partial_fit", None, None)
    assert test.examples
    assert DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize(
    "estimator",
    [
        *(Estimator() for Estimator in ESTIMATORS),
        CoarseToFineSearchCV(sknn.MLPClassifier(), {}),
        SmoothClipScaler(),
        TableEncoder(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_representation_in_a_notebook_links_to_the_page(estimator):
    name = type(estimator).__name__
    html = estimator._repr_html_()
    links = re.findall(rf'href="{DOCUMENTATION_URL}generated/([^"#]+)\.html"', html)
    (page,) = [link for link in set(links) if link.endswith(f".{name}")]
    assert page in LISTED


def test_subclasses_outside_of_sknn_have_no_page():
    class OwnClassifier(sknn.MLPClassifier):
        pass

    assert OwnClassifier()._get_doc_link() == ""


def test_the_address_of_the_documentation_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION_URL
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nurl: {DOCUMENTATION_URL}\n" in citation


def test_the_citation_names_the_latest_release():
    changes = (ROOT / "docs" / "changes.rst").read_text("utf-8")
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    dated = r"^Version (.+)\n-+\n\n(\d{4}-\d\d-\d\d)\."
    version, date = re.search(dated, changes, re.MULTILINE).groups()
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation
    assert sknn.__version__ == version or "dev" in sknn.__version__
