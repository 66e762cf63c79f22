"""Solvers: how the parameters move, given the gradient. From simple to rich."""

from .adam import Adam
from .base import Solver, SolverState
from .lbfgs import minimize_lbfgs
from .sgd import SGD

__all__ = ["SGD", "Adam", "Solver", "SolverState", "minimize_lbfgs"]
