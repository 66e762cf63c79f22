"""
Training on data that do not fit into memory
============================================

This script writes generated rows to a file, and trains a network on them in chunks
with ``partial_fit``. At any time, one chunk and the validation rows are in memory. Each
epoch reads the chunks in a different order; after every few chunks the network is
scored on the validation rows. Training ends when the score has stopped improving, and
the network then has its best weights. It ends after ``--epochs`` epochs (one by
default) at the latest.

By default the rows are NumPy arrays on disk, which are mapped into memory chunk by
chunk. With ``--format parquet`` they are a Parquet file, which is read by its row
groups (this needs pyarrow).

Download the script and run it with:

.. code-block:: bash

   python train_larger_than_memory.py --rows 10000000 --folder FOLDER

It prints the number of training rows per second, including the time to read them, and
the peak memory of the process, most of which is used by Python and its packages. A file
of 10 million rows of 20 numbers takes 0.8 GB. Without arguments the script uses a
million rows, and a temporary folder. It then prints (the numbers depend on the
machine):

.. code-block:: text

   epoch 1: 1,000,000 rows in 4.4 s, validation loss 0.2915
   rows per second: 227,602
   test accuracy: 0.8744
   size of the files: 77 MB
   peak memory of the process: 194 MB, 186 MB before training

See `Large data and many fits <https://sknn.github.io/sknn/stable/guide/scaling.html>`_
in the user guide for more.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/train_larger_than_memory.svg"

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from sknn import MLPClassifier

N_FEATURES = 20


def make_rows(n, seed):
    """Return n rows of numbers, and one of three classes for each."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    level = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3:6].sum(axis=1) / 2
    level += rng.normal(scale=0.3, size=n)
    return X, np.digitize(level, [-0.8, 0.8]).astype(np.int8)


def pieces(n_rows, chunk):
    """Yield the number of each chunk of rows, and where it starts and ends."""
    for i, start in enumerate(range(0, n_rows, chunk)):
        yield i, start, min(start + chunk, n_rows)


class ParquetFile:
    """A table with a column for each feature and one for the class."""

    def __init__(self, folder, chunk):
        self.chunk = chunk
        self.paths = (folder / "rows.parquet",)

    def write(self, n_rows):
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [f"x{j}" for j in range(N_FEATURES)]
        types = [*((name, pa.float32()) for name in names), ("y", pa.int8())]
        # Compression and dictionaries make random numbers no smaller.
        as_they_are = {"compression": "none", "use_dictionary": False}
        with pq.ParquetWriter(self.paths[0], pa.schema(types), **as_they_are) as file:
            for i, start, end in pieces(n_rows, self.chunk):
                X, y = make_rows(end - start, seed=i)
                file.write_table(pa.table([*X.T, y], names=[*names, "y"]))

    def n_chunks(self):
        import pyarrow.parquet as pq

        return pq.read_metadata(self.paths[0]).num_row_groups

    def read(self, i):
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.paths[0]) as file:
            table = file.read_row_group(i, use_threads=False)
        *columns, y = (column.to_numpy() for column in table.columns)
        return np.column_stack(columns), y


class ArrayFiles:
    """A file of features and a file of classes, both mapped into memory."""

    def __init__(self, folder, chunk):
        self.chunk = chunk
        self.paths = folder / "X.npy", folder / "y.npy"

    def write(self, n_rows):
        X_path, y_path = self.paths
        create = np.lib.format.open_memmap
        for i, start, end in pieces(n_rows, self.chunk):
            mode = "w+" if i == 0 else "r+"
            X = create(X_path, mode, np.float32, (n_rows, N_FEATURES))
            y = create(y_path, mode, np.int8, (n_rows,))
            X[start:end], y[start:end] = make_rows(end - start, seed=i)

    def n_chunks(self):
        return -(-len(np.load(self.paths[1], mmap_mode="r")) // self.chunk)

    def read(self, i):
        # Mapped again: the process keeps the pages of a map as long as the map.
        rows = slice(i * self.chunk, (i + 1) * self.chunk)
        X, y = (np.load(path, mmap_mode="r")[rows] for path in self.paths)
        return np.array(X), np.array(y)


FORMATS = {"parquet": ParquetFile, "npy": ArrayFiles}


def train(file, X_val, y_val, n_epochs, check_every):
    """Train until the validation score has stopped improving; return the network."""
    net = MLPClassifier(
        (64, 64),
        batch_size=256,
        learning_rate_init=2e-3,
        early_stopping=True,
        validation_fraction=0,  # X_val and y_val are passed
        n_iter_no_change=5,
        scoring="loss",
        random_state=0,
    )
    rng, classes, n_rows = np.random.default_rng(0), np.arange(3), 0
    start = perf_counter()
    for epoch in range(1, n_epochs + 1):
        for i, chunk in enumerate(rng.permutation(file.n_chunks()), start=1):
            X, y = file.read(chunk)
            is_checked = i % check_every == 0 or i == file.n_chunks()
            validation = {"X_val": X_val, "y_val": y_val} if is_checked else {}
            net.partial_fit(X, y, classes=classes, **validation)
            n_rows += len(X)
            if net.converged_:
                break
        seconds = perf_counter() - start
        print(
            f"epoch {epoch}: {n_rows:,} rows in {seconds:.1f} s, "
            f"validation loss {-net.best_validation_score_:.4f}"
        )
        if net.converged_:
            break
    print(f"rows per second: {n_rows / seconds:,.0f}")
    return net


def peak_memory():
    """Return the largest memory of the process so far in MB; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def run(arguments, folder):
    file = FORMATS[arguments.format](folder, arguments.chunk)
    file.write(arguments.rows)
    before = peak_memory()
    X_val, y_val = make_rows(20_000, seed=2**31)
    net = train(file, X_val, y_val, arguments.epochs, arguments.check_every)
    X_test, y_test = make_rows(20_000, seed=2**31 + 1)
    print(f"test accuracy: {net.score(X_test, y_test):.4f}")
    size = sum(path.stat().st_size for path in file.paths) / 2**20
    print(f"size of the files: {size:,.0f} MB")
    if before is not None:
        peak = f"{peak_memory():,.0f} MB, {before:,.0f} MB before training"
        print(f"peak memory of the process: {peak}")


def main():
    parser = argparse.ArgumentParser(description="Training in chunks.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--chunk", type=int, default=100_000, help="rows in a chunk")
    parser.add_argument("--epochs", type=int, default=1, help="at most")
    parser.add_argument("--format", choices=FORMATS, default="npy")
    parser.add_argument(
        "--check-every", type=int, default=10, help="chunks between two validations"
    )
    parser.add_argument("--folder", type=Path, help="where to write the files")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        run(arguments, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(arguments, Path(folder))


if __name__ == "__main__":
    main()
