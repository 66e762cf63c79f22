"""to_onnx: ONNX Runtime predicts what the estimators predict."""

import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from contracts.test_common_checks import ESTIMATORS
from helpers import LOSSES, draw_targets
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import erf
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from test_activations import OTHERS
from test_layers import CASES

import sknn.layers
from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    SequentialClassifier,
    TabularClassifier,
    TabularRegressor,
)
from sknn._estimators.assembly import output_arrays
from sknn.activations import ACTIVATIONS, ActivationFunction, ReLU
from sknn.exceptions import ExportError
from sknn.export import to_c, to_onnx
from sknn.export._onnx import activations as onnx_activations
from sknn.export._onnx import layers as onnx_layers
from sknn.export._onnx.graph import Graph
from sknn.export._onnx.model import make_model
from sknn.export._onnx.table import is_exact
from sknn.export._onnx.value import Value
from sknn.export._plan import plan_of, steps_of
from sknn.layers import (
    Activation,
    CategoricalEmbedding,
    Dense,
    DropConnect,
    Dropout,
    Ensemble,
    Layer,
    LayerNorm,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Residual,
)
from sknn.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfSquaredError,
    Huber,
)
from sknn.network import Network

from .data import (
    IMAGES,
    LABELS,
    NUMBERS,
    ONE,
    QUICK,
    RNG,
    TABLE,
    TWO,
    X,
    feeds_of_table,
    other_rows,
)
from .sessions import TOLERANCE, assert_predicts, run

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X has (rows|pixels):UserWarning",
    "ignore:Early stopping ended training at epoch:UserWarning",
    "ignore:y has one column per class:UserWarning",
    "ignore:Got `batch_size`:UserWarning",
    "ignore:The learning rate is 0:UserWarning",
)

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def outputs_of(write, x, dtype, shape=()):
    """Run the nodes that ``write(g, "X")`` adds to a graph `g`.

    `shape` is that of a row of the output.
    """
    g = Graph(np.dtype(dtype), ["X", "Y"])
    g.give_name(write(g, "X"), "Y")
    kind = g.element_type(dtype)
    output = Value("Y", kind, shape).info(g.onnx)
    model = make_model(g, "test", [Value("X", kind, x.shape[1:])], [output])
    onnxruntime = pytest.importorskip("onnxruntime")
    g.onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"X": x})
    assert y.dtype == dtype
    return y


# -- activations and layers -----------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("f", [*ACTIVATIONS.values(), *OTHERS.values()], ids=repr)
def test_activations(f, dtype):
    x = np.append(np.linspace(-10, 10, 401), [-1e4, -30, 30, 1e4]).astype(dtype)
    a = np.empty_like(x)
    f.forward(x, a)
    y = outputs_of(lambda g, x: onnx_activations.write_activation(g, f, x), x, dtype)
    assert_allclose(y, a, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 100)


def test_the_error_function_of_doubles():
    x = np.linspace(-9, 9, 20_001)
    y = outputs_of(onnx_activations.erf_of_doubles, x, "float64")
    assert_allclose(y, erf(x), rtol=1e-14, atol=0)


@both_dtypes
@pytest.mark.parametrize("layer, in_shape", CASES, ids=repr)
def test_layers(layer, in_shape, dtype):
    """Every layer of the package, as in `test_layers`, as in prediction."""
    rng = np.random.RandomState(0)
    x = (3 * rng.normal(size=(7, *in_shape))).astype(dtype)
    network = Network([layer], in_shape, np.dtype(dtype))
    network.initialize(rng, x)
    network.theta[:] += 0.3 * rng.normal(size=network.theta.shape)
    (views,) = network.params
    for name, view in views.items():
        if name.endswith(("mean", "var")):
            view[...] = rng.uniform(0.5, 2, view.shape)
    steps = steps_of(network.layers, network.specs, network.params)
    shape = network.out_shape
    if not steps:  # dropout
        assert_array_equal(network.last_outputs(x), x)
        return
    y = outputs_of(lambda g, x: onnx_layers.write_steps(g, steps, x), x, dtype, shape)
    assert_allclose(y, network.last_outputs(x), rtol=0, atol=10 * TOLERANCE[dtype])


def test_every_layer_and_activation_is_known():
    layers = {getattr(sknn.layers, name) for name in sknn.layers.__all__}
    layers = {cls for cls in layers if issubclass(cls, Layer) and cls is not Layer}
    only_in_training = {Dropout, DropConnect}
    assert {*onnx_layers.LAYERS, *only_in_training} == layers
    functions = {type(function) for function in ACTIVATIONS.values()}
    assert set(onnx_activations.ACTIVATIONS) == functions


@both_dtypes
@pytest.mark.parametrize(
    "layer",
    [
        CategoricalEmbedding((), ()),
        CategoricalEmbedding((0, 1), (2, 3)),
        PeriodicEmbedding(0),
        PiecewiseLinearEmbedding(0),
        Residual(()),
        Ensemble((), 2),
    ],
    ids=repr,
)
def test_embeddings_of_no_column_or_of_all_and_empty_blocks(layer, dtype):
    test_layers(layer, (2,), dtype)


@both_dtypes
def test_embedding_of_columns_with_few_values(dtype):
    x = np.repeat([[1.0, 0, 5], [2, 0, 5], [3, 0, 5], [9, 1, 5]], 5, 0).astype(dtype)
    network = Network([PiecewiseLinearEmbedding()], (3,), np.dtype(dtype))
    network.initialize(RNG, x)
    network.theta[:] = RNG.normal(size=network.theta.shape)
    steps = steps_of(network.layers, network.specs, network.params)
    x, shape = np.vstack([x, x - 100, x + 100, x + 0.25]), network.out_shape
    y = outputs_of(lambda g, x: onnx_layers.write_steps(g, steps, x), x, dtype, shape)
    assert_allclose(y, network.last_outputs(x), rtol=0, atol=1e3 * TOLERANCE[dtype])


# -- estimators -----------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: repr(e)[:60])
def test_estimators(estimator):
    estimator = clone(estimator).set_params(max_iter=3, random_state=0)
    y = LABELS if is_classifier(estimator) else NUMBERS
    rows, feeds = X, None
    estimator.fit(X, y)
    if "input_shape" in estimator.get_params() and estimator._input.image_shape:
        feeds = {"X": rows.reshape(len(rows), *estimator._input.image_shape)}
    assert_predicts(estimator, rows, feeds)


@pytest.mark.parametrize(
    "y",
    [
        NUMBERS > 1,
        np.where(NUMBERS > 1, "é", "青い"),
        np.where(NUMBERS > 1, "yes", "no").astype(object),
        RNG.randint(4, size=60) * 5 - 7,
        RNG.randint(3, size=60).astype(np.uint8),
        RNG.randint(3, size=60).astype(float),
        np.zeros(60, int),
        np.full(60, "only"),
        RNG.randint(2, size=(60, 3)),
        pd.arrays.SparseArray(RNG.randint(2, size=60)).to_dense(),
    ],
    ids=lambda y: f"{y.dtype} {y.shape} {y.ravel()[0]}",
)
@pytest.mark.parametrize("Classifier", [MLPClassifier, TabularClassifier])
def test_labels(Classifier, y):
    params = TWO if Classifier is TabularClassifier else QUICK
    classifier = Classifier(**params).fit(X, y)
    assert_predicts(classifier, X)


@both_dtypes
@pytest.mark.parametrize("y", [LABELS, NUMBERS > 1], ids=["softmax", "logistic"])
@pytest.mark.parametrize("n_members", [0, 2])
def test_small_probabilities_have_their_digits(y, n_members, dtype):
    """Where a network is sure, the logarithm of a probability is exact, too."""
    if n_members:
        classifier = TabularClassifier(**{**ONE, "n_members": n_members})
    else:
        classifier = MLPClassifier(**QUICK)
    classifier.fit(X.astype(dtype), y)
    for arrays in output_arrays(classifier.network_):
        arrays["b"] -= 25 * np.arange(1, 1 + arrays["b"].size)
    model = to_onnx(classifier)
    p = run(model, {"X": X.astype(dtype if not n_members else float)})["probabilities"]
    expected = classifier.predict_proba(X.astype(dtype))
    if p.shape[1] == 2:  # the first is 1 - p, which is rounded
        p, expected = p[:, 1], expected[:, 1]
    assert expected.min() < 1e-9
    assert_allclose(p, expected, rtol=1e-3 if p.dtype == "f4" else 1e-9, atol=1e-30)


def test_labels_that_onnx_does_not_have():
    y = np.empty(60, object)
    y[:] = [(1, 2), (3, 4)][0], *[(3, 4)] * 59
    classifier = MLPClassifier(**QUICK).fit(X, NUMBERS > 1)
    classifier._targets = classifier._targets.__class__(
        classifier._targets.loss, y[:2], "binary", False
    )
    with pytest.raises(ExportError, match="classes must be whole numbers or text"):
        to_onnx(classifier)


REGRESSIONS = [
    (loss, n_targets)
    for loss in LOSSES
    for n_targets in (1, 2)
    if loss.link_name not in ("softmax", "logistic")
    and (n_targets == 1 or loss.scores_per_output == 1 or loss.predicts_std)
]
"""Losses, and numbers of targets; several quantiles are for one target."""


@pytest.mark.parametrize("loss, n_targets", REGRESSIONS, ids=repr)
@pytest.mark.parametrize("n_members", [0, 1, 3])
def test_regression_losses(loss, n_targets, n_members):
    """With 0 members the regressor is an MLP, which does not scale targets."""
    y = draw_targets(loss, 60, n_targets, np.random.RandomState(0))
    y = y * [10, 1000][:n_targets] + (loss.link_name != "exp") * 1e5 * bool(n_members)
    params = {**QUICK, "loss": loss, "early_stopping": False}
    if n_members:
        regressor = TabularRegressor(**params, n_members=n_members)
    else:
        regressor = MLPRegressor(**params)
    regressor.fit(X, y.squeeze() if n_targets == 1 else y)
    assert_predicts(regressor, X)
    if loss.predicts_std:
        std = run(to_onnx(regressor), {"X": X})["std"]
        expected = regressor.predict(X, return_std=True)[1].reshape(60, -1)
        assert_allclose(std, expected, rtol=1e-5)


def test_predictions_are_clipped_to_the_range_of_targets():
    far = 100 * X
    regressor = TabularRegressor(**ONE, clip=True).fit(X[:, :2], X[:, 0] + X[:, 1])
    free = clone(regressor).set_params(clip=False).fit(X[:, :2], X[:, 0] + X[:, 1])
    assert_predicts(regressor, far[:, :2])
    assert_predicts(free, far[:, :2])


def test_a_calibrated_temperature():
    classifier = TabularClassifier(**{**TWO, "max_iter": 30}).fit(X, LABELS)
    assert classifier.temperature_ != 1
    assert_predicts(classifier, X)


@both_dtypes
def test_dtype(dtype):
    classifier = MLPClassifier(**QUICK).fit(X, LABELS)
    other = MLPClassifier(**QUICK).fit(X.astype(np.float32), LABELS)
    for fitted in (classifier, other):
        rows = X.astype(dtype)
        outputs = run(to_onnx(fitted, dtype=dtype), {"X": rows})
        assert outputs["probabilities"].dtype == dtype
        expected = fitted.predict_proba(rows)
        assert_allclose(outputs["probabilities"], expected, rtol=0, atol=2e-6)
    for other in ("float16", "nothing"):
        with pytest.raises(ValueError, match=f"'float32' or 'float64', got '{other}'"):
            to_onnx(classifier, dtype=other)


def test_any_number_of_rows():
    model = to_onnx(MLPClassifier(**QUICK).fit(X, LABELS))
    for n in (0, 1, 1000):
        rows = np.resize(X, (n, 16))
        assert run(model, {"X": rows})["probabilities"].shape == (n, 3)
    cnn = to_onnx(CNNClassifier(max_iter=1).fit(IMAGES, LABELS))
    assert run(cnn, {"X": IMAGES[:0]})["probabilities"].shape == (0, 3)


def test_a_data_frame_of_numbers_is_one_matrix():
    table = pd.DataFrame(X, columns=[f"column {i}" for i in range(16)])
    classifier = MLPClassifier(**QUICK).fit(table, LABELS)
    assert_predicts(classifier, table, {"X": X})


# -- images ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_images(dtype):
    images = IMAGES if dtype == np.uint8 else (IMAGES / 255).astype(dtype)
    params = {"conv_channels": (4,), **QUICK}
    for model, y in ((CNNClassifier, LABELS), (CNNRegressor, NUMBERS)):
        network = model(**params).fit(images, y)
        assert_predicts(network, images)
        gray = network.fit(images[..., 0], y)
        assert_predicts(gray, images[..., 0], {"X": images[..., :1]})


# -- tables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [{}, {"max_one_hot": 0}, {"numerical_embedding": None}, {"n_members": 3}],
    ids=repr,
)
@pytest.mark.parametrize("Estimator", [TabularClassifier, TabularRegressor])
def test_tables(Estimator, params):
    y = LABELS if Estimator is TabularClassifier else NUMBERS
    estimator = Estimator(**{**ONE, **params}).fit(TABLE, y)
    for table in (TABLE, other_rows()):
        assert_predicts(estimator, table, feeds_of_table(table))


@pytest.mark.parametrize("max_one_hot", [0, 5, 20])
def test_tables_without_numbers(max_one_hot):
    table = TABLE[["town", "id", "empty"]]
    classifier = TabularClassifier(**ONE, max_one_hot=max_one_hot).fit(table, LABELS)
    assert_predicts(classifier, table, feeds_of_table(table))


def test_tables_in_arrays():
    rows = np.column_stack([TABLE["town"], TABLE["size"]]).astype(object)
    classifier = TabularClassifier(**ONE).fit(rows, LABELS)
    model = to_onnx(classifier)
    assert [value.name for value in model.graph.input] == ["x0", "x1"]
    town = TABLE["town"].astype(object).where(TABLE["town"].notna(), "")
    feeds = {"x0": town.to_numpy()[:, np.newaxis], "x1": rows[:, 1:].astype(float)}
    assert_predicts(classifier, rows, feeds, model)


def test_an_empty_string_can_be_a_category():
    table = pd.DataFrame({"a": np.where(X[:, 0] > 0, "", "b"), "b": X[:, 1]})
    classifier = TabularClassifier(**ONE, max_one_hot=0).fit(table, X[:, 0] > 0)
    feeds = {name: table[[name]].to_numpy() for name in table}
    feeds["a"] = feeds["a"].astype(object)
    assert_predicts(classifier, table, feeds)


def test_a_column_with_the_name_of_an_output():
    table = pd.DataFrame({"label": X[:, 0], "other": X[:, 1]})
    inner = to_onnx(TabularClassifier(**ONE).fit(table, LABELS)).graph.node[3].name
    table = table.rename(columns={"other": inner})
    classifier = TabularClassifier(**ONE).fit(table, LABELS)
    outputs = run(to_onnx(classifier), {n: table[[n]].to_numpy() for n in table})
    assert list(outputs) == ["label_1", "probabilities"]
    assert_array_equal(outputs["label_1"], classifier.predict(table))


@pytest.mark.parametrize("values", [[1, "a"], [(1, 2), (3, 4)], [2**53 + 1, 7]])
def test_categories_that_onnx_cannot_compare(values):
    column = np.empty(60, object)
    column[:] = [values[i % 2] for i in range(60)]
    table = pd.DataFrame({"a": pd.Series(column), "b": X[:, 0]})
    table["a"] = pd.Categorical(table["a"])
    classifier = TabularClassifier(**ONE).fit(table, LABELS)
    with pytest.raises(ExportError, match="all text, or all numbers in float64, got"):
        to_onnx(classifier)


@pytest.mark.parametrize(
    "value, exact",
    [(True, True), (-3, True), (0.1, True), (Decimal("0.5"), True),
     (Decimal("0.1"), False), (2**53 + 1, False), (10**400, False), (1j, False),
     ("1", False), (None, False)],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_numbers_that_float64_has(value, exact):
    assert is_exact(value) == exact


# -- what is refused ------------------------------------------------------------------


class OwnReLU(ReLU):
    """A subclass: it may compute anything."""


class OwnFunction(ActivationFunction):
    def forward(self, z, out):
        np.abs(z, out=out)

    def backward(self, z, a, dy):
        dy *= np.sign(z)


class OwnNorm(LayerNorm):
    """A layer that is not from the package."""


class OwnLoss(HalfSquaredError):
    def link(self, z, out):
        np.multiply(z, 2, out=out)


class SameLink(Huber):
    """A loss that predicts as that of the package does."""


@pytest.mark.parametrize("own", [OwnReLU(), OwnFunction()], ids=repr)
def test_own_activations_are_refused(own):
    classifier = MLPClassifier(**{**QUICK, "activation": own}).fit(X, LABELS)
    message = rf"the activation {type(own).__name__}\(\), which is not from sknn"
    with pytest.raises(ExportError, match=message):
        to_onnx(classifier)


def test_own_layers_are_refused():
    layers = [Dense(4), OwnNorm(), Activation("relu")]
    classifier = SequentialClassifier(layers, max_iter=3).fit(X, LABELS)
    with pytest.raises(ExportError, match=r"the layer OwnNorm\(\), which is not from"):
        to_onnx(classifier)


def test_own_losses_are_refused_if_they_predict_otherwise():
    regressor = MLPRegressor(**{**QUICK, "loss": OwnLoss()}).fit(X, NUMBERS)
    with pytest.raises(ExportError, match=r"loss OwnLoss\(\) has a method link of its"):
        to_onnx(regressor)
    regressor = MLPRegressor(**{**QUICK, "loss": SameLink()}).fit(X, NUMBERS)
    assert_predicts(regressor, X)


def test_own_subclasses_of_estimators_are_converted():
    class Own(MLPClassifier):
        pass

    assert_predicts(Own(**QUICK).fit(X, LABELS), X)


def own_class(Parent, method):
    """Return a subclass with a method of its own."""

    def own(self, X):
        return getattr(super(Own, self), method)(X)

    Own = type("Own", (Parent,), {method: own, "__module__": __name__})
    return Own


@pytest.mark.parametrize(
    "Parent, method",
    [(MLPClassifier, "predict"), (MLPClassifier, "predict_proba"),
     (CNNClassifier, "decision_function"), (TabularRegressor, "predict")],
)  # fmt: skip
def test_own_ways_to_predict_are_refused(Parent, method):
    Own = own_class(Parent, method)
    fitted = Own(max_iter=1).fit(IMAGES if Parent is CNNClassifier else X, NUMBERS > 1)
    with pytest.raises(ExportError, match=f"Own has a method {method} of its own"):
        plan_of(fitted)


def test_searches_and_frozen_estimators(tmp_path):
    search = GridSearchCV(MLPClassifier(**QUICK), {"alpha": [0, 1]}, cv=2)
    search.fit(X, LABELS)
    assert_predicts(FrozenEstimator(search), X)
    for name, fitted in (("a", search), ("b", search.best_estimator_)):
        to_c(fitted, tmp_path / name)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()
    with pytest.raises(TypeError, match="refit=False, so it has no best_estimator_"):
        to_onnx(clone(search).set_params(refit=False).fit(X, LABELS))


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CategoricalCrossEntropy()])
def test_losses_of_classes(loss):
    y = NUMBERS > 1 if isinstance(loss, BinaryCrossEntropy) else LABELS
    assert_predicts(MLPClassifier(**{**QUICK, "loss": loss}).fit(X, y), X)


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        to_onnx(MLPClassifier())
    with pytest.raises(ExportError, match="must be an estimator of sknn, got int"):
        plan_of(3)


# -- the file -------------------------------------------------------------------------


def test_the_file_is_the_model(tmp_path):
    import onnx

    path = tmp_path / "model.onnx"
    model = to_onnx(MLPClassifier(**QUICK).fit(X, LABELS), path)
    assert onnx.load(path) == model
    assert (model.producer_name, model.producer_version) == ("sknn", sknn.__version__)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert model.ir_version == 8


def test_the_model_does_not_change_with_the_estimator():
    classifier = MLPClassifier(**QUICK).fit(X, LABELS)
    model, expected = to_onnx(classifier), classifier.predict_proba(X)
    classifier.partial_fit(X, LABELS)
    outputs = run(model, {"X": X})
    assert_allclose(outputs["probabilities"], expected, rtol=0, atol=1e-10)


def test_weights_are_stored_once():
    classifier = MLPClassifier((300, 300), max_iter=1).fit(X.astype("f4"), LABELS)
    size = len(to_onnx(classifier).SerializeToString())
    assert size < 4 * classifier.network_.theta.size + 4000


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    classifier = MLPClassifier(**QUICK).fit(X, LABELS)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "sknn\[onnx\]"'):
        to_onnx(classifier)
