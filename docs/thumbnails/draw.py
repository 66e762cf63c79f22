"""Draws the thumbnails of the examples that have no plot.

    python docs/thumbnails/draw.py              # all of them
    python docs/thumbnails/draw.py scale_out    # only some

Four thumbnails show what their example computes without arguments. The one of
``train_fashion_mnist.py`` shows what it has printed with ``--data FOLDER --epochs 10``,
which is stored in this folder. The others are diagrams, without data.
"""

import re
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknn.layers import Activation, Conv2D, MaxPool2D
from sknn.network import Network

FOLDER = Path(__file__).resolve().parent
EXAMPLES = FOLDER.parents[1] / "examples"

BLUE, ORANGE, DARK, GRAY = "#0072B2", "#D55E00", "#333333", "#D9D9D9"

STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 13,
    "svg.hashsalt": "sknn",  # the same names each time
}


def load(name):
    """Return the names that an example defines."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


# -- results --------------------------------------------------------------------------


def tune_digits(fig):
    """Draw the accuracy of each candidate, and frame the best."""
    search = load("tune_digits")["make_search"]()
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, stratify=y, random_state=0)
    results = search.fit(X, y).cv_results_
    grid = search.param_grid
    columns = grid["whiten__n_components"]
    rows = [
        (u, a) for (u,) in grid["mlp__hidden_layer_sizes"] for a in grid["mlp__alpha"]
    ]
    accuracy = np.empty((len(rows), len(columns)))
    for params, mean in zip(results["params"], results["mean_test_score"], strict=True):
        row = rows.index((params["mlp__hidden_layer_sizes"][0], params["mlp__alpha"]))
        accuracy[row, columns.index(params["whiten__n_components"])] = mean
    ax = fig.subplots()
    ax.imshow(accuracy, cmap="Blues", aspect="auto", alpha=0.7)
    for (i, j), value in np.ndenumerate(accuracy):
        ax.text(j, i, f"{value:.3f}", ha="center", va="center", color="black")
    i, j = np.unravel_index(accuracy.argmax(), accuracy.shape)
    ax.add_patch(
        Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=4)
    )
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), [f"{units}, {alpha:g}" for units, alpha in rows])
    ax.set(xlabel="PCA components", ylabel="units, alpha")
    ax.set_title("Accuracy", fontsize="medium")
    ax.spines[:].set_visible(False)


def search_digits(fig):
    """Draw the candidates of the random search, with a ring around the best."""
    search = load("search_digits")["searches"]()["random"]
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, random_state=0)
    results = search.fit(X, y).cv_results_
    rates = results["param_mlp__learning_rate_init"].astype(float)
    accuracy, best = results["mean_test_score"], search.best_index_
    ax = fig.subplots()
    ax.semilogx(rates, accuracy, "o", color=BLUE, alpha=0.7, markersize=8)
    ring = {"markersize": 16, "fillstyle": "none", "markeredgewidth": 3}
    ax.plot(rates[best], accuracy[best], "o", color=ORANGE, **ring)
    ax.set(xlabel="learning rate", ylabel="accuracy")


def train_fashion_mnist(fig):
    """Draw the accuracies on Fashion-MNIST, which the example has printed."""
    printed = (FOLDER / "train_fashion_mnist.txt").read_text("utf-8")
    n_epochs = re.search(r"(\d+) epochs", printed)[1]
    number = r" +(\d\.\d{4})"
    rows = re.findall(rf"^(\S.*?){number}{number} +[\d.]+$", printed, re.MULTILINE)
    names, *columns = zip(*rows, strict=True)
    ax = fig.subplots()
    for values, marker, color, label in zip(
        columns, "oD", (BLUE, ORANGE), ("training", "test"), strict=True
    ):
        accuracy = np.array(values, float)
        ax.plot(accuracy, range(len(names)), marker, color=color, label=label)
    ax.set_yticks(range(len(names)), names, fontsize=11)
    ax.invert_yaxis()
    ax.set(xlabel=f"accuracy, {n_epochs} epochs")
    ax.grid(axis="x", alpha=0.3)
    fig.legend(loc="outside upper center", ncols=2, fontsize=11, frameon=False)


def train_cnn_fashion_mnist(fig):
    """Draw an image, the outputs of LeNet-5's convolutions, and its prediction."""
    script = load("train_cnn_fashion_mnist")
    X_train, X_test, y_train, _ = script["load_large_digits"]()
    net = script["NETWORKS"]["LeNet-5"]
    net.set_params(batch_size=64, learning_rate="cosine", random_state=0)
    net.fit(X_train, y_train)
    image = X_test[0]
    fig.set_layout_engine("none")
    layers = [Conv2D(6, 5), Activation("relu"), MaxPool2D(2)]
    layers += [Conv2D(16, 5, padding="valid"), Activation("relu")]
    weights = net.get_weights()
    show_grid(fig, [image], left=8, side=72, n_columns=1)
    for grid, n_layers, n_weights in (
        ({"left": 92, "side": 56, "n_columns": 2}, 2, 2),
        ({"left": 216, "side": 28, "n_columns": 4}, 5, 4),
    ):
        network = Network(layers[:n_layers], (1, 28, 28), np.dtype(float))
        network.weights = weights[:n_weights]
        maps = network.scores(image[np.newaxis, np.newaxis] / 255)[0]
        show_grid(fig, maps, **grid)
    ax = fig.add_axes([0.89, 0.13, 0.1, 0.74])
    ax.barh(net.classes_, net.predict_proba(image[np.newaxis])[0], color=ORANGE)
    ax.set_yticks(net.classes_, net.classes_, fontsize=10)
    ax.set(xlim=(0, 1), xticks=[])
    ax.invert_yaxis()
    ax.spines["bottom"].set_visible(False)


def show_grid(fig, images, left, side, n_columns):
    """Draw squares in columns; `left` and `side` are 400ths of the width."""
    top = 140 + side * -(-len(images) // n_columns) / 2
    for k, image in enumerate(images):
        i, j = divmod(k, n_columns)
        x, y = left + j * side, top - (i + 1) * side
        ax = fig.add_axes([x / 400, y / 280, 0.95 * side / 400, 0.95 * side / 280])
        ax.imshow(image, cmap="gray")
        ax.set_axis_off()


def train_tables(fig):
    """Draw the mean absolute attributions of the columns."""
    script = load("train_tables")
    with redirect_stdout(StringIO()):
        importance = script["report_numbers"](
            {"random_state": 0}, *script["make_apartments"]()
        )
    ax = fig.subplots()
    ax.barh(importance.index.astype(str), importance, color=BLUE)
    ax.set(xlabel="mean attribution")
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)


# -- diagrams -------------------------------------------------------------------------


def canvas(fig):
    """Return axes of 400 by 280 units; y is from top to bottom."""
    fig.set_layout_engine("none")
    ax = fig.add_axes([0, 0, 1, 1])
    ax.set(xlim=(0, 400), ylim=(280, 0))
    ax.set_axis_off()
    return ax


def box(ax, x, y, width, height, text="", color=BLUE):
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=8",
            facecolor=color,
            edgecolor="none",
        )
    )
    ax.text(
        x + width / 2,
        y + height / 2,
        text,
        ha="center",
        va="center",
        color=DARK if color == GRAY else "white",
    )


def arrow(ax, start, end):
    style = {"arrowstyle": "-|>", "color": DARK, "linewidth": 2, "mutation_scale": 18}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0})


def tune_fashion_mnist(fig):
    """Draw a search on a part of the rows, then a fit on all rows."""
    ax = canvas(fig)
    box(ax, 25, 25, 115, 230, color=GRAY)
    box(ax, 25, 25, 115, 65, "part of\nthe rows")
    ax.text(82, 172, "all rows", ha="center", va="center", color=DARK)
    box(ax, 215, 25, 160, 65, "grid search", color=ORANGE)
    box(ax, 215, 140, 160, 65, "best network", color=BLUE)
    arrow(ax, (144, 57), (210, 57))
    arrow(ax, (295, 94), (295, 135))
    arrow(ax, (144, 172), (210, 172))


def train_larger_than_memory(fig):
    """Draw a file, from which one chunk at a time goes into the network."""
    ax = canvas(fig)
    for i in range(6):
        box(ax, 25, 25 + 40 * i, 120, 34, "chunk", BLUE if i == 2 else GRAY)
    box(ax, 250, 92, 125, 60, "network", ORANGE)
    arrow(ax, (150, 122), (245, 122))
    ax.text(197, 100, "partial_fit", ha="center", va="center", fontsize=10)


def scale_out(fig):
    """Draw a search that sends its fits to three workers."""
    ax = canvas(fig)
    box(ax, 25, 105, 125, 70, "search", ORANGE)
    for i in range(3):
        box(ax, 260, 20 + 90 * i, 115, 60, "worker")
        arrow(ax, (155, 140), (255, 50 + 90 * i))


def serve_onnx(fig):
    """Draw a request that goes to a server, and its answer."""
    ax = canvas(fig)
    box(ax, 20, 35, 130, 70, "rows\n(JSON)", GRAY)
    box(ax, 20, 175, 130, 70, "predictions\n(JSON)", GRAY)
    box(ax, 245, 35, 135, 210, "ONNX\nRuntime\n\nmodel.onnx")
    arrow(ax, (155, 70), (240, 70))
    arrow(ax, (240, 210), (155, 210))


PICTURES = {
    draw.__name__: draw
    for draw in (
        tune_digits,
        search_digits,
        train_fashion_mnist,
        train_cnn_fashion_mnist,
        train_tables,
        tune_fashion_mnist,
        train_larger_than_memory,
        scale_out,
        serve_onnx,
    )
}
"""The thumbnails, by the names of the examples."""


def main(names):
    for name in names or PICTURES:
        with mpl.rc_context(STYLE):
            fig = Figure(figsize=(4, 2.8), layout="constrained")
            PICTURES[name](fig)
            fig.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
        print(f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
