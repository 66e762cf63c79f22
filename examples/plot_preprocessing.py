"""
Scaling features before training
================================

A network is trained by small steps along the negative gradient, which work best when
all features have the same scale: a mean near 0 and a standard deviation near 1.
scikit-learn's transformers provide this, in a pipeline before the network. This example
shows what each does to the data and to training.
"""

# %%
# Six versions of the same data
# -----------------------------
# The data are measurements of cell nuclei from 569 tumors, benign or malignant. Two of
# the 30 features are plotted: the perimeter, in the tens to hundreds, and the
# concavity, below 0.5. They are correlated: large nuclei tend to be more concave.
#
# - **centered**: the mean of each feature is subtracted.
# - **min-max**: each feature is shifted and scaled to [0, 1].
# - **standardized**: centered, then divided by the standard deviation, so that every
#   feature has a standard deviation of 1.
# - **PCA**: standardized, then rotated so that the features are no longer correlated;
#   the first one now has the largest standard deviation.
# - **whitened**: each component is divided by its standard deviation. The cloud is
#   round: it has the same extent in all directions.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknn import MLPClassifier
from sknn.display import LearningRateRangeDisplay, LossCurveDisplay

warnings.simplefilter("ignore", ConvergenceWarning)  # using all epochs is intended

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(
    data.data, data.target, stratify=data.target, random_state=0
)

transformers = {
    "raw": [],
    "centered": [StandardScaler(with_std=False)],
    "min-max": [MinMaxScaler()],
    "standardized": [StandardScaler()],
    "PCA": [StandardScaler(), PCA()],
    "whitened": [StandardScaler(), PCA(whiten=True)],
}
# Colors that color-blind readers can distinguish.
colors = ["black", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#D55E00"]
style = dict(zip(transformers, colors, strict=True))

two = [list(data.feature_names).index(f"mean {f}") for f in ("perimeter", "concavity")]

fig, axes = plt.subplots(2, 3, figsize=(9, 5.8), layout="constrained")
for ax, (name, steps) in zip(axes.flat, transformers.items(), strict=True):
    X_two = X_train[:, two]
    if steps:
        X_two = make_pipeline(*steps).fit_transform(X_two)
    for label, marker, color in ((0, "x", "#D55E00"), (1, ".", "#0072B2")):
        ax.scatter(
            *X_two[y_train == label].T,
            marker=marker,
            color=color,
            alpha=0.5,
            label=data.target_names[label],
        )
    turned = "PCA" in name or "whitened" in name
    ax.set(
        title=name,
        xlabel="first component" if turned else "mean perimeter",
        ylabel="second component" if turned else "mean concavity",
    )
    if name not in ("raw", "centered"):
        ax.set_aspect("equal", adjustable="datalim")
    ax.grid(alpha=0.3)
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
plt.show()

# %%
# Effect on the loss curve
# ------------------------
# The same network is trained with the same learning rate each time, by plain gradient
# descent, on all 30 features. On the raw features it learns nothing: the area, in the
# thousands, saturates every tanh, where the gradient is 0. Centering already helps a
# lot. A common scale helps further: a step size that suits one weight now suits all of
# them. Whitening reaches the lowest training loss.


def make_net(**params):
    params = {"learning_rate_init": 0.3, "max_iter": 30, **params}
    return MLPClassifier(
        hidden_layer_sizes=(30,),
        activation="tanh",
        solver="sgd",
        momentum=0.0,
        batch_size=32,
        n_iter_no_change=np.inf,
        random_state=0,
        **params,
    )


fig, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
for name, steps in transformers.items():
    pipe = make_pipeline(*steps, make_net()).fit(X_train, y_train)
    dashes = "--" if name == "PCA" else "-"  # it coincides with "standardized"
    LossCurveDisplay.from_estimator(
        pipe, ax=ax, label=name, color=style[name], linestyle=dashes, linewidth=2
    )
    print(
        f"{name:14} training loss {pipe[-1].loss_:.3f}   "
        f"test accuracy {pipe.score(X_test, y_test):.3f}"
    )
ax.set(title="Loss curves of the six versions", ylabel="Training loss")
ax.get_legend().remove()
fig.legend(loc="outside right center")
plt.show()

# %%
# On the test rows, however, whitening is worse than standardizing. The last components
# of PCA hardly vary: they are mostly noise, which whitening scales up to the size of
# everything else, so that the network memorizes it. ``PCA(n_components=0.99,
# whiten=True)`` leaves them out. That helps, but here standardizing alone is still
# better.

pipe = make_pipeline(
    StandardScaler(), PCA(n_components=0.99, whiten=True), make_net()
).fit(X_train, y_train)
print(f"{pipe[-2].n_components_} components of 30")
print(f"test accuracy {pipe.score(X_test, y_test):.3f}")

# %%
# Which learning rates work
# -------------------------
# A learning-rate range test increases the rate step by step until the loss explodes. On
# the raw features no rate brings the loss much below 0.66, the loss of always
# predicting the proportion of malignant tumors. On the centered features the loss
# starts high and falls to 0.3; on the standardized ones it falls to 0.1, over two
# orders of magnitude of rates. So standardize first, then look for a learning rate.

fig, axes = plt.subplots(
    1, 3, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, name in zip(axes, ("raw", "centered", "standardized"), strict=True):
    LearningRateRangeDisplay.from_estimator(
        make_pipeline(*transformers[name], make_net()),
        X_train,
        y_train,
        min_rate=1e-4,
        ax=ax,
        color=style[name],
    )
    ax.set(title=name, ylim=(0, 2))
    ax.label_outer()
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))  # below the plot
plt.show()

# %%
# See `The training recipe <https://sknn.github.io/sknn/stable/guide/recipe.html>`_ in
# the user guide for all steps, from the first checks to the search.
