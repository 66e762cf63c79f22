"""
Monitoring a training run
=========================

There are three ways to follow the training of a network: ``history_``, with one value
per epoch; a table printed during training; and scikit-learn's callbacks, for a single
fit or inside a grid search.
"""

# %%
# A table during training
# -----------------------
# ``verbose=True`` prints the same lines as scikit-learn, ``verbose=2`` a table. All
# epochs of the schedule are used (``n_iter_no_change=20``); early stopping only keeps
# the best weights.

import matplotlib.pyplot as plt
import numpy as np
import rich
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from sknn import MLPClassifier

# sphinx_gallery_capture_repr = ()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)
clf = MLPClassifier(
    hidden_layer_sizes=(64,),
    learning_rate="one_cycle",
    learning_rate_init=0.03,
    dropout=0.2,
    max_iter=20,
    early_stopping=True,
    n_iter_no_change=20,
    verbose=2,
    random_state=0,
)
clf.fit(X_train, y_train)

# %%
# A plot of the table
# -------------------
# ``history_`` is a dict with the columns of that table, and
# ``pandas.DataFrame(clf.history_)`` makes a data frame of them. The dotted line marks
# the epoch whose weights were kept. The norm of the gradient helps when training goes
# wrong: it jumps up if the learning rate is too large, and vanishes if the signal is
# lost on its way through the layers.

history = clf.history_
best_epoch = history["epoch"][np.argmax(history["validation_score"])]

fig, axes = plt.subplots(2, 2, figsize=(8, 5), sharex=True, layout="constrained")
axes[0, 0].plot(history["epoch"], history["loss"], "--", color="#0072B2")
axes[0, 0].plot(history["epoch"], history["validation_loss"], color="#D55E00")
axes[0, 0].legend(["training", "validation"])
axes[0, 0].set(title="Loss", yscale="log")
axes[0, 1].plot(history["epoch"], history["validation_score"], color="#D55E00")
axes[0, 1].set(title="Validation score")
axes[1, 0].plot(history["epoch"], history["learning_rate"], color="black")
axes[1, 0].set(title="Learning rate", xlabel="Epoch")
axes[1, 1].plot(history["epoch"], history["gradient_norm"], color="black")
axes[1, 1].set(title="Norm of the gradient", xlabel="Epoch", yscale="log")
for ax in axes.flat:
    ax.axvline(best_epoch, color="gray", linestyle=":")
    ax.xaxis.get_major_locator().set_params(integer=True)
plt.show()

# %%
# scikit-learn's callbacks
# ------------------------
# Callbacks need scikit-learn 1.9 or later. `sklearn.callback.ScoringMonitor` records
# scores on the training rows after each epoch. `sklearn.callback.ProgressBar` shows one
# bar for the search and one for each fit in it, which advances epoch by epoch; if the
# output goes to a file, as here, only the final state is shown. A callback that is set
# on the network also reports from inside the search.

rich.reconfigure(width=96)  # the lines of the progress bars are long
monitor = ScoringMonitor(scoring="accuracy")
clf = MLPClassifier(max_iter=20, learning_rate="cosine", random_state=0)
clf.set_callbacks(monitor)
search = GridSearchCV(clf, {"learning_rate_init": [0.001, 0.01]}, cv=2)
search.set_callbacks(ProgressBar(max_propagation_depth=None))
search.fit(X_train, y_train)

# %%
# The monitor has one row for each epoch of each fit, identified by its position in the
# tree of tasks: two learning rates in two folds each, and the better rate once more on
# all rows.

runs = {}
for row in monitor.get_logs().data:
    if row["task_name"] == "epoch":
        runs.setdefault(row["parent_task_id_path"], []).append(row["accuracy"])

styles = {"rate 0.001": ":", "rate 0.01": "--", "best rate, all rows": "-"}
fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for path, accuracy in sorted(runs.items()):
    if path[1] == 1:
        name, color = "best rate, all rows", "black"
    else:  # the third number counts the folds of all candidates
        name, color = list(styles)[path[2] // 2], ["#0072B2", "#D55E00"][path[2] // 2]
    epochs = range(1, len(accuracy) + 1)
    ax.plot(epochs, accuracy, styles[name], color=color, linewidth=2, label=name)
ax.set(
    title="Training accuracy of each fit in the search",
    xlabel="Epoch",
    ylabel="Training accuracy",
    ylim=(0, 1.02),
)
ax.xaxis.get_major_locator().set_params(integer=True)
handles, labels = ax.get_legend_handles_labels()
once = dict(zip(labels, handles, strict=True))
ax.legend(once.values(), once.keys(), loc="lower right")
plt.show()

# %%
# See `Stopping, history and callbacks
# <https://sknn.github.io/sknn/stable/guide/stopping.html>`_ in the user guide for all
# columns of ``history_``.
