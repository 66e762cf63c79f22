"""Skips tests that need a newer scikit-learn than the oldest one that sknn supports."""

import pytest
import sklearn
from packaging.version import Version

__all__ = ["SKLEARN", "Version", "requires_sklearn"]

SKLEARN = Version(Version(sklearn.__version__).base_version)  # 1.9 for 1.9.0rc1


def requires_sklearn(version, reason):
    """Return a mark that skips a test before this version of scikit-learn."""
    missing = Version(version) > SKLEARN
    return pytest.mark.skipif(missing, reason=f"scikit-learn {version}: {reason}")
