"""
Augmenting images when there are few
====================================

A flower that is mirrored, slightly rotated or darker is still a flower. Augmentation
shows the network a new variation of each training image in every epoch, so that it
learns what does not matter. This example shows what each augmentation does, how much it
helps with few images, and how to find the right strength.
"""

# %%
# The augmentations
# -----------------
# Each augmentation is an object with parameters. The first image of each panel is the
# original. The augmentations on the left move the image: pixels that come in from
# outside are 0, here black, or with ``fill="nearest"`` the nearest pixel. The
# augmentations on the right change the colors of the image or cover a part of it. The
# last panel shows mixup: between its two original images are mixtures of them.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import ShuffleSplit, validation_curve

from sknn import CNNClassifier
from sknn.augmentation import (
    Brightness,
    Contrast,
    Cutout,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomShift,
    Saturation,
)
from sknn.display import AugmentationDisplay

photos = [photo[:416, 112:528] / 255 for photo in load_sample_images().images]
# 104 × 104 pixels, each the mean of 4 × 4.
temple, flower = (
    photo.reshape(104, 4, 104, 4, 3).mean(axis=(1, 3)) for photo in photos
)

augmentations = [  # left, right, left, right ...
    RandomFlip(),
    Brightness(0.4),
    RandomRotation(30),
    Contrast(0.8),
    RandomShift(0.25),
    Saturation(1.0),
    RandomScale(1.5),
    Cutout(0.4),
    RandomCrop(20, fill="nearest"),
]
fig, axes = plt.subplots(5, 2, figsize=(9.5, 6.8), layout="constrained")
fig.get_layout_engine().set(wspace=0.06)
for i, (ax, augmentation) in enumerate(zip(axes.flat, augmentations, strict=False)):
    photo = flower if i % 2 else temple
    AugmentationDisplay.from_augmentation(
        augmentation, photo[np.newaxis], n_draws=4, random_state=1, ax=ax
    )
    ax.set_title(repr(augmentation), fontsize="medium")
    ax.set_xticks([])

# Mixup works on the batch: it mixes images, and their targets in the same proportions.
shares = [0, 0.25, 0.5, 0.75, 1]
mixed = [share * temple + (1 - share) * flower for share in shares]
axes[4, 1].imshow(np.concatenate(mixed, axis=1))
axes[4, 1].set_title("Mixup: two images and their mixtures", fontsize="medium")
axes[4, 1].set_axis_off()
plt.show()

# %%
# Combining augmentations
# -----------------------
# A list is applied from first to last. Consecutive geometric augmentations are
# combined, so that the pixels are interpolated only once.

digits = load_digits()
recipe = [RandomRotation(15), RandomScale(1.2), RandomShift(0.1)]
AugmentationDisplay.from_augmentation(
    recipe, digits.images[:3] / 16, n_draws=8, random_state=0
).ax_.set_title("Three digits, rotated, scaled and shifted")
plt.show()

# %%
# Few images
# ----------
# Each digit is placed in a field of 12 × 12 pixels, up to two pixels from the center. A
# few hundred images are not enough for a network to learn that the position does not
# matter. Augmentation helps: ``RandomCrop(2)`` shifts each image by up to two whole
# pixels, differently in each epoch. Each training set is drawn three times.

y = digits.target
rng = np.random.RandomState(0)
X = np.zeros((len(y), 12, 12), dtype=np.float32)
for field, image in zip(X, digits.images / 16, strict=True):
    top, left = rng.randint(5, size=2)
    field[top : top + 8, left : left + 8] = image

clf = CNNClassifier(
    (16, 32),
    hidden_layer_sizes=(64,),
    batch_size=20,
    learning_rate="cosine",
    learning_rate_init=0.003,
    max_iter=40,
    n_iter_no_change=np.inf,
    random_state=0,
)
sizes = [100, 200, 400]
scores = {}
start = perf_counter()
for augmentation in [None, [RandomCrop(2)]]:
    clf.set_params(augmentation=augmentation)
    scores[repr(augmentation)] = np.array(
        [
            [
                clf.fit(X[train], y[train]).score(X[test], y[test])
                for train, test in ShuffleSplit(
                    3, train_size=size, test_size=1000, random_state=0
                ).split(X)
            ]
            for size in sizes
        ]
    )
print(f"18 fits: {perf_counter() - start:.0f} s")

fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, accuracy), color, marker in zip(
    scores.items(), ["#D55E00", "#0072B2"], "os", strict=True
):
    ax.plot(sizes, accuracy.mean(axis=1), color=color, linewidth=2)
    ax.plot(sizes, accuracy, marker, color=color, alpha=0.6)
    ax.plot([], [], marker + "-", color=color, label=f"augmentation={name}")
    print(f"augmentation={name:25}", accuracy.mean(axis=1).round(3))
ax.set(
    title="Accuracy with and without augmentation",
    xlabel="Training images",
    ylabel="Test accuracy",
    xticks=sizes,
)
ax.grid(alpha=0.3)
ax.legend()
plt.show()

# %%
# Choosing the strength
# ---------------------
# The parameters of an augmentation are parameters of the estimator:
# ``augmentation__0__padding`` is the ``padding`` of the first one in the list. A search
# or a validation curve can vary them. Shifting by one or two pixels is best, about as
# much as the digits really vary; with larger shifts, parts of the digits leave the
# field. Rotation does not help here, and the larger it is, the lower the accuracy: the
# test images are upright. An augmentation should vary the images in the same ways, and
# about as much, as new images vary.

cv = ShuffleSplit(3, train_size=200, test_size=1000, random_state=0)
curves = {}
start = perf_counter()
for augmentation, name, values in [
    ([RandomCrop(2)], "augmentation__0__padding", [0, 1, 2, 3, 4]),
    ([RandomRotation(), RandomCrop(2)], "augmentation__0__degrees", [0, 20, 90]),
]:
    clf.set_params(augmentation=augmentation)
    _, accuracy = validation_curve(
        clf, X, y, param_name=name, param_range=values, cv=cv
    )
    curves[name] = augmentation, values, accuracy
print(f"24 fits: {perf_counter() - start:.0f} s")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, (name, (augmentation, values, accuracy)) in zip(
    axes, curves.items(), strict=True
):
    ax.plot(values, accuracy.mean(axis=1), color="#0072B2", linewidth=2)
    ax.plot(values, accuracy, "o", color="#0072B2", alpha=0.6)
    ax.set(xlabel=name, xticks=values)
    ax.set_title(augmentation, fontsize="medium")
    ax.grid(alpha=0.3)
axes[0].set(ylabel="Test accuracy", ylim=(0, 1))
plt.show()

# %%
# See `Images <https://sknn.github.io/sknn/stable/guide/images.html>`_
# in the user guide for more about augmentation, and `Regularization
# <https://sknn.github.io/sknn/stable/guide/regularization.html>`_ for mixup.
