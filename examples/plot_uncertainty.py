"""
Prediction intervals and feature attributions
=============================================

How much may a target differ from its prediction, and which features is a prediction
based on? This example predicts intervals for data whose noise grows with the feature,
with three losses. Then it explains two predictions for a table.
"""

# %%
# Intervals
# ---------
# ``predict_interval`` returns bounds between which 90% of new targets lie. It needs
# held-out rows, here those of early stopping. The coverage is close to 90% with each
# loss. With the squared error all intervals have the same width. With
# ``loss="gaussian"`` and with quantiles, the width follows the noise.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sknn import MLPRegressor


def make_data(n, rng):
    X = rng.uniform(0, 4, (n, 1))
    return X, np.sin(2 * X[:, 0]) + (0.1 + 0.2 * X[:, 0]) * rng.normal(size=n)


rng = np.random.RandomState(0)
X, y = make_data(3000, rng)
X_test, y_test = make_data(1000, rng)
x_grid = np.linspace(0, 4, 200)

settings = {
    "squared_error": {},
    "gaussian": {},
    "quantile": {"quantile": [0.05, 0.5, 0.95]},
}
fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained"
)
for ax, (loss, params) in zip(axes, settings.items(), strict=True):
    reg = MLPRegressor(
        loss=loss,
        hidden_layer_sizes=(50,),
        activation="tanh",
        batch_size=50,
        learning_rate_init=0.01,
        early_stopping=True,
        validation_fraction=0.2,
        scoring="loss",
        random_state=0,
        **params,
    ).fit(X, y)
    low, high = reg.predict_interval(X_test, coverage=0.9).T
    coverage = np.mean((low <= y_test) & (y_test <= high))
    low, high = reg.predict_interval(x_grid[:, np.newaxis], coverage=0.9).T
    ax.plot(X_test[:, 0], y_test, ".", color="#595959", markersize=2, label="test row")
    ax.fill_between(
        x_grid, low, high, color="#56B4E9", alpha=0.5, label="interval of 90%"
    )
    ax.set(title=f"{loss}\ncoverage {coverage:.0%}", xlabel="x")
axes[0].set_ylabel("y")
fig.suptitle("Intervals that contain 90% of the targets, with three losses")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# Attributions
# ------------
# ``feature_attributions`` returns how much each feature adds to the prediction of a
# row, compared with a baseline. The table has ten features of 442 patients with
# diabetes: age, sex, body mass index, mean blood pressure, and six measurements of the
# blood serum, ``s1`` to ``s6``. The target is the progression of the disease. The
# features are standardized, so that the baseline, all zeros, is the average patient.

data = load_diabetes()
X = StandardScaler().fit_transform(data.data)
reg = MLPRegressor(
    hidden_layer_sizes=(20,),
    activation="tanh",
    alpha=1.0,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=300,
    n_iter_no_change=np.inf,
    random_state=0,
).fit(X, (data.target - data.target.mean()) / data.target.std())
predictions = reg.predict(X) * data.target.std() + data.target.mean()
patients = [np.argmax(predictions), np.argmin(predictions)]
attributions = reg.feature_attributions(X[patients]) * data.target.std()

fig, axes = plt.subplots(
    1, 2, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained"
)
for ax, patient, values in zip(axes, patients, attributions, strict=True):
    ax.barh(
        data.feature_names, values, color=np.where(values > 0, "#D55E00", "#0072B2")
    )
    ax.axvline(0, color="#8C8C8C", linewidth=1)
    ax.set(title=f"prediction {predictions[patient]:.0f}", xlabel="Attribution")
axes[0].invert_yaxis()
fig.suptitle("Attributions of the features for two patients")
plt.show()

# %%
# The attributions of a patient add up to the difference between the prediction for
# this patient and that for the average one.

average = reg.predict(np.zeros((1, 10)))[0] * data.target.std() + data.target.mean()
print(f"average patient: {average:.0f}")
print(f"differences:     {(predictions[patients] - average).round()}")
print(f"sums:            {attributions.sum(axis=1).round()}")

# %%
# See `Uncertainty and explanations
# <https://sknn.github.io/sknn/stable/guide/uncertainty.html>`_ in the user guide for
# the methods and their limits.
