"""Everything that the package takes from private parts of scikit-learn.

Private names can change in any release: then this is the only file to change. It also
holds the shims for older versions and the base classes of the estimators. scikit-learn
ships no types, so for a type checker a class derived from one of its classes has every
attribute; the declarations below list those that exist.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np
from sklearn import get_config, set_config
from sklearn.metrics._scorer import _SCORERS
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
)
from sklearn.utils._param_validation import StrOptions as _StrOptions
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call as check_partial_fit_first_call,
)
from sklearn.utils.optimize import _check_optimize_result as check_optimize_result
from sklearn.utils.validation import (
    _check_feature_names_in as check_feature_names_in,
)
from sklearn.utils.validation import _check_sample_weight, _num_samples

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    class BaseEstimator:
        """The part that sknn uses of `sklearn.base.BaseEstimator`."""

        n_features_in_: int
        _parameter_constraints: dict[str, Any]

        @classmethod
        def _get_param_names(cls) -> list[str]: ...
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


class StrOptions(_StrOptions):
    """scikit-learn's constraint; errors list its strings in alphabetical order."""

    def __str__(self) -> str:
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


class ListOf(HasMethods):
    """A constraint: a list or a tuple. `items` says in errors what it holds.

    Derived from one of scikit-learn's constraints, because it takes no others.
    """

    def __init__(self, items: str) -> None:
        super().__init__(["__getitem__"])
        self.items = items

    def is_satisfied_by(self, val: Any) -> bool:
        return isinstance(val, (list, tuple))

    def __str__(self) -> str:
        return f"a list of {self.items}"


SCORERS_OF_TWO_CLASSES = frozenset(
    {"average_precision", "f1", "jaccard", "precision", "recall", "roc_auc"}
)
"""Names of scikit-learn's scorers that take no more than two classes."""

REGRESSION_SCORERS = frozenset(
    name
    for name, scorer in _SCORERS.items()
    if scorer._score_func.__module__ == "sklearn.metrics._regression"
)
"""Names of scorers that compare numbers: 'r2', 'neg_mean_squared_error' and others."""

OTHER_SCORERS = frozenset(_SCORERS) - REGRESSION_SCORERS
"""Names of scorers that compare labels."""


DOCUMENTATION_URL = "https://sknn.github.io/sknn/stable/"
"""Where the documentation of the latest release is published."""


class DocLinkMixin:
    """The link to the documentation in the HTML representation of an estimator."""

    _doc_link_module = "sknn"

    @property
    def _doc_link_template(self) -> str:
        cls = type(self)
        package, submodule = cls.__module__.split(".")[:2]
        at_top = cls.__name__ in vars(import_module(package))["__all__"]
        module = package if at_top else f"{package}.{submodule}"
        return f"{DOCUMENTATION_URL}generated/{module}.{cls.__name__}.html"


HAS_CALLBACKS = hasattr(CallbackSupportMixin, "set_callbacks")
"""Whether scikit-learn has callbacks: from version 1.9."""


def fit_context(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate `fit` or `partial_fit`: it validates the parameters first.

    Afterwards NumPy's error state, scikit-learn's configuration and the filters of
    warnings are as before. Context managers see to that, but not always: an interrupt
    (Ctrl-C) can arrive on entry to ``__exit__``, which then does nothing.
    """
    in_context = _fit_context(prefer_skip_nested_validation=True)(method)

    @wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        before, filters = (np.geterr(), get_config()), warnings.filters
        try:
            return in_context(*args, **kwargs)
        except Exception:
            if method.__name__ == "partial_fit":  # whose later calls validate nothing
                _validate_params(args[0])
            raise
        except BaseException:
            # Only here: after another error they may be those of another thread.
            restore_filters(filters)
            raise
        finally:
            try:
                _restore_settings(*before)
            finally:
                _restore_settings(*before)  # an interrupt may have cut it short

    return wrapper


def _validate_params(estimator: Any) -> None:
    """Raise if a parameter is invalid, unless the user has switched the checks off."""
    if not get_config()["skip_parameter_validation"]:
        estimator._validate_params()


def _restore_settings(reports: Any, config: dict[str, Any]) -> None:
    """Set NumPy's error state and scikit-learn's configuration where they differ."""
    if np.geterr() != reports:
        np.seterr(**reports)
    if get_config() != config:
        set_config(**config)


def restore_filters(filters: Any) -> None:
    """Set the list of the filters of warnings, as `warnings.catch_warnings` does."""
    if warnings.filters is not filters:
        warnings.filters = filters
        with warnings.catch_warnings():  # so that Python forgets what it has cached
            pass


def check_sample_weight(sample_weight: Any, X: Any, dtype: Any) -> Any:
    """Return weights of shape (n_samples,); raise if any is negative."""
    return _check_sample_weight(sample_weight, X, dtype=dtype, ensure_non_negative=True)


def num_samples(X: Any) -> int:
    """Return the number of rows of any array-like."""
    return int(_num_samples(X))


def columns_of_transformers(transformer: Any) -> dict[str, list[int]]:
    """Return the positions of the columns of each step of a fitted ColumnTransformer.

    Its attribute `transformers_` has them as they were passed: names or a mask, say.
    """
    columns = transformer._transformer_to_input_indices
    return {name: [int(i) for i in chosen] for name, chosen in columns.items()}


__all__ = [
    "DOCUMENTATION_URL",
    "HAS_CALLBACKS",
    "OTHER_SCORERS",
    "REGRESSION_SCORERS",
    "SCORERS_OF_TWO_CLASSES",
    "BaseEstimator",
    "BaseSearchCV",
    "CallbackSupportMixin",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "DocLinkMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "ListOf",
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
    "columns_of_transformers",
    "fit_context",
    "num_samples",
    "restore_filters",
    "safe_indexing",
]
