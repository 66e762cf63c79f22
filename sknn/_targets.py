"""Targets: from y to what a loss wants, and from raw scores back to predictions."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from ._docs import shared_docs
from ._estimator import AvailablePartialFit, ClassesMay
from ._sklearn import (
    ClassifierMixin,
    Interval,
    RegressorMixin,
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
)
from ._typing import Array, DType, MatrixLike
from .losses import (
    REGRESSION_LOSSES,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfPoissonDeviance,
    Loss,
)


@shared_docs
class NetworkRegressorMixin(RegressorMixin):
    """Targets of a regressor: numbers, one or several a row."""

    target_constraints: ClassVar[dict[str, Any]] = {
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def _encode_targets(self, y: Any, dtype: DType, classes: ClassesMay) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        loss = self._make_loss()
        if isinstance(loss, HalfPoissonDeviance) and (y < 0).any():
            raise ValueError(
                "Some value(s) of y are out of the valid range of the loss 'poisson': "
                "it needs y >= 0."
            )
        with np.errstate(over="ignore"):
            encoded = np.asarray(y, dtype)
        if not np.isfinite(encoded).all():
            raise ValueError(f"y contains a value too large for {dtype}.")
        encoded = encoded.reshape(len(y), -1)
        if loss.scores_per_output > 1 and encoded.shape[1] > 1:
            raise ValueError(
                f"Several quantiles, quantile={self.quantile!r}, can be predicted for "
                f"one target, but y has {encoded.shape[1]} columns."
            )
        return encoded

    def _make_loss(self) -> Loss:
        loss = self._make(self.loss, REGRESSION_LOSSES)
        if isinstance(loss, BinaryCrossEntropy | CategoricalCrossEntropy):
            raise ValueError(f"loss={loss!r} is for classes, not for numbers.")
        return loss

    def _decode_targets(self, y: Array) -> Array:
        return y.ravel() if y.shape[1] == 1 else y

    def _n_scores(self, y: Array) -> int:
        return y.shape[1] * self._loss.scores_per_output

    def _predict_from_scores(self, z: Array) -> Array:
        self._loss.link(z, out=z)
        return z.ravel() if z.shape[1] == 1 else z

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the share of the variance of `y` that is explained.

        With several quantiles, D² instead: the share of the pinball loss of constant
        quantiles that is saved, averaged over the quantiles.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 at best; 0 for a constant prediction.
        """
        return self._score_predictions(y, self.predict(X), sample_weight)

    def _score_predictions(
        self, y: Any, prediction: Array, sample_weight: Any
    ) -> float:
        if self._loss.scores_per_output == 1:
            return r2_score(y, prediction, sample_weight=sample_weight)
        scores = [
            d2_pinball_score(y, column, sample_weight=sample_weight, alpha=alpha)
            for alpha, column in zip(self._loss.quantile, prediction.T, strict=True)
        ]
        return float(np.mean(scores))

    def _score_from_scores(
        self, z: Array, y: Array, sample_weight: Array | None
    ) -> float:
        prediction = np.empty_like(z)
        self._loss.link(z, out=prediction)
        if not np.isfinite(prediction).all():
            return math.nan
        return self._score_predictions(y, prediction, sample_weight)

    @AvailablePartialFit
    @fit_context
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch more, going on from the last call of this or of `fit`.

        Weights, the solver's state and the learning rate go on, also after a pickle
        round trip. Schedules that are planned for `max_iter` epochs count the calls.
        Not available with ``solver='lbfgs'`` and with `early_stopping`.

        Parameters
        ----------
        %(fit_parameters)s

        Returns
        -------
        self : estimator
            The trained regressor.
        """
        self._fit(X, y, sample_weight, one_epoch=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        counts = self.loss == "poisson" or isinstance(self.loss, HalfPoissonDeviance)
        tags.target_tags.positive_only = counts
        return tags


@shared_docs
class NetworkClassifierMixin(ClassifierMixin):
    """Targets of a classifier: two or more classes, or several labels a row."""

    target_constraints: ClassVar[dict[str, Any]] = {
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "loss": [StrOptions({"log_loss"}), Loss],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def _encode_targets(self, y: Any, dtype: DType, classes: ClassesMay) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if classes == "be new":
            self._learn_classes(y)
        else:
            self._check_classes(y, classes)
        if self._y_type == "multilabel-indicator" and y.ndim == 2:
            return y.toarray().astype(dtype) if sparse.issparse(y) else y.astype(dtype)
        codes = np.searchsorted(self.classes_, y)
        if self._y_type == "multilabel-indicator":  # one label a row
            return np.eye(len(self.classes_), dtype=dtype)[codes]
        return codes if len(self.classes_) > 2 else codes.astype(dtype)[:, np.newaxis]

    def _has_one_class(self) -> bool:
        return self._y_type != "multilabel-indicator" and len(self.classes_) == 1

    def _learn_classes(self, y: Any) -> None:
        check_classification_targets(y)
        binarizer = LabelBinarizer().fit(y)
        self.classes_ = binarizer.classes_
        self._y_type = binarizer.y_type_
        self._y_is_sparse = binarizer.sparse_input_

    def _check_classes(self, y: Any, classes_may: ClassesMay) -> None:
        indicates = type_of_target(y) == "multilabel-indicator"
        if indicates and self._y_type != "multilabel-indicator":
            raise ValueError("The object was not fitted with multilabel input.")
        if indicates and y.shape[1] != len(self.classes_):
            raise ValueError(
                f"y has {y.shape[1]} columns, but there were {len(self.classes_)} "
                "labels before."
            )
        classes = unique_labels(y)
        if classes_may == "be the same" and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes_}, `y` has "
                f"{classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _decode_targets(self, y: Array) -> Array:
        if self._y_type == "multilabel-indicator":
            return y.astype(int)
        return self.classes_[y.ravel().astype(int)]

    def _n_scores(self, y: Array) -> int:
        return len(self.classes_) if y.ndim == 1 else y.shape[1]

    @property
    def _is_multiclass(self) -> bool:
        return self._y_type != "multilabel-indicator" and len(self.classes_) > 2

    def _make_loss(self) -> Loss:
        if isinstance(self.loss, tuple(REGRESSION_LOSSES.values())):
            raise ValueError(f"loss={self.loss!r} is for numbers, not for classes.")
        wrong = BinaryCrossEntropy if self._is_multiclass else CategoricalCrossEntropy
        if isinstance(self.loss, wrong):
            raise ValueError(
                f"loss={self.loss!r} does not fit the targets, which are "
                f"{self._y_type}. loss='log_loss' takes the one that does."
            )
        if isinstance(self.loss, Loss):
            return self.loss
        return (
            CategoricalCrossEntropy() if self._is_multiclass else BinaryCrossEntropy()
        )

    def _make_training_loss(self) -> Loss:
        # Predictions, and the validation loss, know nothing of the smoothing.
        if not self.label_smoothing:
            return self._loss
        if self.loss != "log_loss":
            raise ValueError(
                f"label_smoothing={self.label_smoothing} is for loss='log_loss' only, "
                f"got loss={self.loss!r}."
            )
        return self._loss.replace(label_smoothing=self.label_smoothing)

    def _weigh(
        self, sample_weight: Array | None, y: Array, dtype: DType
    ) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        codes = y.astype(int).reshape(len(y), -1)
        if isinstance(self.class_weight, list):
            weights = compute_sample_weight(self.class_weight, codes)
        else:
            # Of several labels, the weights of a row are multiplied.
            weights = np.ones(len(y))
            for column in codes.T:
                weights *= self._class_weights(column, sample_weight)[column]
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(
                "class_weight must hold finite weights that are not negative, got "
                f"{self.class_weight!r}."
            )
        if sample_weight is not None:
            weights *= sample_weight
        return weights.astype(dtype)

    def _class_weights(self, codes: Array, sample_weight: Array | None) -> Array:
        """Return the weight of each class index in `codes` by `class_weight`."""
        if self.class_weight != "balanced":
            if self._y_type == "multilabel-indicator":
                raise ValueError(
                    "For several labels a row, class_weight must be a list of dicts, "
                    f"one a label, or 'balanced', got {self.class_weight!r}."
                )
            return compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_[codes]
            )
        # Counted with their weights, so that weighing a row is repeating it.
        counts = np.bincount(codes, sample_weight)
        n_present = np.count_nonzero(counts)
        with np.errstate(divide="ignore"):
            return np.where(counts > 0, counts.sum() / (n_present * counts), 0)

    def _codes_from_scores(self, z: Array) -> Array:
        """Return the predicted class index (n,), or label indicators (n, labels)."""
        if self._is_multiclass:
            return z.argmax(axis=1)
        codes = (z > 0).astype(int)
        if self._y_type == "multilabel-indicator":
            return codes
        return np.minimum(codes.ravel(), len(self.classes_) - 1)

    def _predict_from_scores(self, z: Array) -> Array:
        codes = self._codes_from_scores(z)
        if self._y_type == "multilabel-indicator":
            return sparse.csr_matrix(codes) if self._y_is_sparse else codes
        return self.classes_[codes]

    def _score_from_scores(
        self, z: Array, y: Array, sample_weight: Array | None
    ) -> float:
        y = y if y.ndim == 1 or self._y_type == "multilabel-indicator" else y.ravel()
        return accuracy_score(
            y, self._codes_from_scores(z), sample_weight=sample_weight
        )

    def decision_function(self, X: Any) -> Array:
        """Return the raw scores (logits) in front of softmax or logistic function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes the log-odds of ``classes_[1]``; otherwise a column for each
            class or label.
        """
        z = self._raw_scores(X)
        return z.ravel() if z.shape[1] == 1 else z

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``. Rows sum to 1, but not for multilabel
            targets, where each label has a probability of its own.
        """
        z = self._raw_scores(X)
        if self._has_one_class():
            return np.ones_like(z)
        self._loss.link(z, out=z)
        return np.hstack([1 - z, z]) if z.shape[1] == 1 else z

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf
            return np.log(p, out=p)

    def _learn_classes_once(self, y: Any, classes: Any) -> None:
        """On the first call learn the classes from `classes`, as scikit-learn does."""
        if check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._learn_classes(y if multilabel else classes)

    @AvailablePartialFit
    @fit_context
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch more, going on from the last call of this or of `fit`.

        Weights, the solver's state and the learning rate go on, also after a pickle
        round trip. Schedules that are planned for `max_iter` epochs count the calls.
        Not available with ``solver='lbfgs'`` and with `early_stopping`.

        Parameters
        ----------
        %(fit_parameters)s
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Needed on the first call only.

        Returns
        -------
        self : estimator
            The trained classifier.
        """
        with self._all_or_nothing():
            self._learn_classes_once(y, classes)
            self._fit(X, y, sample_weight, one_epoch=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
