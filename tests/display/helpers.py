"""What the tests of the displays share: data, a small network, what a picture shows."""

import pytest
from sklearn.datasets import load_digits, load_iris

from sknn import MLPClassifier

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

IRIS = load_iris(return_X_y=True)
DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images[:200] / 16, DIGITS.target[:200]


def mlp(**params):
    params = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **params}
    return MLPClassifier(**params)


def legend_of(ax):
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def tick_labels(axis):
    """Return the labels within the limits, of large and of small ticks."""
    low, high = axis.get_view_interval()
    axis.axes.figure.canvas.draw()
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    shown = [tick for tick in ticks if low <= tick.get_loc() <= high]
    return [tick.label1.get_text() for tick in shown if tick.label1.get_text()]


def draw(figure):
    """Render, where much of what is wrong in a picture would raise or warn."""
    figure.canvas.draw()
