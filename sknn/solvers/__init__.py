"""Solvers: how the parameters move, given the gradient. From simple to rich."""

from .adam import Adam
from .base import Solver, SolverState
from .lbfgs import minimize_lbfgs
from .sgd import SGD

__all__ = ["SGD", "SOLVERS", "Adam", "Solver", "SolverState", "minimize_lbfgs"]

SOLVERS: dict[str, type[Solver]] = {"sgd": SGD, "adam": Adam}
"""The stochastic solvers by name; their fields are parameters of the estimators."""
