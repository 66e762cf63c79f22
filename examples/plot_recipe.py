"""
The training recipe: seven steps to a tuned network
===================================================

A neural network fits without a complaint when a setting is wrong; it is only worse than
it could be. Those who train many of them therefore go by a recipe [1]_, from checks
that take a second to a search that takes the most. Here it is in seven steps, from a
network as one might set it up at first to a tuned one, each step with the tool for it.
"""

# %%
# The data, and a first network
# -----------------------------
# Images of handwritten digits, 8 x 8 pixels with values from 0 to 16. Only 600 of them
# are for training, so that there is something to gain; the other 1197 are test rows,
# which nobody looks at until the end.
#
# Weights begin at random, of a size that suits features of about 1, and so features
# have to be scaled. In a pipeline the scaler goes along with the network wherever that
# goes: into each check, each search, each split.
#
# A few words for what follows. The *loss* is what training makes small; for a
# classifier it is ``sklearn.metrics.log_loss``. Training takes many small steps, each
# on a *batch* of rows, here 32. The *learning rate* is how long the steps are. When all
# rows have been used once an *epoch* is over. The solver, plain gradient descent
# (``"sgd"``), and its learning rate of 0.001 are our first guess.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from sknn import MLPClassifier
from sknn.display import (
    ActivationDisplay,
    LearningRateRangeDisplay,
    LossCurveDisplay,
    SearchDisplay,
)
from sknn.inspection import (
    activation_statistics,
    check_initial_loss,
    check_overfits_small_sample,
    doctor,
    gradient_statistics,
    learning_rate_range_test,
)
from sknn.model_selection import CoarseToFineSearchCV, search_space

# Where training should go on longer is what this page is about.
warnings.simplefilter("ignore", ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=600, stratify=y, random_state=0
)


def behind_scaler(net):
    """Return a network behind a scaler that moves each feature into [0, 1]."""
    return Pipeline([("scale", MinMaxScaler()), ("net", net)])


net = MLPClassifier(
    solver="sgd", learning_rate_init=0.001, batch_size=32, random_state=0
)
first = behind_scaler(net)

fig, axes = plt.subplots(2, 10, figsize=(9, 2.2), layout="constrained")
for ax, image, digit in zip(axes.flat, X_train, y_train, strict=False):
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set_title(digit)
    ax.axis("off")
plt.show()

# %%
# 1. Look at the first loss
# -------------------------
# Before training a network knows nothing, and should say so: each of the ten digits has
# the probability 1/10, and the loss is log 10 = 2.3. So it is.

print(check_initial_loss(first, X_train, y_train))

# %%
# Without the scaler it is not:

print(check_initial_loss(net, X_train, y_train))

# %%
# The picture shows why. For each row the network computes ten scores, its output, and
# the digit with the largest score is the prediction. On scaled pixels all scores are
# near 0, which says "I do not know". On raw ones they are large: the network is sure,
# of what nobody has taught it, and would first have to unlearn that.

fig, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
for ax, (name, model) in zip(
    axes, {"Scaled pixels": first, "Raw pixels": net}.items(), strict=True
):
    ActivationDisplay.from_estimator(
        model, X_train, y_train, layers=["input", "output"], ax=ax, name=name
    )
    ax.set(xlim=(-16, 16), xlabel="Value")
plt.show()

# %%
# 2. Learn a few rows by heart
# ----------------------------
# A network that cannot learn five batches by heart, all regularisation off, will not
# learn 600 rows either. That takes a second, and finds settings that cannot work.

print(check_overfits_small_sample(first, X_train, y_train))

# %%
# Not good: 500 epochs, and still not all of 160 rows are right. The loss falls,
# however, so nothing is broken. A network that is says this, here with an absurd
# learning rate:

broken = clone(first).set_params(net__learning_rate_init=1e-6)
print(check_overfits_small_sample(broken, X_train, y_train))

# %%
# The loss of both, while they learn 160 rows: the one creeps, the other is stuck.

X_few, _, y_few, _ = train_test_split(
    X_train, y_train, train_size=160, stratify=y_train, random_state=0
)
_, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for name, model in {"rate 0.001": first, "rate 0.000001": broken}.items():
    few = clone(model).set_params(net__max_iter=500, net__n_iter_no_change=np.inf)
    LossCurveDisplay.from_estimator(few.fit(X_few, y_few), ax=ax, name=name)
ax.set_ylim(0, None)
plt.show()

# %%
# 3. Find a learning rate
# -----------------------
# The advice was another learning rate. The range test tries many in a single run of 100
# steps: it begins with tiny ones, and makes each longer than the last. The loss stays,
# falls, and rises again when the steps have become too long.

rates = learning_rate_range_test(first, X_train, y_train)
print(rates)

LearningRateRangeDisplay.from_result(rates)
plt.show()

# %%
# The suggestion is a hundred times what we had. With it the rows of step 2 are learnt
# within a few epochs:

second = clone(first).set_params(net__learning_rate_init=rates.suggestion)
print(check_overfits_small_sample(second, X_train, y_train))

# %%
# 4. Search coarsely, for a few epochs
# ------------------------------------
# Now to the other parameters. ``search_space`` knows which ranges suit a network. We
# take its medium one, with a few changes. The learning rate is drawn from around the
# suggestion, a factor of 10 down and up. The size of the batches stays, since the
# suggestion is for batches of 32. The schedule stays too: ``"cosine"`` lowers the
# learning rate to 0 over the epochs, however many, and so is fair to short training and
# to long. And ``max_grad_norm=1`` shortens steps that are far too long, so that the
# larger rates have a chance. The space is printed below: ``alpha`` is the penalty on
# large weights, the activation function is what a unit makes of its sum, and dropout
# leaves out units at random in training (:doc:`/guide/activations`,
# :doc:`/guide/regularization`).

model = clone(second).set_params(
    net__learning_rate="cosine", net__max_grad_norm=1.0, net__max_iter=90
)
space = search_space(model, "medium")
del space["net__learning_rate"], space["net__batch_size"]
space["net__learning_rate_init"] = loguniform(
    rates.suggestion / 10, rates.suggestion * 10
)
for name, values in space.items():
    if not isinstance(values, list):
        values = "from {:.2g} to {:.2g}".format(*values.support())
    print(f"{name:24}", values)

# %%
# ``CoarseToFineSearchCV`` does this step and the next, in three rounds. What is bad is
# seen soon. So in the first round 27 candidates are drawn at random, and trained for 10
# epochs each.

search = CoarseToFineSearchCV(model, space, cv=5, n_jobs=2, random_state=0)
search.fit(X_train, y_train)

SearchDisplay.from_estimator(search, rounds=0)
plt.show()

# %%
# Each candidate is a point in each of the panels; a triangle at the lower edge lies
# further below. Look for a slope or a hill, which a parameter that matters has: here
# the learning rate, which should be neither too small nor too large, and the penalty
# ``alpha``, which should not be large. Where good and bad points lie side by side a
# parameter matters less, or 10 epochs are too few to tell.

# %%
# 5. Search finely, for longer
# ----------------------------
# By hand one would now narrow each range to where the good candidates lie, and search
# there for longer. The search has done that in its other rounds: the best of a round
# went on to the next, together with new ones from the narrowed ranges. A range never
# gets wider, but where the good values lie near an end it moves outward, as the last
# one of the learning rate does here. From round to round fewer candidates were trained
# for longer.

for i, ranges in enumerate(search.ranges_):
    low, high = ranges["net__learning_rate_init"].support()
    print(
        f"round {i}: {search.n_candidates_[i]:2} candidates, "
        f"{search.n_epochs_[i]} epochs, learning rates from {low:.3f} to {high:.3f}"
    )
for name, value in search.best_params_.items():
    print(
        f"{name:24} {value:.2g}" if isinstance(value, float) else f"{name:24} {value}"
    )

# %%
# The later rounds, in lighter colours, lie close together at the top, all but one
# candidate: they come from where it is worth training for longer. The ring is around
# the best of the last round, which counts, since it was trained in full.

SearchDisplay.from_estimator(search)
plt.show()

# %%
# 6. Look at learning curves
# --------------------------
# The loss after each epoch, on training rows and on rows held out, tells why a score is
# no better than it is. ``fit`` takes rows to watch as ``X_val`` and ``y_val``. Here are
# the tuned network and three others.

tuned = search.best_estimator_

X_fit, X_val, y_fit, y_val = train_test_split(
    tuned["scale"].transform(X_train), y_train, stratify=y_train, random_state=0
)
nets = {
    "First network": clone(first["net"]),
    "Two hidden units": clone(tuned["net"]).set_params(hidden_layer_sizes=(2,)),
    "60 rows": clone(second["net"]),
    "Tuned": clone(tuned["net"]),
}
reports = {}
fig, axes = plt.subplots(
    2, 2, figsize=(9, 6.4), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, net) in zip(axes.flat, nets.items(), strict=True):
    net.set_params(max_iter=90, n_iter_no_change=np.inf)
    n = 60 if name == "60 rows" else len(X_fit)
    net.fit(X_fit[:n], y_fit[:n], X_val=X_val, y_val=y_val)
    LossCurveDisplay.from_estimator(net, ax=ax)
    ax.set(title=name, yscale="log")
    ax.label_outer()
    reports[name] = doctor(net, X_fit[:n], y_fit[:n], X_val, y_val)
plt.show()

# %%
# - **First network**: both losses still fall at the end. It has not converged: more
#   epochs, or a larger learning rate.
# - **Two hidden units**: both level off far too high. It under-fits: more units, less
#   penalty and dropout. The last two are quickly tried, but are not enough here: two
#   units have no room for ten digits.
# - **60 rows**: the training loss falls to nearly nothing, the other stays far above.
#   It over-fits, learns its rows by heart: more rows, more penalty, more dropout. Too
#   few rows are the cause, over-fitting is what one sees of it.
# - **Tuned**: both come down, level off, and end close together. Until about epoch 50
#   they go up and down, as with a learning rate that is too large. A rate of 0.6 is
#   large; the cosine lowers it, and the curves settle.
#
# The training loss may lie above the other: it holds the penalty, and with dropout
# units are left out in training only.
#
# The ``doctor`` reads such curves, and does all the checks of this page besides. It
# names the cause where it can:

for name, report in reports.items():
    print(f"{name}: {', '.join(report.diseases) or 'nothing found'}")

# %%
# It has figures for what it says, and advice:

print(reports["Two hidden units"])

# %%
# 7. Look at activations and gradients
# ------------------------------------
# Last, a look inside. What a layer puts out, its activations, should differ from row to
# row about as much as its input does, and that before training already; the spread next
# to a histogram is how much the rows differ. Here are two networks of six layers that
# differ in nothing but the initial weights. On the left they suit the activation
# function; on the right they are so small that behind the third layer next to nothing
# is left of the signal.

deep = {
    choice: behind_scaler(
        MLPClassifier([50] * 6, activation="tanh", initializer=choice, random_state=0)
    )
    for choice in ("auto", "normal")
}
fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
for ax, (choice, model) in zip(axes, deep.items(), strict=True):
    ActivationDisplay.from_estimator(
        model, X_train, y_train, ax=ax, name=f"initializer={choice!r}"
    )
    ax.set_xlim(-1, 1.05)
plt.show()

# %%
# What fades on the way forward fades on the way back too. The gradient says how each
# weight should change; in the second network it hardly reaches the first layers: look
# at the column ``gradient norm``. Of the others, ``gradient std`` is its spread over
# the single weights, ``update norm`` the length of the first step, and ``update ratio``
# that length as a part of ``weight norm``, the size of the weights.

for model in deep.values():
    print(gradient_statistics(model, X_train, y_train), end="\n\n")

# %%
# Our tuned network, after training, is well: the spread keeps its order of magnitude
# from layer to layer, and most units are alive. (A dead one has the same answer to all
# rows, or nearly so, and no longer learns.)

print(activation_statistics(tuned, X_train))

# %%
# The end: the test rows
# ----------------------
# Each model is trained five times, from other initial weights or random numbers, since
# a single score is partly luck. A dot is the score of one, a bar their mean.

models = {
    "First network": first,
    "Learning rate of step 3": second,
    "Tuned": tuned,
    "scikit-learn's default network": behind_scaler(SklearnMLPClassifier()),
    "Random forest": behind_scaler(RandomForestClassifier()),
    "Support vectors (RBF)": behind_scaler(SVC()),
}
_, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for i, (name, model) in enumerate(models.items()):
    scores = [
        clone(model)
        .set_params(net__random_state=seed)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for seed in range(5)
    ]
    print(f"{name:31} {np.mean(scores):.3f}")
    ax.plot(scores, np.full(5, i), "o", color="C0", alpha=0.5)
    ax.plot(np.mean(scores), i, "|", color="black", markersize=18)
ax.set_yticks(range(len(models)), models)
ax.invert_yaxis()
ax.set_xlabel("Accuracy on the test rows")
ax.grid(axis="x", alpha=0.3)
plt.show()

# %%
# - The first network was not wrong, only slow. Most of the gain is due to the learning
#   rate, which took a second to find.
# - The search takes longer and gains less, half a percent. With another
#   ``random_state`` it chooses another network, about as good.
# - scikit-learn's default network, with the solver adam, does well without any tuning.
#   sknn's default is the same. Support vectors are on a par with the tuned network: on
#   small and easy data there is not much for a network to gain.
#
# .. [1] A. Karpathy, J. Johnson, F.-F. Li, "CS231n: Convolutional neural networks for
#    visual recognition", course notes, Stanford University, 2016,
#    https://cs231n.github.io/neural-networks-3/.
