"""Checks of arguments; errors name the value received and the values allowed."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import signature
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from .. import _sklearn
from .._sklearn import InvalidParameterError, StrOptions
from .._typing import Array, DType, Matrix
from .aliases import is_number, suggest


def add_suggestion(
    error: InvalidParameterError, params: dict[str, Any], constraints: dict[str, Any]
) -> InvalidParameterError:
    """Return scikit-learn's error in plain words, after a hint if one is known.

    The hint is the nearest valid name or what to do instead. It comes first: what
    follows lists all valid names, and can be long.
    """
    for name, value in params.items():
        if f"The {name!r} parameter" not in str(error):
            continue
        text = in_plain_words(str(error), constraints[name])
        if name == "loss" and is_sizes(value):
            # The first parameter of a regressor is `loss`, of a classifier the layers.
            hint = f"Pass the layers as hidden_layer_sizes={value!r}."
        else:
            choices = {
                option
                for constraint in constraints[name]
                if isinstance(constraint, StrOptions)
                for option in constraint.options
            }
            hint = suggest(value, choices, name).strip()
        return InvalidParameterError(" ".join(filter(None, [hint, text])))
    return error


def is_sizes(value: Any) -> bool:
    """Return whether `value` is the size of a layer, or a sequence of sizes."""
    sizes = value if isinstance(value, tuple | list) else [value]
    return all(isinstance(size, Integral) for size in sizes)


PLAIN_WORDS = {
    "an instance of 'bool' or an instance of 'numpy.bool'": "a bool",
    "an instance of 'bool' or an instance of 'numpy.bool_'": "a bool",  # NumPy 1
    "an instance of 'str'": "a str",
    "an instance of 'list' or an instance of 'tuple'": "a list",
    "an instance of 'list'": "a list",
    "an instance of 'tuple'": "a tuple",
    "an instance of 'dict'": "a dict",
    "an instance of 'os.PathLike'": "a path",
}
"""What scikit-learn's errors say of types, and how people say it."""


def in_plain_words(text: str, constraints: Iterable[Any]) -> str:
    """Return an error that says in plain words which types are valid.

    The types of `constraints` are named as users import them.
    """
    for technical, plain in PLAIN_WORDS.items():
        text = text.replace(f", {technical}.", f" or {plain}.")  # the last of a list
        text = text.replace(technical, plain)
    for cls in constraints:
        if isinstance(cls, type):
            private = f"an instance of '{cls.__module__}.{cls.__qualname__}'"
            text = text.replace(private, f"an instance of {public_path(cls)}")
    return text


def public_path(cls: type) -> str:
    """Return the shortest path to import a class from: 'sknn.layers.Layer'."""
    parts = cls.__module__.split(".")
    for i in range(1, len(parts)):
        package = ".".join(parts[:i])
        if getattr(sys.modules.get(package), cls.__name__, None) is cls:
            return f"{package}.{cls.__name__}"
    return f"{cls.__module__}.{cls.__qualname__}"


def per_layer(name: str, value: Any, n: int, what: str = "hidden layer") -> list[Any]:
    """Return a list of `n` values, from one value for all layers or one per layer."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value] * n
    values = list(value)
    if len(values) != n:
        raise ValueError(
            f"{name} must be one value, or one for each {what}, of which there are "
            f"{n}, got {len(values)}: {value!r}."
        )
    return values


def check_choice(name: str, value: Any, names: Any, kinds: tuple[type, ...]) -> None:
    """Raise unless `value` is one of `names`, or an object of one of `kinds`."""
    if isinstance(value, kinds) or (isinstance(value, str) and value in names):
        return
    hint, objects = suggest(value, names, name), " or ".join(map(public_path, kinds))
    text = (
        f"{name} must be one of {sorted(names)} or an instance of {objects}, for "
        f"all layers or one for each, got {value!r}."
    )
    raise ValueError(f"{hint} {text}".strip())


def check_rate(name: str, value: Any) -> float:
    """Return `value` if it is a rate in [0, 1)."""
    if not isinstance(value, Real) or not 0 <= float(value) < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value!r}.")
    return float(value)


def check_sizes(name: str, sizes: Any) -> list[int]:
    """Return the sizes of layers as a list of positive integers."""
    given = sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(
            f"{name} must be an integer or a sequence of integers, one per layer, got "
            f"{given!r}."
        )
    if any(size <= 0 for size in sizes):
        raise ValueError(f"{name} must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def check_sample_weight(sample_weight: Any, X: Matrix, dtype: DType) -> Array:
    """Return weights (n,) of `dtype`; raise if any is negative or all are 0."""
    sample_weight = _sklearn.check_sample_weight(sample_weight, X, dtype)
    check_some_weight(sample_weight)
    return sample_weight


def check_some_weight(sample_weight: Array, where: str = "") -> None:
    """Raise if all weights are 0."""
    if not sample_weight.any():
        raise ValueError(
            f"Sample weights must contain at least one non-zero number{where}."
        )


def takes_sample_weight(scorer: Callable[..., Any]) -> bool:
    """Return whether a scorer, custom or from scikit-learn, accepts weights."""
    function = getattr(scorer, "_score_func", scorer)
    parameters = signature(function).parameters
    return "sample_weight" in parameters or any(
        p.kind is p.VAR_KEYWORD for p in parameters.values()
    )


Messages: TypeAlias = list[tuple[str, type[Warning]]]

_collected = threading.local()
"""In a thread of a fit: its "messages", which the calling thread issues."""


@contextmanager
def warnings_to(messages: Messages) -> Iterator[None]:
    """Collect what `warn_caller` is called with in this thread: it has no caller."""
    _collected.messages = messages
    try:
        yield
    finally:
        del _collected.messages


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points at the line of the caller, outside the package."""
    messages: Messages | None = getattr(_collected, "messages", None)
    if messages is not None:
        messages.append((message, category))
        return
    level, frame = 1, sys._getframe()
    while frame.f_back and re.match(
        r"(sknn|sklearn\.base|contextlib)\b", frame.f_globals.get("__name__", "")
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def check_validation_pair(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Return whether a validation set was passed; raise if only part of it was."""
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError(
                "sample_weight_val is provided, but X_val and y_val were not provided."
            )
        return False
    if y_val is None:
        raise ValueError("X_val is provided, but y_val was not provided.")
    if X_val is None:
        raise ValueError("y_val is provided, but X_val was not provided.")
    return True


@contextmanager
def explained_errors(estimator: Any, X: Any, y: Any, is_images: bool) -> Iterator[None]:
    """Add advice to scikit-learn's errors about rows that networks cannot take.

    That is text, values that are missing or infinite, or, by mistake, images. `y` is
    None if there are no targets. Nothing is examined unless the block fails.
    """
    try:
        with explained_target_errors(y):
            yield
    except (ValueError, TypeError) as error:
        text, advice = str(error), ""
        if text.startswith(("Input X contains NaN", "Input X contains infinity")):
            what, is_missing = text.partition("\n")[0], "NaN" in text
            advice = advice_on_non_finite(estimator, X, is_missing, is_images)
            # Without scikit-learn's advice, which names its own estimators.
            raise ValueError(f"{what} {advice}") from None
        if text.startswith(NOT_A_NUMBER):
            advice = advice_on_text(estimator, X)
        elif not is_images and np.ndim(X) in (3, 4):
            advice = (
                "For images, use CNNClassifier, CNNRegressor or a Sequential "
                "estimator; or make each one a row, X.reshape(len(X), -1)."
            )
        if not advice:
            raise
        raise ValueError(f"{text.removesuffix('.')}. {advice}") from error


@contextmanager
def explained_target_errors(y: Any) -> Iterator[None]:
    """Add advice to scikit-learn's errors about missing or infinite targets.

    They do not name `y` if it is an array of objects.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        found = NOT_FINITE_TARGETS.match(str(error))
        if found is None or y is None or len(bad_targets(y)) == 0:
            raise
        what = found[found.lastindex or 0]
        raise ValueError(not_finite_targets(y, what)) from None


NOT_FINITE_TARGETS = re.compile(
    r"Input (?:y )?contains (NaN|infinity.*?)\.?$"
    r"|boolean value of (NA) is ambiguous"  # pandas' NA among objects
    r"|'<' not supported between instances of .*'(None)Type'"  # None among text
)
"""The errors about missing and infinite targets; the group says what they are."""


def not_finite_targets(y: Any, what: str) -> str:
    """Return the error for targets that contain NaN, None or infinity: `what`."""
    rows = bad_targets(y)
    adjective = "infinite" if what.startswith("infinity") else "missing"
    return (
        f"Input y contains {what}. Targets are {adjective} in {len(rows)} of "
        f"{_sklearn.num_samples(y)} rows, first in row {rows[0]} (counted from 0): "
        "remove these rows from X and y, or replace the targets."
    )


def bad_targets(y: Any) -> Array:
    """Return the rows of `y` with a target that is missing or infinite."""
    if issparse(y):
        cells = y.toarray()
    else:
        cells = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if cells.dtype.kind == "f":
        is_bad = ~np.isfinite(cells)
    else:
        is_bad = np.array([not is_finite(cell) for cell in cells.flat], bool)
    return np.flatnonzero(is_bad.reshape(len(cells), -1).any(axis=1))


def is_finite(value: Any) -> bool:
    """Return whether a target is neither missing nor infinite."""
    try:
        is_missing = value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas' NA is neither true nor false
        return False
    return not (is_missing or (isinstance(value, Real) and abs(value) == np.inf))


NOT_A_NUMBER = (
    "could not convert string to float",
    "float() argument must be",  # pandas' NA, in a column of text
)
"""How the errors about a value begin that cannot become a number."""


def advice_on_text(estimator: Any, X: Any) -> str:
    """Return what to do with the text in `X`, and in which columns it is."""
    cells = np.asarray(X)
    if cells.ndim == 1:
        return "X is text: vectorize it first, for example with TfidfVectorizer."
    if cells.ndim != 2:  # a sparse matrix: the text is in y
        return ""
    names = getattr(X, "columns", range(cells.shape[1]))
    advice = [
        (name, convert_to_numbers(name, column))
        for name, column in zip(names, cells.T, strict=True)
        if holds_text(column)
    ]
    parts = [f"Column {name!r} {text}" for name, text in advice if text]
    others = [name for name, text in advice if not text]
    if others:
        parts.append(
            f"Columns of X with text: {others}. Use {table_estimator(estimator)}, "
            "which takes them as they are, or encode them as numbers first, for "
            "example with OneHotEncoder in a ColumnTransformer. See the page 'Tables' "
            "of the user guide."
        )
    return " ".join(parts)


NEARLY_ALL = 0.9
"""Share of the values in a column that must be numbers, so that text is not meant."""


def convert_to_numbers(name: Any, values: Iterable[Any]) -> str:
    """Return what to do with a column of text if nearly all of it is numbers, else ''.

    The sentence begins with its verb.
    """
    present = [value for value in values if is_finite(value)]
    texts = [str(value) for value in present if isinstance(value, str)]
    others = [text for text in texts if not is_number_as_text(text)]
    n_numbers = len(texts) - len(others) + sum(map(is_number, present))
    if not texts or n_numbers < NEARLY_ALL * len(present):
        return ""
    column = f"df[{name!r}]" if isinstance(name, str) else "column"
    if not others:
        return f"holds numbers as text: convert it with pandas.to_numeric({column})."
    examples = " and ".join(map(repr, list(dict.fromkeys(others))[:2]))
    return (
        f"holds numbers and text, such as {examples}: convert it with pandas.to_numeric"
        f"({column}, errors='coerce'), which makes such text missing."
    )


def is_number_as_text(text: str) -> bool:
    """Return whether a text can be converted to a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def advice_on_non_finite(
    estimator: Any, X: Any, is_missing: bool, is_images: bool
) -> str:
    """Return what to do with an `X` that has missing or infinite values."""
    if is_images:
        return "All pixels must be finite: leave out these images, or repair them."
    if is_missing:
        takes = "takes missing values as they are"
        first = "fill them in first, for example with SimpleImputer in a pipeline"
    else:
        takes = "limits extreme values"
        first = "replace such values first"
    if issparse(X):
        return f"{first.capitalize()}."
    return (
        f"Use {table_estimator(estimator)}, which {takes}, or {first}. See the page "
        "'Tables' of the user guide."
    )


def table_estimator(estimator: Any) -> str:
    """Return the name of the estimator of tables for the same kind of target."""
    return "TabularClassifier" if is_classifier(estimator) else "TabularRegressor"


def holds_text(column: Array) -> bool:
    """Return whether an array of any type has text that cannot become numbers."""
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return any(isinstance(value, str) for value in column)
    return False


def suggest_transform_input(error: ValueError) -> str:
    """Return a hint if a pipeline may have transformed `X` but not `X_val`."""
    signs = ("feature", "could not convert string", "Input X contains NaN")
    if not any(sign in str(error) for sign in signs):
        return ""
    return (
        " A Pipeline transforms X_val like X only if it is created with "
        "transform_input=['X_val'] and metadata routing is enabled."
    )


def hold_out_size(n: int, validation_fraction: float, n_classes: int) -> int:
    """Return how many of `n` rows to hold out for validation.

    The number is that of `sklearn.model_selection.train_test_split`, but at least two
    and, in a stratified split, at least one per class. Raises if too few rows are left
    to train on.
    """
    if validation_fraction == 0:
        raise ValueError(
            "early_stopping=True needs a validation set, but validation_fraction=0: "
            "choose a fraction in (0, 1) or pass X_val and y_val to fit."
        )
    smallest = max(2, n_classes)
    if n < 2 * smallest:
        raise ValueError(
            f"The validation set is too small: n_samples={n}, but "
            f"early_stopping=True needs at least {2 * smallest} rows, some to train on "
            "and some to hold out. Pass more rows, pass X_val and y_val to fit, or set "
            "early_stopping=False."
        )
    size = max(int(np.ceil(validation_fraction * n)), smallest)
    if n - size < smallest:
        raise ValueError(
            f"validation_fraction={validation_fraction} holds out {size} of {n} rows, "
            "which leaves too few to train on."
        )
    return size
