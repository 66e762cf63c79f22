"""scikit-learn's common estimator checks, on the defaults and on other settings.

What cannot hold in principle is named with its reason in `EXCEPTIONS` (strictly: an
exception that holds after all is a failure) and has a deterministic twin below.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import PredefinedSplit, ShuffleSplit
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
)

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    SequentialRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknn.activations import ELU
from sknn.initializers import Orthogonal
from sknn.layers import Activation, BatchNorm, Conv2D, Dense, Flatten, PReLU, Residual
from sknn.layers._masks import Mask
from sknn.losses import Huber
from sknn.schedules import Cosine, Step
from sknn.solvers import Adam

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # The small tables of the checks, which a CNN takes for images.
    "ignore:X has (rows|pixels):UserWarning",
    # Settings in which early stopping cuts a schedule short, or labels look one-hot.
    "ignore:Early stopping ended training at epoch:UserWarning",
    "ignore:y has one column per class:UserWarning",
    # An array as a data frame's column, in the checks themselves.
    "ignore::DeprecationWarning",
)

# Fewer epochs than the default 200 save time; the higher rate makes up for them.
QUICK = {"max_iter": 60, "learning_rate_init": 0.01}

SETTINGS = {
    "defaults": {"max_iter": 100},
    "early_stopping": {**QUICK, "early_stopping": True},
    "early_stopping on loss": {**QUICK, "early_stopping": True, "scoring": "loss"},
    "sgd": {**QUICK, "solver": "sgd"},
    "sgd, adaptive": {"max_iter": 100, "solver": "sgd", "learning_rate": "adaptive"},
    "sgd, invscaling": {**QUICK, "solver": "sgd", "learning_rate": "invscaling",
                        "learning_rate_init": 0.05, "power_t": 0.1},
    "lbfgs": {"solver": "lbfgs", "max_iter": 60},
    "lbfgs, early_stopping": {"solver": "lbfgs", "early_stopping": True},
    "several layers": {**QUICK, "hidden_layer_sizes": (50, 20), "activation": "tanh"},
    "no hidden layer": {"hidden_layer_sizes": (), "learning_rate_init": 0.1},
    "logistic": {**QUICK, "activation": "logistic", "learning_rate_init": 0.05},
    "batch_size=1": {"batch_size": 1, "max_iter": 10, "learning_rate_init": 0.003},
    "batch_size=7, no shuffle": {**QUICK, "batch_size": 7, "shuffle": False},
    "warm_start": {**QUICK, "warm_start": True},
}  # fmt: skip

# The parameters of training: one at a time, then several.
SMALL = {"hidden_layer_sizes": (20,), "max_iter": 40, "learning_rate_init": 0.02}
TWO = {**SMALL, "hidden_layer_sizes": (20, 10)}
FOUR = {**SMALL, "hidden_layer_sizes": (20, 10, 10, 10)}
# Holds out rows of both classes where a check gives weight to one class only.
SPLIT = ShuffleSplit(1, test_size=0.3, random_state=1)

VOCABULARY = [
    {**SMALL, "activation": "prelu"},
    {**SMALL, "activation": "selu"},
    {**SMALL, "activation": "gelu"},
    {**TWO, "activation": ("prelu", "silu")},
    {**FOUR, "activation": ("leaky_relu", "elu", "mish", "softplus")},
    {**SMALL, "activation": ELU(alpha=0.5)},
    {**SMALL, "solver": "adagrad", "learning_rate_init": 0.1},
    {**SMALL, "solver": "rmsprop"},
    {**SMALL, "solver": "adadelta", "learning_rate_init": 1.0, "epsilon": 1e-3},
    {**SMALL, "solver": "adamw"},
    {**SMALL, "solver": "nadam"},
    {**SMALL, "solver": Adam(beta_1=0.8)},
    *({**SMALL, "learning_rate": name}
      for name in ("step", "exponential", "linear", "cosine", "flat_cosine",
                   "coslog", "inverse_sqrt", "one_cycle")),
    {**SMALL, "drop_last": True, "batch_size": 4, "restore_best": "latest",
     "layer_learning_rates": {"*.b": 0.1, "output": 2.0}},
    {**SMALL, "solver": "adamw", "weight_decay_schedule": "flat_cosine",
     "dropout_schedule": "linear"},
    {**SMALL, "learning_rate": Cosine(warmup=5, final=0.1)},
    {**SMALL, "initializer": "auto"},
    {**SMALL, "initializer": "he_normal"},
    {**SMALL, "initializer": "orthogonal"},
    {**TWO, "initializer": ("lecun_uniform", Orthogonal(), "glorot_normal")},
    {**SMALL, "initializer": "normal", "init_scale": 0.1},
    {**SMALL, "dropout": 0.2},
    {**TWO, "dropout": (0.1, 0.2)},
    {**SMALL, "input_dropout": 0.1},
    {**SMALL, "dropconnect": 0.1},
    {**SMALL, "normalization": "batch"},
    {**SMALL, "normalization": "layer"},
    {**SMALL, "normalization": BatchNorm(momentum=0.5)},
    {**FOUR, "residual": True},
    {**SMALL, "l1_ratio": 1.0, "alpha": 0.01},
    {**SMALL, "max_grad_norm": 0.5},
    {**SMALL, "max_grad_value": 0.1},
    {**SMALL, "mixup": 0.2},
    {**SMALL, "early_stopping": True, "restore_best": False},
    {**SMALL, "early_stopping": True, "restore_best": 5, "scoring": "loss"},
    {**SMALL, "early_stopping": True, "refit_on_all": True},
    {**SMALL, "early_stopping": True, "validation_fraction": SPLIT},
    {**FOUR, "residual": True, "normalization": "layer", "initializer": "auto",
     "activation": "gelu", "solver": "adamw", "learning_rate": "one_cycle"},
    {**TWO, "normalization": "batch", "activation": "prelu", "solver": "nadam",
     "learning_rate": Step(at=(0.8,), warmup=0.1), "max_grad_norm": 1.0},
    {**FOUR, "residual": True, "normalization": "batch", "dropout": 0.1,
     "dropconnect": 0.05, "input_dropout": 0.05, "mixup": 0.1, "l1_ratio": 0.5,
     "learning_rate": "cosine", "max_grad_value": 1.0},
    {**TWO, "early_stopping": True, "refit_on_all": True, "dropout": 0.1,
     "validation_fraction": SPLIT, "solver": "rmsprop", "learning_rate": "linear"},
    {"solver": "lbfgs", "max_iter": 60, "hidden_layer_sizes": (20, 10),
     "activation": ("elu", "softplus"), "residual": True, "normalization": "layer",
     "l1_ratio": 0.1, "initializer": "auto"},
]  # fmt: skip

# Blocks of convolutions, and lists of layers.
OF_IMAGES = {"hidden_layer_sizes": (16,), "max_iter": 60, "learning_rate_init": 0.02}
CNN_SETTINGS = [
    {"conv_channels": (4, 4)},
    {"conv_channels": 4, "normalization": "batch", "residual": True, "pooling": "avg"},
    {"conv_channels": (4,), "normalization": "layer", "pooling": None, "stride": 2},
    {"conv_channels": (), "activation": "tanh"},
    {"conv_channels": (4,), "padding": "valid", "activation": "prelu"},
]
RELU = Activation("relu")
ROWS = [Dense(16), RELU]
LISTS = [
    ROWS,
    [],
    [Dense(16, name="wide"), BatchNorm(), PReLU(), Residual((*ROWS, Dense(16)))],
    [Conv2D(4), RELU, Flatten(), Dense(16), RELU],
]

# Networks for tables hold rows out by default.
FOR_TABLES = {"hidden_layer_sizes": (32,), "max_iter": 32, "n_members": 1}
TABLES = [
    {},
    {"early_stopping": False, "dropout": 0, "drop_last": False},
    {"early_stopping": False, "numerical_embedding": "piecewise_linear",
     "max_iter": 128},
    {"numerical_embedding": None, "max_one_hot": 0, "scoring": "loss",
     "refit_on_all": True, "max_iter": 128},
    {"n_members": 2, "bagging": False, "scoring": "loss"},
    {"n_members": 4},
]  # fmt: skip

ESTIMATORS = [
    *(MLPClassifier(**params) for params in SETTINGS.values()),
    MLPClassifier(**QUICK, class_weight="balanced"),
    *(MLPRegressor(**params) for params in SETTINGS.values()),
    MLPRegressor(**QUICK, loss="poisson"),
    # Each on one of the two; tests/contracts/test_settings.py runs over both.
    *(MLPClassifier(**params) for params in VOCABULARY[::2]),
    MLPClassifier(**SMALL, label_smoothing=0.1),
    MLPClassifier(**SMALL, label_smoothing=0.1, normalization="batch", dropout=0.1),
    *(MLPRegressor(**params) for params in VOCABULARY[1::2]),
    MLPRegressor(**SMALL, loss="absolute_error"),
    MLPRegressor(**SMALL, loss="huber", delta=0.5),
    MLPRegressor(**SMALL, loss="quantile", quantile=0.6),
    MLPRegressor(**SMALL, loss="gaussian"),
    MLPRegressor(**SMALL, loss=Huber(0.5), normalization="batch", dropout=0.1),
    *(
        Estimator(**OF_IMAGES, **params)
        for Estimator in (CNNClassifier, CNNRegressor)
        for params in CNN_SETTINGS
    ),
    *(
        Estimator(layers, max_iter=60, learning_rate_init=0.02)
        for Estimator in (SequentialClassifier, SequentialRegressor)
        for layers in LISTS
    ),
    *(
        Estimator(**{**FOR_TABLES, **params})
        for Estimator in (TabularClassifier, TabularRegressor)
        for params in TABLES
    ),
    TabularClassifier(**FOR_TABLES, calibrate=False),
    TabularRegressor(**FOR_TABLES, loss="gaussian"),
    TabularRegressor(**FOR_TABLES, loss="quantile", clip=False),
]

FIRST_OF_CLASS = {type(estimator): estimator for estimator in reversed(ESTIMATORS)}

REPETITION = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)


FITS_TWICE = (
    "check_supervised_y_2d",
    "check_pipeline_consistency",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_general(readonly_memmap=True)",
    "check_transformer_preserve_dtypes",
)


def exceptions(estimator):
    """Checks that cannot hold in principle for the estimator's setting: reason."""
    found = {}
    classifies = hasattr(estimator, "class_weight")
    if estimator.early_stopping:
        reason = "a random hold-out takes other rows when rows are repeated"
        found |= dict.fromkeys(REPETITION, reason)
    if isinstance(estimator.batch_size, int):
        reason = "repeated rows make other mini-batches"
        found |= dict.fromkeys(REPETITION, reason)
    if estimator.learning_rate == "invscaling":
        reason = "as in scikit-learn this rate falls with the number of rows"
        found |= dict.fromkeys(REPETITION, reason)
    if estimator.batch_size == 1 and classifies:
        found["check_class_weight_classifiers"] = (
            "as in scikit-learn the loss of a batch is divided by its weight, so that "
            "the weight of a single row cancels"
        )
    rates = [getattr(estimator, name, 0) for name in ("dropout", "input_dropout")]
    if any(map(np.any, rates)):
        reason = "other units are left out for each copy of a row"
        found |= dict.fromkeys(REPETITION, reason)
    if estimator.mixup:
        reason = "each copy of a row is mixed with another row"
        found |= dict.fromkeys(REPETITION, reason)
    if isinstance(estimator, TabularClassifier | TabularRegressor):
        reason = (
            "the scales of columns and targets, and the initial weights, are learned "
            "from rows without their weights"
        )
        found |= dict.fromkeys(REPETITION, reason)
        # Holds: a table is not sparse, which older releases find out by a TypeError.
        del found["check_sample_weight_equivalence_on_sparse_data"]
    stops_on_score = estimator.early_stopping and estimator.scoring is None
    few_held_out = (
        estimator.validation_fraction in (0.1, 0.2)
        and estimator.restore_best
        and getattr(estimator, "n_members", 1) == 1
    )
    # 'lbfgs' is fast enough to get there in time.
    if (
        classifies
        and stops_on_score
        and (few_held_out or estimator.refit_on_all)
        and estimator.solver != "lbfgs"
    ):
        found["check_class_weight_classifiers"] = (
            "the score is best as soon as the few held-out rows of the heavy class are "
            "right, if there are any, whatever the network says of other rows"
        )
    if estimator.warm_start:
        reason = "the check fits twice and expects the second fit to start afresh"
        found |= dict.fromkeys(FITS_TWICE, reason)
        if classifies:
            found["check_classifiers_multilabel_representation_invariance"] = reason
    return found


TO_ROUNDING = (
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
)


def cases():
    """Return all pairs of an estimator and a check, as `parametrize_with_checks` does.

    That function prints the estimator once for each of its checks, which takes longer
    than many of the checks.
    """
    for estimator in ESTIMATORS:
        setting = " ".join(repr(estimator).split())
        for case in estimator_checks_generator(
            estimator, expected_failed_checks=exceptions(estimator), mark="xfail"
        ):
            _, check = values = getattr(case, "values", case)
            options = [f"{key}={value}" for key, value in check.keywords.items()]
            yield pytest.param(
                *values,
                marks=getattr(case, "marks", ()),
                id="-".join([setting, check.func.__name__, *options]),
            )


# These ask for good predictions, or compare two trainings. For the others a few epochs
# are enough.
NEEDS_TRAINING = (
    *REPETITION,
    "check_class_weight_classifiers",
    "check_classifiers_train",
    "check_regressors_train",
)
FEW_EPOCHS = {"max_iter": 5}


@pytest.mark.parametrize("estimator, check", list(cases()))
def test_common_checks(estimator, check):
    name = check.func.__name__
    is_tabular = isinstance(estimator, TabularClassifier | TabularRegressor)
    if is_tabular and name in TO_ROUNDING:
        pytest.skip("rows of float64, but a network of float32: see the twin below")
    if name not in NEEDS_TRAINING:
        estimator = clone(estimator).set_params(**FEW_EPOCHS)
    check(estimator)


# What these check comes before training and is the same for all settings.
@pytest.mark.parametrize("estimator", FIRST_OF_CLASS.values(), ids=repr)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_checks_not_yielded(check, estimator):
    check(type(estimator).__name__, estimator)


# -- deterministic twins of the exceptions -------------------------------------------


def weighted_and_repeated():
    """Rows with integer weights, some 0, and each row repeated that number of times."""
    rng = np.random.RandomState(42)
    X, y = rng.rand(15, 30), rng.randint(0, 3, size=15)
    w = rng.randint(0, 5, size=15)
    assert set(y[w > 0]) == {0, 1, 2}
    assert not w.all()
    return (X, y, w), (X.repeat(w, axis=0), y.repeat(w), None)


@pytest.mark.parametrize("params", TABLES, ids=str)
@pytest.mark.parametrize("Estimator", [TabularClassifier, TabularRegressor])
def test_rows_of_a_table_are_predicted_apart_to_the_rounding_of_float32(
    Estimator, params
):
    X, y = make_blobs(40, random_state=0)
    net = Estimator(**{**FOR_TABLES, **params}).fit(X, y)
    for name in ("predict", "predict_proba", "decision_function", "transform"):
        if not hasattr(net, name):
            continue
        method = getattr(net, name)
        expected = method(X)
        apart = np.concatenate([method(row[np.newaxis]) for row in X])
        np.testing.assert_allclose(apart, expected, rtol=1e-4, atol=1e-5)
        backwards = method(X[::-1])[::-1]
        np.testing.assert_allclose(backwards, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_with_a_fixed_validation_set(Estimator, solver, scoring):
    weighted, repeated = weighted_and_repeated()
    fitted = []
    for (X, y, w), (X_val, y_val, w_val) in [
        (weighted, weighted),
        (repeated, repeated),
    ]:
        estimator = Estimator(
            solver=solver, early_stopping=True, scoring=scoring, random_state=0, **QUICK
        )
        estimator.fit(
            X, y, w, X_val=X_val[::-1], y_val=y_val[::-1],
            sample_weight_val=None if w_val is None else w_val[::-1],
        )  # fmt: skip
        fitted.append(estimator)
    X = weighted[0]
    rtol = 1e-4 if solver == "lbfgs" else 1e-7  # its line search magnifies rounding
    assert len(fitted[0].validation_scores_) == len(fitted[1].validation_scores_) > 1
    np.testing.assert_allclose(fitted[0].predict(X), fitted[1].predict(X), rtol)
    np.testing.assert_allclose(
        fitted[0].validation_loss_curve_, fitted[1].validation_loss_curve_, rtol
    )


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_in_batches_of_copies(Estimator):
    """A batch of one row of weight k is a batch of k copies of the row."""
    k = 4
    X, y = make_blobs(40, random_state=0)
    params = {"shuffle": False, "random_state": 0, "max_iter": 10, "alpha": 0}
    one = Estimator(batch_size=1, **params).fit(X, y, np.full(len(y), k))
    copies = Estimator(batch_size=k, **params).fit(X.repeat(k, axis=0), y.repeat(k))
    np.testing.assert_allclose(one.predict(X), copies.predict(X), rtol=1e-7)


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_under_invscaling_without_decay(Estimator):
    (X, y, w), repeated = weighted_and_repeated()
    params = {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0}
    weighted = Estimator(**params, random_state=0, max_iter=20).fit(X, y, w)
    repeated = Estimator(**params, random_state=0, max_iter=20).fit(*repeated)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7)


@pytest.mark.parametrize(
    "params", [{}, {"restore_best": False}, {"refit_on_all": True}], ids=str
)
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_where_a_splitter_holds_out_the_copies(
    Estimator, params
):
    (X, y, w), repeated = weighted_and_repeated()
    held_out = np.where(np.arange(len(y)) % 3 == 1, 0, -1)
    predictions = []
    for data, fold in (((X, y, w), held_out), (repeated, held_out.repeat(w))):
        estimator = Estimator(
            early_stopping=True, validation_fraction=PredefinedSplit(fold),
            scoring="loss", random_state=0, **params, **SMALL,
        )  # fmt: skip
        predictions.append(estimator.fit(*data).predict(X))
    np.testing.assert_allclose(*predictions, rtol=1e-7)


class LeavesOutEveryThirdUnit(Mask):
    """A mask of dropout that is the same for all rows."""

    def __init__(self, training, rate, like):
        super().__init__(training, rate, like)
        self.units = like.shape[1]

    def bind_draw(self, calls):
        unit = np.arange(self.bits.size) % self.units
        self.bits[:] = np.where(unit % 3 > 0, 65535, 0)


@pytest.mark.parametrize("params", [{"dropout": 0.2}, {"input_dropout": 0.2}], ids=str)
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_where_all_rows_miss_the_same_units(
    Estimator, params, monkeypatch
):
    (X, y, w), repeated = weighted_and_repeated()
    plain = Estimator(random_state=0, **SMALL).fit(X, y, w).predict(X)
    monkeypatch.setattr("sknn.layers.dropout.Mask", LeavesOutEveryThirdUnit)
    estimator = Estimator(random_state=0, **SMALL, **params)
    weighted = estimator.fit(X, y, w).predict(X)
    np.testing.assert_allclose(weighted, estimator.fit(*repeated).predict(X), rtol=1e-7)
    assert not np.allclose(weighted, plain)


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_weights_are_repetition_where_mixup_takes_rows_whole(Estimator):
    """A tiny parameter leaves each row as it is, or puts another in its place."""
    (X, y, w), repeated = weighted_and_repeated()
    estimator = Estimator(random_state=0, mixup=1e-9, **SMALL)
    weighted = estimator.fit(X, y, w).predict(X)
    np.testing.assert_allclose(weighted, estimator.fit(*repeated).predict(X), rtol=1e-7)


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_class_weight_with_early_stopping_on_a_fixed_validation_set(scoring):
    """The heavy class is predicted nearly always, whatever the others cost."""
    X, y = make_blobs(centers=3, random_state=0, cluster_std=20)
    clf = MLPClassifier(
        class_weight={0: 1000, 1: 0.0001, 2: 0.0001}, early_stopping=True,
        scoring=scoring, random_state=0, **QUICK,
    )  # fmt: skip
    clf.set_params(max_iter=1000, n_iter_no_change=20)  # as the check does
    clf.fit(X[:50], y[:50], X_val=X[50:], y_val=y[50:])
    assert np.mean(clf.predict(X[50:]) == 0) > 0.87


def test_class_weight_with_refit_on_all_after_a_split_that_is_fixed():
    X, y = make_blobs(centers=3, random_state=0, cluster_std=20)
    clf = MLPClassifier(
        class_weight={0: 1000, 1: 0.0001, 2: 0.0001}, early_stopping=True,
        refit_on_all=True, validation_fraction=PredefinedSplit(np.arange(50) % 2),
        scoring="loss", random_state=0, **QUICK,
    )  # fmt: skip
    clf.set_params(max_iter=1000, n_iter_no_change=20).fit(X[:50], y[:50])
    assert np.mean(clf.predict(X[50:]) == 0) > 0.87


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_one_column_is_one_dimension_from_a_fresh_start(Estimator):
    X, y = make_blobs(40, random_state=0)
    fits = [Estimator(warm_start=True, random_state=0, **QUICK) for _ in range(2)]
    with pytest.warns(Warning, match="column-vector y was passed"):
        fits[1].fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(fits[0].fit(X, y).predict(X), fits[1].predict(X))


def test_multilabel_representation_does_not_matter_from_a_fresh_start():
    X, y = make_blobs(40, random_state=0)
    y = np.eye(3, dtype=int)[y]
    params = {"warm_start": True, "random_state": 0, **QUICK}
    predictions = [
        MLPClassifier(**params).fit(X, y_).predict(X) for y_ in (y, y.tolist())
    ]
    np.testing.assert_array_equal(*predictions)
