"""All displays: names, lazy matplotlib, refused input, drawing again."""

import subprocess
import sys

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
)

from sknn import (
    display,
)
from sknn.display import (
    FilterDisplay,
    LossCurveDisplay,
    ScheduleDisplay,
)

from .helpers import IRIS, draw, mlp

plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def test_every_display_is_named():
    named = {name for name in vars(display) if name.endswith("Display")}
    assert named == set(display.__all__)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = """
import sys
import sknn.display
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None
shown = sknn.display.LossCurveDisplay(loss=[1, 2])
try:
    shown.plot()
except ImportError as error:
    print(error)
"""
    run = [sys.executable, "-c", code]
    result = subprocess.run(run, capture_output=True, text=True)
    assert "LossCurveDisplay.plot requires matplotlib" in result.stdout, result.stderr


@pytest.mark.parametrize("Display", [LossCurveDisplay, FilterDisplay])
def test_what_is_not_fitted_or_not_a_network_is_refused(Display):
    X, y = IRIS
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted"):
        Display.from_estimator(mlp())
    with pytest.raises(NotFittedError, match="GridSearchCV instance is not fitted"):
        Display.from_estimator(GridSearchCV(mlp(), {}))
    with pytest.raises(TypeError, match="LogisticRegression, does not have"):
        Display.from_estimator(LogisticRegression(max_iter=500).fit(X, y))
    search = GridSearchCV(mlp(), {"alpha": [0.1]}, cv=2, refit=False).fit(X, y)
    with pytest.raises(TypeError, match="GridSearchCV with refit=False"):
        Display.from_estimator(search)


@pytest.mark.parametrize("shown", ["loss", "schedule", "filters"])
def test_plot_draws_again_and_numbers_of_axes_are_checked(shown, stopped, cnn):
    first = {
        "loss": lambda: LossCurveDisplay.from_estimator(stopped),
        "schedule": lambda: ScheduleDisplay.from_estimator(stopped),
        "filters": lambda: FilterDisplay.from_estimator(cnn),
    }[shown]()
    figure = first.figure_
    assert first.plot() is first
    assert first.figure_ is not figure
    draw(first.figure_)
    with pytest.raises(ValueError, match=r"ax must hold 1.* axes.*got 3"):
        first.plot(ax=plt.subplots(1, 3)[1])
