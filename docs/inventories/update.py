"""Update the inventories: the pages where other projects document what sknn mentions.

Run it when the documentation, a docstring or an example mentions a new name:

    python docs/inventories/update.py

The names must exist in the installed versions of the projects. The build reads the
inventories and so needs no network. They are in version 1 of the format of Sphinx's
objects.inv, which is plain text: a name, its type and its page in each line.
"""

import ast
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PAGES = {
    "matplotlib": "api/_as_gen/{}.html",
    "numpy": "reference/generated/{}.html",
    "pandas": "reference/api/{}.html",
    "scipy": "reference/generated/{}.html",
    "sklearn": "modules/generated/{}.html",
}
"""The page of a name in the documentation of each project."""

OTHER_PAGES = {
    "numpy.random.Generator": "reference/random/generator.html",
    "numpy.random.RandomState": "reference/random/legacy.html",
    "numpy.random.default_rng": "reference/random/generator.html",
}

NO_PAGES = {
    "pandas.core.indexes.base.Index",
    "sklearn.experimental.enable_halving_search_cv",
    "sklearn.utils.compute_class_weight",
}
"""Names that can be imported, but are documented under another one or not at all."""

ALIASES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot"}

DOTTED = re.compile(rf"(?<![\w./])({'|'.join([*PAGES, *ALIASES])})((?:\.[A-Za-z]\w*)+)")
IMPORT = re.compile(rf"from ((?:{'|'.join(PAGES)})[\w.]*) import (\([^)]*\)|[\w, ]*)")


def texts(root):
    """Yield the pages, the examples and the docstrings below a folder."""
    for path in [*root.glob("docs/*.rst"), *root.glob("docs/guide/*.rst")]:
        yield path.read_text()
    for path in root.glob("examples/*.py"):
        yield path.read_text()
    for path in root.glob("sknn/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            # A string by itself: a docstring, or a paragraph for several docstrings.
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def mentioned_names(text):
    """Yield the full names that a text mentions or imports."""
    for package, rest in DOTTED.findall(text):
        yield ALIASES.get(package, package) + rest
    for module, names in IMPORT.findall(text):
        for name in re.findall(r"(?<!as )\b(?!as\b)\w+", names):
            yield f"{module}.{name}"


def find(name):
    """Return the object of a full name, or None, and the name of its class."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            found = getattr(found, part, None)
        return found, ".".join(parts[: n + 1])
    return None, name


def inventory_line(name):
    """Return the name, the type and the page of what is documented, or None."""
    if name in NO_PAGES:
        return None
    project = name.split(".")[0]
    found, owner = find(name)
    if inspect.ismodule(found):
        page = ".".join(name.split(".")[:2])
        return f"{name} mod api/{page}.html" if project == "sklearn" else None
    is_private = "._" in name or not callable(found)
    # Not an alias, such as numpy.abs, nor from elsewhere, such as plt.cycler.
    is_alias = getattr(found, "__name__", owner.split(".")[-1]) != name.split(".")[-1]
    is_foreign = not getattr(found, "__module__", project).startswith(project)
    if is_private or is_alias or is_foreign:
        return None
    if inspect.isclass(found) and issubclass(found, np.generic):
        return f"{name} class reference/arrays.scalars.html"
    page = PAGES[project].format(owner if project == "sklearn" else name)
    if name.startswith("numpy.random."):
        page = page.replace("reference/", "reference/random/")
    kind = "class" if inspect.isclass(found) else "function"
    kind = "method" if owner != name else kind
    return f"{name} {kind} {OTHER_PAGES.get(name, page)}"


def update(roots):
    names = {n for root in roots for t in texts(Path(root)) for n in mentioned_names(t)}
    for project in PAGES:
        chosen = sorted(name for name in names if name.split(".")[0] == project)
        lines = [line for line in map(inventory_line, chosen) if line]
        header = [
            "# Sphinx inventory version 1",
            f"# Project: {project}",
            f"# Version: {import_module(project).__version__}",
        ]
        (HERE / f"{project}.inv").write_text("\n".join([*header, *lines, ""]))
        print(f"{project}: {len(lines)} names")


if __name__ == "__main__":
    update(sys.argv[1:] or [ROOT])
