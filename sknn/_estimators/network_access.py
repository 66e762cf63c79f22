"""What users do with the network of an estimator: weights, features, summary."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._arrays import as_floats
from .._sklearn import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from .._spec import is_integer_from
from .._training import Data
from .._typing import Array
from ..network import Network
from .attributions import (
    attributions_in_threads,
    check_baseline,
    derivative_of_output,
    sum_groups,
)
from .base import BaseNetworkEstimator
from .inputs import Rows, check_X, check_X_y, float_dtype
from .rollback import all_or_nothing
from .summary import HTMLTables, Summary
from .weights import (
    check_same_data,
    checked_weights,
    dtype_of_weights,
    features_of_weights,
    n_outputs,
)


class NetworkAccess(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseNetworkEstimator
):
    """An estimator whose weights can be read and set, and that gives features."""

    # -- weights and features ------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer.

        Returns
        -------
        weights : list of ndarray
            Dense layers have W (fan_in, units) and b (units,).
            {input_shape} Convolutions have W (channels, channels of the input, kernel
            {input_shape} height, kernel width) and b (channels,).
            {no bagging} Batch normalization has gamma, beta, and the running mean and
            {no bagging} variance.
            ``numpy.savez(path, *estimator.get_weights())`` makes a file that
            `init_from` takes.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), learning_rate="linear", max_iter=1).fit(X, y)
        >>> [array.shape for array in clf.get_weights()]
        [(4, 8), (8,), (8, 3), (3,)]
        """
        check_is_fitted(self)
        return [array.copy() for array in self.network_.weights]

    @all_or_nothing
    def set_weights(
        self,
        weights: Sequence[ArrayLike],
        *,
        classes: ArrayLike | None = None,
        n_features: int | None = None,
    ) -> Self:
        """Set all weights, such as weights that were trained elsewhere.

        {no bagging} This fits an estimator that was not fitted: it can predict, and
        {no bagging} `partial_fit`, or `fit` with ``warm_start=True``, trains it
        {no bagging} further.
        {input_shape} If its input is images, their pixels must be numbers, not bytes.
        {bagging} The estimator must be fitted, because the weights do not say how the
        {bagging} columns of a table are encoded.

        Parameters
        ----------
        weights : list of array-like
            As `get_weights` returns them. (PyTorch stores those of dense layers as
            (units, fan_in): pass the transpose.)
        classes : array-like of shape (n_classes,), default=None
            {quantile} Only for classifiers.
            {class_weight} Class labels in increasing order, which is the order of the
            {class_weight} outputs. For several labels per row, an indicator matrix such
            {class_weight} as ``numpy.eye(n_labels, dtype=int)``. Needed if the
            {class_weight} classifier is not fitted.
        n_features : int, default=None
            Number of features.
            {input_shape} Only needed by an estimator that is not fitted, where the
            {input_shape} first weights are those of a convolution and `input_shape` is
            {input_shape} None.
            {no input_shape} Not needed, but compared with the network.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If `weights` has more or fewer arrays than the network, or an array has
            another shape or is not finite, or if `classes` or `n_features` is missing
            or is not that of the fitted estimator. Nothing is changed then.

        Examples
        --------
        >>> import numpy as np
        >>> from sknn import MLPClassifier
        >>> W, b = np.array([[1.0], [-1.0]]), np.array([0.0])
        >>> clf = MLPClassifier(hidden_layer_sizes=())
        >>> clf = clf.set_weights([W, b], classes=["no", "yes"])
        >>> clf.predict([[1, 0], [0, 1]])
        array(['yes', 'no'], dtype='<U3')

        A regressor needs only the weights:

        >>> from sknn import MLPRegressor
        >>> MLPRegressor(hidden_layer_sizes=()).set_weights([W, b]).predict([[2, 0]])
        array([2.])
        """
        if self.__sklearn_is_fitted__():
            check_same_data(self, classes, n_features)
        else:
            self._validate_params()
            y = self._example_targets(n_outputs(weights), classes)
            self._build_network(weights, y, n_features)
        arrays = checked_weights(self.network_, weights)
        self._writable_network().weights = arrays
        self._progress = None  # the solver's state belonged to the old weights
        self._keep_held_out(None)
        return self

    @abstractmethod
    def _example_targets(self, n_outputs: int, classes: Any) -> Any:
        """Return a small `y` for a network with so many outputs."""

    def _build_network(
        self, weights: Sequence[ArrayLike], y: Any, n_features: int | None
    ) -> None:
        """Do what a fit does before training, for the data that `weights` suits."""
        images = getattr(self, "input_shape", None)
        dtype = dtype_of_weights(weights)
        X = np.zeros((len(y), features_of_weights(weights, n_features, images)), dtype)
        self._input = self._make_input(X)
        X, y = check_X_y(self, X, y, self._input)
        self._learn_targets(y, resumes=False, one_epoch=False)
        data = Data(X, self._targets.encode(y, dtype))
        self._set_network(self._network_for(data))
        self._set_fitted(self._run_of(data), validated=False)

    def transform(self, X: Any) -> Array:
        """Return the output of the last hidden layer.

        Parameters
        ----------
        %(rows)s

        Returns
        -------
        features : ndarray of shape (n_samples, n_hidden)
            Activations of the last hidden layer: features for another model.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), learning_rate="linear", max_iter=1).fit(X, y)
        >>> clf.transform(X).shape, clf.get_feature_names_out()[0]
        ((150, 8), 'mlpclassifier0')
        """
        X = check_X(self, X, self._fitted_input())
        if len(self.network_.layers) > 1:
            return self.network_.body().scores(X)
        X = X.copy() if isinstance(X, np.ndarray) else X.toarray()
        return as_floats(X, self.network_.dtype)

    def feature_attributions(
        self,
        X: Any,
        *,
        target: int | None = None,
        baseline: ArrayLike = 0.0,
        n_steps: int = 32,
        groups: ArrayLike | None = None,
    ) -> Array:
        """Return how much each feature adds to the prediction of each row.

        By integrated gradients [1]_: the gradient of the prediction, averaged along the
        straight line from the baseline to the row, times the difference of the two. The
        attributions of a row add up to the difference between its prediction and that
        of the baseline, up to the error of the numerical integration. They cost
        `n_steps` forward and backward passes and no fit, and say what the network looks
        at in one row. For the importance of features for the score, see
        `sklearn.inspection.permutation_importance`.

        {class_weight} Predictions are those of `decision_function`.
        {quantile} Predictions are those of `predict`; with ``loss='poisson'`` their
        {quantile} logarithm.

        Parameters
        ----------
        %(rows)s
        target : int, default=None
            {class_weight} Class or label: column of the prediction. With None, that of
            {class_weight} the predicted class of each row. Needed for several labels.
            {quantile} Target or quantile: column of the prediction. Needed if there are
            {quantile} several.
        baseline : float or array-like of shape (n_features,), default=0
            A neutral row to compare with, in the units of `X`. With the default, all
            features are 0: the mean of standardized features, a black image, or a text
            without words. For other features, pass ``X_train.mean(axis=0)``.
        n_steps : int, default=32
            Number of gradients on the line.
        groups : array-like of int of shape (n_features,), default=None
            Group of each feature, from 0, such as the column that one-hot features were
            made of. The attributions of a group are added up.

        Returns
        -------
        attributions : ndarray of shape (n_samples, n_features) or (n_samples, n_groups)
            In the units of the prediction.

        References
        ----------
        .. [1] M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep
           networks", ICML 2017.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sknn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> X = scale(X)
        >>> clf = MLPClassifier(
        ...     (8,), learning_rate="linear", max_iter=20, random_state=0
        ... ).fit(X, y)
        >>> attributions = clf.feature_attributions(X, target=2)
        >>> attributions.shape
        (150, 4)
        >>> z, z_0 = clf.decision_function(X), clf.decision_function(X[:1] * 0)
        >>> print(f"{attributions[100].sum():.2f} {z[100, 2] - z_0[0, 2]:.2f}")
        -0.76 -0.75

        A regressor with a single target needs no `target`:

        >>> from sklearn.datasets import load_diabetes
        >>> from sknn import MLPRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> reg = MLPRegressor(learning_rate="linear", max_iter=5, random_state=0)
        >>> reg.fit(X, (y - y.mean()) / y.std()).feature_attributions(X).shape
        (442, 10)
        """
        if not is_integer_from(1, n_steps):
            raise ValueError(f"n_steps must be an integer >= 1, got {n_steps!r}.")
        X = check_X(self, X, self._fitted_input())
        start = check_baseline(baseline, X.shape[1])
        if X.dtype == np.uint8:  # the network receives fractions of 255
            start = start / 255
        derivative = derivative_of_output(
            self._targets, self.network_.scores(X), target
        )
        found = attributions_in_threads(self.network_, X, derivative, start, n_steps)
        return found if groups is None else sum_groups(found, groups)

    @property
    def _n_features_out(self) -> int:
        """How many features `transform` returns."""
        specs = self.network_.specs
        return int(np.prod(specs[-1].in_shape))

    def summary(
        self, n_features_in: int | None = None, n_outputs: int | None = None
    ) -> Summary:
        """Return the layers with their output shapes and numbers of parameters.

        Without arguments, those of the fitted network. With arguments, or before `fit`,
        those of the network that the parameters describe.

        Parameters
        ----------
        n_features_in : int, default=None
            {no input_shape} Number of columns of `X`.
            {input_shape} Number of columns of `X`; for images, of their pixel values.
            {no input_shape} Needed before `fit`.
            {input_shape} Needed before `fit`, unless `input_shape` determines it.
        n_outputs : int, default=None
            {class_weight} Number of outputs: classes (1 for two classes) or labels.
            {quantile} Number of outputs: columns of the target.
            By default those of the fitted network, or 1 before `fit`.

        Returns
        -------
        summary : Summary
            Prints as a table, also in a notebook; ``summary.rows`` is a list.
            {input_shape} Shapes of images are height, width and channels, as in `X`.

        Raises
        ------
        NotFittedError
            If the number of features is not known.

        Examples
        --------
        >>> from sknn import CNNClassifier, MLPClassifier
        >>> MLPClassifier((8,)).summary(n_features_in=4, n_outputs=3)
        layer        kind                         output shape  parameters
        ------------------------------------------------------------------
        dense1       Dense(units=8)               8             40
        activation1  Activation(function='relu')  8             0
        output       Dense(units=3)               3             27
        67 parameters
        >>> cnn = CNNClassifier(input_shape=(28, 28))
        >>> cnn.summary(n_outputs=10).caption
        '421,642 parameters'
        """
        if n_features_in is None and n_outputs is None and hasattr(self, "network_"):
            return Summary(self.network_)
        return Summary(self._described_network(n_features_in, n_outputs))

    def _described_network(
        self, n_features: int | None, n_outputs: int | None
    ) -> Network:
        """Return the network that the parameters describe, without initial weights."""
        given = {"n_features_in": n_features, "n_outputs": n_outputs}
        for name, value in given.items():
            if value is not None and not is_integer_from(1, value):
                raise ValueError(f"{name} must be an integer >= 1, got {value!r}.")
        estimator = clone(self)  # learning the input sets attributes
        estimator._validate_params()
        n_features = n_features or estimator._n_features_of_input_shape()
        n_features = n_features or getattr(self, "n_features_in_", None)
        n_outputs = n_outputs or getattr(self, "n_outputs_", 1)
        if n_features is None:
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet, so the number "
                "of features is not known: pass it, summary(n_features_in=...), or "
                "call 'fit' first."
            )
        input, n_columns = self._example_input(estimator, n_features)
        dtype = float_dtype(np.float64)
        network: Network = estimator._make_network(input, n_columns, n_outputs, dtype)
        return network

    def _example_input(self, unfitted: Self, n_features: int) -> tuple[Rows, int]:
        """Return an input of so many features, and the number of encoded columns."""
        return unfitted._make_input(np.zeros((1, n_features))), n_features

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        # What scikit-learn's diagram shows of a fitted estimator, also within others.
        attributes = super()._get_fitted_attr_html(doc_link)
        return HTMLTables(self.summary().as_html, attributes._repr_html_inner)

    def _writable_network(self) -> Network:
        """Return the network, copied first if it is a read-only memory map."""
        network = self.network_
        if not (network.theta.flags.writeable and network.state.flags.writeable):
            self.network_ = copy.deepcopy(network)
        return self.network_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
