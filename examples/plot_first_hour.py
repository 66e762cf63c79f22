"""
First steps: fit, search, plot, fix and save a network
======================================================

This page takes you from the installation to a saved model. You can run it as a script,
in a terminal, or as a notebook, cell by cell: the links are at the end of the page. All
of it takes less than a minute.
"""

# %%
# Install
# -------
# In a terminal, in the folder of a checkout of sknn:
#
# .. code-block:: bash
#
#    pip install ".[plot,progress]"
#
# The extra ``plot`` installs matplotlib for the pictures. The extra ``progress``
# installs rich for the progress bar. In a notebook the bar also needs ipywidgets:
#
# .. code-block:: text
#
#    %pip install ".[plot,progress]" ipywidgets
#
# If the last line below says "yes", the fast, compiled code is in use.

import tempfile
import textwrap
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.callback import ProgressBar  # scikit-learn 1.9 or later
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import sknn
from sknn import MLPClassifier
from sknn.display import LossCurveDisplay
from sknn.inspection import doctor
from sknn.versions import kernels_in_use

print("sknn", sknn.__version__)
print("compiled kernels in use:", kernels_in_use())

# %%
# Fit
# ---
# The data are 1,797 images of handwritten digits. Each has 8 × 8 pixels, so a row has
# 64 numbers. The scaler brings them into the range from 0 to 1, which suits a network.
# With ``early_stopping=True``, some of the training rows are held out. Training ends
# when the accuracy on them no longer improves.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

net = MLPClassifier(early_stopping=True, random_state=0)
model = make_pipeline(MinMaxScaler(), net)
model.fit(X_train, y_train)
print(f"test accuracy: {model.score(X_test, y_test):.3f}")

# %%
# Search
# ------
# The learning rate is the size of the training steps. Is a larger one better, and how
# large should the hidden layer be? A grid search tries all combinations and finds a
# better network. The progress bar shows how far it is; on a web page you see only its
# last state.

grid = {
    "mlpclassifier__learning_rate_init": [0.001, 0.01],
    "mlpclassifier__hidden_layer_sizes": [(50,), (200,)],
}
search = GridSearchCV(model, grid, cv=3)
search.set_callbacks(ProgressBar(max_propagation_depth=0))

start = perf_counter()
search.fit(X_train, y_train)
print(f"12 fits, and one on all training rows: {perf_counter() - start:.1f} s")
for name, value in search.best_params_.items():
    print(f"    {name} = {value}")
best = search.best_estimator_
print(f"test accuracy: {best.score(X_test, y_test):.3f}")

# %%
# Plot
# ----
# The loss says how well the predicted probabilities match the labels: the lower, the
# better. It is plotted for the rows that the network was trained on, and for those held
# out for validation. If the validation loss rises while the training loss falls, the
# network overfits. Here the validation loss does not rise.

display = LossCurveDisplay.from_estimator(best[-1])
display.figure_.suptitle("Loss and accuracy of the best network")
plt.show()

# %%
# The images that the network gets wrong are often hard to read:

predicted = best.predict(X_test)
wrong = np.flatnonzero(predicted != y_test)

fig, axes = plt.subplots(1, 6, figsize=(8, 2), layout="constrained")
fig.suptitle("Wrong predictions on the test images")
for ax, i in zip(axes, wrong, strict=False):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_test[i]}, not {predicted[i]}", fontsize="medium")
for ax in axes:
    ax.axis("off")
plt.show()

# %%
# Fix a wrong parameter
# ---------------------
# A misspelled value is an error. Its message names the parameter, the value, and the
# values that are allowed.

try:
    MLPClassifier(activation="rely").fit(X_train, y_train)
except ValueError as error:
    print(textwrap.fill(str(error), width=80))

# %%
# Some values are allowed but lead to a bad network. `sknn.inspection.doctor` finds the
# cause. Here the learning rate is far too large:

bad = make_pipeline(MinMaxScaler(), MLPClassifier(learning_rate_init=3, random_state=0))
bad.fit(X_train, y_train)
print(f"test accuracy: {bad.score(X_test, y_test):.3f}")
print(doctor(bad, X_train, y_train))

# %%
# Save
# ----
# `sknn.save` writes the whole pipeline to a file, with the scaler. The file contains
# no code, so you can also load files that others have sent you. Here it is written to a
# temporary folder.

path = Path(tempfile.mkdtemp()) / "digits.sknn"
sknn.save(best, path)
loaded = sknn.load(path)
print(f"file size: {path.stat().st_size / 1000:.0f} kB")
print(f"test accuracy: {loaded.score(X_test, y_test):.3f}")

# %%
# Next
# ----
# - `A recipe for training
#   <https://sknn.github.io/sknn/stable/auto_examples/plot_recipe.html>`_ tunes a
#   network step by step.
# - `Predicting from tables
#   <https://sknn.github.io/sknn/stable/auto_examples/plot_tables.html>`_ is about data
#   frames with text and missing values.
# - The `user guide
#   <https://sknn.github.io/sknn/stable/guide/index.html>`_ explains all parameters.
