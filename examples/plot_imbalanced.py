"""
Classifying imbalanced classes
==============================

If one class is rare, a classifier that never predicts it has a high accuracy. This
example trains a network on two classes, of which one has 5% of the rows. It shows
measures that reveal the problem, and two remedies: class weights, and a tuned decision
threshold.
"""

# %%
# The data
# --------
# The two classes form half moons that overlap. Half of the rows are test rows.
# ``stratify=y`` keeps the share of the rare class the same in both halves.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_moons
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    PrecisionRecallDisplay,
    accuracy_score,
    balanced_accuracy_score,
    precision_score,
    recall_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

from sknn import MLPClassifier

X, y = make_moons((5700, 300), noise=0.3, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
print(f"training rows: {len(y_train)}, of the rare class: {y_train.sum()}")

# %%
# Two remedies
# ------------
# - ``class_weight="balanced"`` gives both classes the same total weight in the loss.
# - `sklearn.model_selection.TunedThresholdClassifierCV` leaves the network unchanged. A
#   row is assigned to the rare class if its probability exceeds a threshold, which
#   cross-validation chooses to maximize the balanced accuracy.

net = MLPClassifier(
    hidden_layer_sizes=(30,),
    learning_rate="cosine",
    learning_rate_init=0.02,
    max_iter=40,
    random_state=0,
)
models = {
    "majority class": DummyClassifier(),
    "plain network": net,
    "class weights": MLPClassifier(**{**net.get_params(), "class_weight": "balanced"}),
    "tuned threshold": TunedThresholdClassifierCV(net, scoring="balanced_accuracy"),
}
measures = {
    "accuracy": accuracy_score,
    "balanced accuracy": balanced_accuracy_score,
    "recall": recall_score,
    "precision": lambda y, found: precision_score(y, found, zero_division=0),
}
print(f"{'':16}", *(f"{name:>18}" for name in measures))
for name, model in models.items():
    found = model.fit(X_train, y_train).predict(X_test)
    values = (f"{measure(y_test, found):18.2f}" for measure in measures.values())
    print(f"{name:16}", *values)
print(f"tuned threshold: {models['tuned threshold'].best_threshold_:.2f}")

# %%
# Always predicting the majority class has an accuracy of 0.95. The plain network has
# 0.97, but it finds only half of the rare rows (recall). Both remedies find more than
# 80% of them. The price is lower precision: more than half of the rows that they assign
# to the rare class belong to the other one. The remedies move the decision boundary,
# which is the black line. The points are the test rows.

fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained"
)
x1, x2 = np.meshgrid(np.linspace(-2, 3, 200), np.linspace(-1.5, 2, 150))
grid = np.column_stack([x1.ravel(), x2.ravel()])
for ax, name in zip(axes, list(models)[1:], strict=True):
    region = models[name].predict(grid).reshape(x1.shape)
    ax.pcolormesh(x1, x2, region, cmap=ListedColormap(["#DCEBF5", "#FBE3D6"]))
    ax.contour(x1, x2, region, levels=[0.5], colors="black", zorder=3)
    for label, marker, color in ((0, ".", "#0072B2"), (1, "x", "#B34700")):
        ax.plot(
            *X_test[y_test == label].T,
            marker,
            color=color,
            markersize=2 if label == 0 else 4,
            label=["frequent class", "rare class"][label],
        )
    recall = recall_score(y_test, models[name].predict(X_test))
    ax.set(title=f"{name}\nrecall {recall:.0%}", xlim=(-2, 3), ylim=(-1.5, 2))
fig.suptitle("Decision boundaries")
fig.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
    markerscale=2,
)
plt.show()

# %%
# Probabilities
# -------------
# Class weights change the probabilities as well: those of the rare class become too
# large. But the order of the rows stays about the same, and so does the curve of
# precision and recall for all thresholds. If you need probabilities, train without
# class weights and choose a threshold.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, color, style in (
    ("plain network", "#0072B2", "-"),
    ("class weights", "#D55E00", "--"),
):
    probability = models[name].predict_proba(X_test)[:, 1]
    print(f"{name}: mean probability of the rare class {probability.mean():.2f}")
    PrecisionRecallDisplay.from_predictions(
        y_test,
        probability,
        name=name,
        ax=axes[0],
        curve_kwargs={"color": color, "linestyle": style},
    )
    CalibrationDisplay.from_predictions(
        y_test, probability, n_bins=8, name=name, ax=axes[1], color=color
    )
axes[0].set(title="Precision and recall", xlabel="Recall", ylabel="Precision")
axes[1].legend(loc="upper left")
axes[1].set(
    title="Calibration",
    xlabel="Predicted probability",
    ylabel="Share of the rare class",
)
plt.show()

# %%
# See `Imbalanced classes <https://sknn.github.io/sknn/stable/guide/imbalanced.html>`_
# in the user guide for more, such as early stopping on a balanced measure.
