"""Targets: how `y` is encoded for the loss, and raw scores become predictions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from .._typing import Array, DType
from ..losses import (
    REGRESSION_LOSSES,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    Loss,
    Quantile,
)
from ..objective import mean_loss
from .input_checks import not_finite_targets

ClassWeight: TypeAlias = (
    dict[Any, float] | list[dict[Any, float]] | Literal["balanced"] | None
)

SOFTPLUS_IS_1 = math.log(math.e - 1)
"""The raw score of a standard deviation of 1."""

MULTILABEL = "multilabel-indicator"
"""What scikit-learn calls a `y` with one column of 0 and 1 per label."""


def as_column(y: Any) -> Any:
    """Return `y` of shape (n, 1) as (n,), with scikit-learn's warning."""
    if y.ndim == 2 and y.shape[1] == 1:
        return column_or_1d(dense(y), warn=True)
    return y


def dense(y: Any) -> Any:
    """Return `y` as it is, but not as a sparse matrix."""
    return y.toarray() if sparse.issparse(y) else y


class Targets(ABC):
    """What `y` means, learned from `y` when an estimator is fitted. Immutable.

    Attributes
    ----------
    loss : Loss
        The loss of raw scores against encoded targets.
    """

    loss: Loss

    @abstractmethod
    def encode(self, y: Any, dtype: DType) -> Array:
        """Check `y`; return what the loss takes, (n, n_outputs) or indices (n,)."""

    @abstractmethod
    def decode(self, y: Array) -> Array:
        """Undo `encode`."""

    @abstractmethod
    def n_scores(self, y: Array) -> int:
        """Return the number of raw scores per row for encoded targets."""

    def initialize_output(self, params: dict[str, Array]) -> None:
        """Change the initial parameters of the output layer."""
        return

    @abstractmethod
    def predict(self, z: Array) -> Any:
        """Turn raw scores into predictions; may overwrite `z`."""

    @abstractmethod
    def score(self, z: Array, y: Array, sample_weight: Array | None) -> float:
        """Return the value of ``score`` from raw scores and encoded targets."""

    @abstractmethod
    def same_meaning(self, other: Targets) -> bool:
        """Return whether raw scores mean the same for both."""

    def strata(self, y: Array) -> Array | None:
        """Return the strata of a stratified hold-out; None for a plain one."""
        return None


@dataclass(frozen=True)
class NumberTargets(Targets):
    """Targets of a regressor: one or several numbers per row."""

    loss: Loss

    @property
    def smallest(self) -> float:
        """The smallest value that a target can have."""
        return 0.0 if isinstance(self.loss, HalfPoissonDeviance) else -math.inf

    def encode(self, y: Any, dtype: DType) -> Array:
        y = check_numbers(dense(y))
        if (y < self.smallest).any():
            raise ValueError(
                "Some value(s) of y are out of the valid range of the loss 'poisson': "
                "it needs y >= 0."
            )
        with np.errstate(over="ignore"):
            encoded = np.asarray(y, dtype)
        if np.isnan(encoded).any():
            raise ValueError(not_finite_targets(encoded, "NaN"))
        if not np.isfinite(encoded).all():
            raise ValueError(f"y contains a value too large for {dtype}.")
        encoded = encoded.reshape(len(y), -1)
        several = self.loss.scores_per_output > 1 and not self.loss.predicts_std
        if several and encoded.shape[1] > 1:
            raise ValueError(
                f"Several quantiles, loss={self.loss!r}, can only be predicted for one "
                f"target, but y has {encoded.shape[1]} columns."
            )
        return encoded

    def decode(self, y: Array) -> Array:
        y = self.in_units(y)
        return y.ravel() if y.shape[1] == 1 else y

    def in_units(self, y: Array) -> Array:
        """Return encoded targets (n, n_targets) in the units of `y`."""
        return y

    def widths_in_units(self, widths: Array) -> Array:
        """Return differences of encoded targets (n, n_targets) in the units of `y`."""
        return widths

    def limited(self, y: Array) -> Array:
        """Return encoded predictions (n, n_targets) within the range of targets."""
        return y

    def n_scores(self, y: Array) -> int:
        return y.shape[1] * self.loss.scores_per_output

    def predict(self, z: Array) -> Array:
        return self.predict_with_std(z)[0]

    def units(self, column: int) -> float:
        """Return the unit of `y` in which a column of raw scores counts."""
        return 1.0

    def predict_with_std(self, z: Array) -> tuple[Array, Array | None]:
        """Turn raw scores into predictions and, if the loss has them, their deviations.

        May overwrite `z`.
        """
        y, std = self._encoded(z)
        if std is not None:
            std = self.widths_in_units(std)
            std = std.ravel() if std.shape[1] == 1 else std
        return self.decode(y), std

    def _encoded(self, z: Array) -> tuple[Array, Array | None]:
        """Turn raw scores into encoded predictions, and their deviations if any."""
        self.loss.link(z, out=z)
        if not self.loss.predicts_std:
            return self.limited(z), None
        y, std = (self.loss.by_output(z)[..., i].copy() for i in (0, 1))
        return self.limited(y), std

    def centers(self, z: Array) -> tuple[Array, Array]:
        """Return what intervals start from, and the unit in which they are widened.

        These are the predictions (n, n_targets, n_levels), where several quantiles are
        several levels, and the standard deviations (n, n_targets, 1), or 1 if the loss
        has none.
        """
        predictions = np.empty_like(z)
        self.loss.link(z, out=predictions)
        centers = self.loss.by_output(predictions)
        if self.loss.predicts_std:
            return centers[..., :1], centers[..., 1:]
        return centers, np.ones((1, 1, 1), z.dtype)

    def nearest_levels(self, coverage: float) -> tuple[int, int]:
        """Return the indices of the levels nearest to ``½ (1 ± coverage)``."""
        levels = np.ravel(getattr(self.loss, "quantile", 0.5))
        below, above = (1 - coverage) / 2, (1 + coverage) / 2
        return int(np.abs(levels - below).argmin()), int(
            np.abs(levels - above).argmin()
        )

    def score(self, z: Array, y: Array, sample_weight: Array | None) -> float:
        prediction = self._encoded(z.copy())[0]
        prediction = prediction.ravel() if prediction.shape[1] == 1 else prediction
        if not np.isfinite(prediction).all():
            return math.nan
        return self.score_predictions(y, prediction, sample_weight)

    def score_predictions(self, y: Any, prediction: Array, sample_weight: Any) -> float:
        """Return R², or the mean D² of several quantiles."""
        y = dense(y)
        levels = np.ravel(getattr(self.loss, "quantile", ()))
        if len(levels) < 2:
            return float(r2_score(y, prediction, sample_weight=sample_weight))
        scores = [
            d2_pinball_score(y, column, sample_weight=sample_weight, alpha=level)
            for level, column in zip(levels, prediction.T, strict=True)
        ]
        return float(np.mean(scores))

    def same_meaning(self, other: Targets) -> bool:
        return isinstance(other, NumberTargets) and same_scores(self.loss, other.loss)


@dataclass(frozen=True, eq=False)
class ScaledTargets(NumberTargets):
    """Numbers that the loss takes as ``(y - center) / scale``, one pair per target.

    Attributes
    ----------
    center, scale : ndarray of shape (n_targets,)
        Mean and standard deviation of the targets of `fit`. Under the Poisson loss,
        which needs numbers from 0, the center is 0 and the scale the mean.
    low, high : ndarray of shape (n_targets,)
        The range of the targets of all calls of `fit` and `partial_fit`, encoded.
    clip : bool
        Whether predictions are limited to this range.
    """

    center: Array
    scale: Array
    low: Array
    high: Array
    clip: bool

    @classmethod
    def learn(cls, y: Any, loss: Loss, clip: bool) -> ScaledTargets:
        """Learn scale and range from `y`."""
        y = columns_of_numbers(y)
        center, scale = mean_and_deviation(y)
        if isinstance(loss, HalfPoissonDeviance):
            center, scale = np.zeros_like(center), center
        scale[~(scale > 0)] = 1.0
        nothing = np.full_like(center, np.inf)
        return cls(loss, center, scale, nothing, -nothing, clip).ranging_over(y)

    def ranging_over(self, y: Any) -> Self:
        """Return the targets with a range that contains `y` too."""
        y = self._scaled(columns_of_numbers(y))
        low, high = np.minimum(self.low, y.min(axis=0)), y.max(axis=0)
        return replace(self, low=low, high=np.maximum(self.high, high))

    def encode(self, y: Any, dtype: DType) -> Array:
        y = np.asarray(dense(y), np.float64)
        super().encode(y, np.dtype(np.float64))  # its checks
        return super().encode(self._scaled(y), dtype)

    def _scaled(self, y: Array) -> Array:
        with np.errstate(over="ignore"):  # `encode` raises
            return (y - self.center) / self.scale

    def initialize_output(self, params: dict[str, Array]) -> None:
        # Where a random network is sure and wrong, the first steps are far too long:
        # its standard deviation starts as that of the targets, for all rows.
        if self.loss.predicts_std:
            for name, array in params.items():
                array[..., 1::2] = SOFTPLUS_IS_1 if name == "b" else 0

    def in_units(self, y: Array) -> Array:
        return y * self.scale + self.center

    def widths_in_units(self, widths: Array) -> Array:
        return widths * self.scale

    def units(self, column: int) -> float:
        # A logarithm is attributed, which has no unit.
        return 1.0 if self.loss.link_name == "exp" else float(self.scale[column])

    def limited(self, y: Array) -> Array:
        if not self.clip:
            return y
        return np.clip(y, self.low.astype(y.dtype), self.high.astype(y.dtype), out=y)

    def score(self, z: Array, y: Array, sample_weight: Array | None) -> float:
        # R² would choose an epoch in which quantiles or deviations are wrong.
        if self.loss.predicts_std or isinstance(self.loss, Quantile):
            return -mean_loss(self.loss, z, y, sample_weight)
        return super().score(z, y, sample_weight)

    def scales_like(self, loss: Loss) -> bool:
        """Return whether another loss scales the targets in the same way."""
        return same_scores(self.loss, loss)

    def same_meaning(self, other: Targets) -> bool:
        # Standard deviations from the mean, whatever these are.
        return isinstance(other, ScaledTargets) and super().same_meaning(other)


def columns_of_numbers(y: Any) -> Array:
    """Return targets as float64 of shape (n, n_targets)."""
    numbers = check_numbers(dense(y))
    return np.asarray(numbers, np.float64).reshape(y.shape[0], -1)


def check_numbers(y: Array) -> Array:
    """Return targets; raise if they are text or dates."""
    if y.dtype.kind not in "biufO":
        raise ValueError(
            f"y must hold numbers, as this is a regressor, but it is of type {y.dtype}."
            " For classes, use a classifier."
        )
    return y


def mean_and_deviation(y: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of columns, also of very small or large ones.

    The deviation is 0 if it is no more than the rounding of the values.
    """
    size = np.abs(y).max(axis=0)
    size[~(size > 0)] = 1.0
    y = y / size
    mean, deviation = y.mean(axis=0), y.std(axis=0)
    deviation[deviation <= np.finfo(y.dtype).eps] = 0.0
    return mean * size, deviation * size


def regression_loss(loss: Loss) -> Loss:
    """Return `loss`; raise if it is one for classes."""
    if isinstance(loss, BinaryCrossEntropy | CategoricalCrossEntropy):
        raise ValueError(f"loss={loss!r} is for classes, not for numbers.")
    return loss


@dataclass(frozen=True, eq=False)
class ClassTargets(Targets):
    """Targets of a classifier: one of two or more classes per row, or several labels.

    Attributes
    ----------
    loss : Loss
        The cross-entropy that suits the targets, or the user's own loss.
    classes : ndarray of shape (n_classes,)
        Class labels, sorted.
    kind : str
        'binary', 'multiclass' or 'multilabel-indicator', as
        `sklearn.utils.multiclass.type_of_target` names them.
    is_sparse : bool
        Whether `y` was a sparse matrix of labels, which `predict` then returns too.
    """

    loss: Loss
    classes: Array
    kind: str
    is_sparse: bool

    @classmethod
    def learn(cls, y: Any, loss: str | Loss) -> ClassTargets:
        """Learn the classes from `y`."""
        check_classes(y)
        binarizer = LabelBinarizer().fit(y)
        classes, kind = binarizer.classes_, binarizer.y_type_
        loss = classification_loss(loss, classes, kind)
        return cls(loss, classes, kind, binarizer.sparse_input_)

    def with_loss(self, loss: str | Loss) -> Self:
        """Return the same targets with another choice of the loss."""
        return replace(self, loss=classification_loss(loss, self.classes, self.kind))

    @property
    def is_multilabel(self) -> bool:
        """Whether a row can have several labels."""
        return self.kind == MULTILABEL

    @property
    def is_multiclass(self) -> bool:
        """Whether a row has one of three or more classes."""
        return not self.is_multilabel and len(self.classes) > 2

    @property
    def has_one_class(self) -> bool:
        """Whether all rows have the same class."""
        return not self.is_multilabel and len(self.classes) == 1

    def check(self, y: Any, *, all_classes: bool) -> None:
        """Raise unless `y` has known classes only, and `all_classes` if asked for."""
        try:  # both sort the labels
            indicates, classes = type_of_target(y) == MULTILABEL, unique_labels(y)
        except TypeError:
            raise mixed_labels(y) from None
        if indicates and not self.is_multilabel:
            raise ValueError("The object was not fitted with multilabel input.")
        if indicates and y.shape[1] != len(self.classes):
            raise ValueError(
                f"y has {y.shape[1]} columns, but there were {len(self.classes)} "
                "labels before."
            )
        if all_classes and set(classes) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes}, `y` has "
                f"{classes}"
            )
        if len(np.setdiff1d(classes, self.classes, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes}. 'y' has {classes}."
            )

    def encode(self, y: Any, dtype: DType) -> Array:
        if self.is_multilabel and y.ndim == 2:
            return dense(y).astype(dtype)
        codes = np.searchsorted(self.classes, y)
        if self.is_multilabel:  # one label per row
            return np.eye(len(self.classes), dtype=dtype)[codes]
        return codes if len(self.classes) > 2 else codes.astype(dtype)[:, np.newaxis]

    def decode(self, y: Array) -> Array:
        if self.is_multilabel:
            return y.astype(int)
        return self.classes[y.ravel().astype(int)]

    def n_scores(self, y: Array) -> int:
        return len(self.classes) if y.ndim == 1 else y.shape[1]

    def codes(self, z: Array) -> Array:
        """Return the predicted class index (n,), or label indicators (n, n_labels)."""
        if self.is_multiclass:
            return z.argmax(axis=1)
        codes = (z > 0).astype(int)
        if self.is_multilabel:
            return codes
        return np.minimum(codes.ravel(), len(self.classes) - 1)

    def predict(self, z: Array) -> Any:
        codes = self.codes(z)
        if self.is_multilabel:
            return sparse.csr_matrix(codes) if self.is_sparse else codes
        return self.classes[codes]

    def probabilities(self, z: Array) -> Array:
        """Turn raw scores into a probability per class or label; may overwrite `z`."""
        if self.has_one_class:
            return np.ones_like(z)
        self.loss.link(z, out=z)
        return np.hstack([1 - z, z]) if z.shape[1] == 1 else z

    def score(self, z: Array, y: Array, sample_weight: Array | None) -> float:
        y = y if y.ndim == 1 or self.is_multilabel else y.ravel()
        return float(accuracy_score(y, self.codes(z), sample_weight=sample_weight))

    def same_meaning(self, other: Targets) -> bool:
        return (
            isinstance(other, ClassTargets)
            and same_scores(self.loss, other.loss)
            and self.kind == other.kind
            and np.array_equal(self.classes, other.classes)
        )

    def strata(self, y: Array) -> Array | None:
        # scikit-learn stratifies two classes, but not more and not several labels.
        if y.shape[1:] != (1,):
            return None
        positive = y.astype(bool)
        return None if positive.all() or not positive.any() else positive

    def row_weights(
        self,
        y: Array,
        sample_weight: Array | None,
        class_weight: ClassWeight,
        dtype: DType,
    ) -> Array | None:
        """Return the weights of rows, multiplied by those of their classes."""
        if class_weight is None:
            return sample_weight
        codes = y.astype(int).reshape(len(y), -1)
        if isinstance(class_weight, list):
            weights = compute_sample_weight(class_weight, codes)
        else:
            # The weights of several labels of a row are multiplied.
            weights = np.ones(len(y))
            for column in codes.T:
                per_class = self._class_weights(column, sample_weight, class_weight)
                weights *= per_class[column]
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(
                "class_weight must hold finite weights that are not negative, got "
                f"{class_weight!r}."
            )
        if sample_weight is not None:
            weights *= sample_weight
        return weights.astype(dtype)

    def _class_weights(
        self, codes: Array, sample_weight: Array | None, class_weight: Any
    ) -> Array:
        """Return the weight of each class index in `codes`."""
        if class_weight != "balanced":
            if self.is_multilabel:
                raise ValueError(
                    "For multilabel targets, class_weight must be a list of dicts, one "
                    f"per label, or 'balanced', got {class_weight!r}."
                )
            try:
                return compute_class_weight(
                    class_weight, classes=self.classes, y=self.classes[codes]
                )
            except ValueError as error:
                raise ValueError(
                    f"{error}. class_weight has weights for {list(class_weight)}, y "
                    f"has the classes {self.classes.tolist()}."
                ) from None
        # Counted by their weights, so that a weight of 2 equals a repeated row.
        counts = np.bincount(codes, sample_weight)
        n_present = np.count_nonzero(counts)
        with np.errstate(divide="ignore"):
            return np.where(counts > 0, counts.sum() / (n_present * counts), 0)


def check_classes(y: Any) -> None:
    """Raise unless `y` has classes or labels, none of them missing."""
    try:
        check_classification_targets(y)
    except (ValueError, TypeError):
        types = {type(label) for label in np.ravel(y)} if y.dtype.kind == "O" else set()
        if len(types) > 1 or type(None) in types:
            raise mixed_labels(y) from None
        raise


def mixed_labels(y: Any) -> Exception:
    """Return the error for labels that cannot be sorted."""
    if any(label is None for label in np.ravel(y)):
        return ValueError(not_finite_targets(y, "None"))
    types = sorted({type(label).__name__ for label in np.ravel(y)})
    return TypeError(
        f"y must hold labels of one type, numbers or text, got {', '.join(types)}."
    )


def classification_loss(loss: str | Loss, classes: Array, kind: str) -> Loss:
    """Return the loss object that a choice stands for; raise if it does not fit."""
    if isinstance(loss, tuple(REGRESSION_LOSSES.values())):
        raise ValueError(f"loss={loss!r} is for numbers, not for classes.")
    is_multiclass = kind != MULTILABEL and len(classes) > 2
    wrong = BinaryCrossEntropy if is_multiclass else CategoricalCrossEntropy
    if isinstance(loss, wrong):
        raise ValueError(
            f"loss={loss!r} does not fit the targets, which are {kind}. "
            "loss='log_loss' chooses the one that does."
        )
    if isinstance(loss, Loss):
        return loss
    return CategoricalCrossEntropy() if is_multiclass else BinaryCrossEntropy()


def same_scores(loss: Loss, other: Loss) -> bool:
    """Return whether raw scores under two losses mean the same."""
    return (loss.link_name, loss.scores_per_output) == (
        other.link_name,
        other.scores_per_output,
    )
