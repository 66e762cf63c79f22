"""The scripts that measure speed: they run with the current code, and write tables."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Return a function that imports a script."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_bench_kernels_writes_a_row_for_each_operation(load, monkeypatch, tmp_path):
    script, path = load("bench_kernels"), tmp_path / "kernels.inc"
    monkeypatch.setattr(script, "ROUNDS", 1)
    monkeypatch.setattr(script, "SECONDS", 0)
    monkeypatch.setattr(sys, "argv", ["bench_kernels.py", str(path)])
    script.main()
    table = path.read_text(encoding="utf-8")
    names = [name for name, _, _ in script.operations()]
    assert [name for name in names if f"   * - {name}\n" not in table] == []


def test_tables_of_run_have_the_ratio_to_each_other_program(load):
    report, timing, works = load("_report"), load("_timing"), load("_works")
    work = next(work for work in works.WORKS if "products" in work.reach)
    milliseconds = {"sknn": [10, 10, 20], "sklearn": [40, 50, 120], "products": [5] * 3}
    result = timing.Result(
        work, {name: np.array(ms) / 1e3 for name, ms in milliseconds.items()}
    )
    table = report.restructured_text([result], ["A machine."])
    assert table.startswith("A machine.\n\n.. list-table::")
    cells = table.split("   * - ")[2].rstrip().split("\n     - ")
    assert cells == [work.name, "10", "5.00 (4.50–5.50)", "0.50 (0.38–0.50)"]
