"""ActivationDisplay: histograms, notes and chosen layers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknn.display import (
    ActivationDisplay,
)
from sknn.inspection import activation_statistics

from .helpers import DIGITS, IRIS, LABELS, draw, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_histograms_of_activations():
    net = mlp(hidden_layer_sizes=(20, 10), activation=["relu", "tanh"])
    X, y = DIGITS.data[:200] / 16, LABELS
    statistics = activation_statistics(net, X, y)
    shown = ActivationDisplay.from_estimator(net, X, y, name="before training")
    names = [tick.get_text() for tick in shown.ax_.get_yticklabels()]
    assert names == ["input", "activation1", "activation2"]
    assert shown.ax_.get_title() == "before training"
    for i, row in enumerate([0, 2, 4]):
        drawn = shown.histograms_[i].get_data()
        assert_allclose(drawn.edges, statistics.edges[row])
        bars, counts = drawn.values - drawn.baseline, statistics.counts[row]
        uncut = counts < counts.max()
        assert_allclose(
            bars[uncut] * counts[uncut].max(), bars[uncut].max() * counts[uncut]
        )
        assert bars.max() <= 0.9 + 1e-9
    assert_allclose(shown.spread, [statistics.columns["spread"][i] for i in (0, 2, 4)])
    draw(shown.figure_)


def test_what_is_written_next_to_a_layer():
    shown = ActivationDisplay(
        layers=list("abcdef"), counts=[[1, 2]] * 6, edges=[[0, 1, 2]] * 6,
        spread=[0.25, 2.34e-6, 1, 1, 1, 1],
        dead=[np.nan, 0.126, 0, 0.5, 1, 0.004],
        saturated=[np.nan, np.nan, np.nan, 0.75, 0, np.nan],
    ).plot()  # fmt: skip
    assert [text.get_text() for text in shown.ax_.texts] == [
        "spread 0.25", "spread 2.3e-06\n13% dead", "spread 1",
        "spread 1\n75% saturated", "spread 1", "spread 1",
    ]  # fmt: skip


def test_chosen_layers():
    net = mlp(hidden_layer_sizes=()).fit(*IRIS)
    shown = ActivationDisplay.from_estimator(net, IRIS[0])
    assert shown.layers == ["input", "output"]
    shown = ActivationDisplay.from_estimator(net, IRIS[0], layers=["output"])
    assert shown.layers == ["output"]
    with pytest.raises(ValueError, match=r"layers must be among .*got \['hidden'\]"):
        ActivationDisplay.from_estimator(net, IRIS[0], layers=["hidden"])


def test_layers_without_a_single_number():
    edges = np.linspace(0, 1, 4)
    shown = ActivationDisplay(
        layers=["a", "b"],
        counts=[[0, 0, 0]] * 2,
        edges=[edges] * 2,
        spread=[np.nan] * 2,
    ).plot()
    draw(shown.figure_)
