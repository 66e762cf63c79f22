"""The validation set: held out or passed by the user, and the scores on it.

Only rows of the data passed to `fit` are ever held out, so that in cross-validation the
test fold stays unseen.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from .._sklearn import OTHER_SCORERS, REGRESSION_SCORERS, SCORERS_OF_TWO_CLASSES
from .._training import Data
from .._typing import Array
from ..network import Network
from ..objective import mean_loss
from .calibration import calibrated_loss
from .input_checks import (
    check_some_weight,
    hold_out_size,
    takes_sample_weight,
    warn_caller,
)
from .targets import ClassTargets, Targets

CALIBRATED = "neg_calibrated_loss"
"""The scoring of classifiers by `calibrated_loss`."""


def hold_out(
    data: Data,
    validation_fraction: Any,
    rng: np.random.RandomState,
    strata: Array | None,
) -> tuple[Data, Data]:
    """Split the rows into a training and a validation set, without copying any.

    Parameters
    ----------
    data : Data
        All rows.
    validation_fraction : float or splitter
        The parameter of the estimator.
    rng : RandomState
        Stream from which the rows to hold out are drawn.
    strata : ndarray of shape (n,) or None
        Labels by which to stratify the draw.
    """
    if hasattr(validation_fraction, "split"):
        train, held_out = split_by_user(data, validation_fraction)
    else:
        train, held_out = split_at_random(data.n, validation_fraction, rng, strata)
    return divide(data, train, held_out)


def divide(data: Data, train: Array, held_out: Array) -> tuple[Data, Data]:
    """Return the rows to train on and those to hold out, without copying any."""
    parts = copy.copy(data), copy.copy(data)
    parts[0].rows, parts[1].rows = train, held_out
    if data.sample_weight is not None:
        for rows, name in ((train, "to train on"), (held_out, "held out")):
            check_some_weight(data.sample_weight[rows], f" in the rows {name}")
    return parts


def split_by_user(data: Data, splitter: Any) -> tuple[Array, Array]:
    """Return the rows of the first split of the user's splitter."""
    if isinstance(splitter, type):
        raise ValueError(
            f"validation_fraction must be a splitter, not the class "
            f"{splitter.__name__}: write {splitter.__name__}(...)."
        )
    n_split = len(getattr(splitter, "test_fold", data.y))
    if n_split != data.n:
        raise ValueError(
            f"validation_fraction={splitter!r} splits {n_split} rows, but X has "
            f"{data.n}."
        )
    y = data.y.ravel() if data.y.shape[1:] == (1,) else data.y
    try:
        splits = splitter.split(np.empty((data.n, 0)), y)
        train, held_out = map(np.asarray, next(iter(splits), ((), ())))
    except Exception as error:  # whatever a splitter raises
        raise ValueError(
            f"validation_fraction={splitter!r} cannot split {data.n} rows: {error}"
        ) from error
    if not (len(train) and len(held_out)):
        raise ValueError(
            f"validation_fraction={splitter!r} must split the rows into two parts, got "
            f"{len(train)} rows to train on and {len(held_out)} to hold out."
        )
    for rows in (train, held_out):
        if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= data.n:
            raise ValueError(
                f"validation_fraction={splitter!r} must yield indices of rows from "
                f"0 to {data.n - 1}, got {rows!r}."
            )
    if np.intersect1d(train, held_out).size:
        raise ValueError(
            f"validation_fraction={splitter!r} holds out rows that it trains on."
        )
    n_unused = data.n - len(np.union1d(train, held_out))
    if n_unused:
        warn_caller(
            f"validation_fraction={splitter!r} uses {data.n - n_unused} of {data.n} "
            f"rows: the other {n_unused} are neither in the training part nor in the "
            "test part of its first split. PredefinedSplit(test_fold) uses all rows."
        )
    return train, held_out


def split_at_random(
    n: int,
    validation_fraction: float,
    rng: np.random.RandomState,
    strata: Array | None,
) -> tuple[Array, Array]:
    """Split `n` rows as scikit-learn's network does."""
    size = hold_out_size(n, validation_fraction, 1 if strata is None else 2)
    try:
        train, held_out = train_test_split(
            np.arange(n), random_state=rng, test_size=size, stratify=strata
        )
    except ValueError as error:
        if "only 1 member" not in str(error):
            raise
        raise ValueError(
            f"{str(error).removesuffix('.')}. Early stopping holds out rows of each "
            "class: pass X_val and y_val, remove or merge rare classes, or set "
            "early_stopping=False."
        ) from None
    return train, held_out


@dataclass(frozen=True)
class HeldOut:
    """What the trained network says of the rows that it was not trained on.

    Attributes
    ----------
    z : ndarray of shape (n, n_scores)
        Raw scores.
    y : ndarray of shape (n, n_outputs) or (n,)
        Encoded targets.
    sample_weight : ndarray of shape (n,) or None
        Weights of the rows; None gives every row weight 1.
    """

    z: Array
    y: Array
    sample_weight: Array | None


@dataclass
class Validator:
    """Computes loss and score of a network on the validation set, after each epoch.

    Parameters
    ----------
    data : Data
        The validation rows.
    targets : Targets
        What the encoded targets mean.
    scoring : str, callable or None
        The parameter of the estimator.
    estimator : estimator
        Passed to a scorer, as a copy with the current network.
    """

    data: Data
    targets: Targets
    scoring: Any
    estimator: Any

    def __post_init__(self) -> None:
        rows, weight = self.data.selected, self.data.sample_weight
        self._y = self.data.y[rows]
        self._weight = None if weight is None else weight[rows]
        self._scorer: Callable[..., Any] | None = None
        if self.scoring in (None, "loss", CALIBRATED):
            return
        self._scorer = get_scorer(self.scoring)
        # Only scikit-learn's scorers need a copy of the rows.
        self._X, self._labels = self.data.X[rows], self.targets.decode(self._y)

    def __call__(self, network: Network) -> tuple[float, float]:
        """Return loss and score, higher is better; NaN where scores are not finite."""
        z = network.scores(self.data.X, self.data.rows)
        if not np.isfinite(z).all():
            return math.nan, math.nan
        loss = mean_loss(self.targets.loss, z, self._y, self._weight)
        if self.scoring == "loss":
            return loss, -loss
        if self.scoring == CALIBRATED:
            return loss, -calibrated_loss(self.targets.loss, z, self._y, self._weight)
        if self._scorer is None:
            return loss, self.targets.score(z, self._y, self._weight)
        return loss, self._score(self._scorer, network)

    def held_out(self, network: Network) -> HeldOut:
        """Return what a trained network says of the validation rows."""
        z, y, w = network.scores(self.data.X, self.data.rows), self._y, self._weight
        # L-BFGS trains in float64 whatever the network predicts in.
        y = y.astype(z.dtype, copy=False) if y.dtype.kind == "f" else y
        return HeldOut(z, y, None if w is None else w.astype(z.dtype, copy=False))

    def _score(self, scorer: Callable[..., Any], network: Network) -> float:
        """Return the score by the user's scorer."""
        # Not copy.copy, which would copy the weights for each score.
        fitted = object.__new__(type(self.estimator))
        vars(fitted).update({**vars(self.estimator), "network_": network})
        # The validation rows are encoded, and have lost their column names.
        vars(fitted).pop("feature_names_in_", None)
        vars(fitted)["n_features_in_"] = self._X.shape[1]
        vars(fitted)["_input"] = self.estimator._input.of_checked_rows()
        weights = {}
        if self._weight is not None and takes_sample_weight(scorer):
            weights["sample_weight"] = self._weight
        try:
            score = scorer(fitted, self._X, self._labels, **weights)
        except Exception as error:  # whatever a user's function raises
            raise ValueError(
                f"scoring={self.scoring!r} cannot score the validation set of "
                f"{len(self._y)} rows: {error} "
                f"{advice_on_scoring(self.scoring, self.targets)}"
            ) from error
        if not isinstance(score, Real):
            raise ValueError(
                f"scoring={self.scoring!r} must return a number, got {score!r}."
            )
        return float(score)


def advice_on_scoring(scoring: Any, targets: Targets) -> str:
    """Return what to do where a scorer has failed on the validation set."""
    is_name, for_classes = isinstance(scoring, str), isinstance(targets, ClassTargets)
    if is_name and for_classes and scoring in REGRESSION_SCORERS:
        return (
            f"({scoring!r} is a score of regressors. For a classifier, use for example "
            "'accuracy', 'balanced_accuracy', 'neg_log_loss' or 'roc_auc_ovr'.)"
        )
    if is_name and not for_classes and scoring in OTHER_SCORERS:
        return (
            f"({scoring!r} is a score of classifiers. For a regressor, use for example "
            "'r2', 'neg_mean_absolute_error' or 'neg_root_mean_squared_error'.)"
        )
    if not isinstance(targets, ClassTargets):
        return "(scoring='loss' uses the validation loss.)"
    if is_name and scoring in SCORERS_OF_TWO_CLASSES and len(targets.classes) > 2:
        return (
            f"({scoring!r} is a score of two classes. For more, use for example "
            "'f1_macro', 'balanced_accuracy' or 'roc_auc_ovr'.)"
        )
    return (
        "(If it misses a class, pass X_val and y_val, raise validation_fraction, or "
        "use scoring='loss'.)"
    )
