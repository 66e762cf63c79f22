"""Time per training step and time to predict of convolutional networks.

sknn, PyTorch with its plain and its fused Adam, and the bare matrix products of the
same shapes take turns, round after round. Reported are medians over the rounds, and the
median of the ratio to PyTorch's plain Adam within each round. Run it on an otherwise
idle machine, with PyTorch installed::

    python examples/benchmarks/bench_cnn.py --rounds 5
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_info

import sknn
from sknn import CNNClassifier
from sknn.layers import Conv2D, Dense

warnings.filterwarnings("ignore", message=".*Maximum iterations.*")

nn = torch.nn


@dataclass(frozen=True)
class Workload:
    """A network for images of 28 x 28 pixels in ten classes, and a batch size."""

    name: str
    params: dict
    batch_size: int
    steps: int = 64

    def data(self):
        rng = np.random.default_rng(0)
        n = self.steps * self.batch_size
        return rng.random((n, 28, 28), np.float32), rng.integers(10, size=n)

    def estimator(self):
        return CNNClassifier(
            **self.params, batch_size=self.batch_size, max_iter=1, random_state=0
        )


LENET = {
    "conv_channels": (6, 16),
    "kernel_size": 5,
    "padding": ("same", "valid"),
    "hidden_layer_sizes": (120, 84),
}

WIDE = {"conv_channels": (32, 64), "kernel_size": 3, "hidden_layer_sizes": (128,)}

WORKLOADS = [
    Workload("LeNet-5", LENET, 32),
    Workload("LeNet-5", LENET, 64),
    Workload("LeNet-5", LENET, 128),
    Workload("32-64 channels, 128", WIDE, 64),
]


def torch_network(workload):
    """Return the same layers in PyTorch."""
    if workload.params is LENET:
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10),
        )  # fmt: skip
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def time_sknn(workload):
    """Return seconds per training step, and seconds to predict all rows."""
    X, y = workload.data()
    net = workload.estimator()
    start = time.perf_counter()
    net.fit(X, y)
    fitted = time.perf_counter()
    net.predict(X)
    return (fitted - start) / workload.steps, time.perf_counter() - fitted


def time_torch(workload, fused):
    """Return the same times for PyTorch, with a plain training loop."""
    X, y = map(torch.from_numpy, workload.data())
    X, network = X[:, None], torch_network(workload)
    optimizer = torch.optim.Adam(network.parameters(), fused=fused)
    loss = nn.CrossEntropyLoss()
    start = time.perf_counter()
    for rows in torch.randperm(len(X)).split(workload.batch_size):
        optimizer.zero_grad()
        loss(network(X[rows]), y[rows]).backward()
        optimizer.step()
    fitted = time.perf_counter()
    with torch.inference_mode():
        network(X).argmax(dim=1)
    return (fitted - start) / workload.steps, time.perf_counter() - fitted


def time_products(workload):
    """Return the same times for the matrix products only."""
    X, labels = workload.data()
    network = workload.estimator().fit(X, labels).network_
    products, n = [], workload.batch_size
    first = True
    for layer, spec in zip(network.layers, network.specs, strict=True):
        if isinstance(layer, Conv2D | Dense):
            m = n * int(np.prod(spec.out_shape[1:]))
            fan_in = int(np.prod(spec.params["W"].shape)) // spec.out_shape[0]
            W = np.ones((spec.out_shape[0], fan_in), np.float32)
            x, d = np.ones((fan_in, m), np.float32), np.ones((len(W), m), np.float32)
            dx = None if first else np.empty_like(x)
            products.append((W, x, d, np.empty_like(d), np.empty_like(W), dx))
            first = False
    start = time.perf_counter()
    for _ in range(workload.steps):
        for W, x, _, y, _, _ in products:
            np.matmul(W, x, out=y)
        for W, x, d, _, dW, dx in products:
            np.matmul(d, x.T, out=dW)
            if dx is not None:
                np.matmul(W.T, d, out=dx)
    fitted = time.perf_counter()
    for _ in range(workload.steps):
        for W, x, _, y, _, _ in products:
            np.matmul(W, x, out=y)
    return (fitted - start) / workload.steps, time.perf_counter() - fitted


def contenders():
    """Return the timing functions by name."""

    def plain(workload):
        return time_torch(workload, fused=False)

    def fused(workload):
        return time_torch(workload, fused=True)

    return {
        "products": time_products, "sknn": time_sknn, "torch": plain,
        "torch fused": fused,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for workload in WORKLOADS:
        times = {name: [] for name in contenders()}
        for timed in contenders().values():
            timed(workload)  # warm up
        for _ in range(arguments.rounds):
            for name, timed in contenders().items():
                times[name].append(timed(workload))
        rows = workload.steps * workload.batch_size
        print(f"\n{workload.name}, batch {workload.batch_size}, float32")
        for name, pairs in times.items():
            step, predict = (median(pair[i] for pair in pairs) * 1e3 for i in (0, 1))
            ratios = [
                pair[0] / other[0]
                for pair, other in zip(pairs, times["torch"], strict=True)
            ]
            print(
                f"  {name:12}{step:8.2f} ms/step{median(ratios):7.2f} × torch's time"
                f"{predict:9.1f} ms to predict {rows} rows"
            )
    threads = ", ".join(
        f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()
    )
    print(
        f"\nPython {platform.python_version()}, NumPy {np.__version__}, PyTorch "
        f"{torch.__version__}, sknn {sknn.__version__}; threads: {threads}"
    )


if __name__ == "__main__":
    main()
