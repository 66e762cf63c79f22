"""CNNClassifier and CNNRegressor: layers, agreement with PyTorch, errors."""

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import CNNClassifier
from sknn.augmentation import RandomFlip, RandomRotation
from sknn.layers import AvgPool2D, Conv2D, MaxPool2D

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
    # An array as a data frame's column, in the checks themselves.
    "ignore::DeprecationWarning",
)

SMALL = {
    "conv_channels": (4, 6),
    "hidden_layer_sizes": (16,),
    "batch_size": 32,
    "random_state": 0,
}

ABLE = {
    "conv_channels": (8, 16),
    "hidden_layer_sizes": (32,),
    "batch_size": 32,
    "learning_rate_init": 0.01,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:300] / 16, data.target[:300]


def fit(X, y, **params):
    return CNNClassifier(**{**SMALL, "max_iter": 3, **params}).fit(X, y)


# -- layers ----------------------------------------------------------------------------


def test_lenet_5(digits):
    X = np.zeros((20, 28, 28), np.float32)
    net = CNNClassifier(
        (6, 16), kernel_size=5, padding=("same", "valid"), hidden_layer_sizes=(120, 84),
        max_iter=1,
    ).fit(X, np.arange(20) % 10)  # fmt: skip
    assert net.network_.theta.size == 61_706  # as counted in the paper's sequel
    shapes = [spec.out_shape for spec in net.network_.specs]
    assert (6, 28, 28) in shapes
    assert (6, 14, 14) in shapes
    assert (16, 10, 10) in shapes
    assert (16, 5, 5) in shapes
    assert (400,) in shapes


def test_each_block_has_its_own_values():
    X = np.random.RandomState(0).rand(20, 12, 10)
    net = CNNClassifier(
        (3, 4), kernel_size=[(5, 3), 3], stride=[1, (1, 2)], padding=["valid", "same"],
        pooling=["avg", "max"], pool_size=[2, (2, 1)], hidden_layer_sizes=(),
        max_iter=1,
    ).fit(X, np.arange(20) % 2)  # fmt: skip
    layers = net.network_.layers
    assert [layer.kernel_size for layer in layers if isinstance(layer, Conv2D)] == [
        (5, 3),
        3,
    ]
    pools = [layer for layer in layers if isinstance(layer, AvgPool2D | MaxPool2D)]
    assert pools == [AvgPool2D(2), MaxPool2D((2, 1))]
    assert (4, 2, 2) in [spec.out_shape for spec in net.network_.specs]


def torch_twin(torch, net):
    """PyTorch's network of the layers (4, 6 channels), with the parameters of `net`."""
    nn = torch.nn
    twin = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 10),
    ).double()  # fmt: skip
    ours = [p[name] for p in net.network_.params for name in ("W", "b") if name in p]
    for parameter, array in zip(twin.parameters(), ours, strict=True):
        array = array.T if array.ndim == 2 else array
        parameter.data = torch.tensor(array.copy())
    return twin


def test_whole_network_as_in_torch(digits):
    torch = pytest.importorskip("torch")
    X, y = digits
    net = fit(X, y)
    scores = torch_twin(torch, net)(torch.tensor(X[:, np.newaxis]))
    assert_allclose(net.decision_function(X), scores.detach(), rtol=1e-9, atol=1e-12)


def test_training_as_in_torch(digits):
    torch = pytest.importorskip("torch")
    X, y = digits
    params = {"solver": "sgd", "momentum": 0.0, "alpha": 0, "batch_size": 50,
              "shuffle": False, "learning_rate_init": 0.1,
              # Biases of 0 would leave windows without ink on the kink of relu.
              "initializer": "glorot_uniform"}  # fmt: skip
    initial = fit(X, y, **{**params, "learning_rate_init": 1e-300})
    twin = torch_twin(torch, initial)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    for _ in range(3):
        for rows in np.split(np.arange(300), 6):
            optimizer.zero_grad()
            z = twin(torch.tensor(X[rows, np.newaxis]))
            torch.nn.functional.cross_entropy(z, torch.tensor(y[rows])).backward()
            optimizer.step()
    scores = twin(torch.tensor(X[:, np.newaxis])).detach()
    net = fit(X, y, **params)
    assert_allclose(net.decision_function(X), scores, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "padding, each",
    [
        (0, (0, 0)),
        (2, (2, 2)),
        ((1, 0), (1, 0)),
        ([(1, 2), (0, 1)], ((1, 2), (0, 1))),
        (np.array([[1, 2], [0, 1]]), ((1, 2), (0, 1))),
        (["valid", 2], (0, 2)),
    ],
    ids=repr,
)
def test_padding_as_in_torch(padding, each, digits):
    torch = pytest.importorskip("torch")
    X, y = digits
    net = fit(X, y, padding=padding, stride=[1, (1, 2)], pooling=None,
              hidden_layer_sizes=(), max_iter=1)  # fmt: skip
    nn = torch.nn
    W1, b1, W2, b2, W, b = map(torch.tensor, net.get_weights())
    twin = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=each[0]), nn.ReLU(),
        nn.Conv2d(4, 6, 3, stride=(1, 2), padding=each[1]), nn.ReLU(),
        nn.Flatten(), nn.Linear(len(W), 10),
    ).double()  # fmt: skip
    for parameter, array in zip(
        twin.parameters(), (W1, b1, W2, b2, W.T, b), strict=True
    ):
        parameter.data = array
    scores = twin(torch.tensor(X[:, np.newaxis])).detach()
    assert_allclose(net.decision_function(X), scores, rtol=1e-9, atol=1e-12)


def test_padding_that_keeps_the_size_suits_residual_blocks(digits):
    X, y = digits
    same = fit(X, y, residual=True, kernel_size=5)
    for padding in (2, [(2, 2), "same"]):
        net = fit(X, y, residual=True, kernel_size=5, padding=padding)
        assert_array_equal(net.predict_proba(X), same.predict_proba(X))
    for padding in (1, [(2, 1), 2], "valid"):
        with pytest.raises(ValueError, match=r"Block 1 of 2: residual=True .*padding="):
            fit(X, y, residual=True, kernel_size=5, padding=padding)


# -- windows larger than a guessed image -----------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"pool_size": 99}, r"block 1 uses pool_size=\(8, 8\) instead of 99; block 2 "
         r"uses kernel_size=\(1, 1\) instead of 3; block 2 uses pool_size=\(1, 1\)"),
        ({"kernel_size": [3, 9]}, r": block 2 uses kernel_size=\(4, 4\) instead of 9"),
        ({"kernel_size": [(3, 9), 3]}, r": block 1 uses .*=\(3, 8\) instead of \(3, 9"),
        ({"kernel_size": [3, 9], "residual": True}, "block 2 uses kernel_size=.4, 4"),
        ({"kernel_size": 11, "padding": 1, "pooling": None},
         r": block 1 uses kernel_size=\(10, 10\) instead of 11; block 2"),
    ],
)  # fmt: skip
def test_reduced_windows_are_reported(params, message, digits):
    X, y = digits
    rows, params = X.reshape(len(X), -1), {**params, "max_iter": 1}
    with pytest.warns(UserWarning, match="images of 8 × 8.*" + message) as seen:
        net = fit(rows, y, **params)
    assert sum("images of 8 × 8" in str(warning.message) for warning in seen) == 1
    net.partial_fit(rows, y)  # not again
    with pytest.raises(ValueError, match="Block"):
        fit(X, y, **{"pooling": "max", **params, "padding": "valid"})


def test_windows_that_fit_are_not_reported(digits):
    X, y = digits
    for params in ({}, {"pool_size": 4, "conv_channels": 4},
                   {"stride": 99, "conv_channels": 4, "pooling": None}):  # fmt: skip
        fit(X.reshape(len(X), -1), y, max_iter=1, **params)
    # A window as large as the padded image fits.
    params = {"kernel_size": 10, "padding": 1, "pooling": None, "conv_channels": 4}
    net = fit(X.reshape(len(X), -1), y, max_iter=1, **params)
    assert net.network_.layers[1].kernel_size == (10, 10)


def test_only_the_width_is_reported_of_strips(digits):
    X, y = digits[0].reshape(len(digits[0]), -1)[:, :7], digits[1]
    params = {"conv_channels": 4, "max_iter": 1}
    with pytest.warns(UserWarning, match="X has rows of 7 features") as seen:
        fit(X, y, **params)
    assert not any("instead of" in str(warning.message) for warning in seen)
    with (
        pytest.warns(UserWarning, match="X has rows of 7 features"),
        pytest.warns(UserWarning, match=r"kernel_size=\(1, 7\) instead of 9"),
    ):
        fit(X, y, kernel_size=9, **params)


# -- as any estimator ------------------------------------------------------------------


def test_in_pipelines_and_searches(digits):
    X, y = digits
    rows = X.reshape(len(X), -1)
    net = CNNClassifier(**ABLE, max_iter=15)
    assert cross_val_score(net, X, y, cv=3).mean() > 0.75
    assert make_pipeline(StandardScaler(), net).fit(rows, y).score(rows, y) > 0.9
    whitened = make_pipeline(PCA(36, whiten=True), net).fit(rows, y)
    assert whitened[-1].input_shape_ == (6, 6, 1)
    grid = {
        "kernel_size": [3, 5],
        "pooling": ["max", "avg"],
        "conv_channels": [4, (4, 4)],
    }
    one, two = (
        GridSearchCV(
            net, grid, cv=2, n_jobs=n_jobs, error_score="raise", scoring="neg_log_loss"
        ).fit(X, y)
        for n_jobs in (1, 2)
    )
    # Processes may run BLAS on another number of threads.
    assert_allclose(
        one.cv_results_["mean_test_score"],
        two.cv_results_["mean_test_score"],
        rtol=1e-7,
    )


def test_clone_pickle_and_float32(digits):
    X, y = digits
    net = fit(X.astype(np.float32), y)
    assert net.network_.dtype == np.float32
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    assert clone(net).get_params() == net.get_params()
    assert len(pickle.dumps(fit(X, y))) == len(pickle.dumps(fit(X[:250], y[:250])))


def test_partial_fit_trains(digits):
    X, y = digits
    X = (X * 255).astype(np.uint8)
    net = CNNClassifier(**ABLE)
    for _ in range(10):
        net.partial_fit(X, y, classes=np.arange(10))
    assert net.score(X, y) > 0.8


def test_predictions_do_not_depend_on_slices(digits):
    X, y = digits
    net = fit(X, y)
    parts = np.concatenate(
        [net.decision_function(X[i : i + 7]) for i in range(0, 300, 7)]
    )
    # Near 0 the terms of a score cancel, but not their rounding errors.
    assert_allclose(parts, net.decision_function(X), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("augmentation", [None, [RandomFlip(), RandomRotation()]])
def test_memory_does_not_grow_with_the_images(augmentation):
    def peak(n):
        X, y = np.zeros((n, 28, 28), np.uint8), np.arange(n) % 2
        net = CNNClassifier((2,), hidden_layer_sizes=(), batch_size=100, max_iter=1)
        net.set_params(augmentation=augmentation)
        tracemalloc.start()
        try:
            net.fit(X, y).predict(X)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # imports, caches
    # Targets, their order and predictions: some 24 bytes a row, an image has 784.
    assert peak(6000) - peak(3000) < 3000 * 100


# -- bad input -------------------------------------------------------------------------

BAD = [
    ({"input_shape": (8, 7)}, r"input_shape=\(8, 7\) has 56 pixel .* 64 columns"),
    ({"input_shape": (64,)}, r"\(height, width\) or .* got \(64,\)"),
    ({"input_shape": (8, -8)}, r"positive integers, got \(8, -8\)"),
    ({"input_shape": "8x8"}, "input_shape"),
    ({"conv_channels": (4,) * 4, "input_shape": (8, 8)}, "Block 4 of 4: MaxPool2D.* "
     "less than one pixel of images of 1 x 1"),
    ({"kernel_size": 9, "padding": "valid", "input_shape": (8, 8)}, "Block 1 of 2: "
     "kernel_size=9 is larger than the image, 8 x 8 pixels"),
    ({"kernel_size": (3, 3, 3)}, "kernel_size .* one for each block, .* there are 2"),
    ({"kernel_size": [0, 3]}, r"Block 1 of 2: kernel_size .* integer.* got 0"),
    ({"padding": "full"}, "padding.*'valid'.*Got 'full'"),
    ({"padding": ["same", "full"]}, "Block 2 of 2: padding must be .* got 'full'"),
    ({"padding": -1}, "padding.*Got -1"),
    ({"padding": True}, "Block 1 of 2: padding must be .* got True"),
    ({"padding": [(1, 2, 3), 1]}, r"Block 1 of 2: padding must be .* got \(1, 2, 3\)"),
    ({"padding": (1, 2, 3)}, "padding must be .* one for each block, .* there are 2"),
    ({"pooling": "maxx"}, r"^Did you mean 'max'\? .*'pooling'.* one pooling per block"),
    ({"activation": "rellu"}, "a list of one activation per block and hidden layer"),
    ({"pooling": ["max", "mean"]}, r"pooling must be one of \['avg', 'max'\].*'mean'"),
    ({"conv_channels": (0, 3)}, r"conv_channels must be > 0, got \[0, 3\]"),
    ({"conv_channels": (2.5,)}, "conv_channels must be an integer or a sequence"),
    ({"activation": ["relu"] * 2}, "one for each block and layer, .* there are 3"),
    ({"dropout": [0.1]}, "dropout must be .* block and layer, of which there are 3"),
]  # fmt: skip


@pytest.mark.parametrize("params, message", BAD, ids=[str(case[0]) for case in BAD])
def test_bad_parameters(params, message, digits):
    X, y = digits
    net = CNNClassifier(**{**SMALL, **params})
    with pytest.raises(ValueError, match=message):
        net.fit(X.reshape(len(X), -1), y)
    assert not hasattr(net, "network_")
    assert not hasattr(net, "input_shape_")
