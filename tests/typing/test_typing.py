"""Types: mypy accepts a user's script, and finds mistakes in it and in the package."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest
import user_script

from sknn._estimators import dense_blocks, parameters, regressor
from sknn.activations import ACTIVATIONS
from sknn.initializers import INITIALIZERS
from sknn.losses import REGRESSION_LOSSES
from sknn.schedules import SCHEDULES
from sknn.solvers import SOLVERS

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("user_script.py")

needs_mypy = pytest.mark.skipif(find_spec("mypy") is None, reason="mypy: extra dev")


def mypy(folder, *arguments):
    """Return what mypy reports in a folder."""
    settings = [
        "--config-file",
        ROOT / "pyproject.toml",
        "--cache-dir",
        folder / "mypy",
    ]
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *settings]
    ran = subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True
    )
    return ran.stdout + ran.stderr


@pytest.fixture
def folder(tmp_path):
    """A folder with a copy of the package and of the script."""
    shutil.copytree(ROOT / "sknn", tmp_path / "sknn")
    shutil.copy(SCRIPT, tmp_path)
    return tmp_path


@needs_mypy
def test_a_users_script_is_typed(folder):
    # Of an installed package, mypy reports no errors either.
    assert mypy(folder, "--strict", "--follow-imports=silent", SCRIPT.name) == ""


@pytest.mark.filterwarnings("ignore")
def test_the_users_script_runs():
    user_script.main()


USER, BASE, ACCESS, FIT, RUN = (
    "user_script.py",
    "sknn/_estimators/base.py",
    "sknn/_estimators/network_access.py",
    "sknn/_estimators/fit.py",
    "sknn/_estimators/run.py",
)

MISTAKES = {
    "misspelt parameter": (
        FIT, "params.learning_rate_init)", "params.learning_rate_int)", "rate_int"),
    "misspelt attribute": (
        BASE, "self.network_.dtype)", "self.netwrok_.dtype)", "netwrok_"),
    "missing method": (
        BASE, "self._targets.predict(z)", "self._targets.predicts(z)", "predicts"),
    "wrong return type": (
        ACCESS, "Summary(self.network_)", "self.network_", "return value"),
    "missing argument": (
        BASE, "= noise_stream(rng)", "= noise_stream()", "Missing positional argument"),
    "wrong argument type": (
        RUN, "tol=params.tol", "tol=params.solver", 'Argument "tol"'),
    "wrong literal": (USER, 'loss="huber"', 'loss="hubber"', 'Argument "loss"'),
    "unknown parameter": (USER, "((4,),", "(units=(4,),", 'keyword argument "units"'),
    "unknown attribute": (USER, "clf.n_iter_", "clf.n_iter", '"n_iter"'),
}  # fmt: skip
"""For each mistake its file, the correct code, the wrong code, and mypy's message."""


@needs_mypy
def test_mistakes_are_found(folder):
    expected = []
    for path, correct, wrong, message in MISTAKES.values():
        text = (folder / path).read_text("utf-8")
        assert correct in text
        line = text[: text.index(correct)].count("\n") + 1
        (folder / path).write_text(text.replace(correct, wrong, 1), "utf-8")
        expected.append((path, line, message))
    errors = mypy(folder, "sknn", USER)
    for path, line, message in expected:
        assert re.search(rf"^{path}:{line}: error: .*{message}", errors, re.M), errors


TABLES = {
    "solver": (parameters.SolverChoice, {*SOLVERS, "lbfgs"}),
    "learning_rate": (parameters.ScheduleChoice, set(SCHEDULES)),
    "activation": (dense_blocks.ActivationChoice, {*ACTIVATIONS, "prelu"}),
    "initializer": (dense_blocks.InitializerChoice, {*INITIALIZERS, "auto"}),
    "normalization": (
        *(dense_blocks.NormalizationChoice, set(dense_blocks.NORMALIZATIONS)),
    ),
    "loss": (regressor.RegressionLossChoice, set(REGRESSION_LOSSES)),
}


@pytest.mark.parametrize("choice, names", TABLES.values(), ids=TABLES)
def test_literals_are_the_names_in_the_tables(choice, names):
    literals = {name for part in get_args(choice) for name in get_args(part)}
    assert literals == names
