"""L-BFGS: SciPy's quasi-Newton method on the whole training set."""

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
    """Minimize from `theta` (float64) with `scipy.optimize.minimize` [1]_.

    After each iteration, `on_iteration` is called with the current ``x`` and ``fun``.
    It may raise StopIteration to stop there.

    References
    ----------
    .. [1] R. Byrd, P. Lu, J. Nocedal, C. Zhu, "A limited memory algorithm for bound
       constrained optimization", SIAM J. Sci. Comput. 16 (5), 1995.
    """

    # SciPy passes an OptimizeResult because the parameter has this name.
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
