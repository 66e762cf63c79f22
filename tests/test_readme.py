"""The Python code of the README runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


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
