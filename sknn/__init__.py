"""Neural networks that behave like every other scikit-learn estimator."""

from ._version import __version__ as __version__
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
