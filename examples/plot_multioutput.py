"""
Predicting several outputs at once
==================================

A network can have several outputs, which share its hidden layers. This example
completes images (several numbers) and finds the digits in an image (several labels).
For two targets with several classes each, it trains two networks: one recognizes the
left and one the right digit of a pair.
"""

# %%
# Several numbers: complete images
# --------------------------------
# From the upper half of a digit, 32 pixels, `sknn.MLPRegressor` predicts the 32 pixels
# of the lower half. ``y`` has one column for each of them. A linear model is trained
# for comparison. The error is the root mean squared error of a pixel.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.multioutput import MultiOutputClassifier

from sknn import MLPClassifier, MLPRegressor

X, digit = load_digits(return_X_y=True)
X_train, X_test, digit_train, digit_test = train_test_split(
    X / 16, digit, random_state=0
)
SETTINGS = {
    "hidden_layer_sizes": (200,),
    "learning_rate": "cosine",
    "learning_rate_init": 0.003,
    "batch_size": 32,
    "max_iter": 40,
    "random_state": 0,
}
models = {
    "network": MLPRegressor(**SETTINGS, alpha=0.1),
    "linear model": Ridge(),
}
completed = {"true image": X_test}
for name, model in models.items():
    model.fit(X_train[:, :32], X_train[:, 32:])
    lower = model.predict(X_test[:, :32])
    error = root_mean_squared_error(X_test[:, 32:], lower)
    print(f"{name:12} error {error:.3f}")
    completed[name] = np.column_stack([X_test[:, :32], lower])

fig, axes = plt.subplots(3, 8, figsize=(9, 3.9), layout="constrained")
fig.suptitle("Lower halves of digits, predicted from the upper halves")
for row, (name, images) in zip(axes, completed.items(), strict=True):
    for ax, image in zip(row, images, strict=False):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.axhline(3.5, color="#D55E00", linewidth=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
plt.show()

# %%
# Several labels: find all digits in an image
# -------------------------------------------
# Two digits overlap in an image of 8 × 13 pixels. The target is a matrix of zeros and
# ones with one column for each of the ten digits: a 1 means that the image contains
# the digit (multilabel classification). ``predict_proba`` returns a probability for
# each label; they do not sum to 1.


def draw_two(images, labels, n, rng):
    """Return n images of two digits each, and a matrix of labels."""
    left, right = rng.randint(len(images), size=(2, n))
    canvas = np.zeros((n, 8, 13))
    canvas[:, :, :8] = images[left].reshape(n, 8, 8)
    canvas[:, :, 5:] = np.maximum(canvas[:, :, 5:], images[right].reshape(n, 8, 8))
    present = np.zeros((n, 10), dtype=int)
    present[np.arange(n), labels[left]] = present[np.arange(n), labels[right]] = 1
    return canvas.reshape(n, -1), present


rng = np.random.RandomState(0)
both, labels = draw_two(X_train, digit_train, 4000, rng)
both_test, labels_test = draw_two(X_test, digit_test, 1000, rng)
clf = MLPClassifier(**SETTINGS).fit(both, labels)
found = clf.predict(both_test)
print(f"images with all labels correct: {clf.score(both_test, labels_test):.0%}")
f1 = f1_score(labels_test, found, average="macro")
print(f"F1 score, mean of the ten labels: {f1:.2f}")

fig, axes = plt.subplots(2, 6, figsize=(9, 3), layout="constrained")
fig.suptitle("Digits found in images of two overlapping digits (errors in red)")
for ax, image, row, true in zip(axes.flat, both_test, found, labels_test, strict=False):
    ax.imshow(image.reshape(8, 13), cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(
        ", ".join(map(str, np.flatnonzero(row))) or "none",
        color="black" if np.array_equal(row, true) else "#C00000",
    )
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# Several targets with classes: one network for each
# --------------------------------------------------
# The digits of a pair are side by side. There are two targets with ten classes each.
# `sklearn.multioutput.MultiOutputClassifier` trains one network for each target.

left, right = rng.randint(len(X_train), size=(2, 2000))
pairs = np.column_stack([X_train[left], X_train[right]])
targets = np.column_stack([digit_train[left], digit_train[right]])
left, right = rng.randint(len(X_test), size=(2, 500))
pairs_test = np.column_stack([X_test[left], X_test[right]])
targets_test = np.column_stack([digit_test[left], digit_test[right]])

clf = MultiOutputClassifier(MLPClassifier(**SETTINGS)).fit(pairs, targets)
correct = clf.predict(pairs_test) == targets_test
print(f"accuracy, left digit: {correct[:, 0].mean():.2f}")
print(f"accuracy, right digit: {correct[:, 1].mean():.2f}")
print(f"both correct: {correct.all(axis=1).mean():.2f}")

# %%
# See `Several outputs <https://sknn.github.io/sknn/stable/guide/multioutput.html>`_
# in the user guide for more.
