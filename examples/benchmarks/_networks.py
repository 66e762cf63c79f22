"""The same networks, data and training in sknn, scikit-learn and PyTorch.

PyTorch is optional, and imported where it is used. Its networks start from the weights
from which sknn's start; scikit-learn's do for the same `random_state`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from time import perf_counter

import numpy as np
import sklearn.neural_network
from _timing import Sample
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

import sknn
from sknn.augmentation import RandomRotation, RandomShift

warnings.simplefilter("ignore", ConvergenceWarning)  # short training is intended

HAS_TORCH = find_spec("torch") is not None

FIXED_EPOCHS = {"n_iter_no_change": np.inf, "tol": 0, "random_state": 0}
"""Parameters with which a fit ends after `max_iter` epochs."""


@dataclass(frozen=True)
class MLP:
    """A multi-layer perceptron, and how many rows it learns in how many epochs."""

    units: tuple[int, ...]
    batch_size: int
    n_rows: int
    epochs: int = 1
    dtype: str = "float32"

    def data(self, scale=1):
        rng = np.random.RandomState(0)
        n = max(self.n_rows // scale, self.batch_size)
        X = rng.normal(size=(n, self.units[0])).astype(self.dtype)
        y = (X @ rng.normal(size=(self.units[0], self.units[-1]))).argmax(axis=1)
        y[: self.units[-1]] = np.arange(self.units[-1])  # every class is there
        return X, y

    def estimator(self, module=sknn):
        return module.MLPClassifier(
            self.units[1:-1],
            batch_size=self.batch_size,
            max_iter=self.epochs,
            **FIXED_EPOCHS,
        )

    def torch_network(self):
        import torch

        *hidden, n_classes = self.units
        units = [*hidden, 1 if n_classes == 2 else n_classes]
        layers = []
        for fan_in, fan_out in pairwise(units):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1]).to(getattr(torch, self.dtype))

    def train(self, contender, scale=1):
        """Return seconds per epoch, and the loss after training."""
        if contender == "products":
            return Sample(self.seconds_of_products(scale))
        seconds, loss = train(self, contender, *self.data(scale))
        return Sample(seconds / self.epochs, loss)

    def seconds_of_products(self, scale):
        """Return seconds per epoch of the matrix products alone."""
        n, layers = self.batch_size, []
        for i, (fan_in, fan_out) in enumerate(pairwise(self.units)):
            if fan_out == 2:
                fan_out = 1  # two classes need one output
            x, W = (
                np.ones((n, fan_in), self.dtype),
                np.ones((fan_in, fan_out), self.dtype),
            )
            y, dx = np.empty((n, fan_out), self.dtype), np.empty_like(x)
            layers.append((x, W, y, np.empty_like(W), dx if i else None))
        start = perf_counter()
        for _ in range(-(-len(self.data(scale)[0]) // n)):
            for x, W, y, _, _ in layers:
                np.matmul(x, W, out=y)
            for x, W, y, dW, dx in layers:
                np.matmul(x.T, y, out=dW)
                if dx is not None:
                    np.matmul(y, W.T, out=dx)
        return perf_counter() - start


@dataclass(frozen=True)
class CNN:
    """A convolutional network for images of 28 x 28 pixels in ten classes."""

    channels: tuple[int, int]
    kernel_size: int
    padding: tuple[str, str]
    hidden: tuple[int, ...]
    batch_size: int
    steps: int
    varied: bool = False  # with batch normalization and augmentation
    epochs = 1
    dtype = "float32"

    def data(self, scale=1):
        rng = np.random.default_rng(0)
        n = self.batch_size * max(self.steps // scale, 1)
        classes, y = rng.random((10, 28, 28), np.float32), rng.integers(10, size=n)
        return classes[y] / 4 + rng.random((n, 28, 28), np.float32), y

    def estimator(self, module=sknn):
        more = {}
        if self.varied:
            augmentation = [RandomRotation(10), RandomShift(0.1)]
            more = {"normalization": "batch", "augmentation": augmentation}
        return module.CNNClassifier(
            self.channels,
            kernel_size=self.kernel_size,
            padding=self.padding,
            hidden_layer_sizes=self.hidden,
            batch_size=self.batch_size,
            max_iter=1,
            **FIXED_EPOCHS,
            **more,
        )

    def torch_network(self):
        from torch import nn

        layers, before, side = [nn.Unflatten(1, (1, 28))], 1, 28
        for channels, padding in zip(self.channels, self.padding, strict=True):
            layers.append(
                nn.Conv2d(before, channels, self.kernel_size, padding=padding)
            )
            layers += [nn.BatchNorm2d(channels)] * self.varied
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            before = channels
            side = (side - (self.kernel_size - 1) * (padding == "valid")) // 2
        layers.append(nn.Flatten())
        before *= side**2
        for units in self.hidden:
            layers.append(nn.Linear(before, units))
            layers += [nn.BatchNorm1d(units)] * self.varied
            layers.append(nn.ReLU())
            before = units
        return nn.Sequential(*layers, nn.Linear(before, 10))

    def train(self, contender, scale=1):
        """Return seconds per step, and the loss after training."""
        X, y = self.data(scale)
        seconds, loss = train(self, contender, X, y)
        return Sample(seconds * self.batch_size / len(X), loss)


# -- training -------------------------------------------------------------------------


def train(network, contender, X, y):
    """Return the seconds of training, and the loss of the trained network."""
    if contender == "torch":
        return train_torch(network, X, y)
    module = sklearn.neural_network if contender == "sklearn" else sknn
    estimator = network.estimator(module)
    start = perf_counter()
    estimator.fit(X, y)
    seconds = perf_counter() - start
    return seconds, log_loss(y[:1000], estimator.predict_proba(X[:1000]))


def train_torch(network, X, y):
    import torch

    module = torch_network(network, initial_weights(network, X, y))
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    loss = torch.nn.functional.cross_entropy
    if two_classes := y.max() == 1:
        labels = labels[:, None].to(rows.dtype)
        loss = torch.nn.functional.binary_cross_entropy_with_logits
    solver = torch.optim.Adam(
        module.parameters(), weight_decay=1e-4 / network.batch_size, fused=True
    )
    vary = rotate_and_shift if getattr(network, "varied", False) else lambda x: x
    start = perf_counter()
    for _ in range(network.epochs):
        for batch in torch.randperm(len(X)).split(network.batch_size):
            solver.zero_grad()
            loss(module(vary(rows[batch])), labels[batch]).backward()
            solver.step()
    seconds = perf_counter() - start
    module.eval()
    with torch.inference_mode():
        scores = module(rows[:1000]).double()
        p = torch.sigmoid(scores[:, 0]) if two_classes else scores.softmax(dim=1)
    return seconds, log_loss(y[:1000], p.numpy())


def rotate_and_shift(images):
    """Vary images as sknn's estimator does, on PyTorch's tensors."""
    import torch

    n = len(images)
    angle = torch.deg2rad(20 * torch.rand(n) - 10)
    cos, sin = angle.cos(), angle.sin()
    # A share of the side; the coordinates of affine_grid go from -1 to 1.
    rows, columns = 0.4 * torch.rand(2, n) - 0.2
    maps = torch.stack([cos, -sin, columns, sin, cos, rows], dim=1).view(n, 2, 3)
    grid = torch.nn.functional.affine_grid(maps, (n, 1, 28, 28), align_corners=False)
    return torch.nn.functional.grid_sample(images[:, None], grid, align_corners=False)[
        :, 0
    ]


def initial_weights(network, X, y):
    """Return sknn's first weights, after a step that is too small to change them."""
    estimator = network.estimator().set_params(max_iter=1, learning_rate_init=1e-30)
    n = network.batch_size
    return estimator.fit(X[:n], np.arange(n) % (y.max() + 1)).get_weights()


def torch_network(network, weights):
    """Return PyTorch's network with these weights of sknn."""
    import torch

    module = network.torch_network()
    tensors = [x for x in module.state_dict().values() if x.ndim > 0]
    for tensor, weight in zip(tensors, weights, strict=True):
        tensor.copy_(torch.from_numpy(weight.T if weight.ndim == 2 else weight))
    return module


# -- prediction -----------------------------------------------------------------------


def predictors(network):
    """Return functions that predict classes with the same weights, by contender."""
    X, y = network.data()
    ours = network.estimator().fit(X, y)
    found = {"sknn": ours.predict}
    if isinstance(network, MLP):
        found["sklearn"] = network.estimator(sklearn.neural_network).fit(X, y).predict
    if HAS_TORCH:
        found["torch"] = torch_predict(
            torch_network(network, ours.get_weights()).eval()
        )
    return found


def torch_predict(module, n=1000):
    """Return a function that predicts `n` rows at a time, which is the fastest way."""
    import torch

    def predict(X):
        with torch.inference_mode():
            batches = torch.from_numpy(X).split(n)
            return torch.cat([module(x).argmax(dim=1) for x in batches]).numpy()

    return predict
