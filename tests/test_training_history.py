"""The history: bounded under partial_fit, complete under fit, undone on failure."""

import copy
import pickle
import sys

import numpy as np
import pytest

import sknn._training.history
from sknn import MLPRegressor
from sknn._training import MEASURED, History

X = np.random.RandomState(0).normal(size=(20, 3))
Y = X[:, 0]


def numbers(history):
    return history.columns["epoch"]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(sknn._training.history, "MAX_PARTIAL_ROWS", 8)


def test_fit_keeps_every_row(short):
    history = History()
    for i in range(50):
        history.add(loss=float(i))
    assert numbers(history) == list(range(1, 51))
    assert history.columns["loss"] == list(map(float, range(50)))
    assert all(np.isnan(history.columns["seconds"]))


def test_partial_fit_keeps_evenly_spaced_rows_and_the_last(short):
    history = History()
    for i in range(1, 500):
        history.add(thin=True, loss=float(i))
        rows = numbers(history)
        assert len(rows) <= 8
        assert history.columns["loss"] == rows
        assert (rows[0], rows[-1]) == (1, i)
        assert len(set(np.diff(rows[:-1]))) <= 1
        if i <= 8:
            assert rows == list(range(1, i + 1))
        else:
            assert len(rows) >= 4
    assert {len(column) for column in history.columns.values()} == {len(history)}


def test_rows_of_fit_are_never_removed(short):
    history = History()
    for _ in range(30):
        history.add()
    for _ in range(100):
        history.add(thin=True)
    history.add()
    assert numbers(history)[:30] == list(range(1, 31))
    assert numbers(history)[-1] == 131
    assert len(history) <= 30 + 8 + 1
    n = len(history)
    for _ in range(100):
        history.add(thin=True)
    assert len(history) <= n + 8


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("n_before", [*range(12), 16, 17])
@pytest.mark.parametrize("n_after", [0, 1, 2, 9])
def test_roll_back_undoes_everything(short, thin, n_before, n_after):
    history = History()
    for i in range(n_before):
        history.add(thin=thin, loss=float(i), **dict.fromkeys(MEASURED[1:], 0.0))
    before, mark = copy.deepcopy(history), history.mark()
    for _ in range(n_after):
        history.add(thin=thin, loss=7.0)
    history.t += 5
    history.roll_back(mark)
    assert history == before


class InterruptAt:
    """A trace function that raises KeyboardInterrupt at the n-th line of the module."""

    def __init__(self, n):
        self.lines_left = n

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename != sknn._training.history.__file__:
            return None
        if event == "line":
            self.lines_left -= 1
            if self.lines_left == 0:
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("n_before", [0, 3, 8, 9])
def test_an_interrupted_call_of_add_changes_nothing(short, thin, n_before):
    values = dict.fromkeys(MEASURED, 0.0)
    before = History()
    for _ in range(n_before):
        before.add(thin=thin, **values)
    tracer, n_interrupts = sys.gettrace(), 0
    for n in range(1, 100):
        history = copy.deepcopy(before)
        sys.settrace(InterruptAt(n))
        try:
            history.add(thin=thin, **values)
        except KeyboardInterrupt:
            n_interrupts += 1
            assert history == before
        finally:
            sys.settrace(tracer)
    assert 20 < n_interrupts < 99


def test_each_call_of_partial_fit_extends_the_same_lists():
    net = MLPRegressor(hidden_layer_sizes=2, random_state=0).partial_fit(X, Y)
    lists = {name: id(column) for name, column in net.history_.items()}
    for _ in range(20):
        net.partial_fit(X, Y)
    assert {name: id(column) for name, column in net.history_.items()} == lists
    assert net.history_["epoch"] == list(range(1, 22))
    assert net.loss_curve_ is net.history_["loss"]
    assert net.loss_curve_[-1] == net.loss_


def test_a_pickle_does_not_grow_for_ever(short):
    net, sizes = MLPRegressor(hidden_layer_sizes=2, random_state=0), []
    for _ in range(100):
        net.partial_fit(X, Y)
        sizes.append(len(pickle.dumps(net)))
    assert max(sizes[50:]) <= max(sizes[:50]) + 100
    assert (net.t_, net.loss_curve_[-1]) == (100 * len(X), net.loss_)


def test_a_call_that_fails_leaves_the_history_as_it_was():
    net = MLPRegressor(hidden_layer_sizes=2, random_state=0)
    for _ in range(3):
        net.partial_fit(X, Y)
    before = copy.deepcopy(net.history_)
    huge = np.full_like(X, 1e300)
    with pytest.raises(ValueError, match="non-finite"):
        net.partial_fit(huge, Y)
    assert net.history_ == before
    assert net.loss_curve_ is net.history_["loss"]
    net.partial_fit(X, Y)
    assert net.history_["epoch"] == [1, 2, 3, 4]


def test_a_shallow_copy_has_its_own_history():
    net = MLPRegressor(hidden_layer_sizes=2, random_state=0).partial_fit(X, Y)
    other = copy.copy(net).partial_fit(X, Y)
    assert len(net.loss_curve_) == len(net.history_["epoch"]) == 1
    assert len(other.loss_curve_) == len(other.history_["epoch"]) == 2
