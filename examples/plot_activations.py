"""
Choosing an activation function
===============================

Without an activation function, a network of any number of layers is still a linear
model. The derivative of the activation function decides how much of the gradient
reaches the earlier layers. This example plots twelve functions and their derivatives,
and the predictions of a network with four of them.
"""

# %%
# Twelve functions
# ----------------
# Eleven of them have no learned parameters. The twelfth, ``"prelu"``, is a leaky
# rectifier whose slope below 0 is learned, one per unit; it starts at 0.25, as plotted
# here.

import matplotlib.pyplot as plt
import numpy as np

from sknn import MLPRegressor
from sknn.activations import ACTIVATIONS, LeakyReLU

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)

z = np.linspace(-4, 4, 401)
functions = {**ACTIVATIONS, "prelu": LeakyReLU(slope=0.25)}

fig, axes = plt.subplots(
    3, 4, figsize=(9, 6.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, function) in zip(axes.flat, functions.items(), strict=True):
    a, slope = np.empty_like(z), np.ones_like(z)
    function.forward(z, out=a)
    function.backward(z, a, slope)  # multiplies the ones by the derivative
    ax.axhline(0, color="#CFCFCF", linewidth=1)
    ax.axvline(0, color="#CFCFCF", linewidth=1)
    (value,) = ax.plot(z, a, linewidth=2)
    (derivative,) = ax.plot(z, slope, "--", linewidth=2)
    ax.set(title=name, ylim=(-2, 3))
for ax in axes[-1]:
    ax.set_xlabel("z")
fig.suptitle("Twelve activation functions")
fig.legend(
    [value, derivative],
    ["f(z)", "derivative f'(z)"],
    loc="outside lower center",
    ncols=2,
)
plt.show()

# %%
# Predictions with four of them
# -----------------------------
# The same small network is fitted to 40 points of one curve. Rectifiers give piecewise
# linear predictions with kinks, smooth functions give smooth curves, and ``"identity"``
# can only give a straight line.

rng = np.random.RandomState(0)
x = np.sort(rng.uniform(-3, 3, 40))
y = np.sin(2 * x) + 0.1 * rng.normal(size=40)
x_grid = np.linspace(-3, 3, 300)

fig, axes = plt.subplots(
    1, 4, figsize=(9, 3), sharex=True, sharey=True, layout="constrained"
)
for ax, name in zip(axes, ["identity", "relu", "tanh", "gelu"], strict=True):
    reg = MLPRegressor(
        hidden_layer_sizes=(20, 20),
        activation=name,
        solver="lbfgs",
        alpha=0.01,
        max_iter=1000,
        random_state=0,
    ).fit(x[:, np.newaxis], y)
    ax.plot(x, y, "o", color="#8C8C8C", markersize=4, label="data")
    ax.plot(x_grid, reg.predict(x_grid[:, np.newaxis]), linewidth=2, label="network")
    ax.set(title=name, xlabel="x")
axes[0].set(ylabel="y")
fig.suptitle("Predictions with four activation functions")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# Which to choose
# ---------------
# Start with ``"relu"``, the default. Try ``"tanh"`` if the target is a smooth function
# of few features, as here, and a smooth rectifier such as ``"gelu"`` in deep networks.
# See `Activation functions
# <https://sknn.github.io/sknn/stable/guide/activations.html>`_ in the user guide for
# the formulas and for more advice.
