"""Networks as C code: compiled without warnings, with the predictions of sknn."""

import ctypes
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from test_layers import CASES, Call

from sknn import MLPClassifier, MLPRegressor, SequentialRegressor, TabularRegressor
from sknn.activations import ACTIVATIONS, ELU, LeakyReLU, ReLU
from sknn.exceptions import ExportError
from sknn.export import to_c
from sknn.export._c.functions import FUNCTIONS
from sknn.export._c.layers import LAYERS
from sknn.export._c.program import Call as CCall
from sknn.export._c.program import Program
from sknn.export._c.source import source_of
from sknn.export._c.text import call_text, literal, string
from sknn.export._plan import NumberHead, Plan, steps_of
from sknn.layers import Activation, Dense
from sknn.network import Network
from sknn.preprocessing import SmoothClipScaler

from .small_models import (
    EXACT,
    LABELS,
    MODELS,
    QUICK,
    ROWS,
    TABULAR,
    fitted,
    predictions,
)

CC = shutil.which("gcc") or shutil.which("cc")

needs_compiler = pytest.mark.skipif(CC is None, reason="there is no C compiler")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

WARNINGS = (
    *("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wconversion"),
    *("-Wdouble-promotion", "-Wmissing-prototypes", "-Wstrict-prototypes"),
)

REFUSED = {"Tabular, categories"}
"""Models that C code cannot express."""

NAMES = {name: f"m{i}" for i, name in enumerate(MODELS) if name not in REFUSED}
"""The models, and what they are called in C."""

REALS = {"float32": ctypes.c_float, "float64": ctypes.c_double}

every_model = pytest.mark.parametrize("name", NAMES)
dtypes = pytest.mark.parametrize("dtype", EXACT)


def compile_c(folder, *files, more=("-shared", "-fPIC")):
    """Compile files, as a library or with other options; warnings are errors."""
    command = [CC, "-std=c99", *WARNINGS, *more, "-o", "out", *files, "-lm"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder / "out"


def call(library, name, X, dtype, method, n, real=None, result=None):
    """Call a function for each row; return what it writes, or its result."""
    function = getattr(library, f"{name}_{method}")
    function.restype = result
    X = np.ascontiguousarray(X if X.dtype == np.uint8 else X.astype(dtype))
    out = np.empty((len(X), n), real or dtype)
    pointer = ctypes.c_void_p
    if result is not None:
        return np.array([function(pointer(row.ctypes.data)) for row in X])
    for row, y in zip(X, out, strict=True):
        function(pointer(row.ctypes.data), pointer(y.ctypes.data))
    return out


def n_columns(estimator, X):
    """Return the number of probabilities, or of predicted numbers."""
    return predictions(estimator, X[:1]).reshape(1, -1).shape[1]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """All models, compiled: a library for each type of numbers."""
    if CC is None:
        pytest.skip("there is no C compiler")
    found = {}
    for dtype in EXACT:
        folder = tmp_path_factory.mktemp(dtype)
        for model, name in NAMES.items():
            to_c(fitted(model)[0], folder / f"{name}.c", name=name, dtype=dtype)
        includes = "".join(f'#include "{name}.c"\n' for name in NAMES.values())
        (folder / "all.c").write_text(includes)
        found[dtype] = ctypes.CDLL(str(compile_c(folder, "all.c")))
    return found


# -- predictions -----------------------------------------------------------------------


@every_model
@dtypes
def test_predictions_are_those_of_the_estimator(libraries, name, dtype):
    estimator, X = fitted(name)
    method = "predict_proba" if is_classifier(estimator) else "predict"
    n = n_columns(estimator, X)
    found = call(libraries[dtype], NAMES[name], X, dtype, method, n)
    expected = predictions(estimator, X).reshape(len(X), n)
    # CNNs of bytes, and tables, compute in float32 themselves.
    tolerance = max(EXACT[dtype], EXACT[str(estimator.network_.dtype)])
    size = tolerance * np.abs(expected).max()
    assert_allclose(found, expected, rtol=tolerance, atol=size)


def test_odd_values_of_tables(libraries):
    estimator, X = fitted("Tabular, missing")
    X = X[:12].copy()
    X[0], X[1], X[2, 0], X[3, 1], X[4, :3] = np.nan, np.inf, -np.inf, 1e38, -1e30
    for dtype, library in libraries.items():
        name = NAMES["Tabular, missing"]
        found = call(library, name, X, dtype, "predict_proba", 3)
        assert_allclose(found, estimator.predict_proba(X), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if is_classifier(MODELS[n][0])])
def test_classes_are_those_of_the_estimator(libraries, name):
    estimator, X = fitted(name)
    library, expected = libraries["float64"], estimator.predict(X)
    if expected.ndim == 2:
        n = expected.shape[1]
        labels = call(library, NAMES[name], X, "float64", "predict", n, real=np.intc)
        assert_array_equal(labels, expected)
        return
    codes = call(library, NAMES[name], X, "float64", "predict", 1, result=ctypes.c_int)
    assert_array_equal(estimator.classes_[codes], expected)


@needs_compiler
def test_layers_agree(tmp_path):
    # All in one file: the names of two models in a file do not collide.
    calls, text = [], ""
    for i, (layer, in_shape) in enumerate(CASES):
        for dtype, real in zip(EXACT, ("float", "double"), strict=True):
            layer_call = Call(layer, in_shape, dtype)
            if "left" in layer_call.p:  # edges of bins, which are sorted
                layer_call.p["left"].sort(axis=1)
            calls.append((f"l{i}_{real}", dtype, layer_call))
            text += source_of(plan_of_layer(layer_call), [], f"l{i}_{real}", real, "")
    (tmp_path / "all.c").write_text(text)
    library = ctypes.CDLL(str(compile_c(tmp_path, "all.c")))
    for name, dtype, layer_call in calls:
        expected = layer_call.forward(train=False).reshape(len(layer_call.x), -1)
        n = expected.shape[1]
        found = call(library, name, layer_call.x, dtype, "predict", n)
        message = f"{layer_call.layer!r}, {dtype}"
        tolerance = EXACT[dtype]
        assert_allclose(found, expected, tolerance, tolerance, err_msg=message)


def plan_of_layer(layer_call):
    """Return a plan whose only layer is that of a `Call`."""
    network = layer_call.network
    n_in, n = (int(np.prod(shape)) for shape in (network.in_shape, network.out_shape))
    steps = steps_of(network.layers, network.specs, network.params)
    nothing = dict.fromkeys(("center", "scale", "low", "high"))
    head = NumberHead("identity", 1, n, n_levels=1, min_std=0.0, **nothing)
    return Plan(network.dtype, n_in, None, None, False, None, steps, head)


@needs_compiler
@dtypes
def test_activations_agree_far_from_zero(dtype, tmp_path):
    z = np.linspace(-80, 80, 1601).astype(dtype)
    functions = [*ACTIVATIONS.values(), LeakyReLU(0.3), ELU(0.1), ELU(1 / 3)]
    layers = [Dense(len(functions)), *map(Activation, functions)]
    text = ""
    for i, function in enumerate(functions):
        network = Network([Activation(function)], (len(z),), np.dtype(dtype))
        plan = plan_of_layer(type("Call", (), {"network": network}))
        text += source_of(plan, [], f"f{i}", REALS_IN_C[dtype], "")
    (tmp_path / "f.c").write_text(text)
    library = ctypes.CDLL(str(compile_c(tmp_path, "f.c")))
    rtol, atol = {"float32": (1e-5, 1e-35), "float64": (1e-12, 1e-300)}[dtype]
    for i, function in enumerate(functions):
        expected = np.empty(len(z))
        function.forward(z.astype(float), expected)
        (found,) = call(library, f"f{i}", z[np.newaxis], dtype, "predict", len(z))
        assert_allclose(found, expected, rtol, atol, err_msg=repr(function))
    assert layers


REALS_IN_C = {"float32": "float", "float64": "double"}


@needs_compiler
@dtypes
@pytest.mark.parametrize(
    "scalers",
    [
        [StandardScaler()],
        [StandardScaler(with_mean=False)],
        [StandardScaler(with_std=False)],
        [MinMaxScaler((-1, 2))],
        [MinMaxScaler(clip=True), "passthrough"],
        [MaxAbsScaler()],
        [RobustScaler()],
        [RobustScaler(with_centering=False, with_scaling=False)],
        [SmoothClipScaler(2.0)],
        [StandardScaler(), make_pipeline(RobustScaler(), MaxAbsScaler())],
    ],
    ids=repr,
)
def test_scalers_of_a_pipeline(scalers, dtype, tmp_path):
    X = 1000 + 20 * ROWS * np.arange(1, 7)
    pipeline = make_pipeline(*scalers, MLPRegressor(**QUICK)).fit(X[:30], ROWS[:30, 0])
    to_c(pipeline, tmp_path / "m.c", dtype=dtype)
    library = ctypes.CDLL(str(compile_c(tmp_path, "m.c")))
    found = call(library, "model", X, dtype, "predict", 1).ravel()
    rtol = {"float32": 2e-4, "float64": 1e-10}[dtype]  # X are 50 deviations from 0
    expected = pipeline.predict(X)
    assert_allclose(found, expected, rtol, rtol * np.abs(expected).max())


def test_the_best_estimator_of_a_search(tmp_path):
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**QUICK))
    grid = {"mlpregressor__alpha": [1e-4, 1.0]}
    search = RandomizedSearchCV(pipeline, grid, n_iter=1, cv=2, random_state=0)
    with pytest.raises(NotFittedError, match="RandomizedSearchCV instance is not fit"):
        to_c(search, tmp_path / "m.c")
    search.fit(ROWS, ROWS[:, 0])
    to_c(search, tmp_path / "search.c")
    to_c(search.best_estimator_, tmp_path / "best.c")
    assert (tmp_path / "search.c").read_bytes() == (tmp_path / "best.c").read_bytes()


# -- the code --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """A folder with a program that prints what all models predict for two rows."""
    folder = tmp_path_factory.mktemp("program")
    includes, main = ["#include <stdio.h>"], ["int main(void) {", "int i;"]
    expected = []
    for model, name in NAMES.items():
        estimator, X = fitted(model)
        to_c(estimator, folder / f"{name}.c", name=name)
        includes.append(f'#include "{name}.c"')
        method = "predict_proba" if is_classifier(estimator) else "predict"
        n = n_columns(estimator, X)
        rows, kind = np.asarray(X[:2]).reshape(2, -1), "float"
        if rows.dtype == np.uint8:
            kind = "unsigned char"
        numbers = [
            "(0.0f / 0.0f)" if np.isnan(v) else repr(v) for v in rows.ravel().tolist()
        ]
        if kind == "float":
            numbers = [v if "(" in v else f"{v}f" for v in numbers]
        main += [
            f"{{ static const {kind} x[] = {{{', '.join(numbers)}}};",
            f"float y[{n}];",
            "for (i = 0; i < 2; i++) { int j;",
            f"{name}_{method}(x + i * {rows.shape[1]}, y);",
            f'for (j = 0; j < {n}; j++) printf("%.9g\\n", (double)y[j]); }} }}',
        ]
        expected.append(predictions(estimator, X[:2]).reshape(2, n).ravel())
    text = "\n".join([*includes, *main, "return 0; }"])
    (folder / "main.c").write_text(text)
    return folder, np.concatenate(expected)


@needs_compiler
def test_sanitizers_find_nothing(printed):
    folder, expected = printed
    sanitize = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    (folder / "empty.c").write_text("int main(void) { return 0; }\n")
    try:
        compile_c(folder, "empty.c", more=sanitize)
    except AssertionError:
        pytest.skip("the compiler has no sanitizers")
    program = compile_c(folder, "main.c", more=(*sanitize, "-g"))
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = np.array(run.stdout.split(), float)
    assert_allclose(found, expected, rtol=1e-3, atol=2e-5)


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_it_is_cpp_as_well(printed):
    folder, _ = printed
    warnings = [w for w in WARNINGS if "prototypes" not in w]
    command = ["g++", "-std=c++11", *warnings, "-fsyntax-only", "-x", "c++", "main.c"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@needs_compiler
@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("size") is None,
    reason="needs the program size of GNU",
)
def test_no_variable_is_written(printed):
    folder, _ = printed
    # Optimized, so that the compiler sees variables that are not initialized.
    compile_c(folder, "-c", "main.c", more=("-O2", "-fno-pic"))
    sizes = subprocess.run(
        ["size", "out"], cwd=folder, check=True, capture_output=True, text=True
    )
    _, data, bss, *_ = sizes.stdout.splitlines()[1].split()
    assert (data, bss) == ("0", "0")


def test_labels_are_in_the_file(tmp_path):
    to_c(fitted("MLP, labels: text")[0], tmp_path / "m.c")
    text = (tmp_path / "m.c").read_text("ascii")
    (labels,) = re.findall(
        r"^const char \*const model_classes\[3\] = {\n(.*?)\n};", text, re.M | re.S
    )
    assert labels.split(", ") == [
        r'    "a\042b\077\077/*\134\012"',
        r'"gr\303\274n"',
        r'"rot"',
    ]


@needs_compiler
def test_labels_of_text_are_read_by_c(libraries):
    name = NAMES["MLP, labels: text"]
    labels = (ctypes.c_char_p * 3).in_dll(libraries["float32"], f"{name}_classes")
    classes = fitted("MLP, labels: text")[0].classes_
    assert [label.decode() for label in labels] == classes.tolist()


@pytest.mark.parametrize(
    "classes, start",
    [
        (np.array([0, 1]), "const int model_classes[2] = {\n    0, 1\n};"),
        (np.array([False, True]), "const int model_classes[2] = {\n    0, 1\n};"),
        (np.array([-1.5, 2.0]), "const double model_classes[2] = {\n    -1.5, 2.0\n};"),
        (np.array([1, 2**40]), 'const char *const model_classes[2] = {\n    "1", '),
    ],
    ids=repr,
)
def test_labels_keep_their_type(classes, start, tmp_path):
    y = classes[(ROWS[:, 0] > 0).astype(int)]
    clf = MLPClassifier(**QUICK)
    if classes.dtype.kind == "f":  # scikit-learn takes fractions for numbers
        clf.fit(ROWS, (ROWS[:, 0] > 0).astype(int))
        object.__setattr__(clf._targets, "classes", classes)
    else:
        clf.fit(ROWS, y)
    to_c(clf, tmp_path / "m.c")
    assert start in (tmp_path / "m.c").read_text()


@pytest.mark.parametrize("real", ["float", "double"])
def test_literals_are_exact(real):
    dtype = {"float": np.float32, "double": np.float64}[real]
    info = np.finfo(dtype)
    values = np.random.RandomState(0).normal(size=2000).astype(dtype)
    values = [
        *values,
        info.max,
        -info.tiny,
        info.smallest_subnormal,
        dtype(1e10),
        dtype(-0.0),
    ]
    for value in values:
        text = literal(float(value), real)
        assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?f?", text)
        assert "." in text or "e" in text
        assert text.endswith("f") == (real == "float")
        assert dtype(text.removesuffix("f")) == value
        assert np.signbit(dtype(text.removesuffix("f"))) == np.signbit(value)


def test_files_are_ascii(tmp_path):
    Größe = type("Größe", (MLPRegressor,), {})
    to_c(Größe(max_iter=2).fit(ROWS, ROWS[:, 0]), tmp_path / "m.c")
    assert r"Gr\xf6\xdfe" in (tmp_path / "m.c").read_text("ascii")


def test_strings_are_ascii():
    assert string('a"\\?\n é') == r'"a\042\134\077\012 \303\251"'


def test_memory_in_use_is_not_given_twice():
    rng = np.random.RandomState(0)
    for _ in range(50):
        program = Program()
        parts = [program.memory(int(n)) for n in rng.randint(1, 20, 8)]
        for _ in range(15):
            a, b = rng.choice(8, 2, replace=False)
            program.do("add", parts[a], parts[b], parts[b], 1)
        size = program.place()
        uses = {
            p: [i for i, c in enumerate(program.calls) if p in c.memory] for p in parts
        }
        for i in range(len(program.calls)):
            taken = np.zeros(size, int)
            for part, at in uses.items():
                if at and at[0] <= i <= at[-1]:
                    taken[part.start : part.start + part.size] += 1
            assert taken.max() <= 1
        assert size <= sum(part.size for part in parts)


def test_a_deep_network_needs_memory_for_two_layers(tmp_path):
    reg = MLPRegressor(hidden_layer_sizes=(50,) * 6, max_iter=2).fit(ROWS, ROWS[:, 0])
    to_c(reg, tmp_path / "m.c", dtype="float64")
    text = (tmp_path / "m.c").read_text()
    assert "#define MODEL_STACK_BYTES 800\n" in text
    n = reg.network_.theta.size
    assert f"#define MODEL_CONSTANT_BYTES {8 * n}\n" in text
    assert "#define MODEL_N_INPUTS 6\n#define MODEL_N_OUTPUTS 1\n" in text


def test_every_layer_and_every_function_is_used():
    # Dropout and DropConnect do not act in prediction.
    layers = {type(layer).__name__ for layer, _ in CASES} - {"Dropout", "DropConnect"}
    assert layers == {cls.__name__ for cls in LAYERS}
    text = "".join(
        source_of(plan_of_layer(Call(*case)), [], "m", "float", "") for case in CASES
    )
    of_heads = {"softmax", "quantiles", "mean", "largest", "pixels"}
    of_inputs = {"standardize", "clip", "smooth_clip", "missing"}
    used = {name for name in FUNCTIONS if f"m_{name}(" in text}
    assert used == FUNCTIONS.keys() - of_heads - of_inputs


def test_calls_are_wrapped_between_arguments():
    call = CCall("layer_norm", ("gamma", "beta", 12, 1, 1e-5))
    for length in range(1, 110):
        name = "n" * length
        text = call_text(call, name, {"gamma", "beta"}, "float")
        arguments = f"{name}_gamma, {name}_beta, 12, 1, 1e-05f"
        assert " ".join(text.split()) == f"{name}_layer_norm({arguments});"


def test_a_large_network_needs_an_int_of_32_bits(tmp_path):
    sizes = []
    for width in (600, 1200):
        reg = MLPRegressor(hidden_layer_sizes=(width,), max_iter=2)
        to_c(reg.fit(ROWS, ROWS[:, 0]), tmp_path / "m.c")
        text = (tmp_path / "m.c").read_text()
        sizes.append(int(re.search(r"MODEL_CONSTANT_BYTES (\d+)", text)[1]))
        assert ("#error" in text) == (sizes[-1] >= 2**15)
    assert sizes[0] < 2**15 < sizes[1]


@pytest.mark.parametrize("label", [1, 2**15 - 1, 2**15, -(2**15), 2**31 - 1, 2**31])
def test_large_labels_need_an_int_of_32_bits(label, tmp_path):
    y = np.array([0, label])[(ROWS[:, 0] > 0).astype(int)]
    to_c(MLPClassifier(**QUICK).fit(ROWS, y), tmp_path / "m.c")
    text = (tmp_path / "m.c").read_text()
    assert ("#error" in text) == (2**15 <= abs(label) < 2**31)
    assert ('"2147483648"' in text) == (label == 2**31)  # then it is text


@needs_compiler
def test_the_programs_of_the_guide(tmp_path):
    path = Path(__file__).parents[2] / "docs" / "guide" / "deployment.rst"
    page = path.read_text("utf-8")
    section = page[page.index("\nC\n-\n") : page.index("\nPyTorch\n---")]
    program, declarations = (
        textwrap.dedent(code)
        for code in re.findall(r"\.\. code-block:: c\n\n(.*?)\n\n\S", section, re.S)
    )
    together, apart = re.findall(r"^   cc (.*)$", section, re.M)
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier((8,), solver="lbfgs", random_state=0)
    clf.fit(X, load_iris().target_names[y])
    to_c(clf, tmp_path / "irises.c", name="irises")
    include = '#include "irises.c"'
    of_two_files = program.replace(include, declarations)
    assert of_two_files.count(include) == 1
    for text, options in ((program, together), (of_two_files, apart)):
        (tmp_path / "main.c").write_text(text)
        command = [CC, *options.split(), *WARNINGS]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        run = subprocess.run([tmp_path / "main"], capture_output=True, text=True)
        assert run.stdout == f"setosa, {clf.predict_proba(X[:1])[0, 0]:.2f}\n"


def test_the_file_says_how_it_is_compiled(tmp_path):
    to_c(fitted("MLP, relu")[0], tmp_path / "m.c", name="small")
    comment, _, code = (tmp_path / "m.c").read_text().partition("*/")
    assert "-lm" in comment
    assert "SMALL_DECLARATIONS_ONLY" in comment
    assert code.count("#ifndef SMALL_DECLARATIONS_ONLY\n") == 1


def test_the_same_model_gives_the_same_file(tmp_path):
    estimator, _ = fitted("Sequential, images")
    for file in ("a.c", "b.c"):
        to_c(estimator, tmp_path / file, name="same")
    assert (tmp_path / "a.c").read_bytes() == (tmp_path / "b.c").read_bytes()


# -- what is refused -------------------------------------------------------------------


class Kinked(ReLU):
    """An activation function of the user's own."""


class Wider(Dense):
    """A layer of the user's own."""


def test_parts_of_the_user_are_refused(tmp_path):
    reg = MLPRegressor(**QUICK, activation=Kinked()).fit(ROWS, ROWS[:, 0])
    with pytest.raises(ExportError, match=r"the activation Kinked\(\), which is not"):
        to_c(reg, tmp_path / "m.c")
    reg = SequentialRegressor([Wider(3)], max_iter=2).fit(ROWS, ROWS[:, 0])
    with pytest.raises(ExportError, match=r"the layer Wider\(.*\), which is not from"):
        to_c(reg, tmp_path / "m.c")
    assert not (tmp_path / "m.c").exists()


def test_other_steps_of_a_pipeline_are_refused(tmp_path):
    pipeline = make_pipeline(PCA(2), MLPRegressor(**QUICK)).fit(ROWS, ROWS[:, 0])
    with pytest.raises(
        ExportError, match=r"PCA\(n_components=2\), which to_c does not"
    ):
        to_c(pipeline, tmp_path / "m.c")


def test_an_unfitted_scaler_is_refused(tmp_path):
    pipeline = Pipeline([("scaler", StandardScaler()), ("mlp", fitted("MLP, relu")[0])])
    with pytest.raises(NotFittedError, match="This StandardScaler instance is not fit"):
        to_c(pipeline, tmp_path / "m.c")
    with pytest.raises(NotFittedError, match="This MLPRegressor instance is not fit"):
        to_c(MLPRegressor(), tmp_path / "m.c")


def test_a_class_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"got the class MLPRegressor\."):
        to_c(MLPRegressor, tmp_path / "m.c")


def test_categories_are_refused(tmp_path):
    estimator, _ = fitted("Tabular, categories")
    with pytest.raises(ExportError, match=r"\['color', 'town'\] are categories\.$"):
        to_c(estimator, tmp_path / "m.c")


@pytest.mark.parametrize("dtype", [bool, "boolean"])
def test_booleans_are_refused(dtype, tmp_path):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"size": ROWS[:, 0]})
    table["big"] = (table["size"] > 0).astype(dtype)
    estimator = TabularRegressor(**TABULAR).fit(table, ROWS[:, 1])
    with pytest.raises(ExportError, match=r"columns \['big'\] are booleans\. Convert"):
        to_c(estimator, tmp_path / "m.c")
    table["big"] = table["big"].astype(float)  # what the message says
    to_c(clone(estimator).fit(table, ROWS[:, 1]), tmp_path / "m.c")


@pytest.mark.parametrize("name", ["", "2x", "a-b", "é", None, "a b"])
def test_a_name_must_be_an_identifier(name, tmp_path):
    with pytest.raises(ValueError, match="name must consist of letters"):
        to_c(fitted("MLP, relu")[0], tmp_path / "m.c", name=name)


@pytest.mark.parametrize("dtype", ["float16", "int32", "x"])
def test_other_dtypes_are_refused(dtype, tmp_path):
    with pytest.raises(ValueError, match=r"dtype must be .*'float32' or 'float64'"):
        to_c(fitted("MLP, relu")[0], tmp_path / "m.c", dtype=dtype)


def test_weights_too_large_for_float_are_refused(tmp_path):
    reg = MLPRegressor(**QUICK).fit(ROWS, ROWS[:, 0])
    reg.coefs_[0][0, 0] = 1e300
    with pytest.raises(ExportError, match="'model_dense1_W' has values beyond 3"):
        to_c(reg, tmp_path / "m.c")
    to_c(reg, tmp_path / "m.c", dtype="float64")


def test_labels_of_the_models_are_covered():
    assert {y for _, _, y in MODELS.values()} == LABELS.keys()
