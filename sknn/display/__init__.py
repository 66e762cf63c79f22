"""Displays: plots of networks, training and searches, drawn with matplotlib.

They work like the displays of scikit-learn: a class method computes the data and draws
them, the object stores the data, and `plot` draws them again. matplotlib is imported
only when something is drawn.
"""

from .activations import ActivationDisplay
from .augmentation import AugmentationDisplay
from .filters import FilterDisplay
from .learning_rate_range import LearningRateRangeDisplay
from .loss_curve import LossCurveDisplay
from .schedule import ScheduleDisplay
from .search import SearchDisplay

__all__ = [
    "ActivationDisplay",
    "AugmentationDisplay",
    "FilterDisplay",
    "LearningRateRangeDisplay",
    "LossCurveDisplay",
    "ScheduleDisplay",
    "SearchDisplay",
]
