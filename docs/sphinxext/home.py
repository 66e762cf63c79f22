"""Makes the parts of the home page when the documentation is built.

``home/picture-light.svg`` and ``home/picture-dark.svg`` show a network that is trained
here; ``home/speed.inc`` is an extract of the tables in ``performance``.
"""

from io import StringIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split

from sknn import MLPClassifier

# The colors of text and of the curves on each of the two backgrounds of the theme.
COLORS = {
    "light": {"text": "#323a45", "training": "#0072b2", "validation": "#b34700"},
    "dark": {"text": "#ced6dd", "training": "#56b4e9", "validation": "#f2a35e"},
}

# Rows of the table of measurements that the home page shows, and their names there.
WORKS = {
    "MLP small, epoch: 64-100-10, batch 200, float32": "MLP 64-100-10, batches of 200",
    "MLP tiny, epoch: 20-100-100-100-2, batch 32, float32": (
        "MLP 20-100-100-100-2, batches of 32"
    ),
    "MLP medium, epoch: 100-256-256-10, batch 128, float32": (
        "MLP 100-256-256-10, batches of 128"
    ),
    "MLP large, epoch: 784-512-512-10, batch 128, float32": (
        "MLP 784-512-512-10, batches of 128"
    ),
    "LeNet-5, step: batch 64": "CNN LeNet-5, batches of 64",
    "predict, MLP small: one row": "``predict`` of one row, MLP 64-100-10",
    "predict, MLP medium: 100,000 rows": (
        "``predict`` of 100,000 rows, MLP 100-256-256-10"
    ),
    "GridSearchCV: 24 x 5 fits, 30 epochs, n_jobs=2, loky": (
        "``GridSearchCV`` of 120 fits, ``n_jobs=2``"
    ),
}


def draw(net, X, y, colors):
    """Return a figure of the losses and of the decision boundary of ``net``."""
    style = dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color"),
        colors["text"],
    )
    with mpl.rc_context(style | {"ytick.color": colors["text"]}):
        fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
        epochs = np.arange(1, net.n_iter_ + 1)
        left.plot(epochs, net.loss_curve_, color=colors["training"], label="training")
        left.plot(
            epochs,
            net.validation_loss_curve_,
            color=colors["validation"],
            linestyle="--",
            label="validation",
        )
        best = int(np.argmin(net.validation_loss_curve_))
        left.plot(best + 1, net.validation_loss_curve_[best], "o", color=colors["text"])
        left.annotate(
            "best weights, restored",
            (best + 1, net.validation_loss_curve_[best]),
            xytext=(0, 34),
            textcoords="offset points",
            ha="center",
            arrowprops={"arrowstyle": "-", "color": colors["text"]},
        )
        left.set(title="Loss", xlabel="epoch", facecolor="none")
        left.legend(frameon=False)
        left.spines[["top", "right"]].set_visible(False)
        DecisionBoundaryDisplay.from_estimator(
            net,
            X,
            response_method="predict_proba",
            ax=right,
            cmap="RdBu_r",
            alpha=0.7,
            levels=10,
            grid_resolution=60,
            eps=0.3,
        )
        right.scatter(
            *X.T, c=y, cmap="RdBu_r", edgecolors="white", s=25, linewidths=0.7
        )
        right.set(
            title="Predicted probability", xticks=[], yticks=[], facecolor="white"
        )
    return fig


def write_if_new(path, text):
    """Write a file, unless it has this text: Sphinx reads again what is newer."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def write_pictures(folder):
    """Train a network on two classes, and draw it for both backgrounds."""
    X, y = make_moons(400, noise=0.25, random_state=0)
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    net = MLPClassifier(
        (64, 64), batch_size=32, learning_rate_init=0.003, max_iter=60, random_state=0
    )
    net.set_params(early_stopping=True, scoring="loss", n_iter_no_change=20)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    for mode, colors in COLORS.items():
        fig = draw(net, X, y, colors)
        svg = StringIO()
        with mpl.rc_context({"svg.hashsalt": "sknn"}):  # the same names each time
            fig.savefig(svg, format="svg", facecolor="none", metadata={"Date": None})
        plt.close(fig)
        write_if_new(folder / f"picture-{mode}.svg", svg.getvalue())


def read_ratios(path):
    """Return the ratios in the first table of a file, by work and package."""
    table = path.read_text("utf-8").split(".. list-table::")[1]
    header, *rows = (
        row.strip().split("\n     - ") for row in table.split("   * - ")[1:]
    )
    return {
        (row[0], package): float(cell.split(" ")[0])
        for row in rows
        for package, cell in zip(header[2:], row[2:], strict=True)
        if cell != "–"
    }


def spread(ratios):
    """Return the smallest and the largest ratio as a cell of the table."""
    if not ratios:
        return "–"
    low, high = (f"{ratio:.1f}" for ratio in (min(ratios), max(ratios)))
    return f"{low} ×" if low == high else f"{low} – {high} ×"


def speed_table(folder):
    """Return the table of the home page, from the tables of all machines."""
    machines = [read_ratios(path) for path in sorted(folder.glob("*/table.inc"))]
    packages = ["scikit-learn", "PyTorch"]
    lines = [".. list-table::", "   :header-rows: 1", "   :class: sknn-speed", ""]
    lines += ["   * - Work", *(f"     - {package}" for package in packages)]
    for work, name in WORKS.items():
        cells = [
            spread([x[work, package] for x in machines if (work, package) in x])
            for package in packages
        ]
        if set(cells) == {"–"}:
            raise ValueError(f"No table in {folder} has a row {work!r}.")
        lines += [f"   * - {name}", *(f"     - {cell}" for cell in cells)]
    return "\n".join(lines) + "\n"


def make(app):
    docs = Path(app.srcdir)
    folder = docs / "home"
    folder.mkdir(exist_ok=True)
    write_if_new(folder / "speed.inc", speed_table(docs / "performance"))
    write_pictures(folder)


def setup(app):
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}
