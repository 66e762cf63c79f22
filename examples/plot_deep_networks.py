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
# It trains epoch by epoch with ``partial_fit``, so that the losses of a run that
# overflows can be plotted as well.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.preprocessing import scale

from sknn import MLPClassifier, MLPRegressor

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)


def losses_of(estimator, X, y, n_epochs):
    """Return the training loss of each epoch, up to an overflow."""
    try:
        for _ in range(n_epochs):
            estimator.partial_fit(X, y)
    except ValueError as error:
        print(f"{estimator}:\n{error}\n")
    return estimator.loss_curve_


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
            random_state=0,
        )
        classes = np.unique(y)
        clf.partial_fit(X, y, classes=classes)
        curves[f"normalization={normalization!r}"] = losses_of(clf, X, y, 19)
    draw(ax, curves, title=f"learning_rate_init={rate}", yscale="log")
print(f"six fits: {perf_counter() - start:.0f} s")
plt.show()

# %%
# Residual blocks allow deeper networks
# -------------------------------------
# Forty hidden layers of 32 units. Without residual blocks the gradient vanishes in the
# backward pass. With them each block starts as the identity, because its last weights
# are initialized to 0: the network starts shallow and grows deeper as it learns.

curves = {}
start = perf_counter()
for residual in [False, True]:
    clf = MLPClassifier(
        hidden_layer_sizes=(32,) * 40, residual=residual, random_state=0
    )
    clf.partial_fit(X, y, classes=classes)
    curves[f"residual={residual}"] = losses_of(clf, X, y, 19)
print(f"two fits: {perf_counter() - start:.0f} s")

fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
draw(ax, curves, title="Forty hidden layers", ylim=(0, 2.6))
plt.show()

# %%
# Clipping prevents steps that are too long
# -----------------------------------------
# The target is not scaled; its standard deviation is 77. The first gradients are large,
# and with this learning rate the loss exceeds the range of the plot in the second
# epoch. With the gradient scaled down to norm 1, the steps have the same direction and
# stay short. (It is better still to scale the target, with scikit-learn's
# ``TransformedTargetRegressor``.)

X, y = load_diabetes(return_X_y=True)
X = scale(X)

curves = {}
for max_grad_norm in [None, 1.0]:
    reg = MLPRegressor(
        hidden_layer_sizes=(50, 50),
        solver="sgd",
        learning_rate_init=0.03,
        max_grad_norm=max_grad_norm,
        random_state=0,
    )
    curves[f"max_grad_norm={max_grad_norm}"] = losses_of(reg, X, y, 60)

fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
draw(ax, curves, title="Clipping of the gradient", yscale="log", ylim=(1e2, 1e12))
plt.show()

# %%
# See `Deep networks <https://sknn.github.io/sknn/stable/guide/deep_networks.html>`_
# in the user guide for more.
