"""Draws, when the documentation is built, pictures of the guide that no example draws.

``guide/pictures/NAME.svg`` is the picture of the page NAME. Its numbers come from the
files of the page, from its code, or from networks that are trained here.
"""

import csv
import tempfile
import warnings
from doctest import DocTestParser
from io import StringIO
from math import ceil
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from home import write_if_new
from sklearn.datasets import load_digits, make_moons
from sklearn.frozen import FrozenEstimator

from sknn import MLPClassifier
from sknn.callbacks import Checkpoint
from sknn.schedules import Cosine
from sknn.solvers import SOLVERS

# Colors that color-blind readers can distinguish, on white in both themes.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#8C8C8C"

# On a phone the pictures have two thirds of their width, so the text is large.
STYLE = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.prop_cycle": mpl.cycler(color=[BLUE, ORANGE, GREEN]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "svg.hashsalt": "sknn",  # the same names in the file each time
}
WIDTH = 5.4


def read_table(path):
    """Return the header and the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


# -- costs: the ratios of the table --------------------------------------------------


def draw_costs(guide):
    """Return a figure of the ratios in ``costs.csv``, the largest at the top."""
    (_, *networks), (_, *rows, _) = read_table(guide / "costs.csv")
    rows = sorted(rows, key=lambda row: np.mean(np.array(row[1:], float)))
    ratios = np.array([row[1:] for row in rows], float)
    places = np.arange(len(rows))
    fig, ax = plt.subplots(figsize=(WIDTH, 7.5), layout="constrained")
    ax.axvline(1, color=GRAY, linewidth=1)
    ax.hlines(places, ratios.min(axis=1), ratios.max(axis=1), GRAY, linewidth=1)
    for network, marker, column in zip(networks, "os^", ratios.T, strict=True):
        ax.plot(column, places, marker, label=network)
    names = [row[0].strip("`").replace("'", "") for row in rows]
    ax.set_yticks(places, names, fontsize=10)
    ax.set(
        ylim=(-0.7, len(rows) - 0.3),
        xlabel="time with the feature / without",
    )
    ax.grid(axis="y", alpha=0.2)
    ax.legend(title="layers, batch size", loc="lower right")
    return fig


# -- combinations: what each solver does with each parameter -------------------------

BASIC = {
    "hidden_layer_sizes": (8, 8),
    "batch_size": 20,
    "learning_rate_init": 0.01,
    "max_iter": 4,
    "random_state": 0,
}

CHANGES = {
    "momentum": 0.5,
    "nesterovs_momentum": False,
    "rho": 0.5,
    "beta_1": 0.5,
    "beta_2": 0.9,
    "epsilon": 0.001,
    "weight_decay": 0.5,
    "max_fun": 3,
    "learning_rate_init": 0.02,
    "learning_rate": Cosine(),
    "batch_size": 30,
    "shuffle": False,
    "drop_last": True,
    "max_grad_norm": 0.01,
    "head_learning_rate": 0.02,
    "dropout": 0.2,
    "dropconnect": 0.2,
    "mixup": 0.2,
    "normalization": "batch",
    "residual": True,
    "activation": "tanh",
    "initializer": "he_normal",
    "alpha": 0.1,
    "label_smoothing": 0.1,
    "freeze": 1,
}
"""Parameters, each with a value other than the one in `BASIC` or the default."""


def fit_small(X, y, **params):
    """Return the weights of a small network, or None if a parameter is refused."""
    try:
        return MLPClassifier(**{**BASIC, **params}).fit(X, y).network_.theta
    except ValueError:
        return None


def effects_of(solver, X, y):
    """Return whether the solver uses or ignores each parameter, or raises an error."""
    basic, effects = fit_small(X, y, solver=solver), {}
    for name, value in CHANGES.items():
        changed = fit_small(X, y, solver=solver, **{name: value})
        if changed is None:
            effects[name] = "error"
        else:
            effects[name] = "ignored" if np.array_equal(changed, basic) else "used"
    return effects


def draw_combinations(guide):
    """Return a figure of the effect of each parameter with each solver."""
    X, y = make_moons(90, noise=0.2, random_state=0)
    solvers = [*SOLVERS, "lbfgs"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # four epochs, and one rate for all solvers
        effects = [effects_of(solver, X, y) for solver in solvers]
    fig, ax = plt.subplots(figsize=(WIDTH, 7.4), layout="constrained")
    looks = {
        "used": {"marker": "s", "color": BLUE, "markersize": 11},
        "ignored": {"marker": ".", "color": GRAY, "markersize": 6},
        "error": {"marker": "x", "color": ORANGE, "markersize": 9},
    }
    for found, look in looks.items():
        places = [
            (column, row)
            for column, of_solver in enumerate(effects)
            for row, name in enumerate(CHANGES)
            if of_solver[name] == found
        ]
        ax.plot(*zip(*places, strict=True), linestyle="", label=found, **look)
    ax.set_xticks(range(len(solvers)), solvers, rotation=90)
    ax.set_yticks(range(len(CHANGES)), CHANGES, fontsize=10)
    ax.set(xlim=(-0.6, len(solvers) - 0.4), ylim=(len(CHANGES) - 0.4, -0.6))
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.spines[:].set_visible(False)
    fig.legend(loc="outside upper center", ncols=3, handletextpad=0.1)
    return fig


# -- deployment: which steps of a prediction an export has ----------------------------

STEPS = [
    ("row $x$", "numbers, text, categories"),
    ("transformers", "other steps of the pipeline"),
    ("scaler, or encoder of tables", "gives $a_0$"),
    ("layers", "give $a_1, \\ldots, a_{L-1}$"),
    ("raw scores $z$", "output layer"),
    ("link function $g$", "softmax, logistic or identity"),
    ("prediction $\\hat y$", "probabilities, labels, numbers"),
]

EXPORTS = {  # the first and the last step that each one contains
    "ONNX": (1, 6),
    "C": (2, 6),
    "PyTorch": (3, 6),
}


def draw_deployment(guide):
    """Return a diagram of the steps of a prediction, beside the exports with them."""
    fig, ax = plt.subplots(figsize=(WIDTH, 5), layout="constrained")
    for row, (title, text) in enumerate(STEPS):
        ax.add_patch(plt.Rectangle((0, row - 0.33), 3.4, 0.66, fc="white", ec=GRAY))
        ax.text(1.7, row - 0.14, title, ha="center", va="center")
        ax.text(1.7, row + 0.17, text, ha="center", va="center", fontsize=9)
        if row:
            ax.annotate(
                "",
                (1.7, row - 0.33),
                (1.7, row - 0.67),
                arrowprops={"arrowstyle": "->", "color": GRAY},
            )
    for column, (name, (first, last)) in enumerate(EXPORTS.items()):
        left, color = 3.8 + 1.1 * column, (BLUE, ORANGE, GREEN)[column]
        height = last - first + 0.66
        ax.add_patch(plt.Rectangle((left, first - 0.33), 0.9, height, fc=color))
        ax.text(
            left + 0.45, (first + last) / 2, name, color="white", weight="bold",
            ha="center", va="center", rotation=90,
        )  # fmt: skip
    ax.set(xlim=(-0.1, 7.1), ylim=(len(STEPS) - 0.5, -0.5))
    ax.axis("off")
    return fig


# -- extending: the parts that the page defines ---------------------------------------


def parts_of(page):
    """Return the classes and functions that the examples of a page define or import."""
    names = {"__name__": "guide"}
    for example in DocTestParser().get_examples(page.read_text("utf-8")):
        if example.source.startswith(("from ", "import ", "@dataclass")):
            exec(example.source, names)
    return names


def draw_extending(guide):
    """Return a figure of four of the parts on the page."""
    parts = parts_of(guide / "extending.rst")
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 5), layout="constrained")
    draw_activation(axes[0, 0], parts["Bump"]())
    draw_loss(axes[0, 1], parts["LogCosh"]())
    epochs = np.linspace(0, 20, 401)[:-1]
    factors = [parts["Restarts"]()(epoch, 20) for epoch in epochs]
    axes[1, 0].plot(epochs, factors)
    axes[1, 0].set(title="schedule Restarts", xlabel="epoch", ylabel="factor")
    W = parts["Sparse"]()((64, 24), 64, 24, np.random.RandomState(0))
    axes[1, 1].imshow(W.T, cmap="RdBu", vmin=-0.8, vmax=0.8, aspect="auto")
    axes[1, 1].set(title="initializer Sparse", xlabel="input", ylabel="unit")
    return fig


def draw_activation(ax, function):
    """Draw an activation function and its derivative."""
    z = np.linspace(-4, 4, 201)
    a, slope = np.empty_like(z), np.ones_like(z)
    function.forward(z, a)
    function.backward(z, a, slope)  # multiplies the ones by the derivative
    ax.plot(z, a, label="$f(z)$")
    ax.plot(z, slope, "--", label="$f'(z)$")
    ax.set(title="activation Bump", xlabel="$z$", ylim=(-0.8, 1.9))
    ax.legend(ncols=2, loc="upper center", handlelength=1.2, columnspacing=0.8)


def draw_loss(ax, loss):
    """Draw a loss beside half the squared error and the absolute error."""
    error = np.linspace(-3, 3, 121)
    losses = [
        loss.loss_gradient(np.array([[e]]), np.zeros((1, 1)), None, np.empty((1, 1)))
        for e in error
    ]
    ax.plot(error, losses, label="LogCosh")
    ax.plot(error, error**2 / 2, ":", label="squared", color=GRAY)
    ax.plot(error, abs(error), "--", label="absolute", color=GRAY)
    ax.set(title="loss LogCosh", xlabel="$z - y$", ylim=(-0.1, 5))
    ax.legend(loc="upper center", handlelength=1.5, fontsize=9)


# -- reproducibility: how far models differ -------------------------------------------


def probabilities(X, y, seed, step, rate, n_epochs):
    """Return the predictions after each epoch.

    With a `step` of -1 the features, and their initial weights, are in reverse order.
    """
    rng = np.random.default_rng(seed)
    W1, W2 = rng.normal(0, 0.2, (64, 32)), rng.normal(0, 0.2, (32, 10))
    weights = [W1[::step], np.zeros(32), W2, np.zeros(10)]
    clf = MLPClassifier((32,), batch_size=50, learning_rate_init=rate, random_state=0)
    clf = clf.set_weights([w.astype(X.dtype) for w in weights], classes=range(10))
    X, found = X[:, ::step], []
    for _ in range(n_epochs):
        found.append(clf.partial_fit(X, y).predict_proba(X).astype(float))
    return np.array(found)


def draw_reproducibility(guide, n_epochs=60):
    """Return a figure of the differences between models, epoch by epoch."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:1000] / 16, y[:1000]
    variants = {
        "another seed": (X, y, 1, 1),
        "float32 instead of float64": (X.astype(np.float32), y, 0, 1),
        "sums in another order": (X, y, 0, -1),
    }
    fig, axes = plt.subplots(
        1, 2, figsize=(WIDTH, 3.8), sharey=True, layout="constrained"
    )
    for ax, rate in zip(axes, (0.003, 0.1), strict=True):
        model = probabilities(X, y, 0, 1, rate, n_epochs)
        for (name, variant), style in zip(
            variants.items(), ("-", "--", "-."), strict=True
        ):
            other = probabilities(*variant, rate, n_epochs)
            differences = abs(other - model).max(axis=(1, 2))
            label = name if ax is axes[0] else None
            ax.plot(np.arange(n_epochs) + 1, differences, style, label=label)
        ax.set(title=f"learning rate {rate}", xlabel="epoch", yscale="log")
    axes[0].set_ylabel("largest difference\nof a probability")
    fig.legend(loc="outside upper center")
    return fig


# -- saving: a run that continues from a checkpoint -----------------------------------


class StopAfter:
    """Callback that ends training after so many epochs, in place of a power failure."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return len(estimator.loss_curve_) >= self.n_epochs

    def teardown(self, estimator, context):
        pass


def draw_saving(guide, n_epochs=30, stop=12):
    """Return a figure of the losses of three runs, two of which were interrupted."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:800] / 16, y[:800]
    params = {
        "hidden_layer_sizes": (32,),
        "batch_size": 50,
        "learning_rate": "cosine",
        "learning_rate_init": 0.01,
        "max_iter": n_epochs,
        "random_state": 0,
    }
    whole = MLPClassifier(**params).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "training.sknn")
        stopped = MLPClassifier(**params)
        stopped = stopped.set_callbacks(checkpoint, StopAfter(stop)).fit(X, y)
        resumed = MLPClassifier(**params).set_callbacks(checkpoint).fit(X, y)
    again = MLPClassifier(**params, init_from=FrozenEstimator(stopped)).fit(X, y)
    runs = [
        (whole, 0, {"color": GRAY, "linewidth": 7, "alpha": 0.5}),
        (resumed, stop, {"color": BLUE}),
        (again, 0, {"color": ORANGE, "linestyle": "--"}),
    ]
    names = "not interrupted", "resumed from the checkpoint", "resumed from the weights"
    fig, axes = plt.subplots(
        2, 1, figsize=(WIDTH, 5), sharex=True, layout="constrained"
    )
    for (clf, first, look), name in zip(runs, names, strict=True):
        losses, rates = clf.loss_curve_[first:], clf.learning_rates_[first:]
        start = stop + 1 if clf is not whole else 1
        epochs = np.arange(start, start + len(losses))
        axes[0].plot(epochs, losses, label=name, **look)
        axes[1].plot(epochs, rates, **look)
    for ax in axes:
        ax.axvline(stop + 0.5, color=GRAY, linewidth=1, linestyle=":")
    axes[0].set(ylabel="training loss", yscale="log")
    axes[1].set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    fig.legend(loc="outside upper center")
    return fig


# -- scaling: the time of a search ----------------------------------------------------

N_FITS = 24


def draw_scaling(guide):
    """Return a figure of the measurements in ``scaling.csv`` and of the model."""
    _, rows = read_table(guide / "scaling.csv")
    measured = {int(row[0]): [float(x) for x in row[1:4]] for row in rows if row[2]}
    n_workers, (_, busiest, main) = max(measured.items())
    workers = np.arange(2, N_FITS + 1)
    seconds = busiest * n_workers / N_FITS  # of one fit
    times = [main + ceil(N_FITS / w) * seconds for w in workers]
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6), layout="constrained")
    ax.plot(
        [*measured], [row[0] for row in measured.values()], "o", label="measured",
        markersize=9, color=BLUE, zorder=3,
    )  # fmt: skip
    ax.plot(workers, times, "--", color=ORANGE, label="model", drawstyle="steps-post")
    ax.axhline(main, color=GRAY, linewidth=1)
    ax.text(N_FITS, main - 0.1, r"$T_\mathrm{main}$", ha="right", va="top")
    ax.set(xlabel="workers", ylabel="time of the search, s", ylim=(0, None))
    ax.set_xticks([int(row[0].split()[0]) for row in rows])
    ax.legend()
    return fig


PICTURES = {
    "combinations": draw_combinations,
    "costs": draw_costs,
    "deployment": draw_deployment,
    "extending": draw_extending,
    "reproducibility": draw_reproducibility,
    "saving": draw_saving,
    "scaling": draw_scaling,
}
"""The function that draws the picture of each page, from the folder of the guide."""


def make(app):
    guide = Path(app.srcdir) / "guide"
    folder = guide / "pictures"
    folder.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        svg = StringIO()
        with mpl.rc_context(STYLE):
            fig = draw(guide)
            fig.savefig(svg, format="svg", metadata={"Date": None})
        plt.close(fig)
        write_if_new(folder / f"{name}.svg", svg.getvalue())


def setup(app):
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}
