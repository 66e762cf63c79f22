"""
Stopping early with learning curves
===================================

A network that is trained for too long memorizes its training rows. With
``early_stopping=True`` some rows are held out: training ends when the score on them
stops improving, and the weights with the best score are kept.

This example plots the learning curves, which the fitted estimator keeps:
``loss_curve_``, ``validation_loss_curve_`` and ``validation_scores_``, with one value
per epoch.
"""

# %%
# Training
# --------
# A network is trained on handwritten digits, with a fifth of the training rows held
# out. Training waits 30 epochs for a better score before it ends, so that the plot
# shows what happens after the best epoch.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknn import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)

clf = MLPClassifier(
    early_stopping=True,
    validation_fraction=0.2,
    n_iter_no_change=30,
    learning_rate_init=0.01,
    random_state=0,
)
clf.fit(X_train, y_train)

print(f"Epochs:                   {clf.n_iter_}")
print(f"Best validation accuracy: {clf.best_validation_score_:.3f}")
print(f"Test accuracy:            {clf.score(X_test, y_test):.3f}")

# %%
# Learning curves
# ---------------
# The training loss falls until the end of training. The validation loss and the
# validation accuracy level off much earlier: what the network learns after that applies
# only to its training rows.

epochs = np.arange(1, clf.n_iter_ + 1)
best_epoch = epochs[np.argmax(clf.validation_scores_)]

fig, (ax_loss, ax_score) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")

ax_loss.plot(epochs, clf.loss_curve_, label="training")
ax_loss.plot(epochs, clf.validation_loss_curve_, label="validation")
ax_loss.set(xlabel="Epoch", yscale="log", title="Loss")

ax_score.plot(epochs, clf.validation_scores_, color="C1", label="validation")
ax_score.set(xlabel="Epoch", title="Accuracy")

for ax in (ax_loss, ax_score):
    ax.axvline(best_epoch, color="gray", linestyle="--", label="weights kept")
    ax.legend()

plt.show()

# %%
# See `Stopping, history and callbacks
# <https://sknn.github.io/sknn/stable/guide/stopping.html>`_ in the user guide for what
# can be monitored, and for when training ends.
