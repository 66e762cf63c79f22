"""Seconds per epoch of sknn, scikit-learn, PyTorch and skorch on four networks.

Every implementation trains the same network on the same rows with Adam, batch by batch,
in a new random order each epoch. The implementations take turns, round after round, so
that a change in the machine's speed affects all of them. Reported are medians over the
rounds, and the median of the ratio within each round. "products" are the bare matrix
products of the same shapes: no implementation in NumPy can be faster.

Run it on an otherwise idle machine::

    python examples/benchmarks/bench_mlp.py --rounds 7 --figure bench_mlp.png

``--busy`` shows the effect of another process that keeps one core busy: networks with
small matrix products train on one BLAS thread (`sknn._threads`) and are hardly
affected. PyTorch and skorch are included if they are installed; the chart is drawn if
Matplotlib is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import time
import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sklearn
import sklearn.neural_network
from threadpoolctl import threadpool_info

import sknn

warnings.filterwarnings("ignore", message=".*Maximum iterations.*")


@dataclass(frozen=True)
class Workload:
    """A network, a batch size, a number of rows, and a number of epochs to time."""

    units: tuple[int, ...]
    batch_size: int
    n_rows: int
    epochs: int

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.units))}, batch {self.batch_size}"

    def data(self, dtype):
        rng = np.random.RandomState(0)
        X = rng.normal(size=(self.n_rows, self.units[0])).astype(dtype)
        W = rng.normal(size=(self.units[0], self.units[-1]))
        return X, (X @ W).argmax(axis=1)


WORKLOADS = (
    Workload((64, 100, 10), 200, 10_000, 10),
    Workload((20, 100, 100, 100, 2), 32, 10_000, 3),
    Workload((100, 256, 256, 10), 128, 20_000, 2),
    Workload((784, 512, 512, 10), 128, 10_000, 1),
)


def time_products(workload, dtype):
    """Time only the matrix products of the forward and the backward pass."""
    n = workload.batch_size
    layers = []
    for i, (fan_in, fan_out) in enumerate(pairwise(workload.units)):
        if fan_out == 2:
            fan_out = 1  # two classes need one output
        x, W = np.ones((n, fan_in), dtype), np.ones((fan_in, fan_out), dtype)
        y, dx = np.empty((n, fan_out), dtype), np.empty((n, fan_in), dtype)
        layers.append((x, W, y, np.empty_like(W), dx if i else None))
    start = time.perf_counter()
    for _ in range(-(-workload.n_rows // n)):
        for x, W, y, _, _ in layers:
            np.matmul(x, W, out=y)
        for x, W, y, dW, dx in layers:
            np.matmul(x.T, y, out=dW)
            if dx is not None:
                np.matmul(y, W.T, out=dx)
    return time.perf_counter() - start


def time_estimator(module, workload, dtype):
    X, y = workload.data(dtype)
    clf = module.MLPClassifier(
        workload.units[1:-1],
        batch_size=workload.batch_size,
        max_iter=workload.epochs,
        n_iter_no_change=np.inf,
        tol=0,
        random_state=0,
    )
    start = time.perf_counter()
    clf.fit(X, y)
    return (time.perf_counter() - start) / workload.epochs


def time_sknn(workload, dtype):
    return time_estimator(sknn, workload, dtype)


def time_sklearn(workload, dtype):
    return time_estimator(sklearn.neural_network, workload, dtype)


def torch_module(workload, dtype):
    import torch

    layers = []
    for fan_in, fan_out in pairwise(workload.units):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(getattr(torch, np.dtype(dtype).name))


def time_torch(workload, dtype, fused=False):
    import torch

    X, y = map(torch.from_numpy, workload.data(dtype))
    module = torch_module(workload, dtype)
    solver = torch.optim.Adam(module.parameters(), weight_decay=1e-4, fused=fused)
    start = time.perf_counter()
    for _ in range(workload.epochs):
        for rows in torch.randperm(len(X)).split(workload.batch_size):
            solver.zero_grad()
            torch.nn.functional.cross_entropy(module(X[rows]), y[rows]).backward()
            solver.step()
    return (time.perf_counter() - start) / workload.epochs


def time_torch_fused(workload, dtype):
    return time_torch(workload, dtype, fused=True)


def time_skorch(workload, dtype):
    import skorch
    import torch

    X, y = workload.data(dtype)
    net = skorch.NeuralNetClassifier(
        torch_module(workload, dtype),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=workload.epochs,
        batch_size=workload.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    start = time.perf_counter()
    net.fit(X, y)
    return (time.perf_counter() - start) / workload.epochs


def contenders():
    """Return the timing functions by name, of the packages that are installed."""
    found = {"products": time_products, "sknn": time_sknn, "sklearn": time_sklearn}
    try:
        import torch  # noqa: F401  (tests whether it is installed)

        found |= {"torch": time_torch, "torch fused": time_torch_fused}
        import skorch  # noqa: F401

        found["skorch"] = time_skorch
    except ImportError:
        pass
    return found


def measure(workload, dtype, n_rounds):
    """Return seconds per epoch by implementation, as arrays over the rounds."""
    functions = contenders()
    for function in functions.values():
        function(workload, dtype)
    seconds = {name: [] for name in functions}
    for _ in range(n_rounds):
        for name, function in functions.items():
            seconds[name].append(function(workload, dtype))
    return {name: np.array(values) for name, values in seconds.items()}


def spin():
    """Keep a core busy."""
    while True:
        pass


def describe_machine():
    """Return versions and numbers of threads in one line."""
    pools = ", ".join(
        f"{p['internal_api']} {p['num_threads']}" for p in threadpool_info()
    )
    return (
        f"Python {platform.python_version()}, NumPy {np.__version__}, scikit-learn "
        f"{sklearn.__version__}, sknn {sknn.__version__}; threads: {pools}"
    )


def draw(results, path):
    """Save a bar chart of epoch times, relative to scikit-learn's, in `path`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots(2, 1, sharey=True)
    for ax, dtype in zip(axes, ("float32", "float64"), strict=True):
        rows = [row for row in results if row[1] == dtype]
        names = list(rows[0][2])
        width = 0.8 / len(names)
        for i, name in enumerate(names):
            heights = [np.median(s[name] / s["sklearn"]) for _, _, s in rows]
            at = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * width
            bars = ax.bar(at, heights, width, label=name)
            labels = [f"{1e3 * np.median(s[name]):,.0f}" for _, _, s in rows]
            ax.bar_label(bars, labels, fontsize=7)
        ax.axhline(1, color="gray", linewidth=0.8)
        ax.set_xticks(range(len(rows)), [w.name for w, _, _ in rows])
        ax.set_ylabel("epoch time / sklearn's")
        ax.set_title(f"{dtype} (labels: milliseconds per epoch)", fontsize=10)
    axes[0].legend(ncols=len(names), fontsize=8)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--figure", help="file for a bar chart")
    parser.add_argument(
        "--busy", action="store_true", help="keep one core busy with another process"
    )
    parser.add_argument("--workloads", type=int, nargs="*", default=[0, 1, 2, 3])
    parser.add_argument("--dtypes", nargs="*", default=["float32", "float64"])
    args = parser.parse_args()

    if args.busy:
        multiprocessing.Process(target=spin, daemon=True).start()
    results = []
    for dtype in args.dtypes:
        for workload in (WORKLOADS[i] for i in args.workloads):
            seconds = measure(workload, dtype, args.rounds)
            results.append((workload, dtype, seconds))
            print(f"\n{workload.name}, {workload.n_rows} rows, {dtype}")
            for name, values in seconds.items():
                ratio = np.median(seconds["sklearn"] / values)
                print(
                    f"  {name:12} {1e3 * np.median(values):8.1f} ms/epoch   "
                    f"{ratio:6.2f} × as fast as sklearn",
                    flush=True,
                )
    print(f"\n{describe_machine()}")  # after all libraries have been loaded
    if args.figure:
        draw(results, args.figure)


if __name__ == "__main__":
    main()
