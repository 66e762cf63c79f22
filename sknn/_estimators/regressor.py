"""The base of the regressors."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import (
    OTHER_SCORERS,
    REGRESSION_SCORERS,
    Hidden,
    Interval,
    RegressorMixin,
    StrOptions,
    fit_context,
)
from .._training import Data
from .._typing import Array, MatrixLike
from ..losses import REGRESSION_LOSSES, HalfPoissonDeviance, Loss
from .aliases import explain_unknown_names
from .conformal import PredictsIntervals
from .likely_mistakes import warn_if_quantile_is_not_used
from .network_access import NetworkAccess
from .parameters import make_part
from .partial_fit import available_partial_fit
from .targets import NumberTargets, Targets, regression_loss

RegressionLossChoice: TypeAlias = (
    Literal[
        "squared_error", "absolute_error", "huber", "poisson", "quantile", "gaussian"
    ]
    | Loss
)


class NetworkRegressor(RegressorMixin, PredictsIntervals, NetworkAccess):
    """Base of the regressors: one or several numbers per row."""

    loss: RegressionLossChoice
    delta: float
    quantile: float | Sequence[float]

    _targets: NumberTargets

    _parameter_constraints: dict[str, Any] = {
        **NetworkAccess._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
        "scoring": [
            StrOptions({"loss", *REGRESSION_SCORERS}),
            Hidden(StrOptions(set(OTHER_SCORERS))),
            callable,
            None,
        ],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def _make_targets(
        self, y: Any, known: Targets | None, *, all_classes: bool
    ) -> NumberTargets:
        loss = make_part(self.loss, REGRESSION_LOSSES, vars(self))
        return NumberTargets(regression_loss(loss))

    def _warn_of_likely_mistakes(self, data: Data) -> None:
        super()._warn_of_likely_mistakes(data)
        warn_if_quantile_is_not_used(self.quantile, self.loss)

    def _example_targets(self, n_outputs: int, classes: Any) -> Any:
        if classes is not None:
            raise ValueError(
                f"classes={classes!r} is for classifiers, but {type(self).__name__} "
                "predicts numbers."
            )
        loss = make_part(self.loss, REGRESSION_LOSSES, vars(self))
        n_targets = max(1, n_outputs // loss.scores_per_output)
        return np.zeros((1, n_targets)) if n_targets > 1 else np.zeros(1)

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X: Any, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Predict the targets of rows of features.

        Parameters
        ----------
        %(rows)s
        return_std : bool, default=False
            Whether to return the standard deviations of the targets too, which
            ``loss='gaussian'`` learns.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted values: with ``loss='gaussian'`` the means.
        std : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The standard deviations. Only returned if `return_std` is True.

        Raises
        ------
        ValueError
            If `return_std` is True, but the loss has no standard deviations.

        Examples
        --------
        Targets with mean 3 x and standard deviation x:

        >>> import numpy as np
        >>> from sknn import MLPRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.uniform(0, 2, (1000, 1))
        >>> y = X[:, 0] * (3 + rng.normal(size=1000))
        >>> reg = MLPRegressor(
        ...     loss="gaussian",
        ...     learning_rate="cosine",
        ...     learning_rate_init=0.02,
        ...     max_iter=50,
        ...     random_state=0,
        ... ).fit(X, y)
        >>> mean, std = reg.predict([[0.2], [1.0], [1.8]], return_std=True)
        >>> print(mean.round(1), std.round(1))
        [0.6 3.  5.2] [0.2 0.9 2. ]
        """
        if not return_std:
            return super().predict(X)
        y, std = self._targets.predict_with_std(self._raw_scores(X))
        if std is None:
            raise ValueError(
                "return_std=True needs loss='gaussian', which learns a standard "
                f"deviation for each row, but loss={self.loss!r}. For intervals with "
                "any loss, use predict_interval."
            )
        return y, std

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the share of the variance of `y` that is explained.

        With several quantiles, return D²: the share by which the pinball loss is below
        that of constant quantiles, averaged over the quantiles.

        Parameters
        ----------
        %(rows)s
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 at best; 0 if the prediction is always the mean of `y` or, with several
            quantiles, always the quantiles of `y`.
        """
        return self._targets.score_predictions(y, self.predict(X), sample_weight)

    @available_partial_fit
    @explain_unknown_names
    @fit_context
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, from where the last call or `fit` ended.

        Training resumes with the same weights, solver state and learning rate, also
        after a pickle round trip. Schedules that are planned for `max_iter` epochs
        count the calls. Not available with ``solver='lbfgs'``.

        %(partial_fit_stopping)s

        Parameters
        ----------
        %(fit_parameters)s
        %(validation_parameters)s

        Returns
        -------
        self : estimator
            The trained regressor.

        Examples
        --------
        The loss of each of five epochs:

        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.preprocessing import scale
        >>> from sknn import MLPRegressor
        >>> X, y = (scale(data) for data in load_diabetes(return_X_y=True))
        >>> reg = MLPRegressor(learning_rate_init=0.01, random_state=0)
        >>> print(*(f"{reg.partial_fit(X, y).loss_:.3f}" for _ in range(5)))
        0.458 0.285 0.257 0.256 0.243
        """
        validation = X_val, y_val, sample_weight_val
        self._fit(X, y, sample_weight, validation, one_epoch=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        counts = self.loss == "poisson" or isinstance(self.loss, HalfPoissonDeviance)
        tags.target_tags.positive_only = counts
        return tags
