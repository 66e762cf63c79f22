"""Search spaces: suitable distributions for the parameters of a network."""

from __future__ import annotations

from typing import Any, Literal

from scipy.stats import loguniform

from .._network_finder import choose_network


def search_space(
    estimator: Any,
    size: Literal["small", "medium", "large"] = "medium",
    prefix: str = "",
) -> dict[str, Any]:
    """Return distributions for a search over the parameters of a network.

    They can be passed to :class:`CoarseToFineSearchCV` and to scikit-learn's
    :class:`~sklearn.model_selection.RandomizedSearchCV`. Each distribution includes the
    default of its parameter, and all combinations are valid, except that with
    ``padding='valid'`` small images may not allow every number and size of kernels.
    Features are expected to be scaled.

    Parameters
    ----------
    estimator : estimator
        A network of sknn, or an estimator that contains one, such as a `Pipeline`.
        Parameters that the network does not have are left out.
    size : {'small', 'medium', 'large'}, default='medium'
        How many parameters are searched.

        - 'small': learning rate, penalty on the weights and batch size.
        - 'medium': also width and depth of the network, activation, learning-rate
          schedule and dropout.
        - 'large': also solver, initializer, normalization, residual blocks and further
          regularization.

        For tables, it is the search space of RealMLP [1]_: learning rate, dropout and
        weight decay; also width and depth, activation and embedding of numbers; also
        label smoothing, batch size and the encoding of categories.

        Parameters that have no effect with the `solver`, `init_from` or `padding` of
        the estimator are left out. The learning rates suit its solver.
    prefix : str, default=''
        Prefix of each name, as in ``mlp__alpha``. It is found automatically, unless
        `estimator` contains several networks.

    Returns
    -------
    distributions : dict of str to list or distribution
        A new dict, which you can modify.

    Raises
    ------
    ValueError
        If `size` is not one of the three, or if `estimator` contains no network, or
        several and `prefix` does not select one.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, appendix C,
       https://arxiv.org/abs/2407.04491.

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
    for_tables = "numerical_embedding" in params
    distributions = _distributions_for_tables() if for_tables else _distributions()
    for step in sizes[: sizes.index(size) + 1]:
        space |= distributions[step]
    if not (for_tables and params["solver"] in SIMILAR_SOLVERS):
        space["learning_rate_init"] = _learning_rates(params["solver"])
    return {
        prefix + name: distribution
        for name, distribution in space.items()
        if name in params and _applies(name, params)
    }


def _learning_rates(solver: Any) -> Any:
    """Return the distribution of learning rates, which are higher for plain SGD."""
    name = solver if isinstance(solver, str) else type(solver).__name__.lower()
    return loguniform(1e-3, 1) if name in ("sgd", "adagrad") else loguniform(1e-4, 0.03)


def _applies(name: str, params: dict[str, Any]) -> bool:
    """Return whether a parameter has an effect, given the others of the network."""
    solver = params["solver"]
    if name == "solver":
        return solver in SIMILAR_SOLVERS
    if solver == "lbfgs" and name not in _USED_BY_LBFGS:
        return False
    if solver == "adadelta" and name == "learning_rate_init":
        return False  # it adapts the length of its steps by itself
    if params["init_from"] is not None and name in _ARCHITECTURE:
        return False
    # A residual block needs convolutions that keep height and width.
    window = params.get("padding", "same"), params.get("stride", 1)
    return name != "residual" or window == ("same", 1)


def _distributions() -> dict[str, dict[str, Any]]:
    """Return the distributions that each size adds, for all kinds of networks."""
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
            "solver": SIMILAR_SOLVERS,
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


def _distributions_for_tables() -> dict[str, dict[str, Any]]:
    """Return the distributions that each size adds, for networks for tables."""
    return {
        "small": {
            "learning_rate_init": loguniform(2e-2, 3e-1),
            "dropout": [0.0, 0.15, 0.3],
            "weight_decay": [0.0, 0.02],
        },
        "medium": {
            "hidden_layer_sizes": [(256, 256, 256), (64,) * 5, (512,)],
            "activation": ["auto", "relu", "selu", "mish"],
            "numerical_embedding": [None, "periodic", "piecewise_linear"],
        },
        "large": {
            "label_smoothing": [0.0, 0.1],
            "batch_size": ["auto", 64, 128, 512],
            "max_one_hot": [2, 9, 20],
            "embedding_size": [4, 8, 16],
        },
    }


SIMILAR_SOLVERS = ["adam", "adamw", "nadam", "rmsprop"]
"""Solvers for which the same learning rates are suitable."""

_ARCHITECTURE = {
    "conv_channels",
    "hidden_layer_sizes",
    "kernel_size",
    "normalization",
    "residual",
    "numerical_embedding",
    "embedding_size",
    "max_one_hot",
}
"""Parameters that must stay as they are for the weights of `init_from` to fit."""

_USED_BY_LBFGS = {
    "alpha",
    "conv_channels",
    "hidden_layer_sizes",
    "activation",
    "kernel_size",
    "initializer",
    "residual",
    "label_smoothing",
    "numerical_embedding",
    "embedding_size",
    "max_one_hot",
}
"""Parameters that L-BFGS uses; it ignores or rejects the others."""
