"""scikit-learn's callbacks on our estimators: alone, in a pipeline and in a search."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from small_fits import DATA, IRIS, SMALL

from sknn import MLPClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPOCH = ["begin epoch", "end epoch"]


class Recorder:
    """Records the hooks that are called; stops, or fails, at one of them.

     Parameters
    -----------
     stop_after : int
         Epoch after which to stop.
     fail_at : str
         Entry of `record` at which to fail.
    """

    max_propagation_depth = None  # goes down from a search or pipeline to our estimator

    def __init__(self, stop_after=None, fail_at=None):
        self.record, self.fitted, self.tasks = [], [], []
        self.stop_after, self.fail_at = stop_after, fail_at

    def note(self, entry):
        self.record.append(entry)
        if entry == self.fail_at:
            raise OSError(f"failed at {entry}")

    def setup(self, estimator, context):
        self.note("setup")

    def teardown(self, estimator, context):
        self.note("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self.tasks.append((context.task_name, context.max_subtasks))
        self.note(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.seen = X, y, metadata
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator)
        self.note(f"end {context.task_name}")
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def fit(Estimator=MLPClassifier, *callbacks, **params):
    net = Estimator(**{**SMALL, **params}).set_callbacks(*callbacks)
    return net.fit(*DATA[Estimator])


SETTINGS = [
    {"solver": "adam"},
    {"solver": "sgd", "learning_rate": "cosine", "dropout": 0.2},
    {"solver": "lbfgs"},
    {"normalization": "batch", "residual": True, "hidden_layer_sizes": (6, 6)},
    {"early_stopping": True},
    {"early_stopping": True, "solver": "lbfgs"},
]


@pytest.mark.parametrize("params", SETTINGS, ids=str)
@pytest.mark.parametrize("Estimator", DATA)
def test_hooks_are_called_once_an_epoch_and_change_nothing(Estimator, params):
    recorder = Recorder()
    net = fit(Estimator, recorder, **params)
    assert recorder.record == [
        "setup", "begin fit", *EPOCH * net.n_iter_, "end fit", "teardown"
    ]  # fmt: skip
    assert net.n_iter_ == 4
    assert recorder.tasks == [("fit", 4), *[("epoch", 0)] * 4]
    alone = fit(Estimator, **params)
    assert_array_equal(net.network_.theta, alone.network_.theta)
    assert_array_equal(net.network_.state, alone.network_.state)
    assert net.loss_curve_ == alone.loss_curve_


def test_hooks_see_what_was_passed_to_fit():
    X, y = pd.DataFrame(IRIS[0]).add_prefix("x"), IRIS[1].tolist()
    w, recorder = np.linspace(0.5, 1, 150), Recorder()
    net = MLPClassifier(**SMALL).set_callbacks(recorder)
    net.fit(X, y)
    assert recorder.seen[0] is X
    assert recorder.seen[1] is y
    assert recorder.seen[2] == {}
    net.fit(X, y, w)
    assert recorder.seen[2]["sample_weight"] is w


# Without a schedule or hold-out, the first epochs of a long fit are a short fit.
@pytest.mark.parametrize("params", SETTINGS[::2][:2] + SETTINGS[3:4], ids=str)
@pytest.mark.parametrize("Estimator", DATA)
def test_the_fitted_estimator_predicts_as_one_fitted_for_that_many_epochs(
    Estimator, params
):
    recorder = Recorder()
    net = fit(Estimator, recorder, **params)
    X = DATA[Estimator][0]
    for epoch, fitted in enumerate(recorder.fitted, start=1):
        short = fit(Estimator, **{**params, "max_iter": epoch})
        assert_array_equal(fitted.predict(X), short.predict(X))
        assert_array_equal(fitted.network_.theta, short.network_.theta)
        assert fitted.network_ is not net.network_


@pytest.mark.parametrize("params", SETTINGS, ids=str)
@pytest.mark.parametrize("Estimator", DATA)
def test_returning_true_stops_training_after_that_epoch(Estimator, params):
    recorder = Recorder(stop_after=2)
    with np.errstate(all="raise"):
        net = fit(Estimator, recorder, **params)
    assert recorder.record[-6:] == [*EPOCH * 2, "end fit", "teardown"]
    assert net.n_iter_ == len(net.loss_curve_) == len(net.history_["epoch"]) == 2
    whole = fit(Estimator, **params)
    assert net.loss_curve_ == whole.loss_curve_[:2]
    if "early_stopping" not in params:
        last = recorder.fitted[-1]
        assert_array_equal(net.network_.theta, last.network_.theta)
    net.predict(DATA[Estimator][0])


def test_a_stopped_fit_does_not_warn_that_it_has_not_converged(recwarn):
    for solver in ("adam", "lbfgs"):
        fit(MLPClassifier, Recorder(stop_after=2), solver=solver)
    assert not recwarn.list


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_refit_on_all_reports_the_epochs_of_both_runs(solver):
    best = 3
    params = {
        "solver": solver, "early_stopping": True, "refit_on_all": True,
        "validation_fraction": KFold(5),
    }  # fmt: skip
    scores = iter([1, 2, 3, 0] * 2)
    recorder = Recorder()
    net = fit(MLPClassifier, recorder, **params, scoring=lambda *_: next(scores))
    assert recorder.record[1:-1] == ["begin fit", *EPOCH * (4 + best), "end fit"]
    assert recorder.tasks[0] == ("fit", None)  # the number of epochs is not known
    assert net.n_iter_ == best
    last = recorder.fitted[-1]
    assert_array_equal(net.network_.theta, last.network_.theta)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_stopped_refit_keeps_the_best_weights(solver):
    """Stopped in the first run there is no second; stopped there, the first counts."""
    params = {
        "solver": solver, "early_stopping": True, "validation_fraction": KFold(5),
        "n_iter_no_change": 100, "max_iter": 4,
    }  # fmt: skip

    def scoring(*_):
        return next(scores)

    scores = iter([1, 2, 3, 0])
    best = fit(MLPClassifier, Recorder(), **params, scoring=scoring)
    for stop_after in (5, 6):
        scores = iter([1, 2, 3, 0])
        recorder = Recorder(stop_after=stop_after)
        with pytest.warns(UserWarning, match="best weights of the first run are kept"):
            net = fit(
                MLPClassifier, recorder, **params, refit_on_all=True, scoring=scoring
            )
        assert_array_equal(net.network_.theta, best.network_.theta)
    scores = iter([1, 2, 3, 0])
    first = Recorder(stop_after=3)
    net = fit(MLPClassifier, first, **params, refit_on_all=True, scoring=scoring)
    assert net.n_iter_ == 3
    assert_array_equal(net.network_.theta, best.network_.theta)


def test_callbacks_see_the_epoch_that_has_ended():
    seen = []

    class Reader(Recorder):
        def on_fit_task_end(self, estimator, context):
            seen.append((estimator.n_iter_, len(estimator.loss_curve_)))

    net = fit(MLPClassifier, Reader())
    n = net.n_iter_
    assert seen == [*((i, i) for i in range(1, n + 1)), (n, n)]


FAILURES = [
    ("setup", ["setup", "teardown"]),
    ("begin fit", ["setup", "begin fit", "teardown"]),
    ("begin epoch", ["setup", "begin fit", "begin epoch", "teardown"]),
    ("end epoch", ["setup", "begin fit", *EPOCH, "teardown"]),
    ("end fit", ["setup", "begin fit", *EPOCH * 4, "end fit", "teardown"]),
]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("fail_at, record", FAILURES, ids=str)
def test_a_failing_callback_leaves_the_estimator_as_it_was(
    fail_at, record, solver, fitted
):
    net = MLPClassifier(**SMALL, solver=solver)
    if fitted:
        net.fit(*IRIS)
    recorder = Recorder(fail_at=fail_at)
    before = dict(vars(net.set_callbacks(recorder)))
    with pytest.raises(OSError, match=f"failed at {fail_at}"):
        net.fit(IRIS[0][:, :2], IRIS[1])
    assert recorder.record == record
    assert vars(net) == before


def test_a_bad_fit_tears_the_callbacks_down():
    recorder = Recorder()
    net = MLPClassifier(**SMALL).set_callbacks(recorder)
    before = dict(vars(net))
    with pytest.raises(ValueError, match="contains NaN"):
        net.fit(np.full((4, 2), np.nan), [0, 1, 0, 1])
    assert recorder.record == ["setup", "begin fit", "teardown"]
    assert vars(net) == before
    recorder.record.clear()
    with pytest.raises(ValueError, match="'alpha' parameter"):
        net.set_params(alpha=-1).fit(*IRIS)
    assert recorder.record == []


def test_partial_fit_calls_no_hooks():
    recorder = Recorder()
    net = MLPClassifier(**SMALL).set_callbacks(recorder)
    net.partial_fit(*IRIS, classes=[0, 1, 2]).partial_fit(*IRIS)
    assert recorder.record == []
    net.fit(*IRIS)
    n = len(recorder.record)
    net.partial_fit(*IRIS)
    assert len(recorder.record) == n


@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_without_callbacks_nothing_of_them_is_there(params):
    never, removed = fit(**params), fit(MLPClassifier, Recorder(), **params)
    removed.set_callbacks()
    for net in (never, removed, clone(never).fit(*IRIS)):
        assert not [name for name in vars(net) if "callback" in name]
        assert b"callback" not in pickle.dumps(net)
    assert vars(removed).keys() == vars(never).keys()


def test_after_fit_only_the_callbacks_themselves_are_kept():
    recorder = Recorder()
    net = fit(MLPClassifier, recorder)
    assert [name for name in vars(net) if "callback" in name] == ["_skl_callbacks"]
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert_array_equal(other.predict(IRIS[0]), net.predict(IRIS[0]))
        other.fit(*IRIS)
    recorder.record.clear()
    clone(net).fit(*IRIS)  # a clone keeps its callbacks, as scikit-learn's do
    assert recorder.record.count("end epoch") == 4


# -- scikit-learn's own callbacks -----------------------------------------------------


def monitored(monitor):
    """Scores of the monitor's last run: {path of task ids of a fit: by epoch}."""
    table = monitor.get_logs().data_as_pandas
    epochs = table[table["task_name"] == "epoch"].sort_values("task_id")
    return {
        path: rows["neg_log_loss"].to_numpy()
        for path, rows in epochs.groupby("parent_task_id_path")
    }


def scores_by_epoch(X, y, **params):
    """What the monitor should find, by one fit for each number of epochs."""
    nets = [MLPClassifier(**{**SMALL, "max_iter": n, **params}) for n in (1, 2, 3, 4)]
    return [-log_loss(y, net.fit(X, y).predict_proba(X)) for net in nets]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor(solver):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    fit(MLPClassifier, monitor, solver=solver)
    (found,) = monitored(monitor).values()
    assert len(set(found)) == 4
    assert_allclose(found, scores_by_epoch(*IRIS, solver=solver), rtol=1e-9)


def test_scoring_monitor_takes_the_weights_of_fit():
    w = np.where(IRIS[1] == 0, 10.0, 0.1)
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    net = MLPClassifier(**SMALL).set_callbacks(monitor).fit(*IRIS, w)
    (found,) = monitored(monitor).values()
    score = -log_loss(IRIS[1], net.predict_proba(IRIS[0]), sample_weight=w)
    assert found[-1] == pytest.approx(score)


def test_scoring_monitor_in_a_pipeline():
    X, y = load_iris(return_X_y=True)
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    net = MLPClassifier(**SMALL).set_callbacks(monitor)
    make_pipeline(StandardScaler(), net).fit(X, y)
    (found,) = monitored(monitor).values()
    assert_allclose(found, scores_by_epoch(scale(X), y), rtol=1e-9)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_scoring_monitor_in_a_search(in_pipeline, n_jobs):
    X, y = IRIS
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model, name, step = MLPClassifier(**SMALL).set_callbacks(monitor), "alpha", ()
    if in_pipeline:
        model = make_pipeline(StandardScaler(with_std=False, with_mean=False), model)
        name, step = f"mlpclassifier__{name}", (1,)
    alphas, cv = [1e-4, 10.0], KFold(2)
    search = GridSearchCV(model, {name: alphas}, cv=cv, n_jobs=n_jobs).fit(X, y)
    best = search.best_params_[name]
    expected = {(0, 1, *step): scores_by_epoch(X, y, alpha=best)}
    for i, alpha in enumerate(alphas):
        for j, (train, _) in enumerate(cv.split(X)):
            scores = scores_by_epoch(X[train], y[train], alpha=alpha)
            expected[(0, 0, 2 * i + j, *step)] = scores
    found = monitored(monitor)
    assert found.keys() == expected.keys()
    for path, scores in expected.items():
        assert_allclose(found[path], scores, rtol=1e-7)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_stops_each_fit_of_a_search(n_jobs):
    """It is a copy of the callback that does it, where processes are others."""
    search = GridSearchCV(
        MLPClassifier(**SMALL), {"alpha": [1e-4, 1e-2]}, cv=2, n_jobs=n_jobs,
        scoring=lambda net, X, y: net.n_iter_,
    )  # fmt: skip
    search.set_callbacks(Recorder(stop_after=2)).fit(*IRIS)
    assert_array_equal(search.cv_results_["mean_test_score"], [2, 2])
    assert search.best_estimator_.n_iter_ == 2


def bars(capsys):
    """Lines of the progress bars on the screen when they are done."""
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if "%" in line]


@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_progress_bar(params, capsys):
    pytest.importorskip("rich")
    fit(MLPClassifier, callback.ProgressBar(), **params)
    (bar,) = bars(capsys)
    assert bar.startswith("MLPClassifier - fit")
    assert "100%" in bar


def test_progress_bar_is_full_where_training_stops_early(capsys):
    pytest.importorskip("rich")
    fit(MLPClassifier, callback.ProgressBar(), Recorder(stop_after=2))
    fit(MLPClassifier, callback.ProgressBar(), early_stopping=True, refit_on_all=True)
    fit(MLPClassifier, callback.ProgressBar(), solver="lbfgs", tol=1e3)
    assert ["100%" in bar for bar in bars(capsys)] == [True] * 3


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_progress_bar_over_candidates_folds_and_epochs(in_pipeline, n_jobs, capsys):
    pytest.importorskip("rich")
    model, name = MLPClassifier(**SMALL), "alpha"
    if in_pipeline:
        model, name = make_pipeline(StandardScaler(), model), f"mlpclassifier__{name}"
    search = GridSearchCV(model, {name: [1e-4, 1e-2]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(*IRIS)
    shown = bars(capsys)
    assert all("100%" in bar for bar in shown)
    of_nets = [bar for bar in shown if "MLPClassifier - fit" in bar]
    assert len(of_nets) == 2 * 2 + 1


def test_callbacks_see_the_network_of_a_refit_with_lbfgs_in_float32():
    seen = []

    class Weights(Recorder):
        def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
            if hasattr(estimator, "network_"):
                seen.append(estimator.network_.theta.sum())

    X, y = IRIS
    net = MLPClassifier(
        4, solver="lbfgs", early_stopping=True, refit_on_all=True, max_iter=4,
        random_state=0,
    ).set_callbacks(Weights())  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X.astype(np.float32), y)
    assert len(np.unique(seen)) >= len(seen) - 2
