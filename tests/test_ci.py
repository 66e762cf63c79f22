"""CI runs every check of ``.ci/run``."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"

if not WORKFLOW.exists():
    pytest.skip("there is no checkout", allow_module_level=True)


def test_ci_runs_every_check():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (checks,) = re.findall(r"^checks=\((.*)\)$", script, re.MULTILINE)
    assert set(checks.split()) == set(
        re.findall(r"^check_(\w+)\(\)", script, re.MULTILINE)
    )
    commands = re.findall(r"bash \.ci/run (.*)", WORKFLOW.read_text("utf-8"))
    assert sorted(checks.split()) == sorted(" ".join(commands).split())
