"""Transfer learning: weights from elsewhere, frozen layers, features for others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    is_classifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ._arrays import as_floats
from ._typing import Array, DType, Shape
from ._validation import suggest, warn_caller
from .network import Network


class TransferMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The part of an estimator that takes weights from elsewhere, and gives them."""

    network_: Network
    _loss: Any
    _progress: Any
    _y_type: str

    # -- frozen layers and rates ----------------------------------------------------

    def _layer_rates(self, network: Network) -> list[float]:
        """Return the factor of the learning rate of each layer; 0 where frozen."""
        rates = [1.0] * len(network.layers)
        if self.head_learning_rate is not None:
            rates[-1] = self.head_learning_rate / self.learning_rate_init
        for i in frozen_layers(network, self.freeze):
            rates[i] = 0.0
        if not any(
            rate for rate, spec in zip(rates, network.specs, strict=True) if spec.params
        ):
            raise ValueError(f"freeze={self.freeze!r} leaves no layer to train.")
        return rates

    # -- weights ------------------------------------------------------------------

    def _take_weights(self, network: Network) -> None:
        """Overwrite initial weights with those of `init_from`, as far as they fit."""
        warning = ""
        if isinstance(self.init_from, str | os.PathLike):
            arrays, taken = self._match_file(network, self.init_from)
        else:
            source = fitted_source(self.init_from)
            arrays = source.network_.weights
            taken, warning = self._match_estimator(network, source)
        places = arrays_of_layers(network)
        random = [network.names[i] for i, _ in places[taken:] if not network.rates[i]]
        if random:
            raise ValueError(
                f"freeze={self.freeze!r} would keep {', '.join(random)} as drawn at "
                "random: init_from has no weights that fit there."
            )
        if warning:
            warn_caller(warning)
        for _, at in places[:taken]:
            for view, array in zip(network.weights[at], arrays[at], strict=True):
                np.copyto(view, array)

    def _match_file(self, network: Network, path: Any) -> tuple[list[Array], int]:
        """Return the arrays of a file, and for how many layers to take them.

        All must fit, but for those of the output layer.
        """
        arrays, places = load_weights(path), arrays_of_layers(network)
        if len(arrays) != len(network.arrays):
            raise ValueError(
                f"init_from={os.fspath(path)!r} has {len(arrays)} arrays, but the "
                f"network needs {len(network.arrays)}: {network.arrays}."
            )
        taken = n_matching(places, network.arrays, arrays)
        if taken < len(places) - 1:
            raise ValueError(misfit(network, arrays, places, taken))
        for (name, _), array in zip(network.arrays, arrays, strict=True):
            check_weights(f"{name} in init_from", name, array, network.dtype)
        return arrays, taken

    def _match_estimator(self, network: Network, source: Any) -> tuple[int, str]:
        """Return for how many layers to take the weights of a fitted estimator.

        Hidden layers are matched by position, until one does not fit, of which the text
        that is returned too warns; the output layer is taken if all in front of it fit
        and it means the same.
        """
        theirs, places = source.network_, arrays_of_layers(network)
        n, m = len(places) - 1, len(arrays_of_layers(theirs)) - 1
        taken = n_matching(places[: min(n, m)], network.arrays, theirs.weights)
        if taken == n == m:
            fits = network.arrays[places[-1][1]] == theirs.arrays[places[-1][1]]
            return taken + (fits and self._predicts_the_same(source)), ""
        message = misfit(network, theirs.weights, places, taken)
        if not taken and n:
            raise ValueError(message)
        return taken, f"{message} The layers from there on begin anew."

    def _predicts_the_same(self, source: Any) -> bool:
        """Return whether the raw scores of `source` mean the same as those of this."""
        ours, theirs = self._loss, source._loss
        if (ours.link_name, ours.scores_per_output) != (
            theirs.link_name,
            theirs.scores_per_output,
        ):
            return False
        if not (is_classifier(self) and is_classifier(source)):
            return is_classifier(self) == is_classifier(source)
        return self._y_type == source._y_type and np.array_equal(
            self.classes_, source.classes_
        )

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer.

        Returns
        -------
        weights : list of ndarray
            Dense layers have W (fan_in, units) and b (units,); convolutions W
            (channels, channels of the input, kernel height, kernel width) and b
            (channels,); batch normalisation gamma, beta, and the running mean and
            variance. ``numpy.savez(path, *estimator.get_weights())`` makes a file that
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

    def set_weights(self, weights: Sequence[ArrayLike]) -> Self:
        """Set all weights, such as parameters that were trained elsewhere.

        Parameters
        ----------
        weights : list of array-like
            As `get_weights` returns them. (PyTorch keeps those of dense layers as
            (units, fan_in): pass the transpose.)

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there are more arrays or fewer than the network has, or one is of another
            shape or holds what is no finite number. Nothing is changed then.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknn import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = MLPClassifier((8,), learning_rate="linear", max_iter=1)
        >>> one, other = net.fit(X, y), MLPClassifier(**net.get_params()).fit(X, y)
        >>> other = other.set_weights(one.get_weights())
        >>> bool((other.predict_proba(X) == one.predict_proba(X)).all())
        True
        """
        check_is_fitted(self)
        arrays = [np.asarray(array) for array in weights]
        needed, dtype = self.network_.arrays, self.network_.dtype
        if len(arrays) != len(needed):
            raise ValueError(
                f"weights must be a list of {len(needed)} arrays, {needed}, got "
                f"{len(arrays)}."
            )
        for i, (array, (name, shape)) in enumerate(zip(arrays, needed, strict=True)):
            if array.shape != shape:
                raise ValueError(
                    f"weights[{i}], which is {name}, must be of shape {shape}, got "
                    f"{array.shape}."
                )
            check_weights(f"weights[{i}], which is {name},", name, array, dtype)
        self.network_.weights = arrays
        self._progress = None  # the solver's state belonged to the old ones
        return self

    # -- features -----------------------------------------------------------------

    def transform(self, X: Any) -> Array:
        """Return what the network makes of `X` in front of its output layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data, or images as `fit` takes them.

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
        X = self._check_X(X)
        if len(self.network_.layers) > 1:
            return self.network_.body().scores(X)
        X = X.copy() if isinstance(X, np.ndarray) else X.toarray()
        return as_floats(X, self.network_.dtype)

    @property
    def _n_features_out(self) -> int:
        """How many features `transform` returns."""
        specs = self.network_.specs
        return int(np.prod(specs[-1].in_shape))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def fitted_source(source: Any) -> Any:
    """Return the fitted estimator that `init_from` holds."""
    if isinstance(source, FrozenEstimator):
        source = source.estimator
    if not isinstance(source, TransferMixin):
        raise TypeError(
            "init_from must be a fitted estimator of sknn, such as MLPClassifier or "
            "CNNClassifier, also in a FrozenEstimator, or the path of a file of "
            f"weights, got {source!r}. Of a pipeline or a search pass the network "
            "within: pipeline[-1], search.best_estimator_."
        )
    if not hasattr(source, "network_"):
        raise ValueError(
            f"init_from={source!r} is not fitted. clone, and with it each search and "
            "cross-validation, makes an unfitted copy of an estimator: wrap the fitted "
            "one, init_from=sklearn.frozen.FrozenEstimator(fitted)."
        )
    return source


def frozen_layers(network: Network, freeze: Any) -> list[int]:
    """Return the layers that `freeze` means: those of images, the first n, or names."""
    if freeze is None:
        return []
    trained = [i for i, spec in enumerate(network.specs) if spec.params]
    if isinstance(freeze, int | np.integer) and not isinstance(freeze, bool):
        return first_layers(network, trained, int(freeze))
    if freeze == "conv":
        images = [i for i in trained if len(network.specs[i].in_shape) == 3]
        if not images:
            raise ValueError("freeze='conv', but the network has no convolution.")
        return images
    names = [network.names[i] for i in trained]
    wanted = [freeze] if isinstance(freeze, str | bool) else list(freeze)
    for name in wanted:
        if name not in names:
            raise ValueError(
                "freeze must be None, 'conv', a number of layers or names of layers "
                f"with parameters, {names}, got {freeze!r}.{suggest(name, names)}"
            )
    return [i for i in trained if network.names[i] in wanted]


def first_layers(network: Network, trained: list[int], n: int) -> list[int]:
    """Return the first `n` layers with a weight matrix, and what belongs to them.

    The normalisation and the learned slopes behind a layer are frozen with it.
    """
    begins = [
        i for i in trained if any(p.decay for p in network.specs[i].params.values())
    ]
    if n >= len(begins):
        raise ValueError(
            f"freeze={n} layers, but the network has {len(begins)}, the last of which "
            "is its output."
        )
    return [i for i in trained if i < begins[n]]


def arrays_of_layers(network: Network) -> list[tuple[int, slice]]:
    """Return the index of each layer that has arrays, and where they are in a list."""
    places, stop = [], 0
    for i, spec in enumerate(network.specs):
        start, stop = stop, stop + len(spec.params) + len(spec.state)
        if stop > start:
            places.append((i, slice(start, stop)))
    return places


def n_matching(
    places: list[tuple[int, slice]], needed: list[tuple[str, Shape]], came: list[Array]
) -> int:
    """Return for how many layers, from the first on, the arrays that came fit."""
    for n, (_, at) in enumerate(places):
        if [shape for _, shape in needed[at]] != [array.shape for array in came[at]]:
            return n
    return len(places)


def misfit(
    network: Network, came: list[Array], places: list[tuple[int, slice]], taken: int
) -> str:
    """Return in words from which layer on the arrays that came do not fit."""
    names = ", ".join(network.names[i] for i, _ in places[:taken])
    i, at = places[min(taken, len(places) - 1)]
    return (
        f"The weights of init_from fit {names + ' only' if names else 'no layer'}: "
        f"layer {network.names[i]} needs {network.arrays[at]}, what comes there is of "
        f"{[array.shape for array in came[at]]} ({len(came)} arrays came, the network "
        f"has {len(network.arrays)})."
    )


def load_weights(path: str | os.PathLike[str]) -> list[Array]:
    """Return the arrays of a file of weights, in their order. Runs no code from it."""
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = [file[name] for name in file.files]
    except FileNotFoundError:
        raise
    except (
        ValueError,
        OSError,
        EOFError,
        AttributeError,
        TypeError,
        BadZipFile,
    ) as error:
        raise ValueError(
            f"init_from={os.fspath(path)!r} is not a file of weights as "
            f"numpy.savez(path, *estimator.get_weights()) makes it: {error}"
        ) from None
    return arrays


def check_weights(where: str, name: str, array: Array, dtype: DType) -> None:
    """Raise unless an array holds what weights of that name can be in `dtype`."""
    with np.errstate(over="ignore"):
        cast = array.astype(dtype) if array.dtype.kind in "fiu" else None
    if cast is None or not np.isfinite(cast).all():
        raise ValueError(f"{where} must hold finite numbers of {dtype}.")
    if name.rpartition(".")[2] == "var" and cast.min() < 0:
        raise ValueError(f"{where} is a variance: no number may be below 0.")
