"""
Lowering the learning rate with a schedule
==========================================

Large steps make fast progress, small steps reach the minimum. Most schedules therefore
lower the learning rate during training. This example plots the eleven schedules, and
compares three of them at the end of training.
"""

# %%
# The eleven named schedules
# --------------------------
# A schedule is a function of the epoch and of the maximum number of epochs
# (``max_iter``); it returns the factor that multiplies ``learning_rate_init``. All but
# ``"constant"`` lower it; ``"one_cycle"`` raises it first, and ``"coslog"`` several
# times. Two schedules depend on more than that. ``"invscaling"`` counts training rows,
# here 1,000 per epoch, so nearly all of its decrease happens in the first epoch.
# ``"adaptive"`` divides the rate by 5 when the loss has stopped falling; here that
# happens after 40 and 70 epochs.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknn import MLPRegressor
from sknn.display import ScheduleDisplay
from sknn.schedules import SCHEDULES, Constant, Cosine, OneCycle, Step

# Colors that color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "black"]
plt.rcParams["axes.prop_cycle"] = plt.cycler(color=COLORS)

N_EPOCHS, ROWS = 100, 1000
epochs = np.linspace(0, N_EPOCHS, 501)

fig, axes = plt.subplots(
    4, 3, figsize=(9, 8), sharex=True, sharey=True, layout="constrained"
)
axes[-1, -1].remove()
axes[-2, -1].tick_params(labelbottom=True)
for ax, (name, kind) in zip(axes.flat[:11], SCHEDULES.items(), strict=True):
    schedule = kind()
    factors, base = [], 1.0
    for epoch in epochs:
        if name == "adaptive" and epoch in (40, 70):
            base = schedule.on_plateau(base)
        factors.append(base * schedule(epoch, N_EPOCHS, rows=int(epoch) * ROWS))
    ax.plot(epochs, factors, linewidth=2)
    ax.set(title=f'"{name}"')
    ax.grid(alpha=0.3)
fig.suptitle("The eleven schedules")
fig.supxlabel("Epochs completed")
fig.supylabel("Factor on learning_rate_init")
plt.show()

# %%
# Schedules with parameters
# -------------------------
# A name stands for a schedule with its default parameters; to set them, pass an object.
# With ``warmup`` the rate rises first: values from 1 on are a number of epochs, values
# below 1 a fraction of ``max_iter``. `sknn.display.ScheduleDisplay` draws a schedule,
# or the learning rate of an estimator.

schedules = {
    "Cosine(warmup=10)": (Cosine(warmup=10), "-"),
    "Cosine(final=0.1)": (Cosine(final=0.1), "--"),
    "Step(at=(0.3, 0.6, 0.9), gamma=0.5)": (Step((0.3, 0.6, 0.9), 0.5), "-."),
    "Constant(warmup=0.2)": (Constant(warmup=0.2), ":"),
    "OneCycle(peak=0.5)": (OneCycle(peak=0.5), (0, (5, 1, 1, 1, 1, 1))),
}

fig, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
for name, (schedule, style) in schedules.items():
    ScheduleDisplay.from_schedule(
        schedule, N_EPOCHS, ax=ax, name=name, linestyle=style, linewidth=2
    )
ax.set(title="Schedules with parameters", ylabel="Factor on learning_rate_init")
ax.grid(alpha=0.3)
ax.get_legend().remove()
fig.legend(loc="outside lower center", ncols=2, fontsize="small")
plt.show()

# %%
# The benefit of a small final rate
# ---------------------------------
# Each mini-batch gives a noisy gradient. With a constant rate the noise keeps the
# weights moving around the minimum; when the rate falls, they settle in it. The target
# is a linear function plus noise, so the minimum of the loss is known: the plot shows
# by how much the loss of the network exceeds it.

# With "constant" and "step", using all epochs counts as not having converged.
warnings.simplefilter("ignore", ConvergenceWarning)

rng = np.random.RandomState(0)
X = rng.normal(size=(500, 10))
y = X @ rng.normal(size=10) + 0.5 * rng.normal(size=500)
X_and_1 = np.column_stack([X, np.ones(500)])
residual = y - X_and_1 @ np.linalg.lstsq(X_and_1, y, rcond=None)[0]
least_loss = 0.5 * np.mean(residual**2)

fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for name, style in [("constant", "-"), ("step", "--"), ("cosine", "-.")]:
    reg = MLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        learning_rate=name,
        learning_rate_init=0.1,
        batch_size=5,
        alpha=0.0,
        max_iter=60,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    excess = np.array(reg.loss_curve_) - least_loss
    ax.plot(reg.history_["epoch"], excess, style, linewidth=2, label=name)
ax.set(
    title="Loss curves of three schedules",
    xlabel="Epoch",
    ylabel="Training loss minus the minimum",
    yscale="log",
)
ax.legend(title="learning_rate")
plt.show()

# %%
# See `Learning-rate schedules
# <https://sknn.github.io/sknn/stable/guide/schedules.html>`_ in the user guide for the
# formulas and for which schedule to choose.
