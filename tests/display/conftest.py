"""Fixtures of the tests of the displays."""

import pytest


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pytest.importorskip("matplotlib.pyplot").close("all")


@pytest.fixture(scope="session")
def stopped():
    """A network with everything that can be drawn."""
    from .helpers import IRIS, mlp

    return mlp(early_stopping=True, learning_rate_init=0.01, max_iter=12).fit(*IRIS)


@pytest.fixture(scope="session")
def cnn():
    """A small convolutional network."""
    from sknn import CNNClassifier

    from .helpers import IMAGES, LABELS

    params = {"hidden_layer_sizes": (6,), "max_iter": 1, "random_state": 0}
    return CNNClassifier(5, kernel_size=[(3, 2)], **params).fit(IMAGES, LABELS)
