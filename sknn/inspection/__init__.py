"""Inspection: what is going on in a network, before, during and after training."""

from ._diseases import Finding
from .checks import Check, check_initial_loss, check_overfits_small_sample
from .diagnosis import Report, doctor
from .gradients import GradientCheck, check_gradients
from .range_test import LearningRateRange, learning_rate_range_test
from .statistics import (
    ActivationStatistics,
    GradientStatistics,
    activation_statistics,
    gradient_statistics,
)

__all__ = [
    "ActivationStatistics",
    "Check",
    "Finding",
    "GradientCheck",
    "GradientStatistics",
    "LearningRateRange",
    "Report",
    "activation_statistics",
    "check_gradients",
    "check_initial_loss",
    "check_overfits_small_sample",
    "doctor",
    "gradient_statistics",
    "learning_rate_range_test",
]
