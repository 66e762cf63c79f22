"""
Tuning a pipeline with a grid search
====================================

A network is rarely used alone: the features are scaled and whitened first. The best
number of components, width of the hidden layer and penalty on large weights are not
known in advance. Here all of this is one `sklearn.pipeline.Pipeline`, and a grid search
finds good values using the training data only. The test data are used once, at the end.

Download the script and run it with ``python tune_digits.py``; it takes a few seconds.

See `Searching for good parameters
<https://sknn.github.io/sknn/stable/guide/search.html>`_ in the user guide for other
searches.
"""

# sphinx_gallery_thumbnail_path = "thumbnails/tune_digits.svg"

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn import MLPClassifier
from sknn.versions import kernels_in_use


def show_progress(search):
    """Show a progress bar or, without rich, print one line at the start."""
    try:
        from sklearn.callback import ProgressBar  # scikit-learn 1.9 or later

        progress_bar = ProgressBar(max_propagation_depth=0)  # needs rich
    except ImportError:
        return search.set_params(verbose=1)
    return search.set_callbacks(progress_bar)


def make_search():
    """Return the grid search of a pipeline."""
    # max_iter is only an upper limit: training ends when the loss stops falling.
    mlp = MLPClassifier(learning_rate_init=0.01, max_iter=1000, random_state=0)
    # Every step is fitted on the training part of each split, so that the scaler and
    # the whitening do not see the validation part either.
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
    return GridSearchCV(pipeline, grid, cv=3, n_jobs=2)


def main():
    # 1,797 images of 8 × 8 pixels, 10 classes.
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, stratify=y, random_state=0
    )
    search = show_progress(make_search())
    search.fit(X_train, y_train)

    print("Best parameters:")
    for name, value in search.best_params_.items():
        print(f"    {name} = {value}")
    print(f"Cross-validated accuracy: {search.best_score_:.3f}")
    print(f"Test accuracy:            {search.score(X_test, y_test):.3f}")
    # Without its compiled kernels sknn gives the same results, but more slowly.
    if (answer := kernels_in_use()) != "yes":
        print(f"Compiled kernels in use:  {answer}")


# On some systems, worker processes can only be started under this guard.
if __name__ == "__main__":
    main()
