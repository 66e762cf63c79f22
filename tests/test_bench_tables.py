"""The benchmark on tables: a run on small synthetic tables, resumed and reported."""

import csv
import importlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"

LOAD = """
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

NAMES = ("moon", "mars", "slope")


def load(name):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 2)), columns=["a", "b"])
    y = X["a"] + X["b"]
    X["empty"] = np.nan
    X.loc[::7, "b"] = np.nan
    X["c"] = pd.Categorical(np.where(X["a"] > 1, None, "c"))
    if name == "slope":
        return X, y.to_numpy(), "number"
    borders = [0] if name == "moon" else [-1, 1]
    return X, np.searchsorted(borders, y).astype(str), "class"


def split(name, seed, n_train=100):
    X, y, kind = load(name)
    parts = train_test_split(X, y, train_size=n_train, random_state=seed)
    return *parts, kind
"""


@pytest.fixture
def bench(monkeypatch):
    """Import the script, and call its main function."""
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(BENCHMARKS)
    main = importlib.import_module("bench_tables").main
    return lambda *args: main([str(arg) for arg in args])


def test_the_benchmark_on_tables_resumes_records_failures_and_reports(
    bench, tmp_path, capsys
):
    (tmp_path / "load.py").write_text(LOAD)
    out = tmp_path / "results.jsonl"
    given = ["--out", out, "--seeds", "1", "--validation"]
    methods = [
        "HistGradientBoosting",
        "sknn MLP(max_iter=2)",
        "HistGradientBoosting(max_iter=-1)",
    ]
    run = ["--data", tmp_path, *given, "--methods", *methods]

    bench(*run, "--tables", "class")
    first = out.read_text()
    bench(*run)
    assert out.read_text().startswith(first)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(records) == 9  # 3 tables, 3 methods: nothing ran twice
    for r in records:
        assert ("error_message" in r) == (r["method"] == methods[2])
        assert r.get("n_test", 20) == 20  # a fifth of the training rows
    assert {r["table"] for r in records if "auc" in r} == {"moon"}

    capsys.readouterr()
    bench(*given, "--report")
    text = capsys.readouterr().out
    assert "| HistGradientBoosting | 1.000 ± 0.000 (2) |" in text
    assert "InvalidParameterError" in text
    assert (tmp_path / "results-validation.md").read_text() in text

    with pytest.raises(SystemExit, match="No table was fitted by all"):
        bench(*given, "--report", "--common")
    bench(*given, "--report", "--common", "--methods", *methods[:2])
    assert "InvalidParameterError" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "text, message",
    [
        ("LightGMB", "Unknown method 'LightGMB'"),
        ("LightGBM(3)", "keyword parameters"),
        ("LightGBM(max_iter=f())", "keyword parameters"),
        ("LightGBM(max_iter=3", "keyword parameters"),
    ],
)
def test_methods_that_cannot_be_read_are_named(monkeypatch, text, message):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _learners import parse_method

    with pytest.raises(SystemExit, match=message):
        parse_method(text)


def test_a_method_is_a_learner_with_parameters_and_a_name(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _learners import Method, parse_method

    assert parse_method("LightGBM") == Method("LightGBM", "LightGBM", {})
    given = {"num_leaves": 9, "verbose": True}
    small = parse_method("small: LightGBM(num_leaves=9, verbose=True)")
    assert small == Method("small", "LightGBM", given)
    text = "Tabular, n_members=1, no dropout(max_iter=9)"
    expected = {"n_members": 1, "dropout": 0.0, "max_iter": 9}
    assert parse_method(text) == Method(text, "Tabular", expected)


def test_the_published_results_have_the_names_of_methods(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _learners import LEARNERS, VARIANTS

    results = BENCHMARKS.parents[1] / "docs" / "guide" / "tables" / "results.csv"
    with results.open(encoding="utf-8", newline="") as file:
        names = {row["method"] for row in csv.DictReader(file)}
    assert "Tabular" in names
    assert names <= {*LEARNERS, *VARIANTS}


def test_a_call_that_takes_too_long_ends_its_process_but_not_the_worker(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _runs import Worker

    worker = Worker({"SKNN_TEST": "1"})
    assert worker.call(os.getenv, "SKNN_TEST") == "1"
    with pytest.raises(TimeoutError, match=r"not finished after 0\.1 seconds"):
        worker.call(time.sleep, 60, timeout=0.1)
    assert worker.call(abs, -1) == 1
    worker.close()
    assert "SKNN_TEST" not in os.environ


def test_critical_distances_are_those_of_demsar(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _ranks import critical_distance

    # Demšar 2006, section 3.2.4: four classifiers, 14 data sets, q = 2.569.
    expected = 2.569 * np.sqrt(4 * 5 / (6 * 14))
    np.testing.assert_allclose(critical_distance(4, 14), expected, rtol=1e-3)


def test_runs_of_ranks_within_the_critical_distance_are_maximal(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _ranks import cliques

    assert cliques([1.0, 1.5, 2.2, 4.0], 1.0) == [(0, 1), (1, 2)]
    assert cliques([1.0, 1.5, 1.9, 4.0], 1.0) == [(0, 2)]


def test_errors_of_the_benchmark_count_classes_without_training_rows(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _runs import class_scores

    y = np.array(["a", "b", "c"])
    proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    scores = class_scores(y, proba, np.array(["a", "b"]))
    assert scores["error"] == pytest.approx(2 / 3)  # ties go to the first class
    expected = -np.log([0.9, 0.5, 1e-15]).mean()
    assert scores["log_loss"] == pytest.approx(expected)
    assert "auc" not in scores
