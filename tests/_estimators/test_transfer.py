"""Transfer learning: given weights, frozen layers, another rate for the head."""

import math
import pickle
import time
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
)
from sknn.initializers import Constant
from sknn.layers import (
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    LayerSpec,
    MaxPool2D,
    ParamSpec,
    PReLU,
    Residual,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
)

BODY = {
    "conv_channels": (4, 6),
    "hidden_layer_sizes": (16,),
    "normalization": "batch",
    "activation": "prelu",
    "batch_size": 50,
    "random_state": 0,
}
NAMES = [
    *("conv1", "batchnorm1", "prelu1", "conv2", "batchnorm2", "prelu2"),
    *("dense1", "batchnorm3", "prelu3", "output"),
]
IMAGES = NAMES[:6]


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images / 16, data.target


@pytest.fixture(scope="module")
def fitted(digits):
    """A network of eight classes."""
    X, y = digits
    return CNNClassifier(**BODY, max_iter=5).fit(X[y < 8], y[y < 8])


@pytest.fixture(scope="module")
def others(digits):
    """A few rows of the other two classes."""
    X, y = digits
    return X[y >= 8][:60], y[y >= 8][:60]


def arrays_by_layer(estimator):
    network = estimator.network_
    return {
        name: [a.copy() for a in p.values()]
        for name, p in zip(network.names, network.params, strict=True)
        if p
    }


def unchanged(before, after):
    """Names of the layers whose arrays, running averages too, are exactly the same."""
    return [
        name
        for name in before
        if all(map(np.array_equal, before[name], after[name]))
        and [a.shape for a in before[name]] == [a.shape for a in after[name]]
    ]


# -- freeze ---------------------------------------------------------------------------

FREEZE = {
    "nothing": (None, []),
    "no layer": (0, []),
    "conv": ("conv", IMAGES),
    "the first": (1, NAMES[:3]),
    "the first two": (2, IMAGES),
    "all but the head": (3, NAMES[:-1]),
    "a name": ("conv1", ["conv1"]),
    "names": (["batchnorm1", "conv2"], ["batchnorm1", "conv2"]),
    "after trained ones": (["dense1", "batchnorm3"], ["dense1", "batchnorm3"]),
    "the head": (("output",), ["output"]),
}


@pytest.mark.parametrize("solver", ["adam", "sgd", "adamw", "lbfgs"])
@pytest.mark.parametrize("freeze, names", FREEZE.values(), ids=FREEZE)
def test_frozen_parameters_do_not_move_by_a_bit(freeze, names, solver, fitted, digits):
    X, y = digits
    X, y = X[y < 8], y[y < 8]
    params = {} if solver != "lbfgs" else {"normalization": "layer"}
    if solver == "lbfgs":  # batch normalization and lbfgs do not go together
        names = [name.replace("batch", "layer") for name in names]
        is_list = isinstance(freeze, list)
        freeze = [f.replace("batch", "layer") for f in freeze] if is_list else freeze
        fitted = clone(fitted).set_params(max_iter=1, **params).fit(X, y)
    tuned = clone(fitted).set_params(
        init_from=FrozenEstimator(fitted), freeze=freeze, solver=solver, max_iter=3
    )
    tuned.fit(X, y)
    before, after = arrays_by_layer(fitted), arrays_by_layer(tuned)
    assert unchanged(before, after) == names
    tuned.warm_start = True
    tuned.fit(X, y)
    assert unchanged(before, arrays_by_layer(tuned)) == names


def test_training_after_frozen_layers_is_training_on_their_features(digits, tmp_path):
    X, y = digits[0].reshape(-1, 64)[:300], digits[1][:300]
    settings = {"max_iter": 5, "shuffle": False, "random_state": 0, "alpha": 0.0}
    body = [Dense(12), BatchNorm(), Activation("tanh")]
    tail = [Dense(7), Activation("relu")]
    source = SequentialClassifier(body, **settings).fit(X, y)
    still = {**settings, "max_iter": 1, "learning_rate_init": 1e-300}
    draw = SequentialClassifier(tail, **still).fit(source.transform(X), y)
    weights = [*source.get_weights()[:-2], *draw.get_weights()]
    np.savez(tmp_path / "whole.npz", *weights)
    whole = SequentialClassifier(
        [*body, *tail], init_from=tmp_path / "whole.npz", freeze=1, **settings
    ).fit(X, y)
    part = SequentialClassifier(tail, **settings).fit(source.transform(X), y)
    assert_allclose(whole.loss_curve_, part.loss_curve_, rtol=1e-10)
    assert_allclose(whole.transform(X), part.transform(source.transform(X)))


def test_frozen_layers_cost_no_backward_pass(digits):
    X, y = digits
    calls = []

    class Watched(Dense):
        def backward(self, p, g, dy, ws, need_dx):
            calls.append((self.name, bool(g), need_dx))
            return super().backward(p, g, dy, ws, need_dx)

    names = ("a", "b", "c")
    layers = [part for n in names for part in (Watched(5, name=n), Activation("tanh"))]
    clf = SequentialClassifier(layers, max_iter=1, batch_size=len(X), freeze=2)
    clf.fit(X.reshape(-1, 64), y)
    assert calls == [("c", True, False)]
    calls.clear()
    clf.set_params(freeze=["b"]).fit(X.reshape(-1, 64), y)
    assert calls == [("c", True, True), ("b", False, True), ("a", True, False)]


def test_solvers_hold_no_state_of_frozen_parameters(fitted, digits):
    tuned = clone(fitted).set_params(freeze="conv", max_iter=1).fit(*digits)
    network = tuned.network_
    frozen = sum(
        math.prod(spec.shape)
        for name, layer in zip(network.names, network.specs, strict=True)
        for spec in layer.params.values()
        if name in IMAGES
    )
    assert 0 < network.n_trained == network.theta.size - frozen
    n_state = sum(
        np.size(a)
        for state in tuned._progress.states
        for a in state.values()
        if np.ndim(a)
    )
    assert n_state == 2 * network.n_trained


def test_partial_fit_and_thawing(fitted, digits):
    X, y = digits
    X, y = X[y < 8], y[y < 8]
    tuned = clone(fitted).set_params(init_from=fitted, freeze="conv")
    tuned.partial_fit(X, y, classes=range(8)).partial_fit(X, y)
    before = arrays_by_layer(fitted)
    assert unchanged(before, arrays_by_layer(tuned)) == IMAGES
    tuned = pickle.loads(pickle.dumps(tuned))
    thawed = arrays_by_layer(tuned)
    tuned.set_params(freeze=None).partial_fit(X, y)
    assert unchanged(thawed, arrays_by_layer(tuned)) == []
    tuned.set_params(freeze=3).partial_fit(X, y)


def test_freezing_without_init_from_keeps_the_draw(digits):
    # Training on random features is an established method.
    X, y = digits
    clf = CNNClassifier(**BODY, freeze="conv", max_iter=2).fit(X, y)
    drawn = clone(clf).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)
    assert unchanged(arrays_by_layer(drawn), arrays_by_layer(clf)) == IMAGES


def test_first_layers_in_residual_networks(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    block = Residual((Dense(8), Activation("relu"), Dense(8)))
    clf = SequentialClassifier([Dense(8), PReLU(), block, PReLU()], max_iter=1)
    initial = clone(clf).set_params(random_state=0)
    initial._start_run(X, y)
    tuned = clone(initial).set_params(freeze=2).fit(X, y)
    same = unchanged(arrays_by_layer(initial), arrays_by_layer(tuned))
    assert same == ["dense1", "prelu1", "residual1", "prelu2"]


@pytest.mark.parametrize(
    "params, message",
    [
        ({"freeze": "con"}, r"^Did you mean 'conv1'\? freeze must be None, 'conv', "),
        ({"freeze": ["conv1", "dense7"]}, r"got \['conv1', 'dense7'\]"),
        ({"freeze": ["maxpool1"]}, "names of layers with parameters"),
        ({"freeze": 4}, "freeze=4 layers, but the network has 4, the last .* output"),
        ({"freeze": NAMES}, "leaves no layer to train"),
        ({"freeze": -1}, "'freeze' parameter"),
        ({"freeze": 1.5}, "'freeze' parameter"),
        ({"head_learning_rate": 0}, "'head_learning_rate' parameter"),
        ({"layer_learning_rates": 2.0}, "'layer_learning_rates' parameter"),
        ({"layer_learning_rates": {"conv1": 0.0}}, "positive numbers .* for 'conv1'"),
        ({"layer_learning_rates": {"conv1": "2"}}, "got '2' for 'conv1'"),
        ({"layer_learning_rates": {"maxpool1": 2.0}}, "has 'maxpool1', but must have"),
        ({"layer_learning_rates": {"conv1.c": 2.0}}, r"'conv1\.W', 'conv1\.b'"),
    ],
)
def test_freeze_that_names_nothing(params, message, digits):
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**{**BODY, **params}).fit(*digits)


def test_an_mlp_has_no_convolution(digits):
    with pytest.raises(ValueError, match="freeze='conv', but the network has no conv"):
        MLPClassifier(freeze="conv").fit(digits[0].reshape(-1, 64), digits[1])


# -- rates ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_the_head_has_a_rate_of_its_own(solver, digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    settings = {"solver": solver, "batch_size": len(X), "max_iter": 1}
    settings |= {"random_state": 0, "alpha": 0.0}
    slow = MLPClassifier(**settings, learning_rate_init=0.01).fit(X, y)
    fast = MLPClassifier(**settings, learning_rate_init=0.05).fit(X, y)
    mixed = MLPClassifier(**settings, learning_rate_init=0.01, head_learning_rate=0.05)
    mixed.fit(X, y)
    body, head = mixed.coefs_
    assert_array_equal(body, slow.coefs_[0])
    assert_allclose(head, fast.coefs_[1], rtol=1e-12)
    assert not np.allclose(head, slow.coefs_[1])


def test_the_rate_of_the_head_follows_the_schedule(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    settings = {"learning_rate": "linear", "max_iter": 6, "random_state": 0}
    same = MLPClassifier(**settings, head_learning_rate=0.001).fit(X, y)
    assert same.loss_curve_ == MLPClassifier(**settings).fit(X, y).loss_curve_
    other = MLPClassifier(**settings, head_learning_rate=0.01).fit(X, y)
    assert other.learning_rates_ == same.learning_rates_


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "nadam", "rmsprop"])
def test_layers_and_arrays_have_rates_of_their_own(solver, digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    settings = {"solver": solver, "batch_size": len(X), "max_iter": 1, "alpha": 0.0}
    settings |= {"random_state": 0, "learning_rate_init": 0.01, "weight_decay": 0.1}

    def moved(**params):
        net = MLPClassifier((8, 6), **settings, **params).fit(X, y)
        start = MLPClassifier((8, 6), **settings, freeze=2).fit(X, y)
        pairs = zip(net.get_weights()[:4], start.get_weights()[:4], strict=True)
        return [after - before for after, before in pairs]

    factors = {"dense1": 0.5, "dense2.W": 3.0, "*.b": 0.1}
    changes = zip(moved(layer_learning_rates=factors), moved(), strict=True)
    for (ours, plain), factor in zip(changes, [0.5, 0.05, 3.0, 0.1], strict=True):
        assert_allclose(ours, factor * plain, rtol=1e-9, atol=1e-14)


# -- init_from ------------------------------------------------------------------------


def test_the_head_is_new_when_classes_differ(fitted, others, digits):
    X, y = digits
    tuned = clone(fitted).set_params(init_from=fitted, max_iter=1)
    tuned.set_params(learning_rate_init=1e-12)

    def taken(X, y):
        return [
            name
            for name, arrays in arrays_by_layer(clone(tuned).fit(X, y)).items()
            if np.allclose(arrays[0], arrays_by_layer(fitted)[name][0], atol=1e-6)
        ]

    # Learned slopes and running averages move, so only the first array is compared.
    with pytest.raises(ValueError, match="not fitted"):
        taken(*others)  # clone has made an unfitted copy of init_from
    tuned.set_params(init_from=FrozenEstimator(fitted))
    assert taken(*others) == NAMES[:-1]
    assert taken(X[y < 8], y[y < 8]) == NAMES
    assert (
        taken(X[y < 8], y[y < 8] + 1) == NAMES[:-1]
    )  # the same number of other classes


def test_from_classes_to_numbers(fitted, digits):
    X, _ = digits
    ink = X.mean(axis=(1, 2))
    tuned = CNNRegressor(**BODY, init_from=fitted, freeze=3, max_iter=1).fit(X, ink)
    assert unchanged(arrays_by_layer(fitted), arrays_by_layer(tuned)) == NAMES[:-1]
    assert_allclose(tuned.transform(X), fitted.transform(X))


def test_a_file_is_as_good(fitted, digits, tmp_path):
    X, y = digits
    path = tmp_path / "weights.npz"
    np.savez(path, *fitted.get_weights())
    settings = {**BODY, "max_iter": 2}
    one = CNNClassifier(**settings, init_from=fitted).fit(X[y < 8], y[y < 8])
    for init_from in (path, str(path)):
        other = CNNClassifier(**settings, init_from=init_from)
        other.fit(X[y < 8], y[y < 8])
        assert other.loss_curve_ == one.loss_curve_
    # float32 from float64
    single = CNNClassifier(**settings, init_from=path).fit(
        X[y < 8].astype(np.float32), y[y < 8]
    )
    assert {w.dtype for w in single.get_weights()} == {np.dtype(np.float32)}


def test_layers_after_a_misfit_keep_their_initial_weights(fitted, digits):
    with pytest.warns(UserWarning, match="fit conv1, .*prelu2 only: layer dense1"):
        CNNClassifier(
            **{**BODY, "hidden_layer_sizes": (20,)}, init_from=fitted, max_iter=1
        ).fit(*digits)


def misfits(path, fitted):
    """Parameters and the errors that they make."""
    np.savez(path / "few.npz", *fitted.get_weights()[:3])
    np.savez(path / "nan.npz", *(w * np.nan for w in fitted.get_weights()))
    np.savez(path / "objects.npz", np.array([None, 1]))
    (path / "text.npz").write_text("weights", "utf-8")
    other = {"hidden_layer_sizes": (20,)}
    source = path / "good.npz"
    np.savez(source, *fitted.get_weights())
    return [
        (
            {"init_from": path / "few.npz"},
            r"few.npz' has 3 arrays, but the network needs 23",
        ),
        ({"init_from": path / "nan.npz"}, "W in init_from must hold finite numbers"),
        (
            {"init_from": path / "objects.npz"},
            "has 1 arrays, but the network needs 23",
        ),
        ({"init_from": path / "text.npz"}, "is not a file of weights as numpy.savez"),
        (
            {"init_from": source, **other},
            r"dense1 needs .*\(24, 20\).* but init_from has .*24, 16",
        ),
        ({"init_from": fitted, "conv_channels": (5, 6)}, "init_from fit no layer: "),
        (
            {"init_from": fitted, **other, "freeze": 3},
            "would keep the random initial weights of dense1, batchnorm3, prelu3",
        ),
        ({"init_from": MLPClassifier()}, "is not fitted.*FrozenEstimator"),
    ]


def test_weights_that_do_not_fit(fitted, digits, tmp_path):
    for params, message in misfits(tmp_path, fitted):
        clf = CNNClassifier(**{**BODY, **params})
        with pytest.raises(ValueError, match=message):
            clf.fit(*digits)
        assert not hasattr(clf, "network_")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        CNNClassifier(init_from=tmp_path / "nowhere.npz").fit(*digits)
    with pytest.raises(TypeError, match=r"got LogisticRegression\(\)"):
        CNNClassifier(init_from=LogisticRegression()).fit(*digits)


def test_frozen_sources_survive_searches(fitted, others):
    clf = CNNClassifier(
        **BODY, init_from=FrozenEstimator(fitted), max_iter=20, learning_rate_init=0.01
    )
    search = GridSearchCV(clf, {"freeze": ["conv", 1, None]}, cv=2, n_jobs=2)
    search.fit(*others)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.8


# -- set_weights, get_weights ---------------------------------------------------------


def test_weights_go_out_and_in(fitted, digits):
    X, y = digits
    other = clone(fitted).set_params(random_state=7, max_iter=1)
    other.fit(X[y < 8], y[y < 8])
    assert other.set_weights(fitted.get_weights()) is other
    assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
    fitted.get_weights()[0][...] = 0  # copies
    assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))


def test_parameters_trained_elsewhere_give_the_same_predictions(digits):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    X, y = digits
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 16), nn.ReLU()),
        nn.Linear(16, 10),
    ).double()
    net(torch.from_numpy(X[:, None]))  # moves the running averages
    net.eval()
    state = [v.numpy() for v in net.state_dict().values() if v.ndim]
    weights = [w.T if w.ndim == 2 else w for w in state]
    relu = Activation("relu")
    layers = [Conv2D(4), BatchNorm(), relu, MaxPool2D(), Flatten(), Dense(16), relu]
    clf = SequentialClassifier(layers, max_iter=1)
    clf.fit(X, y).set_weights(weights)
    expected = net(torch.from_numpy(X[:, None])).detach().numpy()
    assert_allclose(clf.decision_function(X), expected, rtol=1e-10, atol=1e-12)


def test_set_weights_checks_shapes(fitted):
    weights = fitted.get_weights()
    clf = pickle.loads(pickle.dumps(fitted))
    bad = [np.zeros((4, 3, 3, 1)), *weights[1:]]
    for given, message in [
        (weights[:-1], "must be a list of 23 arrays"),
        (bad, r"weights\[0\], which is W, must be of shape \(4, 1, 3, 3\), got \(4, 3"),
        ([*weights[:-1], [np.nan] * 8], r"weights\[22\], .* finite"),
        ([*weights[:-1], ["a"] * 8], r"weights\[22\], .* finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            clf.set_weights(given)
        for w, v in zip(clf.get_weights(), weights, strict=True):
            assert_array_equal(w, v)
    for method in ("get_weights", "summary"):
        with pytest.raises(NotFittedError):
            getattr(CNNClassifier(), method)()


# -- transform ------------------------------------------------------------------------


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_features_are_what_the_head_sees(Estimator):
    X, y = load_diabetes(return_X_y=True)
    y = y > 150
    est = Estimator(
        hidden_layer_sizes=(9, 5), dropout=0.2, max_iter=2, random_state=0
    ).fit(X, y)
    features = est.transform(X)
    assert features.shape == (len(X), 5)
    z = features @ est.coefs_[-1] + est.intercepts_[-1]
    expected = (
        est.predict(X) if Estimator is MLPRegressor else est.predict_proba(X)[:, 1]
    )
    if Estimator is MLPClassifier:
        z = 1 / (1 + np.exp(-z))
    assert_allclose(z.ravel(), expected, rtol=1e-12)
    name = Estimator.__name__.lower()
    assert list(est.get_feature_names_out()) == [f"{name}{i}" for i in range(5)]
    assert transform_frame(est, X).columns[0] == f"{name}0"


def transform_frame(est, X):
    pytest.importorskip("pandas")
    frame = est.set_output(transform="pandas").transform(X)
    est.set_output(transform="default")
    return frame


def test_features_for_another_model(fitted, others, digits):
    pipe = make_pipeline(FrozenEstimator(fitted), LogisticRegression(max_iter=1000))
    assert cross_val_score(pipe, *others, cv=3).mean() > 0.8
    trained = make_pipeline(
        StandardScaler(), MLPClassifier((30,), max_iter=20), LogisticRegression()
    )
    X, y = digits[0].reshape(-1, 64)[:500], digits[1][:500]
    assert trained.fit(X, y).score(X, y) > 0.9
    assert trained[:-1].get_feature_names_out().shape == (30,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_hidden_layers_features_are_the_input(dtype):
    X, y = load_diabetes(return_X_y=True)
    X = X.astype(dtype)
    reg = MLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(X, y)
    assert_array_equal(reg.transform(X), X)
    assert reg.transform(X).dtype == dtype


def test_freezing_is_quicker():
    # Most of the work is in the frozen layers.
    rng = np.random.RandomState(0)
    X, y = rng.rand(2000, 24, 24).astype(np.float32), rng.randint(0, 3, 2000)
    seconds = {}
    for freeze in (None, "conv"):
        clf = CNNClassifier((16, 16), freeze=freeze, max_iter=1, random_state=0)
        took = []
        for _ in range(5):
            start = time.perf_counter()
            clf.fit(X, y)
            took.append(time.perf_counter() - start)
        seconds[freeze] = min(took)
    assert seconds["conv"] < 0.8 * seconds[None]


# -- layers of another depth, outputs of another meaning ------------------------------


def same_arrays(a, b):
    """Names of the layers of `b` that have the arrays of the layer of `a` there."""
    before, after = arrays_by_layer(a).values(), arrays_by_layer(b)
    return [
        name
        for old, (name, new) in zip(before, after.items(), strict=False)
        if len(old) == len(new) and all(map(np.array_equal, old, new))
    ]


@pytest.mark.parametrize(
    "theirs, ours, taken",
    [
        ((20, 10), (20,), ["dense1"]),
        ((20,), (20, 10), ["dense1"]),
        ((20, 10), (20, 10), ["dense1", "dense2", "output"]),
        ((20, 10), (20, 11), ["dense1"]),
    ],
)
def test_output_layers_are_never_hidden_ones(theirs, ours, taken, digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    source = MLPClassifier(theirs, max_iter=1, random_state=0).fit(X, y)
    # The weights hardly move, so those that were copied can be recognized.
    net = MLPClassifier(
        ours, init_from=source, max_iter=1, learning_rate_init=1e-300, random_state=1
    )
    if taken[-1] == "output":
        net.fit(X, y)
    else:
        with pytest.warns(UserWarning, match=f"fit {taken[-1]} only: layer"):
            net.fit(X, y)
    assert same_arrays(source, net) == taken


def test_outputs_that_mean_something_else_are_new():
    X, y = load_diabetes(return_X_y=True)
    labels = np.column_stack([y > 100, y > 150, y > 200]).astype(int)
    classes = labels.sum(axis=1) % 3
    settings = {"max_iter": 1, "learning_rate_init": 1e-300, "random_state": 0}
    cases = [
        (MLPClassifier(**settings), classes, {}, labels),
        (MLPRegressor(**settings), y, {"loss": "poisson"}, y),
        (
            MLPRegressor(loss="quantile", quantile=[0.1, 0.9], **settings),
            y,
            {"loss": "squared_error", "quantile": 0.5},
            labels[:, :2],
        ),
    ]
    for estimator, targets, other, other_targets in cases:
        source = clone(estimator).fit(X, targets)
        same = clone(estimator).set_params(random_state=1)
        same.set_params(init_from=FrozenEstimator(source)).fit(X, targets)
        assert same_arrays(source, same) == ["dense1", "output"]
        same.set_params(**other).fit(X, other_targets)
        assert same_arrays(source, same) == ["dense1"]


def test_damaged_files_are_named(fitted, digits, tmp_path):
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "good.npz", *fitted.get_weights())
    content = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "bent.npz").write_bytes(content[:200] + b"?" * 50 + content[250:])
    np.savez(tmp_path / "more.npz", *fitted.get_weights(), np.zeros(3))
    for name, message in {
        "empty": "is not a file of weights",
        "cut": "is not a file of weights",
        "bent": "is not a file of weights",
        "more": "has 24 arrays, but the network needs 23",
    }.items():
        clf = CNNClassifier(**BODY, init_from=tmp_path / f"{name}.npz")
        with pytest.raises(ValueError, match=f"{name}.npz' {message}"):
            clf.fit(*digits)


def test_weights_must_fit_the_dtype_and_variances_their_sign(fitted, digits):
    X, y = digits
    single = clone(fitted).set_params(max_iter=1).fit(X.astype(np.float32), y)
    weights = single.get_weights()
    huge = [weights[0].astype(float) * 1e300, *weights[1:]]
    with pytest.raises(ValueError, match=r"weights\[0\].*finite numbers of float32"):
        single.set_weights(huge)
    i = [name for name, _ in single.network_.arrays].index("var")
    bad = [-w if j == i else w for j, w in enumerate(weights)]
    with pytest.raises(ValueError, match=rf"weights\[{i}\].* is a variance"):
        single.set_weights(bad)


def test_transform_never_hands_out_the_rows_themselves():
    X, y = load_diabetes(return_X_y=True)
    before = X.copy()
    MLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(X, y).transform(X)[:] = 0
    assert_array_equal(X, before)


def test_layers_that_know_nothing_of_freezing_can_be_frozen(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]

    @dataclass(frozen=True)
    class Gain(Layer):
        """y = s x, which writes its gradient whether it is wanted or not."""

        def build(self, in_shape):
            s = ParamSpec(in_shape, Constant(1.0), 1, 1, decay=False)
            return LayerSpec(in_shape, in_shape, {"s": s})

        def forward(self, p, x, ws, train):
            ws.x = x
            return x * p["s"]

        def backward(self, p, g, dy, ws, need_dx):
            np.sum(dy * ws.x, axis=0, out=g["s"])
            return dy * p["s"]

    layers = [Dense(8), Gain(), Dense(8), Gain()]
    clf = SequentialClassifier(layers, max_iter=2, freeze=["gain2"]).fit(X, y)
    ones, moved = (arrays_by_layer(clf)[name][0] for name in ("gain2", "gain1"))
    assert_array_equal(ones, 1)
    assert (moved != 1).any()
    block = Residual((Gain(), Dense(8), BatchNorm()))
    clf.set_params(layers=[Dense(8), block], freeze=["residual1"]).fit(X, y)
    assert_array_equal(arrays_by_layer(clf)["residual1"][0], 1)


def test_frozen_batch_normalization_does_not_forbid_lbfgs(fitted, digits):
    X, y = digits
    X, y = X[y < 8], y[y < 8]
    tuned = clone(fitted).set_params(
        init_from=FrozenEstimator(fitted), freeze=3, solver="lbfgs", max_iter=3
    )
    assert (
        unchanged(arrays_by_layer(fitted), arrays_by_layer(tuned.fit(X, y)))
        == (NAMES[:-1])
    )
    tuned.set_params(solver="adam", batch_size=1, max_iter=1).fit(X[:20], y[:20])


def test_another_rate_keeps_the_state_of_the_solver(digits):
    X, y = digits[0].reshape(-1, 64), digits[1]
    net = MLPClassifier(head_learning_rate=0.003, learning_rate_init=0.0003)
    net.partial_fit(X, y, classes=range(10)).partial_fit(X, y)
    steps = net._progress.states[0]["t"]
    net.set_params(head_learning_rate=0.0015, learning_rate_init=0.00015)
    assert net.partial_fit(X, y)._progress.states[0]["t"] > steps
