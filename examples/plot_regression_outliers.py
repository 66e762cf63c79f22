"""
Regression with outliers and prediction intervals
=================================================

Measured targets can be wrong, and correct ones can vary a lot. This example fits the
power demand of a town over the day. It compares losses on data with faulty readings,
and then predicts intervals that contain a given share of the readings.
"""

# %%
# The data
# --------
# The demand has a peak in the morning and one in the evening. It varies from day to
# day, most of all in the evening. The demand is generated, so that the true mean is
# known. One reading in ten is faulty: the meter shows almost 0.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import MLPRegressor


def mean_demand(hour):
    """Return the true mean of the demand, in megawatts."""
    morning = 2.5 * np.exp(-(((hour - 8) / 2.5) ** 2))
    return 4 + morning + 3.5 * np.exp(-(((hour - 19) / 2.5) ** 2))


def make_readings(n, share_faulty, rng):
    """Return hours, of shape (n, 1), and readings."""
    hour = np.sort(rng.uniform(0, 24, n))
    spread = 0.2 + 0.8 * np.exp(-(((hour - 19) / 4) ** 2))
    y = mean_demand(hour) + spread * rng.normal(size=n)
    faulty = rng.uniform(size=n) < share_faulty
    y[faulty] = rng.uniform(0, 0.5, faulty.sum())
    return hour[:, np.newaxis], y


rng = np.random.RandomState(0)
X, y = make_readings(1000, share_faulty=0.1, rng=rng)
X_test, y_test = make_readings(1000, share_faulty=0.0, rng=rng)


def make_model(**params):
    net = MLPRegressor(
        hidden_layer_sizes=(30, 30),
        activation="tanh",
        learning_rate_init=0.01,
        batch_size=50,
        random_state=0,
        **params,
    )
    return make_pipeline(StandardScaler(), net)


# %%
# Losses that ignore outliers
# ---------------------------
# The squared error estimates the mean, which the faulty readings pull down by almost
# half a megawatt. Huber's loss and the absolute error limit the effect of a single
# reading. ``delta`` is the error above which Huber's loss no longer grows
# quadratically: choose about the size of usual errors. The errors printed below are
# mean distances to the true mean.

LOSSES = {
    "squared_error": ({}, "#D55E00", "--"),
    "huber": ({"delta": 0.3}, "#0072B2", "-"),
    "absolute_error": ({}, "black", ":"),
}
hours = np.linspace(0, 24, 241)[:, np.newaxis]

fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
ax.plot(X, y, ".", color="#8C8C8C", markersize=4, label="reading")
ax.plot(hours, mean_demand(hours), color="#CFCFCF", linewidth=7, label="true mean")
for loss, (params, color, style) in LOSSES.items():
    model = make_model(
        loss=loss,
        learning_rate="cosine",
        max_iter=100,
        n_iter_no_change=np.inf,
        **params,
    ).fit(X, y)
    error = np.abs(model.predict(X_test) - mean_demand(X_test[:, 0])).mean()
    print(f"{loss:15} mean error {error:.2f} MW")
    ax.plot(hours, model.predict(hours), style, color=color, linewidth=2.5, label=loss)
ax.set(
    title="Fits to data with faulty readings",
    xlabel="Hour of the day",
    ylabel="Demand (MW)",
    xticks=range(0, 25, 4),
)
fig.legend(loc="outside right center")
plt.show()

# %%
# Intervals
# ---------
# ``predict_interval`` returns a lower and an upper bound for each row. It needs
# held-out rows, which early stopping provides: their errors determine the width. What
# the loss learns decides how the width varies:
#
# - with most losses, all intervals have the same width;
# - with several quantiles, and with ``loss="gaussian"``, they are wide where the
#   targets vary a lot. Of these two, quantiles suit data with outliers.
#
# The readings here have no faults, but vary more in the evening than at other times.
# Both kinds of intervals cover about 90% of all readings. With the same width for all
# hours, they cover only two thirds of the readings of the evening. With quantiles they
# also cover about 90% of these, and are narrower on average.

X_train, X_val, y_train, y_val = train_test_split(
    *make_readings(1500, share_faulty=0.0, rng=rng), test_size=500, random_state=0
)
models = {
    'loss="huber"': make_model(loss="huber", delta=0.3),
    'loss="quantile"': make_model(loss="quantile", quantile=[0.05, 0.5, 0.95]),
}
evening = np.abs(X_test[:, 0] - 19) < 3

fig, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    scaler, net = model[0].fit(X_train), model[1]
    net.set_params(early_stopping=True, scoring="loss")
    net.fit(
        scaler.transform(X_train),
        y_train,
        X_val=scaler.transform(X_val),
        y_val=y_val,
    )
    low, high = net.predict_interval(scaler.transform(X_test), coverage=0.9).T
    inside = (low <= y_test) & (y_test <= high)
    print(
        f"{name:16} coverage {inside.mean():.2f}, in the evening "
        f"{inside[evening].mean():.2f}, mean width {np.mean(high - low):.2f} MW"
    )
    ax.fill_between(
        X_test[:, 0], low, high, color="#56B4E9", alpha=0.5, label="90% interval"
    )
    for label, rows, style in (
        ("inside", inside, {"marker": ".", "color": "#404040", "markersize": 3}),
        ("outside", ~inside, {"marker": "x", "color": "#D55E00", "markersize": 4}),
    ):
        ax.plot(X_test[rows], y_test[rows], linestyle="", label=label, **style)
    ax.set(title=name, xlabel="Hour of the day", xticks=range(0, 25, 4))
axes[0].set_ylabel("Demand (MW)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# See `Losses <https://sknn.github.io/sknn/stable/guide/losses.html>`_
# in the user guide for all losses, and `Uncertainty and explanations
# <https://sknn.github.io/sknn/stable/guide/uncertainty.html>`_ for what the intervals
# guarantee.
