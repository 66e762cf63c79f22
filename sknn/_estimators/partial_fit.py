"""When the method `partial_fit` exists, and why it does not."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


class PartialFitUnavailableError(AttributeError, ValueError):
    """partial_fit does not exist under these parameters.

    An AttributeError, so that ``hasattr`` and meta-estimators see that the method is
    missing, and the ValueError that scikit-learn raises under early stopping.
    """


class AvailablePartialFit:
    """A method that exists only where training can go on batch after batch.

    Like `sklearn.utils.metaestimators.available_if`, but it says why it is missing.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, estimator: Any, owner: type) -> Any:
        if estimator is None:
            return self.method
        if estimator.solver == "lbfgs":
            raise PartialFitUnavailableError(
                "partial_fit is only available for stochastic optimizers. "
                f"{estimator.solver} is not stochastic."
            )
        fraction = estimator.validation_fraction
        if estimator.early_stopping and (hasattr(fraction, "split") or fraction != 0):
            raise PartialFitUnavailableError(
                "partial_fit does not support early_stopping=True if it holds out rows "
                f"of X (validation_fraction={fraction!r}), since it never sees all "
                "rows. Set validation_fraction=0 and pass X_val and y_val."
            )
        if estimator._refits(holds_out=False):
            raise PartialFitUnavailableError(
                "partial_fit does not support early_stopping=True with "
                "refit_on_all=True, since it cannot train again on all rows."
            )
        if getattr(estimator, "class_weight", None) == "balanced":
            raise PartialFitUnavailableError(
                "partial_fit does not support class_weight='balanced', since it never "
                "sees all rows. Pass the weights as a dict; for a sample of the data "
                "sklearn.utils.compute_class_weight('balanced', classes=classes, y=y) "
                "finds them."
            )
        return MethodType(self.method, estimator)


def available_partial_fit(method: Method) -> Method:
    """Make a method an `AvailablePartialFit`; its type stays that of the method."""
    return cast(Method, AvailablePartialFit(method))
