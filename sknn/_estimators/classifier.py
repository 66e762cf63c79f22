"""The base of the classifiers."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import type_of_target

from .._sklearn import (
    OTHER_SCORERS,
    REGRESSION_SCORERS,
    ClassifierMixin,
    Hidden,
    Interval,
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
)
from .._training import Data
from .._typing import Array, DType, MatrixLike
from ..losses import Loss
from .aliases import explain_unknown_names
from .input_checks import explained_target_errors
from .likely_mistakes import warn_if_one_hot
from .network_access import NetworkAccess
from .partial_fit import available_partial_fit
from .rollback import all_or_nothing
from .targets import ClassTargets, ClassWeight, Targets
from .validation_set import CALIBRATED


class NetworkClassifier(ClassifierMixin, NetworkAccess):
    """Base of the classifiers: two or more classes, or several labels per row."""

    loss: Literal["log_loss"] | Loss
    class_weight: ClassWeight
    label_smoothing: float

    classes_: Array
    _targets: ClassTargets

    _parameter_constraints: dict[str, Any] = {
        **NetworkAccess._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "loss": [StrOptions({"log_loss"}), Loss],
        "scoring": [
            StrOptions({"loss", CALIBRATED, *OTHER_SCORERS}),
            # They can score classes that are numbers, such as grades.
            Hidden(StrOptions(set(REGRESSION_SCORERS))),
            callable,
            None,
        ],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def _make_targets(
        self, y: Any, known: Targets | None, *, all_classes: bool
    ) -> ClassTargets:
        if known is None:
            targets = ClassTargets.learn(y, self.loss)
            self.classes_ = targets.classes
            return targets
        assert isinstance(known, ClassTargets)
        known.check(y, all_classes=all_classes)
        return known.with_loss(self.loss)

    def _example_targets(self, n_outputs: int, classes: Any) -> Any:
        if classes is None:
            n = "two classes" if n_outputs == 1 else f"{n_outputs} classes or labels"
            raise ValueError(
                "The estimator is not fitted: pass classes, the labels of the outputs. "
                f"The last array of weights has {n_outputs} for {n}."
            )
        classes = np.asarray(classes)
        if classes.ndim == 1 and not np.array_equal(classes, np.unique(classes)):
            raise ValueError(
                "classes must be in increasing order, each class once, and the outputs "
                f"of weights in that order, got {classes}."
            )
        n_classes = classes.shape[-1] if classes.ndim else 0
        needed = 1 if n_classes == 2 and classes.ndim == 1 else n_classes
        if needed != n_outputs:
            raise ValueError(
                f"{n_classes} classes need an output layer with {needed} outputs, but "
                f"the last array of weights has {n_outputs}."
            )
        return classes

    def _make_training_loss(self, targets: Targets) -> Loss:
        # Predictions and the validation loss are not smoothed.
        if not self.label_smoothing:
            return targets.loss
        if self.loss != "log_loss":
            raise ValueError(
                f"label_smoothing={self.label_smoothing} is for loss='log_loss' only, "
                f"got loss={self.loss!r}."
            )
        return targets.loss.replace(label_smoothing=self.label_smoothing)

    def _row_weights(
        self, targets: Targets, y: Array, sample_weight: Array | None, dtype: DType
    ) -> Array | None:
        assert isinstance(targets, ClassTargets)
        return targets.row_weights(y, sample_weight, self.class_weight, dtype)

    def _warn_of_likely_mistakes(self, data: Data) -> None:
        super()._warn_of_likely_mistakes(data)
        if self._targets.is_multilabel:
            warn_if_one_hot(data.y)

    def decision_function(self, X: Any) -> Array:
        """Return the raw scores (logits), before softmax or the logistic function.

        Parameters
        ----------
        %(rows)s

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes the log-odds of ``classes_[1]``; otherwise a column for each
            class or label.

        Examples
        --------
        A network without hidden layers, with given weights:

        >>> from sknn import MLPClassifier
        >>> clf = MLPClassifier(())
        >>> clf = clf.set_weights([[[1.0], [-1.0]], [0.0]], classes=["no", "yes"])
        >>> clf.decision_function([[2, 0], [0, 0]])
        array([2., 0.])
        """
        z = self._raw_scores(X)
        return z.ravel() if z.shape[1] == 1 else z

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label.

        Parameters
        ----------
        %(rows)s

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``. Rows sum to 1, but not for multilabel
            targets, where each label has its own probability.

        Examples
        --------
        The columns are those of ``classes_``, here "no" and "yes":

        >>> from sknn import MLPClassifier
        >>> clf = MLPClassifier(())
        >>> clf = clf.set_weights([[[1.0], [-1.0]], [0.0]], classes=["no", "yes"])
        >>> print(clf.predict_proba([[2, 0], [0, 0]]).round(2))
        [[0.12 0.88]
         [0.5  0.5 ]]
        """
        z = self._raw_scores(X)
        return self._targets.probabilities(z)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        %(rows)s

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf
            return np.log(p, out=p)

    @available_partial_fit
    @explain_unknown_names
    @fit_context
    @all_or_nothing
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, from where the last call or `fit` ended.

        Training resumes with the same weights, solver state and learning rate, also
        after a pickle round trip. Schedules that are planned for `max_iter` epochs
        count the calls. Not available with ``solver='lbfgs'``
        or ``class_weight='balanced'``.

        %(partial_fit_stopping)s

        Parameters
        ----------
        %(fit_parameters)s
        classes : array-like of shape (n_classes,), default=None
            All classes that can occur in any call. Only needed in the first call.
        %(validation_parameters)s

        Returns
        -------
        self : estimator
            The trained classifier.

        Examples
        --------
        The rows arrive in five parts:

        >>> from sklearn.datasets import load_digits
        >>> from sknn import MLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> X, y, X_test, y_test = X[:1500] / 16, y[:1500], X[1500:] / 16, y[1500:]
        >>> clf = MLPClassifier(batch_size=32, learning_rate_init=0.01, random_state=0)
        >>> for start in range(0, 1500, 300):
        ...     part = slice(start, start + 300)
        ...     clf = clf.partial_fit(X[part], y[part], classes=range(10))
        ...     print(f"{clf.t_} rows: accuracy {clf.score(X_test, y_test):.2f}")
        300 rows: accuracy 0.57
        600 rows: accuracy 0.79
        900 rows: accuracy 0.76
        1200 rows: accuracy 0.78
        1500 rows: accuracy 0.84
        """
        # On the first call, all classes are learned from `classes`.
        if check_partial_fit_first_call(self, classes):
            with explained_target_errors(y), np.errstate(invalid="ignore"):
                multilabel = type_of_target(y).startswith("multilabel")
            y_all = y if multilabel else classes
            self._targets = self._make_targets(y_all, None, all_classes=False)
        validation = X_val, y_val, sample_weight_val
        self._fit(X, y, sample_weight, validation, one_epoch=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
