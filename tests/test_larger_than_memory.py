"""Training on data larger than memory: memory maps, Parquet files, Dask arrays."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknn import MLPClassifier

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "train_larger_than_memory.py"
SCRIPT = runpy.run_path(EXAMPLE)
make_rows, train = SCRIPT["make_rows"], SCRIPT["train"]
N_ROWS = 3000


def file_of(kind, folder):
    """A file with three chunks."""
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    file = SCRIPT["FORMATS"][kind](folder, 1000)
    file.write(N_ROWS)
    return file


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_chunks_of_files_are_the_rows(kind, tmp_path):
    file = file_of(kind, tmp_path)
    assert file.n_chunks() == 3
    for i in range(3):
        for ours, rows in zip(file.read(i), make_rows(1000, seed=i), strict=True):
            assert ours.dtype == rows.dtype
            assert_array_equal(ours, rows)


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_training_from_a_file_is_training_from_memory(kind, tmp_path, capsys):
    file = file_of(kind, tmp_path)
    held_out = make_rows(500, seed=99)
    net = train(file, *held_out, n_epochs=2, check_every=2)

    class Rows:
        def n_chunks(self):
            return 3

        def read(self, i):
            return make_rows(1000, seed=i)

    same = train(Rows(), *held_out, n_epochs=2, check_every=2)
    assert_array_equal(net.network_.theta, same.network_.theta)
    scores = np.array(net.validation_scores_)
    assert np.isfinite(scores).tolist() == [False, True, True] * 2
    assert net.best_validation_score_ == np.nanmax(scores)
    assert "rows per second" in capsys.readouterr().out


def test_it_stops_when_the_score_stops_improving(tmp_path):
    file = file_of("npy", tmp_path)
    X, y = make_rows(500, seed=99)
    y = np.random.default_rng(0).permutation(y)  # nothing can be learned of them
    net = train(file, X, y, n_epochs=50, check_every=1)
    assert net.converged_
    assert len(net.history_["epoch"]) < 50 * 3


def test_blocks_of_a_dask_array():
    da = pytest.importorskip("dask.array", reason='needs Dask: "sknn[distributed]"')
    X, y = make_rows(N_ROWS, seed=0)
    held_out = dict(zip(("X_val", "y_val"), make_rows(500, 1), strict=True))
    params = {
        "early_stopping": True,
        "validation_fraction": 0,
        "random_state": 0,
    }
    from_blocks, from_rows = (MLPClassifier((8,), **params) for _ in range(2))
    blocks = da.from_array(X, (1000, -1)).blocks, da.from_array(y, 1000).blocks
    for X_block, y_block in zip(*blocks, strict=True):
        from_blocks.partial_fit(
            X_block.compute(), y_block.compute(), classes=range(3), **held_out
        )
    for start in range(0, N_ROWS, 1000):
        rows = slice(start, start + 1000)
        from_rows.partial_fit(X[rows], y[rows], classes=range(3), **held_out)
    assert_array_equal(from_blocks.network_.theta, from_rows.network_.theta)
    assert from_blocks.validation_scores_ == from_rows.validation_scores_


def peak_of_example(n_rows, kind):
    """Peak memory of a process that runs the example, and the size of its files, MB."""
    arguments = ["--rows", str(n_rows), "--chunk", "20000", "--format", kind]
    done = subprocess.run(
        [sys.executable, EXAMPLE, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    peak = re.search(r"peak memory of the process: ([\d,]+) MB", done.stdout)
    size = re.search(r"size of the files: ([\d,]+) MB", done.stdout)
    return tuple(int(found[1].replace(",", "")) for found in (peak, size))


@pytest.mark.skipif(sys.platform == "win32", reason="reads getrusage")
@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_memory_does_not_grow_with_the_rows(kind):
    """Eight times as many chunks of 1.6 MB take no more than a few of them."""
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    peak, size = peak_of_example(60_000, kind)
    larger_peak, larger_size = peak_of_example(480_000, kind)
    assert larger_size - size > 30
    assert larger_peak - peak < 10
