"""Settings of the whole suite."""

import os

# Before SciPy is imported: without it scikit-learn skips its array API checks.
os.environ["SCIPY_ARRAY_API"] = "1"
