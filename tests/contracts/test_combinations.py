"""Combinations of parameters: each has one answer, used, ignored or an error."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
)
from small_fits import DATA, ESTIMATORS, SMALL, TWO_LAYERS, assert_same, fit

from sknn import MLPRegressor
from sknn.activations import ReLU
from sknn.initializers import Constant as ConstantWeights
from sknn.initializers import GlorotUniform
from sknn.layers import Activation, BatchNorm, LayerNorm, PReLU
from sknn.losses import (
    CategoricalCrossEntropy,
    HalfSquaredError,
    Huber,
    Quantile,
)
from sknn.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Exponential,
    InvScaling,
    OneCycle,
    Step,
)
from sknn.solvers import SGD, SOLVERS, Adam, AdamW, RMSProp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # With the rate that the tables have for all solvers.
    "ignore:solver='adadelta':UserWarning",
)

STOCHASTIC = [*SOLVERS]

EVERY = [*SOLVERS, "lbfgs"]


# -- used, ignored or an error ---------------------------------------------------------

ADAMS = ["adam", "adamw", "nadam"]

BUT_ADAM = [name for name in STOCHASTIC if name != "adam"]

BUT_SGD = [name for name in STOCHASTIC if name != "sgd"]

PLATEAU = {"tol": 10.0, "n_iter_no_change": 1, "max_iter": 8}

# Other parameters; a change; the solvers for which it makes a difference. Those of
# IMPOSSIBLE_WITH_LBFGS are an error there, the others change nothing at all.
BY_SOLVER = [
    ({}, {"momentum": 0.5}, ["sgd"]),
    ({}, {"nesterovs_momentum": False}, ["sgd"]),
    ({}, {"beta_1": 0.5}, ADAMS),
    ({}, {"beta_2": 0.9}, ADAMS),
    ({}, {"epsilon": 1e-3}, BUT_SGD),
    ({}, {"rho": 0.5}, ["rmsprop", "adadelta"]),
    ({}, {"weight_decay": 0.5}, ["adamw"]),
    ({}, {"learning_rate_init": 0.02}, STOCHASTIC),
    ({}, {"batch_size": 30}, STOCHASTIC),
    ({}, {"shuffle": False}, STOCHASTIC),
    ({}, {"max_grad_norm": 0.01}, STOCHASTIC),
    ({}, {"max_grad_value": 0.001}, STOCHASTIC),
    ({}, {"head_learning_rate": 0.02}, STOCHASTIC),
    ({}, {"layer_learning_rates": {"dense1": 0.5}}, STOCHASTIC),
    ({}, {"layer_learning_rates": {"*.b": 0.1}}, STOCHASTIC),
    ({}, {"drop_last": True}, STOCHASTIC),
    ({}, {"weight_decay_schedule": "linear"}, ["adamw"]),
    ({}, {"freeze": 1}, EVERY),
    ({}, {"max_time": 1e-9}, EVERY),
    ({}, {"max_fun": 3}, ["lbfgs"]),
    *(
        ({}, {"learning_rate": name}, STOCHASTIC)
        for name in SCHEDULES
        if name not in ("constant", "invscaling", "adaptive")
    ),
    ({}, {"learning_rate": Constant(warmup=2)}, STOCHASTIC),
    ({}, {"learning_rate": "invscaling"}, BUT_ADAM),
    ({}, {"learning_rate": InvScaling()}, STOCHASTIC),
    (PLATEAU, {"learning_rate": "adaptive"}, BUT_ADAM),
    (PLATEAU, {"learning_rate": Adaptive()}, STOCHASTIC),
    ({}, {"power_t": 0.1}, []),
    ({"learning_rate": "invscaling"}, {"power_t": 0.1}, BUT_ADAM),
    ({"learning_rate": InvScaling()}, {"power_t": 0.1}, []),
    ({}, {"init_scale": 0.1}, []),
    ({"initializer": "normal"}, {"init_scale": 0.1}, EVERY),
    ({"initializer": "constant"}, {"init_scale": 0.1}, EVERY),
    ({}, {"activation": "prelu"}, EVERY),
    ({}, {"initializer": "he_normal"}, EVERY),
    ({}, {"normalization": "layer"}, EVERY),
    ({}, {"residual": True}, []),
    (TWO_LAYERS, {"residual": True}, EVERY),
    ({"alpha": 1.0}, {"l1_ratio": 0.5}, EVERY),
    ({"alpha": 0.0}, {"l1_ratio": 0.5}, []),
    ({}, {"label_smoothing": 0.1}, EVERY),
    ({}, {"class_weight": {0: 2.0}}, EVERY),
    ({}, {"dropout": 0.2}, STOCHASTIC),
    ({}, {"input_dropout": 0.2}, STOCHASTIC),
    ({}, {"dropconnect": 0.2}, STOCHASTIC),
    ({}, {"mixup": 0.2}, STOCHASTIC),
    ({}, {"normalization": "batch"}, STOCHASTIC),
    *(
        ({"early_stopping": stops}, change, EVERY if stops else [])
        for stops in (False, True)
        for change in (
            {"refit_on_all": True},
            {"validation_fraction": 0.5},
            {"validation_fraction": KFold(5)},
        )
    ),
]

IMPOSSIBLE_WITH_LBFGS = {
    "dropout": 0.2,
    "input_dropout": 0.2,
    "dropconnect": 0.2,
    "mixup": 0.2,
    "normalization": "batch",
}


@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize(
    "others, change, users",
    BY_SOLVER,
    ids=[f"{others}-{change}" for others, change, _ in BY_SOLVER],
)
def test_a_parameter_is_used_or_ignored_or_an_error(others, change, users, solver):
    without = fit(solver=solver, **others)
    if solver == "lbfgs" and change.items() <= IMPOSSIBLE_WITH_LBFGS.items():
        with pytest.raises(ValueError, match="solver='lbfgs' needs one fixed function"):
            fit(solver=solver, **others, **change)
        return
    with_it = fit(solver=solver, **others, **change)
    if solver in users:
        assert not np.array_equal(without.network_.theta, with_it.network_.theta)
    else:
        assert_same(without, with_it)


BY_LOSS = [
    ({"delta": 0.1}, ["huber"]),
    ({"quantile": 0.1}, ["quantile"]),
]


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "quantile"]
)
@pytest.mark.parametrize("change, users", BY_LOSS, ids=str)
@pytest.mark.filterwarnings("ignore:quantile=0.1 has no effect:UserWarning")
def test_a_parameter_of_a_loss_is_used_by_that_loss_only(change, users, loss):
    without, with_it = (
        fit(MLPRegressor, loss=loss, **params) for params in ({}, change)
    )
    same = np.array_equal(without.network_.theta, with_it.network_.theta)
    assert same == (loss not in users)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_restore_best_matters_with_early_stopping_only(solver, early_stopping):
    scores = iter([2, 3, 1, 0] * 2)  # the second epoch is best
    params = {
        "solver": solver,
        "early_stopping": early_stopping,
        "scoring": lambda estimator, X, y: next(scores),
    }
    best, last = (fit(restore_best=restores, **params) for restores in (True, False))
    assert best.loss_curve_ == last.loss_curve_
    same = np.array_equal(best.network_.theta, last.network_.theta)
    assert same == (not early_stopping)


@pytest.mark.parametrize(
    "params, ignored",
    [
        ({"solver": Adam(beta_1=0.5)}, {"beta_1": 0.1, "epsilon": 1e-3}),
        ({"solver": SGD(momentum=0.5)}, {"momentum": 0.1}),
        ({"solver": AdamW()}, {"weight_decay": 0.5}),
        ({"initializer": ConstantWeights(0.1)}, {"init_scale": 0.5}),
    ],
    ids=str,
)
def test_an_object_brings_its_own_constants(params, ignored):
    assert_same(fit(**params), fit(**params, **ignored))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("change", IMPOSSIBLE_WITH_LBFGS.items(), ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_what_lbfgs_cannot_do_is_an_error(Estimator, change, residual):
    params = {**SMALL, **TWO_LAYERS, "residual": residual, **dict([change])}
    message = f"{change[0]}.*make.*different from batch to batch, but solver='lbfgs'"
    fresh = Estimator(**params, solver="lbfgs")
    fitted = Estimator(**params).fit(*DATA[Estimator]).set_params(solver="lbfgs")
    theta = fitted.network_.theta.copy()
    for estimator in (fresh, fitted):
        before = dict(vars(estimator))
        with pytest.raises(ValueError, match=message):
            estimator.fit(*DATA[Estimator])
        assert vars(estimator) == before
    assert_array_equal(fitted.network_.theta, theta)


# -- two ways to say the same ----------------------------------------------------------

# Two ways to say the same thing.
SYNONYMS = [
    ({}, {"activation": ("relu",)}),
    ({}, {"activation": ReLU()}),
    ({}, {"activation": Activation(ReLU())}),
    ({"activation": "prelu"}, {"activation": [PReLU(0.25)]}),
    ({}, {"initializer": GlorotUniform()}),
    ({}, {"initializer": ("glorot_uniform", "glorot_uniform")}),
    ({"initializer": "auto"}, {"initializer": ("he_normal", "glorot_uniform")}),
    ({}, {"solver": Adam()}),
    ({"solver": "sgd", "momentum": 0.5}, {"solver": SGD(momentum=0.5)}),
    ({"solver": "rmsprop", "rho": 0.5}, {"solver": RMSProp(rho=0.5)}),
    ({"solver": "adamw", "weight_decay": 0.0}, {"solver": "adam"}),
    ({}, {"learning_rate": Constant()}),
    ({}, {"learning_rate": Step(at=())}),
    ({}, {"learning_rate": Exponential(final=1.0)}),
    ({}, {"learning_rate": InvScaling(power_t=0.0)}),
    ({"learning_rate": "one_cycle"}, {"learning_rate": OneCycle()}),
    ({}, {"dropout": (0.0,)}),
    ({"dropout": 0.2}, {"dropout": np.array([0.2])}),
    ({**TWO_LAYERS, "dropout": 0.2}, {**TWO_LAYERS, "dropout": [0.2, 0.2]}),
    ({"normalization": "batch"}, {"normalization": BatchNorm()}),
    ({"normalization": "layer"}, {"normalization": LayerNorm()}),
    ({}, {"freeze": 0}),
    ({"freeze": 1}, {"freeze": ["dense1"]}),
    ({"learning_rate_init": 0.02}, {"learning_rate_init": 0.02,
                                    "head_learning_rate": 0.02}),
    ({"learning_rate_init": 0.02, "head_learning_rate": 0.04},
     {"learning_rate_init": 0.02, "layer_learning_rates": {"output": 2.0}}),
    ({"layer_learning_rates": {"dense1": 2.0}},
     {"layer_learning_rates": {"dense1.W": 2.0, "dense1.b": 2.0}}),
    ({"dropout": 0.2}, {"dropout": 0.2, "dropout_schedule": Constant()}),
    ({}, {"max_grad_norm": 1e300}),
    ({}, {"max_grad_value": 1e300}),
    ({"label_smoothing": 0.1}, {"loss": CategoricalCrossEntropy(label_smoothing=0.1)}),
    ({}, {"loss": CategoricalCrossEntropy()}),
    ({"early_stopping": True, "validation_fraction": KFold(5)},
     {"early_stopping": True, "validation_fraction": PredefinedSplit(
         np.repeat([0, -1], [30, 120]))}),
]  # fmt: skip


@pytest.mark.parametrize("one, other", SYNONYMS, ids=str)
def test_two_ways_to_say_the_same_give_the_same_model(one, other):
    a, b = fit(**one), fit(**other)
    assert_same(a, b)
    assert a.validation_scores_ == b.validation_scores_


def test_two_ways_to_name_a_loss_of_a_regressor_give_the_same_model():
    for named, loss in [
        ({}, HalfSquaredError()),
        ({"loss": "huber", "delta": 0.5}, Huber(0.5)),
        ({"loss": "quantile", "quantile": [0.2, 0.8]}, Quantile((0.2, 0.8))),
    ]:
        assert_same(fit(MLPRegressor, **named), fit(MLPRegressor, loss=loss))
