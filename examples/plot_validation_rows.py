"""
Early stopping inside cross-validation
======================================

Cross-validation holds out test rows, and early stopping holds out validation rows. The
two must not overlap: if training stopped where the *test* rows score best, the test
score would be too good. They do not overlap: ``fit`` only sees the training rows of a
fold, and its validation rows are some of these. This example shows the role of each
row.
"""

# %%
# A scorer that records its rows
# ------------------------------
# The first feature is the row number. The scorer of ``early_stopping`` is called with
# the validation rows after each epoch, and records their numbers.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn.datasets import make_moons
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedShuffleSplit

from sknn import MLPClassifier

N_ROWS = 60
moons, y = make_moons(N_ROWS, noise=0.2, random_state=0)
X = np.column_stack([np.arange(N_ROWS), moons])

seen = set()


def record_rows(clf, X_val, y_val):
    """Return the score, and record the rows that it is computed on."""
    seen.update(X_val[:, 0].astype(int))
    return clf.score(X_val, y_val)


def roles(outer, **params):
    """Return the role of each row: 0 training, 1 validation, 2 test."""
    table = np.zeros((outer.get_n_splits(), N_ROWS), dtype=int)
    for fold, (train, test) in enumerate(outer.split(X, y)):
        clf = MLPClassifier(
            hidden_layer_sizes=(10,),
            early_stopping=True,
            scoring=record_rows,
            max_iter=3,
            n_iter_no_change=1,
            random_state=0,
            **params,
        )
        seen.clear()
        clf.fit(X[train], y[train])
        table[fold, test] = 2
        assert seen.isdisjoint(test)
        table[fold, list(seen)] = 1
    return table


# %%
# Four ways to hold out
# ---------------------
# ``validation_fraction`` is a fraction or a scikit-learn splitter, whose first split is
# used. The last splitter here keeps the order of the rows, as is usual for time series:
# the last fifth of the training rows are the validation rows.


class LastRows:
    """A splitter that holds out the last rows."""

    def __init__(self, fraction):
        self.fraction = fraction

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1

    def split(self, X, y=None, groups=None):
        n = len(X)
        first = n - round(self.fraction * n)
        yield np.arange(first), np.arange(first, n)


outer = KFold(n_splits=4)
plans = {
    "validation_fraction=0.2": 0.2,
    "StratifiedShuffleSplit(1, test_size=0.3)": StratifiedShuffleSplit(
        1, test_size=0.3, random_state=0
    ),
    "ShuffleSplit(1, test_size=0.1)": ShuffleSplit(1, test_size=0.1, random_state=0),
    "LastRows(0.2)": LastRows(0.2),
}
colors = ["#56B4E9", "#E69F00", "#404040"]

fig, axes = plt.subplots(4, 1, figsize=(9, 6.4), sharex=True, layout="constrained")
for ax, (name, plan) in zip(axes, plans.items(), strict=True):
    table = roles(outer, validation_fraction=plan)
    ax.pcolormesh(
        table, cmap=ListedColormap(colors), vmin=0, vmax=2, edgecolor="white", lw=1
    )
    ax.set(title=name, ylabel="Fold")
    ax.set_yticks(np.arange(4) + 0.5, [1, 2, 3, 4])
    ax.invert_yaxis()
axes[-1].set(xlabel="Row")
fig.legend(
    [Patch(color=color) for color in colors],
    ["training", "validation (inner split)", "test (outer split)"],
    loc="outside upper center",
    ncols=3,
)
plt.show()

# %%
# In a search
# -----------
# `sklearn.model_selection.GridSearchCV` and `sklearn.model_selection.cross_validate`
# call ``fit`` in the same way, so the plot applies to them too. Your own validation
# set, passed to ``fit`` as ``X_val`` and ``y_val``, is the same in every fold: make
# sure that none of its rows is in ``X``.
#
# See `Early stopping and cross-validation
# <https://sknn.github.io/sknn/stable/guide/cross_validation.html>`_ in the user guide
# for more.
