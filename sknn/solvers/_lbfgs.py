"""L-BFGS: a quasi-Newton method on the whole training set, from SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy.optimize import OptimizeResult, minimize

from .._typing import Array


def minimize_lbfgs(
    loss_gradient: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_iteration: Callable[[OptimizeResult], Any],
) -> OptimizeResult:
    """Minimise from `theta` (float64) with `scipy.optimize.minimize` [1]_.

    `on_iteration` sees ``x`` and ``fun`` after each iteration and may raise
    StopIteration to end the search there.

    References
    ----------
    .. [1] R. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound
       constrained optimization", SIAM J. Sci. Comput. 16 (5), 1995.
    """

    # SciPy tells how to call back by the parameter's name.
    def callback(intermediate_result: OptimizeResult) -> None:
        on_iteration(intermediate_result)

    return minimize(
        loss_gradient,
        theta,
        method="L-BFGS-B",
        jac=True,
        callback=callback,
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
    )
