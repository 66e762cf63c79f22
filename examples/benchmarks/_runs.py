"""One fit of `bench_tables.py`: its scores, its times, and the process it runs in."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
import traceback
import warnings

import numpy as np
from _tables import read
from sklearn.metrics import r2_score, roc_auc_score, root_mean_squared_error

# -- scores and times -----------------------------------------------------------------


def class_scores(y, proba, classes):
    """Return error, log-loss and, for two classes, AUC.

    Probabilities are clipped at 1e-15, and 0 for classes without a training row.
    """
    every = np.union1d(classes, y)
    p = np.zeros((len(y), len(every)))
    p[:, np.searchsorted(every, classes)] = proba
    p /= p.sum(axis=1, keepdims=True)
    truth = np.searchsorted(every, y)
    p_truth = p[np.arange(len(y)), truth]
    scores = {
        "error": np.mean(p.argmax(axis=1) != truth),
        "log_loss": -np.log(p_truth.clip(1e-15)).mean(),
    }
    if len(every) == 2:
        scores["auc"] = roc_auc_score(truth, p[:, 1])
    return scores


def number_scores(y, predicted):
    """Return root mean squared error and R²."""
    return {
        "rmse": root_mean_squared_error(y, predicted),
        "r2": r2_score(y, predicted),
    }


def coverage(estimator, X, y):
    """Return the share of targets inside their intervals of 90%, if it has them."""
    if not hasattr(estimator, "predict_interval"):
        return {}
    low, high = estimator.predict_interval(X, coverage=0.9).T
    return {"coverage": np.mean((low <= y) & (y <= high))}


def cpu_seconds():
    """Return the CPU time of this process, all its threads, and ended children."""
    used = (resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time())
    return used[0].ru_utime + used[0].ru_stime + used[1]


def timed(name, function, *args):
    """Return what a function returns, with its wall and its CPU seconds."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    result = function(*args)
    seconds = {
        f"{name}_seconds": time.perf_counter() - wall,
        f"{name}_cpu": cpu_seconds() - cpu,
    }
    return result, seconds


def fit_and_score(method, folder, where, threads):
    """Return the record of one fit: scores and times, or an error.

    `where` has the arguments of `read`.
    """
    warnings.simplefilter("ignore")
    record = {"method": method.name, "params": repr(method.params), **where}
    record["threads"] = threads
    try:
        X, X_test, y, y_test, kind, n_rows = read(folder, **where)
        record |= {"kind": kind, "n_rows": n_rows, "n_test": len(X_test)}
        estimator = method.estimator(X, kind, where["seed"], threads)
        _, fit_times = timed("fit", estimator.fit, X, y)
        if kind == "class":
            proba, times = timed("predict", estimator.predict_proba, X_test)
            scores = class_scores(y_test, np.asarray(proba), estimator.classes_)
        else:
            predicted, times = timed("predict", estimator.predict, X_test)
            scores = number_scores(y_test, np.ravel(predicted))
            scores |= coverage(estimator, X_test, y_test)
        if not np.isfinite([*scores.values()]).all():
            raise ValueError(f"The scores are not finite: {scores}.")
        rounded = {k: float(f"{v:.7g}") for k, v in scores.items()}
        return record | rounded | _rounded(fit_times | times)
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        message = f"{type(error).__name__}: {error}"
        return record | {"error_message": message[:2000], "traceback": lines[-12:]}


def _rounded(seconds):
    return {name: round(value, 4) for name, value in seconds.items()}


# -- processes ------------------------------------------------------------------------


def _serve(pipe):
    """Answer calls until the other end is closed."""
    while True:
        try:
            function, args = pipe.recv()
        except EOFError:
            return
        pipe.send(function(*args))


class Worker:
    """A process that makes one call after another; a call that takes too long ends it.

    The next call then starts a new process. Environment variables are set for it.
    """

    def __init__(self, environment):
        self.environment = environment
        self.process = None

    def call(self, function, *args, timeout=None):
        """Return the result; raise TimeoutError, or EOFError or OSError if it died."""
        if self.process is None:
            self.start()
        try:
            self.pipe.send((function, args))
            if not self.pipe.poll(timeout):
                raise TimeoutError(f"not finished after {timeout:g} seconds")
            return self.pipe.recv()
        except (OSError, EOFError, KeyboardInterrupt):
            self.close()
            raise

    def start(self):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        theirs.close()
        self.process = process

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
        self.process = None


# -- the file of results --------------------------------------------------------------

KEY = ("method", "params", "table", "seed", "validation", "max_rows")
"""What a record is a result of."""


def key(record):
    return tuple(record[name] for name in KEY)


def load_records(path):
    """Return the records of a file, the last one where a key occurs repeatedly."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    return list({key(r): r for r in map(json.loads, lines)}.values())


def append_record(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
