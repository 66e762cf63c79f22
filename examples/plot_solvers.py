"""
Comparing solvers on an ill-conditioned problem
===============================================

A loss is ill-conditioned if it is steep in one direction and flat in another, like a
narrow valley. Plain gradient descent needs steps that are small enough for the steep
walls, and then hardly moves along the floor. Momentum, and a separate step size for
each parameter, are two remedies. This example shows the paths of four solvers through a
valley, and compares loss curves on a regression problem.
"""

# %%
# Paths through a valley
# ----------------------
# The plots show forty steps from the cross, on ``(x² + 30 y²) / 2``. Plain gradient
# descent jumps from wall to wall; momentum averages out the jumps and gains speed along
# the floor; RMSProp and Adam divide the step in each direction by the usual size of the
# gradient in it, so that the valley becomes round for them.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknn import MLPRegressor
from sknn.solvers import SGD, Adam, RMSProp

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)

curvature = np.array([1.0, 30.0])
paths = {
    "sgd, momentum=0": (SGD(momentum=0.0), 0.06),
    "sgd, momentum=0.9": (SGD(momentum=0.9), 0.015),
    "rmsprop": (RMSProp(), 0.15),
    "adam": (Adam(), 0.3),
}
x, y = np.meshgrid(np.linspace(-3, 1, 100), np.linspace(-1, 1, 100))

fig, axes = plt.subplots(
    2, 2, figsize=(8, 4.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, (solver, rate)) in zip(axes.flat, paths.items(), strict=True):
    theta = np.array([-2.7, 0.8])
    state, path = solver.start(theta), [theta.copy()]
    for _ in range(40):
        solver.step(theta, curvature * theta, state, rate)
        path.append(theta.copy())
    heights = 0.5 * (curvature[0] * x**2 + curvature[1] * y**2)
    ax.contour(x, y, heights, levels=[0.05, 0.4, 1.5, 4, 8, 14], colors="#CFCFCF")
    ax.plot(*np.transpose(path), ".-", linewidth=1)
    ax.plot(*path[0], "x", color="black", markersize=9)
    ax.plot(0, 0, "*", color="black", markersize=9)
    ax.set(title=name)
fig.suptitle("Paths of four solvers through a valley")
fig.supxlabel("x")
fig.supylabel("y")
plt.show()

# %%
# Loss against epochs
# -------------------
# The target is a linear function of 20 features. The largest standard deviation of a
# direction in feature space is 20 times the smallest, so the loss is about 400 times as
# steep in one direction as in another. No learning rate suits all solvers: for each,
# several are tried, and the plot shows the best run: the one with the lowest maximum of
# the loss over the last ten epochs. AdaDelta determines the size of its steps itself,
# and multiplies them by the rate, so small rates are left out. L-BFGS has no learning
# rate. One of its iterations passes over all rows once or slightly more, like an epoch.
#
# On this smooth valley momentum makes a large difference: gradient descent with
# momentum is the fastest, and Adam, which is RMSProp with momentum, is much faster than
# RMSProp. Nadam, which uses momentum in another way, gains less here. This is one
# problem, not a ranking: on most networks Adam is the fastest to give good results,
# with little tuning of the rate.
#
# Real data would be scaled first; the point here is what happens when scaling does not
# help, because the directions are not those of single features.

# Using all epochs counts as not having converged, which is expected here.
warnings.simplefilter("ignore", ConvergenceWarning)

rng = np.random.RandomState(0)
hidden = rng.normal(size=(600, 20))
rotation = np.linalg.qr(rng.normal(size=(20, 20)))[0]
X = hidden * np.geomspace(1, 0.05, 20) @ rotation
y = hidden @ rng.normal(size=20) / np.sqrt(20)


RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0]


def best_run(rates=RATES, **params):
    """Train with each of the learning rates and return the best run."""
    runs = []
    for rate in rates:
        reg = MLPRegressor(
            hidden_layer_sizes=(),
            learning_rate_init=rate,
            alpha=0.0,
            batch_size=50,
            max_iter=60,
            tol=1e-9,
            n_iter_no_change=np.inf,
            random_state=0,
            **params,
        )
        try:
            runs.append(reg.fit(X, y))
        except ValueError:  # the loss overflowed: the rate is too large
            continue
    return min(runs, key=lambda reg: max(reg.loss_curve_[-10:]))


panels = {
    "One rate for all parameters": {
        "sgd, momentum=0": {"solver": "sgd", "momentum": 0.0},
        "sgd, momentum=0.9": {"solver": "sgd", "momentum": 0.9},
        "lbfgs": {"solver": "lbfgs", "rates": [1.0]},  # the rate is not used
    },
    "A rate for each parameter": {
        "adagrad": {"solver": "adagrad"},
        "rmsprop": {"solver": "rmsprop"},
        "adadelta": {"solver": "adadelta", "epsilon": 1e-6, "rates": RATES[-4:]},
        "adam": {"solver": "adam"},
        "nadam": {"solver": "nadam"},
    },
}
styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]

fig, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained"
)
for ax, (title, solvers) in zip(axes, panels.items(), strict=True):
    for (name, params), style in zip(solvers.items(), styles, strict=False):
        reg = best_run(**params)
        label = name
        if params["solver"] != "lbfgs":
            label += f" (rate {reg.learning_rate_init:g})"
        ax.plot(
            reg.history_["epoch"],
            reg.loss_curve_,
            linestyle=style,
            linewidth=2,
            label=label,
        )
    ax.set(title=title, xlabel="Epoch", yscale="log", ylim=(1e-8, 30))
    ax.legend(loc="upper right", fontsize="small")
axes[0].set(ylabel="Training loss")
plt.show()

# %%
# See `Solvers <https://sknn.github.io/sknn/stable/guide/solvers.html>`_ in the user
# guide for the formulas and for which solver to choose.
