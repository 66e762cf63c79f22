"""Inspection: examine a network and its data before and after training."""

from .activations import ActivationStatistics, activation_statistics
from .checks import Check, check_initial_loss, check_overfits_small_sample
from .diagnosis import doctor
from .gradient_check import GradientCheck, check_gradients
from .gradients import GradientStatistics, gradient_statistics
from .learning_rate_range import LearningRateRange, learning_rate_range_test
from .report import Finding, Report

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
