"""The version of the package. Pickles of estimators carry it."""

__version__ = "0.2.0"
