"""
Combining several networks into an ensemble
===========================================

Networks with different initial weights make different errors. Their average usually
makes fewer: where one is wrong, the others outvote it. scikit-learn's meta-estimators
average, bag and stack networks like any other classifier. This example measures how the
accuracy grows with the number of networks, and compares the three kinds of ensembles.
"""

# %%
# A few members are enough
# ------------------------
# 32 networks that differ only in ``random_state`` are trained on 400 handwritten
# digits. ``VotingClassifier(voting="soft")`` averages their probabilities. How good is
# an average of two, of three, and so on? That depends on the choice, so for each number
# 100 random subsets of the 32 are evaluated. The line is their mean, and the band
# contains 80% of them; the crosses are the single members.
#
# The second member brings the largest gain, and with more than about six there is
# little more to gain. The average of many networks is about as accurate as the best of
# them, which are not known in advance. The band continues to narrow: the more members,
# the less depends on chance. (Large subsets of 32 also have many members in common.)

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sknn import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=400, stratify=y, random_state=0
)


def make_net(**params):
    params = {"hidden_layer_sizes": (20,), **params}
    return MLPClassifier(
        batch_size=32,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=20,
        **params,
    )


members = [(f"seed {i}", make_net(random_state=i)) for i in range(32)]
vote = VotingClassifier(members, voting="soft").fit(X_train, y_train)

probabilities = np.array([net.predict_proba(X_test) for net in vote.estimators_])
sizes = [1, 2, 3, 4, 6, 8, 10, 12, 16]
rng = np.random.default_rng(0)
averages = {
    size: [
        probabilities[rng.choice(len(members), size, replace=False)].mean(axis=0)
        for _ in range(100)
    ]
    for size in sizes[1:]
}

measures = {
    "Test accuracy": lambda p: accuracy_score(y_test, vote.classes_[p.argmax(axis=1)]),
    "Test loss": lambda p: log_loss(y_test, p),
}
results = {}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for ax, (name, measure) in zip(axes, measures.items(), strict=True):
    alone = [measure(p) for p in probabilities]
    ax.plot(np.ones(len(alone)), alone, "x", color="#D55E00", label="single member")
    ax.axhline(
        np.mean(alone), color="#D55E00", linestyle="--", label="mean of single members"
    )
    # No subsets for a single member: each of the 32 counts once.
    together = [alone, *([measure(p) for p in some] for some in averages.values())]
    means = [np.mean(scores) for scores in together]
    bands = [np.quantile(scores, [0.1, 0.9]) for scores in together]
    ax.plot(sizes, means, "o-", color="#0072B2", label="average, mean of 100 subsets")
    ax.fill_between(
        sizes,
        *np.transpose(bands),
        color="#0072B2",
        alpha=0.2,
        label="80% of the subsets",
    )
    ax.set(xlabel="Members", ylabel=name, xticks=range(2, 17, 2))
    results[name] = means
print(f"{'Members':8}", *(f"{name:>15}" for name in results))
for i, size in enumerate(sizes):
    print(f"{size:<8}", *(f"{means[i]:15.4f}" for means in results.values()))
fig.suptitle("Averages of several networks")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# Voting, bagging, stacking
# -------------------------
# - **Voting** averages networks that were trained on the same rows.
# - **Bagging** trains each member on rows drawn with replacement. Each sees fewer
#   distinct rows, which costs more here than it gains; but the rows that a member has
#   not seen measure how good the ensemble is, without a test set (``oob_score=True``).
# - **Stacking** trains different kinds of networks, and a final model that learns how
#   much to trust each of them.

deep = make_net(hidden_layer_sizes=(20, 20), activation="tanh", random_state=0)
whitening = PCA(20, whiten=True, random_state=0)
kinds = [
    ("relu", make_net(random_state=0)),
    ("tanh, two layers", deep),
    ("whitened", make_pipeline(whitening, make_net(random_state=0))),
]
bag = BaggingClassifier(make_net(), n_estimators=25, oob_score=True, random_state=0)
ensembles = {
    "voting\n32 seeds": vote,
    "bagging\n25 samples": bag,
    "stacking\n3 kinds": StackingClassifier(kinds, LogisticRegression(), cv=5),
}

fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for i, (name, ensemble) in enumerate(ensembles.items()):
    if ensemble is not vote:  # already fitted
        ensemble.fit(X_train, y_train)
    alone = [net.score(X_test, y_test) for net in ensemble.estimators_]
    together = ensemble.score(X_test, y_test)
    ax.plot(
        alone,
        np.full(len(alone), i),
        "x",
        color="#D55E00",
        label="single member" if i == 0 else None,
    )
    ax.plot(
        together,
        i,
        "D",
        color="#0072B2",
        label="ensemble" if i == 0 else None,
    )
    name = name.replace("\n", ", ")
    print(f"{name:20} mean member {np.mean(alone):.3f}   ensemble {together:.3f}")
print(f"bagging, out-of-bag accuracy: {bag.oob_score_:.3f}")
ax.set_yticks(range(len(ensembles)), list(ensembles))
ax.set_title("Ensembles and their members")
ax.set(xlabel="Test accuracy", ylim=(len(ensembles) - 0.5, -0.5))
ax.grid(axis="x", alpha=0.3)
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# See `Reproducibility
# <https://sknn.github.io/sknn/stable/guide/reproducibility.html>`_ in the
# user guide for how much the scores of single networks vary, and `Tables
# <https://sknn.github.io/sknn/stable/guide/tables.html>`_ for `sknn.TabularClassifier`
# and `sknn.TabularRegressor`, which are ensembles by default.
