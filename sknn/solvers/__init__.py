"""Solvers: how the parameters are updated, given the gradient."""

from .adadelta import AdaDelta
from .adagrad import AdaGrad
from .adam import Adam
from .adamw import AdamW
from .base import Solver
from .nadam import Nadam
from .rmsprop import RMSProp
from .sgd import SGD

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Nadam",
    "RMSProp",
    "Solver",
]

SOLVERS: dict[str, type[Solver]] = {
    "sgd": SGD,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adadelta": AdaDelta,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
}
"""The stochastic solvers by name. An estimator sets the fields that are also parameters
of the estimator."""
