"""CoarseToFineSearchCV against RandomizedSearchCV at the same number of epochs.

Both search the same distributions, those of ``search_space``, on the same folds, with
the same limit on the total number of epochs, and refit in the same way. The score
(accuracy or R², in %) is measured on rows that neither has seen. All rounds of the
coarse-to-fine search cost the same, so the random search can train ``n_rounds *
n_candidates / 3 ** (n_rounds - 1)`` candidates to the end.

The defaults of the class were chosen on the kinds of data sets marked with a star, with
seeds from 100 up and newly generated data; the table uses seeds from 0 up. ``--data``
adds three data sets that are not part of scikit-learn, from a folder with
``letter/letter.tsv.gz``, ``california/cal_housing.arff.gz`` and
``talent/cpu_act/*.npy``.

``python examples/benchmarks/bench_search.py --seeds 5`` takes about five minutes.
"""

import argparse
import gzip
import warnings
from pathlib import Path
from time import perf_counter

import joblib
import numpy as np
from scipy.io import arff
from sklearn import datasets
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

from sknn import MLPClassifier, MLPRegressor
from sknn.model_selection import CoarseToFineSearchCV, search_space

MAX_ITER, FOLDS, N_TRAIN = 45, 3, 400
N_ROUNDS, N_CANDIDATES = 3, 36
N_ITER = N_ROUNDS * N_CANDIDATES // 3 ** (N_ROUNDS - 1)
"""Number of candidates of the random search."""


def classification_sets(n=3000):
    """Return features and classes by name."""
    make = datasets.make_classification
    return {
        "digits *": datasets.load_digits(return_X_y=True),
        "breast cancer *": datasets.load_breast_cancer(return_X_y=True),
        "wine": datasets.load_wine(return_X_y=True),
        "4 classes *": make(
            n, n_informative=8, n_redundant=4, n_classes=4, random_state=0
        ),
        "10 classes": make(n, n_informative=15, n_classes=10, random_state=0),
        "noisy labels *": make(
            n, 40, n_informative=5, n_clusters_per_class=4, flip_y=0.1, random_state=0
        ),
        "shells *": datasets.make_gaussian_quantiles(
            n_samples=n, n_features=6, n_classes=3, random_state=0
        ),
    }


def regression_sets(n=3000):
    """Return features and numeric targets by name."""
    return {
        "diabetes *": datasets.load_diabetes(return_X_y=True),
        "friedman 1 *": datasets.make_friedman1(n, noise=1, random_state=0),
        "friedman 2 *": datasets.make_friedman2(n, noise=50, random_state=0),
        "friedman 3": datasets.make_friedman3(n, noise=0.1, random_state=0),
        "few features *": datasets.make_sparse_uncorrelated(n, 20, random_state=0),
    }


def sets_of_folder(folder):
    """Return classification and regression sets from files."""
    letter = np.loadtxt(folder / "letter" / "letter.tsv.gz", skiprows=1)
    with gzip.open(folder / "california" / "cal_housing.arff.gz", "rt") as file:
        california = np.array(arff.loadarff(file)[0].tolist())
    cpu = [np.load(folder / "talent" / "cpu_act" / f"{x}_train.npy") for x in "Ny"]
    return (
        {"letter": (letter[:, :-1], letter[:, -1].astype(int))},
        {
            "california": (california[:, :-1], california[:, -1]),
            "cpu_act": (cpu[0], cpu[1].ravel()),
        },
    )


def split(X, y, seed, classes):
    """Return training and test rows, scaled with statistics of the training rows."""
    n = min(N_TRAIN, len(X) * 2 // 3)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n, stratify=y if classes else None, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    X, X_test = (scaler.transform(part).astype(np.float32) for part in (X, X_test))
    if not classes:
        center, scale = y.mean(), y.std()
        y, y_test = (
            ((part - center) / scale).astype(np.float32) for part in (y, y_test)
        )
    return X, X_test, y, y_test


def epochs(search):
    """Return the limit on the total number of epochs of a search."""
    each = search.cv_results_.get("n_epochs", N_ITER * [MAX_ITER])
    return search.n_splits_ * sum(each)


def compare(X, y, seed, classes):
    """Return test score and seconds of the random and the coarse-to-fine search."""
    warnings.simplefilter("ignore")  # short training is intended
    X, X_test, y, y_test = split(X, y, seed, classes)
    Net = MLPClassifier if classes else MLPRegressor
    net = Net(max_iter=MAX_ITER, random_state=seed)
    given = {"cv": FOLDS, "random_state": seed}
    searches = [
        RandomizedSearchCV(net, search_space(net), n_iter=N_ITER, **given),
        CoarseToFineSearchCV(
            net,
            search_space(net),
            n_rounds=N_ROUNDS,
            n_candidates=N_CANDIDATES,
            **given,
        ),
    ]
    results = []
    for search in searches:
        start = perf_counter()
        search.fit(X, y)
        seconds = perf_counter() - start
        results.append((search.score(X_test, y_test), seconds))
    assert epochs(searches[0]) == epochs(searches[1])
    return results


def report(names, scores):
    """Print a reStructuredText table: means by data set, and over all of them."""
    scores = 100 * np.asarray(scores)  # (data set, seed, search)
    gain = scores[:, :, 1] - scores[:, :, 0]
    error = gain.std(axis=1, ddof=1) / np.sqrt(gain.shape[1])
    # The data sets are fixed; only the seeds vary from run to run.
    overall = np.sqrt((error**2).sum()) / len(names)
    rows = [
        [name, *(f"{x:z.1f}" for x in means), f"{g:+z.1f} ± {e:.1f}"]
        for name, means, g, e in zip(
            names, scores.mean(axis=1), gain.mean(axis=1), error, strict=True
        )
    ]
    means = [f"{x:z.1f}" for x in scores.mean(axis=(0, 1))]
    rows.append(["**mean**", *means, f"**{gain.mean():+z.2f} ± {overall:.2f}**"])
    line = " ".join("=" * width for width in (18, 8, 15, 18))
    header = ["data set", "random", "coarse to fine", "difference"]
    print(line)
    for i, row in enumerate([header, *rows]):
        print(f"{row[0]:18} {row[1]:>8} {row[2]:>15} {row[3]:>18}")
        if i == 0:
            print(line)
    print(line)
    print(
        f"better in {np.mean(gain > 0):.0%}, worse in {np.mean(gain < 0):.0%} of runs"
    )
    between = gain.mean(axis=1).std(ddof=1) / np.sqrt(len(names))
    print(f"standard error over data sets: {between:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    classification, regression = classification_sets(), regression_sets()
    if arguments.data is not None:
        more = sets_of_folder(arguments.data)
        classification, regression = classification | more[0], regression | more[1]
    every = classification | regression
    seeds = arguments.first_seed + np.arange(arguments.seeds)
    results = joblib.Parallel(arguments.jobs)(
        joblib.delayed(compare)(*every[name], int(seed), name in classification)
        for name in every
        for seed in seeds
    )
    print(f"{N_ITER * MAX_ITER} epochs per fold, {len(seeds)} seeds per data set, in %")
    results = np.reshape(results, (len(every), len(seeds), 2, 2))
    report(list(every), results[..., 0])
    seconds = results[..., 1].mean(axis=(0, 1))
    print(
        f"seconds per search: random {seconds[0]:.1f}, coarse to fine {seconds[1]:.1f}"
    )


if __name__ == "__main__":
    main()
