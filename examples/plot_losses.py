"""
Choosing a loss function for regression
=======================================

The loss decides what a regressor learns: the mean, the median or another quantile. It
also decides how much influence a single wrong target has. This example plots four
losses, fits a network to data with outliers, and predicts a band that contains 80% of
the targets.
"""

# %%
# Shapes
# ------
# The left plot shows the loss of one row as a function of the error (prediction minus
# target), the right plot its derivative, which is how strongly the row pulls. With the
# squared error, a target pulls more strongly the farther away it is; with Huber's loss,
# never more strongly than ``delta``, here 1. The pinball loss of the 90% quantile
# pulls nine times as strongly up as down.

import matplotlib.pyplot as plt
import numpy as np

from sknn import MLPRegressor
from sknn.losses import AbsoluteError, HalfSquaredError, Huber, Quantile

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)

error = np.linspace(-3, 3, 601)
losses = {
    "squared_error": (HalfSquaredError(), "-"),
    "absolute_error": (AbsoluteError(), "--"),
    "huber, delta=1": (Huber(1.0), "-."),
    "quantile, quantile=0.9": (Quantile(0.9), ":"),
}

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, layout="constrained")
for name, (loss, style) in losses.items():
    value, slope = [], np.empty((len(error), 1))
    for i, e in enumerate(error):  # row by row: a loss returns the sum over the rows
        z, y = np.array([[e]]), np.array([[0.0]])
        value.append(loss.loss_gradient(z, y, None, out=slope[i : i + 1]))
    axes[0].plot(error, value, style, linewidth=2, label=name)
    axes[1].plot(error, slope, style, linewidth=2)
axes[0].set(xlabel="Error", ylabel="Loss", title="Loss", ylim=(0, 3))
axes[1].set(xlabel="Error", ylabel="Derivative", title="Derivative", ylim=(-2, 2))
axes[0].legend(loc="upper center", fontsize="small")
plt.show()

# %%
# Outliers
# --------
# One target in ten is far too high. The mean follows the outliers, and so does the
# network that is trained with the squared error; with Huber's loss or the absolute
# error they hardly matter. The mean errors below are distances to the truth.

rng = np.random.RandomState(0)
x = np.sort(rng.uniform(-3, 3, 300))
truth = np.sin(x)
y = truth + 0.1 * rng.normal(size=300)
outliers = rng.uniform(size=300) < 0.1
y[outliers] += rng.uniform(3, 6, outliers.sum())
X = x[:, np.newaxis]

fig, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
ax.plot(x, y, "o", color="#8C8C8C", markersize=3, label="data")
ax.plot(x, truth, color="#CFCFCF", linewidth=7, label="truth")
for loss, params, style in [
    ("squared_error", {}, "-"),
    ("absolute_error", {}, "--"),
    ("huber", {"delta": 0.2}, "-."),
]:
    reg = MLPRegressor(
        loss=loss,
        hidden_layer_sizes=(30, 30),
        activation="tanh",
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=150,
        n_iter_no_change=np.inf,
        random_state=0,
        **params,
    ).fit(X, y)
    prediction = reg.predict(X)
    wrong = np.abs(prediction - truth).mean()
    print(f"{loss:15} mean error {wrong:.3f}")
    name = ", ".join([loss, *(f"{name}={value}" for name, value in params.items())])
    ax.plot(x, prediction, style, linewidth=2, label=name)
ax.set(title="Fits to data with outliers", xlabel="x", ylabel="y")
fig.legend(loc="outside right center", fontsize="small")
plt.show()

# %%
# Quantile bands
# --------------
# Here the noise grows with x. Three quantiles, learned together, show by how much: 80%
# of the targets should lie between the lowest and the highest curve. The curves can
# touch but never cross, whatever the data.

x = np.sort(rng.uniform(0, 3, 600))
X = x[:, np.newaxis]
y = np.sin(2 * x) + (0.1 + 0.3 * x) * rng.normal(size=600)

reg = MLPRegressor(
    loss="quantile",
    quantile=[0.1, 0.5, 0.9],
    hidden_layer_sizes=(30, 30),
    activation="tanh",
    alpha=1.0,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=150,
    n_iter_no_change=np.inf,
    random_state=0,
).fit(X, y)
low, median, high = reg.predict(X).T
inside = np.mean((low <= y) & (y <= high))
print(f"Targets inside the band: {inside:.0%}")

fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.plot(x, y, "o", color="#8C8C8C", markersize=3, label="data")
ax.fill_between(x, low, high, color="C0", alpha=0.25, label="10% to 90%")
ax.plot(x, median, color="C0", linewidth=2, label="median")
ax.set(title="A band between two quantiles", xlabel="x", ylabel="y")
ax.legend(loc="lower left")
plt.show()

# %%
# See `Losses <https://sknn.github.io/sknn/stable/guide/losses.html>`_ in the user
# guide for all losses.
