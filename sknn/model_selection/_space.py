"""Search spaces: distributions that suit the parameters of a network."""

from __future__ import annotations

from typing import Any, Literal

from scipy.stats import loguniform

from .._network_finder import choose_network


def search_space(
    estimator: Any,
    size: Literal["small", "medium", "large"] = "medium",
    prefix: str = "",
) -> dict[str, Any]:
    """Return distributions to search for the parameters of a network.

    They suit :class:`CoarseToFineSearchCV` and scikit-learn's `RandomizedSearchCV`
    alike. The default of each parameter is among what can be drawn, and all that can
    be drawn go together (but with ``padding='valid'`` small images may not do for each
    number and size of kernels). Features are expected to be scaled.

    Parameters
    ----------
    estimator : estimator
        A network of this package, or an estimator that holds one, such as a
        `Pipeline`. Which parameters are searched depends on what the network has.
    size : {'small', 'medium', 'large'}, default='medium'
        How many parameters are searched.

        - 'small': learning rate, penalty and batch size.
        - 'medium': widths and depth of the network, activation, schedule of the
          learning rate and dropout too.
        - 'large': also solver, initial weights, normalisation, residual blocks, and
          what else regularises.

        What the estimator's `solver`, `init_from` or `padding` have no use for is left
        out; learning rates are those that suit its solver.
    prefix : str, default=''
        Put in front of each name, as in ``mlp__alpha``. Where `estimator` holds a
        network, it is found; it needs to be said only where there are several.

    Returns
    -------
    distributions : dict of str to list or distribution
        A new dict, to change as you please.

    Raises
    ------
    ValueError
        If `size` is none of the three, or `estimator` holds no network, or several
        and `prefix` does not say which.

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn import MLPClassifier
    >>> from sknn.model_selection import search_space
    >>> model = Pipeline([("scale", StandardScaler()), ("mlp", MLPClassifier())])
    >>> space = search_space(model, "small")
    >>> list(space)
    ['mlp__learning_rate_init', 'mlp__alpha', 'mlp__batch_size']
    >>> space["mlp__batch_size"]
    ['auto', 16, 32, 64, 128]
    """
    sizes = ("small", "medium", "large")
    if size not in sizes:
        raise ValueError(f"size must be one of {sizes}, got {size!r}.")
    prefix, network = choose_network(estimator, prefix)
    params = network.get_params(deep=False)
    space: dict[str, Any] = {}
    for step in sizes[: sizes.index(size) + 1]:
        space |= _distributions()[step]
    space["learning_rate_init"] = _learning_rates(params["solver"])
    return {
        prefix + name: distribution
        for name, distribution in space.items()
        if name in params and _applies(name, params)
    }


def _learning_rates(solver: Any) -> Any:
    """Return the distribution of the rate: steps of gradient descent are longer."""
    name = solver if isinstance(solver, str) else type(solver).__name__.lower()
    return loguniform(1e-3, 1) if name in ("sgd", "adagrad") else loguniform(1e-4, 0.03)


def _applies(name: str, params: dict[str, Any]) -> bool:
    """Return whether a parameter may be searched beside the others of a network."""
    solver = params["solver"]
    if name == "solver":
        return solver in SOLVERS_ALIKE
    if solver == "lbfgs" and name not in _FOR_LBFGS:
        return False
    if solver == "adadelta" and name == "learning_rate_init":
        return False  # it finds the length of its steps by itself
    if params["init_from"] is not None and name in _OF_THE_ARCHITECTURE:
        return False
    moves = params.get("padding", "same"), params.get("stride", 1)
    return name != "residual" or moves == ("same", 1)


def _distributions() -> dict[str, dict[str, Any]]:
    """Return for each size what it adds; a network takes what it has parameters for."""
    return {
        "small": {
            "learning_rate_init": loguniform(1e-4, 3e-2),
            "alpha": loguniform(1e-6, 1e1),
            "batch_size": ["auto", 16, 32, 64, 128],
        },
        "medium": {
            "conv_channels": [(16,), (32,), (16, 32), (32, 64)],
            "hidden_layer_sizes": [
                *[(32,), (64,), (100,), (128,), (256,)],
                *[(64, 64), (128, 64), (128, 128)],
            ],
            "activation": ["relu", "tanh", "gelu", "silu"],
            "learning_rate": ["constant", "cosine", "one_cycle"],
            "dropout": [0.0, 0.1, 0.2, 0.3, 0.5],
        },
        "large": {
            "kernel_size": [3, 5],
            "solver": SOLVERS_ALIKE,
            "weight_decay": loguniform(1e-4, 1e-1),
            "initializer": ["glorot_uniform", "auto"],
            "normalization": [None, "batch", "layer"],
            "residual": [False, True],
            "input_dropout": [0.0, 0.05, 0.1, 0.2],
            "mixup": [0.0, 0.1, 0.2, 0.4],
            "label_smoothing": [0.0, 0.05, 0.1],
            "max_grad_norm": [None, 1.0],
        },
    }


SOLVERS_ALIKE = ["adam", "adamw", "nadam", "rmsprop"]
"""Solvers that the same learning rates suit."""

_OF_THE_ARCHITECTURE = {
    "conv_channels",
    "hidden_layer_sizes",
    "kernel_size",
    "normalization",
    "residual",
}
"""What weights from elsewhere ask for as it is."""

_FOR_LBFGS = {
    "alpha",
    "conv_channels",
    "hidden_layer_sizes",
    "activation",
    "kernel_size",
    "initializer",
    "residual",
    "label_smoothing",
}
"""What L-BFGS has a use for; the rest it ignores, or refuses."""
