"""The version of the package. Pickles of estimators carry it."""

__version__ = "0.1.0"
