"""
Preprocessing: what scaling does to training
============================================

A network is trained by small steps against the gradient, and these work best when all
features are of a size: around 0, with a spread around 1. scikit-learn's transformers
make them so, in a pipeline in front of the network. Here is what each does to the data,
and to the training.
"""

# %%
# Six views of the same rows
# --------------------------
# Measurements of cell nuclei from 569 tumours, benign or malignant. Two of the 30
# features are drawn: the perimeter, in the tens to hundreds, and the concavity, below
# 0.5. Besides, they are correlated: large nuclei are hollow more often.
#
# - **centred**: the mean of each feature is subtracted.
# - **min-max**: each feature is moved and stretched into [0, 1].
# - **standardised**: centred, then divided by the standard deviation, so that all
#   features have a spread of 1.
# - **PCA**: standardised, then turned so that the features are no longer correlated;
#   the spread of the first is the largest now.
# - **whitened**: each of those is divided by its standard deviation. The cloud is
#   round: no direction is longer than another.

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

warnings.simplefilter("ignore", ConvergenceWarning)  # to use all epochs is the plan

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(
    data.data, data.target, stratify=data.target, random_state=0
)

transformers = {
    "raw": [],
    "centred": [StandardScaler(with_std=False)],
    "min-max": [MinMaxScaler()],
    "standardised": [StandardScaler()],
    "PCA": [StandardScaler(), PCA()],
    "whitened": [StandardScaler(), PCA(whiten=True)],
}
# Colours that colour-blind readers can distinguish.
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
    if name not in ("raw", "centred"):
        ax.set_aspect("equal", adjustable="datalim")
    ax.grid(alpha=0.3)
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
plt.show()

# %%
# What it does to the loss curve
# ------------------------------
# The same network and the same learning rate each time, with plain gradient descent,
# on all 30 features. On the raw features nothing is learned: the area, in the
# thousands, drives every tanh to its flat ends, where the gradient is 0. Centring
# helps a little, a common scale a lot: a step that is right for one weight is now right
# for all. Whitening makes the training loss fall lowest.


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
    dashes = "--" if name == "PCA" else "-"  # it lies on top of "standardised"
    LossCurveDisplay.from_estimator(
        pipe, ax=ax, label=name, color=style[name], linestyle=dashes, linewidth=2
    )
    print(
        f"{name:14} training loss {pipe[-1].loss_:.3f}   "
        f"test accuracy {pipe.score(X_test, y_test):.3f}"
    )
ax.set_ylabel("Training loss")
ax.get_legend().remove()
fig.legend(loc="outside right center")
plt.show()

# %%
# On the test rows, however, whitening is worse than standardising. The last components
# of PCA hardly vary: they are mostly noise, which whitening blows up to the size of
# everything else, for the network to learn by heart. ``PCA(n_components=0.99,
# whiten=True)`` would leave them out.

pipe = make_pipeline(
    StandardScaler(), PCA(n_components=0.99, whiten=True), make_net()
).fit(X_train, y_train)
print(f"{pipe[-2].n_components_} components of 30")
print(f"test accuracy {pipe.score(X_test, y_test):.3f}")

# %%
# Which learning rates work
# -------------------------
# A learning-rate range test raises the rate from step to step until the loss explodes.
# On raw features no rate brings the loss much below 0.66, which is what one gets by
# always predicting the share of malignant tumours. On centred ones it begins high and
# gets to 0.3, on standardised ones to 0.1, and falls over two decades of rates. So
# standardise first, and look for a learning rate then.

fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained"
)
for ax, name in zip(axes, ("raw", "centred", "standardised"), strict=True):
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
plt.show()
