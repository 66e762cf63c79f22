"""The cost of each training feature: time per epoch relative to the plain network.

Each row of the table is one parameter switched on in an otherwise plain network. The
runs are interleaved; the figure is the median over the rounds of the ratio to the plain
network in the same round. The guide's table is written by::

    python examples/benchmarks/bench_features.py --csv docs/guide/costs.csv
"""

import argparse
import csv
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from sknn import MLPClassifier
from sknn.schedules import Cosine

PLAIN = "plain (relu, adam)"

FEATURES = {
    PLAIN: {},
    **{
        f"activation={name!r}": {"activation": name}
        for name in (
            "logistic", "tanh", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu",
            "mish", "softplus",
        )
    },
    **{
        f"solver={name!r}": {"solver": name}
        for name in ("sgd", "adagrad", "rmsprop", "adadelta", "adamw", "nadam")
    },
    "learning_rate=Cosine(warmup=1)": {"learning_rate": Cosine(warmup=1)},
    "dropout=0.5": {"dropout": 0.5},
    "input_dropout=0.2": {"input_dropout": 0.2},
    "dropconnect=0.5": {"dropconnect": 0.5},
    "normalization='batch'": {"normalization": "batch"},
    "normalization='layer'": {"normalization": "layer"},
    "residual=True": {"residual": True},
    "l1_ratio=0.5": {"l1_ratio": 0.5},
    "max_grad_norm=1": {"max_grad_norm": 1.0},
    "max_grad_value=0.1": {"max_grad_value": 0.1},
    "mixup=0.2": {"mixup": 0.2},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "early_stopping=True": {"early_stopping": True},
}  # fmt: skip
"""Label: parameters that differ from the plain network's."""

NETWORKS = {
    "64-100-10, 200": (64, (100,), 10, 200, 10_000),
    "20-100-100-100-2, 32": (20, (100, 100, 100), 2, 32, 10_000),
    "100-256-256-10, 128": (100, (256, 256), 10, 128, 20_000),
}
"""Label: features, hidden layers, classes, batch size, rows."""


def seconds_per_epoch(params, network, epochs):
    """Return the duration of a fit in seconds, divided by the number of epochs."""
    n_features, hidden, n_classes, batch_size, n = network
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    y = rng.integers(n_classes, size=n)
    net = MLPClassifier(
        hidden, batch_size=batch_size, max_iter=epochs, tol=0, random_state=0
    )
    net.set_params(**params)
    start = perf_counter()
    net.fit(X, y)
    return (perf_counter() - start) / epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--csv", type=Path, help="also write the table into this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # short training, default rates
    times = {name: {label: [] for label in FEATURES} for name in NETWORKS}
    for _ in range(arguments.rounds):
        for name, network in NETWORKS.items():
            for label, params in FEATURES.items():
                seconds = seconds_per_epoch(params, network, arguments.epochs)
                times[name][label].append(seconds)
    table = [["Parameter", *NETWORKS]]
    for label in FEATURES:
        row = [f"``{label}``" if FEATURES[label] else label]
        for name in NETWORKS:
            pairs = zip(times[name][label], times[name][PLAIN], strict=True)
            row.append(f"{median(seconds / plain for seconds, plain in pairs):.2f}")
        table.append(row)
    table.append(["plain, ms per epoch"])
    table[-1] += [f"{1e3 * median(times[name][PLAIN]):.1f}" for name in NETWORKS]
    print("time per epoch relative to the plain network, float32")
    for label, *cells in table:
        print(f"{label:36}", *(f"{cell:>22}" for cell in cells))
    if arguments.csv is not None:
        with arguments.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
