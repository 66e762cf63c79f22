"""Neural networks that behave like every other scikit-learn estimator."""

from .cnn import CNNClassifier, CNNRegressor
from .mlp import MLPClassifier, MLPRegressor
from .sequential import SequentialClassifier, SequentialRegressor

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "SequentialClassifier",
    "SequentialRegressor",
]

__version__ = "0.1.0"
