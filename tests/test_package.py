"""The package: its submodules are imported when they are first used."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn

import sknn
from sknn._kernels import in_use

SUBMODULES = sorted(sknn._SUBMODULES)


def in_a_new_process(code):
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_module_is_a_submodule():
    api_modules = {"activations", "augmentation", "callbacks", "display", "exceptions"}
    api_modules |= {"export"}
    api_modules |= {"initializers", "inspection", "layers", "losses", "model_selection"}
    api_modules |= {"preprocessing", "schedules", "solvers"}
    assert api_modules == set(SUBMODULES)
    assert set(SUBMODULES) <= set(dir(sknn))
    assert set(sknn.__all__) <= set(dir(sknn))


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_are_attributes(name):
    in_a_new_process(f"import sknn; assert sknn.{name}.__name__ == 'sknn.{name}'")
    assert getattr(sknn, name) is importlib.import_module(f"sknn.{name}")


def test_the_tools_are_not_imported_with_the_package():
    in_a_new_process(
        "import sys, sknn\n"
        "names = 'display', 'export', 'inspection', 'model_selection'\n"
        "lazy = {f'sknn.{name}' for name in names}\n"
        "assert not lazy & set(sys.modules)\n"
        "sknn.display, sknn.export, sknn.inspection, sknn.model_selection\n"
        "assert lazy <= set(sys.modules)\n"
        "assert not {'matplotlib', 'onnx', 'skl2onnx', 'torch'} & set(sys.modules)\n"
    )


def test_other_names_do_not_exist():
    with pytest.raises(
        AttributeError, match="module 'sknn' has no attribute 'nothing'"
    ):
        sknn.nothing  # noqa: B018
    assert not hasattr(sknn, "_nothing")


def shown_versions(**environment):
    """Return the lines that `show_versions` prints in a new process, as a dict."""
    result = subprocess.run(
        [sys.executable, "-c", "import sknn; sknn.show_versions()"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.partition(":") for line in result.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def test_show_versions():
    shown = shown_versions()
    assert {"System", "Packages", "Kernels", "BLAS"} <= shown.keys()
    assert shown["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert shown["sknn"] == sknn.__version__
    assert shown["numpy"] == np.__version__
    assert shown["scikit-learn"] == sklearn.__version__
    assert shown["in use"].startswith("yes" if in_use() else "no, ")


@pytest.mark.skipif(not in_use(), reason="there are no kernels")
def test_show_versions_names_the_simd_level():
    shown = shown_versions(SKNN_SIMD="baseline")
    assert shown["SIMD level"] == "baseline"
    assert shown["built for"].startswith("baseline")
    assert shown["products"] in ("by the BLAS of SciPy", "by the BLAS of NumPy")


def test_show_versions_says_why_there_are_no_kernels():
    shown = shown_versions(SKNN_KERNELS="0")
    assert shown["in use"] == "no, switched off by SKNN_KERNELS=0"
    assert "SIMD level" not in shown
