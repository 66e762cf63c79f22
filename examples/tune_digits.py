"""
Tune a pipeline on handwritten digits
=====================================

A network seldom stands alone: the features are scaled and whitened first, and
nobody knows beforehand how many components to keep, how wide to make the hidden
layer, or how much to penalise large weights. Here all of that is one scikit-learn
``Pipeline``, and a grid search settles the open questions on the training data
alone. The test data are touched once, at the end.

Run it with ``python examples/tune_digits.py``; it takes some seconds.
"""

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn import MLPClassifier


def show_progress(search):
    """Show a progress bar, or one line where there is no progress bar."""
    try:
        from sklearn.callback import ProgressBar  # scikit-learn 1.9 or later

        progress_bar = ProgressBar(max_propagation_depth=0)  # needs rich
    except ImportError:
        return search.set_params(verbose=1)
    return search.set_callbacks(progress_bar)


def main():
    # 1,797 images of 8 x 8 pixels, 10 classes.
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, stratify=y, random_state=0
    )

    # max_iter is only a bound: training ends when the loss has stopped falling.
    mlp = MLPClassifier(learning_rate_init=0.01, max_iter=1000, random_state=0)
    # Every step is fitted anew on the training part of each split, so that the
    # validation part stays unseen, also by the scaler and the whitening.
    pipeline = Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("whiten", PCA(whiten=True, random_state=0)),
            ("mlp", mlp),
        ]
    )

    grid = {
        "whiten__n_components": [16, 24, 32],
        "mlp__hidden_layer_sizes": [(50,), (100,)],
        "mlp__alpha": [0.1, 1.0],
    }
    search = show_progress(GridSearchCV(pipeline, grid, cv=3, n_jobs=2))
    search.fit(X_train, y_train)

    print("Best parameters:")
    for name, value in search.best_params_.items():
        print(f"    {name} = {value}")
    print(f"Cross-validated accuracy: {search.best_score_:.3f}")
    print(f"Test accuracy:            {search.score(X_test, y_test):.3f}")


# The guard lets the search start its worker processes on every system.
if __name__ == "__main__":
    main()
