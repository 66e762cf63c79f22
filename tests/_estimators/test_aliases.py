"""Names of other libraries: each error says what the name is here."""

import inspect

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_fits import DATA, IRIS

import sknn
from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularClassifier,
    TabularRegressor,
)
from sknn._estimators.aliases import (
    FIT_PARAMETERS,
    INSTEAD,
    NUMBERS,
    OWNERS,
    PARAMETERS,
    VALUES,
    squash,
)

ALL = [
    cls
    for cls in (getattr(sknn, name) for name in sknn.__all__)
    if inspect.isclass(cls) and issubclass(cls, BaseEstimator)
]

OURS = {name for cls in ALL for name in inspect.signature(cls).parameters}


def choices_of(parameter):
    """The names that a parameter of any estimator takes, by its error message."""
    allowed = set()
    for cls in ALL:
        constraints = cls._parameter_constraints.get(parameter, [])
        for constraint in constraints:
            allowed |= set(getattr(constraint, "options", ()))
    return allowed


# -- the table -------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", VALUES)
def test_every_value_has_a_name_that_exists(parameter):
    assert set(VALUES[parameter]) <= choices_of(parameter)
    others = [other for others in VALUES[parameter].values() for other in others]
    assert len(set(others)) == len(others)
    assert not set(others) & choices_of(parameter)


def test_every_parameter_has_a_name_that_exists():
    for name in [*NUMBERS, *NUMBERS.values()]:
        assert name in OURS
    for name in PARAMETERS:
        first, _, last = name.partition(" and ")
        assert {part.partition("=")[0] for part in (first, last) if part} <= OURS
    in_fit = set(inspect.signature(MLPClassifier.fit).parameters)
    assert {part for name in FIT_PARAMETERS for part in name.split(" and ")} <= in_fit


def test_owners_of_parameters_are_the_only_ones():
    """The estimators that a text names have the parameters, and no other has them."""
    for text, names in OWNERS.items():
        for name in names:
            owners = {c for c in ALL if name in inspect.signature(c).parameters}
            if text.startswith("the "):
                Mixin = ClassifierMixin if "classifiers" in text else RegressorMixin
                assert owners == {c for c in ALL if issubclass(c, Mixin)}
                assert text.split()[-1] in {c.__name__ for c in owners}
            else:
                assert {c.__name__ for c in owners} == set(text.split(" and "))


@pytest.mark.parametrize(
    "table", [*VALUES.values(), PARAMETERS, FIT_PARAMETERS, INSTEAD]
)
def test_other_names_are_squashed(table):
    for others in table.values():
        assert [squash(other) for other in others] == list(others)


# -- values ----------------------------------------------------------------------------

VALUES_OF_OTHERS = [
    ("activation", "swish", "silu"),
    ("activation", "sigmoid", "logistic"),
    ("activation", "linear", "identity"),
    ("activation", None, "identity"),
    ("activation", "LeakyReLU", "leaky_relu"),
    ("activation", ["swish"], "silu"),
    ("solver", "momentum", "sgd"),
    ("solver", "L-BFGS-B", "lbfgs"),
    ("initializer", "xavier", "glorot_uniform"),
    ("initializer", "kaiming_normal", "he_normal"),
    ("initializer", "truncated_normal", "normal"),
    ("learning_rate", "ReduceLROnPlateau", "adaptive"),
    ("learning_rate", "cosine_annealing", "cosine"),
    ("learning_rate", "onecycle", "one_cycle"),
    ("learning_rate", "step_lr", "step"),
    ("normalization", "batch_norm", "batch"),
    ("normalization", "LayerNorm", "layer"),
]


@pytest.mark.parametrize("parameter, value, ours", VALUES_OF_OTHERS)
def test_values_of_others(parameter, value, ours):
    net = MLPClassifier(**{parameter: value})
    named = value[0] if isinstance(value, list) else value
    with pytest.raises(ValueError, match=f"^{named!r} is called '{ours}' here[.] "):
        net.fit(*IRIS)


@pytest.mark.parametrize(
    "Estimator, scoring, hint",
    [
        (MLPClassifier, "val_loss", "'val_loss' is called 'loss' here."),
        (MLPClassifier, "auc", "'auc' is called 'roc_auc' here."),
        (MLPClassifier, "f1_makro", "Did you mean 'f1_macro'?"),
        (
            MLPClassifier,
            "rmse",
            "'rmse' is called 'neg_root_mean_squared_error' here, but this estimator "
            "does not have it.",
        ),
        (MLPRegressor, "rmse", "'rmse' is called 'neg_root_mean_squared_error' here."),
        (MLPRegressor, "explained", "Did you mean 'explained_variance'?"),
    ],
)
def test_a_hint_comes_before_the_list(Estimator, scoring, hint):
    with pytest.raises(ValueError, match=r"^.* Got '\w+' instead\.$") as caught:
        Estimator(scoring=scoring).fit(*DATA[Estimator])
    start = f"{hint} The 'scoring' parameter of {Estimator.__name__} must be a str "
    assert str(caught.value).startswith(start)


@pytest.mark.parametrize(
    "Estimator, own, others",
    [
        (MLPClassifier, "'accuracy'", "'r2'"),
        (MLPRegressor, "'r2'", "'accuracy'"),
        (TabularClassifier, "'neg_calibrated_loss'", "'neg_mean_squared_error'"),
    ],
)
def test_scorers_of_the_other_kind_are_not_listed(Estimator, own, others):
    with pytest.raises(ValueError, match="'scoring' parameter") as caught:
        Estimator(scoring=3).fit(*IRIS)
    assert own in str(caught.value)
    assert others not in str(caught.value)


@pytest.mark.parametrize(
    "Estimator, loss, ours",
    [
        (MLPRegressor, "mse", "squared_error"),
        (MLPRegressor, "L1", "absolute_error"),
        (MLPRegressor, "smooth_l1", "huber"),
        (MLPClassifier, "binary_crossentropy", "log_loss"),
        (MLPClassifier, "cross_entropy", "log_loss"),
    ],
)
def test_losses_of_others(Estimator, loss, ours):
    with pytest.raises(ValueError, match=f"^'{loss}' is called '{ours}' here[.] "):
        Estimator(loss=loss).fit(*DATA[Estimator])


def test_a_loss_of_the_other_kind_of_estimator():
    with pytest.raises(
        ValueError, match="called 'squared_error' here, but this estimator does not"
    ):
        MLPClassifier(loss="mse").fit(*IRIS)


def test_numbers():
    with pytest.raises(
        ValueError, match=r"a number, use learning_rate_init=0\.01\. The"
    ):
        MLPClassifier(learning_rate=0.01).fit(*IRIS)
    with pytest.raises(ValueError, match=r"a number, use n_iter_no_change=5\. The"):
        MLPClassifier(early_stopping=5).fit(*IRIS)


# -- parameters ------------------------------------------------------------------------

PARAMETERS_OF_OTHERS = [
    (MLPClassifier, "epochs", "'epochs' is called max_iter here[.]$"),
    (MLPRegressor, "lr", "'lr' is called learning_rate_init here[.]$"),
    (MLPClassifier, "optimizer", "'optimizer' is called solver here[.]$"),
    (MLPClassifier, "patience", "'patience' is called n_iter_no_change here[.]$"),
    (MLPClassifier, "hidden_sizes", "is called hidden_layer_sizes here[.]$"),
    (MLPClassifier, "betas", "is called beta_1 and beta_2 here[.]$"),
    (MLPClassifier, "batch_norm", "is called normalization='batch' here[.]$"),
    (MLPClassifier, "seed", "'seed' is called random_state here[.]$"),
    (MLPClassifier, "validation_split", "called validation_fraction here[.]$"),
    (MLPClassifier, "early_stopping_rounds",
     "called early_stopping=True and n_iter_no_change here[.]$"),
    (MLPClassifier, "eval_metric", "'eval_metric' is called scoring here[.]$"),
    (CNNClassifier, "filters", "'filters' is called conv_channels here[.]$"),
    (SequentialClassifier, "units",
     "hidden_layer_sizes here, but SequentialClassifier has no such parameter[.]$"),
    (MLPClassifier, "filters", "here, but MLPClassifier has no such parameter[.]$"),
    (MLPClassifier, "validation_data",
     "is called X_val and y_val here, a parameter of fit[.]$"),
    (MLPClassifier, "X_val", "'X_val' is a parameter of fit[.]$"),
    (MLPClassifier, "callbacks", "Pass callbacks to the method set_callbacks"),
    (MLPClassifier, "num_classes", "is learned from y in fit[.]$"),
    (MLPClassifier, "device", "on the processor only"),
    (MLPClassifier, "n_jobs", "OPENBLAS_NUM_THREADS"),
    (MLPClassifier, "max_iters", "Did you mean 'max_iter'[?]$"),
    (MLPClassifier, "n_estimators", "'n_estimators' is called max_iter here[.]$"),
    (TabularClassifier, "n_estimators", "is called max_iter or n_members here[.]$"),
    (MLPClassifier, "n_models", "n_members here, but MLPClassifier has no such para"),
    (MLPClassifier, "quantile",
     "'quantile' is a parameter of the regressors, such as MLPRegressor[.]$"),
    (MLPRegressor, "class_weight", "parameter of the classifiers, such as MLPClass"),
    (TabularRegressor, "calibrate", "'calibrate' is a parameter of TabularClassifier"),
]  # fmt: skip


@pytest.mark.parametrize("Estimator, name, message", PARAMETERS_OF_OTHERS)
def test_parameters_of_others(Estimator, name, message):
    unexpected = rf"^{Estimator.__name__}.__init__\(\) got an unexpected .* '{name}'\. "
    with pytest.raises(TypeError, match=unexpected + f".*{message}"):
        Estimator(**{name: 5})
    for model in (Estimator(), make_pipeline(StandardScaler(), Estimator())):
        step = "" if isinstance(model, Estimator) else f"{Estimator.__name__.lower()}__"
        # The hint comes before the long list.
        hint = f".*{message.removesuffix('$')}.* Valid parameters are"
        with pytest.raises(ValueError, match=f"Invalid parameter '{name}'{hint}"):
            model.set_params(**{f"{step}{name}": 5})


@pytest.mark.parametrize(
    "method, name, message",
    [
        ("fit", "validation_data", "is called X_val and y_val here[.]$"),
        ("fit", "eval_set", "'eval_set' is called X_val and y_val here[.]$"),
        ("fit", "weights", "'weights' is called sample_weight here[.]$"),
        ("fit", "batch_size", "'batch_size' is a parameter of the constructor[.]$"),
        ("fit", "epochs", "called max_iter here, a parameter of the constructor[.]$"),
        ("fit", "callbacks", "Pass callbacks to the method set_callbacks"),
        ("fit", "samples_weight", "Did you mean 'sample_weight'"),
        ("fit", "foo", r"\.$"),
        ("partial_fit", "eval_set", "'eval_set' is called X_val and y_val here[.]$"),
        ("partial_fit", "epochs", "called max_iter here, a parameter of the con"),
    ],
)
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_parameters_of_fit_of_others(Estimator, method, name, message):
    net = Estimator()
    start = rf"^{Estimator.__name__}\.{method}\(\) got an unexpected keyword argument"
    with pytest.raises(TypeError, match=f"{start} '{name}'.*{message}"):
        getattr(net, method)(*DATA[Estimator], **{name: 1})
    assert vars(net) == vars(Estimator())


def test_a_subclass_names_itself():
    class Mine(MLPClassifier):
        def __init__(self, foo=1):
            super().__init__(max_iter=1)
            self.foo = foo

    with pytest.raises(TypeError, match=r"^Mine.__init__\(\).*'epochs'.* no such"):
        Mine(epochs=1)
    with pytest.raises(TypeError, match=r"^Mine.fit\(\) .* X_val and y_val here"):
        Mine().fit(*IRIS, eval_set=IRIS)
    assert clone(Mine(foo=2)).get_params() == {"foo": 2}


def test_signatures_are_those_of_the_methods():
    assert list(inspect.signature(MLPClassifier).parameters)[:3] == [
        *("hidden_layer_sizes", "activation", "solver"),
    ]
    assert list(inspect.signature(MLPClassifier.fit).parameters) == [
        *("self", "X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"),
    ]


def test_missing_arguments_name_the_users_class():
    with pytest.raises(TypeError, match=r"^MLPClassifier.fit\(\): missing .*'y'"):
        MLPClassifier().fit(IRIS[0])


def test_a_subclass_that_passes_parameters_on():
    class Mine(MLPClassifier):
        def __init__(self, **params):
            super().__init__(**params)

    with pytest.raises(TypeError, match=r"'lr' is called learning_rate_init here\.$"):
        Mine(lr=3)
