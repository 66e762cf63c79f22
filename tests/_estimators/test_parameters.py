"""Parameters: get, set, clone, print; the fields of objects; bad values."""

import copy
import html
import inspect
import pickle
import re

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.exceptions import (
    NotFittedError,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    PredefinedSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from small_fits import DATA, ESTIMATORS, IRIS, SMALL, assert_same, fit, name_of

from sknn import (
    MLPClassifier,
    MLPRegressor,
)
from sknn.activations import LeakyReLU
from sknn.initializers import Constant as ConstantWeights
from sknn.layers import (
    BatchNorm,
    PReLU,
)
from sknn.losses import (
    CategoricalCrossEntropy,
    HalfSquaredError,
    Huber,
    Quantile,
)
from sknn.schedules import (
    Cosine,
)
from sknn.solvers import SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# -- get, set, clone, print ------------------------------------------------------------

# A value for each parameter that is not its default.
PARAMS = {
    "hidden_layer_sizes": [4, 3],
    "activation": "tanh",
    "solver": "sgd",
    "alpha": 0.01,
    "batch_size": 20,
    "learning_rate": "adaptive",
    "learning_rate_init": 0.02,
    "power_t": 0.4,
    "max_iter": 3,
    "shuffle": False,
    "random_state": 7,
    "tol": 0.001,
    "verbose": True,
    "warm_start": True,
    "momentum": 0.8,
    "nesterovs_momentum": False,
    "early_stopping": True,
    "validation_fraction": 0.2,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-7,
    "n_iter_no_change": 5,
    "max_fun": 100,
    "scoring": "loss",
    "initializer": ["auto", "he_normal", ConstantWeights(0.1)],
    "init_scale": 0.1,
    "rho": 0.8,
    "weight_decay": 0.1,
    "dropout": [0.1, 0.2],
    "input_dropout": 0.1,
    "dropconnect": 0.1,
    "normalization": "batch",
    "residual": True,
    "l1_ratio": 0.5,
    "max_grad_norm": 1.0,
    "max_grad_value": 0.1,
    "mixup": 0.2,
    "restore_best": False,
    "refit_on_all": True,
    "init_from": "weights.npz",
    "freeze": 1,
    "head_learning_rate": 0.005,
    "layer_learning_rates": {"output": 0.5},
    "dropout_schedule": "flat_cosine",
    "weight_decay_schedule": "linear",
    "drop_last": True,
    "max_time": 60.0,
}

# The last entry: what must change before a fit, since not all go together.
ALL_PARAMS = [
    (
        MLPClassifier,
        {
            **PARAMS,
            "class_weight": "balanced",
            "loss": CategoricalCrossEntropy(),
            "label_smoothing": 0.1,
        },
        {"loss": "log_loss", "init_from": None},
    ),
    (
        MLPRegressor,
        {**PARAMS, "loss": "poisson", "delta": 0.5, "quantile": 0.2},
        {"quantile": 0.5, "init_from": None},
    ),
]


@pytest.mark.parametrize("cls, params, changes", ALL_PARAMS)
def test_every_parameter_can_be_got_set_and_cloned(cls, params, changes):
    defaults = cls().get_params()
    assert list(defaults) == sorted(inspect.signature(cls).parameters)
    assert set(params) == set(defaults)
    assert not any(params[name] == defaults[name] for name in params)
    net = cls(**params)
    assert net.get_params(deep=False) == params
    assert cls().set_params(**params).get_params(deep=False) == params
    fitted = net.set_params(**changes).fit(*IRIS)
    copied = clone(fitted)
    assert copied.get_params(deep=False) == {**params, **changes}
    assert not hasattr(copied, "network_")
    assert_same(copied.fit(*IRIS), fitted)


@pytest.mark.parametrize("cls, params, changes", ALL_PARAMS)
def test_repr_names_the_parameters_that_are_not_defaults(cls, params, changes):
    names = {c.__name__: c for c in (cls, ConstantWeights, CategoricalCrossEntropy)}
    assert repr(cls()) == f"{cls.__name__}()"
    assert repr(cls(max_iter=5)) == f"{cls.__name__}(max_iter=5)"
    for start in range(0, len(params), 20):  # scikit-learn cuts long ones short
        some = dict(list(params.items())[start : start + 20])
        printed = eval(repr(cls(**some)), names)
        assert printed.get_params(deep=False) == {**cls().get_params(), **some}
    with sklearn.config_context(print_changed_only=False):
        shown = re.findall(r"(\w+)=", repr(cls()))
    assert shown == sorted(params)[: len(shown)]
    assert len(shown) >= 20


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_html_repr_shows_the_parameters_and_whether_it_is_fitted(Estimator):
    def text(model):
        return html.unescape(re.sub(r"<[^>]+>", " ", model._repr_html_()))

    net = Estimator(**SMALL, alpha=0.125)
    for model in (net, make_pipeline(StandardScaler(), net)):
        assert type(net).__name__ in text(model)
        assert re.search(r"\balpha\b\W*0\.125\b", text(model))
    assert "Not fitted" in text(net)
    assert "Not fitted" not in text(net.fit(*IRIS))


def test_a_subclass_may_have_other_parameters():
    class Mine(MLPClassifier):
        def __init__(self, foo=1, *, alpha=0.1):
            super().__init__(alpha=alpha, solver="sgd", momentum=0.5, max_iter=2)
            self.foo = foo

    X, y = DATA[MLPClassifier]
    net = Mine(alpha=0.2).fit(X, y)
    assert net.get_params() == {"foo": 1, "alpha": 0.2}
    assert net._progress.solver == SGD(momentum=0.5)


# -- objects as parameters -------------------------------------------------------------

NESTED = [
    (MLPClassifier, "learning_rate", Cosine(), "warmup", 3),
    (MLPClassifier, "solver", Adam(), "beta_1", 0.5),
    (MLPClassifier, "activation", LeakyReLU(), "slope", 0.5),
    (MLPClassifier, "activation", PReLU(), "slope", 0.5),
    (MLPClassifier, "initializer", ConstantWeights(), "value", 0.5),
    (MLPClassifier, "normalization", BatchNorm(), "momentum", 0.5),
    (MLPRegressor, "loss", Huber(), "delta", 0.5),
    (MLPRegressor, "loss", Quantile(), "quantile", 0.2),
]


@pytest.mark.parametrize("Estimator, name, given, field, value", NESTED, ids=name_of)
def test_fields_of_objects_are_parameters(Estimator, name, given, field, value):
    key, default = f"{name}__{field}", getattr(given, field)
    kind, net = type(given), Estimator(**{**SMALL, name: given})
    assert net.get_params()[key] == default
    assert key not in net.get_params(deep=False)
    assert net.set_params(**{key: value}) is net
    assert net.get_params()[key] == value
    assert getattr(net, name) == kind(**{field: value})
    assert given == kind()  # the user's own is as it was
    set_at_once = Estimator(**SMALL).set_params(**{key: value, name: given})
    assert_same(net.fit(*DATA[Estimator]), set_at_once.fit(*DATA[Estimator]))
    X = DATA[Estimator][0]
    by_default = fit(Estimator, **{name: given})
    assert not np.array_equal(net.network_.scores(X), by_default.network_.scores(X))

    def has_value(fitted, X, y):
        return float(getattr(getattr(fitted, name), field) == value)

    net.set_params(**{name: given})
    search = GridSearchCV(net, {key: [default, value]}, cv=2, scoring=has_value)
    search.fit(*DATA[Estimator])
    assert search.best_params_ == {key: value}
    assert_same(search.best_estimator_, set_at_once)
    assert given == kind()


@pytest.mark.parametrize("Estimator, name, given, field, value", NESTED, ids=name_of)
def test_a_clone_does_not_share_a_changed_object(Estimator, name, given, field, value):
    net = Estimator(**{name: given})
    other = clone(net).set_params(**{f"{name}__{field}": value})
    assert getattr(net, name) is given
    assert getattr(other, name) == given.replace(**{field: value})
    for copied in (clone(net), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert getattr(copied, name) == given
        assert repr(copied) == repr(net)


def test_bad_fields_of_objects():
    net = MLPClassifier(learning_rate=Cosine())
    with pytest.raises(ValueError, match=r"Cosine has no parameter 'warm'.*'warmup'"):
        net.set_params(learning_rate__warm=1)
    with pytest.raises(ValueError, match=r"warmup of Cosine must be in .* got -1"):
        net.set_params(learning_rate__warmup=-1)
    assert net.learning_rate == Cosine()
    with pytest.raises(
        ValueError, match=r"learning_rate__warmup .*='cosine' has no parameters"
    ):
        MLPClassifier(learning_rate="cosine").set_params(learning_rate__warmup=1)
    with pytest.raises(ValueError, match="Invalid parameter 'warmup'"):
        net.set_params(warmup__x=1)


# -- bad values ------------------------------------------------------------------------

BOTH, C, R = ESTIMATORS, [MLPClassifier], [MLPRegressor]

STOPS = {"early_stopping": True}

Q = {"loss": "quantile"}


def among(name, hint=""):
    """Part of scikit-learn's message that lists choices, and the hint before it."""
    return f"^{hint} *The '{name}' parameter of .* must be .*"


def meant(name):
    """The hint that names what was probably meant."""
    return rf"Did you mean '{name}'\?"


BAD = [
    (BOTH, {"activation": "rellu"}, among("activation", meant("relu")) + "'rellu'"),
    (BOTH, {"activation": ("tahn",)}, "^Did you mean 'tanh'. activation must be one of "
     ".*'selu'.* or an instance of sknn.activations.ActivationFunction or "
     "sknn.layers.Layer.* got 'tahn'"),
    (BOTH, {"activation": (3,)}, "activation must be one of .* got 3"),
    (BOTH, {"activation": ("relu",) * 2}, "activation must be one value, or one for "
     r"each hidden layer, of which there are 1, got 2: \('relu', 'relu'\)"),
    (BOTH, {"activation": Cosine()}, among("activation") + r"Got Cosine\("),
    (BOTH, {"activation": LeakyReLU}, among("activation") + "Got <class"),
    (BOTH, {"activation": 3}, among("activation") + "sknn.layers.Layer or a "
     "list of one activation per hidden layer. Got 3"),
    (BOTH, {"solver": "adammw"}, among("solver", meant("adamw")) + "'rmsprop'"),
    (BOTH, {"solver": Cosine()}, among("solver") + r"sknn.solvers.Solver\. Got Cos"),
    (BOTH, {"learning_rate": "cosin"}, among("learning_rate", meant("cosine"))),
    (BOTH, {"learning_rate": 0.1}, among("learning_rate", "To set a number, use "
     "learning_rate_init=0.1.") + "Got 0.1"),
    (BOTH, {"initializer": "he_norm"}, among("initializer", meant("he_normal")) + "a "
     "list of one initializer per weight matrix"),
    (BOTH, {"initializer": ("auto", "glorot")}, "^'glorot' is called "
     "'glorot_uniform' here. initializer must be one of .* got 'glorot'"),
    (BOTH, {"initializer": ("auto",)}, "initializer must be one value, or one for each "
     "weight matrix, of which there are 2, got 1"),
    (BOTH, {"init_scale": -1.0}, among("init_scale") + "Got -1.0"),
    (BOTH, {"rho": 1.0}, among("rho") + "Got 1.0"),
    (BOTH, {"weight_decay": -1.0}, among("weight_decay") + "Got -1.0"),
    (BOTH, {"dropout": 1.0}, among("dropout") + "Got 1.0"),
    (BOTH, {"dropout": (1.5,)}, r"dropout must be in \[0, 1\), got 1.5"),
    (BOTH, {"dropout": ("0.5",)}, r"dropout must be in \[0, 1\), got '0.5'"),
    (BOTH, {"dropout": (0.1, 0.2)}, "dropout must be one value, or one for each hidden "
     "layer, of which there are 1, got 2"),
    (BOTH, {"input_dropout": 1.0}, among("input_dropout") + "Got 1.0"),
    (BOTH, {"dropconnect": -0.1}, among("dropconnect") + "Got -0.1"),
    (BOTH, {"normalization": "bach"}, among("normalization", meant("batch"))),
    (BOTH, {"residual": 2}, among("residual") + "Got 2"),
    (BOTH, {"l1_ratio": 1.5}, among("l1_ratio") + "Got 1.5"),
    (BOTH, {"max_grad_norm": 0.0}, among("max_grad_norm") + "or None. Got 0.0"),
    (BOTH, {"max_grad_value": -1.0}, among("max_grad_value") + "Got -1.0"),
    (BOTH, {"mixup": -0.1}, among("mixup") + "Got -0.1"),
    (BOTH, {"restore_best": "yes"}, among("restore_best") + "a bool, .* Got 'yes'"),
    (BOTH, {"refit_on_all": 2}, among("refit_on_all") + "Got 2"),
    (BOTH, {"validation_fraction": "KFold"}, among("validation_fraction") + "'split'"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([-1] * 120)},
     "PredefinedSplit.* into two parts, got 0 rows to train on and 0 to hold out"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0] * 120)},
     "must split the rows into two parts, got 0 rows to train on and 120 to hold out"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0, -1] * 5)},
     "validation_fraction=PredefinedSplit.* splits 10 rows, but X has 120"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0, -1] * 100)},
     "validation_fraction=PredefinedSplit.* splits 200 rows, but X has 120"),
    (C, {"label_smoothing": 1.0}, among("label_smoothing") + "Got 1.0"),
    (C, {"loss": "logloss"}, among("loss", meant("log_loss"))),
    (C, {"loss": "squared_error"}, among("loss") + "{'log_loss'}.* 'squared_error'"),
    (C, {"loss": CategoricalCrossEntropy(), "label_smoothing": 0.1},
     "label_smoothing=0.1 is for loss='log_loss' only, got loss=CategoricalCross"),
    (R, {"loss": "hubber"}, among("loss", meant("huber")) + "'quantile'"),
    (R, {"loss": "log_loss"}, among("loss") + "Got 'log_loss'"),
    (R, {"delta": 0.0}, among("delta") + "Got 0.0"),
    (R, {"quantile": 1.0}, among("quantile") + "Got 1.0"),
    (R, {**Q, "quantile": (0.5, 0.1)}, r"quantile .* increasing .*, got \(0.5, 0.1\)"),
    (R, {**Q, "quantile": (0.5, 0.5)}, r"quantile .* increasing .*, got \(0.5, 0.5\)"),
    (R, {**Q, "quantile": (0.0, 0.5)}, r"quantile .* in \(0, 1\).* got \(0.0, 0.5\)"),
    (R, {**Q, "quantile": (0.5, 1.0)}, r"quantile .* in \(0, 1\).* got \(0.5, 1.0\)"),
    (R, {**Q, "quantile": []}, r"quantile .* got \(\)"),
    (R, {**Q, "quantile": ["a", 0.2]}, r"quantile .* got \('a', 0.2\)"),
    (R, {**Q, "quantile": [[0.1, 0.2]]}, "quantile .* got .*0.1, 0.2"),
    (R, {"loss": CategoricalCrossEntropy()}, "is for classes, not for numbers"),
    (C, {"loss": HalfSquaredError()}, "is for numbers, not for classes"),
    (BOTH, {"early_stopping": True, "validation_fraction": KFold}, r"write KFold\("),
    # Misspelt names, numbers out of range, bad layer sizes.
    (C, {"solver": "adma"}, among("solver", meant("adam")) + "a str among .*'adam'.* "
     r"Got 'adma' instead\.$"),
    (C, {"activation": "Relu"}, among("activation", meant("relu")) + "'Relu' instead"),
    (C, {"activation": "sin"}, r"'activation'.*Got 'sin' instead\.$"),
    (R, {"loss": "squared_eror"}, "Did you mean 'squared_error'?"),
    (R, {"loss": (50, 20)}, r"^Pass the layers as hidden_layer_sizes=\(50, 20\)\. The"),
    (R, {"loss": 100}, r"^Pass the layers as hidden_layer_sizes=100\. The 'loss'"),
    (R, {"loss": ["mse"]}, among("loss") + r"Got \['mse'\] instead\.$"),
    (R, {"learning_rate": "adaptiv"}, "Did you mean 'adaptive'?"),
    (C, {"scoring": "acuracy"}, r"^Did you mean 'accuracy'\? The 'scoring' parameter"),
    (C, {"class_weight": "balance"}, "Did you mean 'balanced'?"),
    (C, {"batch_size": "Auto"}, among("batch_size", meant("auto"))),
    (C, {"alpha": -1}, "'alpha' parameter .* Got -1 instead"),
    (C, {"max_iter": 1.5}, "'max_iter' parameter .* Got 1.5 instead"),
    (C, {"momentum": 2}, "'momentum' parameter .* Got 2 instead"),
    (C, {"hidden_layer_sizes": (10, 0)},
     r"hidden_layer_sizes must be > 0, got \[10, 0\]"),
    (C, {"hidden_layer_sizes": (10, 2.5)},
     r"hidden_layer_sizes must be .* integers, .* got \(10, 2.5\)"),
    (C, {"early_stopping": True, "validation_fraction": 0},
     "validation_fraction=0: choose a fraction"),
    (C, {"early_stopping": True, "validation_fraction": 0.999},
     "validation_fraction=0.999 holds out 120 of 120 rows"),
    (C, {"scoring": "acc"}, "'acc' is called 'accuracy' here"),
    (C, {"solver": "none"},
     "{'adadelta', 'adagrad', 'adam', 'adamw', 'lbfgs', 'nadam', 'rmsprop', 'sgd'}"),
]  # fmt: skip


@pytest.mark.parametrize(
    "Estimators, params, message", BAD, ids=[str(params) for _, params, _ in BAD]
)
def test_bad_values_are_named_with_the_allowed_ones(Estimators, params, message):
    for Estimator in Estimators:
        X, y = (part[:120] for part in DATA[Estimator])
        net = Estimator(**params)
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)
        with pytest.raises(NotFittedError):
            check_is_fitted(net)
        assert vars(net) == vars(Estimator(**params))
