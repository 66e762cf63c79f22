"""Whole networks: scores and gradients as in PyTorch, and as once stored from there."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknn._objective import Objective
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAvgPool2D,
    MaxPool2D,
    Residual,
)
from sknn.losses import CategoricalCrossEntropy
from sknn.network import Network

N, N_CLASSES = 6, 4
RELU, TANH = Activation("relu"), Activation("tanh")


def lenet_5(nn):
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, N_CLASSES)),
    )


def strided(nn):
    return nn.Sequential(
        *(nn.Conv2d(3, 5, (3, 5), stride=(1, 2)), nn.BatchNorm2d(5), nn.Tanh()),
        *(nn.AvgPool2d((2, 1)), nn.Conv2d(5, 4, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(3, 1), nn.Flatten(), nn.Linear(28, 9), nn.Tanh()),
        nn.Linear(9, N_CLASSES),
    )


def residual(nn):
    class Block(nn.Module):
        """A residual block with a projection by single pixels."""

        def __init__(self):
            super().__init__()
            self.F = nn.Sequential(
                *(nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()),
                nn.Conv2d(6, 6, 3, padding=1),
            )
            self.P = nn.Conv2d(4, 6, 1)

        def forward(self, x):
            return self.F(x) + self.P(x)

    return nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), Block(), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, N_CLASSES)),
    )


NETWORKS = {
    "LeNet-5": (
        [
            *(Conv2D(6, 5), RELU, MaxPool2D(), Conv2D(16, 5, 1, "valid"), RELU),
            *(MaxPool2D(), Flatten(), Dense(120), RELU, Dense(84), RELU),
        ],
        (1, 28, 28),
        lenet_5,
    ),
    "strided": (
        [
            *(Conv2D(5, (3, 5), (1, 2), "valid"), BatchNorm(), TANH, AvgPool2D((2, 1))),
            *(Conv2D(4), RELU, MaxPool2D(3, 1), Flatten(), Dense(9), TANH),
        ],
        (3, 9, 21),
        strided,
    ),
    "residual": (
        [
            *(Conv2D(4), RELU, Residual((Conv2D(6), BatchNorm(), RELU, Conv2D(6)))),
            *(RELU, GlobalAvgPool2D()),
        ],
        (2, 7, 6),
        residual,
    ),
}
"""Layers, the shape of a row, and PyTorch's network with parameters in that order."""

networks = pytest.mark.parametrize("name", NETWORKS)


def draw(shape, seed):
    """Numbers of either sign that are the same everywhere."""
    return np.random.RandomState(seed).normal(size=shape)


class Pass:
    """Scores, loss and gradients of a network of ours on rows that are drawn."""

    def __init__(self, name):
        layers, in_shape, self.make = NETWORKS[name]
        self.network = Network([*layers, Dense(N_CLASSES)], in_shape, np.dtype(float))
        self.x, self.y = draw((N, *in_shape), 0), np.arange(N) % N_CLASSES
        specs = [p for spec in self.network.specs for p in spec.params.values()]
        for i, (array, spec) in enumerate(zip(self.parameters, specs, strict=True)):
            array[...] = draw(array.shape, i) / np.sqrt(4 * spec.fan_in)
        objective = Objective(self.network, CategoricalCrossEntropy(), alpha=0)
        self.loss = objective.loss_gradient(self.x, self.y, None)
        self.grads = flat(self.network.views(objective.grad))
        self.scores = self.network.scores(self.x)

    @property
    def parameters(self):
        return flat(self.network.views(self.network.theta))

    @property
    def state(self):
        names = (name.rpartition(".")[2] for name, _ in self.network.arrays)
        pairs = zip(names, self.network.weights, strict=True)
        return [array for name, array in pairs if name in ("mean", "var")]


def flat(views):
    """The arrays of all layers in a row."""
    return [array for layer in views for array in layer.values()]


def in_torch(ours, torch):
    """Loss, gradients and scores of PyTorch's network with our parameters."""
    net = ours.make(torch.nn).double()
    for parameter, array in zip(net.parameters(), ours.parameters, strict=True):
        array = array.T if array.ndim == 2 else array
        parameter.data = torch.tensor(array.copy())
    x, y = torch.tensor(ours.x), torch.tensor(ours.y)
    loss = torch.nn.functional.cross_entropy(net(x), y)
    loss.backward()
    grads = [p.grad.numpy() for p in net.parameters()]
    # Our running variance is without Bessel's correction.
    buffers = [buffer for buffer in net.buffers() if buffer.ndim]
    for buffer, array in zip(buffers, ours.state, strict=True):
        buffer.copy_(torch.tensor(array))
    scores = net.eval()(x).detach().numpy()
    return loss.item(), [g.T if g.ndim == 2 else g for g in grads], scores


def figures(loss, grads, scores):
    """A few numbers that tell of all: loss, projections of gradients and scores."""
    project = lambda a: float(np.cos(np.arange(a.size)) @ a.ravel())  # noqa: E731
    return [loss, *map(project, grads), project(scores)]


@networks
def test_loss_gradients_and_scores_as_in_torch(name):
    torch = pytest.importorskip("torch")
    ours = Pass(name)
    loss, grads, scores = in_torch(ours, torch)
    assert ours.loss == pytest.approx(loss, rel=1e-12)
    for g, expected in zip(ours.grads, grads, strict=True):
        assert_allclose(g, expected, rtol=1e-8, atol=1e-13)
    assert_allclose(ours.scores, scores, rtol=1e-9, atol=1e-13)


STORED = {
    "LeNet-5": [
        1.388110182,
        -0.007659971303,
        -0.00399659769,
        -0.03589427387,
        -0.001104401239,
        -0.101212383,
        -0.009339871393,
        -0.0209169203,
        -0.03085268305,
        0.04815266079,
        -0.2561492284,
        -0.008185389634,
    ],
    "strided": [
        1.379878956,
        -0.1907731952,
        -1.45895307e-18,
        -0.004283351056,
        0.002075606548,
        0.06280309,
        0.06796967236,
        -0.02468088331,
        0.05529627496,
        -0.1585703494,
        -0.2369458786,
        0.1573816445,
    ],
    "residual": [
        1.362618886,
        -0.009007900473,
        -0.00280543995,
        0.002713097876,
        -3.558031065e-18,
        -0.01390078009,
        0.0195775174,
        0.06519135131,
        -0.009226141876,
        -0.01392754109,
        -0.009226141876,
        -0.01933580113,
        -0.05973379458,
        0.4664474529,
    ],
}
"""What `figures` made of PyTorch's results."""


@networks
def test_loss_gradients_and_scores_as_stored_from_torch(name):
    ours = Pass(name)
    found = figures(ours.loss, ours.grads, ours.scores)
    assert_allclose(found, STORED[name], rtol=1e-6, atol=1e-12)
