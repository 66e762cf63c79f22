"""The vocabulary of training, as parameters of the estimators: what each one changes,
what it leaves alone, and what it says when it cannot do what it is asked to."""

import copy
import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import erf
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_pinball_score, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.preprocessing import scale

from sknn import MLPClassifier, MLPRegressor
from sknn.activations import ActivationFunction, LeakyReLU, ReLU
from sknn.initializers import Constant as ConstantWeights
from sknn.initializers import GlorotUniform, Initializer
from sknn.layers import Activation, BatchNorm, LayerNorm, PReLU
from sknn.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfSquaredError,
    Huber,
    Loss,
    Quantile,
)
from sknn.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Exponential,
    InvScaling,
    OneCycle,
    Schedule,
    Step,
)
from sknn.solvers import SGD, SOLVERS, Adam, AdamW, RMSProp, Solver

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # With the rate that the tables have for all solvers.
    "ignore:solver='adadelta':UserWarning",
)

ESTIMATORS = [MLPClassifier, MLPRegressor]
STOCHASTIC = [*SOLVERS]
EVERY = [*SOLVERS, "lbfgs"]

SHUFFLED = np.random.RandomState(0).permutation(150)
IRIS = scale(load_iris().data)[SHUFFLED], load_iris().target[SHUFFLED]
DIABETES = tuple(scale(part[:120]) for part in load_diabetes(return_X_y=True))
DATA = {MLPClassifier: IRIS, MLPRegressor: DIABETES}

SMALL = {
    "hidden_layer_sizes": (6,),
    "batch_size": 40,
    "learning_rate_init": 0.01,
    "max_iter": 4,
    "random_state": 0,
}


def name_of(value):
    """Name of a case, for pytest's ids."""
    return value.__name__ if isinstance(value, type) else str(value)


def fit(Estimator=MLPClassifier, *more, **params):
    X, y = DATA[Estimator]
    return Estimator(**{**SMALL, **params}).fit(X, y, *more)


def assert_same(a, b):
    """The same model to the last bit, and the same way to it."""
    assert_array_equal(a.network_.theta, b.network_.theta)
    assert_array_equal(a.network_.state, b.network_.state)
    assert a.loss_curve_ == b.loss_curve_


# -- each combination has one answer --------------------------------------------------

ADAMS = ["adam", "adamw", "nadam"]
BUT_ADAM = [name for name in STOCHASTIC if name != "adam"]
BUT_SGD = [name for name in STOCHASTIC if name != "sgd"]
TWO_LAYERS = {"hidden_layer_sizes": (6, 6)}
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
    ({}, {"freeze": 1}, EVERY),
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


# -- what is random -------------------------------------------------------------------

NOISE = [{"dropout": 0.5}, {"input_dropout": 0.5}, {"dropconnect": 0.5}, {"mixup": 0.2}]
rows_seen = []


@dataclass(frozen=True)
class SpyLoss(HalfSquaredError):
    """The squared error, which notes the targets of each batch."""

    def loss_gradient(self, z, y, sample_weight, out):
        rows_seen.append(y.ravel().copy())
        return super().loss_gradient(z, y, sample_weight, out)


@pytest.mark.parametrize("noise", NOISE, ids=str)
def test_noise_moves_neither_initial_weights_nor_hold_out_nor_shuffles(noise):
    X, y = DIABETES[0], np.arange(120.0)  # the targets tell the rows
    seen, begun, next_draws = [], [], []
    for params in ({}, noise):
        rng = np.random.RandomState(0)
        estimator = MLPRegressor(
            loss=SpyLoss(), early_stopping=True, restore_best=False,
            **{**SMALL, "learning_rate_init": 1e-300, "random_state": rng, **params},
        )  # fmt: skip
        rows_seen.clear()
        estimator.fit(X, y)
        # With mixup a batch is seen twice: its targets, then those mixed in. Each
        # epoch ends with the hold-out.
        mixed = ["mixup" in params]
        step, pattern = 1 + mixed[0], 3 * (1 + mixed[0]) + 1
        epochs = [rows_seen[i : i + pattern] for i in range(0, 4 * pattern, pattern)]
        seen.append([[*e[:-1:step], e[-1]] for e in epochs])
        begun.append(estimator.network_.theta)
        next_draws.append(rng.uniform(size=3))
    assert [len(batch) for batch in seen[0][0]] == [40, 40, 28, 12]
    assert not np.array_equal(seen[0][0][0], seen[0][1][0])  # epochs differ
    for plain, noisy in zip(*seen, strict=True):
        assert_array_equal(np.hstack(plain), np.hstack(noisy))
    assert_array_equal(*begun)
    assert_array_equal(*next_draws)


@pytest.mark.parametrize("noise", NOISE, ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_noise_is_the_same_for_the_same_seed_and_differs_between_epochs(
    Estimator, noise
):
    one, same = (fit(Estimator, **noise) for _ in range(2))
    assert_same(one, same)
    # Weights that do not move, batches that do not change: what differs is the noise.
    still = {"learning_rate_init": 1e-300, "shuffle": False, "batch_size": 150}
    still |= {"max_iter": 5, "n_iter_no_change": 10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # batch_size is clipped
        losses = fit(Estimator, **still, **noise).loss_curve_
        assert len(set(losses)) == 5
        # partial_fit goes on drawing where the last call stopped.
        again = Estimator(**{**SMALL, **still, **noise, "max_iter": 2})
        again.fit(*DATA[Estimator])
        for _ in range(3):
            again = pickle.loads(pickle.dumps(again)).partial_fit(*DATA[Estimator])
        assert again.loss_curve_ == losses


def test_noise_is_for_training_only():
    net = fit(dropout=0.5, input_dropout=0.5, dropconnect=0.5, mixup=0.2)
    assert_array_equal(net.predict_proba(IRIS[0]), net.predict_proba(IRIS[0]))
    W1, W2 = net.coefs_
    hidden = np.maximum(IRIS[0] @ W1 + net.intercepts_[0], 0)
    z = hidden @ W2 + net.intercepts_[1]
    assert_allclose(net.decision_function(IRIS[0]), z, rtol=1e-10)


# -- what stays true with every word --------------------------------------------------

WORDS = [
    {"activation": ("prelu", "mish"), "initializer": "auto"},
    {"initializer": ("orthogonal", "lecun_normal", "normal")},
    *({"solver": name, "learning_rate": "one_cycle"} for name in SOLVERS),
    {"dropout": (0.1, 0.2), "dropconnect": 0.1},
    {"input_dropout": 0.1},
    {"normalization": "batch", "residual": True},
    {"normalization": "layer", "residual": True, "l1_ratio": 0.5},
    {"max_grad_norm": 0.5, "max_grad_value": 0.1, "mixup": 0.2},
    {"early_stopping": True, "refit_on_all": True, "validation_fraction": KFold(5)},
    {"solver": "lbfgs", "activation": "gelu", "normalization": "layer"},
]
CASES = [
    *((Estimator, params) for Estimator in ESTIMATORS for params in WORDS),
    (MLPClassifier, {"label_smoothing": 0.1, "class_weight": "balanced"}),
    (MLPRegressor, {"loss": "absolute_error"}),
    (MLPRegressor, {"loss": "huber", "delta": 0.5}),
    (MLPRegressor, {"loss": "quantile", "quantile": (0.1, 0.5, 0.9)}),
]
RESUMABLE = [
    (Estimator, params)
    for Estimator, params in CASES
    if hasattr(Estimator(**params), "partial_fit")
]


def floats(thing):
    """Yield all arrays of floats that an object holds."""
    if isinstance(thing, np.ndarray) and thing.dtype.kind == "f":
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from floats(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from floats(value)
    elif hasattr(thing, "__dict__"):
        yield from floats(vars(thing))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_float32_stays_float32(Estimator, params, weighted):
    X, y = DATA[Estimator]
    X = X.astype(np.float32)
    w = np.linspace(0.5, 1, len(y)) if weighted else None
    net = Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(X, y, w)
    if hasattr(net, "partial_fit"):
        net.partial_fit(X, y, w)
    assert {a.dtype for a in floats(vars(net))} == {np.dtype(np.float32)}
    predict = getattr(net, "predict_proba", net.predict)
    assert predict(X).dtype == np.float32
    # The curves are those of float64, as far as the digits go.
    double = Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(X.astype(float), y, w)
    n = double.n_iter_
    assert_allclose(net.loss_curve_[:n], double.loss_curve_[:n], rtol=1e-3)


def half(rng, rate, out):
    """A mask that is not random."""
    out[...] = 0.5


@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_sparse_rows_train_like_dense_ones(Estimator, params, monkeypatch):
    # Of sparse rows the stored values only have a mask, which draws other numbers.
    if "input_dropout" in params:
        monkeypatch.setattr("sknn.layers.dropout.draw_mask", half)
    X, y = DATA[Estimator]
    X = np.where(np.abs(X) > 1, X, 0)
    dense, by_csr = (
        Estimator(**{**SMALL, **TWO_LAYERS, **params}).fit(rows, y)
        for rows in (X, sparse.csr_array(X))
    )
    rtol = 1e-4 if params.get("solver") == "lbfgs" else 1e-9
    assert_allclose(by_csr.loss_curve_, dense.loss_curve_, rtol=rtol)
    assert_allclose(by_csr.predict(sparse.csr_array(X)), dense.predict(X), rtol=rtol)


@pytest.mark.parametrize("Estimator, params", RESUMABLE, ids=name_of)
def test_partial_fit_goes_on_where_fit_stopped(Estimator, params):
    """Bit for bit, also in the middle of a schedule and after a pickle round trip."""
    params = {**SMALL, **TWO_LAYERS, "shuffle": False, **params}
    X, y = DATA[Estimator]
    first = {"classes": np.unique(y)} if Estimator is MLPClassifier else {}
    whole, pieces = Estimator(**params).fit(X, y), Estimator(**params)
    pieces.partial_fit(X, y, **first)
    for _ in range(3):
        pieces = pickle.loads(pickle.dumps(pieces)).partial_fit(X, y)
    assert_same(whole, pieces)
    assert whole.learning_rates_ == pieces.learning_rates_


@pytest.mark.parametrize("Estimator, params", CASES, ids=name_of)
def test_a_copy_is_the_same(Estimator, params):
    net = fit(Estimator, **{**TWO_LAYERS, **params})
    X = DATA[Estimator][0]
    for other in (
        pickle.loads(pickle.dumps(net)),
        copy.deepcopy(net),
        clone(net).fit(*DATA[Estimator]),
    ):
        assert_same(net, other)
        assert_array_equal(net.predict(X), other.predict(X))
        assert other.get_params().keys() == net.get_params().keys()


# -- history --------------------------------------------------------------------------

COLUMNS = [
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
    "seconds",
]


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_history_is_a_table_with_a_row_for_each_epoch(Estimator, solver, watched):
    X, y = DATA[Estimator]
    val = {"X_val": X[:20], "y_val": y[:20]} if watched else {}
    net = Estimator(**SMALL, solver=solver).fit(X, y, **val)
    table = pd.DataFrame(net.history_)
    assert list(table) == COLUMNS
    assert list(table["epoch"]) == [1, 2, 3, 4]
    assert list(table["loss"]) == net.loss_curve_
    assert (table["seconds"] > 0).all()
    assert (table["gradient_norm"] > 0).all()
    assert table["learning_rate"].isna().all() == (solver == "lbfgs")
    assert_array_equal(table["learning_rate"], net.learning_rates_)
    if watched:
        assert list(table["validation_loss"]) == net.validation_loss_curve_
        assert list(table["validation_score"]) == net.validation_scores_
        assert table["validation_score"].iloc[-1] == net.score(X[:20], y[:20])
    else:
        assert table[["validation_loss", "validation_score"]].isna().all(axis=None)
    if solver == "adam":
        net.partial_fit(X, y)
        assert list(pd.DataFrame(net.history_)["epoch"]) == [1, 2, 3, 4, 5]
        assert list(table["epoch"]) == [1, 2, 3, 4]


def test_history_shows_the_gradient_before_it_is_clipped():
    X, y = DIABETES
    net = MLPRegressor(
        solver="sgd", momentum=0, learning_rate_init=0.5, max_grad_norm=0.01,
        batch_size=120, alpha=0.1, random_state=0,
    )  # fmt: skip
    before = net.partial_fit(X, y).network_.theta.copy()
    net.partial_fit(X, y)
    step = np.linalg.norm(net.network_.theta - before)
    assert step == pytest.approx(0.5 * 0.01)
    free = clone(net).set_params(max_grad_norm=None)
    before = free.partial_fit(X, y).network_.theta.copy()
    free.partial_fit(X, y)
    step = np.linalg.norm(free.network_.theta - before)
    assert free.history_["gradient_norm"][1] == pytest.approx(step / 0.5)
    assert net.history_["gradient_norm"][0] == free.history_["gradient_norm"][0] > 0.1


def test_verbose_2_prints_the_history(capsys):
    net = fit(verbose=2, early_stopping=True)
    lines = capsys.readouterr().out.splitlines()
    titles = "epoch loss val. loss val. score rate grad. norm seconds"
    assert " ".join(lines[0].split()) == titles
    assert len(lines) == 1 + net.n_iter_
    for line, row in zip(lines[1:], pd.DataFrame(net.history_).values, strict=True):
        assert_allclose([float(number) for number in line.split()], row, rtol=1e-4)


# -- schedules ------------------------------------------------------------------------


OBJECTS = [Cosine(warmup=2, final=0.1), OneCycle(0.5), Step(at=(0.25,))]


@pytest.mark.parametrize("schedule", [*SCHEDULES, *OBJECTS], ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_learning_rates_are_those_of_the_schedule(Estimator, schedule):
    net = fit(Estimator, solver="rmsprop", learning_rate=schedule, max_iter=6, tol=0)
    function = SCHEDULES[schedule]() if isinstance(schedule, str) else schedule
    n = len(DATA[Estimator][1])
    expected = [0.01 * function(e, 6, rows=e * n) for e in range(6)]
    assert_allclose(net.learning_rates_, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "schedule",
    ["step", "exponential", "linear", "cosine", "inverse_sqrt", "one_cycle",
     Cosine(warmup=0.25, final=0.1)],
    ids=str,
)  # fmt: skip
def test_schedules_scale_to_the_budget(schedule):
    short, long = (
        fit(learning_rate=schedule, max_iter=n, tol=0).learning_rates_ for n in (4, 8)
    )
    assert_allclose(long[::2], short, rtol=1e-12)


def test_an_adaptive_rate_falls_on_plateaus_with_any_solver():
    for solver in STOCHASTIC:
        net = fit(solver=solver, learning_rate=Adaptive(), **PLATEAU)
        assert net.n_iter_ == 8
        assert_allclose(net.learning_rates_[1::2], 0.01 / 5 ** np.arange(4.0))


ANNEALING = ["exponential", "linear", "cosine", "one_cycle", *OBJECTS[:2]]


@pytest.mark.parametrize("schedule", [*SCHEDULES, *OBJECTS], ids=str)
def test_only_a_schedule_that_anneals_is_done_when_the_epochs_are(schedule):
    plans_the_end = schedule in ANNEALING
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(solver="sgd", learning_rate=schedule, tol=0)
    assert [w.category for w in caught] == [ConvergenceWarning] * (not plans_the_end)


# -- objects as parameters ------------------------------------------------------------

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
def test_a_clone_has_an_object_of_its_own(Estimator, name, given, field, value):
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


# -- parts made by the user -----------------------------------------------------------


@dataclass(frozen=True)
class Sine(ActivationFunction):
    frequency: float = 1.0

    def forward(self, z, out):
        np.sin(self.frequency * z, out=out)

    def backward(self, z, a, dy):
        dy *= self.frequency * np.cos(self.frequency * z)


@dataclass(frozen=True)
class LogCosh(Loss):
    link_name = "identity"

    def loss_gradient(self, z, y, sample_weight, out):
        residual = z - y
        losses = np.log(np.cosh(residual)).sum(axis=1)
        w = np.ones(len(z)) if sample_weight is None else sample_weight
        out[...] = np.tanh(residual) * w[:, np.newaxis]
        return float(losses @ w)

    def link(self, z, out):
        out[...] = z


@dataclass(frozen=True)
class Probit(BinaryCrossEntropy):
    """Two classes by the normal distribution function instead of the logistic one."""

    link_name = "probit"

    def loss_gradient(self, z, y, sample_weight, out):
        sign = 2 * y - 1
        p = (1 + erf(sign * z / np.sqrt(2))) / 2
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        out[...] = -sign * density / p
        w = np.ones(len(z)) if sample_weight is None else sample_weight
        out *= w[:, np.newaxis]
        return float(-np.log(p).sum(axis=1) @ w)

    def link(self, z, out):
        out[...] = (1 + erf(z / np.sqrt(2))) / 2


@dataclass(frozen=True)
class SignSGD(Solver):
    def start(self, theta):
        return {"steps": 0}

    def step(self, theta, grad, state, learning_rate):
        state["steps"] += 1
        theta -= learning_rate * np.sign(grad)


@dataclass(frozen=True)
class Sawtooth(Schedule):
    period: int = 2

    def __call__(self, epoch, n_epochs, rows=0):
        return 1 - (epoch % self.period) / self.period


@dataclass(frozen=True)
class Alternating(Initializer):
    size: float = 0.3

    def __call__(self, shape, fan_in, fan_out, rng):
        return self.size * (-1.0) ** np.arange(np.prod(shape)).reshape(shape)


TWO_CLASSES = IRIS[0], (IRIS[1] > 1).astype(int)
OWN = [
    (MLPClassifier, IRIS, {"activation": Sine(2.0)}),
    (MLPClassifier, IRIS, {"activation": (Sine(2.0), "relu"), **TWO_LAYERS}),
    (MLPClassifier, IRIS, {"solver": SignSGD()}),
    (MLPClassifier, IRIS, {"learning_rate": Sawtooth(3)}),
    (MLPClassifier, IRIS, {"initializer": Alternating()}),
    (MLPClassifier, TWO_CLASSES, {"loss": Probit(), "learning_rate_init": 0.05}),
    (MLPRegressor, DIABETES, {"loss": LogCosh(), "learning_rate_init": 0.05}),
    (MLPRegressor, DIABETES, {"loss": LogCosh(), "solver": "lbfgs", "alpha": 1}),
]


@pytest.mark.parametrize(
    "Estimator, data, params", OWN, ids=[str(params) for _, _, params in OWN]
)
def test_parts_made_by_the_user(Estimator, data, params):
    net = Estimator(**{**SMALL, "max_iter": 30, **params}).fit(*data)
    assert net.score(*data) > (0.9 if Estimator is MLPClassifier else 0.4)
    again = pickle.loads(pickle.dumps(clone(net))).fit(*data)
    assert_same(net, again)
    if hasattr(net, "partial_fit"):
        net.partial_fit(*data)
    X, y = data
    weighted = Estimator(**{**SMALL, **params}).fit(X, y, np.ones(len(y)))
    loss = Estimator(**{**SMALL, **params}).fit(X, y).loss_
    assert weighted.loss_ == pytest.approx(loss)


def test_a_loss_of_the_users_own_is_what_predictions_come_from():
    X, y = TWO_CLASSES
    net = MLPClassifier(**SMALL, loss=Probit()).fit(X, y)
    z = net.decision_function(X)
    assert_allclose(net.predict_proba(X)[:, 1], (1 + erf(z / np.sqrt(2))) / 2)
    assert_array_equal(net.predict(X), (z > 0).astype(int))
    assert net.out_activation_ == "probit"


# -- losses ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fan():
    """Rows whose noise grows with x: y = x + (0.1 + x) e, e standard normal."""
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 2, 1200)
    y = x + (0.1 + x) * rng.normal(size=1200)
    return x[:800, np.newaxis], y[:800], x[800:, np.newaxis], y[800:]


FAN = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.01, "max_iter": 80,
       "batch_size": 50, "learning_rate": "cosine", "random_state": 0}  # fmt: skip


def test_several_quantiles_cover_what_they_say_and_never_cross(fan):
    X, y, X_test, y_test = fan
    levels = (0.1, 0.25, 0.5, 0.9)
    net = MLPRegressor("quantile", quantile=levels, **FAN).fit(X, y)
    q = net.predict(X_test)
    assert q.shape == (400, 4)
    assert (np.diff(q, axis=1) >= 0).all()
    far = np.random.RandomState(0).uniform(-100, 100, (500, 1))
    assert (np.diff(net.predict(far), axis=1) >= 0).all()
    # Three standard deviations of a share of 400 rows.
    shares = (y_test[:, np.newaxis] <= q).mean(axis=0)
    margin = 3 * np.sqrt(np.multiply(levels, np.subtract(1, levels)) / 400)
    assert (np.abs(shares - levels) < margin).all()
    # The fan opens: 2.563 standard deviations of noise lie between 10 % and 90 %.
    width = (q[:, -1] - q[:, 0]) / (0.1 + X_test.ravel())
    assert np.median(width) == pytest.approx(2.563, rel=0.15)


def test_the_score_of_several_quantiles_is_the_mean_d2(fan):
    X, y, X_test, y_test = fan
    net = MLPRegressor("quantile", quantile=[0.1, 0.9], **{**FAN, "max_iter": 10})
    q, w = net.fit(X, y).predict(X_test), np.linspace(0, 1, 400)
    for weights in (None, w):
        expected = [
            d2_pinball_score(y_test, q[:, i], sample_weight=weights, alpha=alpha)
            for i, alpha in enumerate([0.1, 0.9])
        ]
        assert net.score(X_test, y_test, weights) == pytest.approx(np.mean(expected))
    scores = cross_val_score(net, X, y, cv=3, error_score="raise")
    assert len(set(scores)) == 3
    # The same score is what early stopping watches.
    net.set_params(early_stopping=True).fit(X, y, X_val=X_test, y_val=y_test)
    assert net.best_validation_score_ == pytest.approx(net.score(X_test, y_test))


def test_one_quantile_is_one_column(fan):
    X, y, X_test, _ = fan
    by_number, by_list = (
        MLPRegressor("quantile", quantile=q, **{**FAN, "max_iter": 5}).fit(X, y)
        for q in (0.9, [0.9])
    )
    assert by_number.predict(X_test).shape == (400,)
    assert_array_equal(by_number.predict(X_test), by_list.predict(X_test))


def test_several_quantiles_of_several_targets_are_an_error():
    X, y = DIABETES
    net = MLPRegressor("quantile", quantile=(0.1, 0.9), **SMALL)
    with pytest.raises(ValueError, match=r"quantile=\(0.1, 0.9\).* y has 2 columns"):
        net.fit(X, np.column_stack([y, y]))
    net.set_params(quantile=0.9).fit(X, np.column_stack([y, y]))
    assert net.predict(X).shape == (120, 2)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_robust_losses_bear_outliers(loss, solver):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 3))
    truth = X @ [1.0, -2.0, 0.5]
    y = truth + 0.1 * rng.normal(size=300)
    y[::10] += 30
    params = {"hidden_layer_sizes": (), "learning_rate_init": 0.1, "max_iter": 100,
              "solver": solver, "random_state": 0}  # fmt: skip
    errors = [
        mean_absolute_error(truth, MLPRegressor(kind, **params).fit(X, y).predict(X))
        for kind in ("squared_error", loss)
    ]
    assert errors[1] < 0.3 < 1.0 < errors[0]


def test_label_smoothing_is_for_training_only():
    X, y = IRIS
    params = {**SMALL, "max_iter": 200, "label_smoothing": 0.3}
    net = MLPClassifier(**params).fit(X, y, X_val=X, y_val=y)
    plain = CategoricalCrossEntropy()
    z = net.decision_function(X)
    loss = plain.loss_gradient(z, y, None, out=z) / len(y)
    assert net.validation_loss_curve_[-1] == pytest.approx(loss)
    # Probabilities aim at 1 - 0.3 + 0.3 / 3.
    p = net.predict_proba(X)[np.arange(150), y]
    assert np.median(p) == pytest.approx(0.8, abs=0.05)


# -- early stopping -------------------------------------------------------------------

HELD_OUT = np.arange(120) % 4 == 1
SPLIT = PredefinedSplit(np.where(HELD_OUT, 0, -1))


def regressor_with_best_epoch(best, n_epochs=5, **params):
    """A regressor whose scorer finds epoch `best` best; notes what the scorer sees."""
    scores = iter(-abs(np.arange(1, n_epochs + 1) - best))
    seen = []

    def scorer(fitted, X, y):
        seen.append((X, y))
        return float(next(scores))

    net = MLPRegressor(
        **{**SMALL, "max_iter": n_epochs, **params}, early_stopping=True,
        validation_fraction=SPLIT, scoring=scorer,
    )  # fmt: skip
    return net.fit(*DIABETES), seen


def by_partial_fit(n_epochs, X, y, **params):
    net = MLPRegressor(**{**SMALL, "max_iter": 5, **params})
    for _ in range(n_epochs):
        net.partial_fit(X, y)
    return net


SOME = [
    {},
    {"solver": "sgd", "learning_rate": "one_cycle"},
    {"normalization": "batch", "learning_rate": Cosine(warmup=1)},
]


def test_the_rows_of_the_splitter_are_held_out():
    X, y = DIABETES
    rows_seen.clear()
    net, seen = regressor_with_best_epoch(3, loss=SpyLoss())
    for X_seen, y_seen in seen:
        assert_array_equal(X_seen, X[HELD_OUT])
        assert_array_equal(y_seen, y[HELD_OUT])
    epochs = [rows_seen[i : i + 4] for i in range(0, len(rows_seen), 4)]
    for *batches, validated in epochs:
        assert_array_equal(np.sort(np.hstack(batches)), np.sort(y[~HELD_OUT]))
        assert_array_equal(validated, y[HELD_OUT])
    assert len(epochs) == net.n_iter_ == 5


@pytest.mark.parametrize("params", SOME, ids=str)
def test_restore_best_goes_back_or_keeps_the_last_weights(params):
    params = {**params, "shuffle": False}
    X, y = DIABETES[0][~HELD_OUT], DIABETES[1][~HELD_OUT]
    for restores, n_epochs in ((True, 3), (False, 5)):
        net, _ = regressor_with_best_epoch(3, restore_best=restores, **params)
        by_hand = by_partial_fit(n_epochs, X, y, **params)
        assert_array_equal(net.network_.theta, by_hand.network_.theta)
        assert_array_equal(net.network_.state, by_hand.network_.state)
        assert net.best_validation_score_ == 0
        assert net.n_iter_ == len(net.validation_scores_) == 5


@pytest.mark.parametrize("params", SOME, ids=str)
def test_refit_on_all_trains_on_all_rows_for_as_many_epochs_as_were_best(params):
    params = {**params, "shuffle": False}
    net, seen = regressor_with_best_epoch(3, refit_on_all=True, **params)
    by_hand = by_partial_fit(3, *DIABETES, **params)
    assert_array_equal(net.network_.theta, by_hand.network_.theta)
    assert_array_equal(net.network_.state, by_hand.network_.state)
    assert net.n_iter_ == 3
    assert net.loss_ == by_hand.loss_
    # The history is that of the run that found the best epoch.
    search, _ = regressor_with_best_epoch(3, **params)
    assert len(seen) == 5
    assert net.loss_curve_ == search.loss_curve_
    assert net.validation_scores_ == search.validation_scores_


def test_refit_on_all_with_lbfgs_and_with_shuffles():
    X, y = DIABETES
    net, _ = regressor_with_best_epoch(3, refit_on_all=True, solver="lbfgs")
    by_hand = MLPRegressor(**{**SMALL, "max_iter": 3}, solver="lbfgs").fit(X, y)
    assert_array_equal(net.network_.theta, by_hand.network_.theta)
    rows_seen.clear()
    regressor_with_best_epoch(2, refit_on_all=True, loss=SpyLoss())
    refit = [rows_seen[20:][i : i + 3] for i in (0, 3)]
    assert len(rows_seen) == 5 * 4 + 2 * 3
    for batches in refit:
        assert_array_equal(np.sort(np.hstack(batches)), np.sort(y))


def test_refit_on_all_counts_the_epochs_that_there_were():
    """L-BFGS may be done on all rows before the best epoch of the hold-out."""
    X, y = IRIS[0][:, 3:], IRIS[0][:, 2]
    scores = iter(range(1000))
    net = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=0,
        early_stopping=True, refit_on_all=True, validation_fraction=KFold(5),
        scoring=lambda *_: next(scores),
    ).fit(X, y)  # fmt: skip
    alone = clone(net).set_params(early_stopping=False)
    alone.set_params(max_iter=len(net.validation_scores_)).fit(X, y)
    assert_array_equal(net.network_.theta, alone.network_.theta)
    assert net.n_iter_ == alone.n_iter_ < len(net.validation_scores_)


def test_refit_on_all_needs_rows_to_hold_out():
    X, y = IRIS
    net = MLPClassifier(early_stopping=True, refit_on_all=True)
    with pytest.raises(ValueError, match=r"refit_on_all=True .* with X_val and y_val"):
        net.fit(X, y, X_val=X[:10], y_val=y[:10])
    assert vars(net) == vars(MLPClassifier(early_stopping=True, refit_on_all=True))


def test_a_splitter_may_stratify():
    X, y = IRIS
    names = np.array(["a", "b", "c"])[y]
    counts = []

    def scorer(fitted, X, y):
        counts.append(np.unique(y, return_counts=True))
        return fitted.score(X, y)

    net = MLPClassifier(
        **SMALL, early_stopping=True, validation_fraction=StratifiedKFold(5),
        scoring=scorer,
    )  # fmt: skip
    net.fit(X, names)
    for labels, n in counts:
        assert list(labels) == ["a", "b", "c"]
        assert list(n) == [10, 10, 10]


def test_divergence_without_restoring_is_an_error():
    """There are no good weights to keep."""
    X, y = IRIS
    net = MLPRegressor(
        hidden_layer_sizes=50, activation="identity", solver="sgd",
        learning_rate_init=1, max_iter=500, n_iter_no_change=500,
        early_stopping=True, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="best validation score are kept"):
        net.fit(X, y)
    with pytest.raises(ValueError, match="non-finite"):
        net.set_params(restore_best=False).fit(X, y)


def test_warm_start_with_another_normalization():
    net = fit(normalization="batch", warm_start=True)
    for other in ("layer", None):
        before = dict(vars(net.set_params(normalization=other)))
        with pytest.raises(ValueError, match="ask for other layers now"):
            net.fit(*IRIS)
        assert vars(net) == before


# -- bad input ------------------------------------------------------------------------

BOTH, C, R = ESTIMATORS, [MLPClassifier], [MLPRegressor]
STOPS = {"early_stopping": True}
Q = {"loss": "quantile"}


def among(name):
    """Part of scikit-learn's message that lists choices."""
    return f"The '{name}' parameter of .* must be .*"


BAD = [
    (BOTH, {"activation": "rellu"}, among("activation") + "'rellu'.* mean 'relu'"),
    (BOTH, {"activation": ("tahn",)}, "activation must be one of .*'selu'.* or an "
     "object of type ActivationFunction or Layer.* got 'tahn'. Did you mean 'tanh'"),
    (BOTH, {"activation": (3,)}, "activation must be one of .* got 3"),
    (BOTH, {"activation": ("relu",) * 2}, "activation must be one value, or one for "
     r"each hidden layer, of which there are 1, got 2: \('relu', 'relu'\)"),
    (BOTH, {"activation": Constant()}, among("activation") + r"Got Constant\("),
    (BOTH, {"activation": LeakyReLU}, among("activation") + "Got <class"),
    (BOTH, {"solver": "adammw"}, among("solver") + "'rmsprop'.* mean 'adamw'"),
    (BOTH, {"solver": Cosine()}, among("solver") + r"'sknn.solvers.*Got Cosine\("),
    (BOTH, {"learning_rate": "cos"}, among("learning_rate") + ".* mean 'cosine'"),
    (BOTH, {"learning_rate": 0.1}, among("learning_rate") + "Got 0.1"),
    (BOTH, {"initializer": "he_norm"}, among("initializer") + ".* mean 'he_normal'"),
    (BOTH, {"initializer": ("auto", "glorot")}, "initializer must be one of .*"
     "got 'glorot'. Did you mean 'glorot_normal'"),
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
    (BOTH, {"normalization": "bach"}, among("normalization") + ".* mean 'batch'"),
    (BOTH, {"residual": 2}, among("residual") + "Got 2"),
    (BOTH, {"l1_ratio": 1.5}, among("l1_ratio") + "Got 1.5"),
    (BOTH, {"max_grad_norm": 0.0}, among("max_grad_norm") + "or None. Got 0.0"),
    (BOTH, {"max_grad_value": -1.0}, among("max_grad_value") + "Got -1.0"),
    (BOTH, {"mixup": -0.1}, among("mixup") + "Got -0.1"),
    (BOTH, {"restore_best": "yes"}, among("restore_best") + "Got 'yes'"),
    (BOTH, {"refit_on_all": 2}, among("refit_on_all") + "Got 2"),
    (BOTH, {"validation_fraction": "KFold"}, among("validation_fraction") + "'split'"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([-1] * 120)},
     "validation_fraction=PredefinedSplit.* in two, got 0 to train on and 0 held out"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0] * 120)},
     "must split the rows in two, got 0 to train on and 120 held out"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0, -1] * 5)},
     "validation_fraction=PredefinedSplit.* splits 10 rows, but fit was given 120"),
    (BOTH, {**STOPS, "validation_fraction": PredefinedSplit([0, -1] * 100)},
     "validation_fraction=PredefinedSplit.* splits 200 rows, but fit was given 120"),
    (C, {"label_smoothing": 1.0}, among("label_smoothing") + "Got 1.0"),
    (C, {"loss": "logloss"}, among("loss") + ".* mean 'log_loss'"),
    (C, {"loss": "squared_error"}, among("loss") + "{'log_loss'}.* 'squared_error'"),
    (C, {"loss": CategoricalCrossEntropy(), "label_smoothing": 0.1},
     "label_smoothing=0.1 is for loss='log_loss' only, got loss=CategoricalCross"),
    (R, {"loss": "hubber"}, among("loss") + "'quantile'.* mean 'huber'"),
    (R, {"loss": "log_loss"}, among("loss") + "Got 'log_loss'"),
    (R, {"delta": 0.0}, among("delta") + "Got 0.0"),
    (R, {"quantile": 1.0}, among("quantile") + "Got 1.0"),
    (R, {**Q, "quantile": (0.5, 0.1)}, r"quantile .* increase, got \(0.5, 0.1\)"),
    (R, {**Q, "quantile": (0.5, 0.5)}, r"quantile .* increase, got \(0.5, 0.5\)"),
    (R, {**Q, "quantile": (0.0, 0.5)}, r"quantile .* in \(0, 1\).* got \(0.0, 0.5\)"),
    (R, {**Q, "quantile": (0.5, 1.0)}, r"quantile .* in \(0, 1\).* got \(0.5, 1.0\)"),
    (R, {**Q, "quantile": []}, r"quantile .* got \(\)"),
    (R, {**Q, "quantile": ["a", 0.2]}, r"quantile .* got \('a', 0.2\)"),
    (R, {**Q, "quantile": [[0.1, 0.2]]}, "quantile .* got .*0.1, 0.2"),
    (R, {"loss": CategoricalCrossEntropy()}, "is for classes, not for numbers"),
    (C, {"loss": HalfSquaredError()}, "is for numbers, not for classes"),
    (BOTH, {"early_stopping": True, "validation_fraction": KFold}, r"write KFold\("),
]  # fmt: skip


@pytest.mark.parametrize(
    "Estimators, params, message", BAD, ids=[str(params) for _, params, _ in BAD]
)
def test_bad_input_is_named_with_what_would_do(Estimators, params, message):
    for Estimator in Estimators:
        X, y = (part[:120] for part in DATA[Estimator])
        net = Estimator(**params)
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)
        assert vars(net) == vars(Estimator(**params))


# -- findings of reviews --------------------------------------------------------------


def test_an_early_stopping_score_that_is_no_number_is_an_error():
    X, y = DATA[MLPRegressor]
    net = MLPRegressor(early_stopping=True, max_iter=3, random_state=0)
    with (
        pytest.raises(ValueError, match="scoring=None, was not a number in any of 3"),
        # R² of a single row is not defined.
        pytest.warns(UserWarning, match="not well-defined"),
    ):
        net.fit(X, y, X_val=X[:1], y_val=y[:1])
    assert not hasattr(net, "network_")


@pytest.mark.parametrize("rows", [201, 401])
def test_a_last_batch_of_one_row_does_not_spoil_batch_norm(rows):
    X, y = load_digits(return_X_y=True)
    params = {"normalization": "batch", "max_iter": 20, "random_state": 0}
    spoilt, whole = (
        MLPClassifier(**params).fit(X[:n] / 16, y[:n]) for n in (rows, rows - 1)
    )
    np.testing.assert_allclose(
        spoilt.network_.params[1]["var"].mean(),
        whole.network_.params[1]["var"].mean(),
        rtol=0.1,
    )


def test_batch_norm_refuses_batches_of_one_row():
    net = MLPClassifier(normalization="batch", batch_size=1)
    with pytest.raises(ValueError, match=r"batch_size=1\. Use a larger batch"):
        net.fit(*DATA[MLPClassifier])


def test_a_subclass_may_have_parameters_of_its_own():
    class Mine(MLPClassifier):
        def __init__(self, foo=1, *, alpha=0.1):
            super().__init__(alpha=alpha, solver="sgd", momentum=0.5, max_iter=2)
            self.foo = foo

    X, y = DATA[MLPClassifier]
    net = Mine(alpha=0.2).fit(X, y)
    assert net.get_params() == {"foo": 1, "alpha": 0.2}
    assert net._progress.solver == SGD(momentum=0.5)


@pytest.mark.parametrize("one_more", ["partial_fit", "warm start"])
def test_dropout_may_be_switched_between_calls(one_more):
    X, y = DATA[MLPClassifier]
    net = MLPClassifier((6,), dropout=0.5, max_iter=2, random_state=0).fit(X, y)
    before = net.network_.theta.copy()
    net.set_params(dropout=0.0, input_dropout=0.1)
    if one_more == "partial_fit":
        net.partial_fit(X, y)
    else:
        net.set_params(warm_start=True).fit(X, y)
    assert 0 < np.abs(net.network_.theta - before).max() < 0.1


def test_partial_fit_says_that_the_schedule_is_over():
    X, y = DATA[MLPClassifier]
    net = MLPClassifier(learning_rate="cosine", max_iter=2, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="learning rate is 0: learning_rate='cosine'"):
        net.partial_fit(X, y)


def test_adadelta_says_what_rate_it_wants():
    with pytest.warns(UserWarning, match="learning_rate_init=1 is usual"):
        MLPClassifier(solver="adadelta", max_iter=2).fit(*DATA[MLPClassifier])


def test_parts_need_not_be_dataclasses():
    class Plain(Solver):
        def __init__(self, factor=1.0):
            self.factor = factor

        def start(self, theta):
            return {}

        def step(self, theta, grad, state, learning_rate):
            theta -= self.factor * learning_rate * grad

    assert Plain(0.1) == Plain(0.1) != Plain(0.9)
    assert hash(Plain(0.1)) == hash(Plain(0.1)) != hash(Plain(0.9))
    assert repr(Plain(0.1)) == "Plain(factor=0.1)"
    X, y = DATA[MLPClassifier]
    net = MLPClassifier(solver=Plain(0.1), max_iter=2).fit(X, y)
    net.set_params(solver__factor=0.9).partial_fit(X, y)
    assert net._progress.solver.factor == 0.9
    assert clone(net).solver == Plain(0.9)


def test_a_required_weight_decay_is_a_parameter_as_any():
    @dataclass(frozen=True)
    class Decaying(SGD):
        weight_decay: float = 0.5

    assert Decaying(weight_decay=0.1).weight_decay == 0.1


@pytest.mark.parametrize(
    "loss, n_classes", [(BinaryCrossEntropy(), 3), (CategoricalCrossEntropy(), 2)]
)
def test_a_loss_must_fit_the_targets(loss, n_classes):
    X = np.random.RandomState(0).rand(12, 2)
    with pytest.raises(ValueError, match="does not fit the targets"):
        MLPClassifier(loss=loss).fit(X, np.arange(12) % n_classes)


class BadSplitter:
    """Gives what it is told to."""

    def __init__(self, *parts):
        self.parts = parts

    def get_n_splits(self):
        return 1

    def split(self, X, y=None, groups=None):
        yield self.parts


@pytest.mark.parametrize(
    "splitter, message",
    [
        (BadSplitter([0, 1, 2], [2, 3]), "holds out rows that it trains on"),
        (BadSplitter([0, 1], [10_000]), "must give numbers of rows from 0 to"),
        (BadSplitter([True, False], [False, True]), "must give numbers of rows"),
        (GroupKFold(2), "cannot split .* rows: The 'groups' parameter"),
    ],
)
def test_splitters_that_do_not_split(splitter, message):
    net = MLPClassifier(early_stopping=True, validation_fraction=splitter)
    with pytest.raises(ValueError, match=f"validation_fraction=.*{message}"):
        net.fit(*DATA[MLPClassifier])
