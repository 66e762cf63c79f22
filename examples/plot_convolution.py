"""
Convolution and pooling: what the layers of a CNN do to an image
================================================================

A convolution slides a small window over the image and computes the same weighted sum at
every position; pooling makes the result smaller. A network learns the weights. Here
they are set by hand, to show what each layer does.
"""

# %%
# Helpers
# -------
# `sknn.network.Network` is the part of an estimator that holds the layers, without
# training. ``apply`` uses it to compute the output of some layers for one image. Images
# are passed and returned as arrays of shape (channels, height, width).

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits, load_sample_image

from sknn.layers import Activation, AvgPool2D, Conv2D, MaxPool2D
from sknn.network import Network


def apply(layers, channels, kernels=()):
    """Return the layers' output for one image; `kernels` are those of a Conv2D."""
    network = Network(layers, channels.shape, np.dtype(float))
    if len(kernels):
        network.weights = [np.reshape(kernels, network.weights[0].shape), 0.0]
    return network.scores(channels[np.newaxis])[0]


def show(ax, pixels, title, **style):
    """Draw one channel."""
    ax.imshow(pixels, **{"cmap": "gray", **style})
    ax.set_title(title, fontsize="medium")
    ax.set(xticks=[], yticks=[])


def write(ax, labels, light, **style):
    """Write labels on the pixels: black on light ones, white on dark ones."""
    for (i, j), label in np.ndenumerate(labels):
        text = label if isinstance(label, str) else f"{label:g}"
        color = "black" if light[i, j] else "white"
        ax.text(j, i, text, ha="center", va="center", color=color, **style)


# %%
# One window
# ----------
# The image is a handwritten digit of 8 × 8 pixels, the kernel has 3 × 3 weights. The
# nine pixels in the window are multiplied by the nine weights and summed, which gives
# one pixel of the output; then the window moves on. The output of this kernel is 0
# where the image is uniform, positive where it is brighter on the right than on the
# left, and negative in the opposite case: the kernel detects vertical edges.
#
# At the border, windows extend beyond the image. ``padding="same"`` fills the missing
# pixels with 0, and the output is as large as the image; ``padding="valid"`` leaves
# these windows out, here the outermost rows and columns of the output.

digit = load_digits().images[2]
vertical = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
edges = apply([Conv2D(1, 3)], digit[np.newaxis], vertical)[0]
row, column = 5, 5

fig, axes = plt.subplots(
    1, 3, figsize=(9, 4), width_ratios=[8, 4, 8], layout="constrained"
)
show(axes[0], digit, "Image", vmin=0, vmax=16)
write(axes[0], digit, digit > 8, fontsize="small")
show(axes[1], vertical, "Kernel", cmap="RdBu_r", vmin=-3, vmax=3)
write(axes[1], vertical, np.ones((3, 3)))
show(axes[2], edges, "Output", cmap="RdBu_r", vmin=-60, vmax=60)
write(axes[2], edges, abs(edges) < 36, fontsize="x-small")
frame = {"fill": False, "edgecolor": "#E69F00", "linewidth": 3}
axes[0].add_patch(Rectangle((column - 1.5, row - 1.5), 3, 3, **frame))
axes[2].add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **frame))
plt.show()

window = digit[row - 1 : row + 2, column - 1 : column + 2]
print("sum of window * kernel:", (window * vertical).sum())
print("pixel of the output:   ", edges[row, column])

# %%
# Several kernels
# ---------------
# Each kernel of a layer creates one channel of the output, a map of where in the image
# its pattern occurs. The kernels below have long been used in image processing; a
# network learns its own. In the edge maps gray is 0, white positive and black negative.
# The lines along the border are due to ``padding="same"``, which treats everything
# outside as black.

photo = load_sample_image("flower.jpg")[:416, 80:560].mean(axis=2) / 255  # gray
photo = apply([AvgPool2D(4)], photo[np.newaxis])  # 104 × 120 pixels

kernels = {
    "blur": np.full((3, 3), 1 / 9),
    "vertical edges": vertical / 4,
    "horizontal edges": vertical.T / 4,
    "contours": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 4,
}
maps = apply([Conv2D(4, 3)], photo, list(kernels.values()))

fig, axes = plt.subplots(
    2, 5, figsize=(10, 3.7), height_ratios=[1, 2], layout="constrained"
)
axes[0, 0].set_axis_off()
show(axes[1, 0], photo[0], "image", vmin=0, vmax=1)
for (kernel_ax, ax), (name, kernel), channel in zip(
    axes.T[1:], kernels.items(), maps, strict=True
):
    show(kernel_ax, kernel, "", cmap="RdBu_r", vmin=-1, vmax=1)
    labels = np.full((3, 3), "1/9") if name == "blur" else kernel
    write(kernel_ax, labels, abs(kernel) < 1, fontsize="x-small")
    scale = {"vmin": 0, "vmax": 1} if name == "blur" else {"vmin": -0.4, "vmax": 0.4}
    show(ax, channel, name, **scale)
plt.show()

# %%
# Translation equivariance
# ------------------------
# All windows share one kernel, so shifting the image shifts the output: what the
# network learns at one position applies everywhere.

moved = np.roll(photo, 10, axis=2)
edges_of_moved = apply([Conv2D(4, 3)], moved, list(kernels.values()))
inside = np.s_[:, :, 15:-5]  # away from the border
equal = np.allclose(edges_of_moved[inside], np.roll(maps, 10, axis=2)[inside])
print("equal to the shifted output:", equal)

# %%
# Activation and pooling
# ----------------------
# As in any network, an activation follows; ``relu`` keeps edges of one direction and
# sets the others to 0. Pooling then reduces each window to one number, its maximum or
# its mean. The windows do not overlap: 2 × 2 pixels become one. The result is coarser,
# and a later convolution of the same size covers more of the image.

positive = apply([Activation("relu")], maps[1:2])
pooled = {
    "relu": positive,
    "MaxPool2D(2)": apply([MaxPool2D(2)], positive),
    "MaxPool2D(4)": apply([MaxPool2D(4)], positive),
    "AvgPool2D(4)": apply([AvgPool2D(4)], positive),
}

fig, axes = plt.subplots(1, 5, figsize=(10, 2.5), layout="constrained")
show(axes[0], maps[1], "vertical edges\n104 × 120", vmin=-0.4, vmax=0.4)
for ax, (name, channel) in zip(axes[1:], pooled.items(), strict=True):
    height, width = channel.shape[1:]
    show(ax, channel[0], f"{name}\n{height} × {width}", vmin=0, vmax=0.4)
plt.show()

# %%
# Pooling reduces the effect of small shifts. If the image is shifted by one pixel, by
# how much does the edge map change, relative to its norm? The larger the pooling
# window, the smaller the change.

positive_of_moved = apply(
    [Conv2D(1, 3), Activation("relu")], np.roll(photo, 1, axis=2), vertical / 4
)
for size in [1, 2, 4, 8]:
    before, after = (
        apply([MaxPool2D(size)], channels) for channels in (positive, positive_of_moved)
    )
    changed = np.linalg.norm(after - before) / np.linalg.norm(before)
    print(f"MaxPool2D({size}): {changed:.2f}")

# %%
# Parameter sharing
# -----------------
# The plot compares three layers that turn a grayscale image of 28 × 28 pixels into 32
# channels of the same size. In a dense layer each output is connected to each pixel. If
# each output is connected only to the 3 × 3 pixels around it, with separate weights, it
# has ten parameters: nine weights and a bias. A convolution uses the same ten
# parameters at all positions of a channel.

side, channels = 28, 32
n_outputs = channels * side**2
network = Network([Conv2D(channels, 3)], (1, side, side), np.dtype(float))
counts = {
    "dense": (side**2 + 1) * n_outputs,
    "3 × 3 pixels each,\nnot shared": (9 + 1) * n_outputs,
    "Conv2D(32, 3)": network.theta.size,
}

fig, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
bars = ax.barh(list(counts), list(counts.values()), color="#0072B2")
ax.bar_label(bars, [f"{n:,}" for n in counts.values()], padding=4)
ax.invert_yaxis()
ax.set(
    title="Parameters of three kinds of layers",
    xscale="log",
    xlim=(1e2, 4e8),
    xlabel="Parameters",
)
plt.show()

# %%
# See `Images <https://sknn.github.io/sknn/stable/guide/images.html>`_ in the user
# guide for convolutional networks that are trained.
