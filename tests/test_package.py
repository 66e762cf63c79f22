"""The package: its submodules are imported when they are first used."""

import importlib
import subprocess
import sys

import pytest

import sknn

SUBMODULES = sorted(sknn._SUBMODULES)


def in_a_new_process(code):
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_module_is_a_submodule():
    api_modules = {"activations", "augmentation", "display", "initializers"}
    api_modules |= {"inspection", "layers", "losses", "model_selection"}
    assert api_modules | {"schedules", "solvers"} == set(SUBMODULES)
    assert set(SUBMODULES) <= set(dir(sknn))
    assert set(sknn.__all__) <= set(dir(sknn))


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_are_attributes(name):
    in_a_new_process(f"import sknn; assert sknn.{name}.__name__ == 'sknn.{name}'")
    assert getattr(sknn, name) is importlib.import_module(f"sknn.{name}")


def test_the_tools_are_not_imported_with_the_package():
    in_a_new_process(
        "import sys, sknn\n"
        "lazy = {'sknn.display', 'sknn.inspection', 'sknn.model_selection'}\n"
        "assert not lazy & set(sys.modules)\n"
        "sknn.display, sknn.inspection, sknn.model_selection\n"
        "assert lazy <= set(sys.modules)\n"
        "assert 'matplotlib' not in sys.modules\n"
    )


def test_other_names_do_not_exist():
    with pytest.raises(
        AttributeError, match="module 'sknn' has no attribute 'nothing'"
    ):
        sknn.nothing  # noqa: B018
    assert not hasattr(sknn, "_nothing")
