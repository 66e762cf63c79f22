"""Ranges of parameters: how they narrow, and what they accept."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import expon, loguniform, randint, reciprocal, uniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline

from sknn import (
    MLPClassifier,
    MLPRegressor,
)
from sknn.model_selection._ranges import make_range
from sknn.schedules import Cosine

LOG = loguniform(1e-4, 1e-1)
LOG_CONSTANT = loguniform(1, 2, scale=0)


def narrowed(source, good, name="unknown", estimator=None):
    """Return what a parameter is drawn from after a round, given its good values."""
    estimator = MLPClassifier() if estimator is None else estimator
    return make_range(name, source, estimator).narrow(good).source


@pytest.mark.parametrize("distribution", [loguniform, reciprocal])
def test_log_ranges_narrow_in_the_logarithm(distribution):
    new = narrowed(distribution(1e-6, 1e-1), [1e-4, 1e-3, 3e-4, 2e-4])
    assert_allclose(new.support(), (1e-5, 1e-2))  # a gap is 5 decades / (4 + 1)
    assert new.dist.name == "loguniform"
    draws = np.log10(new.rvs(1000, random_state=0))
    assert_allclose(draws.mean(), -3.5, atol=0.1)


def test_linear_ranges_narrow():
    new = narrowed(uniform(0, 1), [0.4, 0.5, 0.6])
    assert_allclose(new.support(), (0.15, 0.85))


def test_integer_ranges_narrow_and_stay_integers():
    new = narrowed(randint(10, 111), [40, 50, 60, 45])
    assert new.support() == (20, 80)
    assert {type(v) for v in new.rvs(5, random_state=0).tolist()} == {int}


def test_small_integer_ranges_keep_the_neighbors():
    assert narrowed(randint(1, 10), [4] * 20).support() == (3, 5)
    assert narrowed(randint(3, 4), [3]).support() == (3, 3)


@pytest.mark.parametrize("source", [loguniform(1e-4, 1e-1), uniform(2, 3)])
def test_a_good_value_at_an_edge_moves_the_range_outward(source):
    low, high = source.support()
    new_low, new_high = narrowed(source, [high], "learning_rate_init").support()
    assert low < new_low < high < new_high
    new_low, new_high = narrowed(source, [low], "learning_rate_init").support()
    assert 0 < new_low < low < new_high < high


def test_integers_move_outward():
    assert narrowed(randint(16, 33), [32] * 3, "batch_size").support() == (28, 36)


@pytest.mark.parametrize(
    "name, source, good, end, expected",
    [
        ("dropout", uniform(0, 0.5), [0.01, 0.02], 0, 0.0),
        ("dropout", uniform(0.5, 0.45), [0.9, 0.94], 1, np.nextafter(1, 0)),
        ("momentum", uniform(0.5, 0.45), [0.9, 0.94], 1, 1.0),
        ("batch_size", randint(1, 10), [1, 2], 0, 1),
        # Fields of objects declare no limits, so the given range is kept to.
        ("learning_rate__warmup", uniform(0, 0.5), [0.5], 1, 0.5),
        ("learning_rate__warmup", uniform(0, 0.5), [0.0], 0, 0.0),
    ],
)
def test_ranges_stay_within_the_limits_of_the_network(
    name, source, good, end, expected
):
    for prefix, estimator in (
        ("", MLPClassifier()),
        ("mlp__", Pipeline([("mlp", MLPClassifier())])),
        ("regressor__", TransformedTargetRegressor(MLPRegressor())),
    ):
        new = narrowed(source, good, prefix + name, estimator)
        assert new.support()[end] == expected


def test_log_ranges_of_unknown_parameters_stay_within_the_given_range():
    low, high = narrowed(loguniform(1e-300, 1), [1e-300]).support()
    assert low == pytest.approx(1e-300)
    assert low < high < 1


@pytest.mark.parametrize(
    "source, name",
    [
        (loguniform(1e-4, 1e-1), "alpha"),
        (uniform(5, 1), "alpha"),
        (randint(50, 151), "batch_size"),
    ],
)
def test_a_parameter_that_does_not_matter_keeps_its_range(source, name):
    """On average over many draws; and it never gets wider."""

    def ends(distribution):
        ends = np.array(distribution.support())
        return np.log(ends) if distribution.dist.name == "loguniform" else ends

    rng, (low, high) = np.random.RandomState(0), ends(source)
    new = np.array(
        [
            ends(narrowed(source, source.rvs(8, random_state=rng), name))
            for _ in range(200)
        ]
    )
    assert (np.diff(new) <= high - low + 1e-9).all()
    assert_allclose(new.mean(axis=0), [low, high], atol=0.1 * (high - low))


def test_lists_of_numbers_narrow_along_their_order():
    rates = [0.3, 0.0, 0.1, 0.5, 0.2, 0.4]
    assert narrowed(rates, [0.4] * 9) == [0.3, 0.4, 0.5]
    assert narrowed(rates, [0.0, 0.1, 0.0, 0.0, 0.1, 0.1]) == [0.0, 0.1, 0.2]
    assert narrowed(np.array([1, 2, 4, 8, 16, 32]), [32] * 9) == [16, 32]


def test_categories_without_a_good_candidate_are_dropped():
    kinds = ["relu", "tanh", "gelu"]
    assert narrowed(kinds, ["tanh", "relu", "tanh"]) == ["relu", "tanh"]
    assert narrowed([False, True], [True]) == [True]
    objects = [Cosine(), None, np.zeros(2), np.ones(2)]
    assert narrowed(objects, objects[2:]) == objects[2:]


def test_other_distributions_stay():
    source = expon()
    assert narrowed(source, [1.0]) is source


def test_ranges_of_other_estimators_stay_within_the_given_range():
    pipe = make_pipeline(PCA(svd_solver="full"), MLPClassifier())
    ranges = {"pca__n_components": uniform(0.9, 0.099), "mlpclassifier__alpha": LOG}
    narrowed = {
        name: make_range(name, given, pipe)
        .narrow([given.support()[1]])
        .source.support()
        for name, given in ranges.items()
    }
    assert narrowed["pca__n_components"][1] == pytest.approx(0.999)
    assert narrowed["mlpclassifier__alpha"][1] > LOG.support()[1]


def test_shifted_log_ranges_stay_as_they_are():
    shifted = loguniform(1e-3, 1, loc=-1e-3)
    assert make_range("alpha", shifted, MLPClassifier()).narrow([0.5]).source is shifted


@pytest.mark.parametrize("constant", [uniform(0, 0), randint(3, 4), LOG_CONSTANT])
def test_constants_stay_as_they_are(constant):
    value = constant.rvs(random_state=0)
    assert narrowed(constant, [value]) is constant


@pytest.mark.parametrize("source", [uniform(0.1, 1e-18), loguniform(1, 1 + 4e-16)])
def test_a_range_that_shrinks_to_nothing_can_still_be_drawn_from(source):
    range_ = make_range("alpha", source, MLPClassifier())
    for _ in range(5):
        range_ = range_.narrow([range_.source.rvs(random_state=0)])
    assert np.isfinite(range_.source.rvs(random_state=0))


def test_nan_in_a_list_of_numbers_does_not_disturb_their_order():
    assert narrowed([0.3, np.nan, 0.1, 0.2], [0.1]) == [0.1]


@pytest.mark.parametrize(
    "given, shown",
    [
        (loguniform(0.1, 0.1), r"loguniform\(0.1, 0.1\)"),
        (loguniform(0.1, 0.01), r"loguniform\(0.1, 0.01\)"),
        (randint(16, 16), r"randint\(16, 16\)"),
        (uniform(loc=0, scale=-1), r"uniform\(loc=0, scale=-1\)"),
        (uniform(0, np.nan), r"uniform\(0, nan\)"),
        (randint, r"randint\(\)"),
    ],
    ids=["one end", "ends swapped", "no integer", "negative", "NaN", "not frozen"],
)
def test_distributions_with_invalid_parameters_are_refused(given, shown):
    message = (
        rf"param_distributions\['alpha'\] must be .* valid parameters, got {shown}"
    )
    with pytest.raises(ValueError, match=message):
        make_range("alpha", given, MLPClassifier())


def test_custom_distributions_are_not_drawn_from_in_advance():
    class Counting:
        draws = 0

        def rvs(self, random_state=None):
            self.draws += 1
            return 0.1

    source = Counting()
    assert narrowed(source, [0.1]) is source
    assert source.draws == 0
