"""Settings of the whole suite."""

import os
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


NEEDS = {
    "stopping.rst": ("sklearn.callback", "scikit-learn 1.9: callbacks"),
    "torch.py": ("torch", "PyTorch is not installed"),
}
"""Files whose examples need a module, and why they are skipped without it."""


def pytest_collection_modifyitems(items):
    missing = {
        name: pytest.mark.skip(reason=reason)
        for name, (module, reason) in NEEDS.items()
        if find_spec(module) is None
    }
    for item in items:
        if item.path.name in missing:
            item.add_marker(missing[item.path.name])
