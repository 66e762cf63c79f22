"""Images as input: their shapes, containers and bytes, errors, augmentation."""

import math
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from sknn import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    SequentialClassifier,
)
from sknn._estimators.images import guess_image_shape
from sknn.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    Brightness,
    Mixup,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShift,
)
from sknn.inspection import (
    activation_statistics,
    check_gradients,
    gradient_statistics,
)
from sknn.layers import Activation, Dense, Flatten

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size`:UserWarning",
)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:300] / 16, data.target[:300]


def fit(X, y, **params):
    settings = {"conv_channels": 4, "hidden_layer_sizes": (8,), "max_iter": 3}
    settings |= {"batch_size": 50, "random_state": 0}
    return CNNClassifier(**{**settings, **params}).fit(X, y)


# -- shapes and forms ------------------------------------------------------------------


@pytest.mark.parametrize(
    "n_features, shape",
    [
        (1, (1, 1, 1)),
        (2, (1, 2, 1)),
        (3, (1, 1, 3)),
        (4, (2, 2, 1)),
        (12, (2, 2, 3)),
        (15, (1, 15, 1)),
        (64, (8, 8, 1)),
        (784, (28, 28, 1)),
        (3072, (32, 32, 3)),
    ],
)
def test_rows_are_guessed_to_be_images(n_features, shape):
    assert guess_image_shape(n_features) == shape


@pytest.mark.filterwarnings("ignore:X has rows")
@pytest.mark.parametrize("n_features", range(1, 30))
def test_any_number_of_features_works(n_features):
    X = np.random.RandomState(0).rand(20, n_features)
    net = CNNClassifier(hidden_layer_sizes=(16,), max_iter=1).fit(X, np.arange(20) % 2)
    assert math.prod(net.input_shape_) == n_features
    assert net.predict_proba(X).shape == (20, 2)


def test_images_in_every_form_are_the_same(digits, tmp_path):
    X, y = digits
    expected = fit(X, y).predict_proba(X)
    mapped = np.memmap(tmp_path / "X", X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    forms = [X[..., np.newaxis], X.reshape(len(X), -1), X.tolist(), mapped]
    for form in forms:
        assert_array_equal(fit(form, y).predict_proba(form), expected)
    assert_array_equal(fit(forms[1], y, input_shape=(8, 8)).predict_proba(X), expected)


def test_colors_are_channels(digits):
    X, y = digits
    X = np.stack([X, X[:, ::-1], X[:, :, ::-1]], axis=3)
    net = fit(X, y)
    assert net.input_shape_ == (8, 8, 3)
    assert_array_equal(net.predict(X.reshape(len(X), -1)), net.predict(X))
    for seen in range(3):  # each channel matters
        other = X.copy()
        other[..., seen] = 0
        assert (net.predict_proba(other) != net.predict_proba(X)).any()


# -- bytes -----------------------------------------------------------------------------


def as_bytes(X):
    """Return images in [0, 1] as bytes."""
    return (X * 255).astype(np.uint8)


def test_bytes_are_fractions_of_255(digits):
    X, y = as_bytes(digits[0]), digits[1]
    floats = (X / 255).astype(np.float32)
    net, expected = fit(X, y), fit(floats, y)
    assert net.network_.dtype == np.float32
    p = expected.predict_proba(floats)
    assert_allclose(net.predict_proba(X), p, rtol=1e-4, atol=1e-6)


ABLE = {
    "conv_channels": (8, 16),
    "hidden_layer_sizes": (32,),
    "batch_size": 32,
    "learning_rate_init": 0.01,
    "random_state": 0,
}


def test_bytes_work_with_mixup_lbfgs_and_a_validation_set(digits):
    X, y = as_bytes(digits[0]), digits[1]
    for params in (
        {"mixup": 0.5},
        {"solver": "lbfgs", "max_iter": 20},
        {"early_stopping": True},
    ):
        params = {**ABLE, "max_iter": 10, **params}
        assert fit(X, y, **params).score(X, y) > 0.6
    net = CNNClassifier(**ABLE, max_iter=3).fit(X, y, X_val=X, y_val=y)
    assert net.validation_scores_[-1] == pytest.approx(net.score(X, y))


def test_sparse_bytes_are_fractions_of_255(digits):
    X, y = digits[0].reshape(-1, 64)[:200], digits[1][:200]
    X = (X * 255).astype(np.uint8)
    curves = [
        CNNClassifier(3, max_iter=2, random_state=0).fit(rows, y).loss_curve_
        for rows in (X, sparse.csr_matrix(X))
    ]
    assert_allclose(*curves, rtol=1e-5)


# One function for each container that keeps the dtype of bytes.
BYTES = {
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "Fortran order": np.asfortranarray,
    "list of arrays": list,
    "list of lists of uint8": lambda X: [list(row) for row in X],
    **{
        f"{kind} {layout}": lambda X, kind=kind, layout=layout: getattr(
            sparse, f"coo_{kind}"
        )(X).asformat(layout)
        for kind in ("array", "matrix")
        for layout in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")
    },
}
FRAMES = {
    "pandas": lambda X: pytest.importorskip("pandas").DataFrame(X),
    "pandas, nullable": lambda X: pytest.importorskip("pandas").DataFrame(
        X, dtype="UInt8"
    ),
    "pandas, sparse": lambda X: pytest.importorskip(
        "pandas"
    ).DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)),
    "polars": lambda X: pytest.importorskip("polars").DataFrame(X),
    "torch": lambda X: pytest.importorskip("torch").tensor(X),
}


@pytest.fixture(scope="module")
def fitted_on_bytes(digits):
    return fit(as_bytes(digits[0]), digits[1])


@pytest.fixture(scope="module")
def fitted_on_numbers(digits):
    return fit(*digits)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.filterwarnings("ignore:Constructing a DIA matrix")
@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("name", [*BYTES, *FRAMES])
def test_bytes_are_bytes_in_every_container(name, digits, fitted_on_bytes):
    X, y = as_bytes(digits[0]), digits[1]
    rows = X.reshape(len(X), -1)
    contained = {**BYTES, **FRAMES}[name](rows)
    expected = fitted_on_bytes.predict_proba(X)
    assert_array_equal(fitted_on_bytes.predict_proba(contained), expected)
    net = fit(contained, y)
    assert_array_equal(net.predict_proba(contained), expected)
    assert_array_equal(net.predict_proba(rows), expected)


def test_images_of_bytes_are_bytes_in_every_container(digits, fitted_on_bytes):
    torch = pytest.importorskip("torch")
    X, y = as_bytes(digits[0]), digits[1]
    expected = fitted_on_bytes.predict_proba(X)
    for images in (torch.tensor(X), list(X), X[..., np.newaxis]):
        assert_array_equal(fitted_on_bytes.predict_proba(images), expected)
        assert_array_equal(fit(images, y).predict_proba(X), expected)


def test_sparse_images_are_flattened(digits, fitted_on_bytes):
    X = as_bytes(digits[0])
    try:
        images = sparse.coo_array(X)
    except (TypeError, ValueError):
        pytest.skip("SciPy before 1.15 has no sparse arrays of three dimensions")
    expected = fitted_on_bytes.predict_proba(X)
    assert_array_equal(fitted_on_bytes.predict_proba(images), expected)


def test_memory_maps_of_bytes_are_bytes(digits, fitted_on_bytes, tmp_path):
    X = as_bytes(digits[0])
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = fitted_on_bytes.predict_proba(X)
    assert_array_equal(fitted_on_bytes.predict_proba(mapped), expected)
    assert_array_equal(fit(mapped, digits[1]).predict_proba(mapped), expected)


NUMBERS = {
    **{
        name: lambda X, name=name: X.astype(name)
        for name in (
            "float16",
            "float32",
            "float64",
            "uint16",
            "uint32",
            "int8",
            "int64",
            "bool",
            "object",
        )
    },
    "list": lambda X: X.tolist(),
    "sparse": lambda X: sparse.csr_array(X.astype(int)),
    "pandas": lambda X: pytest.importorskip("pandas").DataFrame(X.astype(int)),
    "pandas, one column": lambda X: (
        pytest.importorskip("pandas").DataFrame(X).astype({0: "int16"})
    ),
    "polars": lambda X: pytest.importorskip("polars").DataFrame(X.astype(float)),
    "torch": lambda X: pytest.importorskip("torch").tensor(X).float(),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_refused_after_bytes(name, digits, fitted_on_bytes):
    X = NUMBERS[name](as_bytes(digits[0]).reshape(len(digits[0]), -1))
    with pytest.raises(
        ValueError,
        match=r"fitted on bytes.* X has dtype \w+.* Pass .*astype\(numpy.uint8",
    ):
        fitted_on_bytes.predict(X)


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_numbers_in_every_container(name, digits, fitted_on_numbers):
    X = (digits[0] * 16).astype(np.uint8).reshape(len(digits[0]), -1)
    expected = fitted_on_numbers.predict_proba(
        X.astype(bool if name == "bool" else float)
    )
    numbers = NUMBERS[name](X)
    assert_array_equal(fitted_on_numbers.predict_proba(numbers), expected)


def test_the_conversion_fits_the_container(digits, fitted_on_bytes):
    X = as_bytes(digits[0])
    for given, name in ((X.astype(int), "X"), (X.tolist(), r"numpy.asarray\(X\)")):
        with pytest.raises(ValueError, match=rf"Pass {name}.astype\(numpy.uint8\) if"):
            fitted_on_bytes.predict(given)


CALLS = {
    "predict": lambda net, X, y: net.predict(X),
    "predict_proba": lambda net, X, y: net.predict_proba(X),
    "predict_log_proba": lambda net, X, y: net.predict_log_proba(X),
    "decision_function": lambda net, X, y: net.decision_function(X),
    "score": lambda net, X, y: net.score(X, y),
    "transform": lambda net, X, y: net.transform(X),
    "partial_fit": lambda net, X, y: net.partial_fit(X, y),
    "warm start": lambda net, X, y: net.set_params(warm_start=True).fit(X, y),
    "activation_statistics": lambda net, X, y: activation_statistics(net, X),
    "gradient_statistics": lambda net, X, y: gradient_statistics(net, X, y),
    "check_gradients": lambda net, X, y: check_gradients(net, X, y),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_checks_for_bytes(name, digits):
    numbers, y = digits
    for X, other, message in (
        (as_bytes(numbers), numbers, "was fitted on bytes"),
        (numbers, as_bytes(numbers), "was fitted on numbers.* X has dtype uint8"),
    ):
        net = fit(X, y, max_iter=1)
        before = net.predict_proba(X)
        with pytest.raises(ValueError, match=message):
            CALLS[name](net, other, y)
        assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_rows_are_checked_for_bytes(early_stopping, digits):
    numbers, y = digits
    net = CNNClassifier(4, max_iter=1, early_stopping=early_stopping)
    for X, X_val in ((as_bytes(numbers), numbers), (numbers, as_bytes(numbers))):
        with pytest.raises(ValueError, match=r"Invalid validation set.*was fitted on"):
            net.fit(X, y, X_val=X_val, y_val=y)
    with pytest.raises(ValueError, match=r"Invalid validation set.*images of \(8, 7"):
        net.fit(numbers, y, X_val=numbers[:, :, :7], y_val=y)


def test_a_scorer_sees_bytes(digits):
    X, y = as_bytes(digits[0]), digits[1]
    seen = []

    def scorer(estimator, X, y):
        seen.append(X.dtype)
        return estimator.score(X, y)

    fit(X, y, early_stopping=True, scoring=scorer)
    assert set(seen) == {np.dtype(np.uint8)}


def test_a_refit_learns_anew_whether_pixels_are_bytes(digits):
    numbers, y = digits
    net = fit(as_bytes(numbers), y)
    expected = fit(numbers, y).predict_proba(numbers)
    assert_array_equal(net.fit(numbers, y).predict_proba(numbers), expected)


def test_an_mlp_takes_bytes_as_numbers(digits):
    X, y = as_bytes(digits[0]).reshape(len(digits[0]), -1), digits[1]
    net = MLPClassifier(8, max_iter=2, random_state=0).fit(X, y)
    assert_array_equal(net.predict_proba(X.astype(float)), net.predict_proba(X))


# -- errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape, message",
    [
        (
            (8, 8, 4),
            r"RGBA: drop the transparency, X\[\.\.\., :3\].*input_shape=\(8, 8",
        ),
        ((3, 8, 8), r"channels first. Pass X.transpose\(0, 2, 3, 1\)"),
        ((1, 8, 8), r"channels first"),
        ((3, 8, 12), r"channels first"),
    ],
)
def test_channels_that_look_wrong(shape, message):
    X, y = np.zeros((10, *shape)), [0, 1] * 5
    with pytest.raises(ValueError, match=message):
        fit(X, y, max_iter=1)
    # An explicit shape is accepted.
    net = fit(X, y, max_iter=1, input_shape=shape, pooling=None)
    assert net.input_shape_ == shape


def test_pil_images_are_refused_with_the_conversion():
    class Picture:
        """Like an image of PIL, which is not a dependency."""

        def convert(self, mode):
            return np.zeros((8, 8, 3) if mode == "RGB" else (8, 8), np.uint8)

    pictures, y = [Picture() for _ in range(10)], [0, 1] * 5
    with pytest.raises(ValueError, match=r"PIL images.*numpy\.stack") as caught:
        fit(pictures, y)
    assert "numpy.asarray(image.convert('RGB')) for image in X" in str(caught.value)
    X = np.stack([np.asarray(image.convert("RGB")) for image in pictures])
    assert fit(X, y, max_iter=1).input_shape_ == (8, 8, 3)
    Image = pytest.importorskip("PIL.Image")
    images = [Image.new("RGB", (8, 8)) for _ in range(10)]
    for given in (images, images[0]):
        with pytest.raises(ValueError, match="PIL images"):
            fit(given, y)


def test_a_single_image_needs_an_axis(digits):
    X, y = digits
    net = fit(X, y)
    with pytest.raises(ValueError, match=r"a single image of \(8, 8\). Pass X\[numpy"):
        net.predict(X[0])
    assert net.predict(X[0][np.newaxis]).shape == (1,)
    with pytest.raises(ValueError, match=r"a single image of \(8, 8, 1\)"):
        net.predict(X[0][..., np.newaxis])
    colors = np.repeat(X[..., np.newaxis], 3, axis=3)
    with pytest.raises(ValueError, match=r"a single image of \(8, 8, 3\)"):
        fit(colors, y).predict(colors[0])


def test_images_of_different_sizes_cannot_be_stacked(digits):
    pictures = [np.zeros((8, 8)), np.zeros((8, 9))]
    objects = np.empty(2, object)
    objects[:] = pictures
    for X in (pictures, objects):
        with pytest.raises(ValueError, match=r"of one size.* resize the images"):
            fit(X, [0, 1])


def test_no_images_at_all(digits):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        fit(np.zeros((0, 8, 8)), [])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        fit(*digits).predict(np.zeros((0, 8, 8)))


def test_blocks_with_a_stride_are_not_residual(digits):
    for params in ({"stride": 2}, {"padding": "valid"}):
        with pytest.raises(
            ValueError, match=r"residual=True .*needs stride=1 and padd"
        ):
            fit(*digits, residual=True, **params)


def test_images_of_another_shape(digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"input_shape=\(8, 4, 2\) does not match X"):
        fit(X, y, input_shape=(8, 4, 2))
    net = fit(X, y)
    with pytest.raises(
        ValueError, match=r"images of \(8, 7, 1\).* fitted on .*\(8, 8, 1\)"
    ):
        net.predict(X[:, :, :7])
    with pytest.raises(ValueError, match="X has 63 features"):
        net.predict(X.reshape(len(X), -1)[:, :63])
    with pytest.raises(ValueError, match=r"Found array with dim"):
        net.predict(X[np.newaxis, np.newaxis])


def test_warm_start_with_another_input_shape(digits):
    X, y = digits
    rows = X.reshape(len(X), -1)
    net = fit(rows, y, warm_start=True, input_shape=(8, 8))
    with pytest.raises(ValueError, match=r"is now \(4, 16\).*images of \(8, 8, 1\)"):
        net.set_params(input_shape=(4, 16)).fit(rows, y)
    net.set_params(input_shape=(8, 8, 1)).fit(rows, y)
    layers = [Flatten(), Dense(4)]
    net = SequentialClassifier(layers, max_iter=1, warm_start=True).fit(rows, y)
    with pytest.raises(ValueError, match=r"is now \(8, 8\).* fitted on rows"):
        net.set_params(input_shape=(8, 8)).fit(rows, y)


# -- augmentation ----------------------------------------------------------------------

NOTHING = [RandomFlip(p=0.0), RandomShift(0.0), Brightness(0.0)]


def test_augmentation_changes_training(digits):
    X, y = digits
    plain, varied = fit(X, y), fit(X, y, augmentation=[RandomShift(0.1)])
    assert plain.loss_curve_ != varied.loss_curve_
    assert varied.loss_curve_ == fit(X, y, augmentation=RandomShift(0.1)).loss_curve_
    assert plain.loss_curve_ == fit(X, y, augmentation=[]).loss_curve_


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_training_with_each_augmentation(name, digits):
    X, y = digits
    colors = np.repeat(X[..., np.newaxis], 3, axis=3).astype(np.float32)
    params = {"padding": 1} if name == "RandomCrop" else {}
    net = fit(colors, y, augmentation=[AUGMENTATIONS[name](**params)])
    assert np.isfinite(net.loss_curve_).all()
    assert net.get_weights()[0].dtype == np.float32


@pytest.mark.parametrize(
    "params", [{"dropout": 0.3}, {"mixup": 0.2}, {"normalization": "batch"}]
)
def test_augmentation_has_its_own_random_stream(params, digits):
    # Augmentation that does nothing changes neither masks nor shuffles nor weights;
    # the images have another memory layout, which may round differently.
    X, y = digits
    plain, varied = (fit(X, y, augmentation=a, **params) for a in (None, NOTHING))
    assert_allclose(varied.loss_curve_, plain.loss_curve_, rtol=1e-9)


def test_only_training_batches_are_augmented(digits):
    X, y = digits
    net = CNNClassifier(4, max_iter=2, augmentation=[Brightness(50.0)], random_state=0)
    net.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert net.loss_curve_[-1] > 2 * net.validation_loss_curve_[-1]
    expected = log_loss(y[200:], net.predict_proba(X[200:]), labels=net.classes_)
    assert net.validation_loss_curve_[-1] == pytest.approx(expected)
    assert_array_equal(net.predict_proba(X), net.predict_proba(X))


def test_the_input_is_not_changed(digits):
    X, y = digits
    X = (X * 255).astype(np.uint8)
    X.flags.writeable = False
    before = X.copy()
    as_bytes = fit(X, y, augmentation=[RandomRotation(), Brightness()])
    assert_array_equal(X, before)
    floats = X.astype(np.float32) / np.float32(255)
    as_floats = fit(floats, y, augmentation=[RandomRotation(), Brightness()])
    assert_allclose(as_bytes.loss_curve_, as_floats.loss_curve_, rtol=1e-5)


def test_rows_are_augmented_as_images(digits):
    X, y = digits
    rows = X.reshape(len(X), -1)
    steps = [RandomFlip(vertical=True), RandomCrop(padding=1)]
    curve = fit(X, y, augmentation=steps).loss_curve_
    for given in (rows, sparse.csr_matrix(rows)):
        net = fit(given, y, augmentation=steps)
        assert_allclose(net.loss_curve_, curve, rtol=1e-12)


def test_other_estimators_of_images(digits):
    X, y = digits
    settings = {"max_iter": 2, "augmentation": [RandomShift()], "random_state": 0}
    ink = X.mean(axis=(1, 2))
    assert CNNRegressor(4, **settings).fit(X, ink).score(X, ink) < 1
    layers = [Flatten(), Dense(8), Activation("relu")]
    seq = SequentialClassifier(layers, **settings).fit(X, y)
    plain = SequentialClassifier(layers, **{**settings, "augmentation": None})
    assert seq.loss_curve_ != plain.fit(X, y).loss_curve_


def test_mixup_in_the_list_is_the_parameter(digits):
    X, y = digits
    by_name = fit(X, y, mixup=0.3, augmentation=[RandomShift(0.1)])
    in_list = fit(X, y, augmentation=[RandomShift(0.1), Mixup(0.3)])
    assert in_list.loss_curve_ == by_name.loss_curve_
    for params in (
        {"mixup": 0.3, "augmentation": [Mixup(0.3)]},
        {"augmentation": [Mixup(), Mixup()]},
    ):
        with pytest.raises(ValueError, match="mixup is specified 2 times"):
            fit(X, y, **params)


def test_partial_fit_continues_the_stream(digits):
    X, y = digits
    nets = [
        CNNClassifier(4, augmentation=[RandomShift()], random_state=0) for _ in range(2)
    ]
    for i in range(3):
        nets = [net.partial_fit(X, y, classes=range(10)) for net in nets]
        nets[1] = pickle.loads(pickle.dumps(nets[1]))
        assert nets[0].loss_curve_ == nets[1].loss_curve_, i
    whole = CNNClassifier(4, augmentation=[RandomShift()], random_state=0, max_iter=3)
    assert len(whole.fit(X, y).loss_curve_) == 3


def test_strengths_are_tuned_like_any_parameter(digits):
    X, y = digits
    net = CNNClassifier(
        4, max_iter=2, augmentation=[RandomFlip(), RandomRotation()], random_state=0
    )
    grid = {"augmentation__1__degrees": [5.0, 45.0], "augmentation__0__p": [0.1]}
    search = GridSearchCV(net, grid, cv=2).fit(X, y)
    best = search.best_estimator_.augmentation
    assert best[0] == RandomFlip(p=0.1)
    assert best[1].degrees in (5.0, 45.0)
    assert net.augmentation == [RandomFlip(), RandomRotation()]


@pytest.mark.parametrize(
    "params, message",
    [
        (
            {"augmentation": [3]},
            r"augmentation must be a list of objects from .* got 3 in it",
        ),
        ({"augmentation": ["flip"]}, "got 'flip' in it"),
        ({"augmentation": [RandomFlip]}, "RandomFlip"),
        ({"augmentation": "flip"}, "'augmentation' parameter"),
        ({"augmentation": [RandomFlip()], "solver": "lbfgs"}, "augmentation makes the"),
    ],
)
def test_invalid_augmentation(params, message, digits):
    with pytest.raises(ValueError, match=message):
        fit(*digits, **params)


def test_augmentation_needs_images(digits):
    X, y = digits
    strips = X.reshape(len(X), -1)[:, :59]
    with pytest.raises(ValueError, match=r"augmentation needs images.* 59 features"):
        fit(strips, y, augmentation=[RandomShift()])
    assert fit(
        strips, y, augmentation=[RandomShift()], input_shape=(1, 59), pooling=None
    )
    rows = SequentialClassifier([Dense(4)], augmentation=[RandomShift()])
    with pytest.raises(ValueError, match="augmentation needs images"):
        rows.fit(X.reshape(len(X), -1), y)
    assert not hasattr(MLPClassifier(), "augmentation")


def test_rows_without_images_can_be_mixed():
    X, y = np.random.RandomState(0).rand(50, 6), np.arange(50) % 2
    settings = {"max_iter": 3, "random_state": 0}
    in_list = SequentialClassifier([Dense(4)], augmentation=Mixup(0.3), **settings)
    by_name = SequentialClassifier([Dense(4)], mixup=0.3, **settings)
    assert in_list.fit(X, y).loss_curve_ == by_name.fit(X, y).loss_curve_


def test_an_augmentation_must_keep_the_shape(digits):
    @dataclass(frozen=True)
    class Crop(Augmentation):
        """Changes the shape."""

        def __call__(self, images, rng):
            return images[:, 1:]

    with pytest.raises(ValueError, match=r"Crop\(\) must keep the shape .*\(50, 8, 8"):
        fit(*digits, augmentation=[Crop()])


def test_a_series_is_not_a_table_of_images(digits, fitted_on_bytes):
    pandas = pytest.importorskip("pandas")
    row = pandas.DataFrame(as_bytes(digits[0]).reshape(-1, 64)).iloc[0]
    with pytest.raises(ValueError, match=r"Reshape your data|array"):
        fitted_on_bytes.predict(row)
