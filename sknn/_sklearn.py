"""Everything that the package takes from private parts of scikit-learn.

Private names can change in any release: then this is the only file to change. It also
holds the shims for older versions and the base classes of the estimators. scikit-learn
ships no types, so for a type checker a class derived from one of its classes has every
attribute; the declarations below list those that exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call as check_partial_fit_first_call,
)
from sklearn.utils.optimize import _check_optimize_result as check_optimize_result
from sklearn.utils.validation import (
    _check_feature_names_in as check_feature_names_in,
)
from sklearn.utils.validation import _check_sample_weight, _num_samples

if TYPE_CHECKING:
    P = ParamSpec("P")
    R = TypeVar("R")

    class BaseEstimator:
        """The part that sknn uses of `sklearn.base.BaseEstimator`."""

        n_features_in_: int
        _parameter_constraints: dict[str, Any]

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def _validate_params(self) -> None: ...
        def _get_fitted_attr_html(self, doc_link: str = "") -> Any: ...
        def __sklearn_tags__(self) -> Any: ...
        def __sklearn_clone__(self) -> Self: ...
        def __getstate__(self) -> dict[str, Any]: ...
        def __setstate__(self, state: dict[str, Any]) -> None: ...

    class ClassifierMixin:
        """The part that sknn uses of `sklearn.base.ClassifierMixin`."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...
        def __sklearn_tags__(self) -> Any: ...

    class RegressorMixin:
        """The part that sknn uses of `sklearn.base.RegressorMixin`."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...
        def __sklearn_tags__(self) -> Any: ...

    class TransformerMixin:
        """The part that sknn uses of `sklearn.base.TransformerMixin`."""

        def __sklearn_tags__(self) -> Any: ...
        def set_output(self, *, transform: Any = None) -> Self: ...
        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any: ...

    class ClassNamePrefixFeaturesOutMixin:
        """The part that sknn uses of `sklearn.base.ClassNamePrefixFeaturesOutMixin`."""

        def get_feature_names_out(self, input_features: Any = None) -> Any: ...

    class OneToOneFeatureMixin:
        """The part that sknn uses of `sklearn.base.OneToOneFeatureMixin`."""

        def get_feature_names_out(self, input_features: Any = None) -> Any: ...

    class CallbackContext(Protocol):
        """The part that sknn uses of the callback context of scikit-learn 1.9."""

        def call_on_fit_task_begin(self, **seen: Any) -> None: ...
        def call_on_fit_task_end(self, **seen: Any) -> bool: ...
        def subcontext(self, *, task_name: str) -> CallbackContext: ...

    class CallbackSupportMixin:
        """The part that sknn uses of `sklearn.callback.CallbackSupportMixin`."""

        def set_callbacks(self, *callbacks: Any) -> Self: ...
        def _init_callback_context(
            self, *, max_subtasks: int | None = None
        ) -> CallbackContext: ...

    def _fit_context(
        *, prefer_skip_nested_validation: bool
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

else:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        OneToOneFeatureMixin,
        RegressorMixin,
        TransformerMixin,
        _fit_context,
    )

    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:  # before scikit-learn 1.9

        class CallbackSupportMixin:
            """No callbacks in this version of scikit-learn."""


HAS_CALLBACKS = hasattr(CallbackSupportMixin, "set_callbacks")
"""Whether scikit-learn has callbacks: from version 1.9."""

fit_context = _fit_context(prefer_skip_nested_validation=True)
"""Decorator of `fit` and `partial_fit`: validates the parameters first."""


def check_sample_weight(sample_weight: Any, X: Any, dtype: Any) -> Any:
    """Return weights of shape (n_samples,); raise if any is negative."""
    return _check_sample_weight(sample_weight, X, dtype=dtype, ensure_non_negative=True)


def num_samples(X: Any) -> int:
    """Return the number of rows of any array-like."""
    return int(_num_samples(X))


__all__ = [
    "HAS_CALLBACKS",
    "BaseEstimator",
    "BaseSearchCV",
    "CallbackSupportMixin",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "OneToOneFeatureMixin",
    "Options",
    "RealNotInt",
    "RegressorMixin",
    "StrOptions",
    "TransformerMixin",
    "check_feature_names_in",
    "check_matplotlib_support",
    "check_optimize_result",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "num_samples",
    "safe_indexing",
]
