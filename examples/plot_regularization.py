"""
Reducing overfitting with regularization
========================================

A network with more weights than rows can memorize every training row, including the
wrong ones. Regularization makes that harder, so that what the network learns also holds
for new rows. This example shows the training and the validation loss of the same
network, plain and with five remedies.
"""

# %%
# Few rows, some with wrong labels
# --------------------------------
# The training rows are 300 handwritten digits, a fifth of which get a random label. The
# validation rows, for the curves, and the test rows, for the final accuracies, keep
# their true labels. The loss is that of the network's predictions,
# without dropout, penalty or mixup. It is computed by a scorer, which is called after
# each epoch and can use any rows.

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknn import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # using all epochs is intended

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, train_size=300, stratify=y, random_state=0
)
X_val, X_test, y_val, y_test = train_test_split(
    X_rest, y_rest, train_size=700, stratify=y_rest, random_state=0
)
rng = np.random.RandomState(0)
wrong = rng.uniform(size=300) < 0.2
y_train = np.where(wrong, rng.randint(10, size=300), y_train)


def train(**params):
    """Train a network; return it, with training and validation losses of all epochs."""
    losses = []

    def score(clf, X_score, y_score):
        losses.append(
            [
                log_loss(y_train, clf.predict_proba(X_train)),
                log_loss(y_val, clf.predict_proba(X_val)),
            ]
        )
        return clf.score(X_score, y_score)

    clf = MLPClassifier(
        hidden_layer_sizes=(100,),
        learning_rate_init=0.003,
        batch_size=32,
        max_iter=100,
        n_iter_no_change=np.inf,
        scoring=score,
        random_state=0,
    ).set_params(**params)
    if clf.early_stopping:
        clf.fit(X_train, y_train)  # holds out some of the training rows
    else:
        clf.fit(X_train, y_train, X_val=X_val, y_val=y_val)  # only for the curves
    return clf, np.array(losses)


remedies = {
    "plain": {},
    "L2 penalty\nalpha=0.3": {"alpha": 0.3},
    "dropout=0.5\ninput_dropout=0.2": {"dropout": 0.5, "input_dropout": 0.2},
    "dropconnect=0.5": {"dropconnect": 0.5},
    "mixup=1": {"mixup": 1.0},
    "early stopping": {
        "early_stopping": True,
        "validation_fraction": 0.2,
        "n_iter_no_change": 30,
    },
}

# %%
# The training loss of the plain network falls to nearly 0, while its validation loss
# soon starts to rise: the network becomes more and more confident in wrong labels. The
# penalty, dropout, DropConnect and mixup keep the two curves closer together. Early
# stopping works in another way: it holds out a fifth of the training rows, ends
# training when the score on these no longer improves, and restores the weights of the
# best epoch (dotted line).

accuracies = {}
start = perf_counter()
fig, axes = plt.subplots(
    2, 3, figsize=(9, 5.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, params) in zip(axes.flat, remedies.items(), strict=True):
    clf, losses = train(**params)
    accuracies[name] = clf.score(X_train, y_train), clf.score(X_test, y_test)
    epochs = np.arange(1, len(losses) + 1)
    ax.plot(epochs, losses[:, 0], "--", color="#0072B2", linewidth=2, label="training")
    ax.plot(epochs, losses[:, 1], color="#D55E00", linewidth=2, label="validation")
    if clf.early_stopping:
        ax.axvline(
            epochs[np.argmax(clf.validation_scores_)], color="gray", linestyle=":"
        )
    ax.set(title=name, ylim=(0, 2.4))
print(f"{len(remedies)} fits: {perf_counter() - start:.0f} s")
fig.suptitle("Training and validation loss of a plain network and with remedies")
for ax in axes[-1]:
    ax.set_xlabel("Epoch")
fig.supylabel("Loss")
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# Final accuracy
# --------------
# 83% of the training rows have their true label: a network that knows the digits would
# get 0.83 on them and 1 on the test rows. The plain network has also learned the wrong
# labels, at the expense of its test accuracy.

fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for i, (name, (training, test)) in enumerate(accuracies.items()):
    name = name.replace("\n", ", ")
    print(f"{name:32} training {training:.3f}   test {test:.3f}")
    ax.plot([training, test], [i, i], color="#CFCFCF", linewidth=3, zorder=1)
    ax.plot(training, i, "o", color="#0072B2", label="training" if i == 0 else None)
    ax.plot(test, i, "D", color="#D55E00", label="test" if i == 0 else None)
ax.set_yticks(range(len(accuracies)), [name.replace("\n", ", ") for name in accuracies])
ax.invert_yaxis()
ax.set(title="Training and test accuracy", xlabel="Accuracy")
ax.set_xticks([0.8, 0.85, 0.9, 0.95, 1.0])
ax.grid(axis="x", alpha=0.3)
ax.legend(loc="lower right")
plt.show()

# %%
# See `Regularization <https://sknn.github.io/sknn/stable/guide/regularization.html>`_
# in the user guide for all methods.
