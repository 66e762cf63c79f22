"""Settings of the whole suite."""

import os

# Before SciPy is imported: without it scikit-learn skips its array API checks.
os.environ["SCIPY_ARRAY_API"] = "1"

# A plugin, which pytest would import to look for doctests: it puts our classes into
# scikit-learn's modules, and the oracle of other tests would be gone.
collect_ignore = ["rebind_sklearn.py"]
