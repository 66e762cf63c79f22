"""
Adding training techniques one after the other
==============================================

This script starts with a plain network and adds in each step a training technique: He
initialization, batch normalization, dropout, a cosine schedule, mixup, and weights kept
from the best epoch. Each takes one or two parameters. The printed table shows, after
each step, the accuracy on the training and the test rows, and the duration of the fit
in seconds. Dropout and mixup reduce the gap between the two accuracies. The last step
holds out a tenth of the training rows to find the best epoch.

For Fashion-MNIST (70,000 images of 784 pixels), download the four ``.gz`` files from
https://github.com/zalandoresearch/fashion-mnist into one folder. Then download this
script and run:

.. code-block:: bash

   python train_fashion_mnist.py --data FOLDER

Without ``--data`` the script uses scikit-learn's 1,797 digits and takes seconds. There
the plain network is already nearly as good as possible, and no step changes the test
accuracy by much. It prints (the times depend on the machine):

.. code-block:: text

   No --data: the digits of scikit-learn are used.
   1347 training rows, 30 epochs
                             training      test   seconds
   plain network               1.0000    0.9822       2.1
   + He initialization         1.0000    0.9844       2.5
   + batch normalization       1.0000    0.9867       2.3
   + dropout                   0.9993    0.9889       2.2
   + cosine schedule           0.9955    0.9844       2.4
   + mixup                     0.9933    0.9867       2.1
   + early stopping            0.9926    0.9778       1.9
   best test accuracy: 0.9889

See `Regularization <https://sknn.github.io/sknn/stable/guide/regularization.html>`_
in the user guide for all methods.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/train_fashion_mnist.svg"

import argparse
import gzip
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknn import MLPClassifier
from sknn.schedules import Cosine

STEPS = {
    "plain network": {},
    "+ He initialization": {"initializer": "he_normal"},
    "+ batch normalization": {"normalization": "batch"},
    "+ dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "+ cosine schedule": {"learning_rate": Cosine(warmup=1)},
    "+ mixup": {"mixup": 0.2},
    "+ early stopping": {"early_stopping": True, "scoring": "loss"},
}


def read_idx(path):
    """Read an array of bytes in the IDX format: magic number, shape, values."""
    with gzip.open(path) as file:
        content = file.read()
    n_dims = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=n_dims, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_dims).reshape(shape)


def load_fashion_mnist(folder):
    """Return the official split: float32 pixels in [0, 1], one row per image."""
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
        parts += [images.reshape(len(images), -1).astype(np.float32) / 255, labels]
    X_train, y_train, X_test, y_test = parts
    return X_train, X_test, y_train, y_test


def load_small_digits():
    """Return a split of the digits, as float32 in [0, 1]."""
    X, y = load_digits(return_X_y=True)
    return train_test_split((X / 16).astype(np.float32), y, random_state=0)


def main():
    parser = argparse.ArgumentParser(description="Add training techniques one by one.")
    parser.add_argument("--data", type=Path, help="folder with the four .gz files")
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    if arguments.data is None:
        print("No --data: the digits of scikit-learn are used.")
        X_train, X_test, y_train, y_test = load_small_digits()
    else:
        X_train, X_test, y_train, y_test = load_fashion_mnist(arguments.data)
    net = MLPClassifier(
        (512, 256),
        batch_size=128,
        max_iter=arguments.epochs,
        n_iter_no_change=arguments.epochs,  # train for all epochs
        random_state=0,
    )
    print(f"{len(X_train)} training rows, {arguments.epochs} epochs")
    print(f"{'':24}{'training':>10}{'test':>10}{'seconds':>10}")
    best = 0.0
    for name, change in STEPS.items():
        net.set_params(**change)
        start = perf_counter()
        with warnings.catch_warnings():
            # Using all epochs is intended.
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(X_train, y_train)
        seconds = perf_counter() - start
        test = net.score(X_test, y_test)
        best = max(best, test)
        train = net.score(X_train, y_train)
        print(f"{name:24}{train:10.4f}{test:10.4f}{seconds:10.1f}", flush=True)
    print(f"best test accuracy: {best:.4f}")


if __name__ == "__main__":
    main()
