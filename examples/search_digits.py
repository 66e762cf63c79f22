"""
Searching over training techniques
==================================

Every technique is a constructor parameter, so scikit-learn's searches can set all of
them: names in a grid, distributions in a random search, and parameters of objects, such
as ``learning_rate__warmup``. The third search keeps the best third of its candidates in
each round, and trains them for three times as many epochs. Each schedule is planned for
the epochs it is given, so short training predicts long training well.

Download the script and run it with ``python search_digits.py``; it takes about a minute
on two cores.

The script prints (the times depend on the machine, and on what else runs on it):

.. code-block:: text

   grid: 32 candidates in 10 s
       mlp__activation = gelu
       mlp__dropout = 0
       mlp__initializer = auto
       mlp__learning_rate = constant
       mlp__solver = adam
       cross-validated accuracy 0.960, test accuracy 0.969
   random: 20 candidates in 3 s
       mlp__activation = silu
       mlp__batch_size = 55
       mlp__dropout = 0.32
       mlp__hidden_layer_sizes = (128,)
       mlp__learning_rate__warmup = 0.16
       mlp__learning_rate_init = 0.0099
       mlp__normalization = layer
       cross-validated accuracy 0.982, test accuracy 0.976
   halving: 27, 9, 3, 1 candidates in 48 s
       mlp__activation = silu
       mlp__batch_size = 55
       mlp__dropout = 0.32
       mlp__hidden_layer_sizes = (128,)
       mlp__learning_rate__warmup = 0.16
       mlp__learning_rate_init = 0.0099
       mlp__max_iter = 81
       mlp__normalization = layer
       cross-validated accuracy 0.978, test accuracy 0.978

See `Searching for good parameters
<https://sknn.github.io/sknn/stable/guide/search.html>`_ in the user guide for other
searches.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/search_digits.svg"

import warnings
from time import perf_counter

from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    train_test_split,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn import MLPClassifier
from sknn.schedules import Cosine

GRID = {
    "mlp__activation": ["relu", "gelu"],
    "mlp__solver": ["adam", "nadam"],
    "mlp__learning_rate": ["constant", "cosine"],
    "mlp__dropout": [0.0, 0.3],
    "mlp__initializer": ["glorot_uniform", "auto"],
}

DISTRIBUTIONS = {
    "mlp__hidden_layer_sizes": [(64,), (128,), (64, 64), (128, 64)],
    "mlp__activation": ["relu", "elu", "silu"],
    "mlp__learning_rate_init": loguniform(3e-4, 3e-2),
    "mlp__learning_rate__warmup": uniform(0, 0.3),
    "mlp__batch_size": randint(16, 129),
    "mlp__dropout": uniform(0, 0.5),
    "mlp__normalization": [None, "batch", "layer"],
}


def make_pipeline(**params):
    """Return a pipeline of a scaler and a network."""
    net = MLPClassifier(random_state=0, **params)
    return Pipeline([("scale", MinMaxScaler()), ("mlp", net)])


def searches():
    """Return the three searches by name."""
    short = make_pipeline(max_iter=20, learning_rate_init=0.003)
    annealed = make_pipeline(max_iter=20, learning_rate=Cosine())
    return {
        "grid": GridSearchCV(short, GRID, cv=3, n_jobs=2),
        "random": RandomizedSearchCV(
            annealed, DISTRIBUTIONS, n_iter=20, cv=3, n_jobs=2, random_state=0
        ),
        "halving": HalvingRandomSearchCV(
            annealed,
            DISTRIBUTIONS,
            resource="mlp__max_iter",
            min_resources=3,
            max_resources=81,
            cv=3,
            n_jobs=2,
            random_state=0,
        ),
    }


def main():
    # Short training is intended.
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    for name, search in searches().items():
        start = perf_counter()
        search.fit(X_train, y_train)
        seconds = perf_counter() - start
        # A halving search has rounds, each with a part of the candidates.
        n_candidates = len(search.cv_results_["params"])
        rounds = getattr(search, "n_candidates_", [n_candidates])
        candidates = ", ".join(map(str, rounds))
        print(f"{name}: {candidates} candidates in {seconds:.0f} s")
        for parameter, value in sorted(search.best_params_.items()):
            if isinstance(value, float):
                value = f"{value:.2g}"
            print(f"    {parameter} = {value}")
        print(f"    cross-validated accuracy {search.best_score_:.3f}", end=", ")
        print(f"test accuracy {search.score(X_test, y_test):.3f}")


if __name__ == "__main__":
    main()
