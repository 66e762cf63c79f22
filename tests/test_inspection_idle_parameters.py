"""The table of parameters without effect: what it says of fits is what fits do."""

import numpy as np
import pytest
from sklearn.metrics import make_scorer, zero_one_loss
from small_fits import SMALL, TWO_LAYERS, assert_same, fit

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularClassifier,
    TabularRegressor,
)
from sknn.activations import Logistic
from sknn.initializers import Constant
from sknn.inspection._idle_parameters import USES, idle_parameters
from sknn.layers import Dense
from sknn.losses import Huber, Quantile
from sknn.schedules import Adaptive, Cosine, InvScaling
from sknn.solvers import SGD, Adam, AdamW

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # With the rate that all solvers have here.
    "ignore:solver='adadelta':UserWarning",
    "ignore:quantile=0.1 has no effect:UserWarning",
)

LBFGS, STOPS = {"solver": "lbfgs"}, {"early_stopping": True}
LINEAR = {"hidden_layer_sizes": ()}
PLATEAU = {"solver": "sgd", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 8}


# A score by which the first epochs are the best.
ERROR_RATE = make_scorer(zero_one_loss)

WORSENS = {**STOPS, "scoring": ERROR_RATE}

# A parameter and another value of it; settings in which it has no effect; settings in
# which it has one.
CASES = [
    ("momentum", 0.5, [{}, LBFGS, {"solver": SGD()}], [{"solver": "sgd"}]),
    ("nesterovs_momentum", False, [{}, {"solver": SGD()}], [{"solver": "sgd"}]),
    ("rho", 0.5, [{}, LBFGS], [{"solver": "rmsprop"}, {"solver": "adadelta"}]),
    ("beta_1", 0.5, [{"solver": "sgd"}, {"solver": Adam()}], [{}, {"solver": "nadam"}]),
    ("beta_2", 0.9, [{"solver": "sgd"}, {"solver": Adam()}], [{}, {"solver": "adamw"}]),
    ("epsilon", 1e-3, [{"solver": "sgd"}, LBFGS], [{}, {"solver": "adagrad"}]),
    ("weight_decay", 0.5, [{}, LBFGS, {"solver": AdamW()}], [{"solver": "adamw"}]),
    ("max_fun", 3, [{}, {"solver": SGD()}], [LBFGS]),
    ("learning_rate_init", 0.02, [LBFGS], [{}, {"solver": SGD()}]),
    ("batch_size", 30, [LBFGS], [{}]),
    ("shuffle", False, [LBFGS], [{}]),
    ("max_grad_norm", 0.01, [LBFGS], [{}]),
    ("max_grad_value", 0.001, [LBFGS], [{}]),
    ("head_learning_rate", 0.02, [LBFGS], [{}]),
    ("layer_learning_rates", {"dense1": 0.5}, [LBFGS], [{}]),
    ("drop_last", True, [LBFGS], [{}]),
    ("learning_rate", "cosine", [LBFGS], [{}]),
    ("learning_rate", "invscaling", [LBFGS, {}], [{"solver": "sgd"}]),
    ("learning_rate", InvScaling(), [LBFGS], [{}]),
    ("learning_rate", "adaptive", [{**PLATEAU, "solver": "adam"}], [PLATEAU]),
    ("learning_rate", Adaptive(), [LBFGS], [{**PLATEAU, "solver": "adam"}]),
    (
        "power_t",
        0.1,
        [
            {},
            {"learning_rate": "invscaling"},
            {"learning_rate": "invscaling", **LBFGS},
            {"learning_rate": "cosine"},
            {"learning_rate": InvScaling()},
        ],
        [{"learning_rate": "invscaling", "solver": "sgd"}],
    ),
    (
        "weight_decay_schedule",
        "linear",
        [
            {},
            {"weight_decay": 0.5},
            {"solver": SGD(), "weight_decay": 0.5},
            {"solver": "adamw", "weight_decay": 0.0},
            {"solver": AdamW(weight_decay=0.0)},
        ],
        [
            {"solver": "adamw", "weight_decay": 0.5},
            {"solver": AdamW(weight_decay=0.5), "weight_decay": 0.0},
        ],
    ),
    (
        "dropout_schedule",
        "linear",
        [{}, LBFGS],
        [{name: 0.5} for name in ("dropout", "input_dropout", "dropconnect")],
    ),
    ("l1_ratio", 0.5, [{"alpha": 0.0}], [{"alpha": 1.0}]),
    (
        "init_scale",
        0.1,
        [{}, {"initializer": Constant(0.2)}, {"initializer": ["zeros", "he_normal"]}],
        [
            {"initializer": "normal"},
            {"initializer": "constant"},
            {"initializer": ("he_normal", "normal")},
        ],
    ),
    ("delta", 0.1, [{}, {"loss": Huber(0.2)}], [{"loss": "huber"}]),
    ("quantile", 0.1, [{}, {"loss": Quantile(0.2)}], [{"loss": "quantile"}]),
    ("validation_fraction", 0.5, [{}, LBFGS], [STOPS, {**STOPS, **LBFGS}]),
    ("restore_best", False, [{}, LBFGS], [WORSENS]),
    ("refit_on_all", True, [{}, LBFGS], [STOPS]),
    ("scoring", ERROR_RATE, [{}, LBFGS], [STOPS]),
    (
        "n_iter_no_change",
        1,
        [LBFGS],
        [{"tol": 10.0}, {**LBFGS, **STOPS, "restore_best": False, "max_iter": 50}],
    ),
    ("dropout", 0.3, [LINEAR], [{}]),
    ("normalization", "layer", [LINEAR, {**LINEAR, **LBFGS}], [{}]),
    ("activation", "tanh", [LINEAR], [{}]),
    ("activation", Logistic(), [], [LINEAR]),
    ("residual", True, [{}, LINEAR], [TWO_LAYERS]),
]


def cases(which):
    return [
        (name, value, settings)
        for name, value, *by_use in CASES
        for settings in by_use[which]
    ]


def estimator_with(name):
    return MLPRegressor if name in ("delta", "quantile") else MLPClassifier


def idle(Estimator, has_validation_set=False, **params):
    return idle_parameters(Estimator(**params), has_validation_set)


def two_fits(name, value, settings):
    Estimator = estimator_with(name)
    return fit(Estimator, **settings), fit(Estimator, **settings, **{name: value})


@pytest.mark.parametrize("name, value, settings", cases(0), ids=str)
def test_a_parameter_without_effect_changes_nothing(name, value, settings):
    Estimator = estimator_with(name)
    reasons = idle(Estimator, **settings, **{name: value})
    assert name in reasons
    assert name not in idle(Estimator, **settings)
    assert_same(*two_fits(name, value, settings))


@pytest.mark.parametrize("name, value, settings", cases(1), ids=str)
def test_a_parameter_that_has_an_effect_is_not_named(name, value, settings):
    assert name not in idle(estimator_with(name), **settings, **{name: value})
    without, with_it = two_fits(name, value, settings)
    same_shape = without.network_.theta.shape == with_it.network_.theta.shape
    assert not same_shape or (without.network_.theta != with_it.network_.theta).any()


@pytest.mark.parametrize("use", USES, ids=lambda use: "-".join(use.names))
def test_each_entry_of_the_table_has_cases(use):
    for name in use.names:
        for wanted, which in ((False, 0), (True, 1)):
            assert any(
                bool(use.is_used(all_settings(name, value, settings))) == wanted
                for case, value, settings in cases(which)
                if case == name
            ), (name, wanted)


def all_settings(name, value, settings):
    estimator = estimator_with(name)(**{**SMALL, **settings, name: value})
    return {**estimator.get_params(deep=False), "X_val": False}


def test_the_reason_names_the_parameter_that_it_depends_on():
    assert idle(MLPClassifier, weight_decay=0.1) == {
        "weight_decay": "it is used by solver='adamw' only"
    }
    reasons = idle(MLPClassifier, solver=SGD(), momentum=0.5, rho=0.1)
    assert set(reasons) == {"momentum", "rho"}
    assert set(reasons.values()) == {"solver=SGD() has its own constants"}
    reasons = idle(MLPClassifier, learning_rate=Cosine(), power_t=0.1)
    assert reasons == {"power_t": "learning_rate=Cosine() has its own constants"}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"weight_decay": 0.01, "momentum": np.float64(0.9), "refit_on_all": np.False_},
        {"max_iter": 10, "random_state": 0, "verbose": True},
        {"weight_decay": 0, "momentum": 0.0},
    ],
    ids=str,
)
def test_defaults_and_zeros_are_not_named(params):
    assert idle(MLPClassifier, **params, solver="lbfgs") == {}


def test_scoring_is_used_with_a_validation_set():
    assert idle(MLPClassifier, scoring="f1", has_validation_set=True) == {}


def test_estimators_without_some_of_the_parameters():
    no_dense = {"hidden_layer_sizes": (), "activation": "tanh", "residual": True}
    assert idle(CNNClassifier, **no_dense, normalization="batch") == {}
    no_dense.pop("residual")
    assert idle(CNNClassifier, **no_dense, dropout=[0.1, 0.2]) == {}
    assert set(idle(CNNClassifier, **no_dense, dropout=0.1)) == {"dropout"}
    assert set(idle(CNNClassifier, momentum=0.5, init_scale=1.0)) == {
        "momentum",
        "init_scale",
    }
    own = [Dense(3, initializer="normal")]
    layers = {"layers": own, "init_scale": 1.0, "dropout_schedule": "linear"}
    assert idle(SequentialClassifier, **layers) == {}
    assert idle(TabularClassifier) == idle(TabularRegressor) == {}
    changed = {"early_stopping": False, "restore_best": 3, "momentum": 0.5}
    assert set(idle(TabularClassifier, **changed)) == {"restore_best", "momentum"}
    assert set(idle(TabularRegressor, delta=2.0)) == {"delta"}
