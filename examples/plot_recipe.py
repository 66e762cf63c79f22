"""
A recipe for training: seven steps to a tuned network
=====================================================

If a setting is wrong, a neural network still fits without an error; it only performs
worse than it could. Experienced users therefore follow a recipe, from checks that take
a second to a search that takes the longest. This example goes through its seven steps,
from a plausible first network to a tuned one, and shows the tool for each step.
"""

# %%
# The data, and a first network
# -----------------------------
# The data are images of handwritten digits, 8 × 8 pixels with values from 0 to 16. Only
# 600 of them are for training, so that there is something to gain; the other 1,197 are
# test rows, which are not used until the end.
#
# Initial weights are drawn at random, with a size that suits features of about 1, so
# the features have to be scaled. In a pipeline the scaler stays with the network in
# every check, search and split.
#
# Some terms: the *loss* is what training minimizes; for a classifier it is
# `sklearn.metrics.log_loss`. Training takes many small steps, each on a *batch* of
# rows, here 32. The *learning rate* is the size of the steps. One pass over all rows is
# an *epoch*. The solver, plain gradient descent (``"sgd"``), and its learning rate of
# 0.001 are our first guess.

import warnings
from time import perf_counter

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

# Convergence is examined explicitly below.
warnings.simplefilter("ignore", ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=600, stratify=y, random_state=0
)


def with_scaler(net):
    """Return a pipeline that scales each feature to [0, 1] before the network."""
    return Pipeline([("scale", MinMaxScaler()), ("net", net)])


net = MLPClassifier(
    solver="sgd", learning_rate_init=0.001, batch_size=32, random_state=0
)
first = with_scaler(net)

fig, axes = plt.subplots(2, 10, figsize=(9, 2.5), layout="constrained")
fig.suptitle("Some of the training images")
for ax, image, digit in zip(axes.flat, X_train, y_train, strict=False):
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set_title(digit)
    ax.axis("off")
plt.show()

# %%
# 1. Check the initial loss
# -------------------------
# Before training, a network knows nothing, and its probabilities should say so: each of
# the ten digits has the probability 1/10, and the loss is log 10 = 2.3. That is the
# case here.

print(check_initial_loss(first, X_train, y_train))

# %%
# Without the scaler it is not the case:

print(check_initial_loss(net, X_train, y_train))

# %%
# The plot shows why. For each row the network computes ten scores, its output, and
# predicts the digit with the largest score. On scaled pixels all scores are near 0,
# which means "I do not know". On raw pixels they are large: the network is confident
# before it has learned anything, and would first have to unlearn that.

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
# 2. Overfit a small sample
# -------------------------
# A network that cannot fit five batches perfectly, with all regularization off, will
# not learn 600 rows either. This check takes a second, and finds settings that cannot
# work.

print(check_overfits_small_sample(first, X_train, y_train))

# %%
# The check fails: after 500 epochs, not all of the 160 rows are predicted correctly.
# But the loss falls, so nothing is broken. This is the result for a network that is
# broken, by an absurd learning rate:

broken = clone(first).set_params(net__learning_rate_init=1e-6)
print(check_overfits_small_sample(broken, X_train, y_train))

# %%
# The loss of both networks on the 160 rows: one falls slowly, the other not at all.

X_few, _, y_few, _ = train_test_split(
    X_train, y_train, train_size=160, stratify=y_train, random_state=0
)
_, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for name, model in {"rate 0.001": first, "rate 0.000001": broken}.items():
    few = clone(model).set_params(net__max_iter=500, net__n_iter_no_change=np.inf)
    LossCurveDisplay.from_estimator(few.fit(X_few, y_few), ax=ax, name=name)
ax.set_title("Loss on the 160 rows")
ax.set_ylim(0, None)
plt.show()

# %%
# 3. Find a learning rate
# -----------------------
# The advice was to change the learning rate. The range test tries many rates in a
# single run of 100 steps: it starts with a tiny rate and increases it at each step. The
# loss stays the same, then falls, and rises again when the steps have become too long.

rates = learning_rate_range_test(first, X_train, y_train)
print(rates)

display = LearningRateRangeDisplay.from_result(rates)
display.ax_.set_title("Range test of the learning rate")
plt.show()

# %%
# The suggestion is a hundred times the first rate. With it the network learns the rows
# of step 2 within a few epochs:

second = clone(first).set_params(net__learning_rate_init=rates.suggestion)
print(check_overfits_small_sample(second, X_train, y_train))

# %%
# 4. Search coarsely, for a few epochs
# ------------------------------------
# Now to the other parameters. ``search_space`` returns ranges that suit the network. We
# use the medium space, with a few changes. The learning rate is drawn from around the
# suggestion, up to a factor of 10 below and above it. The batch size is fixed, because
# the suggestion is for batches of 32. The schedule is fixed too: ``"cosine"`` lowers
# the learning rate to 0 over any number of epochs, so it suits both short and long
# training. ``max_grad_norm=1`` shortens steps that are far too long, so that the larger
# rates have a chance. The space is printed below: ``alpha`` is the penalty on large
# weights, the activation is the function that each unit applies to its weighted sum,
# and dropout drops random units during training. The user guide explains them in
# `Activation functions
# <https://sknn.github.io/sknn/stable/guide/activations.html>`_ and `Regularization
# <https://sknn.github.io/sknn/stable/guide/regularization.html>`_.

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
# `sknn.model_selection.CoarseToFineSearchCV` performs this step and the next, in three
# rounds. Bad candidates show early, so in the first round 27 random candidates are
# trained for only 10 epochs each. The search is the longest step of this example.

search = CoarseToFineSearchCV(model, space, cv=5, n_jobs=2, random_state=0)
start = perf_counter()
search.fit(X_train, y_train)
print(f"search: {perf_counter() - start:.0f} s")

SearchDisplay.from_estimator(search, rounds=0)
plt.show()

# %%
# Each candidate is a point in each of the panels; a triangle at the lower edge stands
# for a score below the plotted range. Look for a slope or a peak, which indicates a
# parameter that matters: here the learning rate, which should be neither too small nor
# too large, and the penalty ``alpha``, which should not be large. If good and bad
# points are mixed, the parameter matters less, or 10 epochs are too few to tell.

# %%
# 5. Search finely, for longer
# ----------------------------
# By hand you would now narrow each range to where the good candidates are, and search
# there with longer training. The search has done that in its other rounds: the best
# candidates of a round took part in the next, together with new ones from the narrowed
# ranges. A range never gets wider, but if good values lie near an end it shifts
# outward, as the last range of the learning rate does here. From round to round fewer
# candidates were trained for longer.

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
# The later rounds, in lighter colors, are close together at the top, except for one
# candidate: they come from the promising region. The ring marks the best candidate of
# the last round, which is the one that counts, because it was trained in full.

SearchDisplay.from_estimator(search)
plt.show()

# %%
# 6. Examine learning curves
# --------------------------
# The loss after each epoch, on training rows and on held-out rows, shows why a score is
# not better. ``fit`` takes the validation rows as ``X_val`` and ``y_val``. The plots
# show the tuned network and three others. "Two hidden units" has the parameters from
# which the search of step 4 started, except for the size of the hidden layer. "60 rows"
# is the network of step 3, trained on only 60 rows.

tuned = search.best_estimator_

X_fit, X_val, y_fit, y_val = train_test_split(
    tuned["scale"].transform(X_train), y_train, stratify=y_train, random_state=0
)
nets = {
    "First network": clone(first["net"]),
    "Two hidden units": clone(model["net"]).set_params(hidden_layer_sizes=(2,)),
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
# - **First network**: both losses are still falling at the end. Training has not
#   converged: use more epochs, or a larger learning rate.
# - **Two hidden units**: both losses level off far too high. The network underfits:
#   use more units, less penalty or less dropout. Here the cause is the number of units:
#   two are too few for ten digits.
# - **60 rows**: the training loss falls to nearly 0, the validation loss stays far
#   above it. The network overfits: use more rows, more penalty or more dropout. The
#   cause is too few rows; overfitting is the symptom.
# - **Tuned**: both losses fall, level off, and end close together. They fluctuate at
#   first, as with a learning rate that is too large. The best rate of the search is
#   large; the cosine schedule lowers it, and the curves settle.
#
# The training loss can be above the validation loss: it includes the penalty, and
# dropout acts only during training.
#
# `sknn.inspection.doctor` examines such curves, and also runs all the checks of this
# page. It prints what it finds:

for name, report in reports.items():
    print(f"{name}: {', '.join(report.problems) or 'nothing found'}")

# %%
# Each finding comes with evidence and advice:

print(reports["Two hidden units"])

# %%
# 7. Inspect activations and gradients
# ------------------------------------
# Finally, we look inside the network. The outputs of a layer, its activations, should
# differ from row to row about as much as its inputs do, even before training; the
# spread next to each histogram measures how much the rows differ. The two networks have
# six layers each, and differ only in their initial weights. On the left the weights
# suit the activation function; on the right they are so small that hardly any signal is
# left after the third layer.

deep = {
    choice: with_scaler(
        MLPClassifier([50] * 6, activation="tanh", initializer=choice, random_state=0)
    )
    for choice in ("auto", "normal")
}
fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
fig.get_layout_engine().set(wspace=0.1)
for ax, (choice, model) in zip(axes, deep.items(), strict=True):
    ActivationDisplay.from_estimator(
        model, X_train, y_train, ax=ax, name=f"initializer={choice!r}"
    )
    ax.set_xlim(-1, 1.05)
plt.show()

# %%
# A signal that vanishes in the forward pass also vanishes in the backward pass. The
# gradient says how each weight should change; in the second network it hardly reaches
# the first layers: see the column ``gradient norm``. Of the other columns, ``gradient
# std`` is the standard deviation over the single weights, ``update norm`` is the length
# of the first step, and ``update ratio`` is that length divided by ``weight norm``, the
# norm of the weights. First the network whose initial weights suit the activation
# function:

print(gradient_statistics(deep["auto"], X_train, y_train))

# %%
# And the one whose initial weights are too small:

print(gradient_statistics(deep["normal"], X_train, y_train))

# %%
# The tuned network is in good condition after training: the spread does not vanish in
# any layer, and no unit is dead. (A dead unit has the same output, or nearly so, for
# all rows, and no longer learns.) The spread of the output is larger than before
# training, because the network is now confident.

print(activation_statistics(tuned, X_train))

# %%
# Results on the test rows
# ------------------------
# Each model is trained five times, with different initial weights or random numbers,
# because a single score depends partly on chance. Each dot is one score, each bar their
# mean.

models = {
    "First network": first,
    "Learning rate of step 3": second,
    "Tuned": tuned,
    "scikit-learn's default network": with_scaler(SklearnMLPClassifier()),
    "Random forest": with_scaler(RandomForestClassifier()),
    "Support vectors (RBF)": with_scaler(SVC()),
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
ax.set(title="Five fits of each model", xlabel="Accuracy on the test rows")
ax.grid(axis="x", alpha=0.3)
plt.show()

# %%
# - The first network was not wrong, only slow. All of the gain comes from the learning
#   rate, which took a second to find.
# - The search takes much longer, and here it improves nothing more: the difference
#   between the tuned network and that of step 3 is smaller than the spread of the five
#   fits. With another ``random_state`` the search chooses a different network, about as
#   good.
# - scikit-learn's default network, with the solver adam, does well without any tuning,
#   and sknn's default network is the same. Always compare with other methods, too: on
#   small and easy data such as these, support vectors do as well as a tuned network or
#   better.
#
# The recipe is from the course notes of A. Karpathy, J. Johnson and F.-F. Li, `CS231n:
# Convolutional neural networks for visual recognition
# <https://cs231n.github.io/neural-networks-3/>`_, Stanford University, 2016. See `The
# training recipe <https://sknn.github.io/sknn/stable/guide/recipe.html>`_ in the user
# guide for the options of each tool.
