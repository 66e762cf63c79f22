"""Neural networks that behave like every other scikit-learn estimator."""

from .mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]

__version__ = "0.1.0"
