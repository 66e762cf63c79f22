"""
Transfer learning: from eight digits to two others
==================================================

A network that has learned to distinguish some images has learned features that are
useful for other images, such as strokes and curves. Here a network learns the digits 0
to 7 from more than a thousand images. It is then used to distinguish 8 from 9, of which
there are few images.
"""

# %%
# The digits
# ----------
# Each digit is placed in a field of 12 × 12 pixels, up to two pixels from the center.
# Half of the images of 8 and 9 are test images.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import CNNClassifier
from sknn.augmentation import RandomCrop

digits = load_digits()
y = digits.target
rng = np.random.RandomState(0)
X = np.zeros((len(y), 12, 12), dtype=np.float32)
for field, image in zip(X, digits.images / 16, strict=True):
    top, left = rng.randint(5, size=2)
    field[top : top + 8, left : left + 8] = image
old = y < 8
X_new, X_test, y_new, y_test = train_test_split(
    X[~old], y[~old], test_size=0.5, stratify=y[~old], random_state=0
)
print(f"0 to 7:  {old.sum()} images")
print(f"8 and 9: {len(y_new)} images for training, {len(y_test)} test images")

# %%
# Pretraining
# -----------
# Augmentation shifts the images in each epoch, so that what is learned holds at every
# position.

pretrained = CNNClassifier(
    (16, 32),
    hidden_layer_sizes=(32,),
    augmentation=[RandomCrop(2)],
    batch_size=32,
    learning_rate="cosine",
    learning_rate_init=0.005,
    max_iter=20,
    random_state=0,
).fit(X[old], y[old])
print(f"accuracy on 0 to 7: {pretrained.score(X[old], y[old]):.3f}")
print(pretrained.summary())

# %%
# Ways to use the pretrained network
# ----------------------------------
# With ``init_from``, training starts from the weights of another network. The classes
# differ, so the output layer is new. `sklearn.frozen.FrozenEstimator` prevents
# scikit-learn from replacing the fitted network with an unfitted clone in pipelines,
# searches and cross-validation.
#
# - *from scratch*: the same network, without pretrained weights;
# - *fine-tuned*: all layers continue to learn;
# - *convolutions frozen*: only the dense layers learn;
# - *features*: the network stays unchanged and turns images into 32 numbers, the output
#   of its last hidden layer, for a logistic regression.

source = FrozenEstimator(pretrained)
settings = {
    "conv_channels": (16, 32),
    "hidden_layer_sizes": (32,),
    "batch_size": 10,
    "learning_rate": "cosine",
    "learning_rate_init": 0.005,
    "max_iter": 30,
    "n_iter_no_change": np.inf,
}
WAYS = {
    "from scratch": CNNClassifier(**settings),
    "fine-tuned": CNNClassifier(**settings, init_from=source),
    "convolutions frozen": CNNClassifier(**settings, init_from=source, freeze="conv"),
    "features": make_pipeline(source, StandardScaler(), LogisticRegression()),
}

# %%
# Frozen layers do not change, and need no backward pass; the summary marks them.

print(WAYS["convolutions frozen"].fit(X_new, y_new).summary())

# %%
# Fifty images
# ------------
# The 50 images of 8 and 9 are drawn five times, each time with different initial
# weights; the bars are the means.


def accuracies(way, n_images):
    """Return the test accuracies for five draws of the training images."""
    scores = []
    for seed in range(5):
        X_few, _, y_few, _ = train_test_split(
            X_new, y_new, train_size=n_images, stratify=y_new, random_state=seed
        )
        estimator = WAYS[way]
        if way != "features":
            estimator.set_params(random_state=seed)
        scores.append(estimator.fit(X_few, y_few).score(X_test, y_test))
    return np.array(scores)


sizes = [10, 20, 50, 100]
start = perf_counter()
scores = {way: np.array([accuracies(way, n) for n in sizes]) for way in WAYS}
print(f"80 fits: {perf_counter() - start:.0f} s")
for way, of_sizes in scores.items():
    print(f"{way:20} {of_sizes[sizes.index(50)].mean():.3f}")

COLORS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7"]
fig, ax = plt.subplots(figsize=(6.5, 2.6), layout="constrained")
for i, (of_sizes, color) in enumerate(zip(scores.values(), COLORS, strict=True)):
    of_50 = of_sizes[sizes.index(50)]
    ax.plot(of_50, np.full(5, i), "o", color=color, alpha=0.6)
    ax.plot(of_50.mean(), i, "|", color=color, markersize=22, markeredgewidth=3)
ax.set_yticks(range(len(WAYS)), WAYS)
ax.invert_yaxis()
ax.set(
    title="Accuracy with 50 training images", xlabel="Test accuracy", ylim=(3.5, -0.5)
)
ax.grid(axis="x", alpha=0.3)
plt.show()

# %%
# Fewer and more images
# ---------------------
# Fine-tuning all layers is best for each number of images. Compared with the
# network from scratch, pretraining helps most with 20 images. With more images the
# network from scratch catches up. Features that were learned for other classes cannot
# adapt, and gain least from more images.

fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for (way, of_sizes), color, marker in zip(scores.items(), COLORS, "osD^", strict=True):
    ax.plot(sizes, of_sizes.mean(axis=1), marker + "-", color=color, label=way)
ax.set(
    title="Accuracy with few and many training images",
    xlabel="Training images of 8 and 9",
    ylabel="Mean test accuracy",
    xscale="log",
)
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend()
plt.show()

# %%
# See `Transfer learning <https://sknn.github.io/sknn/stable/guide/transfer.html>`_ in
# the user guide for more, such as a learning rate for each layer.
