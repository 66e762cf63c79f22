"""
Predicting from tables with text and missing values
===================================================

`sknn.TabularClassifier` and `sknn.TabularRegressor` take a table as it is: numbers,
text, booleans and missing values. This example goes from a table of used cars to prices
with intervals, calibrated probabilities, and the contribution of each column to a
prediction. No scaling, encoding or imputation is needed.
"""

# %%
# The table
# ---------
# The cars are invented, so that we know what determines their price: the model and the
# age more than anything else, then the mileage and the transmission; the price of
# electric cars falls faster. The color does not matter. The mileage of many old cars
# is missing.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknn import TabularClassifier, TabularRegressor


def make_cars(n, rng):
    """Return a table of cars, their prices, and which were sold within a month."""
    age = rng.gamma(2, 3, n)
    cars = pd.DataFrame(
        {
            "model": rng.choice([f"{m}{i}" for m in "ABCDE" for i in range(1, 7)], n),
            "age": age.round(1),
            "mileage": (age * rng.gamma(8, 1.5, n)).round(1),  # in 1,000 km
            "fuel": rng.choice(
                ["gasoline", "diesel", "electric"], n, p=[0.5, 0.3, 0.2]
            ),
            "automatic": rng.random(n) < 0.4,
            "color": rng.choice(["black", "white", "gray", "red", "blue"], n),
        }
    )
    new = 10 + 5 * cars["model"].map(lambda m: "ABCDE".index(m[0]))
    new += 2 * cars["model"].str[1].astype(int)
    loss = 0.08 + 0.05 * (cars["fuel"] == "electric")
    value = new * np.exp(-loss * age - cars["mileage"] / 500)
    value *= 1 + 0.1 * cars["automatic"]
    price = value * np.exp(0.1 * rng.normal(size=n))
    wanted = 5 * (cars["fuel"] != "diesel") + 4 * cars["automatic"] - age
    sold = np.where(rng.random(n) < expit(wanted), "soon", "late")
    cars.loc[rng.random(n) < age / 30, "mileage"] = np.nan
    cars.loc[rng.random(n) < 0.1, "fuel"] = None
    return cars, price, sold


cars, price, sold = make_cars(4000, np.random.default_rng(0))
print(cars.head())
print(cars.isna().sum())

# %%
# Prices with intervals
# ---------------------
# The table goes into ``fit``. Columns of text with at most nine categories become
# one-hot columns; for each of the 30 models, the network learns a vector. Missing
# values are replaced and marked. Four networks are trained, and their predictions are
# averaged. Each holds out a different fifth of the rows to find its best epochs, and is
# then trained again on all rows. ``summary`` describes the layers.

X_train, X_test, price_train, price_test, sold_train, sold_test = train_test_split(
    cars, price, sold, test_size=1000, random_state=0
)
start = perf_counter()
reg = TabularRegressor(random_state=0).fit(X_train, price_train)
print(f"fit of four networks: {perf_counter() - start:.1f} s")
summary = reg.summary()
for name, _, _, n_parameters in summary.rows:
    print(f"    {name:24} {n_parameters:7,} parameters")
print(f"{summary.n_parameters:,} parameters in {summary.n_members} such networks")
print(f"R² on the test rows: {reg.score(X_test, price_test):.3f}")

# %%
# ``predict_interval`` returns intervals that should contain 90% of the prices. Their
# width comes from the errors on the rows that ``fit`` has held out. With the default
# loss all intervals have the same width, although prices of old cars differ less than
# those of new ones. With ``loss="gaussian"`` the network learns a standard deviation
# for each row, and the width of the intervals follows it. Both kinds cover about 90%
# of all prices; the second covers nearly as many of the high as of the low ones.

gaussian = TabularRegressor(loss="gaussian", scoring="loss", random_state=0)
start = perf_counter()
gaussian.fit(X_train, price_train)
print(f"fit of four networks: {perf_counter() - start:.1f} s")

fig, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained"
)
models = {"squared error": reg, "gaussian": gaussian}
for ax, (name, model) in zip(axes, models.items(), strict=True):
    predicted = model.predict(X_test)
    low, high = model.predict_interval(X_test, coverage=0.9).T
    inside = (low <= price_test) & (price_test <= high)
    cheap = predicted < np.median(predicted)
    print(
        f"{name:14} coverage {inside.mean():.3f}, of the cheaper half "
        f"{inside[cheap].mean():.3f}, of the other {inside[~cheap].mean():.3f}, "
        f"mean width {np.mean(high - low):.2f}"
    )
    order = np.argsort(predicted)
    ax.fill_between(
        predicted[order],
        low[order],
        high[order],
        color="#56B4E9",
        alpha=0.4,
        linewidth=0,
        label="interval, 90%",
    )
    for which, color, label in (
        (inside, "black", "inside"),
        (~inside, "#D55E00", "outside"),
    ):
        ax.plot(
            predicted[which],
            price_test[which],
            ".",
            color=color,
            markersize=3,
            label=label,
        )
    ax.set(title=name, xlabel="Predicted price, in 1,000")
axes[0].set_ylabel("Price, in 1,000")
fig.suptitle("Prices and 90% intervals of the test rows")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# Probabilities
# -------------
# Is a car sold within a month? Training smooths the labels, so that the probabilities
# are too cautious: not close enough to 0 and 1. ``calibrate=True``, the default,
# divides the raw scores by a temperature, which is chosen on the held-out rows.
# Multiplying the scores of a single network by it gives the scores without calibration,
# for comparison.

clf = TabularClassifier(n_members=1, random_state=0)
clf.fit(X_train, sold_train)
print(f"accuracy {clf.score(X_test, sold_test):.3f}")
print(f"temperature {clf.temperature_:.2f}")

scores = clf.decision_function(X_test)
is_soon = sold_test == clf.classes_[1]
fig, ax = plt.subplots(figsize=(5, 4.4), layout="constrained")
for name, z, color in (
    ("not calibrated", scores * clf.temperature_, "#D55E00"),
    ("calibrated", scores, "#0072B2"),
):
    probability = expit(z)
    print(f"{name:14} log-loss {log_loss(is_soon, probability):.3f}")
    CalibrationDisplay.from_predictions(
        is_soon, probability, n_bins=8, strategy="quantile", name=name, ax=ax
    )
    ax.lines[-1].set_color(color)
ax.set(
    title="Calibration",
    xlabel="Predicted probability of a sale",
    ylabel="Share of sales",
)
ax.legend(loc="upper left")
ax.grid(alpha=0.3)
plt.show()

# %%
# Feature attributions
# --------------------
# ``feature_attributions`` returns how much each column adds to a prediction, compared
# with a baseline. By default this is a car of median age and mileage, with neutral
# values in the other columns. The attributions of a row add up to the difference
# between the two predictions. The left plot shows one car, the right plot the mean
# absolute attribution over all test rows.

attributions = pd.DataFrame(reg.feature_attributions(X_test), columns=cars.columns)
mean = abs(attributions).mean().sort_values()
car = int(np.argmax(reg.predict(X_test)))
names = [f"{name} = {X_test.iloc[car][name]}" for name in mean.index]
one = attributions.iloc[car][mean.index]
print(f"predicted {reg.predict(X_test)[car]:.1f}, attributions {one.sum():+.1f}")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
axes[0].barh(names, one, color=np.where(one < 0, "#D55E00", "#0072B2"))
axes[0].axvline(0, color="black", linewidth=0.8)
axes[0].set(title="The most expensive car", xlabel="Attribution, in 1,000")
axes[1].barh(mean.index, mean, color="#0072B2")
axes[1].set(title="All test rows", xlabel="Mean absolute attribution, in 1,000")
for ax in axes:
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
plt.show()

# %%
# Attributions show which columns the network uses. Permutation importance shows by how
# much the score falls if the values of a column are shuffled. scikit-learn computes it,
# here for the columns of the table, before they are encoded.

found = permutation_importance(reg, X_test, price_test, n_repeats=5, random_state=0)
for i in np.argsort(-found.importances_mean):
    print(f"{cars.columns[i]:10} {found.importances_mean[i]:6.3f}")

# %%
# See `Tables <https://sknn.github.io/sknn/stable/guide/tables.html>`_ in the user
# guide for how these estimators work, and for a comparison with other methods.
