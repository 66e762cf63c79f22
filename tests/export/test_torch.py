"""Networks as PyTorch modules: outputs, gradients, and what is refused."""

import copy
import io
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_layers import CASES, Call

from sknn import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    SequentialRegressor,
    TabularRegressor,
)
from sknn.activations import ACTIVATIONS, ActivationFunction, ReLU
from sknn.exceptions import ExportError
from sknn.export import to_torch
from sknn.export._plan import steps_of
from sknn.layers import Dense, Residual, Training
from sknn.objective import Objective

from .small_models import EXACT, MODELS, QUICK, ROWS, TABULAR, fitted, predictions

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

IN_FLOAT32 = [name for name in MODELS if name.startswith(("Tabular", "CNN, bytes"))]
"""Models that compute in float32 whatever the rows are."""

every_model = pytest.mark.parametrize(
    "name, dtype",
    [
        *((name, "float64") for name in MODELS),
        *((name, "float32") for name in MODELS if name not in IN_FLOAT32),
    ],
)
dtypes = pytest.mark.parametrize("dtype", EXACT)


def tensor_for(module, estimator, X):
    """Return rows as the module takes them."""
    if module.encoder is not None:
        return torch.from_numpy(module.encoder.transform(X))
    if estimator._input.image_shape is None:
        return torch.from_numpy(X)
    return torch.from_numpy(X.reshape(len(X), *estimator._input.image_shape)).permute(
        0, 3, 1, 2
    )


def of_layer(layer, in_shape, dtype):
    """Return a layer in a network, and its module, in evaluation mode."""
    from sknn.export._torch.layers import sequential

    call = Call(layer, in_shape, dtype)
    network = call.network
    steps = steps_of(network.layers, network.specs, network.params, keep_dropout=True)
    return call, sequential(steps).to(getattr(torch, dtype)).eval()


# -- outputs ---------------------------------------------------------------------------


@every_model
def test_predictions_are_those_of_the_estimator(name, dtype):
    estimator, X = fitted(name, dtype)
    module = to_torch(estimator)
    x = tensor_for(module, estimator, X)
    with torch.no_grad():
        found = predictions(module, x).numpy()
        scores, predicted = module(x).numpy(), module.predict(x).numpy()
        by_head = torch.nn.Sequential(module, module.head)(x).numpy()
    expected = predictions(estimator, X)
    tolerance = EXACT[str(estimator.network_.dtype)]
    size = tolerance * np.abs(expected).max()
    assert_allclose(found, expected, rtol=tolerance, atol=size)
    assert_array_equal(by_head.reshape(found.shape), found)
    z = estimator._raw_scores(X)
    assert_allclose(scores, z, rtol=10 * tolerance, atol=10 * tolerance)
    if hasattr(estimator, "classes_"):
        classes = estimator._targets.decode(predicted)
        assert_array_equal(classes, estimator.predict(X))
        assert_array_equal(module.classes_, estimator.classes_)
    else:
        assert_array_equal(predicted, found)


@dtypes
@pytest.mark.parametrize("layer, in_shape", CASES, ids=repr)
def test_layers_agree(layer, in_shape, dtype):
    call, module = of_layer(layer, in_shape, dtype)
    expected = call.forward(train=False)
    with torch.no_grad():
        found = module(torch.from_numpy(np.array(call.x))).numpy()
    assert found.dtype == expected.dtype
    tolerance = EXACT[dtype]
    assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("function", ACTIVATIONS.values(), ids=repr)
def test_activations_agree_far_from_zero(function):
    from sknn.export._torch.layers import function_of

    z = np.concatenate([np.linspace(-60, 60, 241), [-1e4, -1e-9, 0, 1e-9, 1e4]])
    expected = np.empty_like(z)
    function.forward(z, expected)
    found = function_of(function)(torch.from_numpy(z))
    assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_images_can_be_bytes_or_fractions():
    estimator, X = fitted("CNN, bytes")
    module = to_torch(estimator)
    x = tensor_for(module, estimator, X)
    assert x.dtype == torch.uint8
    assert_allclose(module(x).detach(), module(x.float() / 255).detach(), rtol=1e-6)


def test_images_with_dropout_of_the_input():
    X, y = fitted("CNN, bytes")[1], np.arange(60) % 3
    estimator = CNNClassifier(4, input_dropout=0.5, **QUICK).fit(X, y)
    module = to_torch(estimator)
    x = tensor_for(module, estimator, X)
    expected = estimator.predict_proba(X)
    assert_allclose(module.predict_proba(x).detach(), expected, rtol=2e-5, atol=1e-6)
    assert next(iter(dict(module.layers.named_children()))) == "dropout1"
    module.train()
    assert not torch.equal(module(x), module(x))


def test_large_targets_keep_their_digits():
    y = 1e9 + 1e3 * ROWS[:, 0]
    estimator = TabularRegressor(**TABULAR).fit(ROWS, y)
    module = to_torch(estimator)
    found = module.predict(tensor_for(module, estimator, ROWS)).detach()
    assert found.dtype == torch.float64
    assert_allclose(found, estimator.predict(ROWS), rtol=0, atol=0.02)


def test_the_best_estimator_of_a_search():
    estimator, grid = MLPRegressor(**QUICK), {"alpha": [1e-4, 1.0]}
    search = RandomizedSearchCV(estimator, grid, n_iter=1, cv=2, random_state=0)
    module = to_torch(search.fit(ROWS, ROWS[:, 0]))
    found = module.predict(torch.from_numpy(ROWS)).detach()
    assert_allclose(found, search.predict(ROWS), rtol=1e-10, atol=1e-12)


# -- training --------------------------------------------------------------------------


def test_gradients_are_those_of_sknn():
    estimator = MLPClassifier(**QUICK, activation="gelu", normalization="layer")
    estimator.set_params(alpha=0.0).fit(ROWS, np.arange(60) % 3)
    codes, network = np.arange(60) % 3, estimator.network_
    objective = Objective(network, estimator._targets.loss, alpha=0.0)
    value = objective.loss_gradient(ROWS, codes, None)
    module = to_torch(estimator).train()
    scores = module(torch.from_numpy(ROWS))
    loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(codes))
    loss.backward()
    assert loss.item() == pytest.approx(value, rel=1e-12)
    expected = [v for views in network.views(objective.grad) for v in views.values()]
    found = [p.grad.numpy() for p in module.parameters()]
    assert len(found) == len(expected)
    for ours, theirs in zip(expected, found, strict=True):
        assert_allclose(theirs.T, ours, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("layer, in_shape", CASES, ids=repr)
def test_layers_pass_back_the_same_gradient(layer, in_shape):
    call, module = of_layer(layer, in_shape, "float64")
    training = Training(np.random.default_rng(0))
    ws = layer.workspace(call.spec, len(call.x), call.dtype, training)
    layer.forward(call.p, call.x, ws, train=False)
    expected = layer.backward(call.p, {}, call.v.copy(), ws, need_dx=True)
    x = torch.from_numpy(np.array(call.x)).requires_grad_()
    (module(x) * torch.from_numpy(call.v)).sum().backward()
    assert_allclose(x.grad, expected, rtol=1e-10, atol=1e-12)


def test_training_goes_on():
    estimator, X = fitted("MLP, dropout")
    module, y = to_torch(estimator).train(), torch.arange(len(X)) % 3
    x, loss = torch.from_numpy(X), torch.nn.CrossEntropyLoss()
    assert not torch.equal(module(x), module(x))  # dropout
    solver = torch.optim.Adam(module.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        solver.zero_grad()
        losses.append(loss(module.eval()(x), y))
        losses[-1].backward()
        solver.step()
    assert losses[-1] < 0.9 * losses[0]
    same = to_torch(estimator)  # with copies of its own
    assert_allclose(same.predict_proba(x).detach(), estimator.predict_proba(X))


@pytest.mark.parametrize("name", ["MLP, batch norm", "Tabular, members", "CNN, bytes"])
def test_state_dict_is_loaded(name):
    estimator, X = fitted(name)
    module, other = to_torch(estimator), to_torch(estimator)
    for value in other.state_dict().values():
        value.fill_(0)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = tensor_for(module, estimator, X)
    assert torch.equal(other(x), module(x))
    n_parameters = sum(p.numel() for p in module.parameters())
    assert n_parameters == estimator.network_.theta.size
    copied = copy.deepcopy(module)
    assert torch.equal(copied(x), module(x))


def test_a_dense_network_is_made_of_standard_layers():
    estimator, _ = fitted("MLP, dropout")
    modules = {type(m).__name__ for m in to_torch(estimator).layers.children()}
    assert modules == {"Dropout", "DropConnect", "ReLU"}
    module = to_torch(fitted("MLP, tanh")[0]).layers
    assert list(dict(module.named_children())) == [
        *("dense1", "activation1", "dense2", "activation2", "dense3"),
    ]
    assert type(module.dense1) is torch.nn.Linear


def test_names_of_layers_are_kept_if_pytorch_takes_them():
    names = ["first", "a.b", "forward", "dense1", None]
    layers = [Dense(3, name=name) for name in names]
    inner = Residual((Dense(4, name="twice"), Dense(3, name="twice")))
    X, y = ROWS, ROWS[:, 0]
    reg = SequentialRegressor([*layers, inner], max_iter=2, random_state=0).fit(X, y)
    module = to_torch(reg)
    assert list(dict(module.layers.named_children())) == [
        *("first", "dense1", "dense2", "dense3", "dense4", "residual1", "dense5")
    ]
    children = module.layers.residual1.inner.named_children()
    assert list(dict(children)) == ["twice", "dense1"]
    assert_allclose(module.predict(torch.from_numpy(X)).detach(), reg.predict(X))


def test_the_module_is_exported_by_torch():
    estimator, X = fitted("CNN, bytes")
    module = to_torch(estimator)
    x = tensor_for(module, estimator, X)
    program = torch.export.export(torch.nn.Sequential(module, module.head), (x,))
    assert_allclose(
        program.module()(x).detach(), estimator.predict_proba(X), rtol=1e-4, atol=1e-6
    )


# -- what is refused -------------------------------------------------------------------


class Wider(Dense):
    """A layer of the user's own."""


class Kinked(ReLU):
    """An activation function of the user's own."""


def test_parts_of_the_user_are_refused():
    estimator = MLPRegressor(**QUICK, activation=Kinked()).fit(ROWS, ROWS[:, 0])
    with pytest.raises(ExportError, match=r"the activation Kinked\(\), which is not"):
        to_torch(estimator)
    assert issubclass(Kinked, ActivationFunction)
    estimator = SequentialRegressor([Wider(3)], max_iter=2).fit(ROWS, ROWS[:, 0])
    with pytest.raises(ExportError, match=r"the layer Wider\(.*\), which is not from"):
        to_torch(estimator)


def test_a_class_is_refused():
    with pytest.raises(ExportError, match=r"got the class MLPRegressor\."):
        to_torch(MLPRegressor)


def test_a_pipeline_is_refused():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    with pytest.raises(ExportError, match=r"Pass its last step, estimator\[-1\]"):
        to_torch(pipeline.fit(ROWS, np.arange(60) % 2))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.1]}, cv=2)
    with pytest.raises(ExportError, match=r"step, estimator\.best_estimator_\[-1\]"):
        to_torch(search.fit(ROWS, np.arange(60) % 2))


def test_without_torch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "sknn\[torch\]"'):
        to_torch(fitted("MLP, relu")[0])
