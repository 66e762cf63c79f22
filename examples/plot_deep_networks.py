"""
Training deep networks: normalization, residual blocks, clipping
================================================================

Depth makes training fragile: signals vanish or explode from layer to layer, and one
steep region of the loss can ruin the weights. This example shows three remedies, each
next to a run that fails without it.
"""

# %%
# A helper
# --------
# It draws the loss curves of several networks into one plot.

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from sknn import MLPClassifier, MLPRegressor

warnings.simplefilter("ignore", ConvergenceWarning)  # using all epochs is intended

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)


def draw(ax, curves, **settings):
    """Draw loss curves by name."""
    for (name, losses), style in zip(
        curves.items(), ["-", "--", "-.", ":"], strict=False
    ):
        ax.plot(range(1, len(losses) + 1), losses, style, linewidth=2, label=name)
    ax.set(xlabel="Epoch", ylabel="Training loss", **settings)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize="small")


# %%
# Normalization allows larger learning rates
# ------------------------------------------
# Eight hidden layers are trained on handwritten digits by gradient descent without
# momentum. With a rate of 0.05 the plain network trains well. With 0.5, ten times as
# much, it learns nothing. With batch normalization the scale of the signals no longer
# depends on that of the weights, and the network learns even faster than with the small
# rate. Layer normalization helps too, but less.

X, y = load_digits(return_X_y=True)
X = X / 16

start = perf_counter()
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained"
)
for ax, rate in zip(axes, [0.05, 0.5], strict=True):
    curves = {}
    for normalization in [None, "batch", "layer"]:
        clf = MLPClassifier(
            hidden_layer_sizes=(64,) * 8,
            initializer="auto",
            solver="sgd",
            momentum=0.0,
            learning_rate_init=rate,
            normalization=normalization,
            max_iter=20,
            n_iter_no_change=np.inf,
            random_state=0,
        ).fit(X, y)
        curves[f"normalization={normalization!r}"] = clf.loss_curve_
    draw(ax, curves, title=f"learning_rate_init={rate}", yscale="log")
print(f"six fits: {perf_counter() - start:.0f} s")
plt.show()

# %%
# Residual blocks allow deeper networks
# -------------------------------------
# The network has forty hidden layers of 32 units. Without residual blocks the gradient
# vanishes in the backward pass. With them each block starts as the identity, because
# its last weights are initialized to 0: the network starts shallow and grows deeper as
# it learns.

curves = {}
start = perf_counter()
for residual in [False, True]:
    clf = MLPClassifier(
        hidden_layer_sizes=(32,) * 40,
        residual=residual,
        max_iter=20,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    curves[f"residual={residual}"] = clf.loss_curve_
print(f"two fits: {perf_counter() - start:.0f} s")

fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
draw(ax, curves, title="Forty hidden layers", yscale="log")
plt.show()

# %%
# Clipping prevents steps that are too long
# -----------------------------------------
# The target is not scaled; its standard deviation is 77. The first gradients are large,
# and with this learning rate the loss exceeds the range of the plot in the second
# epoch. With the gradient scaled down to norm 1, the steps have the same direction and
# stay short. (It is better still to scale the target, with
# `sklearn.compose.TransformedTargetRegressor`.)

X, y = load_diabetes(return_X_y=True)
X = scale(X)

curves = {}
for max_grad_norm in [None, 1.0]:
    reg = MLPRegressor(
        hidden_layer_sizes=(50, 50),
        solver="sgd",
        learning_rate_init=0.03,
        max_grad_norm=max_grad_norm,
        max_iter=60,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    curves[f"max_grad_norm={max_grad_norm}"] = reg.loss_curve_

fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
draw(ax, curves, title="Clipping of the gradient", yscale="log", ylim=(1e2, 1e12))
plt.show()

# %%
# See `Deep networks <https://sknn.github.io/sknn/stable/guide/deep_networks.html>`_
# in the user guide for more.
