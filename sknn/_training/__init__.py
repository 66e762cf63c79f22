"""Training: epochs, batches, when to stop, and its history."""

from .data import Data
from .history import MEASURED, History
from .incremental import keep_first_weights, show_best_weights
from .lbfgs import train_lbfgs
from .monitor import TITLES, Callbacks, Ending, Limits, Monitor, Validate
from .progress import Kept, SolverProgress
from .run_state import RunState, StateKeeper
from .stochastic import train_epoch, train_stochastic

__all__ = [
    "MEASURED",
    "TITLES",
    "Callbacks",
    "Data",
    "Ending",
    "History",
    "Kept",
    "Limits",
    "Monitor",
    "RunState",
    "SolverProgress",
    "StateKeeper",
    "Validate",
    "keep_first_weights",
    "show_best_weights",
    "train_epoch",
    "train_lbfgs",
    "train_stochastic",
]
