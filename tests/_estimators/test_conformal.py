"""Intervals: they cover what they promise, and say what they need."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import betabinom
from sklearn.datasets import (
    load_diabetes,
    load_linnerud,
    make_friedman1,
    make_friedman2,
    make_friedman3,
    make_regression,
)
from sklearn.preprocessing import scale

from sknn import CNNRegressor, MLPRegressor, SequentialRegressor
from sknn._estimators.conformal import conformal_radius
from sknn.layers import Activation, Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {
    "hidden_layer_sizes": (20,),
    "learning_rate_init": 0.01,
    "max_iter": 15,
    "batch_size": 50,
    "random_state": 0,
}

# -- the radius ------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 9, 19, 20, 99, 100, 1234])
def test_the_radius_is_an_order_statistic(n, coverage):
    residuals = np.random.RandomState(0).permutation(np.arange(1.0, n + 1))
    rank = -(-(n + 1) * round(coverage * 100) // 100)  # in integers
    if rank > n:
        with pytest.raises(ValueError, match="needs at least"):
            conformal_radius(residuals, coverage)
    else:
        assert conformal_radius(residuals, coverage) == rank


@pytest.mark.parametrize("coverage, needed", [(0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_error_says_how_many_rows_are_needed(coverage, needed):
    with pytest.raises(
        ValueError, match=f"needs at least {needed} .* only {needed - 1}"
    ):
        conformal_radius(np.arange(needed - 1.0), coverage)
    assert conformal_radius(np.arange(float(needed)), coverage) == needed - 1


def test_weights_count_rows():
    r = np.random.RandomState(0).uniform(size=200)
    expected = conformal_radius(r, 0.8)
    for w in (np.ones(200), np.full(200, 0.01, np.float32)):
        assert conformal_radius(r, 0.8, w) == expected
    # A weight of 0 leaves a row out.
    w = np.r_[np.zeros(50), np.full(150, 3.0)]
    assert conformal_radius(r, 0.8, w) == conformal_radius(r[50:], 0.8)
    # Rows of a large weight decide.
    w = np.where(r > 0.5, 1.0, 1e-6)
    assert conformal_radius(r, 0.8, w) == conformal_radius(r[r > 0.5], 0.8)
    with pytest.raises(ValueError, match=r"only 1 rows of equal weight"):
        conformal_radius(r, 0.8, np.eye(200)[0])


@pytest.mark.parametrize("coverage", [0, 1, 1.5, -0.1, np.nan, "0.9", None, True])
def test_coverage_is_a_probability(coverage):
    with pytest.raises(ValueError, match=r"coverage must be a number in \(0, 1\), got"):
        conformal_radius(np.arange(100.0), coverage)


# -- coverage --------------------------------------------------------------------------


def fan(n, rng):
    x = rng.uniform(0, 2, (n, 1))
    return x, x[:, 0] + (0.1 + x[:, 0]) * rng.normal(size=n)


def noise(draw):
    """A set of linear data with noise from a distribution."""

    def make(n, rng):
        X = rng.normal(size=(n, 3))
        return X, X.sum(axis=1) + draw(rng, n)

    return make


def made_by(make, **params):
    return lambda n, rng: make(n_samples=n, random_state=rng, **params)


def bundled(load, column=None):
    def take(n, rng):
        X, y = load(return_X_y=True)
        rows = rng.permutation(len(X))
        return X[rows], (y if column is None else y[:, column])[rows]

    return take


SETS = {
    "normal": noise(lambda rng, n: rng.normal(size=n)),
    "uniform": noise(lambda rng, n: rng.uniform(-2, 2, n)),
    "heavy tails": noise(lambda rng, n: rng.standard_t(2, n)),
    "skewed": noise(lambda rng, n: rng.exponential(size=n)),
    "outliers": noise(lambda rng, n: rng.normal(size=n) + 20 * (rng.rand(n) < 0.05)),
    "two peaks": noise(lambda rng, n: 3 * rng.choice([-1, 1], n) + rng.normal(size=n)),
    "fan": fan,
    "integers": noise(lambda rng, n: rng.poisson(2.0, n)),
    "friedman1": made_by(make_friedman1, noise=1.0),
    "friedman2": made_by(make_friedman2, noise=50.0),
    "friedman3": made_by(make_friedman3, noise=0.1),
    "linear": made_by(make_regression, n_features=10, noise=20.0),
    "diabetes": bundled(load_diabetes),
}
"""Makers of sets of n rows; those that are given have as many as they have."""

LOSSES = {
    "squared_error": {},
    "absolute_error": {"loss": "absolute_error"},
    "gaussian": {"loss": "gaussian"},
    "quantile": {"loss": "quantile", "quantile": (0.1, 0.5, 0.9)},
    "one quantile": {"loss": "quantile", "quantile": 0.9},
}


def covers(interval, y):
    return (interval[..., 0] <= y) & (y <= interval[..., 1])


def assert_covers(inside, n_held_out, coverage):
    """Check a number of covered targets against its exact distribution.

    The probability that a new target is covered is a Beta(k, n + 1 - k) variable, with
    k the rank of the radius, if no two residuals are equal. Each of the two assertions
    fails for one set in 10,000.
    """
    k = int(np.ceil((n_held_out + 1) * coverage - 1e-9))
    covered = betabinom(len(inside), k, n_held_out + 1 - k)
    assert covered.ppf(1e-4) <= inside.sum()
    assert inside.sum() <= covered.ppf(1 - 1e-4)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", SETS)
def test_intervals_cover_the_promised_share(name, loss, coverage):
    X, y = SETS[name](900, np.random.RandomState(1))
    X, y, n = scale(X), scale(y), len(X) // 3
    y = y + 1e-9 * np.random.RandomState(2).normal(size=len(y))  # no ties
    reg = MLPRegressor(**QUICK, **LOSSES[loss])
    reg.fit(X[:n], y[:n], X_val=X[n : 2 * n], y_val=y[n : 2 * n])
    interval = reg.predict_interval(X[2 * n :], coverage)
    assert interval.shape == (len(X) - 2 * n, 2)
    assert_covers(covers(interval, y[2 * n :]), n, coverage)


@pytest.mark.parametrize("loss", LOSSES)
def test_intervals_after_early_stopping_cover_the_promised_share(loss):
    counts = []
    for seed, make in enumerate(SETS.values()):
        X, y = make(600, np.random.RandomState(seed))
        X, y, n = scale(X), scale(y), 2 * len(X) // 3
        params = {**QUICK, "random_state": seed, "early_stopping": True}
        reg = MLPRegressor(**params, validation_fraction=0.25, **LOSSES[loss])
        interval = reg.fit(X[:n], y[:n]).predict_interval(X[n:], 0.8)
        counts.append(covers(interval, y[n:]).mean())
    # The standard deviation of the coverage of one set is 0.05, of the mean 0.014.
    assert np.mean(counts) == pytest.approx(0.8, abs=0.042)


def test_several_targets_have_intervals_of_their_own():
    X, Y = (scale(part) for part in load_linnerud(return_X_y=True))
    rng = np.random.RandomState(0)
    X = np.tile(X, (40, 1)) + 0.1 * rng.normal(size=(800, 3))
    Y = np.tile(Y, (40, 1)) + [0.1, 1.0, 10.0] * rng.normal(size=(800, 3))
    order = rng.permutation(800)
    train, val, test = np.split(order, [300, 550])
    for loss in ("squared_error", "gaussian"):
        reg = MLPRegressor(loss, **{**QUICK, "max_iter": 60})
        reg.fit(X[train], Y[train], X_val=X[val], y_val=Y[val])
        interval = reg.predict_interval(X[test])
        assert interval.shape == (250, 3, 2)
        for inside in covers(interval, Y[test]).T:
            assert_covers(inside, 250, 0.9)
        # 2 * 1.645 standard deviations of the noise, of the target where it prevails.
        width = np.median(np.diff(interval, axis=-1), axis=0).ravel()
        assert width[2] == pytest.approx(33, rel=0.2)
        assert width[0] < width[1] < width[2]


# -- how wide they are -----------------------------------------------------------------


def fitted(seed=0, n=1200, **params):
    X, y = fan(2 * n, np.random.RandomState(seed))
    reg = MLPRegressor(**{**QUICK, "max_iter": 60, **params})
    return reg.fit(X[:n], y[:n], X_val=X[n:], y_val=y[n:]), X[n:], y[n:]


def test_with_a_plain_loss_they_are_the_order_statistic_around_the_prediction():
    reg, X_val, y_val = fitted()
    interval, y = reg.predict_interval(X_val, 0.7), reg.predict(X_val)
    radius = np.sort(np.abs(y - y_val))[int(np.ceil(1201 * 0.7)) - 1]
    assert_allclose(interval, np.column_stack([y - radius, y + radius]))


def test_with_a_gaussian_loss_they_are_proportional_to_the_standard_deviation():
    reg, X_val, y_val = fitted(loss="gaussian")
    y, std = reg.predict(X_val, return_std=True)
    radius = np.sort(np.abs(y - y_val) / std)[int(np.ceil(1201 * 0.9)) - 1]
    assert radius == pytest.approx(1.645, rel=0.1)
    expected = np.column_stack([y - radius * std, y + radius * std])
    assert_allclose(reg.predict_interval(X_val), expected)


def test_with_quantiles_they_are_those_of_conformalized_quantile_regression():
    reg, X_val, y_val = fitted(loss="quantile", quantile=(0.05, 0.25, 0.75, 0.95))
    q = reg.predict(X_val)
    for coverage, (i, j) in ((0.9, (0, 3)), (0.5, (1, 2)), (0.8, (0, 3))):
        scores = np.maximum(q[:, i] - y_val, y_val - q[:, j])
        radius = np.sort(scores)[int(np.ceil(1201 * coverage)) - 1]
        expected = np.column_stack([q[:, i] - radius, q[:, j] + radius])
        assert_allclose(reg.predict_interval(X_val, coverage), expected)


def test_they_follow_the_noise_where_the_loss_does():
    # The standard deviation of the noise is 0.5 and 1.8.
    narrow, wide = np.array([[0.4]]), np.array([[1.7]])
    quantiles = {"loss": "quantile", "quantile": (0.05, 0.95)}
    for params, ratio in (({}, 1), ({"loss": "gaussian"}, 3.6), (quantiles, 3.6)):
        reg, _, _ = fitted(**params)
        widths = [np.diff(reg.predict_interval(x)).item() for x in (narrow, wide)]
        assert widths[1] / widths[0] == pytest.approx(ratio, rel=0.3)


def test_an_interval_is_never_empty():
    # The 0.4 and 0.6 quantiles are too far apart for a coverage of 1%.
    reg, X_val, _ = fitted(loss="quantile", quantile=(0.4, 0.6), max_iter=5)
    interval = reg.predict_interval(X_val, 0.01)
    assert (interval[:, 0] <= interval[:, 1]).all()


def test_larger_coverage_gives_wider_intervals_around_the_same():
    reg, X_val, _ = fitted(loss="gaussian")
    inner, outer = (reg.predict_interval(X_val, coverage) for coverage in (0.5, 0.9))
    assert (outer[:, 0] < inner[:, 0]).all()
    assert (inner[:, 1] < outer[:, 1]).all()


def test_counts_are_never_negative():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (1000, 1))
    y = rng.poisson(np.exp(X[:, 0]))
    reg = MLPRegressor("poisson", early_stopping=True, **QUICK).fit(X, y)
    interval = reg.predict_interval(X)
    assert interval.min() == 0
    assert covers(interval, y).mean() > 0.85


def test_weights_of_held_out_rows_count():
    X, y = fan(1200, np.random.RandomState(0))
    w = np.where(X[:, 0] > 1, 1.0, 0.0)
    params = {**QUICK, "max_iter": 60}
    by_weight, by_rows = (
        MLPRegressor(**params).fit(X, y, X_val=X[r], y_val=y[r], sample_weight_val=v)
        for r, v in ((slice(None), w), (w > 0, None))
    )
    assert_array_equal(by_weight.predict_interval(X), by_rows.predict_interval(X))
    plain = MLPRegressor(**params).fit(X, y, X_val=X, y_val=y)
    assert np.ptp(by_weight.predict_interval(X[:1])) > np.ptp(
        plain.predict_interval(X[:1])
    )


# -- what is kept ----------------------------------------------------------------------


def test_needs_rows_that_were_held_out():
    X, y = fan(100, np.random.RandomState(0))
    reg = MLPRegressor(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match="early_stopping=True, or pass X_val"):
        reg.predict_interval(X)
    reg.set_params(early_stopping=True, validation_fraction=0.1).fit(X, y)
    assert reg.predict_interval(X).shape == (100, 2)
    with pytest.raises(ValueError, match=r"needs at least 19 .* only 10 held-out"):
        reg.predict_interval(X, coverage=0.95)
    with pytest.raises(ValueError, match="coverage must be a number"):
        reg.predict_interval(X, coverage=90)


@pytest.mark.parametrize("change", ["partial_fit", "set_weights", "fit"])
def test_held_out_rows_are_forgotten_when_the_weights_change(change):
    X, y = fan(100, np.random.RandomState(0))
    reg = MLPRegressor(**QUICK).fit(X, y, X_val=X, y_val=y)
    before = reg.predict_interval(X)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        reg.fit(X, y * np.nan)  # a fit that fails changes nothing
    assert_array_equal(reg.predict_interval(X), before)
    if change == "set_weights":
        reg.set_weights(reg.get_weights())
    else:
        getattr(reg, change)(X, y)
    with pytest.raises(ValueError, match="needs rows that were held out"):
        reg.predict_interval(X)


@pytest.mark.parametrize("copied", [lambda r: pickle.loads(pickle.dumps(r)), copy.copy])
def test_copies_predict_the_same_intervals(copied):
    X, y = fan(100, np.random.RandomState(0))
    reg = MLPRegressor(**QUICK).fit(X.astype(np.float32), y, X_val=X, y_val=y)
    interval = reg.predict_interval(X)
    assert interval.dtype == np.float32
    assert_array_equal(copied(reg).predict_interval(X), interval)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_after_a_refit_the_errors_are_those_of_the_first_run(solver):
    X, y = fan(400, np.random.RandomState(0))
    params = {**QUICK, "solver": solver, "early_stopping": True, "max_iter": 10}
    first = MLPRegressor(**params).fit(X, y)
    second = MLPRegressor(**params, refit_on_all=True).fit(X, y)
    widths = [np.ptp(reg.predict_interval(X[:1])) for reg in (first, second)]
    assert first.predict(X[:1]) != second.predict(X[:1])
    assert widths[0] == pytest.approx(widths[1])


def test_all_regressors_have_them():
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(100, 4, 4)), rng.normal(size=100)
    quick = {"early_stopping": True, "max_iter": 2, "validation_fraction": 0.2}
    for reg in (
        CNNRegressor(2, **quick),
        SequentialRegressor([Dense(3), Activation("relu")], **quick),
    ):
        rows = X if isinstance(reg, CNNRegressor) else X.reshape(100, -1)
        assert reg.fit(rows, y).predict_interval(rows).shape == (100, 2)
