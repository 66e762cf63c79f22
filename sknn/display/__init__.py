"""Displays: pictures of networks, training and searches, drawn with matplotlib.

They work as scikit-learn's: a class method computes what is to be drawn and draws it,
the object keeps the numbers, and `plot` draws them again. matplotlib is imported when
something is drawn.
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
