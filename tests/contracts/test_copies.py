"""Copies by joblib, pickle and copy; parallel fits, threads, memory over many fits."""

import copy
import gc
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
    load_iris,
)
from small_fits import (
    assert_same_parameters,
    classifier,
    networks_of_images,
    regressor,
)

from sknn.augmentation import RandomShift

# The nets train for a few epochs only.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Agreement between processes that may run BLAS on different numbers of threads.
RTOL = 1e-7

DIGITS = load_digits().data[:300] / 16, load_digits().target[:300]

IRIS = load_iris(return_X_y=True)


# -- copies ----------------------------------------------------------------------------


def by_pickle(net, tmp_path):
    return pickle.loads(pickle.dumps(net))


def by_joblib(net, tmp_path):
    joblib.dump(net, tmp_path / "net.joblib")
    return joblib.load(tmp_path / "net.joblib")


def by_joblib_memory_map(net, tmp_path):
    joblib.dump(net, tmp_path / "net.joblib")
    loaded = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    assert isinstance(loaded.network_.theta, np.memmap)
    assert not loaded.network_.theta.flags.writeable
    return loaded


def by_deepcopy(net, tmp_path):
    return copy.deepcopy(net)


@pytest.mark.parametrize(
    "make_copy", [by_pickle, by_joblib, by_joblib_memory_map, by_deepcopy]
)
@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1},
    ],
    ids=["adam", "invscaling", "adaptive"],
)
def test_copy_predicts_the_same_and_continues_training_bit_for_bit(
    make_copy, make, params, tmp_path
):
    X, y = DIGITS
    X = X.astype(np.float32)
    net = make(**params, shuffle=False).fit(X, y)
    other = make_copy(net, tmp_path)
    before = net.predict(X)
    assert_array_equal(other.predict(X), before)
    for _ in range(3):
        other.partial_fit(X, y)
    assert not np.array_equal(other.coefs_[0], net.coefs_[0])
    assert_array_equal(net.predict(X), before)
    for _ in range(3):
        net.partial_fit(X, y)
    assert_same_parameters(net, other)
    assert net.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize(
    "make_copy", [by_pickle, by_joblib, by_joblib_memory_map, by_deepcopy]
)
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_copy_of_a_network_of_images_continues_bit_for_bit(make_copy, kind, tmp_path):
    X, y = DIGITS
    for net in networks_of_images(kind):
        net.set_params(augmentation=[RandomShift()], freeze=1).fit(X, y)
        other = make_copy(net, tmp_path)
        before = net.predict(X)
        for estimator in (net, other):
            assert_array_equal(estimator.predict(X), before)
            for _ in range(2):
                estimator.partial_fit(X, y)
        assert_same_parameters(net, other)


def test_random_generator_continues_bit_for_bit_after_a_pickle_round_trip():
    X, y = DIGITS
    straight, net = (
        classifier(random_state=np.random.RandomState(0)) for _ in range(2)
    )
    for epoch in range(6):
        straight.partial_fit(X, y, classes=range(10))
        net.partial_fit(X, y, classes=range(10))
        if epoch == 2:
            net = pickle.loads(pickle.dumps(net))
    assert_same_parameters(net, straight)


# -- processes, threads, memory --------------------------------------------------------


@pytest.mark.parametrize("options", [{"max_nbytes": 1000}, {"prefer": "threads"}])
def test_parallel_fits_equal_fits_one_after_another(options):
    X, y = DIGITS
    alone = [classifier(random_state=seed).fit(X, y) for seed in range(4)]
    # Processes get X as a read-only memory map.
    together = joblib.Parallel(n_jobs=2, **options)(
        joblib.delayed(classifier(random_state=seed).fit)(X, y) for seed in range(4)
    )
    for a, b in zip(alone, together, strict=True):
        assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=RTOL)


def test_two_threads_predicting_at_once_get_what_one_gets():
    X = np.tile(DIGITS[0], (20, 1))
    parts = [X[:4000], X[2000:] + 0.5]
    net = classifier(hidden_layer_sizes=(50, 50)).fit(*DIGITS)
    # Copies, so that nothing the net may keep between calls is shared with these.
    expected = [copy.deepcopy(net).predict_proba(part) for part in parts]
    barrier = Barrier(2)

    def predict(part):
        barrier.wait()
        return [net.predict_proba(part) for _ in range(20)]

    with ThreadPoolExecutor(2) as threads:
        for p, results in zip(expected, threads.map(predict, parts), strict=True):
            for result in results:
                assert_allclose(result, p, rtol=RTOL)


@pytest.mark.parametrize(
    "params", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"warm_start": True}]
)
def test_memory_does_not_grow_over_many_fits(params):
    X, y = IRIS
    net = classifier(hidden_layer_sizes=(2000,), max_iter=2, **params)

    def memory_after(fits):
        for _ in range(fits):
            net.fit(X, y).predict(X)
            clone(net).fit(X, y)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = memory_after(fits=2)
        growth = memory_after(fits=8) - before
    finally:
        tracemalloc.stop()
    # Fits that did not free their parameters would add 16 times as much; what the
    # libraries around keep is about 20 kB.
    assert growth < net.network_.theta.nbytes
