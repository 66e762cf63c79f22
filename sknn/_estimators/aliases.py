"""What other libraries call the parameters and their values, for error messages.

The names are those of Keras, PyTorch, XGBoost, LightGBM and other parts of
scikit-learn. They are not accepted; the errors say which name to use here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

E = TypeVar("E")
P = ParamSpec("P")
R = TypeVar("R")

VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "activation": {
        "identity": ("linear", "none"),
        "logistic": ("sigmoid", "expit"),
        "relu": ("rectifier",),
        "leaky_relu": ("leakyrelu", "lrelu"),
        "silu": ("swish",),
        "gelu": ("gelutanh", "gelunew"),
    },
    "initializer": {
        "glorot_uniform": ("glorot", "xavier", "xavieruniform"),
        "glorot_normal": ("xaviernormal",),
        "he_uniform": ("he", "kaiming", "kaiminguniform", "msra"),
        "he_normal": ("kaimingnormal", "variancescaling"),
        "lecun_uniform": ("lecun",),
        "normal": ("truncatednormal", "randomnormal", "gaussian"),
        "zeros": ("zero",),
    },
    "learning_rate": {
        "adaptive": ("plateau", "reduceonplateau", "reducelronplateau"),
        "cosine": ("cos", "cosineannealing", "cosineannealinglr", "cosinedecay"),
        "exponential": ("exp", "exponentiallr", "exponentialdecay"),
        "inverse_sqrt": ("rsqrt", "noam"),
        "invscaling": ("inversetimedecay",),
        "linear": ("linearlr", "polynomial", "polynomialdecay"),
        "one_cycle": ("onecycle", "onecyclelr"),
        "step": ("steplr", "multisteplr", "piecewiseconstantdecay"),
        "constant": ("none", "fixed"),
    },
    "loss": {
        "squared_error": ("mse", "mseloss", "l2", "meansquarederror", "rmse"),
        "absolute_error": ("mae", "maeloss", "l1", "l1loss", "meanabsoluteerror"),
        "huber": ("huberloss", "smoothl1", "smoothl1loss", "pseudohuber"),
        "quantile": ("pinball", "pinballloss"),
        "gaussian": ("gaussiannll", "gaussiannllloss", "heteroscedastic"),
        "poisson": ("poissonnllloss", "countpoisson"),
        "log_loss": (
            "bce",
            "binarycrossentropy",
            "categoricalcrossentropy",
            "sparsecategoricalcrossentropy",
            "crossentropy",
            "crossentropyloss",
            "nll",
            "nllloss",
            "softmax",
            "deviance",
        ),
    },
    "normalization": {
        "batch": ("batchnorm", "batchnormalization", "bn"),
        "layer": ("layernorm", "layernormalization", "ln"),
    },
    "pooling": {"avg": ("average", "mean"), "max": ("maximum",)},
    "scoring": {
        "accuracy": ("acc",),
        "f1": ("f1score",),
        "loss": ("valloss", "validationloss"),
        "neg_log_loss": ("logloss", "crossentropy"),
        "neg_mean_absolute_error": ("mae", "meanabsoluteerror"),
        "neg_mean_squared_error": ("mse", "meansquarederror"),
        "neg_root_mean_squared_error": ("rmse", "rootmeansquarederror"),
        "roc_auc": ("auc",),
    },
    "solver": {
        "lbfgs": ("lbfgsb",),
        "sgd": ("momentum", "nesterov", "sgdm", "gd"),
    },
}
"""For each parameter, our names and what others call them, spelled as `squash` does."""

NUMBERS = {
    "early_stopping": "n_iter_no_change",
    "learning_rate": "learning_rate_init",
}
"""Parameters that others set to a number, and our parameter for that number."""

LISTS = {"categorical_features"}
"""Parameters that are lists of the user's own names."""

PARAMETERS: dict[str, tuple[str, ...]] = {
    "activation": ("activationfunction", "act", "nonlinearity"),
    "alpha": ("l2", "reglambda", "weightregularization", "kernelregularizer"),
    "batch_size": ("batch", "minibatchsize"),
    "beta_1 and beta_2": ("betas",),
    "class_weight": ("classweights",),
    "conv_channels": ("filters", "channels", "convfilters", "outchannels"),
    "dropout": ("dropoutrate", "dropoutp", "pdropout"),
    "early_stopping": ("earlystop",),
    "early_stopping=True and n_iter_no_change": ("earlystoppingrounds",),
    "epsilon": ("eps",),
    "hidden_layer_sizes": (
        "hiddensizes",
        "hiddensize",
        "hiddenlayers",
        "hiddenunits",
        "hiddendims",
        "layersizes",
        "layers",
        "nhidden",
        "units",
    ),
    "init_from": ("pretrained", "weights"),
    "initializer": ("init", "kernelinitializer", "weightinit"),
    "input_shape": ("imageshape", "imagesize", "targetsize"),
    "l1_ratio": ("l1", "regalpha"),
    "learning_rate": ("lrscheduler", "scheduler", "lrschedule", "lrdecay"),
    "learning_rate_init": ("lr", "eta", "eta0", "initiallr", "initiallearningrate"),
    "loss": ("criterion", "objective", "lossfunction", "lossfn"),
    "max_grad_norm": ("clipnorm", "gradientclipval", "gradclip"),
    "max_grad_value": ("clipvalue",),
    "max_iter": (
        "epochs",
        "epoch",
        "maxepochs",
        "nepochs",
        "nepoch",
        "numepochs",
        "nestimators",
        "numboostround",
        "iterations",
    ),
    "n_iter_no_change": ("patience",),
    "n_members": ("nestimators", "nmodels", "nensembles", "ensemblesize"),
    "nesterovs_momentum": ("nesterov",),
    "normalization='batch'": ("batchnorm", "batchnormalization", "usebatchnorm"),
    "normalization='layer'": ("layernorm", "layernormalization"),
    "random_state": ("seed", "randomseed"),
    "restore_best": ("restorebestweights",),
    "scoring": ("metric", "metrics", "evalmetric", "monitor"),
    "solver": ("optimizer", "optim"),
    "stride": ("strides",),
    "tol": ("mindelta",),
    "validation_fraction": ("validationsplit", "valsplit", "valfraction"),
    "warm_start": ("warmstart", "resume"),
}
"""Our parameters of the constructor, and what others call them."""

FIT_PARAMETERS: dict[str, tuple[str, ...]] = {
    "sample_weight": ("sampleweights", "weights", "weight"),
    "sample_weight_val": ("evalsampleweight", "sampleweightevalset"),
    "X_val and y_val": (
        "validationdata",
        "evalset",
        "evalsets",
        "valdata",
        "validationset",
    ),
    "X_val": ("xvalid", "evalx", "xvalidation"),
    "y_val": ("yvalid", "evaly", "yvalidation"),
}
"""Our parameters of `fit`, and what others call them."""

INSTEAD: dict[str, tuple[str, ...]] = {
    "Pass callbacks to the method set_callbacks (scikit-learn 1.9 or later).": (
        "callbacks",
        "callback",
    ),
    "The number of outputs is learned from y in fit.": (
        "numclasses",
        "nclasses",
        "numclass",
        "noutputs",
        "outputdim",
    ),
    "The number of features is learned from X in fit.": (
        "inputdim",
        "inputsize",
        "nfeatures",
        "infeatures",
    ),
    "sknn computes on the processor only and has no such parameter.": ("device",),
    "The number of threads is that of BLAS: set OPENBLAS_NUM_THREADS, or use "
    "threadpoolctl.": ("njobs", "numworkers", "nthread", "nthreads"),
}
"""What to do instead, and parameters that others have for it."""

OWNERS: dict[str, tuple[str, ...]] = {
    "the regressors, such as MLPRegressor": ("delta", "quantile"),
    "the classifiers, such as MLPClassifier": ("class_weight", "label_smoothing"),
    "TabularClassifier and TabularRegressor": (
        "bagging",
        "categorical_features",
        "embedding_size",
        "max_one_hot",
        "n_members",
        "numerical_embedding",
    ),
    "TabularClassifier": ("calibrate",),
    "TabularRegressor": ("clip",),
    "CNNClassifier and CNNRegressor": (
        "conv_channels",
        "kernel_size",
        "padding",
        "pool_size",
        "pooling",
        "stride",
    ),
}
"""Parameters of the constructor that only some estimators have, by their owners."""


def squash(name: Any) -> str:
    """Return a name without case, spaces and punctuation: 'leakyrelu'."""
    return "".join(filter(str.isalnum, str(name).lower()))


def our_name(name: Any, table: dict[str, tuple[str, ...]]) -> str | None:
    """Return what `name` is called here; None if the table does not have it."""
    key = squash(name)
    return next((ours for ours, others in table.items() if key in others), None)


def suggest(value: Any, choices: Iterable[str], parameter: str = "") -> str:
    """Return a hint for an invalid value of a parameter; an empty string if none fits.

    Examples
    --------
    >>> suggest("swish", ["silu", "mish"], "activation")
    " 'swish' is called 'silu' here."
    >>> suggest("mihs", ["silu", "mish"], "activation")
    " Did you mean 'mish'?"
    """
    if parameter in NUMBERS and is_number(value):
        return f" To set a number, use {NUMBERS[parameter]}={value!r}."
    if not isinstance(value, str | None):
        return ""
    ours = our_name(value, VALUES.get(parameter, {}))
    if ours is not None:
        missing = "" if ours in choices else ", but this estimator does not have it"
        return f" {value!r} is called {ours!r} here{missing}."
    longer = [c for c in sorted(choices, key=len) if value and c.startswith(value)]
    near = longer or get_close_matches(str(value).lower(), sorted(choices))
    if not near and parameter in LISTS:
        return f" Pass a list, {parameter}=[{value!r}]."
    return f" Did you mean {near[0]!r}?" if near else ""


def is_number(value: Any) -> bool:
    """Return whether `value` is a number, of Python or of NumPy, but not a bool."""
    return type(value) is int or isinstance(value, float | np.number)


def suggest_parameter(name: str, method: str, own: Iterable[str], cls: Any) -> str:
    """Return a hint for an unknown parameter `name` of a method of the class `cls`.

    `own` are the parameters of that method.
    """
    for advice, others in INSTEAD.items():
        if squash(name) in others:
            return f" {advice}"
    places = [
        (
            "the constructor",
            PARAMETERS,
            own if method == "__init__" else signature(cls).parameters,
        ),
        ("fit", FIT_PARAMETERS, signature(cls.fit).parameters),
    ]
    here = "the constructor" if method == "__init__" else method
    if method != "__init__":
        places.reverse()
    for place, table, known in places:
        if name in known:
            return f" {name!r} is a parameter of {place}."
        names = [ours for ours, others in table.items() if squash(name) in others]
        if not names:
            continue
        existing = [ours for ours in names if first_word(ours) in known]
        if not existing:
            return (
                f" {name!r} is called {names[0]} here, but {cls.__name__} has no such "
                "parameter."
            )
        called = f" {name!r} is called {' or '.join(existing)} here"
        is_here = place == here or first_word(existing[0]) in own
        return f"{called}." if is_here else f"{called}, a parameter of {place}."
    for owners, theirs in OWNERS.items():
        if name in theirs:
            return f" {name!r} is a parameter of {owners}."
    return suggest(name, own)


def first_word(text: str) -> str:
    """Return the name that a text begins with: 'beta_1' of 'beta_1 and beta_2'."""
    return re.split(r"\W", text)[0]


def explain_unknown_names(
    method: Callable[Concatenate[E, P], R],
) -> Callable[Concatenate[E, P], R]:
    """Make the error for an unknown parameter of a method say what to use instead."""
    own = signature(method)
    known = own.parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return method

    @wraps(method)
    def wrapper(self: E, /, *args: P.args, **params: P.kwargs) -> R:
        for name in params:
            if name not in known:
                cls, method_name = type(self), method.__name__
                raise TypeError(
                    f"{cls.__name__}.{method_name}() got an unexpected keyword "
                    f"argument {name!r}."
                    f"{suggest_parameter(name, method_name, known, cls)}"
                )
        try:
            return method(self, *args, **params)
        except TypeError:
            try:
                own.bind(self, *args, **params)
            except TypeError as error:  # name the user's class, not ours
                message = f"{type(self).__name__}.{method.__name__}(): {error}"
                raise TypeError(message) from None
            raise

    return wrapper
