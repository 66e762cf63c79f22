"""Modules are private or public by one rule, which the API page decides.

A module is private, and its name starts with an underscore, if and only if it defines
nothing that the pages in ``docs/api`` list. A package exports exactly what they list.
"""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import sknn

API_PAGES = Path(__file__).resolve().parents[2] / "docs" / "api"


def names_on_the_api_pages():
    """Return the dotted names of all objects on the pages."""
    names = []
    for page in sorted(API_PAGES.glob("*.rst")):
        text = page.read_text(encoding="utf-8")
        (module,) = re.findall(r"^\.\. currentmodule:: (\S+)$", text, re.MULTILINE)
        entries = re.findall(r"^   ([A-Za-z]\S*)$", text, re.MULTILINE)
        names += [f"{module}.{entry}" for entry in entries]
    return names


def import_object(name):
    """Import an object by its dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


LISTED = names_on_the_api_pages()
DEFINING_MODULES = {import_object(name).__module__ for name in LISTED}
FOUND = list(pkgutil.walk_packages(sknn.__path__, "sknn."))
MODULES = [module.name for module in FOUND if not module.ispkg]
PACKAGES = ["sknn", *(m.name for m in FOUND if m.ispkg and "._" not in m.name)]


def is_private(module):
    """Return whether any part of a dotted module name starts with an underscore."""
    return any(part.startswith("_") for part in module.split("."))


def follows_the_rule(module):
    return is_private(module) != (module in DEFINING_MODULES)


def exports_what_is_listed(package):
    """Return whether a package has no public names but those on the API page."""
    exported = getattr(importlib.import_module(package), "__all__", [])
    listed = [
        name.removeprefix(f"{package}.")
        for name in LISTED
        if name.rpartition(".")[0] == package
    ]
    return sorted(exported) == sorted(listed)


def test_the_page_and_the_package_were_read():
    assert "sknn.MLPClassifier" in LISTED
    assert "sknn.layers.Dense" in LISTED
    assert "sknn.layers.dense" in MODULES
    assert "sknn.layers" in PACKAGES
    assert len(LISTED) == len(set(LISTED)) > 100


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_private_unless_they_define_something_listed(module):
    defined = [name for name in LISTED if import_object(name).__module__ == module]
    assert follows_the_rule(module), (
        f"{module} defines {defined or 'nothing'} of what the API page lists, so its "
        f"name must {'not ' * bool(defined)}start with an underscore."
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_export_what_the_page_lists(package):
    assert exports_what_is_listed(package)
