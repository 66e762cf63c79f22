"""Ensembles in one fit: members apart, together, held-out rows, calibration."""

import pickle
import signal
import threading
import time

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit
from threadpoolctl import threadpool_limits

from sknn import TabularClassifier, TabularRegressor
from sknn._estimators.assembly import member_networks
from sknn._estimators.calibration import (
    JointScores,
    fit_joint_temperature,
    fit_temperature,
)
from sknn._estimators.members import HeldOutByMembers, Part, trained_long_enough
from sknn._estimators.validation_set import HeldOut
from sknn.inspection import check_gradients, gradient_statistics
from sknn.inspection._subject import Subject
from sknn.layers import Ensemble
from sknn.losses import CategoricalCrossEntropy
from sknn.network import Network

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def members_of(fitted):
    """The networks of the members, taken apart."""
    (ensemble, _), together = fitted.network_.layers, fitted.network_
    assert isinstance(ensemble, Ensemble)
    networks = []
    for views in ensemble.members(together.params[0]):
        network = Network(ensemble.layers, together.in_shape, together.dtype)
        for p, q in zip(network.params, views, strict=True):
            for name, array in q.items():
                p[name][...] = array
        networks.append(network)
    return networks


@pytest.mark.parametrize("bagging", [False, True])
def test_probabilities_are_the_average_of_those_of_the_members(bagging):
    X, y = IRIS
    clf = TabularClassifier(n_members=3, bagging=bagging, **SMALL).fit(X, y)
    scores = [m.scores(clf._input.encoder.transform(X)) for m in members_of(clf)]
    expected = np.mean([softmax(z, axis=1) for z in scores], axis=0)
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    assert clf.n_outputs_ == 3
    assert len({z.tobytes() for z in scores}) == 3


def test_predicted_numbers_are_the_average_and_their_spread_is_told():
    X, y = DIABETES
    reg = TabularRegressor(n_members=3, clip=False, **SMALL).fit(X, y)
    encoded = reg._input.encoder.transform(X)
    of_members = [
        m.scores(encoded).ravel() * reg._targets.scale + reg._targets.center
        for m in members_of(reg)
    ]
    mean, std = reg.predict(X, return_std=True)
    assert_allclose(mean, np.mean(of_members, axis=0), rtol=1e-5)
    assert_allclose(std, np.std(of_members, axis=0), rtol=1e-3, atol=1e-3)
    assert_array_equal(reg.predict(X), mean)


def test_the_first_member_is_the_single_network():
    X, y = IRIS
    params = {**SMALL, "calibrate": False, "bagging": False}
    alone = TabularClassifier(n_members=1, **params).fit(X, y)
    several = TabularClassifier(n_members=2, **params).fit(X, y)
    assert alone.history_["loss"] == several.history_["loss"]
    first = members_of(several)[0]
    assert_array_equal(first.theta, alone.network_.theta)


def test_the_number_of_threads_makes_no_difference():
    X, y = DIABETES
    predictions = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            reg = TabularRegressor(n_members=3, bagging=True, **SMALL).fit(X, y)
        predictions.append(reg.predict(X))
    assert_allclose(*predictions, rtol=1e-5)


@pytest.mark.parametrize("n_members", [2, 3, 4, 10, 12])
def test_with_bagging_members_hold_out_a_ring_of_blocks(n_members, monkeypatch):
    X, y = IRIS
    seen = []
    fit = "sknn._estimators.members.fit_network"
    original = __import__("sknn._estimators.fit", fromlist=["_"]).fit_network

    def spy(run, validation, estimator):
        seen.append(run.split)
        original(run, validation, estimator)

    monkeypatch.setattr(fit, spy)
    clf = TabularClassifier(n_members=n_members, bagging=True, **SMALL).fit(X, y)
    assert len(seen) == n_members
    for train, held in seen:
        assert_array_equal(np.sort([*train.rows, *held.rows]), np.arange(len(X)))
        counts = np.bincount(y[held.rows], minlength=3)
        assert counts.max() - counts.min() <= 2
    n_times = np.bincount(np.concatenate([h.rows for _, h in seen]), minlength=len(X))
    if 3 <= n_members <= 10:  # 15 rows in a block
        assert [*np.bincount(n_times)[2:]] == [15 * n_members]
    assert (n_times > 0).sum() == 15 * min(max(n_members, 3), 10)
    assert clf.score(X, y) > 0.5


def test_a_class_that_is_too_rare_for_folds_is_held_out_as_by_one_network():
    y = np.repeat([0, 1], [60, 4])
    X = np.random.RandomState(0).normal(size=(64, 2))
    clf = TabularClassifier(scoring="roc_auc", **SMALL).fit(X, y)
    assert clf.network_.members.n_members == 4


@pytest.mark.parametrize("n", range(1, 12))
def test_few_rows(n):
    X, y = DIABETES[0][:n], DIABETES[1][:n]
    if n < 4:
        with pytest.raises(ValueError, match=r"rows|sample"):
            TabularRegressor(**SMALL).fit(X, y)
    else:
        assert np.isfinite(TabularRegressor(**SMALL).fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    ("fraction", "n_members", "sizes"),
    [
        (0.5, 4, [222, 221, 220, 221]),
        (0.2, 7, [90, 89, 88, 88, 88, 88, 89]),
        (0.001, 3, [2] * 3),
        (0.75, 4, [332] * 4),
        (0.3, 4, [127, 126, 126, 127]),
        (0.95, 3, [420] * 3),
    ],
)
def test_each_member_holds_out_the_given_fraction(fraction, n_members, sizes):
    X, y = DIABETES
    reg = TabularRegressor(
        n_members=n_members, validation_fraction=fraction, random_state=0
    )
    run = reg._start_run(X, y)
    splits = reg._splits(run)
    assert [held_out.n for _, held_out in splits] == sizes
    assert len({tuple(held_out.rows) for _, held_out in splits}) == n_members


def test_no_rows_to_hold_out():
    with pytest.raises(ValueError, match="validation_fraction"):
        TabularRegressor(validation_fraction=0.0, **SMALL).fit(*DIABETES)


def test_with_a_seed_a_warm_start_holds_the_same_rows_out():
    X, y = DIABETES
    reg = TabularRegressor(warm_start=True, **SMALL).fit(X, y)
    first = reg._splits(reg._run_of(reg._check_rows_like_those_of_fit(X, y)))
    run = reg._start_run(X, y)
    for split, before in zip(reg._splits(run), first, strict=True):
        assert_array_equal(split[1].rows, before[1].rows)


def test_warnings_come_once_and_point_at_the_caller():
    X, y = IRIS
    clf = TabularClassifier(batch_size=1000, **SMALL)
    message = "batch_size=1000, but X has 149 rows, some of which are held out"
    with pytest.warns(UserWarning, match=message) as caught:
        clf.fit(X[1:], y[1:])  # members with different numbers of rows
    assert [(w.filename, len(caught)) for w in caught] == [(__file__, 1)]


def test_members_have_the_configuration_of_scikit_learn():
    seen = []

    def scorer(estimator, X, y):
        seen.append(sklearn.get_config()["assume_finite"])
        return estimator.score(X, y)

    with sklearn.config_context(assume_finite=True):
        TabularClassifier(scoring=scorer, **SMALL).fit(*IRIS)
    assert len(seen) >= 4 * 8
    assert all(seen)


def test_only_the_first_member_prints(capsys):
    TabularClassifier(verbose=True, refit_on_all=False, **SMALL).fit(*IRIS)
    assert capsys.readouterr().out.count("Iteration") == SMALL["max_iter"]


def test_members_that_had_hardly_begun_are_left_out():
    assert trained_long_enough([30, 30, 1, 0]) == [0, 1]
    assert trained_long_enough([10, 20, 15, 9]) == [0, 1, 2]
    assert trained_long_enough([0, 0]) == [0]


def test_weights_of_an_ensemble_can_be_set_and_read_from_a_file(tmp_path):
    X, y = IRIS
    source = TabularClassifier(calibrate=False, **SMALL).fit(X, y)
    expected = source.predict_proba(X)
    source.set_weights(source.get_weights())
    assert_array_equal(source.predict_proba(X), expected)
    np.savez(tmp_path / "weights.npz", *source.get_weights())
    same = TabularClassifier(
        init_from=tmp_path / "weights.npz", learning_rate_init=1e-9, calibrate=False,
        **SMALL,
    ).fit(X, y)  # fmt: skip
    assert_allclose(same.predict_proba(X), expected, atol=1e-4)


def test_intervals_know_the_rows_held_out_by_all_members():
    X, y = DIABETES
    for bagging, n in ((False, 89), (True, 4 * 442 // 5)):
        reg = TabularRegressor(n_members=4, bagging=bagging, **SMALL).fit(X, y)
        interval = reg.predict_interval(X, coverage=0.8)
        inside = (interval[:, 0] <= y) & (y <= interval[:, 1])
        assert inside.mean() > 0.7, (bagging, n)


def weights_of(fitted):
    return [m.theta for m in members_of(fitted)]


@pytest.mark.parametrize("bagging", [False, True])
def test_warm_start_trains_each_member_further(bagging):
    X, y = IRIS
    params = {**SMALL, "n_members": 3, "bagging": bagging, "calibrate": False}
    clf = TabularClassifier(**params, warm_start=True).fit(X, y)
    before = weights_of(clf)
    clf.set_params(learning_rate_init=1e-9).fit(X, y)  # nothing is learned
    for theta, start in zip(weights_of(clf), before, strict=True):
        assert_allclose(theta, start, atol=1e-5)
    assert clf.history_["epoch"] == list(range(1, 17))
    clf.set_params(n_members=2)
    with pytest.raises(ValueError, match=r"n_members=2, but the .* has 3: set"):
        clf.fit(X, y)
    assert clf.network_.members.n_members == 3


def test_partial_fit_goes_on_where_each_member_was():
    X, y = IRIS
    params = {**SMALL, "early_stopping": False, "shuffle": False, "dropout": 0}
    params |= {"learning_rate": "cosine", "calibrate": False, "drop_last": False}
    whole = TabularClassifier(n_members=3, **params).fit(X, y)
    pieces = TabularClassifier(n_members=3, **params)
    for _ in range(params["max_iter"]):
        pieces.partial_fit(X, y, classes=[0, 1, 2])
        pieces = pickle.loads(pickle.dumps(pieces))
    for ours, theirs in zip(weights_of(pieces), weights_of(whole), strict=True):
        assert_array_equal(ours, theirs)
    assert pieces.n_iter_ == 1
    assert len(pieces.history_["loss"]) == params["max_iter"]


def test_a_call_that_fails_leaves_all_members_as_they_were():
    X, y = IRIS
    clf = TabularClassifier(n_members=2, warm_start=True, **SMALL).fit(X, y)
    before, lengths = weights_of(clf), [len(m.history) for m in clf._others]

    def scorer(estimator, X, y):
        raise OSError("no score")

    with pytest.raises(ValueError, match="no score"):
        clf.set_params(scoring=scorer).fit(X, y)
    assert_array_equal(weights_of(clf), before)
    assert [len(m.history) for m in clf._others] == lengths


@pytest.mark.parametrize("n_members", [1, 2, 3])
def test_members_start_from_those_of_another_ensemble(n_members):
    X, y = IRIS
    source = TabularClassifier(n_members=2, **SMALL).fit(X, y)
    frozen = TabularClassifier(
        n_members=n_members, init_from=source, learning_rate_init=1e-9,
        calibrate=False, **SMALL,
    ).fit(X, y)  # fmt: skip
    output = [m.params[-1]["W"] for m in members_of(source)]
    nets = members_of(frozen) if n_members > 1 else [frozen.network_]
    for i, net in enumerate(nets):
        assert_allclose(net.params[-1]["W"], output[i % 2], atol=1e-6)


def test_few_rows_and_splitters_give_all_members_the_same_rows():
    X, y = DIABETES
    fold = PredefinedSplit(np.arange(len(y)) % 4 - 1)
    for rows, params in [(4, {}), (len(y), {"validation_fraction": fold})]:
        reg = TabularRegressor(n_members=5, **SMALL, **params).fit(X[:rows], y[:rows])
        assert reg.network_.members.n_members == 5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("n_threads", "n_members"), [(2, 2), (1, 2), (2, 3)])
def test_members_that_wait_for_each_other_share_the_time(n_threads, n_members):
    X, y = IRIS
    params = {**SMALL, "max_iter": 10**6, "max_time": 0.4}
    with threadpool_limits(n_threads, user_api="blas"):
        start = time.perf_counter()
        clf = TabularClassifier(n_members=n_members, **params).fit(X, y)
        seconds = time.perf_counter() - start
    assert clf.network_.members.n_members == n_members
    assert seconds < 5  # and not 10**6 epochs; machines are busy at times


def test_an_error_of_a_member_reaches_the_user():
    X, y = IRIS

    def scorer(estimator, X, y):
        raise RuntimeError("no score")

    clf = TabularClassifier(n_members=2, scoring=scorer, **SMALL)
    with pytest.raises(ValueError, match="no score"):
        clf.fit(X, y)
    assert not hasattr(clf, "network_")


@pytest.fixture
def interrupts():
    """Let SIGINT interrupt, which a shell switches off for what runs in background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("n_members", [2, 5])
def test_an_interrupt_stops_all_members_and_keeps_what_they_have_learned(n_members):
    X, y = IRIS
    epochs = []

    def scorer(estimator, X, y):
        epochs.append(estimator.network_)
        if len(epochs) == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return estimator.score(X, y)

    clf = TabularClassifier(
        n_members=n_members, scoring=scorer, **{**SMALL, "max_iter": 2000}
    )
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.fit(X, y)
    assert len(epochs) < 2000
    assert clf.predict_proba(X).shape == (len(X), 3)
    clf.set_params(scoring=None, warm_start=True, max_iter=2)
    n_left = len(member_networks(clf.network_))
    clf.set_params(n_members=n_left).fit(X, y)  # what remains can be trained further
    assert len(member_networks(clf.network_)) == n_left


@pytest.mark.usefixtures("interrupts")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("bagging", [False, True])
def test_an_interrupted_warm_start_keeps_all_members(bagging):
    X, y = IRIS
    calls = []

    def scorer(estimator, X, y):
        calls.append(estimator)
        if len(calls) == 2:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return estimator.score(X, y)

    params = {**SMALL, "n_members": 6, "bagging": bagging}
    clf = TabularClassifier(warm_start=True, **params).fit(X, y)
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.set_params(scoring=scorer, max_iter=2000).fit(X, y)
    assert clf.network_.members.n_members == 6


# -- calibration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [{"n_members": 1}, {"n_members": 3, "bagging": False}, {"n_members": 3}],
    ids=str,
)
def test_calibration_keeps_the_classes_and_lowers_the_loss_of_noisy_labels(params):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 4))
    y = np.where(rng.uniform(size=600) < 0.3, rng.randint(3, size=600), X[:, 0] > 0)
    X_test, y_test = X[400:], y[400:]
    plain, calibrated = (
        TabularClassifier(
            calibrate=calibrate, label_smoothing=0.0, restore_best=False,
            **{**SMALL, **params, "max_iter": 64},
        ).fit(X[:400], y[:400])
        for calibrate in (False, True)
    )  # fmt: skip
    assert plain.temperature_ == 1
    assert calibrated.temperature_ > 1
    before, after = (
        log_loss(y_test, clf.predict_proba(X_test)) for clf in (plain, calibrated)
    )
    assert after < before
    if params["n_members"] == 1:
        assert_array_equal(plain.predict(X_test), calibrated.predict(X_test))
        z, z_T = (clf.decision_function(X_test) for clf in (plain, calibrated))
        assert_allclose(z, z_T * calibrated.temperature_, rtol=1e-4, atol=1e-5)


def test_without_rows_held_out_there_is_no_temperature():
    X, y = IRIS
    clf = TabularClassifier(calibrate=True, early_stopping=False, **SMALL).fit(X, y)
    assert clf.temperature_ == 1


def scores_of_members(n, n_members, rng):
    """Return scores (n, n_members, 3) that differ by noise, and classes."""
    y = rng.randint(3, size=n)
    z = rng.normal(size=(n, 1, 3)) + 0.5 * rng.normal(size=(n, n_members, 3))
    z[np.arange(n), :, y] += 2.0
    return z, y


def best_of_a_grid(z, y):
    def loss(T):
        return log_loss(y, softmax(z / T, axis=2).mean(axis=1))

    return min(np.geomspace(0.2, 10, 501), key=loss)


def test_the_joint_temperature_is_the_best_of_a_grid():
    z, y = scores_of_members(4000, 2, np.random.RandomState(0))
    group = JointScores(z, y, None)
    found = fit_joint_temperature(CategoricalCrossEntropy(), [group], 2)
    assert found == pytest.approx(best_of_a_grid(z, y), rel=0.02)


def test_the_joint_temperature_is_extrapolated_from_pairs():
    z, y = scores_of_members(4000, 4, np.random.RandomState(0))
    pairs = [[0, 1], [1, 2], [2, 3], [3, 0]]
    groups = [
        JointScores(z[i::4][:, pair], y[i::4], None) for i, pair in enumerate(pairs)
    ]
    single = fit_joint_temperature(CategoricalCrossEntropy(), groups, 1)
    found = fit_joint_temperature(CategoricalCrossEntropy(), groups, 4)
    best = best_of_a_grid(z, y)
    assert abs(np.log(found / best)) < 0.25 * np.log(single / best)


def test_members_that_share_no_rows_have_the_temperature_of_single_ones():
    z, y = scores_of_members(4000, 2, np.random.RandomState(0))
    groups = [JointScores(z[:200, :1], y[:200], None)]
    groups += [JointScores(z[200:, 1:], y[200:], None)]
    alone = np.concatenate([group.z[:, 0] for group in groups])
    expected = fit_temperature(CategoricalCrossEntropy(), alone, y)
    assert fit_joint_temperature(CategoricalCrossEntropy(), groups, 2) == expected


@pytest.mark.parametrize("n", [5, 20])
def test_members_that_say_the_same_have_the_temperature_of_one(n):
    z, y = scores_of_members(n, 1, np.random.RandomState(0))
    group = JointScores(z.repeat(4, axis=1), y, None)
    found = fit_joint_temperature(CategoricalCrossEntropy(), [group], 4)
    expected = fit_temperature(CategoricalCrossEntropy(), z[:, 0], y)
    assert found == pytest.approx(expected, rel=1e-3)


def test_rows_with_a_weight_are_in_all_blocks():
    X, y = IRIS
    w = np.zeros(len(y))
    w[::2] = 1.0
    clf = TabularClassifier(n_members=4, **SMALL)
    for _, held_out in clf._splits(clf._start_run(X, y, w)):
        assert 12 <= w[held_out.rows].sum() <= 18


def test_many_members_are_few_groups():
    rng, loss = np.random.RandomState(0), CategoricalCrossEntropy()
    y = rng.randint(3, size=1000)
    parts = []
    for _ in range(40):
        rows = rng.permutation(1000)[:200]
        parts.append(Part(HeldOut(rng.normal(size=(200, 3)), y[rows], None), rows))
    groups = HeldOutByMembers(loss, parts).groups()
    assert len(groups) == len({group.n_members for group in groups}) < 25
    assert sum(group.z[..., 0].size for group in groups) == 40 * 200


def test_what_members_say_of_the_rows_they_share_is_joined():
    rng, loss = np.random.RandomState(0), CategoricalCrossEntropy()
    z, y, w = rng.normal(size=(6, 3, 3)), rng.randint(3, size=6), rng.uniform(size=6)
    rows = np.array([4, 0, 2]), np.array([0, 5, 2, 1]), np.array([2])
    parts = [
        Part(HeldOut(z[r, i], y[r], w[r]), r) for i, r in enumerate(rows)
    ]  # fmt: skip
    groups = {
        group.n_members: group for group in HeldOutByMembers(loss, parts).groups()
    }
    assert_array_equal(groups[3].z, z[[2]])
    assert_array_equal(groups[2].z, z[[0], :2])
    joined = HeldOutByMembers(loss, parts).joined()
    order = np.argsort(joined.sample_weight)
    known = np.array([0, 1, 2, 4, 5])
    known = known[np.argsort(w[known])]
    assert_array_equal(joined.y[order], y[known])
    p = softmax(joined.z[order], axis=1)
    saying = {0: [0, 1], 1: [1], 2: [0, 1, 2], 4: [0], 5: [1]}
    expected = [softmax(z[i, saying[i]], axis=1).mean(axis=0) for i in known.tolist()]
    assert_allclose(p, expected)


# -- tools that look at a fitted ensemble ---------------------------------------------


@pytest.mark.parametrize("params", [{}, {"loss": "quantile", "quantile": (0.1, 0.9)}])
def test_gradients_of_an_ensemble_are_those_of_its_first_member(params):
    X, y = DIABETES
    params = params | {"restore_best": False}
    reg = TabularRegressor(**SMALL, **params, bagging=False).fit(X, y)
    alone = TabularRegressor(n_members=1, **SMALL, **params).fit(X, y)
    found, expected = (gradient_statistics(net, X, y) for net in (reg, alone))
    assert str(found) == str(expected)
    assert check_gradients(reg, X, y).max_error < 1e-5


def test_the_summary_shows_the_layers_of_a_member():
    clf, alone = (
        TabularClassifier(n_members=k, **SMALL).fit(*IRIS).summary() for k in (3, 1)
    )
    assert clf.rows == alone.rows
    assert clf.n_parameters == 3 * alone.n_parameters
    assert str(clf).endswith("parameters in 3 such members")


def test_the_doctor_knows_the_rows_that_the_first_member_held_out():
    X, y = DIABETES
    reg = TabularRegressor(**SMALL).fit(X, y)
    subject = Subject.untrained(reg, X, y)
    train, held_out = subject.hold_out()
    assert held_out.n == 90
    assert_array_equal(train.rows, reg._splits(reg._start_run(X, y))[0][0].rows)
