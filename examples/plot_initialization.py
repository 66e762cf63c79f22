"""
Choosing the initial weights
============================

Before training, the weights are drawn at random. If they are too small, the signal
vanishes on its way through the layers; if they are too large, it explodes. Either way
the gradient is useless. The usual initializers choose the variance of the weights so
that neither happens. This example measures the signal after each of 20 layers, and
trains a deep network with four initializers.
"""

# %%
# Twenty layers, before any training
# ----------------------------------
# Standard normal rows pass through 20 layers of 256 units. The curves show the standard
# deviation of the activations after each layer. A good initializer keeps it near 1, or
# at least far from 0.
#
# - **relu**: He's initializer keeps the standard deviation. With Glorot's, each layer
#   loses about 30% of it.
# - **tanh**: with Glorot's initializer the standard deviation falls slowly. With He's
#   it is constant after a few layers, but the activations are where tanh is flatter.
# - **selu**: with LeCun's initializer the standard deviation stays at 1. With He's it
#   grows in each layer.
#
# With a normal distribution of small σ, the signal vanishes in all three.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknn import MLPClassifier
from sknn.activations import ACTIVATIONS
from sknn.initializers import GlorotNormal, HeNormal, LeCunNormal, Normal

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)

N_LAYERS, UNITS = 20, 256


def spread_through_layers(activation, initializer):
    """Return the standard deviation of the input and of each layer's activations."""
    rng = np.random.RandomState(0)
    h = rng.normal(size=(500, UNITS))
    spread = [h.std()]
    for _ in range(N_LAYERS):
        z = h @ initializer((UNITS, UNITS), UNITS, UNITS, rng)
        h = np.empty_like(z)
        ACTIVATIONS[activation].forward(z, out=h)
        spread.append(h.std())
    return spread


panels = {
    "relu": {"glorot_normal": GlorotNormal(), "he_normal": HeNormal()},
    "tanh": {"glorot_normal": GlorotNormal(), "he_normal": HeNormal()},
    "selu": {"lecun_normal": LeCunNormal(), "he_normal": HeNormal()},
}
fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (activation, initializers) in zip(axes, panels.items(), strict=True):
    initializers = {**initializers, "normal, σ = 0.01": Normal(0.01)}
    for (name, initializer), style in zip(
        initializers.items(), ["-", "--", ":"], strict=True
    ):
        spread = spread_through_layers(activation, initializer)
        ax.plot(spread, style, linewidth=2, label=name)
    ax.set(title=activation, xlabel="Layer", yscale="log", ylim=(1e-8, 1e5))
    ax.set_xticks([0, 5, 10, 15, 20])
    ax.legend(loc="upper left", fontsize="small")
fig.suptitle("Size of the signal after each layer")
axes[0].set(ylabel="Standard deviation")
plt.show()

# %%
# Effect on training
# ------------------
# A network with 20 hidden layers of 32 units is trained on handwritten digits. If its
# initial weights are too small it learns nothing: the loss stays at log 10 ≈ 2.30, that
# of random guessing. With ``"zeros"`` it could not learn in any number of epochs: all
# units of a layer get the same gradient and remain identical. For relu, ``"auto"`` is
# He's initializer.

X, y = load_digits(return_X_y=True)
X = X / 16

start = perf_counter()
fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for name, style, width in [
    ("zeros", "-", 5),
    ("normal", ":", 2),
    ("glorot_normal", "--", 2),
    ("auto", "-.", 2),
]:
    clf = MLPClassifier(
        hidden_layer_sizes=(32,) * 20,
        initializer=name,
        learning_rate="cosine",
        max_iter=30,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    print(f"{name:14} training accuracy {clf.score(X, y):.2f}")
    ax.plot(clf.history_["epoch"], clf.loss_curve_, style, linewidth=width, label=name)
print(f"four fits: {perf_counter() - start:.0f} s")
ax.set(
    title="Loss curves of a deep network",
    xlabel="Epoch",
    ylabel="Training loss",
    ylim=(0, 2.6),
)
ax.legend(title="initializer", loc="lower left")
plt.show()

# %%
# See `Initialization <https://sknn.github.io/sknn/stable/guide/initialization.html>`_
# in the user guide for all initializers and their formulas.
