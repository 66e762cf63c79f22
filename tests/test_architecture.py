"""The folder listing is the architecture: levels, imports, the top level."""

import ast
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sknn"

LEVELS = [
    {
        "_arrays",
        "_kernels",
        "_random",
        "_spec",
        "_typing",
        "_version",
        "activations",
        "augmentation",
        "exceptions",
        "initializers",
        "losses",
        "schedules",
    },
    {"_member_loss"},
    {"_threads", "layers", "solvers"},
    {"network", "objective"},
    {"_training", "_descent"},
    {
        "_estimators",
        "_network_finder",
        "_sklearn",
        "cnn",
        "mlp",
        "preprocessing",
        "sequential",
        "tabular",
        "versions",
    },
    {
        "_files",
        "callbacks",
        "display",
        "export",
        "files",
        "inspection",
        "model_selection",
    },
]
"""The modules of each level, the lowest first; a folder stands for all its modules."""

ESTIMATOR_LEVELS = [
    {"assembly"},
    {
        "aliases",
        "architecture",
        "calibration",
        "docs",
        "input_checks",
        "inputs",
        "likely_mistakes",
        "partial_fit",
        "rollback",
        "summary",
        "variation",
        "versions",
        "weights_file",
    },
    {"dense_blocks", "images", "parameters", "targets", "validation_set"},
    {"image_variation", "network_checks", "transfer", "weights"},
    {"attributions", "network_checks", "transfer", "weights"},
    {"checkpoints"},
    {"callbacks", "run"},
    {"failed_training"},
    {"reports"},
    {"fit"},
    {"members"},
    {"base"},
    {"conformal", "network_access"},
    {"classifier", "regressor", "tables"},
]
"""The files of ``_estimators/``: parts below, the estimators that have them above."""

SKLEARN_LEVEL = 4
"""The lowest level that knows scikit-learn."""

SOLVERS_MAY_IMPORT = {"solvers", "_arrays", "_kernels", "_spec", "_typing"}
"""Solvers know theta, the gradient and the learning rate, and nothing of networks."""

DEPENDENCIES = {"joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl"}
IMPORTABLE = {"joblib", "numpy", "scipy", "sklearn", "threadpoolctl"}

OPTIONAL = {"sknn.export._torch.": {"torch"}}
"""What the modules of these folders import, which only functions import themselves."""

BUILD = "sknn._kernels._build"
"""Compiles the kernels; it is neither installed nor imported."""


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PARSED = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
MODULES = [name for name in FILES if name != "sknn"]


def statements(tree, at_import_time=False):
    """All nodes of a module; with `at_import_time` none inside a function."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if not (at_import_time and function):
            yield from statements(child, at_import_time)


def imports(tree, module, is_package, at_import_time=False):
    """Full names of the modules, and of the names in them, that a module imports."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in statements(tree, at_import_time):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def imports_of(module, at_import_time=False):
    is_package = FILES[module].name == "__init__.py"
    return set(imports(PARSED[module], module, is_package, at_import_time))


def own_imports_of(module):
    """Modules of sknn that a module imports."""
    own = {name for name in imports_of(module) if name.split(".")[0] == "sknn"}
    return {name if name in FILES else name.rpartition(".")[0] for name in own}


def part_of(module):
    """The file or folder of sknn that holds a module, like ``layers``."""
    return module.partition(".")[2].partition(".")[0]


def level_of(module):
    if module == "sknn":
        return len(LEVELS)
    for level, parts in enumerate(LEVELS):
        if part_of(module) in parts:
            return level
    pytest.fail(
        f"{module} is on no level: add {part_of(module)!r} to LEVELS in "
        f"tests/{Path(__file__).name}, and to the design page of the docs."
    )


def test_every_form_of_import_is_read():
    source = """
import numpy as np, sklearn.base
from . import dense
from ..losses import Loss
from scipy import sparse
def function():
    from .base import Layer
"""
    at_import_time = {
        "numpy",
        "sklearn.base",
        "sknn.layers.dense",
        "sknn.losses.Loss",
        "scipy.sparse",
    }
    tree, layer = ast.parse(source), "sknn.layers.new"
    assert set(imports(tree, layer, False, at_import_time=True)) == at_import_time
    everything = at_import_time | {"sknn.layers.base.Layer"}
    assert set(imports(tree, layer, False)) == everything
    assert set(imports(tree, "sknn.layers", True)) == everything


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    level = level_of(module)
    upwards = {other for other in own_imports_of(module) if level_of(other) > level}
    assert not upwards


@pytest.mark.parametrize("module", [m for m in MODULES if "_estimators." in m])
def test_parts_know_nothing_of_the_estimators_that_have_them(module):
    def estimator_level(name):
        part = name.rpartition(".")[2]
        found = [i for i, parts in enumerate(ESTIMATOR_LEVELS) if part in parts]
        assert found, f"{name} is on no level: add it to ESTIMATOR_LEVELS."
        return found[0]

    others = [name for name in own_imports_of(module) if "_estimators." in name]
    upwards = {o for o in others if estimator_level(o) > estimator_level(module)}
    assert not upwards


def test_imports_have_no_cycles():
    TopologicalSorter({module: own_imports_of(module) for module in FILES}).prepare()


def test_levels_name_only_what_exists():
    assert set().union(*LEVELS) <= {part_of(module) for module in MODULES}


@pytest.mark.parametrize("module", [m for m in MODULES if part_of(m) == "solvers"])
def test_solvers_know_nothing_of_networks(module):
    assert {part_of(other) for other in own_imports_of(module)} <= SOLVERS_MAY_IMPORT


@pytest.mark.parametrize("module", [m for m in MODULES if part_of(m) == "layers"])
def test_layers_know_nothing_of_solvers(module):
    assert "solvers" not in {part_of(other) for other in own_imports_of(module)}


@pytest.mark.parametrize("module", MODULES)
def test_the_engine_does_not_import_sklearn(module):
    if any(name.split(".")[0] == "sklearn" for name in imports_of(module)):
        assert level_of(module) >= SKLEARN_LEVEL


@pytest.mark.parametrize("module", FILES)
def test_imports_nothing_that_is_not_a_dependency(module):
    if module == BUILD:
        pytest.skip("only a build imports it")
    packages = {name.split(".")[0] for name in imports_of(module, at_import_time=True)}
    allowed = {"sknn", *IMPORTABLE}
    for folder, optional in OPTIONAL.items():
        allowed |= optional if module.startswith(folder) else set()
    assert packages - set(sys.stdlib_module_names) <= allowed


@pytest.mark.parametrize("module", FILES)
def test_opens_with_a_docstring(module):
    assert ast.get_docstring(PARSED[module])


def test_import_needs_no_extra():
    # scikit-learn imports pandas where it finds it, so pandas is hidden from it.
    code = """
import sys
sys.modules["pandas"] = None
import sknn
sys.exit(str({"matplotlib", "torch"} & set(sys.modules) or ""))
"""
    run = [sys.executable, "-c", code]
    result = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert result.stderr.strip() == ""


def test_dependencies_are_few():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {requirement.split(">=")[0] for requirement in project["dependencies"]}
    assert names == DEPENDENCIES


def test_top_level_is_short():
    try:
        run = ["git", "ls-files"]
        result = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if result.returncode or not result.stdout:
        pytest.skip("not a git repository")
    top = {line.strip('"').split("/")[0] for line in result.stdout.splitlines()}
    visible = {name for name in top if not name.startswith(".")}
    files = {"README.md", "LICENSE", "CITATION.cff", "pyproject.toml"}
    assert visible <= files | {"sknn", "tests", "examples", "docs"}
