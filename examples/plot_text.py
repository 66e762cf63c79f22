"""
Classifying text with sparse features
=====================================

Text becomes numbers by counting words. The resulting matrix has a column for each word,
and nearly all of its values are 0. sknn takes such sparse matrices as they are. This
example predicts to which module of SciPy a function belongs, from the beginning of its
documentation.
"""

# %%
# The data
# --------
# The texts are from the documentation of SciPy, so nothing has to be downloaded. Each
# function and class gives one row: the first two paragraphs of its documentation,
# without its name and without markup. The classes are the modules.

import importlib
import inspect
import re
import textwrap

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from sknn import MLPClassifier

MODULES = ["linalg", "ndimage", "optimize", "signal", "sparse", "special", "stats"]


def read_descriptions(name):
    """Return the descriptions of the public functions and classes of a module."""
    module = importlib.import_module(f"scipy.{name}")
    texts = []
    for public in dir(module):
        text = inspect.getdoc(getattr(module, public)) or ""
        paragraphs = re.split(r"\n\s*\n", text)
        if not public.startswith("_") and len(paragraphs) > 2:
            # Neither the signature nor a section of parameters or results.
            plain = [p for p in paragraphs[:3] if not re.match(rf"{public}|.*\n--", p)]
            text = " ".join(plain[:2]).replace(public, "")
            text = re.sub(r":\w+:|[`*]", "", text)  # markup
            # An unfinished sentence at the end is the start of a formula.
            texts.append(text[: text.rfind(".") + 1] or text)
    return texts


texts, y = [], []
for name in MODULES:
    found = sorted(set(read_descriptions(name)))
    texts += found
    y += [name] * len(found)
X_train, X_test, y_train, y_test = train_test_split(
    texts, y, test_size=0.3, stratify=y, random_state=0
)
print(f"{len(X_train)} training texts, {len(X_test)} test texts")
print(f"one of the {y_train[0]} module:")
print(textwrap.fill(X_train[0], width=80))

# %%
# A sparse matrix
# ---------------
# `sklearn.feature_extraction.text.TfidfVectorizer` gives each word a weight: large if
# the word is frequent in the text and rare in the others. Only the values that are not
# 0 are stored.

vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
words = vectorizer.fit_transform(X_train)
print(f"{words.shape[1]} columns, {words.nnz / words.shape[0]:.0f} words per text")
dense = words.shape[0] * words.shape[1] * words.dtype.itemsize
sparse = words.data.nbytes + words.indices.nbytes + words.indptr.nbytes
print(f"memory: {sparse / 2**20:.1f} MB, as a dense array {dense / 2**20:.1f} MB")

# %%
# Training
# --------
# The network goes into a pipeline after the vectorizer, like any other classifier. With
# few texts and many words it needs strong regularization: here dropout, also of the
# input, and few epochs. A linear model and naive Bayes are the usual baselines for
# text. On small collections such as this one, a network is about as good.

net = MLPClassifier(
    hidden_layer_sizes=(100,),
    learning_rate="cosine",
    learning_rate_init=0.005,
    batch_size=32,
    dropout=0.5,
    input_dropout=0.2,
    max_iter=20,
    random_state=0,
)
models = {
    "network": net,
    "logistic regression": LogisticRegression(C=10),
    "naive Bayes": MultinomialNB(alpha=0.1),
}
for name, model in models.items():
    models[name] = make_pipeline(vectorizer, model).fit(X_train, y_train)
    print(f"{name:20} test accuracy {models[name].score(X_test, y_test):.2f}")

# %%
# Which modules are confused? Rows are the true modules, columns the predicted ones.

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    models["network"], X_test, y_test, cmap="Blues", colorbar=False, ax=ax
)
ax.set(title="Predicted modules of the test texts")
ax.tick_params(axis="x", labelrotation=45)
plt.show()

# %%
# New text
# --------
# The words that the network has not seen in training are ignored.

questions = [
    "find the minimum of a function under constraints",
    "cumulative distribution of a random variable",
    "blur an image",
    "eigenvalues of a symmetric matrix",
]
for question, row in zip(
    questions, models["network"].predict_proba(questions), strict=True
):
    best = np.argsort(-row)[:2]
    answer = ", ".join(f"{MODULES[i]} {row[i]:.0%}" for i in best)
    print(f"{question:50} {answer}")

# %%
# See `Text <https://sknn.github.io/sknn/stable/guide/text.html>`_ in the user guide
# for more.
