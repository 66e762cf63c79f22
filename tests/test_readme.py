"""The README: its code runs as it stands, and its figures are the measured ones."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def test_the_code_runs(tmp_path):
    for package in ("onnx", "pandas"):
        pytest.importorskip(package)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    command = [sys.executable, script.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    accuracy, r2 = map(float, run.stdout.split()[:2])
    assert accuracy == pytest.approx(0.97, abs=0.02)
    assert r2 == pytest.approx(0.50, abs=0.05)
    assert {"digits.sknn", "digits.onnx"} <= {path.name for path in tmp_path.iterdir()}


def markdown_rows(text):
    """Return the cells of the rows of the tables in a Markdown text."""
    return [
        line.strip("| ").split(" | ") for line in text.splitlines() if line[:1] == "|"
    ]


def list_rows(text):
    """Return the cells of the rows of the list-tables in a page."""
    return [
        row.split("\n\n")[0].rstrip().split("\n     - ")
        for row in text.split("   * - ")[1:]
    ]


def test_the_figures_of_speed_are_measured():
    rows = [
        row
        for path in sorted((ROOT / "docs" / "performance").glob("*/table.inc"))
        for row in list_rows(path.read_text("utf-8"))
    ]
    speed = README.read_text("utf-8").split("**Speed**")[1].split("**Tables**")[0]
    for name, *cells in markdown_rows(speed)[2:]:
        network, batch_size = name.split(", ")
        for dtype, cell in zip(("float32", "float64"), cells, strict=True):
            work = f"epoch: {network}, batch {batch_size}, {dtype}"
            ratios = [float(row[2].split()[0]) for row in rows if row[0].endswith(work)]
            assert cell == f"{min(ratios):.1f} – {max(ratios):.1f}"


def test_the_figures_of_tables_are_measured():
    page = (ROOT / "docs" / "guide" / "tables" / "comparison.inc").read_text("utf-8")
    measured = [
        [cell.split(" ± ")[0] for cell in row]
        for row in list_rows(page)
        if len(row) == 5
    ]
    tables = README.read_text("utf-8").split("**Tables**")[1].split("\n## ")[0]
    rows = markdown_rows(tables)[2:]
    assert len(rows) > 5
    for _, *cells in rows:
        assert cells in [row[1:] for row in measured]
