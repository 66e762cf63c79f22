"""Odd data and odd parameters, in any order of calls, and interrupts at any moment.

``python tests/test_hostile.py 20000`` goes on until 20,000 calls of `fit` and
`partial_fit` have been made, and prints how they ended.
"""

import concurrent.futures
import concurrent.futures.thread
import copy
import faulthandler
import itertools
import pickle
import re
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager, nullcontext
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import strategies
import threadpoolctl
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from strategies import CLASSES, COLUMN_COUNTS, NUMBERS

import sknn

SECONDS = 30
"""Processor time that no call may take; the slowest take a tenth of a second."""

BLAS = threadpoolctl.ThreadpoolController()

ENDINGS = ["fitted", "refused", "interrupted"]

counts = Counter()
"""Calls of each method, and how they ended, of all runs in this process."""

# -- what must not change -------------------------------------------------------------


def contents(thing):
    """Return the contents of data in a form that can be compared and cannot change."""
    if isinstance(thing, np.ma.MaskedArray):
        return contents(thing.data), contents(np.ma.getmaskarray(thing))
    if isinstance(thing, np.ndarray):
        flags = thing.flags.writeable, thing.strides, thing.dtype.str, thing.shape
        return (
            *flags,
            repr(thing.tolist()) if thing.dtype.hasobject else thing.tobytes(),
        )
    if sparse.issparse(thing):
        parts = {name: contents(v) for name, v in vars(thing).items() if name[0] != "_"}
        return thing.format, thing.shape, parts, thing.tocoo().toarray().tobytes()
    if isinstance(thing, pd.DataFrame):
        columns = {name: contents(column) for name, column in thing.items()}
        return columns, list(thing.index)
    if isinstance(thing, pd.Series):
        return str(thing.dtype), repr(thing.tolist()), list(thing.index)
    if hasattr(thing, "get_columns"):
        return [(c.name, str(c.dtype), repr(c.to_list())) for c in thing.get_columns()]
    if isinstance(thing, tuple | list):
        return type(thing), [contents(part) for part in thing]
    if hasattr(thing, "numpy"):
        return contents(np.asarray(thing))
    return repr(thing)


def process_settings():
    """Return what belongs to the process, and must be as before after every call."""
    blas = tuple(lib.num_threads for lib in BLAS.lib_controllers)
    return {
        "NumPy's error state": np.geterr(),
        "warnings": list(warnings.filters),
        "scikit-learn's configuration": sklearn.get_config(),
        "threads of BLAS": blas,
        "NumPy's random state": np.random.mtrand._rand.get_state()[1].tobytes(),
    }


def params_of(estimator):
    return {name: repr(value) for name, value in estimator.get_params().items()}


def state_of(estimator):
    """Return the fitted attributes of an estimator, pickled."""
    params = estimator.get_params(deep=False)
    return {
        name: pickle.dumps(value)
        for name, value in sorted(vars(estimator).items())
        if name not in params
    }


@contextmanager
def same_settings():
    """Check that the settings of the process are as before, after an interrupt too."""
    before = process_settings()
    try:
        yield
    finally:
        after = process_settings()
        changed = [name for name, value in before.items() if after[name] != value]
        assert not changed, f"a call has changed {changed}"


# -- errors ---------------------------------------------------------------------------

INTERNAL = re.compile(
    r"broadcast|out of bounds|cannot reshape|Buffer|has no attribute|NoneType|"
    r"unsupported operand|unhashable|must be real number|not supported between|"
    r"positional argument|zero-size array|object of type|not iterable|"
    r"not subscriptable|matmul|shapes? mismatch|array element with a sequence|"
    r"memoryview|read-only"
)
"""Parts of messages of NumPy and Python that do not tell a user what to do."""

SUBJECTS = re.compile(
    r"\b(X|y|Y|[Ii]nputs?|data|features?|samples?|rows?|columns?|array|labels?|"
    r"class(es)?|targets?|sparse|sample_weight|[Ww]eights?|solver|Solver|masked|"
    r"partial_fit|network|layers?|parameters?|images?|dtype|loss|float|string)\b"
)
"""A message names one of these, or a parameter."""


def check_error(error, estimator):
    """Fail unless an error is one that tells a user what is wrong.

    Messages of scikit-learn's checks of data stay as they are.
    """
    message = str(error)
    stack = traceback.extract_tb(error.__traceback__)
    if isinstance(error, ValueError | TypeError) and any(
        re.search(r"sklearn.utils.(validation|multiclass|_array_api)", frame.filename)
        for frame in stack[-5:]
    ):
        return
    clear = isinstance(error, ValueError | TypeError) and not isinstance(
        error, UnicodeError
    )
    named = SUBJECTS.search(message) or any(
        name in message for name in estimator.get_params()
    )
    if not (clear and named) or INTERNAL.search(message):
        raise AssertionError(
            f"Not a clear error: {type(error).__name__}: {message}"
        ) from error


@contextmanager
def checked_warnings():
    """Collect warnings; fail if the package lets NumPy warn of its arithmetic."""
    messages = []

    def show(message, category, *place):
        messages.append(str(message))
        stack = traceback.extract_stack()[:-1]
        files = [
            frame.filename for frame in stack if not LIBRARIES.search(frame.filename)
        ]
        if not issubclass(category, UserWarning) and "sklearn" not in files[-1]:
            raise AssertionError(f"{category.__name__}: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield messages


LIBRARIES = re.compile(r"numpy|scipy|pandas|polars|torch|warnings\.py|contextlib")
"""Files whose callers are to blame for a warning."""


# -- interrupts -----------------------------------------------------------------------


class Interrupt:
    """Raises KeyboardInterrupt at the k-th point at which Python handles signals.

    With `in_training`, points are counted from the start of training. There are none
    inside Python's own threading: a `threading.Condition` that is interrupted on entry
    to its ``__exit__`` stays locked, and whoever needs it waits forever.
    """

    def __init__(self, k, in_training=False):
        self.k, self.count, self.waits = k, 0, in_training

    def __enter__(self):
        sys.setprofile(self._count)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)

    def counts(self, frame, event):
        return event in ("call", "c_return")

    def _count(self, frame, event, arg):
        code = frame.f_code
        if self.waits:
            self.waits = code.co_name not in TRAINING
        elif self.counts(frame, event) and code.co_filename not in PYTHONS_OWN:
            self.count += 1
            if self.count == self.k:
                sys.setprofile(None)
                raise KeyboardInterrupt


TRAINING = {"train_stochastic", "train_lbfgs", "_call_in_threads"}
"""Functions in which training begins."""

PYTHONS_OWN = {
    module.__file__
    for module in (threading, concurrent.futures._base, concurrent.futures.thread)
}
"""Files that no interrupt strikes."""


@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    prepare(monkeypatch.setattr)


def prepare(set_attribute):
    """Load what is loaded once; ignore what Python says of interrupts that it loses.

    These strike in a destructor.
    """
    sknn.MLPRegressor(max_iter=1, learning_rate="linear").fit([[0.0], [1.0]], [0, 1])

    def hook(unraisable, report=sys.unraisablehook):
        if unraisable.exc_type is not KeyboardInterrupt:
            report(unraisable)

    set_attribute(sys, "unraisablehook", hook)


# -- the machine ----------------------------------------------------------------------


class Hostile(RuleBasedStateMachine):
    """Any calls of an estimator in any order, on any data."""

    @initialize(data=st.data(), estimator=strategies.estimators())
    def start(self, data, estimator):
        self.estimator = estimator
        self.kind = data.draw(
            st.sampled_from([*(CLASSES if is_classifier(estimator) else NUMBERS)])
        )
        self.m = data.draw(st.sampled_from(COLUMN_COUNTS))
        self.seen = None  # the last rows that it was trained on

    def draw_data(self, data):
        return data.draw(strategies.datasets(type(self.estimator), self.kind, self.m))

    def call(self, method, dataset, *args, interrupt=None):
        """Fit; check that what must not change has not changed."""
        estimator, passed = (
            self.estimator,
            (dataset.X, dataset.y, dataset.sample_weight),
        )
        before = contents(passed), params_of(estimator), state_of(estimator)
        fitted = None if self.seen is None else estimator.network_
        begin, how, messages = time.process_time(), "fitted", []
        counts[f"calls of {method}"] += 1
        try:
            with checked_warnings() as messages, same_settings():
                train = getattr(estimator, method)
                with interrupt or nullcontext():
                    train(*passed, *args)
        except KeyboardInterrupt:
            how = "interrupted"
        except AssertionError:
            raise
        except Exception as error:
            how = "refused"
            # CPython 3.11 can lose the KeyboardInterrupt of a profiling function.
            if interrupt is None or "'traceback' object is not" not in str(error):
                check_error(error, estimator)
        counts[how] += 1
        counts["ended by an interrupt"] += "Training interrupted by user." in messages
        assert time.process_time() - begin < SECONDS
        assert contents(passed) == before[0], "the data have changed"
        assert params_of(estimator) == before[1], "the parameters have changed"
        if how == "fitted":
            self.seen = dataset.X
        elif how == "refused" or getattr(estimator, "network_", None) is fitted:
            assert state_of(estimator) == before[2], "a failed fit has left traces"
        else:  # the interrupt came after the fit was complete
            self.seen = dataset.X

    @rule(data=st.data())
    def fit(self, data):
        self.call("fit", self.draw_data(data))

    @rule(data=st.data(), k=st.integers(1, 6000))
    def fit_interrupted(self, data, k):
        self.call("fit", self.draw_data(data), interrupt=Interrupt(k))

    @rule(data=st.data(), k=st.integers(1, 900))
    def training_interrupted(self, data, k):
        can = [n for n in ("fit", "partial_fit") if hasattr(self.estimator, n)]
        method, interrupt = data.draw(st.sampled_from(can)), Interrupt(k, True)
        self.call(method, self.draw_data(data), interrupt=interrupt)

    @precondition(lambda self: hasattr(self.estimator, "partial_fit"))
    @rule(data=st.data())
    def partial_fit(self, data):
        dataset, classes = self.draw_data(data), ()
        if is_classifier(self.estimator) and self.seen is None:
            y = dataset.y
            classes = (data.draw(st.sampled_from(["of y", "of y", [0, 1], None])),)
            if classes == ("of y",):
                try:
                    classes = (np.unique(y),)
                except TypeError:
                    classes = (None,)
        self.call("partial_fit", dataset, *classes)

    @rule(data=st.data())
    def set_params(self, data):
        params = data.draw(strategies.some_params(type(self.estimator), max_size=2))
        self.estimator.set_params(**params)

    @rule(data=st.data())
    def fit_with_an_invalid_parameter(self, data):
        params = data.draw(strategies.invalid_params(type(self.estimator)))
        before = {name: getattr(self.estimator, name) for name in params}
        self.estimator.set_params(**params)
        can = [n for n in ("fit", "partial_fit") if hasattr(self.estimator, n)]
        self.call(data.draw(st.sampled_from(can)), self.draw_data(data))
        self.estimator.set_params(**before)

    @rule(data=st.data())
    def predict_other_rows(self, data):
        dataset = self.draw_data(data)
        before = contents(dataset.X), state_of(self.estimator)
        try:
            self.check_predictions(self.estimator, dataset.X)
        except NotFittedError:
            assert self.seen is None
        except Exception as error:
            if isinstance(error, AssertionError):
                raise
            check_error(error, self.estimator)
        assert (contents(dataset.X), state_of(self.estimator)) == before

    # -- copies ------------------------------------------------------------------------

    def replace_by(self, other):
        """Go on with a copy, which must predict the same."""
        if self.seen is not None:
            for a, b in zip(
                self.outputs(self.estimator, self.seen),
                self.outputs(other, self.seen),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
        assert params_of(other) == params_of(self.estimator)
        self.estimator = other

    @rule()
    def pickle(self):
        self.replace_by(pickle.loads(pickle.dumps(self.estimator)))

    @rule()
    def copy(self):
        self.replace_by(copy.copy(self.estimator))

    @rule()
    def deepcopy(self):
        self.replace_by(copy.deepcopy(self.estimator))

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.sknn")
            sknn.save(self.estimator, path)
            self.replace_by(sknn.load(path))

    @rule()
    def load_as_memory_map(self):
        with tempfile.TemporaryDirectory() as folder:
            joblib.dump(self.estimator, Path(folder, "model"))
            self.replace_by(joblib.load(Path(folder, "model"), mmap_mode="r"))

    @rule()
    def clone(self):
        other = clone(self.estimator)
        assert params_of(other) == params_of(self.estimator)
        self.estimator, self.seen = other, None

    # -- what always holds -------------------------------------------------------------

    @staticmethod
    def outputs(estimator, X):
        """Return all that an estimator predicts."""
        names = ["predict", "predict_proba", "decision_function", "transform"]
        with checked_warnings():
            found = [getattr(estimator, n)(X) for n in names if hasattr(estimator, n)]
        return [out.toarray() if sparse.issparse(out) else out for out in found]

    def check_predictions(self, estimator, X):
        for out in self.outputs(estimator, X):
            if out.dtype.kind == "f":
                assert np.isfinite(out).all(), "a prediction is not finite"

    @invariant()
    def is_fitted_or_not(self):
        if not hasattr(self, "estimator"):
            return
        counts["states checked"] += 1
        estimator = self.estimator
        if self.seen is None:
            with pytest.raises(NotFittedError):
                estimator.predict([[1.0]])
            return
        assert np.isfinite(estimator.network_.theta).all(), "a weight is not finite"
        assert np.isfinite(estimator.network_.state).all()
        assert len({len(column) for column in estimator.history_.values()}) == 1
        self.check_predictions(estimator, self.seen)


# -- interrupts where Python leaves a context ------------------------------------------


class InterruptOnExit(Interrupt):
    """Raises on the k-th entry to an ``__exit__``, which then does nothing."""

    def counts(self, frame, event):
        return event == "call" and frame.f_code.co_name == "__exit__"


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("Estimator", [sknn.MLPRegressor, sknn.TabularRegressor])
def test_an_interrupt_on_leaving_any_context_changes_no_setting(Estimator, method):
    X, y = np.random.RandomState(0).normal(size=(20, 3)), np.arange(20) % 2
    params = {"hidden_layer_sizes": (3,), "max_iter": 1, "random_state": 0}
    unfitted = Estimator(early_stopping=method == "fit", **params)
    for k in itertools.count(1):
        estimator = clone(unfitted)
        with checked_warnings(), same_settings():
            try:
                with InterruptOnExit(k) as interrupt:
                    getattr(estimator, method)(X, y)
            except KeyboardInterrupt:
                pass
        if interrupt.count < k:
            break
    assert k > 5, k


# -- containers and sizes --------------------------------------------------------------

ROWS = strategies.VALUES["mostly zeros"](np.random.RandomState(0), (40, 4))
Y = (ROWS.sum(axis=1) > 0).astype(int)


def quick(Estimator, **more):
    """Return an estimator with a small network, which gives no warning."""
    params = {**strategies.SMALL, "learning_rate": "linear", **more}
    names = strategies.has(Estimator, params)
    return Estimator(**{name: params[name] for name in names})


@pytest.mark.parametrize(
    "Estimator", [sknn.MLPClassifier, sknn.MLPRegressor, sknn.TabularClassifier]
)
def test_every_container_of_the_same_numbers_gives_the_same_model(Estimator):
    expected = quick(Estimator).fit(ROWS, Y)
    for name, make in {**strategies.DENSE, **strategies.SPARSE}.items():
        is_sparse = "sparse" in name or name in strategies.SPARSE
        takes_sparse = Estimator is not sknn.TabularClassifier
        if name not in strategies.SAME_NUMBERS or (is_sparse and not takes_sparse):
            continue
        X = make(ROWS.copy())
        model = quick(Estimator).fit(X, Y)
        rtol = 1e-9 if is_sparse else 0  # sums in another order
        for ours, others in (
            (model.network_.theta, expected.network_.theta),
            (model.predict(X), expected.predict(ROWS)),
        ):
            np.testing.assert_allclose(ours, others, rtol, rtol, err_msg=name)


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
@pytest.mark.parametrize("Estimator", [sknn.MLPClassifier, sknn.TabularClassifier])
def test_5000_classes(Estimator):
    X = np.arange(5000, dtype=np.float32)[:, np.newaxis] / 5000
    clf = quick(Estimator, max_iter=1, n_members=1).fit(X, np.arange(5000))
    p = clf.predict_proba(X[:7])
    assert p.shape == (7, 5000)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


# -- runs -----------------------------------------------------------------------------

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def test_any_calls_in_any_order():
    small = settings(max_examples=25, stateful_step_count=8, derandomize=True, **QUIET)
    run_state_machine_as_test(Hostile, settings=small)


class Watched(Hostile):
    """Ends the process if a call hangs."""

    def call(self, *args, **options):
        faulthandler.dump_traceback_later(20 * SECONDS, exit=True)
        super().call(*args, **options)


def run(n_calls, first_seed=0):
    """Make so many calls of `fit` and `partial_fit`; print how they ended."""
    prepare(setattr)
    large = settings(
        max_examples=50, stateful_step_count=12, phases=[Phase.generate], **QUIET
    )
    for number in itertools.count(first_seed):
        machine = seed(number)(type("Hostile", (Watched,), {}))
        run_state_machine_as_test(machine, settings=large)
        if number % 10 == 0 or sum(counts[how] for how in ENDINGS) >= n_calls:
            print(f"seed {number}: {dict(counts)}", flush=True)
        if sum(counts[how] for how in ENDINGS) >= n_calls:
            break


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
