"""The doctor: networks with each problem, and networks without any."""

import copy
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_friedman1,
    make_friedman3,
    make_moons,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from sklearn.model_selection import ShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import check_random_state

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularRegressor,
)
from sknn.initializers import Initializer
from sknn.inspection import Finding, check_overfits_small_sample, doctor
from sknn.inspection._examination import Examination
from sknn.layers import Dense
from sknn.solvers import SGD, Adam

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def scaled(X, y, target=False):
    return scale(X), scale(y) if target else y


def some(data, n):
    rows = np.random.RandomState(0).permutation(len(data[0]))[:n]
    return data[0][rows], data[1][rows]


RAW_CANCER = load_breast_cancer(return_X_y=True)
RAW_WINE = load_wine(return_X_y=True)
RAW_DIABETES = load_diabetes(return_X_y=True)
DIGITS = some((load_digits().data / 16, load_digits().target), 700)
IMAGES = DIGITS[0].reshape(-1, 8, 8), DIGITS[1]
CANCER, WINE = scaled(*RAW_CANCER), scaled(*RAW_WINE)
DIABETES = scaled(*RAW_DIABETES, target=True)
IRIS = scaled(*load_iris(return_X_y=True))
MOONS = make_moons(500, noise=0.2, random_state=0)
FRIEDMAN = scaled(*make_friedman1(800, noise=0.5, random_state=0), target=True)
LINEAR = scaled(*make_regression(500, 20, random_state=0), target=True)
INK = IMAGES[0], scale(IMAGES[0][:, 4:].sum(axis=(1, 2)))
CONSTANT = np.c_[WINE[0], np.full(178, 5.0)], WINE[1]
BLANK = np.c_[WINE[0], np.zeros((178, 20))], WINE[1]
UNSCALED_TARGET = DIABETES[0], RAW_DIABETES[1]
NOISY = scaled(
    *make_classification(200, 30, n_informative=4, flip_y=0.3, random_state=0)
)
RARE = scaled(
    *make_classification(
        1500, 10, weights=[0.97], n_informative=3, class_sep=0.5, random_state=0
    )
)
RARE_AND_LEARNED = scaled(
    *make_classification(
        2000, n_informative=4, weights=[0.95], class_sep=0.5, random_state=0
    )
)


def shuffled(data):
    return data[0], np.random.RandomState(0).permutation(data[1])


@dataclass(frozen=True)
class Negative(Initializer):
    """Weights below 0, which kill rectifiers on features above 0."""

    def __call__(self, shape, fan_in, fan_out, rng):
        return -np.abs(rng.normal(scale=np.sqrt(2 / fan_in), size=shape))


def clf(*sizes, **params):
    given = {"max_iter": 30, "random_state": 0, **params}
    return MLPClassifier(sizes or (50,), **given)


def reg(*sizes, **params):
    given = {"max_iter": 30, "random_state": 0, **params}
    return MLPRegressor(hidden_layer_sizes=sizes or (50,), **given)


def cnn(Estimator=CNNClassifier, **params):
    given = {
        "conv_channels": 6,
        "hidden_layer_sizes": 32,
        "batch_size": 32,
        "learning_rate_init": 0.005,
        "max_iter": 10,
        "learning_rate": "cosine",
        "random_state": 0,
        **params,
    }
    return Estimator(**given)


AUTO = {"initializer": "auto"}
NORMAL = {"initializer": "normal"}
SHORT_BATCHES = {"batch_size": 32, "learning_rate_init": 0.11}
SLOW = {"batch_size": 32, "solver": "sgd", "learning_rate_init": 0.001}
IDLE = {"max_iter": 100, "momentum": 0.5, "scoring": "accuracy"}

PROBLEMS = [
    ("unscaled-features", clf(), RAW_CANCER),
    ("unscaled-features", clf(activation="tanh"), RAW_WINE),
    ("unscaled-features", cnn(max_iter=2), (IMAGES[0] * 255, IMAGES[1])),
    ("unscaled-features", reg(), (RAW_DIABETES[0], DIABETES[1])),
    ("constant-features", clf(learning_rate_init=0.01), CONSTANT),
    ("constant-features", clf(learning_rate_init=0.01), BLANK),
    ("constant-target", reg(), (DIABETES[0], np.full(442, 3.0))),
    ("constant-target", reg(early_stopping=True), (DIABETES[0], np.ones((442, 2)))),
    ("constant-target", clf(), (WINE[0], np.full(178, "wine"))),
    ("constant-target", clf(), (WINE[0], np.ones((178, 3), int))),
    ("unscaled-target", reg(), UNSCALED_TARGET),
    ("unscaled-target", reg(), (DIABETES[0], DIABETES[1] / 1000)),
    ("continuous-target", clf(), (DIABETES[0], RAW_DIABETES[1])),
    ("continuous-target", clf(), (DIABETES[0], RAW_DIABETES[1].astype(int))),
    ("unpredictable-target", clf(100), shuffled(WINE)),
    ("unpredictable-target", clf(), shuffled(CANCER)),
    ("unpredictable-target", clf(early_stopping=True), shuffled(WINE)),
    ("unpredictable-target", reg(), shuffled(DIABETES)),
    ("class-imbalance", clf(learning_rate_init=0.01), RARE),
    ("class-imbalance", clf(100, max_iter=200), RARE_AND_LEARNED),
    ("too-little-data", clf(200, learning_rate_init=0.005), some(DIGITS, 60)),
    ("bad-init-symmetric", clf(initializer="zeros"), DIGITS),
    ("bad-init-symmetric", reg(initializer="constant"), FRIEDMAN),
    ("bad-init-symmetric", cnn(initializer="constant", max_iter=2), IMAGES),
    ("bad-init-small", clf(50, 50, **NORMAL, init_scale=1e-4), DIGITS),
    ("bad-init-small", reg(30, 30, **NORMAL, init_scale=1e-4), DIABETES),
    ("bad-init-large", clf(50, 50, **NORMAL, init_scale=1.0), DIGITS),
    ("bad-init-large", reg(50, 50, **NORMAL, init_scale=1.0), FRIEDMAN),
    ("vanishing-gradients", clf(*[40] * 6, activation="logistic"), DIGITS),
    ("vanishing-gradients", reg(*[20] * 8, activation="logistic"), FRIEDMAN),
    ("exploding-gradients", clf(*[40] * 9, **NORMAL, init_scale=0.7), WINE),
    ("exploding-gradients", reg(*[40] * 9, **NORMAL, init_scale=0.7), DIABETES),
    ("dead-units", clf(initializer=Negative()), DIGITS),
    ("dead-units", clf(solver="sgd", learning_rate_init=2.0), DIGITS),
    ("saturated-units", clf(activation="tanh", **NORMAL, init_scale=3.0), WINE),
    ("saturated-units", reg(activation="logistic", **NORMAL, init_scale=6.0), LINEAR),
    ("learning-rate-too-low", clf(learning_rate_init=1e-6), DIGITS),
    ("learning-rate-too-low", reg(learning_rate_init=1e-6, solver="sgd"), LINEAR),
    ("learning-rate-too-low", cnn(learning_rate_init=1e-6, max_iter=3), IMAGES),
    ("learning-rate-too-high", clf(learning_rate_init=2.0), DIGITS),
    ("learning-rate-too-high", clf(50, 50, learning_rate_init=1.0), CANCER),
    ("learning-rate-too-high", reg(learning_rate_init=1.0, solver="sgd"), FRIEDMAN),
    ("learning-rate-too-high", cnn(learning_rate_init=0.5, max_iter=5), IMAGES),
    ("not-converged", clf(learning_rate_init=0.002, max_iter=5), DIGITS),
    ("not-converged", clf(**SLOW, max_iter=200), DIGITS),
    ("not-converged", reg(learning_rate_init=0.002, max_iter=10), LINEAR),
    ("over-regularized", clf(alpha=300.0, learning_rate_init=0.01), DIGITS),
    ("over-regularized", clf(solver="sgd", alpha=10.0, **SHORT_BATCHES), DIGITS),
    ("underfitting", clf(2, learning_rate_init=0.03, max_iter=300), DIGITS),
    ("underfitting", reg(1, learning_rate_init=0.02, max_iter=200), FRIEDMAN),
    ("over-regularized", clf(alpha=1000.0, learning_rate_init=0.01), WINE),
    ("overfitting", clf(200, learning_rate_init=0.01, max_iter=100), NOISY),
    ("overfitting", reg(50, 50, learning_rate_init=0.01, max_iter=200), DIABETES),
    ("parameter-without-effect", clf(learning_rate_init=0.02, **IDLE), WINE),
]

ALSO = {
    "dead-units": {"learning-rate-too-high"},
    "learning-rate-too-high": {"dead-units"},
    "saturated-units": {"bad-init-large"},
    "unscaled-features": {"saturated-units", "dead-units"},
    "overfitting": {"too-little-data"},
}
"""Findings that may accompany a problem, as its cause or consequence."""

HEALTHY = [
    (clf(100, max_iter=200), DIGITS),
    (clf(50, 50, learning_rate_init=0.01), DIGITS),
    (clf(solver="sgd", learning_rate_init=0.2, learning_rate="cosine"), DIGITS),
    (clf(activation="tanh", learning_rate_init=0.01), DIGITS),
    (
        clf(
            *[64] * 4,
            residual=True,
            normalization="batch",
            learning_rate="one_cycle",
            learning_rate_init=0.01,
            max_iter=15,
        ),
        DIGITS,
    ),
    (clf(dropout=0.3, learning_rate_init=0.005, max_iter=80), DIGITS),
    (clf(learning_rate_init=0.005, max_iter=100), CANCER),
    (clf(early_stopping=True, learning_rate_init=0.005, max_iter=100), CANCER),
    (clf(solver="lbfgs", alpha=1.0, max_iter=200), CANCER),
    (make_pipeline(StandardScaler(), clf(learning_rate_init=0.01)), RAW_CANCER),
    (clf(learning_rate_init=0.02, max_iter=100), WINE),
    (clf(learning_rate_init=0.02, max_iter=200), IRIS),
    (clf(learning_rate_init=0.02, max_iter=300), MOONS),
    (reg(early_stopping=True, learning_rate_init=0.005), DIABETES),
    (reg(10, alpha=10.0, learning_rate_init=0.01, max_iter=200), DIABETES),
    (
        make_pipeline(
            StandardScaler(),
            TransformedTargetRegressor(
                reg(early_stopping=True, learning_rate_init=0.005),
                transformer=StandardScaler(),
            ),
        ),
        RAW_DIABETES,
    ),
    (reg(learning_rate_init=0.02, max_iter=100), FRIEDMAN),
    (reg(learning_rate_init=0.02, max_iter=100), LINEAR),
    (reg(activation="tanh", learning_rate_init=0.02, max_iter=100), LINEAR),
    (cnn(max_iter=20), IMAGES),
    (cnn(normalization="batch"), IMAGES),
    (cnn(CNNRegressor, random_state=1), INK),
]


def name_of(case):
    return case if isinstance(case, str) else ""


@pytest.mark.parametrize("problem, estimator, data", PROBLEMS, ids=name_of)
def test_each_problem_is_found(problem, estimator, data):
    report = doctor(estimator, *data)
    assert problem in report.problems
    assert set(report.problems) <= {problem, *ALSO.get(problem, ())}
    assert report.healthy == (problem == "parameter-without-effect")
    params = {*clone(estimator).get_params(), "y"}
    params |= {"StandardScaler", "VarianceThreshold", "MLPRegressor"}
    for finding in report.findings:
        assert re.search(r"\d|finite", finding.evidence) or "same" in finding.evidence
        assert params & set(re.findall(r"\w+", finding.advice))


@pytest.mark.parametrize("estimator, data", HEALTHY)
def test_good_networks_have_no_findings(estimator, data):
    report = doctor(estimator, *data)
    assert report.problems == []
    assert report.healthy
    assert "The network is healthy" in repr(report)
    assert "The network is healthy" in report._repr_html_()
    if "forest is better" in report.notes[-1]:
        train, validation = scores_of(report)
        assert train - validation > 0.25


def test_every_documented_problem_has_a_case():
    _, _, text = doctor.__doc__.partition("The doctor knows these problems:")
    documented = set(re.findall(r"``([a-z-]+)``", text.partition("A symptom")[0]))
    assert documented == {problem for problem, *_ in PROBLEMS}


def test_the_same_data_scaled_or_not():
    unscaled = doctor(clf(), *RAW_CANCER)
    assert "30 columns are larger than 10" in unscaled.findings[0].evidence
    healthy = make_pipeline(StandardScaler(), clf(learning_rate_init=0.01))
    assert doctor(healthy, *RAW_CANCER).healthy


@pytest.mark.parametrize(
    "problem, estimator, data",
    [case for case in PROBLEMS if case[0].startswith("learning-rate")][::2],
    ids=name_of,
)
def test_the_advice_mends_a_wrong_learning_rate(problem, estimator, data):
    (finding,) = (f for f in doctor(estimator, *data).findings if f.problem == problem)
    rate = re.search(r"learning_rate_init=([\d.e-]*\d)", finding.advice)
    changed = clone(estimator).set_params(learning_rate_init=float(rate[1]))
    assert not any("rate" in problem for problem in doctor(changed, *data).problems)


# -- fitted estimators ----------------------------------------------------------------


def split(data):
    return train_test_split(*data, random_state=0)


def test_a_fitted_estimator_is_looked_at_as_it_is():
    X, X_val, y, y_val = split(NOISY)
    estimator = clf(200, learning_rate_init=0.01, max_iter=100)
    fitted = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val)
    before = copy.deepcopy(vars(fitted))
    report = doctor(fitted, X, y, X_val, y_val)
    assert report.problems == ["overfitting"]
    assert vars(fitted).keys() == before.keys()
    assert fitted.history_ == before["history_"]
    assert np.array_equal(fitted.network_.theta, before["network_"].theta)
    scores = [report.figures[f"{part} score"] for part in ("training", "validation")]
    # The doctor computes the scores in batches of other sizes, with other rounding.
    expected = [fitted.score(X, y), fitted.score(X_val, y_val)]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    assert report.figures["epochs"] == fitted.n_iter_
    assert report.figures["last loss"] == fitted.loss_
    # The curves are in its history, so the rows need not be passed again.
    assert doctor(fitted, X, y).findings == report.findings
    # Training a clone on the same rows gives the same findings.
    assert doctor(estimator, X, y, X_val, y_val).findings == report.findings


def test_without_validation_data_over_fitting_cannot_be_detected():
    X, X_val, y, y_val = split(NOISY)
    fitted = clf(200, learning_rate_init=0.01, max_iter=100).fit(X, y)
    report = doctor(fitted, X, y)
    assert report.healthy
    assert "overfitting" in report.notes[0]
    assert np.isnan(report.figures["validation score"])
    assert doctor(fitted, X, y, X_val, y_val).problems == ["overfitting"]


@pytest.mark.parametrize("restore_best", [True, False])
def test_the_validation_score_is_that_of_the_network_that_is_kept(restore_best):
    fitted = clf(early_stopping=True, restore_best=restore_best).fit(*WINE)
    scores = fitted.validation_scores_
    expected = max(scores) if restore_best else scores[-1]
    assert doctor(fitted, *WINE).figures["validation score"] == expected


HALF_HELD_OUT = {"early_stopping": True, "validation_fraction": 0.5}


@pytest.mark.parametrize(
    "fraction", [0.5, ShuffleSplit(1, test_size=0.5, random_state=1)], ids=str
)
def test_rows_that_early_stopping_held_out_are_no_training_rows(fraction):
    X, y = some(DIGITS, 120)
    params = {**HALF_HELD_OUT, "validation_fraction": fraction}
    fitted = clf(100, learning_rate_init=0.01, max_iter=100, **params).fit(X, y)
    report = doctor(fitted, X, y)
    train, held_out = scores_of(report)
    assert report.figures["rows"] == 60
    assert (train + held_out) / 2 == pytest.approx(fitted.score(X, y))
    assert train > fitted.score(X, y) > held_out
    assert set(report.problems) <= {"too-little-data"}
    everything = clone(fitted).set_params(refit_on_all=True).fit(X, y)
    assert scores_of(doctor(everything, X, y))[0] == everything.score(X, y)


def scores_of(report):
    return report.figures["training score"], report.figures["validation score"]


@pytest.mark.parametrize(
    "params",
    [
        {"random_state": np.random.RandomState(0)},
        {"warm_start": True},
        {"validation_fraction": ShuffleSplit(1, test_size=0.5)},
    ],
    ids=["generator", "warm start", "splitter"],
)
def test_where_they_are_not_known_the_training_score_is_an_estimate(params):
    X, y = some(DIGITS, 120)
    given = {**HALF_HELD_OUT, "learning_rate_init": 0.01, **params}
    fitted = clf(**given).fit(X, y)
    stream = check_random_state(None).get_state()[1].copy()
    report = doctor(fitted, X, y)
    assert np.array_equal(check_random_state(None).get_state()[1], stream)
    assert "not exact" in report.notes[0]
    train, held_out = scores_of(report)
    assert (train + held_out) / 2 == pytest.approx(fitted.score(X, y))
    # With a validation set none are held out.
    X_val, y_val = some(WINE, 50)
    fitted = clf(**given).fit(*WINE, X_val=X_val, y_val=y_val)
    report = doctor(fitted, *WINE, X_val, y_val)
    assert report.figures["training score"] == fitted.score(*WINE)
    assert not any("not exact" in note for note in report.notes)


def test_a_mild_finding_does_not_hide_a_serious_one():
    data = some(DIGITS, 600)
    estimator = clf(2, solver="sgd", max_iter=200, n_iter_no_change=np.inf)
    estimator.set_params(early_stopping=True, **SHORT_BATCHES)
    report = doctor(estimator.fit(*data), *data)
    assert report.problems[0] == "underfitting"
    assert "overfitting" not in report.problems
    constant = np.c_[DIGITS[0], np.ones(len(DIGITS[0]))], DIGITS[1]
    report = doctor(clf(learning_rate_init=1e-6), *constant)
    assert report.problems == ["learning-rate-too-low", "constant-features"]


def test_a_penalty_that_makes_the_rate_too_high_is_named():
    diverges = clf(solver="sgd", alpha=np.float64(1000.0), **SHORT_BATCHES)
    finding = doctor(diverges, *DIGITS).findings[0]
    assert finding.problem == "learning-rate-too-high"
    assert "Lower alpha=1000:" in finding.advice
    estimator = clf(alpha=np.float64(300.0), dropout=0.1, learning_rate_init=0.01)
    advice = doctor(estimator, *DIGITS).findings[0].advice
    assert advice.startswith("Lower alpha=300, dropout=0.1.")
    advice = doctor(estimator.set_params(dropout=0), *DIGITS).findings[0].advice
    assert advice.startswith("Lower alpha=300.")


def standardized(Estimator, **params):
    return make_pipeline(StandardScaler(), Estimator(random_state=0, **params))


RAW_DIGITS = some(load_digits(return_X_y=True), 700)


@pytest.mark.parametrize(
    "Estimator, data",
    [
        (MLPClassifier, RAW_WINE),
        (MLPClassifier, RAW_DIGITS),
        (MLPRegressor, (RAW_DIABETES[0], DIABETES[1])),
    ],
    ids=["wine", "digits", "diabetes"],
)
@pytest.mark.parametrize(
    "alpha, params",
    [(1000, {}), (1000, {"max_iter": 20}), (100, {"early_stopping": True}), (1, {})],
    ids=str,
)
def test_a_penalty_that_is_far_too_large_is_the_first_finding(
    Estimator, data, alpha, params
):
    report = doctor(standardized(Estimator, alpha=alpha, **params), *data)
    if alpha == 1:
        assert "over-regularized" not in report.problems
        return
    (finding,) = report.findings
    assert finding.problem == "over-regularized"
    assert finding.advice.startswith(f"Lower alpha={alpha}. With alpha=1 the penalty")
    times = float(re.search("penalty is ([.0-9]+) times", finding.evidence)[1])
    assert times == pytest.approx(alpha / 10, rel=0.3)


def test_advice_names_parameters_that_there_are():
    own = SequentialClassifier([Dense(2)], learning_rate_init=0.03, random_state=0)
    report = doctor(own, *DIGITS)
    assert report.problems == ["underfitting"]
    assert "(layers)" in report.findings[0].advice
    frozen = cnn(freeze="conv").fit(*IMAGES)
    assert doctor(frozen, *IMAGES).figures["rows"] == 700


def test_a_fitted_pipeline():
    X, X_val, y, y_val = split(RAW_WINE)
    pipeline = make_pipeline(StandardScaler(), clf(learning_rate_init=0.01)).fit(X, y)
    report = doctor(pipeline, X, y, X_val, y_val)
    assert report.healthy
    assert report.figures["validation score"] == pipeline.score(X_val, y_val)


# -- side effects and errors ----------------------------------------------------------


def test_the_doctor_changes_nothing_and_gives_one_answer(capsys):
    estimator = clf(random_state=None, verbose=True, max_iter=2)
    X, y = WINE[0].copy(), WINE[1].copy()
    stream = check_random_state(None).get_state()[1].copy()
    params = vars(estimator).copy()
    one, other = (repr(doctor(estimator, X, y)) for _ in range(2))
    assert one == other
    assert vars(estimator) == params
    assert np.array_equal(check_random_state(None).get_state()[1], stream)
    assert np.array_equal(X, WINE[0])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("missing", ["X_val", "y_val"])
def test_half_a_validation_set_is_an_error(missing):
    validation = {"X_val": WINE[0], "y_val": WINE[1], missing: None}
    with pytest.raises(ValueError, match=f"{missing} was not provided"):
        doctor(clf(), *WINE, **validation)


def test_errors_of_fit_pass_through():
    with pytest.raises(ValueError, match="'alpha' parameter"):
        doctor(clf(alpha=-1), *WINE)
    with pytest.raises(TypeError, match="estimator of sknn"):
        doctor(LogisticRegression(), *WINE)


def test_several_labels_and_several_quantiles():
    labels = make_multilabel_classification(400, random_state=0)
    report = doctor(clf(early_stopping=True), *scaled(*labels))
    assert "class-imbalance" not in report.problems
    assert np.isnan(report.figures["score of a forest"])
    quantiles = reg(loss="quantile", quantile=(0.1, 0.9), learning_rate_init=0.02)
    report = doctor(quantiles.set_params(max_iter=100), *LINEAR)
    assert np.isfinite(report.figures["validation score"])


def test_a_class_of_a_single_row_is_no_obstacle():
    y = WINE[1].copy()
    y[::20] = np.arange(3, 12)
    _, held_out = train_test_split(y, test_size=0.2, random_state=0)
    lone = int((held_out > 2).sum())
    rows = doctor(clf(learning_rate_init=0.02), WINE[0], y).figures["rows"]
    assert rows == 142 + lone > 142


@pytest.mark.parametrize("fit", [False, True])
def test_a_single_class_and_a_constant_target_are_the_only_finding(fit):
    X = RAW_WINE[0]
    for estimator, y, evidence in (
        (clf(), np.full(178, "wine"), "y has a single class, wine, in all "),
        (reg(), np.full(178, 300.0), "The target is constant: it is the same in all "),
    ):
        estimator = estimator.fit(scale(X), y) if fit else estimator
        report = doctor(estimator, X, y)
        assert report.problems == ["constant-target"]
        assert report.findings[0].evidence.startswith(evidence)
        assert "nothing to learn" in report.findings[0].advice
        assert not re.search("rate|StandardScaler", report.findings[0].advice)


def test_bad_values_in_rows_held_out_are_said_to_be_in_X_or_y():
    X, y = DIABETES[0].copy(), DIABETES[1].copy()
    held_out = train_test_split(np.arange(442), test_size=0.2, random_state=0)[1][0]
    X[held_out, 0] = np.nan
    with pytest.raises(ValueError, match=r"^Input X contains NaN"):
        doctor(reg(), X, y)
    with pytest.raises(ValueError, match=r"^Invalid validation set .* contains NaN"):
        doctor(reg(), *DIABETES, X, y)
    assert doctor(make_pipeline(SimpleImputer(), reg()), X, y).figures["rows"] == 353
    y[held_out] = np.nan
    with pytest.raises(ValueError, match=r"^Input y contains NaN"):
        doctor(reg(), DIABETES[0], y)


@pytest.mark.filterwarnings("error::sklearn.exceptions.UndefinedMetricWarning")
def test_few_rows():
    X, y = some(DIABETES, 5)
    for n, share in ((5, "40%"), (4, "50%")):
        for estimator in (reg(), reg(early_stopping=True)):
            report = doctor(estimator, X[:n], y[:n])
            assert report.figures["rows"] == n - 2
            assert np.isfinite(report.figures["validation score"])
            assert f"{share} of the rows" in report.notes[0]
        assert doctor(clf(), X[:n], np.arange(n) // 2 % 2).figures["rows"] == n - 2
    report = doctor(reg(), X, y, X[:1], y[:1])
    assert np.isnan(report.figures["validation score"])
    for n in range(4):
        for estimator in (reg(), clf()):
            with pytest.raises(ValueError, match=f"At least 4 rows .*={n}"):
                doctor(estimator, X[:n], np.arange(n))
    with pytest.raises(ValueError, match="y has 5 classes in 5 rows"):
        doctor(clf(), X, np.arange(5))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        doctor(reg(), X, y[:4])


def test_features_that_overflow_are_unscaled():
    report = doctor(clf(), WINE[0] * 1e200, WINE[1])
    assert report.problems == ["unscaled-features"]


def test_a_report_is_escaped_in_a_notebook():
    y = np.where(RARE[1], "<b>rare</b>", "common")
    report = doctor(clf(learning_rate_init=0.01), RARE[0], y)
    assert "<b>rare</b>" in repr(report)
    html = report._repr_html_()
    assert "&lt;b&gt;rare&lt;/b&gt;" in html
    assert "<b>rare" not in html


def test_serious_findings_come_first():
    X = np.c_[RAW_CANCER[0], np.ones(len(RAW_CANCER[0]))]
    report = doctor(clf(), X, RAW_CANCER[1])
    assert report.problems == ["unscaled-features", "constant-features"]
    assert [f.severity for f in report.findings] == ["serious", "mild"]
    assert isinstance(report.findings[0], Finding)
    assert report.figures["rows"] == 455
    assert report._repr_html_().count("<li>") == 2


# -- comparison with a forest ---------------------------------------------------------


def figures_of_scores(monkeypatch, train, validation, forest, n=4000):
    """Report of an examination in which these scores were found, on `n` rows."""
    X, y = make_classification(n, 10, random_state=0)
    for name, value in (
        ("score", train),
        ("validation_score", validation),
        ("forest_score", forest),
    ):
        monkeypatch.setattr(Examination, name, value)
    return doctor(clf(learning_rate_init=0.01, tol=0.01, max_iter=50), X, y)


@pytest.mark.parametrize(
    "scores, problems",
    [
        ((0.894, 0.866, 0.886), ["underfitting"]),
        ((0.894, 0.890, 0.886), []),  # validation is as good as the forest
        ((0.930, 0.866, 0.886), []),  # a single sign, of little more than an error
        ((0.920, 0.830, 0.886), ["underfitting"]),  # clear
        ((0.800, 0.880, 0.886), ["underfitting"]),  # clear in the training score
        ((1.000, 0.830, 0.886), []),  # that is overfitting, if the loss shows it
        ((0.894, math.nan, 0.886), []),  # the training score shows nothing
        ((0.894, 0.866, math.nan), []),
    ],
)
def test_the_validation_score_is_compared_with_the_forest(
    scores, problems, monkeypatch
):
    report = figures_of_scores(monkeypatch, *scores)
    assert report.problems == problems
    for finding in report.findings:
        assert "0.886 on rows that it was not trained on" in finding.evidence
        assert f"{scores[1]:.3g} on the validation rows" in finding.evidence
    compared = " ".join(report.notes)
    assert ("validation score was compared" in compared) == np.isfinite(sum(scores))
    no_validation = np.isnan(scores[1])
    assert ("training score was compared" in compared) == no_validation


def test_a_small_difference_on_few_rows_is_no_finding(monkeypatch):
    report = figures_of_scores(monkeypatch, 0.894, 0.866, 0.886, n=500)
    assert report.healthy


@pytest.mark.parametrize(
    "scores, n, note",
    [
        ((0.990, 0.880, 0.912), 4000, "by 0.032, 2.4 standard errors. The network"),
        ((0.990, 0.870, 0.903), 2000, "by 0.033, 1.8 standard errors, which may be"),
        ((0.990, 0.870, 0.896), 2000, ""),  # 1.4 standard errors
        ((0.970, 0.880, 0.906), 4000, ""),  # a gap as networks that do well have
        ((0.990, math.nan, 0.906), 4000, ""),
        ((0.990, 0.880, math.nan), 4000, ""),
    ],
)
def test_a_forest_that_may_be_better_is_noted(scores, n, note, monkeypatch):
    report = figures_of_scores(monkeypatch, *scores, n=n)
    assert report.healthy
    assert ("forest is better" in report.notes[-1]) == bool(note)
    assert note in report.notes[-1]
    if note:
        assert "0.11" in report.notes[-1] or "0.12" in report.notes[-1]
        assert "Set early_stopping=True. Raise alpha or dropout" in report.notes[-1]


@pytest.mark.parametrize("seed, problems", [(2, []), (3, ["underfitting"])])
def test_a_low_training_score_on_few_rows_may_be_chance(seed, problems):
    network = MLPClassifier(early_stopping=True, random_state=seed)
    report = doctor(make_pipeline(StandardScaler(), network), *RAW_WINE)
    assert report.figures["training score"] < report.figures["score of a forest"] - 0.05
    assert report.problems == problems


@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_with_too_few_units_is_found_by_its_validation_score(seed):
    X, y = make_classification(
        4000, 20, n_informative=10, n_clusters_per_class=4, random_state=seed
    )
    params = {"learning_rate_init": 0.01, "max_iter": 100, "random_state": seed}
    report = doctor(clf(3, **params), scale(X), y)
    assert "underfitting" in report.problems
    assert "underfitting" not in doctor(clf(100, **params), scale(X), y).problems


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "mean, std", [(10, 1), (10, 3), (5, 1), (1000, 1), (0, 1000)], ids=str
)
def test_a_raw_target_is_named(mean, std, seed):
    X, y = make_friedman1(500, noise=0.5, random_state=seed)
    X, y = scaled(X, y, target=True)
    network = MLPRegressor(random_state=seed, max_iter=50)
    report = doctor(network, X, mean + std * y)
    finding = report.findings[0]
    assert finding.problem == "unscaled-target"
    assert "TransformedTargetRegressor" in finding.advice
    assert "StandardScaler" in finding.advice
    assert "underfitting" not in report.problems
    ready = TransformedTargetRegressor(network, transformer=StandardScaler())
    assert "unscaled-target" not in doctor(ready, X, mean + std * y).problems
    assert "unscaled-target" not in doctor(network, X, y).problems


# -- what is printed ------------------------------------------------------------------


def test_verbose_prints_the_steps_with_their_times(capsys):
    report = doctor(clf(), *WINE, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r"\[doctor\] .+ \.\.\. \d+\.\d s", line) for line in lines)
    steps = " ".join(lines)
    for step in ("Training a clone", "range test", "Forest", "Activations"):
        assert step in steps
    assert repr(doctor(clf(), *WINE)) == repr(report)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="verbose == -1, must be >= 0"):
        doctor(clf(), *WINE, verbose=-1)


def test_a_finding_prints_as_in_its_report():
    report = doctor(clf(), *RAW_CANCER)
    assert f"- {report.findings[0]!r}" in repr(report)
    assert "unscaled-features" in report.findings[0]._repr_html_()


# -- advice that helps ----------------------------------------------------------------


@pytest.mark.parametrize(
    "params, advised",
    [
        ({"solver": "sgd"}, True),
        ({"solver": SGD(momentum=0.0)}, True),
        ({"solver": "sgd", "max_grad_norm": 5.0}, True),
        ({"solver": "sgd", "max_grad_norm": 1.0}, False),
        ({"solver": "sgd", "max_grad_norm": 0.5}, False),
        ({"solver": "adam"}, False),
        ({"solver": Adam()}, False),
        ({"solver": "rmsprop"}, False),
    ],
    ids=str,
)
def test_clipping_is_advised_only_where_it_shortens_steps(params, advised):
    given = {"learning_rate_init": 30.0, "max_iter": 3, **params}
    advice = doctor(clf(**given), *some(DIGITS, 400)).findings[-1].advice
    assert "learning_rate_init" in advice
    assert ("max_grad_norm=1" in advice) == advised
    check = check_overfits_small_sample(clf(1, **given), *DIGITS, max_iter=3)
    assert check.advice.startswith("Lower learning_rate_init=30")
    assert ("max_grad_norm=1" in check.advice) == advised
    explodes = clf(*[40] * 9, **NORMAL, init_scale=0.7, **params)
    finding = doctor(explodes, *WINE).findings[0]
    assert finding.problem == "exploding-gradients"
    assert ("max_grad_norm=1" in finding.advice) == advised


@pytest.mark.parametrize(
    "params, advised",
    [({"solver": "sgd"}, True), ({"solver": SGD()}, True), ({"solver": "adam"}, False)],
    ids=str,
)
def test_the_warning_about_a_risen_loss_advises_the_same(params, advised):
    estimator = clf(learning_rate_init=100.0, max_iter=3, **params)
    with pytest.warns(ConvergenceWarning, match="lower learning_rate_init=100") as seen:
        estimator.fit(*WINE)
    risen = next(str(w.message) for w in seen if "rose" in str(w.message))
    assert ("max_grad_norm=1" in risen) == advised


# -- overfitting ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_large_gap_and_a_lower_score_than_the_forest_are_overfitting(seed):
    regressor = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(random_state=seed)),
        transformer=StandardScaler(),
    )
    report = doctor(regressor, *RAW_DIABETES)
    assert report.problems == ["overfitting"]
    assert "on the validation rows" in report.findings[0].evidence
    regularized = clone(regressor).set_params(regressor__mlpregressor__alpha=30.0)
    regularized.set_params(regressor__mlpregressor__early_stopping=True)
    assert doctor(regularized, *RAW_DIABETES).healthy


FLIPPED = make_classification(600, n_informative=4, flip_y=0.2, random_state=0)


def large(**params):
    given = {"learning_rate_init": 0.01, "max_iter": 500, "random_state": 0, **params}
    return make_pipeline(StandardScaler(), MLPClassifier((200, 200), **given))


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_curve_does_not_count_where_the_best_epoch_is_restored(scoring):
    report = doctor(large(), *FLIPPED)
    assert report.problems == ["overfitting"]
    assert "in the last epoch" in report.findings[0].evidence
    assert report.findings[0].advice.startswith("Set early_stopping=True. ")
    stopped = {"early_stopping": True, "scoring": scoring}
    assert doctor(large(**stopped), *FLIPPED).healthy
    report = doctor(large(**stopped, restore_best=False), *FLIPPED)
    assert report.problems == ["overfitting"]
    assert report.findings[0].advice.startswith("Set restore_best=True. ")


@pytest.mark.parametrize("scoring, named", [(None, True), ("loss", False)])
def test_a_restored_network_that_overfits_needs_regularization(scoring, named):
    data = scaled(
        *make_classification(300, 100, n_informative=2, n_redundant=0, random_state=1)
    )
    estimator = clf(100, early_stopping=True, scoring=scoring, learning_rate_init=0.01)
    finding = doctor(estimator, *data).findings[0]
    assert finding.problem == "overfitting"
    assert "epoch" not in finding.evidence
    assert finding.advice.startswith("Raise alpha or dropout")
    assert "early_stopping" not in finding.advice
    assert ("scoring='loss'" in finding.advice) == named


# -- targets that cannot be learned ---------------------------------------------------


def test_training_longer_is_no_advice_for_shuffled_targets():
    report = doctor(clf(100, max_iter=200), *shuffled(WINE))
    (finding,) = report.findings
    assert "better than a constant" in finding.evidence
    assert "0.333 for a constant" in finding.evidence
    assert "max_iter" not in finding.advice
    network, forest = re.findall(r"([\d.]+) for the", finding.evidence)
    assert float(forest) < 0.333
    assert float(network) < 0.333 + 2 * np.sqrt(2 / 9 / 36)


@pytest.mark.parametrize("weight", [0.5, 0.85])
def test_a_weak_dependence_is_not_reported_as_none(weight):
    data = scaled(
        *make_classification(
            1000, flip_y=0.4, weights=[weight], class_sep=0.7, random_state=0
        )
    )
    assert "unpredictable-target" not in doctor(clf(), *data).problems


def test_without_validation_rows_or_with_few_rows_nothing_is_unpredictable():
    X, y = shuffled(WINE)
    assert "unpredictable-target" not in doctor(clf().fit(X, y), X, y).problems
    report = doctor(clf(), X[:30], y[:30])
    assert "unpredictable-target" not in report.problems


def test_classes_with_many_rows_or_names_are_no_continuous_target():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(400, 5)), rng.randint(100, size=400) // 2
    assert "continuous-target" not in doctor(clf(max_iter=2), X, y).problems
    names = np.array([f"name {i // 2}" for i in range(400)])
    assert "continuous-target" not in doctor(clf(max_iter=2), X, names).problems


def test_the_rare_class_is_sought_in_validation_rows_if_there_are_enough():
    X, X_val, y, y_val = train_test_split(
        *RARE_AND_LEARNED, stratify=RARE_AND_LEARNED[1], random_state=0
    )
    fitted = clf(100, max_iter=200).fit(X, y)
    recall = recall_score(y_val, fitted.predict(X_val))
    assert recall < 0.5 < recall_score(y, fitted.predict(X))
    (finding,) = doctor(fitted, X, y, X_val, y_val).findings
    assert f"Only {recall:.0%} of the validation rows of class 1" in finding.evidence
    few = np.r_[np.flatnonzero(y_val == 0), np.flatnonzero(y_val == 1)[:9]]
    report = doctor(fitted, X, y, X_val[few], y_val[few])
    assert "class-imbalance" not in report.problems


# -- what the advice says -------------------------------------------------------------


def test_a_rate_is_suggested_only_for_scaled_data():
    report = doctor(clf(100, learning_rate_init=10.0), *RAW_WINE)
    assert report.problems[0] == "unscaled-features"
    (finding,) = (f for f in report.findings if f.problem == "learning-rate-too-high")
    assert "suggests" not in finding.evidence
    assert finding.advice.startswith("Scale first")
    assert "learning_rate_init=" not in finding.advice


def test_few_epochs_are_named_as_a_cause_of_slow_learning():
    finding = doctor(clf(100, max_iter=5), *WINE).findings[0]
    assert finding.problem == "learning-rate-too-low"
    assert finding.advice.endswith(", or raise max_iter=5.")
    slow = doctor(clf(learning_rate_init=1e-6), *DIGITS).findings[0]
    assert "max_iter" not in slow.advice


@pytest.mark.parametrize(
    "estimator, data, metric, scores",
    [
        (clf(alpha=300.0, learning_rate_init=0.01), DIGITS, "accuracy", "accuracies"),
        (reg(1, learning_rate_init=0.02, max_iter=200), FRIEDMAN, "R²", "values of R²"),
    ],
    ids=["classifier", "regressor"],
)
def test_the_metric_is_named(estimator, data, metric, scores):
    report = doctor(estimator, *data)
    score = f"{report.figures['training score']:.3g}"
    assert f"scores {score} ({metric}) on the training" in report.findings[0].evidence
    assert f"Scores are {scores}." in report.notes[-1]


def test_too_little_data_says_on_which_rows_the_score_is_low():
    X, y = RAW_WINE[0][::36], RAW_WINE[1][::36]
    estimator = make_pipeline(StandardScaler(), clf(100, max_iter=200))
    (finding,) = doctor(estimator, X, y).findings
    assert finding.problem == "too-little-data"
    each = r"1 \(accuracy\) on the training rows and [\d.]+ on the validation rows; a"
    assert re.search(f"{each} forest scores [\\d.]+ on rows", finding.evidence)
    X, y = some(DIGITS, 60)
    fitted = clf(200, learning_rate_init=0.005).fit(X, y)
    (finding,) = doctor(fitted, X, y).findings
    assert re.search(r"; a forest scores 0\.\d+ on rows", finding.evidence)
    assert "validation" not in finding.evidence


@pytest.mark.parametrize(
    "factor, text", [(1, "of 78"), (4, "of 310"), (1e9, "of 7.8e+10")], ids=str
)
def test_numbers_below_a_million_have_no_exponent(factor, text):
    evidence = doctor(reg(), DIABETES[0], factor * (RAW_DIABETES[1] - 152)).findings[0]
    assert f"{text}." in evidence.evidence.replace("\n", " ")


# -- parameters without effect --------------------------------------------------------


def test_a_network_with_an_idle_parameter_is_healthy():
    report = doctor(clf(learning_rate_init=0.02, **IDLE), *WINE)
    assert report.healthy
    assert repr(report).startswith("The network is healthy, but see this finding:")
    assert "healthy, but" in report._repr_html_()
    (finding,) = report.findings
    assert finding.severity == "harmless"
    assert finding.evidence.startswith(
        "momentum=0.5 has no effect: it is used by solver='sgd' only. "
        "scoring='accuracy' has no effect: it is used with early_stopping=True"
    )
    assert finding.advice.startswith("Leave out momentum, scoring, ")


def test_an_idle_parameter_is_the_last_of_several_findings():
    report = doctor(clf(learning_rate_init=1e-6, momentum=0.5), *DIGITS)
    assert report.problems == ["learning-rate-too-low", "parameter-without-effect"]
    assert not report.healthy
    assert repr(report).startswith("2 findings:")


def test_scoring_is_used_if_fit_gets_a_validation_set():
    X, X_val, y, y_val = split(WINE)
    estimator = clf(learning_rate_init=0.02, max_iter=100, scoring=negative_loss)
    fitted = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val)
    for used in (estimator, fitted):
        assert doctor(used, X, y, X_val, y_val).problems == []
    for unused, data in ((estimator, ()), (estimator.fit(X, y), (X_val, y_val))):
        (finding,) = doctor(unused, X, y, *data).findings
        assert finding.evidence.startswith("scoring=negative_loss has no effect: ")


def negative_loss(estimator, X, y):
    return -log_loss(y, estimator.predict_proba(X))


# -- rare classes with class_weight ----------------------------------------------------


def rare_class(seed, class_sep=1.0):
    X, y = make_classification(
        2000, n_informative=4, weights=[0.97], class_sep=class_sep, random_state=seed
    )
    return scale(X), y


WEIGHTED = MLPClassifier(
    (20,),
    class_weight="balanced",
    alpha=1,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=60,
    random_state=0,
)


@pytest.mark.parametrize("seed", [0, 2])
def test_scores_with_class_weight_are_weighted(seed):
    """A constant has an accuracy of 0.97, which is no reason to call it better."""
    X, y = rare_class(seed)
    report = doctor(WEIGHTED, X, y)
    assert "underfitting" not in report.problems
    assert 0.5 < report.figures["score of a forest"] < 0.7
    assert "Scores are accuracies, weighted by class_weight." in report.notes[-1]
    X_val, y_val = rare_class(seed)
    fitted = clone(WEIGHTED).fit(X, y)
    figures = doctor(fitted, X, y, X_val=X_val, y_val=y_val).figures
    expected = balanced_accuracy_score(y, fitted.predict(X))
    assert figures["training score"] == pytest.approx(expected)
    assert figures["validation score"] == pytest.approx(expected)


def test_a_rare_class_that_can_be_predicted_is_not_unpredictable():
    net = MLPClassifier((20,), alpha=1, class_weight="balanced", random_state=0)
    report = doctor(net, *rare_class(1, class_sep=0.5))
    assert "unpredictable-target" not in report.problems


# -- no harm ---------------------------------------------------------------------------


def test_a_high_rate_that_ends_well_is_no_finding():
    """The loss rises at first, and the network ends above the forest."""
    X, y = make_friedman3(600, random_state=0)
    report = doctor(TabularRegressor(n_members=1, max_iter=32, random_state=0), X, y)
    losses = report.figures["first loss"], report.figures["last loss"]
    assert losses[1] < losses[0] / 10
    assert report.figures["validation score"] > report.figures["score of a forest"]
    assert "learning-rate-too-high" not in report.problems


def test_rows_with_missing_targets_are_counted_in_all_rows():
    X, y = RAW_CANCER
    y = y.astype(float)
    y[[5, 500]] = np.nan
    with pytest.raises(ValueError, match="missing in 2 of 569 rows, first in row 5"):
        doctor(MLPClassifier(), X, y)


def test_a_network_of_scikit_learn_is_named():
    with pytest.raises(TypeError, match="from scikit-learn: import MLPClassifier from"):
        doctor(sklearn.neural_network.MLPClassifier(), *RAW_CANCER)
