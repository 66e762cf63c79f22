"""Settings of the whole suite."""

import os
import sys
from importlib.util import find_spec

import pytest

# Before SciPy is imported: without it scikit-learn skips its array API checks.
os.environ["SCIPY_ARRAY_API"] = "1"

# Before NumPy is imported: where each core has a worker of the suite, a product on all
# cores waits for the others, up to ten times as long as it takes on one.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# A plugin that puts our classes into scikit-learn's modules. If pytest imported it to
# look for doctests, other tests would compare our classes with themselves.
collect_ignore = ["rebind_sklearn.py"]


@pytest.fixture(scope="session")
def iris():
    """Scaled and shuffled rows of three classes."""
    from small_fits import IRIS

    return IRIS


@pytest.fixture(scope="session")
def cancer():
    """Scaled rows of two classes."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import scale

    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


NEED_CALLBACKS = {"stopping.rst"}
"""Pages of the guide whose examples need the callbacks of scikit-learn 1.9."""

NEED_PACKAGES = {
    "deployment.rst": ("onnx", "onnxruntime", "pandas", "skl2onnx"),
    "display": ("matplotlib",),
    "displays.rst": ("matplotlib",),
    "onnx.py": ("onnx",),
    "skl2onnx.py": ("onnx", "skl2onnx"),
    "torch.py": ("torch",),
}
"""Pages, modules and folders whose examples need optional packages."""


def pytest_collection_modifyitems(items):
    has_callbacks = find_spec("sklearn.callback") is not None
    for item in items:
        if item.path.name in NEED_CALLBACKS and not has_callbacks:
            item.add_marker(pytest.mark.skip(reason="scikit-learn 1.9: callbacks"))
        for name in (item.path.name, item.path.parent.name):
            for package in NEED_PACKAGES.get(name, ()):
                if find_spec(package) is None:
                    reason = f"could not import {package}"
                    item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_teardown(item):
    """Close the figures of an example: Matplotlib warns of more than twenty."""
    if isinstance(item, pytest.DoctestItem) and "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
