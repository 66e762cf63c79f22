"""
Recognizing handwritten digits with LeNet-5
===========================================

LeNet-5 is the network of LeCun, Bottou, Bengio and Haffner ("Gradient-based learning
applied to document recognition", Proceedings of the IEEE, 1998): two blocks of
convolution and pooling, then three dense layers. This example uses a modern variant,
with ReLU and max pooling. It recognizes digits that are not always centered, and is
compared with a network of dense layers that has about the same number of parameters.
"""

# %%
# Digits shifted by up to two pixels
# ----------------------------------
# Each of scikit-learn's digits, 8 × 8 pixels, is placed in a field of 14 × 14, up to
# two pixels from the center, and enlarged by two: images of 28 × 28 pixels, as in the
# paper. A thousand images are for training, 300 for validation, and the others are test
# images.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknn import CNNClassifier, MLPClassifier
from sknn.display import FilterDisplay
from sknn.layers import Activation, Conv2D
from sknn.network import Network

# sphinx_gallery_thumbnail_number = 2

digits = load_digits()
y = digits.target
rng = np.random.RandomState(0)
X = np.zeros((len(y), 14, 14), dtype=np.float32)
for field, image in zip(X, digits.images / 16, strict=True):
    top, left = 3 + rng.randint(-2, 3, size=2)
    field[top : top + 8, left : left + 8] = image
X = X.repeat(2, axis=1).repeat(2, axis=2)
X_train, X_val, X_test = np.split(X, [1000, 1300])
y_train, y_val, y_test = np.split(y, [1000, 1300])

fig, axes = plt.subplots(1, 8, figsize=(9, 1.9), layout="constrained")
fig.suptitle("Shifted digits")
for ax, image, label in zip(axes, X, y, strict=False):
    ax.imshow(image, cmap="gray")
    ax.set(title=label, xticks=[], yticks=[])
plt.show()

# %%
# Two networks
# ------------
# `sknn.CNNClassifier` builds this variant of LeNet-5 from the parameters below, and
# takes the images as they are. `sknn.MLPClassifier` takes rows of numbers. After each
# epoch both are scored on the validation images, only to plot the curves.

settings = {
    "batch_size": 32,
    "learning_rate": "cosine",
    "learning_rate_init": 0.005,
    "max_iter": 25,
    "random_state": 0,
}
lenet = CNNClassifier(
    (6, 16),
    kernel_size=5,
    padding=("same", "valid"),
    hidden_layer_sizes=(120, 84),
    **settings,
)
mlp = MLPClassifier((78,), **settings)

lenet.fit(X_train, y_train, X_val=X_val, y_val=y_val)
rows_train, rows_val, rows_test = (x.reshape(-1, 784) for x in (X_train, X_val, X_test))
mlp.fit(rows_train, y_train, X_val=rows_val, y_val=y_val)
print(lenet.summary())

# %%
# The convolutions have 156 and 2,416 parameters; most of the others are in the first
# dense layer. The dense network has about as many in total, nearly all of them in its
# first layer:

print(mlp.summary())

# %%
# Learning curves
# ---------------
# Both fit the training images almost perfectly. But to dense layers a shifted digit has
# little in common with the original, so what they learn at one position does not help
# at another. What a convolution learns at one position applies everywhere.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, layout="constrained")
for name, net, color in [
    ("LeNet-5", lenet, "#0072B2"),
    ("dense layers", mlp, "#D55E00"),
]:
    epochs = range(1, len(net.loss_curve_) + 1)
    axes[0].plot(epochs, net.loss_curve_, color=color, linewidth=2, label=name)
    axes[1].plot(epochs, net.validation_scores_, color=color, linewidth=2, label=name)
fig.suptitle("Learning curves of LeNet-5 and of dense layers")
axes[0].set(xlabel="Epoch", ylabel="Training loss")
axes[1].set(xlabel="Epoch", ylabel="Validation accuracy", ylim=(0, 1))
axes[1].legend()
axes[1].grid(alpha=0.3)
plt.show()

for name, net, training_rows, test_rows in [
    ("LeNet-5", lenet, X_train, X_test),
    ("dense layers", mlp, rows_train, rows_test),
]:
    training, test = net.score(training_rows, y_train), net.score(test_rows, y_test)
    print(f"{name:14} training accuracy {training:.3f}   test {test:.3f}")

# %%
# Weights of the first layers
# ---------------------------
# LeNet-5 has six kernels of 5 × 5 pixels: small patterns of positive (red) and negative
# (blue) weights, detected at any position. The dense units see the whole image; twelve
# of them are shown.

fig, axes = plt.subplots(
    2, 1, figsize=(8, 4.3), height_ratios=[1, 2.1], layout="constrained"
)
fig.get_layout_engine().set(hspace=0.1)  # between the color bars
FilterDisplay.from_estimator(lenet, n_columns=6, ax=axes[0])
axes[0].set_title("LeNet-5: kernels of the first convolution", fontsize="medium")
FilterDisplay.from_estimator(mlp, n_filters=12, n_columns=6, ax=axes[1])
axes[1].set_title("Dense layers: weights of twelve units", fontsize="medium")
plt.show()

# %%
# Output of the first convolution
# -------------------------------
# A network that consists of the first convolution alone is applied to a digit: its
# output has six channels, each a map of where the kernel has found its pattern. The
# first kernel responds to whole strokes, others to their edges.

first = Network([Conv2D(6, 5), Activation("relu")], (1, 28, 28), np.dtype(float))
first.weights = lenet.get_weights()[:2]
maps = first.scores(X_test[:1, np.newaxis])[0]

fig, axes = plt.subplots(1, 7, figsize=(9, 2.1), layout="constrained")
fig.suptitle("Output of the first convolution")
axes[0].imshow(X_test[0], cmap="gray")
axes[0].set_title("image", fontsize="medium")
for i, ax in enumerate(axes[1:]):
    ax.imshow(maps[i], cmap="gray", vmin=0, vmax=maps.max())
    ax.set_title(f"kernel {i + 1}", fontsize="medium")
for ax in axes:
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# See `Images <https://sknn.github.io/sknn/stable/guide/images.html>`_ in the user
# guide for other convolutional networks.
